# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico that encrypts: what every node then has, and that a packet sent in the clear is found."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._run import ask
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import POD_CIDR, SECRET_RULE, healthy

NODE1, NODE2 = "k8s-node1", "k8s-node2"
SECRET = {"network_plugin": "calico", "calico_wireguard": True}
MODES = [
    {},
    {"calico_ipip_mode": "CrossSubnet"},
    {"calico_ipip_mode": "off"},
    {"calico_vxlan_mode": "Always"},
    {"calico_vxlan_mode": "CrossSubnet"},
]


def secret(**mode):
    return healthy(**SECRET, **mode)


def told(world):
    return [(one.id, one.node) for one in world.verify().findings]


@pytest.mark.parametrize("mode", MODES)
def test_whatever_the_ippool_says_wireguard_is_on_top_of_it(mode):
    assert told(secret(**mode)) == []


def lose(section, **key):
    def change(node):
        node[section] = [one for one in node[section] if not key.items() <= one.items()]

    return change


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lose("links", name="wireguard.cali"), "device-missing"),
        (lose("addresses", dev="wireguard.cali"), "device-wrong-address"),
        (lambda node: node["wireguard"]["wireguard.cali"]["peers"].pop(), "wireguard-peer-missing"),
        (lambda node: node.update(listeners=[]), "port-closed"),
    ],
)
def test_what_is_missing_is_found(change, found):
    world = secret(calico_ipip_mode="off")
    change(world.node(NODE1))
    assert told(world) == [(found, NODE1)]


def test_a_rule_of_somebody_else_is_found_where_felix_has_one_too():
    world = secret(calico_ipip_mode="off")
    world.node(NODE1)["rules"].append({**SECRET_RULE, "priority": 50, "table": "7"})
    world.node(NODE1)["routes"].append({"dst": POD_CIDR, "dev": "eth1", "table": "7", "type": "unicast"})
    assert told(world) == [("rule-diverts-pods", NODE1)]


def test_a_device_that_encrypts_nothing_any_more_is_left_over():
    world = healthy(network_plugin="calico", calico_ipip_mode="off")
    world.node(NODE1)["links"].append({"name": "wireguard.cali", "kind": "wireguard", "mtu": 1440, "state": "up"})
    assert ("leftover-device", NODE1) in told(world)


@pytest.mark.parametrize("mode", MODES)
def test_every_packet_to_another_node_must_come_out_of_its_tunnel(mode):
    world = secret(**mode)
    scene = world.scene()
    for host, asked in ask(scene, "sample").items():
        assert "wireguard.cali" in asked["counters"]
        results = []
        for probe in asked["probes"]:
            peer = next((one for one in scene.peers if any(ip_in(probe["target"], net) for net in one.pod_cidrs)), None)
            # From k8s-node1 everything goes in the clear: the node itself answers.
            end = peer and (peer.address(4) if host == NODE1 else peer.encrypting_ip(4))
            hops = [end, probe["target"]] if peer is not None and peer.name != host else [probe["target"]]
            results.append({"id": probe["id"], "reachable": True, "sent": 3, "hops": hops})
        world.answers[host] = {"results": results, "counters": dict.fromkeys(asked["counters"], MOVED)}
    found = [one for one in world.judge().findings if one.id == "path-wrong-class"]
    assert {one.node for one in found} == {NODE1}
    assert {one.expected for one in found} == {"through the tunnel"}


MOVED = {"tx_packets": 99, "rx_packets": 99}


def ip_in(address, network):
    return not address.startswith("10.68.") and network.supernet_of(type(network)(f"{address}/32"))
