# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each check has a cluster that passes and one that does not."""

from __future__ import annotations

import time

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._checks import check, foreign_configs
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import build_intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import observed_node
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import ERROR, WARNING
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import resolve
from ansible_collections.switchyard.cni.tests.unit.plugin_utils.cluster_facts import (
    NODES,
    SETTINGS,
    cluster,
    facts,
    intent,
    node,
)

MASTER, NODE1, NODE2 = NODES
ALL = tuple(NODES)
ETCD = {"flannel_subnet_manager": "etcd", "flannel_etcd_endpoints": "http://192.168.7.101:2379"}
DUAL = {"CLUSTER_CIDR": "172.50.0.0/16,fd00:50::/48"}


def one(nodes, **settings):
    """The only problem there is."""
    found = check(intent(**settings), nodes)
    assert len(found) == 1, [str(problem) for problem in found]
    return found[0]


def none(nodes, **settings):
    assert [str(problem) for problem in check(intent(**settings), nodes)] == []


def feature(name, state):
    def change(node_facts):
        node_facts["kernel"]["features"][name] = state

    return change


def add_address(dev, address, prefixlen, family="inet", scope="global"):
    def change(node_facts):
        node_facts["links"].append({"name": dev, "index": 9, "mtu": 1500})
        node_facts["addresses"].append(
            {"dev": dev, "family": family, "address": address, "prefixlen": prefixlen, "scope": scope}
        )

    return change


def nic_mtu(mtu):
    def change(node_facts):
        node_facts["links"][1]["mtu"] = mtu

    return change


def configs(*files):
    def change(node_facts):
        node_facts["cni"]["configs"] = [{"file": file, "name": "x", "plugins": ["bridge"]} for file in files]

    return change


def proxy(mode):
    def change(node_facts):
        node_facts["filters"]["kube_proxy_mode"] = mode

    return change


@pytest.mark.parametrize("backend", ["vxlan", "host-gw", "udp", "wireguard", "ipip"])
def test_the_seeds_cluster_is_fine_with_every_backend(backend):
    none(cluster(), FLANNEL_BACKEND=backend)


def test_a_running_cluster_is_fine_too():
    def running(node_facts):
        add_address("cni0", "172.50.2.1", 24)(node_facts)
        add_address("flannel.1", "172.50.2.0", 32)(node_facts)
        add_address("kube-ipvs0", "10.68.0.1", 32)(node_facts)
        add_address("lo", "10.68.0.10", 32)(node_facts)
        add_address("vxlan.calico", "172.50.9.0", 32)(node_facts)
        add_address("tunl0", "172.50.9.64", 32)(node_facts)
        configs("10-flannel.conflist", "87-podman.conflist")(node_facts)

    none(cluster(running))


def test_a_node_that_does_not_answer_is_named_with_the_reason():
    nodes = [*cluster()[:2], observed_node(NODE2, "node2", None, [NODES[NODE2]], unreachable="ssh: timed out")]

    found = one(nodes)

    assert found.severity == ERROR
    assert f"{NODE2} (node2)" in found.reason
    assert "ssh: timed out" in found.reason


def test_a_host_without_a_node_in_the_cluster():
    found = one([*cluster()[:2], node(NODE2, pod_cidrs=[], registered=False)])

    assert (found.variable, found.nodes) == ("network_node_name", (NODE2,))
    none([node(NODE2, pod_cidrs=[], registered=None)])
    none([node(NODE2, pod_cidrs=[], registered=False)], **ETCD)


def test_nodes_without_a_pod_cidr_are_one_problem_with_the_way_out():
    found = one([node(MASTER), node(NODE1, pod_cidrs=[]), node(NODE2, pod_cidrs=[])])

    assert found.nodes == (NODE1, NODE2)
    assert "--allocate-node-cidrs" in found.remedy
    assert "--cluster-cidr=172.50.0.0/16" in found.remedy
    none([node(NODE1, pod_cidrs=[])], **ETCD)


