# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""flannel to Calico and back under running workloads: the service never fails, and nothing of the other is left."""

from __future__ import annotations

import pytest
from testing import lab, migration, runs

CALICO = {"network_plugin": "calico", "network_registry": "", "calico_vxlan_mode": "Always", **migration.ALLOWED}
BGP = {"network_plugin": "calico", "network_registry": "", "calico_ipip_mode": "off", **migration.ALLOWED}
FLANNEL = {"flannel_backend": "vxlan", **migration.ALLOWED}
HOST_GW = {**FLANNEL, "flannel_backend": "host-gw"}
DIRECT = {**FLANNEL, "flannel_direct_routing": "true"}
LABELS = {
    "vxlan": "flannel vxlan",
    "host-gw": "flannel host-gw",
    "direct": "flannel vxlan + DirectRouting",
    "calico": "calico VXLAN",
    "bgp": "calico no encapsulation (BGP)",
}


@pytest.fixture(scope="module", autouse=True)
def workloads(pods) -> None:
    """The test pods, and one workload of each kind."""
    migration.start_workloads()


def reaches_the_closed() -> bool:
    """Whether the pod that a policy closes answers a ping."""
    (target,) = migration.pods_of("target", "closed").values()
    return next(pod for pod in lab.running_pods() if pod.app == "net-test1").reaches(target["status"]["podIP"])


def test_without_leave_it_is_refused_and_nothing_is_touched():
    before = runs.state_of()
    refused = runs.play("06.network.yml", network_plugin="calico", calico_vxlan_mode="Always", network_registry="")
    assert refused.status != 0
    assert "Nothing has been changed: 2 problems to solve first." in refused.words
    assert "network_allow = (empty): calico takes the place of flannel" in refused.words
    assert "Set calico_pod_cidr to a network that nobody uses" in refused.words
    assert runs.state_of() == before


def test_a_pod_that_nobody_makes_anew_is_named_before_anything_is_touched():
    refused = runs.play("06.network.yml", **{**CALICO, "network_allow": "dual"})
    assert refused.status != 0
    assert "no controller would make these pods anew" in refused.words
    assert "default/alone" in refused.words
    assert "naked-pods" in refused.words


def test_the_plan_tells_what_becomes_of_every_pod_and_changes_nothing():
    told = runs.play("plan.yml", **CALICO).must_succeed().words
    assert "flannel in 172.50.0.0/16 and calico in 172.60.0.0/16" in told
    assert "Order: k8s-node1; k8s-node2; k8s-master1." in told
    assert "waited for, since a Job runs to its end: default/work-" in told
    assert "deleted for good: default/alone" in told
    assert "Lost with their pods: what default/store-0, default/store-1 keep in emptyDir volumes." in told
    assert "Policies that begin to be enforced: 1, closed/nobody." in told
    assert "of-the-node" not in told


def test_calico_takes_over_while_the_service_answers_and_each_workload_is_treated_as_told():
    assert reaches_the_closed(), "flannel enforces no policy"
    host, store, (job,) = (migration.pods_of(run) for run in ("of-the-node", "store", "work"))
    counted = migration.change("flannel vxlan to calico VXLAN", **CALICO)
    migration.must_have_failed_nobody(counted)
    migration.must_be("calico")
    assert migration.pods_of("of-the-node").keys() == host.keys()
    assert migration.pods_of("alone") == {}
    assert migration.pods_of("work")[job]["status"]["phase"] == "Succeeded"
    anew = migration.pods_of("store")
    assert not anew.keys() & store.keys()
    names = sorted(item["metadata"]["name"] for item in anew.values())
    assert names == ["store-0", "store-1"]
    for name in names:
        assert name in lab.kubectl("exec", name, "--", "cat", "/kept/names")
    lab.eventually(lambda: not reaches_the_closed(), 10, "Calico enforces the policy")


def test_a_second_run_changes_nothing():
    runs.play("06.network.yml", **CALICO).must_change_nothing()


