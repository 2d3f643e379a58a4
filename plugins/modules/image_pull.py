#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_pull
short_description: Have every node pull images through its own runtime, before anything depends on them
version_added: "0.4.0"
description:
  - Makes one pod a node, with the node's network and without a program that could start, so that neither a pod network
    nor a scheduler is needed and nothing of an image runs. The kubelet pulls with its own runtime, trust and
    credentials.
  - Waits until each image is there or cannot be had, removes the pods, and returns the digests.
  - What hinders a pull is explained, a name that is not resolved, a certificate that is not trusted, credentials that
    are not taken, an image that is not there, a registry that does not answer.
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
  - switchyard.cni.api
  - switchyard.cni.attributes
attributes:
  check_mode:
    support: full
    details:
      - Pulls nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
requirements:
  - the collection kubernetes.core and the Python package kubernetes on the host of the task
options:
  images:
    description:
      - The images, as the nodes shall name them.
    type: list
    elements: str
    required: true
  nodes:
    description:
      - The names of the Nodes.
    type: list
    elements: str
    required: true
  digests:
    description:
      - The digest that each image must have; an image that is not named here may have any.
    type: dict
    default: {}
  namespace:
    description:
      - Where the pods are made. Pods with their node's network must be allowed there.
    type: str
    default: kube-system
  pull_secrets:
    description:
      - The names of Secrets with credentials in this namespace.
    type: list
    elements: str
    default: []
  timeout:
    description:
      - Seconds for all of it.
    type: float
    default: 300.0
seealso:
  - module: switchyard.cni.node_registry
  - module: switchyard.cni.registry_mirror
"""

EXAMPLES = r"""
- name: Pull the images on every node
  switchyard.cni.image_pull:
    images: [registry.example:5000/baseimages/flannel:v0.28.10]
    nodes: [k8s-node1, k8s-node2]
    pull_secrets: [switchyard-registry]
"""

RETURN = r"""
digests:
  description: For each image the digest that each node has pulled.
  returned: when the API server could be asked
  type: dict
  sample: {"registry.example:5000/baseimages/flannel:v0.28.10": {"k8s-node1": "sha256:5c6b"}}
problems:
  description: What cannot be pulled where, why, and what to do.
  returned: failure
  type: list
  elements: str
waited:
  description: Seconds it took.
  returned: when the API server could be asked
  type: float
  sample: 3.204
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._pull_module import pull_argument_spec, run_pull


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=pull_argument_spec(), supports_check_mode=True)
    run_pull(module)


if __name__ == "__main__":
    main()
