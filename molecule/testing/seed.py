# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the original cluster, as expectations. Nothing here comes from the collection's own code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

POD_NETWORK = IPv4Network("172.50.0.0/16")
SERVICE_NETWORK = IPv4Network("10.68.0.0/16")


@dataclass(frozen=True)
class Node:
    """A node: its name, its address, and the pod subnet it has when Kubernetes gives out the subnets."""

    name: str
    address: str
    pod_cidr: IPv4Network


# Set by the scenarios whose nodes are virtual machines.
VIRTUAL = os.environ.get("SWITCHYARD_LAB") == "lab_vm"
_CONTAINERS = (
    Node("k8s-master1", "192.168.7.101", IPv4Network("172.50.0.0/24")),
    Node("k8s-node1", "192.168.7.110", IPv4Network("172.50.2.0/24")),
    Node("k8s-node2", "192.168.7.111", IPv4Network("172.50.1.0/24")),
)
# The original cluster's workers, under other names and addresses.
_MACHINES = (
    Node("k8s-vm1", "192.168.7.120", IPv4Network("172.50.2.0/24")),
    Node("k8s-vm2", "192.168.7.121", IPv4Network("172.50.1.0/24")),
)
NODES = {node.name: node for node in (_MACHINES if VIRTUAL else _CONTAINERS)}
_SSH_CONFIG = Path(__file__).resolve().parents[2] / ".lab" / "vm" / "ssh_config"
# For testinfra: Docker and ssh enter a node without Ansible, which is what is being tested.
HOSTS = [f"ssh://{name}?ssh_config={_SSH_CONFIG}&sudo=true" if VIRTUAL else f"docker://{name}" for name in NODES]

Subnets = Mapping[str, IPv4Network]


@dataclass(frozen=True)
class Route:
    """A row of `route -n`, with what only `ip route` tells."""

    destination: str
    gateway: str | None
    device: str
    onlink: bool = False


@dataclass(frozen=True)
class Mode:
    """What one way to carry packets looks like on a node."""

    # Links that flanneld makes.
    devices: tuple[str, ...]
    # MTU in the pods, in bytes; the lab's NICs have 1500.
    mtu: int
    # Between two nodes: "tunnel" to the peer's VTEP, "node" to the peer itself, "flanneld" for the whole network.
    carrier: str
    privileged: bool = False
    in_etcd: bool = False
    backend: str = "vxlan"

    def routes(self, node: str, subnets: Subnets) -> set[Route]:
        """Return every route of a node into the pod network."""
        own = {Route(str(subnets[node]), None, "cni0")}
        if self.carrier == "flanneld":
            return own | {Route(str(POD_NETWORK), None, self.devices[0])}
        return own | {self._to(peer, subnets[peer]) for peer in subnets if peer != node}

    def _to(self, peer: str, subnet: IPv4Network) -> Route:
        if self.carrier == "tunnel":
            return Route(str(subnet), str(subnet.network_address), self.devices[0], onlink=True)
        return Route(str(subnet), NODES[peer].address, "eth0")

    def hops(self, source: str, destination: str, pod: str, subnets: Subnets) -> list[str]:
        """Return what traceroute shows from a pod on one node to a pod on another one."""
        gateway = str(subnets[source][1])
        if self.carrier == "flanneld":
            # The flanneld at each end takes one off the TTL too, and drops what has expired without a word
            # (pkg/backend/udp/proxy_amd64.c).
            return [gateway, "*", "*", str(subnets[destination].network_address), pod]
        entry = self._to(destination, subnets[destination]).gateway
        return [gateway, str(entry), pod]


# By the name of the scenario.
MODES = {
    "flannel_vxlan": Mode(("flannel.1",), 1450, "tunnel"),
    "flannel_directrouting": Mode(("flannel.1",), 1450, "node"),
    "flannel_hostgw": Mode((), 1500, "node", backend="host-gw"),
    "flannel_udp": Mode(("flannel0",), 1472, "flanneld", privileged=True, backend="udp"),
    "flannel_etcd": Mode(("flannel.1",), 1450, "tunnel", in_etcd=True),
}


def subnet_env(mode: Mode, subnet: IPv4Network) -> dict[str, str]:
    """Return the lines of /run/flannel/subnet.env on the node with this subnet."""
    return {
        "FLANNEL_NETWORK": str(POD_NETWORK),
        "FLANNEL_SUBNET": f"{subnet[1]}/{subnet.prefixlen}",
        "FLANNEL_MTU": str(mode.mtu),
        "FLANNEL_IPMASQ": "true",
    }


def delegate(mode: Mode, subnet: IPv4Network) -> dict[str, object]:
    """Return what flannel's CNI plugin hands to the bridge plugin, as kept in /var/lib/cni/flannel/<container>."""
    return {
        "name": "cbr0",
        "type": "bridge",
        "mtu": mode.mtu,
        "hairpinMode": True,
        "ipMasq": False,
        "isGateway": True,
        "isDefaultGateway": True,
        # A plugin of today writes `ranges` where the original cluster's wrote `subnet`.
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": str(subnet)}]],
            "routes": [{"dst": str(POD_NETWORK)}],
        },
    }
