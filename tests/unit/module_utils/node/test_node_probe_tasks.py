# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a probe sends and concludes, over paths that exist only here: each answers or swallows a packet by its size."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node._probe import (
    ECHO_SIZE,
    EXPIRED,
    REFUSED,
    REPLY,
    SILENCE,
    TOO_BIG,
    UNREACHABLE,
    Answer,
    Inquiry,
    Probe,
    Rules,
    Shot,
    between,
)
from hypothesis import given
from hypothesis import strategies as st

SOURCE, TARGET = "172.50.2.3", "172.50.1.2"
BRIDGE, VTEP = "172.50.2.1", "172.50.1.0"
VXLAN_PATH = (BRIDGE, VTEP, TARGET)
FLOOR = ECHO_SIZE[4]
TIMEOUT = 1.0
RULES = Rules(count=3, timeout=TIMEOUT)

lost = Answer(SILENCE)


@dataclass
class Path:
    """A path by its hops. `limits` maps a hop's number (0: the source's own device) to how many bytes it lets through;
    whoever is in `mute` sends no error; `end` is what comes instead of the target's reply; `losses` are the numbers of
    packets that get lost."""

    hops: tuple = VXLAN_PATH
    limits: dict = field(default_factory=dict)
    mute: tuple = ()
    says_mtu: bool = True
    end: Answer = None
    losses: tuple = ()
    sent: list = field(default_factory=list)

    def carry(self, shot):
        """What becomes of a packet."""
        self.sent.append(shot)
        if len(self.sent) in self.losses:
            return lost
        for number in range(len(self.hops) + 1):
            sender = self.hops[number - 1] if number else None
            said = self._at(number, sender, shot)
            if said is not None:
                return lost if sender in self.mute else said
        raise AssertionError("the last hop always says something")

    def _at(self, number, sender, shot):
        last = number == len(self.hops)
        if number and number == shot.ttl and not last:
            return Answer(EXPIRED, sender, "time to live exceeded")
        limit = self.limits.get(number)
        if limit is not None and shot.size > limit:
            return Answer(TOO_BIG, sender, "fragmentation needed", limit if self.says_mtu else None)
        if last:
            return self.end or Answer(REPLY, sender, rtt=0.001 * len(self.sent))
        return None


def play(path, probe, rules=RULES):
    """Let an inquiry run over a path with a clock of its own: the result, and how long it took."""
    inquiry = Inquiry(probe, rules)
    order = itertools.count()
    agenda = []

    def send(task, shots, now):
        for shot in shots:
            heapq.heappush(agenda, (now + shot.delay, next(order), task, shot, None))

    for task in inquiry.tasks:
        send(task, task.start(), 0.0)
    now = 0.0
    while not inquiry.done:
        now, dummy, task, shot, answer = heapq.heappop(agenda)
        if answer is None:
            answer = path.carry(shot)
            delay = TIMEOUT if answer.kind == SILENCE else answer.rtt or 0.001
            heapq.heappush(agenda, (now + delay, next(order), task, shot, answer))
        else:
            send(task, task.heard(shot, answer), now)
    return inquiry.result(), now


def probed(path, trace=True, mtu=None, port=None):
    return play(path, Probe("p", SOURCE, TARGET, port=port, trace=trace, mtu=mtu))[0]


# ---- reachability


def test_a_path_in_order():
    assert probed(Path(), mtu=1450) == {
        "id": "p",
        "reachable": True,
        "sent": 3,
        "received": 3,
        "rtt_ms": 1.0,
        "hops": [BRIDGE, VTEP, TARGET],
        "path_mtu": 1450,
        "error": None,
        "cause": None,
    }


def test_a_path_in_order_takes_few_packets_and_no_waiting():
    path = Path()
    dummy, seconds = play(path, Probe("p", SOURCE, TARGET, mtu=1450))
    assert len(path.sent) == 3 + 4 + 1
    assert seconds < 0.2


