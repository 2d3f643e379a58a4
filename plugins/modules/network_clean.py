#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: network_clean
short_description: Plan the removal of pod networks from a cluster and its nodes
version_added: "0.2.0"
description:
  - Compares what the API server and the nodes tell with what network plugins leave, and says what has to go, in which
    order, and which pods lose their network.
  - The role C(clean) carries it out. This module changes nothing.
  - Namespaces and custom resource definitions stay, as others may keep things there.
  - An action plugin, it runs on the controller.
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
  - switchyard.cni.nodes
options:
  plugins:
    description:
      - The network plugins that go, V(flannel) and V(calico). Empty, whatever is found.
    type: list
    elements: str
    default: []
  scope:
    description:
      - V(network) removes the plugins' objects, and what their agents have left on the nodes.
      - V(node) removes besides all CNI state of these plugins on the nodes, such as C(/var/lib/cni) and their programs
        in C(/opt/cni/bin).
    type: str
    choices: [network, node]
    default: network
attributes:
  check_mode:
    description: Can run in check mode; it never changes anything.
    support: full
  diff_mode:
    description: There is nothing to compare; this action changes nothing.
    support: none
seealso:
  - module: switchyard.cni.node_sweep
  - module: switchyard.cni.network_plan
"""

EXAMPLES = r"""
- name: Plan what has to go
  switchyard.cni.network_clean:
  register: clean_plan
"""

RETURN = r"""
active:
  description: Whether there is anything to remove, as far as can be seen before.
  returned: success
  type: bool
summary:
  description: The clean in lines a person reads.
  returned: success
  type: list
  elements: str
agents:
  description: The DaemonSets, which go first and are waited for.
  returned: success
  type: list
  elements: dict
objects:
  description: The other objects, as far as the plugins' names are known; some may not exist.
  returned: success
  type: list
  elements: dict
annotations:
  description: Nodes with the annotations that go, each null.
  returned: success
  type: list
  elements: dict
nodes:
  description:
    - For each inventory host its C(name) in the cluster, the C(order) of M(switchyard.cni.node_sweep), and with
      O(scope=node) the C(paths) that go besides. C(away) is a host that does not answer.
  returned: success
  type: dict
pods:
  description: The pods that lose their network until they are made anew.
  returned: success
  type: list
  elements: str
run:
  description: The clean as M(switchyard.cni.network_journal) keeps it; C(holder) is who makes it.
  returned: success
  type: dict
problems:
  description: Everything that is wrong, each with C(variable), C(value), C(reason) and C(remedy).
  returned: failure
  type: list
  elements: dict
"""
