# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node is told to sweep, and what that will be as far as its observation shows.

Pure; who decides what goes is module_utils/_sweep, here and on the node.
"""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._backends import traces
from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import Endpoint
from ansible_collections.switchyard.cni.plugins.module_utils._model import NodeFacts
from ansible_collections.switchyard.cni.plugins.module_utils._sweep._order import parse_order
from ansible_collections.switchyard.cni.plugins.module_utils._sweep._plan import plan_sweep
from ansible_collections.switchyard.cni.plugins.module_utils._sweep._steps import RemoveRoute
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import names

Option = dict[str, t.Any]


def around(
    intent: Intent, node: Endpoint, nftables: bool, plugins: t.Sequence[str], earlier: Intent | None = None
) -> Option:
    """The order of a sweep that leaves what this network needs on the node.

    ``earlier`` is the network whose traces go, where that is not an earlier state of this one.
    """
    backend, of_whom = intent.backend, earlier or intent
    blocks = of_whom.backend.blocks
    prefixes = of_whom.calico.block_sizes if blocks else {cidr.prefixlen for cidr in node.pod_cidrs}
    return {
        "plugins": list(plugins),
        "pod_networks": [str(cidr) for cidr in of_whom.pod_cidrs],
        "prefixes": sorted(prefixes),
        "keep": {
            "plugin": intent.plugin,
            "devices": list(backend.devices(intent)),
            "bridge": backend.bridge,
            "route_devices": list(backend.route_devices(node, intent)),
            "nftables": nftables,
        },
        "unload": [name for name in intent.unload if name not in {one.feature for one in backend.features()}],
    }


def everything(
    plugins: t.Sequence[str], pod_networks: t.Iterable[str], prefixes: t.Iterable[int], in_use: bool
) -> Option:
    """The order of a sweep that leaves no pod network at all."""
    return {
        "plugins": list(plugins or traces()),
        "pod_networks": list(pod_networks),
        "prefixes": sorted(set(prefixes)),
        "in_use": in_use,
    }


def foreseen(
    orders: t.Mapping[str, tuple[NodeFacts, t.Mapping[str, t.Any]]], with_routes: bool = False
) -> tuple[str, ...]:
    """What will go, in lines a person reads; in a change most routes are replaced by the agents, and not told of."""
    where: dict[str, list[str]] = {}
    for name, (facts, order) in orders.items():
        for step in plan_sweep(facts, parse_order(order)).steps:
            if with_routes or not isinstance(step, RemoveRoute):
                where.setdefault(step.describe().partition(" ")[2], []).append(name)
    return tuple(f"{what} on {names(nodes)}" for what, nodes in where.items())
