# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every backend can say about itself.

A backend is an object with data and pure functions. The engine asks; it never compares backend names.
This file is private to the collection.
"""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass, field

from ansible_collections.switchyard.cni.plugins.module_utils._model import (
    IPNetwork,
    Link,
    NodeFacts,
    Route,
)

# typing.Protocol would describe Network, but it exists at run time only to be read by people and mypy.
if t.TYPE_CHECKING:  # pragma: no cover
    from typing import Protocol
else:
    Protocol = object


class BackendError(ValueError):
    """A backend was asked for something it cannot do; the message says what and how else."""


@dataclass(frozen=True)
class BackendOptions:
    """What an operator may set about a backend.

    ``port`` None means the backend's own default. ``mtu`` (bytes) is the MTU of the NIC: the backend
    subtracts its overhead; None means what the NIC has. ``keepalive`` in seconds, 0 = off.
    """

    vni: int = 1
    port: t.Optional[int] = None
    mtu: t.Optional[int] = None
    learning: bool = False
    wireguard_psk: str = field(default="", repr=False)
    wireguard_keepalive: int = 0
    wireguard_mode: str = "separate"


class Network(Protocol):
    """The part of the intent that a backend reads."""

    @property
    def pod_cidrs(self) -> t.Tuple[IPNetwork, ...]:
        """The pods' networks, one a family."""

    @property
    def options(self) -> BackendOptions:
        """What the operator set about the backend."""


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
class Underlay:
    """The device that carries the pod network of a node, its MTU in bytes, and its first address of each family."""

    dev: str
    mtu: int
    addresses: t.Tuple[t.Tuple[str, int], ...] = ()

    def address(self, version: int) -> t.Optional[str]:
        """The node's address of that IP version on the device."""
        for address, dummy in self.addresses:
            if ipaddress.ip_address(address).version == version:
                return address
        return None

    def network(self, version: int) -> t.Optional[IPNetwork]:
        """The network of that IP version that the device is in."""
        for address, prefixlen in self.addresses:
            interface = ipaddress.ip_interface("%s/%d" % (address, prefixlen))
            if interface.version == version:
                return interface.network
        return None


@dataclass(frozen=True)
class Endpoint:
    """A node as its peers see it: its pod subnets (one a family), where to reach it, and what it reaches directly.

    ``public_ips`` replaces the underlay's address of its family, as flannel's public-ip-overwrite does.
    ``table`` holds the node's routes that do not belong to the pod network.
    """

    name: str
    pod_cidrs: t.Tuple[IPNetwork, ...]
    underlay: Underlay
    public_ips: t.Tuple[str, ...] = ()
    table: t.Tuple[Route, ...] = ()

    def subnet(self, version: int) -> t.Optional[IPNetwork]:
        """The node's pod subnet of that IP version."""
        for network in self.pod_cidrs:
            if network.version == version:
                return network
        return None

    def address(self, version: int) -> t.Optional[str]:
        """The address of that IP version at which peers reach the node."""
        for address in self.public_ips:
            if ipaddress.ip_address(address).version == version:
                return address
        return self.underlay.address(version)


def networks(cidrs: t.Iterable[str]) -> t.Tuple[IPNetwork, ...]:
    """CIDRs as networks. Raises ValueError."""
    return tuple(ipaddress.ip_network(cidr) for cidr in cidrs)


class Lookup:
    """The kernel's route lookup over a few routes: the longest prefix wins, then the lowest metric."""

    def __init__(self, node: Endpoint) -> None:
        self._routes = [(route.network, route) for route in node.table]
        self._routes += [(network, Route(dst=str(network), dev=node.underlay.dev)) for network in _connected(node)]
        self._routes.sort(key=lambda pair: (-pair[0].prefixlen, pair[1].metric))

    def route(self, address: str) -> t.Optional[Route]:
        """The route a packet to that address takes; None = unreachable."""
        target = ipaddress.ip_address(address)
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


