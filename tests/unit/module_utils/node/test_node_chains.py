# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains as iptables-save and nft print them: whose they are, what they hold, and what is only counted."""

from __future__ import annotations

import contextlib
import json

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _chains
from ansible_collections.switchyard.cni.plugins.module_utils._node._chains import Chain
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import fixture
from hypothesis import given
from hypothesis import strategies as st

NFT_CHAIN = fixture("nft-chain-host.txt")


def saved():
    return _chains.parse_saved(fixture("iptables-nft-save.txt"), "iptables-nft", "ip")


def only(chains, table, name):
    (chain,) = (one for one in chains if (one.table, one.name) == (table, name))
    return chain


def test_flannels_chains_as_flanneld_writes_them():
    forward = only(saved(), "filter", "FLANNEL-FWD")
    assert forward.rules == [
        '-s 172.50.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
        '-d 172.50.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
    ]
    assert (forward.owner, forward.packets, forward.hook, forward.policy) == ("flannel", 127, None, None)
    assert len(only(saved(), "nat", "FLANNEL-POSTRTG").rules) == 6


def test_a_base_chain_with_its_hook_policy_and_jump():
    forward = only(saved(), "filter", "FORWARD")
    assert (forward.hook, forward.policy, forward.owner) == ("forward", "accept", None)
    assert forward.rules[0] == '-m comment --comment "flanneld forward" -j FLANNEL-FWD'
    assert (
        only(_chains.parse_saved("*nat\n:POSTROUTING DROP [7:9]\nCOMMIT\n", "x", "ip"), "nat", "POSTROUTING").packets
        == 7
    )


def test_what_is_told_and_what_is_only_counted():
    told = {(chain.table, chain.name) for chain in saved() if chain.told}
    assert told == {
        ("filter", "FORWARD"),
        ("filter", "INPUT"),
        ("filter", "FLANNEL-FWD"),
        ("filter", "cali-FORWARD"),
        ("nat", "POSTROUTING"),
        ("nat", "FLANNEL-POSTRTG"),
        ("nat", "KUBE-SERVICES"),
    }
    assert {chain.name for chain in saved() if chain.spelt_out} == {
        "FORWARD",
        "INPUT",
        "POSTROUTING",
        "FLANNEL-FWD",
        "FLANNEL-POSTRTG",
    }


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("FLANNEL-FWD", "flannel"),
        ("cali-tw-cali1234", "calico"),
        ("KUBE-SVC-TCOU7JCQXEZGVUNU", "kube-proxy"),
        ("KUBE-KUBELET-CANARY", None),
        ("KUBE-FIREWALL", None),
        ("DOCKER", None),
    ],
)
def test_whose_chain_of_iptables_it_is(name, owner):
    assert Chain("iptables-legacy", "ip", "filter", name).owner == owner


@pytest.mark.parametrize(
    ("table", "name", "owner", "told"),
    [
        ("flannel-ipv4", "postrtg", "flannel", True),
        ("flannel-ipv6", "forward", "flannel", True),
        ("calico", "filter-cali-FORWARD", "calico", True),
        ("calico-arp", "anything", "calico", False),
        ("calico", "filter-cali-tw-cali1234", "calico", False),
        ("kube-proxy", "service-2QRHZV4L-default/kubernetes/tcp/https", "kube-proxy", False),
        ("firewalld", "filter_IN_public", None, False),
    ],
)
def test_whose_chain_of_nft_it_is(table, name, owner, told):
    chain = Chain("nft", "ip", table, name)
    assert (chain.owner, chain.told) == (owner, told)


def test_base_chains_of_nft_count_by_their_hook_and_not_by_their_name():
    assert Chain("nft", "inet", "host", "fw", hook="forward", kind="filter").told
    assert not Chain("nft", "inet", "host", "fw", hook="forward", kind="route").told
    assert not Chain("nft", "inet", "host", "FORWARD", hook="prerouting", kind="filter").told


