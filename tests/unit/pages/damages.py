# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One damage a check, done to the original cluster: what the report then says is the sample on the check's page."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from ansible_collections.switchyard.cni.plugins.plugin_utils._report import REPORTS
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._probes import Probe, plan_probes
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._result import as_result
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import (
    CALICO,
    FLANNEL,
    SEED,
    Place,
    World,
    healthy,
)

MASTER, NODE1, NODE2 = "k8s-master1", "k8s-node1", "k8s-node2"
PODS = {
    MASTER: ("net-test1-68898c85b7-54mfv", "net-test1-68898c85b7-9x668"),
    NODE1: ("net-test1-68898c85b7-4nnlv", "net-test1-68898c85b7-hw8vs"),
    NODE2: ("net-test1-68898c85b7-r24dx", "net-test1-68898c85b7-vhcqt"),
}

HOST_GW = {"flannel_backend": "host-gw"}
WIREGUARD = {"flannel_backend": "wireguard"}
DIRECT = {"flannel_direct_routing": True}
BGP = {"network_plugin": "calico", "calico_ipip_mode": "Never", "calico_vxlan_mode": "Never"}
Change = Callable[[World], None]


class Damage(NamedTuple):
    """What is done to which cluster; ``probed`` says whether paths are probed too."""

    change: Change
    places: tuple[Place, ...]
    settings: dict[str, Any]
    probed: bool


DAMAGES: dict[str, Damage] = {}


def damage(check: str, settings: dict[str, Any] | None = None, places: tuple[Place, ...] = SEED, probed: bool = False):
    """Register a change under the id of the check that shall see it."""

    def register(change: Change) -> Change:
        DAMAGES[check] = Damage(change, places, settings or {}, probed)
        return change

    return register


def sample(check: str) -> str:
    """What the text report says of a check, without the line that leads to the check's page.

    Raises AssertionError when the check does not see its damage.
    """
    done = DAMAGES[check]
    world = healthy(done.places, **done.settings)
    for name, pods in PODS.items():
        for pod, label in zip(world.node(name)["pods"], pods, strict=True):
            pod["name"] = f"default/{label}"
    world.api["agents"][0].update(namespace="kube-flannel", name="kube-flannel-ds")
    done.change(world)
    if done.probed and not world.answers:
        answer(world)
    result = as_result(
        world.judge("sample" if done.probed else "none"),
        collection="0.0.0",
        created="2026-01-01T00:00:00Z",
        fail_on="error",
        declared=True,
        settings={},
    )
    found = [finding for finding in result["findings"] if finding["id"] == check]
    assert found, f"the damage that shall show {check} is not seen"
    return _block(REPORTS["text"].render({**result, "findings": found}))


def _block(report: str) -> str:
    lines = report.partition("\nFindings\n")[2].partition("\n\n")[0].splitlines()
    return "\n".join(line.removeprefix("  ") for line in lines if not line.startswith("    see:"))


def answer(world: World, **change: Callable[[Probe], dict[str, Any]]) -> None:
    """Let every probe be answered as it should be, except for what ``change`` says of each kind of probe."""
    scene = world.scene()
    for probe in plan_probes(scene, "sample"):
        peer = scene.endpoints.get(probe.target.node)
        far = {"tunnel": peer and scene.backend.far_end(peer, 4), "node": peer and peer.address(4)}.get(probe.expected)
        gateway = f"{probe.source.address.rpartition('.')[0]}.1"
        hops = [hop for hop in (gateway if probe.kind == "pod" else None, far, probe.target.address) if hop]
        told = {"id": probe.id, "reachable": True, "sent": 3, "rtt_ms": 0.3, "hops": hops, "path_mtu": probe.mtu}
        told.update(change[probe.kind](probe) if probe.kind in change else {})
        moved = {dev: {"tx_packets": 99, "rx_packets": 99} for dev in scene.backend.devices(scene.intent)}
        empty = {"results": [], "counters": moved}
        world.answers.setdefault(probe.source.node, empty)["results"].append(told)


