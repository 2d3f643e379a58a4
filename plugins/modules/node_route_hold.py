#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_route_hold
short_description: Hold the routes to other nodes' pods while others are written
version_added: "0.3.0"
description:
  - When Calico's encapsulation changes, one program takes the routes to other nodes' pods back before another one has
    written its own, and BIRD takes a route back before it writes it over another device. For this time the module keeps
    copies of the routes that are in force.
  - A held route has the protocol 201 and a metric of 1048576, so that it only counts where there is no other route.
  - With O(main_first) packets to pods use the main table, before any policy rule of the agent sends them to another
    one, as Felix does with WireGuard. The rule has the priority 90 and the protocol 201.
  - O(state=absent) lets go of every held route and rule.
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
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
options:
  state:
    description:
      - Whether the routes are held.
    type: str
    choices: [present, absent]
    default: present
  pod_networks:
    description:
      - The pods' networks, in CIDR form. Routes to anything else are not held.
    type: list
    elements: str
    required: true
  over:
    description:
      - The devices between the nodes, and tunnels. Only routes over them, with a gateway, are held.
    type: list
    elements: str
    default: []
  main_first:
    description:
      - Whether packets to O(pod_networks) look into the main routing table before any other one.
      - What an agent would have encrypted is sent as the routes of that table say.
    type: bool
    default: false
  peers:
    description:
      - The nodes to whose pods a direct route is held as well, where they are neighbours and have none. It is tried
        at once, and let go where the first address of the network, that of the bridge there, does not answer over it.
      - Such a route is used as soon as no other one leads to exactly this network, so that pods' packets are neither
        encapsulated nor encrypted then.
    type: list
    elements: dict
    default: []
    suboptions:
      network:
        description:
          - The network of the node's pods.
        type: str
        required: true
      address:
        description:
          - The node's own address.
        type: str
        required: true
seealso:
  - module: switchyard.cni.node_sweep
"""

EXAMPLES = r"""
- name: Hold the direct routes to other nodes' pods
  switchyard.cni.node_route_hold:
    pod_networks: [172.50.0.0/16]
    over: [eth0]

- name: Let go of them
  switchyard.cni.node_route_hold:
    state: absent
    pod_networks: [172.50.0.0/16]
"""

RETURN = r"""
held:
  description: How many routes and rules are held that were not before.
  returned: success
  type: int
  sample: 2
silent:
  description: The networks of O(peers) that did not answer over a direct route, which is not held then.
  returned: success
  type: list
  elements: str
  sample: [172.50.3.0/24]
released:
  description: How many routes and rules are held no longer.
  returned: success
  type: int
  sample: 0
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._node._hold_module import hold_argument_spec, run_hold


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=hold_argument_spec(), supports_check_mode=True)
    run_hold(module)


if __name__ == "__main__":
    main()
