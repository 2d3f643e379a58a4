# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong around a run: one message that says it, nothing half-done, and a repair by the next run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from testing import lab, runs, seed

MISSING = "lab/flannel:v0.28.10-of-nobody"
# A run that would change a lot if it got that far.
OTHER_BACKEND = {"flannel_backend": "host-gw"}


@pytest.fixture(scope="module", autouse=True)
def talking(pods) -> list[lab.Pod]:
    """The original cluster's four pods: whatever happens here, they never lose each other."""
    return [pod for pod in pods if pod.app == "net-test1"]


def test_an_image_that_cannot_be_pulled_is_named_with_node_and_reason(talking):
    failed = runs.play("06.network.yml", flannel_image=MISSING, flannel_wait_timeout="60")
    assert failed.status != 0
    assert MISSING in failed.words
    assert "ErrImagePull" in failed.words or "ImagePullBackOff" in failed.words, failed.output
    assert all(node in failed.words for node in seed.NODES)
    assert lab.unreachable_pairs(talking) == []


def test_the_right_image_repairs_it(talking):
    repaired = runs.play("06.network.yml").must_succeed()
    assert repaired.changed["localhost"] == 1
    running = lab.objects("pods", "--namespace=kube-flannel")
    assert {pod["spec"]["nodeName"] for pod in running} == set(seed.NODES)
    assert all(pod["status"]["containerStatuses"][0]["ready"] for pod in running)
    runs.play("06.network.yml").must_change_nothing()
    assert lab.unreachable_pairs(talking) == []


def test_an_api_server_that_is_down_is_one_error_and_no_change(talking):
    before = runs.state_of()
    with lab.stopped_api_server():
        failed = runs.play("06.network.yml", **OTHER_BACKEND)
        assert failed.status != 0
        assert "1 problem to solve first" in failed.words
        assert "network_kubeconfig" in failed.words
        assert set(failed.changed.values()) == {0}
        assert runs.state_of() == before
    assert lab.unreachable_pairs(talking) == []


def test_a_node_that_does_not_answer_is_left_for_later_and_follows_when_it_is_back(talking):
    with _paused("k8s-node2"):
        done = runs.play("06.network.yml", **OTHER_BACKEND).must_succeed()
        assert "does not answer" in done.words
        assert "flannel vxlan to flannel host-gw: done, and verified on every node that answers." in done.words
        assert "Left for later, since they do not answer: k8s-node2." in done.words
        assert not lab.succeeds(["docker", "exec", "k8s-node1", "ip", "link", "show", "flannel.1"])
    lab.eventually(lab.is_ready, 90, "k8s-node2 is back")
    alone = runs.play("06.network.yml", "--limit", "k8s-node2", **OTHER_BACKEND)
    assert alone.status != 0
    assert "Add it to the list after --limit" in alone.words
    joined = runs.play("06.network.yml", "--limit", "k8s-node2,localhost", **OTHER_BACKEND).must_succeed()
    assert "Join: k8s-node2 did not answer when flannel vxlan became flannel host-gw, and follows now." in joined.words
    assert not lab.succeeds(["docker", "exec", "k8s-node2", "ip", "link", "show", "flannel.1"])
    runs.play("06.network.yml", **OTHER_BACKEND).must_change_nothing()
    runs.play("06.network.yml").must_succeed()
    assert lab.unreachable_pairs(talking) == []


@contextmanager
def _paused(name: str) -> Iterator[None]:
    try:
        lab.program(["docker", "pause", name])
        yield
    finally:
        lab.program(["docker", "unpause", name])


def test_after_all_of_that_a_run_changes_nothing(talking):
    runs.play("06.network.yml").must_change_nothing()
    assert lab.unreachable_pairs(talking) == []
