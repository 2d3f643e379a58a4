# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters of Calico on a real kernel: what Felix programs is programmed by hand, what BIRD does is done by BIRD.

As measured on a Calico v3.32.1: pods are host routes of a veth; routes through vxlan.calico are of protocol boot, those
of CrossSubnet and blackholes of protocol 80; without encapsulation all of them are BIRD's. The configuration of BIRD is
that of confd/etc/calico/confd/templates/bird*.template, but for faster attempts and what only Calico's BIRD knows.
"""

from __future__ import annotations

import hashlib
import json
from ipaddress import ip_address, ip_network

import pytest
from cluster_on_kernel import (
    CONFIGMAPS,
    DAEMONSETS,
    KUBERNETES,
    NODES,
    POD_CIDR,
    SERVICE,
    ClusterOnKernel,
    configmap,
    daemonset,
    node_object,
    service,
)
from test_netns_info_bird import version
from topology import NodePlan, Topology

from conftest import need

CALICO, PREFIX = "/apis/crd.projectcalico.org/v1", "projectcalico.org/"
TUNNEL, TUNL0 = "vxlan.calico", "tunl0"
POD_MTU = {"none": 1500, "ipip": 1480, "Always": 1450, "CrossSubnet": 1450}
# The seed's blocks and nodes.
SEED = (
    NodePlan("master", "192.168.7.101/21", "172.50.38.64/26"),
    NodePlan("node1", "192.168.7.110/21", "172.50.120.0/26"),
    NodePlan("node2", "192.168.7.111/21", "172.50.170.192/26"),
)
SEED_WITH_FAR_NODE = (*SEED[:2], NodePlan("node2", "192.168.15.111/21", "172.50.170.192/26"))
# The seed's pods with IPIP off, and as they were before.
PLAIN_PODS = {
    "master": {"172.50.38.65": "kube-system/coredns-6955765f44-8vdz7"},
    "node1": {
        "172.50.120.0": "default/net-test1-68898c85b7-fs5s7",
        "172.50.120.1": "default/net-test1-68898c85b7-54mfv",
    },
    "node2": {
        "172.50.170.192": "default/net-test1-68898c85b7-g45v8",
        "172.50.170.193": "default/net-test1-68898c85b7-9x668",
    },
}
TUNNEL_PODS = {
    "master": {"172.50.38.66": "kube-system/coredns-6955765f44-8vdz7"},
    "node1": {
        "172.50.120.13": "default/net-test1-68898c85b7-nwrl9",
        "172.50.120.14": "default/net-test1-68898c85b7-224j6",
    },
    "node2": {"172.50.170.205": "default/busybox", "172.50.170.207": "default/net-test1-68898c85b7-kwjm5"},
}
CNI_CONFIG = {
    "name": "k8s-pod-network",
    "cniVersion": "0.3.1",
    "plugins": [
        {"type": "calico", "mtu": 0, "ipam": {"type": "calico-ipam"}, "datastore_type": "kubernetes"},
        {"type": "portmap", "snat": True, "capabilities": {"portMappings": True}},
    ],
}
# felix/rules/static.go, the part that is there on every node.
FELIX_IPTABLES = """
-t filter -N cali-FORWARD
-t filter -A FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD
-t filter -A cali-FORWARD -m comment --comment "cali:vjrMJCRpqwy5oRoX" -j MARK --set-xmark 0x0/0xe0000
"""
FELIX_NFT = """
table ip calico {
    chain filter-cali-FORWARD {
        counter meta mark set meta mark & 0xfff1ffff
    }
    chain filter-FORWARD {
        type filter hook forward priority filter
        counter jump filter-cali-FORWARD comment "cali:dpfqBgJrpRwlrqw1;"
    }
}
table arp calico-arp {
    chain filter-INPUT {
        type filter hook input priority filter
    }
}
"""
BIRD = """
log "{log}" all;
router id {me};
filter calico_export_to_bgp_peers {{
    if ( net = {block} ) then {{ accept; }}
    if ( net ~ {block} ) then {{ reject; }}
    if ( net ~ {pool} ) then {{ accept; }}
    reject;
}}
protocol static {{ route {block} blackhole; }}
protocol kernel {{
    learn; persist; scan time 2; import all; export {programmed}; graceful restart; merge paths on; metric 1024;
}}
protocol device {{ scan time 2; }}
protocol direct {{ interface -"cali*", -"kube-ipvs*", "*"; }}
template bgp bgp_template {{
    description "Connection to BGP peer"; local as {own_as}; multihop; gateway recursive; import all;
    export filter calico_export_to_bgp_peers; add paths on; graceful restart;
    connect delay time 1; connect retry time 1; error wait time 1,1;
}}
"""
# Of two nodes, the one with the higher address connects.
BIRD_PEER = """
protocol bgp Mesh_{name} from bgp_template {{
    neighbor {peer} as {peer_as}; source address {me}; {passive} graceful restart time 120;
}}
"""


def derived_mac(node):
    """The MAC address that Felix gives a node's VTEP (felix/calc/vxlan_resolver.go)."""
    return ":".join(f"{byte:02x}" for byte in b"f" + hashlib.sha1(node.encode()).digest()[:5])


