# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""flannel's backends.

Facts are from flannel v0.28: Documentation/backends.md and the sources named at each class.
This file is private to the collection.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._backends._base import (
    Backend,
    BackendError,
    BackendOptions,
    Network,
)
from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import (
    Announced,
    Endpoint,
    Lookup,
    networks,
)
from ansible_collections.switchyard.cni.plugins.module_utils._backends._needs import (
    ExpectedChain,
    KernelFeature,
    Leftovers,
    Privileges,
    Traces,
    Transport,
)
from ansible_collections.switchyard.cni.plugins.module_utils._backends._recognised import (
    common_signs,
    routes_over,
)
from ansible_collections.switchyard.cni.plugins.module_utils._ip import inside
from ansible_collections.switchyard.cni.plugins.module_utils._model import (
    Address,
    FdbEntry,
    IPNetwork,
    Link,
    Neighbour,
    NodeFacts,
    Route,
    Running,
)
from ansible_collections.switchyard.cni.plugins.module_utils._model import Vxlan as VxlanLink

BRIDGE = "cni0"
"""The bridge that flannel's CNI plugin delegates to."""

BRIDGE_NETFILTER = KernelFeature("br_netfilter", "CONFIG_BRIDGE_NETFILTER", "br_netfilter")
VXLAN = KernelFeature("vxlan", "CONFIG_VXLAN", "vxlan")
IPIP = KernelFeature("ipip", "CONFIG_NET_IPIP", "ipip")
WIREGUARD = KernelFeature("wireguard", "CONFIG_WIREGUARD", "wireguard")
TUN = KernelFeature("tun", "CONFIG_TUN", "tun")

PREFIX = "flannel.alpha.coreos.com/"
"""Of the Nodes' annotations (pkg/subnet/kube/annotations.go, the default of --kube-annotation-prefix)."""

TRACES = Traces(
    devices=(BRIDGE, "flannel*"),
    kinds=(
        (BRIDGE, "bridge"),
        ("flannel.[0-9]*", "vxlan"),
        ("flannel-v6.[0-9]*", "vxlan"),
        ("flannel-wg", "wireguard"),
        ("flannel-wg-v6", "wireguard"),
        ("flannel.ipip", "ipip"),
        ("flannel0", "tun"),
    ),
    chains=("FLANNEL-*",),
    filter_tables=("flannel-ipv4", "flannel-ipv6"),
    files=("/run/flannel/subnet.env", "/run/flannel/wgkey"),
    cni_configs=("10-flannel.conflist", "10-flannel.conf"),
    cni_plugins=("flannel",),
    lease_networks=("cbr0",),
    caches=("/var/lib/cni/flannel",),
    agents=("flanneld",),
    annotations=PREFIX,
)
"""The names of the agent's devices, chains and files; those of its CNI plugin are upstream's defaults
(Documentation/kube-flannel.yml)."""

_ENV_FAMILY = {4: "", 6: "IPV6_"}


