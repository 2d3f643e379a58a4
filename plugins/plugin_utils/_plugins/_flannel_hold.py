# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which routes flannel's nodes hold while one backend takes the place of another. Pure.

Where the device goes with the agent, or is made anew, neighbours reach each other without it meanwhile. Where flanneld
takes a route back before it writes the next one (routeAdd in pkg/backend/route_network.go), a copy of it stays.
"""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import Endpoint
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._given import Given


class Holds:
    """What every node holds; ``endpoints`` are the nodes by name, as their peers see them."""

    def __init__(self, given: Given, endpoints: t.Iterable[Endpoint]) -> None:
        self._intent = given.intent
        self._source = given.source if given.changing and given.source and given.source.plugin == "flannel" else None
        self._endpoints = tuple(endpoints)

    @property
    def needed(self) -> bool:
        """Whether packets would be lost without."""
        return self._source is not None and (self._direct or not self._intent.backend.replaces_routes)

    @property
    def _direct(self) -> bool:
        """Whether nodes are without any way for a while; what was encrypted and will be is not sent in the clear."""
        source, target = self._source, self._intent
        if source is None or target.backend.stays_secret(source.backend):
            return False
        anew = target.backend.rebuilt(source.backend, source.options, target.options)
        return source.backend.device_ends_with_agent or bool(anew)

    def cluster(self) -> dict[str, t.Any]:
        """What all nodes share: the peers to which they hold direct routes. Linear in them."""
        peers = [
            {"network": str(subnet), "address": address}
            for one in (self._endpoints if self._direct else ())
            for cidr in self._intent.pod_cidrs
            for subnet, address in ((one.subnet(cidr.version), one.address(cidr.version)),)
            if subnet is not None and address is not None
        ]
        return {"peers": peers} if self.needed else {}

    def of(self, node: Endpoint) -> dict[str, t.Any]:
        """What is the node's own: the devices over which it has routes to other nodes' pods."""
        if self._source is None or not self.needed:
            return {}
        over = self._source.backend.route_devices(node, self._source)
        return {"pod_networks": [str(cidr) for cidr in self._intent.pod_cidrs], "over": list(over)}
