# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of cluster_kube_proxy, and its way from parameters to a result: gather, plan, apply, wait."""

from __future__ import annotations

import time
from typing import Any, Dict, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._cluster import _api, _kube_proxy, _module


def kube_proxy_argument_spec() -> Dict[str, Any]:
    """The options of cluster_kube_proxy."""
    return dict(
        _module.connection_argument_spec(),
        cluster_cidr={"type": "list", "elements": "str", "required": True},
        replaces={"type": "list", "elements": "str", "required": True},
        timeout={"type": "float", "default": 120.0},
    )


def run_kube_proxy(module: AnsibleModule, api: Optional[_api.ApiWriter] = None) -> None:
    """Give kube-proxy its cluster CIDR, and leave with what was rolled."""
    params = module.params
    left = []
    try:
        server = api or _module.server(module)
        proxies = _kube_proxy.gather(server)
        change = _kube_proxy.plan(proxies, ",".join(params["cluster_cidr"]), params["replaces"])
        if change.objects and not module.check_mode:
            _kube_proxy.apply(server, change)
            left = _kube_proxy.wait(server, change.daemonsets, params["timeout"], time.monotonic, time.sleep)
    except _api.ApiError as error:
        module.fail_json(msg=str(error))
        raise
    result: Dict[str, Any] = {"changed": bool(change.objects), "rolled": list(change.daemonsets)}
    if module._diff:
        lines = "".join(path + "\n" for path, dummy in change.objects)
        result["diff"] = {"before_header": "kube-proxy", "after_header": "kube-proxy", "before": "", "after": lines}
    if left:
        message = "{0} has its new cluster CIDR, and is not ready on every node after {1:g} s"
        module.fail_json(msg=message.format(", ".join(left), params["timeout"]), **result)
    module.exit_json(**result)
