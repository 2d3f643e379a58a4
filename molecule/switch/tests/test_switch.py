# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One inventory variable is changed and the same command run: the running network becomes the declared one, live."""

from __future__ import annotations

import json
import os
from itertools import pairwise

import pytest
from testing import lab, runs, seed

SETTINGS = {
    "flannel_vxlan": {"flannel_backend": "vxlan"},
    "flannel_directrouting": {"flannel_backend": "vxlan", "flannel_direct_routing": "true"},
    "flannel_hostgw": {"flannel_backend": "host-gw"},
}
LABELS = {
    "flannel_vxlan": "flannel vxlan",
    "flannel_directrouting": "flannel vxlan + DirectRouting",
    "flannel_hostgw": "flannel host-gw",
}
V, D, H = SETTINGS
LONG = os.environ.get("SWITCHYARD_LONG") == "1"
# Every change among the three, both ways, each from where the one before it has led; some of them in a short run, which
# comes back with the canary.
CHANGES = list(pairwise([V, H, V, D, H, D, V] if LONG else [V, D, H]))


@pytest.fixture(scope="module", autouse=True)
def talking(pods) -> list[lab.Pod]:
    """The original cluster's four pods, made under vxlan: none of them is ever made anew."""
    return [pod for pod in pods if pod.app == "net-test1"]


@pytest.mark.parametrize(("before", "after"), CHANGES, ids=[" to ".join(change) for change in CHANGES])
def test_a_change_is_planned_made_and_proved(before, after, talking):
    planned = runs.play("plan.yml", **SETTINGS[after])
    planned.must_change_nothing()
    assert f"Switch: {LABELS[before]} to {LABELS[after]}; live:" in planned.words
    _routes_as(before)

    done = runs.play("06.network.yml", **SETTINGS[after]).must_succeed()
    assert f"{LABELS[before]} to {LABELS[after]}: done, and verified on every node that answers." in done.words
    _routes_as(after)
    assert lab.unreachable_pairs(talking) == []
    assert {pod.name for pod in talking} <= {pod.name for pod in lab.running_pods()}

    runs.play("06.network.yml", **SETTINGS[after]).must_change_nothing()


@pytest.mark.parametrize(
    ("rollout", "before", "after"),
    [({"network_rollout": "serial"}, V, H), ({"network_rollout": "canary"}, H, V)][0 if LONG else 1 :],
)
def test_single_nodes_change_first_where_the_operator_wants_that(rollout, before, after, talking):
    done = runs.play("06.network.yml", **SETTINGS[after], **rollout).must_succeed()
    assert "First: k8s-" in done.words
    assert f"{LABELS[before]} to {LABELS[after]}: done, and verified on every node that answers." in done.words
    assert " 0 of 3 connections broken." in done.words
    _routes_as(after)
    daemonset = json.loads(lab.kubectl("get", *lab.FLANNEL_DAEMONSET, "--output=json"))
    assert daemonset["spec"]["updateStrategy"]["type"] == "RollingUpdate"
    assert {pod.name for pod in talking} <= {pod.name for pod in lab.running_pods()}
    runs.play("06.network.yml", **SETTINGS[after]).must_change_nothing()


def test_a_canary_that_fails_keeps_the_others_from_changing(talking):
    before = {
        pod["metadata"]["uid"]: pod["spec"]["nodeName"] for pod in lab.objects("pods", "--namespace=kube-flannel")
    }
    canary = {"network_rollout": "canary", "network_canary": "k8s-node1", "flannel_image": "lab/flannel:of-nobody"}
    failed = runs.play("06.network.yml", **SETTINGS[H], **canary, flannel_wait_timeout="10")
    assert failed.status != 0
    assert f"Undone: {LABELS[V]} is back, and verified on every node that answers." in failed.words
    after = {pod["metadata"]["uid"] for pod in lab.objects("pods", "--namespace=kube-flannel")}
    assert {node for uid, node in before.items() if uid not in after} == {"k8s-node1"}
    _routes_as(V)
    assert lab.unreachable_pairs(talking) == []


@pytest.mark.parametrize(("before", "after"), [("vxlan", "udp"), ("udp", "vxlan")], ids=["to udp", "from udp"])
def test_a_device_that_goes_with_its_agent_takes_hardly_a_packet_along(before, after, talking):
    """flannel0 ends with flanneld: neighbours reach each other directly until the next one has its routes."""
    done = runs.play("06.network.yml", flannel_backend=after).must_succeed()
    counted = runs.measured(done, f"flannel {before} to flannel {after}")
    # Without that every fifth packet was lost on the way back.
    assert int(counted["lost"]) * 100 < int(counted["sent"]), counted
    assert counted["broken"] == "0"
    assert {pod.name for pod in talking} <= {pod.name for pod in lab.running_pods()}
    for node in seed.NODES:
        assert lab.on_node(node, "ip", "route", "show", "proto", "201") == "", "held for the way only"


def test_a_dry_run_changes_nothing():
    before = runs.state_of()
    dry = runs.play("06.network.yml", "--check", "--diff", **SETTINGS[H]).must_succeed()
    assert "Switch: flannel vxlan to flannel host-gw; live:" in dry.words
    assert runs.state_of() == before
    _routes_as(V)


def _routes_as(name: str) -> None:
    subnets = {node.name: node.pod_cidr for node in seed.NODES.values()}
    for node in seed.NODES:
        assert lab.pod_routes(node) == seed.MODES[name].routes(node, subnets), (name, node)


PRECIOUS = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: precious}
spec:
  minAvailable: 3
  selector: {matchLabels: {run: net-test1}}
---
apiVersion: v1
kind: Pod
metadata: {name: naked, labels: {run: naked}}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: naked, image: IMAGE, imagePullPolicy: Never, command: [sleep, infinity]}]
"""


def test_pods_with_too_large_an_mtu_are_made_anew_where_that_is_allowed(tmp_path):
    """Pods that were made under host-gw have 1500 bytes, which no VXLAN carries."""
    runs.play("06.network.yml", **SETTINGS[H]).must_succeed()
    lab.kubectl("rollout", "restart", "deployment/net-test1")
    lab.kubectl("rollout", "status", "deployment/net-test1", "--timeout=90s", seconds=100)
    image = lab.objects("pods", "--selector=run=net-test1")[0]["spec"]["containers"][0]["image"]
    objects = tmp_path / "precious.yml"
    objects.write_text(PRECIOUS.replace("IMAGE", image), encoding="utf-8")
    try:
        lab.kubectl("apply", f"--filename={objects}")
        lab.kubectl("wait", "--for=condition=Ready", "pod/naked", "--timeout=60s", seconds=70)
        before = {pod["metadata"]["name"] for pod in lab.objects("pods", "--selector=run=net-test1")}

        refused = runs.play("06.network.yml", **SETTINGS[V])
        assert refused.status != 0
        assert "network_allow = (empty): 5 pods have a larger MTU than vxlan carries" in refused.words

        done = runs.play("06.network.yml", **SETTINGS[V], network_allow="pods").must_succeed()
        assert "Steps: roll, settle, sweep, renew, verify." in done.words
        assert "default/naked: keeps its larger MTU: no controller would make it anew" in done.words
        running = [pod for pod in lab.running_pods() if pod.app == "net-test1"]
        assert before.isdisjoint(pod.name for pod in running)
        assert lab.unreachable_pairs(running) == []
        runs.play("06.network.yml", **SETTINGS[V]).must_change_nothing()
    finally:
        lab.kubectl("delete", "--ignore-not-found", f"--filename={objects}")
