# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Large tables: listed up to a limit, told by a digest beyond it, and packed where that is asked for."""

from __future__ import annotations

import ipaddress
import json
import random

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils import _tables
from ansible_collections.switchyard.cni.plugins.module_utils._node._gather import Request, gather
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import FakeNode, recorded_tools

SECTIONS = ("routes", "fdb", "neighbours")
POD_NETWORKS = ("10.128.0.0/9",)
ON_THE_WIRE = 200_000
"""Bytes that the answer of a node of a large cluster may have."""


class Peers:
    """What flannel's vxlan backend programs on a node for its peers, with the random MAC addresses of real ones."""

    def __init__(self, count):
        chance = random.Random(20260101)
        first = int(ipaddress.ip_address("10.128.0.0"))
        self.subnets = [str(ipaddress.ip_address(first + (number << 8))) for number in range(count)]
        self.macs = [":".join(f"{chance.randrange(256):02x}" for dummy in range(6)) for unused in self.subnets]
        self.nodes = [f"172.16.{number >> 8}.{number & 255}" for number in range(count)]

    def route_rows(self):
        return [_tables.route_row(f"{subnet}/24", subnet, "flannel.1") for subnet in self.subnets]

    def fdb_rows(self):
        return [_tables.fdb_row("flannel.1", mac, node) for mac, node in zip(self.macs, self.nodes, strict=True)]

    def neighbour_rows(self):
        return [_tables.neighbour_row("flannel.1", one, mac) for one, mac in zip(self.subnets, self.macs, strict=True)]

    def node(self):
        routes = [
            {"dst": f"{subnet}/24", "gateway": subnet, "dev": "flannel.1", "flags": ["onlink"]}
            for subnet in self.subnets
        ]
        own = {"dst": "10.255.255.0/24", "dev": "cni0", "protocol": "kernel", "scope": "link", "flags": []}
        neighbours = [
            {"dst": subnet, "dev": "flannel.1", "lladdr": mac, "state": ["PERMANENT"]}
            for subnet, mac in zip(self.subnets, self.macs, strict=True)
        ]
        eth0 = {"dst": "192.168.7.101", "dev": "eth0", "lladdr": "0a:00:00:00:00:01", "state": ["REACHABLE"]}
        fdb = [
            {"mac": mac, "ifname": "flannel.1", "dst": node, "state": "permanent", "flags": ["self"]}
            for mac, node in zip(self.macs, self.nodes, strict=True)
        ]
        tools = recorded_tools()
        tools["ip -j -d -4 route show table all"] = (0, json.dumps([*routes, own]), "")
        tools["ip -j -d -6 route show table all"] = (0, "[]", "")
        tools["ip -j neigh show"] = (0, json.dumps([*neighbours, eth0]), "")
        tools["bridge -j fdb show dev flannel.1"] = (0, json.dumps(fdb), "")
        return FakeNode(tools=tools)


@pytest.fixture(scope="module")
def peers():
    return Peers(10_000)


def note(observed, what, **group):
    matches = [
        one
        for one in observed["truncated"]
        if one["what"] == what and all(one[key] == value for key, value in group.items())
    ]
    assert len(matches) == 1, observed.get("truncated")
    return matches[0]


def test_ten_thousand_peers_cost_three_digests(peers):
    observed = gather(peers.node(), Request(SECTIONS, pod_networks=POD_NETWORKS))
    assert len(json.dumps(observed)) < 2_000
    assert [route["dev"] for route in observed["routes"]] == ["cni0"]
    assert [one["dev"] for one in observed["neighbours"]] == ["eth0"]
    assert observed["fdb"] == []
    count = {"count": 10_000, "listed": 0}
    assert note(observed, "pod_routes") == {"what": "pod_routes", **count, "digest": _tables.digest(peers.route_rows())}
    assert note(observed, "fdb") == {
        "what": "fdb",
        "dev": "flannel.1",
        **count,
        "digest": _tables.digest(peers.fdb_rows()),
    }
    assert note(observed, "neighbours")["digest"] == _tables.digest(peers.neighbour_rows())


def test_ten_thousand_peers_without_their_networks_are_listed_in_part(peers):
    observed = gather(peers.node(), Request(SECTIONS))
    assert len(json.dumps(observed)) < ON_THE_WIRE
    told = note(observed, "routes", protocol="boot")
    assert (told["count"], told["listed"], told["digest"]) == (10_000, 500, _tables.digest(peers.route_rows()))


