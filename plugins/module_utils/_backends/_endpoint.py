# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node as the pod network sees it, and how its kernel reaches an address.

This file is private to the collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.switchyard.cni.plugins.module_utils._ip import inside
from ansible_collections.switchyard.cni.plugins.module_utils._model import (
    IPNetwork,
    NodeFacts,
    Route,
    ip_address,
    ip_network,
    network_around,
)

_LINK_LOCAL = (ip_network("169.254.0.0/16"), ip_network("fe80::/10"))
"""RFC 3927 and RFC 4291, section 2.5.6: every device has one of them, which says nothing about the way to a peer."""


@dataclass(frozen=True)
class Underlay:
    """The device that carries the pod network of a node, its MTU in bytes, and its first address of each family."""

    dev: str
    mtu: int
    addresses: t.Tuple[t.Tuple[str, int], ...] = ()

    def address(self, version: int) -> t.Optional[str]:
        """The node's address of that IP version on the device."""
        return _of_version((address for address, dummy in self.addresses), version)

    def network(self, version: int) -> t.Optional[IPNetwork]:
        """The network of that IP version that the device is in."""
        for address, prefixlen in self.addresses:
            if (":" in address) == (version == 6):
                return network_around(address, prefixlen)
        return None


@dataclass(frozen=True)
class Announced:
    """What a node's agent makes known to its peers, as far as it does.

    ``type`` is the backend it calls itself; ``addresses`` are the node's own, with prefix length where that is told;
    ``macs`` maps an IP version to the MAC address of the VTEP, ``tunnel_ips`` are the tunnel devices' addresses, and
    ``public_key`` is that of WireGuard; ``encrypting_ips`` are the addresses of its device where there is a tunnel
    device besides. ``as_number`` is None for the cluster's own; a ``reflector`` of BGP routes is
    no part of the node-to-node mesh.
    """

    type: t.Optional[str] = None
    addresses: t.Tuple[str, ...] = ()
    macs: t.Tuple[t.Tuple[int, str], ...] = ()
    tunnel_ips: t.Tuple[str, ...] = ()
    public_key: t.Optional[str] = None
    encrypting_ips: t.Tuple[str, ...] = ()
    as_number: t.Optional[int] = None
    reflector: bool = False
    damaged: t.Optional[str] = None


@dataclass(frozen=True)
class Endpoint:
    """A node as its peers see it: its pod subnets, where to reach it, and what it reaches directly.

    A node of flannel has one pod subnet a family, one of Calico any number of blocks. ``public_ips`` replaces the
    underlay's address of its family, as flannel's public-ip-overwrite does. ``table`` holds the node's routes that
    do not belong to the pod network. ``macs`` and ``tunnel_ips`` are what the node has announced of its tunnel
    devices: the MAC address of each IP version, and the addresses; ``encrypting_ips`` those of a device that encrypts
    beside them.
    """

    name: str
    pod_cidrs: t.Tuple[IPNetwork, ...]
    underlay: Underlay
    public_ips: t.Tuple[str, ...] = ()
    table: t.Tuple[Route, ...] = ()
    macs: t.Tuple[t.Tuple[int, str], ...] = ()
    tunnel_ips: t.Tuple[str, ...] = ()
    encrypting_ips: t.Tuple[str, ...] = ()

    def subnet(self, version: int) -> t.Optional[IPNetwork]:
        """The node's first pod subnet of that IP version."""
        for network in self.pod_cidrs:
            if network.version == version:
                return network
        return None

    def address(self, version: int) -> t.Optional[str]:
        """The address of that IP version at which peers reach the node."""
        return _of_version(self.public_ips, version) or self.underlay.address(version)

    def tunnel_ip(self, version: int) -> t.Optional[str]:
        """The announced address of that IP version of the node's tunnel device."""
        return _of_version(self.tunnel_ips, version)

    def encrypting_ip(self, version: int) -> t.Optional[str]:
        """The announced address of that IP version of the node's device that encrypts."""
        return _of_version(self.encrypting_ips, version)

    def mac(self, version: int) -> t.Optional[str]:
        """The announced MAC address of the node's VTEP of that IP version."""
        return dict(self.macs).get(version)


def _of_version(addresses: t.Iterable[str], version: int) -> t.Optional[str]:
    # Only IPv6 addresses have colons (RFC 4291, section 2.2); parsing thousands of addresses to learn it is slow.
    return next((address for address in addresses if (":" in address) == (version == 6)), None)


def networks(cidrs: t.Iterable[str]) -> t.Tuple[IPNetwork, ...]:
    """CIDRs as networks. Raises ValueError."""
    return tuple(ip_network(cidr) for cidr in cidrs)


class Lookup:
    """The kernel's route lookup over a few routes: the longest prefix wins, then the lowest metric."""

    def __init__(self, node: Endpoint) -> None:
        self._routes = [(route.network, route) for route in node.table]
        self._routes += [(network, Route(dst=str(network), dev=node.underlay.dev)) for network in _connected(node)]
        self._routes.sort(key=lambda pair: (-pair[0].prefixlen, pair[1].metric))

    def route(self, address: str) -> t.Optional[Route]:
        """The route a packet to that address takes; None = unreachable."""
        target = ip_address(address)
        for network, route in self._routes:
            if target.version == network.version and target in network:
                return route
        return None

    def direct(self, address: str) -> t.Optional[str]:
        """The device when the address is on the node's own layer 2 (its route has no gateway), else None.

        This is flannel's own test: DirectRouting() in pkg/ip/iface.go.
        """
        route = self.route(address)
        return route.dev if route and not route.gateway else None


def _connected(node: Endpoint) -> t.Iterator[IPNetwork]:
    for version in (4, 6):
        network = node.underlay.network(version)
        if network is not None:
            yield network


def endpoint_table(facts: NodeFacts, pod_cidrs: t.Iterable[IPNetwork]) -> t.Tuple[Route, ...]:
    """The node's routes that do not lead to pods: the ones that decide how a peer is reached."""
    others = (*pod_cidrs, *_LINK_LOCAL)
    return tuple(
        route
        for route in facts.routes
        if route.table == "main" and route.type == "unicast" and not inside(route.network, others)
    )
