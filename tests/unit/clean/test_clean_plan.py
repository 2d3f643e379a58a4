# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a clean removes, and what it leaves."""

from __future__ import annotations

from ansible_collections.switchyard.cni.plugins.plugin_utils._clean import NODE, clean_problems, plan_clean
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.tests.unit.switch.worlds import running

NODE2 = "k8s-node2"


def planned(world, plugins=(), scope="network"):
    return plan_clean(Cluster.from_dict(world.api), world.scene().observed, plugins, scope, ["172.50.0.0/16"])


def test_agents_go_first_and_the_configuration_last():
    clean = planned(running()).as_result()
    assert [item["kind"] for item in clean["agents"]] == ["DaemonSet"]
    kinds = [item["kind"] for item in clean["objects"]]
    assert kinds[:2] == ["ClusterRoleBinding", "ClusterRole"]
    assert kinds[-1] == "ConfigMap"
    assert "Namespace" not in kinds


def test_the_plan_names_what_goes_and_who_loses_their_network():
    clean = planned(running())
    assert clean.active
    lines = clean.lines()
    assert lines[0].startswith("Clean: everything of any plugin, from the cluster and 3 nodes; nothing reboots")
    assert any("flannel.1" in line for line in lines)
    assert any(line.startswith(f"Pods: {len(clean.pods)} lose their network") for line in lines)


def test_every_agents_annotations_go_and_no_others():
    world = running()
    world.member(NODE2)["annotations"]["example.com/mine"] = "x"
    (found,) = [one for one in planned(world).as_result()["annotations"] if one["metadata"]["name"] == NODE2]
    assert all(key.startswith("flannel.alpha.coreos.com/") for key in found["metadata"]["annotations"])
    assert set(found["metadata"]["annotations"].values()) == {None}


def test_another_plugin_is_left_alone_where_one_is_named():
    clean = planned(running(), plugins=("calico",))
    assert (clean.agents, clean.objects, clean.annotations) == ((), (), {})


def test_all_state_of_a_node_goes_where_that_is_asked_for():
    paths = planned(running(), ("flannel",), NODE).nodes[NODE2].paths
    assert paths == ("/run/flannel", "/opt/cni/bin/flannel", "/var/lib/cni")
    assert planned(running()).nodes[NODE2].paths == ()


def test_a_cluster_without_a_pod_network_has_nothing_to_clean():
    world = running()
    world.api.update(flannel=[], agents=[])
    for member in world.api["nodes"]:
        member["annotations"] = {}
    for answer in world.nodes.values():
        kept = {"links": [], "routes": [], "addresses": [], "neighbours": [], "fdb": [], "pods": []}
        answer["node"].update(kept, subnet_env={}, cni={}, filters={}, files=[], ipsets=[], leases=[], firewall=[])
    clean = planned(world)
    assert not clean.active
    assert clean.lines() == ("Clean: nothing is left of any plugin.",)


def test_a_node_that_is_down_is_a_warning_and_nobody_an_error():
    world = running()
    world.nodes[NODE2] = {"unreachable": True, "msg": "no route to host"}
    (problem,) = clean_problems(world.scene().observed, ())
    assert (problem.severity, problem.value) == ("warning", NODE2)
    assert planned(world).nodes[NODE2].away
    world.nodes = {name: {"unreachable": True, "msg": "no route to host"} for name in world.nodes}
    assert clean_problems(world.scene().observed, ())[0].severity == "error"
    (wrong,) = clean_problems(running().scene().observed, ("cilium",))
    assert str(wrong).startswith("clean_plugins = cilium: cilium is no plugin known here. Leave it empty for all")


def test_the_journal_keeps_what_would_bring_the_network_back():
    before = {"label": "flannel vxlan", "settings": {"flannel_backend": "vxlan"}}
    run = planned(running()).run("0badcafe", before)
    assert (run["id"], run["from"], run["to"]["label"]) == ("0badcafe", before, "no pod network")
    assert {item["kind"] for item in run["snapshot"]} == {"DaemonSet", "ConfigMap"}
