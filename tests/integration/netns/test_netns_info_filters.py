# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_network_info against real packet filters, with the rules that flanneld, felix and kube-proxy write."""

from __future__ import annotations

import shlex
import socket
import subprocess

import pytest

from conftest import ip, need

NETWORK, SUBNET = "172.50.0.0/16", "172.50.2.0/24"
# flannel v0.28.9, pkg/trafficmngr/iptables/iptables.go: masqRules, forwardRules.
FLANNEL_IPTABLES = f"""
-t nat -N FLANNEL-POSTRTG
-t nat -A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
-t nat -A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN
-t nat -A FLANNEL-POSTRTG -s {SUBNET} -d {NETWORK} -m comment --comment "flanneld masq" -j RETURN
-t nat -A FLANNEL-POSTRTG -s {NETWORK} -d {SUBNET} -m comment --comment "flanneld masq" -j RETURN
-t nat -A FLANNEL-POSTRTG ! -s {NETWORK} -d {SUBNET} -m comment --comment "flanneld masq" -j RETURN
-t nat -A FLANNEL-POSTRTG -s {NETWORK} ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE
-t nat -A FLANNEL-POSTRTG ! -s {NETWORK} -d {NETWORK} -m comment --comment "flanneld masq" -j MASQUERADE
-t filter -N FLANNEL-FWD
-t filter -A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
-t filter -A FLANNEL-FWD -s {NETWORK} -m comment --comment "flanneld forward" -j ACCEPT
-t filter -A FLANNEL-FWD -d {NETWORK} -m comment --comment "flanneld forward" -j ACCEPT
"""
# pkg/trafficmngr/nftables/nftables.go: the same in nft, comments included.
FLANNEL_NFT = f"""
table ip flannel-ipv4 {{
    comment "rules for flannel-ipv4"
    chain forward {{
        comment "chain to accept flannel traffic"
        type filter hook forward priority filter
        ip saddr {NETWORK} accept
        ip daddr {NETWORK} accept
    }}
    chain postrtg {{
        comment "chain to manage traffic masquerading by flannel"
        type nat hook postrouting priority srcnat
        meta mark 0x4000 return
        ip saddr {SUBNET} ip daddr {NETWORK} return
        ip saddr {NETWORK} ip daddr != 224.0.0.0/4 masquerade fully-random
    }}
}}
"""
OTHERS = """
-t nat -N KUBE-SERVICES
-t nat -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-t nat -N KUBE-SVC-TCOU7JCQXEZGVUNU
-t nat -A KUBE-SERVICES -d 10.68.0.2/32 -p udp --dport 53 -j KUBE-SVC-TCOU7JCQXEZGVUNU
-t mangle -N KUBE-KUBELET-CANARY
-t filter -N cali-FORWARD
-t filter -A FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD
-t filter -A cali-FORWARD -m comment --comment "cali:vjrMJCRpqwy5oRoX" -j MARK --set-xmark 0x0/0xe0000
-t filter -N cali-tw-cali1234
"""


def iptables(tool, lines):
    """Run the lines through one iptables; skips what this kernel lacks."""
    need(tool)
    for line in lines.strip().splitlines():
        done = subprocess.run([tool, *shlex.split(line)], capture_output=True, text=True, check=False)
        if done.returncode != 0 and "legacy" in tool:
            pytest.skip(f"this kernel has no {tool}: {done.stderr.strip()}")
        assert done.returncode == 0, done.stderr


def nft(text):
    need("nft")
    subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)


def ruleset():
    return subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout


def firewall(node):
    observed = node.observe("firewall")
    assert observed["gaps"] == []
    return observed["firewall"]


def chain(told, table, name):
    (one,) = (one for one in told["chains"] if (one["table"], one["chain"]) == (table, name))
    return one


@pytest.mark.parametrize("flavour", ["iptables-nft", "iptables-legacy"])
def test_flannels_chains_in_both_flavours(node, flavour):
    need("nft")
    iptables(flavour, FLANNEL_IPTABLES)
    told = firewall(node)
    forward = chain(told, "filter", "FLANNEL-FWD")
    assert forward == {
        "flavour": flavour,
        "family": "ip",
        "table": "filter",
        "chain": "FLANNEL-FWD",
        "owner": "flannel",
        "hook": None,
        "policy": None,
        "packets": 0,
        "rules": [
            f'-s {NETWORK} -m comment --comment "flanneld forward" -j ACCEPT',
            f'-d {NETWORK} -m comment --comment "flanneld forward" -j ACCEPT',
        ],
        "rule_count": 2,
    }
    assert chain(told, "nat", "FLANNEL-POSTRTG")["rule_count"] == 6
    jump = chain(told, "filter", "FORWARD")
    assert (jump["hook"], jump["policy"], jump["owner"]) == ("forward", "accept", None)
    assert jump["rules"] == ['-m comment --comment "flanneld forward" -j FLANNEL-FWD']
    assert told["counts"]["flannel"] == 2


def test_both_flavours_beside_each_other(node):
    need("nft")
    iptables("iptables-nft", FLANNEL_IPTABLES)
    iptables("iptables-legacy", "-t filter -P FORWARD DROP")
    policies = {one["flavour"]: one["policy"] for one in firewall(node)["chains"] if one["chain"] == "FORWARD"}
    assert policies == {"iptables-nft": "accept", "iptables-legacy": "drop"}


