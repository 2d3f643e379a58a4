# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of node_cni_choice, and its way from parameters to a result: gather, plan, apply."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._backends import plugins
from ansible_collections.switchyard.cni.plugins.module_utils._node import _choice, _cni
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeWriter, RealNode


def choice_argument_spec() -> Dict[str, Any]:
    """The options of node_cni_choice."""
    return {
        "state": {
            "type": "str",
            "choices": [_choice.CHOSEN, _choice.HELD, _choice.ABSENT],
            "default": _choice.CHOSEN,
        },
        "plugin": {"type": "str", "choices": list(plugins())},
        "cni_conf_dir": {"type": "path", "default": _cni.CONF_DIR},
    }


def run_choice(module: AnsibleModule, node: Optional[NodeWriter] = None) -> None:
    """Decide which network new pods get, and leave with which one that is."""
    writer, directory = node or RealNode(), module.params["cni_conf_dir"].rstrip("/")
    try:
        configs = _choice.gather(writer, directory)
        choice = _choice.plan(configs, directory, module.params["state"], module.params["plugin"])
        for step in () if module.check_mode else choice.steps:
            step.apply(writer)
    except (NodeError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
        raise
    result: Dict[str, Any] = {"changed": bool(choice.steps), "plugin": choice.plugin}
    if module._diff:
        result["diff"] = [step.diff() for step in choice.steps]
    module.exit_json(**result)
