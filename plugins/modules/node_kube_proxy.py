#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_kube_proxy
short_description: Tell a node's kube-proxy the pods' network
version_added: "0.4.0"
description:
  - By its cluster CIDR kube-proxy tells the pods of its node from everybody else. A pod outside of it is masqueraded on
    the way to a service, so that the service sees the node's address instead of the pod's, and NetworkPolicies that
    select pods do not fit any more.
  - Where kube-proxy is a unit of systemd, this module changes the value where it stands, in the unit, in a drop-in, in
    an environment file or in the file that C(--config) names, and restarts the unit. Connections that are
    established stay.
  - Nothing is changed where kube-proxy has no cluster CIDR, has one that is not among O(replaces), or runs as a pod;
    RV(started_by) tells.
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
  cluster_cidr:
    description:
      - The pods' network, one CIDR of each IP version.
    type: list
    elements: str
    required: true
  replaces:
    description:
      - The values that are replaced, each as kube-proxy has it, with a comma between two families. An operator's own,
        such as a wider network, is left alone.
    type: list
    elements: str
    required: true
  timeout:
    description:
      - How long to wait for the restarted kube-proxy, in seconds.
    type: float
    default: 30.0
seealso:
  - module: switchyard.cni.node_network_info
"""

EXAMPLES = r"""
- name: Tell kube-proxy that the pods of this node are in another network now
  switchyard.cni.node_kube_proxy:
    cluster_cidr: [172.60.0.0/16]
    replaces: [172.50.0.0/16]
"""

RETURN = r"""
cluster_cidr:
  description: The cluster CIDR that kube-proxy has, empty for none.
  returned: success
  type: str
  sample: 172.60.0.0/16
started_by:
  description: Who starts kube-proxy, C(unit), C(pod), C(unknown), or C(nobody) where it does not run.
  returned: success
  type: str
  sample: unit
steps:
  description: What was changed, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: [rewrite /etc/default/kube-proxy, "reload systemd's units", restart kube-proxy.service]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._node._kube_proxy_module import (
    kube_proxy_argument_spec,
    run_kube_proxy,
)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=kube_proxy_argument_spec(), supports_check_mode=True)
    run_kube_proxy(module)


if __name__ == "__main__":
    main()
