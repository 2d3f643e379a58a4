# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a sweep. What is gone already is what was wanted."""

from __future__ import annotations

import shlex
import typing as t
from dataclasses import dataclass

from ansible_collections.switchyard.cni.plugins.module_utils._model import Route, Rule
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._firewall import save_tool
from ansible_collections.switchyard.cni.plugins.module_utils._node._hold import rule_words
from ansible_collections.switchyard.cni.plugins.module_utils._node._leases import NETWORKS
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeWriter
from ansible_collections.switchyard.cni.plugins.module_utils._node._steps import DiffEntry, Remove, Step

# What the tools say of a thing that is not there (iproute2's and the kernel's words).
_GONE = ("No such process", "Cannot find device", "Cannot assign requested address", "No such file", "does not exist")
_SHOWN = 5
"""Chains named in words; each of Calico's endpoints has some of its own, and the diff names all."""
_PROGRAMS = {"ip": "iptables", "ip6": "ip6tables"}


class _Removal(Step):
    """Removing one thing of the kernel."""

    @property
    def what(self) -> str:
        """The thing, for people."""
        raise NotImplementedError

    def describe(self) -> str:
        return "remove " + self.what

    def diff(self) -> t.Optional[DiffEntry]:
        return {
            "before_header": self.what,
            "after_header": self.what,
            "before": "present\n",
            "after": "absent\n",
        }


def _run(node: NodeWriter, argv: t.Sequence[str]) -> None:
    done = node.run(list(argv))
    if done.rc != 0 and not any(sign in done.reason for sign in _GONE):
        raise NodeError("%s failed: %s" % (" ".join(argv), done.reason))


@dataclass(frozen=True)
class RemoveRoute(_Removal):
    """A route, named so exactly that no other one can be meant."""

    route: Route

    @property
    def what(self) -> str:
        return "route %s" % (self.route,)

    def apply(self, node: NodeWriter) -> None:
        route = self.route
        argv = ["ip", "-%d" % route.version, "route", "del"]
        argv += [] if route.type == "unicast" else [route.type]
        argv.append(route.dst)
        for word, value in (("via", route.gateway), ("dev", route.dev), ("proto", route.protocol)):
            argv += [word, value] if value else []
        argv += ["table", route.table] if route.table != "main" else []
        _run(node, argv + (["metric", str(route.metric)] if route.metric else []))


@dataclass(frozen=True)
class RemoveRule(_Removal):
    """A policy rule of an agent, or one that was held while a network changed."""

    rule: Rule

    @property
    def what(self) -> str:
        return "rule %s" % (self.rule,)

    def apply(self, node: NodeWriter) -> None:
        _run(node, ["ip", "-%d" % self.rule.version, "rule", "del", *rule_words(self.rule).split()])


@dataclass(frozen=True)
class RemoveAddress(_Removal):
    """An address of a device, which itself stays."""

    dev: str
    address: str

    @property
    def what(self) -> str:
        return "address %s of %s" % (self.address, self.dev)

    def apply(self, node: NodeWriter) -> None:
        _run(node, ["ip", "address", "del", self.address, "dev", self.dev])


@dataclass(frozen=True)
class RemoveLink(_Removal):
    """A device, and with it its routes, addresses, neighbours and forwarding entries."""

    name: str
    kind: str

    @property
    def what(self) -> str:
        return "device %s (%s)" % (self.name, self.kind)

    def apply(self, node: NodeWriter) -> None:
        _run(node, ["ip", "link", "del", self.name])


