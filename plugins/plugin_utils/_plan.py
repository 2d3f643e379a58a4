# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan: what the cluster and each node must be given, and what each node must show afterwards.

Pure: observed nodes and an intent in, a value out. Linear in the nodes.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import Endpoint
from ansible_collections.switchyard.cni.plugins.module_utils._model import NodeFacts
from ansible_collections.switchyard.cni.plugins.module_utils._node._wait import missing_from, parse_condition
from ansible_collections.switchyard.cni.plugins.plugin_utils import _prepare
from ansible_collections.switchyard.cni.plugins.plugin_utils._checks import foreign_configs
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._move._move import Move, plan_move
from ansible_collections.switchyard.cni.plugins.plugin_utils._node_state import NodeState
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import (
    ObservedNode,
    endpoint,
    uses_nftables,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins import plugin_images, plugin_plan
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._approach import Approach
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._given import Given
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._images import below
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import left_for_later, names
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch import _sweep
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._switch import Switch


@dataclass(frozen=True)
class NodePlan:
    """One node by its name in the cluster: the state it is brought to, and the condition that proves it.

    ``settled`` says that the observation already shows the state, ``proved`` that it already shows the condition;
    ``sweep`` is what goes there once the new network is in force, ``meter`` what it measures while the network changes;
    ``away`` is a node that the run goes on without; ``approach`` is the node's part of each step before the last one,
    and ``hold`` says which routes it then holds.
    """

    name: str
    state: NodeState
    expect: t.Mapping[str, t.Any]
    settled: bool = False
    proved: bool = False
    sweep: t.Mapping[str, t.Any] | None = None
    meter: t.Mapping[str, t.Any] | None = None
    away: bool = False
    approach: t.Sequence[t.Mapping[str, t.Any]] = ()
    hold: t.Mapping[str, t.Any] = field(default_factory=dict)

    def as_result(self) -> dict[str, t.Any]:
        return {
            "name": self.name,
            "state": self.state.as_option(),
            "expect": dict(self.expect),
            "settled": self.settled,
            "proved": self.proved,
            "sweep": dict(self.sweep) if self.sweep else None,
            "meter": dict(self.meter) if self.meter else None,
            "away": self.away,
            "approach": [dict(step) for step in self.approach],
            "hold": dict(self.hold),
        }


@dataclass(frozen=True)
class NetworkPlan:
    """The whole plan; ``cluster`` is the plugin's own part, ``nodes`` is keyed by inventory host.

    ``configure`` says whether something has to be written before the nodes' agents start, ``complete`` whether all
    nodes take part, so that the cluster itself can say when it is done; ``agents`` says where the agents' pods are.
    ``approach`` are the steps before the last one, and ``verifies`` says that only a verification proves the network.
    ``pulls`` are the images of a private registry that the nodes have to pull for it, ``tools`` what operators get,
    ``holds`` what all nodes hold before the agents change; ``routes_first`` says that all nodes lose their earlier
    routes before any of them loses its devices. ``move`` is what it takes to make all pods anew in another network.
    """

    plugin: str
    backend: str
    cluster: t.Mapping[str, t.Any]
    nodes: t.Mapping[str, NodePlan]
    summary: tuple[str, ...]
    proved: tuple[str, ...]
    configure: bool = False
    switch: Switch | None = None
    changing: tuple[t.Mapping[str, str], ...] = ()
    complete: bool = True
    agents: t.Mapping[str, t.Any] = field(default_factory=dict)
    approach: tuple[Approach, ...] = ()
    verifies: bool = False
    pulls: tuple[str, ...] = ()
    tools: t.Mapping[str, t.Any] = field(default_factory=dict)
    holds: t.Mapping[str, t.Any] = field(default_factory=dict)
    routes_first: bool = False
    move: Move | None = None

    def as_result(self) -> dict[str, t.Any]:
        """The plan as plain data, under the keys that the playbooks read."""
        return {
            "plugin": self.plugin,
            "backend": self.backend,
            "configure": self.configure,
            "complete": self.complete,
            "agents": dict(self.agents),
            "approach": [step.as_result() for step in self.approach],
            "verifies": self.verifies,
            "pulls": list(self.pulls),
            "tools": dict(self.tools),
            "holds": dict(self.holds),
            "routes_first": self.routes_first,
            "move": self.move.as_result() if self.move else {},
            self.plugin: dict(self.cluster),
            "nodes": {host: node.as_result() for host, node in self.nodes.items()},
            "summary": list(self.summary),
            "proved": list(self.proved),
            "switch": {**self.switch.as_result(), "run": self._run()} if self.switch else {"active": False},
            "restore": list(self.switch.record.snapshot) if self.switch and self.switch.restores else [],
        }

    def _run(self) -> dict[str, t.Any]:
        """The change as the journal keeps it."""
        told = self.switch.as_result() if self.switch else {}
        return {
            **{key: told[key] for key in ("id", "from", "to", "steps")},
            "snapshot": [dict(reference) for reference in self.changing],
        }


def plan_preparation(intent: Intent, nodes: t.Sequence[ObservedNode], switch: Switch | None = None) -> NetworkPlan:
    """Only what the nodes need before there is a cluster."""
    states = _Preparation(intent, nodes)
    return NetworkPlan(
        plugin=intent.plugin,
        backend=intent.backend.label,
        cluster={},
        nodes={node.host: _node_plan(node, states.of(node), {}) for node in nodes},
        summary=_headline("Prepare", intent, nodes),
        proved=(),
    )


def plan_network(
    intent: Intent,
    nodes: t.Sequence[ObservedNode],
    switch: Switch | None = None,
    away: t.Sequence[ObservedNode] = (),
    peers_away: t.Sequence[Endpoint] = (),
    cluster: Cluster | None = None,
) -> NetworkPlan:
    """The whole pod network; ``away`` are nodes that this run goes on without, ``peers_away`` what others see of them.

    Raises BackendError when a node cannot be reached by its peers.
    """
    active = switch is not None and switch.active
    source = switch.change.source if switch else None
    left = switch.change.left if switch else ()
    plugin = plugin_plan(Given(intent, nodes, cluster, source, active, peers_away, left))
    leaving = source if switch and switch.dual else None
    states, approach = _Preparation(intent, nodes, leaving.plugin if leaving else ""), plugin.approach
    move = plan_move(switch.change, cluster, nodes) if switch and switch.moves and cluster else None
    sweeps = _Sweeps(intent, nodes, leaving or intent) if active else None
    orders = {node.host: sweeps.of(node) for node in nodes} if sweeps else {}
    return NetworkPlan(
        plugin=intent.plugin,
        backend=intent.backend.label,
        cluster=plugin.cluster(),
        configure=plugin.configures,
        nodes={
            node.host: _node_plan(
                node,
                states.of(node) + plugin.node_state(node),
                plugin.expect(node),
                orders.get(node.host),
                switch,
                [step.for_node(node.name) for step in approach],
                plugin.hold(node),
            )
            for node in nodes
        }
        | {node.host: _left(node) for node in away},
        summary=_headline("Change" if active else "Deploy", intent, nodes)
        + (switch.lines() if switch else ())
        + (move.lines() if move else ())
        + _way(approach)
        + _swept(nodes, orders)
        + _nodes_line(nodes, away),
        proved=_proved(intent, nodes, plugin.verifies),
        approach=approach,
        # What is put back ran before, under the names that its own objects have.
        pulls=() if switch and switch.restores else _pulls(intent, nodes, cluster),
        tools=plugin.tools,
        holds=plugin.holds,
        routes_first=bool(sweeps) and intent.backend.whole_network,
        verifies=plugin.verifies,
        switch=switch,
        changing=plugin_plan(Given(leaving, nodes, cluster)).changing if leaving else plugin.changing,
        move=move,
        complete=not away,
        agents=plugin.agents,
    )


def _left(node: ObservedNode) -> NodePlan:
    """Nothing is done on a node that the run goes on without."""
    return NodePlan(node.name, NodeState(), {}, settled=True, proved=True, away=True)


def _node_plan(
    node: ObservedNode,
    state: NodeState,
    expect: t.Mapping[str, t.Any],
    sweep: t.Mapping[str, t.Any] | None = None,
    switch: Switch | None = None,
    approach: t.Sequence[t.Mapping[str, t.Any]] = (),
    hold: t.Mapping[str, t.Any] | None = None,
) -> NodePlan:
    facts = node.facts or NodeFacts()
    proved = bool(expect) and _shows(facts, expect)
    share = switch.shares.get(node.host) if switch else None
    return NodePlan(
        node.name,
        state,
        expect,
        state.holds(facts),
        proved,
        sweep=sweep,
        meter=share.as_options() if share is not None else None,
        approach=approach,
        hold=hold or {},
    )


def _shows(facts: NodeFacts, expect: t.Mapping[str, t.Any]) -> bool:
    """Whether the observation of this run already meets the condition, by the node's own judgement of it."""
    condition = parse_condition(expect)
    if not set(condition.sections()) <= set(facts.source):
        return False
    return not missing_from(condition, dict(facts.source))


class _Preparation:
    """The preparation of each node; what all nodes share is decided once."""

    def __init__(self, intent: Intent, nodes: t.Sequence[ObservedNode], leaving: str = "") -> None:
        self._intent, self._nftables, self._leaving = intent, uses_nftables(intent, nodes), leaving

    def of(self, node: ObservedNode) -> NodeState:
        foreign = foreign_configs(self._intent, node, self._leaving)
        return _prepare.node_state(self._intent, node.facts or NodeFacts(), self._nftables, foreign)


class _Sweeps:
    """What goes from each node once the declared network is in force; what all nodes share is decided once.

    ``of_whom`` is the network whose traces go: the declared one's own, or that of another plugin.
    """

    def __init__(self, intent: Intent, nodes: t.Sequence[ObservedNode], of_whom: Intent) -> None:
        self._intent, self._of_whom, self._nftables = intent, of_whom, uses_nftables(intent, nodes)

    def of(self, node: ObservedNode) -> dict[str, t.Any] | None:
        here = endpoint(node, self._intent)
        plugins = [self._of_whom.plugin]
        return _sweep.around(self._intent, here, self._nftables, plugins, self._of_whom) if here else None


def _swept(nodes: t.Sequence[ObservedNode], orders: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    found = {node.label: (node.facts, order) for node in nodes if node.facts and (order := orders.get(node.host))}
    return tuple(f"Sweep: {line}." for line in _sweep.foreseen(found))


def _pulls(intent: Intent, nodes: t.Sequence[ObservedNode], cluster: Cluster | None) -> tuple[str, ...]:
    """What comes from the private registry, unless the agents run it already."""
    if cluster is None or not intent.registry:
        return ()
    wanted = plugin_images(intent, len(nodes))
    running = {image for one in cluster.daemonsets for image in one.images}
    return () if wanted[0].target in running else tuple(one.target for one in below(intent.registry, wanted))


def _way(approach: t.Sequence[Approach]) -> tuple[str, ...]:
    """The steps on the way, in one line a person reads."""
    return (f"On the way: {'; '.join(step.label for step in approach)}.",) if approach else ()


def _headline(verb: str, intent: Intent, nodes: t.Sequence[ObservedNode]) -> tuple[str, ...]:
    pods = ", ".join(map(str, intent.pod_cidrs))
    return (f"{verb}: {intent.plugin}, backend {intent.backend.label}, pods {pods}, {len(nodes)} nodes.",)


def _nodes_line(nodes: t.Sequence[ObservedNode], away: t.Sequence[ObservedNode]) -> tuple[str, ...]:
    """Who takes part, and who does not."""
    down = [node.label for node in away if node.asked]
    out = [node.label for node in away if not node.asked]
    told = [f"Nodes: {names(node.label for node in nodes)}."]
    told += [left_for_later(down)] if down else []
    told += [f"Left out by --limit: {names(out)}."] if out else []
    return tuple(told)


def _proved(intent: Intent, nodes: t.Sequence[ObservedNode], verified: bool) -> tuple[str, ...]:
    carries = f"{intent.plugin} ({intent.backend.label}) carries the pods of {len(nodes)} nodes"
    if verified:
        return (f"{carries}: verified on every node.",)
    devices = intent.backend.devices(intent)
    device = f", the device {' and '.join(devices)}" if devices else ""
    return (
        f"{carries}: each one has its pod subnet{device}, its CNI configuration and every route to its peers' pods.",
    )
