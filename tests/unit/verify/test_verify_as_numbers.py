# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AS numbers that do not agree, in the words of two BIRD 1.6 of which one was told another number than its peers."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import healthy

NODE = "k8s-node1"


def told(**session):
    world = healthy(network_plugin="calico", calico_ipip_mode="off")
    world.node(NODE)["bird"][0]["protocols"][0].update(session)
    found = world.verify().findings
    assert {one.node for one in found} == {NODE}
    return [(one.id, one.expected, one.actual) for one in found if one.id == "bgp-wrong-as"]


@pytest.mark.parametrize(
    ("info", "expected", "actual"),
    [
        ("Active Received: Bad peer AS", "own AS 64512", "another one: the peer refuses it"),
        ("Passive BGP Error: Bad peer AS", "peer's AS 64512", "another one: it is refused"),
        ("Idle BGP Error: Bad peer AS", "peer's AS 64512", "another one: it is refused"),
    ],
)
def test_a_number_that_a_peer_refuses_is_wrong_although_nobody_prints_it(info, expected, actual):
    # Of a session that never came up, BIRD 1.6 knows only the number that it was told for the peer.
    assert told(state="start", info=info, local_as=None) == [("bgp-wrong-as", expected, actual)]


def test_a_printed_number_is_compared():
    assert told(peer_as=64999) == [("bgp-wrong-as", "peer's AS 64512", "peer's AS 64999")]


def test_a_session_that_is_down_for_another_reason_says_nothing_of_numbers():
    assert told(state="start", info="Active Socket: No route to host", local_as=None) == []
