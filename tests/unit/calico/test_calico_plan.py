# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the declared Calico gives the cluster, for every mode and both layouts of its images."""

from __future__ import annotations

import json

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._plan import plan_network
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._switch import switch
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._transition import transition
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import healthy, intent_of

CALICO = {"network_plugin": "calico"}
OFF = {**CALICO, "calico_ipip_mode": "Never"}
VXLAN = {**CALICO, "calico_vxlan_mode": "Always"}


def running(**settings):
    """A cluster that runs this Calico."""
    world = healthy(**settings)
    calico = world.intent.calico
    world.api["calico"]["pools"][0].update(ipip_mode=calico.ipip_mode, vxlan_mode=calico.vxlan_mode, block_size=26)
    return world


def planned(world, **after):
    intent, cluster = intent_of(**after), Cluster.from_dict(world.api)
    nodes = world.scene().observed
    change = switch(transition(intent, cluster, nodes), after)
    return plan_network(intent, nodes, change, cluster=cluster).as_result()


def deployed(**after):
    intent = intent_of(**after)
    return plan_network(intent, running(**after).scene().observed).as_result()["calico"]


def spec(resources, kind):
    return next(one["spec"] for one in resources if one["kind"] == kind)


@pytest.mark.parametrize(
    ("settings", "modes"),
    [
        (CALICO, ("Always", "Never")),
        ({**CALICO, "CALICO_IPV4POOL_IPIP": "off"}, ("Never", "Never")),
        ({**CALICO, "calico_ipip_mode": "CrossSubnet"}, ("CrossSubnet", "Never")),
        (VXLAN, ("Never", "Always")),
    ],
)
def test_the_mode_is_the_ippools_own_and_no_variable_of_the_first_start(settings, modes):
    plan = deployed(**settings)
    pool = spec(plan["resources"], "IPPool")
    assert (pool["ipipMode"], pool["vxlanMode"]) == modes
    assert plan["manifest"]["environment"]["NO_DEFAULT_POOLS"] == "true"
    felix = spec(plan["resources"], "FelixConfiguration")
    assert not {"ipipEnabled", "vxlanEnabled"} & set(felix), "they would win over the IPPool"


def test_up_to_v3_32_there_is_an_image_for_each_program():
    manifest = deployed(**CALICO, network_registry="harbor.example/base")["manifest"]
    assert manifest["node_image"] == "harbor.example/base/node:v3.32.1"
    assert manifest["cni_image"] == "harbor.example/base/cni:v3.32.1"
    assert manifest["ready"] == ["/bin/calico-node", "-felix-ready", "-bird-ready"]


def test_from_v3_33_one_image_has_all_but_calico_node():
    manifest = deployed(**CALICO, calico_version="v3.33.0")["manifest"]
    assert manifest["node_image"] == "quay.io/calico/node:v3.33.0"
    assert {manifest["cni_image"], manifest["kube_controllers_image"]} == {"quay.io/calico/calico:v3.33.0"}
    assert manifest["install_cni"][1:] == ["component", "cni", "install"]
    assert "--bird-ready" in manifest["ready"]
    assert manifest["kube_controllers"][1:] == ["component", "kube-controllers", "--health-port=9440"]
    assert manifest["kube_controllers_ready"][1:] == ["health", "--port=9440", "--type=readiness"]


def test_an_image_may_be_named_by_itself():
    manifest = deployed(**CALICO, calico_image_node="harbor.example/x/node:v3.33.1")["manifest"]
    assert manifest["node_image"] == "harbor.example/x/node:v3.33.1"
    assert manifest["install_cni"][1:] == ["component", "cni", "install"], "the tag tells the release"


def test_without_bird_nobody_asks_it():
    manifest = deployed(**VXLAN, calico_networking_backend="vxlan")["manifest"]
    assert not [word for word in manifest["ready"] + manifest["live"] if "bird" in word]
    assert manifest["config"]["calico_backend"] == "vxlan"


@pytest.mark.parametrize(("settings", "replicas"), [({}, None), ({"calico_typha": "true"}, 3)])
def test_typha_stands_between_where_there_are_many_nodes_or_it_is_asked_for(settings, replicas):
    manifest = deployed(**CALICO, **settings)["manifest"]
    assert (manifest["typha"] or {}).get("replicas") == replicas
    assert manifest["config"]["typha_service_name"] == ("calico-typha" if replicas else "none")


