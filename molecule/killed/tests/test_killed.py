# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that dies in the middle leaves nothing that the next run does not finish."""

from __future__ import annotations

import pytest
from testing import lab, runs, seed

VXLAN = {"flannel_backend": "vxlan"}
HOST_GW = {"flannel_backend": "host-gw"}


# In the order of a run: each kill meets what the one before it left behind.
POINTS = {
    "before the nodes are prepared": "PLAY [Prepare the nodes]",
    "while the nodes are prepared": "TASK [switchyard.cni.prepare : Kernel modules",
    "before the objects are applied": "PLAY [Deploy the pod network]",
    "while the objects are applied": "TASK [switchyard.cni.flannel : Apply the objects",
}


@pytest.mark.parametrize("point", POINTS)
def test_a_first_deploy_can_be_killed(point):
    runs.kill("06.network.yml", POINTS[point], **VXLAN)


def test_started_again_it_ends_well():
    done = runs.play("06.network.yml", **VXLAN).must_succeed()
    assert all(count <= 1 for count in done.changed.values())
    _shows("flannel_vxlan")
    runs.play("06.network.yml", **VXLAN).must_change_nothing()


def test_a_run_killed_before_its_proof_has_nothing_left_to_change():
    runs.kill("06.network.yml", "PLAY [Prove the pod network", **VXLAN)
    runs.play("06.network.yml", **VXLAN).must_change_nothing()


@pytest.mark.slow
def test_a_change_of_backend_killed_half_way_is_finished_by_the_next_run():
    runs.kill("06.network.yml", "TASK [switchyard.cni.flannel : Apply the objects", **HOST_GW)
    runs.play("06.network.yml", **HOST_GW).must_succeed()
    _shows("flannel_hostgw")
    runs.play("06.network.yml", **HOST_GW).must_change_nothing()


def _shows(name: str) -> None:
    """Every node routes as the mode does, and all pods reach each other."""
    pods = lab.start_pods()
    mode, subnets = seed.MODES[name], {node.name: node.pod_cidr for node in seed.NODES.values()}
    for node in seed.NODES:
        assert lab.pod_routes(node) == mode.routes(node, subnets)
    assert lab.unreachable_pairs([pod for pod in pods if pod.app == "net-test1"]) == []
