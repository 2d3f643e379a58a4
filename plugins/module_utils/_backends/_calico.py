# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's backends: what an IPPool's ipipMode and vxlanMode make of a node.

Facts are from Calico v3.32 (Felix's dataplane, confd's BIRD templates) as named at each class, and measured on a
real cluster. The nodes' subnets are IPAM blocks (BlockAffinity), a node may have many, and pods have addresses
without a bridge: one route a pod.
This file is private to the collection.
"""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import replace

from ansible_collections.switchyard.cni.plugins.module_utils._backends._base import (
    Backend,
    BackendError,
    BackendOptions,
    Network,
)
from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import Announced, Endpoint
from ansible_collections.switchyard.cni.plugins.module_utils._backends._needs import (
    ExpectedChain,
    KernelFeature,
    Leftovers,
    Traces,
    Transport,
)
from ansible_collections.switchyard.cni.plugins.module_utils._backends._recognised import (
    common_signs,
    routes_over,
)
from ansible_collections.switchyard.cni.plugins.module_utils._model import (
    Address,
    FdbEntry,
    IPNetwork,
    Link,
    Neighbour,
    NodeFacts,
    Route,
    Running,
    ip_address,
)
from ansible_collections.switchyard.cni.plugins.module_utils._model import Vxlan as VxlanLink

IPIP = KernelFeature("ipip", "CONFIG_NET_IPIP", "ipip")
VXLAN = KernelFeature("vxlan", "CONFIG_VXLAN", "vxlan")

PREFIX = "projectcalico.org/"
"""Of the Nodes' annotations with the Kubernetes datastore (libcalico-go, backend/k8s/conversion)."""

TUNL0 = "tunl0"
"""The ipip module's own device, one in each network namespace: it exists wherever the module is loaded."""

TRACES = Traces(
    devices=("cali*", "vxlan.calico", "vxlan-v6.calico", "wireguard.cali", "wg-v6.cali", "bpfin.cali", "bpfout.cali"),
    kinds=(
        ("cali*", "veth"),
        ("vxlan.calico", "vxlan"),
        ("vxlan-v6.calico", "vxlan"),
        ("wireguard.cali", "wireguard"),
        ("wg-v6.cali", "wireguard"),
        ("bpfin.cali", "veth"),
        ("bpfout.cali", "veth"),
    ),
    shared_devices=(TUNL0,),
    protocols=("bird", "80"),
    chains=("cali-*",),
    comments=("cali:",),
    filter_tables=("calico", "calico-arp"),
    # felix/ipsets: cali40, cali60, and cali4t, cali6t while it swaps.
    ipsets=("cali[46][0t]*",),
    files=(
        "/etc/cni/net.d/calico-kubeconfig",
        "/var/lib/calico/nodename",
        "/var/lib/calico/mtu",
        "/var/lib/calico/shutdownTS",
    ),
    cni_configs=("10-calico.conflist", "10-canal.conflist"),
    cni_plugins=("calico",),
    lease_networks=("k8s-pod-network",),
    agents=("calico-node", "bird", "bird6"),
    annotations=PREFIX,
)


def _as_number(text: t.Optional[str]) -> t.Optional[int]:
    """An AS number as a whole number, or as two of 16 bits (RFC 5396: asplain, asdot+); None if it is neither."""
    try:
        numbers = [int(part) for part in (text or "").split(".")]
    except ValueError:
        return None
    return numbers[0] if len(numbers) == 1 else (numbers[0] << 16) + numbers[1] if len(numbers) == 2 else None


