#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_sweep
short_description: Remove what an earlier pod network has left on a node
version_added: "0.2.0"
description:
  - Looks for the devices, routes, addresses, chains, nftables tables, ipsets, files, CNI configuration and leaked
    reservations of network plugins, and removes those that the network in force does not use.
  - Whose a thing is, is decided by what its agent really writes. A route goes only if it leads to a node's subnet, has
    the agent's protocol, and leads over a device that the network in force does not use for that; a device only if it
    has the agent's name and is of a kind that agents make; a chain only if it has the agent's name, together with the
    rules that jump to it. kube-proxy's, another plugin's and the operator's own are left alone.
  - What pods still use is left as well, and named, unless O(order.in_use) is set.
  - Of a plugin whose agent runs nothing is removed unless it is the one of O(order.keep). Stop its agents first.
    In check mode without O(order.keep) it tells what will go once they are stopped.
  - It looks again when it has removed everything, and fails when something of it is there again.
  - It can be killed at any moment and run again. A thing that cannot be removed does not keep the others.
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
  - switchyard.cni.attributes
attributes:
  check_mode:
    support: full
    details:
      - Without O(order.keep) it tells what will go once the agents are stopped, though they still run.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
options:
  order:
    description:
      - What may go and what has to stay. M(switchyard.cni.network_plan) makes it.
    type: dict
    required: true
    suboptions:
      plugins:
        description:
          - The network plugins whose leftovers go, V(flannel) and V(calico). Without it, those of all.
        type: list
        elements: str
      keep:
        description:
          - The network in force. Without it nothing is, and everything of O(order.plugins) goes.
        type: dict
        suboptions:
          plugin:
            description: Its plugin.
            type: str
            required: true
          devices:
            description: Its tunnel devices.
            type: list
            elements: str
            default: []
          bridge:
            description: The bridge that its pods hang on.
            type: str
          route_devices:
            description: The devices over which its routes to other nodes' pods may lead.
            type: list
            elements: str
            default: []
          nftables:
            description: Whether its agent writes nftables and not iptables.
            type: bool
            default: false
      pod_networks:
        description: The pods' networks, in CIDR form. Routes to anything else are left alone.
        type: list
        elements: str
        required: true
      prefixes:
        description: The lengths in bits of the nodes' subnets. Routes of other lengths are left alone.
        type: list
        elements: int
        default: []
      in_use:
        description:
          - Whether a bridge or reservation goes that running pods use. They have no network then, until they are made
            anew.
        type: bool
        default: false
      unload:
        description:
          - Kernel modules to unload when no device of theirs is in use any more. To unload one removes all devices of
            its kind, also in pods, where each has an idle one.
        type: list
        elements: str
        default: []
      leases_only:
        description:
          - Whether nothing goes but addresses that are reserved for no pod. Agents may run meanwhile.
          - host-local frees an address when the plugin that took it is asked to, so that a pod which ends while another
            plugin is in force leaves its own behind.
        type: bool
        default: false
      routes_only:
        description:
          - Whether nothing goes but routes. Where packets then take a route that leads to all pods, every node has to
            take it before the devices of the earlier backend go from any of them.
        type: bool
        default: false
  cni_conf_dir:
    description:
      - Where the container runtime reads CNI configuration.
    type: path
    default: /etc/cni/net.d
seealso:
  - module: switchyard.cni.network_plan
  - module: switchyard.cni.node_network_info
"""

EXAMPLES = r"""
- name: Remove what VXLAN has left after a change to host-gw
  switchyard.cni.node_sweep:
    order:
      plugins: [flannel]
      keep:
        plugin: flannel
        bridge: cni0
        route_devices: [eth0]
      pod_networks: [10.244.0.0/16]
      prefixes: [24]

- name: Show what all plugins have left on a node without a pod network
  switchyard.cni.node_sweep:
    order:
      pod_networks: [10.244.0.0/16]
      prefixes: [24]
  check_mode: true
"""

RETURN = r"""
steps:
  description: What was removed, or in check mode would be, in order.
  returned: always
  type: list
  elements: str
  sample:
    - remove route 172.50.1.0/24 via 172.50.1.0 dev flannel.1 onlink
    - remove device flannel.1 (vxlan)
kept:
  description: What looks like the plugins' own and is left, and why.
  returned: always
  type: list
  elements: str
  sample: ["cni0: pods hang on it"]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._sweep._module import run_sweep, sweep_argument_spec


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=sweep_argument_spec(), supports_check_mode=True)
    run_sweep(module)


if __name__ == "__main__":
    main()
