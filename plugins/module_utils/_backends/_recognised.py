# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which plugin and backend a node is really running, told from its kernel and its files alone.

This file is private to the collection.
"""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._backends._needs import Traces
from ansible_collections.switchyard.cni.plugins.module_utils._model import NodeFacts, Route


def common_signs(facts: NodeFacts, traces: Traces) -> t.Tuple[str, ...]:
    """The signs that any plugin gives: its CNI configuration in force, and its agent."""
    signs = []
    first = facts.cni.configs[0] if facts.cni and facts.cni.configs else None
    if first is not None and set(first.plugins) & set(traces.cni_plugins):
        signs.append("CNI configuration %s" % first.file)
    for agent in facts.agents:
        if agent.name in traces.agents and "process %s" % agent.name not in signs:
            signs.append("process %s" % agent.name)
    return tuple(signs)


def routes_over(facts: NodeFacts, dev: str) -> t.Tuple[Route, ...]:
    """The routes of the main table that lead somewhere through a device, the device's own address excepted."""
    return tuple(
        route
        for route in facts.routes
        if route.dev == dev and route.table == "main" and route.type == "unicast" and route.protocol != "kernel"
    )
