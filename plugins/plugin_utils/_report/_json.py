# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result as JSON for programs: one canonical text for one result, whatever order it was found in.

docs/verification.schema.json is its published schema. This file is private to the collection.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.switchyard.cni.plugins.plugin_utils._report._summary import Result

SCHEMA_VERSION = 1
"""Counts up when a program that reads the JSON has to be changed."""

INDENTED_NODES = 300
"""Up to this many nodes the text has a line for each value."""

_ORDER: dict[str, t.Callable[[t.Mapping[str, t.Any]], t.Any]] = {
    "nodes": lambda node: node["name"],
    "findings": lambda item: [item[key] for key in ("id", "node", "subject", "severity", "expected", "actual")],
    "paths": lambda path: [path["kind"], *_point(path["source"]), *_point(path["target"])],
    "sessions": lambda item: [item["node"], item["address"], item["type"]],
    "gaps": lambda gap: [gap["node"], gap["what"], gap["reason"]],
}


def _point(point: t.Mapping[str, t.Any]) -> tuple[str, str, str, int]:
    return (point["node"], point["name"], point["address"], point["port"] or 0)


def render(result: Result) -> str:
    """The canonical text: ASCII, keys and lists sorted, so that two runs can be compared.

    Checks keep their order: the cause of a finding comes before what follows from it.
    Raises ValueError if the result has another schema version than this file writes.
    """
    if result["schema"] != SCHEMA_VERSION:
        raise ValueError(f"the result has schema {result['schema']}, this collection writes {SCHEMA_VERSION}")
    ordered = {key: sorted(value, key=_ORDER[key]) if key in _ORDER else value for key, value in result.items()}
    # Indenting is a person's convenience, and many times slower than not to.
    indent = 1 if len(result["nodes"]) <= INDENTED_NODES else None
    return json.dumps(ordered, indent=indent, sort_keys=True) + "\n"
