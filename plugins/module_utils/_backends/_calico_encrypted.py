# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's WireGuard: whatever the IPPool says, packets of pods to other nodes go encrypted over ``wireguard.cali``.

Source: felix/wireguard of Calico v3.32. A policy rule before the main table's (WireguardRoutingRulePriority, 99) sends
all but WireGuard's own packets to a table in which each peer's blocks lead to the device; the routes of the IPPool's
mode stay in the main table, and carry what goes to a peer without a key. Keys and addresses are annotations of Nodes.
This file is private to the collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.switchyard.cni.plugins.module_utils._backends._base import BackendOptions, Network
from ansible_collections.switchyard.cni.plugins.module_utils._backends._calico import BACKENDS as _PLAIN
from ansible_collections.switchyard.cni.plugins.module_utils._backends._calico import PREFIX, Calico
from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import Announced, Endpoint
from ansible_collections.switchyard.cni.plugins.module_utils._backends._needs import KernelFeature, Transport
from ansible_collections.switchyard.cni.plugins.module_utils._model import Address, FdbEntry, Link, Neighbour, Route

WIREGUARD = KernelFeature("wireguard", "CONFIG_WIREGUARD", "wireguard")
DEVICE = "wireguard.cali"
PORT = 51820


class Encrypted(Calico):
    """A mode of an IPPool under WireGuard: 60 bytes over IPv4 (wireguardMTUOverhead); IPv4 only here."""

    overhead = 60
    encrypts = True
    own_rules = True

    def __init__(self, mode: Calico) -> None:
        self._mode = mode
        self.type = mode.type
        self.label = mode.label + ", encrypted by WireGuard"
        self.direct_routing = mode.direct_routing
        self.speaks_bgp = mode.speaks_bgp
        self.ip_versions = mode.ip_versions
        self.own_features = (*mode.own_features, WIREGUARD)

    def transport(self, network: Network) -> t.Optional[Transport]:
        return Transport("udp", 17, (PORT,))

    def devices(self, network: Network) -> t.Tuple[str, ...]:
        return (*self._mode.devices(network), DEVICE)

    def route_devices(self, node: Endpoint, network: Network) -> t.Tuple[str, ...]:
        return self._mode.route_devices(node, network)

    def links(self, node: Endpoint, network: Network) -> t.Tuple[Link, ...]:
        mtu = self.pod_mtu(node.underlay.mtu, network.options)
        return (*self._mode.links(node, network), Link(name=DEVICE, mtu=mtu, kind="wireguard"))

    def addresses(self, node: Endpoint, network: Network) -> t.Tuple[Address, ...]:
        own = node.encrypting_ip(4)
        return (*self._mode.addresses(node, network), *((Address(DEVICE, own, 32),) if own else ()))

    def routes(self, node: Endpoint, peers: t.Iterable[Endpoint], network: Network) -> t.Tuple[Route, ...]:
        return self._mode.routes(node, peers, network)

    def neighbours(self, node: Endpoint, peers: t.Iterable[Endpoint], network: Network) -> t.Tuple[Neighbour, ...]:
        return self._mode.neighbours(node, peers, network)

    def fdb(self, node: Endpoint, peers: t.Iterable[Endpoint], network: Network) -> t.Tuple[FdbEntry, ...]:
        return self._mode.fdb(node, peers, network)

    def far_end(self, peer: Endpoint, version: int) -> t.Optional[str]:
        return peer.encrypting_ip(version)

    def backend_conf(self, options: BackendOptions) -> t.Dict[str, t.Any]:
        return self._mode.backend_conf(options)

    def announced(self, notes: t.Mapping[str, str]) -> Announced:
        own = notes.get(PREFIX + "IPv4WireguardInterfaceAddr")
        return replace(
            self._mode.announced(notes),
            public_key=notes.get(PREFIX + "WireguardPublicKey") or None,
            encrypting_ips=(own,) if own else (),
        )


BACKENDS: t.Tuple[Calico, ...] = tuple(map(Encrypted, _PLAIN))
