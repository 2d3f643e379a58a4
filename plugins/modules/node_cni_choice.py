#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_cni_choice
short_description: Choose the network plugin that new pods of a node get
version_added: "0.4.0"
description:
  - A container runtime takes the first CNI configuration in lexical order, so that with two plugins installed a file's
    name would decide which network a new pod gets. This module decides it with a file that comes before all others,
    C(00-switchyard-cni.conflist), which is a copy of the chosen plugin's own configuration.
  - Whatever agents write beside it does not matter, and a node that reboots keeps what was chosen.
  - It fails before anything is changed where a file comes before its own, where the chosen plugin has no configuration
    yet, and where without its own file new pods would get another network than the one named.
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
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
options:
  state:
    description:
      - V(chosen) gives new pods the network of O(plugin).
      - V(held) keeps the plugin that new pods get now, whichever it is, and whatever is installed later.
      - V(absent) removes the file, so that the first of the others decides.
    type: str
    choices: [chosen, held, absent]
    default: chosen
  plugin:
    description:
      - The plugin that is chosen; needed with O(state=chosen).
      - With O(state=absent) it is the one that has to be the first of the others.
    type: str
    choices: [flannel, calico]
  cni_conf_dir:
    description:
      - Where the container runtime reads CNI configuration.
    type: path
    default: /etc/cni/net.d
seealso:
  - module: switchyard.cni.node_network_info
"""

EXAMPLES = r"""
- name: Keep what new pods get, before another plugin is installed
  switchyard.cni.node_cni_choice:
    state: held

- name: Give new pods of this node Calico's network from now on
  switchyard.cni.node_cni_choice:
    plugin: calico

- name: Let the plugin's own file decide again
  switchyard.cni.node_cni_choice:
    state: absent
    plugin: calico
"""

RETURN = r"""
plugin:
  description: The plugin whose network new pods get, V(null) for an unknown one or none at all.
  returned: success
  type: str
  sample: calico
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._node._choice_module import (
    choice_argument_spec,
    run_choice,
)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec=choice_argument_spec(),
        required_if=[("state", "chosen", ["plugin"])],
        supports_check_mode=True,
    )
    run_choice(module)


if __name__ == "__main__":
    main()
