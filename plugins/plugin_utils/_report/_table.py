# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of text: columns as wide as their widest cell, within a given width.

This file is private to the collection.
"""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.plugin_utils._report._plain import clip, pad, width

Row = t.Sequence[str]


def columns(rows: t.Sequence[Row], total: int, gap: str = "  ") -> list[str]:
    """Lines of aligned columns; the widest columns are cut until a line has at most ``total`` columns."""
    widths = _fitting(rows, total - len(gap) * (len(rows[0]) - 1))
    return [
        gap.join(pad(clip(cell, size), size) for cell, size in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def boxed(heads: Row, rows: t.Sequence[Row], total: int) -> list[str]:
    """A table with a frame, as calicoctl prints one."""
    widths = _fitting([heads, *rows], total - 3 * len(heads) - 1)
    rule = "+" + "+".join("-" * (size + 2) for size in widths) + "+"
    return [rule, _line(heads, widths, centred=True), rule, *(_line(row, widths) for row in rows), rule]


def _padded(row: Row, widths: t.Sequence[int]) -> list[str]:
    return [pad(clip(cell, size), size) for cell, size in zip(row, widths, strict=True)]


def _line(row: Row, widths: t.Sequence[int], centred: bool = False) -> str:
    cells = []
    for cell, size in zip(row, widths, strict=True):
        text = clip(cell, size)
        indent = (size - width(text)) // 2 if centred else 0
        cells.append(f" {pad(' ' * indent + text, size)} ")
    return "|" + "|".join(cells) + "|"


def _fitting(rows: t.Sequence[Row], total: int) -> list[int]:
    widths = [max(width(cell) for cell in column) for column in zip(*rows, strict=True)]
    while sum(widths) > total and max(widths) > 1:
        widest = max(widths)
        # Cut the widest columns down to the next widest one, or as far as is needed.
        at_most = max([size for size in widths if size < widest], default=1)
        sharing = widths.count(widest)
        reduced = max(at_most, widest - max(1, (sum(widths) - total) // sharing))
        widths = [min(size, reduced) for size in widths]
    return widths