def _device(world: World, name: str, node: str = NODE1) -> dict[str, Any]:
    return next(one for one in world.node(node)["links"] if one["name"] == name)


def _link(name: str, kind: str | None, mtu: int = 1500) -> dict[str, Any]:
    return {"name": name, "index": 9, "kind": kind, "mtu": mtu, "state": "up", "mac": None}


def _address(dev: str, address: str, prefixlen: int) -> dict[str, Any]:
    return {"dev": dev, "family": "inet", "address": address, "prefixlen": prefixlen, "scope": "global"}


def _route(dst: str, gateway: str | None = None, dev: str | None = None, **more: Any) -> dict[str, Any]:
    found = {"dst": dst, "gateway": gateway, "dev": dev, "protocol": "boot", "table": "main", "type": "unicast"}
    return {**found, **more}


def _to(world: World, dst: str, node: str = NODE1) -> dict[str, Any]:
    return next(one for one in world.node(node)["routes"] if one["dst"] == dst)


def _note(world: World, node: str, **values: str | None) -> None:
    notes = world.member(node)["annotations"]
    notes.update({FLANNEL + key.replace("_", "-"): value for key, value in values.items() if value is not None})


# cluster


@damage("node-unreachable")
def _host_down(world: World) -> None:
    said = "Failed to connect to the host via ssh: ssh: connect to host 192.168.7.111 port 22: No route to host"
    world.nodes[NODE2] = {"unreachable": True, "msg": said}


@damage("node-not-in-cluster")
def _host_of_another_name(world: World) -> None:
    world.hosts.append("k8s-node3")
    world.nodes["k8s-node3"] = {"node": {"hostname": "k8s-node3"}}


@damage("node-not-in-inventory")
def _node_without_a_host(world: World) -> None:
    world.hosts.remove(NODE2)


@damage("node-not-ready")
def _kubelet_stopped(world: World) -> None:
    said = "Kubelet stopped posting node status."
    world.member(NODE2)["ready"] = {"status": "Unknown", "reason": "NodeStatusUnknown", "message": said}


@damage("network-unavailable")
def _calico_was_stopped(world: World) -> None:
    said = "Calico is shutting down on this node"
    world.member(NODE2)["network_unavailable"] = {"status": "True", "reason": "CalicoIsDown", "message": said}


@damage("pod-cidr-missing")
def _no_pod_cidr(world: World) -> None:
    world.member(NODE2)["pod_cidrs"] = []


@damage("pod-cidr-outside")
def _another_pod_network(world: World) -> None:
    world.member(NODE2)["pod_cidrs"] = ["10.244.1.0/24"]


@damage("pod-cidr-duplicate")
def _one_subnet_twice(world: World) -> None:
    world.member(NODE2)["pod_cidrs"] = world.member(NODE1)["pod_cidrs"]


@damage(
    "cidr-nearly-exhausted",
    {"network_pod_cidr": "172.50.0.0/22"},
    (*SEED, Place("k8s-node3", "192.168.7.112/21", 3)),
)
def _four_nodes_in_a_network_for_four(world: World) -> None:
    assert len(world.nodes) == 4


@damage("subnet-nearly-full")
def _many_pods(world: World) -> None:
    pod = world.node(NODE1)["pods"][0]
    world.node(NODE1)["pods"] = [{**pod, "addresses": [f"172.50.2.{number}"]} for number in range(2, 242)]


@damage("agent-not-running")
def _no_flanneld(world: World) -> None:
    world.node(NODE1)["agents"] = [{"name": "kubelet"}, {"name": "kube-proxy"}]


@damage("agent-not-ready")
def _two_of_three_agents(world: World) -> None:
    world.api["agents"][0]["ready"] = 2


@damage("agent-silent")
def _no_annotations(world: World) -> None:
    world.member(NODE2)["annotations"] = {}


@damage("announcement-damaged")
def _annotation_cut_short(world: World) -> None:
    _note(world, NODE2, backend_data='{"VNI":1,"VtepMAC":"0a:00:0')


@damage("backend-mixed")
def _one_agent_not_restarted(world: World) -> None:
    _note(world, NODE2, backend_type="host-gw", backend_data="null")


