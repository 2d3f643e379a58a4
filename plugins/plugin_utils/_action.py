# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions that look at a whole cluster share: they gather on the controller and decide nothing.

This file is private to the collection.
"""

from __future__ import annotations

import typing as t
from functools import partial

from ansible.plugins.action import ActionBase
from ansible_collections.switchyard.cni.plugins.plugin_utils import _inventory
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster, Roster
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode
from ansible_collections.switchyard.cni.plugins.plugin_utils._pause import collector_paused
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import Problem, errors, show, warnings

GROUPS = ["kube_master", "kube_control_plane", "kube_node"]
"""Groups whose hosts are the cluster's nodes."""

Variables = t.Mapping[str, t.Any]
Answer = t.Callable[[Variables], t.Mapping[str, t.Any] | None]


class ClusterAction(ActionBase):
    """Reads variables of all hosts, results of earlier tasks, and the API server."""

    _requires_connection = False
    arguments: t.ClassVar[t.Mapping[str, t.Any]]
    """The argument spec of the module."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        dummy, arguments = self.validate_argument_spec(argument_spec=dict(self.arguments))
        variables = task_vars or {}
        with collector_paused():
            return self.decide(arguments, variables, cluster_hosts(variables, arguments["group_pattern"]))

    def decide(self, arguments: dict[str, t.Any], variables: Variables, hosts: list[str]) -> dict[str, t.Any]:
        """The module's result; ``hosts`` are the cluster's nodes."""
        raise NotImplementedError

    def settings(self, variables: Variables, hosts: t.Sequence[str]) -> tuple[dict[str, t.Any], list[Problem]]:
        """The settings as the API host and the first node see them; they must agree."""
        here = {name: self.read(variables, name) for name in _inventory.setting_names(variables)}
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
        there = {name: self.read(first, name) for name in _inventory.setting_names(first)}
        host = variables["inventory_hostname"]
        return {**here, **there}, _inventory.disagreements(here, host, there, hosts[0])

    def nodes(
        self, variables: Variables, hosts: t.Iterable[str], cluster: Cluster | None, answer: Answer
    ) -> list[ObservedNode]:
        """The hosts with what they have told; ``answer`` finds a host's result of node_network_info."""
        roster = Roster(cluster.members) if cluster else None
        nodes = []
        for host in hosts:
            own = variables["hostvars"][host]
            settings = _inventory.host_values(own, partial(self.read, own))
            nodes.append(_inventory.observe(host, answer(own), settings, roster))
        return nodes

    def cluster(
        self, variables: Variables, kubeconfig: str, context: str, **options: t.Any
    ) -> tuple[dict[str, t.Any] | None, list[Problem]]:
        """What the API server tells (the ``cluster`` of cluster_network_info), or why it does not."""
        result = self._execute_module(
            module_name="switchyard.cni.cluster_network_info",
            module_args={"kubeconfig": kubeconfig or None, "context": context or None, **options},
            task_vars=dict(variables),
        )
        if result.get("failed"):
            return None, [api_problem(kubeconfig, str(result.get("msg") or "no reason given"))]
        return result["cluster"], []

    def read(self, variables: Variables, name: str) -> t.Any:
        """The value of a variable, templated."""
        return self._templar.template(variables.get(name))


def cluster_hosts(variables: Variables, groups: t.Iterable[str]) -> list[str]:
    """The cluster's nodes, each once, in the inventory's order."""
    known = variables.get("groups", {})
    return list(dict.fromkeys(host for group in groups for host in known.get(group, [])))


def api_problem(kubeconfig: str, said: str) -> Problem:
    """The API server does not tell what it is asked."""
    return Problem(
        "network_kubeconfig",
        kubeconfig or "(the default: KUBECONFIG or ~/.kube/config)",
        f"the API server cannot be read with it: {said.strip().splitlines()[-1]}",
        "Check that the API server runs and that this kubeconfig reaches it from the host of the play",
    )


def refusal(problems: t.Sequence[Problem], head: str = "Nothing has been changed") -> dict[str, t.Any]:
    """A failed result that names everything that is wrong at once."""
    wrong = errors(problems)
    count = "1 problem" if len(wrong) == 1 else f"{len(wrong)} problems"
    lines = [f"{head}: {count} to solve first."]
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
