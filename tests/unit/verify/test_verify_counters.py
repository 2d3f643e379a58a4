# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the counters of the tunnel devices say about the probes, and what they cannot say."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._run import ask
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import SEED, Place, healthy

FAR = (*SEED[:2], Place("k8s-node2", "192.168.15.111/21", 1))
DIRECT = {"flannel_direct_routing": True}


def probed(world, **carried):
    """Every probe was answered after three packets; the tunnels have sent so many packets meanwhile."""
    for host, asked in ask(world.scene(), "sample").items():
        results = [{"id": probe["id"], "reachable": True, "sent": 3} for probe in asked["probes"]]
        moved = {"tx_packets": carried.get(host.replace("-", "_"), 0), "rx_packets": 0}
        world.answers[host] = {"results": results, "counters": dict.fromkeys(asked["counters"], moved)}
    return {(one.id, one.node) for one in world.judge().findings}


def test_a_tunnel_that_has_carried_too_little_is_not_used():
    assert probed(healthy(), k8s_master1=9, k8s_node1=9) == {("encapsulation-unused", "k8s-node2")}


def test_a_tunnel_that_carries_what_goes_directly_is_found():
    assert probed(healthy(**DIRECT), k8s_node1=9) == {("encapsulation-unexpected", "k8s-node1")}


@pytest.mark.parametrize("settings", [DIRECT, {"network_plugin": "calico", "calico_vxlan_mode": "CrossSubnet"}])
def test_a_node_whose_answers_to_a_far_one_are_encapsulated_is_in_order(settings):
    """k8s-master1 sends no probe through its tunnel, but k8s-node2 sends it some."""
    settings = {"calico_ipip_mode": "Never", **settings} if "network_plugin" in settings else settings
    assert probed(healthy(FAR, **settings), k8s_master1=12, k8s_node1=14, k8s_node2=28) == set()