def test_one_hop_and_many():
    assert probed(Path(hops=(TARGET,)))["hops"] == [TARGET]
    assert probed(Path(hops=("10.0.0.1",) * 7 + (TARGET,)))["hops"] == ["10.0.0.1"] * 7 + [TARGET]
    assert probed(Path(hops=("10.0.0.1",) * 8 + (TARGET,)))["hops"] == ["10.0.0.1"] * 8


def test_the_least_round_trip_counts():
    assert probed(Path(), trace=False)["rtt_ms"] == 1.0


def test_a_lost_packet_is_told_and_does_not_make_a_path_unreachable():
    told = probed(Path(losses=(1,)), trace=False)
    assert (told["reachable"], told["sent"], told["received"]) == (True, 3, 2)
    assert (told["error"], told["cause"]) == ("1 of 3 packets were lost", "loss")


def test_silence_and_where_it_begins():
    told = probed(Path(mute=(TARGET,)))
    assert (told["reachable"], told["rtt_ms"], told["received"]) == (False, None, 0)
    assert told["hops"] == [BRIDGE, VTEP, *[None] * 6]
    assert told["cause"] == "silence"
    assert told["error"] == (f"no answer to 3 packets, each within 1 s; the last hop that answered is {VTEP}")


def test_silence_from_the_beginning():
    told = probed(Path(mute=VXLAN_PATH), mtu=1450)
    assert told["hops"] == [None] * 8
    assert told["path_mtu"] is None
    assert told["error"] == "no answer to 3 packets, each within 1 s"


@pytest.mark.parametrize(
    ("end", "error", "cause"),
    [
        (Answer(UNREACHABLE, VTEP, "host unreachable"), f"host unreachable, says {VTEP}", "unreachable"),
        (
            Answer(UNREACHABLE, VTEP, "host administratively prohibited"),
            f"host administratively prohibited, says {VTEP}",
            "prohibited",
        ),
        (Answer(EXPIRED, VTEP, "time to live exceeded"), None, "loop"),
        (Answer(TOO_BIG, VTEP, "fragmentation needed", 68), None, "fragmentation-needed"),
    ],
)
def test_an_error_is_named_with_who_sent_it(end, error, cause):
    told = probed(Path(end=end), mtu=1450)
    assert (told["reachable"], told["received"], told["cause"]) == (False, 0, cause)
    assert error in (None, told["error"])
    assert f"says {VTEP}" in told["error"]
    assert told["path_mtu"] is None


def test_an_error_ends_the_trace_where_it_was_sent():
    assert probed(Path(end=Answer(UNREACHABLE, VTEP, "host unreachable")))["hops"] == [BRIDGE, VTEP, VTEP]


def test_what_the_own_kernel_does_not_send_has_no_hop():
    told = probed(Path(hops=(TARGET,), end=Answer(UNREACHABLE, None, "Network is unreachable")))
    assert told["hops"] == []
    assert (told["error"], told["cause"]) == ("cannot be sent: Network is unreachable", "local")


def test_a_connection_has_neither_hops_nor_sizes():
    path = Path(end=Answer(REFUSED, TARGET, "connection refused"))
    told = probed(path, port=443, mtu=1450)
    assert len(path.sent) == 3
    assert (told["hops"], told["path_mtu"]) == ([], None)
    assert (told["error"], told["cause"]) == (f"connection refused, says {TARGET}", "refused")
    assert probed(Path(mute=(TARGET,)), port=443)["error"] == "no answer to 3 connections, each within 1 s"


# ---- the trace


def test_a_hop_that_was_silent_once_is_asked_again():
    told, seconds = play(Path(losses=(1, 2)), Probe("p", SOURCE, TARGET))
    assert told["hops"] == [BRIDGE, VTEP, TARGET]
    assert TIMEOUT <= seconds < 2 * TIMEOUT


