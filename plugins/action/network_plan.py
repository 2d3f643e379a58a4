# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of the module network_plan: gathers on the controller, leaves every decision to the pure core."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible.errors import AnsibleActionFail
from ansible_collections.switchyard.cni.plugins.module_utils._backends._base import BackendError
from ansible_collections.switchyard.cni.plugins.plugin_utils import _inventory
from ansible_collections.switchyard.cni.plugins.plugin_utils._action import (
    GROUPS,
    ClusterAction,
    Variables,
    api_problem,
    refusal,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._checks import check
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent, build_intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._meter import choose
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode
from ansible_collections.switchyard.cni.plugins.plugin_utils._plan import NetworkPlan, plan_network, plan_preparation
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import Problem, errors, warnings
from ansible_collections.switchyard.cni.plugins.plugin_utils._registry import _plan
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import resolve
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._away import Present, peers_away, presence
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._holder import gone, myself
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._objections import objections, unowned, untold
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._record import DECLARED, PREVIOUS, Record
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._stages import stage_problems, stages
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._switch import Switch, switch
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._transition import DUAL, Transition, transition
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._run import scene_of

ARGUMENTS = {
    "scope": {"type": "str", "choices": ["network", "prepare"], "default": "network"},
    "group_pattern": {"type": "list", "elements": "str", "default": GROUPS},
    "target": {"type": "str", "choices": [DECLARED, PREVIOUS], "default": DECLARED},
}


class ActionModule(ClusterAction):
    """Reads variables, observations and the API server; returns the plan, or all problems at once."""

    arguments = ARGUMENTS

    def decide(self, arguments: dict[str, t.Any], variables: Variables, hosts: list[str]) -> dict[str, t.Any]:
        raw, problems = self.settings(variables, hosts)
        intent, values, wrong = _network(raw)
        if intent is None:
            return refusal(problems + wrong)
        cluster, record, unreachable = self._cluster(intent, arguments["scope"], variables)
        settings = _inventory.declared_network(raw, values)
        if arguments["target"] == PREVIOUS:
            if record.nothing_before():
                return refusal(problems + unreachable + record.nothing_before())
            settings = dict(record.previous["settings"]) if record.previous else {}
            intent, values, wrong = _network(_inventory.instead(raw, settings))
            if intent is None:
                return refusal(problems + wrong)
        nodes = self.nodes(variables, hosts, cluster, lambda own: self.read(own, _inventory.OBSERVED))
        change = transition(intent, cluster, nodes, record.begun)
        if change.moves and cluster is not None:
            cluster, gaps = self._with_workloads(intent, cluster, variables)
            unreachable += gaps
        present, holder = presence(change, nodes), myself()
        problems += wrong + unreachable + record.held(holder, gone) + _against(change, cluster, present)
        problems += list(_plan.credentials(values)) if intent.registry else []
        problems += unowned(change, cluster) if cluster is not None and record.begun is None else []
        # The way back out of an open run is not refused: pods that were made since keep what they have.
        problems += objections(change) if arguments["target"] == DECLARED or record.begun is None else []
        if errors(problems):
            return refusal(problems)
        switching = switch(change, settings, record, holder, present.here)
        try:
            plan = (
                plan_preparation(intent, nodes)
                if arguments["scope"] == "prepare"
                else _planned(intent, cluster, nodes, present, switching)
            )
        except BackendError as error:
            raise AnsibleActionFail(str(error)) from error
        problems += plan.move.problems() if plan.move else []
        if errors(problems):
            return refusal(problems)
        return {**_result(plan, intent, cluster, problems), "registry": _registry(intent, values, present)}

    def _cluster(
        self, intent: Intent, scope: str, variables: Variables
    ) -> tuple[Cluster | None, Record, list[Problem]]:
        """The cluster's Nodes and its journal, or why the API server does not tell them; None where nobody asks it."""
        if scope != "network" or not intent.kube:
            return None, Record(), []
        # Only a dry run must know which namespaces there are (see the filter applicable).
        sections = ["nodes", "flannel", "calico", "agents", "journal"] + ["namespaces"] * bool(self._task.check_mode)
        raw, problems = self.cluster(variables, intent.kubeconfig, intent.context, gather=sections)
        if raw is None:
            return None, Record(), problems
        cluster = Cluster.from_dict(raw)
        gaps = [api_problem(intent.kubeconfig, str(gap)) for gap in cluster.gaps]
        return cluster, Record.of(raw.get("journal")), gaps

    def _with_workloads(self, intent: Intent, cluster: Cluster, variables: Variables) -> tuple[Cluster, list[Problem]]:
        """The cluster with its pods and policies, which only a move of all pods has to know."""
        raw, problems = self.cluster(variables, intent.kubeconfig, intent.context, gather=["pods", "policies"])
        told = Cluster.from_dict(raw or {})
        gaps = [api_problem(intent.kubeconfig, str(gap)) for gap in told.gaps]
        return replace(cluster, pods=told.pods, policies=told.policies), problems + gaps


def _network(raw: t.Mapping[str, t.Any]) -> tuple[Intent | None, t.Mapping[str, t.Any], list[Problem]]:
    """The network that some variables describe, their values, and what is wrong with them."""
    values, wrong = resolve(raw, _inventory.INTERNAL)
    intent, contradictions = build_intent(values)
    return intent, values, wrong + contradictions


def _against(change: Transition, cluster: Cluster | None, present: Present) -> list[Problem]:
    """What speaks against the declared network on the nodes and in the cluster as they are."""
    intent = change.target
    leaving = change.source.plugin if change.source and change.kind == DUAL else ""
    found = check(intent, present.here, cluster, leaving)
    found += present.problems(change) + stage_problems(intent, present.here)
    return found + (untold(change, cluster) if cluster is not None else [])


def _planned(
    intent: Intent, cluster: Cluster | None, nodes: t.Sequence[ObservedNode], present: Present, switching: Switch
) -> NetworkPlan:
    """The plan for the nodes that are there, with what only all nodes together tell."""
    if cluster is None or not (switching.active or present.away):
        return plan_network(intent, present.here, switching, cluster=cluster)
    running = switching.change.source if switching.moves else None
    scene = scene_of(running or intent, cluster, nodes)
    if switching.measures:
        switching = replace(switching, shares=choose(scene))
    if switching.change.switches and switching.begun is None and not switching.moves:
        switching = replace(switching, stages=stages(intent, scene, present.here))
    return plan_network(intent, present.here, switching, present.away, peers_away(scene, present.away), cluster)


def _registry(intent: Intent, values: t.Mapping[str, t.Any], present: Present) -> dict[str, t.Any]:
    """What the tasks of the role registry need; nothing where no pod of the cluster runs an image from there."""
    if not (intent.registry and intent.kube):
        return {}
    return _plan.for_cluster(intent, values, [one.name for one in present.here])


def _result(
    plan: NetworkPlan, intent: Intent, cluster: Cluster | None, problems: t.Sequence[Problem]
) -> dict[str, t.Any]:
    return {
        "changed": False,
        **plan.as_result(),
        "api": {
            "kubeconfig": intent.kubeconfig,
            "context": intent.context,
            "namespaces": list(cluster.namespaces) if cluster else [],
        },
        "warnings": [str(problem) for problem in warnings(problems)],
    }
