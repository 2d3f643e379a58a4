# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of node_route_hold, and its way from parameters to a result: gather, plan, apply."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Optional, Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._model import NodeFacts, Route
from ansible_collections.switchyard.cni.plugins.module_utils._node import _gather, _hold, _look, _probe_run
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader, NodeWriter, RealNode
from ansible_collections.switchyard.cni.plugins.module_utils._node._probe import Probe, Rules

_ALL = 1 << 20
_RULES = Rules(count=3, timeout=0.5, budget=10.0)
"""How a direct route is tried; a fabric between the nodes may let through no addresses of pods."""


def hold_argument_spec() -> Dict[str, Any]:
    """The options of node_route_hold."""
    peer = {"network": {"type": "str", "required": True}, "address": {"type": "str", "required": True}}
    return {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "pod_networks": {"type": "list", "elements": "str", "required": True},
        "over": {"type": "list", "elements": "str", "default": []},
        "main_first": {"type": "bool", "default": False},
        "peers": {"type": "list", "elements": "dict", "options": peer, "default": []},
    }


def run_hold(module: AnsibleModule, node: Optional[NodeWriter] = None) -> None:
    """Hold routes, or let them go, and leave with how many."""
    params, writer = module.params, node or RealNode()
    try:
        networks = _look.checked_networks("pod_networks", params["pod_networks"])
        present, facts = params["state"] == "present", observe(writer)
        routes = facts.routes
        work = _hold.plan_hold(routes, networks, params["over"], present)
        if params["main_first"] or not present:
            rules = _hold.plan_rules(facts.rules, networks, present)
            work = replace(work, add_rules=rules.add_rules, remove_rules=rules.remove_rules)
        peers = [_hold.Peer(**peer) for peer in params["peers"] if present]
        direct = _hold.plan_direct(routes, networks, peers)
        silent: Sequence[Route] = ()
        if not module.check_mode:
            _hold.hold(writer, work)
            silent = hold_direct(writer, direct)
    except NodeError as error:
        module.fail_json(msg=str(error))
        raise
    held = work.added + direct.added - len(silent)
    result: Dict[str, Any] = {
        "changed": bool(held or work.removed),
        "held": held,
        "released": work.removed,
        "silent": [route.dst for route in silent],
    }
    if module._diff and result["changed"]:
        result["diff"] = _hold.told(work) + _hold.told(direct)
    module.exit_json(**result)


def hold_direct(node: NodeWriter, work: _hold.Hold) -> Sequence[Route]:
    """Hold direct routes, and let those go again over which nobody answers: these. Raises NodeError."""
    _hold.hold(node, work)
    probes = [Probe(route.dst, None, _hold.proof_of(route), trace=False) for route in work.add]
    told = _probe_run.run(node, probes, _RULES, ())["results"] if probes else ()
    answered = {result["id"] for result in told if result["reachable"]}
    silent = tuple(route for route in work.add if route.dst not in answered)
    _hold.hold(node, _hold.Hold(remove=silent))
    return silent


def observe(node: NodeReader) -> NodeFacts:
    """The routes and rules of the node."""
    sections = ("routes", "rules")
    return NodeFacts.from_dict(_gather.gather(node, _look.Request(sections=sections, limit=_ALL, table_limit=_ALL)))