@dataclass(frozen=True)
class RemoveChains(_Removal):
    """An agent's chains in one table of iptables, and its rules in chains of others, in one transaction.

    Those are the rules that jump to its chains, and those with a comment that begins with one of ``comments``.
    """

    flavour: str
    family: str
    table: str
    names: t.Tuple[str, ...]
    comments: t.Tuple[str, ...] = ()

    @property
    def what(self) -> str:
        shown = ", ".join(self.names[:_SHOWN])
        if len(self.names) > _SHOWN:
            shown += " and %d more" % (len(self.names) - _SHOWN)
        return "chains %s (%s, table %s %s)" % (shown, self.flavour, self.family, self.table)

    def diff(self) -> t.Optional[DiffEntry]:
        header = "chains (%s, table %s %s)" % (self.flavour, self.family, self.table)
        return {"before_header": header, "after_header": header, "before": "\n".join(self.names) + "\n", "after": ""}

    def apply(self, node: NodeWriter) -> None:
        program, own = _PROGRAMS[self.family], self.flavour.rpartition("-")[2]
        save = save_tool(node, program, own, "nf_tables" if own == "nft" else "legacy")
        saved = node.run([save, "-t", self.table])
        if saved.rc != 0:
            raise NodeError("%s -t %s failed: %s" % (save, self.table, saved.reason))
        script = removal(saved.out, self.table, self.names, self.comments)
        if not script:
            return
        argv = [save[: -len("save")] + "restore", "--noflush", "--wait", "5"]
        done = node.feed(argv, script)
        if done.rc != 0:
            raise NodeError("%s failed: %s" % (" ".join(argv), done.reason))


def removal(saved: str, table: str, names: t.Collection[str], comments: t.Tuple[str, ...] = ()) -> str:
    """The input of iptables-restore that removes chains of a table; empty when none is there (iptables-save(8))."""
    lines = saved.splitlines()
    there = [name for name in names if any(line.startswith(":%s " % name) for line in lines)]
    if not there:
        return ""
    rules = [(line, shlex.split(line)) for line in lines if line.startswith("-A ")]
    theirs = [line for line, words in rules if words[1] not in there and _is_of(words, there, comments)]
    script = ["*" + table]
    # With --noflush, declaring a chain of one's own empties it.
    script += [":%s - [0:0]" % name for name in there]
    script += ["-D" + line[2:] for line in theirs]
    script += ["-X " + name for name in there]
    return "\n".join(script + ["COMMIT", ""])


def _is_of(words: t.Sequence[str], names: t.Collection[str], comments: t.Tuple[str, ...]) -> bool:
    """Whether a rule leads to one of these chains, or is signed in its comment, which is one word."""
    pairs = list(zip(words, words[1:]))
    leads = any(word in ("-j", "-g") and to in names for word, to in pairs)
    return leads or any(word == "--comment" and said.startswith(comments) for word, said in pairs if comments)


@dataclass(frozen=True)
class RemoveTable(_Removal):
    """A table of nftables with all it holds."""

    family: str
    name: str

    @property
    def what(self) -> str:
        return "nftables table %s %s" % (self.family, self.name)

    def apply(self, node: NodeWriter) -> None:
        _run(node, ["nft", "delete", "table", self.family, self.name])


@dataclass(frozen=True)
class RemoveIpset(_Removal):
    """A set, which nothing refers to once the chains are gone."""

    name: str

    @property
    def what(self) -> str:
        return "ipset %s" % self.name

    def apply(self, node: NodeWriter) -> None:
        _run(node, ["ipset", "destroy", self.name])


@dataclass(frozen=True)
class RemoveLease(_Removal):
    """host-local's reservation of an address. One that was renewed since it was looked at stays."""

    network: str
    address: str
    older: float

    @property
    def what(self) -> str:
        return "reservation of %s in %s" % (self.address, self.network)

    def apply(self, node: NodeWriter) -> None:
        path = "%s/%s/%s" % (NETWORKS, self.network, self.address)
        found = node.stat(path)
        if found is not None and node.wall_clock() - found.mtime >= self.older:
            Remove(path).apply(node)


@dataclass(frozen=True)
class UnloadModule(_Removal):
    """A kernel module, with all devices of its kind, also the idle ones that pods have of it."""

    name: str

    @property
    def what(self) -> str:
        return "kernel module %s" % self.name

    def apply(self, node: NodeWriter) -> None:
        _run(node, ["modprobe", "-r", self.name])
