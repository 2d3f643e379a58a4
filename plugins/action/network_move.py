# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of the module network_move: asks the API server which pods there are now, and leaves what that means to
the pure core."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import networks
from ansible_collections.switchyard.cni.plugins.plugin_utils._action import GROUPS, ClusterAction, Variables
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._move._pods import fates
from ansible_collections.switchyard.cni.plugins.plugin_utils._move._probes import Planes, node_probes

PODS, PROBES = "pods", "probes"
ARGUMENTS = {
    "step": {"type": "str", "choices": [PODS, PROBES], "required": True},
    "kubeconfig": {"type": "path"},
    "context": {"type": "str"},
    "source_cidrs": {"type": "list", "elements": "str", "required": True},
    "target_cidrs": {"type": "list", "elements": "str", "required": True},
    "nodes": {"type": "list", "elements": "str", "default": []},
    "members": {"type": "list", "elements": "str", "default": []},
    "group_pattern": {"type": "list", "elements": "str", "default": GROUPS},
}
Result = dict[str, t.Any]


class ActionModule(ClusterAction):
    """Reads the pods of the cluster, as they are at this moment."""

    arguments = ARGUMENTS

    def decide(self, arguments: Result, variables: Variables, hosts: list[str]) -> Result:
        sections = ["pods"] if arguments["step"] == PODS else ["pods", "services", "guarded"]
        raw, problems = self.cluster(
            variables, arguments["kubeconfig"] or "", arguments["context"] or "", gather=sections
        )
        if raw is None or raw["gaps"]:
            gaps = [f"{gap['what']}: {gap['reason']}" for gap in raw["gaps"]] if raw else map(str, problems)
            raise AnsibleActionFail("; ".join(gaps))
        cluster = Cluster.from_dict(raw)
        return (_pods if arguments["step"] == PODS else _probes)(cluster, arguments)


def _pods(cluster: Cluster, arguments: Result) -> Result:
    """The pods that still have the earlier network, on some nodes or on all of them."""
    found = [
        fate
        for fate in fates(cluster.pods, networks(arguments["source_cidrs"]), naked=False)
        if not arguments["nodes"] or fate.pod.node in arguments["nodes"]
    ]
    return {
        "changed": False,
        "pods": [{key: getattr(fate.pod, key) for key in ("namespace", "name", "uid")} for fate in found],
        "left": [f"{fate.pod.label} on {fate.pod.node}" for fate in found],
    }


def _probes(cluster: Cluster, arguments: Result) -> Result:
    """What is sent from which node to prove those that have changed hands."""
    planes = Planes((networks(arguments["source_cidrs"]), networks(arguments["target_cidrs"])))
    found = node_probes(cluster, planes, arguments["nodes"], arguments["members"])
    return {"changed": False, "probes": [{"name": node, "probes": probes} for node, probes in found.items()]}
