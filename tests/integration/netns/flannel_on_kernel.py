# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters of flannel on a real kernel, with all that flanneld, its CNI plugin and kube-proxy leave on a node."""

from __future__ import annotations

import json
import sys

from cluster_on_kernel import (
    CONFIGMAPS,
    DAEMONSETS,
    HELPERS,
    KUBERNETES,
    NODES,
    POD_CIDR,
    POD_CIDR6,
    SERVICE,
    ClusterOnKernel,
    configmap,
    container_id,
    daemonset,
    node_object,
    restored,
    service,
)
from test_netns_info_filters import FLANNEL_IPTABLES, FLANNEL_NFT, SUBNET
from topology import SEED, SEED_WITH_FAR_NODE, NodePlan, Topology

PREFIX = "flannel.alpha.coreos.com/"
# The seed's pods; those of the master are Kubernetes' own.
PODS = {
    "master": {
        "172.50.0.2": "kube-system/coredns-6955765f44-8vdz7",
        "172.50.0.3": "kube-system/coredns-6955765f44-wn9gt",
    },
    "node1": {"172.50.2.2": "default/net-test1-68898c85b7-hw8vs", "172.50.2.3": "default/net-test1-68898c85b7-4nnlv"},
    "node2": {"172.50.1.2": "default/net-test1-68898c85b7-r24dx", "172.50.1.3": "default/net-test1-68898c85b7-vhcqt"},
    "node3": {"172.50.3.2": "default/net-test1-68898c85b7-6jq7p", "172.50.3.3": "default/net-test1-68898c85b7-t5x2c"},
}
PLUGINS = ("bridge", "flannel", "host-local", "loopback", "portmap")
CNI_CONFIG = {
    "name": "cbr0",
    "cniVersion": "0.3.1",
    "plugins": [
        {"type": "flannel", "delegate": {"hairpinMode": True, "isDefaultGateway": True}},
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}


class UdpTopology(Topology):
    """Nodes whose flanneld carries the packets itself."""

    def __init__(self, nodes=SEED):
        super().__init__("host-gw", nodes, pod_mtu=1472)

    def add_peer(self, plan, peer):
        """flanneld keeps its peers to itself: the kernel has one route to all of them."""


class WireguardTopology(Topology):
    """Nodes of flannel's wireguard backend (pkg/backend/wireguard); ``keys`` are their public keys."""

    def __init__(self, nodes=SEED):
        self.keys = {}
        super().__init__("wireguard", nodes, pod_mtu=1420)

    def furnish(self, node, plan):
        """The device, with a key of its own."""
        super().furnish(node, plan)
        private = node.run("wg", "genkey")
        self.keys[plan.name] = node.run("wg", "pubkey", text=private).strip()
        node.run("wg", "set", "flannel-wg", "listen-port", "51820", "private-key", "/proc/self/fd/0", text=private)

    def tunnel(self, plan):
        """The lines for `ip` that make a node's device."""
        return [
            f"link add flannel-wg mtu {self.pod_mtu} type wireguard",
            f"addr add {plan.tunnel}/32 dev flannel-wg",
            "link set flannel-wg up",
            f"route add {POD_CIDR} dev flannel-wg scope link",
        ]

    def add_peer(self, plan, peer):
        """The device chooses the peer by the pod's address."""
        words = ["peer", self.keys[peer.name], "endpoint", f"{peer.address}:51820", "allowed-ips", peer.subnet]
        self[plan.name].run("wg", "set", "flannel-wg", *words)

    def forget_peer(self, plan, peer):
        """Remove a peer, and what was agreed with it."""
        self[plan.name].run("wg", "set", "flannel-wg", "peer", self.keys[peer.name], "remove")


class FlannelOnKernel(ClusterOnKernel):
    """A cluster with two pods on each node. With ``nftables``, kube-proxy and flanneld both filter with it."""

    def __init__(self, topology, folder, type_name, nftables=False, **settings):
        super().__init__(topology, folder, {"flannel_backend": type_name, **settings})
        self.type = type_name
        self.moves = type_name == "wireguard"
        self.nftables = nftables
        for plan in topology.plans.values():
            self._furnish(plan)
        self.serve_api()
        self._fill_api()

    # -- a node

    def _furnish(self, plan):
        files = self.files(plan.name)
        for name in PLUGINS:
            files.put(f"/opt/cni/bin/{name}", "", 0o755)
        files.put("/etc/cni/net.d/10-flannel.conflist", json.dumps(CNI_CONFIG))
        files.put("/run/flannel/subnet.env", self.subnet_env(plan))
        # The kernel shall not follow the smallest of the pods' MTUs with the bridge's.
        self[plan.name].ip(f"link set cni0 mtu {self._topology.pod_mtu}")
        self[plan.name].sysctl("net/ipv4/conf/all/rp_filter", 0)
        for address, name in PODS.get(plan.name, {}).items():
            self.add_pod(plan.name, address, name)
        flannels = (text.replace(SUBNET, plan.subnet) for text in (FLANNEL_IPTABLES, FLANNEL_NFT))
        self.filter(plan.name, *flannels)
        if self._topology.ipv6:
            lines = FLANNEL_IPTABLES.replace(SUBNET, plan.subnet6).replace(POD_CIDR, POD_CIDR6)
            lines = lines.replace("224.0.0.0/4", "ff00::/8")
            self[plan.name].run("ip6tables-nft-restore", "--noflush", text=restored(lines))
        self.start_flanneld(plan.name)

    def subnet_env(self, plan, network=POD_CIDR):
        """What flanneld tells its CNI plugin."""
        text = f"FLANNEL_NETWORK={network}\nFLANNEL_SUBNET={plan.gateway}/{plan.length}\n"
        if self._topology.ipv6:
            text += f"FLANNEL_IPV6_NETWORK={POD_CIDR6}\nFLANNEL_IPV6_SUBNET={plan.gateway6}/64\n"
        return text + f"FLANNEL_MTU={self._topology.pod_mtu}\nFLANNEL_IPMASQ=true\n"

    def start_flanneld(self, node):
        """The node's agent; that of udp carries packets."""
        if self.type != "udp":
            self.start_agent(node, "flanneld")
            return
        plan = self.plans[node]
        peers = [f"{peer.subnet}={peer.address}" for peer in self.plans.values() if peer is not plan]
        script = str(HELPERS.with_name("flanneld_udp.py"))
        options = {"executable": sys.executable, "stdin": -1, "stdout": -1}
        self._agents[node] = self[node].start("flanneld", script, plan.tunnel, plan.address, *peers, **options)
        assert self._agents[node].stdout.readline() == "ready\n"

    def tell_flanneld(self, node, word):
        """Let the agent of udp open or close its socket."""
        self._told.pop(node, None)
        agent = self._agents[node]
        agent.stdin.write(f"{word}\n")
        agent.stdin.flush()
        assert agent.stdout.readline() == "ready\n"

    # -- pods

    def add_pod(self, node, address, name):
        """A pod, and what libcni and host-local keep of it."""
        six = f"{self.plans[node].tunnel6}{address.rpartition('.')[2]}" if self._topology.ipv6 else None
        place = self._topology.pod(node, address, six)
        self.remember_pod(node, address, name, "cbr0", place.name)
        self.files(node).put(f"/var/lib/cni/networks/cbr0/{address}", f"{container_id(address)}\r\neth0")

    def remove_pod(self, address):
        """The pod alone: what is kept of it stays."""
        self.pod(address)
        self._topology.remove_pod(address)

    # -- the API server

    def _fill_api(self):
        conf = {"Network": POD_CIDR, "Backend": {"Type": self.type}, "EnableNFTables": self.nftables}
        if self.settings.get("flannel_direct_routing"):
            conf["Backend"]["DirectRouting"] = True
        if self._topology.ipv6:
            conf.update({"EnableIPv6": True, "IPv6Network": POD_CIDR6})
        number = len(self.plans)
        self.api.objects.update(
            {
                NODES: [self._node(plan) for plan in self.plans.values()],
                DAEMONSETS: [
                    daemonset("kube-flannel", "kube-flannel-ds", "ghcr.io/flannel-io/flannel:v0.28.9", number),
                    daemonset("kube-system", "kube-proxy", "registry.k8s.io/kube-proxy:v1.34.4", number),
                ],
                KUBERNETES: service("default", "kubernetes", SERVICE, 443),
                CONFIGMAPS: [configmap("kube-flannel", "kube-flannel-cfg", **{"net-conf.json": json.dumps(conf)})],
            }
        )

    def _node(self, plan):
        """The Node with what flanneld has announced, its VTEP's real MAC address among it."""
        data = "null"
        if self.type == "vxlan":
            (link,) = json.loads(self[plan.name].run("ip", "-j", "link", "show", "flannel.1"))
            data = json.dumps({"VNI": 1, "VtepMAC": link["address"]})
        elif self.type == "wireguard":
            data = json.dumps({"PublicKey": self._topology.keys[plan.name]})
        notes = {
            "public-ip": plan.address,
            "backend-type": "" if self.type == "udp" else self.type,
            "backend-data": data,
            "kube-subnet-manager": "true",
        }
        cidrs, addresses = [plan.subnet], [plan.address]
        if self._topology.ipv6:
            notes.update({"public-ipv6": plan.address6, "backend-v6-data": data})
            cidrs.append(plan.subnet6)
            addresses.append(plan.address6)
        annotations = {PREFIX + key: value for key, value in notes.items()}
        return node_object(plan.name, addresses, cidrs, annotations, "FlannelIsUp")


NEAR = NodePlan("node3", "192.168.7.112/21", "172.50.3.0/24")
"""A fourth node, so that a /22 is full."""


def vxlan(folder):
    """The seed's cluster."""
    return FlannelOnKernel(Topology("vxlan"), folder, "vxlan")


def direct(folder):
    """vxlan with DirectRouting on one layer 2: nothing is encapsulated. Filtered by nftables."""
    return FlannelOnKernel(Topology("direct"), folder, "vxlan", nftables=True, flannel_direct_routing=True)


def direct_far(folder):
    """The same with a router before the third node: packets to and from it are encapsulated."""
    topology = Topology("direct", SEED_WITH_FAR_NODE)
    return FlannelOnKernel(topology, folder, "vxlan", nftables=True, flannel_direct_routing=True)


def dual_stack(folder):
    """vxlan in IPv4 and in IPv6.

    flanneld subtracts 50 bytes for both (pkg/backend/vxlan/device.go); the kernel leaves a VTEP of IPv6 70 less than
    the NIC has, whatever it is asked for (drivers/net/vxlan/vxlan_core.c).
    """
    topology = Topology("vxlan", SEED, ipv6=True, pod_mtu=1450)
    return FlannelOnKernel(topology, folder, "vxlan", network_pod_cidr=f"{POD_CIDR},{POD_CIDR6}")


def host_gw(folder):
    """host-gw with four nodes."""
    return FlannelOnKernel(Topology("host-gw", (*SEED, NEAR)), folder, "host-gw")


def udp(folder):
    """flanneld itself carries every packet."""
    return FlannelOnKernel(UdpTopology(), folder, "udp")


def wireguard(folder):
    """All that leaves a node is encrypted, and every pair of nodes has met."""
    cluster = FlannelOnKernel(WireguardTopology(), folder, "wireguard")
    cluster.verify("all")
    return cluster
