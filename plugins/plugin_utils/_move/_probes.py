# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is tried after nodes have changed hands: every way between their pods and those of either plugin. Pure.

The work grows linearly with the nodes that have changed: each with two others, and with all services that are asked.
"""

from __future__ import annotations

import itertools
import typing as t
from dataclasses import dataclass

from ansible_collections.switchyard.cni.plugins.module_utils._model import IPNetwork
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster, ClusterPod
from ansible_collections.switchyard.cni.plugins.plugin_utils._move._pods import has_address

PEERS = 2
"""Other nodes that a node's pods are tried with."""

OWN = 3
"""Pods of a node that are tried."""

Probe = dict[str, t.Any]


@dataclass(frozen=True)
class Planes:
    """The pods' networks of both plugins, the earlier one first."""

    networks: tuple[tuple[IPNetwork, ...], ...]

    def of(self, pod: ClusterPod) -> int | None:
        """In which of them a pod is."""
        return next((number for number, cidrs in enumerate(self.networks) if has_address(pod, cidrs)), None)


def node_probes(
    cluster: Cluster, planes: Planes, changed: t.Sequence[str], nodes: t.Sequence[str]
) -> dict[str, list[Probe]]:
    """The probes by the node that sends them; ``changed`` are nodes that have just changed hands.

    Pods that a policy guards are left out: that they are silent would prove nothing.
    """
    here: dict[str, list[ClusterPod]] = {name: [] for name in nodes}
    for pod in cluster.pods:
        if pod.node in here and _answers(pod, cluster.guarded) and planes.of(pod) is not None:
            here[pod.node].append(pod)
    found: dict[str, dict[str, Probe]] = {}
    for sender, probe in itertools.chain.from_iterable(_of_node(cluster, planes, name, here) for name in changed):
        found.setdefault(sender, {})[probe["id"]] = probe
    return {sender: list(probes.values()) for sender, probes in found.items()}


def _answers(pod: ClusterPod, guarded: t.Collection[str]) -> bool:
    return pod.ready and not pod.ending and bool(pod.addresses) and not {pod.namespace, ""} & set(guarded)


def _of_node(
    cluster: Cluster, planes: Planes, name: str, here: t.Mapping[str, t.Sequence[ClusterPod]]
) -> t.Iterator[tuple[str, Probe]]:
    own = here.get(name, [])[:OWN]
    others = [other for other in _around(name, list(here)) if here[other]][:PEERS]
    for peer in others:
        # One pod of each network, where the peer has both.
        for pod in {planes.of(pod): pod for pod in here[peer]}.values():
            yield name, _probe("node", name, pod)
            for mine in own:
                yield name, _probe(mine.addresses[0], mine.label, pod)
                yield peer, _probe(pod.addresses[0], pod.label, mine)
        for mine in own:
            yield peer, _probe("node", peer, mine)
    for mine, service in itertools.product(own[:1], cluster.services):
        yield name, _to_service(mine, service.name, service.addresses[0], service.ports[0])


def _around(name: str, nodes: t.Sequence[str]) -> t.Sequence[str]:
    """The other nodes, those that come next first."""
    at = nodes.index(name)
    return [*nodes[at + 1 :], *nodes[:at]]


def _probe(source: str, label: str, target: ClusterPod) -> Probe:
    address = target.addresses[0]
    name = f"{label} to {target.label} ({address})"
    return {"id": name, "source": source, "target": address, "kind": "icmp", "trace": False}


def _to_service(source: ClusterPod, name: str, address: str, port: int) -> Probe:
    return {
        "id": f"{source.label} to the service {name} ({address}:{port})",
        "source": source.addresses[0],
        "target": address,
        "kind": "tcp",
        "port": port,
        "trace": False,
    }
