# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for the arithmetic of pod networks."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.plugin_utils import _subnets
from ansible_collections.switchyard.cni.plugins.plugin_utils._filters import Filter, reported, whole_number


def node_subnet(cidr: t.Any, index: t.Any, prefix: t.Any) -> str:
    """Subnet number ``index`` of a pod network at a prefix length."""
    number = whole_number(index, "the number of a subnet")
    return _subnets.node_subnet(cidr, number, whole_number(prefix, "a prefix length"))


def cidr_capacity(cidr: t.Any, prefix: t.Any) -> int:
    """How many nodes' subnets a pod network holds."""
    return _subnets.capacity(cidr, whole_number(prefix, "a prefix length"))


class FilterModule:
    """Arithmetic of pod networks, for IPv4 and IPv6."""

    def filters(self) -> dict[str, Filter]:
        return reported(
            {
                "node_subnet": node_subnet,
                "node_gateway": _subnets.node_gateway,
                "cidr_capacity": cidr_capacity,
                "cidrs_overlap": _subnets.overlap,
                "same_l2": _subnets.same_l2,
            }
        )
