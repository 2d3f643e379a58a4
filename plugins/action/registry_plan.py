# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of the module registry_plan: reads the inventory and the authority's file, and tries the registry."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

from ansible_collections.switchyard.cni.plugins.plugin_utils import _inventory
from ansible_collections.switchyard.cni.plugins.plugin_utils._action import GROUPS, ClusterAction, Variables, refusal
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster, Member
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import build_intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._images import host_of
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import Problem, errors, warnings
from ansible_collections.switchyard.cni.plugins.plugin_utils._registry import _certificate, _plan, _skopeo
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import resolve

ARGUMENTS = {
    "goal": {"type": "str", "choices": ["mirror", "archive", "forget"], "default": "mirror"},
    "group_pattern": {"type": "list", "elements": "str", "default": GROUPS},
}


class ActionModule(ClusterAction):
    """Returns what has to be mirrored and whom the nodes shall trust, or all problems at once."""

    arguments = ARGUMENTS

    def decide(self, arguments: dict[str, t.Any], variables: Variables, hosts: list[str]) -> dict[str, t.Any]:
        saves = arguments["goal"] == "archive"
        raw, found = self.settings(variables, hosts)
        values, wrong = resolve(raw, _inventory.INTERNAL)
        intent, contradictions = build_intent(values)
        found += wrong + contradictions
        if intent is None or errors(wrong):
            return refusal(found)
        found += _plan.problems(values, saves)
        authority = ""
        forgets = arguments["goal"] == "forget"
        if not forgets:
            found += _program()
        if not saves and not forgets:
            authority, about = _authority(values["network_registry_ca_file"])
            found += about
            if not errors(found):
                found += _reached(values, authority)
        nodes, unasked = (
            self._nodes(variables, intent.kubeconfig, intent.context) if intent.kube and not saves else ([], [])
        )
        if errors(found):
            return refusal(found)
        planned = _plan.plan(intent, values, nodes, saves)
        return {
            "changed": False,
            **planned.as_result(),
            **_plan.for_cluster(intent, values, [name for name, dummy in nodes]),
            "authority": authority,
            "archive": values["network_registry_archive"],
            "jobs": values["network_registry_jobs"],
            "system_trust": values["network_registry_system_trust"],
            "node_username": values["network_registry_username"] * bool(values["network_registry_node_credentials"]),
            "api": {"kubeconfig": intent.kubeconfig, "context": intent.context, "answers": bool(nodes)},
            "warnings": [str(problem) for problem in [*warnings(found), *unasked]],
        }

    def _nodes(
        self, variables: Variables, kubeconfig: str, context: str
    ) -> tuple[list[tuple[str, str | None]], list[Problem]]:
        """The Nodes' names and architectures. Without an API server there is no cluster yet, which is no error."""
        raw, problems = self.cluster(variables, kubeconfig, context, gather=["nodes"])
        members = Cluster.from_dict(raw or {}).members.values()
        return [(one.name, one.architecture) for one in members if _answers(one)], problems


def _answers(node: Member) -> bool:
    """Whether the kubelet reports: without a pod network it is not Ready, and says so itself."""
    return node.ready is None or node.ready.status != "Unknown"


def _authority(path: str) -> tuple[str, list[Problem]]:
    """The authority's certificates, and what is wrong with them."""
    if not path:
        return "", []
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        return "", [Problem(_certificate.CA_FILE, path, reason, "Name a file on the controller with the certificate")]
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    return text, _certificate.authority_problems(path, text, now)


def _program() -> list[Problem]:
    if _skopeo.is_there():
        return []
    return [Problem("skopeo", None, "is not installed on the controller", "Install it: apt-get install skopeo")]


def _reached(values: t.Mapping[str, t.Any], authority: str) -> list[Problem]:
    """Whether a connection comes about, with the trust that the nodes will have."""
    host = host_of(values["network_registry"])
    try:
        _certificate.handshake(*_plan.address_of(host), authority)
    except OSError as error:
        return [_certificate.handshake_problem(host, values["network_registry_ca_file"], error)]
    return []
