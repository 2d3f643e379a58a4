# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every node must show: the large tables, for all nodes at once and in linear time.

The rows that all peers imply are made once for each kind of node (the same underlay device and the same way to its
peers), and a node's own share is subtracted. Whether a node's table is right is then one comparison of digests; only
a node that differs needs its expected rows.
"""

from __future__ import annotations

import bisect
import typing as t
from dataclasses import dataclass, replace
from functools import cached_property

from ansible_collections.switchyard.cni.plugins.module_utils import _tables
from ansible_collections.switchyard.cni.plugins.module_utils._backends._base import Backend, Network
from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import Endpoint
from ansible_collections.switchyard.cni.plugins.module_utils._model import FdbEntry, Neighbour, Route, ip_address

Entry = Route | Neighbour | FdbEntry
_Maker = t.Callable[[Endpoint, t.Iterable[Endpoint], Network], t.Sequence[Entry]]
# No node has this name, so that the backend leaves no peer out.
_NOBODY = ""


@dataclass(frozen=True)
class Digest:
    """How many rows a table must have, and the order-free sum of their hashes."""

    count: int
    digest: str


@dataclass(frozen=True)
class _Kind:
    """What all nodes of one kind must have: entries by row, the rows that lead to each peer, and all their hashes."""

    entries: t.Mapping[str, Entry]
    of_peer: t.Mapping[str, t.Sequence[str]]
    total: int
    total_of_peer: t.Mapping[str, int]

    @cached_property
    def by_target(self) -> t.Mapping[str, Entry]:
        """The entries by what they are about."""
        return {_tables.target_of(row): entry for row, entry in self.entries.items()}

    @cached_property
    def to_all(self) -> tuple[Entry, ...]:
        """The entries that do not lead to one peer but to all."""
        return tuple(entry for entry in self.entries.values() if not entry.peer)


@dataclass(frozen=True)
class Difference:
    """What a node's table lacks, and its rows that are not expected of it."""

    missing: tuple[Entry, ...]
    extra: tuple[str, ...]


class ExpectedTable:
    """One table of a backend ("pod_routes", "neighbours", "fdb") for every node of a cluster."""

    def __init__(self, backend: Backend, what: str, peers: t.Sequence[Endpoint], network: Network) -> None:
        makers: dict[str, _Maker] = {
            "pod_routes": backend.routes,
            "neighbours": backend.neighbours,
            "fdb": backend.fdb,
        }
        self._make = makers[what]
        self._peers, self._network = peers, network
        self._near = _Neighbourhood(peers) if backend.direct_routing else None
        self._kinds: dict[t.Hashable, _Kind] = {}
        self._digests: dict[str, Digest] = {}

    def digest(self, node: Endpoint) -> Digest:
        """What the node's table must sum up to. Raises BackendError when a peer cannot be reached at all."""
        if node.name not in self._digests:
            kind = self._kind(node)
            count = len(kind.entries) - len(kind.of_peer.get(node.name, ()))
            total = _tables.subtract(kind.total, kind.total_of_peer.get(node.name, 0))
            self._digests[node.name] = Digest(count, _tables.as_text(total))
        return self._digests[node.name]

    def entries(self, node: Endpoint) -> dict[str, Entry]:
        """The node's entries by their rows. Raises BackendError."""
        kind = self._kind(node)
        own = set(kind.of_peer.get(node.name, ()))
        return {row: entry for row, entry in kind.entries.items() if row not in own}

    def difference(self, node: Endpoint, rows: frozenset[str]) -> Difference:
        """How the node's rows differ from what they must be. Raises BackendError.

        Only rows that differ are looked at one by one: many nodes of a large cluster may have sent thousands.
        """
        kind = self._kind(node)
        own = set(kind.of_peer.get(node.name, ()))
        missing = kind.entries.keys() - rows - own
        extra = (rows - kind.entries.keys()) | (rows & own)
        return Difference(tuple(kind.entries[row] for row in sorted(missing)), tuple(sorted(extra)))

    def about(self, node: Endpoint, target: str) -> Entry | None:
        """The entry about a target (see target_of) that the node must have. Raises BackendError."""
        entry = self._kind(node).by_target.get(target)
        return entry if entry is not None and entry.peer != node.name else None

    def to_all(self, node: Endpoint) -> tuple[Entry, ...]:
        """The node's entries that lead to all peers at once. Raises BackendError."""
        return self._kind(node).to_all

    def _kind(self, node: Endpoint) -> _Kind:
        table = self._near.relevant(node) if self._near else ()
        networks = tuple(node.underlay.network(version) for version in (4, 6)) if self._near else ()
        key = (node.underlay.dev, networks, table)
        if key not in self._kinds:
            self._kinds[key] = self._made(replace(node, name=_NOBODY, table=table))
        return self._kinds[key]

    def _made(self, viewer: Endpoint) -> _Kind:
        entries = {entry.row: entry for entry in self._make(viewer, self._peers, self._network)}
        of_peer: dict[str, list[str]] = {}
        total_of_peer: dict[str, int] = {}
        total = 0
        for row, entry in entries.items():
            value = _tables.row_hash(row)
            total += value
            if entry.peer:
                of_peer.setdefault(entry.peer, []).append(row)
                total_of_peer[entry.peer] = total_of_peer.get(entry.peer, 0) + value
        return _Kind(entries, of_peer, total, total_of_peer)


class _Neighbourhood:
    """Which of a node's routes can matter to any peer: most nodes then are of one kind, whatever else they route."""

    def __init__(self, peers: t.Iterable[Endpoint]) -> None:
        found: dict[int, list[int]] = {4: [], 6: []}
        for peer in peers:
            for version, numbers in found.items():
                address = peer.address(version)
                if address:
                    numbers.append(int(ip_address(address)))
        self._numbers = {version: sorted(numbers) for version, numbers in found.items()}

    def relevant(self, node: Endpoint) -> tuple[Route, ...]:
        """The routes that lead to at least one peer, reduced to what decides the way."""
        return tuple(
            Route(dst=route.dst, gateway=route.gateway, dev=route.dev, metric=route.metric)
            for route in node.table
            if self._leads_to_a_peer(route)
        )

    def _leads_to_a_peer(self, route: Route) -> bool:
        network = route.network
        numbers = self._numbers[network.version]
        at = bisect.bisect_left(numbers, int(network.network_address))
        return at < len(numbers) and numbers[at] <= int(network.broadcast_address)