@damage("nodes-not-neighbours", HOST_GW, (*SEED[:2], Place(NODE2, "10.20.0.111/24", 1)))
def _two_networks(world: World) -> None:
    assert world.intent.backend.needs_same_l2


@damage("announced-address-odd")
def _address_of_another_nic(world: World) -> None:
    world.node(NODE1)["links"].append(_link("eth1", None))
    world.node(NODE1)["addresses"].append(_address("eth1", "10.0.2.15", 24))
    _note(world, NODE1, public_ip="10.0.2.15")


# CNI


@damage("cni-config-missing")
def _no_configuration(world: World) -> None:
    world.node(NODE1)["cni"]["configs"] = []


@damage("cni-config-shadowed")
def _kubeasz_default_first(world: World) -> None:
    first = {"file": "10-default.conf", "name": "mynet", "plugins": ["bridge"], "mtu": None}
    world.node(NODE1)["cni"]["configs"].insert(0, first)


@damage("cni-config-damaged")
def _half_a_configuration(world: World) -> None:
    half = {"file": "20-old.conflist", "name": None, "plugins": [], "mtu": None, "damaged": True}
    world.node(NODE1)["cni"]["configs"].append(half)


@damage("cni-plugin-missing")
def _no_base_plugins(world: World) -> None:
    world.node(NODE1)["cni"]["binaries"] = ["flannel", "loopback"]


@damage("agent-file-missing")
def _no_subnet_env(world: World) -> None:
    world.node(NODE1)["subnet_env"] = None


@damage("agent-file-wrong")
def _subnet_env_of_another_backend(world: World) -> None:
    world.node(NODE1)["subnet_env"]["FLANNEL_MTU"] = "1500"


@damage("pod-address-foreign")
def _pod_of_another_plugin(world: World) -> None:
    world.node(NODE1)["pods"][0]["addresses"] = ["10.88.0.5"]


@damage("pod-address-duplicate")
def _one_address_twice(world: World) -> None:
    world.node(NODE1)["pods"][1]["addresses"] = world.node(NODE1)["pods"][0]["addresses"]


# devices


@damage("device-missing")
def _no_tunnel(world: World) -> None:
    world.node(NODE1)["links"].remove(_device(world, "flannel.1"))


@damage("device-down")
def _tunnel_down(world: World) -> None:
    _device(world, "flannel.1")["state"] = "down"


@damage("device-wrong-kind")
def _bridge_of_that_name(world: World) -> None:
    _device(world, "flannel.1").update(kind="dummy", vxlan=None)


@damage("device-wrong-mtu")
def _mtu_of_the_nic(world: World) -> None:
    _device(world, "flannel.1")["mtu"] = 1500


@damage("device-wrong-address")
def _address_of_an_earlier_subnet(world: World) -> None:
    world.node(NODE1)["addresses"].append(_address("flannel.1", "172.50.9.0", 32))


@damage("vxlan-wrong-vni")
def _another_vni(world: World) -> None:
    _device(world, "flannel.1")["vxlan"]["id"] = 4096


@damage("vxlan-wrong-port")
def _iana_port(world: World) -> None:
    _device(world, "flannel.1")["vxlan"]["port"] = 4789


@damage("vxlan-wrong-local")
def _old_address(world: World) -> None:
    _device(world, "flannel.1")["vxlan"]["local"] = "192.168.7.99"


@damage("vxlan-wrong-parent")
def _another_nic(world: World) -> None:
    _device(world, "flannel.1")["vxlan"]["dev"] = "docker0"


@damage("vxlan-learning")
def _learning(world: World) -> None:
    _device(world, "flannel.1")["vxlan"]["learning"] = True


@damage("vtep-mac-unannounced")
def _another_mac(world: World) -> None:
    _device(world, "flannel.1")["mac"] = "0a:7f:a9:59:9f:87"


@damage("bridge-wrong-address")
def _bridge_of_an_earlier_subnet(world: World) -> None:
    one = next(address for address in world.node(NODE1)["addresses"] if address["dev"] == "cni0")
    one["address"] = "172.50.9.1"


