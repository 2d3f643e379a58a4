# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Letting pods of two networks see each other's own addresses while two plugins run.

To each plugin the other one's pods are the world outside, so that it masquerades what its pods send there (flannel,
FLANNEL-POSTRTG; Calico, natOutgoing). Rules before theirs accept such packets as they are, but for those that
kube-proxy has marked for masquerading (pkg/proxy/iptables, 0x4000).
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import List, Sequence, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._ip import ip_network
from ansible_collections.switchyard.cni.plugins.module_utils._node import _kernel
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader
from ansible_collections.switchyard.cni.plugins.module_utils._node._steps import Command, Step

COMMENT = "switchyard.cni own addresses"
_MARKED = "0x4000/0x4000"
_PROGRAMS = {4: "iptables", 6: "ip6tables"}
_ALL = "net.ipv4.conf.all.rp_filter"


@dataclass(frozen=True)
class Rules:
    """One family's chain POSTROUTING: its rules from the first on, each as words without its chain."""

    version: int
    there: Tuple[Tuple[str, ...], ...]


def gather(reader: NodeReader, versions: Sequence[int]) -> Tuple[Rules, ...]:
    """The chains as they are. Raises NodeError."""
    return tuple(Rules(version, tuple(_rules(reader, _PROGRAMS[version]))) for version in versions)


def _rules(reader: NodeReader, program: str) -> List[Tuple[str, ...]]:
    argv = [program, "-w", "5", "-t", "nat", "-S", "POSTROUTING"]
    done = reader.run(argv)
    if done.rc != 0:
        raise NodeError("{0} failed: {1}".format(" ".join(argv), done.reason))
    return [tuple(shlex.split(line)[2:]) for line in done.out.splitlines() if line.startswith("-A ")]


def strict(reader: NodeReader, devices: Sequence[str]) -> List[str]:
    """The devices on which answers that come another way are dropped: the kernel takes the higher of two values."""
    values = {dev: _value(reader, _kernel.sysctl_key("net", "ipv4", "conf", dev, "rp_filter")) for dev in devices}
    of_all = _value(reader, _ALL)
    return [dev for dev, value in values.items() if max(of_all, value) == 1]


def _value(reader: NodeReader, key: str) -> int:
    try:
        return int(_kernel.read_sysctl(reader, key))
    except (OSError, ValueError):
        return 0


def plan(found: Sequence[Rules], pairs: Sequence[Tuple[str, str]], present: bool) -> Tuple[Step, ...]:
    """What brings the rules to the top of their chain, or takes them away."""
    steps: List[Step] = []
    for rules in found:
        own = [rule for rule in rules.there if COMMENT in rule]
        wanted = [_rule(source, target) for source, target in pairs if _version(source) == rules.version]
        if present and list(rules.there[: len(wanted)]) == [tuple(rule) for rule in wanted] and len(own) == len(wanted):
            continue
        base = (_PROGRAMS[rules.version], "-w", "5", "-t", "nat")
        steps += [Command("remove a rule of POSTROUTING", base + ("-D", "POSTROUTING") + rule) for rule in own]
        if present:
            for rule in reversed(wanted):
                steps.append(Command("add a rule to POSTROUTING", base + ("-I", "POSTROUTING", "1", *rule)))
    return tuple(steps)


def both_ways(first: Sequence[str], second: Sequence[str]) -> List[Tuple[str, str]]:
    """From each network of the one to each of the other in the same family, and back."""
    pairs = [(one, other) for one in first for other in second if _version(one) == _version(other)]
    return pairs + [(other, one) for one, other in pairs]


def _rule(source: str, target: str) -> List[str]:
    """In the words and the order in which iptables prints them."""
    words = ["-s", source, "-d", target, "-m", "mark", "!", "--mark", _MARKED]
    return [*words, "-m", "comment", "--comment", COMMENT, "-j", "ACCEPT"]


def _version(cidr: str) -> int:
    return ip_network(cidr).version
