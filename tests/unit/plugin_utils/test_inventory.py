# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From variables and the API server's answer to observed nodes: who is who, and what two hosts see differently."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils import _inventory
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster, Roster
from ansible_collections.switchyard.cni.tests.unit.plugin_utils.cluster_facts import facts

NONE = {"network_node_name": "", "flannel_public_ip": ""}


def node_object(name, address, cidr="172.50.2.0/24"):
    return {"name": name, "pod_cidrs": [cidr], "internal_ips": [address]}


NODES = [node_object("k8s-node1", "192.168.7.110"), node_object("other", "192.168.7.111")]
CLUSTER = Roster(Cluster.from_dict({"nodes": NODES}).members)


def answer(address="192.168.7.110", **changes):
    return {"node": facts(address, **changes)}


@pytest.mark.parametrize(
    ("host", "own", "hostname"),
    [
        ("k8s-node1", NONE, "x"),
        ("worker-a", {**NONE, "network_node_name": "k8s-node1"}, "x"),
        ("192.168.7.110", NONE, "k8s-node1"),
        ("192.168.7.110", NONE, "x"),
    ],
)
def test_a_host_finds_its_node_by_name_or_address(host, own, hostname):
    found = _inventory.observe(host, answer(hostname=hostname), own, CLUSTER)
    assert (found.name, found.registered) == ("k8s-node1", True)
    assert [str(cidr) for cidr in found.pod_cidrs] == ["172.50.2.0/24"]


def test_a_host_without_a_node_is_not_registered():
    found = _inventory.observe("k8s-node9", answer("192.168.7.99"), NONE, CLUSTER)
    assert found.registered is False


def test_nobody_knows_whether_it_is_registered_when_the_api_server_was_not_asked():
    assert _inventory.observe("k8s-node1", answer(), NONE, None).registered is None


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (None, "--limit"),
        ({"unreachable": True, "msg": "no route to host"}, "no route to host"),
        ({"failed": True, "msg": "python3 is missing"}, "python3 is missing"),
    ],
)
def test_a_host_that_told_nothing_says_why(result, said):
    found = _inventory.observe("k8s-node1", result, NONE, CLUSTER)
    assert found.facts is None
    assert said in found.unreachable


def test_facts_of_another_shape_are_a_reason_and_no_crash():
    found = _inventory.observe("k8s-node1", {"node": {"hostname": "x", "links": [{"mtu": "a"}]}}, NONE, CLUSTER)
    assert found.facts is None
    assert "cannot be read" in found.unreachable


def test_results_of_the_playbooks_are_no_settings():
    variables = {
        "network_plan": 1,
        "network_observed": 1,
        "CLUSTER_CIDR": "x",
        "flannel_bakend": "y",
        "ansible_host": "z",
    }
    assert _inventory.setting_names(variables) == ["CLUSTER_CIDR", "flannel_bakend"]


def test_two_hosts_that_see_different_settings_are_told_but_not_their_own_ones():
    first = {"flannel_backend": "vxlan", "network_node_name": "a", "flannel_wireguard_psk": "one"}
    second = {"flannel_backend": "udp", "network_node_name": "b", "flannel_wireguard_psk": "two"}
    problems = _inventory.disagreements(first, "localhost", second, "k8s-master1")
    assert [problem.variable for problem in problems] == ["flannel_backend", "flannel_wireguard_psk"]
    text = " ".join(map(str, problems))
    assert "udp" in text
    assert "one" not in text.split()
    assert "two" not in text


def test_kubeaszs_name_of_a_node_is_read_and_an_empty_one_is_not():
    read = {"k8s_nodename": "k8s-node1", "flannel_public_ip": ""}
    assert _inventory.host_values(read, read.get) == {"network_node_name": "k8s-node1", "flannel_public_ip": ""}
