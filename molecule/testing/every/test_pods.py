# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pods see: their MTU, the way to each other, services."""

from __future__ import annotations

import pytest
from testing import lab, seed

# The original cluster's pods, two on each worker, and a web server on each node.
PODS = [("net-test1", "k8s-node1", 0), ("net-test1", "k8s-node1", 1), ("net-test1", "k8s-node2", 0)]
PODS += [("net-test1", "k8s-node2", 1), *(("web", node, 0) for node in seed.NODES)]
WAYS = [("k8s-node1", "k8s-node2"), ("k8s-node2", "k8s-node1"), ("k8s-node1", "k8s-master1")]
WAYS += [("k8s-master1", "k8s-node2")]


def _pod(pods: list[lab.Pod], app: str, node: str, number: int = 0) -> lab.Pod:
    return [pod for pod in pods if (pod.app, pod.node) == (app, node)][number]


@pytest.fixture(params=PODS, ids=lambda place: "-".join(map(str, place)))
def pod(request, pods) -> lab.Pod:
    return _pod(pods, *request.param)


def test_a_pods_address_is_in_its_nodes_subnet(pod, subnets):
    assert pod.address in map(str, subnets[pod.node].hosts())


def test_a_pods_mtu_leaves_room_for_the_encapsulation(pod, mode):
    assert int(pod.run("cat", "/sys/class/net/eth0/mtu")) == mode.mtu


def test_a_pod_reaches_every_other_pod(pod, pods):
    assert [other for other in pods if other is not pod and not pod.reaches(other.address)] == []


def test_a_packet_that_fills_the_mtu_reaches_every_node(pod, mode, pods):
    size = str(mode.mtu - 28)  # IPv4 and ICMP headers
    for node in seed.NODES:
        target = _pod(pods, "web", node)
        if target is not pod:
            assert "1 packets received" in pod.run("ping", "-c", "1", "-W", "2", "-s", size, target.address)


def test_a_pod_gets_an_answer_from_the_service(pod):
    address = lab.kubectl("get", "service", "web", "--output=jsonpath={.spec.clusterIP}")
    assert address.startswith("10.68.")
    assert pod.run("wget", "-q", "-O", "-", f"http://{address}/").startswith("served by k8s-")


@pytest.mark.parametrize(("source", "destination"), WAYS, ids=lambda node: node)
def test_traceroute_shows_the_modes_hops(pods, subnets, mode, source, destination):
    start = _pod(pods, "web", source)
    target = _pod(pods, "web", destination)
    assert _hops(start, target) == mode.hops(source, destination, target.address, subnets)


def test_traceroute_between_pods_of_one_node_shows_the_pod_alone(pods):
    start, target = (_pod(pods, "net-test1", "k8s-node1", number) for number in (0, 1))
    assert _hops(start, target) == [target.address]


def _hops(start: lab.Pod, target: lab.Pod) -> list[str]:
    """The address of each hop; a star where nobody answered."""
    lines = start.run("traceroute", "-n", "-q", "1", "-w", "2", "-m", "6", target.address).splitlines()[1:]
    return [line.split()[1] for line in lines]