# routes


@damage("route-missing")
def _no_route(world: World) -> None:
    world.node(NODE1)["routes"].remove(_to(world, "172.50.1.0/24"))


@damage("route-wrong-device", HOST_GW)
def _still_over_the_tunnel(world: World) -> None:
    _to(world, "172.50.1.0/24").update(gateway="172.50.1.0", dev="flannel.1", onlink=True)


@damage("route-wrong-gateway", HOST_GW)
def _old_address_of_the_peer(world: World) -> None:
    _to(world, "172.50.1.0/24")["gateway"] = "192.168.7.112"


@damage("route-stale")
def _route_of_a_deleted_node(world: World) -> None:
    world.node(NODE1)["routes"].append(_route("172.50.3.0/24", "172.50.3.0", "flannel.1", onlink=True))


@damage("route-shadows", WIREGUARD)
def _old_route_beats_wireguard(world: World) -> None:
    world.node(NODE1)["routes"].append(_route("172.50.1.0/24", "172.50.1.0", "flannel.1", onlink=True))


@damage("route-blackhole")
def _block_left_by_calico(world: World) -> None:
    block = _route("172.50.2.64/26", type="blackhole", protocol="bird")
    world.node(NODE1)["routes"].append(block)


@damage("route-duplicate")
def _two_routes(world: World) -> None:
    world.node(NODE1)["routes"].append(_route("172.50.1.0/24", "192.168.7.111", "eth0", metric=1024, protocol="bird"))


@damage("rule-diverts-pods")
def _rule_of_a_vpn(world: World) -> None:
    node = world.node(NODE1)
    rule = {"priority": 100, "family": "inet", "to": "172.0.0.0/8", "table": "200", "action": None}
    node["rules"].append(rule)
    node["routes"].append(_route("172.0.0.0/8", None, "tun0", table="200"))
    assert len(node["rules"]) == 1


# tunnel entries


def _entry(world: World, table: str, key: str, value: str) -> dict[str, Any]:
    return next(one for one in world.node(NODE1)[table] if one[key] == value)


@damage("neighbour-missing")
def _no_neighbour(world: World) -> None:
    world.node(NODE1)["neighbours"].remove(_entry(world, "neighbours", "address", "172.50.1.0"))


@damage("neighbour-wrong")
def _mac_of_an_earlier_device(world: World) -> None:
    _entry(world, "neighbours", "address", "172.50.1.0")["mac"] = "0a:00:00:00:00:99"


@damage("neighbour-stale")
def _neighbour_of_a_deleted_node(world: World) -> None:
    old = {"dev": "flannel.1", "address": "172.50.3.0", "mac": "0a:00:00:00:00:03", "state": ["PERMANENT"]}
    world.node(NODE1)["neighbours"].append(old)


@damage("fdb-missing")
def _no_fdb_entry(world: World) -> None:
    world.node(NODE1)["fdb"].remove(_entry(world, "fdb", "dst", "192.168.7.111"))


@damage("fdb-wrong")
def _outer_address_of_yesterday(world: World) -> None:
    _entry(world, "fdb", "dst", "192.168.7.111")["dst"] = "192.168.7.112"


@damage("fdb-stale")
def _fdb_entry_of_a_deleted_node(world: World) -> None:
    old = {"dev": "flannel.1", "mac": "0a:00:00:00:00:03", "dst": "192.168.7.112", "state": "permanent"}
    world.node(NODE1)["fdb"].append(old)


KEYS = {
    MASTER: "8nL0eVUmRrPD2vOqUG8ByWmCIDEO6QAjRxi7cjFQ1Gc=",
    NODE1: "eXGYc7kVdmdJqkXoRnNdeK2PypIVrcPKBEAJbWLnQ3Q=",
    NODE2: "Zq3R8b3OfpkhvhhQy1f3ULQZLNeVPWsIKXvLVkJZt1w=",
}


