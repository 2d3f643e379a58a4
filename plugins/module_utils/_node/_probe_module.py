# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The argument specification of path_probe and its way from parameters to a result."""

from __future__ import annotations

import ipaddress
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._node import _probe_run
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import PlanError
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader, RealNode
from ansible_collections.switchyard.cni.plugins.module_utils._node._probe import ECHO_SIZE, Probe, Rules

NODE = "node"
_LARGEST_PACKET = 65535  # RFC 791, and RFC 8200 without jumbograms
_MOST_ECHOES = 100

Params = Mapping[str, Any]


def probe_argument_spec() -> Dict[str, Any]:
    """The options of path_probe."""
    probe = {
        "id": {"type": "str", "required": True},
        "source": {"type": "str", "default": NODE},
        "target": {"type": "str", "required": True},
        "kind": {"type": "str", "choices": ["icmp", "tcp"], "default": "icmp"},
        "port": {"type": "int"},
        "trace": {"type": "bool", "default": True},
        "mtu": {"type": "int"},
    }
    return {
        "probes": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": probe,
            "required_if": [("kind", "tcp", ("port",))],
        },
        "count": {"type": "int", "default": Rules.count},
        "timeout": {"type": "float", "default": Rules.timeout},
        "budget": {"type": "float", "default": Rules.budget},
        "counters": {"type": "list", "elements": "str", "default": []},
    }


def parse_rules(params: Params) -> Rules:
    """The rules for all probes; raises PlanError with every value that makes no sense."""
    problems = []
    if not 1 <= params["count"] <= _MOST_ECHOES:
        problems.append("count is {0}, and must be between 1 and {1}".format(params["count"], _MOST_ECHOES))
    problems += [
        "{0} is {1:g} s, and must be more than nothing".format(name, params[name])
        for name in ("timeout", "budget")
        if params[name] <= 0
    ]
    if problems:
        raise PlanError(problems)
    return Rules(params["count"], params["timeout"], params["budget"])


def parse_probes(items: Sequence[Params]) -> List[Probe]:
    """The probes; raises PlanError with everything that is wrong with any of them."""
    problems = []
    probes = []
    seen = set()
    for item in items:
        wrong = list(_wrong_with(item))
        if item["id"] in seen:
            wrong.append("is used by another probe")
        seen.add(item["id"])
        problems += ["probe {0}: {1}".format(item["id"], text) for text in wrong]
        if not wrong:
            probes.append(_probe(item))
    if problems:
        raise PlanError(problems)
    return probes


def _wrong_with(item: Params) -> List[str]:
    problems = []
    if not is_address(item["target"]):
        problems.append("target {0!r} is not an IP address".format(item["target"]))
    if item["source"] != NODE and not is_address(item["source"]):
        problems.append("source {0!r} is neither an IP address nor {1!r}".format(item["source"], NODE))
    if item["kind"] == "tcp" and not 1 <= item["port"] <= 65535:
        problems.append("port {0} is not between 1 and 65535".format(item["port"]))
    mtu, least = item["mtu"], max(ECHO_SIZE.values())
    if mtu is not None and not least < mtu <= _LARGEST_PACKET:
        problems.append("mtu {0} is not between {1} and {2} bytes".format(mtu, least + 1, _LARGEST_PACKET))
    return problems


def is_address(text: str) -> bool:
    """Whether a text is an address that leads somewhere from everywhere."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text  # an address of one link only leads nowhere else


def _probe(item: Params) -> Probe:
    return Probe(
        id=item["id"],
        source=None if item["source"] == NODE else normal(item["source"]),
        target=normal(item["target"]),
        port=item["port"] if item["kind"] == "tcp" else None,
        trace=item["trace"],
        mtu=item["mtu"],
    )


def normal(address: str) -> str:
    """An address in its one form."""
    return str(ipaddress.ip_address(address))


def run_probe(module: AnsibleModule, node: Optional[NodeReader] = None) -> None:
    """Send the probes and leave with what became of them. Check mode makes no difference: nothing is changed."""
    params = module.params
    try:
        rules = parse_rules(params)
        probes = parse_probes(params["probes"])
    except PlanError as error:
        module.fail_json(msg="The probes cannot be sent: {0}".format(error), problems=error.problems)
        raise
    outcome = _probe_run.run(node or RealNode(), probes, rules, params["counters"])
    module.exit_json(changed=False, **outcome)
