# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WireGuard devices and peers, and that no secret of them is ever told."""

from __future__ import annotations

import contextlib
import json

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _wireguard
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged
from ansible_collections.switchyard.cni.plugins.module_utils._node._gather import Request, gather
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import FakeNode, fixture
from hypothesis import given
from hypothesis import strategies as st

SECRETS = ("cHJpdmF0ZS1rZXktb2YtdGhpcy1ub2RlLi4uLi4uLi4=", "cHJlc2hhcmVkLWtleS1vZi10aGVtLWFsbC4uLi4uLi4=")


def node(**tools):
    return FakeNode(tools={"ip -j -d -s addr show": (0, fixture("addr-tunnels.json"), ""), **tools})


def test_devices_and_their_peers():
    found = _wireguard.parse_dump(fixture("wg-dump.txt"))
    assert {dev: (device["listen_port"], len(device["peers"])) for dev, device in found.items()} == {
        "flannel-wg": (51820, 2),
        "flannel-wg-v6": (51821, 0),
    }
    assert found["flannel-wg"]["public_key"] == "cHVibGljLWtleS1vZi10aGlzLW5vZGUuLi4uLi4uLi4="
    first, second = found["flannel-wg"]["peers"]
    assert first == {
        "public_key": "cHVibGljLWtleS1vZi1ub2RlLW9uZS4uLi4uLi4uLi4=",
        "endpoint": "192.168.7.101:51820",
        "allowed_ips": ["172.50.0.0/24"],
        "latest_handshake": 1764111600,
        "rx_bytes": 1234,
        "tx_bytes": 5678,
        "keepalive": 25,
    }
    assert (second["endpoint"], second["allowed_ips"], second["latest_handshake"], second["keepalive"]) == (
        None,
        [],
        0,
        0,
    )


def test_no_key_but_public_ones_is_told():
    observed = gather(node(wg=(0, fixture("wg-dump.txt"), "")), Request(("wireguard", "listeners")))
    assert observed["wireguard"]["flannel-wg"]["peers"]
    assert not [secret for secret in SECRETS if secret in json.dumps(observed)]


@pytest.mark.parametrize("cut", [1, 3, 7])
def test_damage_is_named_without_a_key(cut):
    lines = fixture("wg-dump.txt").splitlines()
    lines[1] = "\t".join(lines[1].split("\t")[:cut])
    observed = gather(node(wg=(0, "\n".join(lines), "")), Request(("wireguard",)))
    assert observed["gaps"] == [{"what": "wireguard", "reason": "line 2 is neither a device nor a peer"}]
    assert observed["wireguard"] == {}


def test_without_a_wireguard_device_nobody_asks_and_nothing_is_missing():
    bare = FakeNode(tools={"ip": (0, "[]", "")})
    assert gather(bare, Request(("wireguard",))) == {"hostname": "node-1", "wireguard": {}, "gaps": []}
    assert bare.ran == ["ip -j -d -s addr show"]


def test_a_wireguard_device_without_its_program_is_a_gap():
    observed = gather(node(), Request(("wireguard",)))
    assert observed["gaps"] == [{"what": "wireguard", "reason": "wg is not installed"}]


def test_peers_beyond_the_limit_are_counted():
    lines = ["flannel-wg\tk\tp\t51820\toff"]
    lines += [f"flannel-wg\tpeer{number}\t(none)\t(none)\t(none)\t0\t0\t0\toff" for number in range(9)]
    observed = gather(node(wg=(0, "\n".join(lines), "")), Request(("wireguard",), limit=3))
    assert len(observed["wireguard"]["flannel-wg"]["peers"]) == 3
    (note,) = observed["truncated"]
    assert {key: value for key, value in note.items() if key != "digest"} == {
        "what": "wireguard",
        "dev": "flannel-wg",
        "count": 9,
        "listed": 3,
    }


@given(st.text(alphabet="a1\t\n(none)off", max_size=60) | st.text(max_size=40))
def test_any_dump_is_parsed_or_named_damaged(text):
    with contextlib.suppress(Damaged):
        _wireguard.parse_dump(text)


@given(st.data())
def test_a_damaged_dump_never_tells_a_secret(data):
    text = fixture("wg-dump.txt")
    start = data.draw(st.integers(0, len(text)))
    damaged = text[:start] + data.draw(st.text(max_size=3)) + text[start + data.draw(st.integers(0, 3)) :]
    observed = gather(node(wg=(0, damaged, "")), Request(("wireguard",)))
    assert not [secret for secret in SECRETS if secret[4:-4] in json.dumps(observed)]
