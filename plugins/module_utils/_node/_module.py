# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules' argument specifications and their way from parameters to a result."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._node import (
    _cni,
    _forwarding,
    _gather,
    _look,
    _state,
    _wait,
)
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError, PlanError
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader, NodeWriter, RealNode

Spec = Dict[str, Any]


def info_argument_spec() -> Spec:
    """The options of node_network_info."""
    route = {"dst": {"type": "str", "required": True}, "gateway": {"type": "str"}, "dev": {"type": "str"}}
    pod_routes = {
        "within": {"type": "list", "elements": "str", "required": True},
        "count": {"type": "int", "required": True},
        "digest": {"type": "str"},
        "bridge": {"type": "str"},
        "over": {"type": "list", "elements": "str", "default": []},
        "by": {"type": "list", "elements": "str", "default": []},
        "at_least": {"type": "bool", "default": False},
    }
    tunnel = {
        "dev": {"type": "str", "required": True},
        "within": {"type": "list", "elements": "str", "default": []},
        "peers": {"type": "int", "default": 0},
        "own_routes": {"type": "int", "default": 0},
        "bare": {"type": "bool", "default": False},
    }
    sessions = {
        "peers": {"type": "list", "elements": "str", "required": True},
        "mesh": {"type": "bool", "default": True},
    }
    wait_for = {
        "subnet_env": {"type": "raw"},
        "links": {"type": "list", "elements": "str"},
        "routes": {"type": "list", "elements": "dict", "options": route},
        "pod_routes": {"type": "dict", "options": pod_routes},
        "cni_config": {"type": "str"},
        "tunnels": {"type": "list", "elements": "dict", "options": tunnel},
        "sessions": {"type": "dict", "options": sessions},
        "timeout": {"type": "float", "default": 60.0},
        "interval": {"type": "float", "default": 0.5},
    }
    return {
        "gather": {
            "type": "list",
            "elements": "str",
            "choices": list(_gather.SECTIONS),
            "default": list(_gather.SECTIONS),
        },
        "cni_conf_dir": {"type": "path", "default": _cni.CONF_DIR},
        "cni_bin_dir": {"type": "path", "default": _cni.BIN_DIR},
        "cni_search": {"type": "list", "elements": "path", "default": list(_cni.SEARCH_DIRS)},
        "sysctls": {"type": "list", "elements": "str", "default": []},
        "files": {"type": "list", "elements": "path", "default": []},
        "limit": {"type": "int", "default": _look.DEFAULT_LIMIT},
        "table_limit": {"type": "int"},
        "pod_networks": {"type": "list", "elements": "str", "default": []},
        "bridge": {"type": "str", "default": _look.BRIDGE},
        "packed": {"type": "list", "elements": "str", "choices": list(_forwarding.PACKABLE), "default": []},
        "wait_for": {"type": "dict", "options": wait_for},
        "wait_fail": {"type": "bool", "default": True},
    }


def state_argument_spec() -> Spec:
    """The options of node_state."""
    file = {
        "path": {"type": "path", "required": True},
        "content": {"type": "str", "required": True},
        "mode": {"type": "str", "default": "0644"},
        "sensitive": {"type": "bool", "default": False},
    }
    rename = {"src": {"type": "path", "required": True}, "dest": {"type": "path", "required": True}}
    plugins = {
        "bin_dir": {"type": "path", "default": _cni.BIN_DIR},
        "required": {"type": "list", "elements": "str", "required": True},
        "search": {"type": "list", "elements": "path", "default": list(_cni.SEARCH_DIRS)},
    }
    service = {
        "name": {"type": "str", "required": True},
        "enabled": {"type": "bool"},
        "state": {"type": "str", "choices": ["started", "restarted", "reloaded", "stopped"]},
        "on_change_of": {"type": "list", "elements": "path"},
    }
    state = {
        "files": {"type": "list", "elements": "dict", "options": file},
        "absent": {"type": "list", "elements": "path"},
        "renames": {"type": "list", "elements": "dict", "options": rename},
        "modules": {"type": "list", "elements": "str"},
        "sysctls": {"type": "dict"},
        "cni_plugins": {"type": "dict", "options": plugins},
        "services": {"type": "list", "elements": "dict", "options": service},
    }
    return {
        "state": {"type": "dict", "required": True, "options": state},
        "service_timeout": {"type": "float", "default": _state.SERVICE_TIMEOUT},
    }


def run_info(module: AnsibleModule, node: Optional[NodeReader] = None) -> None:
    """Observe the node, waiting first where that is asked for, and leave with the result."""
    reader = node or RealNode()
    params = module.params
    try:
        request = _request(params)
    except NodeError as error:
        module.fail_json(msg=str(error))
        raise
    waiting: Dict[str, Any] = {}
    if params["wait_for"] is not None:
        waiting = _wait_first(module, reader, request)
    observed = _gather.gather(reader, request)
    if waiting.get("missing") and params["wait_fail"] and not module.check_mode:
        message = "{0} still lacks after {1:g} s: {2}".format(
            observed["hostname"], waiting["waited"], "; ".join(waiting["missing"])
        )
        module.fail_json(msg=message, node=observed, **waiting)
    module.exit_json(changed=False, node=observed, **waiting)


def _request(params: Mapping[str, Any]) -> _look.Request:
    """What a module's parameters ask for. Raises NodeError."""
    return _look.Request(
        sections=tuple(params["gather"]),
        conf_dir=params["cni_conf_dir"],
        bin_dir=params["cni_bin_dir"],
        search=tuple(params["cni_search"]),
        sysctls=tuple(params["sysctls"]),
        files=tuple(params["files"]),
        limit=params["limit"],
        table_limit=params["table_limit"],
        pod_networks=_look.checked_networks("pod_networks", params["pod_networks"]),
        packed=tuple(params["packed"]),
        bridge=params["bridge"],
    )


def _wait_first(module: AnsibleModule, reader: NodeReader, request: _look.Request) -> Dict[str, Any]:
    wait_for = module.params["wait_for"]
    try:
        condition = _wait.parse_condition(wait_for)
    except NodeError as error:
        module.fail_json(msg=str(error))
        raise
    # In check mode nothing was deployed that could be waited for: one look tells what is missing.
    timeout = 0.0 if module.check_mode else wait_for["timeout"]
    waited = _wait.wait(reader, condition, request, timeout, wait_for["interval"])
    return {"missing": list(waited.missing), "waited": round(waited.seconds, 3)}


def run_state(module: AnsibleModule, node: Optional[NodeWriter] = None) -> None:
    """Bring the node to the declared state and leave with the plan as the result."""
    writer = node or RealNode()
    try:
        wanted = _state.parse_wanted(module.params["state"], module.params["service_timeout"])
        planned = _state.plan(_state.observe(writer, wanted), wanted)
    except PlanError as error:
        message = "The declared state cannot be reached on {0}: {1}".format(writer.hostname(), error)
        module.fail_json(msg=message, problems=error.problems)
        raise
    except NodeError as error:
        module.fail_json(msg=str(error))
        raise
    carry_out(module, planned, writer)


def carry_out(module: AnsibleModule, planned: _state.Plan, writer: NodeWriter, **more: Any) -> None:
    """Take the steps of a plan, unless in check mode, and leave with them as the result."""
    result: Dict[str, Any] = dict(more, changed=bool(planned), steps=planned.describe())
    if module._diff:
        result["diff"] = planned.diff()
    if planned and not module.check_mode:
        try:
            _state.apply(planned, writer)
        except _state.ApplyError as error:
            module.fail_json(msg=str(error), changed=bool(error.done), steps=error.done)
    module.exit_json(**result)
