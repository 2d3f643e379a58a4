# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever interrupts a change: it ends verified, forward or back, the operator is told, and nothing is lost.

Every change is measured from its first write to its proof, however many runs that took.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from testing import lab, runs, seed

LONG = os.environ.get("SWITCHYARD_LONG") == "1"
VXLAN, HOST_GW = {"flannel_backend": "vxlan"}, {"flannel_backend": "host-gw"}
LABELS = {"vxlan": "flannel vxlan", "host-gw": "flannel host-gw"}
MODES = {"vxlan": "flannel_vxlan", "host-gw": "flannel_hostgw"}
OTHER = {"vxlan": "host-gw", "host-gw": "vxlan"}
MISSING = "lab/flannel:v0.28.10-of-nobody"
METER = re.compile(r"(\d+) of (\d+) packets lost, longest gap ([\d.]+) ms, (\d+) of (\d+) connections broken")

# A line of output that marks each step of a change, in their order: what runs when it is printed is killed.
POINTS = {
    "taking the lease": "TASK [switchyard.cni.switch : Take the lease",
    "beginning to measure": "TASK [switchyard.cni.switch : Probe between pods",
    "rolling": "TASK [switchyard.cni.flannel : Apply the objects",
    "settling": "TASK [switchyard.cni.switch : Wait for the new network's routes",
    "judging": "TASK [switchyard.cni.switch : Judge whether all nodes",
    "writing the journal": "TASK [switchyard.cni.switch : Write down what is next",
    "sweeping": "TASK [switchyard.cni.switch : Remove what the earlier network has left",
    "verifying": "TASK [switchyard.cni.verify : Probe the paths",
    "ending the meter": "TASK [switchyard.cni.switch : Stop probing",
    "closing": "TASK [switchyard.cni.switch : Write down how the change has ended",
}


@pytest.fixture(scope="module", autouse=True)
def talking(pods) -> list[lab.Pod]:
    """The original cluster's four pods: whatever happens here, the same ones run in the end."""
    return [pod for pod in pods if pod.app == "net-test1"]


def in_force() -> str:
    """The backend that flannel's configuration names."""
    stored = lab.kubectl("get", "--namespace=kube-flannel", "configmap", "kube-flannel-cfg", "--output=json")
    return json.loads(json.loads(stored)["data"]["net-conf.json"])["Backend"]["Type"]


def must_be(backend: str, talking: list[lab.Pod]) -> None:
    """This network is in force and nothing of another is left: routes, devices, journal, lease, meter, pods."""
    mode, subnets = seed.MODES[MODES[backend]], {node.name: node.pod_cidr for node in seed.NODES.values()}
    for node in seed.NODES:
        assert lab.pod_routes(node) == mode.routes(node, subnets), node
        assert ("flannel.1" in lab.links(node)) is (backend == "vxlan"), node
        assert lab.on_node(node, "sh", "-c", "ls /run/switchyard-cni 2> /dev/null || true") == "", node
    assert in_force() == backend
    assert lab.journal()["run"] is None
    lease = lab.kubectl("get", "--namespace=kube-system", "lease", "switchyard-cni", "--output=json")
    assert not json.loads(lease)["spec"].get("holderIdentity")
    assert lab.unreachable_pairs(talking) == []
    assert {pod.name for pod in talking} <= {pod.name for pod in lab.running_pods()}


def must_have_cut_nobody_off(run: runs.Run) -> None:
    """The meter has measured: no connection broke, and no pair was cut off for as long as 100 ms."""
    dummy, sent, gap, broken, connections = (float(text) for text in METER.search(run.words).groups())
    assert sent > 0, run.words
    assert connections > 0, run.words
    assert gap < 100, run.output
    assert broken == 0, run.output


def points(one: str) -> list[str]:
    """All points in a long run, one of them otherwise."""
    return list(POINTS) if LONG else [one]


