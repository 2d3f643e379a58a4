#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_key
short_description: Keep one key of an etcd v3 store
version_added: "0.1.0"
description:
  - Writes one key through etcd's JSON gateway, only when its value differs.
  - Used for flannel's network configuration where O(ignore:flannel_subnet_manager=etcd).
author:
  - The switchyard.cni developers (@switchyard)
options:
  endpoints:
    description: Client URLs of the etcd members, tried in this order.
    type: list
    elements: str
    required: true
  key:
    description: Name of the key.
    type: str
    required: true
  value:
    description: Value of the key, as text.
    type: str
    required: true
  ca_file:
    description: Certificate authority of the members, a file on the host that runs the module.
    type: path
  cert_file:
    description: Client certificate, a file on the host that runs the module.
    type: path
  key_file:
    description: Key of the client certificate, a file on the host that runs the module.
    type: path
  timeout:
    description: Seconds to wait for one endpoint.
    type: int
    default: 10
notes:
  - The JSON gateway has the path C(/v3) from etcd 3.4 on.
attributes:
  check_mode:
    description: Can run in check mode and says truly what would change.
    support: full
  diff_mode:
    description: Shows the value before and after.
    support: full
"""

EXAMPLES = r"""
- name: Write flannel's network configuration
  switchyard.cni.etcd_key:
    endpoints: [https://192.168.7.101:2379]
    key: /coreos.com/network/config
    value: '{"Network": "172.50.0.0/16", "Backend": {"Type": "vxlan"}}'
    ca_file: /etc/kubernetes/ssl/ca.pem
    cert_file: /etc/kubernetes/ssl/flannel.pem
    key_file: /etc/kubernetes/ssl/flannel-key.pem
"""

RETURN = r"""
key:
  description: Name of the key.
  returned: success
  type: str
  sample: /coreos.com/network/config
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.switchyard.cni.plugins.module_utils._etcd import (
    EtcdError,
    EtcdStore,
    apply_key,
    plan_key,
)


def _poster(params: dict[str, t.Any]) -> t.Callable[[str, bytes], bytes]:
    def post(url: str, body: bytes) -> bytes:
        return open_url(
            url,
            data=body,
            method="POST",
            timeout=params["timeout"],
            ca_path=params["ca_file"],
            client_cert=params["cert_file"],
            client_key=params["key_file"],
            headers={"Content-Type": "application/json"},
            use_proxy=False,
        ).read()

    return post


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "endpoints": {"type": "list", "elements": "str", "required": True},
            "key": {"type": "str", "required": True, "no_log": False},
            "value": {"type": "str", "required": True},
            "ca_file": {"type": "path"},
            "cert_file": {"type": "path"},
            "key_file": {"type": "path", "no_log": False},
            "timeout": {"type": "int", "default": 10},
        },
        supports_check_mode=True,
    )
    store = EtcdStore(module.params["endpoints"], _poster(module.params))
    try:
        plan = plan_key(store, module.params["key"], module.params["value"])
        if plan.changed and not module.check_mode:
            apply_key(store, plan)
    except EtcdError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=plan.changed, key=plan.key, diff=plan.diff())


if __name__ == "__main__":
    main()
