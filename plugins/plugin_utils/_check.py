# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What checks of nodes are made of.

This file is private to the collection.
"""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import ERROR, Problem

Found = t.Iterator[Problem]
Nodes = t.Sequence[ObservedNode]


def at(
    node: ObservedNode,
    variable: str,
    value: t.Any,
    reason: str,
    remedy: str,
    severity: str = ERROR,
    detail: t.Any = None,
) -> Problem:
    """A problem of one node; ``detail`` is what differs between nodes with the same problem."""
    where = node.label if detail is None else f"{node.label} ({detail})"
    return Problem(variable, value, reason, remedy, severity, (where,))
