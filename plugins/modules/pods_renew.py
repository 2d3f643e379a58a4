#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pods_renew
short_description: Have pods made anew by their controllers, one after the other
version_added: "0.2.0"
description:
  - A pod gets its MTU when it is made. After a change to a network with a smaller MTU, running pods with a larger one
    have to be made anew. This evicts them, and waits until their controllers have made Ready replacements.
  - Pods are evicted through the Eviction API, so that every PodDisruptionBudget is respected. An eviction that a budget
    forbids is tried again until O(timeout) is over.
  - Cluster DNS comes first. Then a node loses one pod at a time, and a workload O(parallel) pods.
  - Pods of a DaemonSet are deleted, as their replacement comes to the same node only.
  - Pods with their node's network and static pods are never touched. Pods of a Job run to their end. Pods without a
    controller are left alone unless O(naked=delete). All of them are named in RV(left).
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
  - switchyard.cni.api
  - switchyard.cni.attributes
attributes:
  check_mode:
    support: full
    details:
      - Tells what would be made anew. Whether the budgets allow it is not asked.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - With O(pods[].uid). Without it, a StatefulSet's new pod is made anew again, as it has the name of the old one.
  platform:
    support: full
    platforms: linux
requirements:
  - the collection kubernetes.core and the Python package kubernetes on the host of the task
options:
  pods:
    description:
      - The pods that have to be made anew. Those that are gone already count as done.
    type: list
    elements: dict
    required: true
    suboptions:
      namespace:
        description:
          - The pod's namespace.
        type: str
        required: true
      name:
        description:
          - The pod's name.
        type: str
        required: true
      uid:
        description:
          - The pod's UID. A pod of this name with another UID is new already.
        type: str
  naked:
    description:
      - What to do with pods that no controller would make anew.
    type: str
    choices: [leave, delete]
    default: leave
  timeout:
    description:
      - Seconds for all of it. What is not made anew by then makes the task fail, with each pod's reason.
    type: float
    default: 600.0
  parallel:
    description:
      - How many pods of one workload may be away at once.
    type: int
    default: 1
  grace:
    description:
      - Seconds a pod has to end. Unset, each pod's own C(terminationGracePeriodSeconds) counts.
    type: int
notes:
  - Where a pod's controller is not a ReplicaSet, StatefulSet, DaemonSet or ReplicationController, only the end of the
    old pod is waited for.
seealso:
  - module: switchyard.cni.node_network_info
  - module: switchyard.cni.network_journal
"""

EXAMPLES = r"""
- name: Make the pods anew whose MTU is too large
  switchyard.cni.pods_renew:
    kubeconfig: ~/.kube/config
    pods:
      - namespace: default
        name: web-7d9c5b7c4-x2x8q
        uid: 0b4ee0c8-4bb8-4f3c-a3d3-6c1f4f9a2a11
    timeout: 900
  register: switch_renewed
  delegate_to: localhost
"""

RETURN = r"""
renewed:
  description:
    - The pods that are gone and have a Ready replacement, each as C(namespace/name). In check mode those that would be.
  returned: when the API server could be asked
  type: list
  elements: str
  sample: [kube-system/coredns-674b8bbfcf-2x7rq]
left:
  description: The pods that were not made anew, and why.
  returned: when the API server could be asked
  type: list
  elements: dict
  sample: [{"pod": "default/debug", "reason": "no controller would make it anew; naked=delete deletes it"}]
waited:
  description: Seconds it took.
  returned: when the API server could be asked
  type: float
  sample: 42.137
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._renew_module import (
    renew_argument_spec,
    run_renew,
)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=renew_argument_spec(), supports_check_mode=True)
    run_renew(module)


if __name__ == "__main__":
    main()
