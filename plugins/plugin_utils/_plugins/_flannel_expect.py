# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node of flannel must show, computed once for all nodes and linear in them."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import Endpoint
from ansible_collections.switchyard.cni.plugins.plugin_utils._expect import ExpectedTable
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode, endpoint
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._given import Given

_INTERVAL = 0.2
"""Seconds between two looks of a node that waits for its pod network."""


class Expectations:
    """What each node must show: subnet, devices, CNI configuration and all its pod routes.

    While the network changes, the earlier backend's routes do not count until they are swept.
    """

    def __init__(self, given: Given) -> None:
        intent = given.intent
        self._changing = given.changing
        found = [endpoint(node, intent) for node in given.nodes]
        self._intent = intent
        self.endpoints = {item.name: item for item in found if item is not None}
        peers = [*self.endpoints.values(), *given.peers_away]
        self._routes = ExpectedTable(intent.backend, "pod_routes", peers, intent) if intent.kube else None

    def of(self, node: ObservedNode) -> dict[str, t.Any]:
        intent = self._intent
        return {
            "subnet_env": intent.backend.agent_env(self.endpoints[node.name], intent),
            "links": list(intent.backend.devices(intent)),
            "pod_routes": self._pod_routes(node),
            "cni_config": intent.backend.cni_config,
            "timeout": intent.flannel.wait_timeout,
            "interval": _INTERVAL,
        }

    def _pod_routes(self, node: ObservedNode) -> dict[str, t.Any]:
        wanted: dict[str, t.Any] = {
            "within": [str(cidr) for cidr in self._intent.pod_cidrs],
            "bridge": self._intent.backend.bridge,
        }
        here = self.endpoints[node.name]
        if self._changing:
            wanted["over"] = list(self._intent.backend.route_devices(here, self._intent))
        if self._routes is None:
            # flannel itself gives out the subnets: their number is known, their addresses are not.
            return {**wanted, "count": self._count_without_leases(here)}
        digest = self._routes.digest(here)
        return {**wanted, "count": digest.count, "digest": digest.digest}

    def _count_without_leases(self, node: Endpoint) -> int:
        for_all_peers = len(self._intent.backend.routes(node, (), self._intent))
        return for_all_peers or (len(self.endpoints) - 1) * len(self._intent.pod_cidrs)
