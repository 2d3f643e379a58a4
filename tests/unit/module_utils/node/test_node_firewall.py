# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the packet filter: every flavour, and nothing that would change it."""

from __future__ import annotations

import json

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _firewall
from ansible_collections.switchyard.cni.plugins.module_utils._node._gather import Request, gather
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import RELEASE, FakeNode, fixture
from hypothesis import given
from hypothesis import strategies as st

CONFIG = f"/boot/config-{RELEASE}"
FLANNEL_NFT = fixture("nft-chain-flannel.txt")
LEGACY = "*filter\n:FORWARD DROP [0:0]\n:FLANNEL-FWD - [0:0]\n[3:252] -A FLANNEL-FWD -s 10.0.0.0/8 -j ACCEPT\nCOMMIT\n"


def nft_json(*objects):
    return json.dumps({"nftables": [{"metainfo": {}}, *objects]})


def nft_tools(tables, chains):
    return {
        "nft -j list tables": (0, nft_json(*({"table": {"family": one, "name": two}} for one, two in tables)), ""),
        "nft -j list chains": (0, nft_json(*({"chain": chain} for chain in chains)), ""),
    }


def iptables_nft_tools():
    return {
        "nft -j list tables": (0, fixture("nft-world-tables.json"), ""),
        "nft -j list chains": (0, fixture("nft-world-chains.json"), ""),
        "iptables-nft-save -c": (0, fixture("iptables-nft-save.txt"), ""),
    }


def observe(tools, files=None, option="CONFIG_NF_TABLES=y", **more):
    node = FakeNode({CONFIG: option, **(files or {})}, tools, **more)
    return gather(node, Request(("firewall",))), node


def told(observed):
    return {(one["flavour"], one["table"], one["chain"]): one for one in observed["firewall"]["chains"]}


def test_iptables_nft_with_flannel_calico_and_kube_proxy():
    observed, dummy = observe(iptables_nft_tools())
    assert observed["gaps"] == []
    assert observed["firewall"]["counts"] == {"kube-proxy": 2, "calico": 2, "flannel": 2, "other": 4}
    assert told(observed)[("iptables-nft", "filter", "FLANNEL-FWD")] == {
        "flavour": "iptables-nft",
        "family": "ip",
        "table": "filter",
        "chain": "FLANNEL-FWD",
        "owner": "flannel",
        "hook": None,
        "policy": None,
        "packets": 127,
        "rules": [
            '-s 172.50.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
            '-d 172.50.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
        ],
        "rule_count": 2,
    }
    services = told(observed)[("iptables-nft", "nat", "KUBE-SERVICES")]
    assert (services["rules"], services["rule_count"]) == ([], 1)


def test_an_empty_chain_of_kube_proxy_is_only_counted_and_one_of_calico_may_be_left_over():
    tools = iptables_nft_tools()
    text = tools["iptables-nft-save -c"][1]
    without = "\n".join(line for line in text.splitlines() if " -A KUBE-SERVICES " not in line)
    observed, dummy = observe({**tools, "iptables-nft-save -c": (0, without, "")})
    assert observed["firewall"]["counts"]["kube-proxy"] == 2
    assert ("iptables-nft", "nat", "KUBE-SERVICES") not in told(observed)
    assert told(observed)[("iptables-nft", "filter", "cali-FORWARD")]["rule_count"] == 0


def test_base_chains_that_only_iptables_save_imagines_are_left_out():
    observed, dummy = observe(iptables_nft_tools())
    assert ("iptables-nft", "filter", "FORWARD") in told(observed)
    assert ("iptables-nft", "filter", "INPUT") not in told(observed)


def test_nft_tables_of_flannel():
    forward = {"family": "ip", "table": "flannel-ipv4", "name": "forward", "type": "filter", "hook": "forward"}
    tools = nft_tools([("ip", "flannel-ipv4")], [{**forward, "policy": "accept"}])
    tools["nft list chain ip flannel-ipv4 forward"] = (0, FLANNEL_NFT, "")
    observed, dummy = observe(tools)
    assert observed["gaps"] == []
    assert observed["firewall"]["tables"] == [{"family": "ip", "name": "flannel-ipv4", "owner": "flannel"}]
    (chain,) = observed["firewall"]["chains"]
    assert (chain["flavour"], chain["hook"], chain["policy"], chain["packets"]) == ("nft", "forward", "accept", None)
    assert chain["rules"] == ["ip saddr 172.50.0.0/16 accept"]


