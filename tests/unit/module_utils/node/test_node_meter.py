# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What path_meter counts: every probe once, gaps where they were, late replies, and the end of a connection."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node._meter import GOODBYE, MESSAGE, WAIT, Echoes, Talk
from hypothesis import given
from hypothesis import strategies as st

PERIOD, WALL = 0.01, 1000.0
FATES = ("answered", "lost", "late", "twice", "unsent")


def judged(*fates, period=PERIOD):
    """What is counted of probes with these fates, all of them judged."""
    echoes = Echoes(period)
    late = []
    for number, fate in enumerate(fates):
        now = number * period
        sequence = echoes.send(now)
        for dummy in range({"answered": 1, "twice": 2}.get(fate, 0)):
            echoes.receive(sequence, now + 0.001)
        if fate == "late":
            late.append((sequence, now + WAIT + 0.5))
        if fate == "unsent":
            echoes.refused("Network is unreachable")
        _receive_until(echoes, late, now)
        echoes.judge(now)
    end = len(fates) * period + 2 * WAIT
    _receive_until(echoes, late, end)
    echoes.judge(end)
    return echoes.result(WALL)


def _receive_until(echoes, late, now):
    while late and late[0][1] <= now:
        echoes.receive(*late.pop(0))


def answered(count):
    return ["answered"] * count


def lost(count):
    return ["lost"] * count


# ---- echoes


def test_a_healthy_path_has_no_gap_but_the_time_between_two_probes():
    found = judged(*answered(500))
    assert (found["sent"], found["received"], found["lost"], found["gaps"]) == (500, 500, 0, [])
    assert (found["longest_gap_ms"], found["slowest_ms"], found["stall_ms"]) == (10.0, 1.0, 10.0)
    assert (found["first_loss"], found["last_loss"]) == (None, None)


def test_a_gap_is_from_the_answer_before_to_the_answer_after():
    found = judged(*answered(10), *lost(3), *answered(10), *lost(1), *answered(1))
    assert (found["lost"], found["longest_gap_ms"]) == (4, 40.0)
    assert (found["first_loss"], found["last_loss"]) == (1000.1, 1000.23)
    assert found["gaps"] == [
        {"at": 1000.09, "ms": 40.0, "lost": 3, "stall_ms": 10.0, "ended": True},
        {"at": 1000.22, "ms": 20.0, "lost": 1, "stall_ms": 10.0, "ended": True},
    ]


def test_a_gap_that_never_began_after_an_answer_or_never_ended_reaches_as_far_as_probes_were_sent():
    found = judged(*lost(5), *answered(2), *lost(4))
    assert [(gap["at"], gap["ms"], gap["lost"], gap["ended"]) for gap in found["gaps"]] == [
        (1000.0, 50.0, 5, True),
        (1000.06, 40.0, 4, False),
    ]


def test_what_is_never_answered_is_one_gap():
    found = judged(*lost(50))
    assert (found["lost"], found["received"], found["longest_gap_ms"]) == (50, 0, 490.0)
    assert [gap["ended"] for gap in found["gaps"]] == [False]


def test_the_twenty_longest_gaps_are_kept_in_their_order_in_time():
    fates = [fate for size in range(1, 31) for fate in [*answered(1), *lost(size)]]
    found = judged(*fates, "answered")
    assert [gap["lost"] for gap in found["gaps"]] == list(range(11, 31))
    assert [gap["at"] for gap in found["gaps"]] == sorted(gap["at"] for gap in found["gaps"])
    assert found["lost"] == sum(range(1, 31))


def test_a_busy_node_is_a_stall_and_no_gap():
    echoes = Echoes(PERIOD)
    for now in (0.0, 0.01, 0.3, 0.31):
        echoes.receive(echoes.send(now), now + 0.001)
        echoes.judge(now)
    found = echoes.result(WALL)
    assert (found["stall_ms"], found["stall_at"]) == (290.0, 1000.01)
    assert (found["longest_gap_ms"], found["gaps"]) == (10.0, [])


