# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole clusters as the modules would tell of them: what the API server says and what each node has answered.

A cluster is made from the same backends that it is judged by; the golden tables of the original cluster and the
tests on real kernels are what keeps those honest.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from ipaddress import ip_interface, ip_network
from typing import Any

from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import Endpoint, Underlay, networks
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster, Roster
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import build_intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._inventory import observe
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import resolve
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._run import judge, scene_of
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import Scene
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._verify import Verification, verify

FLANNEL, CALICO = "flannel.alpha.coreos.com/", "projectcalico.org/"
POD_CIDR = "172.50.0.0/16"
SETTINGS = {"network_pod_cidr": POD_CIDR, "network_service_cidr": "10.68.0.0/16"}
NO_OWN_VALUES = {"network_node_name": "", "flannel_public_ip": ""}


@dataclass(frozen=True)
class Place:
    """A node: its name, its address with prefix, and its number among the pod subnets."""

    name: str
    address: str
    number: int

    @property
    def ip(self) -> str:
        return str(ip_interface(self.address).ip)

    @property
    def subnet(self) -> str:
        return str(ip_network((int(ip_network(POD_CIDR)[0]) + (self.number << 8), 24)))

    @property
    def block(self) -> str:
        """Calico's block of the node."""
        return str(ip_network((int(ip_network(POD_CIDR)[0]) + (self.number << 6), 26)))

    @property
    def mac(self) -> str:
        return f"0a:00:00:00:{self.number >> 8:02x}:{self.number & 255:02x}"


SEED = (
    Place("k8s-master1", "192.168.7.101/21", 0),
    Place("k8s-node1", "192.168.7.110/21", 2),
    Place("k8s-node2", "192.168.7.111/21", 1),
)
"""The original cluster."""


@dataclass
class World:
    """A cluster that tests may damage: the API server's answer, and each node's answer by its name."""

    intent: Any
    api: dict[str, Any]
    nodes: dict[str, dict[str, Any]]
    hosts: list[str] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)

    def scene(self) -> Scene:
        """The cluster before the judge, by the way that real answers take."""
        cluster = Cluster.from_dict(self.api)
        roster = Roster(cluster.members)
        found = [observe(host, self.nodes.get(host), NO_OWN_VALUES, roster) for host in self.hosts]
        return scene_of(self.intent, cluster, found)

    def verify(self) -> Verification:
        """The judgement without probes."""
        return verify(self.scene())

    def judge(self, mode: str = "sample") -> Verification:
        """The judgement with the answers of the probes."""
        return judge(self.scene(), mode, self.answers)

    def ids(self) -> set[str]:
        """The findings' ids."""
        return {finding.id for finding in self.verify().findings}

    def told(self) -> set[tuple[str, str]]:
        """The findings as (id, node)."""
        return {(finding.id, finding.node) for finding in self.verify().findings}

    def node(self, name: str) -> dict[str, Any]:
        """What a node has told, to be damaged."""
        return self.nodes[name]["node"]

    def member(self, name: str) -> dict[str, Any]:
        """What the API server says of a node, to be damaged."""
        return next(one for one in self.api["nodes"] if one["name"] == name)


def intent_of(**settings: Any) -> Any:
    """The intent of an inventory that is right."""
    values, problems = resolve({**SETTINGS, **settings})
    made, contradictions = build_intent(values)
    assert made is not None
    assert [str(one) for one in problems + contradictions] == []
    return made


def healthy(places: tuple[Place, ...] = SEED, **settings: Any) -> World:
    """A cluster in which everything is as it should be."""
    intent = intent_of(**settings)
    ends = [_endpoint(intent, place) for place in places]
    nodes = {place.name: {"node": _node(intent, place, end, ends)} for place, end in zip(places, ends, strict=True)}
    return World(intent, _api(intent, places), nodes, [place.name for place in places])


def _endpoint(intent: Any, place: Place) -> Endpoint:
    calico = intent.plugin == "calico"
    device = Underlay("eth0", 1500, ((place.ip, ip_interface(place.address).network.prefixlen),))
    return Endpoint(
        place.name,
        networks([place.block if calico else place.subnet]),
        device,
        public_ips=(place.ip,),
        table=(),
        macs=((4, place.mac),),
        tunnel_ips=(str(ip_network(place.block)[0]),) if calico else (),
        encrypting_ips=(str(ip_network(place.block)[1]),) if _secret(intent) else (),
    )


def _secret(intent: Any) -> bool:
    """Whether Calico encrypts."""
    return intent.plugin == "calico" and intent.backend.encrypts


