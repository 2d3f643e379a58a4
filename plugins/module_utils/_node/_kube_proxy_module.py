# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of node_kube_proxy, and its way from parameters to a result: gather, plan, apply, look again."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._node import _kube_proxy, _look
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeWriter, RealNode

_PAUSE = 0.2


def kube_proxy_argument_spec() -> Dict[str, Any]:
    """The options of node_kube_proxy."""
    return {
        "cluster_cidr": {"type": "list", "elements": "str", "required": True},
        "replaces": {"type": "list", "elements": "str", "required": True},
        "timeout": {"type": "float", "default": 30.0},
    }


def run_kube_proxy(module: AnsibleModule, node: Optional[NodeWriter] = None) -> None:
    """Give kube-proxy its cluster CIDR, and leave with the one it has."""
    params, writer = module.params, node or RealNode()
    try:
        for option in ("cluster_cidr", "replaces"):
            _look.checked_networks(option, [cidr for text in params[option] for cidr in text.split(",")])
        wanted = ",".join(params["cluster_cidr"])
        there = _kube_proxy.gather(writer)
        steps = _kube_proxy.plan(there, wanted, params["replaces"])
        if steps and not module.check_mode:
            for step in steps:
                step.apply(writer)
            there = _restarted(writer, wanted, params["timeout"])
    except (NodeError, OSError) as error:
        module.fail_json(msg=str(error))
        raise
    result: Dict[str, Any] = {
        "changed": bool(steps),
        "cluster_cidr": there.cluster_cidr if there else "",
        "started_by": there.starter if there else "nobody",
        "steps": [step.describe() for step in steps],
    }
    if module._diff:
        shown: List[Any] = [step.diff() for step in steps]
        result["diff"] = [entry for entry in shown if entry is not None]
    module.exit_json(**result)


def _restarted(node: NodeWriter, wanted: str, timeout: float) -> _kube_proxy.KubeProxy:
    """The new kube-proxy. Raises NodeError when it does not come, or has another CIDR."""
    end = node.monotonic() + timeout
    while True:
        there = _kube_proxy.gather(node)
        if there is not None and there.cluster_cidr == wanted:
            return there
        if node.monotonic() >= end:
            found = "it has {0}".format(there.cluster_cidr or "none") if there else "it does not run"
            message = "kube-proxy has not come back with --cluster-cidr {0} within {1:g} s: {2}"
            raise NodeError(message.format(wanted, timeout, found))
        node.pause(_PAUSE)
