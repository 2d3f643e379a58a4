# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong with a pod network, as data: the checks with their explanations, and what they find.

This package is private to the collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

ERROR, WARNING, INFO = "error", "warning", "info"
SEVERITIES = (ERROR, WARNING, INFO)
"""The worst first: an error breaks traffic, a warning will or may, an info is worth knowing."""

PAGES = "https://github.com/switchyard/cni/blob/main/docs/findings"


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be. ``node`` is empty for the cluster as a whole."""

    id: str
    node: str
    severity: str
    subject: str
    expected: str
    actual: str
    hint: str

    @property
    def page(self) -> str:
        """Where cause and cure are explained."""
        return f"{PAGES}/{self.id}.md"


@dataclass(frozen=True)
class Check:
    """One thing that is looked at; docs/findings has a page about each, with cause and cure.

    ``title`` says what is true when nothing is wrong. ``sections`` are those of node_network_info that a node must
    have told; without them the check is skipped.
    """

    id: str
    severity: str
    title: str
    sections: tuple[str, ...] = ()

    def found(self, node: str, subject: str, expected: str, actual: str, hint: str) -> Finding:
        """The finding that says so of one node; the hint is one sentence that names the next step."""
        return Finding(self.id, node, self.severity, subject, expected, actual, hint)


Findings = t.Iterator[Finding]
