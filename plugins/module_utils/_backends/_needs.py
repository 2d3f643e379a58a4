# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a backend needs of a node, and what its plugin leaves there, as data.

This file is private to the collection.
"""

from __future__ import annotations

import fnmatch
import typing as t
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class KernelFeature:
    """A part of the kernel as node_network_info calls it, its build option, and the module that carries it."""

    feature: str
    option: str
    module: str


@dataclass(frozen=True)
class Transport:
    """What crosses the underlay: ``protocol`` is ``udp`` with ``ports``, or an IP protocol ``number``."""

    protocol: str
    number: int
    ports: t.Tuple[int, ...] = ()

    def __str__(self) -> str:
        if self.ports:
            return "%s port %s" % (self.protocol, ", ".join(str(port) for port in self.ports))
        return "IP protocol %d (%s)" % (self.number, self.protocol)


@dataclass(frozen=True)
class Privileges:
    """What the agent's container needs. ``host_devices`` are device nodes of the host."""

    privileged: bool = False
    capabilities: t.Tuple[str, ...] = ("NET_ADMIN", "NET_RAW")
    host_devices: t.Tuple[str, ...] = ()


@dataclass(frozen=True)
class Leftovers:
    """What stays on a node when the agent of this backend stops."""

    devices: t.Tuple[str, ...] = ()
    routes: bool = False
    files: t.Tuple[str, ...] = ()


@dataclass(frozen=True)
class ExpectedChain:
    """A chain that the agent keeps in the packet filter, and the base chain that jumps to it.

    ``hooked`` is None for a chain that is a base chain itself, as those of nftables are.
    """

    family: str
    table: str
    name: str
    hooked: t.Optional[str] = None
    nft: bool = False

    def __str__(self) -> str:
        return "%s in table %s %s" % (self.name, self.family, self.table)


@dataclass(frozen=True)
class Traces:
    """Everything by which a plugin can be recognised on a node, whichever of its backends made it.

    ``devices`` are name patterns (fnmatch), ``kinds`` narrower ones, each with the kind of device that the plugin makes
    by such a name (ip-link(8)); ``shared_devices`` may belong to somebody else, so only an address or a route on them
    counts. ``agents`` are processes: the agent itself, then those that serve it. ``protocols`` are the route protocols
    of its programs (rtnetlink(7)), ``comments`` how the comments of its rules in others' chains begin, ``caches`` the
    directories in which its CNI plugin remembers pods. ``annotations`` is the prefix of its notes on a Node.
    """

    devices: t.Tuple[str, ...] = ()
    kinds: t.Tuple[t.Tuple[str, str], ...] = ()
    shared_devices: t.Tuple[str, ...] = ()
    protocols: t.Tuple[str, ...] = ()
    chains: t.Tuple[str, ...] = ()
    comments: t.Tuple[str, ...] = ()
    filter_tables: t.Tuple[str, ...] = ()
    ipsets: t.Tuple[str, ...] = ()
    files: t.Tuple[str, ...] = ()
    cni_configs: t.Tuple[str, ...] = ()
    cni_plugins: t.Tuple[str, ...] = ()
    lease_networks: t.Tuple[str, ...] = ()
    caches: t.Tuple[str, ...] = ()
    agents: t.Tuple[str, ...] = ()
    annotations: str = ""

    def has_device(self, name: str) -> bool:
        """Whether a device of this name is the plugin's own."""
        return matches(name, self.devices)

    def makes(self, name: str, kind: t.Optional[str]) -> bool:
        """Whether a device is one that the plugin's agent makes, and not somebody else's under such a name."""
        return any(kind == one and matches(name, (pattern,)) for pattern, one in self.kinds)


@lru_cache(maxsize=1 << 14)
def matches(name: str, patterns: t.Tuple[str, ...]) -> bool:
    """Whether a name fits one of some patterns (fnmatch, with case). All nodes of a cluster ask for the same few."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
