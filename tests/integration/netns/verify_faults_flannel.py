# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults of flannel's clusters: each is one thing that somebody, or a program, has done wrong."""

from __future__ import annotations

import json
import os
import re
import socket
import sys

from cluster_on_kernel import DAEMONSETS, NODES
from flannel_on_kernel import CNI_CONFIG, PREFIX
from planted import Fault, Told, everywhere
from test_netns_info_filters import FLANNEL_NFT, SUBNET
from verify_changes import api, both, drop, edit, fdb, ip, iptables, nft, put, run, sysctl

CONFLIST, SUBNET_ENV = "/etc/cni/net.d/10-flannel.conflist", "/run/flannel/subnet.env"
POD, OTHER_POD = "default/net-test1-68898c85b7-4nnlv", "default/net-test1-68898c85b7-hw8vs"
TO_NODE2 = "172.50.1.0/24 via 172.50.1.0 dev flannel.1 onlink"
NODE2_DIRECTLY = "172.50.1.0/24 via 192.168.7.111 dev eth0"
JUMP = ["FORWARD", "-m", "comment", "--comment", "flanneld forward", "-j", "FLANNEL-FWD"]
MASTERS_MAC, NODE1S_MAC, NODE2S_MAC = (f"0a:00:00:00:00:{last}" for last in ("65", "6e", "6f"))
NOBODYS_MAC = "0a:00:00:00:00:99"
HOSTS_FIREWALL = """
table inet host {
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct state { established, related } accept
    }
}
"""
HOLD_PORT = """
import socket, sys
holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
holder.bind(("0.0.0.0", int(sys.argv[1])))
print("ready", flush=True)
sys.stdin.read()
"""


# -- what is done


def condition(node, kind, **values):
    """A Node's condition."""
    return lambda cluster: cluster.api.condition(node, kind).update(values)


def annotate(node, key, value):
    """One of flannel's annotations on a Node."""
    return lambda cluster: cluster.api.annotations(node).update({PREFIX + key: value})


def pod_cidrs(node, *cidrs):
    """The subnets of a Node."""
    spec = {"podCIDRs": list(cidrs), **({"podCIDR": cidrs[0]} if cidrs else {})}
    return lambda cluster: cluster.api.node(node).update(spec=spec)


def never_announced(cluster):
    notes = cluster.api.annotations("node2")
    for key in [key for key in notes if key.startswith(PREFIX)]:
        del notes[key]


def planned_for_four(cluster):
    """The network has been planned with four subnets from the beginning."""
    cluster.settings["network_pod_cidr"] = "172.50.0.0/22"
    for plan in cluster.plans.values():
        cluster.files(plan.name).put(SUBNET_ENV, cluster.subnet_env(plan, "172.50.0.0/22"))


def remake(*changes):
    """node1's flannel.1 made anew, with other words."""
    return lambda cluster: cluster.remake_tunnel("node1", "flannel.1", *changes)


def inside(address, lines):
    """Lines for `ip` inside a pod."""
    return lambda cluster: cluster.pod(address).ip(lines)


def crowd(verb):
    """228 more addresses of node1's subnet, on one pod."""
    return inside("172.50.2.3", "\n".join(f"addr {verb} 172.50.2.{number}/24 dev eth0" for number in range(10, 238)))


def pod_of_docker(cluster):
    cluster.add_pod("node1", "172.50.2.9", "default/older-than-flannel")
    cluster.pod("172.50.2.9").ip("addr add 10.88.0.7/16 dev eth0\naddr del 172.50.2.9/24 dev eth0")


def pod_mtu(mtu, *addresses, both_ends=True):
    """The MTU of some pods, or only of the node's ends of their devices."""

    def change(cluster):
        for address in addresses:
            home, port = cluster.topology.home(address), cluster.topology.port(address)
            cluster[home].ip(f"link set {port} mtu {mtu}")
            if both_ends:
                cluster.pod(address).ip(f"link set eth0 mtu {mtu}")

    return change


def nic_of_node2(mtu):
    """Another NIC, by which the node and its pods were then installed."""
    return both(
        ip("node2", f"link set eth0 mtu {mtu}\nlink set cni0 mtu {mtu}"),
        pod_mtu(mtu, "172.50.1.2", "172.50.1.3"),
    )


def lost_pod(cluster):
    """host-local keeps the address of a pod whose network nobody has deleted."""
    path = "/var/lib/cni/networks/cbr0/172.50.2.77"
    cluster.files("node1").put(path, "5eed\r\neth0")
    hour_ago = cluster.files("node1").wall_clock() - 3600
    os.utime(cluster.files("node1").root / path.lstrip("/"), (hour_ago, hour_ago))


def take_port(port):
    """A stranger listens on a UDP port of node1."""

    def change(cluster):
        argv, pipes = ["dnsmasq", "-c", HOLD_PORT, str(port)], {"stdin": -1, "stdout": -1}
        stranger = cluster["node1"].start(*argv, executable=sys.executable, **pipes)
        assert stranger.stdout.readline() == "ready\n"

    return change


def start_kube_proxy(cluster):
    """A kube-proxy of node1 that nobody has told about the pod network it has now."""
    wait = "import sys; print('ready', flush=True); sys.stdin.read()"
    argv = ["kube-proxy", "-c", wait, "--cluster-cidr=10.1.0.0/16"]
    proxy = cluster["node1"].start(*argv, executable=sys.executable, stdin=-1, stdout=-1)
    assert proxy.stdout.readline() == "ready\n"


def end_last(cluster):
    """The stranger is the last program that was started there."""
    cluster["node1"].end_last()


# -- what follows

DEPARTED = everywhere(("master", "node1"), "route-stale", "neighbour-stale", "fdb-stale")
"""What node2's peers still know of it, when it is no node of the network any more."""
OTHER_SUBNET = everywhere(
    ("node2",), "agent-file-wrong", "pod-address-foreign", "device-wrong-address", "bridge-wrong-address"
)
"""A node whose Node has another subnet than everything on it was made with."""
DOWN = everywhere(("node1",), "route-missing", "neighbour-missing")
"""The kernel forgets a device's routes and neighbours when it goes down."""

