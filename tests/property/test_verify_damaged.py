# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of nodes that are damaged anywhere: a node that cannot be understood is one that did not answer."""

from __future__ import annotations

import copy
import json

from ansible_collections.switchyard.cni.plugins.module_utils._backends import BACKENDS
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._finding import Finding
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._result import as_result
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._run import ask
from ansible_collections.switchyard.cni.tests.property.test_verify_properties import settings_of
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import SEED, healthy
from hypothesis import given, settings
from hypothesis import strategies as st

NODE = "k8s-node1"
MANY = settings().max_examples
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["", " ", "0", "-1", "172.50.0.0/33", "172.50.1.1/24", "::/0", "fe80::1%eth0", "\x00", "1e9", "٣"]),
    st.lists(st.integers() | st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3),
)
WORLDS = {backend.plugin + " " + backend.label: healthy(SEED, **settings_of(backend)) for backend in BACKENDS}


def places(value, path=()):
    """The paths of all values inside a value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*path, key)
        yield from places(inner, (*path, key))


@st.composite
def damages(draw, value):
    """The same value with up to three values removed, or replaced by odd ones."""
    damaged = copy.deepcopy(value)
    for dummy in range(draw(st.integers(1, 3))):
        everywhere = list(places(damaged))
        if not everywhere:
            break
        *parents, last = draw(st.sampled_from(everywhere))
        holder = damaged
        for key in parents:
            holder = holder[key]
        if draw(st.booleans()):
            del holder[last]
        else:
            holder[last] = draw(ODD)
    return damaged


def judged(world):
    """The whole way to a report, with its JSON."""
    verification = world.judge()
    options = {"collection": "0", "created": "", "fail_on": "error", "declared": True, "settings": {}}
    json.dumps(as_result(verification, **options))
    assert all(isinstance(finding, Finding) for finding in verification.findings)
    return verification


@settings(max_examples=3 * MANY)
@given(st.data(), st.sampled_from(sorted(WORLDS)))
def test_a_damaged_node_is_judged_or_counts_as_one_that_did_not_answer(data, name):
    world = copy.deepcopy(WORLDS[name])
    world.nodes[NODE]["node"] = data.draw(damages(world.node(NODE)))
    verification = judged(world)
    (view,) = (view for view in verification.scene.views if view.host == NODE)
    if view.facts is None:
        told = {(finding.id, finding.node) for finding in verification.findings}
        assert ("node-unreachable", NODE) in told


@settings(max_examples=MANY)
@given(st.data())
def test_damaged_answers_of_probes_are_judged(data):
    world = copy.deepcopy(WORLDS["flannel vxlan"])
    asked = ask(world.scene(), "sample")
    for host, one in asked.items():
        results = [
            {
                "id": probe["id"],
                "reachable": True,
                "sent": 3,
                "rtt_ms": 0.1,
                "hops": ["1.2.3.4", None],
                "path_mtu": 1450,
            }
            for probe in one["probes"]
        ]
        counters = {dev: {"tx_packets": 9, "rx_packets": 9} for dev in one["counters"]}
        world.answers[host] = {"results": results, "counters": counters}
    world.answers[NODE] = data.draw(damages(world.answers[NODE]))
    judged(world)