def test_dual_stack_nodes_need_both_pod_cidrs():
    def ipv6(node_facts):
        add_address("eth0", "fd00:7::1", 64, "inet6")(node_facts)

    single = [node(NODE1, change=ipv6)]
    dual = [node(NODE1, [NODES[NODE1], "fd00:50:0:2::/64"], change=ipv6)]

    assert "no IPv6 podCIDR" in one(single, **DUAL).reason
    none(dual, **DUAL)


def test_a_pod_cidr_outside_of_the_pod_network():
    found = one([*cluster()[:2], node(NODE2, pod_cidrs=["10.99.1.0/24"])])

    assert found.variable == "network_pod_cidr"
    assert f"{NODE2} (10.99.1.0/24)" in found.reason


def test_the_clusters_own_prefix_length_is_a_warning_when_it_differs():
    found = one([node(NODE1, pod_cidrs=["172.50.2.0/25"])])

    assert (found.variable, found.value, found.severity) == ("network_node_prefix", 24, WARNING)
    assert found.remedy == "Set it to 25"
    none([node(NODE1, pod_cidrs=["172.50.2.0/25"])], network_node_prefix="25")


def test_two_nodes_with_one_pod_cidr():
    found = one([node(MASTER), node(NODE1), node(NODE2, pod_cidrs=["172.50.2.0/24"])])

    assert (found.value, found.variable) == ("172.50.2.0/24", "network_pod_cidr")
    assert NODE1 in found.reason
    assert NODE2 in found.reason


def test_two_hosts_with_one_node_name():
    twins = [
        observed_node("node1", host, facts(host), ["172.50.1.0/24"], [host]) for host in ("192.168.7.1", "192.168.7.2")
    ]

    found = one(twins)

    assert (found.variable, found.value) == ("network_node_name", "node1")


@pytest.mark.parametrize(
    ("dev", "address", "prefixlen", "variable"),
    [
        ("docker_gwbridge", "172.50.77.1", 24, "network_pod_cidr"),
        ("mynet0", "172.50.0.1", 16, "network_pod_cidr"),
        ("eth1", "172.48.0.9", 12, "network_pod_cidr"),
        ("eth1", "10.68.4.9", 24, "network_service_cidr"),
    ],
)
def test_a_nodes_network_that_overlaps_is_named_with_its_device(dev, address, prefixlen, variable):
    nodes = [node(MASTER), node(NODE1, change=add_address(dev, address, prefixlen)), node(NODE2)]

    found = one(nodes)

    assert (found.variable, found.nodes) == (variable, (NODE1,))
    assert f"of the device {dev}" in found.reason


def test_docker0_on_all_nodes_is_one_problem():
    nodes = [node(name, [f"172.17.{number}.0/24"]) for number, name in enumerate(NODES)]

    found = one(nodes, CLUSTER_CIDR="172.17.0.0/16")

    assert found.nodes == ALL
    assert "172.17.0.0/16 of the device docker0" in found.reason


def test_many_nodes_are_shortened():
    nodes = [node(f"192.168.6.{number}", [f"172.50.{number}.0/24"], change=configs("00-x.conf")) for number in range(9)]

    found = one(nodes)

    assert len(found.nodes) == 9
    assert "192.168.6.4 and 4 more" in found.reason
    assert "192.168.6.5" not in found.reason


@pytest.mark.parametrize(
    ("settings", "variable"),
    [
        ({"flannel_iface": "ens9"}, "flannel_iface"),
        ({"flannel_iface_regex": "^ens"}, "flannel_iface_regex"),
    ],
)
def test_a_device_that_a_node_lacks(settings, variable):
    nodes = [node(MASTER), node(NODE1, change=lambda raw: raw["links"].append({"name": "ens9", "mtu": 1500}))]

    found = one([nodes[0]], **settings)

    assert (found.variable, found.nodes) == (variable, (MASTER,))
    assert "eth0" in found.remedy
    none(nodes, flannel_iface="eth0")
    none(nodes, flannel_iface_regex="^eth")


