# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What makes a node's container runtime trust a registry: files, and rarely a restart. Pure.

Sources: containerd, docs/hosts.md; dockerd(8), /etc/docker/certs.d; containers-certs.d(5) for CRI-O and its relatives;
kubelet, "configure nodes to authenticate to a private registry" (/var/lib/kubelet/config.json);
update-ca-certificates(8), update-ca-trust(8).
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import PlanError
from ansible_collections.switchyard.cni.plugins.module_utils._node._state import Wanted, WantedFile, WantedService
from ansible_collections.switchyard.cni.plugins.module_utils._registry import _containerd

CONTAINERD, DOCKER, CRIO = "containerd", "docker", "cri-o"
SIGNATURE = "# Written by the Ansible collection switchyard.cni.\n"
CREDENTIALS = "/var/lib/kubelet/config.json"
_CERTS = {DOCKER: "/etc/docker/certs.d", CRIO: "/etc/containers/certs.d"}
# Where the store's own program looks for what an administrator adds, and the program.
STORES = (
    ("update-ca-certificates", "/usr/local/share/ca-certificates"),
    ("update-ca-trust", "/etc/pki/ca-trust/source/anchors"),
)


@dataclass(frozen=True)
class Order:
    """What the operator wants. ``authority`` is PEM, empty where a public authority is enough."""

    registry: str
    present: bool = True
    authority: str = ""
    system: bool = False
    username: str = ""
    password: str = ""


@dataclass(frozen=True)
class Node:
    """What there is: the runtimes, containerd's configuration and what of it is in force, and files by path.

    ``foreign`` says that a distribution writes containerd's configuration itself; ``files`` holds texts, None for none;
    ``store`` is the program of the system store and its directory.
    """

    runtimes: Tuple[str, ...]
    config: str = ""
    config_text: Optional[str] = None
    config_mode: int = 0o644
    in_force: str = ""
    foreign: str = ""
    files: Mapping[str, Optional[str]] = field(default_factory=dict)
    store: Optional[Tuple[str, str]] = None


@dataclass(frozen=True)
class Goal:
    """The state to reach, containerd's new configuration where it needs one, and whether the store is told."""

    wanted: Wanted
    config: Optional[WantedFile] = None
    store: Optional[str] = None


def paths(registry: str, store: Optional[Tuple[str, str]], directory: str = _containerd.DIRECTORY) -> List[str]:
    """All files that may be written or removed."""
    found = ["{0}/{1}/{2}".format(directory, registry, name) for name in ("hosts.toml", "ca.crt")]
    found += ["{0}/{1}/ca.crt".format(place, registry) for place in _CERTS.values()]
    return found + ([_anchor(registry, store[1])] if store else []) + [CREDENTIALS]


def goal(order: Order, node: Node) -> Goal:
    """What this node shall look like. Raises PlanError."""
    draft = _Draft(order, node)
    if not node.runtimes:
        draft.problems.append(
            "no container runtime is found: neither containerd nor Docker nor CRI-O has a socket here"
        )
    for name in node.runtimes:
        if name == CONTAINERD:
            draft.of_containerd()
        else:
            draft.of_certs_d(_CERTS[name])
    draft.of_the_store()
    draft.of_the_kubelet()
    if draft.problems:
        raise PlanError(draft.problems)
    services: Tuple[WantedService, ...] = ()
    if draft.config is not None:
        services = (WantedService("containerd.service", None, "restarted", (draft.config.path,)),)
    files = draft.files + ([draft.config] if draft.config is not None else [])
    wanted = Wanted(files=tuple(files), absent=tuple(draft.absent), services=services)
    return Goal(wanted, draft.config, node.store[0] if node.store and draft.store_concerned else None)


