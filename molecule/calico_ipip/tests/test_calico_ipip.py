# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IPIP on and off on a running cluster, with the kernel's real tunl0: what the original cluster was rebooted for."""

from __future__ import annotations

from itertools import pairwise

import pytest
from testing import calico_runs, lab, seed
from testing.calico_runs import IPIP, IPIP_NEAR, NONE

ROUND = list(pairwise([IPIP, IPIP_NEAR, NONE, IPIP]))
PATIENT = {"calico_wait_timeout": "240", "calico_probe_timeout": "60", "network_meter_rate": "20"}


@pytest.fixture(scope="module", autouse=True)
def talking(pods) -> list[lab.Pod]:
    """The original cluster's four pods, made under IPIP: none of them is ever made anew."""
    return [pod for pod in pods if pod.app == "net-test1"]


@pytest.fixture(scope="module")
def booted() -> dict[str, str]:
    """When each node was booted: nothing here needs a reboot."""
    return lab.boots()


def pair(talking: list[lab.Pod]) -> tuple[lab.Pod, lab.Pod]:
    return talking[0], next(pod for pod in talking if pod.node != talking[0].node)


def tunnel_address(node: str) -> list[str]:
    return [row["local"] for row in lab.links(node).get("tunl0", {}).get("addr_info", [])]


def test_packets_take_tunl0_and_the_second_hop_is_its_other_end(talking):
    calico_runs.must_be_routed("tunl0", ["80", "bird"])
    source, target = pair(talking)
    assert [calico_runs.second_hop(source, target)] == tunnel_address(target.node)


@pytest.mark.parametrize(
    ("before", "after"), ROUND, ids=[f"{calico_runs.label(a)} to {calico_runs.label(b)}" for a, b in ROUND]
)
def test_every_change_loses_nothing_and_needs_no_reboot(before, after, talking, booted):
    counted = calico_runs.change(before, after, **PATIENT)
    calico_runs.must_have_lost_nothing(counted)
    assert calico_runs.leftovers() == []
    assert {pod.name for pod in talking} <= {pod.name for pod in lab.running_pods()}
    calico_runs.must_be_routed("tunl0" if after is IPIP else "eth0", ["80", "bird"])
    source, target = pair(talking)
    expected = tunnel_address(target.node) if after is IPIP else [seed.NODES[target.node].address]
    assert [calico_runs.second_hop(source, target)] == expected
    if after is NONE:
        assert [tunnel_address(node) for node in seed.NODES] == [[], []]
    assert lab.boots() == booted
    calico_runs.play("06.network.yml", after, **PATIENT).must_change_nothing()


def test_ipip_off_takes_the_kernels_module_along_where_that_is_asked_for(booted):
    counted = calico_runs.change(IPIP, NONE, network_unload_modules="ipip", **PATIENT)
    calico_runs.must_have_lost_nothing(counted)
    calico_runs.must_be_routed("eth0", ["bird"])
    for node in seed.NODES:
        # By lists: whoever asks for tunl0 by its name has the kernel load the module again.
        assert "tunl0" not in lab.on_node(node, "ls", "/sys/class/net").split()
        assert "ipip" not in lab.on_node(node, "cut", "-d ", "-f1", "/proc/modules").split()
    assert lab.boots() == booted