def test_an_address_that_cannot_be_reached_selects_no_device():
    def drop(node_facts):
        del node_facts["routes"][0]

    assert one([node(NODE1, change=drop)], flannel_iface_can_reach="8.8.8.8").variable == "flannel_iface_can_reach"
    none([node(NODE1)], flannel_iface_can_reach="8.8.8.8")


def test_without_default_route_and_selector_flannel_finds_no_device():
    def drop(node_facts):
        del node_facts["routes"][0]

    found = one([node(NODE1, change=drop)])

    assert (found.variable, found.value) == ("flannel_iface", None)
    assert "default route" in found.reason
    none([node(NODE1, change=drop)], flannel_iface="eth0")


def test_the_device_needs_an_address_of_every_family():
    found = one([node(NODE1, [NODES[NODE1], "fd00:50:0:2::/64"])], **DUAL)

    assert "eth0 has no IPv6 address" in found.reason


def test_a_link_local_address_is_not_enough():
    change = add_address("eth0", "fe80::1", 64, "inet6", "link")

    assert "no IPv6 address" in one([node(NODE1, [NODES[NODE1], "fd00:50:0:2::/64"], change=change)], **DUAL).reason


def test_another_device_than_kubernetes_knows_is_a_warning():
    def nat(node_facts):
        add_address("eth9", "10.0.2.15", 24)(node_facts)
        node_facts["routes"][0]["dev"] = "eth9"

    found = one([node(NODE1, change=nat)])

    assert (found.variable, found.severity) == ("flannel_iface", WARNING)
    assert found.remedy.startswith("Set flannel_iface to eth0")
    none([node(NODE1, change=nat)], flannel_iface="eth0")


def test_an_mtu_above_the_nics():
    found = one([node(MASTER), node(NODE1, change=nic_mtu(1400))], flannel_mtu="1500")

    assert (found.variable, found.value, found.nodes) == ("flannel_mtu", 1500, (NODE1,))
    assert "1400 bytes of eth0" in found.reason
    none([node(MASTER), node(NODE1, change=nic_mtu(1400))], flannel_mtu="1400")


def test_a_nic_too_small_for_the_encapsulation():
    def change(node_facts):
        nic_mtu(1300)(node_facts)
        add_address("eth0", "fd00:7::1", 64, "inet6")(node_facts)

    small = [node(NODE1, [NODES[NODE1], "fd00:50:0:2::/64"], change=change)]

    found = one(small, **DUAL)

    assert "leaves pods 1250 of the 1300 bytes" in found.reason
    assert "1330" in found.remedy
    none(small, **DUAL, FLANNEL_BACKEND="host-gw")


def test_unequal_nics_are_a_warning():
    nodes = [node(MASTER), node(NODE1, change=nic_mtu(9000)), node(NODE2)]

    found = one(nodes)

    assert (found.variable, found.severity) == ("flannel_mtu", WARNING)
    assert f"9000 bytes: {NODE1}" in found.reason
    none(nodes, flannel_mtu="1500")


@pytest.mark.parametrize(
    ("backend", "name", "option"),
    [
        ("vxlan", "vxlan", "CONFIG_VXLAN (module vxlan)"),
        ("ipip", "ipip", "CONFIG_NET_IPIP (module ipip)"),
        ("wireguard", "wireguard", "CONFIG_WIREGUARD (module wireguard)"),
        ("udp", "tun", "CONFIG_TUN (module tun)"),
        ("host-gw", "br_netfilter", "CONFIG_BRIDGE_NETFILTER (module br_netfilter)"),
    ],
)
def test_a_kernel_without_the_feature(backend, name, option):
    lacking = [node(MASTER), node(NODE1, change=feature(name, "missing"))]

    found = one(lacking, FLANNEL_BACKEND=backend)

    assert (found.severity, found.nodes) == (ERROR, (NODE1,))
    assert option in found.reason
    none([node(NODE1, change=feature(name, "module"))], FLANNEL_BACKEND=backend)
    none([node(NODE1, change=feature(name, "builtin"))], FLANNEL_BACKEND=backend)


