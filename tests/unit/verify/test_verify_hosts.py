# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy rules, firewalls and bridges as nodes in namespaces showed them: what stops pods, and what only looks so."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import healthy

NODE = "k8s-node1"
TABLE_OF_A_VPN = {"dst": "172.50.1.0/24", "dev": "eth0", "table": "100"}
DEFAULT_OF_A_NIC = {"dst": "0.0.0.0/0", "gateway": "10.0.2.2", "dev": "eth1", "table": "100"}


def told(world):
    """What is found, on the one node that was changed."""
    found = world.verify().findings
    assert {one.node for one in found} <= {NODE}
    return [(one.id, one.subject, one.actual) for one in found]


# ---- policy rules


def diverted(route, **rule):
    world = healthy()
    node = world.node(NODE)
    node["routes"].append({"type": "unicast", **route})
    node["rules"] = [{"family": "inet", "priority": 99, "action": "lookup", "table": "100", **rule}]
    return [one for one, *dummy in told(world)]


@pytest.mark.parametrize(
    "selector",
    [{}, {"to": "172.50.0.0/16"}, {"from": "172.50.2.0/24"}, {"iif": "cni0"}, {"from": "192.168.7.110"}],
    ids=str,
)
def test_a_rule_that_pods_or_the_nodes_own_packets_fit_diverts_them(selector):
    assert diverted(TABLE_OF_A_VPN, **selector) == ["rule-diverts-pods"]


@pytest.mark.parametrize(
    "selector",
    [{"from": "10.0.2.15"}, {"to": "10.0.0.0/8"}, {"iif": "eth1"}, {"fwmark": "0xca6c"}, {"from": "10.0.2.15/24"}],
    ids=str,
)
def test_a_rule_for_other_packets_diverts_none(selector):
    """Clouds write such rules for every NIC, and their tables have a default route."""
    assert diverted(DEFAULT_OF_A_NIC, **selector) == []


@pytest.mark.parametrize("action", ["blackhole", "unreachable", "prohibit"])
def test_a_rule_that_refuses_needs_no_table(action):
    refusing = {"action": action, "table": None}
    assert diverted(TABLE_OF_A_VPN, to="172.50.0.0/16", **refusing) == ["rule-diverts-pods"]
    assert diverted(TABLE_OF_A_VPN, to="10.0.0.0/8", **refusing) == []


# ---- firewalls


def dropped(*rules, family="inet", **more):
    world = healthy()
    chain = {"flavour": "nft", "family": family, "table": "host", "chain": "forward", "hook": "forward"}
    world.node(NODE)["firewall"]["chains"].append({**chain, "policy": "drop", "rules": list(rules), **more})
    return told(world)


@pytest.mark.parametrize("family", ["inet", "ip"])
@pytest.mark.parametrize(
    "rules", [(), ("ct state established,related accept",), ("ct state { established, related } accept", "counter")]
)
def test_a_firewall_beside_the_agents_drops_whatever_the_agents_accepts(family, rules):
    subject = f"forward (nft, table {family} host)"
    assert dropped(*rules, family=family) == [("forward-drop", subject, "policy DROP, nothing accepts them")]


@pytest.mark.parametrize("rule", ["ip saddr 172.50.0.0/16 accept", "iifname cni0 jump pods", "iifname vmap @zones"])
def test_a_firewall_that_may_let_pods_through_is_not_judged(rule):
    assert dropped("ct state established,related accept", rule) == []


def test_a_firewall_of_which_not_all_was_told_is_not_judged():
    assert dropped("ct state established,related accept", rule_count=51) == []


def test_a_firewall_of_another_family_is_not_the_pods():
    assert dropped(family="ip6") == []


# ---- the pods' bridge


def bridge(change):
    world = healthy()
    node = world.node(NODE)
    node["links"].append({"name": "veth1", "mtu": 1450, "kind": "veth", "state": "up", "master": "cni0"})
    change(node)
    return told(world)


def down(node):
    next(one for one in node["links"] if one["name"] == "cni0")["state"] = "down"


def nameless(node):
    node["addresses"] = [one for one in node["addresses"] if one["dev"] != "cni0"]


def without_pods(change):
    def both(node):
        node["pods"] = []
        change(node)

    return both


def test_a_bridge_with_pods_is_up_and_has_their_gateways_address():
    assert bridge(down) == [("device-down", "cni0", "down")]
    assert bridge(nameless) == [("bridge-wrong-address", "cni0", "no address")]


def test_before_the_first_pod_a_bridge_may_be_anything():
    assert bridge(without_pods(down)) == []
    assert bridge(without_pods(nameless)) == []
