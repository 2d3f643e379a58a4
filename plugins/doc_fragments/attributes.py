# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What check mode, diff mode and a second run mean for this collection's modules."""

from __future__ import annotations


class ModuleDocFragment:
    """The attributes every module states; ATTRIBUTES_INFO also gives the answers, as info modules all give the same."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and tell what it would change, without changing it.
  diff_mode:
    description: Tells in diff mode what has changed, or in check mode what would change.
  idempotent:
    description: Changes nothing when it is run again with the same options on an unchanged node.
  platform:
    description: The operating systems this runs on.
"""

    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Can run in check mode and tell what it would change, without changing it.
    details:
      - This only reads, so check mode makes no difference, except that nothing is waited for.
  diff_mode:
    support: N/A
    description: Tells in diff mode what has changed, or in check mode what would change.
    details:
      - This only reads.
  idempotent:
    support: full
    description: Changes nothing when it is run again with the same options on an unchanged node.
    details:
      - This only reads.
  platform:
    description: The operating systems this runs on.
    support: full
    platforms: linux
"""
