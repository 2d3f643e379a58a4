# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text from a cluster, made harmless, and its width on a terminal.

Names, error texts and BIRD's answers are untrusted: a control character could move a terminal's cursor or end an XML
document, a direction mark could make a name look like another one.

This file is private to the collection.
"""

from __future__ import annotations

import typing as t
import unicodedata

_REPLACEMENT = "\ufffd"
# Control, format (direction marks among them), surrogate, private, unassigned, line and paragraph separators.
_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SPACES = dict.fromkeys(map(ord, "\t\n\r"), " ")
_WIDE = frozenset({"W", "F"})
_ZERO = frozenset({"Mn", "Me"})


def plain(value: t.Any) -> str:
    """The value as one line of printable text; None becomes an empty text, what is not printable U+FFFD."""
    text = "" if value is None else str(value)
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_printable, text.translate(_SPACES)))


def _printable(char: str) -> str:
    category = unicodedata.category(char)
    return " " if category == "Zs" else _REPLACEMENT if category in _HARMFUL else char


def width(text: str) -> int:
    """Columns on a terminal (Unicode Standard Annex 11)."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.category(char) in _ZERO:
        return 0
    return 2 if unicodedata.east_asian_width(char) in _WIDE else 1


def clip(text: str, columns: int) -> str:
    """The text, cut with an ellipsis where it is wider than that many columns."""
    if width(text) <= columns:
        return text
    kept, used = [], 1
    for char in text:
        used += _char_width(char)
        if used > columns:
            break
        kept.append(char)
    return "".join(kept) + "…"


def pad(text: str, columns: int) -> str:
    """The text, filled with spaces to that many columns."""
    return text + " " * (columns - width(text))


def wrap(text: str, columns: int, indent: str = "", further: str | None = None) -> list[str]:
    """Lines of at most that many columns; ``further`` is the indent of all but the first, the same if None."""
    rest = indent if further is None else further
    lines, line, empty = [], indent, True
    for word in _pieces(text, columns - max(len(indent), len(rest))):
        if not empty and width(line) + 1 + width(word) > columns:
            lines.append(line)
            line, empty = rest, True
        line += word if empty else f" {word}"
        empty = False
    return [*lines, line.rstrip()]


def _pieces(text: str, columns: int) -> t.Iterator[str]:
    """The words of a text; one that is wider than a line in several pieces."""
    for word in text.split():
        piece, used = "", 0
        for char in word if width(word) > columns else ():
            if used + _char_width(char) > columns:
                yield piece
                piece, used = "", 0
            piece += char
            used += _char_width(char)
        yield piece or word


def several(items: t.Sequence[str], shown: int) -> str:
    """The first few of many names."""
    if len(items) <= shown:
        return ", ".join(items)
    return f"{', '.join(items[:shown])} and {len(items) - shown} more"


def number_of(count: int, what: str, plural: str | None = None) -> str:
    """``1 node``, ``3 nodes``."""
    return f"{count} {what if count == 1 else plural or what + 's'}"
