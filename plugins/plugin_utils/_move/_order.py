# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order nodes change hands: one worker alone, then the workers, then the control plane. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode

Nodes = t.Sequence[ObservedNode]


def batches(intent: Intent, cluster: Cluster, nodes: Nodes) -> tuple[tuple[ObservedNode, ...], ...]:
    """The nodes in groups that change hands together; never workers with the control plane."""
    planes: dict[bool, list[ObservedNode]] = {False: [], True: []}
    for node in nodes:
        member = cluster.members.get(node.name)
        planes[member is not None and member.control_plane].append(node)
    size = _size(intent.batch, len(nodes))
    ordered = [*planes[False], *planes[True]]
    first = next((node for node in ordered if intent.canary in (node.host, node.name)), ordered[0] if ordered else None)
    found: list[tuple[ObservedNode, ...]] = [(first,)] if first is not None else []
    for plane in planes.values():
        rest = [node for node in plane if node is not first]
        found += [tuple(rest[start : start + size]) for start in range(0, len(rest), size)]
    return tuple(found)


def _size(text: str, nodes: int) -> int:
    """A number of nodes, or a percentage of them, at least one."""
    number = int(text.strip().rstrip("%"))
    return max(1, nodes * number // 100) if text.strip().endswith("%") else number
