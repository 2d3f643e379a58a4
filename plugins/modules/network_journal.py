#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: network_journal
short_description: Keep the journal and the lease of a change of the pod network
version_added: "0.2.0"
description:
  - The journal is the ConfigMap C(switchyard-cni) in the namespace C(kube-system). It names the run that changes the
    network, the step it is at, the network before and after, and keeps the objects that are about to change. A run that
    was interrupted is so finished or undone by another one, from any machine.
  - The lease is the Lease of the same name. Of two runs at once the second is told who changes the network, and since
    when. The lease of a dead run expires.
  - The playbooks of this collection call it.
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
  - switchyard.cni.api
  - switchyard.cni.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: V(step=open) and V(step=advance) always write, since they tell the time.
  platform:
    support: full
    platforms: posix
requirements:
  - the collection kubernetes.core and the Python package kubernetes on the host of the task
options:
  step:
    description:
      - V(read) tells what the journal and the lease say.
      - V(open) takes the lease and begins a run. Where an earlier run is open, this one takes it over, and what the
        earlier one has kept stays, for it is the last state known to be good.
      - V(advance) writes down the step that begins, and renews the lease.
      - V(close) writes down how the run has ended, and gives the lease back. A run that has not reached a verified
        state stays open.
    type: str
    choices: [read, open, advance, close]
    required: true
  holder:
    description: Who changes the network. Needed but for V(step=read).
    type: str
  dead:
    description: A holder that is known to live no more; its lease may be taken at once.
    type: str
  lease_seconds:
    description: How long the lease lasts from the last sign of life, in seconds.
    type: int
    default: 900
  run:
    description:
      - The run to begin, with its C(id), the networks C(from) and C(to), its C(steps), and as C(snapshot) the objects
        to keep, each with C(apiVersion), C(kind), C(namespace) and C(name).
    type: dict
  at:
    description: The step that begins.
    type: str
  note:
    description: More about that step, for people.
    type: str
    default: ""
  outcome:
    description: How the run has ended. After V(stopped) and V(failed) it stays open.
    type: str
    choices: [verified, rolled_back, stopped, failed]
  state:
    description: The network that was verified at the end.
    type: dict
  left:
    description: Nodes that did not answer, and are left for a later run.
    type: list
    elements: str
    default: []
seealso:
  - module: switchyard.cni.network_plan
"""

EXAMPLES = r"""
- name: Read who changes the network, and how far that run is
  switchyard.cni.network_journal:
    step: read
  register: network_journal
  delegate_to: localhost
"""

RETURN = r"""
journal:
  description:
    - The journal. C(run) is the open run or null, C(verified) the network that was verified last, and C(history) the
      last ten runs that have ended.
  returned: always
  type: dict
lease:
  description: Who has the lease, since when, the last sign of life, and until when it lasts; null where nobody has it.
  returned: with V(step=read)
  type: dict
resumed:
  description: Whether an earlier run was open.
  returned: with V(step=open)
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._journal_module import (
    journal_argument_spec,
    required,
    run_journal,
)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=journal_argument_spec(), supports_check_mode=True, required_if=required())
    run_journal(module)


if __name__ == "__main__":
    main()