class Flannel(Backend):
    """What all backends of flannel share."""

    plugin = "flannel"
    route_owner = "flanneld"
    cni_config = "10-flannel.conflist"
    cni_plugins = ("bridge", "host-local", "loopback", "portmap")
    bridge = BRIDGE
    traces = TRACES
    chosen_in = "net-conf.json, which flanneld reads once, when it starts"

    def features(self, nftables: bool = False) -> t.Tuple[KernelFeature, ...]:
        # main.go: flanneld exits without bridge-nf-call-iptables, unless EnableNFTables is set.
        return self.own_features if nftables else (BRIDGE_NETFILTER,) + self.own_features

    def pod_routes(self, node: Endpoint) -> t.Tuple[Route, ...]:
        return tuple(Route(dst=str(cidr), dev=BRIDGE, protocol="kernel", scope="link") for cidr in node.pod_cidrs)

    def links(self, node: Endpoint, network: Network) -> t.Tuple[Link, ...]:
        mtu = self.pod_mtu(node.underlay.mtu, network.options)
        return tuple(Link(name=name, mtu=mtu) for name in self.devices(network))

    def backend_conf(self, options: BackendOptions) -> t.Dict[str, t.Any]:
        return {"Type": self.type}

    def _mtu_conf(self, options: BackendOptions) -> t.Dict[str, t.Any]:
        return {} if options.mtu is None else {"MTU": options.mtu}

    def routes(self, node: Endpoint, peers: t.Iterable[Endpoint], network: Network) -> t.Tuple[Route, ...]:
        lookup = Lookup(node)
        versions = [cidr.version for cidr in network.pod_cidrs]
        pairs = tuple(zip(versions, self._route_devices(node, network)))
        return tuple(
            self._route(lookup, dev, subnet, self._address(peer, version), peer.name)
            for peer in peers
            if peer.name != node.name
            for version, dev in pairs
            for subnet in (peer.subnet(version),)
            if subnet is not None
        )

    def _route_devices(self, node: Endpoint, network: Network) -> t.Tuple[str, ...]:
        return self.devices(network)

    def _address(self, peer: Endpoint, version: int) -> str:
        address = peer.address(version)
        if address is None:
            raise BackendError(
                "the node %s has no IPv%d address on %s, so its peers cannot reach its pods"
                % (peer.name, version, peer.underlay.dev)
            )
        return address

    def _route(self, lookup: Lookup, dev: str, subnet: IPNetwork, address: str, peer: str) -> Route:
        raise NotImplementedError

    def addresses(self, node: Endpoint, network: Network) -> t.Tuple[Address, ...]:
        """Each device holds the first address of the node's subnet (each backend's RegisterNetwork or Run)."""
        subnets = [node.subnet(cidr.version) for cidr in network.pod_cidrs]
        return tuple(
            Address(dev, str(subnet.network_address), subnet.max_prefixlen)
            for dev, subnet in zip(self.devices(network), subnets)
            if subnet is not None
        )

    def far_end(self, peer: Endpoint, version: int) -> t.Optional[str]:
        """The device holds the first address of the peer's subnet; udp's flanneld answers with it too."""
        subnet = peer.subnet(version)
        return str(subnet.network_address) if subnet is not None else None

    def chains(self, network: Network, nftables: bool) -> t.Tuple[ExpectedChain, ...]:
        """pkg/trafficmngr/{iptables,nftables}: masquerading, and leave to forward."""
        families = ["ip" if cidr.version == 4 else "ip6" for cidr in network.pod_cidrs]
        if nftables:
            names = ["postrtg"] * network.ip_masq + ["forward"]
            tables = {"ip": "flannel-ipv4", "ip6": "flannel-ipv6"}
            return tuple(ExpectedChain(one, tables[one], name, nft=True) for one in families for name in names)
        return tuple(
            ExpectedChain(one, table, name, hook)
            for one in families
            for table, name, hook in (
                *[("nat", "FLANNEL-POSTRTG", "POSTROUTING")] * network.ip_masq,
                ("filter", "FLANNEL-FWD", "FORWARD"),
            )
        )

    def agent_env(self, node: Endpoint, network: Network) -> t.Dict[str, str]:
        """/run/flannel/subnet.env (WriteSubnetFile in pkg/subnet/subnet.go), written once the backend is registered."""
        wanted = {
            "FLANNEL_MTU": str(self.pod_mtu(node.underlay.mtu, network.options)),
            "FLANNEL_IPMASQ": "true" if network.ip_masq else "false",
        }
        for cidr in network.pod_cidrs:
            family = _ENV_FAMILY[cidr.version]
            wanted["FLANNEL_%sNETWORK" % family] = str(cidr)
            subnet = node.subnet(cidr.version)
            if subnet is not None:
                wanted["FLANNEL_%sSUBNET" % family] = "%s/%d" % (subnet.network_address + 1, subnet.prefixlen)
        return wanted

    def told_mtu(self, facts: NodeFacts) -> t.Optional[int]:
        told = (facts.subnet_env or {}).get("FLANNEL_MTU", "")
        return int(told) if told.isdigit() else None

    def announced(self, notes: t.Mapping[str, str]) -> Announced:
        """The annotations of pkg/subnet/kube: public-ip, backend-type, backend-data, and those of IPv6."""
        if PREFIX + "backend-type" not in notes and PREFIX + "public-ip" not in notes:
            return Announced()
        try:
            data = {4: _note(notes, "backend-data"), 6: _note(notes, "backend-v6-data")}
        except ValueError as exc:
            return Announced(type=notes.get(PREFIX + "backend-type"), damaged=str(exc))
        return Announced(
            type=notes.get(PREFIX + "backend-type"),
            addresses=tuple(notes[PREFIX + key] for key in ("public-ip", "public-ipv6") if notes.get(PREFIX + key)),
            macs=tuple((version, str(one["VtepMAC"])) for version, one in data.items() if one.get("VtepMAC")),
            public_key=(data[4] or data[6]).get("PublicKey"),
        )


