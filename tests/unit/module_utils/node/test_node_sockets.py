# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listening sockets from /proc/net, and the processes that hold them."""

from __future__ import annotations

import contextlib
import sys

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _sockets
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged
from ansible_collections.switchyard.cni.plugins.module_utils._node._gather import Request, gather
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import (
    FakeNode,
    fixture,
    recorded_tools,
)
from hypothesis import given
from hypothesis import strategies as st

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer\n"
little = pytest.mark.skipif(sys.byteorder != "little", reason="the recorded tables are of a little-endian machine")


def line(address, state, inode):
    return f" 6028: {address} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0        0 {inode} 2 0\n"


UDP = HEAD + line("00000000:2118", "07", 79783) + line("0100007F:0035", "07", 5) + line("6E07A8C0:205D", "01", 6)
TCP = HEAD + line("6E07A8C0:00B3", "0A", 81000) + line("6E07A8C0:00B3", "01", 81001)
TCP6 = HEAD + line("0000000000000000FFFF00006E07A8C0:238B", "0A", 82000)


def listening_node():
    node = FakeNode({"/proc/net/udp": UDP, "/proc/net/tcp": TCP, "/proc/net/tcp6": TCP6}, recorded_tools())
    for pid, comm, argv, inode in ((700, "bird", "/usr/bin/bird\0-R\0", 81000), (701, "node", "calico-node\0", 82000)):
        node.files[f"/proc/{pid}/comm"] = f"{comm}\n".encode()
        node.files[f"/proc/{pid}/cmdline"] = argv.encode()
        node.links[f"/proc/{pid}/fd/3"] = f"socket:[{inode}]"
        node.links[f"/proc/{pid}/fd/0"] = "/dev/null"
    return node


def listeners(node):
    observed = gather(node, Request(("listeners",)))
    return [tuple(one.values()) for one in observed["listeners"]], observed["gaps"]


@little
def test_listeners_with_their_processes():
    found, gaps = listeners(listening_node())
    assert gaps == []
    assert found == [
        ("udp", 8472, "0.0.0.0", "kernel"),
        ("tcp", 179, "192.168.7.110", "bird"),
        ("tcp", 9099, "192.168.7.110", "calico-node"),
    ]


@little
def test_without_a_look_into_every_process_nobody_is_named_the_kernel():
    node = listening_node()
    node.forbidden.add("/proc/701/fd")
    found, dummy = listeners(node)
    assert [process for *unused, process in found] == ["kernel", "bird", None]  # flannel.1 is up and holds its port
    node.tools["ip -j -d -s addr show"] = (0, "[]", "")
    found, dummy = listeners(node)
    assert [process for *unused, process in found] == [None, "bird", None]


@little
def test_the_port_of_a_vxlan_device_counts_whatever_it_is():
    node = listening_node()
    node.tools["ip -j -d -s addr show"] = (0, fixture("addr.json").replace('"port":8472', '"port":5000'), "")
    node.files["/proc/net/udp"] = (HEAD + line("00000000:1388", "07", 1) + line("00000000:1389", "07", 2)).encode()
    assert ("udp", 5000, "0.0.0.0", "kernel") in listeners(node)[0]
    assert not [one for one in listeners(node)[0] if one[1] == 5001]


def test_a_damaged_table_is_a_gap_of_its_own():
    node = listening_node()
    node.files["/proc/net/udp"] = b"head\n 1: nonsense\n"
    found, gaps = listeners(node)
    assert gaps == [{"what": "/proc/net/udp", "reason": "line 2 is no socket"}]
    assert len(found) == 2


def test_a_process_that_ends_meanwhile_is_passed_over():
    node = listening_node()
    node.links["/proc/702/fd/4"] = "socket:[79783]"  # its comm and its arguments have gone already
    assert ("udp", 8472, "0.0.0.0", "702") in listeners(node)[0]


@given(st.text(max_size=80) | st.lists(st.text(alphabet="0123456789ABCDEF: \n", max_size=90)).map("\n".join))
def test_any_table_is_parsed_or_named_damaged(text):
    for protocol in ("udp", "tcp"):
        with contextlib.suppress(Damaged):
            assert all(one.port >= 0 for one in _sockets.parse_sockets(text, protocol))
