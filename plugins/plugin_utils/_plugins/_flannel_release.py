# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts that differ between flannel releases.

Source: flannel's main.go and Documentation/kube-flannel.yml at the tags named below.
"""

from __future__ import annotations

UPSTREAM = "ghcr.io/flannel-io"
# The CNI plugin's image that upstream's manifest of the current release names.
CNI_PLUGIN_TAG = "v1.9.1-flannel3"
CURRENT = (0, 28, 9)
_READYZ_SINCE = (0, 28, 9)


def has_readyz(number: tuple[int, ...]) -> bool:
    """``/readyz`` tells when the backend is registered (main.go, since v0.28.9)."""
    return number >= _READYZ_SINCE
