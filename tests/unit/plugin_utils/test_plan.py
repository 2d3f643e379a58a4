# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan: what nodes and cluster are given, what each node must show, and that none of it grows with all pairs."""

from __future__ import annotations

import json

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._plan import plan_network, plan_preparation
from ansible_collections.switchyard.cni.tests.unit.plugin_utils.cluster_facts import cluster, intent

ETCD = {"flannel_subnet_manager": "etcd", "flannel_etcd_endpoints": ["https://192.168.7.101:2379"]}


def state_of(plan, host="192.168.7.110"):
    return plan.as_result()["nodes"][host]["state"]


def files_of(plan, host="192.168.7.110"):
    return {file["path"]: file["content"] for file in state_of(plan, host)["files"]}


def expect_of(plan, host="192.168.7.110"):
    return plan.as_result()["nodes"][host]["expect"]


def test_a_node_must_show_its_own_subnet_and_mtu():
    env = expect_of(plan_network(intent(flannel_backend="vxlan"), cluster()))["subnet_env"]
    assert env == {
        "FLANNEL_NETWORK": "172.50.0.0/16",
        "FLANNEL_SUBNET": "172.50.2.1/24",
        "FLANNEL_MTU": "1450",
        "FLANNEL_IPMASQ": "true",
    }


def test_with_leases_from_etcd_only_the_number_of_routes_is_known():
    expect = expect_of(plan_network(intent(**ETCD), cluster(pod_cidrs=())))
    assert expect["pod_routes"] == {"within": ["172.50.0.0/16"], "bridge": "cni0", "count": 2}
    assert "FLANNEL_SUBNET" not in expect["subnet_env"]


def test_one_route_for_the_whole_network_counts_once_even_with_etcd():
    expect = expect_of(plan_network(intent(**ETCD, flannel_backend="udp"), cluster(pod_cidrs=())))
    assert expect["pod_routes"]["count"] == 1


def test_sysctls_are_set_and_survive_a_reboot():
    plan = plan_preparation(intent(), cluster())
    assert state_of(plan)["sysctls"] == {"net.ipv4.ip_forward": "1", "net.bridge.bridge-nf-call-iptables": "1"}
    kept = files_of(plan)["/etc/sysctl.d/90-switchyard-cni.conf"]
    assert "net.ipv4.ip_forward = 1\n" in kept
    assert "net.ipv4.conf.all.rp_filter = 2\n" in kept


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ({"net.ipv4.conf.all.rp_filter": "1"}, "2"),
        ({"net.ipv4.conf.eth0.rp_filter": "1", "net.ipv4.conf.all.rp_filter": "0"}, "2"),
        ({"net.ipv4.conf.eth0.rp_filter": "1", "net.ipv4.conf.all.rp_filter": "2"}, None),
        ({"net.ipv4.conf.all.rp_filter": "0"}, None),
    ],
)
def test_reverse_path_filtering_is_loosened_only_where_it_is_strict(found, wanted):
    plan = plan_preparation(intent(), cluster(change=lambda facts: facts.update(sysctls=found)))
    assert state_of(plan)["sysctls"].get("net.ipv4.conf.all.rp_filter") == wanted


def test_only_the_modules_of_the_chosen_backend_are_loaded():
    assert state_of(plan_preparation(intent(flannel_backend="vxlan"), cluster()))["modules"] == [
        "br_netfilter",
        "vxlan",
    ]
    assert state_of(plan_preparation(intent(flannel_backend="host-gw"), cluster()))["modules"] == ["br_netfilter"]


def test_what_is_built_into_the_kernel_is_not_loaded_and_an_old_list_goes():
    def built_in(facts):
        facts["kernel"]["features"] = dict.fromkeys(facts["kernel"]["features"], "builtin")

    state = state_of(plan_preparation(intent(), cluster(change=built_in)))
    assert state["modules"] == []
    assert state["absent"] == ["/etc/modules-load.d/switchyard-cni.conf"]


BRIDGE_SYSCTL = "net.bridge.bridge-nf-call-iptables"


def test_the_bridges_filter_is_loaded_for_the_sysctl_of_pods_on_a_bridge_also_where_flanneld_does_without():
    """Found on Debian's kernel with kube-proxy in nftables mode: nobody had loaded it, and the sysctl was not there."""

    def loadable(facts):
        facts["kernel"]["features"]["br_netfilter"] = "module"

    state = state_of(plan_preparation(intent(flannel_nftables="true"), cluster(change=loadable)))
    assert "br_netfilter" in state["modules"]
    assert state["sysctls"][BRIDGE_SYSCTL] == "1"

    without_bridge = intent(network_plugin="calico", calico_vxlan_mode="Always")
    state = state_of(plan_preparation(without_bridge, cluster(change=loadable)))
    assert "br_netfilter" not in state["modules"]
    assert BRIDGE_SYSCTL not in state["sysctls"]


def test_network_manager_is_told_only_where_it_is():
    path = "/etc/NetworkManager/conf.d/switchyard-cni.conf"
    assert path not in files_of(plan_preparation(intent(), cluster()))
    told = files_of(plan_preparation(intent(), cluster(change=lambda facts: facts.update(network_manager=True))))[path]
    assert "interface-name:flannel*" in told
    assert "interface-name:cni0" in told


def test_foreign_cni_configuration_is_put_aside_only_on_request():
    def foreign(facts):
        facts["cni"]["configs"] = [{"file": "10-default.conf", "name": "mynet", "plugins": ["bridge"]}]

    nodes = cluster(change=foreign)
    assert state_of(plan_preparation(intent(), nodes))["renames"] == []
    assert state_of(plan_preparation(intent(network_foreign_cni="disable"), nodes))["renames"] == [
        {"src": "/etc/cni/net.d/10-default.conf", "dest": "/etc/cni/net.d/10-default.conf.switchyard-disabled"}
    ]


def test_kubernetes_gets_a_daemonset_and_the_node_no_service():
    plan = plan_network(intent(), cluster())
    assert plan.cluster["manifest"]["namespace"] == "kube-flannel"
    assert state_of(plan)["services"] == []


def test_etcd_gets_the_key_and_each_node_a_unit():
    plan = plan_network(intent(**ETCD), cluster(pod_cidrs=()))
    assert plan.cluster["etcd"]["key"] == "/coreos.com/network/config"
    assert json.loads(plan.cluster["etcd"]["value"])["Network"] == "172.50.0.0/16"
    unit = files_of(plan)["/etc/systemd/system/flanneld.service"]
    assert "--etcd-endpoints=https://192.168.7.101:2379" in unit
    assert state_of(plan)["services"][0]["name"] == "flanneld"
    assert "flannel" in state_of(plan)["cni_plugins"]["required"]


def test_another_backend_restarts_flanneld_through_its_unit():
    unit = "/etc/systemd/system/flanneld.service"
    vxlan = files_of(plan_network(intent(**ETCD), cluster(pod_cidrs=())))[unit]
    host_gw = files_of(plan_network(intent(**ETCD, flannel_backend="host-gw"), cluster(pod_cidrs=())))[unit]
    assert vxlan != host_gw


def test_the_summary_says_what_will_be_there():
    plan = plan_network(intent(flannel_backend="vxlan", flannel_direct_routing=True), cluster())
    assert plan.summary[0] == "Deploy: flannel, backend vxlan + DirectRouting, pods 172.50.0.0/16, 3 nodes."
    assert "every route" in plan.proved[0]