CLUSTER = (
    Fault(
        "node-unreachable",
        "a host that does not answer",
        "vxlan",
        lambda cluster: cluster.lost.update(node2="Failed to connect to the host via ssh: No route to host"),
        (Told("node2", "node2", "an answer", "Failed to connect to the host via ssh: No route to host"),),
    ),
    Fault(
        "node-not-in-cluster",
        "a Node is deleted",
        "vxlan",
        lambda cluster: cluster.api.objects[NODES].remove(cluster.api.node("node2")),
        (Told("node2", "node2", "a Node named node2", "no such Node"),),
        implies=DEPARTED,
    ),
    Fault(
        "node-not-in-inventory",
        "a Node that is no host",
        "vxlan",
        lambda cluster: cluster.hosts.remove("node2"),
        (Told("node2", "node2", "a host of the inventory", "only a Node"),),
    ),
    Fault(
        "node-not-ready",
        "a kubelet has ended",
        "vxlan",
        condition("node1", "Ready", status="Unknown", message="Kubelet stopped posting node status."),
        (Told("node1", "Ready", "True", "Unknown: Kubelet stopped posting node status."),),
    ),
    Fault(
        "network-unavailable",
        "an agent was stopped in an orderly way",
        "vxlan",
        condition(
            "node1", "NetworkUnavailable", status="True", reason="CalicoIsDown", message="Calico is shutting down"
        ),
        (Told("node1", "NetworkUnavailable", "False", "True: CalicoIsDown Calico is shutting down"),),
    ),
    Fault(
        "pod-cidr-missing",
        "nobody gives out subnets",
        "vxlan",
        pod_cidrs("node2"),
        (Told("node2", "spec.podCIDRs", "an IPv4 podCIDR", "none"),),
        implies=DEPARTED,
    ),
    Fault(
        "pod-cidr-outside",
        "a subnet of another network",
        "vxlan",
        pod_cidrs("node2", "10.99.1.0/24"),
        (Told("node2", "spec.podCIDRs", "inside 172.50.0.0/16", "10.99.1.0/24"),),
        implies=OTHER_SUBNET
        | everywhere(("master", "node1"), "route-missing", "route-stale", "neighbour-missing", "neighbour-stale"),
    ),
    Fault(
        "pod-cidr-duplicate",
        "two Nodes with one subnet",
        "vxlan",
        pod_cidrs("node2", "172.50.2.0/24"),
        (Told("", "172.50.2.0/24", "the subnet of one node", "of node1, node2"),),
        implies=OTHER_SUBNET
        | everywhere(("master", "node1"), "route-stale", "neighbour-stale", "neighbour-missing")
        | {("route-missing", "node1"), ("route-shadows", "node2")},
    ),
    Fault(
        "cidr-nearly-exhausted",
        "four nodes in a /22",
        "host-gw",
        planned_for_four,
        (Told("", "172.50.0.0/22", "a tenth of the subnets is free", "4 of 4 subnets are given out"),),
    ),
    Fault(
        "subnet-nearly-full",
        "230 addresses in use",
        "vxlan",
        crowd("add"),
        (Told("node1", "172.50.2.0/24", "a tenth of the addresses is free", "230 of 253 in use"),),
        crowd("del"),
    ),
    Fault(
        "agent-not-running",
        "flanneld has ended",
        "vxlan",
        lambda cluster: cluster.stop_agent("node1"),
        (Told("node1", "flanneld", "flanneld runs", "running: no agent"),),
        lambda cluster: cluster.start_flanneld("node1"),
    ),
    Fault(
        "agent-not-ready",
        "a DaemonSet that is rolled out only in part",
        "vxlan",
        lambda cluster: cluster.api.named(DAEMONSETS, "kube-flannel-ds")["status"].update(numberReady=2),
        (Told("", "DaemonSet kube-flannel/kube-flannel-ds", "3 ready", "2 ready"),),
    ),
    Fault(
        "agent-silent",
        "a flanneld that has never come up",
        "vxlan",
        never_announced,
        (Told("node2", "flannel.alpha.coreos.com/*", "the node's address", "nothing"),),
    ),
    Fault(
        "announcement-damaged",
        "an annotation edited by hand",
        "vxlan",
        annotate("node2", "backend-data", "{VtepMAC: x}"),
        (
            Told(
                "node2",
                "flannel.alpha.coreos.com/*",
                "readable annotations",
                re.compile(f"{PREFIX}backend-data is no JSON: Expecting property name .*"),
            ),
        ),
    ),
    Fault(
        "backend-mixed",
        "an agent that was not restarted",
        "vxlan",
        annotate("node2", "backend-type", "host-gw"),
        (Told("node2", "flannel.alpha.coreos.com/backend-type", "vxlan", "host-gw"),),
    ),
    Fault(
        "nodes-not-neighbours",
        "a node with another mask",
        "host-gw",
        ip("node2", "addr add 192.168.7.111/24 dev eth0\naddr del 192.168.7.111/21 dev eth0"),
        (
            Told(
                "",
                "the nodes' subnets",
                "one subnet",
                "192.168.0.0/21: master, node1, node3; 192.168.7.0/24: node2",
            ),
        ),
        ip("node2", "addr add 192.168.7.111/21 dev eth0\naddr del 192.168.7.111/24 dev eth0"),
    ),
    Fault(
        "announced-address-odd",
        "the first NIC of a Vagrant box",
        "vxlan",
        both(
            ip("node2", "link add eth1 type veth peer name wire1\nlink set eth1 up\nlink set wire1 up"),
            ip("node2", "addr add 10.0.2.15/24 dev eth1"),
            annotate("node2", "public-ip", "10.0.2.15"),
        ),
        (
            Told(
                "node2",
                "10.0.2.15",
                "an address of eth0, by which Kubernetes knows the node",
                "10.0.2.15, on eth1",
            ),
        ),
        ip("node2", "link del eth1"),
        implies=everywhere(("node2",), "vxlan-wrong-local", "vxlan-wrong-parent")
        | everywhere(("master", "node1"), "fdb-wrong"),
    ),
)

