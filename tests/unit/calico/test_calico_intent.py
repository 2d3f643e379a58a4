# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What contradicts itself in the settings of Calico, each with the variable, the value and the way out."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import build_intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import resolve
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import SETTINGS, intent_of

POOL = {"name": "second", "cidr": "172.61.0.0/16"}
PEER = {"name": "router", "address": "192.168.0.254", "as_number": 65000}


def problems(**settings):
    values, wrong = resolve({**SETTINGS, "network_plugin": "calico", **settings})
    return wrong + build_intent(values)[1]


@pytest.mark.parametrize(
    ("settings", "variable", "reason"),
    [
        ({"calico_ipip_mode": "Always", "calico_vxlan_mode": "Always"}, "calico_ipip_mode", "one encapsulation"),
        ({"network_pod_cidr": "fd00:50::/48", "network_service_cidr": ""}, "network_pod_cidr", "IPIP cannot carry"),
        ({"calico_block_size": 15}, "calico_block_size", "out of range"),
        ({"network_pod_cidr": "172.50.0.0/28"}, "calico_block_size", "larger than the pod network"),
        ({"calico_prearm_cidr": "198.18"}, "calico_prearm_cidr", "is not a network"),
        ({"calico_prearm_cidr": "172.50.8.0/24"}, "calico_prearm_cidr", "overlaps 172.50.0.0/16"),
        ({"calico_networking_backend": "vxlan"}, "calico_networking_backend", "nobody would write the routes of IPIP"),
        ({"calico_networking_backend": "none"}, "calico_networking_backend", "starts no BIRD"),
        (
            {"calico_wireguard": True, "calico_ipip_mode": "off", "network_pod_cidr": "172.50.0.0/16,fd00:50::/48"},
            "calico_wireguard",
            "encrypts IPv4 only here",
        ),
        ({"calico_ip_autodetection_method": "eth0"}, "calico_ip_autodetection_method", "no way to find"),
        ({"calico_ip_autodetection_method": "interface="}, "calico_ip_autodetection_method", "no way to find"),
        ({"calico_route_reflectors": ["k8s-node1"]}, "calico_route_reflectors", "single point of failure"),
        ({"calico_route_reflector_cluster_id": "rr"}, "calico_route_reflector_cluster_id", "no cluster ID"),
        ({"calico_advertise_cluster_ips": ["10.68.0.0"]}, "calico_advertise_cluster_ips", None),
        ({"network_rollout": "canary"}, "network_rollout", "for all nodes at once"),
        ({"calico_advertise_cluster_ips": ["10.68"]}, "calico_advertise_cluster_ips", "is not a CIDR"),
        ({"calico_pools": ["172.61.0.0/16"]}, "calico_pools", "is not a mapping"),
        ({"calico_pools": [{"name": "second"}]}, "calico_pools", "second has no cidr"),
        ({"calico_pools": [{**POOL, "mode": "IPIP"}]}, "calico_pools", "there is no mode"),
        ({"calico_pools": [{**POOL, "name": "Second"}]}, "calico_pools", "lower-case"),
        ({"calico_pools": [{**POOL, "ipip_mode": "on"}]}, "calico_pools", "ipip_mode is on"),
        ({"calico_pools": [{**POOL, "disabled": "perhaps"}]}, "calico_pools", "disabled is perhaps"),
        (
            {"calico_pools": [{**POOL, "ipip_mode": "Always", "vxlan_mode": "Always"}]},
            "calico_pools",
            "one encapsulation",
        ),
        ({"calico_pools": [{**POOL, "cidr": "fd00:61::/64", "ipip_mode": "Always"}]}, "calico_pools", "is IPv6"),
        ({"calico_pools": [{**POOL, "block_size": 12}]}, "calico_pools", "cannot be cut into blocks"),
        ({"calico_pools": [{**POOL, "cidr": "172.50.8.0/24"}]}, "calico_pools", "overlaps the pod network"),
        ({"calico_pools": [{**POOL, "cidr": "10.68.8.0/24"}]}, "calico_pools", "overlaps the service network"),
        ({"calico_pools": [POOL, {**POOL, "name": "third"}]}, "calico_pools", "overlaps that of second"),
        ({"calico_pools": [{**POOL, "name": "default-ipv4-ippool"}]}, "calico_pools", "the name of two IPPools"),
        ({"calico_bgp_peers": [{"name": "router"}]}, "calico_bgp_peers", "router has no"),
        ({"calico_bgp_peers": [{**PEER, "as_number": 0}]}, "calico_bgp_peers", "out of range"),
        ({"calico_bgp_peers": [{**PEER, "address": "router"}]}, "calico_bgp_peers", "router"),
        ({"calico_bgp_peers": [{**PEER, "node": "a", "node_selector": "all()"}]}, "calico_bgp_peers", "exclude"),
    ],
)
def test_what_cannot_be_is_named_with_the_way_out(settings, variable, reason):
    found = problems(**settings)
    if reason is None:
        assert found == []
        return
    assert [(one.variable, reason in one.reason) for one in found] == [(variable, True)], list(map(str, found))
    assert all(one.remedy for one in found)


def test_ipip_is_what_calico_does_unless_vxlan_is_asked_for():
    assert intent_of(network_plugin="calico").backend.label == "IPIP"
    assert intent_of(network_plugin="calico", calico_vxlan_mode="CrossSubnet").backend.label == "VXLAN CrossSubnet"
    assert intent_of(network_plugin="calico", calico_ipip_mode="off").backend.label == "no encapsulation (BGP)"


def test_further_pools_and_peers_are_values():
    peer = {**PEER, "node_selector": "rack == 'a'", "password_secret": {"name": "bgp", "key": "router"}}
    calico = intent_of(network_plugin="calico", calico_pools=[POOL], calico_bgp_peers=[peer]).calico
    assert [(one.name, str(one.cidr), one.block_size) for one in calico.pools] == [("second", "172.61.0.0/16", 26)]
    assert [(one.as_number, one.password_secret) for one in calico.bgp_peers] == [(65000, ("bgp", "router"))]
