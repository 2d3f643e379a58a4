# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of node_own_addresses, and its way from parameters to a result: gather, plan, apply."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._ip import ip_network
from ansible_collections.switchyard.cni.plugins.module_utils._node import _look, _own_addresses
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader, NodeWriter, RealNode


def own_addresses_argument_spec() -> Dict[str, Any]:
    """The options of node_own_addresses."""
    return {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "first": {"type": "list", "elements": "str", "required": True},
        "second": {"type": "list", "elements": "str", "required": True},
    }


def run_own_addresses(module: AnsibleModule, node: Optional[NodeWriter] = None) -> None:
    """Bring the rules to the top or take them away, and leave with how many there are."""
    params, writer = module.params, node or RealNode()
    present = params["state"] == "present"
    try:
        for option in ("first", "second"):
            _look.checked_networks(option, params[option])
        pairs = _own_addresses.both_ways(params["first"], params["second"])
        if present:
            _refuse_strict(writer)
        versions = sorted({ip_network(source).version for source, dummy in pairs})
        steps = _own_addresses.plan(_own_addresses.gather(writer, versions), pairs, present)
        for step in () if module.check_mode else steps:
            step.apply(writer)
    except (NodeError, OSError) as error:
        module.fail_json(msg=str(error))
        raise
    module.exit_json(changed=bool(steps), rules=len(pairs) if present else 0)


def _refuse_strict(reader: NodeReader) -> None:
    """An answer to an own address may come back over another device than the question left by."""
    strict = _own_addresses.strict(reader, reader.names("/proc/sys/net/ipv4/conf"))
    if strict:
        message = "reverse-path filtering is strict on {0}, which drops what comes another way; set rp_filter to 2"
        raise NodeError(message.format(", ".join(strict)))
