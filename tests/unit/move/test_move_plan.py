# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change of plugins as it is planned: refused without leave, told before it happens, the same from any point on."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._plan import plan_network
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._away import presence
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._objections import objections, unowned, untold
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._record import Record
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._switch import switch
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._transition import DUAL, NONE, transition
from ansible_collections.switchyard.cni.tests.unit.switch.worlds import running
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import intent_of

TO_CALICO = {
    "network_plugin": "calico",
    "calico_vxlan_mode": "Always",
    "calico_pod_cidr": "172.60.0.0/16",
    "network_allow": ["dual"],
}
TO_FLANNEL = {"flannel_backend": "host-gw", "network_allow": ["dual"]}
FLANNEL = {"network_plugin": "flannel", "network_pod_cidr": "172.50.0.0/16", "flannel_backend": "vxlan"}
CALICO = {"network_plugin": "calico", "network_pod_cidr": "172.60.0.0/16", "calico_vxlan_mode": "Always"}
POD = {"namespace": "default", "name": "web-0", "uid": "u", "node": "k8s-node1", "addresses": ["172.50.2.3"]}


def flannel_world(**api):
    world = running()
    world.api.update(pods=[{**POD, "owner": "ReplicaSet", "ready": True}], **api)
    return world


def calico_world():
    """A cluster of Calico in the second network."""
    world = running(network_plugin="calico", calico_vxlan_mode="Always")
    world.api["calico"]["pools"][0].update(cidr="172.60.0.0/16", vxlan_mode="Always")
    return world


def with_agents(world, *plugins):
    """The cluster has the agents of these plugins."""
    world.api["agents"] = [{"namespace": "x", "name": one, "agent": one, "desired": 3, "ready": 3} for one in plugins]
    return world


def change(world, begun=None, **after):
    return transition(intent_of(**after), Cluster.from_dict(world.api), world.scene().observed, begun)


def plan(world, record=None, **after):
    intent, cluster = intent_of(**after), Cluster.from_dict(world.api)
    found = change(world, record.begun if record else None, **after)
    nodes = world.scene().observed
    return plan_network(intent, nodes, switch(found, after, record, here=nodes), cluster=cluster)


def test_without_leave_and_without_a_second_network_it_is_refused_with_both_ways_out():
    found = change(flannel_world(), network_plugin="calico", calico_ipip_mode="off")
    assert found.kind == DUAL
    allow, cidr = objections(found)
    assert (allow.variable, "[dual]" in allow.remedy) == ("network_allow", True)
    assert (cidr.variable, "calico_pod_cidr" in cidr.remedy) == ("network_pod_cidr", True)
    assert objections(change(flannel_world(), **TO_CALICO)) == []


def test_the_plan_tells_what_stands_side_by_side_whose_turn_it_is_and_what_goes_last():
    told = plan(flannel_world(policies={"kubernetes": ["default/web"], "calico": []}), **TO_CALICO).as_result()
    lines = told["summary"]
    for line in (
        "Switch: flannel vxlan to calico VXLAN; "
        "dual: both plugins side by side while pods are made anew, node by node.",
        "Steps: hold, roll, settle, move, retire, sweep, verify.",
        "Pods: 1 are made anew, with an address of 172.60.0.0/16.",
        "  k8s-node1: evicted: default/web-0.",
        "Policies that begin to be enforced: 1, default/web.",
        "Last: the agents of flannel and everything that they have left.",
    ):
        assert line in lines
    move = told["move"]
    assert move["kube_proxy"] == {"cluster_cidr": ["172.60.0.0/16"], "replaces": ["172.50.0.0/16"]}
    assert [one["metadata"]["name"] for one in move["agents"]] == ["flannel"]
    assert told["nodes"]["k8s-node1"]["sweep"]["plugins"] == ["flannel"]
    assert told["nodes"]["k8s-node1"]["sweep"]["pod_networks"] == ["172.50.0.0/16"]
    assert told["nodes"]["k8s-node1"]["sweep"]["keep"]["plugin"] == "calico"


def test_on_the_way_back_calicos_pools_go_with_what_was_given_out_of_them():
    move = plan(calico_world(), **TO_FLANNEL).as_result()["move"]
    assert move["pools"] == [{"name": "default-ipv4-ippool", "cidr": "172.60.0.0/16"}]
    assert move["leases"]["keep"] == {"plugin": "flannel"}


@pytest.mark.parametrize("most", ["flannel", "calico"])
def test_with_both_in_place_the_other_one_leaves_whichever_most_nodes_use(most):
    both = with_agents(flannel_world(), "flannel", "calico")
    both.api["calico"] = calico_world().api["calico"]
    if most == "calico":
        for node in both.nodes.values():
            node["node"]["cni"]["configs"].insert(
                0, {"file": "00-switchyard-cni.conflist", "plugins": ["calico"], "mtu": None}
            )
    assert change(both, **TO_CALICO).source.plugin == "flannel"
    assert change(both, **TO_FLANNEL).source.plugin == "calico"


