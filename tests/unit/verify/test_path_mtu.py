# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a path must let pass in one piece: the declared MTU, or less where older pods have less."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._probes import POD, plan_probes
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import SEED, healthy

NODE1, NODE2 = "k8s-node1", "k8s-node2"


def mtus(world):
    """What probes between pods of two nodes want to pass, by source and target."""
    found = plan_probes(world.scene(), "all")
    return {(one.source.node, one.target.node): one.mtu for one in found if one.kind == POD}


def test_pods_of_the_declared_mtu_pass_packets_of_it():
    assert set(mtus(healthy(SEED, flannel_backend="host-gw")).values()) == {1500}


@pytest.mark.parametrize("what", ["pod", "bridge"])
def test_a_target_that_was_made_with_less_limits_what_passes(what):
    world = healthy(SEED, flannel_backend="host-gw")
    node = world.node(NODE2)
    if what == "pod":
        for pod in node["pods"]:
            pod["mtu"] = 1450
    else:
        (bridge,) = [link for link in node["links"] if link["name"] == "cni0"]
        bridge["mtu"] = 1450
    found = mtus(world)
    assert (found[NODE1, NODE2], found[NODE2, NODE1], found[NODE1, "k8s-master1"]) == (1450, 1450, 1500)
