# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An order-free digest of routes: a sum of hashes.

The controller sums the routes that all peers imply once, and subtracts a node's own share; the node sums
what its kernel holds. Equal sums need no table on the wire, so the work stays linear in the nodes.
"""

from __future__ import annotations

import hashlib
import typing as t

_MODULUS = 1 << 64


def route_hash(dst: str, gateway: str | None, dev: str | None) -> int:
    """64 bits of SHA-256 over destination, gateway and device of one route."""
    text = "{0}|{1}|{2}".format(dst, gateway or "", dev or "")
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def add(hashes: t.Iterable[int]) -> int:
    """The sum of hashes, in 64 bits."""
    return sum(hashes) % _MODULUS


def subtract(total: int, hashes: t.Iterable[int]) -> int:
    """The sum without some of its hashes."""
    return (total - sum(hashes)) % _MODULUS


def as_text(digest: int) -> str:
    """Sixteen hexadecimal digits: JSON has no 64-bit integers that every reader keeps."""
    return "{0:016x}".format(digest)
