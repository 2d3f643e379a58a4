# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of each pod when another plugin takes over. Pure.

A pod keeps the network that it was made with, so that each one has to be made anew. How that happens, and what it
costs, depends on who makes it (Kubernetes documentation, Workload management; API-initiated eviction).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.switchyard.cni.plugins.module_utils._model import IPNetwork, ip_address
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster, ClusterPod
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._belongings import BELONGINGS
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import Problem, names

EVICTED, REPLACED, AWAITED, DELETED, KEPT = "evicted", "replaced", "awaited", "deleted", "kept"
"""A pod is evicted and made anew somewhere; is deleted and made anew on its node; runs to its end; is deleted for good;
cannot be made anew by anybody but its owner."""

_MEANS = {"DaemonSet": REPLACED, "Job": AWAITED, "Static": KEPT}
EMPTY_DIR = "emptyDir"


@dataclass(frozen=True)
class Fate:
    """A pod and what becomes of it."""

    pod: ClusterPod
    means: str


def fates(pods: t.Iterable[ClusterPod], networks: t.Sequence[IPNetwork], naked: bool) -> tuple[Fate, ...]:
    """The pods that have an address in one of some networks; ``naked`` lets those go that nobody makes anew."""
    return tuple(Fate(pod, _means(pod, naked)) for pod in pods if has_address(pod, networks))


def has_address(pod: ClusterPod, networks: t.Sequence[IPNetwork]) -> bool:
    """Whether a pod has an address in one of some networks."""
    parsed = [ip_address(address) for address in pod.addresses]
    return any(one.version == network.version and one in network for one in parsed for network in networks)


def _means(pod: ClusterPod, naked: bool) -> str:
    if pod.owner is None:
        return DELETED if naked else KEPT
    return _MEANS.get(pod.owner, EVICTED)


def pod_problems(found: t.Iterable[Fate]) -> list[Problem]:
    """Why not all pods can be made anew."""
    kept = [fate.pod for fate in found if fate.means == KEPT]
    naked = [pod.label for pod in kept if pod.owner is None]
    static = [pod.label for pod in kept if pod.owner is not None]
    problems = []
    if naked:
        reason = f"no controller would make these pods anew, which have to leave the earlier network: {names(naked)}"
        remedy = "Delete them, or add naked-pods to network_allow to have them deleted when their node's turn comes"
        problems.append(Problem("network_allow", None, reason, remedy))
    if static:
        reason = f"a kubelet's own pods have the pod network, and only their manifests end them: {names(static)}"
        problems.append(Problem("static pods", None, reason, "Give them hostNetwork, or remove their manifests"))
    return problems


def fate_lines(found: t.Sequence[Fate], nodes: t.Sequence[str], network: str) -> t.Iterator[str]:
    """What becomes of the pods, in lines a person reads, node by node in the order of their turn."""
    yield f"Pods: {len(found)} are made anew, with an address of {network}."
    by_node: dict[str | None, list[Fate]] = {}
    for fate in found:
        by_node.setdefault(fate.pod.node, []).append(fate)
    for node in nodes:
        if node in by_node:
            yield f"  {node}: {'; '.join(_told(by_node[node]))}."
    empty = [fate.pod.label for fate in found if EMPTY_DIR in fate.pod.volumes and fate.means != AWAITED]
    if empty:
        yield f"Lost with their pods: what {names(empty)} keep in emptyDir volumes."
    slow = max((fate.pod.grace for fate in found), default=0)
    if slow:
        yield f"Time: a pod takes up to {slow} s to end, and all of a node's wait for each other."


def _told(here: t.Sequence[Fate]) -> t.Iterator[str]:
    words = {
        EVICTED: "evicted",
        REPLACED: "deleted, and made anew here by their DaemonSet",
        AWAITED: "waited for, since a Job runs to its end",
        DELETED: "deleted for good",
        KEPT: "in the way",
    }
    for means, text in words.items():
        some = [fate.pod.label for fate in here if fate.means == means]
        if some:
            yield f"{text}: {names(some)}"


def policy_lines(cluster: Cluster, source: str, target: str) -> t.Iterator[str]:
    """The policies that begin or cease to be enforced."""
    before, after = BELONGINGS[source].enforces, BELONGINGS[target].enforces
    both = cluster.policies.kubernetes
    if after and not before and both:
        yield f"Policies that begin to be enforced: {len(both)}, {names(both)}."
    gone = (*both, *cluster.policies.calico)
    if before and not after and gone:
        yield f"Policies that nobody enforces any more: {len(gone)}, {names(gone)}."
