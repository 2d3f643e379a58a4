#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_state
short_description: Bring a node to a declared state in one call
version_added: "0.1.0"
description:
  - Compares what a node has with what it shall have, and changes only what differs. It knows kernel modules, files,
    sysctls, CNI plugins, renames, removals and services, and works in this order.
  - Everything is compared before anything is written. When something cannot be reached, all reasons are told at once
    and nothing is changed.
  - It can be killed at any moment and run again.
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
      - What the node shall have. What is not mentioned is left alone.
    type: dict
    required: true
    suboptions:
      files:
        description:
          - Files with their whole content. They are replaced as a whole or not at all, and their directories are made.
        type: list
        elements: dict
        suboptions:
          path:
            description:
              - The absolute path.
            type: path
            required: true
          content:
            description:
              - The whole content.
            type: str
            required: true
          mode:
            description:
              - The permission bits as an octal number.
            type: str
            default: "0644"
          sensitive:
            description:
              - Whether the content is kept out of the diff.
            type: bool
            default: false
      absent:
        description:
          - Files, links and empty directories that shall not be there.
        type: list
        elements: path
      renames:
        description:
          - Files that shall not be where they are, but be kept.
        type: list
        elements: dict
        suboptions:
          src:
            description:
              - The file to move. When it is not there, there is nothing to do.
            type: path
            required: true
          dest:
            description:
              - Where to move it. When that is taken, the first free name of C(dest.1), C(dest.2) and so on is used.
                Nothing is ever overwritten.
              - It must be on the same file system as O(state.renames[].src).
            type: path
            required: true
      modules:
        description:
          - Kernel modules that shall be loaded, or built into the kernel.
          - To have them after a reboot, also declare a file below C(/etc/modules-load.d).
        type: list
        elements: str
      sysctls:
        description:
          - Sysctls and their values in the running kernel.
          - To have them after a reboot, also declare a file below C(/etc/sysctl.d).
          - A dot inside a device's name is written as a slash, as sysctl(8) does, for example
            V(net.ipv4.conf.flannel/1.rp_filter).
        type: dict
      cni_plugins:
        description:
          - CNI plugins that the container runtime shall find.
        type: dict
        suboptions:
          bin_dir:
            description:
              - The directory in which the container runtime looks for CNI plugins.
            type: path
            default: /opt/cni/bin
          required:
            description:
              - The plugins' names. One that is there is left alone, whatever its version.
            type: list
            elements: str
            required: true
          search:
            description:
              - The directories from which a missing plugin is copied. The first that has it is used.
            type: list
            elements: path
            default:
              - /opt/cni/bin
              - /usr/lib/cni
              - /usr/libexec/cni
              - /usr/local/lib/cni
      services:
        description:
          - systemd units. systemd reads its unit files again first when one has changed.
        type: list
        elements: dict
        suboptions:
          name:
            description:
              - The unit's name. One without a suffix is a service.
            type: str
            required: true
          enabled:
            description:
              - Whether it starts at boot. Left alone when not given.
            type: bool
          state:
            description:
              - V(started) and V(stopped) are what they say.
              - V(restarted) and V(reloaded) act when the unit is not running, when this call changes a file named in
                O(state.services[].on_change_of), or when such a file is newer than the unit's start. The latter is what
                a killed run leaves.
              - Left alone when not given.
            type: str
            choices:
              - started
              - restarted
              - reloaded
              - stopped
          on_change_of:
            description:
              - The paths of those O(state.files) whose change asks for a restart or reload.
              - When not given, every file of the call does.
            type: list
            elements: path
  service_timeout:
    description:
      - How long one service may take to start, stop or reload, in seconds.
    type: float
    default: 120.0
notes:
  - When a file below C(/etc/NetworkManager) changes and NetworkManager runs, it is told to read its configuration
    again.
seealso:
  - module: switchyard.cni.node_network_info
"""

EXAMPLES = r"""
- name: Prepare a node for flannel's vxlan backend
  switchyard.cni.node_state:
    state:
      modules:
        - vxlan
        - br_netfilter
      files:
        - path: /etc/modules-load.d/switchyard-cni.conf
          content: |
            vxlan
            br_netfilter
        - path: /etc/sysctl.d/90-switchyard-cni.conf
          content: |
            net.ipv4.ip_forward = 1
            net.bridge.bridge-nf-call-iptables = 1
      sysctls:
        net.ipv4.ip_forward: 1
        net.bridge.bridge-nf-call-iptables: 1
      cni_plugins:
        required:
          - bridge
          - host-local
          - loopback
          - portmap

- name: Set another network's CNI configuration aside
  switchyard.cni.node_state:
    state:
      renames:
        - src: /etc/cni/net.d/05-other.conflist
          dest: /etc/cni/net.d/05-other.conflist.disabled

- name: Run flanneld as a service
  switchyard.cni.node_state:
    state:
      files:
        - path: /etc/systemd/system/flanneld.service
          content: |
            [Service]
            Type=notify
            ExecStart=/opt/flannel/bin/flanneld --etcd-endpoints=https://192.168.7.101:2379

            [Install]
            WantedBy=multi-user.target
      services:
        - name: flanneld
          enabled: true
          state: restarted
          on_change_of:
            - /etc/systemd/system/flanneld.service
"""

RETURN = r"""
steps:
  description: What was done, or in check mode would be done, in words and in order. After a failure only what was done.
  returned: always
  type: list
  elements: str
  sample:
    - load kernel module br_netfilter
    - create /etc/sysctl.d/90-switchyard-cni.conf
    - set net.ipv4.ip_forward to 1 (was 0)
    - copy CNI plugin /usr/lib/cni/bridge to /opt/cni/bin
problems:
  description: Every reason why the declared state cannot be reached.
  returned: on failure, when nothing was changed
  type: list
  elements: str
  sample: ["kernel module ipip cannot be had: kernel 6.1.0-37-amd64 is built without CONFIG_NET_IPIP"]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._node._module import run_state, state_argument_spec


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=state_argument_spec(), supports_check_mode=True)
    run_state(module)


if __name__ == "__main__":
    main()
