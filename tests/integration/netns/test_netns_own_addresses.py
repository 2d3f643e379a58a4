# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that keep pods' own addresses, on a real kernel: before all others, both ways, and gone without a trace."""

from __future__ import annotations

import subprocess
from pathlib import Path

from conftest import ip, module

NETWORKS = {"first": ["172.50.0.0/16"], "second": ["172.60.0.0/16"]}
STRICT = Path("/proc/sys/net/ipv4/conf/all/rp_filter")


def rules():
    argv = ["iptables", "-t", "nat", "-S", "POSTROUTING"]
    return subprocess.run(argv, capture_output=True, check=True, text=True).stdout.splitlines()[1:]


def masquerade(*where):
    argv = ["iptables", "-t", "nat", *where, "-s", "172.50.0.0/16", "-j", "MASQUERADE"]
    subprocess.run(argv, check=True)


def test_they_come_first_both_ways_once_and_go_again(namespace):
    ip("link set lo up")
    masquerade("-A", "POSTROUTING")
    before = rules()
    for options, changed, count in ((["--check"], True, 1), ([], True, 3), ([], False, 3)):
        code, told = module("node_own_addresses", *options, **NETWORKS)
        assert (code, told["changed"], len(rules())) == (0, changed, count), told
    first, second, third = rules()
    assert ("-s 172.50.0.0/16 -d 172.60.0.0/16" in first, "-s 172.60.0.0/16 -d 172.50.0.0/16" in second) == (True, True)
    assert third == before[0]
    code, told = module("node_own_addresses", state="absent", **NETWORKS)
    assert (code, told["changed"], rules()) == (0, True, before)
    assert not module("node_own_addresses", state="absent", **NETWORKS)[1]["changed"]


def test_they_come_first_again_when_somebody_has_put_a_rule_before_them(namespace):
    ip("link set lo up")
    module("node_own_addresses", **NETWORKS)
    masquerade("-I", "POSTROUTING", "1")
    assert module("node_own_addresses", **NETWORKS)[1]["changed"]
    assert [line.endswith("MASQUERADE") for line in rules()] == [False, False, True]


def test_a_node_that_filters_strictly_is_refused_before_anything_is_changed(namespace):
    ip("link add eth0 type veth peer name wire")
    STRICT.write_text("1\n", encoding="ascii")
    code, told = module("node_own_addresses", **NETWORKS)
    assert code != 0
    assert "reverse-path filtering is strict on" in told["msg"]
    assert rules() == []