def ipam_block(subnet, node, pods=()):
    """An IPAMBlock of a node, with what its pods hold: (address, namespace/name, the pod's node)."""
    network = ip_network(subnet)
    places = {int(ip_address(address)) - int(network[0]): place for place, (address, *dummy) in enumerate(pods)}
    attributes = []
    for dummy, label, home in pods:
        namespace, dummy_slash, pod = label.partition("/")
        notes = {"namespace": namespace, "pod": pod, "node": home, "timestamp": "2026-11-27 14:20:11.1 +0000 UTC"}
        attributes.append({"handle_id": f"k8s-pod-network.{pod}", "secondary": notes})
    return {
        "metadata": {"name": subnet.translate(str.maketrans("./", "--"))},
        "spec": {
            "cidr": subnet,
            "affinity": f"host:{node}",
            "allocations": [places.get(ordinal) for ordinal in range(network.num_addresses)],
            "attributes": attributes,
        },
    }


class CalicoTopology(Topology):
    """Nodes without a bridge.

    ``mode`` is none (BIRD programs all routes), ipip (Always), or Always or CrossSubnet of VXLAN. ``macs`` are those of
    VTEPs that are not derived from the node's name.
    """

    def __init__(self, mode, nodes=SEED, macs=()):
        self.mode, self.macs = mode, dict(macs)
        super().__init__("calico", nodes, pod_mtu=POD_MTU[mode])

    def mac(self, node):
        """The MAC address of a node's VTEP."""
        return self.macs.get(node) or derived_mac(node)

    def furnish(self, node, plan):
        """What Felix programs: the tunnel's device, and the blackhole of the node's block."""
        if self.mode != "none":
            node.ip("\n".join(self.tunnel(plan)))
        if self.mode in ("Always", "CrossSubnet"):
            node.ip(f"route add blackhole {plan.subnet} proto 80")

    def tunnel(self, plan):
        """The lines for `ip` that make a node's tunnel device. tunl0 is there with the kernel's module."""
        if self.mode == "ipip":
            return [f"link set {TUNL0} mtu {self.pod_mtu} up", f"addr add {plan.tunnel}/32 dev {TUNL0}"]
        return [
            f"link add {TUNNEL} address {self.mac(plan.name)} mtu {self.pod_mtu} "
            f"type vxlan id 4096 dstport 4789 local {plan.address} dev eth0 nolearning",
            f"link set {TUNNEL} up",
            f"addr add {plan.tunnel}/32 dev {TUNNEL}",
        ]

    def add_peer(self, plan, peer):
        """What Felix programs for a peer."""
        if self.mode == "ipip":
            self[plan.name].ip(f"route add {peer.subnet} via {peer.address} dev {TUNL0} proto 80 onlink")
        elif self.mode != "none":
            self._add_vtep(self[plan.name], peer)
            direct = self.mode == "CrossSubnet" and plan.segment == peer.segment
            way = f"{peer.address} dev eth0 proto 80" if direct else f"{peer.tunnel} dev {TUNNEL}"
            self[plan.name].ip(f"route add {peer.subnet} via {way} onlink")

    def _add_vtep(self, node, peer):
        """A node knows every VTEP, whatever the routes use."""
        mac = self.mac(peer.name)
        node.run("bridge", "fdb", "add", mac, "dev", TUNNEL, "dst", peer.address, "self", "permanent")
        node.ip(f"neigh replace {peer.tunnel} lladdr {mac} dev {TUNNEL} nud permanent")


