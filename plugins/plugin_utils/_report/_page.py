# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the page's template prints: bounded lists of plain texts. The template itself only arranges them.

This file is private to the collection.
"""

from __future__ import annotations

import typing as t
from collections import Counter
from itertools import groupby

from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import show
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._data import embedded
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._layout import RING_UP_TO
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._plain import number_of, plain
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._summary import (
    SEVERITIES,
    STATES,
    Group,
    Result,
    Variant,
    broken_paths,
    count_texts,
    end,
    failure,
    groups,
    network_title,
    path_classes,
    verdict,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._svg import BROKEN_LINKS, draw
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._view import Mapping, View

_NODES, _VARIANTS, _FIRST_VARIANTS, _PATHS, _SESSIONS, _GAPS = 300, 1000, 3, 200, 500, 200


def context(result: Result) -> dict[str, t.Any]:
    """The variables of page.html.j2."""
    view = View(result)
    kinds = groups(result)
    states = Counter(node["state"] for node in view.nodes)
    listed = max(20, _VARIANTS // max(1, len(kinds)))
    return {
        "result": result,
        "view": view,
        "title": network_title(result),
        "verdict": verdict(result),
        "severities": SEVERITIES,
        "counts": count_texts(result),
        "states": [(count, state) for state in STATES if (count := states[state])],
        "about": _about(result),
        "picture": draw(view),
        "drawn": _drawn(view) if len(view.nodes) > RING_UP_TO else "",
        "groups": [_group(view, kind, listed) for kind in kinds],
        "data": embedded(view, {at: kind.variants[listed:] for at, kind in enumerate(kinds) if kind.variants[listed:]}),
        **_nodes(view),
        **_paths(result),
        **_sessions(result),
        "topics": _topics(result),
        "checked": _checked(result),
        "gaps": [{key: plain(value) for key, value in gap.items()} for gap in result["gaps"][:_GAPS]],
        "gaps_left": max(0, len(result["gaps"]) - _GAPS),
    }


def _drawn(view: View) -> str:
    """Which pairs the picture of many nodes shows."""
    broken = sum(link.broken for link in view.links.values())
    if broken > BROKEN_LINKS:
        return f"{BROKEN_LINKS} of {broken} broken pairs are drawn."
    return f"Of so many pairs only the broken ones are drawn: {broken or 'there is none'}."


def _about(result: Result) -> list[tuple[str, str]]:
    network = result["network"]
    settings = ", ".join(f"{name}: {show(value)}" for name, value in sorted(network["settings"].items()))
    return [
        ("Pods", plain(", ".join(network["pod_cidrs"]))),
        ("Services", plain(", ".join(network["service_cidrs"]))),
        ("Made", plain(result["created"]).replace("T", " ").replace("Z", " UTC")),
        ("Fails on", plain(result["fail_on"])),
        ("Settings", plain(settings)),
    ]


def _group(view: View, kind: Group, listed: int) -> dict[str, t.Any]:
    hints = {variant.hint for variant in kind.variants}
    titles = {check["id"]: check["title"] for check in view.result["checks"]}
    shown, unlisted = kind.variants[:listed], kind.variants[listed:]
    further = shown[_FIRST_VARIANTS:]
    return {
        "id": kind.id,
        "severity": kind.severity,
        "title": plain(titles.get(kind.id)),
        "where": f"on {number_of(len(kind.nodes), 'node')}" if kind.nodes else "of the cluster",
        "first": shown[:_FIRST_VARIANTS],
        "further": further,
        "more": f"{number_of(_findings(further), 'finding')} more",
        "unlisted": _findings(unlisted),
        "hint": hints.pop() if len(hints) == 1 else "",
        "link": kind.page if kind.page.startswith(("https://", "http://")) else "",
    }


def _findings(variants: t.Iterable[Variant]) -> int:
    return sum(len(variant.nodes) for variant in variants)


def _nodes(view: View) -> dict[str, t.Any]:
    """All nodes, or of many only those that a person has to look at."""
    numbers, left = list(range(len(view.nodes))), ""
    if len(numbers) > _NODES:
        striking = [number for number in numbers if view.badge(number)[0] != "ok"]
        numbers, left = striking[:_NODES], f"{len(view.nodes) - len(striking)} nodes without a finding are not listed"
        if len(striking) > _NODES:
            left += f", nor are {len(striking) - _NODES} with findings; the JSON report has them"
    return {"node_rows": [_node_row(view, number) for number in numbers], "nodes_left": left and left + "."}


def _node_row(view: View, number: int) -> dict[str, t.Any]:
    node, (kind, badge) = view.nodes[number], view.badge(number)
    devices = [node["bridge"], *node["tunnels"]] if node["bridge"] else node["tunnels"]
    texts = [f"{plain(device['name'])} {device['mtu'] or ''}".strip() for device in devices]
    if node["underlay"]:
        texts.append(f"{plain(node['underlay']['dev'])} {node['underlay']['mtu'] or ''}".strip())
    routes = node["routes"]
    known = node["state"] == "verified" and None not in (routes["actual"], routes["expected"])
    return {
        "number": number,
        "state": node["state"],
        "reason": plain(node["reason"]),
        "address": plain(node["address"]),
        "l2": plain(node["l2"]),
        "pod_cidrs": plain(" ".join(node["pod_cidrs"])),
        "devices": ", ".join(texts),
        "routes": f"{routes['actual']} of {routes['expected']}" if known else "",
        "pods": plain(node["pods"]) if node["state"] == "verified" else "",
        "kind": kind,
        "badge": badge,
    }


def _paths(result: Result) -> dict[str, t.Any]:
    broken = broken_paths(result)
    return {
        "classes": [
            {
                "name": entry.name,
                "probed": entry.probed,
                "answered": entry.answered,
                "worst": entry.worst,
                "between": " → ".join(_ends(entry.slowest)) if entry.slowest else "",
            }
            for entry in path_classes(result)
        ],
        "broken": [_broken(path) for path in broken[:_PATHS]],
        "broken_left": max(0, len(broken) - _PATHS),
    }


def _ends(path: Mapping) -> tuple[str, str]:
    return end(path["source"]), end(path["target"])


def _broken(path: Mapping) -> dict[str, str]:
    source, target = _ends(path)
    hops = ", ".join(plain(hop) or "no answer" for hop in path["hops"])
    return {
        "kind": plain(path["kind"]),
        "source": source,
        "target": target,
        "failure": failure(path),
        "hops": hops or "none",
    }


def _sessions(result: Result) -> dict[str, t.Any]:
    """Those that are down first, then by node."""
    ordered = sorted(result["sessions"], key=lambda item: (bool(item["established"]), item["node"], item["address"]))
    rows = [
        {key: value if key == "established" else plain(value) for key, value in session.items()}
        for session in ordered[:_SESSIONS]
    ]
    return {"sessions": rows, "sessions_left": max(0, len(ordered) - _SESSIONS)}


def _checked(result: Result) -> dict[str, str]:
    statuses = Counter(check["status"] for check in result["checks"])
    return {
        "passed": f"{number_of(statuses['passed'], 'check')} passed",
        "skipped": f"{statuses['skipped']} could not be made" if statuses["skipped"] else "",
    }


def _topics(result: Result) -> list[dict[str, t.Any]]:
    ordered = sorted(result["checks"], key=lambda check: check["topic"])
    return [
        {
            "name": plain(topic),
            "checks": [
                {key: value if key == "findings" else plain(value) for key, value in check.items()} for check in checks
            ],
        }
        for topic, checks in groupby(ordered, key=lambda check: check["topic"])
    ]
