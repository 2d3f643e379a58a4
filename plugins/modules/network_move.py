#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: network_move
short_description: Tell what is next while one network plugin takes over from another
version_added: "0.4.0"
description:
  - Asks the API server which pods there are at this moment, and tells which of them still have the earlier plugin's
    network, or what has to be probed to prove nodes that have changed hands.
  - It changes nothing. The playbook C(switchyard.cni.network) calls it between the steps of a change.
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
  - switchyard.cni.api
  - switchyard.cni.attributes.info_module
options:
  step:
    description:
      - V(pods) tells which pods still have the earlier network.
      - V(probes) tells what is to be probed from which node, pods of either network, services and nodes.
    type: str
    choices: [pods, probes]
    required: true
  source_cidrs:
    description:
      - The earlier plugin's pod network, in CIDR form.
    type: list
    elements: str
    required: true
  target_cidrs:
    description:
      - The other plugin's pod network, in CIDR form.
    type: list
    elements: str
    required: true
  nodes:
    description:
      - The Nodes that it is about. With O(step=pods) all of them when it is left out.
    type: list
    elements: str
    default: []
  members:
    description:
      - All Nodes that can be probed from and to, with O(step=probes).
    type: list
    elements: str
    default: []
  group_pattern:
    description:
      - Inventory groups whose hosts are the cluster's nodes.
    type: list
    elements: str
    default: [kube_master, kube_control_plane, kube_node]
seealso:
  - module: switchyard.cni.network_plan
  - module: switchyard.cni.path_probe
  - module: switchyard.cni.pods_renew
"""

EXAMPLES = r"""
- name: Find the pods of a node that still have flannel's network
  switchyard.cni.network_move:
    step: pods
    source_cidrs: [172.50.0.0/16]
    target_cidrs: [172.60.0.0/16]
    nodes: [k8s-node1]
  register: network_left
"""

RETURN = r"""
pods:
  description: The pods that still have the earlier network, as M(switchyard.cni.pods_renew) takes them.
  returned: with O(step=pods)
  type: list
  elements: dict
  sample: [{"namespace": "default", "name": "web-0", "uid": "6f2c"}]
left:
  description: The same in words.
  returned: with O(step=pods)
  type: list
  elements: str
  sample: [default/web-0 on k8s-node1]
probes:
  description: The probes of each node, as M(switchyard.cni.path_probe) takes them.
  returned: with O(step=probes)
  type: list
  elements: dict
  contains:
    name:
      description: The Node that sends them.
      returned: always
      type: str
    probes:
      description: The probes.
      returned: always
      type: list
      elements: dict
"""
