# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts that differ between flannel releases, and where its images come from.

Source: flannel's main.go and Documentation/kube-flannel.yml at the tags named below.
"""

from __future__ import annotations

import re

UPSTREAM = "ghcr.io/flannel-io"
# The CNI plugin's image that upstream's manifest of the current release names.
CNI_PLUGIN_TAG = "v1.9.1-flannel3"
_READYZ_SINCE = (0, 28, 9)


def release(image: str, version: str) -> tuple[int, ...]:
    """The release of an image's tag, else of the version; an unreadable one counts as the current release."""
    tag = image.split("@")[0].rsplit("/", 1)[-1].partition(":")[2]
    for text in (tag, version):
        found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", text)
        if found:
            return tuple(int(part) for part in found.groups())
    return _READYZ_SINCE


def has_readyz(number: tuple[int, ...]) -> bool:
    """``/readyz`` tells when the backend is registered (main.go, since v0.28.9)."""
    return number >= _READYZ_SINCE


def image_reference(explicit: str, registry: str, name: str, tag: str, digest: str) -> str:
    """Where the nodes pull an image from: the explicit reference, else the registry or upstream."""
    reference = explicit or f"{registry or UPSTREAM}/{name}:{tag}"
    return f"{reference}@{digest}" if digest else reference