class Calico(Backend):
    """What all of Calico's modes share."""

    plugin = "calico"
    route_owner = "Felix or BIRD"
    cni_config = "10-calico.conflist"
    traces = TRACES
    chosen_in = "the IPPool's ipipMode and vxlanMode"
    blocks = True
    enforces_policies = True
    reads_mtu = True
    dual_stack = True
    ip_versions: t.Tuple[int, ...] = (4, 6)

    def features(self, nftables: bool = False) -> t.Tuple[KernelFeature, ...]:
        return self.own_features

    def pod_mtu(self, nic_mtu: int, options: t.Optional[BackendOptions] = None) -> int:
        """Calico's own setting (veth_mtu) is the pods' MTU; unset, Felix subtracts the overhead from the NIC's."""
        return (options.mtu if options is not None else None) or nic_mtu - self.overhead

    def links(self, node: Endpoint, network: Network) -> t.Tuple[Link, ...]:
        mtu = self.pod_mtu(node.underlay.mtu, network.options)
        return tuple(Link(name=name, mtu=mtu) for name in self.devices(network))

    def addresses(self, node: Endpoint, network: Network) -> t.Tuple[Address, ...]:
        found = zip(self.devices(network), (node.tunnel_ip(cidr.version) for cidr in network.pod_cidrs))
        return tuple(Address(dev, address, 128 if ":" in address else 32) for dev, address in found if address)

    def routes(self, node: Endpoint, peers: t.Iterable[Endpoint], network: Network) -> t.Tuple[Route, ...]:
        devices = dict(zip((cidr.version for cidr in network.pod_cidrs), self.devices(network)))
        own = {version: node.underlay.network(version) for version in (4, 6)}
        return tuple(
            self._route(node, peer, block, devices.get(block.version), own[block.version])
            for peer in peers
            if peer.name != node.name
            for block in peer.pod_cidrs
        )

    def _route(
        self, node: Endpoint, peer: Endpoint, block: IPNetwork, tunnel: t.Optional[str], own: t.Optional[IPNetwork]
    ) -> Route:
        """CrossSubnet is decided by the node's own address and mask (nodeInOurSubnet in felix/calc)."""
        address = peer.address(block.version)
        if address is None:
            raise BackendError(
                "the node %s has announced no IPv%d address, so its peers cannot reach its pods"
                % (peer.name, block.version)
            )
        near = self.direct_routing and own is not None and ip_address(address) in own
        if tunnel is None or near:
            return Route(dst=str(block), gateway=address, dev=node.underlay.dev, peer=peer.name)
        return self._tunnel_route(peer, block, tunnel, address)

    def _tunnel_route(self, peer: Endpoint, block: IPNetwork, tunnel: str, address: str) -> Route:
        raise NotImplementedError

    def pod_routes(self, node: Endpoint) -> t.Tuple[Route, ...]:
        """A blackhole a block, so that packets to an address that no pod has do not loop."""
        return tuple(Route(dst=str(block), type="blackhole") for block in node.pod_cidrs)

    def backend_conf(self, options: BackendOptions) -> t.Dict[str, t.Any]:
        """The part of an IPPool's spec that chooses the mode."""
        return {"ipipMode": "Never", "vxlanMode": "Never"}

    def chains(self, network: Network, nftables: bool) -> t.Tuple[ExpectedChain, ...]:
        """felix/rules: its chains are called first from the kernel's; with nftables the table is its own."""
        families = ["ip" if cidr.version == 4 else "ip6" for cidr in network.pod_cidrs]
        if nftables:
            return tuple(ExpectedChain(one, "calico", "filter-FORWARD", nft=True) for one in families)
        return tuple(ExpectedChain(one, "filter", "cali-FORWARD", "FORWARD") for one in families)

    def announced(self, notes: t.Mapping[str, str]) -> Announced:
        """Node addresses with their masks; the tunnel's address is that of the mode in force."""
        names = [PREFIX + key for key in ("IPv4Address", "IPv6Address")]
        return Announced(
            addresses=tuple(notes[name] for name in names if notes.get(name)),
            tunnel_ips=self._tunnel_ips(notes),
            as_number=_as_number(notes.get(PREFIX + "ASNumber")),
            reflector=bool(notes.get(PREFIX + "RouteReflectorClusterID")),
        )

    def _tunnel_ips(self, notes: t.Mapping[str, str]) -> t.Tuple[str, ...]:
        return ()

    def leftovers(self, network: Network) -> Leftovers:
        return Leftovers(routes=True, files=self.traces.files)