def _note(notes: t.Mapping[str, str], key: str) -> t.Mapping[str, t.Any]:
    try:
        value = json.loads(notes.get(PREFIX + key) or "null") or {}
    except ValueError as exc:
        raise ValueError("%s%s is no JSON: %s" % (PREFIX, key, exc)) from exc
    if not isinstance(value, dict):
        raise ValueError("%s%s is no JSON object" % (PREFIX, key))
    return value


class Vxlan(Flannel):
    """pkg/backend/vxlan: one device a family, ``S/24 via S.0 dev flannel.<VNI> onlink`` to every peer.

    The overhead is that of an IPv4 underlay (RFC 7348: 14 Ethernet + 20 IPv4 + 8 UDP + 8 VXLAN);
    flanneld subtracts the same 50 bytes for IPv6, of which the kernel takes 20 more.
    """

    type = "vxlan"
    label = "vxlan"
    announced_type = "vxlan"
    overhead = 50
    overhead6 = 70
    reads_mtu = True
    dual_stack = True
    ip_versions = (4, 6)
    own_features = (VXLAN,)
    default_port = 8472
    # RouteReplace in pkg/backend/vxlan/vxlan_network.go.
    replaces_routes = True
    # The name has the VNI in it; vxlanLinksIncompat in pkg/backend/vxlan/device.go compares the port.
    rebuilt_for = ("VNI", "Port")

    def transport(self, network: Network) -> t.Optional[Transport]:
        return Transport("udp", 17, (network.options.port or self.default_port,))

    def backend_conf(self, options: BackendOptions) -> t.Dict[str, t.Any]:
        conf = {"Type": self.type, "VNI": options.vni, "Port": options.port or self.default_port}
        if self.direct_routing:
            conf["DirectRouting"] = True
        if options.learning:
            conf["Learning"] = True
        conf.update(self._mtu_conf(options))
        return conf

    def devices(self, network: Network) -> t.Tuple[str, ...]:
        names = {4: "flannel.%d", 6: "flannel-v6.%d"}
        return tuple(names[cidr.version] % network.options.vni for cidr in network.pod_cidrs)

    def links(self, node: Endpoint, network: Network) -> t.Tuple[Link, ...]:
        options = network.options
        return tuple(
            Link(
                name=name,
                mtu=self.tunnel_mtu(cidr.version, node.underlay.mtu, options),
                kind="vxlan",
                vxlan=VxlanLink(
                    vni=options.vni,
                    port=options.port or self.default_port,
                    local=node.underlay.address(cidr.version),
                    dev=node.underlay.dev,
                    learning=options.learning,
                ),
            )
            for name, cidr in zip(self.devices(network), network.pod_cidrs)
        )

    def _route(self, lookup: Lookup, dev: str, subnet: IPNetwork, address: str, peer: str) -> Route:
        return Route(dst=str(subnet), gateway=str(subnet.network_address), dev=dev, onlink=True, peer=peer)

    def neighbours(self, node: Endpoint, peers: t.Iterable[Endpoint], network: Network) -> t.Tuple[Neighbour, ...]:
        """Where pkg/backend/vxlan/device.go AddARP and AddV6ARP put the peer's VTEP: at the peer subnet's .0."""
        return tuple(
            Neighbour(dev, str(subnet.network_address), mac, permanent=True, peer=peer.name)
            for peer, version, dev in self._vteps(node, peers, network)
            for subnet, mac in ((peer.subnet(version), peer.mac(version)),)
            if subnet is not None and mac is not None
        )

    def fdb(self, node: Endpoint, peers: t.Iterable[Endpoint], network: Network) -> t.Tuple[FdbEntry, ...]:
        """pkg/backend/vxlan/device.go AddFDB: the peer's VTEP is behind the peer's own address."""
        return tuple(
            FdbEntry(dev, mac, self._address(peer, version), permanent=True, peer=peer.name)
            for peer, version, dev in self._vteps(node, peers, network)
            for mac in (peer.mac(version),)
            if mac is not None
        )

    def _vteps(
        self, node: Endpoint, peers: t.Iterable[Endpoint], network: Network
    ) -> t.Iterator[t.Tuple[Endpoint, int, str]]:
        """The peers whose VTEP this node must know, once for each family."""
        pairs = tuple(zip((cidr.version for cidr in network.pod_cidrs), self.devices(network)))
        lookup = Lookup(node) if self.direct_routing else None
        for peer in peers:
            if peer.name == node.name:
                continue
            for version, dev in pairs:
                if lookup is None or lookup.direct(self._address(peer, version)) is None:
                    yield peer, version, dev

    def leftovers(self, network: Network) -> Leftovers:
        return Leftovers(devices=self.devices(network), routes=True)


