#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: registry_plan
short_description: Find out which images a private registry needs, and whether it can be trusted
version_added: "0.4.0"
description:
  - Derives from the inventory which images the declared network needs, where upstream has them, and what the nodes call
    them, for the plugin and the version that are declared.
  - Judges the certificate authority before it goes anywhere, whether it is one, whether it is valid, and whether it has
    signed the certificate of the registry, for the name by which it is called. Each has an error of its own.
  - An action plugin, it runs on the controller, and connects to the registry from there. It writes nothing.
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
  - switchyard.cni.nodes
options:
  goal:
    description:
      - V(mirror) plans for the registry, V(archive) for the folder of images, which needs no registry, V(forget) for
        taking everything back from the cluster and the nodes, where the registry may be gone.
    type: str
    choices: [mirror, archive, forget]
    default: mirror
attributes:
  check_mode:
    description: Can run in check mode; it never changes anything.
    support: full
  diff_mode:
    description: This action changes nothing.
    support: none
notes:
  - The inventory's variables are documented with the role, C(ansible-doc -t role switchyard.cni.registry).
seealso:
  - module: switchyard.cni.registry_mirror
  - module: switchyard.cni.node_registry
  - module: switchyard.cni.image_pull
"""

EXAMPLES = r"""
- name: Find out what the registry needs
  switchyard.cni.registry_plan:
  register: registry_plan
"""

RETURN = r"""
registry:
  description: The registry as images name it, a host with its port.
  returned: success
  type: str
  sample: registry.example:5000
images:
  description: Each image with its C(source) at upstream and its C(target), the nodes' name for it.
  returned: success
  type: list
  elements: dict
left:
  description: Images that the inventory takes from elsewhere.
  returned: success
  type: list
  elements: str
architectures:
  description: The architectures to copy; empty, all of them.
  returned: success
  type: list
  elements: str
authority:
  description: The authority's certificates in PEM.
  returned: success
  type: str
nodes:
  description: The Nodes that can pull, none where no cluster answers.
  returned: success
  type: list
  elements: str
namespaces:
  description: Where the pull secret is needed.
  returned: success
  type: list
  elements: str
made:
  description: What is made in the cluster, each with C(kind), C(name) and C(namespace).
  returned: success
  type: list
  elements: dict
secret:
  description: The name of the pull secret that is made; empty without credentials.
  returned: success
  type: str
  sample: switchyard-registry
summary:
  description: The plan in lines a person reads.
  returned: success
  type: list
  elements: str
problems:
  description: Everything that is wrong, each with C(variable), C(value), C(reason) and C(remedy).
  returned: failure
  type: list
  elements: dict
"""
