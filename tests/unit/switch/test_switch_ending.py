# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run ends that changes the network, and what the operator is told to do."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._meter import summarise
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._ending import Ending
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._outcome import FAILED, VERIFIED, Outcome

WELL, BAD = Outcome(VERIFIED, away=("node2",)), Outcome(FAILED, "settle", ("node1: still lacks a route",))
WORSE = Outcome(FAILED, "roll", ("no image",), ("node1",))
NEXT = "Run 06.network.yml again to finish the change, or rollback.yml to go back to flannel vxlan."


@pytest.mark.parametrize(
    ("forward", "back", "outcome", "last", "away"),
    [
        (WELL, None, "verified", "Left for later, since they do not answer: node2.", ("node2",)),
        (BAD, None, "stopped", f"Stopped there. {NEXT}", ()),
        (
            BAD,
            WELL,
            "rolled_back",
            "Undone: flannel vxlan is back, and verified on every node that answers.",
            ("node2",),
        ),
        (BAD, WORSE, "failed", NEXT, ("node1",)),
    ],
)
def test_the_ending_says_what_is_next(forward, back, outcome, last, away):
    ending = Ending("flannel vxlan", "flannel host-gw", forward, back)
    assert (ending.outcome, ending.away) == (outcome, away)
    assert ending.lines()[-1] == last


def test_both_ways_tell_where_they_failed():
    assert Ending("flannel vxlan", "flannel host-gw", BAD, WORSE).lines() == (
        "flannel vxlan to flannel host-gw: failed at the step settle.",
        "  node1: still lacks a route",
        "The way back failed too.",
        "flannel host-gw to flannel vxlan: failed at the step roll.",
        "  no image",
        "Left for later, since they do not answer: node1.",
        NEXT,
    )


def test_an_outcome_is_read_back_from_a_tasks_result():
    told = {"outcome": FAILED, "step": "settle", "reasons": ["node1: still lacks a route"], "away": [], "lines": []}
    assert Outcome.from_result(told) == BAD


def test_what_it_has_cost_is_told_last():
    ending = Ending("flannel vxlan", "flannel host-gw", WELL, meter=summarise({"node1": {"failed": True, "msg": "no"}}))
    assert ending.lines()[-2:] == ("Meter: nothing was measured.", "  No figures: node1 (no).")
