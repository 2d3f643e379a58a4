# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How hard hypothesis looks: a hundred examples a property, two thousand in `make test-long`."""

from __future__ import annotations

import os

from hypothesis import settings

# No deadline: a shared machine may stall for a second in the middle of an example.
settings.register_profile("short", deadline=None)
settings.register_profile("long", deadline=None, max_examples=2000)
settings.load_profile("long" if os.environ.get("SWITCHYARD_LONG") == "1" else "short")
