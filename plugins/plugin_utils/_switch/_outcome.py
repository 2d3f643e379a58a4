# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a change: did each step do its work, is the new network what it should be, and what is next."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import left_for_later
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify import _scene
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._checks._cluster import NOT_ROLLED_OUT

VERIFIED, FAILED = "verified", "failed"
_SHOWN = 5
Raw = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Evidence:
    """What the steps have left behind: results of tasks, by inventory host where nodes have run them.

    A result is None where its task did not run. ``failures`` are the texts of steps that failed as a whole.
    """

    failures: t.Mapping[str, str] = field(default_factory=dict)
    settled: t.Mapping[str, Raw | None] = field(default_factory=dict)
    swept: t.Mapping[str, Raw | None] = field(default_factory=dict)
    renewed: Raw | None = None
    verification: Raw | None = None


@dataclass(frozen=True)
class Outcome:
    """``step`` is where it failed, ``reasons`` why.

    ``away`` are nodes that stopped answering in the meantime, ``lagging`` those that answer and lack the new network.
    """

    outcome: str
    step: str | None = None
    reasons: tuple[str, ...] = ()
    away: tuple[str, ...] = ()
    lagging: tuple[str, ...] = ()

    @classmethod
    def from_result(cls, result: Raw) -> Outcome:
        """The outcome that an earlier task has told of."""
        return cls(result["outcome"], result["step"], tuple(result["reasons"]), tuple(result["away"]))

    @property
    def verified(self) -> bool:
        return self.outcome == VERIFIED

    def lines(self, source: str, target: str) -> tuple[str, ...]:
        """The outcome in lines a person reads."""
        told = tuple(f"  {reason}" for reason in self.reasons)
        away = (left_for_later(self.away),) if self.away else ()
        if self.verified:
            return (f"{source} to {target}: done, and verified on every node that answers.", *told, *away)
        return (f"{source} to {target}: failed at the step {self.step}.", *told, *away)


def settling(evidence: Evidence) -> Outcome:
    """Whether every node has the new network's routes, so that the change may go on."""
    away = tuple(host for host, result in evidence.settled.items() if result is not None and result.get("unreachable"))
    wrong = _failed(evidence.settled)
    # A node that died meanwhile makes the rollout fail, and is left for later where all others have followed.
    if "roll" in evidence.failures and (wrong or not away):
        return Outcome(FAILED, "roll", (evidence.failures["roll"],), away)
    if wrong:
        return Outcome(FAILED, "settle", _shown(wrong), away, tuple(wrong))
    for step in ("move", "wait", "retire"):
        if step in evidence.failures:
            return Outcome(FAILED, step, (evidence.failures[step],), away)
    if away and len(away) == len(evidence.settled):
        return Outcome(FAILED, "settle", ("no node answers",), away)
    return Outcome(VERIFIED, away=away)


def judge(evidence: Evidence) -> Outcome:
    """The end of a change. What a node that does not answer is blamed for does not count against the others."""
    settled = settling(evidence)
    if not settled.verified:
        return settled
    unswept = _failed(evidence.swept)
    if unswept:
        return Outcome(FAILED, "sweep", _shown(unswept), settled.away)
    renewed = evidence.renewed or {}
    if renewed.get("msg"):
        return Outcome(FAILED, "renew", (str(renewed["msg"]),), settled.away)
    if evidence.verification is None or "verify" in evidence.failures:
        return Outcome(FAILED, "verify", (evidence.failures.get("verify", "nothing was verified"),), settled.away)
    bad = [one for one in evidence.verification["findings"] if one["severity"] == "error"]
    unread = [one for one in evidence.verification["nodes"] if one["state"] != _scene.VERIFIED]
    away = tuple(sorted(one["name"] for one in unread if one["state"] == _scene.UNREACHABLE))
    bad = [one for one in bad if not _about(one, unread)]
    if bad:
        reasons = tuple(f"{one['node'] or 'cluster'}: {one['id']}: {one['subject']}: {one['actual']}" for one in bad)
        more = (f"and {len(reasons) - _SHOWN} more",) if len(reasons) > _SHOWN else ()
        return Outcome(FAILED, "verify", reasons[:_SHOWN] + more, away)
    kept = {one["pod"]: f"keeps its larger MTU: {one['reason']}" for one in renewed.get("left") or ()}
    return Outcome(VERIFIED, reasons=_shown(kept), away=away)


def _failed(results: t.Mapping[str, Raw | None]) -> dict[str, str]:
    return {
        host: reason
        for host, result in results.items()
        if result is not None and not result.get("unreachable") and (reason := _why(result))
    }


def _why(result: Raw) -> str | None:
    """Why a task has not done its work: what it has waited for in vain, or its message, which only a failure has.

    The tasks are told not to fail, so that every node's result is there to be judged.
    """
    if result.get("missing"):
        return f"still lacks after {result.get('waited', 0):g} s: {'; '.join(result['missing'])}"
    said = result.get("msg") or result.get("module_stderr")
    return str(said) if said else None


def _shown(wrong: t.Mapping[str, str]) -> tuple[str, ...]:
    told = [f"{host}: {said}" for host, said in wrong.items()]
    return tuple(told[:_SHOWN]) + ((f"and {len(told) - _SHOWN} more",) if len(told) > _SHOWN else ())


def _about(finding: Raw, unread: t.Collection[Raw]) -> bool:
    """Whether a finding is one of a node that does not answer: its own, of a path to it, or of a route to its pods."""
    # The finding of a DaemonSet that is not ready on some node names none.
    if finding["id"] == NOT_ROLLED_OUT.id and unread:
        return True
    networks = [cidr.partition("/")[0] for one in unread for cidr in one["pod_cidrs"]]
    about = [*(one["name"] for one in unread), *networks]
    return finding["node"] in about or any(
        re.search(rf"(?<![\w.:-]){re.escape(text)}(?![\w.:-])", finding["subject"]) for text in about
    )
