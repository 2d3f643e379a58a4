# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seed's cluster as node_network_info sees it, for tests: three nodes on 192.168.0.0/21, docker0 on each."""

from __future__ import annotations

import copy

from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import build_intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import endpoint, observed_node
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import resolve

SETTINGS = {"CLUSTER_CIDR": "172.50.0.0/16", "SERVICE_CIDR": "10.68.0.0/16"}
NODES = {
    "192.168.7.101": "172.50.0.0/24",
    "192.168.7.110": "172.50.2.0/24",
    "192.168.7.111": "172.50.1.0/24",
}
"""Internal address and podCIDR of each of the seed's nodes."""

_FACTS = {
    "kernel": {
        "release": "6.1.0-18-amd64",
        "features": dict.fromkeys(("vxlan", "br_netfilter", "ipip", "wireguard", "tun"), "loaded"),
        "tun_device": True,
    },
    "links": [
        {"name": "lo", "index": 1, "kind": None, "mtu": 65536, "state": "up"},
        {"name": "eth0", "index": 2, "kind": None, "mtu": 1500, "state": "up"},
        {"name": "docker0", "index": 3, "kind": "bridge", "mtu": 1500, "state": "down"},
    ],
    "addresses": [
        {"dev": "lo", "family": "inet", "address": "127.0.0.1", "prefixlen": 8, "scope": "host"},
        {"dev": "docker0", "family": "inet", "address": "172.17.0.1", "prefixlen": 16, "scope": "global"},
    ],
    "routes": [
        {"dst": "0.0.0.0/0", "gateway": "192.168.0.254", "dev": "eth0", "protocol": "boot", "family": "inet"},
        {"dst": "::/0", "gateway": "fe80::1", "dev": "eth0", "protocol": "ra", "family": "inet6"},
        {"dst": "172.17.0.0/16", "gateway": None, "dev": "docker0", "protocol": "kernel", "family": "inet"},
    ],
    "cni": {
        "conf_dir": "/etc/cni/net.d",
        "bin_dir": "/opt/cni/bin",
        "configs": [],
        "binaries": ["bridge", "host-local", "loopback"],
        "search": {"/usr/lib/cni": ["portmap"]},
    },
    "filters": {"kube_proxy_mode": "iptables"},
}


def facts(address, prefixlen=21, **changes):
    """The facts of one node with that address on eth0; ``changes`` replaces whole sections."""
    node = copy.deepcopy(_FACTS)
    node["hostname"] = address
    node["addresses"].append(
        {"dev": "eth0", "family": "inet", "address": address, "prefixlen": prefixlen, "scope": "global"}
    )
    node.update(changes)
    return node


def node(name, pod_cidrs=None, prefixlen=21, change=None, **details):
    """One observed node; ``change`` edits its facts in place."""
    raw = facts(name, prefixlen)
    if change:
        change(raw)
    cidrs = [NODES[name]] if pod_cidrs is None else pod_cidrs
    return observed_node(name, name, raw, pod_cidrs=cidrs, internal_ips=[name], **details)


def cluster(change=None, **details):
    """The seed's three nodes; ``change`` edits the facts of each."""
    return [node(name, change=change, **details) for name in NODES]


def intent(**settings):
    """The intent of the seed's inventory with some settings changed; refuses a wrong one."""
    values, problems = resolve({**SETTINGS, **settings})
    made, contradictions = build_intent(values)
    assert made is not None
    assert [str(problem) for problem in problems + contradictions] == []
    return made


def endpoints(wanted, nodes):
    """The nodes as their peers see them, by name."""
    return {item.name: endpoint(item, wanted) for item in nodes}
