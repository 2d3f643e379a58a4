# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the JUnit files that pytest and ansible-test write."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from .outcome import Case, State


def read_junit(path: Path) -> list[Case]:
    """Return the cases in one JUnit file.

    :raises xml.etree.ElementTree.ParseError: if the file was cut short.
    """
    return [_case(element) for element in ElementTree.parse(path).iter("testcase")]


def read_junit_folder(folder: Path) -> list[Case]:
    """Return the cases in every JUnit file of a folder, in the order of the files' names."""
    return [case for path in sorted(folder.glob("*.xml")) for case in read_junit(path)]


def _case(element: ElementTree.Element) -> Case:
    name = "::".join(part for part in (element.get("classname"), element.get("name")) if part)
    for tag, state in (("failure", State.FAILED), ("error", State.FAILED), ("skipped", State.SKIPPED)):
        found = element.find(tag)
        if found is not None:
            return Case(name, state, _reason(found))
    return Case(name, State.PASSED)


def _reason(element: ElementTree.Element) -> str:
    """Return the first line, and the next one where the first only announces it (as ansible-test's do)."""
    lines = [line.strip() for line in _texts(element) if line.strip()]
    if not lines:
        return "no reason given"
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]


def _texts(element: ElementTree.Element) -> list[str]:
    message, text = element.get("message") or "", element.text or ""
    return [*message.splitlines(), *text.splitlines()]
