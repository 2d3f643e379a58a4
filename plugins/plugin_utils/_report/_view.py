# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes and paths of a result as the page draws them: nodes by number, paths by pair.

Linear in nodes, findings and paths. This file is private to the collection.
"""

from __future__ import annotations

import ipaddress
import typing as t
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

from ansible_collections.switchyard.cni.plugins.plugin_utils._report._plain import plain
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._summary import (
    SEVERITIES,
    Result,
    Variant,
    findings_by_node,
    is_broken,
    severity_count,
    way_of,
)

Mapping = t.Mapping[str, t.Any]
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(text: str | None) -> IPNetwork | None:
    try:
        return ipaddress.ip_network(text or "", strict=False)
    except ValueError:
        return None


def _containing(address: str, lengths: t.Sequence[tuple[int, int]], names: t.Mapping[IPNetwork, str]) -> str | None:
    """The known network that an address lies in, asked for each prefix length, not for each network."""
    for version, length in lengths:
        network = _network(f"{address}/{length}")
        if network is not None and network.version == version and network in names:
            return names[network]
    return None


@dataclass
class Link:
    """The probed paths between two nodes, in both directions: the way they take, and whether one of them is broken."""

    way: str = "any"
    broken: bool = False
    paths: list[Mapping] = field(default_factory=list)

    def add(self, path: Mapping) -> None:
        self.paths.append(path)
        if is_broken(path):
            self.broken = True
        if self.way == "any":
            self.way = way_of(path)

    @property
    def worst(self) -> float | None:
        """The longest round trip in milliseconds."""
        return max((path["rtt_ms"] for path in self.paths if path["rtt_ms"] is not None), default=None)


@dataclass(frozen=True)
class View:
    """A result with what its pictures need; numbers of nodes are their places in ``result["nodes"]``."""

    result: Result

    @cached_property
    def nodes(self) -> t.Sequence[Mapping]:
        return self.result["nodes"]

    @cached_property
    def names(self) -> list[str]:
        """The nodes' names, harmless."""
        return [plain(node["name"]) for node in self.nodes]

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Harmless name -> number; the first one where a name occurs twice."""
        return {name: number for number, name in reversed(list(enumerate(self.names)))}

    def number(self, name: str | None) -> int:
        """The number of a node, -1 if the result has none of that name."""
        return self.numbers.get(plain(name), -1)

    def places(self, variant: Variant) -> list[int]:
        """The numbers of a finding's nodes, each once; none for a finding about the cluster."""
        return list(dict.fromkeys(self.number(name) for name in variant.nodes if name))

    @cached_property
    def networks(self) -> list[str | None]:
        """The layer 2 network of each node; of a node that nobody could ask the one that its address lies in."""
        known = {plain(node["l2"]): network for node in self.nodes if (network := _network(node["l2"])) is not None}
        names = {network: name for name, network in known.items()}
        lengths = sorted({(network.version, network.prefixlen) for network in names}, reverse=True)
        return [plain(node["l2"]) or _containing(plain(node["address"]), lengths, names) for node in self.nodes]

    @cached_property
    def counts(self) -> list[tuple[int, ...]]:
        """Errors, warnings and informations of each node."""
        found = findings_by_node(self.result)
        none: Counter[str] = Counter()
        return [tuple(found.get(node["name"], none)[level] for level in SEVERITIES) for node in self.nodes]

    def badge(self, number: int) -> tuple[str, str]:
        """Kind and text of a node's sign: its worst severity with the number of findings, or its state."""
        for severity, sign, count in zip(SEVERITIES, "✕!i", self.counts[number], strict=True):
            if count:
                return severity, f"{sign} {count}"
        return ("ok", "✓") if self.nodes[number]["state"] == "verified" else ("unknown", "?")

    def description(self, number: int) -> str:
        """A node in one line, for a tooltip and a screen reader."""
        node = self.nodes[number]
        facts = [self.names[number], plain(node["address"]), plain(" ".join(node["pod_cidrs"])), node["state"]]
        facts += [
            severity_count(level, count) for level, count in zip(SEVERITIES, self.counts[number], strict=True) if count
        ]
        return ", ".join(fact for fact in facts if fact)

    def ends(self, path: Mapping) -> tuple[int, int]:
        return self.number(path["source"]["node"]), self.number(path["target"]["node"])

    @cached_property
    def links(self) -> dict[tuple[int, int], Link]:
        """Pair of different nodes, the smaller number first -> what was probed between them."""
        links: dict[tuple[int, int], Link] = {}
        for path in self.result["paths"]:
            source, target = self.ends(path)
            if source != target and min(source, target) >= 0:
                pair = (min(source, target), max(source, target))
                links.setdefault(pair, Link()).add(path)
        return links

    @cached_property
    def local(self) -> dict[int, Link]:
        """Node -> what was probed between its own pods."""
        links: dict[int, Link] = {}
        for path in self.result["paths"]:
            source, target = self.ends(path)
            if source == target >= 0:
                links.setdefault(source, Link()).add(path)
        return links

    @cached_property
    def usual(self) -> dict[str, str]:
        """The way between neighbours (``near``) and across networks (``far``), as probed paths have it."""
        found: dict[str, str] = {}
        for (one, other), link in self.links.items():
            near = self.nodes[one]["l2"] is not None and self.nodes[one]["l2"] == self.nodes[other]["l2"]
            guess = next((path["expected"] for path in link.paths if path["expected"] != "any"), link.way)
            if guess != "any":
                found.setdefault("near" if near else "far", guess)
        fallback = next(iter(found.values()), "tunnel" if any(node["tunnels"] for node in self.nodes) else "node")
        return {"near": found.get("near", fallback), "far": found.get("far", fallback)}