def test_a_gap_in_which_the_node_was_busy_says_so():
    echoes = Echoes(PERIOD)
    for now, is_answered in ((0.0, True), (0.01, False), (0.26, True)):
        sequence = echoes.send(now)
        if is_answered:
            echoes.receive(sequence, now)
    echoes.judge(2.0)
    assert echoes.result(WALL)["gaps"] == [{"at": 1000.0, "ms": 260.0, "lost": 1, "stall_ms": 250.0, "ended": True}]


def test_a_reply_that_is_read_late_is_not_late():
    echoes = Echoes(PERIOD)
    sequence = echoes.send(0.0)
    echoes.receive(sequence, 0.9)
    echoes.judge(30.0)
    found = echoes.result(WALL)
    assert (found["received"], found["lost"], found["late"], found["slowest_ms"]) == (1, 0, 0, 900.0)
    assert found["slowest_at"] == 1000.0


@pytest.mark.parametrize("is_judged", [True, False])
def test_a_late_reply_does_not_bring_a_probe_back(is_judged):
    echoes = Echoes(PERIOD)
    sequence = echoes.send(0.0)
    if is_judged:
        echoes.judge(1.5)
    echoes.receive(sequence, 1.6)
    echoes.receive(sequence, 1.7)
    echoes.judge(2.0)
    found = echoes.result(WALL)
    assert (found["received"], found["lost"], found["late"], found["duplicates"]) == (0, 1, 1, 1)


def test_replies_in_another_order_are_all_received():
    echoes = Echoes(PERIOD)
    sequences = [echoes.send(number * PERIOD) for number in range(10)]
    for sequence in reversed(sequences):
        echoes.receive(sequence, 0.2)
    echoes.judge(0.2)
    assert (echoes.received, echoes.pending) == (10, 0)


def test_a_reply_to_what_was_never_sent_counts_for_nothing():
    echoes = Echoes(PERIOD)
    echoes.receive(7, 0.0)
    echoes.receive(echoes.send(0.0) + 1, 0.1)
    echoes.judge(2.0)
    found = echoes.result(WALL)
    assert (found["received"], found["late"], found["duplicates"], found["lost"]) == (0, 0, 0, 1)


def test_numbers_start_over_after_sixteen_bits():
    echoes = Echoes(PERIOD)
    for number in range(70_000):
        now = number * PERIOD
        sequence = echoes.send(now)
        assert sequence == number % 65_536
        if number not in (65_535, 65_536):
            echoes.receive(sequence, now + 0.001)
        echoes.judge(now)
    echoes.receive(65_535, 700.0)
    echoes.judge(800.0)
    found = echoes.result(0.0)
    assert (found["received"], found["lost"], found["late"], found["duplicates"]) == (69_998, 2, 1, 0)
    assert [(gap["lost"], gap["at"]) for gap in found["gaps"]] == [(2, 655.34)]


def test_what_the_own_kernel_refuses_is_lost_at_once():
    echoes = Echoes(PERIOD)
    echoes.send(0.0)
    echoes.refused("Network is unreachable")
    echoes.judge(0.0)
    found = echoes.result(WALL)
    assert (found["lost"], found["unsent"], found["pending"]) == (1, 1, 0)
    assert found["error"] == "Network is unreachable"


def test_a_source_that_goes_takes_what_is_unanswered_with_it():
    echoes = Echoes(PERIOD)
    for number in range(300):
        sequence = echoes.send(number * PERIOD)
        if number < 100 and number not in (50, 51):
            echoes.receive(sequence, number * PERIOD)
        echoes.judge((number + 0.5) * PERIOD)
    assert echoes.result(WALL)["lost"] == 2 + 100
    echoes.abandon()
    found = echoes.result(WALL)
    assert (found["sent"], found["received"], found["lost"], found["abandoned"]) == (300, 98, 2, 200)
    assert (found["last_loss"], [gap["lost"] for gap in found["gaps"]]) == (1000.51, [2])