def test_a_feature_that_the_backend_does_not_need_may_be_missing():
    none(cluster(feature("ipip", "missing")))


def test_bridge_netfilter_is_not_needed_with_nftables():
    def change(node_facts):
        feature("br_netfilter", "missing")(node_facts)
        proxy("nftables")(node_facts)

    none(cluster(change))
    none(cluster(change), flannel_nftables="true")


def test_a_feature_that_could_not_be_told_is_a_warning():
    assert one([node(NODE1, change=feature("vxlan", "unknown"))]).severity == WARNING


def test_nothing_is_said_of_a_kernel_that_was_not_read():
    def drop(node_facts):
        del node_facts["kernel"]

    none([node(NODE1, change=drop)])


def test_udp_needs_the_tun_device():
    def absent(node_facts):
        node_facts["kernel"]["tun_device"] = False

    def loadable(node_facts):
        absent(node_facts)
        feature("tun", "module")(node_facts)

    found = one([node(MASTER), node(NODE1, change=absent)], FLANNEL_BACKEND="udp")

    assert "/dev/net/tun" in found.reason
    assert found.nodes == (NODE1,)
    none([node(NODE1, change=loadable)], FLANNEL_BACKEND="udp")
    none([node(NODE1, change=absent)])


def test_a_foreign_cni_configuration_that_would_win():
    nodes = [node(MASTER), node(NODE1, change=configs("10-calico.conflist", "10-flannel.conflist", "99-loopback.conf"))]

    found = one(nodes)

    assert (found.variable, found.nodes) == ("network_foreign_cni", (NODE1,))
    assert "/etc/cni/net.d/10-calico.conflist wins over 10-flannel.conflist" in found.reason
    assert foreign_configs(intent(), nodes[1]) == ["10-calico.conflist"]
    none(nodes, network_foreign_cni="disable")


def test_a_foreign_cni_configuration_that_loses_is_nobodys_business():
    none(cluster(configs("10-flannel.conflist", "87-podman-bridge.conflist")))


def test_base_cni_plugins_that_are_nowhere():
    def drop(node_facts):
        node_facts["cni"].update(binaries=["bridge", "host-local"], search={})

    found = one([node(MASTER), node(NODE1, change=drop)])

    assert found.nodes == (NODE1,)
    assert "loopback, portmap" in found.reason


def test_without_kubernetes_a_device_must_hold_the_public_address():
    found = one([node(NODE1, [], public_ip="203.0.113.7")], **ETCD)

    assert (found.variable, found.value) == ("flannel_public_ip", "203.0.113.7")
    none([node(NODE1, [], public_ip=NODE1)], **ETCD)


def test_a_public_address_must_be_an_address():
    assert one([node(NODE1, public_ip="gateway")]).variable == "flannel_public_ip"
    none([node(NODE1, public_ip="203.0.113.7")])


def test_host_gw_does_not_cross_a_nat():
    found = one([node(NODE1, public_ip="203.0.113.7")], FLANNEL_BACKEND="host-gw")

    assert (found.variable, found.value) == ("flannel_public_ip", "203.0.113.7")
    none([node(NODE1, public_ip=NODE1)], FLANNEL_BACKEND="host-gw")


