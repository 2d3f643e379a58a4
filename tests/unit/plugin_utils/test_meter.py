# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disruption meter of a cluster: who measures whom, and what all figures say together."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _meter_module
from ansible_collections.switchyard.cni.plugins.module_utils._node._meter import Echoes, Talk
from ansible_collections.switchyard.cni.plugins.plugin_utils._meter import choose, summarise
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import SEED, Place, healthy

WALL = 1_790_000_000.0
A, B, C = "172.50.0.2", "172.50.2.2", "172.50.1.2"


def crowd(count):
    return tuple(Place(f"n{number}", f"192.168.{number >> 8}.{number & 255}/16", number) for number in range(count))


# ---- choosing


@pytest.mark.parametrize("count", [2, 3, 4, 7, 40])
def test_every_node_is_source_and_target_and_the_work_is_linear(count):
    world = healthy(crowd(count))
    shares = choose(world.scene())
    home = {address: host for host, node in world.nodes.items() for address in _addresses(node)}
    assert set(shares) == set(world.hosts)
    reached = Counter()
    for host, share in shares.items():
        assert 1 <= len(share.pairs) <= 2
        assert len({pair.name for pair in share.pairs}) == len(share.pairs)
        for pair in share.pairs:
            assert home[pair.source] == host != home[pair.target]
            assert pair.target in shares[home[pair.target]].listen
            reached[home[pair.target]] += 1
    assert set(reached) == set(world.hosts)
    assert max(reached.values()) <= 2


def _addresses(node):
    return [address for pod in node["node"]["pods"] for address in pod["addresses"]]


def test_each_listener_is_one_that_somebody_connects_to():
    shares = choose(healthy(crowd(5)).scene(), most=1)
    targets = [pair.target for share in shares.values() for pair in share.pairs]
    assert len(targets) == 5
    assert sorted(address for share in shares.values() for address in share.listen) == sorted(set(targets))


def test_a_share_is_what_the_module_takes():
    share = choose(healthy().scene())[SEED[0].name]
    defaults = {name: one.get("default") for name, one in _meter_module.meter_argument_spec().items()}
    job = _meter_module.parse_job({**defaults, **share.as_options()})
    assert [(pair.name, pair.source, pair.target) for pair in job.pairs] == [
        (pair.name, pair.source, pair.target) for pair in share.pairs
    ]
    assert job.listen == share.listen


def test_a_node_that_did_not_answer_neither_measures_nor_is_measured():
    world = healthy(crowd(4))
    gone = world.hosts[1]
    world.nodes[gone] = {"unreachable": True, "msg": "no route to host"}
    shares = choose(world.scene())
    assert set(shares) == set(world.hosts) - {gone}


def test_a_node_without_pods_has_nothing_to_do():
    world = healthy(crowd(3))
    world.node(world.hosts[0])["pods"] = []
    shares = choose(world.scene())
    assert set(shares) == set(world.hosts[1:])


def test_one_node_has_nobody_to_measure():
    assert choose(healthy(crowd(1)).scene()) == {}


# ---- the report


def pair(name, *answers, target=C, source_gone=None, late=0.0, **tcp):
    """A pair as its node tells it, counted by its own counters from a list of whether each probe was answered."""
    echoes, talk = Echoes(0.01), Talk()
    for number, is_answered in enumerate(answers):
        sequence = echoes.send(number * 0.01)
        if is_answered:
            echoes.receive(sequence, number * 0.01 + 0.001)
    echoes.judge(1e6)
    talk.open(0.0)
    figures = {"name": name, "source": A, "target": target, "source_gone": source_gone, **echoes.result(WALL)}
    return {**figures, "tcp": {**talk.result(WALL), **tcp}}


def told(*pairs, listeners=(), ended="stopped", problems=()):
    listening = [{"address": address, "accepted": 1, "gone": gone} for address, gone in listeners]
    times = {"since": WALL, "until": WALL + 60.0, "cpu_percent": 3.0}
    figures = {"pairs": list(pairs), "listeners": listening, "problems": list(problems)}
    return {"changed": True, "found": True, "ended": ended, **times, **figures}


GOOD, BAD = [True], [False]


def test_where_nothing_was_wrong_one_line_says_so():
    report = summarise({"m": told(pair("a to b", *GOOD * 100)), "n": told(pair("b to c", *GOOD * 50))})
    assert report.undisturbed
    assert report.lines() == (
        "Meter: 2 pairs of pods from 2 nodes for 60 s: 0 of 150 packets lost, longest gap 10 ms, "
        "0 of 2 connections broken.",
    )


