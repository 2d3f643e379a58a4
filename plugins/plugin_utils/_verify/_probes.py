# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which paths are probed, and what each shall show.

The work grows linearly with the nodes: every node probes two others and is probed by two others, whatever the
cluster's size; all pairs only where that is asked for.
"""

from __future__ import annotations

import itertools
import typing as t
from dataclasses import dataclass, field

from ansible_collections.switchyard.cni.plugins.module_utils._model import IPNetwork, Pod, ip_address
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import NodeView, Scene

TUNNEL, DIRECT, LOCAL, ANY, NONE = "tunnel", "node", "local", "any", "none"
"""How a packet travels: through the tunnel, to the peer node directly, within its own node; not judged; not at all."""

POD, NODE, SERVICE = "pod", "node", "service"
"""What is probed: a pod from a pod, a pod from a node, a service from a pod."""

MODES = ("sample", "all", "none")

TRACED = 6
"""Traces from one source that answers are likely to come back for."""


class End(t.NamedTuple):
    """One end of a path; ``node`` is empty for a service."""

    node: str
    address: str
    name: str
    port: int | None = None


class Probe(t.NamedTuple):
    """A path to be probed; ``mtu`` in bytes is what shall pass in one piece."""

    id: str
    kind: str
    source: End
    target: End
    expected: str
    mtu: int | None = None
    trace: bool = True

    def as_option(self) -> dict[str, t.Any]:
        """The probe as path_probe's option."""
        return {
            "id": self.id,
            "source": NODE if self.kind == NODE else self.source.address,
            "target": self.target.address,
            "kind": "icmp" if self.target.port is None else "tcp",
            "port": self.target.port,
            "trace": self.trace and self.target.port is None,
            "mtu": self.mtu,
        }


class Outcome(t.NamedTuple):
    """What became of a probe; times in milliseconds, ``hops`` up to the target, null where nobody answered.

    ``cause`` is the kind of the error as path_probe has it.
    """

    probe: Probe
    reachable: bool = False
    sent: int = 0
    rtt: float | None = None
    hops: tuple[str | None, ...] = ()
    path_mtu: int | None = None
    error: str | None = None
    cause: str | None = None


@dataclass(frozen=True)
class Probed:
    """All that came back: the outcomes, and by how many packets each node's tunnel devices moved meanwhile."""

    outcomes: tuple[Outcome, ...] = ()
    counters: t.Mapping[str, t.Mapping[str, t.Mapping[str, int] | None]] = field(default_factory=dict)
    silent: t.Mapping[str, str] = field(default_factory=dict)
    """Nodes that did not answer when they were asked to probe, and why."""


def plan_probes(scene: Scene, mode: str) -> list[Probe]:
    """The paths of a cluster in a mode of MODES."""
    if mode == "none":
        return []
    return list(_traced(_Planner(scene).probes(mode)))


def _traced(probes: t.Iterable[Probe]) -> t.Iterator[Probe]:
    """Only a source's first few paths are traced: kernels limit how many ICMP errors they send (icmp_ratelimit)."""
    traces: dict[End, int] = {}
    for probe in probes:
        number = traces[probe.source] = traces.get(probe.source, 0) + 1
        yield probe if number <= TRACED else probe._replace(trace=False)


