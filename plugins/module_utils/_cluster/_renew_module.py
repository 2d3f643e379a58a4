# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The argument specification of pods_renew, and its way from parameters to a result."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._cluster import _api, _module, _renew, _renew_plan

LEAVE, DELETE = "leave", "delete"
_SHOWN = 5
_CHECKED = (("timeout", 0), ("parallel", 1), ("grace", 0))


def renew_argument_spec() -> Dict[str, Any]:
    """The options of pods_renew."""
    pod = {
        "namespace": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
        "uid": {"type": "str"},
    }
    return dict(
        _module.connection_argument_spec(),
        pods={"type": "list", "elements": "dict", "required": True, "options": pod},
        naked={"type": "str", "choices": [LEAVE, DELETE], "default": LEAVE},
        timeout={"type": "float", "default": 600.0},
        parallel={"type": "int", "default": 1},
        grace={"type": "int"},
    )


def run_renew(
    module: AnsibleModule, api: Optional[_api.ApiWriter] = None, clock: Optional[_renew.Clock] = None
) -> None:
    """Make the pods anew that have to be, and leave with what was done and what was left."""
    params = module.params
    for option, least in _CHECKED:
        if params[option] is not None and params[option] < least:
            module.fail_json(msg="{0} is {1}; give at least {2}".format(option, params[option], least))
    asked = [_renew_plan.Named(one["namespace"], one["name"], one["uid"]) for one in params["pods"]]
    try:
        server = api or _module.server(module)
        pods, budgets = _renew.gather(server, asked)
        planned = _renew_plan.plan(asked, pods, budgets, params["naked"] == DELETE)
        result = _foreseen(planned)
        if module._diff:
            result["diff"] = _diff(planned)
        if planned.steps and not module.check_mode:
            rules = _renew.Rules(params["timeout"], params["grace"], params["parallel"])
            result.update(_done(planned, _renew.renew(server, planned, rules, clock or _renew.Clock())))
    except _api.ApiError as error:
        module.fail_json(msg=str(error))
        raise
    if "msg" in result:
        module.fail_json(**result)
    module.exit_json(**result)


def _foreseen(planned: _renew_plan.Plan) -> Dict[str, Any]:
    return {
        "changed": bool(planned.steps),
        "renewed": [str(step.pod) for step in planned.steps],
        "left": [one.as_dict() for one in planned.left],
        "waited": 0.0,
    }


def _done(planned: _renew_plan.Plan, outcome: _renew.Outcome) -> Dict[str, Any]:
    left = [*planned.left, *outcome.unfinished]
    result: Dict[str, Any] = {
        "changed": outcome.touched,
        "renewed": [str(pod) for pod in outcome.renewed],
        "left": [one.as_dict() for one in left],
        "waited": round(outcome.waited, 3),
    }
    if outcome.unfinished:
        told = ["{pod}: {reason}".format(**one.as_dict()) for one in outcome.unfinished[:_SHOWN]]
        more = len(outcome.unfinished) - len(told)
        told += ["and {0} more".format(more)] if more else []
        message = "{0} of {1} pods are not made anew after {2:g} s: {3}"
        count, all_of_them = len(outcome.unfinished), len(planned.steps)
        result["msg"] = message.format(count, all_of_them, round(outcome.waited, 1), "; ".join(told))
    return result


def _diff(planned: _renew_plan.Plan) -> Mapping[str, str]:
    lines = "".join("{0} {1}\n".format(step.pod, step.pod.uid) for step in planned.steps)
    return {"before_header": "pods", "after_header": "pods", "before": lines, "after": ""}
