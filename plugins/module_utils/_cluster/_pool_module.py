# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The argument specification of ippool_drain, and its way from parameters to a result."""

from __future__ import annotations

import time
from typing import Any, Dict, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._cluster import _api, _module, _pool
from ansible_collections.switchyard.cni.plugins.module_utils._ip import ip_network


def pool_argument_spec() -> Dict[str, Any]:
    """The options of ippool_drain."""
    return dict(
        _module.connection_argument_spec(),
        name={"type": "str", "required": True},
        cidr={"type": "str", "required": True},
        timeout={"type": "float", "default": 120.0},
        ended={"type": "bool", "default": False},
    )


def run_drain(module: AnsibleModule, api: Optional[_api.ApiWriter] = None) -> None:
    """Take the pool out of the cluster, and leave with what went."""
    params = module.params
    try:
        ip_network(params["cidr"])
        server = api or _module.server(module)
        before = _pool.gather(server, params["name"], params["cidr"], params["ended"])
        left = before
        if before.paths and not module.check_mode:
            clock = time.monotonic
            words = (params["name"], params["cidr"], params["timeout"])
            left = _pool.drain(server, *words, clock, time.sleep, params["ended"])
    except (_api.ApiError, ValueError) as error:
        module.fail_json(msg=str(error))
        raise
    result: Dict[str, Any] = {"changed": bool(before.paths), "removed": list(before.paths)}
    if module._diff:
        result["diff"] = _pool.diff(before)
    if left.paths and not module.check_mode:
        used = ", ".join("{0} of {1}".format(count, cidr) for cidr, count in left.used.items())
        told = "the IPPool {0} ({1}) is not empty after {2:g} s: {3} addresses are in use"
        module.fail_json(msg=told.format(params["name"], params["cidr"], params["timeout"], used or "no"), **result)
    module.exit_json(**result)
