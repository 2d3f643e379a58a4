# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Laws of making pods anew: whatever ends first, every pod has its turn, and no node or workload loses too many."""

from __future__ import annotations

from ansible_collections.switchyard.cni.plugins.module_utils._cluster import _renew_plan
from hypothesis import given
from hypothesis import strategies as st

STEPS = st.lists(
    st.builds(
        lambda name, node, workload, dns: _renew_plan.Step(
            _renew_plan.Named("default", str(name), str(name)),
            "evict",
            node,
            _renew_plan.Owner("ReplicaSet", workload, workload),
            dns,
        ),
        st.integers(0, 99),
        st.sampled_from(["node-1", "node-2", "node-3", None]),
        st.sampled_from(["a", "b"]),
        st.booleans(),
    ),
    unique=True,
    max_size=12,
)


@given(STEPS, st.integers(1, 3), st.data())
def test_however_steps_begin_and_end_all_have_their_turn_and_nobody_too_many(steps, parallel, data):
    waiting, under_way = list(steps), []
    while waiting or under_way:
        begun = _renew_plan.startable(waiting, under_way, (), parallel)
        assert begun or under_way
        waiting = [step for step in waiting if step not in begun]
        under_way += begun
        nodes = [step.node for step in under_way if step.node]
        assert len(nodes) == len(set(nodes))
        assert all(sum(one.workload == step.workload for one in under_way) <= parallel for step in under_way)
        assert len({step.dns for step in under_way}) == 1
        under_way.remove(data.draw(st.sampled_from(under_way)))
