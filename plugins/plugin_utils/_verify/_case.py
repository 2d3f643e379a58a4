# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One node before the judge: what was read on it beside what its backend implies, each computed once."""

from __future__ import annotations

from functools import cached_property

from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import Endpoint
from ansible_collections.switchyard.cni.plugins.module_utils._model import Address, IPNetwork, Link, NodeFacts, Route
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._actual import ActualTables
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import NodeView, Scene


class Case:
    """A node that was read."""

    def __init__(self, scene: Scene, view: NodeView, facts: NodeFacts) -> None:
        self.scene, self.view, self.facts, self.name = scene, view, facts, view.name
        self.intent, self.backend = scene.intent, scene.backend
        self.actual = ActualTables(scene, facts)

    @property
    def endpoint(self) -> Endpoint | None:
        """The node as it sees its peers; None where the device between the nodes is not known."""
        return self.view.endpoint

    @cached_property
    def links(self) -> dict[str, Link]:
        """The node's devices by name."""
        return {link.name: link for link in self.facts.links}

    @cached_property
    def addresses(self) -> dict[str, list[Address]]:
        """The node's addresses by device."""
        found: dict[str, list[Address]] = {}
        for address in self.facts.addresses:
            found.setdefault(address.dev, []).append(address)
        return found

    @cached_property
    def expected_links(self) -> tuple[Link, ...]:
        """The devices that the agent makes on this node."""
        return self.backend.links(self.endpoint, self.intent) if self.endpoint else ()

    @cached_property
    def subnets(self) -> tuple[IPNetwork, ...]:
        """The node's own pod subnets."""
        return self.scene.subnets(self.view.member) if self.view.member else ()

    @cached_property
    def own_routes(self) -> tuple[Route, ...]:
        """The routes to the node's own pods."""
        return self.backend.pod_routes(self.endpoint) if self.endpoint else ()

    @cached_property
    def pod_mtu(self) -> int | None:
        """The MTU that pods shall have, in bytes."""
        if self.endpoint is None:
            return None
        return self.backend.pod_mtu(self.endpoint.underlay.mtu, self.intent.options)
