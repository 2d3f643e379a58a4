# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every report tells of a verification's result: equal findings together, paths by class, nodes by state.

Linear in nodes, findings and paths. This file is private to the collection.
"""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, field

from ansible_collections.switchyard.cni.plugins.plugin_utils._report._plain import number_of, plain

Result = t.Mapping[str, t.Any]
"""The result of a verification, as docs/verification.schema.json describes it."""

SEVERITIES = ("error", "warning", "info")
WAYS = ("local", "node", "tunnel", "any")
WAY_NAMES = {"local": "same node", "node": "direct", "tunnel": "tunnel", "any": "not told"}
"""How a person calls the way of a path."""

STATES = ("verified", "unreachable", "not observed")
THRESHOLDS: dict[str, tuple[str, ...]] = {"error": SEVERITIES[:1], "warning": SEVERITIES[:2], "never": ()}
"""Setting ``fail_on`` -> the severities that let a verification fail."""


@dataclass
class Variant:
    """Findings that differ in nothing but their node; ``nodes`` has an empty name for the cluster."""

    subject: str
    expected: str
    actual: str
    hint: str
    nodes: list[str] = field(default_factory=list)


@dataclass
class Group:
    """All findings of one kind and severity; ``page`` explains the kind."""

    id: str
    severity: str
    page: str
    variants: list[Variant]

    @property
    def findings(self) -> int:
        return sum(len(variant.nodes) for variant in self.variants)

    @property
    def nodes(self) -> list[str]:
        """Each node once, in the order of the findings."""
        return list(dict.fromkeys(name for variant in self.variants for name in variant.nodes if name))


def groups(result: Result) -> list[Group]:
    """The findings, worst first, and in the order of the checks: what may be the cause of others comes before them."""
    places = {check["id"]: place for place, check in enumerate(result["checks"])}
    found: dict[tuple[str, str], Group] = {}
    variants: dict[tuple[str, ...], Variant] = {}
    for item in result["findings"]:
        kind = (plain(item["severity"]), plain(item["id"]))
        subject, expected, actual, hint = map(plain, (item["subject"], item["expected"], item["actual"], item["hint"]))
        group = found.setdefault(kind, Group(kind[1], kind[0], plain(item["page"]), []))
        key = (*kind, subject, expected, actual, hint)
        variant = variants.get(key)
        if variant is None:
            variant = variants[key] = Variant(subject, expected, actual, hint)
            group.variants.append(variant)
        variant.nodes.append(plain(item["node"]))
    last = len(places)
    return sorted(
        found.values(),
        key=lambda group: (SEVERITIES.index(group.severity), places.get(group.id, last), -group.findings, group.id),
    )


def findings_by_node(result: Result) -> dict[str, Counter[str]]:
    """Node -> severity -> number."""
    counters: dict[str, Counter[str]] = {}
    for item in result["findings"]:
        counters.setdefault(item["node"], Counter())[item["severity"]] += 1
    return counters


@dataclass
class PathClass:
    """The probed paths of one way. ``worst`` is the longest round trip in milliseconds, None without one."""

    name: str
    probed: int = 0
    answered: int = 0
    worst: float | None = None
    slowest: t.Mapping[str, t.Any] | None = None

    def count(self, path: t.Mapping[str, t.Any]) -> None:
        self.probed += 1
        self.answered += bool(path["reachable"])
        rtt = path["rtt_ms"]
        if rtt is not None and (self.worst is None or rtt > self.worst):
            self.worst, self.slowest = rtt, path


def path_classes(result: Result) -> list[PathClass]:
    """One entry a way that occurs: same node, direct, tunnel; services are counted apart."""
    classes = {name: PathClass(WAY_NAMES[name]) for name in WAYS}
    services = PathClass("service")
    for path in result["paths"]:
        (services if path["kind"] == "service" else classes[way_of(path)]).count(path)
    return [entry for entry in (*classes.values(), services) if entry.probed]


def way_of(path: t.Mapping[str, t.Any]) -> str:
    """The way that the packets took; where no answer tells it, the one they should take."""
    way: str = path["expected"] if path["class"] == "none" else path["class"]
    return way


def is_broken(path: t.Mapping[str, t.Any]) -> bool:
    """Whether the probe says that the path does not do what it should."""
    return not path["reachable"] or path["expected"] not in ("any", way_of(path))


def broken_paths(result: Result) -> list[t.Mapping[str, t.Any]]:
    """Those without an answer, and those that took another way than the backend implies."""
    return [path for path in result["paths"] if is_broken(path)]


def name(point: t.Mapping[str, t.Any]) -> str:
    """One end of a path in short: the pod, service or node, or its address where it has no name."""
    return plain(point["name"]) or plain(point["node"]) or plain(point["address"])


def end(point: t.Mapping[str, t.Any]) -> str:
    """One end of a path: the pod or service with its address, or the node's."""
    port = f":{point['port']}" if point.get("port") else ""
    address = plain(point["address"])
    address = f"[{address}]{port}" if port and ":" in address else address + port
    known = plain(point["name"]) or plain(point["node"])
    return f"{known} ({address})" if known else address


def failure(path: t.Mapping[str, t.Any]) -> str:
    """Why a broken path is broken."""
    if not path["reachable"]:
        return plain(path["error"]) or "no answer"
    return f"goes {WAY_NAMES[path['class']]}, expected {WAY_NAMES[path['expected']]}"


def network_title(result: Result) -> str:
    """Plugin and backend, as declared or as found."""
    network = result["network"]
    if not network["plugin"]:
        return "no pod network found"
    return plain(f"{network['plugin']}, {network['backend'] or 'unknown backend'}")


def verdict(result: Result) -> str:
    """The verdict in a word. With errors that nothing is made of (``fail_on`` is never), ``passed`` would mislead."""
    word: str = result["verdict"]
    return "done" if word == "passed" and result["counts"]["error"] else word


def severity_count(severity: str, count: int) -> str:
    """``1 error``, ``2 errors``, ``3 info``."""
    return number_of(count, severity, "info" if severity == "info" else None)


def count_texts(result: Result) -> dict[str, str]:
    """What the headlines count: nodes, findings, paths, sessions, as words."""
    nodes, paths, sessions = result["nodes"], result["paths"], result["sessions"]
    states = Counter(node["state"] for node in nodes)
    texts = {
        "nodes": f"{number_of(len(nodes), 'node')}: "
        + ", ".join(f"{states[state]} {state}" for state in STATES if states[state]),
        "findings": ", ".join(severity_count(severity, result["counts"][severity]) for severity in SEVERITIES),
    }
    if paths:
        texts["paths"] = f"{sum(bool(path['reachable']) for path in paths)} of {number_of(len(paths), 'path')} answer"
    if sessions:
        up = sum(bool(session["established"]) for session in sessions)
        texts["sessions"] = f"{up} of {number_of(len(sessions), 'BGP session')} established"
    return texts
