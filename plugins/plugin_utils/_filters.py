# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turning a wrong argument of a filter into one error that names the value and the way out.

This file is private to the collection.
"""

from __future__ import annotations

import functools
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.switchyard.cni.plugins.module_utils._backends._base import BackendError
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import Problem
from ansible_collections.switchyard.cni.plugins.plugin_utils._subnets import SubnetError

Filter = t.Callable[..., t.Any]


def reported(functions: t.Mapping[str, Filter]) -> dict[str, Filter]:
    """Each function as a filter of its name: what it refuses becomes an AnsibleFilterError."""
    return {name: _reported(function) for name, function in functions.items()}


def _reported(function: Filter) -> Filter:
    @functools.wraps(function)
    def wrapper(*args: t.Any, **kwargs: t.Any) -> t.Any:
        try:
            return function(*args, **kwargs)
        except (SubnetError, BackendError) as exc:
            raise AnsibleFilterError(str(exc)) from exc

    return wrapper


def whole_number(value: t.Any, what: str) -> int:
    """An integer, which inventories and templates also give as text. Raises SubnetError."""
    try:
        if isinstance(value, (bool, float)):
            raise ValueError
        return int(value)
    except (TypeError, ValueError) as exc:
        raise SubnetError(f"{value!r} is not {what}; give a whole number") from exc


def refuse(problems: t.Sequence[Problem]) -> None:
    """Raise SubnetError with all problems, if there are any."""
    if problems:
        raise SubnetError(" ".join(str(problem) for problem in problems))
