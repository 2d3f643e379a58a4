# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What checks of nodes are made of.

This file is private to the collection.
"""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._backends._needs import KernelFeature
from ansible_collections.switchyard.cni.plugins.module_utils._model import IPNetwork
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode, underlay, uses_nftables
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import ERROR, WARNING, Problem, names

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


def kernels(intent: Intent, nodes: Nodes, chosen: t.Callable[[KernelFeature], tuple[str, t.Any, str]]) -> Found:
    """The kernel features that nodes lack; ``chosen`` tells variable, value and way out of who needs a feature."""
    features = intent.backend.features(nftables=uses_nftables(intent, nodes))
    for node in nodes:
        # Without any facts about the kernel there is nothing to say.
        if node.facts is not None and node.facts.kernel_features:
            for feature in features:
                state = node.facts.kernel_features.get(feature.feature, "unknown")
                yield from _kernel(node, feature, state, *chosen(feature))


def _kernel(node: ObservedNode, feature: KernelFeature, state: str, variable: str, value: t.Any, other: str) -> Found:
    what = f"{feature.option} (module {feature.module})"
    if state == "missing":
        yield at(
            node,
            variable,
            value,
            f"needs {what}, and the kernel has it neither built in nor as a module",
            f"Install a kernel or the package of its modules with {feature.option}, or {other}",
        )
    elif state == "unknown":
        yield at(
            node,
            variable,
            value,
            f"needs {what}, and it could not be told whether the kernel has it",
            f"Make sure of {feature.option}, or {other}",
            WARNING,
        )


def by_subnet(intent: Intent, nodes: Nodes, version: int) -> dict[IPNetwork, list[str]]:
    """The nodes by the subnet of their device between the nodes."""
    groups: dict[IPNetwork, list[str]] = {}
    for node in nodes:
        device = underlay(node, intent)
        network = device.network(version) if device else None
        if network is not None:
            groups.setdefault(network, []).append(node.label)
    return groups


def grouped(groups: t.Mapping[t.Any, t.Iterable[str]]) -> str:
    """Groups of nodes for a message."""
    return "; ".join(f"{what}: {names(members)}" for what, members in sorted(groups.items()))
