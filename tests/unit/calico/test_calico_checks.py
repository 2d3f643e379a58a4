# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What on the nodes and in the cluster speaks against the declared Calico."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._checks import check
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import underlay
from ansible_collections.switchyard.cni.tests.unit.plugin_utils.cluster_facts import cluster, intent, node
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import healthy, intent_of

CALICO = {"network_plugin": "calico"}


def wrong(nodes, **settings):
    return [(one.variable, one.severity, str(one)) for one in check(intent(**CALICO, **settings), nodes)]


def in_cluster(change, **settings):
    world = healthy(**CALICO, **settings)
    change(world.api)
    found = check(intent_of(**CALICO, **settings), world.scene().observed, Cluster.from_dict(world.api))
    return [(one.variable, str(one)) for one in found]


def test_a_healthy_inventory_has_no_problem():
    assert wrong(cluster()) == []
    assert in_cluster(lambda api: None) == []


@pytest.mark.parametrize(
    ("settings", "change", "variable", "reason"),
    [
        (
            {"calico_ip_autodetection_method": "interface=ens.*"},
            None,
            "calico_ip_autodetection_method",
            "finds no device",
        ),
        ({"calico_mtu": 1500}, None, "calico_mtu", "above the 1480 bytes that IPIP leaves"),
        ({"calico_mtu": 500}, None, "calico_mtu", "needs 576"),
        (
            {},
            lambda facts: facts["kernel"]["features"].update(ipip="missing"),
            "calico_ipip_mode",
            "needs CONFIG_NET_IPIP",
        ),
        (
            {"calico_vxlan_mode": "Always"},
            lambda facts: facts["kernel"]["features"].update(vxlan="missing"),
            "calico_vxlan_mode",
            "needs CONFIG_VXLAN",
        ),
        (
            {"calico_wireguard": True, "calico_ipip_mode": "off"},
            lambda facts: facts["kernel"]["features"].update(wireguard="missing"),
            "calico_wireguard",
            "needs CONFIG_WIREGUARD",
        ),
        (
            {"calico_route_reflectors": ["192.168.7.110", "k8s-node9"]},
            None,
            "calico_route_reflectors",
            "no node of the",
        ),
    ],
)
def test_what_the_nodes_cannot_do_is_refused(settings, change, variable, reason):
    found = wrong(cluster(change=change), **settings)
    assert [(name, severity) for name, severity, dummy in found] == [(variable, "error")], found
    assert reason in found[0][2]


def test_ipv6_does_not_go_from_direct_routes_into_its_tunnel():
    both = {"calico_vxlan_mode": "Always", "network_pod_cidr": "172.50.0.0/16,fd00:50::/48"}

    def there(mode):
        six = {"name": "six", "cidr": "fd00:50::/48", "vxlan_mode": mode, "allowed_uses": ["Workload", "Tunnel"]}
        return lambda api: api["calico"]["pools"].append(six)

    def refused(mode, **settings):
        return [text for name, text in in_cluster(there(mode), **settings) if name == "calico_vxlan_mode"]

    (text,) = refused("CrossSubnet", **both)
    assert "Linux refuses Felix the routes of fd00:50::/48" in text
    assert refused("Always", **both) == []
    assert refused("Never", **{**both, "calico_vxlan_mode": "CrossSubnet"}) == []


def test_a_single_address_has_no_neighbours_under_crosssubnet():
    nodes = [node("192.168.7.101", prefixlen=32)]
    found = [one for one in wrong(nodes, calico_ipip_mode="CrossSubnet") if "mask" in one[2]]
    assert [(name, severity) for name, severity, dummy in found] == [("calico_ipip_mode", "warning")]
    assert not [one for one in wrong(nodes) if "mask" in one[2]]


def test_several_subnets_without_encapsulation_need_routers_that_know_the_pods():
    nodes = [node("192.168.7.101"), node("192.168.7.110", prefixlen=28)]
    found = wrong(nodes, calico_ipip_mode="Never")
    assert [(name, severity) for name, severity, dummy in found] == [("calico_ipip_mode", "warning")]


@pytest.mark.parametrize(
    ("change", "settings", "variable", "reason"),
    [
        (lambda api: api["calico"].update(operator=True), {}, "network_plugin", "belongs to tigera-operator"),
        (lambda api: api["calico"]["pools"][0].update(block_size=24), {}, "calico_block_size", "blocks of /24"),
        (
            lambda api: api["calico"]["pools"][0].update(cidr="172.60.0.0/16"),
            {"calico_pools": [{"name": "default-ipv4-ippool", "cidr": "172.70.0.0/16"}], "calico_pool_name": "new"},
            "calico_pools",
            "whose network cannot be changed",
        ),
        (
            lambda api: api["calico"]["pools"][0].update(name="other", cidr="172.50.0.0/17"),
            {},
            "network_pod_cidr",
            "overlaps the IPPool other",
        ),
        (
            lambda api: api["calico"].update(felix=[{"name": "default", "ipip_enabled": True}]),
            {"calico_ipip_mode": "Never"},
            "calico_ipip_mode",
            "ipipEnabled: true, which wins",
        ),
        (
            lambda api: api["calico"].update(felix=[{"name": "default", "ipip_enabled": True, "vxlan_enabled": False}]),
            {"calico_vxlan_mode": "Always"},
            "calico_vxlan_mode",
            "ipipEnabled: true, which wins",
        ),
        (
            lambda api: api["agents"][0].update(environment={"FELIX_IPINIPENABLED": "false"}),
            {},
            "calico_ipip_mode",
            "sets FELIX_IPINIPENABLED=false",
        ),
    ],
)
def test_what_the_cluster_has_and_would_defeat_the_change_is_found(change, settings, variable, reason):
    found = in_cluster(change, **settings)
    assert found
    assert {name for name, dummy in found} == {variable}
    assert reason in found[0][1]


@pytest.mark.parametrize(
    ("method", "dev"),
    [
        ("first-found", "eth0"),
        ("interface=eth.*", "eth0"),
        ("interface=docker0", None),
        ("skip-interface=eth0", None),
        ("cidr=192.168.0.0/21", "eth0"),
        ("cidr=10.0.0.0/8", None),
        ("cidr=nonsense", None),
        ("can-reach=192.168.7.111", "eth0"),
        ("can-reach=8.8.8.8", "eth0"),
        ("kubernetes-internal-ip", "eth0"),
        ("interface=(", None),
    ],
)
def test_the_device_is_the_one_that_calico_would_find(method, dev):
    found = underlay(node("192.168.7.101"), intent(**CALICO, calico_ip_autodetection_method=method))
    assert (found.dev if found else None) == dev
