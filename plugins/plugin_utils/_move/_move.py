# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a plan that only a change of plugins has: whose turn it is, what becomes of pods, and what goes last."""

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
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._transition import NAKED

Batches = tuple[tuple[ObservedNode, ...], ...]


@dataclass(frozen=True)
class Move:
    """``source`` is the network whose plugin goes, ``target`` that whose plugin takes over; ``clean`` is what goes."""

    source: Intent
    target: Intent
    cluster: Cluster
    batches: Batches
    pods: tuple[Fate, ...]
    clean: Clean
    nftables: bool = False

    def problems(self) -> list[Problem]:
        """Why not all pods can be made anew, or not as the operator wants."""
        return pod_problems(self.pods) + list(self._address_problems())

    def _address_problems(self) -> t.Iterator[Problem]:
        if self.target.dual_addresses == "pod" and self.nftables:
            reason = "needs iptables: with nftables no rule of one table keeps another one from masquerading"
            yield Problem("network_dual_addresses", "pod", reason, "Set it to node, or remove it")

    def lines(self) -> tuple[str, ...]:
        """The move in lines a person reads."""
        return tuple(self._lines())

    def _lines(self) -> t.Iterator[str]:
        source, target = self.source, self.target
        order = "; ".join(names(node.label for node in batch) for batch in self.batches)
        yield (
            f"Side by side: {source.plugin} in {_cidrs(source)} and {target.plugin} in {_cidrs(target)}, until every "
            "pod has moved."
        )
        yield f"Order: {order}. Each is proved before the next one, and the first that fails stops the change."
        yield from fate_lines(self.pods, [node.name for batch in self.batches for node in batch])
        yield from policy_lines(self.cluster, source.plugin, target.plugin)
        yield from self._kube_proxy()
        yield f"Last: the agents of {source.plugin} and everything that they have left."

    @property
    def _proxy_pods(self) -> bool:
        """Whether kube-proxy runs as pods, with one configuration for all nodes."""
        return any(one.agent == "kube-proxy" for one in self.cluster.daemonsets)

    def _kube_proxy(self) -> t.Iterator[str]:
        before, after = _cidrs(self.source), _cidrs(self.target)
        when = "when every pod has moved, and its pods are rolled" if self._proxy_pods else "on each node in its turn"
        yield f"kube-proxy: its cluster CIDR becomes {after} {when}, where it is {before}."

    def as_result(self) -> dict[str, t.Any]:
        """The move as plain data, under the keys that the playbooks read."""
        clean = self.clean.as_result()
        return {
            "plugin": self.target.plugin,
            "source": f"{self.source.plugin} {self.source.backend.label}",
            "batches": [[{"host": node.host, "name": node.name} for node in batch] for batch in self.batches],
            "source_cidrs": [str(cidr) for cidr in self.source.pod_cidrs],
            "target_cidrs": [str(cidr) for cidr in self.target.pod_cidrs],
            "kube_proxy": {"cluster_cidr": [_cidrs(self.target)], "replaces": [_cidrs(self.source)]},
            "kube_proxy_pods": self._proxy_pods,
            "leases": {
                "plugins": [self.source.plugin],
                "pod_networks": [str(cidr) for cidr in self.source.pod_cidrs],
                "keep": {"plugin": self.target.plugin},
                "leases_only": True,
            },
            "own_addresses": self.target.dual_addresses == "pod",
            "naked": NAKED in self.target.allow,
            "timeout": self.target.pod_timeout + max((fate.pod.grace for fate in self.pods), default=0),
            "patience": self.target.job_timeout,
            "agents": clean["agents"],
            "objects": clean["objects"],
            "annotations": clean["annotations"],
            "pools": self._pools(),
            "pods": [{"pod": fate.pod.label, "node": fate.pod.node, "means": fate.means} for fate in self.pods],
        }

    def _pools(self) -> list[dict[str, str]]:
        """The IPPools that go, and with them what was given out of them, of which no pod has anything any more."""
        return [{"name": name, "cidr": cidr} for name, cidr in BELONGINGS[self.source.plugin].pools(self.cluster)]


def plan_move(source: Intent, target: Intent, cluster: Cluster, nodes: t.Sequence[ObservedNode]) -> Move:
    """The move from one plugin to another; the cluster has to tell of its pods and policies."""
    return Move(
        source=source,
        target=target,
        cluster=cluster,
        batches=batches(target, cluster, nodes),
        pods=fates(cluster.pods, source.pod_cidrs, NAKED in target.allow),
        nftables=uses_nftables(target, nodes),
        clean=plan_clean(cluster, nodes, [source.plugin], NETWORK, map(str, source.pod_cidrs)),
    )


def _cidrs(intent: Intent) -> str:
    return ",".join(map(str, intent.pod_cidrs))
