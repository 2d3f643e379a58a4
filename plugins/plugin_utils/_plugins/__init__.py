# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of plugins: who plans the cluster's part of a pod network. A plugin adds its file here."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.plugin_utils._node_state import NodeState
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._approach import Approach
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._calico import CalicoPlan
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._flannel import FlannelPlan
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._given import Given


class PluginPlan(t.Protocol):
    """What the engine asks of a plugin."""

    @property
    def configures(self) -> bool:
        """Whether the plugin's role has something to write before the nodes' agents start."""

    @property
    def changing(self) -> tuple[t.Mapping[str, str], ...]:
        """The objects that another backend overwrites: apiVersion, kind, namespace and name."""

    @property
    def agents(self) -> t.Mapping[str, t.Any]:
        """Where the agents' pods are: namespace and label_selectors; nothing where the cluster does not run them."""

    def cluster(self) -> dict[str, t.Any]:
        """What the plugin's role gives the cluster."""

    def node_state(self, node: ObservedNode) -> NodeState:
        """What a node needs besides the preparation that every pod network needs."""

    def expect(self, node: ObservedNode) -> dict[str, t.Any]:
        """What a node must show afterwards (``wait_for`` of node_network_info). Raises BackendError."""

    @property
    def approach(self) -> tuple[Approach, ...]:
        """The steps on the way from the network in force, before the declared one itself."""

    @property
    def verifies(self) -> bool:
        """Whether only a verification proves the network, because not all of it is known before."""


_PLUGINS: dict[str, t.Callable[[Given], PluginPlan]] = {"flannel": FlannelPlan, "calico": CalicoPlan}


def plugin_plan(given: Given) -> PluginPlan:
    """The plan of the declared plugin."""
    return _PLUGINS[given.intent.plugin](given)
