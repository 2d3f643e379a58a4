# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is tried after nodes have changed hands: every way between both networks, and no more than grows linearly."""

from __future__ import annotations

from itertools import product

from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import networks
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster, ClusterPod, Service
from ansible_collections.switchyard.cni.plugins.plugin_utils._move._probes import OWN, PEERS, Planes, node_probes

PLANES = Planes((networks(["172.50.0.0/16"]), networks(["172.60.0.0/16"])))
SERVICES = (Service("default/kubernetes", ("10.68.0.1",), (443,)),)


def pod(name, node, address, **more):
    return ClusterPod("default", name, f"uid-{name}", node, (address,), "ReplicaSet", ready=True, **more)


def probes(pods, changed, nodes, guarded=()):
    cluster = Cluster(pods=tuple(pods), services=SERVICES, guarded=frozenset(guarded))
    return node_probes(cluster, PLANES, changed, nodes)


HALF = [
    pod("new", "a", "172.60.0.2"),
    pod("old", "b", "172.50.1.2"),
    pod("moved", "c", "172.60.1.2"),
    pod("stays", "c", "172.50.2.2"),
]


def ways(found):
    return {(sender, one["source"], one["target"]) for sender, some in found.items() for one in some}


def test_pods_of_both_networks_nodes_and_services_are_tried_in_both_directions():
    assert ways(probes(HALF, ["a"], ["a", "b", "c"])) == {
        ("a", "172.60.0.2", "172.50.1.2"),
        ("b", "172.50.1.2", "172.60.0.2"),
        ("a", "172.60.0.2", "172.60.1.2"),
        ("c", "172.60.1.2", "172.60.0.2"),
        ("a", "172.60.0.2", "172.50.2.2"),
        ("c", "172.50.2.2", "172.60.0.2"),
        ("a", "node", "172.50.1.2"),
        ("a", "node", "172.60.1.2"),
        ("a", "node", "172.50.2.2"),
        ("b", "node", "172.60.0.2"),
        ("c", "node", "172.60.0.2"),
        ("a", "172.60.0.2", "10.68.0.1"),
    }


def test_each_probe_has_a_name_of_its_own():
    for some in probes(HALF, ["a", "b", "c"], ["a", "b", "c"]).values():
        assert len({one["id"] for one in some}) == len(some)


def test_pods_that_a_policy_guards_or_that_are_going_prove_nothing():
    going = [pod("going", "a", "172.60.0.2", ending=True), pod("there", "b", "172.50.1.2")]
    assert ways(probes(going, ["a"], ["a", "b"])) == {("a", "node", "172.50.1.2")}
    assert probes(HALF, ["a"], ["a", "b", "c"], guarded=["default"]) == {}
    assert probes(HALF, ["a"], ["a", "b", "c"], guarded=[""]) == {}


def test_the_work_grows_with_the_nodes_that_have_changed_and_not_with_the_cluster():
    nodes = [f"node-{number}" for number in range(200)]
    many = [pod(f"{node}-{n}", node, f"172.60.{at}.{n}") for (at, node), n in product(enumerate(nodes), range(2, 30))]
    found = probes(many, nodes[:2], nodes)
    assert sum(map(len, found.values())) <= 2 * (PEERS * (1 + 3 * OWN) + len(SERVICES))


def test_a_node_without_pods_is_tried_as_a_node():
    assert ways(probes([pod("far", "b", "172.50.1.2")], ["a"], ["a", "b"])) == {("a", "node", "172.50.1.2")}