class VxlanDirect(Vxlan):
    """vxlan with DirectRouting: a peer on the same layer 2 gets a plain route; device and MTU stay those of vxlan."""

    label = "vxlan + DirectRouting"
    direct_routing = True

    def _route(self, lookup: Lookup, dev: str, subnet: IPNetwork, address: str, peer: str) -> Route:
        direct = lookup.direct(address)
        if direct is None:
            return super()._route(lookup, dev, subnet, address, peer)
        return Route(dst=str(subnet), gateway=address, dev=direct, peer=peer)


class HostGw(Flannel):
    """pkg/backend/hostgw: plain routes ``S/24 via <node> dev <NIC>``; no device, no overhead."""

    type = "host-gw"
    label = "host-gw"
    announced_type = "host-gw"
    needs_same_l2 = True
    dual_stack = True
    ip_versions = (4, 6)

    def _route_devices(self, node: Endpoint, network: Network) -> t.Tuple[str, ...]:
        return (node.underlay.dev,) * len(network.pod_cidrs)

    def _route(self, lookup: Lookup, dev: str, subnet: IPNetwork, address: str, peer: str) -> Route:
        return Route(dst=str(subnet), gateway=address, dev=dev, peer=peer)

    def leftovers(self, network: Network) -> Leftovers:
        return Leftovers(routes=True)


class OneRoute(Flannel):
    """Backends with one route for the whole pod network; the agent or the device picks the peer.

    A TUN device of a process ends with it, and flanneld deletes its WireGuard device when it is told to end.
    """

    device_ends_with_agent = True
    whole_network = True
    # Its one route does not meet any other.
    replaces_routes = True
    route_scope: t.Optional[str] = None

    def routes(self, node: Endpoint, peers: t.Iterable[Endpoint], network: Network) -> t.Tuple[Route, ...]:
        return tuple(
            Route(dst=str(cidr), dev=dev, scope=self.route_scope)
            for cidr, dev in zip(network.pod_cidrs, self.devices(network))
        )


