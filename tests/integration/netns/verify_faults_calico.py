# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults of Calico's clusters: BGP with real BIRDs, VXLAN, and what another plugin has left beside it."""

from __future__ import annotations

import json
import re

from calico_on_kernel import CALICO, CNI_CONFIG, FELIX_NFT, TUNL0, TUNNEL, derived_mac, ipam_block
from flannel_on_kernel import CNI_CONFIG as FLANNELS_CNI_CONFIG
from planted import Fault, Told, everywhere
from verify_changes import api, both, fdb, ip, iptables, nft, put, run

NODES = ("master", "node1", "node2")
MASTER, NODE1, NODE2 = "192.168.7.101", "192.168.7.110", "192.168.7.111"
MASTERS_BLOCK, NODE2S_BLOCK = "172.50.38.64/26", "172.50.170.192/26"
UP = "up Established"
PASSIVE = "start Passive"


def mesh(address):
    """The session with a node, as findings name it."""
    return f"{address} (node-to-node mesh)"


def failing(*errors):
    """A session that tries again and again, and what its socket or its peer has said last."""
    return re.compile(
        f"start (Active|Connect|Idle|OpenSent)( (Socket|Error|BGP Error|Received): ({'|'.join(errors)}))?"
    )


# -- what is done


def cut_off(cluster):
    """The switch forwards nothing of the master any more, and whoever had a session with it has noticed."""
    cluster["switch"].run("bridge", "link", "set", "dev", "to-master", "state", "0")
    cluster.birdc("master", "restart", "all")
    for node in ("node1", "node2"):
        cluster.birdc(node, "restart", "Mesh_192_168_7_101")


def join_again(cluster):
    cluster["switch"].run("bridge", "link", "set", "dev", "to-master", "state", "3")


def reconfigure(node, **options):
    """What confd writes for a node's BIRD."""
    return lambda cluster: cluster.reconfigure_bird(node, **options)


def bgp(**spec):
    """The default BGPConfiguration."""
    return api(lambda kube: kube.named(f"{CALICO}/bgpconfigurations", "default")["spec"].update(spec))


def remake(*changes):
    """node1's vxlan.calico made anew, with other words."""
    return lambda cluster: cluster.remake_tunnel("node1", TUNNEL, *changes)


BGP = (
    Fault(
        "bird-silent",
        "BIRD was killed",
        "bgp",
        lambda cluster: cluster.kill_bird("node1"),
        (Told("node1", "BIRD for IPv4", "an answer", "no control socket that answers"),),
        lambda cluster: cluster.start_bird("node1"),
        implies=everywhere(("master", "node2"), "bgp-session-down"),
        settles=True,
    ),
    Fault(
        "bgp-session-down",
        "one node is cut off",
        "bgp",
        cut_off,
        (
            Told("master", mesh(NODE1), UP, PASSIVE),
            Told("master", mesh(NODE2), UP, PASSIVE),
            Told("node1", mesh(MASTER), UP, failing("No route to host")),
            Told("node2", mesh(MASTER), UP, failing("No route to host")),
        ),
        join_again,
        implies=everywhere(NODES, "route-missing"),
        settles=True,
    ),
    Fault(
        "bgp-peer-missing",
        "confd has not seen a node",
        "bgp",
        reconfigure("node1", peers=[MASTER]),
        (Told("node1", f"{NODE2} (node2)", "a session of the mesh", "none"),),
        reconfigure("node1"),
        implies=everywhere(("node1", "node2"), "route-missing") | {("bgp-session-down", "node2")},
        settles=True,
    ),
    Fault(
        "bgp-peer-unknown",
        "the seed's third peer, whose node is gone",
        "bgp",
        reconfigure("node1", peers=[MASTER, "192.168.7.102", NODE2]),
        (Told("node1", "192.168.7.102", "sessions of the mesh for Nodes only", "Mesh_192_168_7_102, for no Node"),),
        reconfigure("node1"),
        implies=everywhere(("node1",), "bgp-session-down"),
        settles=True,
    ),
    Fault(
        "bgp-wrong-as",
        "a node with an AS number of its own",
        "bgp",
        reconfigure("node1", own_as=64999),
        (
            Told("master", mesh(NODE1), "peer's AS 64512", "another one: it is refused"),
            Told("node1", mesh(MASTER), "own AS 64512", "another one: the peer refuses it"),
            Told("node1", mesh(NODE2), "own AS 64512", "another one: the peer refuses it"),
            Told("node2", mesh(NODE1), "peer's AS 64512", "another one: it is refused"),
        ),
        reconfigure("node1"),
        implies=everywhere(NODES, "bgp-session-down", "route-missing"),
        settles=True,
    ),
    Fault(
        "bgp-wrong-as",
        "another one is declared than BIRD was told",
        "bgp",
        bgp(asNumber=64600),
        tuple(
            Told(node, mesh(peer), f"{whose} AS 64600", f"{whose} AS 64512")
            for node, peers in (("master", (NODE1, NODE2)), ("node1", (MASTER, NODE2)), ("node2", (MASTER, NODE1)))
            for peer in peers
            for whose in ("own", "peer's")
        ),
    ),
)

