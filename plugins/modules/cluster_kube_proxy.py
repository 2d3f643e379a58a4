#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_kube_proxy
short_description: Tell a kube-proxy that runs as pods the pods' network
version_added: "0.4.0"
description:
  - Where kube-proxy is a DaemonSet, as kubeadm deploys it, its cluster CIDR stands in a ConfigMap, one for all nodes,
    or on its command line. This module changes it there and rolls the DaemonSet, as its own update strategy says.
  - Nothing is changed where it has no cluster CIDR, or one that is not among O(replaces).
  - Where kube-proxy is a unit of systemd, M(switchyard.cni.node_kube_proxy) does the same node by node.
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
  cluster_cidr:
    description:
      - The pods' network, one CIDR of each IP version.
    type: list
    elements: str
    required: true
  replaces:
    description:
      - The values that are replaced, each as kube-proxy has it, with a comma between two families.
    type: list
    elements: str
    required: true
  timeout:
    description:
      - How long to wait until the DaemonSet has rolled, in seconds.
    type: float
    default: 120.0
seealso:
  - module: switchyard.cni.node_kube_proxy
"""

EXAMPLES = r"""
- name: Tell kube-proxy that pods are in another network now
  switchyard.cni.cluster_kube_proxy:
    cluster_cidr: [172.60.0.0/16]
    replaces: [172.50.0.0/16]
  delegate_to: localhost
"""

RETURN = r"""
rolled:
  description: The paths of the DaemonSets that were rolled, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: [/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._kube_proxy_module import (
    kube_proxy_argument_spec,
    run_kube_proxy,
)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=kube_proxy_argument_spec(), supports_check_mode=True)
    run_kube_proxy(module)


if __name__ == "__main__":
    main()
