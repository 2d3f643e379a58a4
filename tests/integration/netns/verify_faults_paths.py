# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that only packets show, and what faults of the tables do to packets. All of them are probed.

In the sample of three nodes, master probes node1, node1 probes node2, and node2 probes master.
"""

from __future__ import annotations

import re
from dataclasses import replace

from flannel_on_kernel import PODS
from planted import Fault, Told, everywhere
from verify_changes import both, ip, run, sysctl

NODES = ("master", "node1", "node2")
NAMES = {address: name for pods in PODS.values() for address, name in pods.items()}
TO_NODE1, TO_NODE2 = (f"172.50.{one}.0/24 via 172.50.{one}.0 dev flannel.1 onlink" for one in (2, 1))
NODE1_DIRECTLY = "172.50.2.0/24 via 192.168.7.110 dev eth0"
NODE2_DIRECTLY = "172.50.1.0/24 via 192.168.7.111 dev eth0"
REFUSED = "administratively prohibited, says 172.50.1.0"
SERVICE_RULE = ["KUBE-SERVICES", "-t", "nat", "-p", "tcp", "-d", "10.68.0.1/32", "--dport", "443"]
TO_API = ["-j", "DNAT", "--to-destination", "192.168.7.101:6443"]


def between(source, target, node):
    """A path between two pods, as findings name it."""
    return f"{NAMES[source]} {source} to {NAMES[target]} {target} on {node}"


NODE1_TO_NODE2 = between("172.50.2.3", "172.50.1.3", "node2")
NODE1_ITSELF_TO_NODE2 = f"node1 192.168.7.110 to {NAMES['172.50.1.2']} 172.50.1.2 on node2"


# -- what is done


def refuse(node, selector):
    """What a node's firewall does not forward, and says so."""
    rule = f"{selector} reject with icmp type admin-prohibited"
    return lambda cluster: cluster[node].filter("forward", rule)


def heal(node):
    """Take a node's firewall away."""
    return lambda cluster: cluster[node].heal()


def on_all_pairs(lines):
    """Lines for `ip` on each node about each other; ``lines`` makes them of the two plans."""

    def change(cluster):
        plans = cluster.plans.values()
        for plan in plans:
            cluster[plan.name].ip("\n".join(lines(plan, peer) for peer in plans if peer is not plan))

    return change


def directly(plan, peer):
    """The route of host-gw and DirectRouting."""
    return f"route replace {peer.subnet} via {peer.address} dev eth0"


def tunnelled(plan, peer):
    """The route of vxlan."""
    return f"route replace {peer.subnet} via {peer.tunnel} dev flannel.1 onlink"


def vtep_known(plan, peer):
    """The neighbour of vxlan."""
    return f"neigh add {peer.tunnel} lladdr {peer.tunnel_mac} dev flannel.1 nud permanent"


def vtep_forgotten(plan, peer):
    """No such neighbour any more."""
    return f"neigh del {peer.tunnel} dev flannel.1"


def forwarding(verb):
    """The forwarding entries of vxlan on all nodes."""

    def change(cluster):
        plans = cluster.plans.values()
        for plan, peer in ((plan, peer) for plan in plans for peer in plans if peer is not plan):
            entry = [peer.tunnel_mac, "dev", "flannel.1", "dst", peer.address, "self", "permanent"]
            cluster[plan.name].run("bridge", "fdb", verb, *entry)

    return change


def evict(cluster):
    for address in PODS["node2"]:
        cluster.remove_pod(address)


def schedule(cluster):
    for address, name in PODS["node2"].items():
        cluster.add_pod("node2", address, name)


