# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of each kind of pod when another plugin takes over."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import networks
from ansible_collections.switchyard.cni.plugins.module_utils._cluster import _trim
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster, Policies
from ansible_collections.switchyard.cni.plugins.plugin_utils._move._pods import (
    AWAITED,
    DELETED,
    EVICTED,
    KEPT,
    REPLACED,
    fate_lines,
    fates,
    pod_problems,
    policy_lines,
)

OLD = networks(["172.50.0.0/16"])


def item(name="web-0", address="172.50.1.5", owner="ReplicaSet", **spec):
    """A pod as the API server shows it."""
    notes = {"kubernetes.io/config.mirror": "x"} if owner == "Static" else {}
    kind = "Node" if owner == "Static" else owner
    owners = [{"kind": kind, "name": "x", "uid": "y", "controller": True}] if kind else []
    about = {
        "namespace": "default",
        "name": name,
        "uid": f"uid-{name}",
        "annotations": notes,
        "ownerReferences": owners,
    }
    phase = spec.pop("phase", "Running")
    status = {"phase": phase, "podIPs": [{"ip": address}] if address else []}
    return {"metadata": about, "spec": {"nodeName": "node-1", **spec}, "status": status}


def pods(*items):
    return Cluster.from_dict({"pods": [one for one in map(_trim.pod, items) if one]}).pods


def means(*items, naked=False):
    return {fate.pod.name: fate.means for fate in fates(pods(*items), OLD, naked)}


@pytest.mark.parametrize(
    ("owner", "wanted"),
    [
        ("ReplicaSet", EVICTED),
        ("StatefulSet", EVICTED),
        ("ReplicationController", EVICTED),
        ("CloneSet", EVICTED),
        ("DaemonSet", REPLACED),
        ("Job", AWAITED),
        ("Static", KEPT),
        (None, KEPT),
    ],
)
def test_who_makes_a_pod_decides_what_becomes_of_it(owner, wanted):
    assert means(item(owner=owner)) == {"web-0": wanted}


def test_a_pod_that_nobody_makes_anew_goes_only_where_that_is_allowed():
    assert means(item(owner=None), naked=True) == {"web-0": DELETED}
    (problem,) = pod_problems(fates(pods(item(owner=None)), OLD, naked=False))
    assert problem.variable == "network_allow"
    assert "default/web-0" in problem.reason
    assert "naked-pods" in problem.remedy


def test_a_kubelets_own_pod_is_named_before_anything_begins():
    (problem,) = pod_problems(fates(pods(item(owner="Static")), OLD, naked=True))
    assert "only their manifests end them: default/web-0" in problem.reason


@pytest.mark.parametrize(
    "other",
    [
        item(hostNetwork=True),
        item(phase="Succeeded"),
        item(address="172.60.0.7"),
        item(address=None),
    ],
    ids=["the node's network", "ended", "the new network", "no address yet"],
)
def test_pods_without_the_earlier_network_are_left_alone(other):
    assert means(other) == {}


def test_the_plan_says_whose_turn_it_is_what_is_lost_and_how_long_it_may_take():
    volumes = [{"name": "a", "emptyDir": {}}, {"name": "b", "hostPath": {}}]
    found = fates(
        pods(
            item("slow", terminationGracePeriodSeconds=600),
            item("scratch", volumes=volumes, nodeName="node-2"),
            item("job", owner="Job", volumes=volumes),
        ),
        OLD,
        naked=False,
    )
    assert list(fate_lines(found, ["node-2", "node-1"], "172.60.0.0/16")) == [
        "Pods: 3 are made anew, with an address of 172.60.0.0/16.",
        "  node-2: evicted: default/scratch.",
        "  node-1: evicted: default/slow; waited for, since a Job runs to its end: default/job.",
        "Lost with their pods: what default/scratch keep in emptyDir volumes.",
        "Time: a pod takes up to 600 s to end, and all of a node's wait for each other.",
    ]


def test_policies_that_begin_and_cease_are_named():
    cluster = Cluster(policies=Policies(("default/web",), ("everywhere",)))
    assert list(policy_lines(cluster, "flannel", "calico")) == ["Policies that begin to be enforced: 1, default/web."]
    assert list(policy_lines(cluster, "calico", "flannel")) == [
        "Policies that nobody enforces any more: 2, default/web, everywhere."
    ]
    assert list(policy_lines(Cluster(), "calico", "flannel")) == []
