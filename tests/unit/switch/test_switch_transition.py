# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a declared backend means for the one that runs: the class of the change, and what it does to pods."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import build_intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import resolve
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._objections import objections
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._transition import (
    FIRST,
    LIVE,
    NONE,
    PODS,
    transition,
)
from ansible_collections.switchyard.cni.tests.unit.switch.worlds import between, running
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import SETTINGS, intent_of

BACKENDS = {
    "vxlan": ({"flannel_backend": "vxlan"}, 1450),
    "DirectRouting": ({"flannel_backend": "vxlan", "flannel_direct_routing": True}, 1450),
    "host-gw": ({"flannel_backend": "host-gw"}, 1500),
    "udp": ({"flannel_backend": "udp"}, 1472),
    "wireguard": ({"flannel_backend": "wireguard"}, 1420),
    "ipip": ({"flannel_backend": "ipip"}, 1480),
}
PAIRS = list(permutations(BACKENDS, 2))


def change(before, after):
    return between(running(**before), **after)


@pytest.mark.parametrize(("before", "after"), PAIRS, ids=[" to ".join(pair) for pair in PAIRS])
def test_every_pair_of_backends_has_its_class(before, after):
    (old, old_mtu), (new, new_mtu) = BACKENDS[before], BACKENDS[after]
    found = change(old, new)
    assert found.kind == (PODS if new_mtu < old_mtu else LIVE)
    assert found.switches
    assert [(one.before, one.after, len(one.nodes)) for one in found.mtus] == (
        [] if old_mtu == new_mtu else [(old_mtu, new_mtu, 3)]
    )
    assert bool(found.pauses) == (before in ("udp", "wireguard"))
    assert bool(objections(found)) == (found.kind == PODS)


@pytest.mark.parametrize("name", BACKENDS)
def test_nothing_is_to_be_done_for_the_backend_that_runs(name):
    found = change(BACKENDS[name][0], BACKENDS[name][0])
    assert (found.kind, found.changes, found.mtus) == (NONE, (), ())


@pytest.mark.parametrize(
    ("after", "kind", "changes", "pauses"),
    [
        ({"flannel_vni": 7}, LIVE, ("VNI 1 to 7",), 1),
        ({"flannel_port": 4789}, LIVE, ("Port 8472 to 4789",), 1),
        ({"flannel_learning": True}, LIVE, ("Learning unset to true",), 0),
        ({"flannel_mtu": 1400}, PODS, ("MTU unset to 1400",), 0),
    ],
    ids=["VNI", "Port", "Learning", "MTU"],
)
def test_a_change_within_one_backend(after, kind, changes, pauses):
    found = change({}, after)
    assert (found.kind, found.changes, len(found.pauses)) == (kind, changes, pauses)


@pytest.mark.parametrize(("asked", "kind"), [(1, NONE), (3, LIVE)], ids=["one node that follows", "all of them"])
def test_what_runs_is_what_most_of_all_nodes_run_and_not_most_of_those_asked(asked, kind):
    old, stored = running(flannel_backend="vxlan"), running(flannel_backend="host-gw")
    nodes = [
        node if number < asked else replace(node, facts=None, asked=False)
        for number, node in enumerate(old.scene().observed)
    ]
    found = transition(intent_of(flannel_backend="host-gw"), Cluster.from_dict(stored.api), nodes)
    assert found.kind == kind


def test_the_settings_of_what_runs_lead_back_to_it():
    world = running(flannel_backend="host-gw")
    found = between(world)
    values, problems = resolve({**SETTINGS, **found.settings})
    intent, contradictions = build_intent(values)
    assert (problems, contradictions) == ([], [])
    again = transition(intent, Cluster.from_dict(world.api), world.scene().observed)
    assert again.kind == NONE


def test_a_cluster_without_a_pod_network_has_nothing_to_change_from():
    bare = running()
    bare.api["flannel"], bare.nodes = [], {}
    assert between(bare).kind == FIRST


def test_what_the_agents_really_run_counts_more_than_a_configuration_that_nobody_has_read_yet():
    world = running()
    world.api["flannel"] = running(flannel_backend="host-gw").api["flannel"]
    found = between(world, flannel_backend="host-gw")
    assert found.changes == ("backend vxlan to host-gw",)


def test_a_smaller_mtu_is_refused_with_the_variable_the_nodes_and_the_way_out():
    (problem,) = objections(change(BACKENDS["host-gw"][0], {}))
    assert problem.variable == "network_allow"
    assert "pods have a larger MTU than vxlan carries (default/" in problem.reason
    assert "[pods]" in problem.remedy
    assert objections(change(BACKENDS["host-gw"][0], {"network_allow": ["pods"]})) == []


def test_pods_that_still_have_the_smaller_mtu_need_not_be_made_anew():
    world = running(flannel_backend="host-gw")
    for answer in world.nodes.values():
        for pod in answer["node"]["pods"]:
            pod["mtu"] = 1450
    assert (between(world).kind, objections(between(world))) == (LIVE, [])
