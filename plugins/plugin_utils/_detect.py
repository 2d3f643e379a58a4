# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pod network a cluster runs, told as the settings with which an inventory would declare it.

Used where nobody has declared one: what is in force, from flannel's or Calico's own configuration, completed by what
the nodes show (k3s keeps flannel's configuration in a file; DirectRouting can only be seen in routes).
"""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass

from ansible_collections.switchyard.cni.plugins.module_utils._backends import find, running
from ansible_collections.switchyard.cni.plugins.module_utils._model import NodeFacts, Running
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Calico, Cluster, FlannelConfig, Pool
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import Problem
from ansible_collections.switchyard.cni.plugins.plugin_utils._subnets import spanning

Settings = dict[str, t.Any]
_WIDEST = {4: 8, 6: 16}
DESCRIBED = frozenset(
    ["network_plugin", "network_pod_cidr", "flannel_pod_cidr", "calico_pod_cidr"]
    + ["flannel_backend", "flannel_direct_routing", "flannel_vni", "flannel_port"]
    + ["flannel_mtu", "flannel_learning", "flannel_nftables", "flannel_ip_masq"]
    + ["flannel_wireguard_mode", "flannel_wireguard_keepalive"]
    + ["calico_ipip_mode", "calico_vxlan_mode", "calico_networking_backend"]
    + ["calico_vxlan_vni", "calico_vxlan_port", "calico_mtu", "calico_route_reflectors"]
    + ["calico_wireguard"]
)
"""The settings that together say which pod network there is, and nothing of how to reach it."""


@dataclass(frozen=True)
class Detected:
    """The settings that describe what runs; ``signs`` say by what it was told."""

    settings: Settings
    signs: tuple[str, ...]


def detect(
    cluster: Cluster, nodes: t.Sequence[ObservedNode], plugin: str | None = None
) -> tuple[Detected | None, list[Problem]]:
    """What a cluster runs, or why that cannot be told; ``plugin`` is the one to look at where there are two."""
    facts = [node.facts for node in nodes if node.facts is not None]
    found = [one for one in map(_runs, facts) if one is not None]
    plugin = plugin or _plugin(cluster, found)
    if plugin is None:
        reason = "no node runs a network plugin that is known here, and the API server knows of none"
        return None, [Problem("network_plugin", None, reason, "Declare network_plugin and network_pod_cidr")]
    mine = [one for one in found if one.plugin == plugin]
    settings, problem = _DETECTORS[plugin](cluster, facts, mine)
    if problem is not None:
        return None, [problem]
    return Detected({"network_plugin": plugin, **settings}, _signs(mine)), []


def deployed(cluster: Cluster) -> tuple[str, ...]:
    """The plugins whose agents the cluster runs, or is to run."""
    return tuple(dict.fromkeys(one.agent for one in cluster.daemonsets if one.agent in _DETECTORS))


def pod_networks(cluster: Cluster) -> tuple[str, ...]:
    """The pods' networks as far as the API server tells them, so that a node can sort its routes by them."""
    conf = _net_conf(cluster)
    if conf is not None:
        return tuple(filter(None, str(_declared_in(conf)["network_pod_cidr"]).split(",")))
    pools = tuple(pool.cidr for pool in cluster.calico.pools) if cluster.calico else ()
    return pools or _around(cidr for member in cluster.members.values() for cidr in member.pod_cidrs)


def _around(cidrs: t.Iterable[str]) -> tuple[str, ...]:
    """The smallest network of each family that holds all of some; none where they lie so far apart as to say nothing.

    k3s tells nobody its pod network, but every Node has its podCIDR out of it.
    """
    families: dict[bool, list[str]] = {}
    for cidr in cidrs:
        families.setdefault(":" in cidr, []).append(cidr)
    found = [spanning(group) for dummy, group in sorted(families.items())]
    return tuple(str(one) for one in found if one.prefixlen >= _WIDEST[one.version])


def _runs(facts: NodeFacts) -> Running | None:
    """What a node says it runs: it has judged by all its routes, of which it may have sent none."""
    return facts.running if facts.told("running") else running(facts)


def _plugin(cluster: Cluster, found: t.Sequence[Running]) -> str | None:
    """What most nodes run; without any node, what has a DaemonSet."""
    if found:
        return Counter(one.plugin for one in found).most_common(1)[0][0]
    return next((one.agent for one in cluster.daemonsets if one.agent in _DETECTORS), None)


def _signs(found: t.Sequence[Running]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sign for one in found for sign in one.signs))


_Made = tuple[Settings, Problem | None]


def _flannel(cluster: Cluster, facts: t.Sequence[NodeFacts], found: t.Sequence[Running]) -> _Made:
    conf = _net_conf(cluster)
    settings = _declared_in(conf) if conf else _seen_on_nodes(facts, found)
    if not settings.get("network_pod_cidr"):
        reason = "flannel's configuration was not found, and no node has a readable /run/flannel/subnet.env"
        return {}, Problem("network_pod_cidr", None, reason, "Declare network_pod_cidr")
    settings["network_service_cidr"] = ",".join(cluster.service_cidrs)
    lengths = {
        cidr.partition("/")[2] for member in cluster.members.values() for cidr in member.pod_cidrs if ":" not in cidr
    }
    if len(lengths) == 1:
        settings["network_node_prefix"] = int(lengths.pop())
    masquerade = {one.subnet_env.get("FLANNEL_IPMASQ") for one in facts if one.subnet_env}
    if masquerade == {"false"}:
        settings["flannel_ip_masq"] = False
    return {name: value for name, value in settings.items() if value not in (None, "")}, None