class _Draft:
    def __init__(self, order: Order, node: Node) -> None:
        self._order, self._node = order, node
        self.files: List[WantedFile] = []
        self.absent: List[str] = []
        self.problems: List[str] = []
        self.config: Optional[WantedFile] = None
        self.store_concerned = False

    def of_containerd(self) -> None:
        """A hosts.toml, and a configuration that has containerd look for it."""
        if self._node.foreign:
            self.problems.append(self._node.foreign)
            return
        directory = _containerd.looks_at(self._node.in_force) or _containerd.DIRECTORY
        folder = "{0}/{1}".format(directory, self._order.registry)
        hosts = folder + "/hosts.toml"
        text = self._node.files.get(hosts)
        if text is not None and not text.startswith(SIGNATURE):
            message = "{0} was written by somebody else; move it aside, or declare what it says as network_registry"
            self.problems.append(message.format(hosts))
        elif self._order.present:
            ca = folder + "/ca.crt" if self._order.authority else ""
            self.files.append(_file(hosts, _hosts(self._order.registry, ca)))
            self._authority(folder)
            self._look_there()
        elif text is not None:
            self.absent += [hosts, folder + "/ca.crt"]

    def _look_there(self) -> None:
        """containerd reads the directory at each pull; only that it looks there is read at its start."""
        text = self._node.config_text
        if _containerd.looks_at(self._node.in_force) is None:
            hindrance = _containerd.hinders(text or "")
            if hindrance:
                message = "[{0}] in {1} cannot stand beside config_path; move what it says to hosts.toml files"
                self.problems.append(message.format(hindrance, self._node.config))
                return
            self.config = _file(self._node.config, _containerd.looking_at(text or ""), self._node.config_mode)
        elif text is not None:
            # As it is: what an interrupted run has written and containerd has not read since is read now.
            self.config = _file(self._node.config, text, self._node.config_mode)

    def of_certs_d(self, directory: str) -> None:
        """What Docker began and others have taken over: a file in a directory of the registry's name."""
        folder = "{0}/{1}".format(directory, self._order.registry)
        if self._order.present and self._order.authority:
            self._authority(folder)
        elif self._node.files.get(folder + "/ca.crt") is not None:
            self.absent.append(folder + "/ca.crt")

    def _authority(self, folder: str) -> None:
        if self._order.authority:
            self.files.append(_file(folder + "/ca.crt", self._order.authority))

    def of_the_store(self) -> None:
        """The system's own, for programs that are no runtime."""
        node, order = self._node, self._order
        wanted = order.present and order.system and bool(order.authority)
        if node.store is None:
            if wanted:
                told = " nor ".join(program for program, dummy in STORES)
                self.problems.append("the system store cannot be told: there is neither {0}".format(told))
            return
        anchor = _anchor(order.registry, node.store[1])
        there = node.files.get(anchor)
        if wanted:
            self.files.append(_file(anchor, order.authority))
        elif there is not None:
            self.absent.append(anchor)
        self.store_concerned = there != order.authority if wanted else there is not None

    def of_the_kubelet(self) -> None:
        """Credentials of other registries stay."""
        order, text = self._order, self._node.files.get(CREDENTIALS)
        try:
            told: Dict[str, Any] = json.loads(text) if text else {}
            known = dict(told.get("auths") or {})
        except (ValueError, AttributeError, TypeError):
            self.problems.append("{0} is not what a kubelet reads; move it aside".format(CREDENTIALS))
            return
        if order.present and order.username:
            pair = "{0}:{1}".format(order.username, order.password)
            entry = {"auth": base64.b64encode(pair.encode("utf-8")).decode("ascii")}
            if known.get(order.registry) == entry:
                return
            known[order.registry] = entry
        elif order.registry in known and not order.present:
            del known[order.registry]
        else:
            return
        told = dict(told, auths=known)
        if not known and set(told) == {"auths"}:
            self.absent.append(CREDENTIALS)
        else:
            self.files.append(WantedFile(CREDENTIALS, (json.dumps(told, indent=2) + "\n").encode("utf-8"), 0o600, True))


def _anchor(registry: str, directory: str) -> str:
    return "{0}/switchyard-{1}.crt".format(directory, registry.replace(":", "-"))


def _hosts(registry: str, ca: str) -> str:
    # One host: a [host] besides would be asked first, and then its server, without its trust, for what it has not.
    text = '{0}server = "https://{1}"\ncapabilities = ["pull", "resolve"]\n'.format(SIGNATURE, registry)
    return text + ('ca = "{0}"\n'.format(ca) if ca else "")


def _file(path: str, text: str, mode: int = 0o644) -> WantedFile:
    return WantedFile(path, text.encode("utf-8"), mode)
