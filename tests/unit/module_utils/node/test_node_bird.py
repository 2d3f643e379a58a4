# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BGP sessions from what real BIRD daemons said, and from anything else."""

from __future__ import annotations

import contextlib
import errno

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _bird
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged, NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._gather import Request, gather
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import (
    FakeNode,
    fixture,
    recorded_bird,
)
from hypothesis import given
from hypothesis import strategies as st

VERSIONS = ["1.6", "2.0"]
SOCKET = "/var/run/calico/bird.ctl"


def protocols(version):
    return fixture(f"bird-{version}.txt").encode().split(b"\x1e")[2]


def sessions(version):
    return list(_bird.parse_protocols(_bird.parse_reply(protocols(version))))


def observe(daemon, **request):
    node = FakeNode()
    node.daemons[SOCKET] = daemon
    return gather(node, Request(("bird",), **request))


@pytest.mark.parametrize("version", VERSIONS)
def test_an_established_session_with_its_routes(version):
    session = sessions(version)[0]
    assert {key: value for key, value in session.items() if key != "since"} == {
        "name": "Mesh_192_168_7_101",
        "type": "BGP",
        "state": "up",
        "info": "Established",
        "peer": "192.168.7.101",
        "peer_as": 64512,
        "local_as": 64512,
        "kind": "node-to-node mesh",
        "imported": 1,
        "exported": 1,
    }
    assert session["since"].startswith("22:48:")


@pytest.mark.parametrize("version", VERSIONS)
def test_peers_that_are_cut_off_say_why(version):
    told = {one["name"]: (one["state"], one["info"], one["peer_as"], one["kind"]) for one in sessions(version)[1:]}
    assert told == {
        "Mesh_192_168_7_111": ("start", "Connect Socket: No route to host", 64512, "node-to-node mesh"),
        "Global_192_168_7_1": ("start", "Connect Socket: No route to host", 64600, "global"),
        "Node_10_9_9_9": ("start", "Active Socket: Network is unreachable", 64700, "node specific"),
    }


def test_the_old_daemon_does_not_tell_its_own_as_before_a_session_is_there():
    assert [one["local_as"] for one in sessions("1.6")] == [64512, None, None, None]
    assert [one["local_as"] for one in sessions("2.0")] == [64512] * 4


@pytest.mark.parametrize("version", VERSIONS)
def test_a_daemon_is_told_with_its_version_and_id(version):
    (daemon,) = observe(recorded_bird(version))["bird"]
    assert (daemon["socket"], daemon["router_id"]) == (SOCKET, "192.168.7.110")
    assert daemon["version"].startswith(version)
    assert len(daemon["protocols"]) == 4


def test_times_of_another_format_and_names_of_other_people():
    text = "1002-uplink BGP master up 2026-11-25 22:48:07 Established\n1006-  BGP state: Established\n0000 \n"
    (session,) = _bird.parse_protocols(_bird.parse_reply(text.encode()))
    assert (session["since"], session["info"], session["kind"]) == ("2026-11-25 22:48:07", "Established", None)
    (session,) = _bird.parse_protocols(_bird.parse_reply(b"1002-Mesh_a BGP master down 2026-11-25\n0000 \n"))
    assert (session["state"], session["since"], session["info"]) == ("down", "2026-11-25", "")


def test_the_routes_of_several_channels_are_added():
    text = (
        "1002-Mesh_a BGP --- up 22:48:07 Established\n1006-  Channel ipv4\n     Routes: 3 imported, 1 filtered,"
        " 2 exported, 3 preferred\n   Channel ipv6\n     Routes: 4 imported, 1 exported, 0 preferred\n0000 \n"
    )
    (session,) = _bird.parse_protocols(_bird.parse_reply(text.encode()))
    assert (session["imported"], session["exported"]) == (7, 3)


def test_no_daemon_is_no_gap():
    assert gather(FakeNode(), Request(("bird",))) == {"hostname": "node-1", "bird": [], "gaps": []}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.ECONNREFUSED, "Connection refused"),
        (errno.ETIMEDOUT, "Connection timed out"),
        (errno.EACCES, "Permission denied"),
    ],
)
def test_a_daemon_that_does_not_answer_is_a_gap(code, reason):
    def silent(request):
        raise OSError(code, reason)

    observed = observe(silent)
    assert observed["bird"] == []
    assert observed["gaps"] == [{"what": SOCKET, "reason": reason}]


def test_a_daemon_that_refuses_is_a_gap_in_its_own_words():
    observed = observe(lambda request: b"0001 BIRD 1.6.8 ready.\n" if request is None else b"8007 Access denied\n")
    assert observed["gaps"] == [{"what": SOCKET, "reason": "BIRD says: Access denied"}]


def test_of_many_sessions_those_in_trouble_are_listed():
    lines = [f"1002-Mesh_{number} BGP master up 22:48:07 Established" for number in range(20)]
    lines.insert(15, "1002-Mesh_x BGP master start 22:48:07 Connect Socket: No route to host")
    recorded = recorded_bird("1.6")
    reply = ("\n".join(lines) + "\n0000 \n").encode()
    observed = observe(lambda request: reply if request == b"show protocols all\n" else recorded(request), limit=2)
    assert [one["name"] for one in observed["bird"][0]["protocols"]] == ["Mesh_x", "Mesh_0"]
    (note,) = observed["truncated"]
    assert {key: value for key, value in note.items() if key != "digest"} == {
        "what": "bird",
        "socket": SOCKET,
        "count": 21,
        "listed": 2,
    }


def test_a_reply_is_whole_with_its_last_line_only():
    reply = protocols("1.6")
    assert _bird.whole(reply[-4096:])
    assert not any(_bird.whole(reply[:cut][-4096:]) for cut in range(0, len(reply) - 1, 7))


def parsed(data):
    lines = _bird.parse_reply(data)
    _bird.parse_status(lines)
    return list(_bird.parse_protocols(lines))


@given(st.binary(max_size=120) | st.text(alphabet="0126-BGP up:\n", max_size=60).map(str.encode))
def test_any_reply_is_parsed_or_named(data):
    with contextlib.suppress(Damaged, NodeError):
        parsed(data)


@given(st.data())
def test_a_real_reply_with_damage_is_parsed_or_named(data):
    reply = protocols(data.draw(st.sampled_from(VERSIONS)))
    start = data.draw(st.integers(0, len(reply)))
    damaged = reply[:start] + data.draw(st.binary(max_size=8)) + reply[start + data.draw(st.integers(0, 40)) :]
    with contextlib.suppress(Damaged, NodeError):
        assert all(isinstance(session["name"], str) for session in parsed(damaged))
