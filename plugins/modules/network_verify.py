#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: network_verify
short_description: Compare the pod network with what the inventory implies
version_added: "0.2.0"
description:
  - Says what each node must have, from the declared backend and from what the API server knows of its peers. That is
    every route, device, forwarding entry, MTU, chain and BGP session. It compares that with what the node has told,
    and names what is wrong, why, and what to do.
  - Where the inventory declares no pod network, the one that runs is detected, and it is verified that it is
    consistent.
  - The collection's role C(verify) calls it three times. Between the calls, nodes are read by
    M(switchyard.cni.node_network_info) and paths are probed by M(switchyard.cni.path_probe).
  - It changes nothing in the cluster and on its nodes.
  - An action plugin, it runs on the controller. The API server is read by M(switchyard.cni.cluster_network_info) on
    the host of the task.
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
  - switchyard.cni.nodes
options:
  step:
    description:
      - V(look) reads the API server and says what each node shall be asked.
      - V(ask) compares what the nodes have told (the host variable C(verify_observed)), and says which paths each one
        shall probe, and which tables it shall send in full.
      - V(judge) judges all of it, with the host variables C(verify_tables) and C(verify_probed), and writes the
        reports.
    type: str
    choices: [look, ask, judge]
    required: true
  cluster:
    description: What the step V(look) has returned as RV(cluster). Needed by the other steps.
    type: dict
  probe:
    description:
      - Which paths are probed. V(sample) takes a number of pairs that grows linearly with the nodes, in which each node
        is both a source and a target. V(all) takes all pairs, for small clusters, and V(none) takes no pair.
    type: str
    choices: [sample, all, none]
    default: sample
  services:
    description:
      - Services to connect to from each node's pod, each as C(namespace/name). Unset, those that every cluster has.
    type: list
    elements: str
  settings:
    description:
      - Verify the network that these settings describe instead of the one the inventory declares, such as the one that
        a change has gone back to. It is the same in all steps.
    type: dict
  fail_on:
    description: The mildest severity with which the verification has failed.
    type: str
    choices: [error, warning, never]
    default: error
  report_dir:
    description:
      - A folder on the controller for the reports. It is made where it is missing, files of an earlier run are
        replaced. Nothing is written in check mode, or where it is empty.
    type: str
    default: ""
  reports:
    description: Which reports are written.
    type: list
    elements: str
    choices: [text, json, junit, html]
    default: [text, json, junit, html]
attributes:
  check_mode:
    description: Can run in check mode; it never changes anything, and writes no report then.
    support: full
  diff_mode:
    description: There is nothing to compare; this action changes nothing.
    support: none
seealso:
  - module: switchyard.cni.cluster_network_info
  - module: switchyard.cni.node_network_info
  - module: switchyard.cni.path_probe
"""

EXAMPLES = r"""
# The role does this, and what lies between.
- name: Read the API server, and find out what to ask the nodes
  switchyard.cni.network_verify:
    step: look
  register: verify_look
  run_once: true
  delegate_to: localhost

- name: Judge what the nodes have told
  switchyard.cni.network_verify:
    step: judge
    cluster: "{{ verify_look.cluster }}"
    report_dir: report
  register: verify_judged
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
cluster:
  description: What the API server knows, see M(switchyard.cni.cluster_network_info).
  returned: with step V(look)
  type: dict
request:
  description: The options of M(switchyard.cni.node_network_info) for every node.
  returned: with step V(look)
  type: dict
hosts:
  description:
    - For each inventory host its C(probes) and C(counters), options of M(switchyard.cni.path_probe), and C(packed), an
      option of M(switchyard.cni.node_network_info).
  returned: with step V(ask)
  type: dict
result:
  description: The verification, as described by C(docs/verification.schema.json).
  returned: with step V(judge)
  type: dict
lines:
  description: The verification in lines a person reads.
  returned: with step V(judge)
  type: list
  elements: str
written:
  description: The files that were written on the controller.
  returned: with step V(judge)
  type: list
  elements: str
bad:
  description: Whether there is a finding as bad as O(fail_on), or worse.
  returned: with step V(judge)
  type: bool
told:
  description: The verdict in one sentence.
  returned: with step V(judge)
  type: str
"""
