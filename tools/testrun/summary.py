# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one summary at the end of a test run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .outcome import Case, StageResult, State

HEADINGS = ("stage", "result", "seconds", "passed", "failed", "skipped")


def render(results: Sequence[StageResult]) -> str:
    """Return the table, the failures, the skips with their reasons, and the line CI reads."""
    parts = [_table(results), _listing("Failures", results, State.FAILED), _listing("Skips", results, State.SKIPPED)]
    return "\n\n".join([part for part in parts if part] + [counts_line(results)])


def counts_line(results: Sequence[StageResult]) -> str:
    """Return ``N passed, N failed, N skipped``."""
    return ", ".join(f"{_total(results, state)} {state.value}" for state in State)


def _total(results: Sequence[StageResult], state: State) -> int:
    return sum(result.count(state) for result in results)


def _table(results: Sequence[StageResult]) -> str:
    rows = [HEADINGS, *(_row(result) for result in results), _sum_row(results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [_aligned(row, widths) for row in rows]
    rule = "-" * max(len(line) for line in lines)
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    words = [text.ljust(width) for text, width in zip(row[:2], widths[:2], strict=True)]
    numbers = [text.rjust(width) for text, width in zip(row[2:], widths[2:], strict=True)]
    return "  ".join(words + numbers)


def _row(result: StageResult) -> tuple[str, ...]:
    return (result.stage, result.word, f"{result.seconds:.1f}", *(str(result.count(state)) for state in State))


def _sum_row(results: Sequence[StageResult]) -> tuple[str, ...]:
    seconds = sum(result.seconds for result in results)
    word = "FAILED" if _total(results, State.FAILED) else "passed"
    return ("total", word, f"{seconds:.1f}", *(str(_total(results, state)) for state in State))


def _listing(title: str, results: Sequence[StageResult], state: State) -> str:
    found = [(result.stage, case) for result in results for case in result.cases if case.state is state]
    if not found:
        return ""
    # A scenario that is verified twice leaves the same thing out twice.
    counted = Counter(_line(stage, case) for stage, case in found)
    return "\n".join(
        [f"{title}:", *(line if times == 1 else f"{line} ({times} times)" for line, times in counted.items())]
    )


def _line(stage: str, case: Case) -> str:
    name = "" if case.name == stage else f" {case.name}"
    return f"  {stage}:{name} {case.reason}".rstrip()
