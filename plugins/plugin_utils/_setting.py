# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one setting is, whichever plugin it belongs to.

This file is private to the collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

TRUE = frozenset(("true", "yes", "on", "y", "t", "1"))
FALSE = frozenset(("false", "no", "off", "n", "f", "0"))
TRISTATE = {"auto": (), "true": tuple(sorted(TRUE)), "false": tuple(sorted(FALSE))}
"""The choices of what is found out unless the operator says so."""


@dataclass(frozen=True)
class Setting:
    """One thing an operator can set. ``unit`` is for people; ``choices`` maps a value to its synonyms."""

    name: str
    kind: str
    description: str
    aliases: tuple[str, ...] = ()
    default: t.Any = None
    choices: t.Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unit: str | None = None
    minimum: int | None = None
    maximum: int | None = None
    required: bool = False
    secret: bool = False
    per_host: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)
