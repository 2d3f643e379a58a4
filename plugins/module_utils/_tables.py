# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's large tables (routes, forwarding entries, neighbours) as rows of text with an order-free digest.

The controller sums the rows that all peers imply once, and subtracts a node's own share; the node sums what its
kernel holds. Equal sums need no table on the wire, so the work stays linear in the nodes; only a node that differs
sends its rows, packed.

This file is private to the collection.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import typing as t
import zlib

_MODULUS = 1 << 64
_MAX_UNPACKED = 64 << 20
"""Bytes; ten times what 100,000 rows need. A node is not trusted to send a bomb."""


def route_row(dst: str, gateway: t.Optional[str], dev: t.Optional[str]) -> str:
    """A route by what decides where its packets go; protocol, scope and metric differ by kernel and by author."""
    words = [dst]
    if gateway:
        words += ["via", gateway]
    if dev:
        words += ["dev", dev]
    return " ".join(words)


def fdb_row(dev: str, mac: str, dst: str) -> str:
    """A forwarding entry of a tunnel device: the peer's MAC address there, and the peer's address outside."""
    return "%s dev %s dst %s" % (mac, dev, dst)


def neighbour_row(dev: str, address: str, mac: t.Optional[str]) -> str:
    """A neighbour of a tunnel device: the peer's address inside, and its MAC address there."""
    return "%s dev %s lladdr %s" % (address, dev, mac or "none")


def target_of(row: str) -> str:
    """What a row is about: the destination of a route, or the key of another entry with its device."""
    words = row.split()
    return " ".join(words[:3]) if words[-2] in ("dst", "lladdr") else words[0]


def row_hash(row: str) -> int:
    """64 bits of SHA-256 over one row."""
    return int.from_bytes(hashlib.sha256(row.encode("utf-8")).digest()[:8], "big")


def add(hashes: t.Iterable[int]) -> int:
    """The sum of hashes, in 64 bits."""
    return sum(hashes) % _MODULUS


def subtract(total: int, part: int) -> int:
    """The sum without a part of it."""
    return (total - part) % _MODULUS


def as_text(digest: int) -> str:
    """Sixteen hexadecimal digits: JSON has no 64-bit integers that every reader keeps."""
    return "{0:016x}".format(digest)


def digest(rows: t.Iterable[str]) -> str:
    """The digest of some rows, which does not depend on their order."""
    return as_text(add(row_hash(row) for row in rows))


def pack(rows: t.Iterable[str]) -> str:
    """Rows as one short text: sorted, compressed, base64."""
    return base64.b64encode(zlib.compress("\n".join(sorted(rows)).encode("utf-8"), 9)).decode("ascii")


def unpack(packed: str) -> t.List[str]:
    """The rows of pack(). Raises ValueError for anything else."""
    try:
        machine = zlib.decompressobj()
        text = machine.decompress(base64.b64decode(packed, validate=True), _MAX_UNPACKED)
        if machine.unconsumed_tail:
            raise ValueError("a packed table of more than %d bytes" % _MAX_UNPACKED)
        if not machine.eof:
            raise ValueError("a packed table that was cut short")
        return text.decode("utf-8").splitlines()
    except (binascii.Error, zlib.error, UnicodeDecodeError) as exc:
        raise ValueError("not a packed table: %s" % exc) from exc
