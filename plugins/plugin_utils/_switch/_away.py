# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes that a run on a running network goes on without: one that is down, and those that --limit has left out.

They stay peers of the others, as the API server knows them, and are neither written to nor asked again. A first
deployment wants all nodes. Pure.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import Endpoint
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import Problem, names, silent_node
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._transition import Transition
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import Scene

Nodes = tuple[ObservedNode, ...]


@dataclass(frozen=True)
class Present:
    """Who takes part in a run: ``here`` answer, ``down`` do not, ``out`` were not asked."""

    here: Nodes
    down: Nodes = ()
    out: Nodes = ()

    @property
    def away(self) -> Nodes:
        return self.down + self.out

    def problems(self, change: Transition) -> list[Problem]:
        """Why the run may not go on without them, or what the operator should know."""
        if self.down and change.moves:
            reason = "pods cannot move while nodes do not answer, whose pods would have no network later"
            remedy = "Bring them up, or remove them from the cluster and the inventory"
            return [Problem("host", names(node.label for node in self.down), reason, remedy)]
        found = [silent_node(node.label, node.unreachable, "06.network.yml") for node in self.down]
        if self.out and change.switches:
            out = names(node.label for node in self.out)
            reason = f"a change of the pod network concerns all nodes, and this run leaves out {out}"
            remedy = "Run without --limit; a node that does not answer is left for later by itself"
            found.append(Problem("--limit", None, reason, remedy))
        return found


def presence(change: Transition, nodes: t.Sequence[ObservedNode]) -> Present:
    """Who takes part; where nothing runs yet, or nobody answers, everybody has to."""
    absent = [node for node in nodes if _is_absent(node)]
    if change.source is None or len(absent) == len(nodes):
        return Present(tuple(nodes))
    return Present(
        here=tuple(node for node in nodes if not _is_absent(node)),
        down=tuple(node for node in absent if node.asked),
        out=tuple(node for node in absent if not node.asked),
    )


def _is_absent(node: ObservedNode) -> bool:
    """A host that is no Node is not away: it is wrong."""
    return node.facts is None and bool(node.registered)


def peers_away(scene: Scene, away: t.Iterable[ObservedNode]) -> tuple[Endpoint, ...]:
    """The nodes that are not there as the others will reach them.

    An agent has no route to a node that has announced another backend than its own (flannel, handleSubnetEvents of
    each backend), and none to one that has never announced itself.
    """
    wanted = {node.name for node in away if _heard(scene, node.name)}
    return tuple(peer for peer in scene.peers if peer.name in wanted)


def _heard(scene: Scene, name: str) -> bool:
    announced = scene.announced[name]
    return bool(announced.addresses) and announced.type in (None, scene.backend.type)


def parted(left: t.Sequence[str], here: t.Iterable[ObservedNode]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those of the nodes that an earlier change has left (names or hosts) that are here, and the others."""
    names_of = {name: node.name for node in here for name in (node.name, node.host)}
    joins = tuple(dict.fromkeys(names_of[name] for name in left if name in names_of))
    return joins, tuple(name for name in left if name not in names_of)