class Udp(OneRoute):
    """pkg/backend/udp: flanneld itself carries every packet through a TUN device (20 IPv4 + 8 UDP bytes).

    The device is not persistent. Opening /dev/net/tun takes a privileged container (flannel issue 1267).
    """

    type = "udp"
    label = "udp"
    announced_type = ""
    overhead = 28
    own_features = (TUN,)
    needs_tun_device = True
    default_port = 8285
    privileges = Privileges(privileged=True, host_devices=("/dev/net/tun",))

    def transport(self, network: Network) -> t.Optional[Transport]:
        return Transport("udp", 17, (network.options.port or self.default_port,))

    def backend_conf(self, options: BackendOptions) -> t.Dict[str, t.Any]:
        return {"Type": self.type, "Port": options.port or self.default_port}

    def devices(self, network: Network) -> t.Tuple[str, ...]:
        return ("flannel0",)

    def links(self, node: Endpoint, network: Network) -> t.Tuple[Link, ...]:
        mtu = self.pod_mtu(node.underlay.mtu, network.options)
        return tuple(Link(name=name, mtu=mtu, kind="tun") for name in self.devices(network))

    def leftovers(self, network: Network) -> Leftovers:
        return Leftovers()


class Wireguard(OneRoute):
    """pkg/backend/wireguard: encrypted; overhead 80 bytes (device.go counts the IPv6 underlay's 40-byte header).

    The device goes away when flanneld ends in an orderly way, not when it is killed; the key file stays.
    """

    type = "wireguard"
    label = "wireguard"
    announced_type = "wireguard"
    overhead = 80
    reads_mtu = True
    dual_stack = True
    ip_versions = (4, 6)
    own_features = (WIREGUARD,)
    encrypts = True
    default_port = 51820
    route_scope = "link"

    def _ports(self, options: BackendOptions) -> t.Dict[int, int]:
        first = options.port or self.default_port
        return {4: first, 6: first + 1}

    def transport(self, network: Network) -> t.Optional[Transport]:
        ports = self._ports(network.options)
        if network.options.wireguard_mode != "separate":
            return Transport("udp", 17, (ports[4],))
        return Transport("udp", 17, tuple(ports[cidr.version] for cidr in network.pod_cidrs))

    def backend_conf(self, options: BackendOptions) -> t.Dict[str, t.Any]:
        ports = self._ports(options)
        conf = {"Type": self.type, "ListenPort": ports[4], "ListenPortV6": ports[6], "Mode": options.wireguard_mode}
        if options.wireguard_psk:
            conf["PSK"] = options.wireguard_psk
        if options.wireguard_keepalive:
            conf["PersistentKeepaliveInterval"] = options.wireguard_keepalive
        conf.update(self._mtu_conf(options))
        return conf

    def devices(self, network: Network) -> t.Tuple[str, ...]:
        names = {4: "flannel-wg", 6: "flannel-wg-v6"}
        if network.options.wireguard_mode != "separate":
            names[6] = names[4]
        return tuple(names[cidr.version] for cidr in network.pod_cidrs)

    def links(self, node: Endpoint, network: Network) -> t.Tuple[Link, ...]:
        mtu = self.pod_mtu(node.underlay.mtu, network.options)
        names = dict.fromkeys(self.devices(network))
        return tuple(Link(name=name, mtu=mtu, kind="wireguard") for name in names)

    def leftovers(self, network: Network) -> Leftovers:
        return Leftovers(files=("/run/flannel/wgkey",))


