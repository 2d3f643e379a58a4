# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pods_renew as Ansible runs it, against a cluster in memory whose controllers take their time."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.switchyard.cni.plugins.module_utils._cluster import _renew, _renew_module, _renew_plan
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._api import ApiError, ApiRefused
from ansible_collections.switchyard.cni.plugins.modules import pods_renew
from ansible_collections.switchyard.cni.tests.unit.module_utils.cluster.fake_world import World

NODES = ("node-1", "node-2", "node-3")
DNS = {"k8s-app": "kube-dns"}


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the module's main() in a world and give back what it prints."""

    def runner(world, pods, check=False, diff=False, **params):
        monkeypatch.setattr(_renew_module._module, "server", lambda module: world)
        monkeypatch.setattr(_renew, "Clock", lambda: world)
        given_params = {"pods": pods, "_ansible_check_mode": check, "_ansible_diff": diff, **params}
        with patch_module_args(given_params), pytest.raises(SystemExit) as ended:
            pods_renew.main()
        result = json.loads(capsys.readouterr().out)
        assert bool(result.get("failed")) == bool(ended.value.code)
        return result

    return runner


def asked(world):
    return [(means, name) for dummy, means, name, grace in world.asked]


def test_a_workload_loses_one_pod_at_a_time_and_each_is_waited_for(run):
    world = World()
    result = run(world, world.workload("web", NODES))

    assert (result["changed"], result["left"]) == (True, [])
    assert result["renewed"] == ["default/web-0", "default/web-1", "default/web-2"]
    assert world.fewest["ReplicaSet-default-web"] == 2
    assert all(_renew_plan.ready(pod) for pod in world.pods.values())
    assert result["waited"] == 15.0


def test_several_pods_of_a_workload_where_that_is_allowed(run):
    world = World()
    result = run(world, world.workload("web", NODES), parallel=3)

    assert (len(result["renewed"]), result["waited"]) == (3, 5.0)


def test_workloads_on_several_nodes_go_side_by_side_and_a_node_loses_one_pod_at_a_time(run):
    world = World()
    pods = [*world.workload("a", ["node-1"]), *world.workload("b", ["node-1"]), *world.workload("c", ["node-2"])]
    run(world, pods)

    assert [name for when, dummy, name, grace in world.asked if when == 0.0] == ["a-0", "c-0"]
    assert [name for when, dummy, name, grace in world.asked if when == 5.0] == ["b-0"]


def test_dns_comes_first_and_alone(run):
    world = World()
    pods = [
        *world.workload("a", ["node-3"]),
        *world.workload("coredns", NODES[:2], namespace="kube-system", labels=DNS),
    ]
    run(world, pods)

    assert [(when, name) for when, dummy, name, grace in world.asked] == [
        (0.0, "coredns-0"),
        (5.0, "coredns-1"),
        (10.0, "a-0"),
    ]


def test_dns_that_may_not_go_keeps_nobody_waiting(run):
    world = World()
    pods = [*world.workload("a", ["node-1"]), *world.workload("coredns", ["node-1"], labels=DNS)]
    world.budget("dns", DNS, lambda now: 0)
    result = run(world, pods, timeout=30)

    assert result["renewed"] == ["default/a-0"]
    assert [one["pod"] for one in result["left"]] == ["default/coredns-0"]


def test_a_budget_is_waited_for(run):
    world = World()
    pods = world.workload("web", NODES)
    world.budget("web", {"app": "web"}, lambda now: 1 if now >= 20 else 0)
    result = run(world, pods)

    assert len(result["renewed"]) == 3
    assert world.asked[0][0] == 20.0


def test_a_budget_that_never_allows_it_is_named_with_its_pod_and_the_others_go_on(run):
    world = World()
    pods = [*world.workload("web", ["node-1"]), *world.workload("other", ["node-1"])]
    world.budget("web-always", {"app": "web"}, lambda now: 0)
    result = run(world, pods, timeout=60)

    assert result["msg"] == (
        "1 of 2 pods are not made anew after 60 s: default/web-0: the PodDisruptionBudget default/web-always does not "
        "let it go: Cannot evict pod as it would violate the pod's disruption budget."
    )
    assert (result["changed"], result["renewed"]) == (True, ["default/other-0"])


@pytest.mark.parametrize(
    ("world", "reason"),
    [(World(ends_after=999), "it is still terminating"), (World(ready_after=999), "it has no Ready replacement yet")],
    ids=["terminating", "starting"],
)
def test_a_pod_that_does_not_come_back_in_time(run, world, reason):
    result = run(world, world.workload("web", NODES), timeout=10)

    assert f"3 of 3 pods are not made anew after 10 s: default/web-0: {reason}" in result["msg"]
    assert result["left"][0]["reason"] == reason
    assert result["left"][1]["reason"] == "its turn did not come"
    assert result["changed"] is True


def test_a_workload_that_was_not_whole_need_not_become_whole(run):
    world = World()
    pods = world.workload("web", NODES)
    world.pods[("default", "web-2")]["status"]["conditions"] = []
    result = run(world, pods[:1])

    assert (result["renewed"], result["waited"]) == (["default/web-0"], 5.0)


def test_a_workload_that_is_scaled_down_meanwhile(run):
    world = World()
    pods = world.workload("web", NODES)
    world.later(1.0, lambda: world.controllers.pop(("ReplicaSet", "default", "web")))

    assert len(run(world, pods)["renewed"]) == 3


def test_a_stateful_set_makes_pods_of_the_same_name(run):
    world = World()
    pods = world.workload("db", NODES[:2], kind="StatefulSet")
    assert run(world, pods)["renewed"] == ["default/db-0", "default/db-1"]

    again = run(world, pods)
    assert (again["changed"], again["renewed"], again["left"]) == (False, [], [])


