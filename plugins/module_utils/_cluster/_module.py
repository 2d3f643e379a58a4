# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The argument specification of cluster_network_info, and its way from parameters to a result."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.switchyard.cni.plugins.module_utils._cluster import _api, _read


def info_argument_spec() -> Dict[str, Any]:
    """The options of cluster_network_info."""
    return {
        "gather": {
            "type": "list",
            "elements": "str",
            "choices": list(_read.SECTIONS),
            "default": [name for name in _read.SECTIONS if name not in _read.LARGE],
        },
        "services": {"type": "list", "elements": "str", "default": list(_read.SERVICES)},
        **connection_argument_spec(),
    }


def connection_argument_spec() -> Dict[str, Any]:
    """The options of all that talk to the API server (documented by the fragment api)."""
    return {"kubeconfig": {"type": "path"}, "context": {"type": "str"}}


def server(module: AnsibleModule) -> _api.RealApiServer:
    """The API server of a module's options; leaves where there is no client for it. Raises ApiError."""
    if _api.CLIENT_ERROR is not None:
        needed = "the collection kubernetes.core and the Python package kubernetes"
        module.fail_json(msg=missing_required_lib(needed), exception=_api.CLIENT_ERROR)
    return _api.RealApiServer(module.params["kubeconfig"], module.params["context"])


def run_info(module: AnsibleModule, api: Optional[_api.ApiServer] = None) -> None:
    """Read the cluster and leave with the result, or with the reason why the API server does not answer."""
    request = _read.Request(tuple(module.params["gather"]), tuple(module.params["services"]))
    try:
        cluster = _read.read(api or server(module), request)
    except _api.ApiError as error:
        module.fail_json(msg=str(error))
        raise
    module.exit_json(changed=False, cluster=cluster)