def _with_real_keys(world: World) -> list[dict[str, Any]]:
    """Give every node a key of the right form; the peers of node1."""
    for name, key in KEYS.items():
        _note(world, name, backend_data=json.dumps({"PublicKey": key}))
        peers = [{"public_key": other, "latest_handshake": 1} for node, other in KEYS.items() if node != name]
        world.node(name)["wireguard"]["flannel-wg"].update(public_key=key, peers=peers)
    peers: list[dict[str, Any]] = world.node(NODE1)["wireguard"]["flannel-wg"]["peers"]
    return peers


@damage("wireguard-peer-missing", WIREGUARD)
def _no_peer(world: World) -> None:
    _with_real_keys(world).pop()


@damage("wireguard-no-handshake", WIREGUARD)
def _no_handshake(world: World) -> None:
    _with_real_keys(world)[-1]["latest_handshake"] = 0


# MTU


@damage("pod-mtu-high")
def _pod_of_host_gw(world: World) -> None:
    world.node(NODE1)["pods"][0].update(mtu=1500, host_mtu=1500)


@damage("pod-mtu-low", HOST_GW)
def _pod_of_vxlan(world: World) -> None:
    world.node(NODE1)["pods"][0].update(mtu=1450, host_mtu=1450)


@damage("veth-mtu-mismatch")
def _one_end_only(world: World) -> None:
    world.node(NODE1)["pods"][0].update(host_dev="veth2fb92430", host_mtu=1400)


@damage("bridge-mtu-low")
def _small_bridge(world: World) -> None:
    _device(world, "cni0")["mtu"] = 1400
    world.node(NODE1)["links"].append({**_link("veth1", "veth", 1450), "master": "cni0"})


@damage("cni-mtu-wrong", {**BGP, "calico_vxlan_mode": "Always"})
def _mtu_of_no_encapsulation(world: World) -> None:
    world.node(NODE1)["cni"]["configs"][0]["mtu"] = 1500


@damage("nic-mtu-differs")
def _jumbo_frames_on_one_node(world: World) -> None:
    _device(world, "eth0", NODE2)["mtu"] = 9000


# host


@damage("ip-forward-off")
def _no_forwarding(world: World) -> None:
    world.node(NODE1)["sysctls"]["net.ipv4.ip_forward"] = "0"


@damage("rp-filter-strict")
def _strict(world: World) -> None:
    world.node(NODE1)["sysctls"].update({"net.ipv4.conf.all.rp_filter": "1"})


@damage("bridge-nf-off")
def _bridge_skips_iptables(world: World) -> None:
    world.node(NODE1)["sysctls"]["net.bridge.bridge-nf-call-iptables"] = "0"


@damage("kernel-feature-missing", WIREGUARD)
def _no_module(world: World) -> None:
    world.node(NODE1)["kernel"]["features"]["wireguard"] = "missing"


def _chain(world: World, name: str) -> dict[str, Any]:
    return next(one for one in world.node(NODE1)["firewall"]["chains"] if one["chain"] == name)


@damage("forward-drop")
def _policy_drop(world: World) -> None:
    _chain(world, "FORWARD").update(policy="drop", rules=["-j DOCKER-USER"])


@damage("chain-missing")
def _no_masquerading(world: World) -> None:
    world.node(NODE1)["firewall"]["chains"].remove(_chain(world, "FLANNEL-POSTRTG"))


@damage("chain-unhooked")
def _chain_that_nobody_calls(world: World) -> None:
    _chain(world, "POSTROUTING")["rules"] = ["-j KUBE-POSTROUTING"]


@damage("filter-mode-mismatch")
def _kube_proxy_with_nftables(world: World) -> None:
    world.node(NODE1)["filters"]["kube_proxy_mode"] = "nftables"
    for name in (MASTER, NODE2):
        world.node(name)["filters"]["kube_proxy_mode"] = "none"
    assert world.intent.nftables is None


@damage("kube-proxy-other-cidr")
def _kube_proxy_of_an_earlier_network(world: World) -> None:
    world.node(NODE1)["filters"]["kube_proxy_local_cidrs"] = ["172.60.0.0/16"]