def test_losses_are_told_with_their_pair_and_moment():
    report = summarise(
        {
            "m": told(pair("a to b", *GOOD * 100, *BAD * 30, *GOOD)),
            "n": told(pair("b to c", *GOOD * 10, *BAD * 3, *GOOD)),
        }
    )
    assert (report.undisturbed, report.sent, report.lost, report.longest_gap_ms) == (False, 145, 33, 310.0)
    assert (report.worst.host, report.worst.pair, report.worst.at) == ("m", "a to b", WALL + 0.99)
    assert [gap.pair for gap in report.gaps] == ["b to c", "a to b"]
    assert report.lines()[1:] == (
        "  b to c: 3 lost in 40 ms at 14:13:20.090 UTC",
        "  a to b: 30 lost in 310 ms at 14:13:20.990 UTC",
    )


def test_a_broken_connection_disturbs_where_nothing_was_lost():
    broken = pair("a to b", *GOOD * 10, broken=True, broken_at=WALL + 2, error="Connection reset by peer")
    report = summarise({"m": told(broken)})
    assert (report.undisturbed, report.lost, len(report.broken)) == (False, 0, 1)
    assert report.lines()[1] == "  a to b: Connection reset by peer at 14:13:22.000 UTC"


def test_what_was_never_answered_or_connected_is_no_disruption_but_told():
    silent = pair("a to b", *BAD * 100)
    alone = pair("a to c", *GOOD * 100, connected=False)
    report = summarise({"m": told(silent, alone)})
    assert (report.undisturbed, report.sent, report.lost, report.connections) == (True, 100, 0, 1)
    assert (report.unanswered, report.unconnected) == (("a to b",), ("a to c",))
    assert any("there was never an answer" in line and "a to b" in line for line in report.lines())


def test_where_nothing_was_ever_answered_nothing_is_proved():
    assert not summarise({"m": told(pair("a to b", *BAD * 100))}).undisturbed
    assert not summarise({}).undisturbed


def test_what_follows_the_end_of_a_target_is_no_loss():
    lossy = pair("a to c", *GOOD * 50, *BAD * 2, *GOOD * 10, *BAD * 500, broken=True, broken_at=WALL + 9.0, error="x")
    stays = pair("a to b", *GOOD * 10, target=B)
    report = summarise({"m": told(lossy, stays), "n": told(listeners=[(C, WALL + 0.62), (B, None)])})
    assert (report.lost, report.longest_gap_ms, report.broken, report.gone) == (2, 30.0, (), ("a to c",))
    assert "A pod went meanwhile, and what followed is not counted: a to c." in report.lines()[-1]


def test_a_target_that_stays_and_falls_silent_is_a_loss_that_never_ended():
    report = summarise({"m": told(pair("a to c", *GOOD * 50, *BAD * 500)), "n": told(listeners=[(C, None)])})
    assert (report.lost, report.worst.ended) == (500, False)
    assert report.lines()[1].endswith(", and it never ended")


def test_a_connection_that_broke_before_its_target_went_is_broken():
    early = pair("a to c", *GOOD, broken=True, broken_at=WALL + 1, error="Connection reset by peer")
    assert len(summarise({"m": told(early), "n": told(listeners=[(C, WALL + 5)])}).broken) == 1


def test_hosts_without_figures_are_named_with_the_reason():
    report = summarise(
        {
            "m": told(pair("a to b", *GOOD), ended="died", problems=["listen x: Address already in use"]),
            "n": {"unreachable": True, "msg": "timed out"},
            "o": {"failed": True, "msg": "no root"},
            "p": {"changed": False, "found": False, "ended": None, "pairs": [], "listeners": [], "problems": []},
            "q": None,
        }
    )
    assert report.silent == {
        "n": "timed out",
        "o": "no root",
        "p": "its meter was not there any more",
        "q": "it was not asked",
    }
    assert report.partial == ("m",)
    assert report.problems == ("m: listen x: Address already in use",)
    assert "n (timed out), o (no root)" in report.lines()[-2]


def test_a_busy_node_is_told_since_its_gaps_are_not_the_networks_alone():
    busy = {**pair("a to b", *GOOD * 10), "stall_ms": 250.0, "stall_at": WALL}
    report = summarise({"m": told(busy)})
    assert report.undisturbed
    assert "m sent nothing for 250 ms at 14:13:20.000 UTC" in report.lines()[1]


def test_a_report_is_plain_data():
    report = summarise({"m": told(pair("a to b", *GOOD, *BAD, *GOOD)), "n": None})
    plain = json.loads(json.dumps(report.as_result()))
    assert plain["gaps"] == [{"host": "m", "pair": "a to b", "at": WALL, "ms": 20.0, "lost": 1, "ended": True}]
    assert (plain["undisturbed"], plain["lost"], plain["silent"]) == (False, 1, {"n": "it was not asked"})


def test_nothing_measured_is_said():
    assert summarise({"m": None}).lines() == ("Meter: nothing was measured.", "  No figures: m (it was not asked).")
