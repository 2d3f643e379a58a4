# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values a test run is made of: cases, and the result of a stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class State(Enum):
    """How one case ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class StageUnavailableError(Exception):
    """This machine cannot run the stage; the message is the reason shown to the reader."""


@dataclass(frozen=True)
class Case:
    """One test that ran, or a named one that did not."""

    name: str
    state: State
    reason: str = ""

    @classmethod
    def of(cls, name: str, passed: bool, reason: str = "") -> Case:
        """Return a passed case, or a failed one with its reason."""
        return cls(name, State.PASSED) if passed else cls(name, State.FAILED, reason)


@dataclass(frozen=True)
class StageResult:
    """What a stage did, and how many seconds it took."""

    stage: str
    seconds: float
    cases: list[Case] = field(default_factory=list)

    def count(self, state: State) -> int:
        """Return the number of cases in this state."""
        return sum(case.state is state for case in self.cases)

    @property
    def word(self) -> str:
        """Return the verdict on the whole stage."""
        if self.count(State.FAILED):
            return "FAILED"
        return "passed" if self.count(State.PASSED) else "skipped"


def result_of(stage: str, seconds: float, cases: list[Case]) -> StageResult:
    """Return the result of a stage that ran; one that executed no test at all has failed."""
    if not any(case.state is not State.SKIPPED for case in cases):
        cases = [*cases, Case(stage, State.FAILED, "no test ran in this stage")]
    return StageResult(stage, seconds, cases)


def unavailable(stage: str, seconds: float, reason: str) -> StageResult:
    """Return the result of a stage this machine cannot run."""
    return StageResult(stage, seconds, [Case(stage, State.SKIPPED, reason)])