class CalicoOnKernel(ClusterOnKernel):
    """A cluster with pods on each node; with ``bird``, the mesh's daemons spread the blocks."""

    def __init__(self, topology, folder, pods, nftables=False, **settings):
        super().__init__(topology, folder, {"network_plugin": "calico", **settings})
        self.nftables = nftables
        self.bird = self.moves = settings["calico_networking_backend"] == "bird"
        self.birds = {}
        for plan in topology.plans.values():
            self._furnish(plan, pods[plan.name])
        self.serve_api()
        self._fill_api(pods)

    # -- a node

    def _furnish(self, plan, pods):
        files = self.files(plan.name)
        for name in ("bandwidth", "calico", "calico-ipam", "host-local", "loopback", "portmap", "tuning"):
            files.put(f"/opt/cni/bin/{name}", "", 0o755)
        files.put("/etc/cni/net.d/10-calico.conflist", json.dumps(CNI_CONFIG))
        files.put("/var/lib/calico/nodename", plan.name)
        files.put("/var/lib/calico/mtu", str(self._topology.pod_mtu))
        self[plan.name].sysctl("net/ipv4/conf/all/rp_filter", 0)
        for address, name in pods.items():
            place = self._topology.routed_pod(plan.name, address)
            self.remember_pod(plan.name, address, name, "k8s-pod-network", place.name)
        self.filter(plan.name, FELIX_IPTABLES, FELIX_NFT)
        self.start_agent(plan.name, "calico-node")
        if self.bird:
            self.start_bird(plan.name)

    # -- BIRD

    def bird_configuration(self, node, own_as=64512, peers=None):
        """What confd writes. ``peers`` are addresses; None are all nodes'."""
        plan = self.plans[node]
        log = self.files(node).root / "var/log/calico/bird.log"
        others = [one.address for one in self.plans.values() if one is not plan] if peers is None else peers
        # Of blocks that are encapsulated BIRD keeps the blackholes only: the routes are Felix's (since v3.33).
        programmed = "all" if self._topology.mode == "none" else "where source = RTS_STATIC"
        text = BIRD.format(
            log=log, me=plan.address, block=plan.subnet, pool=POD_CIDR, own_as=own_as, programmed=programmed
        )
        for peer in others:
            passive = "passive on;" if peer > plan.address else ""
            name = peer.replace(".", "_")
            text += BIRD_PEER.format(name=name, peer=peer, peer_as=64512, me=plan.address, passive=passive)
        return text

    def start_bird(self, node, **options):
        """The node's daemon, with its control socket where calico-node has it."""
        files = self.files(node)
        files.put("/etc/calico/confd/config/bird.cfg", self.bird_configuration(node, **options))
        for path in ("var/run/calico", "var/log/calico"):
            (files.root / path).mkdir(parents=True, exist_ok=True)
        argv = [
            "bird",
            "-f",
            "-R",
            "-s",
            self.control(node),
            "-c",
            str(files.root / "etc/calico/confd/config/bird.cfg"),
        ]
        self.birds[node] = self[node].start(*argv)

    def control(self, node):
        """The path of a daemon's control socket, of which the kernel takes 107 characters."""
        return str(self.files(node).root / "var/run/calico/bird.ctl")

    def kill_bird(self, node):
        """As the kernel does when memory is short."""
        process = self.birds.pop(node)
        process.kill()
        process.wait()

    def reconfigure_bird(self, node, **options):
        """Let confd write other peers, and tell BIRD."""
        self.files(node).put("/etc/calico/confd/config/bird.cfg", self.bird_configuration(node, **options))
        self.birdc(node, "configure")

    def birdc(self, node, *words):
        """Tell a node's daemon something."""
        self[node].run("birdc", "-s", self.control(node), *words)

    # -- the API server

    def _fill_api(self, pods):
        plans = self.plans.values()
        blocks = [{"cidr": plan.subnet, "node": plan.name, "state": "confirmed", "deleted": "false"} for plan in plans]
        modes = {"ipipMode": self.settings["calico_ipip_mode"], "vxlanMode": self.settings["calico_vxlan_mode"]}
        pool = {"cidr": POD_CIDR, "blockSize": 26, "natOutgoing": True, "nodeSelector": "all()", **modes}
        backend = self.settings["calico_networking_backend"]
        self.api.objects.update(
            {
                NODES: [self._node(plan) for plan in plans],
                DAEMONSETS: [
                    daemonset("kube-system", "calico-node", "quay.io/calico/node:v3.32.1", len(plans)),
                    daemonset("kube-system", "kube-proxy", "registry.k8s.io/kube-proxy:v1.34.4", len(plans)),
                ],
                CONFIGMAPS: [configmap("kube-system", "calico-config", calico_backend=backend, veth_mtu="0")],
                KUBERNETES: service("default", "kubernetes", SERVICE, 443),
                CALICO: {},
                f"{CALICO}/ippools": [{"metadata": {"name": "default-ipv4-ippool"}, "spec": pool}],
                f"{CALICO}/blockaffinities": [
                    {"metadata": {"name": f"{block['node']}-1"}, "spec": block} for block in blocks
                ],
                f"{CALICO}/ipamblocks": [
                    ipam_block(plan.subnet, plan.name, [(*pod, plan.name) for pod in pods[plan.name].items()])
                    for plan in plans
                ],
                f"{CALICO}/bgpconfigurations": [{"metadata": {"name": "default"}, "spec": {"asNumber": 64512}}],
                f"{CALICO}/felixconfigurations": [{"metadata": {"name": "default"}, "spec": {}}],
            }
        )

    def _node(self, plan):
        notes = {"IPv4Address": plan.nic}
        if self._topology.mode == "ipip":
            notes["IPv4IPIPTunnelAddr"] = plan.tunnel
        elif self._topology.mode != "none":
            notes["IPv4VXLANTunnelAddr"] = plan.tunnel
            if plan.name in self._topology.macs:
                notes["VXLANTunnelMACAddr"] = self._topology.macs[plan.name]
        annotations = {PREFIX + key: value for key, value in notes.items()}
        return node_object(plan.name, [plan.address], [plan.subnet], annotations, "CalicoIsUp")