@pytest.mark.parametrize("point", points("rolling"))
def test_a_run_that_was_killed_is_finished_by_the_next_one(point, talking):
    goal = OTHER[in_force()]
    runs.kill("06.network.yml", POINTS[point], flannel_backend=goal)
    done = runs.play("06.network.yml", flannel_backend=goal).must_succeed()
    if point not in ("taking the lease", "closing"):
        assert f"{LABELS[OTHER[goal]]} to {LABELS[goal]}: done" in done.words
        must_have_cut_nobody_off(done)
    must_be(goal, talking)
    runs.play("06.network.yml", flannel_backend=goal).must_change_nothing()


@pytest.mark.parametrize("point", points("sweeping"))
def test_a_run_that_was_killed_is_undone_by_rollback(point, talking):
    before = in_force()
    runs.kill("06.network.yml", POINTS[point], flannel_backend=OTHER[before])
    if point == "taking the lease" and lab.journal()["run"] is None:
        return
    done = runs.play("rollback.yml", flannel_backend=before).must_succeed()
    if point != "closing":
        assert "Begun:" in done.words
        must_have_cut_nobody_off(done)
    must_be(before, talking)
    runs.play("06.network.yml", flannel_backend=before).must_change_nothing()


def test_an_image_that_is_missing_is_undone_by_the_run_itself(talking):
    before = in_force()
    failed = runs.play(
        "06.network.yml", flannel_backend=OTHER[before], flannel_image=MISSING, flannel_wait_timeout="15"
    )
    assert failed.status != 0
    assert f"{LABELS[OTHER[before]]}: failed at the step roll" in failed.words
    assert MISSING in failed.words
    assert f"Undone: {LABELS[before]} is back, and verified on every node that answers." in failed.words
    must_have_cut_nobody_off(failed)
    must_be(before, talking)
    runs.play("06.network.yml", flannel_backend=before).must_change_nothing()


@pytest.mark.slow
def test_a_run_that_shall_stop_stops_and_the_next_one_finishes(talking):
    before = in_force()
    stopped = runs.play(
        "06.network.yml",
        flannel_backend=OTHER[before],
        flannel_image=MISSING,
        flannel_wait_timeout="15",
        network_on_failure="stop",
    )
    assert stopped.status != 0
    assert "Stopped there. Run 06.network.yml again to finish the change, or rollback.yml to go back" in stopped.words
    must_have_cut_nobody_off(stopped)
    assert lab.journal()["run"]["outcome"] == "stopped"
    done = runs.play("06.network.yml", flannel_backend=OTHER[before]).must_succeed()
    must_have_cut_nobody_off(done)
    must_be(OTHER[before], talking)


def test_of_two_runs_at_once_the_second_says_who_the_first_is(talking):
    goal = OTHER[in_force()]
    second = []
    first = runs.meanwhile(
        "06.network.yml",
        POINTS["rolling"],
        lambda: second.append(runs.play("06.network.yml", flannel_backend=OTHER[goal])),
        flannel_backend=goal,
    ).must_succeed()
    (refused,) = second
    assert refused.status != 0
    assert re.search(r"another run = \S+ \(process \d+, .*it changes the network of this cluster since", refused.words)
    assert set(refused.changed.values()) == {0}
    must_have_cut_nobody_off(first)
    must_be(goal, talking)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["settling", "judging", "sweeping", "verifying", "ending the meter"])
def test_an_api_server_that_is_away_for_20_seconds_is_waited_for(point, talking):
    goal = OTHER[in_force()]

    def away() -> None:
        with lab.stopped_api_server():
            time.sleep(20)

    done = runs.meanwhile("06.network.yml", POINTS[point], away, flannel_backend=goal).must_succeed()
    must_have_cut_nobody_off(done)
    must_be(goal, talking)


@contextmanager
def obstructed(node: str) -> Iterator[None]:
    """flanneld cannot make its device on one node: somebody else's has its VNI."""
    try:
        lab.on_node(node, "ip", "link", "add", "other", "type", "vxlan", "id", "1", "dstport", "8472", "dev", "eth0")
        lab.on_node(node, "ip", "link", "set", "other", "up")
        yield
    finally:
        lab.on_node(node, "ip", "link", "del", "other")