def test_ipv6_has_a_family_of_its_own(node):
    need("nft")
    iptables("ip6tables-nft", "-t filter -N FLANNEL-FWD\n-t filter -A FLANNEL-FWD -s fd50::/56 -j ACCEPT")
    (one,) = (one for one in firewall(node)["chains"] if one["owner"] == "flannel")
    assert (one["family"], one["rules"]) == ("ip6", ["-s fd50::/56 -j ACCEPT"])


def test_flannels_nft_tables(node):
    nft(FLANNEL_NFT)
    told = firewall(node)
    assert told["tables"] == [{"family": "ip", "name": "flannel-ipv4", "owner": "flannel"}]
    forward, postrouting = chain(told, "flannel-ipv4", "forward"), chain(told, "flannel-ipv4", "postrtg")
    assert (forward["flavour"], forward["hook"], forward["policy"]) == ("nft", "forward", "accept")
    assert (forward["rules"], forward["packets"]) == (
        [f"ip saddr {NETWORK} accept", f"ip daddr {NETWORK} accept"],
        None,
    )
    assert (postrouting["hook"], postrouting["rule_count"]) == ("postrouting", 3)
    assert postrouting["rules"][2] == f"ip saddr {NETWORK} ip daddr != 224.0.0.0/4 masquerade fully-random"


def test_a_hosts_own_firewall_that_drops_what_is_forwarded(node):
    nft(
        """
        table inet host {
            chain input { type filter hook input priority 0; policy drop; udp dport 22 accept; }
            chain anything {
                type filter hook forward priority 10; policy drop;
                ip saddr { 10.0.0.1, 10.0.0.2, 10.0.0.3 } counter accept comment "a { b"
                ct state vmap { established : accept, related : accept, invalid : drop }
            }
            chain other { type filter hook output priority 0; }
        }
        """
    )
    told = firewall(node)
    dropping = chain(told, "host", "anything")
    assert (dropping["family"], dropping["policy"], dropping["packets"]) == ("inet", "drop", 0)
    assert dropping["rules"][0] == 'ip saddr { 10.0.0.1, 10.0.0.2, 10.0.0.3 } counter accept comment "a { b"'
    assert dropping["rule_count"] == 2
    assert chain(told, "host", "input")["policy"] == "drop"
    assert told["counts"]["other"] == 3
    assert "other" not in [one["chain"] for one in told["chains"]]


def test_chains_of_calico_and_kube_proxy_are_told_or_counted(node):
    need("nft")
    iptables("iptables-nft", OTHERS)
    told = firewall(node)
    assert told["counts"] == {"kube-proxy": 2, "calico": 2, "flannel": 0, "other": 3}
    services = chain(told, "nat", "KUBE-SERVICES")
    assert (services["owner"], services["rules"], services["rule_count"]) == ("kube-proxy", [], 1)
    assert chain(told, "filter", "cali-FORWARD")["owner"] == "calico"
    assert "cali-tw-cali1234" not in [one["chain"] for one in told["chains"]]


def test_packets_are_counted(node):
    need("nft")
    ip("link set lo up")
    iptables("iptables-nft", "-t filter -A INPUT -p udp --dport 9 -j DROP")
    nft(
        """
        table ip flannel-ipv4 {
            chain forward {
                type filter hook input priority 1
                ip ttl 1-255 counter accept
            }
        }
        """
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for port in (9, 10, 10):
            sender.sendto(b"x", ("127.0.0.1", port))
    told = firewall(node)
    assert chain(told, "filter", "INPUT")["packets"] >= 1
    counting = chain(told, "flannel-ipv4", "forward")
    assert counting["packets"] >= 2
    assert counting["rules"] == ["ip ttl 1-255 counter accept"]


def test_a_table_that_iptables_cannot_read_is_told_by_nft(node):
    nft("table ip filter {\n chain FORWARD {\n type filter hook forward priority 5; policy drop;\n }\n}\n")
    forward = chain(firewall(node), "filter", "FORWARD")
    assert (forward["flavour"], forward["policy"]) == ("nft", "drop")


@pytest.mark.parametrize("lines", ["", "-t filter -A FORWARD -j ACCEPT", FLANNEL_IPTABLES])
def test_asking_changes_no_table(node, lines):
    need("nft")
    if lines:
        iptables("iptables-nft", lines)
    before = ruleset()
    node.observe("firewall", "filters", "ipsets")
    assert ruleset() == before
    for names in ("/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"):
        assert node.stat(names) is None or node.read(names) == b""


def test_real_sets(node):
    need("ipset")
    for argv in (["create", "cali40masq-ipam-pools", "hash:net"], ["add", "cali40masq-ipam-pools", NETWORK]):
        made = subprocess.run(["ipset", *argv], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            pytest.skip(f"this kernel has no sets: {made.stderr.strip()}")
    subprocess.run(["ipset", "create", "KUBE-CLUSTER-IP", "hash:ip,port"], check=True)
    observed = node.observe("ipsets")
    assert observed["gaps"] == []
    assert observed["ipsets"] == [
        {"name": "cali40masq-ipam-pools", "type": "hash:net", "entries": 1, "owner": "calico"},
        {"name": "KUBE-CLUSTER-IP", "type": "hash:ip,port", "entries": 0, "owner": "kube-proxy"},
    ]
