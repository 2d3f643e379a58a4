# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encryption on and off on a running cluster, judged by what somebody on the wire sees."""

from __future__ import annotations

import json

import pytest
from testing import calico_runs, capture, lab, seed
from testing.calico_runs import NONE, SECRET

PATIENT = {"calico_wait_timeout": "240", "calico_probe_timeout": "60", "network_meter_rate": "20"}
SMALL = {**PATIENT, "calico_mtu": "1440"}
"""What WireGuard leaves of 1500 bytes, so that no pod has to be made anew when it comes."""

WORD = "switchyard-in-the-clear"
PORT = "17/51820"  # felix/config, WireguardListeningPort


@pytest.fixture(scope="module")
def talking() -> list[lab.Pod]:
    """The pods, made under no encapsulation with the smaller MTU."""
    calico_runs.play("06.network.yml", NONE, **SMALL, network_allow="pods").must_succeed()
    lab.kubectl("delete", "pods", "--selector=run in (net-test1,web)", "--ignore-not-found", seconds=180)
    return lab.start_pods()


@pytest.fixture(scope="module")
def booted() -> dict[str, str]:
    """When each node was booted: nothing here needs a reboot."""
    return lab.boots()


def rules(node: str) -> list[int]:
    """The priorities of the policy rules that are not the kernel's own."""
    rows = json.loads(lab.on_node(node, "ip", "-j", "-4", "rule", "show"))
    return [row["priority"] for row in rows if row["priority"] not in (0, 32766, 32767)]


def test_before_it_an_outsider_can_read_what_pods_say(talking):
    seen = capture.question(talking, WORD)
    assert (seen.kinds[PORT], seen.readable > 0) == (0, True), seen


def test_encryption_comes_and_not_a_packet_is_lost(talking, booted):
    counted = calico_runs.change(NONE, SECRET, **SMALL)
    calico_runs.must_have_lost_nothing(counted)
    seen = capture.question(talking, WORD)
    assert seen.kinds[PORT] > 5, seen
    assert seen.readable == 0, seen
    assert {node: rules(node) for node in seed.NODES} == {node: [99] for node in seed.NODES}
    assert lab.running_pods() == talking
    calico_runs.play("06.network.yml", SECRET, **SMALL).must_change_nothing()
    assert lab.boots() == booted


def test_verify_finds_a_node_that_sends_in_the_clear(talking):
    here = next(iter(seed.NODES))
    lab.on_node(here, "ip", "rule", "add", "to", str(seed.POD_NETWORK), "lookup", "main", "pref", "50")
    try:
        told = calico_runs.play("verify.yml", SECRET, calico_mtu="1440")
    finally:
        lab.on_node(here, "ip", "rule", "del", "pref", "50")
    assert told.status != 0
    assert "path-wrong-class" in told.words


def test_encryption_goes_and_not_a_packet_is_lost(talking, booted):
    counted = calico_runs.change(SECRET, NONE, **SMALL)
    calico_runs.must_have_lost_nothing(counted)
    for node in seed.NODES:
        assert "wireguard.cali" not in lab.links(node)
        assert rules(node) == []
    assert lab.running_pods() == talking
    calico_runs.play("06.network.yml", NONE, **SMALL).must_change_nothing()
    assert lab.boots() == booted
