# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another pod network for a Calico that runs: what it takes, in which steps, and from any point on."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._checks import check
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._plan import plan_network
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._objections import objections
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._record import Record
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._switch import switch
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._transition import CIDR, LIVE, NONE, transition
from ansible_collections.switchyard.cni.tests.unit.switch.worlds import running
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import intent_of

OLD, NEW, OTHER = "172.50.0.0/16", "172.60.0.0/16", "172.70.0.0/16"
VXLAN = {"network_plugin": "calico", "calico_vxlan_mode": "Always"}
BGP = {"network_plugin": "calico", "calico_ipip_mode": "off"}
MOVED = {"network_pod_cidr": NEW, "network_allow": ["cidr"]}
POD = {"namespace": "default", "name": "web-0", "uid": "u", "node": "k8s-node1", "owner": "ReplicaSet", "ready": True}
OLD_POOL, NEW_POOL = "default-ipv4-ippool", "default-ipv4-ippool-172-60-0-0-16"


def calico(**settings):
    world = running(**settings)
    intent = world.intent.calico
    world.api["calico"]["pools"][0].update(
        ipip_mode=intent.ipip_mode, vxlan_mode=intent.vxlan_mode, block_size=26, allowed_uses=["Workload", "Tunnel"]
    )
    world.api["pods"] = [{**POD, "addresses": ["172.50.2.3"]}]
    return world


def with_both(world, disabled=True):
    """The new IPPool is there beside the earlier one."""
    first = world.api["calico"]["pools"][0]
    world.api["calico"]["pools"] = [{**first, "disabled": disabled}, {**first, "name": NEW_POOL, "cidr": NEW}]
    return world


def without_old_pool(world):
    pools = with_both(world).api["calico"]["pools"]
    world.api["calico"]["pools"] = pools[1:]
    return world


def begun(before, after, **more):
    ends = {"from": {"label": "a", "settings": before}, "to": {"label": "b", "settings": after}}
    return {"id": "x", "steps": ["roll", "settle", "move", "retire", "sweep", "verify"], **ends, **more}


BEGUN = begun({**VXLAN, "network_pod_cidr": OLD}, {**VXLAN, "network_pod_cidr": NEW})


def change(world, run=None, **after):
    return transition(intent_of(**after), Cluster.from_dict(world.api), world.scene().observed, run)


def plan(world, run=None, **after):
    intent, cluster, nodes = intent_of(**after), Cluster.from_dict(world.api), world.scene().observed
    found = switch(change(world, run, **after), after, Record(begun=run), here=nodes)
    return plan_network(intent, nodes, found, cluster=cluster).as_result()


def pools(objects):
    return [
        (one["metadata"]["name"], one["spec"]["cidr"], one["spec"]["disabled"], one["spec"]["vxlanMode"])
        for one in objects
        if one["kind"] == "IPPool"
    ]


def test_it_is_refused_without_leave_and_the_way_at_ones_own_pace_is_told():
    found = change(calico(**VXLAN), **VXLAN, network_pod_cidr=NEW)
    assert found.kind == CIDR
    (problem,) = objections(found)
    assert problem.variable == "network_allow"
    assert OLD in problem.reason
    assert NEW in problem.reason
    assert "[cidr]" in problem.remedy
    assert "calico_pools" in problem.remedy
    assert objections(change(calico(**VXLAN), **VXLAN, **MOVED)) == []


def test_the_plan_tells_what_happens_to_whom():
    told = plan(calico(**VXLAN), **VXLAN, **MOVED)
    for line in (
        f"Switch: calico VXLAN in {OLD} to calico VXLAN in {NEW}; "
        "cidr: pods are made anew with an address of the new network, node by node.",
        f"Changes: pod network {OLD} to {NEW}.",
        "Steps: roll, settle, move, retire, sweep, verify.",
        "On the way: VXLAN CrossSubnet, with the new network beside the earlier one; "
        "give new pods and the tunnels addresses of the new network.",
        f"Pods: 1 are made anew, with an address of {NEW}.",
        "  k8s-node1: evicted: default/web-0.",
        f"Last: what is left of {OLD}: IPPools, blocks and affinities.",
    ):
        assert line in told["summary"]


def test_there_is_always_an_ippool_that_gives_out_addresses_and_tunnels_change_theirs_while_neighbours_need_none():
    told = plan(calico(**VXLAN), **VXLAN, **MOVED)
    near, renumbered = (pools(step["objects"]) for step in told["approach"])
    assert near == [(NEW_POOL, NEW, False, "CrossSubnet"), (OLD_POOL, OLD, False, "CrossSubnet")]
    assert renumbered == [(OLD_POOL, OLD, True, "CrossSubnet")]
    assert pools(told["calico"]["resources"]) == [(NEW_POOL, NEW, False, "Always"), (OLD_POOL, OLD, True, "Always")]
    shown = told["nodes"]["k8s-node1"]["approach"][1]["expect"]
    assert [one["within"] for one in shown["tunnels"] if one["dev"] == "vxlan.calico"] == [[NEW]]
    assert shown["pod_routes"]["within"] == [NEW, OLD]
    before, after = (step["expect"]["pod_routes"]["count"] for step in told["nodes"]["k8s-node1"]["approach"])
    assert after == before + 2, "each other node knows the way to the tunnel's new address"


