# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Property tests judge answers, not the speed of a machine that runs a cluster besides."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("switchyard", deadline=None)
settings.load_profile("switchyard")
