# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker restarts after the deploy: nobody runs anything, and everything comes back."""

from __future__ import annotations

import pytest
from testing import lab, runs, seed

NODE = "k8s-node2"
MODE = seed.MODES["flannel_vxlan"]
SUBNETS = {node.name: node.pod_cidr for node in seed.NODES.values()}


@pytest.fixture(scope="module", autouse=True)
def restarted(pods) -> dict[str, int]:
    """The number of starts each pod's containers had before the restart."""
    before = _restarts()
    lab.program(["docker", "restart", "--time", "5", NODE], seconds=90)
    lab.eventually(lambda: _everything_restarted(before), 90, f"every pod on {NODE} has started once more and is ready")
    return before


def _restarts() -> dict[str, int]:
    return {
        item["metadata"]["name"]: item["status"]["containerStatuses"][0]["restartCount"]
        for item in lab.objects("pods", "--all-namespaces", f"--field-selector=spec.nodeName={NODE}")
    }


def _everything_restarted(before: dict[str, int]) -> bool:
    ready = lab.objects("pods", "--all-namespaces", f"--field-selector=spec.nodeName={NODE}")
    return _restarts().items() >= {(name, count + 1) for name, count in before.items()} and all(
        item["status"]["containerStatuses"][0]["ready"] for item in ready
    )


def test_its_subnet_is_the_same():
    lines = lab.on_node(NODE, "cat", "/run/flannel/subnet.env").splitlines()
    assert dict(line.split("=", 1) for line in lines) == seed.subnet_env(MODE, SUBNETS[NODE])


@pytest.mark.parametrize("node", seed.NODES)
def test_every_nodes_routes_are_back(node):
    assert lab.pod_routes(node) == MODE.routes(node, SUBNETS)


@pytest.mark.parametrize("node", seed.NODES)
def test_every_tunnel_knows_the_new_end_by_its_mac(node):
    announced = lab.announced_in_kubernetes()
    known = {row["mac"] for row in lab.forwarding_table(node) if "dst" in row}
    assert known == {vtep.mac for peer, vtep in announced.items() if peer != node}


def test_its_sysctls_survived():
    names = ("net.ipv4.ip_forward", "net.bridge.bridge-nf-call-iptables", "net.ipv4.conf.all.rp_filter")
    assert lab.on_node(NODE, "sysctl", "-n", *names).split() == ["1", "1", "2"]


def test_all_pods_reach_each_other():
    pods = lab.running_pods()
    assert len(pods) == 7
    assert lab.unreachable_pairs(pods) == []


def test_a_run_has_nothing_to_change():
    runs.play("06.network.yml").must_change_nothing()
