# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from one encapsulation to another: never a step that takes a route before the next one is there."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._model import ip_network
from ansible_collections.switchyard.cni.plugins.plugin_utils._calico_intent import PoolIntent
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._calico_way import (
    ARM,
    DISARM,
    ENCRYPT,
    HOLD,
    JOIN,
    MOVE,
    RENUMBER,
    Mode,
    Step,
    renumbering,
    way,
    with_mode,
)

NONE = Mode("none")
IPIP, IPIP_NEAR = Mode("ipip"), Mode("ipip", near=True)
VXLAN, VXLAN_NEAR = Mode("vxlan"), Mode("vxlan", near=True)
MODES = (NONE, IPIP, IPIP_NEAR, VXLAN, VXLAN_NEAR)


def told(before, after, armed=None):
    return [(step.kind, str(step.mode), step.tunnel, step.hold) for step in way(before, after, armed)]


def test_within_one_encapsulation_there_is_nothing_on_the_way():
    assert way(VXLAN, VXLAN_NEAR) == way(VXLAN_NEAR, VXLAN) == ()


def test_bird_takes_a_route_back_before_it_writes_another_one_so_that_it_is_held():
    assert told(IPIP, IPIP_NEAR) == [(HOLD, "IPIP Always", None, True)]
    assert told(IPIP_NEAR, IPIP) == [(HOLD, "IPIP CrossSubnet", None, True)]
    assert told(IPIP, IPIP_NEAR, armed="ipip") == [(DISARM, "IPIP CrossSubnet", None, True)]
    assert [(step.kind, step.hold) for step in renumbering(IPIP)] == [(JOIN, True), (RENUMBER, True)]
    assert [(step.kind, step.hold) for step in renumbering(VXLAN)] == [(JOIN, False), (RENUMBER, False)]
    assert [(step.kind, step.hold) for step in renumbering(NONE)] == [(JOIN, False), (RENUMBER, False)]


def test_tunnels_are_up_before_they_carry_anything_and_get_their_addresses_while_they_carry_nothing():
    assert told(NONE, VXLAN) == [
        (ARM, "no encapsulation", "vxlan", True),
        (MOVE, "VXLAN CrossSubnet", "vxlan", True),
        (DISARM, "VXLAN CrossSubnet", None, True),
    ]


def test_wireguard_comes_and_goes_while_a_rule_keeps_packets_out_of_it():
    on, off = (False, True), (True, False)
    assert way(NONE, NONE, encryption=on) == (Step(ENCRYPT, NONE, hold=True),)
    assert way(NONE, NONE, encryption=off) == (Step(HOLD, NONE, hold=True),)
    assert way(NONE, NONE, encryption=(True, True)) == ()
    assert [step.kind for step in way(IPIP, VXLAN, encryption=on)] == [MOVE, ARM, MOVE, DISARM, ENCRYPT]
    assert way(IPIP, VXLAN, encryption=off) == way(IPIP, VXLAN)
    assert all(step.hold for step in way(VXLAN, VXLAN_NEAR, encryption=off))


def test_what_is_left_is_left_over_crosssubnet():
    assert told(IPIP, NONE) == [
        (MOVE, "IPIP CrossSubnet", None, True),
        (HOLD, "IPIP CrossSubnet", None, True),
    ]
    assert told(IPIP_NEAR, NONE) == [(HOLD, "IPIP CrossSubnet", None, True)]


def test_from_one_tunnel_to_the_other():
    assert told(IPIP, VXLAN) == [
        (MOVE, "IPIP CrossSubnet", None, True),
        (ARM, "IPIP CrossSubnet", "vxlan", True),
        (MOVE, "VXLAN CrossSubnet", "vxlan", True),
        (DISARM, "VXLAN CrossSubnet", None, True),
    ]


@pytest.mark.parametrize(("before", "after"), list(product(MODES, MODES)), ids=str)
@pytest.mark.parametrize("armed", [None, "ipip", "vxlan"])
def test_every_way(before, after, armed):
    steps = way(before, after, armed)
    modes = [before, *(step.mode for step in steps), after]
    for one, other in pairwise(modes):
        # Another encapsulation comes and goes only where neighbours are reached directly.
        assert one.type == other.type or "Always" not in f"{one} {other}"
    if armed or (after.type != "none" and before.type != after.type):
        assert steps[-1].kind == DISARM, "what was armed goes"
    if before.type != after.type:
        assert any(step.hold for step in steps)
    assert len(steps) <= 4, "playbooks/change_pass.yml has four"


def test_the_way_begins_anew_from_wherever_a_run_has_ended():
    assert told(VXLAN_NEAR, VXLAN, armed="vxlan") == [(DISARM, "VXLAN CrossSubnet", None, False)]
    assert told(NONE, VXLAN, armed="vxlan")[0] == (MOVE, "VXLAN CrossSubnet", "vxlan", True)
    assert told(NONE, NONE, armed="vxlan") == [(DISARM, "no encapsulation", None, False)]


def test_ipip_is_for_ipv4_only():
    pool = PoolIntent("six", ip_network("fd00:50::/48"))
    assert with_mode(pool, IPIP).ipip_mode == "Never"
    assert with_mode(pool, VXLAN).vxlan_mode == "Always"


@pytest.mark.parametrize(
    ("ipip", "vxlan", "mode"),
    [
        ("Never", "Never", NONE),
        ("Always", "Never", IPIP),
        ("CrossSubnet", "Never", IPIP_NEAR),
        ("Never", "Always", VXLAN),
    ],
)
def test_a_mode_is_two_fields_of_an_ippool(ipip, vxlan, mode):
    assert Mode.of(ipip, vxlan) == mode
    assert mode.modes == (ipip, vxlan)


def test_other_peers_take_the_routes_with_them():
    assert [step.kind for step in way(NONE, NONE, sessions=True)] == [HOLD]
    assert [step.hold for step in way(NONE, VXLAN, sessions=True)] == [True, True, True]
