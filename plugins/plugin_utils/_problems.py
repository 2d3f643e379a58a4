# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with an inventory or a cluster: variable, value, reason, remedy.

This file is private to the collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

ERROR = "error"
WARNING = "warning"

HIDDEN = "(hidden)"
"""Stands for the value of a secret."""

SHOWN_NAMES = 5


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. ``nodes`` are those it concerns; ``severity`` is ``error`` or ``warning``."""

    variable: str
    value: t.Any
    reason: str
    remedy: str
    severity: str = ERROR
    nodes: tuple[str, ...] = ()

    def __str__(self) -> str:
        subject = self.variable if self.value is None else f"{self.variable} = {show(self.value)}"
        return f"{subject}: {self.reason}. {self.remedy}."


def show(value: t.Any) -> str:
    """A value as an operator would write it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ",".join(show(item) for item in value)
    return str(value)


def names(items: t.Iterable[str]) -> str:
    """Some names for a message, shortened when there are more than five."""
    ordered = list(items)
    if len(ordered) <= SHOWN_NAMES:
        return ", ".join(ordered)
    return f"{', '.join(ordered[:SHOWN_NAMES])} and {len(ordered) - SHOWN_NAMES} more"


def left_for_later(nodes: t.Iterable[str]) -> str:
    """That a run goes on without some nodes, by their names."""
    return f"Left for later, since they do not answer: {names(nodes)}."


def silent_node(node: str, why: str | None, playbook: str) -> Problem:
    """That a run goes on without a node, and which playbook is run again when it is back."""
    reason = f"does not answer ({why}), and is left for later"
    return Problem("host", node, reason, f"When it is back, run {playbook} again", WARNING)


def errors(problems: t.Iterable[Problem]) -> list[Problem]:
    """The problems that forbid a deployment."""
    return [problem for problem in problems if problem.severity == ERROR]


def warnings(problems: t.Iterable[Problem]) -> list[Problem]:
    """The problems that an operator should know of."""
    return [problem for problem in problems if problem.severity == WARNING]
