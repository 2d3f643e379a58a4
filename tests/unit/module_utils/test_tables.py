# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows, their digest, and their way over the wire."""

from __future__ import annotations

import base64
import zlib

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils import _tables

ROWS = [_tables.route_row(f"172.{50 + n // 256}.{n % 256}.0/24", f"172.50.{n % 256}.0", "flannel.1") for n in range(9)]


def test_rows_read_as_ip_and_bridge_print_them():
    assert _tables.route_row("172.50.1.0/24", "172.50.1.0", "flannel.1") == "172.50.1.0/24 via 172.50.1.0 dev flannel.1"
    assert _tables.route_row("172.50.0.0/16", None, "flannel0") == "172.50.0.0/16 dev flannel0"
    assert _tables.fdb_row("flannel.1", "0a:00:00:00:00:65", "192.168.7.101") == (
        "0a:00:00:00:00:65 dev flannel.1 dst 192.168.7.101"
    )
    assert _tables.neighbour_row("flannel.1", "172.50.0.0", None) == "172.50.0.0 dev flannel.1 lladdr none"


def test_a_sum_without_some_rows_is_the_digest_of_the_others():
    total = _tables.add(map(_tables.row_hash, ROWS))
    without = _tables.subtract(total, _tables.add(map(_tables.row_hash, ROWS[:3])))
    assert _tables.as_text(without) == _tables.digest(ROWS[3:]) != _tables.digest(ROWS)


def test_packed_rows_come_back_sorted():
    assert _tables.unpack(_tables.pack(reversed(ROWS))) == sorted(ROWS)
    assert _tables.unpack(_tables.pack([])) == []


def test_ten_thousand_rows_are_packed_into_less_than_200_kilobytes():
    macs = (f"{n * 2654435761 % (1 << 48):012x}" for n in range(10_000))
    rows = [_tables.fdb_row("flannel.1", mac, f"10.0.{n // 256}.{n % 256}") for n, mac in enumerate(macs)]
    assert len(_tables.pack(rows)) < 200_000


@pytest.mark.parametrize("damaged", ["", "%%%", "aGVsbG8=", base64.b64encode(zlib.compress(b"\xff\xfe")).decode()])
def test_what_is_not_a_packed_table_is_refused(damaged):
    with pytest.raises(ValueError, match=r"packed table"):
        _tables.unpack(damaged)


def test_a_bomb_is_refused():
    bomb = base64.b64encode(zlib.compress(b"\n" * (65 << 20))).decode()
    with pytest.raises(ValueError, match="bytes"):
        _tables.unpack(bomb)