def test_a_hop_that_never_answers_is_null_and_was_asked_as_often_as_allowed():
    path = Path(mute=(BRIDGE,))
    told = probed(path)
    assert told["hops"] == [None, VTEP, TARGET]
    assert [shot.ttl for shot in path.sent].count(1) == RULES.count
    assert told["error"] is None


def test_a_target_beyond_the_first_hops_is_found_though_a_hop_before_is_silent():
    hops = tuple(f"10.0.0.{n}" for n in range(1, 6))
    assert probed(Path(hops=(*hops, TARGET), mute=(hops[2],)))["hops"] == [
        *hops[:2],
        None,
        *hops[3:],
        TARGET,
    ]


@given(
    st.integers(1, 8),
    st.sets(st.integers(1, 8)),
    st.sets(st.integers(1, 40), max_size=6),
)
def test_any_path_is_traced_in_bounded_time_and_never_wrongly(length, silent, losses):
    hops = (*(f"10.0.0.{n}" for n in range(1, length)), TARGET)
    mute = tuple(hops[number - 1] for number in silent if number <= length)
    path = Path(hops=hops, mute=mute, losses=tuple(losses))
    told, seconds = play(path, Probe("p", SOURCE, TARGET))
    assert seconds <= (RULES.count + 1) * TIMEOUT + 0.2
    assert len(path.sent) <= 3 + 8 * RULES.count
    for number, hop in enumerate(told["hops"]):
        assert hop is None or hop == hops[min(number, length - 1)]
    assert told["reachable"] == (told["received"] > 0)
    assert not (TARGET in mute and told["reachable"])


def test_an_error_that_comes_after_its_packet_was_given_up_explains_the_silence():
    inquiry = Inquiry(Probe("p", SOURCE, TARGET), RULES)
    echoes, trace = inquiry.tasks
    late = Answer(UNREACHABLE, VTEP, "host unreachable")
    for shot in echoes.start():
        echoes.heard(shot, lost)
    echoes.late(Shot(FLOOR), late)
    for shot in trace.start():
        trace.heard(shot, lost)
    trace.late(Shot(FLOOR, ttl=3), late)
    told = inquiry.result()
    assert told["error"] == f"host unreachable, says {VTEP}"
    assert told["hops"] == [None, None, VTEP]


def test_a_late_reply_is_no_success():
    inquiry = Inquiry(Probe("p", SOURCE, TARGET, trace=False), RULES)
    (echoes,) = inquiry.tasks
    for shot in echoes.start():
        echoes.heard(shot, lost)
        echoes.late(shot, Answer(REPLY, TARGET, rtt=1.5))
    assert inquiry.result()["reachable"] is False
    assert inquiry.result()["cause"] == "silence"


# ---- the path MTU


def test_the_own_device_is_too_small():
    path = Path(limits={0: 1400})
    told = probed(path, trace=False, mtu=1450)
    assert (told["reachable"], told["path_mtu"], told["cause"]) == (True, 1400, "device-mtu")
    assert told["error"] == ("a packet of 1450 bytes does not pass: the MTU of the source's own device is 1400 bytes")
    assert len(path.sent) == 3 + 2


def test_a_hop_says_that_a_packet_is_too_big():
    path = Path(limits={1: 1450})
    told = probed(path, trace=False, mtu=1500)
    assert (told["path_mtu"], told["cause"]) == (1450, "fragmentation-needed")
    assert told["error"] == (
        f"a packet of 1500 bytes does not pass: {BRIDGE} says fragmentation needed for more than 1450 bytes"
    )
    assert len(path.sent) == 3 + 2


def test_the_narrowest_of_several_hops_is_found():
    told = probed(Path(limits={0: 1480, 1: 1450, 2: 1400}), mtu=1500)
    assert (told["path_mtu"], told["cause"]) == (1400, "fragmentation-needed")
    assert VTEP in told["error"]


