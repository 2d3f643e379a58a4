# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real Calico with VXLAN between all nodes, between subnets only, and not at all: nothing is lost on the way."""

from __future__ import annotations

from itertools import pairwise

import pytest
from testing import calico_runs, lab, runs, seed
from testing.calico_runs import NONE, VXLAN, VXLAN_NEAR

ROUND = list(pairwise([VXLAN, VXLAN_NEAR, VXLAN, NONE, VXLAN]))


@pytest.fixture(scope="module", autouse=True)
def talking(pods) -> list[lab.Pod]:
    """The original cluster's four pods, made under VXLAN: none of them is ever made anew."""
    return [pod for pod in pods if pod.app == "net-test1"]


def pair(talking: list[lab.Pod]) -> tuple[lab.Pod, lab.Pod]:
    return talking[0], next(pod for pod in talking if pod.node != talking[0].node)


def test_packets_take_the_tunnel_and_the_second_hop_is_its_other_end(talking):
    calico_runs.must_be_routed("vxlan.calico", ["boot"])
    source, target = pair(talking)
    node = next(item for item in lab.objects("nodes") if item["metadata"]["name"] == target.node)
    tunnel = node["metadata"]["annotations"]["projectcalico.org/IPv4VXLANTunnelAddr"]
    assert calico_runs.second_hop(source, target) == tunnel


@pytest.mark.parametrize(
    ("before", "after"), ROUND, ids=[f"{calico_runs.label(a)} to {calico_runs.label(b)}" for a, b in ROUND]
)
def test_every_change_loses_nothing(before, after, talking):
    calico_runs.must_have_lost_nothing(calico_runs.change(before, after))
    assert calico_runs.leftovers() == []
    assert {pod.name for pod in talking} <= {pod.name for pod in lab.running_pods()}
    if after is not VXLAN:
        source, target = pair(talking)
        assert calico_runs.second_hop(source, target) == seed.NODES[target.node].address


def test_a_clean_leaves_nothing_of_calico():
    done = runs.play("99.clean.yml", network_plugin="calico", clean_confirmed="true").must_succeed()
    assert done.status == 0
    for node in seed.NODES:
        left = lab.on_node(node, "sh", "-c", "ip -o link; ip -4 route; iptables-save; ipset list -n; ls /etc/cni/net.d")
        for sign in ("vxlan.calico", "proto bird", "cali-FORWARD", "cali40", "10-calico"):
            assert sign not in left, (node, sign)
    calico_runs.play("06.network.yml", VXLAN).must_succeed()
    calico_runs.must_be_routed("vxlan.calico", ["boot"])
