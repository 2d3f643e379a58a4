# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One node as a whole."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.switchyard.cni.plugins.module_utils._ip import IPNetwork, ip_network
from ansible_collections.switchyard.cni.plugins.module_utils._model import _agents, _filters, _links, _pods, _routes

DAMAGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a value of another type or form than the module promises leads to."""


class ModelError(ValueError):
    """A node's answer does not have the promised shape; the message names the field."""


class FileFact(t.NamedTuple):
    """A file's content as its SHA-256, and its mode in octal digits."""

    sha256: str
    mode: str


class Gap(t.NamedTuple):
    """Something that could not be read, and why."""

    what: str
    reason: str

    def __str__(self) -> str:
        return "%s: %s" % (self.what, self.reason)


@dataclass(frozen=True)
class NodeFacts:
    """One node as switchyard.cni.node_network_info saw it. What was not gathered is empty; see ``told``."""

    hostname: str = ""
    kernel_release: str = ""
    kernel_features: t.Mapping[str, str] = field(default_factory=dict)
    tun_device: t.Optional[bool] = None
    links: t.Tuple[_links.Link, ...] = ()
    addresses: t.Tuple[_links.Address, ...] = ()
    routes: t.Tuple[_routes.Route, ...] = ()
    rules: t.Tuple[_routes.Rule, ...] = ()
    neighbours: t.Tuple[_routes.Neighbour, ...] = ()
    fdb: t.Tuple[_routes.FdbEntry, ...] = ()
    digested: t.Tuple[_routes.Digested, ...] = ()
    sysctls: t.Mapping[str, str] = field(default_factory=dict)
    cni: t.Optional[_pods.Cni] = None
    subnet_env: t.Optional[t.Mapping[str, str]] = None
    files: t.Mapping[str, t.Optional[FileFact]] = field(default_factory=dict)
    network_manager: bool = False
    kube_proxy_mode: str = "unknown"
    kube_proxy_local_cidrs: t.Tuple[IPNetwork, ...] = ()
    pods: t.Tuple[_pods.Pod, ...] = ()
    leases: t.Tuple[_pods.Lease, ...] = ()
    cni_cache: t.Tuple[str, ...] = ()
    chains: t.Tuple[_filters.Chain, ...] = ()
    filter_tables: t.Tuple[_filters.FilterTable, ...] = ()
    filter_counts: t.Mapping[str, int] = field(default_factory=dict)
    ipsets: t.Tuple[_filters.IpSet, ...] = ()
    listeners: t.Tuple[_filters.Listener, ...] = ()
    birds: t.Tuple[_agents.Bird, ...] = ()
    wireguard: t.Tuple[_agents.Wireguard, ...] = ()
    agents: t.Tuple[_agents.Agent, ...] = ()
    running: t.Optional[_agents.Running] = None
    runtime: _agents.Runtime = field(default_factory=_agents.Runtime)
    gaps: t.Tuple[Gap, ...] = ()
    source: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False, compare=False)
    """The dictionary that was parsed."""

    def link(self, name: str) -> t.Optional[_links.Link]:
        """The link of that name, if the node has it."""
        for link in self.links:
            if link.name == name:
                return link
        return None

    def told(self, *sections: str) -> bool:
        """Whether these sections of the module's result were gathered; what is empty then, the node really lacks."""
        return all(map(self.source.__contains__, sections))

    @classmethod
    def from_dict(cls, node: t.Mapping[str, t.Any]) -> NodeFacts:
        """Parse the ``node`` value of a module result. Raises ModelError when a value cannot be read."""
        try:
            return _parse_node(node)
        except DAMAGE as exc:
            raise ModelError(
                "the facts of the node %s cannot be read: %s: %s" % (node.get("hostname", "?"), type(exc).__name__, exc)
            ) from exc


def _parse_node(node: t.Mapping[str, t.Any]) -> NodeFacts:
    kernel = node.get("kernel") or {}
    cni, firewall = node.get("cni"), node.get("firewall") or {}
    return NodeFacts(
        hostname=node.get("hostname") or "",
        kernel_release=kernel.get("release") or "",
        kernel_features=dict(kernel.get("features") or {}),
        tun_device=kernel.get("tun_device"),
        links=_each(node, "links", _links.parse_link),
        addresses=_each(node, "addresses", _links.parse_address),
        routes=_each(node, "routes", _routes.parse_route),
        rules=_each(node, "rules", _routes.parse_rule),
        neighbours=_each(node, "neighbours", _routes.parse_neighbour),
        fdb=_each(node, "fdb", _routes.parse_fdb),
        digested=_each(node, "truncated", _routes.parse_digested),
        sysctls=dict(node.get("sysctls") or {}),
        cni=_pods.parse_cni(cni) if cni else None,
        subnet_env=node.get("subnet_env"),
        files={
            path: FileFact(item["sha256"], item["mode"]) if item else None
            for path, item in (node.get("files") or {}).items()
        },
        network_manager=bool(node.get("network_manager")),
        kube_proxy_mode=(node.get("filters") or {}).get("kube_proxy_mode") or "unknown",
        kube_proxy_local_cidrs=tuple(map(ip_network, (node.get("filters") or {}).get("kube_proxy_local_cidrs") or ())),
        pods=_each(node, "pods", _pods.parse_pod),
        leases=_pods.parse_leases(node.get("leases") or {}),
        cni_cache=tuple(node.get("cni_cache") or ()),
        chains=_each(firewall, "chains", _filters.parse_chain),
        filter_tables=_each(firewall, "tables", _filters.parse_filter_table),
        filter_counts=dict(firewall.get("counts") or {}),
        ipsets=_each(node, "ipsets", _filters.parse_ipset),
        listeners=_each(node, "listeners", _filters.parse_listener),
        birds=_each(node, "bird", _agents.parse_bird),
        wireguard=tuple(_agents.parse_wireguard(*pair) for pair in (node.get("wireguard") or {}).items()),
        agents=_each(node, "agents", _agents.parse_agent),
        running=_agents.parse_running(node["running"]) if node.get("running") else None,
        runtime=_agents.parse_runtime(node.get("runtime") or {}),
        gaps=_each(node, "gaps", lambda item: Gap(item["what"], item["reason"])),
        source=node,
    )


Parsed = t.TypeVar("Parsed")


def _each(
    source: t.Mapping[str, t.Any], key: str, parse: t.Callable[[t.Mapping[str, t.Any]], Parsed]
) -> t.Tuple[Parsed, ...]:
    items = source.get(key)
    return tuple([parse(item) for item in items]) if items else ()
