# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes that hold the way while their writer changes."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._model import Route, Rule
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._hold import (
    DIRECT_METRIC,
    METRIC,
    Peer,
    hold,
    plan_direct,
    plan_hold,
    plan_rules,
    proof_of,
)
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import Completed
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import FakeNode

PODS = ["172.50.0.0/16"]
ROUTES = [
    Route(dst="172.50.1.0/26", gateway="192.168.7.110", dev="eth0", protocol="bird", metric=1024),
    Route(dst="172.50.2.0/26", gateway="172.50.2.1", dev="vxlan.calico", protocol="boot"),
    Route(dst="172.50.3.0/26", type="blackhole", protocol="bird"),
    Route(dst="172.50.3.5/32", dev="cali1", protocol="boot"),
    Route(dst="10.0.0.0/8", gateway="192.168.0.254", dev="eth0", protocol="static"),
]
HELD = Route(dst="172.50.1.0/26", gateway="192.168.7.110", dev="eth0", protocol="201", metric=METRIC)


def test_direct_routes_to_pods_are_held_and_no_others():
    assert plan_hold(ROUTES, PODS, ["eth0"], present=True).lines == (
        f"route replace 172.50.1.0/26 via 192.168.7.110 dev eth0 proto 201 metric {METRIC} onlink",
    )


def test_what_is_held_is_not_held_twice():
    assert plan_hold([*ROUTES, HELD], PODS, ["eth0"], present=True).lines == ()


def test_letting_go_takes_what_was_held_and_nothing_else():
    work = plan_hold([*ROUTES, HELD], PODS, [], present=False)
    assert work.remove == (HELD,)
    assert work.lines == (f"route del 172.50.1.0/26 via 192.168.7.110 dev eth0 proto 201 metric {METRIC} onlink",)


class Fed(FakeNode):
    """A node that keeps what its programs were fed."""

    def __init__(self, code=0):
        super().__init__()
        self.fed, self.code = [], code

    def feed(self, argv, text):
        self.fed.append((" ".join(argv), text))
        return Completed(self.code, "", "Error: Nexthop has invalid gateway." if self.code else "")


def test_it_is_one_run_of_ip_a_family():
    node = Fed()
    hold(node, plan_hold(ROUTES, PODS, ["eth0"], present=True))
    assert [argv for argv, dummy in node.fed] == ["ip -4 -force -batch -"]


def test_what_cannot_be_held_is_said_and_what_is_gone_already_is_not():
    with pytest.raises(NodeError, match="invalid gateway"):
        hold(Fed(1), plan_hold(ROUTES, PODS, ["eth0"], present=True))
    hold(Fed(1), plan_hold([HELD], PODS, [], present=False))


RULES = [
    Rule(99, 4, fwmark="0x100000/0x100000", table="1", inverted=True),
    Rule(90, 4, destination="172.50.0.0/16", table="main", protocol="201"),
]


def test_packets_to_pods_are_kept_in_the_main_table_by_one_rule_a_network():
    assert plan_rules(RULES[:1], [*PODS, "fd00:50::/48"], present=True).lines == (
        "rule add pref 90 to 172.50.0.0/16 lookup main protocol 201",
        "rule add pref 90 to fd00:50::/48 lookup main protocol 201",
    )
    assert plan_rules(RULES, PODS, present=True).lines == ()
    work = plan_rules(RULES, PODS, present=False)
    assert work.lines == ("rule del pref 90 to 172.50.0.0/16 lookup main protocol 201",)
    assert (work.added, work.removed) == (0, 1)


def test_rules_of_both_families_are_two_runs_of_ip():
    node = Fed()
    hold(node, plan_rules((), [*PODS, "fd00:50::/48"], present=True))
    assert [argv for argv, dummy in node.fed] == ["ip -4 -force -batch -", "ip -6 -force -batch -"]


NEIGHBOURS = [
    Route(dst="0.0.0.0/0", gateway="192.168.0.254", dev="eth0"),
    Route(dst="192.168.0.0/21", dev="eth0", protocol="kernel", scope="link"),
    Route(dst="192.168.7.192/26", gateway="192.168.0.1", dev="eth0"),
    Route(dst="172.50.0.0/16", dev="flannel0"),
    Route(dst="172.50.9.0/24", dev="cni0", protocol="kernel"),
]


def test_neighbours_are_reached_directly_and_nobody_else():
    peers = [
        Peer("172.50.1.0/24", "192.168.7.110"),
        Peer("172.50.2.0/24", "10.0.0.5"),
        Peer("172.50.3.0/24", "192.168.7.200"),
        Peer("172.50.9.0/24", "192.168.7.101"),
    ]
    (route,) = plan_direct(NEIGHBOURS, PODS, peers).add
    assert (route.dst, route.gateway, route.dev) == ("172.50.1.0/24", "192.168.7.110", "eth0")
    assert (route.protocol, route.metric) == ("201", DIRECT_METRIC)
    assert proof_of(route) == "172.50.1.1"
    assert plan_direct([*NEIGHBOURS, route], PODS, peers).add == ()


def test_a_route_over_a_tunnel_is_held_as_well_where_that_is_asked_for():
    tunnel = Route(dst="172.50.1.0/26", gateway="192.168.7.110", dev="tunl0", protocol="bird")
    (route,) = plan_hold([tunnel], PODS, ["eth0", "tunl0"], present=True).add
    assert (route.dev, route.protocol, route.metric) == ("tunl0", "201", METRIC)