NO_MESH = bgp(nodeToNodeMeshEnabled=False)
WITHOUT_MESH = (
    Fault(
        "bgp-no-way",
        "the mesh was switched off, and nobody takes its place",
        "bgp",
        NO_MESH,
        (Told("", "nodeToNodeMeshEnabled: false", "route reflectors or peers", "none of them"),),
    ),
    Fault(
        "bgp-reflector-single",
        "one route reflector for all",
        "bgp",
        both(
            NO_MESH,
            api(
                lambda kube: kube.annotations("node1").update(
                    {"projectcalico.org/RouteReflectorClusterID": "244.0.0.1"}
                )
            ),
        ),
        (Told("", "route reflectors", "two or more", "node1"),),
    ),
)


def block(change):
    """The block of node1, to be changed."""
    return api(lambda kube: change(kube.named(f"{CALICO}/ipamblocks", "172-50-120-0-26")["spec"]))


def hold(pod, node, place=60):
    """An address of the block that is given to somebody."""

    def change(spec):
        notes = {"namespace": "default", "pod": pod, "node": node, "timestamp": "2026-11-27 14:20:11.1 +0000 UTC"}
        spec["allocations"][place] = len(spec["attributes"])
        spec["attributes"].append({"handle_id": pod, "secondary": notes})

    return block(change)


ADDRESSES = (
    Fault(
        "ipam-address-leaked",
        "its pod is gone",
        "bgp",
        hold("gone-1", "node1"),
        (Told("node1", "172.50.120.60", "a pod with this address", "held for default/gone-1, no such pod"),),
    ),
    Fault(
        "ipam-address-unheld",
        "somebody released the address of a running pod",
        "bgp",
        block(lambda spec: spec["allocations"].__setitem__(1, None)),
        (
            Told(
                "node1",
                "default/net-test1-68898c85b7-54mfv",
                "172.50.120.1 is held for it",
                "nothing holds it",
            ),
        ),
    ),
    Fault(
        "ipam-block-orphaned",
        "the block of a Node that was deleted",
        "bgp",
        api(lambda kube: kube.objects[f"{CALICO}/ipamblocks"].append(ipam_block("172.50.200.0/26", "node9"))),
        (Told("", "172.50.200.0/26", "the block of a Node", "that of node9, which is no Node"),),
    ),
    Fault(
        "ipam-address-borrowed",
        "a node without a free block took an address of another's",
        "bgp",
        hold("far-1", "node2"),
        (
            Told(
                "",
                "172.50.120.0/26 of node1",
                "its own pods' addresses",
                "172.50.120.60 for default/far-1 on node2",
            ),
        ),
        # The pod itself is not there.
        implies=everywhere(("node2",), "ipam-address-leaked"),
    ),
)

WITHOUT_ENCAPSULATION = (
    Fault(
        "kernel-feature-missing",
        "IPIP is declared for a kernel without it",
        "bgp",
        lambda cluster: cluster.settings.update(calico_ipip_mode="Always"),
        tuple(Told(node, "ipip", "CONFIG_NET_IPIP (module ipip)", "absent") for node in NODES),
        implies=everywhere(NODES, "device-missing", "route-wrong-device", "pod-mtu-high"),
        spares="ipip",
    ),
    Fault(
        "leftover-device",
        "Felix's VTEP",
        "bgp",
        ip("node1", f"link add {TUNNEL} type vxlan id 4096 dstport 4789 local {NODE1} dev eth0 nolearning"),
        (Told("node1", TUNNEL, "nothing that calico with no encapsulation (BGP) does not make", f"{TUNNEL} (vxlan)"),),
        ip("node1", f"link del {TUNNEL}"),
    ),
    Fault(
        "leftover-device",
        "flannel's bridge",
        "bgp",
        ip("node1", "link add cni0 type bridge\nlink set cni0 up\naddr add 10.244.2.1/24 dev cni0"),
        (Told("node1", "cni0", "no device of flannel", "cni0 (bridge), with routes to 10.244.2.0/24"),),
        ip("node1", "link del cni0"),
    ),
    Fault(
        "leftover-chain",
        "flannel's chain",
        "bgp",
        iptables("node1", "-N FLANNEL-FWD"),
        (Told("node1", "chains of flannel", "no chains of flannel", "FLANNEL-FWD (iptables-nft, table ip filter)"),),
        iptables("node1", "-X FLANNEL-FWD"),
    ),
    Fault(
        "leftover-cni-config",
        "flannel's, which comes second",
        "bgp",
        put("node1", "/etc/cni/net.d/10-flannel.conflist", json.dumps(FLANNELS_CNI_CONFIG)),
        (Told("node1", "10-flannel.conflist", "no configuration of flannel", "10-flannel.conflist"),),
    ),
    Fault(
        "leftover-file",
        "flannel's subnet.env",
        "bgp",
        put("node1", "/run/flannel/subnet.env", "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.2.1/24\n"),
        (Told("node1", "files of flannel", "no file of flannel", "/run/flannel/subnet.env"),),
    ),
)

