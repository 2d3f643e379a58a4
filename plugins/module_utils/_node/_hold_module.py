# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of node_route_hold, and its way from parameters to a result: gather, plan, apply."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._model import NodeFacts
from ansible_collections.switchyard.cni.plugins.module_utils._node import _gather, _hold, _look
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader, NodeWriter, RealNode

_ALL = 1 << 20


def hold_argument_spec() -> Dict[str, Any]:
    """The options of node_route_hold."""
    return {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "pod_networks": {"type": "list", "elements": "str", "required": True},
        "over": {"type": "list", "elements": "str", "default": []},
    }


def run_hold(module: AnsibleModule, node: Optional[NodeWriter] = None) -> None:
    """Hold routes, or let them go, and leave with how many."""
    params, writer = module.params, node or RealNode()
    try:
        networks = _look.checked_networks("pod_networks", params["pod_networks"])
        work = _hold.plan_hold(observe(writer).routes, networks, params["over"], params["state"] == "present")
        if not module.check_mode:
            _hold.hold(writer, work)
    except NodeError as error:
        module.fail_json(msg=str(error))
        raise
    result: Dict[str, Any] = {"changed": bool(work.lines), "held": len(work.add), "released": len(work.remove)}
    if module._diff and work.lines:
        result["diff"] = _hold.told(work)
    module.exit_json(**result)


def observe(node: NodeReader) -> NodeFacts:
    """The routes of the node."""
    return NodeFacts.from_dict(_gather.gather(node, _look.Request(sections=("routes",), limit=_ALL, table_limit=_ALL)))
