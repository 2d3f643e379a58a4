# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is compared: each node with what was read on it, and what all nodes together imply for it.

Peers are known from the API server alone, so that a run limited to some hosts, or with a node down, judges the
others by the same measure.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from functools import cached_property

from ansible_collections.switchyard.cni.plugins.module_utils._backends._base import Backend, BackendError
from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import (
    Announced,
    Endpoint,
    Underlay,
    endpoint_table,
    networks,
)
from ansible_collections.switchyard.cni.plugins.module_utils._backends._needs import ExpectedChain
from ansible_collections.switchyard.cni.plugins.module_utils._ip import inside
from ansible_collections.switchyard.cni.plugins.module_utils._model import IPNetwork, NodeFacts, ip_address
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster, Held, Member
from ansible_collections.switchyard.cni.plugins.plugin_utils._expect import ExpectedTable
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode, underlay, uses_nftables

TABLES = ("pod_routes", "neighbours", "fdb")
VERIFIED, UNREACHABLE, UNOBSERVED = "verified", "unreachable", "not observed"


@dataclass(frozen=True)
class NodeView:
    """One node: its Node, what was read on it, and its place among its peers.

    ``member`` is None for a host that is no Node, ``facts`` for a node that was not read; ``endpoint`` is the node
    as it sees its peers, None where the device between the nodes is not known.
    """

    name: str
    host: str
    state: str
    reason: str | None = None
    member: Member | None = None
    facts: NodeFacts | None = None
    announced: Announced = field(default_factory=Announced)
    endpoint: Endpoint | None = None

    def told(self, *sections: str) -> bool:
        """Whether these sections were read on the node."""
        facts = self.facts
        return facts is not None and all(map(facts.source.__contains__, sections))

    @cached_property
    def _pods(self) -> dict[str, str]:
        found = self.facts.pods if self.facts else ()
        return {address: pod.label for pod in found for address in pod.addresses}

    def pod_at(self, address: str) -> str | None:
        """The name of the pod that has this address."""
        return self._pods.get(address)