PATHS = (
    Fault(
        "pod-unreachable",
        "a firewall between two pods",
        "vxlan",
        refuse("node2", "ip saddr 172.50.2.3 ip daddr 172.50.1.3"),
        (Told("node1", NODE1_TO_NODE2, "an answer", REFUSED),),
        heal("node2"),
    ),
    Fault(
        "node-to-pod-unreachable",
        "a firewall between a node and a pod",
        "vxlan",
        refuse("node2", "ip saddr 172.50.2.0 ip daddr 172.50.1.2"),
        (Told("node1", NODE1_ITSELF_TO_NODE2, "an answer", REFUSED),),
        heal("node2"),
    ),
    Fault(
        "service-unreachable",
        "kube-proxy has lost a service",
        "vxlan",
        run("node1", "iptables-nft", "-D", *SERVICE_RULE, *TO_API),
        (
            Told(
                "node1",
                f"{NAMES['172.50.2.3']} 172.50.2.3 to default/kubernetes 10.68.0.1 port 443",
                "an answer",
                "no answer to 3 connections, each within 1 s",
            ),
        ),
        run("node1", "iptables-nft", "-A", *SERVICE_RULE, *TO_API),
    ),
    Fault(
        "path-wrong-class",
        "host-gw's route is still there, and only packets back are encapsulated",
        "vxlan",
        ip("node1", f"route replace {NODE2_DIRECTLY}"),
        # The pods' packets go there in the same way, but node2 answers them, and so the trace, from its tunnel.
        (
            Told(
                "node1",
                NODE1_ITSELF_TO_NODE2,
                "through the tunnel",
                "directly to the node: 192.168.7.111 > 172.50.1.2",
            ),
        ),
        ip("node1", f"route replace {TO_NODE2}"),
        implies=everywhere(("node1",), "route-wrong-device"),
    ),
    Fault(
        "path-wrong-class",
        "host-gw's routes are still there in both directions",
        "vxlan",
        both(ip("node1", f"route replace {NODE2_DIRECTLY}"), ip("node2", f"route replace {NODE1_DIRECTLY}")),
        (
            Told(
                "node1",
                NODE1_TO_NODE2,
                "through the tunnel",
                "directly to the node: 172.50.2.1 > 192.168.7.111 > 172.50.1.3",
            ),
            Told(
                "node1",
                NODE1_ITSELF_TO_NODE2,
                "through the tunnel",
                "directly to the node: 192.168.7.111 > 172.50.1.2",
            ),
        ),
        both(ip("node1", f"route replace {TO_NODE2}"), ip("node2", f"route replace {TO_NODE1}")),
        implies=everywhere(("node1", "node2"), "route-wrong-device"),
    ),
    Fault(
        "path-mtu-low",
        "something before a node swallows large packets",
        "vxlan",
        lambda cluster: cluster["node2"].filter("prerouting", "iif eth0 meta length > 1400 drop"),
        tuple(
            Told(
                node,
                path,
                "1450 bytes",
                "1350 bytes (a packet of 1450 bytes does not pass: above 1350 bytes packets vanish without an error)",
            )
            for node, path in (
                ("node1", NODE1_TO_NODE2),
                ("node2", between("172.50.1.2", "172.50.0.3", "master")),
            )
        ),
        heal("node2"),
    ),
    Fault(
        "encapsulation-unused",
        "host-gw's routes are still there on all nodes",
        "vxlan",
        on_all_pairs(directly),
        tuple(Told(node, "flannel.1", "6 packets or more", "0 packets were sent through flannel.1") for node in NODES),
        on_all_pairs(tunnelled),
        implies=everywhere(NODES, "route-wrong-device", "path-wrong-class"),
    ),
    Fault(
        "encapsulation-unexpected",
        "flanneld was not restarted when DirectRouting was declared",
        "direct",
        both(on_all_pairs(vtep_known), forwarding("add"), on_all_pairs(tunnelled)),
        tuple(
            Told(node, "flannel.1", "no packets", re.compile(r"\d\d packets while 6 went to pods on neighbours"))
            for node in NODES
        ),
        both(on_all_pairs(directly), forwarding("del"), on_all_pairs(vtep_forgotten)),
        implies=everywhere(NODES, "route-wrong-device", "path-wrong-class", "neighbour-stale", "fdb-stale"),
    ),
    Fault(
        "probe-impossible",
        "a node without pods",
        "vxlan",
        evict,
        (Told("node2", "paths from here", "a pod to probe from", "no pod of the pod network"),),
        schedule,
    ),
)

PROBED = (
    Fault(
        "route-missing",
        "and pods cannot be reached",
        "vxlan",
        ip("node1", f"route del {TO_NODE2}"),
        (Told("node1", "172.50.1.0/24", TO_NODE2, "no route"),),
        ip("node1", f"route add {TO_NODE2}"),
        implies=everywhere(("node1",), "pod-unreachable", "node-to-pod-unreachable"),
    ),
    Fault(
        "rule-diverts-pods",
        "and packets go another way",
        "vxlan",
        ip("node1", f"route add {NODE2_DIRECTLY} table 100\nrule add to 172.50.0.0/16 lookup 100 pref 99"),
        (
            Told(
                "node1",
                "rule 99",
                "pods' packets look into the main table",
                re.compile(f"99: to 172.50.0.0/16 lookup 100( lookup)?, and there {NODE2_DIRECTLY}"),
            ),
        ),
        ip("node1", "rule del pref 99\nroute flush table 100"),
        implies=everywhere(("node1",), "path-wrong-class"),
    ),
    Fault(
        "ip-forward-off",
        "and nothing passes the node",
        "vxlan",
        sysctl("node1", "net/ipv4/ip_forward", 0),
        (Told("node1", "net.ipv4.ip_forward", "1", "0"),),
        sysctl("node1", "net/ipv4/ip_forward", 1),
        implies=everywhere(("master",), "pod-unreachable", "node-to-pod-unreachable")
        | everywhere(("node1",), "pod-unreachable", "service-unreachable"),
    ),
)

FAULTS = tuple(replace(fault, probe="sample") for fault in (*PATHS, *PROBED))
