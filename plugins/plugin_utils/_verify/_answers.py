# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the nodes answered when they were asked to probe; an answer that cannot be read is none."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._model import DAMAGE
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._probes import Outcome, Probe, Probed
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import Scene

Raw = t.Mapping[str, t.Any]
Counters = t.Mapping[str, t.Mapping[str, int] | None]


def probed(scene: Scene, probes: t.Sequence[Probe], answers: t.Mapping[str, Raw | None]) -> Probed:
    """What became of the probes; ``answers`` are the nodes' results of path_probe, by inventory host."""
    hosts = {view.name: view.host for view in scene.views}
    asked: dict[str, list[Probe]] = {}
    for probe in probes:
        asked.setdefault(probe.source.node, []).append(probe)
    outcomes: list[Outcome] = []
    counters: dict[str, Counters] = {}
    silent: dict[str, str] = {}
    for node, own in asked.items():
        try:
            found, counters[node] = _answered(answers.get(hosts.get(node, "")) or {}, own)
            outcomes += found
        except _Silent as error:
            silent[node] = str(error)
        except DAMAGE as error:
            silent[node] = f"its answer cannot be read: {type(error).__name__}: {error}"
    return Probed(tuple(outcomes), counters, silent)


class _Silent(Exception):
    """A node has not probed, for this reason."""


def _answered(answer: Raw, probes: t.Iterable[Probe]) -> tuple[list[Outcome], Counters]:
    """What a node says of its probes. Raises one of DAMAGE where it cannot be read."""
    if "results" not in answer:
        raise _Silent(str(answer.get("msg") or "it was not asked"))
    results = {one["id"]: one for one in answer["results"]}
    found = [_outcome(probe, results[probe.id]) for probe in probes if probe.id in results]
    return found, {dev: moved and _packets(moved) for dev, moved in (answer.get("counters") or {}).items()}


def _outcome(probe: Probe, found: Raw) -> Outcome:
    return Outcome(
        probe=probe,
        reachable=bool(found.get("reachable")),
        sent=int(found.get("sent") or 0),
        rtt=_number(found.get("rtt_ms")),
        hops=tuple(None if hop is None else str(hop) for hop in found.get("hops") or ()),
        path_mtu=_number(found.get("path_mtu")),
        error=_text(found.get("error")),
        cause=_text(found.get("cause")),
    )


def _packets(moved: Raw) -> dict[str, int]:
    return {name: int(number) for name, number in moved.items()}


def _number(value: t.Any) -> t.Any:
    if value is None or isinstance(value, (int, float)):
        return value
    raise ValueError(f"{value!r} where a number should be")


def _text(value: t.Any) -> str | None:
    return None if value is None else str(value)
