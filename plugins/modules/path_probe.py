#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: path_probe
short_description: Tell how packets really travel from a node and its pods
version_added: "0.2.0"
description:
  - Sends packets from the node, or from inside the network namespaces of its pods, and tells for each probe whether the
    target answered, how fast, over which hops, and whether a packet of the expected size passes.
  - No program is needed in a pod's image. The module enters the pod's network namespace by itself and opens its
    sockets there.
  - The hops are those that traceroute shows from inside the pod. The first is the node's bridge (or the node), the
    second the peer's tunnel device or, without a tunnel, the peer itself, the last is the target.
  - A packet that is too big for the source's device, one that is refused on the way (ICMP says why), and one that
    vanishes (an MTU black hole) are told apart. Where the expected size does not pass, the largest that does is found.
  - Nothing on the node is changed, and nothing is left behind. All probes run at the same time, so the time they take
    follows from O(timeout) and not from their number, but for many traces, which start one after the other (see the
    notes).
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
  - switchyard.cni.attributes
attributes:
  check_mode:
    support: full
    details:
      - Probes are sent in check mode too, since they change nothing.
  diff_mode:
    support: N/A
    details:
      - This only reads.
  idempotent:
    support: full
    details:
      - This changes nothing. What it measures may differ from one time to the next.
  platform:
    support: full
    platforms: linux
requirements:
  - root on the node (to enter network namespaces and to open raw sockets)
  - a container runtime that binds its pods' network namespaces below C(/run/netns) (containerd, CRI-O) or
    C(/var/run/docker/netns) (dockerd); for probes that start in pods
options:
  probes:
    description:
      - What to find out.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description:
          - The name of the probe, which its result carries. Each has to be used once.
        type: str
        required: true
      source:
        description:
          - Where the probe starts, an address of a pod on this node, or V(node) for the node itself.
        type: str
        default: node
      target:
        description:
          - The IPv4 or IPv6 address the probe goes to.
        type: str
        required: true
      kind:
        description:
          - V(icmp) sends echo requests, V(tcp) opens connections to O(probes[].port) and closes them at once.
        type: str
        choices:
          - icmp
          - tcp
        default: icmp
      port:
        description:
          - The port to connect to. Needed with O(probes[].kind=tcp).
        type: int
      trace:
        description:
          - Whether to find the hops. Only with O(probes[].kind=icmp).
          - See the notes on how many traces are sensible.
        type: bool
        default: true
      mtu:
        description:
          - The size in bytes of an IP packet, with its headers, that shall pass without being fragmented.
          - Only with O(probes[].kind=icmp). Nothing is found out about sizes when it is left out.
        type: int
  count:
    description:
      - How many echo requests or connections each probe makes, 50 ms apart, and how often a hop that does not answer is
        asked.
    type: int
    default: 3
  timeout:
    description:
      - How long an answer to a packet is waited for, in seconds.
      - A probe that finds nothing wrong ends with its last answer. A silent target takes 4 times this long when its
        hops are asked for, a search for the largest size that passes about 6 times.
    type: float
    default: 1.0
  budget:
    description:
      - How long the whole module may take, in seconds. A probe that is not done by then says so in
        RV(results[].error), with what is known.
    type: float
    default: 30.0
  counters:
    description:
      - Devices of the node, such as V(flannel.1), of which RV(counters) shall tell how many packets they carried during
        the probes.
    type: list
    elements: str
    default: []
notes:
  - The hops are found with ICMP echo requests whose time to live ends on the way, and not with UDP as traceroute does
    by default. The target then answers by itself, where a UDP port would have to be closed and its error to pass.
    Network policies and firewalls that allow ping allow it, a service's port is never touched, kube-proxy takes no part
    in it, and identifier, sequence number and payload of a reply prove which packet it answers.
  - A hop answers with an ICMP error, and kernels limit those (C(net.ipv4.icmp_ratelimit), C(net.ipv4.icmp_ratemask),
    C(net.ipv6.icmp.ratelimit)). By default one kernel sends six to the same address at once and then one a second, and
    C(net.ipv4.icmp_msgs_per_sec) of 1000 in all. Therefore traces are spread, 250 start in a second, and a hop that is
    silent is asked O(count) times, O(timeout) apart. Trace at most six targets from one source, more will show hops of
    V(null), which are counted in RV(gaps).
  - An ICMP error that says that a packet was too big is remembered by the source's kernel for this one target, for
    C(net.ipv4.route.mtu_expires) seconds, as it is for any packet of the pod. The probes themselves do not look at
    what the kernel remembers.
  - Packets of O(probes[].mtu) leave with the "don't fragment" bit. Nothing fragments them, whatever the kernel's
    version.