def test_flannel_comes_back_while_the_service_answers():
    counted = migration.change("calico VXLAN to flannel host-gw", **HOST_GW)
    migration.must_have_failed_nobody(counted)
    migration.must_be("flannel")
    assert reaches_the_closed(), "nobody enforces the policy any more"
    runs.play("06.network.yml", **HOST_GW).must_change_nothing()


def test_a_run_that_was_killed_between_two_nodes_goes_on_with_the_next():
    runs.kill("06.network.yml", "Batch 2 of 3", **CALICO)
    with_both = runs.play("plan.yml", **CALICO).must_succeed()
    assert "Begun:" in with_both.words
    counted = migration.change("flannel host-gw to calico VXLAN", **CALICO)
    migration.must_have_failed_nobody(counted)
    migration.must_be("calico")


def test_between_two_nodes_the_operator_can_go_back():
    runs.kill("06.network.yml", "Batch 3 of 3", **FLANNEL)
    back = runs.play("rollback.yml", **FLANNEL).must_succeed()
    assert "Begun:" in back.words
    assert "to calico VXLAN: done, and verified on every node that answers." in back.words
    migration.must_be("calico")
    runs.play("06.network.yml", **CALICO).must_change_nothing()


def restart(node: str) -> None:
    """Restart a node, and wait until it is back with all its pods."""
    lab.program(["docker", "restart", "--time", "5", node], seconds=90)
    lab.eventually(lab.is_ready, 120, "every node is Ready")


def test_a_node_that_has_changed_hands_keeps_its_plugin_when_it_restarts_meanwhile():
    first = runs.meanwhile("06.network.yml", "Batch 2 of 3", lambda: restart("k8s-node1"), **FLANNEL)
    if first.status != 0:
        assert "does not answer. Both plugins stay" in first.words, first.output
        runs.play("06.network.yml", **FLANNEL).must_succeed()
    migration.must_be("flannel")


def test_a_node_whose_turn_has_not_come_restarts_with_the_plugin_it_had_and_follows():
    runs.kill("06.network.yml", "Batch 2 of 3", **CALICO)
    restart("k8s-master1")
    of_master = [pod for pod in lab.start_pods() if pod.node == "k8s-master1"]
    assert {pod.address.rpartition(".")[0] for pod in of_master} == {"172.50.0"}
    runs.play("06.network.yml", **CALICO).must_succeed()
    migration.must_be("calico")
    runs.play("06.network.yml", **FLANNEL).must_succeed()
    migration.must_be("flannel")


def test_a_budget_that_lets_no_pod_go_stops_the_change_with_both_plugins_in_place():
    lab.kubectl("patch", "pdb", "good", "--type=merge", '--patch={"spec": {"maxUnavailable": 0}}')
    try:
        stopped = runs.play("06.network.yml", network_pod_timeout="5", **CALICO)
        assert stopped.status != 0
        assert "failed at the step wait" in stopped.words
        assert "the PodDisruptionBudget default/good does not let it go" in stopped.words
        assert "Stopped there." in stopped.words
        assert "Undone" not in stopped.words
    finally:
        lab.kubectl("patch", "pdb", "good", "--type=merge", '--patch={"spec": {"maxUnavailable": 1}}')
    runs.play("rollback.yml", **FLANNEL).must_succeed()
    migration.must_be("flannel")


PAIRS = [("direct", DIRECT, "bgp", BGP), ("host-gw", HOST_GW, "calico", CALICO), ("vxlan", FLANNEL, "bgp", BGP)]


@pytest.mark.slow
@pytest.mark.parametrize(("one", "before", "other", "after"), PAIRS, ids=[f"{one[0]} and {one[2]}" for one in PAIRS])
def test_there_and_back_twice(one, before, other, after):
    runs.play("06.network.yml", **before).must_succeed()
    for dummy in range(2):
        there = migration.change(f"{LABELS[one]} to {LABELS[other]}", **after)
        migration.must_have_failed_nobody(there)
        migration.must_be("calico")
        back = migration.change(f"{LABELS[other]} to {LABELS[one]}", **before)
        migration.must_have_failed_nobody(back)
        migration.must_be("flannel")


def test_the_journal_tells_of_all_that(workloads):
    assert {one["outcome"] for one in lab.journal()["history"]} <= {"verified", "rolled_back"}
