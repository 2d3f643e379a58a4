# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters of 10 to 10,000 nodes: nothing invented, nothing missed, and work that grows with the nodes alone.

How long it takes is not a test but a benchmark: `make bench` prints the table.
"""

from __future__ import annotations

import json
import sys

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils import _tables
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._look import LISTED_TABLE
from crowd import FAULTS, Spot, _Sums, crowd
from passes import run

SIZES = [10, 100, 1000, pytest.param(10_000, marks=pytest.mark.slow)]
DIRECT = pytest.mark.parametrize("direct", [False, True], ids=["vxlan", "DirectRouting"])


@DIRECT
@pytest.mark.parametrize("size", SIZES)
def test_a_healthy_cluster_has_no_finding(size, direct):
    done = run(crowd(size, direct))
    assert done.found == set()
    assert done.asked == [], "no node has to send its tables"
    assert done.result["verdict"] == "passed"


@DIRECT
@pytest.mark.parametrize("size", SIZES)
def test_all_planted_faults_are_found_and_none_is_invented(size, direct):
    made = crowd(size, direct, faulty=max(0.01, len(FAULTS) / size) if size < 1000 else 0.01)
    done = run(made)
    assert done.found == made.planted
    assert len(made.planted) >= len(FAULTS)
    assert {kind for kind, dummy in made.planted} == set(FAULTS)
    differing = {node for kind, node in made.planted if kind in ("route-missing", "route-duplicate", "fdb-wrong")}
    assert set(done.asked) == (differing if size > LISTED_TABLE else set())


@pytest.mark.parametrize("size", [100, 400])
@DIRECT
def test_the_sums_are_those_of_the_whole_tables(size, direct):
    spots = [Spot(number) for number in range(size)]
    sums = _Sums(spots, direct)
    for spot in spots[:: size // 10]:
        for what in ("pod_routes", "neighbours", "fdb"):
            rows = sums.table(spot, what)
            told = sums.digest(spot, what)
            assert (told["count"], told["digest"]) == (len(rows), _tables.digest(rows))


def calls(size: int, direct: bool) -> int:
    """How many Python functions a run calls: the same on any machine, however busy."""
    made = crowd(size, direct, faulty=0.01)
    counted = 0

    def count(frame, event, argument):
        nonlocal counted
        if event == "call":
            counted += 1

    sys.setprofile(count)
    try:
        run(made)
    finally:
        sys.setprofile(None)
    return counted


@DIRECT
def test_ten_times_the_nodes_are_at_most_twelve_times_the_work(direct):
    few, many = calls(200, direct), calls(2000, direct)
    assert many <= 12 * few, f"{few} calls for 200 nodes, {many} for 2000"


def test_what_a_node_of_a_large_cluster_sends_stays_small():
    made = crowd(1000, faulty=0.01)
    sizes = [len(json.dumps(answer)) for answer in made.answers.values()]
    assert max(sizes) < 20_000