@damage("port-closed")
def _nobody_listens(world: World) -> None:
    world.node(NODE1)["listeners"] = []


@damage("port-taken")
def _somebody_else_listens(world: World) -> None:
    other = {"protocol": "udp", "port": 8472, "address": "0.0.0.0", "process": "otv"}
    world.node(NODE1)["listeners"] = [other]


# BGP


@damage("bird-silent", BGP)
def _no_bird(world: World) -> None:
    world.node(NODE1)["bird"] = []


def _sessions(world: World) -> list[dict[str, Any]]:
    sessions: list[dict[str, Any]] = world.node(NODE1)["bird"][0]["protocols"]
    return sessions


@damage("bgp-session-down", BGP)
def _seed_table(world: World) -> None:
    _sessions(world)[1].update(state="start", info="Active        Socket: Host is unreachable")


@damage("bgp-peer-missing", BGP)
def _no_session(world: World) -> None:
    _sessions(world).pop()


@damage("bgp-peer-unknown", BGP)
def _session_to_a_deleted_node(world: World) -> None:
    old = {**_sessions(world)[0], "name": "Mesh_192_168_7_102", "peer": "192.168.7.102"}
    _sessions(world).append(old)


@damage("bgp-wrong-as", BGP)
def _another_as(world: World) -> None:
    _sessions(world)[1]["peer_as"] = 64513


@damage("bgp-no-way", BGP)
def _mesh_off(world: World) -> None:
    world.api["calico"]["bgp"]["mesh"] = False


@damage("bgp-reflector-single", BGP)
def _one_reflector(world: World) -> None:
    world.api["calico"]["bgp"]["mesh"] = False
    world.member(NODE1)["annotations"]["projectcalico.org/RouteReflectorClusterID"] = "244.0.0.1"


# IPAM


@damage("ipam-address-leaked", BGP)
def _a_pod_that_left_its_address(world: World) -> None:
    del world.node(NODE1)["pods"][1]


@damage("ipam-address-unheld", BGP)
def _a_pod_nobody_knows_of(world: World) -> None:
    del _ipam_block(world, NODE1)["held"][0]


@damage("ipam-block-orphaned", BGP)
def _a_block_of_nobody(world: World) -> None:
    world.api["ipam"].append({"cidr": "172.50.200.0/26", "node": "k8s-node9", "held": []})


@damage("ipam-address-borrowed", BGP)
def _an_address_from_elsewhere(world: World) -> None:
    borrowed = _ipam_block(world, NODE1)["held"].pop()
    _ipam_block(world, NODE2)["held"].append({**borrowed, "address": "172.50.9.9"})


# images


@damage("image-digest-differs")
def _a_moved_tag(world: World) -> None:
    image = "registry.example:5000/baseimages/flannel:v0.28.10"
    running = [{"node": node, "image": image, "digest": f"sha256:{'5c6b' * 16}"} for node in (NODE1, NODE2)]
    world.api["mirrored"] = {"images": {image: f"sha256:{'9f2e' * 16}"}, "running": running}


def _ipam_block(world: World, node: str) -> dict[str, Any]:
    return next(one for one in world.api["ipam"] if one["node"] == node)


# leftovers


@damage("leftover-device", HOST_GW)
def _tunnel_of_vxlan(world: World) -> None:
    world.node(NODE1)["links"].append(_link("flannel.1", "vxlan", 1450))


@damage("tunl0-in-use", BGP)
def _address_on_tunl0(world: World) -> None:
    world.node(NODE1)["links"].append(_link("tunl0", "ipip", 1480))
    world.node(NODE1)["addresses"].append(_address("tunl0", "172.50.120.0", 32))


@damage("leftover-route")
def _routes_of_bird(world: World) -> None:
    world.node(NODE1)["routes"].append(_route("172.60.1.0/26", "192.168.7.111", "eth0", protocol="bird"))


@damage("leftover-chain")
def _chains_of_calico(world: World) -> None:
    names = ("cali-FORWARD", "cali-INPUT", "cali-OUTPUT", "cali-from-wl-dispatch")
    common = {"flavour": "iptables-nft", "family": "ip", "table": "filter", "owner": "calico"}
    world.node(NODE1)["firewall"]["chains"] += [{**common, "chain": name} for name in names]