def test_a_black_hole_behind_a_hop_that_still_speaks():
    told = probed(Path(limits={1: 1450, 2: 1380}, mute=(VTEP,)), mtu=1500)
    assert (told["path_mtu"], told["cause"]) == (1380, "black-hole")


def test_a_black_hole_is_named_and_measured():
    told, seconds = play(Path(limits={2: 1400}, mute=(VTEP,)), Probe("p", SOURCE, TARGET, trace=False, mtu=1450))
    assert (told["reachable"], told["path_mtu"], told["cause"]) == (True, 1400, "black-hole")
    assert told["error"] == ("a packet of 1450 bytes does not pass: above 1400 bytes packets vanish without an error")
    assert seconds <= 6 * TIMEOUT


def test_one_lost_packet_is_no_black_hole():
    told = probed(Path(losses=(2,)), trace=False, mtu=1450)
    assert (told["path_mtu"], told["error"]) == (1450, None)


def test_a_path_whose_sizes_cannot_be_told_says_so():
    """Small echoes pass, but none that must not be fragmented is answered: the path broke in between."""
    path = Path(losses=tuple(range(2, 100)))
    told = probed(path, trace=False, mtu=1450)
    assert (told["reachable"], told["path_mtu"], told["cause"]) == (True, None, "unknown-mtu")


sizes = st.integers(FLOOR + 1, 9001)


@given(
    sizes,
    st.integers(FLOOR, 9001),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
)
def test_the_largest_size_is_found_exactly_with_few_packets(wanted, limit, where, says_mtu, speaks):
    sender = VXLAN_PATH[where - 1] if where else None
    # The device's own MTU is never a secret, and the target must answer the small packets.
    speaks = speaks or sender in (None, TARGET)
    path = Path(limits={where: limit}, says_mtu=says_mtu, mute=() if speaks else (sender,))
    told, seconds = play(path, Probe("p", SOURCE, TARGET, trace=False, mtu=wanted))
    assert told["path_mtu"] == min(wanted, limit)
    assert (told["error"] is None) == (wanted <= limit)
    if wanted > limit:
        expected = "black-hole" if not speaks else "device-mtu" if sender is None else "fragmentation-needed"
        assert told["cause"] == expected
    assert len(path.sent) <= 3 + 10 * 6
    assert seconds <= 7 * TIMEOUT


@given(sizes, st.integers(FLOOR, 9001), st.sets(st.integers(4, 40), max_size=3))
def test_what_is_said_to_pass_has_passed_however_much_is_lost(wanted, limit, losses):
    path = Path(limits={2: limit}, mute=(VTEP,), losses=tuple(losses))
    told = probed(path, trace=False, mtu=wanted)
    assert told["path_mtu"] is None or told["path_mtu"] <= min(limit, wanted)


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 9))
def test_sizes_between_two_lie_between_them(low, width, most):
    found = between(low, low + width, most)
    assert len(found) == min(most, width - 1)
    assert found == sorted(set(found))
    assert all(low < size < low + width for size in found)


# ---- the end of the budget


def test_a_probe_that_was_cut_off_tells_what_it_knows():
    inquiry = Inquiry(Probe("p", SOURCE, TARGET, mtu=1450), Rules(budget=5.0))
    echoes, *dummy = inquiry.tasks
    for shot in echoes.start():
        echoes.heard(shot, Answer(REPLY, TARGET, rtt=0.002))
    told = inquiry.result(over=True)
    assert (told["reachable"], told["received"], told["rtt_ms"]) == (True, 3, 2.0)
    assert (told["error"], told["cause"]) == ("the budget of 5 s ended before the probe did", "budget")


def test_a_probe_that_was_cut_off_before_any_answer_is_not_reachable():
    inquiry = Inquiry(Probe("p", SOURCE, TARGET), Rules(budget=5.0))
    told = inquiry.result(over=True)
    assert (told["reachable"], told["sent"], told["cause"]) == (False, 0, "budget")
