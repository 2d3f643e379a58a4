# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of node_sweep, and its way from parameters to a result: gather, plan, apply."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._model import NodeFacts
from ansible_collections.switchyard.cni.plugins.module_utils._node import _cni, _gather, _look
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader, NodeWriter, RealNode
from ansible_collections.switchyard.cni.plugins.module_utils._node._steps import Step
from ansible_collections.switchyard.cni.plugins.module_utils._sweep import _order, _plan

_ALL = 1 << 20
"""Entries of a table; a sweep needs every one of them."""


def sweep_argument_spec() -> t.Dict[str, t.Any]:
    """The options of node_sweep."""
    keep = {
        "plugin": {"type": "str", "required": True},
        "devices": {"type": "list", "elements": "str", "default": []},
        "bridge": {"type": "str"},
        "route_devices": {"type": "list", "elements": "str", "default": []},
        "nftables": {"type": "bool", "default": False},
    }
    order = {
        "plugins": {"type": "list", "elements": "str"},
        "keep": {"type": "dict", "options": keep},
        "pod_networks": {"type": "list", "elements": "str", "required": True},
        "prefixes": {"type": "list", "elements": "int", "default": []},
        "in_use": {"type": "bool", "default": False},
        "unload": {"type": "list", "elements": "str", "default": []},
        "leases_only": {"type": "bool", "default": False},
        "routes_only": {"type": "bool", "default": False},
    }
    return {
        "order": {"type": "dict", "required": True, "options": order},
        "cni_conf_dir": {"type": "path", "default": _cni.CONF_DIR},
    }


def run_sweep(module: AnsibleModule, node: t.Optional[NodeWriter] = None) -> None:
    """Remove what is left over, and leave with what was removed and what was left."""
    writer = node or RealNode()
    try:
        order = _order.parse_order(module.params["order"])
    except _order.OrderError as error:
        module.fail_json(msg=str(error))
        raise
    facts = observe(writer, order, module.params["cni_conf_dir"])
    if module.check_mode and order.keep is None:
        # What goes when nothing stays is told although agents still run: they are stopped before.
        facts = replace(facts, agents=())
    sweep = _plan.plan_sweep(facts, order)
    result: t.Dict[str, t.Any] = {
        "changed": bool(sweep.steps),
        "steps": [step.describe() for step in sweep.steps],
        "kept": list(sweep.kept),
    }
    if module._diff:
        result["diff"] = [entry for entry in (step.diff() for step in sweep.steps) if entry is not None]
    failed = [] if module.check_mode else apply(sweep.steps, writer)
    if sweep.steps and not failed and not module.check_mode:
        again = _plan.plan_sweep(observe(writer, order, module.params["cni_conf_dir"]), order)
        failed = still_there(sweep, again)
    if failed:
        module.fail_json(msg="{0}: {1}".format(facts.hostname, "; ".join(failed)), **result)
    module.exit_json(**result)


def observe(node: NodeReader, order: _order.SweepOrder, conf_dir: str) -> NodeFacts:
    """What is on the node."""
    request = _look.Request(
        sections=_plan.sections(order),
        conf_dir=conf_dir,
        files=_plan.files(order),
        limit=_ALL,
        table_limit=_ALL,
        chains_of=order.plugins,
    )
    return NodeFacts.from_dict(_gather.gather(node, request))


def still_there(before: _plan.Sweep, after: _plan.Sweep) -> t.List[str]:
    """What a sweep has not removed although no program complained; what has come since is none of it."""
    wanted = {step.describe() for step in before.steps}
    left = [step.describe() for step in after.steps]
    return ["could not {0}: it is there again".format(text) for text in left if text in wanted]


def apply(steps: t.Iterable[Step], node: NodeWriter) -> t.List[str]:
    """Carry out every step, whatever becomes of the others. The reasons of those that fail."""
    failed = []
    for step in steps:
        try:
            step.apply(node)
        except (NodeError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            failed.append("cannot {0}: {1}".format(step.describe(), reason))
    return failed