def test_a_run_that_was_killed_after_the_agents_had_gone_still_knows_what_has_to_go():
    begun = {"id": "x", "from": {"label": "", "settings": FLANNEL}, "to": {"label": "", "settings": CALICO}}
    world = calico_world()
    assert change(world, **TO_CALICO).kind == NONE
    found = change(world, begun, **TO_CALICO)
    assert (found.kind, found.source.plugin, str(found.source.pod_cidrs[0])) == (DUAL, "flannel", "172.50.0.0/16")


def test_a_run_that_was_killed_before_the_new_agents_came_can_be_undone():
    begun = {"id": "x", "from": {"label": "", "settings": FLANNEL}, "to": {"label": "", "settings": CALICO}}
    found = change(flannel_world(), begun, **TO_FLANNEL)
    assert (found.kind, found.source.plugin) == (DUAL, "calico")
    record = Record(begun={**begun, "step": "hold", "started": "now"}, previous=begun["from"])
    told = plan(flannel_world(), record, **TO_FLANNEL).as_result()
    assert told["move"]["agents"] == []
    assert plan(flannel_world(), record, **{**TO_FLANNEL, "network_registry": "here"}).pulls
    assert told["switch"]["active"]


def test_what_is_kept_for_the_way_back_is_what_the_leaving_plugin_reads():
    kept = plan(flannel_world(), **TO_CALICO).as_result()["switch"]["run"]["snapshot"]
    assert {one["name"] for one in kept} == {"kube-flannel-cfg", "kube-flannel-ds"}


def test_a_node_that_does_not_answer_keeps_another_plugin_from_taking_over():
    world = flannel_world()
    world.nodes["k8s-node2"] = {"msg": "no route to host"}
    nodes = world.scene().observed
    found = transition(intent_of(**TO_CALICO), Cluster.from_dict(world.api), nodes)
    (problem,) = presence(found, nodes).problems(found)
    assert (problem.variable, problem.value) == ("host", "k8s-node2")


def test_a_plugin_of_which_nobody_tells_the_network_is_not_deployed_over():
    world = with_agents(flannel_world(), "calico")
    for node in world.nodes.values():
        node["node"].update(cni=None, agents=[], subnet_env=None)
    world.api.pop("flannel")
    found = change(world, **TO_FLANNEL)
    (problem,) = untold(found, Cluster.from_dict(world.api))
    assert "of which neither nodes nor the API server tell" in problem.reason


def test_a_plugin_that_others_would_make_again_is_not_taken_over_from():
    def refused(world, **after):
        return [one.reason for one in unowned(change(world, **after), Cluster.from_dict(world.api))]

    assert refused(calico_world(), **TO_FLANNEL) == refused(flannel_world(), **TO_CALICO) == []
    operated = calico_world()
    operated.api["calico"]["operator"] = True
    assert "belongs to an operator" in refused(operated, **TO_FLANNEL)[0]
    assert refused(operated, network_plugin="calico", calico_vxlan_mode="Always") == []
    assert "no DaemonSet of it" in refused(flannel_world(agents=[]), **TO_CALICO)[0]


def test_the_plugins_own_pod_network_counts_before_the_common_one():
    assert [str(cidr) for cidr in intent_of(**TO_CALICO).pod_cidrs] == ["172.60.0.0/16"]
    assert [str(cidr) for cidr in intent_of(**{**TO_CALICO, "network_plugin": "flannel"}).pod_cidrs] == [
        "172.50.0.0/16"
    ]


def test_own_addresses_are_refused_where_agents_filter_with_nftables():
    asked = {**TO_CALICO, "network_dual_addresses": "pod"}
    assert plan(flannel_world(), **asked).move.problems() == []
    assert plan(flannel_world(), **asked).as_result()["move"]["own_addresses"]
    world = flannel_world()
    for node in world.nodes.values():
        node["node"]["filters"]["kube_proxy_mode"] = "nftables"
    (problem,) = plan(world, **asked).move.problems()
    assert problem.variable == "network_dual_addresses"


def test_nothing_is_pulled_anew_for_what_is_put_back_as_it_was():
    begun = {"id": "x", "from": {"label": "", "settings": FLANNEL}, "to": {"label": "", "settings": CALICO}}
    record = Record(begun={**begun, "step": "move", "started": "now"}, previous=begun["from"])
    intent, world = intent_of(**TO_FLANNEL, network_registry="here"), with_agents(flannel_world(), "flannel", "calico")
    cluster, nodes = Cluster.from_dict(world.api), world.scene().observed
    found = transition(intent, cluster, nodes, begun)
    back = switch(found, FLANNEL, record, here=nodes)
    assert back.restores
    assert plan_network(intent, nodes, back, cluster=cluster).pulls == ()