def test_the_mtu_of_pods_is_in_the_configuration_which_rolls_the_agents():
    small, auto = deployed(**CALICO, calico_mtu=1400)["manifest"], deployed(**CALICO)["manifest"]
    assert (small["config"]["veth_mtu"], auto["config"]["veth_mtu"]) == ("1400", "0")
    assert small["config_hash"] != auto["config_hash"]
    assert '"mtu": __CNI_MTU__' in auto["config"]["cni_network_config"]


def test_the_encapsulation_does_not_roll_the_agents():
    assert deployed(**CALICO)["manifest"]["config_hash"] == deployed(**OFF)["manifest"]["config_hash"]


def test_both_families_get_a_pool_and_addresses():
    both = {"network_pod_cidr": "172.50.0.0/16,fd00:50::/48", "network_service_cidr": "10.68.0.0/16"}
    intent = intent_of(**VXLAN, **both)
    nodes = running(**VXLAN).scene().observed
    plan = plan_network(intent, nodes).as_result()["calico"]
    pools = [one["spec"] for one in plan["resources"] if one["kind"] == "IPPool"]
    assert [(one["cidr"], one["blockSize"]) for one in pools] == [("172.50.0.0/16", 26), ("fd00:50::/48", 122)]
    ipam = json.loads(plan["manifest"]["config"]["cni_network_config"].replace("__CNI_MTU__", "0"))["plugins"][0][
        "ipam"
    ]
    assert ipam == {"type": "calico-ipam", "assign_ipv4": "true", "assign_ipv6": "true"}


def test_an_ippool_that_is_there_keeps_its_name():
    world = running(**CALICO)
    world.api["calico"]["pools"][0]["name"] = "default-pool"
    names = [
        one["metadata"]["name"] for one in planned(world, **CALICO)["calico"]["resources"] if one["kind"] == "IPPool"
    ]
    assert names == ["default-pool"]


def test_with_route_reflectors_the_mesh_is_off_and_all_nodes_peer_with_them():
    resources = deployed(**CALICO, calico_route_reflectors=["k8s-node1", "k8s-node2"])["resources"]
    assert spec(resources, "BGPConfiguration")["nodeToNodeMeshEnabled"] is False
    assert spec(resources, "BGPPeer")["peerSelector"].startswith("has(")
    kinds = [one["kind"] for one in resources]
    assert kinds.index("BGPPeer") < kinds.index("Node") < kinds.index("BGPConfiguration"), "the mesh goes last"
    marked = {one["metadata"]["name"]: one["metadata"] for one in resources if one["kind"] == "Node"}
    assert set(marked) == {"k8s-node1", "k8s-node2"}
    assert marked["k8s-node1"]["annotations"] == {"projectcalico.org/RouteReflectorClusterID": "244.0.0.1"}


def test_the_mesh_is_back_before_a_node_reflects_no_more():
    world = running(**CALICO)
    world.member("k8s-node1")["annotations"]["projectcalico.org/RouteReflectorClusterID"] = "244.0.0.1"
    world.api["calico"]["peers"] = [{"name": "switchyard-route-reflectors", "managed": True}]
    plan = planned(world, **CALICO)["calico"]
    kinds = [one["kind"] for one in plan["resources"]]
    assert kinds.index("BGPConfiguration") < kinds.index("Node")
    assert [one["metadata"] for one in plan["resources"] if one["kind"] == "Node"] == [{"name": "k8s-node1"}]
    assert [one["name"] for one in plan["removed"]] == ["switchyard-route-reflectors"]


def test_peers_outside_are_objects_and_their_passwords_stay_in_secrets():
    peer = {"name": "router", "address": "192.168.0.254", "as_number": 65000}
    peer["password_secret"] = {"name": "bgp", "key": "router"}
    plan = deployed(**CALICO, calico_bgp_peers=[peer])
    assert spec(plan["resources"], "BGPPeer") == {
        "peerIP": "192.168.0.254",
        "asNumber": 65000,
        "password": {"secretKeyRef": {"name": "bgp", "key": "router"}},
    }
    assert plan["manifest"]["password_secrets"] == ["bgp"]


def test_a_peer_of_ours_that_is_declared_no_more_goes_and_anothers_stays():
    world = running(**CALICO)
    world.api["calico"]["peers"] = [{"name": "gone", "managed": True}, {"name": "foreign", "managed": False}]
    assert [one["name"] for one in planned(world, **CALICO)["calico"]["removed"]] == ["gone"]


