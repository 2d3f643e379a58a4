# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real API server accepts what the role calico gives it, and the way of a change is planned from what it tells."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._plan import plan_network
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import healthy, intent_of
from testing import lab, runs

MODES = {
    "IPIP": {},
    "IPIP CrossSubnet": {"calico_ipip_mode": "CrossSubnet"},
    "VXLAN": {"calico_vxlan_mode": "Always"},
    "VXLAN CrossSubnet": {"calico_vxlan_mode": "CrossSubnet", "calico_networking_backend": "vxlan"},
    "none": {"calico_ipip_mode": "off"},
    "dual stack": {
        "calico_vxlan_mode": "Always",
        "network_pod_cidr": "172.50.0.0/16,fd00:50::/48",
        "network_service_cidr": "10.68.0.0/16",
    },
    "everything": {
        "calico_typha": "true",
        "calico_wireguard": True,
        "calico_mtu": 1400,
        "calico_route_reflectors": ["k8s-node1", "k8s-node2"],
        "calico_pools": [{"name": "second", "cidr": "172.61.0.0/16", "vxlan_mode": "CrossSubnet", "disabled": True}],
        "calico_bgp_peers": [
            {
                "name": "router",
                "address": "192.168.0.254",
                "as_number": 65000,
                "password_secret": {"name": "bgp", "key": "router"},
            }
        ],
        "calico_advertise_cluster_ips": ["10.68.0.0/16"],
        "network_image_pull_secrets": ["harbor"],
    },
}
RELEASES = ["v3.32.1", "v3.33.0"]
AGENT = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: calico-node, namespace: kube-system}
spec:
  selector: {matchLabels: {k8s-app: calico-node}}
  template:
    metadata: {labels: {k8s-app: calico-node}}
    spec:
      nodeSelector: {lab/nowhere: "true"}
      containers: [{name: calico-node, image: "quay.io/calico/node:v3.32.1"}]
"""
CALICO = {"network_plugin": "calico"}


def plan_of(**settings: Any) -> dict[str, Any]:
    """The plan of a first deployment on the original cluster."""
    nodes = healthy(**CALICO, **{**settings, "network_pod_cidr": "172.50.0.0/16"}).scene().observed
    plan = plan_network(intent_of(**CALICO, **settings), nodes).as_result()
    kubeconfig = str(runs.ROOT / ".lab" / "kubeconfig")
    return {**plan, "api": {"kubeconfig": kubeconfig, "context": "", "namespaces": ["kube-system"]}}


def apply(what: str, *words: str) -> None:
    done = subprocess.run(
        [*lab.KUBECTL, *(words or ("apply", "--server-side", "--field-manager=switchyard.cni", "--filename=-"))],
        input=what,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module", autouse=True)
def defined() -> None:
    """The definitions, really applied: a dry run cannot judge resources that are not defined."""
    apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": plan_of()["calico"]["crds"]}))
    lab.kubectl("wait", "--for=condition=Established", "crds", "--all", "--timeout=30s")


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", MODES)
def test_the_api_server_accepts_every_object(name, release, tmp_path):
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"deploy_plan": plan_of(**MODES[name], calico_version=release)}), encoding="utf-8")
    playbook = runs.ROOT / "molecule" / "calico_objects" / "accept.yml"
    argv = [runs.PLAYBOOK, str(playbook), "--check", "--diff", f"--extra-vars=@{plan}"]
    done = subprocess.run(
        argv, cwd=runs.ROOT, env=runs.environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "DaemonSet kube-system/calico-node: " in done.stdout
    assert "IPPool default-ipv4-ippool: " in done.stdout
    assert lab.objects("daemonsets", "--namespace=kube-system") == []


@pytest.fixture(scope="module")
def planted(defined) -> None:
    """A cluster whose API server says that Calico runs without encapsulation; none of it does."""
    (pool,) = (one for one in plan_of(calico_ipip_mode="off")["calico"]["resources"] if one["kind"] == "IPPool")
    apply(json.dumps(pool))
    apply(AGENT)
    yield
    apply(AGENT, "delete", "--filename=-")


def planned(**settings: str) -> runs.Run:
    return runs.play("plan.yml", **CALICO, **settings)


def test_the_way_of_a_change_is_planned_from_the_ippool_that_is_there(planted):
    told = planned(calico_vxlan_mode="Always")
    told.must_change_nothing()
    assert "Switch: calico no encapsulation (BGP) to calico VXLAN; live:" in told.words
    assert (
        "On the way: bring up the VXLAN tunnels, which carry nothing yet; VXLAN CrossSubnet; "
        "give the tunnels their addresses out of the pod network." in told.words
    )


def test_another_pod_network_is_planned_beside_the_ippool_that_is_there_and_only_with_leave(planted):
    after = {"calico_ipip_mode": "off", "network_pod_cidr": "172.60.0.0/16"}
    refused = planned(**after)
    assert refused.status != 0
    assert "pods leave 172.50.0.0/16 for 172.60.0.0/16: each of them is made anew, node by node" in refused.words
    told = planned(**after, network_allow="cidr")
    told.must_change_nothing()
    assert "On the way: no encapsulation, with the new network beside the earlier one; give new pods" in told.words
    assert "Last: what is left of 172.50.0.0/16: IPPools, blocks and affinities." in told.words


def test_what_runs_needs_no_way(planted):
    told = planned(calico_ipip_mode="off")
    told.must_change_nothing()
    assert "Switch:" not in told.words


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"calico_ipip_mode": "Always"}, "needs CONFIG_NET_IPIP"),
        ({"calico_ipip_mode": "off", "calico_block_size": "24"}, "the IPPool default-ipv4-ippool has blocks of /26"),
        (
            {"calico_ipip_mode": "off", "network_pod_cidr": "172.50.0.0/17"},
            "overlaps the IPPool default-ipv4-ippool, 172.50.0.0/16",
        ),
    ],
)
def test_what_the_cluster_cannot_follow_is_refused(settings, reason, planted):
    if "IPIP" in reason and lab.succeeds(["docker", "exec", "k8s-node1", "ip", "link", "show", "tunl0"]):
        pytest.skip("this kernel has ipip (CONFIG_NET_IPIP)")
    told = planned(**settings)
    assert told.status != 0
    assert reason in told.words


def test_a_calico_of_tigera_operator_is_left_to_it(planted):
    group = "operator.tigera.io"
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"installations.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": "Installation", "plural": "installations"},
            "scope": "Cluster",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": free}}],
        },
    }
    try:
        apply(json.dumps(definition))
        lab.kubectl("wait", "--for=condition=Established", f"crd/installations.{group}", "--timeout=30s")
        apply(json.dumps({"apiVersion": f"{group}/v1", "kind": "Installation", "metadata": {"name": "default"}}))
        told = planned(calico_vxlan_mode="Always")
        assert told.status != 0
        assert "belongs to tigera-operator" in told.words
    finally:
        lab.kubectl("delete", "--ignore-not-found", f"crd/installations.{group}")