def test_a_pod_network_with_too_few_subnets():
    nodes = [node(f"192.168.6.{number}", [f"172.50.{number}.0/24"]) for number in range(4)]
    five = [*nodes, node("192.168.6.9", ["172.50.3.0/24"], registered=None)]

    found = [problem for problem in check(intent(CLUSTER_CIDR="172.50.0.0/22"), five) if "room" in problem.reason]

    assert [problem.value for problem in found] == ["172.50.0.0/22"]
    assert "room for 4 nodes with a /24 each, and there are 5" in found[0].reason
    assert found[0].remedy == "Choose a /21 or larger, or set network_node_prefix to 25 or more"
    none(nodes, CLUSTER_CIDR="172.50.0.0/22")


def test_flannel_with_etcd_gives_out_one_subnet_less():
    nodes = [node(f"192.168.6.{number}", []) for number in range(4)]

    found = one(nodes, CLUSTER_CIDR="172.50.0.0/22", **ETCD)

    assert "room for 3 nodes" in found.reason
    assert found.remedy == "Choose a /21 or larger, or set network_node_prefix to 25 or more"
    none(nodes[:3], CLUSTER_CIDR="172.50.0.0/22", **ETCD)


def test_host_gw_needs_one_subnet_and_the_groups_are_named():
    far = [node(f"10.9.0.{number}", [f"172.50.{number}.0/24"], prefixlen=24) for number in (7, 8)]

    found = one([*cluster(), *far], FLANNEL_BACKEND="host-gw")

    assert (found.variable, found.value, found.severity) == ("flannel_backend", "host-gw", ERROR)
    assert f"10.9.0.0/24: 10.9.0.7, 10.9.0.8; 192.168.0.0/21: {', '.join(ALL)}" in found.reason
    assert "flannel_direct_routing" in found.remedy
    none(cluster(), FLANNEL_BACKEND="host-gw")
    none([*cluster(), *far], DIRECT_ROUTING="true")


def test_kube_proxy_must_filter_alike_everywhere():
    nodes = [node(MASTER, change=proxy("nftables")), node(NODE1), node(NODE2, change=proxy("unknown"))]

    found = one(nodes)

    assert (found.variable, found.severity) == ("flannel_nftables", WARNING)
    none([node(NODE1), node(NODE2, change=proxy("ipvs"))])


@pytest.mark.parametrize(
    ("settings", "variable"),
    [({"PROXY_MODE": "nftables"}, "network_kube_proxy_mode"), ({"flannel_nftables": "yes"}, "flannel_nftables")],
)
def test_a_declared_packet_filter_that_kube_proxy_does_not_use_is_a_warning(settings, variable):
    found = one(cluster(), **settings)

    assert (found.variable, found.severity) == (variable, WARNING)
    none(cluster(proxy("nftables")), **settings)


def test_everything_is_said_at_once():
    def broken(node_facts):
        feature("vxlan", "missing")(node_facts)
        nic_mtu(1400)(node_facts)
        configs("05-cilium.conflist")(node_facts)

    nodes = [node(MASTER), node(NODE1, ["10.1.1.0/24"], change=broken), observed_node(NODE2, NODE2, None)]

    found = check(intent(flannel_mtu="1500"), nodes)

    assert {problem.variable for problem in found if problem.severity == ERROR} == {
        "network_pod_cidr",
        "flannel_mtu",
        "flannel_backend",
        "network_foreign_cni",
        "host",
    }


def test_no_conclusion_from_a_backend_that_could_not_be_read():
    values, dummy = resolve({**SETTINGS, "FLANNEL_BACKEND": "vxlam"})
    assumed, dummy = build_intent(values)

    assert check(assumed, cluster(feature("vxlan", "missing"))) == []


def test_a_thousand_nodes_are_checked_in_linear_time():
    nodes = [
        node(
            f"10.200.{number // 250}.{number % 250 + 1}",
            [f"172.{50 + number // 256}.{number % 256}.0/24"],
            prefixlen=16,
        )
        for number in range(1000)
    ]
    wanted = intent(CLUSTER_CIDR="172.48.0.0/12", FLANNEL_BACKEND="host-gw")

    started = time.perf_counter()
    assert check(wanted, nodes) == []
    assert time.perf_counter() - started < 5
