# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a problem reads."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import (
    ERROR,
    WARNING,
    Problem,
    errors,
    names,
    warnings,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1500, "v = 1500"), (True, "v = true"), (("a", "b"), "v = a,b"), (None, "v"), ("", "v = ")],
)
def test_a_problem_reads_variable_value_reason_remedy(value, shown):
    assert str(Problem("v", value, "is wrong", "Set it right")) == f"{shown}: is wrong. Set it right."


def test_names_are_shortened_after_five():
    assert names("abcde") == "a, b, c, d, e"
    assert names("abcdefgh") == "a, b, c, d, e and 3 more"
    assert names([]) == ""


def test_errors_and_warnings_are_told_apart():
    wrong, doubtful = Problem("a", 1, "r", "R", ERROR), Problem("b", 1, "r", "R", WARNING)

    assert errors([wrong, doubtful]) == [wrong]
    assert warnings([wrong, doubtful]) == [doubtful]
