# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about variables says what the table of settings says."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import SETTINGS

from pages.variables import SECTIONS, variables_page

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "variables.md").read_text(encoding="utf-8")


def test_the_page_is_what_the_settings_make_of_it() -> None:
    assert variables_page(SETTINGS) == PAGE, "run `make docs`"


def test_every_setting_has_a_section() -> None:
    prefixes = tuple(prefix for prefix, *dummy in SECTIONS)
    assert [setting.name for setting in SETTINGS if not setting.name.startswith(prefixes)] == []


def test_every_name_an_inventory_may_use_is_on_the_page() -> None:
    assert [name for setting in SETTINGS for name in setting.names if f"`{name}`" not in PAGE] == []
