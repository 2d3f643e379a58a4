# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes change before all others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._plan import plan_network
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._stages import stage_problems, stages
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._switch import switch
from ansible_collections.switchyard.cni.tests.unit.switch.worlds import between, running
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import intent_of

MASTER, NODE1, NODE2 = "k8s-master1", "k8s-node1", "k8s-node2"


@pytest.mark.parametrize(
    ("settings", "first"),
    [
        ({}, []),
        ({"network_rollout": "canary"}, [NODE2]),
        ({"network_rollout": "canary", "network_canary": NODE1}, [NODE1]),
        ({"network_rollout": "serial"}, [MASTER, NODE1, NODE2]),
    ],
)
def test_the_operator_chooses_who_is_first(settings, first):
    scene = running().scene()
    found = stages(intent_of(**settings), scene, scene.observed)
    assert [stage.node.name for stage in found] == first


def test_a_stage_is_tried_from_its_own_pods():
    scene = running().scene()
    (stage,) = stages(intent_of(network_rollout="canary"), scene, scene.observed)
    assert stage.probes
    own = {address for pod in scene.by_name[NODE2].facts.pods for address in pod.addresses}
    assert {probe["source"] for probe in stage.probes} <= own | {"node"}


def test_a_canary_that_nobody_knows_is_refused():
    nodes = running().scene().observed
    assert stage_problems(intent_of(network_canary=NODE1), nodes) == []
    (problem,) = stage_problems(intent_of(network_canary="k8s-node9"), nodes)
    assert str(problem) == (
        "network_canary = k8s-node9: is no node of this run. "
        "Name one of k8s-master1, k8s-node1, k8s-node2, or leave it empty for the last of them."
    )


def test_the_plan_says_who_is_first():
    world = running()
    after = {"flannel_backend": "host-gw", "network_rollout": "canary"}
    scene = world.scene()
    change = switch(between(world, **after), after)
    change = replace(change, stages=stages(intent_of(**after), scene, scene.observed))
    plan = plan_network(intent_of(**after), scene.observed, change).as_result()
    assert "First: k8s-node2, one by one; then all others together." in plan["summary"]
    assert [stage["host"] for stage in plan["switch"]["stages"]] == [NODE2]
    assert plan["agents"] == {"namespace": "kube-flannel", "label_selectors": ["app=flannel"]}