class Scene:
    """A whole cluster before the judge."""

    def __init__(
        self, intent: Intent, cluster: Cluster, observed: t.Sequence[ObservedNode], complete: bool = True
    ) -> None:
        self.intent, self.cluster, self.observed = intent, cluster, observed
        # Without all that is known of every member nobody can say that an entry is of no use: where members are known
        # only from themselves and one was not read, or where an announcement is missing or cannot be read.
        self.complete = complete
        self.backend: Backend = intent.backend
        self.devices = frozenset(intent.backend.devices(intent))
        self.nftables = uses_nftables(intent, observed)
        self.announced = {name: self.backend.announced(one.notes) for name, one in cluster.members.items()}
        self.complete &= not any(one.damaged or not one.addresses for one in self.announced.values())
        self.peers = [peer for member in cluster.members.values() for peer in self._peer(member)]
        self._far_ends: dict[tuple[str, int], str | None] = {}
        self.views = self._views()
        self.tables = {what: ExpectedTable(self.backend, what, self.peers, intent) for what in TABLES}

    def with_observed(self, observed: t.Sequence[ObservedNode]) -> Scene:
        """The same cluster with other answers of its nodes."""
        return self if observed is self.observed else Scene(self.intent, self.cluster, observed, self.complete)

    @cached_property
    def by_name(self) -> dict[str, NodeView]:
        """The views by the nodes' names."""
        return {view.name: view for view in self.views}

    @cached_property
    def endpoints(self) -> dict[str, Endpoint]:
        """The peers by their names."""
        return {peer.name: peer for peer in self.peers}

    def far_end(self, peer: Endpoint, version: int) -> str | None:
        """The address with which a peer's end of the tunnel answers."""
        key = (peer.name, version)
        if key not in self._far_ends:
            self._far_ends[key] = self.backend.far_end(peer, version)
        return self._far_ends[key]

    @cached_property
    def chains(self) -> tuple[ExpectedChain, ...]:
        """The chains of the packet filter that every agent keeps."""
        return self.backend.chains(self.intent, self.nftables)

    @cached_property
    def mesh(self) -> dict[str, str]:
        """The nodes that take part in a full BGP mesh, by the addresses they have announced.

        A route reflector does not (processMeshPeers in confd/pkg/backends/calico/bgp_processor.go).
        """
        return {
            _bare(address): name
            for name, one in self.announced.items()
            if not one.reflector
            for address in one.addresses
        }

    @cached_property
    def held_on(self) -> dict[str, dict[str, Held]]:
        """What Calico's IPAM holds for the pods of each node, by address."""
        found: dict[str, dict[str, Held]] = {}
        for block in self.cluster.ipam:
            for one in block.held:
                found.setdefault(one.node or block.node or "", {})[one.address] = one
        return found

    def in_a_block(self, address: str) -> bool:
        """Whether an address is one that Calico's IPAM gives out."""
        return any(ip_address(address) in block for block in self._blocks)

    @cached_property
    def _blocks(self) -> tuple[IPNetwork, ...]:
        return networks(block.cidr for block in self.cluster.ipam)

    def subnets(self, member: Member) -> tuple[IPNetwork, ...]:
        """The node's pod subnets inside the pod network: its podCIDRs, or its blocks."""
        if not self.backend.blocks:
            return networks(member.pod_cidrs)
        calico = self.cluster.calico
        blocks = networks(calico.blocks.get(member.name, ())) if calico else ()
        return tuple(block for block in blocks if self.holds(block))

    def holds(self, network: IPNetwork) -> bool:
        """Whether a network lies inside the pod network."""
        return inside(network, self.intent.pod_cidrs)

    def owner_of(self, network: IPNetwork) -> str | None:
        """The node in whose pod subnet a network lies."""
        for (version, length), names in self._owners.items():
            if version == network.version and length <= network.prefixlen:
                rest = network.max_prefixlen - length
                owner = names.get(int(network.network_address) >> rest)
                if owner is not None:
                    return owner
        return None

    @cached_property
    def _owners(self) -> dict[tuple[int, int], dict[int, str]]:
        """The nodes by the significant bits of their subnets, by IP version and prefix length: one look-up each."""
        found: dict[tuple[int, int], dict[int, str]] = {}
        for member in self.cluster.members.values():
            for subnet in self.subnets(member):
                rest = subnet.max_prefixlen - subnet.prefixlen
                names = found.setdefault((subnet.version, subnet.prefixlen), {})
                names[int(subnet.network_address) >> rest] = member.name
        return found

    def _peer(self, member: Member) -> t.Iterator[Endpoint]:
        """The node as its peers see it; nothing for one that has announced no address and is known by none."""
        announced = self.announced[member.name]
        addresses = tuple(_bare(address) for address in announced.addresses) or member.internal_ips
        peer = Endpoint(
            name=member.name,
            pod_cidrs=self.subnets(member),
            underlay=Underlay("", 0),
            public_ips=addresses,
            macs=announced.macs,
            tunnel_ips=announced.tunnel_ips,
            encrypting_ips=announced.encrypting_ips,
        )
        if peer.pod_cidrs and self._reachable(peer):
            yield peer

    def _reachable(self, peer: Endpoint) -> bool:
        """Whether its peers can have a route to it: one that has not announced itself is a finding of its own."""
        try:
            self.backend.routes(Endpoint("", (), Underlay("", 0)), (peer,), self.intent)
        except BackendError:
            return False
        return True

    def _views(self) -> list[NodeView]:
        views = [self._view(node) for node in self.observed]
        seen = {view.name for view in views}
        rest = [member for member in self.cluster.members.values() if member.name not in seen]
        return views + [NodeView(one.name, "", UNOBSERVED, "the inventory has no such host", one) for one in rest]

    def _view(self, node: ObservedNode) -> NodeView:
        member = self.cluster.members.get(node.name)
        announced = self.announced.get(node.name, Announced())
        if node.facts is None:
            state = UNREACHABLE if node.asked else UNOBSERVED
            return NodeView(node.name, node.host, state, node.unreachable, member, None, announced)
        device = announced_device(node.facts, announced) or underlay(node, self.intent)
        endpoint = self._endpoint(member, node.facts, device, announced) if member and device else None
        return NodeView(node.name, node.host, VERIFIED, None, member, node.facts, announced, endpoint)

    def _endpoint(self, member: Member, facts: NodeFacts, device: Underlay, announced: Announced) -> Endpoint:
        return Endpoint(
            name=member.name,
            pod_cidrs=self.subnets(member),
            underlay=device,
            public_ips=tuple(_bare(address) for address in announced.addresses),
            table=endpoint_table(facts, self.intent.pod_cidrs),
            macs=announced.macs,
            tunnel_ips=announced.tunnel_ips,
            encrypting_ips=announced.encrypting_ips,
        )


def announced_device(facts: NodeFacts, announced: Announced) -> Underlay | None:
    """The device that holds the announced address, with the announced mask where there is one; None = none does."""
    wanted = {_bare(address): address for address in announced.addresses}
    for address in facts.addresses:
        told = wanted.get(address.address)
        link = facts.link(address.dev) if told else None
        if link is not None:
            return Underlay(link.name, link.mtu, _addresses(facts, link.name, wanted))
    return None


def _addresses(facts: NodeFacts, dev: str, wanted: t.Mapping[str, str]) -> tuple[tuple[str, int], ...]:
    """The device's addresses, the announced ones first and with the announced mask: CrossSubnet goes by that."""
    found = [(one.address, one.prefixlen) for one in facts.addresses if one.dev == dev and one.scope == "global"]
    masks = {bare: int(text.partition("/")[2]) for bare, text in wanted.items() if "/" in text}
    return tuple(
        (address, masks.get(address, length))
        for address, length in sorted(found, key=lambda pair: pair[0] not in wanted)
    )


def _bare(address: str) -> str:
    return address.partition("/")[0]
