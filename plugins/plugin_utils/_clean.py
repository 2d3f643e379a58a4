# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it takes to leave a cluster without a pod network: objects, each node's traces, annotations. Pure.

Agents go first, so that none makes anew what is removed behind it. Namespaces and custom resource definitions stay:
others may keep things there, and they do no harm.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ansible_collections.switchyard.cni.plugins.module_utils._backends import traces
from ansible_collections.switchyard.cni.plugins.module_utils._ip import ip_network
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._detect import pod_networks
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._belongings import BELONGINGS
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import (
    Problem,
    left_for_later,
    names,
    silent_node,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._sweep import everything, foreseen

NETWORK, NODE = "network", "node"
"""How far a clean goes: what agents have left, or besides all CNI state of the plugins on the nodes."""

EMPTY = {"label": "no pod network", "settings": {}}
"""What the journal says of a cluster that was cleaned."""

_RBAC = "rbac.authorization.k8s.io/v1"
_KEPT = ("DaemonSet", "ConfigMap")
_CACHE = "/var/lib/cni"

Object = dict[str, str]


@dataclass(frozen=True)
class NodeClean:
    """One node: what goes there (node_sweep's order), and the paths besides; ``away`` is one that does not answer."""

    name: str
    order: t.Mapping[str, t.Any]
    paths: tuple[str, ...] = ()
    away: bool = False

    def as_result(self) -> dict[str, t.Any]:
        """The node's part as plain data."""
        return {"name": self.name, "order": dict(self.order), "paths": list(self.paths), "away": self.away}


@dataclass(frozen=True)
class Clean:
    """The whole clean; ``pods`` are those that lose their network, ``foreseen`` what goes from nodes, in words."""

    plugins: tuple[str, ...]
    scope: str
    agents: tuple[Object, ...]
    objects: tuple[Object, ...]
    nodes: t.Mapping[str, NodeClean]
    annotations: t.Mapping[str, tuple[str, ...]]
    pods: tuple[str, ...]
    foreseen: tuple[str, ...]

    @property
    def active(self) -> bool:
        """Whether there is anything to remove, as far as can be seen before."""
        return bool(self.agents or self.objects or self.annotations or self.foreseen)

    def run(self, change: str, before: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The clean as the journal keeps it: the network before it, and the objects that would bring it back."""
        kept = [dict(item) for item in (*self.agents, *self.objects) if item["kind"] in _KEPT]
        return {"id": change, "from": dict(before), "to": EMPTY, "steps": ["stop", "sweep"], "snapshot": kept}

    def lines(self) -> tuple[str, ...]:
        """The clean in lines a person reads."""
        return tuple(self._lines())

    def _lines(self) -> t.Iterator[str]:
        what = " and ".join(self.plugins) or "any plugin"
        if not self.active:
            yield f"Clean: nothing is left of {what}."
            return
        where = f"the cluster and {len(self.nodes)} nodes"
        yield f"Clean: everything of {what}, from {where}; nothing reboots, and the cluster stays up."
        if self.pods:
            yield f"Pods: {len(self.pods)} lose their network until they are made anew: {names(self.pods)}."
        for item in (*self.agents, *self.objects):
            place = "/".join(part for part in (item.get("namespace"), item["name"]) if part)
            yield f"Object: {item['kind']} {place}."
        if self.annotations:
            yield f"Annotations: of {len(self.annotations)} Nodes."
        yield from (f"Node: remove {line}." for line in self.foreseen)
        away = [node.name for node in self.nodes.values() if node.away]
        if away:
            yield left_for_later(away)

    def as_result(self) -> dict[str, t.Any]:
        """The clean as plain data, under the keys that the playbook reads."""
        return {
            "active": self.active,
            "plugins": list(self.plugins),
            "scope": self.scope,
            "agents": [_definition(item) for item in self.agents],
            "objects": [_definition(item) for item in self.objects],
            "nodes": {host: node.as_result() for host, node in self.nodes.items()},
            "annotations": [
                {
                    "apiVersion": "v1",
                    "kind": "Node",
                    "metadata": {"name": name, "annotations": dict.fromkeys(keys)},
                }
                for name, keys in self.annotations.items()
            ],
            "pods": list(self.pods),
            "summary": list(self.lines()),
        }


def plan_clean(
    cluster: Cluster, nodes: t.Sequence[ObservedNode], plugins: t.Sequence[str], scope: str, declared: t.Iterable[str]
) -> Clean:
    """The clean of some plugins, of all that are known where none is named; ``declared`` are the pods' networks."""
    chosen = tuple(plugins) or tuple(traces())
    agents = tuple(
        _object("DaemonSet", "apps/v1", one.name, one.namespace) for one in cluster.daemonsets if one.agent in chosen
    )
    annotations = _annotations(cluster, chosen)
    networks = sorted({*declared, *pod_networks(cluster)})
    order = everything(plugins, networks, _prefixes(cluster), in_use=True)
    found = _seen(nodes, order)
    return Clean(
        plugins=tuple(plugins),
        scope=scope,
        agents=agents,
        objects=tuple(_objects(cluster, chosen)),
        nodes={node.host: _node(node, order, chosen, scope) for node in nodes},
        annotations=annotations,
        pods=tuple(pod.label for node in nodes if node.facts for pod in node.facts.pods if pod.addresses),
        foreseen=found,
    )


def clean_problems(nodes: t.Sequence[ObservedNode], plugins: t.Sequence[str]) -> list[Problem]:
    """Why a clean may not begin, or what the operator should know."""
    found = []
    unknown = [name for name in plugins if name not in traces()]
    if unknown:
        remedy = f"Leave it empty for all, or list some of {', '.join(traces())}"
        found.append(Problem("clean_plugins", ",".join(plugins), f"{names(unknown)} is no plugin known here", remedy))
    if nodes and all(node.facts is None for node in nodes):
        found.append(Problem("host", None, "no node answers", "Check the inventory's connection variables"))
        return found
    found += [silent_node(node.label, node.unreachable, "99.clean.yml") for node in nodes if node.facts is None]
    return found


def _objects(cluster: Cluster, plugins: t.Iterable[str]) -> t.Iterator[Object]:
    """What the agents used: where a plugin lives is told by its DaemonSets and its configuration."""
    for plugin in plugins:
        own = BELONGINGS[plugin]
        homes = own.homes(cluster, plugin)
        for name in own.roles if homes else ():
            yield _object("ClusterRoleBinding", _RBAC, name)
            yield _object("ClusterRole", _RBAC, name)
        for home in homes:
            yield from (_object(kind, version, name, home) for kind, version, name in own.objects)
            # Last: while it is there, the next run knows where to look.
            yield _object("ConfigMap", "v1", own.config, home)


def _annotations(cluster: Cluster, plugins: t.Iterable[str]) -> dict[str, tuple[str, ...]]:
    prefixes = tuple(traces()[plugin].annotations for plugin in plugins)
    found = {
        name: tuple(key for key in member.notes if key.startswith(prefixes)) for name, member in cluster.members.items()
    }
    return {name: keys for name, keys in found.items() if keys}


def _prefixes(cluster: Cluster) -> set[int]:
    """The lengths of the nodes' subnets, and of Calico's blocks."""
    cidrs = [cidr for member in cluster.members.values() for cidr in member.pod_cidrs]
    cidrs += [block for blocks in cluster.calico.blocks.values() for block in blocks] if cluster.calico else []
    return {ip_network(cidr).prefixlen for cidr in cidrs}


def _seen(nodes: t.Iterable[ObservedNode], order: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    """What the observation shows that will go, each with the nodes it goes from; the agents are gone by then."""
    return foreseen(
        {node.label: (replace(node.facts, agents=()), order) for node in nodes if node.facts}, with_routes=True
    )


def _node(node: ObservedNode, order: t.Mapping[str, t.Any], plugins: t.Iterable[str], scope: str) -> NodeClean:
    paths = [path for plugin in plugins for path in BELONGINGS[plugin].paths] if scope == NODE else []
    return NodeClean(node.name, order, tuple([*paths, _CACHE] if paths else ()), node.facts is None)


def _object(kind: str, version: str, name: str, namespace: str = "") -> Object:
    found = {"kind": kind, "apiVersion": version, "name": name}
    return {**found, "namespace": namespace} if namespace else found


def _definition(item: Object) -> dict[str, t.Any]:
    about = {key: item[key] for key in ("name", "namespace") if key in item}
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": about}