def _api(intent: Any, places: tuple[Place, ...]) -> dict[str, Any]:
    api = {
        "version": "v1.34.4",
        "nodes": [_member(intent, place) for place in places],
        "agents": [
            {
                "namespace": "x",
                "name": intent.plugin,
                "agent": intent.plugin,
                "desired": len(places),
                "ready": len(places),
            }
        ],
        "services": [{"name": "default/kubernetes", "addresses": ["10.68.0.1"], "ports": [443]}],
        "gaps": [],
    }
    if intent.plugin == "calico":
        api["calico"] = {
            "pools": [{"name": "default-ipv4-ippool", "cidr": POD_CIDR, "allowed_uses": ["Workload", "Tunnel"]}],
            "blocks": [{"cidr": place.block, "node": place.name} for place in places],
            "bgp": {"mesh": True, "as_number": 64512},
            "config": {"calico_backend": "bird"},
        }
        api["ipam"] = [{"cidr": place.block, "node": place.name, "held": _held(place)} for place in places]
    return api


def _held(place: Place) -> list[dict[str, Any]]:
    addresses = {number: str(ip_network(place.block)[number]) for number in (2, 3)}
    return [
        {"address": address, "node": place.name, "pod": f"default/pod-{place.name}-{number}", "age": 3600.0}
        for number, address in addresses.items()
    ]


def _member(intent: Any, place: Place) -> dict[str, Any]:
    return {
        "name": place.name,
        "pod_cidrs": [place.subnet],
        "internal_ips": [place.ip],
        "annotations": _notes(intent, place),
        "ready": {"status": "True", "reason": "KubeletReady", "message": ""},
        "network_unavailable": {"status": "False", "reason": "Up", "message": ""},
    }


def _notes(intent: Any, place: Place) -> dict[str, str]:
    if intent.plugin == "calico":
        tunnel = str(ip_network(place.block)[0])
        notes = {"IPv4Address": place.address, "IPv4IPIPTunnelAddr": tunnel, "IPv4VXLANTunnelAddr": tunnel}
        if _secret(intent):
            notes["IPv4WireguardInterfaceAddr"] = str(ip_network(place.block)[1])
            notes["WireguardPublicKey"] = f"key of {place.name}"
        return {CALICO + key: value for key, value in {**notes, "VXLANTunnelMACAddr": place.mac}.items()}
    data = {"VtepMAC": place.mac} if intent.backend.type == "vxlan" else {"PublicKey": f"key of {place.name}"}
    return {
        f"{FLANNEL}public-ip": place.ip,
        f"{FLANNEL}backend-type": intent.backend.announced_type,
        f"{FLANNEL}backend-data": json.dumps(data),
    }


def _node(intent: Any, place: Place, end: Endpoint, ends: list[Endpoint]) -> dict[str, Any]:
    backend = intent.backend
    links = [_link(link, place) for link in backend.links(end, intent)]
    mtu = backend.pod_mtu(1500, intent.options)
    port = backend.transport(intent)
    return {
        "hostname": place.name,
        "kernel": {"release": "6.1.0", "features": {one.feature: "loaded" for one in backend.features()}},
        "links": [_device("lo", 65536), _device("eth0", 1500), *links, *_bridge(backend, mtu)],
        "addresses": [
            _address("lo", "127.0.0.1/8", "host"),
            _address("eth0", place.address),
            *_own(backend, end, intent),
        ],
        "routes": [
            _route("0.0.0.0/0", "192.168.0.254", "eth0"),
            _route(str(ip_interface(place.address).network), None, "eth0", protocol="kernel", scope="link"),
            *(_as_route(one) for one in backend.pod_routes(end)),
            *(_as_route(one) for one in backend.routes(end, ends, intent)),
            *_secret_routes(intent, end, ends),
        ],
        "rules": [SECRET_RULE] if _secret(intent) else [],
        "neighbours": [
            {"dev": one.dev, "address": one.address, "mac": one.mac, "state": ["PERMANENT"]}
            for one in backend.neighbours(end, ends, intent)
        ],
        "fdb": [
            {"dev": one.dev, "mac": one.mac, "dst": one.dst, "state": "permanent"}
            for one in backend.fdb(end, ends, intent)
        ],
        "wireguard": _wireguard(backend, ends, place.name),
        "sysctls": {"net.ipv4.ip_forward": "1", "net.ipv4.conf.all.rp_filter": "2"},
        "cni": _cni(backend),
        "subnet_env": backend.agent_env(end, intent) or None,
        "leases": {},
        "pods": [_pod(end, number, mtu) for number in (2, 3)],
        "filters": {"kube_proxy_mode": "iptables", "kube_proxy_local_cidrs": [POD_CIDR]},
        "firewall": {"chains": _chains(intent), "tables": [], "counts": {}},
        "ipsets": [],
        "listeners": [
            {"protocol": port.protocol, "port": number, "address": "0.0.0.0", "process": "kernel"}
            for number in (port.ports if port else ())
        ],
        "bird": _bird(intent, place, ends),
        "runtime": {"name": "containerd"},
        "agents": [{"name": backend.traces.agents[0], "pid": 1, "args": []}],
        "files": {},
        "gaps": [],
    }


def _device(name: str, mtu: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "index": 1, "kind": None, "mtu": mtu, "state": "up", "mac": None, **more}


