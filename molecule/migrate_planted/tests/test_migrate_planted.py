# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""flannel takes over from a planted Calico, killed once at every step; and a Calico that cannot start is undone.

The API server, the nodes' kernels, containerd, kube-proxy and flannel are real; of Calico there is what it would have
written. With its images the scenario `migrate` does the same with the real one.
"""

from __future__ import annotations

import os

import pytest
from planted import CALICO, plant
from testing import knocking, lab, migration, runs

FLANNEL = {"flannel_backend": "vxlan", **migration.ALLOWED}
LONG = os.environ.get("SWITCHYARD_LONG") == "1"
# A line of output that marks each step, in their order: what runs when it is printed is killed.
STEPS = {
    "hold": "TASK [switchyard.cni.switch : Keep the plugin that new pods",
    "roll": "TASK [switchyard.cni.flannel : Apply the objects",
    "settle": "TASK [switchyard.cni.switch : Wait for the new network's routes",
    "move": "TASK [switchyard.cni.switch : Free the addresses",
    **({"move on": "Batch 3 of 3"} if LONG else {}),
    "retire": "TASK [switchyard.cni.clean : Remove the agents",
    "sweep": "TASK [switchyard.cni.switch : Remove what the earlier network has left",
    **({"forget": "TASK [switchyard.cni.switch : Remove its IPPools"} if LONG else {}),
    "verify": "TASK [switchyard.cni.verify : Probe the paths",
}


@pytest.fixture(scope="module", autouse=True)
def planted() -> None:
    """Pods that live in Calico's network, one workload of each kind among them."""
    plant()
    lab.kubectl("apply", f"--filename={migration.FILES / 'web.yml'}")
    lab.kubectl("rollout", "status", "daemonset/web", "--timeout=60s", seconds=70)
    migration.start_workloads()


def test_killed_at_every_step_it_goes_on_and_the_service_never_fails(planted):
    host = migration.pods_of("of-the-node")
    with knocking.at(migration.service_address(), ["k8s-node1", "k8s-master1"]) as counted:
        for step, line in STEPS.items():
            runs.kill("06.network.yml", line, **FLANNEL)
            assert lab.journal()["run"] is not None, step
        done = runs.play("06.network.yml", **FLANNEL).must_succeed()
    assert "calico VXLAN to flannel vxlan: done, and verified on every node that answers." in done.words
    migration.must_have_failed_nobody(counted)
    migration.must_be("flannel")
    assert migration.pods_of("of-the-node").keys() == host.keys()
    assert migration.pods_of("alone") == {}
    runs.play("06.network.yml", **FLANNEL).must_change_nothing()


def test_a_plugin_that_cannot_start_is_undone_and_no_pod_has_noticed():
    before = {pod.name for pod in lab.running_pods()}
    with knocking.at(migration.service_address(), ["k8s-node1", "k8s-master1"]) as counted:
        failed = runs.play("06.network.yml", **{**migration.ALLOWED, **CALICO})
    assert failed.status != 0
    assert "flannel vxlan to calico VXLAN: failed at the step roll" in failed.words
    assert "of-nobody" in failed.words
    assert "Undone: flannel vxlan is back, and verified on every node that answers." in failed.words
    migration.must_have_failed_nobody(counted)
    migration.must_be("flannel")
    assert {pod.name for pod in lab.running_pods()} == before
    runs.play("06.network.yml", **FLANNEL).must_change_nothing()
