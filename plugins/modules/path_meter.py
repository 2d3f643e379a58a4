#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: path_meter
short_description: Measure what a change of the network does to packets and connections of pods
version_added: "0.2.0"
description:
  - Starts a process on the node that measures while something else changes the network, and later stops it and takes
    its figures.
  - It sends echo requests, by default 100 a second, from pods of this node to pods elsewhere, and holds one TCP
    connection for each pair open, on which 10 small messages a second go there and back. It tells how many packets were
    lost, for how long, when, and whether a connection broke.
  - No program is needed in a pod's image. The process enters the pods' network namespaces by itself and opens its
    sockets there. The other end of the connections is the meter on the target's node, see O(listen).
  - The process ends when it is stopped, or by itself after O(lifetime). It replaces its figures every second, so that
    those of one that was killed are there up to its last second.
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
  - switchyard.cni.attributes
attributes:
  check_mode:
    support: full
    details:
      - Nothing is started and nothing is stopped.
      - With O(state=stopped) it tells the figures as they are now.
  diff_mode:
    support: N/A
    details:
      - Nothing that stays is changed.
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
requirements:
  - root on the node (to enter network namespaces and to open raw sockets)
  - a container runtime that binds its pods' network namespaces below C(/run/netns) (containerd, CRI-O) or
    C(/var/run/docker/netns) (dockerd)
options:
  state:
    description:
      - V(started) starts measuring, and returns as soon as the first probe can be sent. Where the same O(run) measures
        the same already, nothing is done; where it measures something else, that is an error.
      - V(stopped) waits for the replies under way, at most a second, ends the process, returns its figures and removes
        them from the node. Where there is no such O(run), nothing is done.
    type: str
    choices:
      - started
      - stopped
    required: true
  run:
    description:
      - The name of the measurement, of small letters, digits and dashes. Measurements of different names do not know of
        each other.
    type: str
    required: true
  pairs:
    description:
      - What to measure. Each pair is measured from the node of its source.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - The name of the pair, which its result carries. Each has to be used once.
          - Both addresses when it is left out.
        type: str
      source:
        description:
          - An address of a pod on this node, or V(node) for the node itself.
        type: str
        required: true
      target:
        description:
          - The IPv4 or IPv6 address of a pod elsewhere.
        type: str
        required: true
  listen:
    description:
      - Addresses of pods on this node which are targets of pairs of other nodes. In the network namespace of each a
        listener on O(port) sends back what it is told.
    type: list
    elements: str
    default: []
  port:
    description:
      - The TCP port of the listeners, the same on all nodes. Nothing is known to use the default.
    type: int
    default: 24737
  rate:
    description:
      - How many probes a second each pair sends, from 1 to 1000, and all pairs of a node together at most 10000.
    type: float
    default: 100.0
  lifetime:
    description:
      - After how many seconds the process ends by itself. Its figures stay until the node is rebooted or they are taken
        with O(state=stopped).
    type: float
    default: 1800.0
notes:
  - A probe is lost when its reply did not arrive within a second of its sending. The kernel notes when it arrived,
    so that a reply that a busy node reads late is not lost. A reply that arrives later counts as RV(pairs[].late), and
    its probe stays lost.
  - A gap is one or more probes in a row that were lost. Its length is the time between the sending of the last probe
    that was answered before it and the sending of the first that was answered after it. RV(pairs[].longest_gap_ms) is
    20 when a single probe of 100 a second was lost. It is one interval (10) when none was lost, however late the node
    sent a probe. A gap at the beginning is counted from the first probe, and one that never ended up to the last.
  - A node that is too busy to send in time shows that in RV(pairs[].stall_ms), and packets that were slow but arrived
    show in RV(pairs[].slowest_ms). Neither is a gap.
  - A connection that cannot be made is tried again for 30 seconds. If it never stood, RV(pairs[].tcp.connected) is
    V(false) and it is not broken, since a NetworkPolicy may forbid it. It is broken when it was reset, failed or was
    closed before either meter was stopped. A listener whose meter is stopped says so before it closes, so that does not
    break a connection, in whatever order the meters of several nodes are stopped. One whose meter was killed cannot.
  - When the network namespace of a pair's source vanishes (the pod was removed), RV(pairs[].source_gone) says when, the
    probes without an answer up to then count as RV(pairs[].abandoned) and not as lost, and nothing more is sent. Where
    a target vanishes its own node says so in RV(listeners[].gone).
  - The process belongs to no session. Where logind is told to end all processes of a user who logs out
    (C(KillUserProcesses)) it ends with the session of a user other than root.
