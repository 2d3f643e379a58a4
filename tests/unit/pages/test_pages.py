# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links lead somewhere, and the front page has the shape that Automation Hub asks for."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
REPOSITORY = "https://github.com/switchyard/cni/"
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)

# Red Hat's certified-collection template, in its order.
CERTIFIED_HEADINGS = (
    "Description",
    "Requirements",
    "Installation",
    "Use Cases",
    "Testing",
    "Contributing",
    "Support",
    "Release Notes and Roadmap",
    "Related Information",
    "License Information",
)

READ_ON_HUB = sorted([ROOT / "README.md", *ROOT.glob("roles/*/README.md")])
PAGES = sorted([*READ_ON_HUB, *ROOT.glob("[A-QS-Z]*.md"), *ROOT.glob("docs/**/*.md")])


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _links(page: Path) -> list[str]:
    return LINK.findall(page.read_text(encoding="utf-8"))


def _anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    headings = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def _target(page: Path, link: str) -> tuple[Path, str] | None:
    """Return the file of this repository that a link leads to, and its anchor; nothing for other sites."""
    address, dummy, anchor = link.partition("#")
    inside = re.match(re.escape(REPOSITORY) + r"(?:blob|tree)/main/(.+)", address)
    if inside:
        return ROOT / inside[1], anchor
    if "://" in address:
        return None
    return (page.parent / address if address else page), anchor


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_into_the_repository_leads_to_something(page: Path) -> None:
    targets = [(link, target) for link in _links(page) if (target := _target(page, link))]
    assert [link for link, (path, dummy) in targets if not path.exists()] == []
    pages = [(link, path, anchor) for link, (path, anchor) in targets if anchor and path.suffix == ".md"]
    assert [link for link, path, anchor in pages if anchor not in _anchors(path)] == []


@pytest.mark.parametrize("page", READ_ON_HUB, ids=_name)
def test_a_page_shown_outside_the_repository_has_absolute_links_only(page: Path) -> None:
    assert [link for link in _links(page) if not link.startswith(("https://", "#"))] == []


def test_the_front_page_has_the_certified_headings_in_their_order() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert tuple(headings) == CERTIFIED_HEADINGS


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    rules = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "Makefile", ROOT / "tools" / "test.mk"))
    known = {target for line in re.findall(r"^([a-z][\w -]*):", rules, re.MULTILINE) for target in line.split()}
    # A command stands at the beginning of a line; in the sample of a report "make" is a word like any other.
    named = set(re.findall(r"^[`$ ]*make ([a-z][a-z-]+)", "\n".join(_code(page)), re.MULTILINE))
    assert named <= known


def _code(page: Path) -> list[str]:
    """Return the pieces of a page that are set as code."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"```.*?```", text, re.DOTALL) + re.findall(r"`[^`\n]+`", text)


def test_every_reason_in_the_troubleshooting_guide_is_one_that_the_code_gives() -> None:
    guide = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    source = "\n".join(text for path in (ROOT / "plugins").rglob("*.py") for text in _texts(path))
    reasons = re.findall(r"^\| `([^`]+)` \|", guide, re.MULTILINE)
    assert len(reasons) > 20
    assert [reason for reason in reasons if reason not in source] == []


def _texts(path: Path) -> list[str]:
    """Return the string literals of a file, however they are split over lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    whole = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.Constant)]
    return ["".join(_pieces(node)) for node in whole]


def _pieces(node: ast.expr) -> list[str]:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return [part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else "{}" for part in parts]