class _Planner:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._nodes = [view for view in scene.views if view.endpoint is not None]
        self._pods = {view.name: _pods(scene, view) for view in self._nodes}
        self._ends = {
            (view.name, version): [
                End(view.name, address, pod.label)
                for pod in self._pods[view.name]
                for address in pod.addresses
                if _version(address) == version
            ]
            for view in self._nodes
            for version in scene.intent.versions
        }

    def probes(self, mode: str) -> t.Iterator[Probe]:
        for number, probe in enumerate(self._paths(mode), start=1):
            yield probe._replace(id=f"p{number}")

    def _paths(self, mode: str) -> t.Iterator[Probe]:
        with_pods = [view for view in self._nodes if self._pods[view.name]]
        for version in self._scene.intent.versions:
            for source, target in _pairs(with_pods, mode):
                yield from self._between_pods(source, target, version)
            for source, target in _ring(self._nodes, with_pods):
                yield from self._from_node(source, target, version)
            for view in with_pods:
                yield from self._within(view, version)
        for view in with_pods:
            yield from self._to_services(view)

    def _end(self, view: NodeView, version: int, number: int = 0) -> End | None:
        """One of a node's pods, spread over them so that not always the same one answers."""
        fitting = self._ends.get((view.name, version))
        return fitting[number % len(fitting)] if fitting else None

    def _between_pods(self, source: NodeView, target: NodeView, version: int) -> t.Iterator[Probe]:
        start, goal = self._end(source, version), self._end(target, version, -1)
        if start is not None and goal is not None:
            expected = self._way(source, target, version)
            yield Probe("", POD, start, goal, expected, self._mtu(source, start, target, goal, expected))

    def _from_node(self, source: NodeView, target: NodeView, version: int) -> t.Iterator[Probe]:
        goal = self._end(target, version)
        address = source.endpoint.address(version) if source.endpoint else None
        if goal is not None and address is not None:
            start = End(source.name, address, source.name)
            yield Probe("", NODE, start, goal, self._way(source, target, version))

    def _within(self, view: NodeView, version: int) -> t.Iterator[Probe]:
        start, goal = self._end(view, version), self._end(view, version, 1)
        if start is not None and goal is not None and start != goal:
            yield Probe("", POD, start, goal, LOCAL, self._mtu(view, start, view, goal, LOCAL))

    def _to_services(self, view: NodeView) -> t.Iterator[Probe]:
        for service in self._scene.cluster.services:
            address = service.addresses[0]
            start = self._end(view, _version(address))
            if start is not None:
                goal = End("", address, service.name, service.ports[0])
                yield Probe("", SERVICE, start, goal, ANY)

    def _way(self, source: NodeView, target: NodeView, version: int) -> str:
        """How packets shall travel between two nodes, by the route that the backend implies."""
        peer = self._scene.endpoints.get(target.name)
        if source.name == target.name:
            return LOCAL
        if source.endpoint is None or peer is None:
            return ANY
        if self._scene.backend.encrypts or not self._scene.backend.direct_routing:
            return TUNNEL if self._scene.devices else DIRECT
        routes = self._scene.backend.routes(source.endpoint, (peer,), self._scene.intent)
        own = [route for route in routes if route.version == version]
        if not own:
            return ANY
        return TUNNEL if own[0].dev in self._scene.devices else DIRECT

    def _mtu(self, source: NodeView, start: End, target: NodeView, goal: End, way: str) -> int | None:
        """What passes between two pods at most: the declared MTU, or less where either was made with less.

        A bridge has the smallest MTU of its ports (net/bridge/br_if.c, br_mtu_auto_adjust): one older pod with a
        smaller MTU limits what its whole node lets pass.
        """
        if source.endpoint is None:
            return None
        nic, options, backend = source.endpoint.underlay.mtu, self._scene.intent.options, self._scene.backend
        version = _version(start.address)
        declared = backend.pod_mtu(nic, options) if way == LOCAL else backend.tunnel_mtu(version, nic, options)
        return min([declared, *self._own_mtus(source, start), *self._own_mtus(target, goal)])

    def _own_mtus(self, view: NodeView, end: End) -> t.Iterator[int]:
        """The MTUs of a pod and of the bridge that it hangs on."""
        yield from (pod.mtu for pod in self._pods[view.name] if end.address in pod.addresses and pod.mtu)
        bridge = view.facts.link(self._scene.backend.bridge) if view.facts and self._scene.backend.bridge else None
        if bridge is not None:
            yield bridge.mtu


def _pods(scene: Scene, view: NodeView) -> list[Pod]:
    """The node's pods that are on the pod network, in a stable order."""
    found = [pod for pod in view.facts.pods if pod.addresses] if view.facts else []
    cidrs = scene.intent.pod_cidrs
    return sorted(
        (pod for pod in found if _inside(pod.addresses[0], cidrs)), key=lambda pod: (pod.label, pod.addresses)
    )


def _inside(address: str, cidrs: t.Iterable[IPNetwork]) -> bool:
    parsed = ip_address(address)
    return any(parsed.version == cidr.version and parsed in cidr for cidr in cidrs)


def _version(address: str) -> int:
    return 6 if ":" in address else 4


def _pairs(nodes: t.Sequence[NodeView], mode: str) -> t.Iterator[tuple[NodeView, NodeView]]:
    """Each node with two others: the next one, and one on the other side of the ring."""
    if mode == "all":
        yield from itertools.permutations(nodes, 2)
        return
    size = len(nodes)
    for number, source in enumerate(nodes):
        for step in dict.fromkeys((1, size // 2)):
            if step % size:
                yield source, nodes[(number + step) % size]


def _ring(sources: t.Sequence[NodeView], targets: t.Sequence[NodeView]) -> t.Iterator[tuple[NodeView, NodeView]]:
    """Each source with one target on another node."""
    for number, source in enumerate(sources):
        others = [targets[(number + step) % len(targets)] for step in (1, 2)] if targets else []
        chosen = next((target for target in others if target.name != source.name), None)
        if chosen is not None:
            yield source, chosen
