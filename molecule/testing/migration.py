# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change of plugins has to leave behind, and what must not be there any more."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from . import knocking, lab, runs, seed

SECOND = IPv4Network("172.60.0.0/16")
NETWORKS = {"flannel": seed.POD_NETWORK, "calico": SECOND}
ALLOWED = {"calico_pod_cidr": str(SECOND), "network_allow": "dual,naked-pods"}
FILES = Path(__file__).parent / "files"

# All that either plugin keeps on a node, read without the collection.
_TRACES = {
    "flannel": r"""
ls /etc/cni/net.d | grep flannel
ip -o link | grep -oE 'flannel[^:@]*|cni0' | sort -u
ip -4 route | grep '172[.]50'
{ iptables-save; ip6tables-save; } 2>/dev/null | grep FLANNEL
find /run/flannel /var/lib/cni/flannel /var/lib/cni/networks/cbr0 -type f 2>/dev/null
find /var/lib/cni/results -name 'cbr0-*' 2>/dev/null
""",
    "calico": r"""
ls /etc/cni/net.d | grep calico
ip -o link | grep -oE 'vxlan.calico|tunl0.*UP' | sort -u
ip -4 route | grep '172[.]60'
{ iptables-save; ip6tables-save; } 2>/dev/null | grep -E 'cali[-:]'
ipset list -name | grep cali
find /var/lib/cni/networks/k8s-pod-network -type f 2>/dev/null
find /var/lib/cni/results -name 'k8s-pod-network-*' 2>/dev/null
""",
}
_OF_CALICO = ("ippools", "ipamblocks", "blockaffinities", "ipamhandles")


def start_workloads() -> None:
    """Start one workload of each kind, and wait for those that stay."""
    lab.kubectl("apply", f"--filename={FILES / 'workloads.yml'}")
    for name in ("deployment/good", "statefulset/store", "daemonset/of-the-node", "deployment/slow"):
        lab.kubectl("rollout", "status", name, "--timeout=60s", seconds=70)
    lab.kubectl("rollout", "status", "--namespace=closed", "deployment/target", "--timeout=60s", seconds=70)
    lab.kubectl("wait", "--for=condition=Ready", "pod/alone", "--timeout=60s", seconds=70)


def pods_of(run: str, namespace: str = "default") -> dict[str, dict[str, Any]]:
    """Return the pods of a workload that are not on their way out, by uid."""
    found = lab.objects("pods", f"--namespace={namespace}", f"--selector=run={run}")
    return {item["metadata"]["uid"]: item for item in found if "deletionTimestamp" not in item["metadata"]}


def service_address(name: str = "good") -> str:
    """Return the address of a service."""
    return lab.kubectl("get", "service", name, "--output=jsonpath={.spec.clusterIP}")


def change(label: str, **settings: str) -> knocking.Counted:
    """Run the operator's command to its end while a service is asked from two nodes; fail where it does not succeed."""
    with knocking.at(service_address(), ["k8s-node1", "k8s-master1"]) as counted:
        done = runs.play("06.network.yml", **settings).must_succeed()
    assert f"{label}: done, and verified on every node that answers." in done.words, done.output
    return counted


def must_have_failed_nobody(counted: knocking.Counted) -> None:
    """Fail where one request was not answered, or where hardly any was made."""
    assert counted.asked > 500, counted
    assert counted.failed == []


def must_be(plugin: str) -> None:
    """The plugin has every pod, and nothing is left of the other one: on nodes, in the cluster, in the journal."""
    (other,) = set(NETWORKS) - {plugin}
    for item in lab.objects("pods", "--all-namespaces"):
        if not item["spec"].get("hostNetwork") and item["status"]["phase"] == "Running":
            assert IPv4Address(item["status"]["podIP"]) in NETWORKS[plugin], item["metadata"]["name"]
    for node in seed.NODES:
        assert traces(node, other) == "", (node, other)
        assert "00-switchyard-cni.conflist" not in lab.on_node(node, "ls", "/etc/cni/net.d")
        assert lab.on_node(node, "sh", "-c", "ls /run/switchyard-cni 2>/dev/null || true") == "", "a meter is left"
        assert f"--cluster-cidr {NETWORKS[plugin]}" in lab.on_node(node, "ps", "-eo", "args"), node
    assert other not in " ".join(item["metadata"]["name"] for item in lab.objects("daemonsets", "--all-namespaces"))
    if plugin == "flannel":
        assert [kind for kind in _OF_CALICO if lab.objects(f"{kind}.crd.projectcalico.org")] == []
    assert lab.journal()["run"] is None


def traces(node: str, plugin: str) -> str:
    """Return what a plugin has on a node."""
    return lab.on_node(node, "sh", "-c", _TRACES[plugin] + "true").strip()
