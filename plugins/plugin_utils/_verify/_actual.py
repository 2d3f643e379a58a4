# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's large tables as they are, listed or only digested."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from ansible_collections.switchyard.cni.plugins.module_utils import _tables
from ansible_collections.switchyard.cni.plugins.module_utils._model import Digested, NodeFacts, Route
from ansible_collections.switchyard.cni.plugins.plugin_utils._expect import Digest
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import Scene


@dataclass(frozen=True)
class ActualTable:
    """One table of one node, by its rows, or by its digest where the node has not sent them.

    ``repeated`` are the rows that the node has more than once.
    """

    count: int
    rows: frozenset[str] | None = None
    digest: str = ""
    repeated: tuple[str, ...] = ()

    @classmethod
    def of_rows(cls, rows: list[str]) -> ActualTable:
        """A table that was listed or sent."""
        found = frozenset(rows)
        twice = [row for row, number in Counter(rows).items() if number > 1] if len(found) < len(rows) else []
        return cls(len(rows), found, repeated=tuple(twice))

    def is_other_than(self, wanted: Digest) -> bool:
        """Whether only the digest is known, and is not the right one."""
        return self.rows is None and (self.count, self.digest) != (wanted.count, wanted.digest)


class ActualTables:
    """The three tables of one node."""

    def __init__(self, scene: Scene, facts: NodeFacts) -> None:
        self._scene, self._facts = scene, facts
        self._devices = scene.devices
        self._tables: dict[str, ActualTable] = {}

    def table(self, what: str) -> ActualTable:
        """One of "pod_routes", "neighbours", "fdb". A damaged packed table counts as not listed."""
        if what not in self._tables:
            self._tables[what] = self._read(what)
        return self._tables[what]

    def _read(self, what: str) -> ActualTable:
        listed = self._listed[what]
        digested = [one for one in self._facts.digested if one.what == what and self._concerns(one)]
        packed = _unpacked(digested)
        if packed is not None:
            return ActualTable.of_rows([*packed, *listed])
        if len(digested) == 1 and not listed:
            return ActualTable(digested[0].size, digest=digested[0].digest)
        # A table of several devices may be listed for one and digested for another.
        sums = [int(one.digest, 16) for one in digested] + [_tables.row_hash(row) for row in listed]
        count = sum(one.size for one in digested) + len(listed)
        return ActualTable(count, digest=_tables.as_text(_tables.add(sums)))

    def _concerns(self, table: Digested) -> bool:
        return table.dev is None or table.dev in self._devices

    @cached_property
    def peer_routes(self) -> list[Route]:
        """The listed routes that lead to other nodes' pods, as the node itself counts them (_node/_forwarding.py)."""
        return _peer_routes(self._scene, self._facts)

    @cached_property
    def _listed(self) -> dict[str, list[str]]:
        facts, devices = self._facts, self._devices
        return {
            "pod_routes": [route.row for route in self.peer_routes],
            "neighbours": [one.row for one in facts.neighbours if one.dev in devices and one.permanent],
            "fdb": [one.row for one in facts.fdb if one.dev in devices],
        }


def _unpacked(digested: t.Iterable[Digested]) -> list[str] | None:
    """The rows of all digested tables; None when one of them was not sent, or not whole."""
    rows: list[str] = []
    for one in digested:
        try:
            found = _tables.unpack(one.packed) if one.packed is not None else []
        except ValueError:
            return None
        if len(found) != one.size:
            return None
        rows += found
    return rows


def _peer_routes(scene: Scene, facts: NodeFacts) -> list[Route]:
    bridge = scene.backend.bridge
    found = []
    for route in facts.routes:
        if route.table != "main" or route.type != "unicast" or (bridge is not None and route.dev == bridge):
            continue
        network = route.network
        if network.prefixlen < network.max_prefixlen and scene.holds(network):
            found.append(route)
    return found
