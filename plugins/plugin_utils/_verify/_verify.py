# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verification: every check on every node, and the result that reports are made of.

Pure: an intent, the API server's answer, what was read on the nodes and what the probes brought back in; a value
out. Linear in the nodes.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.switchyard.cni.plugins.plugin_utils._verify import _probes
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._case import Case
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._checks import (
    EXAMINATIONS,
    SURVEYS,
    TOPICS,
    _paths,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._finding import SEVERITIES, Check, Finding
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._probes import Probe, Probed
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import TABLES, VERIFIED, Scene

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


@dataclass(frozen=True)
class Ran:
    """How a check went: ``status`` is passed, failed or skipped, ``reason`` says why it was skipped."""

    check: Check
    topic: str
    status: str
    findings: int
    reason: str | None = None


@dataclass(frozen=True)
class Verification:
    """Everything that was found."""

    scene: Scene
    findings: tuple[Finding, ...]
    probed: Probed
    checks: tuple[Ran, ...]

    def count(self, severity: str) -> int:
        """How many findings have this severity."""
        return sum(1 for finding in self.findings if finding.severity == severity)

    def fails(self, threshold: str) -> bool:
        r"""Whether there is a finding as bad as the threshold, or worse; ``never`` fails never."""
        if threshold not in SEVERITIES:
            return False
        bad = SEVERITIES[: SEVERITIES.index(threshold) + 1]
        return any(finding.severity in bad for finding in self.findings)


def verify(scene: Scene, probed: Probed | None = None) -> Verification:
    """Judge a cluster."""
    found: list[Finding] = [finding for survey in SURVEYS for finding in survey(scene)]
    for view in scene.views:
        if view.facts is not None:
            case = Case(scene, view, view.facts)
            found += [finding for examine in EXAMINATIONS for finding in examine(case)]
    answered = probed or Probed()
    found += list(_paths.judge(scene, answered))
    ordered = sorted(found, key=_order)
    return Verification(scene, tuple(ordered), answered, tuple(_ran(scene, answered, ordered)))


def wanted_tables(scene: Scene) -> dict[str, list[str]]:
    """The nodes of whose tables only the digest is known and wrong, and which of them to ask for."""
    wanted = {}
    for view in scene.views:
        if view.facts is None or view.endpoint is None:
            continue
        case = Case(scene, view, view.facts)
        names = [what for what in TABLES if _differs(case, what)]
        if names:
            wanted[view.name] = names
    return wanted


def wanted_probes(scene: Scene, mode: str) -> dict[str, list[Probe]]:
    """The paths that each node shall probe."""
    wanted: dict[str, list[Probe]] = {}
    for probe in _probes.plan_probes(scene, mode):
        wanted.setdefault(probe.source.node, []).append(probe)
    return wanted


def _differs(case: Case, what: str) -> bool:
    return case.endpoint is not None and case.actual.table(what).is_other_than(
        case.scene.tables[what].digest(case.endpoint)
    )


_PLACES = {check.id: place for place, check in enumerate(check for checks in TOPICS.values() for check in checks)}


def _order(finding: Finding) -> tuple[int, int, str, str]:
    """The worst first, and causes before what follows from them: topics are in that order."""
    return (SEVERITIES.index(finding.severity), _PLACES[finding.id], finding.node, finding.subject)


def _ran(scene: Scene, probed: Probed, findings: t.Sequence[Finding]) -> t.Iterator[Ran]:
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.id] = counts.get(finding.id, 0) + 1
    for topic, checks in TOPICS.items():
        for check in checks:
            number = counts.get(check.id, 0)
            reason = None if number else _skipped(scene, probed, check, topic)
            status = FAILED if number else SKIPPED if reason else PASSED
            yield Ran(check, topic, status, number, reason)


def _skipped(scene: Scene, probed: Probed, check: Check, topic: str) -> str | None:
    """Why a check that found nothing has not been made at all; None when it has."""
    if topic == _paths.TOPIC and not probed.outcomes:
        return "no path was probed"
    if topic == "BGP" and scene.cluster.calico is None:
        return "the cluster has no Calico"
    if check.sections and not any(view.told(*check.sections) for view in scene.views):
        return f"no node has told {', '.join(check.sections)}"
    if not any(view.state == VERIFIED for view in scene.views) and check.sections:
        return "no node was read"
    return None