seealso:
  - module: switchyard.cni.node_network_info
"""

EXAMPLES = r"""
- name: Follow the path from one pod to another, and see whether flannel's tunnel carries it
  switchyard.cni.path_probe:
    probes:
      - id: net-test1 to net-test2
        source: 172.50.2.3
        target: 172.50.1.2
        mtu: 1450
    counters:
      - flannel.1
  register: paths

- name: Require that every pod was reached
  ansible.builtin.assert:
    that: paths.results | selectattr('error') | length == 0

- name: Reach the API server's service and a pod's address from the node itself
  switchyard.cni.path_probe:
    probes:
      - id: kubernetes
        target: 10.68.0.1
        kind: tcp
        port: 443
      - id: coredns
        target: 172.50.1.4
        trace: false
    count: 2
    timeout: 0.5
"""

RETURN = r"""
results:
  description: What became of each probe, in the order of O(probes).
  returned: always
  type: list
  elements: dict
  sample:
    - id: net-test1 to net-test2
      reachable: true
      sent: 3
      received: 3
      rtt_ms: 0.142
      hops: ["172.50.2.1", "172.50.1.0", "172.50.1.2"]
      path_mtu: 1450
      error: null
      cause: null
  contains:
    id:
      description: The probe's name.
      returned: always
      type: str
    reachable:
      description:
        - Whether the target itself answered, with a reply that matches an echo request in identifier, sequence number
          and payload, or by accepting a connection.
      returned: always
      type: bool
    sent:
      description: How many echo requests or connections were tried. 0 when the probe could not start.
      returned: always
      type: int
    received:
      description: How many of them were answered in time.
      returned: always
      type: int
    rtt_ms:
      description:
        - The least round trip time in milliseconds, up to the moment the kernel got the reply. V(null) when nothing was
          received.
      returned: always
      type: float
    hops:
      description:
        - Who answered at each time to live from 1 on, until the target did or an error ended the path, at most 8. A hop
          that did not answer is V(null). Empty when it was not asked for.
      returned: always
      type: list
      elements: str
    path_mtu:
      description:
        - The largest size in bytes of an IP packet, up to O(probes[].mtu), that passes without being fragmented.
          V(null) when it was not asked for or could not be told.
      returned: always
      type: int
    error:
      description: What is wrong, with the address of who said so. V(null) when nothing is.
      returned: always
      type: str
      sample: "administratively prohibited, says 192.168.7.111"
    cause:
      description:
        - The kind of RV(results[].error) as one word. V(null) when there is none.
        - Not reached are V(silence) (no answer at all), V(unreachable), V(prohibited) and V(loop) (ICMP errors),
          V(refused) (the target refuses the connection), V(local) (the source's own kernel does not send it),
          V(no-source) (no pod on this node has the address), V(failed) (the source could not be entered, or the probing
          process died).
        - Reached are V(device-mtu) (O(probes[].mtu) is more than the source's own device carries),
          V(fragmentation-needed) (a hop says that the packet is too big), V(black-hole) (bigger packets vanish),
          V(unknown-mtu) (no size could be told) and V(loss) (some packets were lost).
        - With V(budget) the time was over before all was known.
      returned: always
      type: str
      sample: prohibited
counters:
  description:
    - How many packets each device of O(counters) carried during the probes, and whatever else used it. V(null) for a
      device that is not there or was made anew.
  returned: always
  type: dict
  sample: {"flannel.1": {"rx_packets": 8, "tx_packets": 8}}
waited:
  description: How long the probes took, in seconds.
  returned: always
  type: float
  sample: 0.216
gaps:
  description: What could not be found out, and why.
  returned: always
  type: list
  elements: dict
  sample: [{"what": "counters of flannel.1", "reason": "there is no such device, or it cannot be read"}]
problems:
  description: Everything that is wrong with the options, one text each.
  returned: when the probes cannot be sent
  type: list
  elements: str
  sample: ["probe 7: port 0 is not between 1 and 65535"]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._node._probe_module import probe_argument_spec, run_probe


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=probe_argument_spec(), supports_check_mode=True)
    run_probe(module)


if __name__ == "__main__":
    main()