def _need_bird():
    need("bird", "birdc")
    if version() != 1:
        pytest.skip("BIRD 1.6 is needed, which Calico's own is made of")


def bgp(folder):
    """No encapsulation: a mesh of three BIRDs."""
    _need_bird()
    modes = {"calico_ipip_mode": "Never", "calico_vxlan_mode": "Never", "calico_networking_backend": "bird"}
    return CalicoOnKernel(CalicoTopology("none"), folder, PLAIN_PODS, **modes)


def ipip(folder):
    """IPIP between all nodes, as it is by default, beside the mesh."""
    _need_bird()
    modes = {"calico_ipip_mode": "Always", "calico_vxlan_mode": "Never", "calico_networking_backend": "bird"}
    return CalicoOnKernel(CalicoTopology("ipip"), folder, TUNNEL_PODS, **modes)


def vxlan_always(folder):
    """VXLAN between all nodes; one of them has announced its MAC address."""
    modes = {"calico_ipip_mode": "Never", "calico_vxlan_mode": "Always", "calico_networking_backend": "vxlan"}
    topology = CalicoTopology("Always", macs={"master": "66:00:00:00:00:65"})
    return CalicoOnKernel(topology, folder, TUNNEL_PODS, **modes)


def cross_subnet(folder):
    """VXLAN to the third node, which is behind a router. Filtered by nftables."""
    modes = {"calico_ipip_mode": "Never", "calico_vxlan_mode": "CrossSubnet", "calico_networking_backend": "vxlan"}
    topology = CalicoTopology("CrossSubnet", SEED_WITH_FAR_NODE)
    return CalicoOnKernel(topology, folder, TUNNEL_PODS, nftables=True, **modes)