def test_the_text_of_an_nft_chain():
    chain = Chain("nft", "inet", "host", "fw", hook="forward", kind="filter")
    _chains.add_nft_rules(chain, NFT_CHAIN)
    assert chain.rules == [
        "ip saddr vmap { 10.0.0.1 : jump x, 10.0.0.3 : drop, 10.0.0.4 : accept }",
        'ct state established,related accept comment "a { b"',
        "add @d { ip saddr counter } counter",
        "counter drop",
    ]
    assert chain.packets == 7


def test_a_chain_that_counts_nothing_has_no_number():
    chain = Chain("nft", "ip", "flannel-ipv4", "forward")
    _chains.add_nft_rules(
        chain, "table ip flannel-ipv4 {\n\tchain forward {\n\t\tip saddr 172.50.0.0/16 accept\n\t}\n}\n"
    )
    assert (chain.rules, chain.packets) == (["ip saddr 172.50.0.0/16 accept"], None)


@pytest.mark.parametrize("text", ["", "table ip x {\n}\n", NFT_CHAIN[:170], "Error: No such file"])
def test_text_that_is_no_chain_is_named_damaged(text):
    with pytest.raises(Damaged):
        _chains.add_nft_rules(Chain("nft", "ip", "x", "y"), text)


def test_chains_and_tables_of_nft():
    chains = _chains.parse_nft_chains(fixture("nft-world-chains.json"))
    forward = only(chains, "filter", "FORWARD")
    assert (forward.hook, forward.kind, forward.policy) == ("forward", "filter", "accept")
    tables = _chains.parse_nft_tables(fixture("nft-world-tables.json"))
    assert set(tables) == {("ip", "nat"), ("ip", "filter"), ("ip", "mangle")}


def test_a_table_that_iptables_cannot_read_is_left_to_nft():
    text = "# Table `raw' contains incompatible base-chains, use 'nft' tool to list them.\n*raw\n"
    text += ":PREROUTING ACCEPT [0:0]\n"
    assert _chains.parse_saved(text + "COMMIT\n*nat\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n", "iptables-nft", "ip") == [
        Chain("iptables-nft", "ip", "nat", "OUTPUT", hook="output", kind="nat", policy="accept", packets=0)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        ":FORWARD ACCEPT [0:0]",
        "*nat\n:FORWARD\n",
        "*nat\n-A FORWARD -j ACCEPT\n",
        "*nat\n[1:2] -A\n",
        f"*nat\n:X ACCEPT [{'9' * 5000}:0]\n",
    ],
)
def test_text_that_is_not_of_iptables_is_named_damaged(text):
    with pytest.raises(Damaged):
        _chains.parse_saved(text, "iptables-legacy", "ip")


@given(st.text(alphabet="*:[]-A FORWARD0123#`'\n", max_size=80) | st.text(max_size=40))
def test_any_saved_text_is_parsed_or_named_damaged(text):
    with contextlib.suppress(Damaged):
        _chains.parse_saved(text, "iptables-nft", "ip")


@given(st.data())
def test_saved_text_with_damage_is_parsed_or_named_damaged(data):
    text = fixture("iptables-nft-save.txt")
    start = data.draw(st.integers(0, len(text)))
    damaged = text[:start] + data.draw(st.text(max_size=5)) + text[start + data.draw(st.integers(0, 30)) :]
    with contextlib.suppress(Damaged):
        _chains.parse_saved(damaged, "iptables-nft", "ip")


@given(st.text(alphabet='{}" \nchain table counter packets 1', max_size=80) | st.text(max_size=40))
def test_any_text_of_a_chain_is_parsed_or_named_damaged(text):
    with contextlib.suppress(Damaged):
        _chains.add_nft_rules(Chain("nft", "ip", "x", "y"), text)


NFT_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["nftables", "chain", "table", "family", "hook", "type", "policy"]), inner)
    ),
    max_leaves=8,
)


@given(NFT_JSON | st.fixed_dictionaries({"nftables": st.lists(NFT_JSON, max_size=4)}))
def test_any_json_of_nft_is_parsed_or_named_damaged(document):
    for parse in (_chains.parse_nft_chains, _chains.parse_nft_tables):
        with contextlib.suppress(Damaged):
            assert isinstance(parse(json.dumps(document)), list)