def test_pods_of_a_daemon_set_are_deleted(run):
    world = World()
    run(world, world.workload("agent", NODES[:2], kind="DaemonSet"))

    assert asked(world) == [("delete", "agent-0"), ("delete", "agent-1")]


def owned(kind):
    return {"kind": kind, "name": "x", "uid": "u", "controller": True}


@pytest.mark.parametrize(
    ("pod", "reason"),
    [
        ({}, "no controller would make it anew; naked=delete deletes it"),
        ({"hostNetwork": True, "owner": owned("DaemonSet")}, "it has the network of its node"),
        ({"owner": owned("Node")}, "a static pod, which the kubelet of its node makes"),
        ({"notes": {"kubernetes.io/config.mirror": "x"}}, "a static pod, which the kubelet of its node makes"),
        ({"owner": owned("Job")}, "the Job x runs to its end"),
        ({"owner": owned("Job"), "phase": "Succeeded"}, "it has ended, and has no network any more"),
    ],
    ids=["naked", "host", "static", "mirror", "job", "ended"],
)
def test_what_is_left_alone_and_why(run, pod, reason):
    world = World()
    result = run(world, [world.pod("one", **pod)])

    assert (result["changed"], result["renewed"]) == (False, [])
    assert result["left"] == [{"pod": "default/one", "reason": reason}]
    assert world.asked == []


def test_static_pods_and_those_of_the_node_stay_even_where_naked_ones_go(run):
    world = World()
    pods = [world.pod("host", hostNetwork=True), world.pod("static", notes={"kubernetes.io/config.mirror": "x"})]

    assert len(run(world, pods, naked="delete")["left"]) == 2


def test_a_naked_pod_is_evicted_where_that_is_allowed_and_its_end_is_waited_for(run):
    world = World()
    result = run(world, [world.pod("one")], naked="delete", grace=1)

    assert (result["renewed"], result["waited"]) == (["default/one"], 2.0)
    assert world.asked == [(0.0, "evict", "one", 1)]


def test_of_an_unknown_controller_only_the_end_of_the_pod_is_waited_for(run):
    world = World()

    assert run(world, [world.pod("one", owner=owned("CloneSet"))])["waited"] == 2.0


def test_a_pod_with_two_budgets_can_never_be_evicted(run):
    world = World()
    pods = world.workload("web", NODES[:1])
    world.budget("a", {"app": "web"}, lambda now: 1)
    world.budget("b", {}, lambda now: 1)
    (left,) = run(world, pods)["left"]

    assert "more than one PodDisruptionBudget selects it (a, b)" in left["reason"]


def test_a_pod_that_is_being_deleted_already(run):
    world = World()
    pods = world.workload("web", NODES[:1])
    world.pods[("default", "web-0")]["metadata"]["deletionTimestamp"] = "2026-11-26T18:00:00Z"

    assert run(world, pods)["left"] == [{"pod": "default/web-0", "reason": "it is being deleted already"}]


def test_somebody_who_was_faster_is_no_reason_to_fail(run):
    world = World()
    pods = world.workload("db", NODES[:2], kind="StatefulSet")
    # While db-0 is under way, somebody deletes db-1.
    world.later(1.0, lambda: world.delete("/api/v1/namespaces/default/pods/db-1", {"preconditions": {"uid": "uid-2"}}))
    result = run(world, pods)

    assert "msg" not in result
    assert asked(world).count(("evict", "db-1")) == 0


def test_an_api_server_that_does_not_answer_for_a_while(run):
    world = World()
    world.broken = dict.fromkeys((1.0, 2.0, 3.0), ApiError("connection refused"))

    assert len(run(world, world.workload("web", NODES))["renewed"]) == 3


def test_what_this_user_may_not_ends_at_once(run):
    world = World()
    pods = world.workload("web", NODES)
    world.broken = {1.0: ApiRefused("pods is forbidden")}
    result = run(world, pods)

    assert (result["changed"], result["waited"]) == (True, 1.0)
    assert "pods is forbidden" in result["msg"]


def test_check_mode_names_what_would_be_made_anew(run):
    world = World()
    pods = [*world.workload("web", NODES), world.pod("one")]
    foreseen = run(world, pods, check=True, diff=True)
    assert world.asked == []

    done = run(world, pods, diff=True)
    assert {**foreseen, "waited": 0} == {**done, "waited": 0}
    assert "default/web-0 uid-1" in foreseen["diff"]["before"]


@pytest.mark.parametrize(("option", "value"), [("timeout", -1), ("parallel", 0), ("grace", -1)])
def test_numbers_that_make_no_sense(run, option, value):
    assert f"{option} is {value}" in run(World(), [], **{option: value})["msg"]


@pytest.mark.parametrize(
    ("selector", "taken"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "db"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "db"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["x"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
    ],
    ids=str,
)
def test_label_selectors(selector, taken):
    assert _renew_plan.selects(selector, {"app": "web"}) is taken


def test_label_selectors_as_a_query():
    terms = [
        {"key": "a", "operator": "In", "values": ["x", "y"]},
        {"key": "b", "operator": "NotIn", "values": ["z"]},
        {"key": "c", "operator": "Exists"},
        {"key": "d", "operator": "DoesNotExist"},
    ]
    assert _renew.selector({"matchLabels": {"app": "web"}, "matchExpressions": terms}) == (
        "app=web,a in (x,y),b notin (z),c,!d"
    )
    assert _renew.selector({"matchExpressions": terms[2:]}) == "c,!d"
    assert _renew.selector({"app": "web"}) == "app=web"
