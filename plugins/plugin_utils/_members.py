# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The members of a cluster whose pod network Kubernetes knows nothing of: flannel with etcd as its subnet manager.

Nobody tells what a node has announced, so what its peers must know of it is read on the node itself.
"""

from __future__ import annotations

import ipaddress
import json
import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._backends._flannel import PREFIX
from ansible_collections.switchyard.cni.plugins.module_utils._model import NodeFacts
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster, Member
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode, underlay

_DATA = {4: "backend-data", 6: "backend-v6-data"}


def cluster_of_nodes(intent: Intent, nodes: t.Iterable[ObservedNode]) -> Cluster:
    """The cluster that its nodes make up; a node that was not read is no member."""
    members = [member for node in nodes for member in _member(intent, node)]
    return Cluster(members={member.name: member for member in members})


def _member(intent: Intent, node: ObservedNode) -> t.Iterator[Member]:
    device = underlay(node, intent)
    if node.facts is None or device is None:
        return
    addresses = tuple(filter(None, (device.address(version) for version in intent.versions)))
    yield Member(
        name=node.name,
        pod_cidrs=tuple(_subnets(node.facts)),
        internal_ips=addresses,
        notes=_notes(intent, node.facts, (node.public_ip,) if node.public_ip else addresses),
    )


def _subnets(facts: NodeFacts) -> t.Iterator[str]:
    """FLANNEL_SUBNET holds the bridge's address: 172.50.1.1/24 stands for 172.50.1.0/24."""
    for key in ("FLANNEL_SUBNET", "FLANNEL_IPV6_SUBNET"):
        value = (facts.subnet_env or {}).get(key)
        if value:
            yield str(ipaddress.ip_interface(value).network)


def _notes(intent: Intent, facts: NodeFacts, addresses: t.Iterable[str]) -> dict[str, str]:
    """What flanneld would have written on a Node."""
    notes = {f"{PREFIX}backend-type": intent.backend.announced_type or ""}
    for address in addresses:
        notes[PREFIX + ("public-ipv6" if ":" in address else "public-ip")] = address
    devices = zip(intent.versions, intent.backend.devices(intent), strict=False)
    for version, dev in devices:
        link = facts.link(dev)
        if link is not None and link.mac:
            notes[PREFIX + _DATA[version]] = json.dumps({"VtepMAC": link.mac})
    return notes