CNI = (
    Fault(
        "cni-config-missing",
        "somebody removed it",
        "vxlan",
        drop("node1", CONFLIST),
        (Told("node1", CONFLIST, "10-flannel.conflist", "no configuration at all"),),
    ),
    Fault(
        "cni-config-shadowed",
        "kubeasz's bridge for the time without a plugin",
        "vxlan",
        put("node1", "/etc/cni/net.d/10-default.conf", '{"name": "mynet", "type": "bridge", "bridge": "mynet0"}'),
        (Told("node1", CONFLIST, "10-flannel.conflist is the first", "10-default.conf is"),),
    ),
    Fault(
        "cni-config-damaged",
        "half a file",
        "vxlan",
        put("node1", "/etc/cni/net.d/99-own.conf", '{"name": "o'),
        (Told("node1", "99-own.conf", "sound CNI configuration", "it cannot be read"),),
    ),
    Fault(
        "cni-plugin-missing",
        "a program that was not installed",
        "vxlan",
        drop("node1", "/opt/cni/bin/portmap"),
        (Told("node1", "/opt/cni/bin", "bridge, host-local, loopback, portmap, flannel", "no portmap"),),
    ),
    Fault(
        "agent-file-missing",
        "/run was emptied",
        "vxlan",
        drop("node1", SUBNET_ENV),
        (Told("node1", SUBNET_ENV, "the file", "no file, or a damaged one"),),
    ),
    Fault(
        "agent-file-wrong",
        "what flanneld wrote with host-gw",
        "vxlan",
        edit("node1", SUBNET_ENV, "FLANNEL_MTU=1450", "FLANNEL_MTU=1500"),
        (Told("node1", SUBNET_ENV, "FLANNEL_MTU=1450", "FLANNEL_MTU=1500"),),
    ),
    Fault(
        "pod-address-foreign",
        "a pod of an earlier plugin",
        "vxlan",
        pod_of_docker,
        (Told("node1", "pod default/older-than-flannel", "an address in 172.50.2.0/24", "10.88.0.7"),),
        lambda cluster: cluster.remove_pod("172.50.2.9"),
    ),
    Fault(
        "pod-address-duplicate",
        "an address given out twice",
        "vxlan",
        inside("172.50.2.2", "addr add 172.50.2.3/24 dev eth0"),
        (Told("", "172.50.2.3", "the address of one pod", f"of {OTHER_POD} on node1, {POD} on node1"),),
        inside("172.50.2.2", "addr del 172.50.2.3/24 dev eth0"),
    ),
)

DEVICES = (
    Fault(
        "device-missing",
        "somebody deleted the VTEP",
        "vxlan",
        ip("node1", "link del flannel.1"),
        (Told("node1", "flannel.1", "a device flannel.1", "no such device"),),
        lambda cluster: cluster.make_tunnel("node1"),
        implies=everywhere(("node1",), "route-missing"),
    ),
    Fault(
        "device-down",
        "somebody took the VTEP down",
        "vxlan",
        ip("node1", "link set flannel.1 down"),
        (Told("node1", "flannel.1", "up", "down"),),
        remake(),
        implies=DOWN | {("port-closed", "node1")},
    ),
    Fault(
        "device-down",
        "somebody took the pods' bridge down",
        "vxlan",
        ip("node1", "link set cni0 down"),
        (Told("node1", "cni0", "up", "down"),),
        ip("node1", "link set cni0 up"),
    ),
    Fault(
        "device-wrong-kind",
        "a bridge of that name",
        "vxlan",
        ip(
            "node1",
            "link del flannel.1\nlink add flannel.1 mtu 1450 type bridge\nlink set flannel.1 up\n"
            f"addr add 172.50.2.0/32 dev flannel.1\nroute add {TO_NODE2}\n"
            "route add 172.50.0.0/24 via 172.50.0.0 dev flannel.1 onlink\n"
            f"neigh add 172.50.0.0 lladdr {MASTERS_MAC} dev flannel.1 nud permanent\n"
            f"neigh add 172.50.1.0 lladdr {NODE2S_MAC} dev flannel.1 nud permanent",
        ),
        (Told("node1", "flannel.1", "vxlan", "bridge"),),
        remake(),
        implies=everywhere(("node1",), "fdb-missing", "port-closed"),
    ),
    Fault(
        "device-wrong-mtu",
        "an MTU set by hand",
        "vxlan",
        ip("node1", "link set flannel.1 mtu 1400"),
        (Told("node1", "flannel.1", "1450 bytes", "1400 bytes"),),
        ip("node1", "link set flannel.1 mtu 1450"),
    ),
    Fault(
        "device-wrong-address",
        "the address of an earlier subnet is still there",
        "vxlan",
        ip("node1", "addr add 10.244.2.0/32 dev flannel.1"),
        (Told("node1", "flannel.1", "172.50.2.0/32", "172.50.2.0/32, 10.244.2.0/32"),),
        ip("node1", "addr del 10.244.2.0/32 dev flannel.1"),
    ),
    Fault(
        "vxlan-wrong-vni",
        "an earlier VNI under the same name",
        "vxlan",
        remake(("id 1 ", "id 7 ")),
        (Told("node1", "flannel.1", "VNI 1", "VNI 7"),),
        remake(),
    ),
    Fault(
        "vxlan-wrong-port",
        "the port of IANA",
        "vxlan",
        remake(("8472", "4789")),
        (Told("node1", "flannel.1", "UDP port 8472", "UDP port 4789"),),
        remake(),
        implies=everywhere(("node1",), "port-closed"),
    ),
    Fault(
        "vxlan-wrong-local",
        "an address that the node had before",
        "vxlan",
        remake(("local 192.168.7.110", "local 192.168.7.210")),
        (Told("node1", "flannel.1", "local address 192.168.7.110", "local address 192.168.7.210"),),
        remake(),
    ),
    Fault(
        "vxlan-wrong-parent",
        "the other NIC",
        "vxlan",
        both(
            ip("node1", "link add eth1 type veth peer name wire1\nlink set eth1 up"),
            remake(("dev eth0", "dev eth1")),
        ),
        (Told("node1", "flannel.1", "over the device eth0", "over the device eth1"),),
        both(remake(), ip("node1", "link del eth1")),
    ),
    Fault(
        "vxlan-learning",
        "it learns",
        "vxlan",
        ip("node1", "link set flannel.1 type vxlan learning"),
        (Told("node1", "flannel.1", "nolearning", "learning"),),
        ip("node1", "link set flannel.1 type vxlan nolearning"),
    ),
    Fault(
        "vtep-mac-unannounced",
        "systemd gave the VTEP another MAC address",
        "vxlan",
        # The kernel forgets the device's neighbours then; flanneld does not know it.
        ip("node1", f"link set flannel.1 address {NOBODYS_MAC}"),
        (Told("node1", "flannel.1", NODE1S_MAC, NOBODYS_MAC),),
        remake(),
        implies=everywhere(("node1",), "neighbour-missing"),
    ),
    Fault(
        "bridge-wrong-address",
        "the bridge of an earlier subnet",
        "vxlan",
        ip("node1", "addr del 172.50.2.1/24 dev cni0\naddr add 172.50.9.1/24 dev cni0"),
        (Told("node1", "cni0", "172.50.2.1/24", "172.50.9.1/24"),),
        ip("node1", "addr del 172.50.9.1/24 dev cni0\naddr add 172.50.2.1/24 dev cni0"),
    ),
    Fault(
        "bridge-wrong-address",
        "pods without a gateway",
        "vxlan",
        ip("node1", "addr del 172.50.2.1/24 dev cni0"),
        (Told("node1", "cni0", "172.50.2.1/24", "no address"),),
        ip("node1", "addr add 172.50.2.1/24 dev cni0"),
    ),
)