@pytest.mark.parametrize(
    ("what", "rows"), [("pod_routes", "route_rows"), ("fdb", "fdb_rows"), ("neighbours", "neighbour_rows")]
)
def test_a_packed_table_is_whole_and_fits(peers, what, rows):
    observed = gather(peers.node(), Request(SECTIONS, pod_networks=POD_NETWORKS, packed=(what,)))
    group = {} if what == "pod_routes" else {"dev": "flannel.1"}
    told = note(observed, what, **group)
    assert _tables.unpack(told["rows"]) == sorted(getattr(peers, rows)())
    assert told["count"] == 10_000
    assert len(json.dumps(told)) < ON_THE_WIRE


def test_a_small_table_is_packed_too_where_that_is_asked_for():
    few = Peers(3)
    observed = gather(few.node(), Request(SECTIONS, pod_networks=POD_NETWORKS, packed=("pod_routes", "fdb")))
    assert _tables.unpack(note(observed, "pod_routes")["rows"]) == sorted(few.route_rows())
    assert _tables.unpack(note(observed, "fdb")["rows"]) == sorted(few.fdb_rows())
    assert len(observed["neighbours"]) == 4


def test_a_small_table_is_listed_with_every_key():
    observed = gather(Peers(3).node(), Request(SECTIONS, pod_networks=POD_NETWORKS))
    assert "truncated" not in observed
    assert len(observed["routes"]) == 4
    assert observed["routes"][0]["onlink"] is True


@pytest.mark.parametrize(
    "other",
    [
        {"dst": "10.128.0.7/32"},
        {"dst": "10.128.0.0/24", "type": "blackhole", "dev": None},
        {"dst": "10.128.0.0/24", "dev": "cni0"},
        {"dst": "10.128.0.0/24", "table": "7"},
        {"dst": "10.0.0.0/8"},
        {"dst": "172.50.0.0/24"},
        {"dst": "0.0.0.0/0"},
    ],
)
def test_what_is_no_pod_route_is_listed(other):
    node = FakeNode(tools={"ip -j -d -4 route": (0, json.dumps([{"dev": "eth0", **other}]), ""), "ip": (0, "[]", "")})
    observed = gather(node, Request(("routes",), pod_networks=POD_NETWORKS, packed=("pod_routes",)))
    assert note(observed, "pod_routes")["count"] == 0
    assert [route["dst"] for route in observed["routes"]] == [other["dst"]]


def test_the_bridge_may_have_another_name():
    own = {"dst": "10.128.0.0/24", "dev": "mynet0", "protocol": "kernel"}
    node = FakeNode(tools={"ip -j -d -4 route": (0, json.dumps([own]), ""), "ip": (0, "[]", "")})
    request = Request(("routes",), pod_networks=POD_NETWORKS, packed=("pod_routes",), bridge="mynet0")
    assert len(gather(node, request)["routes"]) == 1


def test_neighbours_that_the_kernel_learned_are_told_apart():
    """Only what an agent has programmed is compared with what the controller expects."""
    learned = [
        {"dst": f"192.168.{number // 256}.{number % 256}", "dev": "eth0", "lladdr": "0a:00:00:00:00:01", "state": state}
        for number, state in enumerate([["REACHABLE"], ["STALE"], ["FAILED"]] * 4)
    ]
    programmed = {"dst": "10.128.0.0", "dev": "flannel.1", "lladdr": "0a:00:00:00:00:02", "state": ["PERMANENT"]}
    failed = {"dst": "10.128.9.9", "dev": "flannel.1", "state": ["FAILED"]}
    node = FakeNode(tools={"ip -j neigh show": (0, json.dumps([*learned, programmed, failed]), "")})
    observed = gather(node, Request(("neighbours",), limit=5, packed=("neighbours",)))
    rows = [_tables.neighbour_row("flannel.1", "10.128.0.0", "0a:00:00:00:00:02")]
    assert _tables.unpack(note(observed, "neighbours")["rows"]) == rows
    assert note(observed, "learned_neighbours", dev="eth0")["count"] == 12
    assert [one["dev"] for one in observed["neighbours"]] == ["eth0"] * 5 + ["flannel.1"]