seealso:
  - module: switchyard.cni.path_probe
"""

EXAMPLES = r"""
- name: Measure between two pods while the network is switched
  switchyard.cni.path_meter:
    state: started
    run: switch-7
    pairs: "{{ meter_pairs[inventory_hostname] }}"
    listen: "{{ meter_listen[inventory_hostname] }}"
  vars:
    meter_pairs:
      node1:
        - name: net-test1 to net-test2
          source: 172.50.2.3
          target: 172.50.1.2
      node2: []
    meter_listen:
      node1: []
      node2: [172.50.1.2]

- name: Take the figures
  switchyard.cni.path_meter:
    state: stopped
    run: switch-7
  register: measured

- name: Require that nothing was lost
  ansible.builtin.assert:
    that:
      - measured.found
      - measured.pairs | map(attribute='lost') | sum == 0
      - measured.pairs | selectattr('tcp.broken') | length == 0
"""

RETURN = r"""
pid:
  description: The number of the process that measures. V(null) in check mode.
  returned: with O(state=started)
  type: int
  sample: 31415
found:
  description: Whether there was such a measurement.
  returned: with O(state=stopped)
  type: bool
ended:
  description:
    - How the process ended. V(stopped) by this call, V(lifetime) by itself, V(died) when it was killed or stumbled and
      the figures are those of its last second. V(running) in check mode. V(null) when there was none.
  returned: with O(state=stopped)
  type: str
  sample: stopped
since:
  description: When it began to measure, in seconds since the epoch by the node's clock, like all moments.
  returned: when there was such a measurement
  type: float
until:
  description: When the figures were written.
  returned: when there was such a measurement
  type: float
cpu_percent:
  description: How much of one core the process took.
  returned: when there was such a measurement
  type: float
  sample: 4.2
