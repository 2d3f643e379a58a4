# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BGP sessions as a real Calico showed them, and the original cluster's peer that no host answered for."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._model import Bird
from ansible_collections.switchyard.cni.plugins.plugin_utils._report import REPORTS
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._checks._bgp import _families
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._result import as_result
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import SEED, healthy

NONE = {"network_plugin": "calico", "calico_ipip_mode": "off"}
NODE = "k8s-node1"


def sessions(world, name=NODE):
    return world.node(name)["bird"][0]["protocols"]


@pytest.mark.parametrize(
    ("socket", "version", "families"),
    [
        ("/var/run/calico/bird.ctl", "v0.3.3+birdv1.6.8", (4,)),
        ("/var/run/calico/bird6.ctl", "v0.3.3+birdv1.6.8", (6,)),
        ("/run/bird/bird.ctl", "1.6.8", (4,)),
        ("/run/bird/bird.ctl", "2.0.12", (4, 6)),
    ],
)
def test_which_families_a_bird_serves(socket, version, families):
    assert _families(Bird(socket, version)) == families


def test_the_original_clusters_peer_is_shown_with_its_own_words():
    """calicoctl node status showed `start`, `Active Socket: Host is unreachable`, and nothing failed on it."""
    world = healthy(**NONE)
    sessions(world)[0].update(state="start", info="Active Socket: Host is unreachable", since="01:47:41")

    (finding,) = world.verify().findings

    assert (finding.id, finding.node) == ("bgp-session-down", NODE)
    assert finding.actual == "start Active Socket: Host is unreachable"
    assert "no host answers at this address" in finding.hint
    result = as_result(
        world.verify(), collection="0", created="2026-01-01T00:00:00Z", fail_on="error", declared=True, settings={}
    )
    row = (
        f"| {sessions(world)[0]['peer']} | node-to-node mesh | start | 01:47:41 | Active Socket: Host is unreachable |"
    )
    assert row in REPORTS["text"].render(result)


@pytest.mark.parametrize(
    ("info", "advice"),
    [
        ("Connect Socket: Connection refused", "Start calico-node"),
        ("Connect Socket: Connection timed out", "TCP port 179"),
        ("Passive Received: Administrative shutdown", "log on both nodes"),
    ],
)
def test_the_hint_follows_what_bird_says(info, advice):
    world = healthy(**NONE)
    sessions(world)[0].update(state="start", info=info)

    (finding,) = world.verify().findings

    assert advice in finding.hint


def test_only_ipv6s_bird_answers():
    """BIRD 1.6 has a daemon for each family: when that of IPv4 is stopped, bird6 still answers, with no session."""
    world = healthy(**NONE)
    world.node(NODE)["bird"] = [
        {"socket": "/var/run/calico/bird6.ctl", "version": "v0.3.3+birdv1.6.8", "protocols": []}
    ]

    assert world.told() == {("bird-silent", NODE)}


def test_a_session_without_a_node_behind_it():
    world = healthy(**NONE)
    old = dict(sessions(world)[0], name="Mesh_192_168_7_102", peer="192.168.7.102")
    sessions(world).append(old)

    (finding,) = world.verify().findings

    assert (finding.id, finding.subject) == ("bgp-peer-unknown", "192.168.7.102")


def test_another_as_number_than_the_meshs():
    world = healthy(**NONE)
    sessions(world)[0]["peer_as"] = 65001

    assert {finding.id for finding in world.verify().findings} == {"bgp-wrong-as"}


def test_without_a_mesh_no_session_of_it_is_missing():
    world = healthy(**NONE)
    world.api["calico"]["bgp"]["mesh"] = False
    world.api["calico"]["peers"] = [{"name": "rack", "peer_ip": "192.168.0.254"}]
    sessions(world).clear()

    assert world.told() == set()


def test_one_reflector_is_too_few_and_two_are_enough():
    world = healthy(**NONE)
    world.api["calico"]["bgp"]["mesh"] = False
    for name in world.hosts:
        sessions(world, name).clear()
    _note(world, NODE, RouteReflectorClusterID="244.0.0.1")
    assert world.told() == {("bgp-reflector-single", "")}

    _note(world, "k8s-node2", RouteReflectorClusterID="244.0.0.1")
    assert world.told() == set()


def test_a_vxlan_cluster_without_bird_is_not_asked_for_it():
    world = healthy(network_plugin="calico", calico_ipip_mode="off", calico_vxlan_mode="Always")
    world.api["calico"]["config"] = {"calico_backend": "vxlan"}
    for name in world.hosts:
        world.node(name)["bird"] = []

    assert world.told() == set()


def _note(world, name, **values):
    world.member(name)["annotations"].update({f"projectcalico.org/{key}": value for key, value in values.items()})


def test_a_route_reflector_is_no_part_of_the_mesh():
    """confd gives it no session of the mesh, and its peers none to it (bgp_processor.go, processMeshPeers)."""
    world = healthy(**NONE)
    _note(world, NODE, RouteReflectorClusterID="10.0.0.1")
    address = next(place.ip for place in SEED if place.name == NODE)
    sessions(world).clear()
    for name in world.hosts:
        if name != NODE:
            sessions(world, name)[:] = [one for one in sessions(world, name) if one["peer"] != address]

    assert world.told() == set()


def _at(session):
    return next(place.name for place in SEED if place.ip == session["peer"])


@pytest.mark.parametrize("text", ["65001", "0.65001"])
def test_a_node_may_have_an_as_number_of_its_own(text):
    world = healthy(**NONE)
    _note(world, NODE, ASNumber=text)
    for name in world.hosts:
        for session in sessions(world, name):
            session["local_as" if name == NODE else "peer_as"] = 65001 if NODE in (name, _at(session)) else 64512
    assert world.told() == set()

    for session in sessions(world, "k8s-node2"):
        session["peer_as"] = 64512

    assert world.told() == {("bgp-wrong-as", "k8s-node2")}


def test_the_hosts_own_bird_is_not_calicos_agent():
    world = healthy(**NONE)
    world.node(NODE)["agents"] = [{"name": "bird", "pid": 1, "container": None}]

    assert world.told() == {("agent-not-running", NODE)}
