# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of the module network_plan: gathers on the controller, leaves every decision to the pure core."""

from __future__ import annotations

import typing as t
from functools import partial

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.switchyard.cni.plugins.module_utils._backends._base import BackendError
from ansible_collections.switchyard.cni.plugins.plugin_utils import _inventory
from ansible_collections.switchyard.cni.plugins.plugin_utils._checks import check
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster, Roster
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent, build_intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode
from ansible_collections.switchyard.cni.plugins.plugin_utils._plan import NetworkPlan, plan_network, plan_preparation
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins import undeployable
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import Problem, errors, show, warnings
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import resolve

ARGUMENTS = {
    "scope": {"type": "str", "choices": ["network", "prepare"], "default": "network"},
    "group_pattern": {
        "type": "list",
        "elements": "str",
        "default": ["kube_master", "kube_control_plane", "kube_node"],
    },
}
Planner = t.Callable[[Intent, t.Sequence[ObservedNode]], NetworkPlan]
PLANNERS: dict[str, Planner] = {
    "network": plan_network,
    "prepare": plan_preparation,
}


class ActionModule(ActionBase):
    """Reads variables, observations and the API server; returns the plan, or all problems at once."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        dummy, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        variables = task_vars or {}
        hosts = _hosts(variables, arguments["group_pattern"])
        raw, problems = self._settings(variables, hosts)
        values, wrong = resolve(raw, _inventory.INTERNAL)
        intent, contradictions = build_intent(values)
        problems += wrong + contradictions
        problems += undeployable(intent.plugin) if intent else []
        if intent is None or undeployable(intent.plugin):
            return _refusal(problems)
        cluster, unreachable = self._cluster(intent, variables) if arguments["scope"] == "network" else (None, [])
        nodes = self._nodes(variables, hosts, cluster)
        problems += check(intent, nodes) + unreachable
        if errors(problems):
            return _refusal(problems)
        return self._result(PLANNERS[arguments["scope"]], intent, nodes, cluster, problems)

    def _result(
        self,
        planner: Planner,
        intent: Intent,
        nodes: t.Sequence[ObservedNode],
        cluster: Cluster | None,
        problems: t.Sequence[Problem],
    ) -> dict[str, t.Any]:
        try:
            plan = planner(intent, nodes)
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

    def _settings(self, variables: dict[str, t.Any], hosts: t.Sequence[str]) -> tuple[dict[str, t.Any], list[Problem]]:
        """The settings as the API host and the first node see them; they must agree."""
        here = {name: self._read(variables, name) for name in _inventory.setting_names(variables)}
        if not hosts:
            return here, [
                Problem(
                    "inventory",
                    None,
                    "has no node in the groups kube_master, kube_control_plane or kube_node",
                    "Put the cluster's nodes into these groups",
                )
            ]
        first = variables["hostvars"][hosts[0]]
        there = {name: self._read(first, name) for name in _inventory.setting_names(first)}
        host = variables["inventory_hostname"]
        return {**here, **there}, _inventory.disagreements(here, host, there, hosts[0])

    def _nodes(
        self, variables: dict[str, t.Any], hosts: t.Iterable[str], cluster: Cluster | None
    ) -> list[ObservedNode]:
        roster = Roster(cluster.members) if cluster else None
        nodes = []
        for host in hosts:
            own = variables["hostvars"][host]
            settings = _inventory.host_values(own, partial(self._read, own))
            nodes.append(_inventory.observe(host, self._read(own, _inventory.OBSERVED), settings, roster))
        return nodes

    def _cluster(self, intent: Intent, variables: dict[str, t.Any]) -> tuple[Cluster | None, list[Problem]]:
        """The cluster's Nodes, or why the API server does not tell them; None where nobody asks it."""
        if not intent.kube:
            return None, []
        # Only a dry run must know which namespaces there are (see the filter applicable).
        sections = ["nodes", "namespaces"] if self._task.check_mode else ["nodes"]
        result = self._execute_module(
            module_name="switchyard.cni.cluster_network_info",
            module_args={
                "gather": sections,
                "kubeconfig": intent.kubeconfig or None,
                "context": intent.context or None,
            },
            task_vars=variables,
        )
        if result.get("failed"):
            return None, [_api_problem(intent, str(result.get("msg") or "no reason given"))]
        cluster = Cluster.from_dict(result["cluster"])
        return cluster, [_api_problem(intent, str(gap)) for gap in cluster.gaps]

    def _read(self, variables: t.Mapping[str, t.Any], name: str) -> t.Any:
        return self._templar.template(variables.get(name))


def _hosts(variables: dict[str, t.Any], groups: t.Iterable[str]) -> list[str]:
    """The cluster's nodes, each once, in the inventory's order."""
    known = variables.get("groups", {})
    return list(dict.fromkeys(host for group in groups for host in known.get(group, [])))


def _api_problem(intent: Intent, said: str) -> Problem:
    return Problem(
        "network_kubeconfig",
        intent.kubeconfig or "(the default: KUBECONFIG or ~/.kube/config)",
        f"the API server cannot be read with it: {said.strip().splitlines()[-1]}",
        "Check that the API server runs and that this kubeconfig reaches it from the host of the play",
    )


def _refusal(problems: t.Sequence[Problem]) -> dict[str, t.Any]:
    wrong = errors(problems)
    count = "1 problem" if len(wrong) == 1 else f"{len(wrong)} problems"
    lines = [f"Nothing has been changed: {count} to solve first."]
    lines += [f"{number}. {problem}" for number, problem in enumerate(wrong, start=1)]
    return {
        "failed": True,
        "changed": False,
        "msg": "\n".join(lines),
        "problems": [
            {"variable": x.variable, "value": show(x.value), "reason": x.reason, "remedy": x.remedy} for x in wrong
        ],
        "warnings": [str(problem) for problem in warnings(problems)],
    }
