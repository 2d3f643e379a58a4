# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node whose answer nobody can make sense of counts as one that did not answer, and the others are judged.

Every value of every answer could be checked before anything is made of it, in each run and for each node; here the
work is only done when something has stumbled.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.switchyard.cni.plugins.module_utils._model import DAMAGE
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode

Made = t.TypeVar("Made")
Nodes = t.Sequence[ObservedNode]


def readable(nodes: Nodes, make: t.Callable[[Nodes], Made]) -> Made:
    """What is made of the nodes; those over which it stumbles are left unread. Raises where no single node is why."""
    try:
        return make(nodes)
    except DAMAGE:
        damaged = _damaged(nodes, frozenset(node.host for node in nodes), make)
        if not damaged:
            raise
        return make([_unread(node, damaged[node.host]) if node.host in damaged else node for node in nodes])


def _damaged(nodes: Nodes, suspects: frozenset[str], make: t.Callable[[Nodes], t.Any]) -> dict[str, str]:
    """The suspects over which it stumbles while everybody else is unread, found by halving; and how it stumbles."""
    try:
        make([node if node.host in suspects else _unread(node, "") for node in nodes])
    except DAMAGE as error:
        if len(suspects) == 1:
            return dict.fromkeys(suspects, f"its answer cannot be read: {type(error).__name__}: {error}")
        half = frozenset(sorted(suspects)[: len(suspects) // 2])
        return {**_damaged(nodes, half, make), **_damaged(nodes, suspects - half, make)}
    return {}


def _unread(node: ObservedNode, reason: str) -> ObservedNode:
    return replace(node, facts=None, unreachable=reason)