class NoEncapsulation(Calico):
    """ipipMode and vxlanMode Never: BIRD spreads the blocks by BGP, ``B/26 via <node> dev <NIC> proto bird``."""

    type = "none"
    label = "no encapsulation (BGP)"
    speaks_bgp = True

    def transport(self, network: Network) -> t.Optional[Transport]:
        return Transport("tcp", 6, (179,))


class Ipip(Calico):
    """ipipMode Always: ``B/26 via <node> dev tunl0 onlink`` (felix/dataplane/linux/ipip_mgr.go; RFC 2003: 20 bytes).

    Up to v3.31 BIRD writes these routes, from v3.33 Felix does. The address on tunl0 is a pod address of the node.
    """

    type = "ipip"
    label = "IPIP"
    speaks_bgp = True
    overhead = 20
    own_features = (IPIP,)
    ip_versions = (4,)

    def transport(self, network: Network) -> t.Optional[Transport]:
        return Transport("ipip", 4)

    def devices(self, network: Network) -> t.Tuple[str, ...]:
        return (TUNL0,)

    def links(self, node: Endpoint, network: Network) -> t.Tuple[Link, ...]:
        mtu = self.pod_mtu(node.underlay.mtu, network.options)
        return (Link(name=TUNL0, mtu=mtu, kind="ipip"),)

    def backend_conf(self, options: BackendOptions) -> t.Dict[str, t.Any]:
        return {"ipipMode": "CrossSubnet" if self.direct_routing else "Always", "vxlanMode": "Never"}

    def _tunnel_ips(self, notes: t.Mapping[str, str]) -> t.Tuple[str, ...]:
        return tuple(filter(None, (notes.get(PREFIX + "IPv4IPIPTunnelAddr"),)))

    def _tunnel_route(self, peer: Endpoint, block: IPNetwork, tunnel: str, address: str) -> Route:
        return Route(dst=str(block), gateway=address, dev=tunnel, onlink=True, peer=peer.name)


class IpipCrossSubnet(Ipip):
    """ipipMode CrossSubnet: a peer in the node's own subnet is reached through the NIC."""

    label = "IPIP CrossSubnet"
    direct_routing = True


