# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kube-proxy's mode from what it leaves in the kernel."""

from __future__ import annotations

import contextlib
import json

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _filters
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged, NodeError, ToolMissing
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import FakeNode, fixture
from hypothesis import given
from hypothesis import strategies as st

IPTABLES = {("ip", "nat", "KUBE-SERVICES")}
NFTABLES = {("ip", "kube-proxy", "services")}


@pytest.mark.parametrize(
    ("chains", "legacy", "links", "mode"),
    [
        (IPTABLES, (), ("eth0",), "iptables"),
        ({("ip6", "nat", "KUBE-SERVICES")}, (), (), "iptables"),
        ((), IPTABLES, ("eth0",), "iptables"),
        (NFTABLES, (), (), "nftables"),
        (IPTABLES | NFTABLES, (), (), "nftables"),
        (IPTABLES, (), ("kube-ipvs0",), "ipvs"),
        # The kubelet makes these two in every mode, even without kube-proxy.
        ({("ip", "mangle", "KUBE-KUBELET-CANARY"), ("ip", "filter", "KUBE-FIREWALL")}, (), (), "none"),
    ],
)
def test_the_strongest_sign_decides(chains, legacy, links, mode):
    assert _filters.proxy_mode(_filters.proxy_evidence(chains, legacy, links), complete=True) == mode


def test_without_a_sign_and_without_a_full_view_the_mode_is_unknown():
    assert _filters.proxy_mode([], complete=False) == "unknown"


def test_recorded_nft_and_legacy_chains():
    assert _filters.parse_nft_chains(fixture("nft-chains.json")) == {
        ("ip", "kube-proxy", "services"),
        ("ip", "nat", "KUBE-SERVICES"),
    }
    assert ("ip", "nat", "KUBE-SERVICES") in _filters.parse_saved_chains(fixture("iptables-legacy-save.txt"))


def test_iptables_save_stands_in_for_a_missing_nft():
    node = FakeNode(tools={"iptables-save -t nat": (0, ":KUBE-SERVICES - [0:0]\n", "")})
    assert _filters.read_chains(node) == IPTABLES


def test_no_tool_at_all_is_said():
    with pytest.raises(ToolMissing, match="neither nft nor iptables-save"):
        _filters.read_chains(FakeNode())


def test_a_refused_look_gives_the_tools_reason():
    node = FakeNode(tools={"nft": (1, "", "netlink: Error: Operation not permitted\n")})
    with pytest.raises(NodeError, match="Operation not permitted"):
        _filters.read_chains(node)


def test_the_legacy_table_is_not_asked_for_where_asking_would_create_it():
    node = FakeNode({"/proc/net/ip_tables_names": "filter\n"}, {"iptables-legacy-save": (0, "", "")})
    assert _filters.read_legacy_chains(node) == set()
    assert node.ran == []
    node.files["/proc/net/ip_tables_names"] = b"nat\nfilter\n"
    node.tools["iptables-legacy-save"] = (0, fixture("iptables-legacy-save.txt"), "")
    assert ("ip", "nat", "KUBE-SERVICES") in _filters.read_legacy_chains(node)


def test_a_forbidden_list_of_legacy_tables_is_not_taken_for_an_empty_one():
    path = "/proc/net/ip_tables_names"
    with pytest.raises(NodeError, match="Permission denied"):
        _filters.read_legacy_chains(FakeNode({path: ""}, forbidden=[path]))


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["nftables", "chain", "family"]), inner)
        ),
        max_leaves=8,
    )
)
def test_any_json_from_nft_is_parsed_or_named_damaged(document):
    with contextlib.suppress(Damaged):
        assert isinstance(_filters.parse_nft_chains(json.dumps(document)), set)