def test_without_a_tunnel_nothing_but_the_ippools_changes():
    told = plan(calico(**BGP), **BGP, **MOVED)
    assert [pools(step["objects"]) for step in told["approach"]] == [
        [(NEW_POOL, NEW, False, "Never"), (OLD_POOL, OLD, False, "Never")],
        [(OLD_POOL, OLD, True, "Never")],
    ]


def test_pods_move_as_to_another_plugin_but_no_plugin_leaves():
    move = plan(calico(**VXLAN), **VXLAN, **MOVED)["move"]
    assert (move["source_cidrs"], move["target_cidrs"]) == ([OLD], [NEW])
    assert move["kube_proxy"] == {"cluster_cidr": [NEW], "replaces": [OLD]}
    assert move["pools"] == [{"name": OLD_POOL, "cidr": OLD}]
    assert not move["another_plugin"]
    assert (move["agents"], move["objects"], move["annotations"]) == ([], [], [])


@pytest.mark.parametrize("world", [calico(**VXLAN), with_both(calico(**VXLAN), False), with_both(calico(**VXLAN))])
def test_a_run_that_was_killed_is_finished_wherever_it_stood(world):
    told = plan(world, BEGUN, **VXLAN, **MOVED)
    assert told["move"]["pools"] == [{"name": OLD_POOL, "cidr": OLD}]
    assert told["switch"]["active"]
    assert told["restore"] == []


def test_blocks_of_an_ippool_that_is_gone_already_go_as_well():
    move = plan(without_old_pool(calico(**VXLAN)), BEGUN, **VXLAN, **MOVED)["move"]
    assert move["pools"] == [{"name": "172-50-0-0-16", "cidr": OLD}]
    assert move["kube_proxy"]["replaces"] == [OLD]


def test_when_all_is_gone_only_the_proof_is_left():
    world = without_old_pool(calico(**VXLAN))
    world.api["calico"]["blocks"] = []
    assert change(world, BEGUN, **VXLAN, **MOVED).kind == NONE
    declared = {**VXLAN, "network_pod_cidr": NEW}
    assert plan(world, BEGUN, **declared)["switch"]["to"]["label"] == "b", "as the open run calls it"


def test_the_way_back_moves_pods_back_and_restores_nothing_that_would_keep_both_ippools_alive():
    world = with_both(calico(**VXLAN))
    after = {**VXLAN, "network_pod_cidr": OLD}
    world.api["pods"].append({**POD, "name": "web-1", "addresses": ["172.60.2.3"]})
    told = plan(world, begun(after, {**VXLAN, "network_pod_cidr": NEW}), **after)
    assert told["move"]["source_cidrs"] == [NEW]
    assert [one["pod"] for one in told["move"]["pods"]] == ["default/web-1"]
    assert pools(told["calico"]["resources"]) == [(OLD_POOL, OLD, False, "Always"), (NEW_POOL, NEW, True, "Always")]
    assert told["restore"] == []


def test_an_open_run_that_is_led_elsewhere_empties_both_networks():
    told = plan(with_both(calico(**VXLAN)), BEGUN, **VXLAN, network_pod_cidr=OTHER, network_allow=["cidr"])
    assert sorted(told["move"]["source_cidrs"]) == [OLD, NEW]
    assert sorted(one["cidr"] for one in told["move"]["pools"]) == [OLD, NEW]


def test_an_ippool_that_somebody_has_made_beside_the_declared_one_is_not_emptied():
    world = with_both(calico(**VXLAN), False)
    world.api["calico"]["pools"].reverse()
    assert change(world, **VXLAN, network_pod_cidr=OLD).kind == NONE
    live = change(world, **BGP, network_pod_cidr=OLD)
    assert live.kind == LIVE
    ends = begun(
        {**BGP, "network_pod_cidr": NEW}, {**VXLAN, "network_pod_cidr": OLD}, steps=["roll", "settle", "sweep"]
    )
    assert change(world, ends, **VXLAN, network_pod_cidr=OLD).kind != CIDR


def test_whoever_keeps_the_earlier_network_in_calico_pools_moves_pods_at_ones_own_pace():
    kept = {"calico_pool_name": "new", "calico_pools": [{"name": OLD_POOL, "cidr": OLD, "disabled": True}]}
    assert change(calico(**VXLAN), **VXLAN, network_pod_cidr=NEW, **kept).kind == NONE


def test_encapsulation_and_network_change_one_after_the_other():
    (problem,) = objections(change(calico(**VXLAN), **BGP, **MOVED))
    assert problem.variable == "network_pod_cidr"
    assert "backend VXLAN to no encapsulation (BGP)" in problem.reason


def test_a_killed_run_that_stands_in_the_middle_of_the_encapsulation_is_finished_all_the_same():
    world = calico(**VXLAN)
    world.api["calico"]["pools"][0]["vxlan_mode"] = "CrossSubnet"
    assert objections(change(world, BEGUN, **VXLAN, **MOVED)) == []


def test_an_address_family_does_not_come_with_another_network():
    after = {"network_pod_cidr": f"{NEW},fd00:60::/48", "network_service_cidr": "10.68.0.0/16,fd00:68::/112"}
    (problem,) = objections(change(calico(**BGP), **BGP, **after, network_allow=["cidr"]))
    assert "address families" in problem.reason


def test_a_network_that_overlaps_the_earlier_one_is_refused():
    world = calico(**VXLAN)
    intent = intent_of(**VXLAN, network_pod_cidr="172.50.0.0/17", network_allow=["cidr"])
    found = check(intent, world.scene().observed, Cluster.from_dict(world.api))
    assert any("overlaps the IPPool" in problem.reason for problem in found)