class Vxlan(Calico):
    """vxlanMode Always: ``B/26 via <peer's tunnel address> dev vxlan.calico onlink proto 80``.

    felix/dataplane/linux/vxlan_mgr.go; the VTEPs of all nodes are known to each, whatever the routes use
    (felix/vxlanfdb). RFC 7348: 50 bytes over IPv4; over IPv6 Felix subtracts 70.
    """

    type = "vxlan"
    label = "VXLAN"
    overhead = 50
    overhead6 = 70
    own_features = (VXLAN,)
    default_port = 4789

    def transport(self, network: Network) -> t.Optional[Transport]:
        return Transport("udp", 17, (network.options.port or self.default_port,))

    def devices(self, network: Network) -> t.Tuple[str, ...]:
        names = {4: "vxlan.calico", 6: "vxlan-v6.calico"}
        return tuple(names[cidr.version] for cidr in network.pod_cidrs)

    def links(self, node: Endpoint, network: Network) -> t.Tuple[Link, ...]:
        nic = node.underlay.mtu
        port = network.options.port or self.default_port
        return tuple(
            Link(
                name=name,
                mtu=self.tunnel_mtu(cidr.version, nic, network.options),
                kind="vxlan",
                mac=self._mac(node, cidr.version),
                vxlan=VxlanLink(
                    vni=network.options.vni,
                    port=port,
                    local=node.address(cidr.version),
                    dev=node.underlay.dev,
                    learning=False,
                ),
            )
            for name, cidr in zip(self.devices(network), network.pod_cidrs)
        )

    def backend_conf(self, options: BackendOptions) -> t.Dict[str, t.Any]:
        return {"ipipMode": "Never", "vxlanMode": "CrossSubnet" if self.direct_routing else "Always"}

    def announced(self, notes: t.Mapping[str, str]) -> Announced:
        keys = {4: "VXLANTunnelMACAddr", 6: "VXLANTunnelMACAddrV6"}
        macs = tuple((version, notes[PREFIX + key]) for version, key in keys.items() if notes.get(PREFIX + key))
        return replace(super().announced(notes), macs=macs)

    def _tunnel_ips(self, notes: t.Mapping[str, str]) -> t.Tuple[str, ...]:
        names = [PREFIX + key for key in ("IPv4VXLANTunnelAddr", "IPv6VXLANTunnelAddr")]
        return tuple(notes[name] for name in names if notes.get(name))

    def _tunnel_route(self, peer: Endpoint, block: IPNetwork, tunnel: str, address: str) -> Route:
        gateway = peer.tunnel_ip(block.version)
        if gateway is None:
            raise BackendError(
                "the node %s has announced no address of its tunnel device, so its peers cannot reach its pods"
                % peer.name
            )
        return Route(dst=str(block), gateway=gateway, dev=tunnel, onlink=True, peer=peer.name)

    def neighbours(self, node: Endpoint, peers: t.Iterable[Endpoint], network: Network) -> t.Tuple[Neighbour, ...]:
        return tuple(
            Neighbour(dev, address, self._mac(peer, version), permanent=True, peer=peer.name)
            for peer, version, dev in self._vteps(node, peers, network)
            for address in (peer.tunnel_ip(version),)
            if address is not None
        )

    def fdb(self, node: Endpoint, peers: t.Iterable[Endpoint], network: Network) -> t.Tuple[FdbEntry, ...]:
        return tuple(
            FdbEntry(dev, self._mac(peer, version), address, permanent=True, peer=peer.name)
            for peer, version, dev in self._vteps(node, peers, network)
            for address in (peer.address(version),)
            if address is not None and peer.tunnel_ip(version) is not None
        )

    def _vteps(
        self, node: Endpoint, peers: t.Iterable[Endpoint], network: Network
    ) -> t.Iterator[t.Tuple[Endpoint, int, str]]:
        pairs = tuple(zip((cidr.version for cidr in network.pod_cidrs), self.devices(network)))
        for peer in peers:
            if peer.name != node.name:
                for version, dev in pairs:
                    yield peer, version, dev

    def _mac(self, node: Endpoint, version: int) -> str:
        """The announced MAC address, or the one that Felix derives from the node's name (vxlan_resolver.go)."""
        name = node.name + ("-v6" if version == 6 else "")
        # SHA-1 is Felix's choice and guards nothing.
        derived = b"f" + hashlib.sha1(name.encode("utf-8")).digest()[:5]
        return node.mac(version) or ":".join("%02x" % byte for byte in derived)


class VxlanCrossSubnet(Vxlan):
    """vxlanMode CrossSubnet: a peer in the node's own subnet is reached through the NIC."""

    label = "VXLAN CrossSubnet"
    direct_routing = True


def recognise(facts: NodeFacts) -> t.Optional[Running]:
    """Calico on a node, by its CNI configuration, its programs, and the device that its routes use."""
    signs = common_signs(facts, TRACES)
    if not signs:
        return None
    found = _carrier(facts)
    return Running("calico", found.type, found.direct_routing, signs + found.signs)


def _carrier(facts: NodeFacts) -> Running:
    """The mode in use; the kernel alone cannot tell CrossSubnet from Always when all nodes are near, or all far."""
    plain = [route for route in facts.routes if route.protocol in TRACES.protocols and _to_a_peer(route)]
    direct = [route for route in plain if route.dev not in (TUNL0, "vxlan.calico", "vxlan-v6.calico")]
    for type_name, dev in (("vxlan", "vxlan.calico"), ("ipip", TUNL0)):
        over, addressed = routes_over(facts, dev), any(one.dev == dev for one in facts.addresses)
        if over or (addressed and facts.link(dev) is not None):
            told = "device %s, %d routes over it, %d directly" % (dev, len(over), len(direct))
            return Running("calico", type_name, bool(direct), (told,))
    return Running("calico", "none", False, ("%d direct routes and no tunnel in use" % len(direct),))


def _to_a_peer(route: Route) -> bool:
    return bool(route.gateway) and route.type == "unicast" and route.table == "main"


BACKENDS: t.Tuple[Calico, ...] = (Ipip(), IpipCrossSubnet(), Vxlan(), VxlanCrossSubnet(), NoEncapsulation())