ROUTES = (
    Fault(
        "route-missing",
        "somebody deleted it",
        "vxlan",
        ip("node1", f"route del {TO_NODE2}"),
        (Told("node1", "172.50.1.0/24", TO_NODE2, "no route"),),
        ip("node1", f"route add {TO_NODE2}"),
    ),
    Fault(
        "route-missing",
        "somebody deleted the one to all pods",
        "udp",
        ip("node1", "route del 172.50.0.0/16"),
        (Told("node1", "172.50.0.0/16", "172.50.0.0/16 dev flannel0", "no route"),),
        ip("node1", "route add 172.50.0.0/16 dev flannel0 scope global"),
    ),
    Fault(
        "route-wrong-device",
        "host-gw's is still there",
        "vxlan",
        ip("node1", f"route replace {NODE2_DIRECTLY}"),
        (Told("node1", "172.50.1.0/24", TO_NODE2, NODE2_DIRECTLY),),
        ip("node1", f"route replace {TO_NODE2}"),
    ),
    Fault(
        "route-wrong-gateway",
        "it leads to another node",
        "vxlan",
        ip("node1", "route replace 172.50.1.0/24 via 172.50.0.0 dev flannel.1 onlink"),
        (Told("node1", "172.50.1.0/24", TO_NODE2, "172.50.1.0/24 via 172.50.0.0 dev flannel.1"),),
        ip("node1", f"route replace {TO_NODE2}"),
    ),
    Fault(
        "route-wrong-gateway",
        "the address that a node had before",
        "host-gw",
        ip("node1", "route replace 172.50.1.0/24 via 192.168.7.211 dev eth0"),
        (Told("node1", "172.50.1.0/24", NODE2_DIRECTLY, "172.50.1.0/24 via 192.168.7.211 dev eth0"),),
        ip("node1", f"route replace {NODE2_DIRECTLY}"),
    ),
    Fault(
        "route-stale",
        "a node is gone",
        "vxlan",
        ip("node1", "route add 172.50.9.0/24 via 172.50.9.0 dev flannel.1 onlink"),
        (
            Told(
                "node1",
                "172.50.9.0/24",
                "no such route: no Node has this subnet",
                "172.50.9.0/24 via 172.50.9.0 dev flannel.1",
            ),
        ),
        ip("node1", "route del 172.50.9.0/24"),
    ),
    Fault(
        "route-stale",
        "kubeasz's bridge for the time without a plugin",
        "vxlan",
        ip("node1", "link add mynet0 type bridge\nlink set mynet0 up\naddr add 172.50.0.1/16 dev mynet0"),
        (Told("node1", "172.50.0.0/16", "no such route: no Node has this subnet", "172.50.0.0/16 dev mynet0"),),
        ip("node1", "link del mynet0"),
    ),
    Fault(
        "route-shadows",
        "half of a subnet goes directly",
        "vxlan",
        ip("node1", "route add 172.50.1.128/25 via 192.168.7.111 dev eth0"),
        (
            Told(
                "node1",
                "172.50.1.128/25",
                "no other route to the pods of node2",
                "172.50.1.128/25 via 192.168.7.111 dev eth0",
            ),
        ),
        ip("node1", "route del 172.50.1.128/25"),
    ),
    Fault(
        "route-shadows",
        "host-gw's routes beat the one of udp",
        "udp",
        ip("node1", f"route add {NODE2_DIRECTLY}"),
        (Told("node1", "172.50.1.0/24", "no other route to the pods of node2", NODE2_DIRECTLY),),
        ip("node1", f"route del {NODE2_DIRECTLY}"),
    ),
    Fault(
        "route-blackhole",
        "a block of Calico is still there",
        "vxlan",
        ip("node1", "route add blackhole 172.50.2.64/26 proto bird"),
        (Told("node1", "172.50.2.64/26", "packets reach the pods of node1", "blackhole 172.50.2.64/26"),),
        ip("node1", "route del blackhole 172.50.2.64/26"),
    ),
    Fault(
        "route-duplicate",
        "host-gw's is still there, and comes second",
        "vxlan",
        ip("node1", f"route add {NODE2_DIRECTLY} metric 100"),
        (
            Told(
                "node1",
                "172.50.1.0/24",
                TO_NODE2,
                re.compile(f"{TO_NODE2}( metric 0)?; {NODE2_DIRECTLY} metric 100"),
            ),
        ),
        ip("node1", f"route del {NODE2_DIRECTLY} metric 100"),
    ),
    Fault(
        "rule-diverts-pods",
        "the table of a VPN",
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
    ),
    Fault(
        "rule-diverts-pods",
        "the table of a VPN, for whatever comes from pods",
        "vxlan",
        ip("node1", f"route add {NODE2_DIRECTLY} table 100\nrule add iif cni0 lookup 100 pref 99"),
        (
            Told(
                "node1",
                "rule 99",
                "pods' packets look into the main table",
                re.compile(f"99: iif cni0 lookup 100( lookup)?, and there {NODE2_DIRECTLY}"),
            ),
        ),
        ip("node1", "rule del pref 99\nroute flush table 100"),
    ),
    Fault(
        "rule-diverts-pods",
        "a kill switch",
        "vxlan",
        ip("node1", "rule add from 172.50.2.0/24 unreachable pref 99"),
        (
            Told(
                "node1",
                "rule 99",
                "pods' packets look into the main table",
                "99: from 172.50.2.0/24 unreachable",
            ),
        ),
        ip("node1", "rule del pref 99"),
    ),
)

