# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A step on the way from the network in force to the declared one, for plugins that cannot go there at once."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

Object = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Approach:
    """One step: what the cluster gets, which IPPools it loses, and what every node shows when the step is done.

    ``expect`` maps a node's name to a condition (``wait_for`` of node_network_info); ``hold`` are the nodes that first
    hold their direct routes, for the time in which nobody else writes them.
    """

    label: str
    objects: tuple[Object, ...] = ()
    drained: tuple[Object, ...] = ()
    expect: t.Mapping[str, Object] = field(default_factory=dict)
    hold: t.Collection[str] = ()

    def as_result(self) -> dict[str, t.Any]:
        """The part of the step that is the cluster's, as plain data."""
        return {"label": self.label, "objects": list(self.objects), "drained": list(self.drained)}

    def for_node(self, name: str) -> dict[str, t.Any]:
        """The part of the step that is one node's, as plain data."""
        return {"expect": dict(self.expect.get(name, {})), "hold": name in self.hold}
