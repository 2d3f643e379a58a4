# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts an action that looks at a whole cluster takes for its nodes."""

from __future__ import annotations


class ModuleDocFragment:
    """The option of all of them; plugin_utils/_action.py has its default."""

    DOCUMENTATION = r"""
options:
  group_pattern:
    description: Groups whose hosts are the cluster's nodes; those that the inventory lacks are passed over.
    type: list
    elements: str
    default: [kube_master, kube_control_plane, kube_node]
"""