@damage("leftover-filter-table")
def _table_of_calico(world: World) -> None:
    world.node(NODE1)["firewall"]["tables"] = [{"family": one, "name": "calico"} for one in ("ip", "ip6")]


@damage("leftover-ipset")
def _sets_of_calico(world: World) -> None:
    names = ("cali40all-ipam-pools", "cali40masq-ipam-pools", "cali40this-host")
    world.node(NODE1)["ipsets"] = [{"name": name} for name in names]


@damage("leftover-file")
def _files_of_calico(world: World) -> None:
    found = {"sha256": "0" * 64, "mode": "0644"}
    world.node(NODE1)["files"] = dict.fromkeys(("/var/lib/calico/nodename", "/var/lib/calico/mtu"), found)


@damage("leftover-cni-config")
def _configuration_of_calico(world: World) -> None:
    last = {"file": "10-calico.conflist", "name": "k8s-pod-network", "plugins": ["calico", "portmap"], "mtu": None}
    world.node(NODE1)["cni"]["configs"].insert(0, last)


@damage("leftover-lease")
def _leases_without_pods(world: World) -> None:
    leases = [{"address": f"172.50.2.{number}", "container": "4f1e", "age": 86400} for number in (2, 3, 17, 18)]
    world.node(NODE1)["leases"] = {"cbr0": leases}


@damage("leftover-annotation")
def _notes_of_calico(world: World) -> None:
    for name in (MASTER, NODE1, NODE2):
        world.member(name)["annotations"][f"{CALICO}IPv4Address"] = "192.168.7.110/21"


# paths


def _from_node1(text: dict[str, Any]) -> Callable[[Probe], dict[str, Any]]:
    """A change of the answers to the first path of node1."""
    return lambda probe: text if probe.source.node == NODE1 and probe.expected not in ("local",) else {}


SILENT = {
    "reachable": False,
    "hops": [],
    "path_mtu": None,
    "error": "no answer to 3 packets, each within 1 s; the last hop that answered is 172.50.2.1",
}


@damage("pod-unreachable", probed=True)
def _pods_do_not_answer(world: World) -> None:
    answer(world, pod=_from_node1(SILENT))


@damage("node-to-pod-unreachable", probed=True)
def _pods_do_not_answer_the_node(world: World) -> None:
    answer(world, node=_from_node1({**SILENT, "error": "administratively prohibited, says 192.168.7.111"}))


@damage("service-unreachable", probed=True)
def _service_refuses(world: World) -> None:
    answer(world, service=_from_node1({**SILENT, "error": "connection refused, says 10.68.0.1"}))


@damage("path-wrong-class", DIRECT, probed=True)
def _still_through_the_tunnel(world: World) -> None:
    def old(probe: Probe) -> dict[str, Any]:
        if probe.source.node != NODE1 or probe.expected != "node":
            return {}
        far = f"{probe.target.address.rpartition('.')[0]}.0"
        return {"hops": ["172.50.2.1", far, probe.target.address]}

    answer(world, pod=old)


@damage("path-mtu-low", probed=True)
def _small_switch(world: World) -> None:
    said = "a packet of 1450 bytes does not pass: above 1400 bytes packets vanish without an error"
    answer(world, pod=_from_node1({"path_mtu": 1400, "error": said}))


@damage("encapsulation-unused", probed=True)
def _idle_tunnel(world: World) -> None:
    answer(world)
    world.answers[NODE1]["counters"]["flannel.1"]["tx_packets"] = 0


@damage("encapsulation-unexpected", DIRECT, probed=True)
def _busy_tunnel(world: World) -> None:
    answer(world)
    for name in (MASTER, NODE2):
        world.answers[name]["counters"]["flannel.1"]["tx_packets"] = 0


@damage("probe-impossible", probed=True)
def _no_pod_to_probe_from(world: World) -> None:
    world.node(MASTER)["pods"] = []
