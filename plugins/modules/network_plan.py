#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: network_plan
short_description: Check the inventory against the nodes and plan the pod network
version_added: "0.1.0"
description:
  - Reads the inventory's variables, in any of the accepted dialects, what M(switchyard.cni.node_network_info) observed
    on the nodes (the host variable C(network_observed)), and the cluster's nodes from the API server.
  - Compares the declared network with the one that runs, and says what the change means for running pods.
  - Reports everything that is wrong or contradictory at once, each with variable, value, reason and remedy, and fails
    before anything has been changed.
  - Otherwise returns the plan, what each node and the cluster must be given. It writes nothing itself.
  - An action plugin, it runs on the controller. The API server is read by M(switchyard.cni.cluster_network_info) on the
    host of the task.
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
  - switchyard.cni.nodes
options:
  scope:
    description:
      - V(network) plans the whole pod network; the API server must answer where the plugin keeps its state there.
      - V(prepare) plans the nodes' preparation only, before there is a cluster.
    type: str
    choices: [network, prepare]
    default: network
  target:
    description:
      - V(declared) plans the network that the inventory declares, V(previous) the one before the last change, as the
        cluster's journal tells it, whatever has become of that change (see M(switchyard.cni.network_journal)).
        Everything else, such as node names, is read from the inventory.
    type: str
    choices: [declared, previous]
    default: declared
attributes:
  check_mode:
    description: Can run in check mode; it never changes anything.
    support: full
  diff_mode:
    description: The plan is the diff; this action changes nothing.
    support: none
notes:
  - The inventory's variables are documented with the roles, C(ansible-doc -t role switchyard.cni.flannel).
seealso:
  - module: switchyard.cni.node_network_info
  - module: switchyard.cni.node_state
"""

EXAMPLES = r"""
- name: Check the inventory against the nodes and plan the pod network
  switchyard.cni.network_plan:
  register: network_plan

- name: Show the plan
  ansible.builtin.debug:
    msg: "{{ network_plan.summary }}"
"""

RETURN = r"""
plugin:
  description: The declared plugin, the name of the role that deploys it.
  returned: success
  type: str
  sample: flannel
backend:
  description: The declared backend as people call it.
  returned: success
  type: str
  sample: vxlan + DirectRouting
summary:
  description: The plan in lines a person reads.
  returned: success
  type: list
  elements: str
proved:
  description: What a successful run has proved, in lines a person reads.
  returned: success
  type: list
  elements: str
nodes:
  description:
    - For each inventory host its C(name) in the cluster, its C(state), the option
      O(switchyard.cni.node_state#module:state), and what it must show afterwards, C(expect), the option
      O(switchyard.cni.node_network_info#module:wait_for).
    - C(settled) says that the observation already shows the state, C(proved) that it already shows what is expected.
    - C(sweep) is the option O(switchyard.cni.node_sweep#module:order), where the network changes, and C(meter) holds
      the options C(pairs) and C(listen) of M(switchyard.cni.path_meter).
    - C(away) is a node that does not answer, or that C(--limit) has left out, and that the run goes on without.
  returned: success
  type: dict
complete:
  description: Whether all nodes take part.
  returned: success
  type: bool
agents:
  description: Where the agents' pods are, C(namespace) and C(label_selectors); empty where the cluster runs none.
  returned: success
  type: dict
registry:
  description:
    - Where images are pulled from a private registry, what the tasks of the role C(registry) need; empty elsewhere.
  returned: success
  type: dict
pulls:
  description: The images of the private registry that the nodes have to pull, none where the agents run them already.
  returned: success
  type: list
  elements: str
configure:
  description: Whether something has to be written before the nodes' agents start.
  returned: success
  type: bool
switch:
  description:
    - What the plan means for the pod network that runs. C(active) says whether this run changes it, or ends a change
      that another run has begun.
    - C(class) is C(first) where no network runs, C(none) where nothing changes, C(live) where routes change under
      running pods, and C(pods) where pods must be made anew besides, for a smaller MTU.
    - C(from) and C(to) hold a C(label) and the C(settings) that describe the network; C(pods) names the pods whose MTU
      is larger than the new network carries; C(pauses) says what keeps packets from getting through meanwhile.
    - C(renewable) are the pods that M(switchyard.cni.pods_renew) makes anew, C(stages) the nodes that change before all
      others, C(left) the nodes that an earlier change was ended without and that are still away.
    - C(meter) says whether it is measured what the change costs, C(meter_rate) with how many probes a second of each
      pair, C(measured_as) is the C(run) of
      M(switchyard.cni.path_meter) then.
    - C(run) is the change as M(switchyard.cni.network_journal) keeps it, C(holder) is who makes it.
  returned: success
  type: dict
restore:
  description: The objects as they were before the change that is undone; empty where none is.
  returned: success
  type: list
  elements: dict
api:
  description: How the API server is reached, and the namespaces that exist.
  returned: success
  type: dict
problems:
  description: Everything that is wrong, each with C(variable), C(value), C(reason) and C(remedy).
  returned: failure
  type: list
  elements: dict
"""