def test_a_source_that_goes_before_any_loss_has_none():
    echoes = Echoes(PERIOD)
    echoes.receive(echoes.send(0.0), 0.0)
    echoes.send(0.01)
    echoes.judge(1.5)
    echoes.abandon()
    found = echoes.result(WALL)
    assert (found["lost"], found["first_loss"], found["last_loss"], found["abandoned"]) == (0, None, None, 1)


def test_figures_before_the_end_count_what_is_not_judged_as_pending():
    echoes = Echoes(PERIOD)
    for number in range(10):
        echoes.send(number * PERIOD)
    found = echoes.result(WALL)
    assert (found["sent"], found["pending"], found["lost"], found["longest_gap_ms"]) == (10, 10, 0, 0.0)


@given(st.lists(st.sampled_from(FATES), max_size=400))
def test_every_probe_is_counted_once(fates):
    found = judged(*fates)
    good = fates.count("answered") + fates.count("twice")
    assert (found["sent"], found["received"], found["lost"]) == (len(fates), good, len(fates) - good)
    assert (found["pending"], found["abandoned"]) == (0, 0)
    assert (found["late"], found["duplicates"]) == (fates.count("late"), fates.count("twice"))
    assert found["unsent"] == fates.count("unsent")


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_gaps_hold_every_loss_and_are_no_longer_than_what_was_measured(answers):
    found = judged(*["answered" if one else "lost" for one in answers])
    assert sum(gap["lost"] for gap in found["gaps"]) == found["lost"] == answers.count(False)
    assert sum(gap["ms"] for gap in found["gaps"]) <= 10 * 2 * len(answers)
    assert all(gap["ms"] <= (gap["lost"] + 1) * 10 + 0.1 for gap in found["gaps"])


# ---- the connection


def message(*numbers):
    return b"".join(MESSAGE.pack(number) for number in numbers)


def test_messages_are_counted_however_they_are_cut():
    talk = Talk()
    talk.open(0.0)
    for dummy in range(3):
        assert talk.next()
        talk.said()
    data = message(0, 1, 2)
    for number, part in enumerate((data[:3], data[3:17], data[17:])):
        talk.hear(part, 0.1 * number)
    told = talk.result(WALL)
    assert (told["messages"], told["echoed"], told["broken"]) == (3, 3, False)


def test_a_silence_is_timed_up_to_the_end():
    talk = Talk()
    talk.open(0.0)
    talk.hear(message(0), 0.1)
    talk.hear(message(1), 0.5)
    assert talk.result(WALL)["silence_ms"] == 400.0
    talk.stop(3.5)
    assert (talk.result(WALL)["silence_ms"], talk.result(WALL)["silence_at"]) == (3000.0, 1000.5)


def test_what_never_stood_is_not_broken():
    talk = Talk()
    talk.fail("Connection refused", 0.0)
    told = talk.result(WALL)
    assert (told["connected"], told["broken"], told["error"]) == (False, False, "Connection refused")
    talk.open(1.0)
    assert talk.result(WALL)["error"] is None


def test_what_stood_breaks_once():
    talk = Talk()
    talk.open(0.0)
    talk.fail("Connection reset by peer", 2.0)
    talk.fail("Connection timed out", 3.0)
    talk.stop(9.0)
    told = talk.result(WALL)
    assert (told["broken"], told["broken_at"]) == (True, 1002.0)
    assert (told["error"], told["silence_ms"]) == ("Connection reset by peer", 0.0)


def test_what_ends_after_a_goodbye_is_not_broken():
    talk = Talk()
    talk.open(0.0)
    talk.hear(message(0, GOODBYE), 0.1)
    assert talk.over
    talk.fail("closed by the target", 0.1)
    told = talk.result(WALL)
    assert (told["broken"], told["error"], told["echoed"]) == (False, None, 1)
