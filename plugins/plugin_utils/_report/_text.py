# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report that people read in a terminal: bounded, whatever the size of the cluster.

This file is private to the collection.
"""

from __future__ import annotations

import typing as t
from itertools import groupby, islice

from ansible_collections.switchyard.cni.plugins.plugin_utils._report._plain import clip, number_of, plain, several, wrap
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._summary import (
    SEVERITIES,
    Group,
    Result,
    Variant,
    broken_paths,
    count_texts,
    end,
    failure,
    findings_by_node,
    groups,
    name,
    network_title,
    path_classes,
    severity_count,
    verdict,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._table import boxed, columns

COLUMNS = 118
# Ansible's YAML output folds a line at the first single space after 80 columns, of which 6 are its own indentation.
PROSE = 74
_NODES, _FINDINGS, _FINDINGS_OF_A_KIND, _PATHS, _PEERS, _GAPS, _NAMES = 40, 40, 5, 15, 40, 20, 5
_ELSEWHERE = "the JSON report has all of them"


def lines(result: Result) -> list[str]:
    """The report, line by line, none wider than COLUMNS."""
    sections = (_headline, _nodes, _findings, _paths, _sessions, _skipped, _gaps)
    blocks = [section(result) for section in sections]
    return [line for block in blocks if block for line in (*block, "")][:-1]


def render(result: Result) -> str:
    """The report as one text."""
    return "\n".join(lines(result)) + "\n"


def _headline(result: Result) -> list[str]:
    network = result["network"]
    known = "declared" if result["declared"] else "detected, nobody declared it"
    counts = count_texts(result)
    facts = [
        ("network", f"{network_title(result)} ({known})"),
        ("pods", plain(", ".join(network["pod_cidrs"]))),
        ("services", plain(", ".join(network["service_cidrs"]))),
        ("nodes", counts["nodes"].partition(": ")[2]),
        ("findings", f"{counts['findings']} (fails on: {result['fail_on']})"),
        ("paths", counts.get("paths", "")),
        ("sessions", counts.get("sessions", "")),
    ]
    title = f"Verification {verdict(result).upper()}: {counts['nodes'].partition(':')[0]}, {counts['findings']}"
    return [title, *(line for key, text in facts if text for line in wrap(text, PROSE, f"  {key:<9} ", " " * 12))]


def _nodes(result: Result) -> list[str]:
    found = findings_by_node(result)
    nodes, left = result["nodes"], ""
    if len(nodes) > _NODES:
        striking = [node for node in nodes if node["state"] != "verified" or node["name"] in found]
        quiet = len(nodes) - len(striking)
        nodes = striking[:_NODES]
        more = len(striking) - len(nodes)
        left = ", ".join(
            [f"{number_of(more, 'more node')} with findings"] * bool(more)
            + [f"{number_of(quiet, 'node')} verified without a finding"] * bool(quiet)
        )
    rows = [_node_row(node, found.get(node["name"], {})) for node in nodes]
    heads = ("NODE", "STATE", "FINDINGS", "DEVICES", "ADDRESS", "SUBNETS", "ROUTES", "PODS")
    reasons = [
        line
        for node in nodes
        if node["reason"]
        for line in wrap(f"{plain(node['name'])}: {plain(node['reason'])}", PROSE, "  ", "    ")
    ]
    table = ["  " + line for line in columns([heads, *rows], COLUMNS - 2)] if rows else []
    return ["Nodes", *table, *reasons, *([f"  {left}"] if left else [])]


def _node_row(node: t.Mapping[str, t.Any], found: t.Mapping[str, int]) -> tuple[str, ...]:
    devices = [f"{tunnel['name']} {tunnel['mtu'] or '?'}" for tunnel in node["tunnels"]]
    if node["bridge"]:
        devices.insert(0, f"{node['bridge']['name']} {node['bridge']['mtu']}")
    routes = node["routes"]
    asked = node["state"] == "verified"
    counted = f"{_or_unknown(routes['actual'])}/{_or_unknown(routes['expected'])}"
    cells = (
        node["name"],
        node["state"],
        ", ".join(severity_count(level, found[level]) for level in SEVERITIES if found.get(level)) or "-",
        ", ".join(devices) or "-",
        node["address"] or "-",
        ", ".join(node["pod_cidrs"]) or "-",
        counted if asked else "-",
        node["pods"] if asked else "-",
    )
    return tuple(plain(cell) for cell in cells)


def _or_unknown(count: int | None) -> str:
    return "?" if count is None else str(count)


def _findings(result: Result) -> list[str]:
    kinds = groups(result)
    if not kinds:
        return ["Findings", "  none"]
    block, budget = ["Findings"], _FINDINGS
    for index, kind in enumerate(kinds):
        if budget <= 0:
            left = sum(group.findings for group in kinds[index:])
            block.append(f"  ... and {number_of(left, 'finding')} of {len(kinds) - index} more kinds; {_ELSEWHERE}")
            break
        shown = kind.variants[: min(_FINDINGS_OF_A_KIND, budget)]
        budget -= len(shown)
        block += _kind(kind, shown)
    return block


def _kind(kind: Group, shown: t.Sequence[Variant]) -> list[str]:
    hints = {variant.hint for variant in kind.variants}
    title = f"  {kind.severity:<7}  {clip(kind.id, 50)}  "
    block = wrap(f"on {_places(kind.nodes)}", PROSE, title, " " * 11)
    for variant in shown:
        block += _variant(variant, tell_nodes=len(kind.nodes) > 1, tell_hint=len(hints) > 1)
    left = kind.findings - sum(len(variant.nodes) for variant in shown)
    if left:
        block.append(f"    ... and {number_of(left, 'finding')} more like these; {_ELSEWHERE}")
    if len(hints) == 1:
        block += _fact("hint", hints.pop())
    return block + _fact("see", kind.page)


def _variant(variant: Variant, tell_nodes: bool, tell_hint: bool) -> list[str]:
    subject = variant.subject or "(no subject)"
    head = f"{_places([name for name in variant.nodes if name])}: {subject}" if tell_nodes else subject
    return [
        *wrap(head, PROSE, "    - ", " " * 6),
        *_fact("expected", variant.expected, 6),
        *_fact("found", variant.actual, 6),
        *(_fact("hint", variant.hint, 6) if tell_hint else []),
    ]


def _places(nodes: t.Sequence[str]) -> str:
    if not nodes:
        return "the cluster"
    return nodes[0] if len(nodes) == 1 else f"{len(nodes)} nodes: {several(nodes, _NAMES)}"


def _fact(key: str, text: str, indent: int = 4) -> list[str]:
    if not text:
        return []
    start = " " * indent + f"{key}: ".ljust(10)
    # One word, such as an address of a page, is not folded, so it is not cut either.
    return wrap(text, PROSE if " " in text else COLUMNS, start, " " * len(start))


def _paths(result: Result) -> list[str]:
    classes = path_classes(result)
    if not classes:
        return []
    rows = [("WAY", "PROBED", "ANSWER", "WORST RTT", "FROM", "TO")]
    for entry in classes:
        worst = "-" if entry.worst is None else f"{entry.worst:.2f} ms"
        rows.append((entry.name, str(entry.probed), str(entry.answered), worst, *_names(entry.slowest)))
    broken = broken_paths(result)
    block = ["Paths", *("  " + line for line in columns(rows, COLUMNS - 2))]
    for path in broken[:_PATHS]:
        block += wrap(f"{path['kind']} {' -> '.join(_ends(path))}: {failure(path)}", PROSE, "  ! ", "    ")
    if len(broken) > _PATHS:
        block.append(f"  ... and {number_of(len(broken) - _PATHS, 'path')} more; {_ELSEWHERE}")
    return block


def _names(path: t.Mapping[str, t.Any] | None) -> tuple[str, str]:
    """The ends without their addresses, which the table has no room for."""
    return (name(path["source"]), name(path["target"])) if path else ("-", "-")


def _ends(path: t.Mapping[str, t.Any]) -> tuple[str, str]:
    return end(path["source"]), end(path["target"])


def _sessions(result: Result) -> list[str]:
    """A table a node, as `calicoctl node status` prints it; nodes with a session that is down come first."""
    tables: list[tuple[str, list[t.Mapping[str, t.Any]]]] = [
        (plain(node), list(sessions))
        for node, sessions in groupby(
            sorted(result["sessions"], key=lambda item: (item["node"], item["address"])), key=lambda item: item["node"]
        )
    ]
    tables.sort(key=lambda table: all(session["established"] for session in table[1]))
    block, budget = [], _PEERS
    for node, sessions in tables:
        if budget <= 0:
            break
        shown = sorted(sessions, key=lambda item: bool(item["established"]))[:budget]
        budget -= len(shown)
        block += [clip(f"BGP sessions of {node}", COLUMNS), *("  " + line for line in _peer_table(shown))]
    left = len(result["sessions"]) - (_PEERS - budget)
    return block + ([f"  ... and {number_of(left, 'session')} more; {_ELSEWHERE}"] if left else [])


def _peer_table(sessions: t.Iterable[t.Mapping[str, t.Any]]) -> list[str]:
    keys = ("address", "type", "state", "since", "info")
    rows = [tuple(plain(session[key]) for key in keys) for session in sessions]
    return boxed(("PEER ADDRESS", "PEER TYPE", "STATE", "SINCE", "INFO"), rows, COLUMNS - 2)


def _skipped(result: Result) -> list[str]:
    """Checks with one reason stand together."""
    reasons: dict[str, list[str]] = {}
    for check in result["checks"]:
        if check["status"] == "skipped":
            reasons.setdefault(plain(check["reason"]), []).append(plain(check["id"]))
    return _listed("Not checked", [f"{', '.join(checks)}: {reason}" for reason, checks in reasons.items()])


def _gaps(result: Result) -> list[str]:
    texts = [
        ": ".join(plain(gap[key]) for key in ("node", "what", "reason") if gap[key])
        for gap in islice(result["gaps"], _GAPS)
    ]
    left = len(result["gaps"]) - len(texts)
    return _listed("What could not be read", texts) + ([f"  ... and {left} more; {_ELSEWHERE}"] if left else [])


def _listed(title: str, texts: t.Sequence[str]) -> list[str]:
    return [title, *(line for text in texts for line in wrap(text, PROSE, "  - ", "    "))] if texts else []
