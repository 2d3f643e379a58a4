#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_own_addresses
short_description: Let pods of two networks see each other's own addresses
version_added: "0.4.0"
description:
  - While two network plugins run side by side, each of them masquerades what its pods send to the other one's, so that
    it arrives with a node's address. This module puts rules before theirs that accept such packets as they are, in the
    chain C(POSTROUTING) of iptables' table C(nat).
  - An answer may then come back over another device than the question left by, which strict reverse-path filtering
    drops. The module refuses to work on such a node.
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
  - switchyard.cni.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
options:
  state:
    description:
      - Whether the rules are there, before all others.
    type: str
    choices: [present, absent]
    default: present
  first:
    description:
      - The pod network of the one plugin, in CIDR form.
    type: list
    elements: str
    required: true
  second:
    description:
      - That of the other one.
    type: list
    elements: str
    required: true
seealso:
  - module: switchyard.cni.node_cni_choice
"""

EXAMPLES = r"""
- name: Let pods of flannel and Calico see each other's own addresses
  switchyard.cni.node_own_addresses:
    first: [172.50.0.0/16]
    second: [172.60.0.0/16]
"""

RETURN = r"""
rules:
  description: How many rules there are.
  returned: success
  type: int
  sample: 2
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._node._own_addresses_module import (
    own_addresses_argument_spec,
    run_own_addresses,
)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=own_addresses_argument_spec(), supports_check_mode=True)
    run_own_addresses(module)


if __name__ == "__main__":
    main()
