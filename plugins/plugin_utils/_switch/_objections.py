# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a change of the pod network is not made: it cannot be, or the operator has not allowed what it takes. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._model import IPNetwork
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._detect import deployed
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._belongings import BELONGINGS
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import Problem, names
from ansible_collections.switchyard.cni.plugins.plugin_utils._subnets import overlap
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._transition import (
    CIDR,
    DUAL,
    PODS,
    Transition,
    cidrs,
)


def objections(change: Transition) -> list[Problem]:
    """Why a change is not made: it cannot be, or the operator has not allowed what it takes."""
    source, target = change.source, change.target
    if not change.switches or source is None:
        return []
    if change.kind == DUAL:
        return list(_dual_objections(source, target))
    if change.kind == CIDR:
        return list(_cidr_objections(change))
    if change.kind == PODS and PODS not in target.allow:
        count = "1 pod has" if len(change.large) == 1 else f"{len(change.large)} pods have"
        reason = (
            f"{count} a larger MTU than {target.backend.label} carries ({names(change.large)}), and a pod only gets "
            "another one when it is made anew"
        )
        remedy = "Set network_allow to [pods] to let pods be replaced one by one, as their PodDisruptionBudgets allow"
        return [Problem("network_allow", ",".join(target.allow) or "(empty)", reason, remedy)]
    return []


def untold(change: Transition, cluster: Cluster) -> list[Problem]:
    """Why nothing can take the place of what is there: another plugin runs, and not even its pods' network is known."""
    others = [plugin for plugin in deployed(cluster) if plugin != change.target.plugin]
    if not others or change.source is not None:
        return []
    reason = f"the cluster runs {names(others)}, of which neither nodes nor the API server tell the pods' network"
    remedy = f"Keep {others[0]}, or remove it first with 99.clean.yml"
    return [Problem("network_plugin", change.target.plugin, reason, remedy)]


def unowned(change: Transition, cluster: Cluster) -> list[Problem]:
    """Why the plugin that would leave cannot be removed: others make its agents, and would make them again."""
    source, target = change.source, change.target
    if change.kind != DUAL or source is None:
        return []
    if BELONGINGS[source.plugin].operated(cluster):
        whose = "an operator, which makes its agents again"
    elif source.plugin not in deployed(cluster):
        whose = "the nodes themselves (etcd as its store, or k3s), and no DaemonSet of it can be removed"
    else:
        return []
    reason = f"the {source.plugin} that runs belongs to {whose}"
    return [Problem("network_plugin", target.plugin, reason, f"Keep {source.plugin}, or remove it the way it was made")]


def _dual_objections(source: Intent, target: Intent) -> t.Iterator[Problem]:
    if DUAL not in target.allow:
        reason = (
            f"{target.plugin} takes the place of {source.plugin}: both run side by side while all pods of the pod "
            "network are made anew, node by node"
        )
        remedy = "Look at the plan of plan.yml with network_allow set to [dual], and run with it"
        yield Problem("network_allow", ",".join(target.allow) or "(empty)", reason, remedy)
    for cidr in target.pod_cidrs:
        for other in source.pod_cidrs:
            if overlap(cidr, other):
                reason = f"overlaps {other}, in which the pods of {source.plugin} are while both plugins run"
                remedy = f"Set {target.plugin}_pod_cidr to a network that nobody uses"
                yield Problem("network_pod_cidr", cidr, reason, remedy)
    yield from _family_objections(source.pod_cidrs, target)


def _cidr_objections(change: Transition) -> t.Iterator[Problem]:
    target, told = change.target, cidrs(change.target.pod_cidrs)
    if CIDR not in target.allow:
        reason = f"pods leave {cidrs(change.left)} for {told}: each of them is made anew, node by node"
        remedy = (
            "Look at the plan of plan.yml with network_allow set to [cidr], and run with it; or keep the earlier "
            "network in calico_pools with disabled: true, and pods move when somebody makes them anew"
        )
        yield Problem("network_allow", ",".join(target.allow) or "(empty)", reason, remedy)
    others = change.changes[1:]
    if others:
        reason = f"becomes another one together with {'; '.join(others)}, and pods move while nothing else changes"
        yield Problem("network_pod_cidr", told, reason, "Change one after the other, the encapsulation first")
    yield from _family_objections(change.earlier[0], target)


def _family_objections(before: t.Sequence[IPNetwork], target: Intent) -> t.Iterator[Problem]:
    if {cidr.version for cidr in before} != {cidr.version for cidr in target.pod_cidrs}:
        reason = f"has not the address families of the network in force, {cidrs(before)}"
        remedy = f"Give network_pod_cidr or {target.plugin}_pod_cidr a network of each of them"
        yield Problem("network_pod_cidr", cidrs(target.pod_cidrs), reason, remedy)
