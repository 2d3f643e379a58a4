# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters on which a network runs, and the change to another one."""

from __future__ import annotations

from typing import Any

from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import flannel_net_conf
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._transition import Transition, transition
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import SEED, World, healthy, intent_of


def running(**settings: Any) -> World:
    """A cluster in which that runs, with the configuration that its agents have read."""
    world = healthy(SEED, **settings)
    if world.intent.plugin == "flannel":
        world.api["flannel"] = [{"namespace": "kube-flannel", "net_conf": flannel_net_conf(world.intent)}]
    return world


def between(world: World, **after: Any) -> Transition:
    """The change of a cluster to what these settings declare."""
    return transition(intent_of(**after), Cluster.from_dict(world.api), world.scene().observed)