ENCAPSULATED = (
    Fault(
        "device-missing",
        "Felix has removed the VTEP",
        "calico-vxlan",
        ip("node1", f"link del {TUNNEL}"),
        (Told("node1", TUNNEL, f"a device {TUNNEL}", "no such device"),),
        lambda cluster: cluster.make_tunnel("node1"),
        implies=everywhere(("node1",), "route-missing"),
    ),
    Fault(
        "device-wrong-address",
        "Felix has lost the tunnel's address",
        "calico-vxlan",
        # With its last address a device loses IPv4, and what the kernel knew of it.
        ip("node1", f"addr del 172.50.120.0/32 dev {TUNNEL}"),
        (Told("node1", TUNNEL, "172.50.120.0/32", "no address"),),
        remake(),
        implies=everywhere(("node1",), "route-missing", "neighbour-missing"),
    ),
    Fault(
        "vxlan-wrong-vni",
        "the VNI of flannel",
        "calico-vxlan",
        remake(("id 4096", "id 1")),
        (Told("node1", TUNNEL, "VNI 4096", "VNI 1"),),
        remake(),
    ),
    Fault(
        "vtep-mac-unannounced",
        "another one than Felix derives from the name",
        "calico-vxlan",
        remake((derived_mac("node1"), "66:00:00:00:00:99")),
        (Told("node1", TUNNEL, derived_mac("node1"), "66:00:00:00:00:99"),),
        remake(),
    ),
    Fault(
        "neighbour-wrong",
        "derived, although the node has announced one",
        "calico-vxlan",
        ip("node1", f"neigh replace 172.50.38.64 lladdr {derived_mac('master')} dev {TUNNEL} nud permanent"),
        (
            Told(
                "node1",
                f"neighbours 172.50.38.64 on {TUNNEL}",
                f"172.50.38.64 on {TUNNEL} is at 66:00:00:00:00:65 (master)",
                f"172.50.38.64 on {TUNNEL} is at {derived_mac('master')}",
            ),
        ),
        ip("node1", f"neigh replace 172.50.38.64 lladdr 66:00:00:00:00:65 dev {TUNNEL} nud permanent"),
    ),
    Fault(
        "route-wrong-gateway",
        "the node instead of its tunnel",
        "calico-vxlan",
        ip("node1", f"route replace {NODE2S_BLOCK} via {NODE2} dev {TUNNEL} onlink"),
        (
            Told(
                "node1",
                NODE2S_BLOCK,
                f"{NODE2S_BLOCK} via 172.50.170.192 dev {TUNNEL} onlink",
                f"{NODE2S_BLOCK} via {NODE2} dev {TUNNEL}",
            ),
        ),
        ip("node1", f"route replace {NODE2S_BLOCK} via 172.50.170.192 dev {TUNNEL} onlink"),
    ),
    Fault(
        "route-blackhole",
        "half of a block was this node's",
        "calico-vxlan",
        ip("node1", "route add blackhole 172.50.170.192/27 proto 80"),
        (Told("node1", "172.50.170.192/27", "packets reach the pods of node2", "blackhole 172.50.170.192/27"),),
        ip("node1", "route del blackhole 172.50.170.192/27"),
    ),
    Fault(
        "cni-mtu-wrong",
        "an MTU without the tunnel",
        "calico-vxlan",
        put("node1", "/etc/cni/net.d/10-calico.conflist", json.dumps(CNI_CONFIG).replace('"mtu": 0', '"mtu": 1500')),
        (Told("node1", "10-calico.conflist", "1450 bytes", "1500 bytes"),),
    ),
)

