# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's own objects as they are declared: IPPools, BGP and Felix.

Source of the fields: api/pkg/apis/projectcalico/v3 and api/pkg/lib/numorstring at v3.32.1. They are written as custom
resources; the plan has checked what Calico's own client would check.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.switchyard.cni.plugins.module_utils._model import IPNetwork
from ansible_collections.switchyard.cni.plugins.plugin_utils._calico_intent import PeerIntent, PoolIntent
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Calico, Cluster, Pool
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._calico_crds import GROUP, VERSION
from ansible_collections.switchyard.cni.plugins.plugin_utils._subnets import slug

Object = dict[str, t.Any]
MANAGED = {"app.kubernetes.io/managed-by": "switchyard.cni"}
ROUTE_REFLECTOR = "switchyard.cni/route-reflector"
"""The label of the nodes that reflect routes."""

CLUSTER_ID = "projectcalico.org/RouteReflectorClusterID"
"""The annotation that makes a node a route reflector (libcalico-go, backend/k8s/resources/node.go)."""

REFLECTORS = "switchyard-route-reflectors"
"""The BGPPeer between all nodes and the route reflectors."""


def made(kind: str, name: str, spec: t.Mapping[str, t.Any]) -> Object:
    """One of Calico's objects. It has no label: whatever Calico itself writes loses those it has."""
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}


def _peer(name: str, spec: t.Mapping[str, t.Any]) -> Object:
    """A BGPPeer that is known as ours, so that it goes when it is declared no more."""
    peer = made("BGPPeer", name, spec)
    return {**peer, "metadata": {"name": name, "labels": dict(MANAGED)}}


def reference(kind: str, name: str) -> dict[str, str]:
    """How the journal names one of Calico's objects."""
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "namespace": "", "name": name}


def pools(intent: Intent, calico: Calico | None) -> tuple[PoolIntent, ...]:
    """The declared IPPools; one that is there for the same network keeps its name."""
    there = {pool.cidr: pool.name for pool in calico.pools} if calico else {}
    declared = (*intent.calico.main_pools(intent.pod_cidrs), *intent.calico.pools)
    return tuple(_named(pool, there) for pool in declared)


def leaving(intent: Intent, calico: Calico | None, networks: t.Collection[IPNetwork]) -> tuple[PoolIntent, ...]:
    """The IPPools of networks that pods leave: like the declared ones, but for what they keep for life."""
    there = {pool.cidr: pool for pool in calico.pools} if calico else {}
    found = (pool for pool in intent.calico.main_pools(networks) if str(pool.cidr) in there)
    return tuple(_as_it_is(pool, there[str(pool.cidr)]) for pool in found)


def _as_it_is(pool: PoolIntent, there: Pool) -> PoolIntent:
    size = there.block_size or pool.block_size
    return replace(pool, name=there.name, block_size=size, disabled=there.disabled)


def disabled(pools: t.Iterable[PoolIntent]) -> tuple[PoolIntent, ...]:
    """IPPools that give out no address any more."""
    return tuple(replace(pool, disabled=True) for pool in pools)


def _named(pool: PoolIntent, there: t.Mapping[str, str]) -> PoolIntent:
    """Under its own name; one that an IPPool of another network has is completed by the network."""
    name = there.get(str(pool.cidr))
    if name is None and pool.name in there.values():
        name = f"{pool.name}-{slug(pool.cidr)}"
    return replace(pool, name=name) if name else pool


def ippool(pool: PoolIntent) -> Object:
    """An IPPool for pods and tunnels."""
    return made(
        "IPPool",
        pool.name,
        {
            "cidr": str(pool.cidr),
            "blockSize": pool.block_size,
            "ipipMode": pool.ipip_mode,
            "vxlanMode": pool.vxlan_mode,
            "natOutgoing": pool.nat_outgoing,
            "nodeSelector": pool.node_selector,
            "disabled": pool.disabled,
            "allowedUses": ["Workload", "Tunnel"],
            "assignmentMode": "Automatic",
        },
    )


def felix(intent: Intent, nftables: bool) -> Object:
    """What all Felixes read; the encapsulation is not named, so that it follows from the IPPools."""
    calico, options = intent.calico, intent.calico.options
    spec: dict[str, t.Any] = {
        "defaultEndpointToHostAction": "Accept",
        "ipv6Support": 6 in intent.versions,
        "nftablesMode": "Enabled" if nftables else "Disabled",
        "vxlanVNI": options.vni,
        "vxlanPort": options.port,
        "wireguardEnabled": calico.wireguard,
    }
    if 6 in intent.versions:
        spec["wireguardEnabledV6"] = calico.wireguard
    return made("FelixConfiguration", "default", spec)


def bgp(intent: Intent) -> Object:
    """AS number, mesh and what is announced of services."""
    calico = intent.calico
    spec: dict[str, t.Any] = {"asNumber": calico.as_number, "nodeToNodeMeshEnabled": not calico.route_reflectors}
    for key, cidrs in (
        ("serviceClusterIPs", calico.advertise_cluster_ips),
        ("serviceExternalIPs", calico.advertise_external_ips),
        ("serviceLoadBalancerIPs", calico.advertise_load_balancer_ips),
    ):
        if cidrs:
            spec[key] = [{"cidr": str(cidr)} for cidr in cidrs]
    return made("BGPConfiguration", "default", spec)


def peers(intent: Intent) -> list[Object]:
    """The peers outside of the cluster, and the way to the route reflectors where there are some."""
    found = [_outside(peer) for peer in intent.calico.bgp_peers]
    if intent.calico.route_reflectors:
        spec = {"nodeSelector": "all()", "peerSelector": f"has({ROUTE_REFLECTOR})"}
        found.append(_peer(REFLECTORS, spec))
    return found


def _outside(peer: PeerIntent) -> Object:
    spec: dict[str, t.Any] = {"peerIP": peer.address, "asNumber": peer.as_number}
    if peer.node:
        spec["node"] = peer.node
    if peer.node_selector:
        spec["nodeSelector"] = peer.node_selector
    if peer.password_secret:
        name, key = peer.password_secret
        spec["password"] = {"secretKeyRef": {"name": name, "key": key}}
    return _peer(peer.name, spec)


def marks(intent: Intent, nodes: t.Iterable[ObservedNode], cluster: Cluster | None) -> list[Object]:
    """The Nodes that reflect routes, with label and cluster ID, and without them those that do so no more.

    What a Node object does not name, server-side apply takes back.
    """
    chosen = set(intent.calico.route_reflectors)
    members = cluster.members if cluster else {}
    found = []
    for node in nodes:
        member = members.get(node.name)
        if chosen & {node.name, node.host}:
            notes = {CLUSTER_ID: intent.calico.route_reflector_cluster_id}
            found.append(_node(node.name, {"labels": {ROUTE_REFLECTOR: "true"}, "annotations": notes}))
        elif member is not None and CLUSTER_ID in member.notes:
            found.append(_node(node.name, {}))
    return found


def _node(name: str, metadata: t.Mapping[str, t.Any]) -> Object:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, **metadata}}


def superseded(intent: Intent, cluster: Cluster | None) -> list[dict[str, str]]:
    """BGP peers that this collection has made and that are no longer declared."""
    calico = cluster.calico if cluster else None
    declared = {peer["metadata"]["name"] for peer in peers(intent)}
    ours = (peer.name for peer in (calico.peers if calico else ()) if peer.managed)
    return [reference("BGPPeer", name) for name in ours if name not in declared]
