# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of addresses by name, type, size and owner."""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _ipset
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged
from ansible_collections.switchyard.cni.plugins.module_utils._node._gather import Request, gather
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import RELEASE, FakeNode, fixture
from hypothesis import given
from hypothesis import strategies as st

SETS = [
    {"name": "cali40masq-ipam-pools", "type": "hash:net", "entries": 1, "owner": "calico"},
    {"name": "KUBE-CLUSTER-IP", "type": "hash:ip,port", "entries": 0, "owner": "kube-proxy"},
    {"name": "mine", "type": "hash:ip", "entries": 0, "owner": None},
]


def observe(option, **tools):
    node = FakeNode({f"/boot/config-{RELEASE}": option}, tools)
    return gather(node, Request(("ipsets",))), node


def test_recorded_sets():
    assert _ipset.parse_sets(fixture("ipset.xml")) == SETS
    assert _ipset.parse_sets("") == []


def test_an_old_ipset_does_not_count():
    text = '<ipsets><ipset name="cali40s"><type>hash:ip</type><header/></ipset></ipsets>'
    assert _ipset.parse_sets(text)[0]["entries"] is None


def test_a_node_with_sets():
    observed, dummy = observe("CONFIG_IP_SET=y", ipset=(0, fixture("ipset.xml"), ""))
    assert observed["ipsets"] == SETS


@pytest.mark.parametrize("option", ["CONFIG_VXLAN=y", "CONFIG_IP_SET=m"])
def test_a_kernel_without_sets_is_not_asked(option):
    observed, node = observe(option, ipset=(0, fixture("ipset.xml"), ""))
    assert (observed["ipsets"], observed["gaps"], node.ran) == ([], [], [])


@pytest.mark.parametrize(
    ("tools", "reason"),
    [
        ({}, "ipset is not installed"),
        ({"ipset": (1, "", "ipset v7.17: Kernel error received: Operation not permitted")}, "Operation not permitted"),
        ({"ipset": (0, "<ipsets>", "")}, "not XML"),
    ],
)
def test_sets_that_cannot_be_read_are_a_gap(tools, reason):
    observed, dummy = observe("CONFIG_IP_SET=y", **tools)
    assert observed["ipsets"] == []
    assert [gap["what"] for gap in observed["gaps"]] == ["ipsets"]
    assert reason in observed["gaps"][0]["reason"]


@given(st.text(max_size=40) | st.text(alphabet='<ipset name="/>typ', max_size=60))
def test_any_text_is_parsed_or_named_damaged(text):
    with contextlib.suppress(Damaged):
        _ipset.parse_sets(text)


@given(st.data())
def test_recorded_sets_with_damage_are_parsed_or_named_damaged(data):
    text = fixture("ipset.xml")
    start = data.draw(st.integers(0, len(text)))
    damaged = text[:start] + data.draw(st.text(max_size=6)) + text[start + data.draw(st.integers(0, 20)) :]
    with contextlib.suppress(Damaged):
        assert all(one["name"] and one["type"] for one in _ipset.parse_sets(damaged))