def test_legacy_chains_of_the_tables_that_exist():
    tools = {"iptables-legacy-save -c -t filter": (0, LEGACY, "")}
    observed, node = observe(tools, {"/proc/net/ip_tables_names": "filter\n"}, option="CONFIG_VXLAN=y")
    assert observed["gaps"] == []
    assert told(observed)[("iptables-legacy", "filter", "FORWARD")]["policy"] == "drop"
    assert told(observed)[("iptables-legacy", "filter", "FLANNEL-FWD")]["packets"] == 3
    assert node.ran == ["iptables-legacy-save -c -t filter"]


def test_iptables_of_before_the_flavours_is_the_legacy_one():
    tools = {"iptables-save --version": (0, "iptables-save v1.6.1\n", ""), "iptables-save -c": (0, LEGACY, "")}
    observed, dummy = observe(tools, {"/proc/net/ip_tables_names": "filter\n"}, option="CONFIG_VXLAN=y")
    assert ("iptables-legacy", "filter", "FLANNEL-FWD") in told(observed)


def test_without_nft_iptables_tells_what_it_can():
    tools = {
        "iptables-save --version": (0, "iptables-save v1.8.9 (nf_tables)\n", ""),
        "iptables-save -c": (0, fixture("iptables-nft-save.txt"), ""),
        "ip6tables-nft-save -c": (0, "", ""),
    }
    observed, dummy = observe(tools)
    assert observed["gaps"] == []
    assert ("iptables-nft", "nat", "FLANNEL-POSTRTG") in told(observed)


@pytest.mark.parametrize("option", ["CONFIG_VXLAN=y", "CONFIG_NF_TABLES=m"])
def test_a_kernel_without_nf_tables_is_not_asked(option):
    observed, node = observe(iptables_nft_tools(), option=option)
    assert node.ran == []
    assert observed["firewall"] == {
        "chains": [],
        "counts": {"kube-proxy": 0, "calico": 0, "flannel": 0, "other": 0},
        "tables": [],
    }
    assert observed["gaps"] == []


def test_a_node_without_any_table_is_asked_once():
    dummy, node = observe(nft_tools([], []))
    assert node.ran == ["nft -j list tables"]


def test_what_cannot_be_read_is_a_gap_each():
    names = {"/proc/net/ip_tables_names": "nat\n", "/proc/net/ip6_tables_names": "nat\n"}
    observed, dummy = observe({}, names, forbidden=["/proc/net/ip6_tables_names"])
    reasons = {gap["what"]: gap["reason"] for gap in observed["gaps"]}
    assert reasons == {
        "firewall (iptables-nft)": "neither iptables-nft-save nor iptables-save of that kind is installed",
        "firewall (ip6tables-nft)": "neither ip6tables-nft-save nor ip6tables-save of that kind is installed",
        "firewall (iptables-legacy)": "neither iptables-legacy-save nor iptables-save of that kind is installed",
        "firewall (ip6tables-legacy)": "Permission denied",
    }


def test_a_chain_that_goes_meanwhile_is_a_gap_and_the_others_stay():
    forward = {"family": "ip", "table": "flannel-ipv4", "name": "forward", "type": "filter", "hook": "forward"}
    tools = nft_tools([("ip", "flannel-ipv4")], [forward, {**forward, "name": "postrtg", "hook": None}])
    tools["nft list chain ip flannel-ipv4 forward"] = (0, FLANNEL_NFT, "")
    tools["nft list chain ip flannel-ipv4 postrtg"] = (1, "", "Error: No such file or directory\n")
    observed, dummy = observe(tools)
    assert [gap["what"] for gap in observed["gaps"]] == ["firewall (nft)"]
    assert told(observed)[("nft", "flannel-ipv4", "forward")]["rule_count"] == 1


def test_of_a_long_chain_only_the_first_rules_are_told():
    rules = "".join(f"[0:0] -A FORWARD -s 10.0.{number}.0/24 -j ACCEPT\n" for number in range(80))
    tools = {"iptables-legacy-save -c": (0, f"*filter\n:FORWARD DROP [0:0]\n{rules}COMMIT\n", "")}
    observed, dummy = observe(tools, {"/proc/net/ip_tables_names": "filter\n"}, option="CONFIG_VXLAN=y")
    (chain,) = observed["firewall"]["chains"]
    assert (len(chain["rules"]), chain["rule_count"]) == (_firewall.SHOWN_RULES, 80)


@pytest.mark.parametrize("tool", sorted(iptables_nft_tools()))
@given(output=st.text(max_size=40))
def test_no_output_makes_it_fail(tool, output):
    observed, dummy = observe({**iptables_nft_tools(), tool: (0, output, "")})
    assert json.loads(json.dumps(observed)) == observed
