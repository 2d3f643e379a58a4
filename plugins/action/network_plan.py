# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of the module network_plan: gathers on the controller, leaves every decision to the pure core."""

from __future__ import annotations

import typing as t

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
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode
from ansible_collections.switchyard.cni.plugins.plugin_utils._plan import NetworkPlan, plan_network, plan_preparation
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins import undeployable
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import Problem, errors, warnings
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import resolve
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._switch import Switch, switch
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._transition import objections, transition

ARGUMENTS = {
    "scope": {"type": "str", "choices": ["network", "prepare"], "default": "network"},
    "group_pattern": {"type": "list", "elements": "str", "default": GROUPS},
    "settings": {"type": "dict"},
    "begun": {"type": "dict"},
}
Planner = t.Callable[[Intent, t.Sequence[ObservedNode], Switch | None], NetworkPlan]
PLANNERS: dict[str, Planner] = {
    "network": plan_network,
    "prepare": plan_preparation,
}


class ActionModule(ClusterAction):
    """Reads variables, observations and the API server; returns the plan, or all problems at once."""

    arguments = ARGUMENTS

    def decide(self, arguments: dict[str, t.Any], variables: Variables, hosts: list[str]) -> dict[str, t.Any]:
        raw, problems = self.settings(variables, hosts)
        if arguments["settings"] is not None:
            raw = _inventory.instead(raw, arguments["settings"])
        values, wrong = resolve(raw, _inventory.INTERNAL)
        intent, contradictions = build_intent(values)
        problems += wrong + contradictions
        problems += undeployable(intent.plugin) if intent else []
        if intent is None or undeployable(intent.plugin):
            return refusal(problems)
        cluster, unreachable = self._members(intent, variables) if arguments["scope"] == "network" else (None, [])
        nodes = self.nodes(variables, hosts, cluster, lambda own: self.read(own, _inventory.OBSERVED))
        change = transition(intent, cluster, nodes)
        problems += check(intent, nodes) + unreachable + objections(change)
        if errors(problems):
            return refusal(problems)
        switching = switch(change, _inventory.declared_network(raw, values), arguments["begun"])
        return self._result(PLANNERS[arguments["scope"]], intent, nodes, switching, cluster, problems)

    def _result(
        self,
        planner: Planner,
        intent: Intent,
        nodes: t.Sequence[ObservedNode],
        switching: Switch,
        cluster: Cluster | None,
        problems: t.Sequence[Problem],
    ) -> dict[str, t.Any]:
        try:
            plan = planner(intent, nodes, switching)
        except BackendError as error:
            raise AnsibleActionFail(str(error)) from error
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

    def _members(self, intent: Intent, variables: Variables) -> tuple[Cluster | None, list[Problem]]:
        """The cluster's Nodes, or why the API server does not tell them; None where nobody asks it."""
        if not intent.kube:
            return None, []
        # Only a dry run must know which namespaces there are (see the filter applicable).
        sections = ["nodes", "flannel", "agents"] + ["namespaces"] * bool(self._task.check_mode)
        raw, problems = self.cluster(variables, intent.kubeconfig, intent.context, gather=sections)
        if raw is None:
            return None, problems
        cluster = Cluster.from_dict(raw)
        return cluster, [api_problem(intent.kubeconfig, str(gap)) for gap in cluster.gaps]