def test_a_typha_goes_when_nobody_asks_for_it_any_more_and_last_what_it_is_known_by():
    world = running(**CALICO)
    world.api["calico"]["typhas"] = ["kube-system", "calico-system"]
    removed = planned(world, **CALICO)["calico"]["removed"]
    assert [(one["kind"], one["namespace"], one["name"]) for one in removed] == [
        (kind, "kube-system", "calico-typha") for kind in ("Service", "PodDisruptionBudget", "Deployment")
    ]
    assert planned(world, **CALICO, calico_typha="true")["calico"]["removed"] == []


def test_calicoctl_goes_to_the_control_plane_where_it_is_given():
    world = running(**CALICO)
    world.member("k8s-master1")["control_plane"] = True
    assert planned(world, **CALICO)["tools"] == {}
    tools = planned(world, **CALICO, calico_calicoctl="files/calicoctl")["tools"]
    assert (tools["hosts"], tools["calicoctl"]) == (["k8s-master1"], "files/calicoctl")
    assert tools["config"]["spec"] == {"datastoreType": "kubernetes", "kubeconfig": "/root/.kube/config"}


def test_every_custom_resource_has_a_definition():
    crds = deployed(**CALICO)["crds"]
    kinds = {one["spec"]["names"]["kind"]: one for one in crds}
    assert {"IPPool", "BGPPeer", "IPAMBlock", "Tier", "ClusterNetworkPolicy"} <= set(kinds)
    assert all(one["metadata"]["name"] == f"{one['spec']['names']['plural']}.{one['spec']['group']}" for one in crds)
    assert "AdminNetworkPolicy" in {
        one["spec"]["names"]["kind"] for one in deployed(**CALICO, calico_version="v3.30.0")["crds"]
    }


# -- the way of a running cluster


def test_a_change_of_the_encapsulation_names_its_steps_and_what_every_node_then_shows():
    plan = planned(running(**OFF), **VXLAN)
    assert [step["label"] for step in plan["approach"]] == [
        "bring up the VXLAN tunnels, which carry nothing yet",
        "VXLAN CrossSubnet",
        "give the tunnels their addresses out of the pod network",
    ]
    arm, move, disarm = (one["expect"] for one in plan["nodes"]["k8s-node1"]["approach"])
    assert arm["tunnels"] == [{"dev": "vxlan.calico", "peers": 2, "within": ["198.18.0.0/16"]}]
    assert (arm["pod_routes"]["over"], arm["pod_routes"]["by"]) == (["eth0"], ["bird"])
    assert move["pod_routes"]["by"] == ["80", "boot"]
    assert {"dev": "vxlan.calico", "within": ["172.50.0.0/16"], "peers": 2} in disarm["tunnels"]
    final = plan["nodes"]["k8s-node1"]["expect"]
    assert (final["pod_routes"]["over"], final["pod_routes"]["count"]) == (["vxlan.calico"], 2)
    assert {"dev": "tunl0", "bare": True} in final["tunnels"]
    assert any(line.startswith("On the way: ") for line in plan["summary"])


def test_without_encapsulation_no_tunnel_keeps_an_address():
    final = planned(running(**CALICO), **OFF)["nodes"]["k8s-node1"]["expect"]
    assert [one for one in final["tunnels"] if not one["bare"]] == []
    assert final["pod_routes"]["by"] == ["bird"]


def test_of_both_families_ipv6_steps_first_whose_tunnels_are_not_armed():
    both = {"network_pod_cidr": "172.50.0.0/16,fd00:50::/48"}
    world = running(**OFF)
    world.api["calico"]["pools"].append({"name": "six", "cidr": "fd00:50::/48", "allowed_uses": ["Workload", "Tunnel"]})
    plan = planned(world, **OFF, **both, calico_vxlan_mode="CrossSubnet")
    dummy, move, unused = (step["objects"] for step in plan["approach"])
    assert [one["spec"]["cidr"] for one in move] == ["fd00:50::/48", "172.50.0.0/16"]