class Backend:
    """One way of carrying pod traffic between nodes. Subclasses override data and the functions that differ."""

    plugin: str = ""
    type: str = ""
    label: str = ""
    """The name shown to people."""

    overhead: int = 0
    """Bytes that the encapsulation adds to every packet."""

    needs_same_l2: bool = False
    needs_tun_device: bool = False
    reads_mtu: bool = False
    """Whether the agent takes an MTU from its configuration; otherwise the NIC's counts."""

    dual_stack: bool = False
    ip_versions: t.Tuple[int, ...] = (4,)
    own_features: t.Tuple[KernelFeature, ...] = ()
    privileges: Privileges = Privileges()
    route_owner: str = ""
    """The program that writes the routes to the peers."""

    cni_config: str = ""
    """The base name of the CNI configuration that the plugin installs."""

    cni_plugins: t.Tuple[str, ...] = ()
    """CNI plugins that must already be on the node."""

    default_port: t.Optional[int] = None

    bridge: t.Optional[str] = None
    """The bridge that the node's pods hang on."""

    own_devices: t.Tuple[str, ...] = ()
    """Name patterns (fnmatch) of every device that any backend of the plugin makes."""

    direct_routing: bool = False
    """Whether a peer on the same layer 2 is reached without the encapsulation."""

    def pod_mtu(self, nic_mtu: int, options: t.Optional[BackendOptions] = None) -> int:
        """The MTU inside a pod, in bytes, on a node whose NIC has ``nic_mtu`` bytes."""
        wanted = options.mtu if options is not None and self.reads_mtu else None
        return (wanted or nic_mtu) - self.overhead

    def port(self, options: BackendOptions) -> t.Optional[int]:
        """The UDP port in force, None for a backend without one."""
        return None if self.default_port is None else options.port or self.default_port

    def features(self, nftables: bool = False) -> t.Tuple[KernelFeature, ...]:
        """The kernel features a node needs; ``nftables`` tells how the agent writes its packet filter."""
        raise NotImplementedError

    def transport(self, network: Network) -> t.Optional[Transport]:
        """What a firewall between the nodes must let pass; None = the pods' own packets."""
        return None

    def backend_conf(self, options: BackendOptions) -> t.Dict[str, t.Any]:
        """The backend's part of the agent's configuration."""
        raise NotImplementedError

    def devices(self, network: Network) -> t.Tuple[str, ...]:
        """The names of the devices that the agent makes, in the order of the pod CIDRs."""
        return ()

    def links(self, node: Endpoint, network: Network) -> t.Tuple[Link, ...]:
        """The links the agent makes on this node."""
        raise NotImplementedError

    def routes(self, node: Endpoint, peers: t.Iterable[Endpoint], network: Network) -> t.Tuple[Route, ...]:
        """The kernel's routes of this node to its peers' pods. Linear in the number of peers."""
        raise NotImplementedError

    def pod_routes(self, node: Endpoint) -> t.Tuple[Route, ...]:
        """The routes to the node's own pods; the kernel makes them with the bridge, on the first pod of the node."""
        raise NotImplementedError

    def leftovers(self, network: Network) -> Leftovers:
        """What stays behind when the agent stops."""
        raise NotImplementedError


def endpoint_table(facts: NodeFacts, pod_cidrs: t.Iterable[IPNetwork]) -> t.Tuple[Route, ...]:
    """The node's routes that do not lead to pods: the ones that decide how a peer is reached."""
    pods: t.Dict[int, IPNetwork] = {network.version: network for network in pod_cidrs}
    return tuple(
        route
        for route in facts.routes
        if route.table == "main" and route.type == "unicast" and not _local_or_inside(route.network, pods)
    )


def _local_or_inside(network: IPNetwork, pods: t.Mapping[int, IPNetwork]) -> bool:
    # Every device has fe80::/64: it says nothing about the way to a peer.
    if network.is_link_local:
        return True
    pod = pods.get(network.version)
    return pod is not None and network.prefixlen >= pod.prefixlen and network.network_address in pod
