#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: registry_mirror
short_description: Copy images to a private registry, or into a folder
version_added: "0.4.0"
description:
  - Copies by skopeo, several images at once, and shows each as it is done. What is there already is not copied again,
    neither an image nor a layer, so that a run that was interrupted goes on where it ended.
  - An image counts as there when its digest is the same, or, for an archive of C(docker save), that of its
    configuration.
  - Credentials are in a file that only this run can read and that goes with it; upstream's are those that skopeo finds
    for the user of the controller.
  - An action plugin, it runs on the controller.
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
  - switchyard.cni.attributes
attributes:
  check_mode:
    support: full
    details:
      - Looks at both sides, and copies nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
requirements:
  - skopeo on the controller
options:
  images:
    description:
      - The images.
    type: list
    elements: dict
    required: true
    suboptions:
      source:
        description:
          - The image at upstream.
        type: str
        required: true
      target:
        description:
          - The image in the registry.
        type: str
        required: true
  registry:
    description:
      - The registry, a host with its port, to which authority and credentials belong.
    type: str
    default: ""
  authority:
    description:
      - Certificates of the authority that has signed the registry's, in PEM.
    type: str
    default: ""
  username:
    description:
      - Who pushes.
    type: str
    default: ""
  password:
    description:
      - The password for it.
    type: str
    default: ""
  architectures:
    description:
      - With one, that image of a list is copied; with none or several the whole list.
    type: list
    elements: str
    default: []
  archive:
    description:
      - A folder on the controller with images as files. They come from there instead of upstream.
    type: str
    default: ""
  save:
    description:
      - Whether the images go from upstream into the folder instead.
    type: bool
    default: false
  jobs:
    description:
      - How many images are copied at once.
    type: int
    default: 3
seealso:
  - module: switchyard.cni.registry_plan
"""

EXAMPLES = r"""
- name: Mirror what the declared network needs
  switchyard.cni.registry_mirror:
    images: "{{ registry_plan.images }}"
    registry: "{{ registry_plan.registry }}"
    authority: "{{ registry_plan.authority }}"
    username: "{{ network_registry_username }}"
    password: "{{ network_registry_password }}"
"""

RETURN = r"""
images:
  description: For each C(image) its C(digest), whether it was C(copied), and the C(error) where it could not be.
  returned: always
  type: list
  elements: dict
digests:
  description: The digest of each image that is there now.
  returned: always
  type: dict
  sample: {"registry.example:5000/baseimages/flannel:v0.28.10": "sha256:5c6b"}
"""
