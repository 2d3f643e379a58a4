# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Held routes on a real kernel: they carry packets only while there is no other route, and go without a trace."""

from __future__ import annotations

import json
import subprocess

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node._hold import Peer, plan_direct
from ansible_collections.switchyard.cni.plugins.module_utils._node._hold_module import hold_direct, observe
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import RealNode
from topology import SEED_WITH_FAR_NODE, Topology

from conftest import ip, module

PODS = ["172.50.0.0/16"]
NODE = """
link add eth0 type veth peer name wire
link set wire up
link set eth0 up
addr add 192.168.7.101/21 dev eth0
link add vxlan.calico type vxlan id 4096 dstport 4789 dev eth0
link set vxlan.calico up
route add 172.50.1.0/26 via 192.168.7.110 dev eth0 proto bird metric 1024
route add 172.50.2.0/26 via 192.168.7.111 dev eth0 proto 80 onlink
route add 172.50.3.0/26 via 172.50.3.1 dev vxlan.calico onlink
route add blackhole 172.50.0.0/26 proto bird
route add 10.9.0.0/16 via 192.168.7.1 dev eth0 proto static
"""


def way(address):
    rows = json.loads(subprocess.run(["ip", "-j", "route", "get", address], capture_output=True, check=True).stdout)
    return rows[0].get("gateway"), rows[0]["dev"]


def held():
    rows = subprocess.run(["ip", "-j", "route", "show", "proto", "201"], capture_output=True, check=True).stdout
    return sorted(row["dst"] for row in json.loads(rows or "[]"))


def test_the_way_stays_when_its_writer_takes_it_back(namespace):
    ip(NODE)
    for options, changed, there in ((["--check"], True, 0), ([], True, 2), ([], False, 2)):
        code, told = module("node_route_hold", *options, pod_networks=PODS, over=["eth0"])
        assert (code, told["changed"], len(held())) == (0, changed, there)
    assert held() == ["172.50.1.0/26", "172.50.2.0/26"]

    ip("route del 172.50.1.0/26 proto bird")
    assert way("172.50.1.5") == ("192.168.7.110", "eth0")
    ip("route add 172.50.1.0/26 via 192.168.7.110 dev eth0 proto 80 onlink\nroute add 172.50.1.0/27 via 192.168.7.1")
    assert way("172.50.1.5") == ("192.168.7.1", "eth0"), "any other route comes first"


def test_letting_go_takes_nothing_else(namespace):
    ip(NODE)
    before = subprocess.run(["ip", "route"], capture_output=True, check=True).stdout
    module("node_route_hold", pod_networks=PODS, over=["eth0"])
    code, told = module("node_route_hold", state="absent", pod_networks=PODS)
    assert (code, told["released"]) == (0, 2)
    assert subprocess.run(["ip", "route"], capture_output=True, check=True).stdout == before
    code, told = module("node_route_hold", state="absent", pod_networks=PODS)
    assert (code, told["changed"]) == (0, False)


def hold_peers(peers):
    """Run on a node: which networks were tried, and which of them did not answer."""
    node = RealNode()
    work = plan_direct(observe(node).routes, PODS, peers)
    return [route.dst for route in work.add], [route.dst for route in hold_direct(node, work)], held()


@pytest.fixture
def cluster(namespace):
    """The seed's nodes, one of them behind a router, each with a pod; node1 has lost its routes to the others."""
    with Topology("vxlan", SEED_WITH_FAR_NODE) as topology:
        for node in topology.plans.values():
            topology.pod(node.name, node.subnet.replace(".0/24", ".2"))
            if node.name != "node1":
                topology["node1"].ip(f"route del {node.subnet}")
        yield topology


def peers_of(topology):
    return [Peer(node.subnet, node.address) for node in topology.plans.values()]


def test_a_neighbour_without_another_way_is_reached_directly(cluster):
    near = cluster.plans["master"]
    tried, silent, there = cluster["node1"].call(hold_peers, peers_of(cluster))
    assert (tried, silent, there) == ([near.subnet], [], [near.subnet])


def test_a_fabric_that_lets_no_pods_through_is_noticed_at_once(cluster):
    near = cluster.plans["master"]
    cluster["master"].filter("input", f"ip daddr {near.gateway} drop")
    tried, silent, there = cluster["node1"].call(hold_peers, peers_of(cluster))
    assert (tried, silent, there) == ([near.subnet], [near.subnet], [])
