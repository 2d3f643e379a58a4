# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a path that was not reached says, and paths that nobody probed."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._report import REPORTS
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._result import as_result
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._run import ask
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import healthy

NODE1, NODE2 = "k8s-node1", "k8s-node2"


def answered(world, **failure):
    """Every probe is answered, but with ``failure`` those from a pod of k8s-node1 to one of k8s-node2."""
    there = (world.nodes[NODE2] or {}).get("node", {}).get("pods", [])
    of_node2 = {address for pod in there for address in pod["addresses"]}
    for host, asked in ask(world.scene(), "sample").items():
        results = []
        for probe in asked["probes"]:
            told = {"id": probe["id"], "reachable": True, "sent": 3}
            hit = host == NODE1 and probe["source"] != "node" and probe["target"] in of_node2
            results.append({**told, **failure} if hit else told)
        moved = {"tx_packets": 99, "rx_packets": 99}
        world.answers[host] = {"results": results, "counters": dict.fromkeys(asked["counters"], moved)}
    return world.judge()


def result_of(verification, fail_on="error"):
    return as_result(
        verification, collection="0", created="2026-01-01T00:00:00Z", fail_on=fail_on, declared=True, settings={}
    )


@pytest.mark.parametrize(
    ("cause", "advice"),
    [
        ("silence", "NetworkPolicy may forbid it"),
        ("unreachable", "default route"),
        ("prohibited", "packet filter"),
        ("loop", "Compare the routes"),
        ("local", "its own kernel"),
    ],
)
def test_the_hint_follows_the_cause(cause, advice):
    found = answered(healthy(), reachable=False, error="so it is", cause=cause).findings

    assert {(one.id, one.node) for one in found} == {("pod-unreachable", NODE1)}
    assert advice in found[0].hint


@pytest.mark.parametrize(
    ("plugin", "guarded", "severity"),
    [
        ("calico", [], "error"),
        ("calico", ["other"], "error"),
        ("calico", ["default"], "warning"),
        ("calico", [""], "warning"),
        ("flannel", ["default"], "error"),
    ],
)
def test_what_a_policy_may_forbid_is_a_warning_where_policies_are_enforced(plugin, guarded, severity):
    world = healthy(network_plugin=plugin, **({"calico_ipip_mode": "off"} if plugin == "calico" else {}))
    world.api["guarded"] = guarded
    found = list(answered(world, reachable=False, error="so it is", cause="silence").findings)

    assert {(one.id, one.severity) for one in found} == {("pod-unreachable", severity)}
    assert found[0].hint.startswith("A NetworkPolicy may forbid it") == (severity == "warning")


@pytest.mark.parametrize("cause", ["no-source", "failed"])
def test_a_probe_that_was_never_sent_says_nothing_about_the_path(cause):
    found = answered(healthy(), reachable=False, sent=0, error="the pod has gone", cause=cause).findings

    assert {(one.id, one.severity) for one in found} == {("probe-impossible", "info")}


def test_a_run_on_one_host_says_that_no_path_to_another_node_was_probed():
    world = healthy()
    for name in world.hosts:
        if name != NODE1:
            world.nodes[name] = None

    gaps = result_of(answered(world))["gaps"]

    assert [gap["what"] for gap in gaps] == ["paths between nodes"]
    assert result_of(answered(healthy()))["gaps"] == []


def test_errors_that_nothing_is_made_of_are_not_called_passed():
    bad = answered(healthy(), reachable=False, error="so it is", cause="silence")

    assert REPORTS["text"].render(result_of(bad)).startswith("Verification FAILED:")
    assert REPORTS["text"].render(result_of(bad, "never")).startswith("Verification DONE:")
    assert REPORTS["text"].render(result_of(answered(healthy()), "never")).startswith("Verification PASSED:")


@pytest.mark.parametrize(
    ("backend", "port"), [("vxlan", "udp port 8472"), ("ipip", "IP protocol 4 (ipip)"), ("host-gw", None)]
)
def test_where_nobody_says_anything_the_hint_names_what_has_to_pass(backend, port):
    found = answered(healthy(flannel_backend=backend), reachable=False, error="no answer", cause="silence").findings
    (hint,) = {one.hint for one in found if one.id == "pod-unreachable"}
    assert hint.startswith(f"Let {port} pass between the nodes; else read" if port else "Read the findings")
