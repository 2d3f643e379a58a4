# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes as observed, and how the agent on each of them will see its peers.

This file is private to the collection.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass
from functools import cached_property

from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import (
    Endpoint,
    Lookup,
    Underlay,
    endpoint_table,
    networks,
)
from ansible_collections.switchyard.cni.plugins.module_utils._model import IPNetwork, NodeFacts, Route
from ansible_collections.switchyard.cni.plugins.plugin_utils import _calico_device
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent


@dataclass(frozen=True)
class ObservedNode:
    """One node: its Kubernetes name, its inventory host, and what was read from both.

    ``facts`` is None when the host did not answer, and ``unreachable`` says why. ``registered`` is False when
    the cluster has no Node of that name, None when the cluster was not asked. ``public_ip`` is the host's
    flannel_public_ip. ``asked`` is False for a host that this run has left out.
    """

    name: str
    host: str
    facts: NodeFacts | None = None
    pod_cidrs: tuple[IPNetwork, ...] = ()
    internal_ips: tuple[str, ...] = ()
    unreachable: str | None = None
    registered: bool | None = True
    public_ip: str = ""
    asked: bool = True

    @property
    def label(self) -> str:
        """The node's name for a message; with the inventory's where that differs."""
        return self.name if self.name == self.host else f"{self.name} ({self.host})"

    @cached_property
    def default_devices(self) -> dict[int, str]:
        """The device of the default route that wins, by IP version."""
        found: dict[int, Route] = {}
        for route in self.facts.routes if self.facts else ():
            if route.dev and route.table == "main" and route.network.prefixlen == 0:
                best = found.get(route.version)
                if best is None or route.metric < best.metric:
                    found[route.version] = route
        return {version: route.dev for version, route in found.items() if route.dev}

    @property
    def kube_proxy_mode(self) -> str:
        """How kube-proxy filters on this node, ``unknown`` when it could not be seen."""
        return self.facts.kube_proxy_mode if self.facts else "unknown"


def observed_node(
    name: str,
    host: str,
    facts: t.Mapping[str, t.Any] | None = None,
    pod_cidrs: t.Iterable[str] = (),
    internal_ips: t.Iterable[str] = (),
    unreachable: str | None = None,
    registered: bool | None = True,
    public_ip: str = "",
    asked: bool = True,
) -> ObservedNode:
    """Make an observed node from the ``node`` value of node_network_info. Raises ModelError."""
    return ObservedNode(
        name=name,
        host=host,
        facts=NodeFacts.from_dict(facts) if facts is not None else None,
        pod_cidrs=networks(pod_cidrs),
        internal_ips=tuple(internal_ips),
        unreachable=unreachable,
        registered=registered,
        public_ip=public_ip,
        asked=asked,
    )


def underlay(node: ObservedNode, intent: Intent) -> Underlay | None:
    """The device that the plugin's agent will use between nodes; None when it finds none."""
    if node.facts is None:
        return None
    name = _DEVICES[intent.plugin](node, node.facts, intent)
    link = node.facts.link(name) if name else None
    if link is None:
        return None
    addresses = tuple(
        (address.address, address.prefixlen)
        for address in node.facts.addresses
        if address.dev == link.name and address.scope == "global"
    )
    return Underlay(link.name, link.mtu, addresses)


def internal_device(node: ObservedNode) -> str | None:
    """The device that holds the address by which Kubernetes knows the node."""
    if node.facts is None:
        return None
    for address in node.facts.addresses:
        if address.address in node.internal_ips:
            return address.dev
    return None


def endpoint(node: ObservedNode, intent: Intent) -> Endpoint | None:
    """The node as its peers' flanneld sees it; None without a device between the nodes or without facts."""
    device = underlay(node, intent)
    if device is None or node.facts is None:
        return None
    return Endpoint(
        name=node.name,
        pod_cidrs=node.pod_cidrs,
        underlay=device,
        public_ips=(node.public_ip,) if node.public_ip else (),
        table=endpoint_table(node.facts, intent.pod_cidrs),
    )


def _of_calico(node: ObservedNode, facts: NodeFacts, intent: Intent) -> str | None:
    """Calico's own way, for the first family of the pod network."""
    version = intent.versions[0]
    calico = intent.calico
    method = calico.ip_autodetection_method if version == 4 else calico.ip6_autodetection_method
    if method.startswith("can-reach="):
        route = _route_to(facts, method.partition("=")[2], intent)
        return route.dev if route else None
    return _calico_device.device(facts, method, version, node.internal_ips)


def _of_flannel(node: ObservedNode, facts: NodeFacts, intent: Intent) -> str | None:
    """The order is flanneld's (main.go, pkg/ipmatch/match.go): --iface, --iface-regex, --iface-can-reach, without any
    of them the device that holds --public-ip (which only flanneld without Kubernetes is given), and else the one of the
    default routes; never the one that holds the Node's InternalIP.
    """
    flannel = intent.flannel
    if flannel.iface:
        return _by_name_or_address(facts, flannel.iface)
    if flannel.iface_regex:
        return _by_pattern(facts, flannel.iface_regex, intent.versions[0])
    if flannel.iface_can_reach:
        route = _route_to(facts, flannel.iface_can_reach, intent)
        return route.dev if route else None
    if node.public_ip and not intent.kube:
        return _by_name_or_address(facts, node.public_ip)
    # With two families flanneld wants both default routes, over one device.
    devices = {node.default_devices.get(version) for version in intent.versions}
    return devices.pop() if len(devices) == 1 else None


_DEVICES: dict[str, t.Callable[[ObservedNode, NodeFacts, Intent], str | None]] = {
    "flannel": _of_flannel,
    "calico": _of_calico,
}


def _by_name_or_address(facts: NodeFacts, wanted: str) -> str | None:
    try:
        address = str(ipaddress.ip_address(wanted))
    except ValueError:
        return wanted if facts.link(wanted) else None
    return next((item.dev for item in facts.addresses if item.address == address), None)


def _by_pattern(facts: NodeFacts, pattern: str, version: int) -> str | None:
    """flanneld tries the addresses of every device first, then the names, in the kernel's order."""
    try:
        expression = re.compile(pattern)
    except re.error:
        return None
    links = sorted(facts.links, key=lambda link: link.ifindex)
    candidates = [
        (address.address, link.name)
        for link in links
        for address in facts.addresses
        if address.dev == link.name and address.version == version and address.scope != "host"
    ]
    candidates += [(link.name, link.name) for link in links]
    return next((dev for text, dev in candidates if expression.search(text)), None)


def _route_to(facts: NodeFacts, address: str, intent: Intent) -> Route | None:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return None
    table = endpoint_table(facts, intent.pod_cidrs)
    return Lookup(Endpoint("", (), Underlay("", 0), table=table)).route(address)


def uses_nftables(intent: Intent, nodes: t.Iterable[ObservedNode]) -> bool:
    """Whether flannel shall filter with nftables: as the operator says, else where kube-proxy's rules are."""
    if intent.nftables is not None:
        return intent.nftables
    return any(node.kube_proxy_mode == "nftables" for node in nodes)