def test_a_pool_that_an_interrupted_run_has_armed_goes():
    world = running(**VXLAN)
    armed = {"name": "switchyard-prearm", "cidr": "198.18.0.0/16", "vxlan_mode": "Always", "allowed_uses": ["Tunnel"]}
    world.api["calico"]["pools"].append(armed)
    steps = planned(world, **OFF)["approach"]
    assert [one for step in steps for one in step["drained"]] == [
        {"name": "switchyard-prearm", "cidr": "198.18.0.0/16"}
    ]


def test_nothing_to_do_has_no_way():
    plan = planned(running(**VXLAN), **VXLAN)
    assert (plan["approach"], plan["switch"]["active"], plan["verifies"]) == ([], False, True)


def test_encryption_comes_while_a_rule_keeps_packets_out_of_it():
    small = {**OFF, "calico_mtu": 1440}
    world = running(**small)
    world.api["calico"]["config"]["veth_mtu"] = 1440
    for place in world.nodes.values():
        for pod in place["node"]["pods"]:
            pod["mtu"] = 1440
    plan = planned(world, **small, calico_wireguard=True)
    assert plan["switch"]["changes"] == [
        "backend no encapsulation (BGP) to no encapsulation (BGP), encrypted by WireGuard"
    ]
    (step,) = plan["approach"]
    assert step["label"] == "bring up WireGuard, which carries nothing yet"
    assert spec(step["objects"], "FelixConfiguration")["wireguardEnabled"] is True
    here = plan["nodes"]["k8s-node1"]
    assert here["approach"][0]["hold"]
    assert here["hold"]["main_first"]
    secret = {"dev": "wireguard.cali", "within": ["172.50.0.0/16"], "own_routes": 2}
    assert secret in here["approach"][0]["expect"]["tunnels"]
    assert secret in here["expect"]["tunnels"]


def test_encryption_goes_while_a_rule_keeps_packets_out_of_it():
    world = running(**OFF, calico_wireguard=True)
    world.api["calico"]["felix"] = [{"name": "default", "wireguard_enabled": True}]
    assert not planned(world, **OFF, calico_wireguard=True)["switch"]["active"]
    plan = planned(world, **OFF)
    (step,) = plan["approach"]
    assert (step["label"], step["objects"]) == ("hold the routes between nodes until they are written anew", [])
    here = plan["nodes"]["k8s-node1"]
    assert here["hold"]["main_first"]
    assert {"dev": "wireguard.cali", "bare": True} in here["expect"]["tunnels"]
    assert not planned(running(**OFF), **VXLAN)["nodes"]["k8s-node1"]["hold"]["main_first"]


def test_pods_that_are_too_large_for_wireguard_have_to_be_made_anew():
    plan = planned(running(**OFF), **OFF, calico_wireguard=True)
    assert plan["switch"]["class"] == "pods"


def test_route_reflectors_are_a_change_in_which_direct_routes_are_held_until_the_new_sessions_are_there():
    reflected = {**OFF, "calico_route_reflectors": ["k8s-node1", "k8s-node2"]}
    world = running(**OFF)
    plan = planned(world, **reflected)
    assert plan["switch"]["active"]
    assert plan["switch"]["changes"] == ["route reflectors none to k8s-node1, k8s-node2"]
    (step,) = plan["approach"]
    assert step["label"] == "hold the routes between nodes until they are written anew"
    expected = {name: one["expect"]["sessions"] for name, one in plan["nodes"].items()}
    assert expected["k8s-master1"] == {"peers": ["192.168.7.110", "192.168.7.111"], "mesh": False}
    assert expected["k8s-node1"] == {"peers": ["192.168.7.101", "192.168.7.111"], "mesh": False}

    world.api["calico"]["bgp"]["mesh"] = False
    for name in ("k8s-node1", "k8s-node2"):
        world.member(name)["annotations"]["projectcalico.org/RouteReflectorClusterID"] = "244.0.0.1"
    assert not planned(world, **reflected)["switch"]["active"]
    back = planned(world, **OFF)
    assert back["switch"]["changes"] == ["route reflectors k8s-node1, k8s-node2 to none"]
    sessions = back["nodes"]["k8s-node2"]["expect"]["sessions"]
    assert sessions == {"peers": ["192.168.7.101", "192.168.7.110"], "mesh": True}


def test_with_vxlan_routes_do_not_come_by_bgp_and_are_not_held():
    plan = planned(running(**VXLAN), **VXLAN, calico_route_reflectors=["k8s-node1", "k8s-node2"])
    assert (plan["approach"], plan["switch"]["active"]) == ([], True)
