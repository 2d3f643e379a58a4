# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of plugins: who plans the cluster's part of a pod network. A plugin adds its file here."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._node_state import NodeState
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins import (
    _calico_manifest,
    _calico_release,
    _flannel_manifest,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._approach import Approach
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._calico import CalicoPlan
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._flannel import FlannelPlan
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._given import Given
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._images import Image


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
    def tools(self) -> t.Mapping[str, t.Any]:
        """What operators get for their own use, and the hosts that get it; nothing where they asked for nothing."""

    @property
    def approach(self) -> tuple[Approach, ...]:
        """The steps on the way from the network in force, before the declared one itself."""

    @property
    def holds(self) -> t.Mapping[str, t.Any]:
        """What nodes hold before the agents change, as far as it is the same for all; nothing where they need not."""

    def hold(self, node: ObservedNode) -> dict[str, t.Any]:
        """The node's own part of that, and of what it holds on the way (options of node_route_hold)."""

    @property
    def verifies(self) -> bool:
        """Whether only a verification proves the network, because not all of it is known before."""


_PLUGINS: dict[str, t.Callable[[Given], PluginPlan]] = {"flannel": FlannelPlan, "calico": CalicoPlan}


def plugin_plan(given: Given) -> PluginPlan:
    """The plan of the declared plugin."""
    return _PLUGINS[given.intent.plugin](given)


def _of_flannel(intent: Intent, nodes: int) -> tuple[Image, ...]:
    return _flannel_manifest.images(intent) if intent.kube else ()


def _of_calico(intent: Intent, nodes: int) -> tuple[Image, ...]:
    return _calico_release.images(intent.calico, intent.registry, _calico_manifest.uses_typha(intent.calico, nodes))


_IMAGES: dict[str, t.Callable[[Intent, int], tuple[Image, ...]]] = {"flannel": _of_flannel, "calico": _of_calico}


def plugin_images(intent: Intent, nodes: int) -> tuple[Image, ...]:
    """The images that the declared plugin needs on a cluster of so many nodes."""
    return _IMAGES[intent.plugin](intent, nodes)