def _link(link: Any, place: Place) -> dict[str, Any]:
    vxlan = link.vxlan and {
        "id": link.vxlan.vni,
        "port": link.vxlan.port,
        "local": link.vxlan.local,
        "dev": link.vxlan.dev,
        "learning": link.vxlan.learning,
    }
    return _device(link.name, link.mtu, kind=link.kind, mac=place.mac, vxlan=vxlan)


def _bridge(backend: Any, mtu: int) -> list[dict[str, Any]]:
    return [_device(backend.bridge, mtu, kind="bridge")] if backend.bridge else []


def _address(dev: str, text: str, scope: str = "global") -> dict[str, Any]:
    interface = ip_interface(text)
    family = "inet" if interface.version == 4 else "inet6"
    return {
        "dev": dev,
        "family": family,
        "address": str(interface.ip),
        "prefixlen": interface.network.prefixlen,
        "scope": scope,
    }


def _own(backend: Any, end: Endpoint, intent: Any) -> list[dict[str, Any]]:
    found = [_address(one.dev, f"{one.address}/{one.prefixlen}") for one in backend.addresses(end, intent)]
    if backend.bridge:
        subnet = end.pod_cidrs[0]
        found.append(_address(backend.bridge, f"{subnet[1]}/{subnet.prefixlen}"))
    return found


def _route(dst: str, gateway: str | None, dev: str | None, **more: Any) -> dict[str, Any]:
    return {"dst": dst, "gateway": gateway, "dev": dev, "protocol": "boot", "table": "main", "type": "unicast", **more}


def _as_route(route: Any) -> dict[str, Any]:
    return _route(route.dst, route.gateway, route.dev, type=route.type, onlink=route.onlink)


SECRET_RULE = {"family": "inet", "priority": 99, "inverted": True, "fwmark": "0x100000/0x100000", "table": "1"}


def _secret_routes(intent: Any, end: Endpoint, ends: list[Endpoint]) -> list[dict[str, Any]]:
    """Felix's own table: what goes to other nodes is encrypted, what stays on this one is thrown to the main table."""
    if not _secret(intent):
        return []
    others = [one for one in ends if one.name != end.name]
    return [
        *(_route(str(block), None, "wireguard.cali", table="1") for one in others for block in one.pod_cidrs),
        *(_route(str(block), None, None, table="1", type="throw") for block in end.pod_cidrs),
    ]


def _wireguard(backend: Any, ends: list[Endpoint], own: str) -> dict[str, Any]:
    if not backend.encrypts:
        return {}
    peers = [{"public_key": f"key of {end.name}", "latest_handshake": 1} for end in ends if end.name != own]
    dev = "wireguard.cali" if backend.plugin == "calico" else "flannel-wg"
    return {dev: {"public_key": f"key of {own}", "listen_port": 51820, "peers": peers}}


def _cni(backend: Any) -> dict[str, Any]:
    plugin = backend.traces.cni_plugins[0]
    return {
        "conf_dir": "/etc/cni/net.d",
        "bin_dir": "/opt/cni/bin",
        "configs": [{"file": backend.cni_config, "name": "cbr0", "plugins": [plugin, "portmap"], "mtu": None}],
        "binaries": sorted({*backend.cni_plugins, plugin, "portmap"}),
    }


def _pod(end: Endpoint, number: int, mtu: int) -> dict[str, Any]:
    address = str(end.pod_cidrs[0][number])
    name = f"default/pod-{end.name}-{number}"
    return {"name": name, "addresses": [address], "ifname": "eth0", "mtu": mtu, "host_dev": "veth1", "host_mtu": mtu}


def _chains(intent: Any) -> list[dict[str, Any]]:
    chains = []
    for one in intent.backend.chains(intent, nftables=False):
        common = {"flavour": "iptables-nft", "family": one.family, "table": one.table}
        chains.append({**common, "chain": one.name, "owner": intent.plugin, "rules": ["-j ACCEPT"]})
        hook = one.hooked.lower()
        rule = f"-A {one.hooked} -j {one.name}"
        chains.append({**common, "chain": one.hooked, "owner": None, "hook": hook, "policy": "accept", "rules": [rule]})
    return chains


def _bird(intent: Any, place: Place, ends: list[Endpoint]) -> list[dict[str, Any]]:
    if intent.plugin != "calico":
        return []
    sessions = [
        {
            "name": f"Mesh_{end.public_ips[0].replace('.', '_')}",
            "peer": end.public_ips[0],
            "peer_as": 64512,
            "local_as": 64512,
            "kind": "node-to-node mesh",
            "state": "up",
            "info": "Established",
            "since": "01:47:42",
        }
        for end in ends
        if end.name != place.name
    ]
    return [{"socket": "/var/run/calico/bird.ctl", "version": "v0.3.3+birdv1.6.8", "protocols": sessions}]


def damaged(world: World) -> World:
    """A copy to damage."""
    return copy.deepcopy(world)
