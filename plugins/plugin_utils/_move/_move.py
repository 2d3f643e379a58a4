# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a plan that only a move of all pods to another network has.

Whose turn it is, what becomes of pods, and what goes last.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.switchyard.cni.plugins.plugin_utils._clean import NETWORK, Clean, plan_clean
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._move._order import batches
from ansible_collections.switchyard.cni.plugins.plugin_utils._move._pods import (
    Fate,
    fate_lines,
    fates,
    pod_problems,
    policy_lines,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode, uses_nftables
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._belongings import BELONGINGS
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import Problem, names
from ansible_collections.switchyard.cni.plugins.plugin_utils._subnets import slug
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._transition import (
    DUAL,
    NAKED,
    Transition,
    cidrs,
)

Batches = tuple[tuple[ObservedNode, ...], ...]


@dataclass(frozen=True)
class Move:
    """A move from the networks of ``change``; ``clean`` is what the earlier plugin leaves, None where none leaves."""

    change: Transition
    source: Intent
    cluster: Cluster
    batches: Batches
    pods: tuple[Fate, ...]
    clean: Clean | None = None
    nftables: bool = False

    @property
    def target(self) -> Intent:
        """The network whose pods they will be."""
        return self.change.target

    def problems(self) -> list[Problem]:
        """Why not all pods can be made anew, or not as the operator wants."""
        return pod_problems(self.pods) + list(self._address_problems())

    def _address_problems(self) -> t.Iterator[Problem]:
        if self._own_addresses and self.nftables:
            reason = "needs iptables: with nftables no rule of one table keeps another one from masquerading"
            yield Problem("network_dual_addresses", "pod", reason, "Set it to node, or remove it")

    def lines(self) -> tuple[str, ...]:
        """The move in lines a person reads."""
        return tuple(self._lines())

    def _lines(self) -> t.Iterator[str]:
        source, target = self.source, self.target
        order = "; ".join(names(node.label for node in batch) for batch in self.batches)
        before, after = cidrs(self.change.left), cidrs(target.pod_cidrs)
        yield f"Side by side: {source.plugin} in {before} and {target.plugin} in {after}, until every pod has moved."
        yield f"Order: {order}. Each is proved before the next one, and the first that fails stops the change."
        yield from fate_lines(self.pods, [node.name for batch in self.batches for node in batch], after)
        yield from policy_lines(self.cluster, source.plugin, target.plugin)
        yield from self._kube_proxy()
        yield f"Last: {self._last()}."

    def _last(self) -> str:
        if self.clean is not None:
            return f"the agents of {self.source.plugin} and everything that they have left"
        return f"what is left of {cidrs(self.change.left)}: IPPools, blocks and affinities"

    @property
    def _own_addresses(self) -> bool:
        """Whether nodes have to be told not to masquerade between the two networks; one plugin does not."""
        return self.target.dual_addresses == "pod" and self.clean is not None

    @property
    def _proxy_pods(self) -> bool:
        """Whether kube-proxy runs as pods, with one configuration for all nodes."""
        return any(one.agent == "kube-proxy" for one in self.cluster.daemonsets)

    def _kube_proxy(self) -> t.Iterator[str]:
        before, after = " or ".join(map(cidrs, self.change.earlier)), cidrs(self.target.pod_cidrs)
        when = "when every pod has moved, and its pods are rolled" if self._proxy_pods else "on each node in its turn"
        yield f"kube-proxy: its cluster CIDR becomes {after} {when}, where it is {before}."

    def as_result(self) -> dict[str, t.Any]:
        """The move as plain data, under the keys that the playbooks read."""
        return {
            **self._leaving(),
            "plugin": self.target.plugin,
            "batches": [[{"host": node.host, "name": node.name} for node in batch] for batch in self.batches],
            "source_cidrs": [str(cidr) for cidr in self.change.left],
            "target_cidrs": [str(cidr) for cidr in self.target.pod_cidrs],
            "kube_proxy": {
                "cluster_cidr": [cidrs(self.target.pod_cidrs)],
                "replaces": list(map(cidrs, self.change.earlier)),
            },
            "kube_proxy_pods": self._proxy_pods,
            "own_addresses": self._own_addresses,
            "naked": NAKED in self.target.allow,
            "timeout": self.target.pod_timeout + max((fate.pod.grace for fate in self.pods), default=0),
            "patience": self.target.job_timeout,
            "pools": self._pools(),
            "pods": [{"pod": fate.pod.label, "node": fate.pod.node, "means": fate.means} for fate in self.pods],
        }

    def _leaving(self) -> dict[str, t.Any]:
        """What goes with the earlier plugin; all of it is empty where the plugin stays."""
        clean = self.clean.as_result() if self.clean is not None else {}
        leases = {
            "plugins": [self.source.plugin],
            "pod_networks": [str(cidr) for cidr in self.change.left],
            "keep": {"plugin": self.target.plugin},
            "leases_only": True,
        }
        return {
            "another_plugin": bool(clean),
            "source": self._label(),
            "stay": "Both plugins stay" if clean else "Both networks stay",
            "leases": leases if clean else {},
            "agents": clean.get("agents", []),
            "objects": clean.get("objects", []),
            "annotations": clean.get("annotations", []),
        }

    def _label(self) -> str:
        if self.clean is not None:
            return f"{self.source.plugin} {self.source.backend.label}"
        return cidrs(self.change.left)

    def _pools(self) -> list[dict[str, str]]:
        """The IPPools that go, and with them what was given out of them, of which no pod has anything any more.

        One that is gone already may have left blocks: it is named after its network, as no other one is.
        """
        pools = list(BELONGINGS[self.source.plugin].pools(self.cluster))
        if self.clean is not None:
            return [{"name": one.name, "cidr": one.cidr} for one in pools]
        names_of = {one.cidr: one.name for one in pools}
        return [{"name": names_of.get(str(cidr), slug(cidr)), "cidr": str(cidr)} for cidr in self.change.left]


def plan_move(change: Transition, cluster: Cluster, nodes: t.Sequence[ObservedNode]) -> Move | None:
    """The move that a change takes, if any; the cluster has to tell of its pods and policies."""
    source, target = change.source, change.target
    if not change.moves or source is None:
        return None
    return Move(
        change=change,
        source=source,
        cluster=cluster,
        batches=batches(target, cluster, nodes),
        pods=fates(cluster.pods, change.left, NAKED in target.allow),
        nftables=uses_nftables(target, nodes),
        clean=plan_clean(cluster, nodes, [source.plugin], NETWORK, map(str, change.left))
        if change.kind == DUAL
        else None,
    )