pairs:
  description: What was measured, for each pair that could be.
  returned: with O(state=stopped)
  type: list
  elements: dict
  sample:
    - name: net-test1 to net-test2
      source: 172.50.2.3
      target: 172.50.1.2
      source_gone: null
      sent: 6021
      received: 5991
      lost: 30
      pending: 0
      abandoned: 0
      late: 0
      duplicates: 0
      unsent: 0
      error: null
      first_loss: 1790000030.004
      last_loss: 1790000030.294
      longest_gap_ms: 310.0
      gaps:
        - at: 1790000029.994
          ms: 310.0
          lost: 30
          stall_ms: 10.1
          ended: true
      slowest_ms: 1.2
      slowest_at: 1790000031.004
      stall_ms: 12.3
      stall_at: 1790000003.004
      tcp:
        connected: true
        broken: false
        broken_at: null
        error: null
        messages: 602
        echoed: 602
        silence_ms: 512.4
        silence_at: 1790000029.951
  contains:
    name:
      description: The pair's name.
      returned: always
      type: str
    source:
      description: The pair's source. V(null) for the node itself.
      returned: always
      type: str
    target:
      description: The pair's target.
      returned: always
      type: str
    source_gone:
      description: When the source's network namespace had vanished. V(null) when it is there.
      returned: always
      type: float
    sent:
      description: How many probes were sent. Each of them is received, lost, pending or abandoned.
      returned: always
      type: int
    received:
      description: How many were answered within a second.
      returned: always
      type: int
    lost:
      description: How many were not.
      returned: always
      type: int
    pending:
      description: How many were not judged yet, which is 0 unless the process died or runs.
      returned: always
      type: int
    abandoned:
      description: How many had no answer when the source vanished.
      returned: always
      type: int
    late:
      description: How many of the lost ones were answered after all.
      returned: always
      type: int
    duplicates:
      description: How many replies came again.
      returned: always
      type: int
    unsent:
      description: How many of the lost ones this node's own kernel did not send.
      returned: always
      type: int
    error:
      description:
        - What the kernel, or a router on the way, said last of a probe. V(null) when nobody said anything. It does not
          mean that the probe was lost.
      returned: always
      type: str
      sample: "administratively prohibited, says 192.168.7.111"
    first_loss:
      description: When the first of the lost probes was sent. V(null) when none was lost.
      returned: always
      type: float
    last_loss:
      description: When the last of the lost probes was sent. V(null) when none was lost.
      returned: always
      type: float
    longest_gap_ms:
      description:
        - The length of the longest gap in milliseconds, see the notes. The time between two probes when none was lost,
          0 when no probe was judged yet.
      returned: always
      type: float
    gaps:
      description: The 20 longest gaps in the order in which they happened.
      returned: always
      type: list
      elements: dict
      contains:
        at:
          description: When it began.
          returned: always
          type: float
        ms:
          description: Its length in milliseconds.
          returned: always
          type: float
        lost:
          description: How many probes were lost in it.
          returned: always
          type: int
        stall_ms:
          description:
            - The longest time in it in which the node sent nothing. Where that is much longer than the time between two
              probes, the network's part of the gap is shorter than its length.
          returned: always
          type: float
        ended:
          description: Whether a probe was answered after it.
          returned: always
          type: bool
    slowest_ms:
      description: The longest round trip in milliseconds.
      returned: always
      type: float
    slowest_at:
      description: When that probe was sent. V(null) when none was received.
      returned: always
      type: float
    stall_ms:
      description: The longest time between the sending of two probes, in milliseconds.
      returned: always
      type: float
    stall_at:
      description: When that began. V(null) when there was none.
      returned: always
      type: float
    tcp:
      description: The connection.
      returned: always
      type: dict
      contains:
        connected:
          description: Whether it ever stood.
          returned: always
          type: bool
        broken:
          description: Whether it broke.
          returned: always
          type: bool
        broken_at:
          description: When. V(null) when it did not.
          returned: always
          type: float
        error:
          description: Why it broke, or why it could not be made. V(null) when there is nothing to say.
          returned: always
          type: str
          sample: Connection reset by peer
        messages:
          description: How many messages were sent.
          returned: always
          type: int
        echoed:
          description: How many came back.
          returned: always
          type: int
        silence_ms:
          description:
            - The longest time between two answers in milliseconds, about 100 when nothing was wrong. TCP sends again
              after 200, 400, 800 ms and so on, so that it is longer than the gap that causes it.
          returned: always
          type: float
        silence_at:
          description: When that began. V(null) when there was none.
          returned: always
          type: float
listeners:
  description: The listeners on this node.
  returned: with O(state=stopped)
  type: list
  elements: dict
  sample: [{"address": "172.50.2.3", "accepted": 2, "gone": null}]
  contains:
    address:
      description: The pod's address.
      returned: always
      type: str
    accepted:
      description: How many connections it has accepted.
      returned: always
      type: int
    gone:
      description: When the pod's network namespace had vanished. V(null) when it is there.
      returned: always
      type: float
problems:
  description:
    - What could not be opened, and so was not measured. One text each, which begins with the option and its value.
    - When nothing at all can be measured the module fails, and here is everything that is wrong with the options.
  returned: always
  type: list
  elements: str
  sample: ["listen 172.50.2.3: Address already in use"]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._node._meter_module import meter_argument_spec, run_meter


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=meter_argument_spec(), supports_check_mode=True)
    run_meter(module)


if __name__ == "__main__":
    main()