@pytest.mark.slow
def test_a_flanneld_that_crash_loops_on_one_node_brings_the_network_back(talking):
    if in_force() == "vxlan":
        runs.play("06.network.yml", **HOST_GW).must_succeed()
    with obstructed("k8s-node2"):
        failed = runs.play("06.network.yml", **VXLAN, flannel_wait_timeout="20")
        assert failed.status != 0
        assert "flannel host-gw to flannel vxlan: failed at the step roll" in failed.words
        assert "k8s-node2" in failed.words
        assert "Undone: flannel host-gw is back, and verified on every node that answers." in failed.words
        must_have_cut_nobody_off(failed)
    must_be("host-gw", talking)
    must_have_cut_nobody_off(runs.play("06.network.yml", **VXLAN).must_succeed())
    must_be("vxlan", talking)


@contextmanager
def full(node: str) -> Iterator[None]:
    """Nothing more can be written where a node's agents and its container runtime keep their state."""
    try:
        lab.on_node(node, "mount", "-o", "remount,size=24m", "/run")
        lab.on_node(node, "sh", "-c", "cat /dev/zero > /run/filler || true")
        yield
    finally:
        lab.on_node(node, "rm", "-f", "/run/filler")
        lab.on_node(node, "mount", "-o", "remount,size=50%", "/run")


@pytest.mark.slow
def test_a_node_whose_disk_is_full_is_named_and_the_next_run_finishes(talking):
    before = in_force()
    with full("k8s-node1"):
        failed = runs.play("06.network.yml", flannel_backend=OTHER[before], flannel_wait_timeout="20")
        assert failed.status != 0
        assert "k8s-node1" in failed.words
        assert "The way back failed too." in failed.words or "Undone:" in failed.words
    # A flanneld that could not write its subnet.env does not try again.
    lab.kubectl("delete", "pods", "--namespace=kube-flannel", "--field-selector=spec.nodeName=k8s-node1", seconds=90)
    runs.play("06.network.yml", flannel_backend=before).must_succeed()
    must_be(before, talking)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["rolling", "settling", "sweeping", "verifying"])
def test_a_node_that_reboots_meanwhile_ends_up_with_the_others(point, talking):
    """It is restarted like a machine that loses its power; its pods come back with other addresses."""
    goal, others = OTHER[in_force()], [pod for pod in talking if pod.node != "k8s-node2"]

    def reboot() -> None:
        lab.program(["docker", "restart", "--time=0", "k8s-node2"])

    run = runs.meanwhile(
        "06.network.yml",
        POINTS[point],
        reboot,
        flannel_backend=goal,
        flannel_wait_timeout="45",
        network_allow="pods",
    )
    lab.eventually(lambda: lab.is_ready("k8s-node2"), 120, "k8s-node2 is back")
    if run.status != 0:
        assert "Undone:" in run.words or "Stopped" in run.words or "failed too" in run.words, run.output
    runs.play("06.network.yml", flannel_backend=goal, network_allow="pods").must_succeed()
    lab.kubectl("rollout", "status", "deployment/net-test1", "daemonset/web", "--timeout=90s", seconds=100)
    runs.play("06.network.yml", flannel_backend=goal, network_allow="pods").must_succeed()
    assert in_force() == goal
    assert lab.journal()["run"] is None
    assert lab.unreachable_pairs(others) == []
    runs.play("verify.yml", flannel_backend=goal).must_succeed()


DIRECT = {**VXLAN, "flannel_direct_routing": "true"}
# Every change among the three, both ways, each from where the one before it has led; it begins and ends with vxlan.
ROUND = [HOST_GW, VXLAN, DIRECT, HOST_GW, DIRECT, VXLAN]


@pytest.mark.slow
def test_among_vxlan_directrouting_and_host_gw_nobody_is_cut_off_five_times_in_a_row():
    runs.play("06.network.yml", **VXLAN).must_succeed()
    for settings in ROUND * 5:
        must_have_cut_nobody_off(runs.play("06.network.yml", **settings).must_succeed())
