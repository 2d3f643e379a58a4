# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every backend can say about itself.

A backend is an object with data and pure functions. The engine asks; it never compares backend names.
This file is private to the collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import Announced, Endpoint
from ansible_collections.switchyard.cni.plugins.module_utils._backends._needs import (
    ExpectedChain,
    KernelFeature,
    Leftovers,
    Privileges,
    Traces,
    Transport,
)
from ansible_collections.switchyard.cni.plugins.module_utils._model import (
    Address,
    FdbEntry,
    IPNetwork,
    Link,
    Neighbour,
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

    @property
    def ip_masq(self) -> bool:
        """Whether packets that leave the pod network get the node's address."""


class Backend:
    """One way of carrying pod traffic between nodes. Subclasses override data and the functions that differ."""

    plugin: str = ""
    type: str = ""
    label: str = ""
    """The name shown to people."""

    overhead: int = 0
    """Bytes that the encapsulation adds to every packet."""

    overhead6: int = 0
    """Bytes that the kernel keeps for it over IPv6, to which it lowers a larger MTU of a device (drivers/net/vxlan)."""

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

    traces: Traces = Traces()
    """By what the plugin can be recognised on a node, whichever of its backends runs."""

    direct_routing: bool = False
    """Whether a peer on the same layer 2 is reached without the encapsulation."""

    blocks: bool = False
    """Whether the nodes' subnets are blocks that the plugin gives out itself, instead of the Nodes' podCIDRs."""

    chosen_in: str = ""
    """Where a running agent has this backend from, for people."""

    speaks_bgp: bool = False
    """Whether the backend does not work without BGP sessions between the nodes."""

    enforces_policies: bool = False
    """Whether the plugin itself enforces NetworkPolicies, so that a path may be closed on purpose."""

    device_ends_with_agent: bool = False
    """Whether the tunnel device, and with it every route, is gone as soon as the agent stops."""

    rebuilt_for: t.Tuple[str, ...] = ()
    """The keys of backend_conf() for which a starting agent makes an existing device anew, or one of another name."""

    whole_network: bool = False
    """Whether one route leads to all pods, so that any narrower one of another backend wins over it."""

    replaces_routes: bool = False
    """Whether the agent puts a route in the place of another one in one step, so that there is always one."""

    encrypts: bool = False
    """Whether nobody between the nodes can read what pods say."""

    own_rules: bool = False
    """Whether the agent sends packets to its devices by policy rules and a table of its own."""

    announced_type: t.Optional[str] = None
    """What an agent of this backend calls itself on its Node; None where agents do not say."""

    def pod_mtu(self, nic_mtu: int, options: t.Optional[BackendOptions] = None) -> int:
        """The MTU inside a pod, in bytes, on a node whose NIC has ``nic_mtu`` bytes."""
        wanted = options.mtu if options is not None and self.reads_mtu else None
        return (wanted or nic_mtu) - self.overhead

    def tunnel_mtu(self, version: int, nic_mtu: int, options: t.Optional[BackendOptions] = None) -> int:
        """The largest packet in bytes that goes to another node in one piece over this IP version."""
        mtu = self.pod_mtu(nic_mtu, options)
        return min(mtu, nic_mtu - self.overhead6) if version == 6 else mtu

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

    def rebuilt(self, earlier: Backend, before: BackendOptions, after: BackendOptions) -> t.List[str]:
        """The keys of backend_conf() for which the device of the same backend is made anew."""
        if earlier.type != self.type:
            return []
        old, new = earlier.backend_conf(before), self.backend_conf(after)
        return [key for key in self.rebuilt_for if old.get(key) != new.get(key)]

    def stays_secret(self, earlier: Backend) -> bool:
        """Whether nothing that pods say may be readable while this backend takes the place of an earlier one."""
        return self.encrypts and earlier.encrypts

    def devices(self, network: Network) -> t.Tuple[str, ...]:
        """The names of the devices that the agent makes, in the order of the pod CIDRs."""
        return ()

    def route_devices(self, node: Endpoint, network: Network) -> t.Tuple[str, ...]:
        """The devices over which this node's routes to its peers' pods may lead."""
        devices = self.devices(network)
        return devices + ((node.underlay.dev,) if self.direct_routing or not devices else ())

    def links(self, node: Endpoint, network: Network) -> t.Tuple[Link, ...]:
        """The links the agent makes on this node."""
        raise NotImplementedError

    def routes(self, node: Endpoint, peers: t.Iterable[Endpoint], network: Network) -> t.Tuple[Route, ...]:
        """The kernel's routes of this node to its peers' pods. Linear in the number of peers."""
        raise NotImplementedError

    def pod_routes(self, node: Endpoint) -> t.Tuple[Route, ...]:
        """The routes to the node's own pods; the kernel makes them with the bridge, on the first pod of the node."""
        raise NotImplementedError

    def addresses(self, node: Endpoint, network: Network) -> t.Tuple[Address, ...]:
        """The addresses that the agent gives its devices on this node."""
        return ()

    def neighbours(self, node: Endpoint, peers: t.Iterable[Endpoint], network: Network) -> t.Tuple[Neighbour, ...]:
        """The neighbours of the node's tunnel devices. Linear in the number of peers."""
        return ()

    def fdb(self, node: Endpoint, peers: t.Iterable[Endpoint], network: Network) -> t.Tuple[FdbEntry, ...]:
        """The forwarding entries of the node's tunnel devices. Linear in the number of peers."""
        return ()

    def tunnelled(self, route: Route, network: Network) -> bool:
        """Whether packets on this route are encapsulated."""
        return route.dev in self.devices(network)

    def far_end(self, peer: Endpoint, version: int) -> t.Optional[str]:
        """The address with which the peer's end of the tunnel answers a traceroute."""
        return peer.tunnel_ip(version)

    def chains(self, network: Network, nftables: bool) -> t.Tuple[ExpectedChain, ...]:
        """The chains that the agent keeps in the packet filter."""
        return ()

    def agent_env(self, node: Endpoint, network: Network) -> t.Dict[str, str]:
        """The values in the file that the agent writes for its CNI plugin, where it writes one."""
        return {}

    def told_mtu(self, facts: NodeFacts) -> t.Optional[int]:
        """The MTU in bytes that the node's agent has told its CNI plugin to give pods; None where it tells none."""
        return None

    def announced(self, notes: t.Mapping[str, str]) -> Announced:
        """What an agent of the plugin has made known of its node, from the Node's annotations."""
        return Announced()

    def leftovers(self, network: Network) -> Leftovers:
        """What stays behind when the agent stops."""
        raise NotImplementedError