CROSS_SUBNET = (
    Fault(
        "route-wrong-device",
        "a neighbour through the tunnel, as with Always",
        "calico-cross-subnet",
        ip("node1", f"route replace {MASTERS_BLOCK} via 172.50.38.64 dev {TUNNEL} onlink"),
        (
            Told(
                "node1",
                MASTERS_BLOCK,
                f"{MASTERS_BLOCK} via {MASTER} dev eth0",
                f"{MASTERS_BLOCK} via 172.50.38.64 dev {TUNNEL}",
            ),
        ),
        ip("node1", f"route replace {MASTERS_BLOCK} via {MASTER} dev eth0 proto 80 onlink"),
    ),
    Fault(
        "route-missing",
        "the one to the far node",
        "calico-cross-subnet",
        ip("node1", f"route del {NODE2S_BLOCK}"),
        (Told("node1", NODE2S_BLOCK, f"{NODE2S_BLOCK} via 172.50.170.192 dev {TUNNEL} onlink", "no route"),),
        ip("node1", f"route add {NODE2S_BLOCK} via 172.50.170.192 dev {TUNNEL} onlink"),
    ),
    Fault(
        "route-stale",
        "a block that was given back",
        "calico-cross-subnet",
        ip("node1", f"route add 172.50.99.0/26 via {MASTER} dev eth0 proto 80 onlink"),
        (
            Told(
                "node1",
                "172.50.99.0/26",
                "no such route: no Node has this subnet",
                f"172.50.99.0/26 via {MASTER} dev eth0",
            ),
        ),
        ip("node1", "route del 172.50.99.0/26"),
    ),
    Fault(
        "fdb-missing",
        "a neighbour's, whose packets go directly now",
        "calico-cross-subnet",
        fdb("node1", "del", derived_mac("master"), "dev", TUNNEL, "dst", MASTER, "self"),
        (
            Told(
                "node1",
                f"fdb {derived_mac('master')} on {TUNNEL}",
                f"{derived_mac('master')} on {TUNNEL} is behind {MASTER} (master)",
                f"no entry for {derived_mac('master')} on {TUNNEL}",
            ),
        ),
        fdb("node1", "add", derived_mac("master"), "dev", TUNNEL, "dst", MASTER, "self", "permanent"),
    ),
    Fault(
        "chain-missing",
        "somebody flushed the packet filter",
        "calico-cross-subnet",
        run("node1", "nft", "delete", "table", "ip", "calico"),
        (Told("node1", "filter-FORWARD", "filter-FORWARD in table ip calico", "no such chain"),),
        both(run("node1", "nft", "delete", "table", "arp", "calico-arp"), nft("node1", FELIX_NFT)),
    ),
)

TO_NODE2 = f"{NODE2S_BLOCK} via {NODE2} dev {TUNL0} onlink"
IPIP = (
    Fault(
        "device-down",
        "somebody took tunl0 down",
        "calico-ipip",
        ip("node1", f"link set {TUNL0} down"),
        (Told("node1", TUNL0, "up", "down"),),
        both(ip("node1", f"addr flush dev {TUNL0}"), lambda cluster: cluster.make_tunnel("node1")),
        implies=everywhere(("node1",), "route-missing"),
        needs="ipip",
    ),
    Fault(
        "device-wrong-mtu",
        "the MTU of the NIC",
        "calico-ipip",
        ip("node1", f"link set {TUNL0} mtu 1500"),
        (Told("node1", TUNL0, "1480 bytes", "1500 bytes"),),
        ip("node1", f"link set {TUNL0} mtu 1480"),
        needs="ipip",
    ),
    Fault(
        "device-wrong-address",
        "a second address on tunl0",
        "calico-ipip",
        ip("node1", f"addr add 172.61.0.8/32 dev {TUNL0}"),
        (Told("node1", TUNL0, "172.50.120.0/32", "172.50.120.0/32, 172.61.0.8/32"),),
        ip("node1", f"addr del 172.61.0.8/32 dev {TUNL0}"),
        needs="ipip",
    ),
    Fault(
        "route-wrong-device",
        "BIRD's route from before IPIP",
        "calico-ipip",
        ip("node1", f"route replace {NODE2S_BLOCK} via {NODE2} dev eth0 proto bird"),
        (Told("node1", NODE2S_BLOCK, TO_NODE2, f"{NODE2S_BLOCK} via {NODE2} dev eth0"),),
        ip("node1", f"route replace {TO_NODE2} proto 80"),
        needs="ipip",
    ),
)

FAULTS = (*BGP, *WITHOUT_MESH, *ADDRESSES, *WITHOUT_ENCAPSULATION, *ENCAPSULATED, *CROSS_SUBNET, *IPIP)
