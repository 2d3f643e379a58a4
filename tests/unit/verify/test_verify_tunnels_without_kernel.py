# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WireGuard and tunl0, which not every kernel has: judged from what programs printed on a kernel that has them.

Where the kernel has them, tests/integration/netns plants these faults in it.
"""

from __future__ import annotations

import json

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node._gather import Request, gather
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import FakeNode, fixture
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import FLANNEL, healthy

NODE = "k8s-node1"
THIS, ONE, TWO = (
    "cHVibGljLWtleS1vZi10aGlzLW5vZGUuLi4uLi4uLi4=",
    "cHVibGljLWtleS1vZi1ub2RlLW9uZS4uLi4uLi4uLi4=",
    "cHVibGljLWtleS1vZi1ub2RlLXR3by4uLi4uLi4uLi4=",
)
KEYS = {NODE: THIS, "k8s-master1": ONE, "k8s-node2": TWO}
ADDRESS = {"family": "inet", "prefixlen": 32, "scope": "global", "label": "tunl0"}
ROUTE = {"type": "unicast", "dst": "172.50.0.64/26", "gateway": "192.168.7.101", "dev": "tunl0", "protocol": "bird"}


def observed(*sections, tunl0=(), routes=(), dump=""):
    """What the node code makes of the recorded output, with these addresses on tunl0 and these routes."""
    devices = json.loads(fixture("addr-tunnels.json"))
    device = next(one for one in devices if one["ifname"] == "tunl0")
    device["addr_info"] = [{**ADDRESS, "local": address} for address in tunl0]
    tools = {"ip -j -d -s addr show": json.dumps(devices), "wg": dump}
    tools.update({"ip -j -d -4 route": json.dumps(list(routes)), "ip -j -d -6 route": "[]"})
    told = gather(FakeNode(tools={name: (0, text, "") for name, text in tools.items()}), Request(sections))
    assert told["gaps"] == []
    return told


# ---- WireGuard


def met(dump):
    """A cluster of flannel's wireguard backend in which one node has printed this, and all else is in order."""
    world = healthy(flannel_backend="wireguard")
    for name, key in KEYS.items():
        world.member(name)["annotations"][f"{FLANNEL}backend-data"] = json.dumps({"PublicKey": key})
        peers = [{"public_key": other, "latest_handshake": 1} for other in KEYS.values() if other != key]
        world.node(name)["wireguard"]["flannel-wg"]["peers"] = peers
    assert world.told() == set()
    world.node(NODE)["wireguard"] = observed("wireguard", dump=dump)["wireguard"]
    return [(one.id, one.node, one.subject, one.expected, one.actual) for one in world.verify().findings]


def without(text, dump):
    return "".join(line for line in dump.splitlines(keepends=True) if text not in line)


def shaken(dump):
    """The recorded peer that was never met, met."""
    return dump.replace(f"{TWO}\t(none)\t(none)\t(none)\t0", f"{TWO}\t(none)\t192.168.7.111:51820\t(none)\t1764111600")


def test_peers_that_have_been_met_are_in_order():
    assert met(shaken(fixture("wg-dump.txt"))) == []


def test_a_peer_that_was_never_met_is_named():
    expected = f"the peer k8s-node2 with the key {TWO} has answered"
    finding = ("wireguard-no-handshake", NODE, "flannel-wg k8s-node2", expected, "never")
    assert met(fixture("wg-dump.txt")) == [finding]


def test_a_peer_that_is_missing_is_named():
    finding = (
        "wireguard-peer-missing",
        NODE,
        "flannel-wg k8s-master1",
        f"the peer k8s-master1 with the key {ONE}",
        "no such peer",
    )
    assert met(without(ONE, shaken(fixture("wg-dump.txt")))) == [finding]


def test_a_node_that_has_lost_both_peers_is_told_of_both():
    told = met(without(ONE, without(TWO, fixture("wg-dump.txt"))))
    assert [(one, subject) for one, dummy, subject, *unused in told] == [
        ("wireguard-peer-missing", "flannel-wg k8s-master1"),
        ("wireguard-peer-missing", "flannel-wg k8s-node2"),
    ]


# ---- tunl0

VXLAN = {"flannel_backend": "vxlan"}
BGP = {"network_plugin": "calico", "calico_ipip_mode": "off"}
IPIP = {"network_plugin": "calico", "calico_ipip_mode": "Always"}


def in_use(settings, **recorded):
    """What is said of the device tunl0 that every network namespace has once the module ipip is loaded."""
    world = healthy(**settings)
    told = observed("links", "addresses", "routes", **recorded)
    own = world.node(NODE)
    own["links"] = [one for one in own["links"] if one["name"] != "tunl0"]
    own["links"] += [one for one in told["links"] if one["name"] == "tunl0"]
    own["addresses"] = [one for one in own["addresses"] if one["dev"] != "tunl0"] + [
        one for one in told["addresses"] if one["dev"] == "tunl0"
    ]
    own["routes"] += told["routes"]
    found = [one for one in world.verify().findings if one.id == "tunl0-in-use"]
    assert {one.node for one in found} <= {NODE}
    assert {one.subject for one in found} <= {"tunl0"}
    return [one.actual for one in found]


@pytest.mark.parametrize("settings", [VXLAN, BGP], ids=["flannel", "calico without IPIP"])
def test_the_device_alone_is_nothing(settings):
    assert in_use(settings) == []


@pytest.mark.parametrize("settings", [VXLAN, BGP], ids=["flannel", "calico without IPIP"])
def test_an_address_of_the_pod_network_on_it_is_a_use(settings):
    assert in_use(settings, tunl0=["172.50.120.0"]) == ["address 172.50.120.0"]


@pytest.mark.parametrize("settings", [VXLAN, BGP], ids=["flannel", "calico without IPIP"])
def test_a_route_to_pods_over_it_is_a_use(settings):
    assert in_use(settings, routes=[ROUTE]) == ["route 172.50.0.64/26 via 192.168.7.101 dev tunl0"]


def test_an_address_of_somebody_else_is_none():
    assert in_use(VXLAN, tunl0=["10.99.0.1"]) == []


def test_where_it_is_the_backends_own_it_is_in_use_by_right():
    world = healthy(**IPIP)
    own = next(one for one in world.node(NODE)["addresses"] if one["dev"] == "tunl0")
    assert in_use(IPIP, tunl0=[own["address"]]) == []
