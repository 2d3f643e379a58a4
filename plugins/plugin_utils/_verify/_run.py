# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two decisions of a run: what to ask the nodes besides, and how to judge what they have answered."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._detect import detect
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent, build_intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._members import cluster_of_nodes
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import Problem, errors
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import resolve
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._answers import probed
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._look import Declared
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._probes import plan_probes
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._readable import readable
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import Scene
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._verify import (
    Verification,
    verify,
    wanted_probes,
    wanted_tables,
)

Raw = t.Mapping[str, t.Any]
TABLE_SECTIONS = ("routes", "neighbours", "fdb", "truncated")


@dataclass(frozen=True)
class Staged:
    """A cluster before the judge, and the settings by which its network was declared or detected."""

    scene: Scene
    settings: Raw
    declared: bool
    signs: tuple[str, ...] = ()


def stage(wanted: Declared, cluster: Cluster, nodes: t.Sequence[ObservedNode]) -> tuple[Staged | None, list[Problem]]:
    """Bring together what was declared (or is detected now) and what was read."""
    if wanted.intent is not None:
        return Staged(_declared_scene(wanted.intent, cluster, nodes), wanted.settings, declared=True), []
    found, problems = readable(nodes, lambda some: detect(cluster, some))
    if found is None:
        return None, problems
    values, wrong = resolve(found.settings)
    intent, contradictions = build_intent(values)
    problems = errors(wrong + contradictions)
    if intent is None or problems:
        return None, problems
    return Staged(scene_of(intent, cluster, nodes), found.settings, declared=False, signs=found.signs), []


def _declared_scene(intent: Intent, cluster: Cluster, nodes: t.Sequence[ObservedNode]) -> Scene:
    if intent.kube:
        return scene_of(intent, cluster, nodes)
    return readable(
        nodes,
        lambda some: Scene(intent, cluster_of_nodes(intent, some), some, complete=all(node.facts for node in some)),
    )


def scene_of(intent: Intent, cluster: Cluster, nodes: t.Sequence[ObservedNode]) -> Scene:
    """The scene of a cluster that is known from its API server."""
    return readable(nodes, lambda some: Scene(intent, cluster, some))


def ask(scene: Scene, mode: str) -> dict[str, dict[str, t.Any]]:
    """By inventory host: the probes to make, the counters to watch, and the tables to send in full."""
    return readable(scene.observed, lambda some: _ask(scene.with_observed(some), mode))


def _ask(scene: Scene, mode: str) -> dict[str, dict[str, t.Any]]:
    probes, tables = wanted_probes(scene, mode), wanted_tables(scene)
    devices = list(scene.backend.devices(scene.intent))
    return {
        view.host: {
            "probes": [probe.as_option() for probe in probes.get(view.name, ())],
            "counters": devices,
            "packed": tables.get(view.name, []),
        }
        for view in scene.views
        if view.facts is not None and view.host
    }


def judge(scene: Scene, mode: str, answers: t.Mapping[str, Raw | None]) -> Verification:
    """Judge a cluster with what came back from path_probe, by inventory host."""
    return readable(scene.observed, lambda some: _judge(scene.with_observed(some), mode, answers))


def _judge(scene: Scene, mode: str, answers: t.Mapping[str, Raw | None]) -> Verification:
    return verify(scene, probed(scene, plan_probes(scene, mode), answers))


def with_tables(first: Raw | None, second: Raw | None) -> Raw | None:
    """A node's answer with the tables of its second reading, where there was one."""
    again = (second or {}).get("node")
    if not again or not first or "node" not in first:
        return first
    kept = {key: value for key, value in first["node"].items() if key not in TABLE_SECTIONS}
    return {**first, "node": {**kept, **{key: again[key] for key in TABLE_SECTIONS if key in again}}}
