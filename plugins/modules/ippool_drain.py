#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ippool_drain
short_description: Take an IPPool of Calico out of a cluster, and leave nothing of it behind
version_added: "0.3.0"
description:
  - Deletes the IPPool, waits until Calico has taken back every address of it, and deletes the IPAM blocks and block
    affinities that Calico itself leaves behind, which BIRD would announce for ever.
  - An address that a pod has is never taken back by this, unless Calico itself has ended. The task then fails and says
    where they are.
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
  - switchyard.cni.api
  - switchyard.cni.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
requirements:
  - the collection kubernetes.core and the Python package kubernetes on the host of the task
options:
  name:
    description:
      - The name of the IPPool.
    type: str
    required: true
  cidr:
    description:
      - Its network. Blocks and affinities in it go too.
    type: str
    required: true
  timeout:
    description:
      - Seconds in which its addresses must be given back.
    type: float
    default: 120.0
  ended:
    description:
      - Whether Calico's agents are gone for good and no pod has an address of the pool. Then what is noted as given out
        is nobody's, and goes with the IPAM handles of the pool.
    type: bool
    default: false
seealso:
  - module: switchyard.cni.network_plan
"""

EXAMPLES = r"""
- name: Remove an IPPool that no pod has an address of
  switchyard.cni.ippool_drain:
    kubeconfig: ~/.kube/config
    name: old-pool
    cidr: 172.61.0.0/24
  delegate_to: localhost
"""

RETURN = r"""
removed:
  description: The paths of the objects that went, or in check mode would.
  returned: success
  type: list
  elements: str
  sample: [/apis/crd.projectcalico.org/v1/ippools/old-pool]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._pool_module import pool_argument_spec, run_drain


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=pool_argument_spec(), supports_check_mode=True)
    run_drain(module)


if __name__ == "__main__":
    main()
