# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a change: what a person reads of it, and what nodes are waited for."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.switchyard.cni.plugins.plugin_utils._meter import Share
from ansible_collections.switchyard.cni.plugins.plugin_utils._plan import plan_network
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._record import Record
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._switch import switch
from ansible_collections.switchyard.cni.tests.unit.switch.worlds import between, running
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import intent_of

NODE = "k8s-node1"
HOST_GW = {"label": "flannel host-gw", "settings": {"flannel_backend": "host-gw"}}

BEGUN = {"id": "0badcafe", "started": "2026-11-26T10:00:00Z", "step": "sweep", "from": HOST_GW}


def planned(before, after, record=None):
    world = running(**before)
    nodes = world.scene().observed
    change = between(world, **after)
    return plan_network(intent_of(**after), nodes, switch(change, after, record)).as_result()


def test_a_live_change_is_told_before_it_happens():
    plan = planned({}, {"flannel_backend": "host-gw"})
    assert plan["summary"][:4] == [
        "Change: flannel, backend host-gw, pods 172.50.0.0/16, 3 nodes.",
        "Switch: flannel vxlan to flannel host-gw; "
        "live: routes change under running pods, and nothing restarts but the agent.",
        "Changes: backend vxlan to host-gw.",
        "Pod MTU: 1450 to 1500 bytes on k8s-master1, k8s-node1, k8s-node2.",
    ]
    assert plan["switch"]["from"]["settings"]["flannel_backend"] == "vxlan"
    assert plan["switch"]["to"] == {"label": "flannel host-gw", "settings": {"flannel_backend": "host-gw"}}


def test_the_pods_that_are_too_large_are_counted_and_named():
    plan = planned({"flannel_backend": "host-gw"}, {"network_allow": ["pods"]})
    assert plan["switch"]["class"] == "pods"
    assert plan["switch"]["pods"]
    count = len(plan["switch"]["pods"])
    assert any(line.startswith(f"Pods: {count} are made anew: ") for line in plan["summary"])
    assert plan["summary"][-2] == "Steps: roll, settle, sweep, renew, verify."


def test_nothing_to_change_is_told_as_nothing():
    plan = planned({}, {})
    assert plan["switch"]["active"] is False
    assert plan["summary"][0].startswith("Deploy: ")
    assert "over" not in plan["nodes"][NODE]["expect"]["pod_routes"]


def test_what_an_earlier_run_has_begun_is_ended():
    run = {**BEGUN, "snapshot": [{"kind": "ConfigMap"}]}
    plan = planned({}, {}, Record.of({"journal": {"run": run}}))
    assert plan["switch"]["active"] is True
    assert plan["switch"]["from"] == HOST_GW
    assert plan["restore"] == []
    assert plan["switch"]["measured_as"] == "0badcafe"
    assert "Begun: 2026-11-26T10:00:00Z by a run that has ended at the step sweep." in plan["summary"]


def test_the_way_back_brings_back_what_the_open_run_has_kept():
    run = {**BEGUN, "snapshot": [{"kind": "ConfigMap"}]}
    plan = planned({}, HOST_GW["settings"], Record.of({"journal": {"run": run}}))
    assert plan["restore"] == [{"kind": "ConfigMap"}]


def test_what_will_be_swept_is_told_and_each_node_gets_its_order():
    plan = planned({}, {"flannel_backend": "host-gw"})
    assert "Sweep: device flannel.1 (vxlan) on k8s-master1, k8s-node1, k8s-node2." in plan["summary"]
    assert plan["nodes"][NODE]["sweep"]["keep"]["route_devices"] == ["eth0"]
    assert planned({}, {})["nodes"][NODE]["sweep"] is None


def test_the_journal_is_told_what_to_keep():
    run = planned({}, {"flannel_backend": "host-gw"})["switch"]["run"]
    assert [one["kind"] for one in run["snapshot"]] == ["ConfigMap", "DaemonSet"]
    assert (run["from"]["label"], run["to"]["label"]) == ("flannel vxlan", "flannel host-gw")


def test_a_node_is_waited_for_by_the_routes_of_the_new_backend_alone():
    def over(**after):
        return planned({"flannel_backend": "udp"}, after)["nodes"][NODE]["expect"]["pod_routes"]["over"]

    allowed = {"network_allow": ["pods"]}
    assert over(**allowed) == ["flannel.1"]
    assert over(flannel_direct_routing=True, **allowed) == ["flannel.1", "eth0"]
    assert over(flannel_backend="host-gw") == ["eth0"]


def test_a_secret_is_in_no_result():
    key = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI="
    plan = planned({}, {"flannel_backend": "wireguard", "flannel_wireguard_psk": key, "network_allow": ["pods"]})
    assert key not in str(plan["switch"]) + str(plan["summary"])


def test_each_node_is_told_what_to_measure():
    world = running()
    change = replace(
        switch(between(world, flannel_backend="host-gw"), {}), shares={NODE: Share(listen=("172.50.2.3",))}
    )
    nodes = plan_network(intent_of(flannel_backend="host-gw"), world.scene().observed, change).as_result()["nodes"]
    assert {name: node["meter"] for name, node in nodes.items()} == {
        "k8s-master1": None,
        NODE: {"pairs": [], "listen": ["172.50.2.3"]},
        "k8s-node2": None,
    }


def test_nothing_is_measured_where_the_operator_wants_it_so():
    assert planned({}, {"flannel_backend": "host-gw"})["switch"]["meter"] is True
    assert planned({}, {"flannel_backend": "host-gw", "network_meter": False})["switch"]["meter"] is False


def test_where_the_device_goes_with_its_agent_neighbours_reach_each_other_directly_meanwhile():
    plan = planned({"flannel_backend": "udp"}, {})
    peers = {"network": "172.50.1.0/24", "address": "192.168.7.111"}
    assert peers in plan["holds"]["peers"]
    assert len(plan["holds"]["peers"]) == 3
    assert plan["nodes"][NODE]["hold"] == {"pod_networks": ["172.50.0.0/16"], "over": ["flannel0"]}
    assert any("neighbours reach each other directly meanwhile" in line for line in plan["summary"])
    assert not plan["routes_first"]


def test_what_flanneld_takes_back_before_it_writes_it_anew_is_held_and_what_it_replaces_is_not():
    assert planned({}, {"flannel_backend": "host-gw"})["holds"] == {"peers": []}
    assert planned({"flannel_backend": "host-gw"}, {})["holds"] == {}
    assert len(planned({}, {"flannel_port": 4789})["holds"]["peers"]) == 3
    assert planned({}, {})["holds"] == {}


def test_what_was_encrypted_and_will_be_is_never_sent_in_the_clear():
    plan = planned({"flannel_backend": "wireguard"}, {"flannel_backend": "wireguard", "flannel_port": 51999})
    assert plan["holds"] == {}
    assert any("none is sent unencrypted" in line for line in plan["summary"])
    assert len(planned({"flannel_backend": "wireguard"}, {})["holds"]["peers"]) == 3


def test_towards_one_route_for_all_pods_every_node_loses_its_narrower_ones_before_any_device_goes():
    assert planned({}, {"flannel_backend": "udp"})["routes_first"]
    assert not planned({}, {"flannel_backend": "host-gw"})["routes_first"]
