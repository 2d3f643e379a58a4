# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/findings/README.md from the checks, and the parts of each finding's page that the code knows.

A page is written by hand, except for its title, its severity, and the sample of what the report says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._finding import Check

SECTIONS = ("What it means", "In the report", "Look", "Causes", "Cure", "See also", "Sources")
"""The headings of every page, in their order."""

INTRODUCTION = """\
# Findings

<!-- The tables are written by `make docs` from the checks; a unit test compares them. -->

[verify.yml](../verifying.md) says what is wrong as findings. Each one has an id, and each id has a page here: what
happens to packets, how to look at it on a node, the causes and how to tell them apart, and the cure.

| severity | what it says | what to do |
|---|---|---|
| error | Packets are lost, or will be for some pods. | Now. |
| warning | It works today, and breaks with the next change, restart or leak. | Plan it. |
| info | Worth knowing; nothing is lost. | When it suits. |

The report shows causes before what follows from them: topics are in the order of the tables below. Start with the first
finding; the others often go away with it. Then verify again.

## Restart an agent on one node

Many cures end here. The kernel keeps devices and routes while the agent restarts, so packets flow on; only flannel's
`wireguard` (its device is made anew) and `udp` (flanneld carries the packets) pause for some seconds.

| network | command |
|---|---|
| flannel | `kubectl -n kube-flannel delete pod -l app=flannel --field-selector spec.nodeName=k8s-node1` |
| flannel of kubeasz | the same with `-n kube-system` |
| flannel with etcd | on the node: `systemctl restart flanneld` |
| k3s, rke2 | on the node: `systemctl restart k3s`, `k3s-agent`, `rke2-server` or `rke2-agent` |
| Calico | `kubectl -n kube-system delete pod -l k8s-app=calico-node --field-selector spec.nodeName=k8s-node1` |
| Calico by its operator | the same with `-n calico-system` |

## Before you cure

- Never delete `flannel.1` while flanneld runs and leave it at that. flanneld makes the device again and replays no
  leases: routes, neighbours and forwarding entries stay away until flanneld restarts.
- A longer prefix wins, whatever its metric: an old `/24` over `flannel.1` takes packets off WireGuard's `/16`, and
  sends them in plain text.
- That `tunl0` exists means nothing; only an address or a route on it does. Asking for it by name (`ip link show tunl0`)
  loads the module `ipip` and makes it: look with `ls /sys/class/net`.
- `ip route flush proto bird` takes Calico's blackholes along, on a node where Calico runs too.
- The variables `CALICO_IPV4POOL_*` of calico-node count only while there is no IPPool. Afterwards the IPPool itself is
  what must be changed.
- A pod's network is taken down by the CNI configuration in force at that time. A pod of the old plugin that is deleted
  after the change leaves its address reserved.
- flannel ignores the leases of peers that run another backend, and keeps the routes it had. A change of backend is done
  when every flanneld has restarted.
- An agent that was stopped for good leaves the Node's condition `NetworkUnavailable`, and new pods stay away.

Commands that start with `k8s-node1#` run as root on that node, those with `$` where kubectl works. Their output was
recorded on the cluster of `make demo` and in network namespaces with its addresses.
"""

_HEADER = "| finding | severity | what is checked |\n|---|---|---|"
_HEAD = re.compile(r"\A# .*?(?=^## )", re.DOTALL | re.MULTILINE)
_REPORT = re.compile(r"(?<=^## In the report\n\n)```\n.*?^```$", re.DOTALL | re.MULTILINE)


def findings_page(topics: Mapping[str, Iterable[Check]]) -> str:
    """Return the whole index, one table a topic, in the order in which the report shows them."""
    parts = [INTRODUCTION]
    for topic, checks in topics.items():
        rows = [f"| [{check.id}]({check.id}.md) | {check.severity} | {check.title} |" for check in checks]
        parts.append("\n".join([f"## {topic}\n\n{_HEADER}", *rows]) + "\n")
    return "\n".join(parts)


def with_facts(page: str, check: Check, topic: str, sample: str) -> str:
    """Return a page with its title, its severity, and what the report says, as the code has them."""
    anchor = topic.lower().replace(" ", "-")
    head = f"# {check.id}: {check.title}\n\n**{check.severity}** of the topic [{topic}](README.md#{anchor})\n\n"
    page = _HEAD.sub(lambda dummy: head, page, count=1)
    return _REPORT.sub(lambda dummy: f"```\n{sample}\n```", page, count=1)
