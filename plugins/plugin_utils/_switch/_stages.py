# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes' agents get a new configuration before all others. Pure.

All together is what keeps a mixed state short. A canary shows on one node that the new agent starts and that its pods
still reach the others, before anybody else follows; serial does so node by node.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import Problem, names
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._readable import readable
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import Scene
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._verify import wanted_probes

TOGETHER, CANARY, SERIAL = "together", "canary", "serial"
Nodes = t.Sequence[ObservedNode]


@dataclass(frozen=True)
class Stage:
    """A node whose agent changes by itself; ``probes`` are what is then tried from there, as options of path_probe."""

    node: ObservedNode
    probes: t.Sequence[t.Mapping[str, t.Any]] = ()

    def as_result(self) -> dict[str, t.Any]:
        """The stage as plain data."""
        return {"node": self.node.name, "host": self.node.host, "probes": [dict(one) for one in self.probes]}


def stages(intent: Intent, scene: Scene, here: Nodes) -> tuple[Stage, ...]:
    """The nodes that change before all others, in their order; none where all change together."""
    first = _first(intent, here)
    if not first:
        return ()
    probes = readable(scene.observed, lambda some: _probes(scene.with_observed(some)))
    return tuple(Stage(node, probes.get(node.name, ())) for node in first)


def stage_problems(intent: Intent, here: Nodes) -> list[Problem]:
    """Why the nodes cannot be told apart as the operator wants."""
    if intent.canary and not any(intent.canary in (node.host, node.name) for node in here):
        reason = "is no node of this run"
        remedy = f"Name one of {names(node.host for node in here)}, or leave it empty for the last of them"
        return [Problem("network_canary", intent.canary, reason, remedy)]
    return []


def _first(intent: Intent, here: Nodes) -> Nodes:
    if intent.rollout == SERIAL:
        return here
    if intent.rollout == CANARY:
        return [next((node for node in here if intent.canary in (node.host, node.name)), here[-1])]
    return ()


def _probes(scene: Scene) -> dict[str, list[dict[str, t.Any]]]:
    """The probes of a sample by node, without the hops on the way: mixed agents take mixed ways."""
    return {
        node: [{**probe.as_option(), "trace": False, "mtu": None} for probe in probes]
        for node, probes in wanted_probes(scene, "sample").items()
    }
