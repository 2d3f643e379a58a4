# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which device flanneld will use on a node, and how the node looks to its peers."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._model import ModelError
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import (
    endpoint,
    internal_device,
    observed_node,
    underlay,
    uses_nftables,
)
from ansible_collections.switchyard.cni.tests.unit.plugin_utils.cluster_facts import cluster, endpoints, intent, node

NAME = "192.168.7.110"


def second_nic(facts):
    facts["links"].append({"name": "eth1", "index": 4, "mtu": 9000})
    facts["addresses"] += [
        {"dev": "eth1", "family": "inet", "address": "10.9.0.4", "prefixlen": 24, "scope": "global"},
        {"dev": "eth1", "family": "inet6", "address": "fd00:9::4", "prefixlen": 64, "scope": "global"},
        {"dev": "eth1", "family": "inet6", "address": "fe80::4", "prefixlen": 64, "scope": "link"},
    ]
    facts["routes"].append({"dst": "10.9.0.0/24", "gateway": None, "dev": "eth1"})


@pytest.mark.parametrize(
    ("settings", "device"),
    [
        ({}, "eth0"),
        ({"flannel_iface": "eth1"}, "eth1"),
        ({"flannel_iface": "10.9.0.4"}, "eth1"),
        ({"flannel_iface": "fd00:9::4"}, "eth1"),
        ({"flannel_iface": "eth7"}, None),
        ({"flannel_iface": "10.9.0.5"}, None),
        ({"flannel_iface_regex": "^eth[1-9]$"}, "eth1"),
        ({"flannel_iface_regex": r"^192\.168\."}, "eth0"),
        ({"flannel_iface_regex": "^bond"}, None),
        ({"flannel_iface_regex": "^127|^fd00|^10[.]9"}, "eth1"),
        ({"flannel_iface_can_reach": "10.9.0.77"}, "eth1"),
        ({"flannel_iface_can_reach": "8.8.8.8"}, "eth0"),
    ],
)
def test_the_device_is_chosen_in_flannelds_order(settings, device):
    found = underlay(node(NAME, change=second_nic), intent(**settings))

    assert (found.dev if found else None) == device


def test_the_internal_address_does_not_choose_the_device():
    def elsewhere(facts):
        second_nic(facts)
        facts["routes"][0]["dev"] = "eth1"

    wrong = node(NAME, change=elsewhere)

    assert underlay(wrong, intent()).dev == "eth1"
    assert internal_device(wrong) == "eth0"


def test_an_underlay_has_the_devices_mtu_and_its_global_addresses():
    found = underlay(node(NAME, change=second_nic), intent(flannel_iface="eth1"))

    assert found.mtu == 9000
    assert (found.address(4), found.address(6)) == ("10.9.0.4", "fd00:9::4")
    assert (str(found.network(4)), str(found.network(6))) == ("10.9.0.0/24", "fd00:9::/64")


def test_without_a_default_route_there_is_no_device():
    def drop(facts):
        del facts["routes"][0]

    assert underlay(node(NAME, change=drop), intent()) is None
    assert endpoint(node(NAME, change=drop), intent()) is None


def test_dual_stack_wants_both_default_routes_over_one_device():
    dual = intent(CLUSTER_CIDR="172.50.0.0/16,fd00:50::/48")

    def ipv6_default(dev):
        def change(facts):
            second_nic(facts)
            facts["routes"][1]["dev"] = dev

        return change

    def drop(facts):
        del facts["routes"][1]

    assert underlay(node(NAME, change=drop), dual) is None
    assert underlay(node(NAME, change=ipv6_default("eth1")), dual) is None
    assert underlay(node(NAME, change=ipv6_default("eth0")), dual).dev == "eth0"


def test_without_kubernetes_the_public_address_chooses_the_device():
    etcd = intent(flannel_subnet_manager="etcd", flannel_etcd_endpoints="http://192.168.7.101:2379")

    assert underlay(node(NAME, change=second_nic, public_ip="10.9.0.4"), etcd).dev == "eth1"
    assert underlay(node(NAME, change=second_nic, public_ip="203.0.113.7"), etcd) is None
    assert underlay(node(NAME, change=second_nic, public_ip="203.0.113.7"), intent()).dev == "eth0"


def test_the_default_route_with_the_lowest_metric_counts():
    def second_default(facts):
        second_nic(facts)
        facts["routes"][0]["metric"] = 200
        facts["routes"].append({"dst": "0.0.0.0/0", "gateway": "10.9.0.1", "dev": "eth1", "metric": 100})

    assert underlay(node(NAME, change=second_default), intent()).dev == "eth1"


def test_a_node_that_did_not_answer_has_neither_device_nor_endpoint():
    gone = observed_node("n", "n", None, unreachable="timed out")

    assert (underlay(gone, intent()), endpoint(gone, intent()), internal_device(gone)) == (None, None, None)


def test_pod_routes_and_link_local_networks_do_not_tell_how_a_peer_is_reached():
    def running(facts):
        facts["routes"] += [
            {"dst": "172.50.1.0/24", "gateway": "172.50.1.0", "dev": "flannel.1", "onlink": True},
            {"dst": "172.50.2.0/24", "gateway": None, "dev": "cni0"},
            {"dst": "fe80::/64", "gateway": None, "dev": "cni0"},
            {"dst": "192.168.7.110/32", "gateway": None, "dev": "eth0", "table": "local", "type": "local"},
        ]

    fresh, later = (endpoint(node(NAME, change=change), intent()) for change in (None, running))

    assert later.table == fresh.table
    assert [route.dst for route in later.table] == ["0.0.0.0/0", "::/0", "172.17.0.0/16"]


def test_an_endpoint_leads_to_the_seeds_routes():
    wanted = intent(DIRECT_ROUTING="true")
    peers = endpoints(wanted, cluster())

    routes = wanted.backend.routes(peers["192.168.7.111"], peers.values(), wanted)

    assert [str(route) for route in routes] == [
        "172.50.0.0/24 via 192.168.7.101 dev eth0",
        "172.50.2.0/24 via 192.168.7.110 dev eth0",
    ]


def test_a_public_address_is_how_peers_reach_the_node():
    assert endpoint(node(NAME, public_ip="203.0.113.7"), intent()).address(4) == "203.0.113.7"
    assert endpoint(node(NAME), intent()).address(4) == NAME


@pytest.mark.parametrize(
    ("settings", "mode", "expected"),
    [
        ({}, "nftables", True),
        ({}, "iptables", False),
        ({"flannel_nftables": "false"}, "nftables", False),
        ({"PROXY_MODE": "nftables"}, "unknown", True),
    ],
)
def test_nftables_as_set_or_as_kube_proxy_does(settings, mode, expected):
    def proxy(facts):
        facts["filters"]["kube_proxy_mode"] = mode

    assert uses_nftables(intent(**settings), cluster(proxy)) is expected


def test_facts_of_another_shape_are_refused():
    with pytest.raises(ModelError):
        observed_node("n", "n", {"links": [{}]})


def test_labels_name_the_host_where_it_differs():
    assert observed_node("node1", "node1").label == "node1"
    assert observed_node("node1", "192.168.7.110").label == "node1 (192.168.7.110)"
