# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors of the node side. Modules turn them into one failure message; nothing below exits."""

from __future__ import annotations

from typing import Sequence


class NodeError(Exception):
    """Something on this node prevents the work; the text says what, and what to do."""


class ToolMissing(NodeError):
    """A program is not installed on this node."""


class ToolTimeout(NodeError):
    """A program did not end within its budget."""


class Damaged(NodeError):
    """Input that is not what its format promises."""


class PlanError(NodeError):
    """The declared state cannot be reached. Carries every reason, not only the first."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = list(problems)
