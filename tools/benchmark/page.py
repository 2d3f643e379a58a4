# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/benchmarks.md: a section for each benchmark, of which one can be measured anew without the others."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

HEAD = (
    "# Benchmarks\n\n`make bench` measures and writes this page; `make bench-scale` only the part that needs no lab.\n"
)


@dataclass(frozen=True)
class Section:
    """A title and its text in Markdown; a target that was missed stands in it as **no**."""

    title: str
    text: str

    @property
    def missed(self) -> bool:
        """Whether a target was missed."""
        return "**no**" in self.text


def word(met: bool) -> str:
    """How a table says whether a target was met."""
    return "yes" if met else "**no**"


def machine(*programs: str) -> str:
    """When and on what the values were measured."""
    model = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    parts = [
        f"{os.cpu_count()} cores ({model.group(1) if model else platform.machine()})",
        f"{memory:.0f} GiB",
        f"Linux {platform.release()}",
        f"Python {platform.python_version()}",
        *programs,
        f"load of the machine in the last minute {os.getloadavg()[0]:.1f}",
    ]
    return f"{datetime.now(UTC):%Y-%m-%d}, {', '.join(parts)}."


def publish(page: Path, sections: list[Section]) -> None:
    """Write the sections into the page, each in the place it had; others stay as they are."""
    old = page.read_text(encoding="utf-8") if page.is_file() else ""
    texts = dict(re.findall(r"^## (.+)\n\n(.*?)(?=^## |\Z)", old, re.MULTILINE | re.DOTALL))
    texts.update({section.title: section.text for section in sections})
    page.write_text(
        HEAD + "".join(f"\n## {title}\n\n{text.strip()}\n" for title, text in texts.items()), encoding="utf-8"
    )
