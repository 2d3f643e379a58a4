# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sweep may remove and what it has to leave.

This package is private to the collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.switchyard.cni.plugins.module_utils._backends import traces
from ansible_collections.switchyard.cni.plugins.module_utils._ip import IPNetwork, inside, ip_network

UNLOADABLE = ("ipip",)
"""The kernel modules of which a node tells whether anybody uses them: by the devices of the kind of this name."""


class OrderError(ValueError):
    """An order that cannot be read; the message names the option and the way out."""


@dataclass(frozen=True)
class Keep:
    """The network in force on the node.

    ``devices`` are its tunnel devices, ``route_devices`` those over which its routes to other nodes' pods lead, and
    ``nftables`` tells whether its agent writes nftables instead of iptables.
    """

    plugin: str
    devices: t.Tuple[str, ...] = ()
    bridge: t.Optional[str] = None
    route_devices: t.Tuple[str, ...] = ()
    nftables: bool = False


@dataclass(frozen=True)
class SweepOrder:
    """What goes: everything that ``plugins`` have left, but for what ``keep`` has in use.

    ``prefixes`` are the lengths of nodes' subnets in bits. ``in_use`` says that what pods still use goes too,
    ``unload`` names kernel modules that go when nobody on the node uses them any more. ``leases_only`` says that
    nothing goes but reserved addresses that no pod has, even while the agents run; ``routes_only`` that nothing goes
    but routes.
    """

    plugins: t.Tuple[str, ...]
    pod_networks: t.Tuple[IPNetwork, ...]
    prefixes: t.FrozenSet[int] = frozenset()
    keep: t.Optional[Keep] = None
    in_use: bool = False
    unload: t.Tuple[str, ...] = ()
    leases_only: bool = False
    routes_only: bool = False

    def holds(self, network: IPNetwork) -> bool:
        """Whether a network is part of the pods'."""
        return inside(network, self.pod_networks)


def parse_order(option: t.Mapping[str, t.Any]) -> SweepOrder:
    """The order that a module was given. Raises OrderError."""
    known = traces()
    plugins = tuple(option.get("plugins") or known)
    unknown = [plugin for plugin in plugins if plugin not in known]
    if unknown:
        raise OrderError("plugins: %s is unknown; choose from %s" % (", ".join(unknown), ", ".join(known)))
    strange = sorted(set(option.get("unload") or ()) - set(UNLOADABLE))
    if strange:
        raise OrderError("unload: %s cannot be unloaded; choose from %s" % (", ".join(strange), ", ".join(UNLOADABLE)))
    keep = option.get("keep")
    return SweepOrder(
        plugins=plugins,
        pod_networks=tuple(_network(text) for text in option.get("pod_networks") or ()),
        prefixes=frozenset(int(length) for length in option.get("prefixes") or ()),
        keep=_keep(keep, tuple(known)) if keep else None,
        in_use=bool(option.get("in_use")),
        unload=tuple(option.get("unload") or ()),
        leases_only=bool(option.get("leases_only")),
        routes_only=bool(option.get("routes_only")),
    )


def _network(text: str) -> IPNetwork:
    try:
        return ip_network(text)
    except ValueError as error:
        raise OrderError("pod_networks: %s: %s; give networks such as 10.244.0.0/16" % (text, error)) from error


def _keep(option: t.Mapping[str, t.Any], known: t.Tuple[str, ...]) -> Keep:
    if option["plugin"] not in known:
        raise OrderError("keep: plugin %s is unknown; choose from %s" % (option["plugin"], ", ".join(known)))
    return Keep(
        plugin=option["plugin"],
        devices=tuple(option.get("devices") or ()),
        bridge=option.get("bridge") or None,
        route_devices=tuple(option.get("route_devices") or ()),
        nftables=bool(option.get("nftables")),
    )