NODE2_FDB = (NODE2S_MAC, "dev", "flannel.1", "dst", "192.168.7.111", "self")
ENTRIES = (
    Fault(
        "neighbour-missing",
        "somebody deleted it",
        "vxlan",
        ip("node1", "neigh del 172.50.1.0 dev flannel.1"),
        (
            Told(
                "node1",
                "neighbours 172.50.1.0 on flannel.1",
                f"172.50.1.0 on flannel.1 is at {NODE2S_MAC} (node2)",
                "no neighbour 172.50.1.0 on flannel.1",
            ),
        ),
        ip("node1", f"neigh add 172.50.1.0 lladdr {NODE2S_MAC} dev flannel.1 nud permanent"),
    ),
    Fault(
        "neighbour-wrong",
        "the MAC address of a VTEP that was made anew",
        "vxlan",
        ip("node1", f"neigh replace 172.50.1.0 lladdr {NOBODYS_MAC} dev flannel.1 nud permanent"),
        (
            Told(
                "node1",
                "neighbours 172.50.1.0 on flannel.1",
                f"172.50.1.0 on flannel.1 is at {NODE2S_MAC} (node2)",
                f"172.50.1.0 on flannel.1 is at {NOBODYS_MAC}",
            ),
        ),
        ip("node1", f"neigh replace 172.50.1.0 lladdr {NODE2S_MAC} dev flannel.1 nud permanent"),
    ),
    Fault(
        "neighbour-stale",
        "a node is gone",
        "vxlan",
        ip("node1", f"neigh add 172.50.9.0 lladdr {NOBODYS_MAC} dev flannel.1 nud permanent"),
        (
            Told(
                "node1",
                "neighbours 172.50.9.0 on flannel.1",
                "no entry that nobody uses",
                f"172.50.9.0 on flannel.1 is at {NOBODYS_MAC}",
            ),
        ),
        ip("node1", "neigh del 172.50.9.0 dev flannel.1"),
    ),
    Fault(
        "fdb-missing",
        "somebody deleted it",
        "vxlan",
        fdb("node1", "del", *NODE2_FDB),
        (
            Told(
                "node1",
                f"fdb {NODE2S_MAC} on flannel.1",
                f"{NODE2S_MAC} on flannel.1 is behind 192.168.7.111 (node2)",
                f"no entry for {NODE2S_MAC} on flannel.1",
            ),
        ),
        fdb("node1", "add", *NODE2_FDB, "permanent"),
    ),
    Fault(
        "fdb-wrong",
        "the address that a node had before",
        "vxlan",
        fdb("node1", "replace", NODE2S_MAC, "dev", "flannel.1", "dst", "192.168.7.211", "self", "permanent"),
        (
            Told(
                "node1",
                f"fdb {NODE2S_MAC} on flannel.1",
                f"{NODE2S_MAC} on flannel.1 is behind 192.168.7.111 (node2)",
                f"{NODE2S_MAC} on flannel.1 is behind 192.168.7.211",
            ),
        ),
        fdb("node1", "replace", *NODE2_FDB, "permanent"),
    ),
    Fault(
        "fdb-stale",
        "a node is gone",
        "vxlan",
        fdb("node1", "add", NOBODYS_MAC, "dev", "flannel.1", "dst", "192.168.7.199", "self", "permanent"),
        (
            Told(
                "node1",
                f"fdb {NOBODYS_MAC} on flannel.1",
                "no entry that nobody uses",
                f"{NOBODYS_MAC} on flannel.1 is behind 192.168.7.199",
            ),
        ),
        fdb("node1", "del", NOBODYS_MAC, "dev", "flannel.1", "dst", "192.168.7.199", "self"),
    ),
)


def meet(cluster):
    """Let node1 send something through the tunnel to node2, which is all that WireGuard waits for."""
    cluster["node1"].call(send, "172.50.1.0")