def _net_conf(cluster: Cluster) -> t.Mapping[str, t.Any] | None:
    """flannel's net-conf.json; where there are several, that of the namespace in which flannel runs."""
    homes = {one.namespace for one in cluster.daemonsets if one.agent == "flannel"}
    usable: list[FlannelConfig] = [one for one in cluster.flannel if one.net_conf is not None]
    usable.sort(key=lambda one: one.namespace not in homes)
    return usable[0].net_conf if usable else None


def _declared_in(conf: t.Mapping[str, t.Any]) -> Settings:
    """Keys as in flannel's Documentation/configuration.md; Go reads them in any case (encoding/json)."""
    outer, backend = _lower(conf), _lower(conf.get("Backend") or {})
    # parseBackendType in pkg/subnet/config.go: without a backend it is udp.
    type_name = str(backend.get("type") or "udp").lower()
    port = backend.get("port") or backend.get("listenport")
    cidrs = [outer.get(key) for key in ("network", "ipv6network") if outer.get(key)]
    return {
        "network_pod_cidr": ",".join(str(cidr) for cidr in cidrs if _enabled(outer, str(cidr))),
        "flannel_backend": type_name,
        "flannel_direct_routing": bool(backend.get("directrouting")) if type_name in ("vxlan", "ipip") else False,
        "flannel_vni": backend.get("vni") or None,
        "flannel_port": port or None,
        "flannel_mtu": backend.get("mtu") or None,
        "flannel_learning": bool(backend.get("learning")),
        "flannel_nftables": "true" if outer.get("enablenftables") else "false",
        "flannel_wireguard_keepalive": backend.get("persistentkeepaliveinterval") or None,
        "flannel_wireguard_mode": str(backend.get("mode") or "") or None,
    }


def _enabled(conf: t.Mapping[str, t.Any], cidr: str) -> bool:
    """IPv4 is on and IPv6 is off unless the configuration says otherwise."""
    return bool(conf.get("enableipv6")) if ":" in cidr else conf.get("enableipv4") is not False


def _lower(conf: t.Any) -> dict[str, t.Any]:
    return {str(key).lower(): value for key, value in conf.items()} if isinstance(conf, t.Mapping) else {}


def _seen_on_nodes(facts: t.Sequence[NodeFacts], found: t.Sequence[Running]) -> Settings:
    """Where the agent has its configuration in a file of its own, as in k3s."""
    env = next((one.subnet_env for one in facts if one.subnet_env), {})
    cidrs = [env.get(key) for key in ("FLANNEL_NETWORK", "FLANNEL_IPV6_NETWORK") if env.get(key)]
    if not found:
        return {"network_pod_cidr": ",".join(map(str, cidrs))}
    chosen = Counter((one.type, one.direct_routing) for one in found).most_common(1)[0][0]
    backend = find("flannel", *chosen)
    tunnels = [link.vxlan for one in facts for link in one.links if link.vxlan and backend.traces.has_device(link.name)]
    return {
        "network_pod_cidr": ",".join(map(str, cidrs)),
        "flannel_backend": backend.type,
        "flannel_direct_routing": backend.direct_routing,
        "flannel_vni": tunnels[0].vni if tunnels else None,
        "flannel_port": tunnels[0].port if tunnels else None,
        "flannel_learning": bool(tunnels and tunnels[0].learning),
    }


def _calico(cluster: Cluster, facts: t.Sequence[NodeFacts], found: t.Sequence[Running]) -> _Made:
    calico = cluster.calico
    pools = [pool for pool in calico.pools if _for_pods(pool)] if calico else []
    if calico is None or not pools:
        reason = "Calico runs, and the API server shows no IPPool for pods (does it keep them in etcd?)"
        return {}, Problem("network_pod_cidr", None, reason, "Declare network_pod_cidr and calico_ipip_mode")
    main = pools[0]
    # One network a family: further pools are seen, and not judged.
    cidrs = {(":" in pool.cidr): pool.cidr for pool in reversed(pools)}
    settings: Settings = {
        "network_pod_cidr": ",".join(cidrs[six] for six in sorted(cidrs)),
        "network_service_cidr": ",".join(cluster.service_cidrs),
        "calico_ipip_mode": main.ipip_mode,
        "calico_vxlan_mode": main.vxlan_mode,
        "calico_networking_backend": calico.backend,
        "calico_vxlan_vni": calico.felix.get("vxlan_vni"),
        "calico_vxlan_port": calico.felix.get("vxlan_port"),
        "calico_mtu": calico.veth_mtu,
        "calico_wireguard": calico.felix.get("wireguard_enabled"),
        "calico_route_reflectors": _reflectors(cluster, calico),
    }
    return {name: value for name, value in settings.items() if value not in (None, "")}, None


def _reflectors(cluster: Cluster, calico: Calico) -> list[str] | None:
    """The Nodes that reflect routes; None for a mesh, and for a single one, which nobody may declare."""
    backend = find("calico", "none")
    found = [name for name, one in cluster.members.items() if backend.announced(one.notes).reflector]
    return found if len(found) > 1 and not calico.mesh else None


def _for_pods(pool: Pool) -> bool:
    return not pool.disabled and "Workload" in pool.allowed_uses


_DETECTORS: dict[str, t.Callable[[Cluster, t.Sequence[NodeFacts], t.Sequence[Running]], _Made]] = {
    "flannel": _flannel,
    "calico": _calico,
}
