# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The argument specification of path_meter and its way from parameters to a result."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._node import _meter_run
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError, PlanError
from ansible_collections.switchyard.cni.plugins.module_utils._node._meter_wire import Job, Pair
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeWriter, RealNode
from ansible_collections.switchyard.cni.plugins.module_utils._node._probe_module import NODE, is_address, normal

PORT = 24737
RATE = 100.0
LIFETIME = 1800.0

_RUN = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
_FASTEST = 1000.0
_MOST_PROBES = 10000.0
"""Probes a second of all pairs together; a node that sends more would be busy with nothing else."""

Params = Mapping[str, Any]


def meter_argument_spec() -> Dict[str, Any]:
    """The options of path_meter."""
    pair = {
        "name": {"type": "str"},
        "source": {"type": "str", "required": True},
        "target": {"type": "str", "required": True},
    }
    return {
        "state": {"type": "str", "choices": ["started", "stopped"], "required": True},
        "run": {"type": "str", "required": True},
        "pairs": {"type": "list", "elements": "dict", "options": pair, "default": []},
        "listen": {"type": "list", "elements": "str", "default": []},
        "port": {"type": "int", "default": PORT},
        "rate": {"type": "float", "default": RATE},
        "lifetime": {"type": "float", "default": LIFETIME},
    }


def parse_run(params: Params) -> str:
    """The name of the run. Raises PlanError."""
    run: str = params["run"]
    if not _RUN.match(run):
        text = "run {0!r} is not a name of at most 63 small letters, digits and dashes that begins with no dash"
        raise PlanError([text.format(run)])
    return run


def parse_job(params: Params) -> Job:
    """What to measure; raises PlanError with everything that is wrong with it."""
    problems = list(_wrong_with_pairs(params["pairs"])) + _wrong_with_figures(params)
    problems += ["listen {0!r} is not an IP address".format(one) for one in params["listen"] if not is_address(one)]
    if not params["pairs"] and not params["listen"]:
        problems.append("pairs and listen are both empty: there is nothing to measure")
    if problems:
        raise PlanError(problems)
    pairs = tuple(_pair(item) for item in params["pairs"])
    listen = tuple(dict.fromkeys(normal(address) for address in params["listen"]))
    return Job(pairs, listen, params["port"], params["rate"], params["lifetime"])


def _wrong_with_pairs(items: List[Params]) -> List[str]:
    problems = []
    names = [_name(item) for item in items]
    for name, item in zip(names, items):
        if not is_address(item["target"]):
            problems.append("pair {0}: target {1!r} is not an IP address".format(name, item["target"]))
        if item["source"] != NODE and not is_address(item["source"]):
            text = "pair {0}: source {1!r} is neither an IP address nor {2!r}"
            problems.append(text.format(name, item["source"], NODE))
    twice = sorted({name for name in names if names.count(name) > 1})
    return problems + ["pair {0}: the name is used by another pair".format(name) for name in twice]


def _wrong_with_figures(params: Params) -> List[str]:
    problems = []
    rate = params["rate"]
    if not 1 <= params["port"] <= 65535:
        problems.append("port {0} is not between 1 and 65535".format(params["port"]))
    if not 1 <= rate <= _FASTEST:
        problems.append("rate {0:g} is not between 1 and {1:g} probes a second".format(rate, _FASTEST))
    elif rate * len(params["pairs"]) > _MOST_PROBES:
        text = "{0} pairs at a rate of {1:g} are more than {2:g} probes a second; measure fewer pairs, or slower"
        problems.append(text.format(len(params["pairs"]), rate, _MOST_PROBES))
    if params["lifetime"] <= 0:
        problems.append("lifetime is {0:g} s, and must be more than nothing".format(params["lifetime"]))
    return problems


def _name(item: Params) -> str:
    return item["name"] or "{0} to {1}".format(item["source"], item["target"])


def _pair(item: Params) -> Pair:
    source = None if item["source"] == NODE else normal(item["source"])
    return Pair(_name(item), source, normal(item["target"]))


def run_meter(module: AnsibleModule, node: Optional[NodeWriter] = None) -> None:
    """Start or stop measuring, and leave with the result."""
    params, real = module.params, node or RealNode()
    work = _start if params["state"] == "started" else _stop
    try:
        result = work(real, params, module.check_mode)
    except PlanError as error:
        module.fail_json(msg="Nothing is measured: {0}".format(error), problems=error.problems)
        raise
    except (NodeError, OSError) as error:
        module.fail_json(msg="The meter {0} cannot be {1}: {2}".format(params["run"], params["state"], error))
        raise
    module.exit_json(**result)


def _start(node: NodeWriter, params: Params, is_check: bool) -> Dict[str, Any]:
    run, job = parse_run(params), parse_job(params)
    found = _meter_run.look(node, run)
    if found.told is not None and found.alive:
        if found.measures(job):
            return {"changed": False, "pid": found.told["pid"], "problems": found.told["problems"]}
        text = "run {0} measures something else on this node already; stop it first with state: stopped, or use another"
        raise PlanError([text.format(run)])
    if is_check:
        return {"changed": True, "pid": None, "problems": []}
    return {"changed": True, **_meter_run.start(node, run, job)}


def _stop(node: NodeWriter, params: Params, is_check: bool) -> Dict[str, Any]:
    run = parse_run(params)
    found = _meter_run.look(node, run)
    if found.told is None or is_check:
        return {"changed": found.told is not None, **_meter_run.figures(found)}
    return {"changed": True, **_meter_run.stop(node, run, found)}
