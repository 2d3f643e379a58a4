# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order nodes change hands, for any cluster and any batch."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster, Member
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import build_intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._move._order import batches
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import resolve
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import SETTINGS, intent_of
from hypothesis import given
from hypothesis import strategies as st

INTENT = intent_of()


def cluster(planes):
    names = [f"node-{number}" for number in range(len(planes))]
    members = {name: Member(name, control_plane=plane) for name, plane in zip(names, planes, strict=True)}
    return Cluster(members=members), [ObservedNode(name, f"host-{name}") for name in names]


def order(planes, batch="1", canary=""):
    found, nodes = cluster(planes)
    return [
        [node.name for node in group] for group in batches(replace(INTENT, batch=batch, canary=canary), found, nodes)
    ]


@given(
    st.lists(st.booleans(), min_size=1, max_size=40),
    st.one_of(st.integers(1, 50).map(str), st.integers(1, 100).map("{}%".format)),
)
def test_every_node_has_one_turn_and_workers_come_before_the_control_plane(planes, batch):
    found = order(planes, batch)
    flat = [name for group in found for name in group]
    assert sorted(flat) == sorted(f"node-{number}" for number in range(len(planes)))
    assert len(found[0]) == 1
    kinds = [planes[int(name.removeprefix("node-"))] for name in flat]
    assert kinds == sorted(kinds)
    for group in found:
        assert len({planes[int(name.removeprefix("node-"))] for name in group}) == 1


def test_the_operator_says_how_many_and_which_one_first():
    assert order([True, False, False, False], "2") == [["node-1"], ["node-2", "node-3"], ["node-0"]]
    assert order([False] * 4, "50%", canary="host-node-3") == [["node-3"], ["node-0", "node-1"], ["node-2"]]
    assert order([True, False], canary="node-0") == [["node-0"], ["node-1"]]


@pytest.mark.parametrize("value", ["0", "0%", "101%", "some", "-1", ""])
def test_a_batch_that_is_no_number_is_refused_with_what_can_be_written(value):
    values, dummy = resolve({**SETTINGS, "network_batch": value or "x"})
    dummy, problems = build_intent(values)
    (problem,) = [one for one in problems if one.variable == "network_batch"]
    assert "10%" in problem.remedy
