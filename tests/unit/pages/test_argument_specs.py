# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`ansible-doc -t role` tells of every variable that a role reads, and the truth."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import SETTINGS

from pages.argument_specs import ROLES, argument_specs

FOLDER = Path(__file__).resolve().parents[3] / "roles"
VARIABLE = re.compile(r"\bverify_\w+")


@pytest.mark.parametrize("role", ROLES)
def test_a_specification_is_what_the_settings_make_of_it(role):
    written = (FOLDER / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    assert argument_specs(role, SETTINGS) == written, "run `make docs`"


def options() -> dict:
    specs = yaml.safe_load((FOLDER / "verify" / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    return specs["argument_specs"]["main"]["options"]


def test_defaults_are_those_that_the_role_has():
    defaults = yaml.safe_load((FOLDER / "verify" / "defaults" / "main.yml").read_text(encoding="utf-8"))
    assert {name: options()[name]["default"] for name in defaults} == defaults


def test_every_variable_that_the_tasks_read_is_documented_or_registered_by_them():
    tasks = (FOLDER / "verify" / "tasks" / "main.yml").read_text(encoding="utf-8")
    registered = set(re.findall(r"register: (\w+)", tasks))
    expressions = " ".join(re.findall(r"\{\{.*?\}\}", tasks) + re.findall(r"(?:when|that): (.*)", tasks))
    read = set(VARIABLE.findall(expressions))
    assert read - registered - set(options()) == set()
    assert "verify_probe" in read