def send(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.sendto(b"hello", (address, 9))


def shun(cluster):
    """A firewall was there before the tunnel: node1 and node2 have never met."""
    plans = cluster.plans
    for one, other in (("node1", "node2"), ("node2", "node1")):
        cluster[one].filter("input", f"ip saddr {plans[other].address} udp dport 51820 drop")
        cluster.topology.forget_peer(plans[one], plans[other])
        cluster.topology.add_peer(plans[one], plans[other])


def shun_no_more(cluster):
    for node in ("node1", "node2"):
        cluster[node].heal()
    meet(cluster)


def peer(change):
    """node2 as a peer of node1's."""
    return lambda cluster: getattr(cluster.topology, change)(*(cluster.plans[one] for one in ("node1", "node2")))


WIREGUARD = (
    Fault(
        "wireguard-peer-missing",
        "somebody removed it",
        "wireguard",
        peer("forget_peer"),
        (
            Told(
                "node1",
                "flannel-wg node2",
                re.compile("the peer node2 with the key [A-Za-z0-9+/]{43}="),
                "no such peer",
            ),
        ),
        both(peer("add_peer"), meet),
        settles=True,
        needs="wireguard",
    ),
    Fault(
        "wireguard-no-handshake",
        "a firewall between two nodes",
        "wireguard",
        shun,
        tuple(
            Told(
                node,
                f"flannel-wg {other}",
                re.compile(f"the peer {other} with the key [A-Za-z0-9+/]{{43}}= has answered"),
                "never",
            )
            for node, other in (("node1", "node2"), ("node2", "node1"))
        ),
        shun_no_more,
        settles=True,
        needs="wireguard",
    ),
)

MTU = (
    Fault(
        "pod-mtu-high",
        "pods that were made with host-gw",
        "vxlan",
        both(pod_mtu(1500, "172.50.2.2", "172.50.2.3"), ip("node1", "link set cni0 mtu 1500")),
        (
            Told("node1", f"pod {POD}", "1450 bytes at most", "1500 bytes in eth0"),
            Told("node1", f"pod {OTHER_POD}", "1450 bytes at most", "1500 bytes in eth0"),
        ),
        both(ip("node1", "link set cni0 mtu 1450"), pod_mtu(1450, "172.50.2.2", "172.50.2.3")),
    ),
    Fault(
        "pod-mtu-low",
        "a pod that was made with a smaller tunnel",
        "vxlan",
        pod_mtu(1400, "172.50.2.3"),
        (Told("node1", f"pod {POD}", "1450 bytes", "1400 bytes in eth0"),),
        pod_mtu(1450, "172.50.2.3"),
    ),
    Fault(
        "veth-mtu-mismatch",
        "the node's end was changed",
        "vxlan",
        pod_mtu(1400, "172.50.2.3", both_ends=False),
        (
            Told(
                "node1",
                f"pod {POD}",
                "one MTU at both ends",
                re.compile("1450 bytes inside, 1400 bytes at veth[0-9a-f]{8}"),
            ),
        ),
        pod_mtu(1450, "172.50.2.3", both_ends=False),
    ),
    Fault(
        "bridge-mtu-low",
        "the bridge was changed",
        "vxlan",
        ip("node1", "link set cni0 mtu 1400"),
        (Told("node1", "cni0", "1450 bytes or more", "1400 bytes"),),
        ip("node1", "link set cni0 mtu 1450"),
    ),
    Fault(
        "cni-mtu-wrong",
        "an MTU in flannel's delegate",
        "vxlan",
        put("node1", CONFLIST, json.dumps(CNI_CONFIG).replace('"hairpinMode": true', '"mtu": 1500')),
        (Told("node1", "10-flannel.conflist", "1450 bytes", "1500 bytes"),),
    ),
    Fault(
        "nic-mtu-differs",
        "a node that was installed with a smaller NIC",
        "host-gw",
        both(nic_of_node2(1400), edit("node2", SUBNET_ENV, "FLANNEL_MTU=1500", "FLANNEL_MTU=1400")),
        (Told("", "NICs", "one MTU", "1400 bytes: node2; 1500 bytes: master, node1, node3"),),
        nic_of_node2(1500),
    ),
)

HOST = (
    Fault(
        "ip-forward-off",
        "a sysctl",
        "vxlan",
        sysctl("node1", "net/ipv4/ip_forward", 0),
        (Told("node1", "net.ipv4.ip_forward", "1", "0"),),
        sysctl("node1", "net/ipv4/ip_forward", 1),
    ),
    Fault(
        "rp-filter-strict",
        "a sysctl of the VTEP",
        "vxlan",
        sysctl("node1", "net/ipv4/conf/flannel.1/rp_filter", 1),
        (Told("node1", "flannel.1", "off or loose (0 or 2)", "strict (1)"),),
        sysctl("node1", "net/ipv4/conf/flannel.1/rp_filter", 0),
    ),
    Fault(
        "rp-filter-strict",
        "a sysctl of all devices",
        "vxlan",
        sysctl("node1", "net/ipv4/conf/all/rp_filter", 1),
        tuple(Told("node1", dev, "off or loose (0 or 2)", "strict (1)") for dev in ("eth0", "flannel.1")),
        sysctl("node1", "net/ipv4/conf/all/rp_filter", 0),
    ),
    Fault(
        "bridge-nf-off",
        "a sysctl",
        "vxlan",
        sysctl("node1", "net/bridge/bridge-nf-call-iptables", 0),
        (Told("node1", "net.bridge.bridge-nf-call-iptables", "1", "0"),),
        sysctl("node1", "net/bridge/bridge-nf-call-iptables", 1),
    ),
    Fault(
        "forward-drop",
        "Docker's policy beside a flanneld that filters with nftables",
        "direct",
        iptables("node1", "-P FORWARD DROP"),
        (
            Told(
                "node1",
                "FORWARD (iptables-nft, table ip filter)",
                "pods' packets are accepted",
                "policy DROP, nothing accepts them",
            ),
        ),
        iptables("node1", "-P FORWARD ACCEPT"),
    ),
    Fault(
        "forward-drop",
        "Docker's policy after firewalld has dropped flanneld's rule",
        "vxlan",
        both(run("node1", "iptables-nft", "-D", *JUMP), iptables("node1", "-P FORWARD DROP")),
        (
            Told(
                "node1",
                "FORWARD (iptables-nft, table ip filter)",
                "pods' packets are accepted",
                "policy DROP, nothing accepts them",
            ),
        ),
        both(run("node1", "iptables-nft", "-A", *JUMP), iptables("node1", "-P FORWARD ACCEPT")),
        implies=everywhere(("node1",), "chain-unhooked"),
    ),
    Fault(
        "forward-drop",
        "a firewall of the host's own, beside a flanneld that is let through elsewhere",
        "vxlan",
        nft("node1", HOSTS_FIREWALL),
        (
            Told(
                "node1",
                "forward (nft, table inet host)",
                "pods' packets are accepted",
                "policy DROP, nothing accepts them",
            ),
        ),
        run("node1", "nft", "delete", "table", "inet", "host"),
    ),
    Fault(
        "chain-missing",
        "somebody deleted it",
        "direct",
        run("node1", "nft", "delete", "chain", "ip", "flannel-ipv4", "postrtg"),
        (Told("node1", "postrtg", "postrtg in table ip flannel-ipv4", "no such chain"),),
        both(
            run("node1", "nft", "delete", "table", "ip", "flannel-ipv4"),
            nft("node1", FLANNEL_NFT.replace(SUBNET, "172.50.2.0/24")),
        ),
    ),
    Fault(
        "chain-unhooked",
        "firewalld has dropped flanneld's rule",
        "vxlan",
        run("node1", "iptables-nft", "-D", *JUMP),
        (Told("node1", "FLANNEL-FWD", "FORWARD jumps to FLANNEL-FWD", "no such rule"),),
        run("node1", "iptables-nft", "-A", *JUMP),
    ),
    Fault(
        "filter-mode-mismatch",
        "flanneld filtered with nftables before",
        "vxlan",
        nft("node1", FLANNEL_NFT),
        (Told("node1", "packet filter", "kube-proxy uses iptables", "flannel filters with iptables-nft, nft"),),
        run("node1", "nft", "delete", "table", "ip", "flannel-ipv4"),
    ),
    Fault(
        "kube-proxy-other-cidr",
        "kube-proxy was not told of another pod network",
        "vxlan",
        start_kube_proxy,
        (Told("node1", "IPv4", "cluster CIDR 172.50.0.0/16", "10.1.0.0/16"),),
        end_last,
    ),
    Fault(
        "port-closed",
        "flanneld has lost its socket",
        "udp",
        lambda cluster: cluster.tell_flanneld("node1", "close"),
        (Told("node1", "udp port 8285", "the node listens", "nobody listens"),),
        lambda cluster: cluster.tell_flanneld("node1", "open"),
    ),
    Fault(
        "port-taken",
        "a stranger was there before flanneld",
        "udp",
        both(lambda cluster: cluster.tell_flanneld("node1", "close"), take_port(8285)),
        (Told("node1", "udp port 8285", "only the pod network listens", "dnsmasq does"),),
        both(end_last, lambda cluster: cluster.tell_flanneld("node1", "open")),
    ),
    Fault(
        "port-taken",
        "a stranger keeps the VTEP from coming up",
        "vxlan",
        both(ip("node1", "link set flannel.1 down"), take_port(8472)),
        (Told("node1", "udp port 8472", "only the pod network listens", "dnsmasq does"),),
        both(end_last, remake()),
        implies=DOWN | {("device-down", "node1")},
    ),
)

OLD_VTEP = "link add {} type vxlan id {} dstport {} local 192.168.7.110 dev eth0 nolearning"
LEFTOVERS = (
    Fault(
        "leftover-device",
        "Calico's VTEP",
        "vxlan",
        ip("node1", OLD_VTEP.format("vxlan.calico", 4096, 4789)),
        (Told("node1", "vxlan.calico", "no device of calico", "vxlan.calico (vxlan)"),),
        ip("node1", "link del vxlan.calico"),
    ),
    Fault(
        "leftover-device",
        "the VTEP of the backend before, with a route",
        "host-gw",
        ip(
            "node1",
            OLD_VTEP.format("flannel.1", 1, 8472)
            + "\nlink set flannel.1 up\nroute add 172.50.8.0/24 via 172.50.8.0 dev flannel.1 onlink",
        ),
        (
            Told(
                "node1",
                "flannel.1",
                "nothing that flannel with host-gw does not make",
                "flannel.1 (vxlan), with routes to 172.50.8.0/24",
            ),
        ),
        ip("node1", "link del flannel.1"),
        implies=everywhere(("node1",), "route-stale"),
    ),
    Fault(
        "tunl0-in-use",
        "Calico's address on the device that every node has with the module",
        "vxlan",
        ip("node1", "link set tunl0 up\naddr add 172.50.2.192/32 dev tunl0"),
        (Told("node1", "tunl0", "no address and no route of the pod network on it", "address 172.50.2.192"),),
        ip("node1", "addr flush dev tunl0\nlink set tunl0 down"),
        needs="ipip",
    ),
    Fault(
        "leftover-route",
        "BIRD's route to a block",
        "vxlan",
        ip("node1", "route add 10.99.0.0/26 via 192.168.7.101 dev eth0 proto bird metric 1024"),
        (
            Told(
                "node1",
                "routes of calico",
                "no route of calico",
                "10.99.0.0/26 via 192.168.7.101 dev eth0 proto bird",
            ),
        ),
        ip("node1", "route del 10.99.0.0/26"),
    ),
    Fault(
        "leftover-chain",
        "Felix's chain",
        "vxlan",
        iptables("node1", "-N cali-FORWARD"),
        (Told("node1", "chains of calico", "no chains of calico", "cali-FORWARD (iptables-nft, table ip filter)"),),
        iptables("node1", "-X cali-FORWARD"),
    ),
    Fault(
        "leftover-filter-table",
        "Felix's table",
        "vxlan",
        run("node1", "nft", "add", "table", "arp", "calico-arp"),
        (Told("node1", "tables of calico", "no tables of calico", "arp calico-arp"),),
        run("node1", "nft", "delete", "table", "arp", "calico-arp"),
    ),
    Fault(
        "leftover-ipset",
        "Felix's set",
        "vxlan",
        run("node1", "ipset", "create", "cali40masq-ipam-pools", "hash:net"),
        (Told("node1", "ipsets of calico", "no ipsets of calico", "cali40masq-ipam-pools"),),
        run("node1", "ipset", "destroy", "cali40masq-ipam-pools"),
    ),
    Fault(
        "leftover-file",
        "the node's name as Calico keeps it",
        "vxlan",
        put("node1", "/var/lib/calico/nodename", "node1"),
        (Told("node1", "files of calico", "no file of calico", "/var/lib/calico/nodename"),),
    ),
    Fault(
        "leftover-cni-config",
        "Canal's, which calls flannel's plugin",
        "vxlan",
        put("node1", "/etc/cni/net.d/10-canal.conflist", json.dumps(CNI_CONFIG)),
        (Told("node1", "10-canal.conflist", "no configuration of calico", "10-canal.conflist"),),
    ),
    Fault(
        "leftover-lease",
        "the address of a pod that is gone",
        "vxlan",
        lost_pod,
        (
            Told(
                "node1",
                "addresses of cbr0",
                "every reserved address has a pod",
                "1 reserved without a pod: 172.50.2.77",
            ),
        ),
    ),
    Fault(
        "leftover-annotation",
        "Calico's annotations",
        "vxlan",
        api(lambda api: api.annotations("node1").update({"projectcalico.org/IPv4Address": "192.168.7.110/21"})),
        (Told("", "projectcalico.org/*", "no such annotation", "on node1"),),
    ),
)

# What belongs to somebody else, or to another time, and is no fault.
NO_FAULTS = {
    "Docker's bridge and chains": (
        both(
            ip("node1", "link add docker0 type bridge\nlink set docker0 up\naddr add 172.17.0.1/16 dev docker0"),
            iptables("node1", "-N DOCKER-USER"),
            iptables("node1", "-I FORWARD -j DOCKER-USER"),
            iptables("node1", "-P FORWARD DROP"),
        ),
        both(
            iptables("node1", "-P FORWARD ACCEPT"),
            iptables("node1", "-D FORWARD -j DOCKER-USER"),
            iptables("node1", "-X DOCKER-USER"),
            ip("node1", "link del docker0"),
        ),
    ),
    "another NIC with a table of its own": (
        ip(
            "node1",
            "link add eth1 type veth peer name wire1\nlink set eth1 up\nlink set wire1 up\n"
            "addr add 10.0.2.15/24 dev eth1\nroute add default via 10.0.2.2 dev eth1 table 100\n"
            "rule add from 10.0.2.15 lookup 100 pref 99",
        ),
        ip("node1", "rule del pref 99\nlink del eth1"),
    ),
    "a VPN that marks its packets": (
        ip("node1", f"route add {NODE2_DIRECTLY} table 100\nrule add fwmark 0xca6c lookup 100 pref 99"),
        ip("node1", "rule del pref 99\nroute flush table 100"),
    ),
    "routes to other networks": (
        ip(
            "node1",
            "route add 10.8.0.0/24 via 192.168.7.1 dev eth0 proto static\nroute add blackhole 10.9.0.0/16\n"
            "route add 172.48.0.0/15 via 192.168.7.1 dev eth0",
        ),
        ip("node1", "route del 10.8.0.0/24\nroute del blackhole 10.9.0.0/16\nroute del 172.48.0.0/15"),
    ),
    "a firewall of the host's own that lets pods through": (
        nft("node1", HOSTS_FIREWALL.replace("accept", "accept\n        ip saddr 172.50.0.0/16 accept")),
        run("node1", "nft", "delete", "table", "inet", "host"),
    ),
    "kube-proxy's sets and its device": (
        both(
            run("node1", "ipset", "create", "KUBE-CLUSTER-IP", "hash:ip,port"),
            ip("node1", "link add virbr0 type bridge\nlink set virbr0 up\naddr add 192.168.122.1/24 dev virbr0"),
        ),
        both(run("node1", "ipset", "destroy", "KUBE-CLUSTER-IP"), ip("node1", "link del virbr0")),
    ),
    "files that no runtime reads, and a pod that is being made": (
        both(
            put("node1", "/etc/cni/net.d/10-calico.conflist.off", "{}"),
            put("node1", "/etc/cni/net.d/99-loopback.conf", '{"name": "lo", "type": "loopback"}'),
            put("node1", "/var/lib/cni/networks/cbr0/172.50.2.44", "5eed\r\neth0"),
            put("node1", "/var/lib/cni/networks/cbr0/last_reserved_ip.0", "172.50.2.44"),
        ),
        both(),
    ),
    "neighbours that the kernel has learned": (
        ip(
            "node1",
            "neigh replace 172.50.1.0 lladdr 0a:00:00:00:00:6f dev flannel.1 nud permanent\n"
            "neigh replace 172.50.2.9 lladdr 0a:00:00:00:00:55 dev cni0 nud reachable",
        ),
        ip("node1", "neigh del 172.50.2.9 dev cni0"),
    ),
}

IMAGE = "ghcr.io/flannel-io/flannel:v0.28.9"
MIRRORED, RUNNING = "sha256:" + "9f" * 32, "sha256:" + "5c" * 32


def moved_tag(kube):
    """The note of what was mirrored, and an agent that has pulled something else."""
    note = {"images.json": json.dumps({IMAGE: MIRRORED})}
    kube.objects["/api/v1/namespaces/kube-system/configmaps/switchyard-cni-images"] = {"data": note}
    status = {"name": "kube-flannel", "image": IMAGE, "imageID": f"ghcr.io/flannel-io/flannel@{RUNNING}"}
    kube.objects["/api/v1/namespaces/kube-flannel/pods"] = [
        {
            "metadata": {"name": "kube-flannel-ds-x"},
            "spec": {"nodeName": "node1", "containers": [{"name": "kube-flannel", "image": IMAGE}]},
            "status": {"containerStatuses": [status]},
        }
    ]


IMAGES = (
    Fault(
        "image-digest-differs",
        "a tag was moved in the registry",
        "vxlan",
        api(moved_tag),
        (Told("", IMAGE, MIRRORED, f"{RUNNING} on node1"),),
    ),
)

FAULTS = (*CLUSTER, *IMAGES, *CNI, *DEVICES, *ROUTES, *ENTRIES, *WIREGUARD, *MTU, *HOST, *LEFTOVERS)
