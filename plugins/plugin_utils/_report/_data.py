# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the page's script gets to know: nodes, paths and the findings that are not in the page's text, as JSON rows.

Rows without keys, numbers for nodes and for the words of paths: ten thousand nodes take some megabytes.
page/data.js reads them.

This file is private to the collection.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.switchyard.cni.plugins.plugin_utils._report._plain import plain
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._summary import Variant
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._view import Mapping, View
from markupsafe import Markup

_KINDS = ("pod", "node", "service")
_CLASSES = ("tunnel", "node", "local", "none", "any")


def embedded(view: View, unlisted: t.Mapping[int, t.Sequence[Variant]]) -> Markup:
    """The data as text that is safe inside a script element (HTML standard, "restrictions for contents of script").

    ``unlisted`` are the findings that the page's text leaves out, by the place of their group.
    """
    words = _Words()
    data = {
        "nodes": [_node_row(view, number) for number in range(len(view.nodes))],
        "paths": [_path_row(view, path, words) for path in view.result["paths"]],
        "words": words.all,
        "kinds": _KINDS,
        "classes": _CLASSES,
        "usual": view.usual,
        "unlisted": {
            place: [_variant_row(view, variant) for variant in variants] for place, variants in unlisted.items()
        },
    }
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)


def _node_row(view: View, number: int) -> list[t.Any]:
    node = view.nodes[number]
    underlay, bridge, routes = node["underlay"] or {}, node["bridge"] or {}, node["routes"] or {}
    return [
        view.names[number],
        node["state"],
        plain(node["reason"]),
        plain(node["address"]),
        plain(node["l2"]),
        [plain(underlay.get("dev")), underlay.get("mtu")],
        [plain(cidr) for cidr in node["pod_cidrs"]],
        [plain(bridge["name"]), plain(bridge["address"]), bridge["mtu"]] if bridge else 0,
        [_tunnel_row(tunnel) for tunnel in node["tunnels"]],
        node["pods"],
        plain(" ".join(filter(None, (node["plugin"], node["backend"])))),
        [routes.get("actual"), routes.get("expected")],
        list(view.counts[number]),
    ]


def _tunnel_row(tunnel: Mapping) -> list[t.Any]:
    return [plain(tunnel["name"]), plain(tunnel["kind"]), tunnel["mtu"], plain(tunnel["address"]), tunnel["port"]]


class _Words:
    """Texts that occur in many rows, by number: addresses and names stand in several paths each."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: t.Any) -> int:
        found = self._numbers.get(text)
        return found if found is not None else self._numbers.setdefault(plain(text), len(self._numbers))

    @property
    def all(self) -> list[str]:
        return list(self._numbers)


def _path_row(view: View, path: Mapping, words: _Words) -> list[t.Any]:
    (source, target), here, there = view.ends(path), path["source"], path["target"]
    return [
        _KINDS.index(path["kind"]),
        [source, words.number(here["name"]), words.number(here["address"])],
        [target, words.number(there["name"]), words.number(there["address"]), there["port"] or 0],
        _CLASSES.index(path["class"]),
        _CLASSES.index(path["expected"]),
        int(path["reachable"]),
        path["rtt_ms"],
        path["path_mtu"],
        [words.number(hop) for hop in path["hops"]],
        words.number(path["error"]),
    ]


def _variant_row(view: View, variant: Variant) -> list[t.Any]:
    return [variant.subject, variant.expected, variant.actual, variant.hint, view.places(variant)]