class Ipip(Flannel):
    """pkg/backend/ipip: ``S/24 via <node> dev flannel.ipip onlink`` (RFC 2003: 20 bytes); IPv4 only, experimental."""

    type = "ipip"
    label = "ipip"
    announced_type = "ipip"
    overhead = 20
    own_features = (IPIP,)

    def transport(self, network: Network) -> t.Optional[Transport]:
        return Transport("ipip", 4)

    def backend_conf(self, options: BackendOptions) -> t.Dict[str, t.Any]:
        conf: t.Dict[str, t.Any] = {"Type": self.type}
        if self.direct_routing:
            conf["DirectRouting"] = True
        return conf

    def devices(self, network: Network) -> t.Tuple[str, ...]:
        return ("flannel.ipip",)

    def links(self, node: Endpoint, network: Network) -> t.Tuple[Link, ...]:
        mtu = self.pod_mtu(node.underlay.mtu, network.options)
        return tuple(Link(name=name, mtu=mtu, kind="ipip") for name in self.devices(network))

    def _route(self, lookup: Lookup, dev: str, subnet: IPNetwork, address: str, peer: str) -> Route:
        return Route(dst=str(subnet), gateway=address, dev=dev, onlink=True, peer=peer)

    def leftovers(self, network: Network) -> Leftovers:
        # tunl0 appears with the kernel module and stays; it may be someone else's.
        return Leftovers(devices=self.devices(network), routes=True)


class IpipDirect(Ipip):
    """ipip with DirectRouting: a peer on the same layer 2 is reached through the NIC (the route keeps ``onlink``)."""

    label = "ipip + DirectRouting"
    direct_routing = True

    def _route(self, lookup: Lookup, dev: str, subnet: IPNetwork, address: str, peer: str) -> Route:
        direct = lookup.direct(address)
        return super()._route(lookup, direct or dev, subnet, address, peer)


def recognise(facts: NodeFacts) -> t.Optional[Running]:
    """flannel on a node, by subnet.env, its devices, and the routes that use them; None where nothing speaks for it."""
    signs = common_signs(facts, TRACES)
    if facts.subnet_env is not None:
        signs += ("/run/flannel/subnet.env",)
    if not signs:
        return None
    found = _carrier(facts)
    return Running("flannel", found.type, found.direct_routing, signs + found.signs)


def _carrier(facts: NodeFacts) -> Running:
    """The backend in use. A device that carries no route while others do is a leftover of an earlier one."""
    for type_name, kind, name in (("wireguard", "wireguard", "flannel-wg"), ("udp", "tun", "flannel0")):
        link = facts.link(name)
        if link is not None and link.kind == kind and routes_over(facts, name):
            return Running("flannel", type_name, False, ("device %s with a route" % name,))
    direct = _direct_routes(facts)
    for type_name, link in _tunnels(facts):
        over = routes_over(facts, link.name)
        told = "device %s, %d routes over it, %d directly" % (link.name, len(over), len(direct))
        if over or not direct or _made_for(facts, link):
            return Running("flannel", type_name, bool(direct) and not over, (told,))
    return Running("flannel", "host-gw", False, ("%d direct routes and no tunnel in use" % len(direct),))


def _tunnels(facts: NodeFacts) -> t.Iterator[t.Tuple[str, Link]]:
    for link in facts.links:
        if link.kind == "vxlan" and link.name.startswith("flannel"):
            yield "vxlan", link
        elif link.kind == "ipip" and link.name == "flannel.ipip":
            yield "ipip", link


def _direct_routes(facts: NodeFacts) -> t.Tuple[Route, ...]:
    """Routes to pod subnets through other nodes."""
    known = (facts.subnet_env or {}).get("FLANNEL_NETWORK", "")
    pods = networks(part for part in known.split(",") if part)
    own = {link.name for link in facts.links if link.name == BRIDGE or link.name.startswith("flannel")}
    return tuple(
        route for route in facts.routes if route.gateway and route.dev not in own and inside(route.network, pods)
    )


def _made_for(facts: NodeFacts, link: Link) -> bool:
    """Whether flanneld has told its CNI plugin the MTU of this tunnel: with DirectRouting it does, with host-gw not."""
    return (facts.subnet_env or {}).get("FLANNEL_MTU") == str(link.mtu)


BACKENDS: t.Tuple[Backend, ...] = (Vxlan(), VxlanDirect(), HostGw(), Udp(), Wireguard(), Ipip(), IpipDirect())
