#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: network_switch
short_description: Judge how the steps of a change of the pod network have ended
version_added: "0.2.0"
description:
  - Reads what the steps of a change have left on all hosts, says whether the change may go on or has succeeded, and if
    not, at which step it failed and why.
  - The playbooks of this collection call it. It changes nothing.
  - An action plugin, it runs on the controller.
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
  - switchyard.cni.nodes
options:
  step:
    description:
      - V(settled) judges whether every node has the new network's routes (the host variables C(switch_settled) and
        C(switch_swept), results of M(switchyard.cni.node_network_info) and M(switchyard.cni.node_sweep)).
      - V(judge) judges the whole change, with the verification (the host variable C(verify_judged)).
      - V(end) says how the run ends that made a change and, where that failed, went back.
    type: str
    choices: [settled, judge, end]
    required: true
  source:
    description: The network before the change, for people.
    type: str
    required: true
  target:
    description: The network that the change leads to, for people.
    type: str
    required: true
  change:
    description:
      - The C(id) of the change, by which its own failures are known among what hosts have kept as C(switch_failure),
        each with C(change), C(step) and C(msg).
    type: str
  renewed:
    description: The result of M(switchyard.cni.pods_renew), where pods were made anew.
    type: dict
  forward:
    description: The judgement of the change, for V(step=end).
    type: dict
  back:
    description: The judgement of the way back, for V(step=end); unset where none was gone.
    type: dict
  metered:
    description:
      - Whether the change was measured, for V(step=end); the host variables C(switch_metered) are results of
        M(switchyard.cni.path_meter).
    type: bool
    default: false
attributes:
  check_mode:
    description: Can run in check mode; it never changes anything.
    support: full
  diff_mode:
    description: There is nothing to compare; this action changes nothing.
    support: none
seealso:
  - module: switchyard.cni.network_plan
  - module: switchyard.cni.network_journal
  - module: switchyard.cni.path_meter
"""

EXAMPLES = r"""
- name: Judge the change
  switchyard.cni.network_switch:
    step: judge
    source: flannel vxlan
    target: flannel host-gw
  register: switch_judged
"""

RETURN = r"""
outcome:
  description:
    - C(verified) or C(failed).
    - With V(step=end) also C(rolled_back), back at the network before the change, and C(stopped), left where it failed.
  returned: always
  type: str
verified:
  description: Whether the change is verified.
  returned: always
  type: bool
step:
  description: The step that failed.
  returned: always
  type: str
reasons:
  description: Why it failed.
  returned: always
  type: list
  elements: str
away:
  description: Nodes that stopped answering in the meantime; they are left for a later run.
  returned: always
  type: list
  elements: str
lagging:
  description: Inventory hosts that answer and lack the new network.
  returned: with V(step=settled) and V(step=judge)
  type: list
  elements: str
lines:
  description: The outcome in lines a person reads.
  returned: always
  type: list
  elements: str
meter:
  description:
    - What the change has cost, from all nodes' figures. V(null) where it was not measured.
    - C(lost) packets of C(sent), C(longest_gap_ms), C(broken) of C(connections), the longest C(gaps) with their moments
      and C(measured), the figures of each pair.
  returned: with V(step=end)
  type: dict
"""
