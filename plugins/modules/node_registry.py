#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_registry
short_description: Have a node's container runtime trust a private registry
version_added: "0.4.0"
description:
  - Finds out which runtime serves the kubelet, and gives it the registry's certificate authority where that runtime
    looks for it, C(/etc/containerd/certs.d), C(/etc/docker/certs.d) or C(/etc/containers/certs.d) of CRI-O.
  - containerd reads the directory at each pull, once its C(config_path) is set. Where it is not, it is set; containerd
    reads the new configuration under another name first, and is then restarted. Running pods go on.
  - Verification is never switched off.
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
  - switchyard.cni.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Credentials are hidden.
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
options:
  registry:
    description:
      - The registry as images name it, a host with a port if it is not 443.
    type: str
    required: true
  state:
    description:
      - Whether the runtime shall trust it. V(absent) removes everything that V(present) writes, but C(config_path).
    type: str
    choices: [present, absent]
    default: present
  authority:
    description:
      - Certificates of authorities in PEM; several while one takes the place of another.
      - Empty, a public authority has signed the registry's certificate.
    type: str
    default: ""
  system_trust:
    description:
      - Whether the node's system store trusts the authority too, by C(update-ca-certificates) or C(update-ca-trust).
    type: bool
    default: false
  username:
    description:
      - Who pulls. Given, the kubelet gets the credentials in C(/var/lib/kubelet/config.json), beside those of other
        registries. It may take the kubelet five minutes to see them.
    type: str
    default: ""
  password:
    description:
      - The password for it.
    type: str
    default: ""
notes:
  - K3s and RKE2 write their containerd's configuration themselves; the module refuses and names their own file.
seealso:
  - module: switchyard.cni.image_pull
  - module: switchyard.cni.registry_mirror
"""

EXAMPLES = r"""
- name: Trust the registry
  switchyard.cni.node_registry:
    registry: registry.example:5000
    authority: "{{ lookup('ansible.builtin.file', 'registry-ca.crt') }}"

- name: Forget it
  switchyard.cni.node_registry:
    registry: registry.example:5000
    state: absent
"""

RETURN = r"""
steps:
  description: What was done, or in check mode would be done, in words and in order.
  returned: always
  type: list
  elements: str
  sample: [create /etc/containerd/certs.d/registry.example:5000/hosts.toml, restart containerd.service]
runtimes:
  description: The runtimes that were found.
  returned: success
  type: list
  elements: str
  sample: [containerd]
problems:
  description: Every reason why the node cannot be prepared.
  returned: on failure, when nothing was changed
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._registry._module import (
    registry_argument_spec,
    run_registry,
)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=registry_argument_spec(), supports_check_mode=True)
    run_registry(module)


if __name__ == "__main__":
    main()
