# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the nodes pull an image from, and which release it is."""

from __future__ import annotations

import re


def release(image: str, version: str, current: tuple[int, ...]) -> tuple[int, ...]:
    """The release of an image's tag, else of the version; an unreadable one counts as the current release."""
    tag = image.split("@")[0].rsplit("/", 1)[-1].partition(":")[2]
    for text in (tag, version):
        found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", text)
        if found:
            return tuple(int(part) for part in found.groups())
    return current


def image_reference(explicit: str, registry: str, name: str, tag: str, digest: str = "") -> str:
    """The explicit reference, else the name in the registry; with the digest that pins it."""
    reference = explicit or f"{registry}/{name}:{tag}"
    return f"{reference}@{digest}" if digest else reference
