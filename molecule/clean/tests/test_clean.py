# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""99.clean.yml leaves a cluster that lacks nothing but its pod network, and nothing of anybody else's is touched."""

from __future__ import annotations

import json

import pytest
from testing import lab, runs, seed

NODE = "k8s-node1"
CONFIRMED = {"clean_confirmed": "true"}
# What looks like flannel's and is the operator's.
MINE = """
ip route add 172.60.77.0/24 via 192.168.7.1 proto static
ip link add flannel.9 type bridge
iptables -N MY-FLANNEL
iptables -A FORWARD -j MY-FLANNEL
echo mine > /run/flannel-mine
"""
NO_LONGER_MINE = """
ip route del 172.60.77.0/24
ip link del flannel.9
iptables -D FORWARD -j MY-FLANNEL
iptables -X MY-FLANNEL
rm /run/flannel-mine
"""


@pytest.fixture(scope="module", autouse=True)
def running(pods) -> list[lab.Pod]:
    """Pods run on every node."""
    return pods


@pytest.fixture(scope="module", autouse=True)
def mine() -> None:
    """Some things of the operator's on one node."""
    try:
        lab.on_node(NODE, "sh", "-ec", MINE)
        yield
    finally:
        lab.on_node(NODE, "sh", "-c", NO_LONGER_MINE)


def service_chains(node: str) -> list[str]:
    """kube-proxy's own rules, without those of pods, which it takes back itself when their nodes are NotReady."""
    saved = lab.on_node(node, "iptables-save").splitlines()
    return sorted(line for line in saved if line.startswith("-A KUBE-") and "default/web" not in line)


def ready(status: str) -> bool:
    """Whether every kubelet says so of its node, for want of nothing but a pod network."""
    told = lab.readiness().values()
    return all(one["status"] == status and (status == "True" or "cni" in one["message"]) for one in told)


def must_be_clean(node: str) -> None:
    """Nothing of flannel is left on a node."""
    assert lab.pod_routes(node) == set()
    assert not {"flannel.1", "cni0"} & set(lab.links(node))
    assert "FLANNEL-" not in lab.on_node(node, "iptables-save")
    assert "10-flannel.conflist" not in lab.on_node(node, "ls", "/etc/cni/net.d")
    assert not lab.succeeds(["docker", "exec", node, "test", "-e", "/run/flannel/subnet.env"])
    assert not lab.succeeds(["docker", "exec", node, "pgrep", "-x", "flanneld"])


def must_be_gone() -> None:
    """Nothing of flannel is left in the cluster, and on none of its nodes."""
    for node in seed.NODES:
        must_be_clean(node)
    assert lab.objects("daemonsets", "--all-namespaces", "--selector=app=flannel") == []
    assert (
        lab.objects("configmaps", "--namespace=kube-flannel", "--field-selector=metadata.name=kube-flannel-cfg") == []
    )
    notes = [key for node in lab.objects("nodes") for key in node["metadata"]["annotations"]]
    assert not [key for key in notes if key.startswith("flannel.")]


def must_work() -> None:
    """The pod network is there again, and new pods talk."""
    lab.eventually(lambda: ready("True"), 60, "every node is Ready")
    # Pods of before have no network any more.
    lab.kubectl("delete", "pods", "--selector=run in (net-test1,web)", "--wait=true", seconds=90)
    pods = [pod for pod in lab.start_pods() if pod.app == "net-test1"]
    assert lab.unreachable_pairs(pods) == []


def test_nothing_goes_where_nobody_has_agreed():
    before = runs.state_of()
    refused = runs.play("99.clean.yml")
    assert refused.status != 0
    assert "Nothing has been changed: nobody has agreed" in refused.words
    assert "clean_confirmed=true" in refused.words
    assert "lose their network until they are made anew" in refused.words
    assert set(refused.changed.values()) == {0}
    assert runs.state_of() == before


def test_a_dry_run_lists_it_and_changes_nothing():
    before = runs.state_of()
    dry = runs.play("99.clean.yml", "--check", "--diff").must_succeed()
    assert "remove device flannel.1" in dry.words
    assert "FLANNEL-FWD" in dry.words
    assert runs.state_of() == before


def test_a_clean_leaves_nothing_of_flannel_and_all_of_everybody_elses():
    rules = {node: service_chains(node) for node in seed.NODES}
    done = runs.play("99.clean.yml", **CONFIRMED).must_succeed()
    assert "Clean: no pod network is left on 3 nodes, and no reboot is needed." in done.words
    must_be_gone()
    for node in seed.NODES:
        assert service_chains(node) == rules[node]
    lab.eventually(lambda: ready("False"), 60, "every kubelet misses its pod network")
    assert lab.on_node(NODE, "ip", "route", "show", "172.60.77.0/24")
    assert "flannel.9" in lab.links(NODE)
    assert "-A FORWARD -j MY-FLANNEL" in lab.on_node(NODE, "iptables-save")
    assert lab.on_node(NODE, "cat", "/run/flannel-mine") == "mine\n"


def test_a_second_clean_changes_nothing():
    again = runs.play("99.clean.yml").must_change_nothing()
    assert "Clean: nothing is left of any plugin." in again.words


def test_the_network_comes_back_by_the_command_that_deploys_it():
    done = runs.play("06.network.yml").must_succeed()
    assert "Deploy: flannel, backend vxlan" in done.words
    must_work()
    runs.play("06.network.yml").must_change_nothing()


def test_a_clean_of_the_nodes_cni_state_goes_further_and_rollback_brings_the_network_back():
    runs.play("99.clean.yml", **CONFIRMED, clean_scope="node").must_succeed()
    must_be_gone()
    for node in seed.NODES:
        assert not lab.succeeds(["docker", "exec", node, "test", "-e", "/var/lib/cni"])
        assert not lab.succeeds(["docker", "exec", node, "test", "-e", "/opt/cni/bin/flannel"])
        assert lab.succeeds(["docker", "exec", node, "test", "-e", "/opt/cni/bin/bridge"])
    journal = lab.kubectl("get", "--namespace=kube-system", "configmap", "switchyard-cni", "--output=json")
    assert json.loads(json.loads(journal)["data"]["journal.json"])["verified"]["label"] == "no pod network"
    runs.play("rollback.yml").must_succeed()
    must_work()


def test_in_the_end_a_run_changes_nothing():
    runs.play("06.network.yml").must_change_nothing()
