# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every node must show once the declared backend carries its pods.

The work is linear in the nodes: the routes that all peers imply are summed once for each kind of node
(the same underlay device and the same neighbourhood), and a node's own share is subtracted.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ansible_collections.switchyard.cni.plugins.module_utils import _tables
from ansible_collections.switchyard.cni.plugins.module_utils._backends._base import Backend, Network
from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import Endpoint
from ansible_collections.switchyard.cni.plugins.module_utils._model import Route

# No node has this name, so that the backend leaves no peer out.
_NOBODY = ""


@dataclass(frozen=True)
class RouteDigest:
    """How many pod routes a node must have, and the order-free sum of their hashes."""

    count: int
    digest: str


def route_digests(backend: Backend, endpoints: t.Sequence[Endpoint], network: Network) -> dict[str, RouteDigest]:
    """The digest of each node's routes to its peers' pods, by the node's name. Raises BackendError."""
    sums = _Sums(backend, endpoints, network)
    return {endpoint.name: sums.without(endpoint) for endpoint in endpoints}


class _Sums:
    def __init__(self, backend: Backend, endpoints: t.Sequence[Endpoint], network: Network) -> None:
        self._backend, self._endpoints, self._network = backend, endpoints, network
        self._totals: dict[t.Hashable, tuple[Endpoint, frozenset[Route], int, int]] = {}

    def without(self, endpoint: Endpoint) -> RouteDigest:
        """The whole cluster's sum, seen from this kind of node, less what leads to the node itself."""
        viewer, constant, count, total = self._total(endpoint)
        own = [route for route in self._seen(viewer, [endpoint]) if route not in constant]
        return RouteDigest(count - len(own), _tables.as_text(_tables.subtract(total, map(_hash, own))))

    def _total(self, endpoint: Endpoint) -> tuple[Endpoint, frozenset[Route], int, int]:
        kind = (endpoint.underlay.dev, tuple(route.key for route in endpoint.table))
        if kind not in self._totals:
            viewer = replace(endpoint, name=_NOBODY)
            routes = self._seen(viewer, self._endpoints)
            constant = frozenset(self._seen(viewer, ()))
            self._totals[kind] = (viewer, constant, len(routes), _tables.add(map(_hash, routes)))
        return self._totals[kind]

    def _seen(self, viewer: Endpoint, peers: t.Sequence[Endpoint]) -> tuple[Route, ...]:
        return self._backend.routes(viewer, peers, self._network)


def _hash(route: Route) -> int:
    return _tables.row_hash(_tables.route_row(*route.key))
