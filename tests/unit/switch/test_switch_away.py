# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that is down is left for later, and follows when it is back."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._plan import plan_network
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._away import parted, peers_away, presence
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._record import Record
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._switch import switch
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._transition import Transition
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import Scene
from ansible_collections.switchyard.cni.tests.unit.switch.worlds import between, running
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import intent_of

MASTER, NODE1, NODE2 = "k8s-master1", "k8s-node1", "k8s-node2"
DOWN = {"unreachable": True, "msg": "no route to host"}
VXLAN = {"label": "flannel vxlan", "settings": {"flannel_backend": "vxlan"}}


def without_node2(answer, after, **before):
    """A cluster whose last node has this answer, the change, and who takes part."""
    world = running(**before)
    world.nodes[NODE2] = answer
    change = between(world, **after)
    return world, change, presence(change, world.scene().observed)


def test_a_node_that_is_down_is_left_for_later_with_a_warning():
    dummy, change, present = without_node2(DOWN, {"flannel_backend": "host-gw"})
    assert [node.name for node in present.here] == [MASTER, NODE1]
    (problem,) = present.problems(change)
    assert problem.severity == "warning"
    assert str(problem) == (
        "host = k8s-node2: does not answer (no route to host), and is left for later. "
        "When it is back, run 06.network.yml again."
    )


def test_a_change_wants_all_nodes_and_a_run_that_changes_nothing_does_not():
    dummy, change, present = without_node2(None, {"flannel_backend": "host-gw"})
    (problem,) = present.problems(change)
    assert problem.severity == "error"
    assert "this run leaves out k8s-node2. Run without --limit" in str(problem)
    dummy, change, present = without_node2(None, {})
    assert present.problems(change) == []
    assert [node.name for node in present.out] == [NODE2]


def test_a_first_deployment_wants_everybody_and_so_does_a_run_nobody_answers():
    world, change, dummy = without_node2(DOWN, {})
    nodes = world.scene().observed
    assert presence(Transition("first", intent_of()), nodes).away == ()
    world.nodes = dict.fromkeys(world.nodes, DOWN)
    assert presence(change, world.scene().observed).away == ()


@pytest.mark.parametrize(
    ("after", "peers"),
    [
        # Its agent has announced vxlan: those of host-gw will have no route to it, those of vxlan have.
        ({"flannel_backend": "host-gw"}, ()),
        ({"flannel_backend": "vxlan", "flannel_direct_routing": True}, (NODE2,)),
    ],
)
def test_the_others_wait_for_the_routes_that_they_will_get(after, peers):
    world, change, present = without_node2(DOWN, after)
    far = peers_away(Scene(intent_of(**after), Cluster.from_dict(world.api), world.scene().observed), present.away)
    assert tuple(peer.name for peer in far) == peers
    change = switch(change, after)
    plan = plan_network(intent_of(**after), present.here, change, present.away, far).as_result()
    assert plan["nodes"][NODE1]["expect"]["pod_routes"]["count"] == 1 + len(peers)
    assert plan["nodes"][NODE2] == {
        **plan["nodes"][NODE2],
        "expect": {},
        "settled": True,
        "proved": True,
        "away": True,
        "sweep": None,
        "meter": None,
    }
    assert plan["complete"] is False
    assert plan["summary"][-1] == "Left for later, since they do not answer: k8s-node2."


def test_a_node_that_is_back_follows():
    world = running(flannel_backend="host-gw")
    nodes = world.scene().observed
    entry = {"id": "1", "from": VXLAN, "to": {"label": "flannel host-gw"}, "outcome": "verified", "left": [NODE2]}
    record = Record.of({"journal": {"history": [entry]}})
    change = switch(between(world, flannel_backend="host-gw"), {}, record, here=nodes)
    plan = plan_network(intent_of(flannel_backend="host-gw"), nodes, change).as_result()
    assert plan["switch"]["active"]
    assert plan["switch"]["from"] == VXLAN
    assert (
        "Join: k8s-node2 did not answer when flannel vxlan became flannel host-gw, and follows now." in plan["summary"]
    )
    assert plan["nodes"][NODE2]["sweep"] is not None
    assert plan["switch"]["left"] == []


def test_a_node_that_is_still_away_stays_left():
    nodes = running().scene().observed[:2]
    assert parted((MASTER, NODE2), nodes) == ((MASTER,), (NODE2,))
