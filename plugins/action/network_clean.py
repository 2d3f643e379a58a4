# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of the module network_clean: gathers on the controller, leaves every decision to the pure core."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.plugin_utils import _inventory
from ansible_collections.switchyard.cni.plugins.plugin_utils._action import (
    GROUPS,
    ClusterAction,
    Variables,
    api_problem,
    refusal,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._clean import (
    NETWORK,
    NODE,
    clean_problems,
    plan_clean,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import build_intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import Problem, errors, warnings
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import resolve
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._holder import gone, myself
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._record import Record
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._switch import in_force, new_id
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._transition import transition

SECTIONS = ["nodes", "flannel", "agents", "calico", "journal"]
ARGUMENTS = {
    "plugins": {"type": "list", "elements": "str", "default": []},
    "scope": {"type": "str", "choices": [NETWORK, NODE], "default": NETWORK},
    "group_pattern": {"type": "list", "elements": "str", "default": GROUPS},
}


class ActionModule(ClusterAction):
    """Reads variables, observations and the API server; returns what is to be removed, or all problems at once."""

    arguments = ARGUMENTS

    def decide(self, arguments: dict[str, t.Any], variables: Variables, hosts: list[str]) -> dict[str, t.Any]:
        raw, problems = self.settings(variables, hosts)
        values, wrong = resolve(raw, _inventory.INTERNAL)
        intent, contradictions = build_intent(values)
        if intent is None or not intent.kube:
            return refusal(problems + wrong + contradictions + ([] if intent is None else _without_kubernetes()))
        told, unreachable = self.cluster(variables, intent.kubeconfig, intent.context, gather=SECTIONS)
        if told is None:
            return refusal(problems + unreachable)
        cluster, record = Cluster.from_dict(told), Record.of(told.get("journal"))
        nodes = self.nodes(variables, hosts, cluster, lambda own: self.read(own, _inventory.OBSERVED))
        holder = myself()
        problems += [api_problem(intent.kubeconfig, str(gap)) for gap in cluster.gaps]
        problems += clean_problems(nodes, arguments["plugins"]) + record.held(holder, gone)
        if errors(problems):
            return refusal(problems)
        clean = plan_clean(cluster, nodes, arguments["plugins"], arguments["scope"], map(str, intent.pod_cidrs))
        return {
            "changed": False,
            **clean.as_result(),
            "run": clean.run(new_id(), in_force(transition(intent, cluster, nodes))),
            "holder": holder,
            "dead": (record.lease or {}).get("holder", ""),
            "api": {"kubeconfig": intent.kubeconfig, "context": intent.context},
            "warnings": [str(problem) for problem in warnings(problems)],
        }


def _without_kubernetes() -> list[Problem]:
    reason = "flannel is a unit of systemd here, which this clean does not know"
    remedy = "Stop and disable flanneld.service on the nodes, and remove its key from etcd"
    return [Problem("flannel_subnet_manager", "etcd", reason, remedy)]
