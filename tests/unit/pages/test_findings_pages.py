# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every finding has its page, with all that an operator needs, and nothing on it that the code knows otherwise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._checks import TOPICS
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._finding import SEVERITIES
from ansible_collections.switchyard.cni.tests.unit.pages.damages import DAMAGES, sample

from pages.findings import SECTIONS, findings_page, with_facts

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "findings"
CHECKS = {check.id: (check, topic) for topic, checks in TOPICS.items() for check in checks}
PAGES = {page.stem: page.read_text(encoding="utf-8") for page in FOLDER.glob("*.md") if page.stem != "README"}
COLUMNS = 120

each_page = pytest.mark.parametrize("name", sorted(PAGES))


def test_every_check_has_a_page_and_every_page_a_check():
    assert set(PAGES) == set(CHECKS)


def test_every_check_has_a_damage_that_shows_it():
    assert set(DAMAGES) == set(CHECKS)


def test_the_index_is_what_the_checks_make_of_it():
    assert findings_page(TOPICS) == (FOLDER / "README.md").read_text(encoding="utf-8"), "run `make docs`"


@each_page
def test_a_page_says_what_the_code_says(name):
    """Its title, its severity, and what the report says when the check finds something."""
    check, topic = CHECKS[name]
    assert with_facts(PAGES[name], check, topic, sample(name)) == PAGES[name], "run `make docs`"


@each_page
def test_a_page_names_its_severity(name):
    (severity,) = re.findall(r"^\*\*(\w+)\*\* of the topic", PAGES[name], re.MULTILINE)
    assert severity in SEVERITIES
    assert severity == CHECKS[name][0].severity


@each_page
def test_a_page_has_the_sections_in_their_order_and_none_is_empty(name):
    titles = re.findall(r"^## (.+)$", PAGES[name], re.MULTILINE)
    assert tuple(titles) == SECTIONS
    assert [title for title in titles if not _section(name, title)] == []


@each_page
def test_a_sample_shows_the_finding(name):
    report = _section(name, "In the report")
    assert name in report
    assert all(word in report for word in ("expected:", "found:", "hint:"))


@each_page
def test_a_page_has_a_command_to_look_with(name):
    assert re.search(r"^```console\n(?:.*\n)*?(?:\$|#|[\w-]+#) \S", _section(name, "Look"), re.MULTILINE)


@each_page
def test_a_cure_says_what_it_interrupts(name):
    """What a reader at three in the morning asks first; where there is no own cure, it is on another page."""
    cure = _section(name, "Cure")
    told = re.search(r"interrupt|go on talking|at once|None is needed", cure, re.IGNORECASE)
    assert told or cure.startswith(("That of", "By the cause")), cure


@each_page
def test_text_is_not_wider_than_the_other_pages(name):
    text = re.sub(r"```.*?^```", "", PAGES[name], flags=re.DOTALL | re.MULTILINE)
    wide = [line for line in text.split("\n") if len(line) > COLUMNS and not line.startswith("|")]
    assert [line for line in wide if "https://" not in line] == []


@each_page
def test_a_page_leads_to_its_neighbours_and_not_to_itself(name):
    links = re.findall(r"\]\(([\w-]+)\.md\)", _section(name, "See also"))
    assert links
    assert name not in links


def test_every_page_is_led_to_by_another_one():
    named = {link for name, text in PAGES.items() for link in re.findall(r"\]\(([\w-]+)\.md\)", text) if link != name}
    assert sorted(set(PAGES) - named) == []


def _section(name: str, title: str) -> str:
    return PAGES[name].partition(f"## {title}\n")[2].partition("\n## ")[0].strip()
