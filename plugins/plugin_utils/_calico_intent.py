# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Calico shall run, as one typed value, and what contradicts itself in it.

Sources: Calico's reference of IPPool, BGPPeer and BGPConfiguration (api/pkg/apis/projectcalico/v3), and the checks of
its own client (libcalico-go/lib/clientv3/ippool.go), which a raw custom resource does not pass through.
This file is private to the collection.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass, fields

from ansible_collections.switchyard.cni.plugins.module_utils._backends._base import BackendOptions
from ansible_collections.switchyard.cni.plugins.module_utils._model import IPNetwork, ip_network
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import Problem
from ansible_collections.switchyard.cni.plugins.plugin_utils._setting import FALSE, TRUE
from ansible_collections.switchyard.cni.plugins.plugin_utils._subnets import capacity, overlap

if t.TYPE_CHECKING:
    from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent

Values = t.Mapping[str, t.Any]
NEVER, ALWAYS, CROSS_SUBNET = "Never", "Always", "CrossSubnet"
_MODES = (ALWAYS, CROSS_SUBNET, NEVER)
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
_BLOCK_SIZES = {4: range(20, 33), 6: range(116, 129)}
"""Prefix lengths that a block may have (validator/v3, validateIPPoolSpec)."""

_METHODS = ("first-found", "kubernetes-internal-ip", "can-reach=", "interface=", "skip-interface=", "cidr=")


@dataclass(frozen=True)
class PoolIntent:
    """One IPPool; ``cidr`` is a network, ``block_size`` the prefix length of its blocks."""

    name: str
    cidr: IPNetwork
    ipip_mode: str = NEVER
    vxlan_mode: str = NEVER
    block_size: int = 26
    nat_outgoing: bool = True
    node_selector: str = "all()"
    disabled: bool = False


@dataclass(frozen=True)
class PeerIntent:
    """One BGP peer outside of the cluster; ``password_secret`` is the name and the key of a Secret."""

    name: str
    address: str
    as_number: int
    node: str = ""
    node_selector: str = ""
    password_secret: tuple[str, str] | None = None


@dataclass(frozen=True)
class CalicoIntent:
    """How Calico shall run; the fields are the settings calico_*, unset texts are empty.

    ``options.mtu`` (bytes) is the pods' own; ``nftables`` and ``typha`` are ``auto``, ``true`` or ``false``;
    ``probe_timeout`` and ``wait_timeout`` in seconds.
    """

    options: BackendOptions
    ipip_mode: str
    vxlan_mode: str
    pools: tuple[PoolIntent, ...]
    bgp_peers: tuple[PeerIntent, ...]
    networking_backend: str
    ip_autodetection_method: str
    ip6_autodetection_method: str
    pool_name: str
    pool_name_v6: str
    block_size: int
    block_size_v6: int
    nat_outgoing: bool
    pool_node_selector: str
    prearm_cidr: str
    as_number: int
    route_reflectors: tuple[str, ...]
    route_reflector_cluster_id: str
    advertise_cluster_ips: tuple[str, ...]
    advertise_external_ips: tuple[str, ...]
    advertise_load_balancer_ips: tuple[str, ...]
    wireguard: bool
    nftables: str
    version: str
    image_node: str
    image_cni: str
    image_kube_controllers: str
    image_typha: str
    image_calico: str
    image_pull_policy: str
    namespace: str
    crds_file: str
    calicoctl: str
    calicoctl_kubeconfig: str
    typha: str
    typha_replicas: int | None
    tolerations: tuple[t.Mapping[str, t.Any], ...]
    resources: t.Mapping[str, t.Any]
    probe_timeout: int
    wait_timeout: int
    kube: bool = True
    """Whether Kubernetes is the datastore; Calico's own etcd is not supported."""

    @property
    def ip_masq(self) -> bool:
        """Whether packets that leave the pod network get the node's address."""
        return self.nat_outgoing

    @property
    def sessions(self) -> t.Mapping[str, tuple[str, ...]]:
        """Whom nodes learn routes from by BGP, if not from each other: hosts or Nodes, by what they are."""
        return {"route reflectors": self.route_reflectors} if self.route_reflectors else {}

    @property
    def kept_cidrs(self) -> tuple[IPNetwork, ...]:
        """Networks in which pods may be besides the pod network."""
        return tuple(pool.cidr for pool in self.pools)

    @property
    def block_sizes(self) -> frozenset[int]:
        """The prefix lengths of the nodes' blocks."""
        return frozenset((self.block_size, self.block_size_v6))

    def main_pools(self, cidrs: t.Iterable[IPNetwork]) -> tuple[PoolIntent, ...]:
        """The IPPools of the pod network itself; IPIP is for IPv4 only."""
        return tuple(
            PoolIntent(
                name=self.pool_name if cidr.version == 4 else self.pool_name_v6,
                cidr=cidr,
                ipip_mode=self.ipip_mode if cidr.version == 4 else NEVER,
                vxlan_mode=self.vxlan_mode,
                block_size=self.block_size if cidr.version == 4 else self.block_size_v6,
                nat_outgoing=self.nat_outgoing,
                node_selector=self.pool_node_selector,
            )
            for cidr in cidrs
        )


_PARSED = ("options", "ipip_mode", "pools", "bgp_peers", "kube")


def ipip_mode(values: Values) -> str:
    """The IPPool's ipipMode: IPIP is Calico's default, unless VXLAN is asked for."""
    return values["calico_ipip_mode"] or (ALWAYS if values["calico_vxlan_mode"] == NEVER else NEVER)


def calico_intent(values: Values) -> CalicoIntent:
    """The part of the intent that is Calico's; what cannot be understood is left out, and told of by the checks."""
    same = {item.name: values[f"calico_{item.name}"] for item in fields(CalicoIntent) if item.name not in _PARSED}
    return CalicoIntent(
        **same,
        options=BackendOptions(
            vni=values["calico_vxlan_vni"], port=values["calico_vxlan_port"], mtu=values["calico_mtu"]
        ),
        ipip_mode=ipip_mode(values),
        pools=tuple(pool for pool, dummy in _read(values["calico_pools"], _pool) if pool is not None),
        bgp_peers=tuple(peer for peer, dummy in _read(values["calico_bgp_peers"], _peer) if peer is not None),
    )


# -- mappings of the inventory

T = t.TypeVar("T")
Parsed = t.Iterator[tuple[T | None, str | None]]


def _read(items: t.Iterable[t.Any], parse: t.Callable[[Values], T]) -> Parsed[T]:
    """Each item as a value, or what is wrong with it."""
    for item in items:
        if not isinstance(item, t.Mapping):
            yield None, f"{item} is not a mapping"
            continue
        try:
            yield parse(item), None
        except KeyError as exc:
            yield None, f"{item.get('name', 'one of them')} has no {exc.args[0]}"
        except (ValueError, TypeError) as exc:
            yield None, f"{item.get('name', 'one of them')}: {exc}"


def _pool(item: Values) -> PoolIntent:
    _only(item, {one.name for one in fields(PoolIntent)})
    cidr = ip_network(str(item["cidr"]))
    return PoolIntent(
        name=_name(item),
        cidr=cidr,
        ipip_mode=_mode(item, "ipip_mode"),
        vxlan_mode=_mode(item, "vxlan_mode"),
        block_size=int(item.get("block_size", 26 if cidr.version == 4 else 122)),
        nat_outgoing=_truth(item, "nat_outgoing", True),
        node_selector=str(item.get("node_selector", "all()")),
        disabled=_truth(item, "disabled", False),
    )


def _peer(item: Values) -> PeerIntent:
    _only(item, {one.name for one in fields(PeerIntent)})
    secret = item.get("password_secret")
    number = int(item["as_number"])
    if not 0 < number < 1 << 32:
        raise ValueError(f"the AS number {number} is out of range")
    if item.get("node") and item.get("node_selector"):
        raise ValueError("node and node_selector exclude each other")
    return PeerIntent(
        name=_name(item),
        address=str(ipaddress.ip_address(str(item["address"]))),
        as_number=number,
        node=str(item.get("node", "")),
        node_selector=str(item.get("node_selector", "")),
        password_secret=(str(secret["name"]), str(secret["key"])) if secret else None,
    )


def _only(item: Values, known: t.Collection[str]) -> None:
    unknown = sorted(str(key) for key in item if key not in known)
    if unknown:
        raise ValueError(f"there is no {', '.join(unknown)}; there are {', '.join(sorted(known))}")


def _name(item: Values) -> str:
    name = str(item["name"])
    if not _NAME.match(name):
        raise ValueError("the name of an object has lower-case letters, digits, - and . only")
    return name


def _mode(item: Values, key: str) -> str:
    told = str(item.get(key, NEVER)).lower()
    found = next((mode for mode in _MODES if mode.lower() == told), NEVER if told in FALSE else None)
    if found is None:
        raise ValueError(f"{key} is {item[key]}, and can be {', '.join(_MODES)}")
    return found


def _truth(item: Values, key: str, default: bool) -> bool:
    told = str(item.get(key, default)).lower()
    if told not in TRUE | FALSE:
        raise ValueError(f"{key} is {item[key]}, and can be true or false")
    return told in TRUE


# -- checks

Check = t.Iterator[Problem]


def _mappings(intent: Intent, values: Values) -> Check:
    for name, parse in (("calico_pools", _pool), ("calico_bgp_peers", _peer)):
        for dummy, wrong in _read(values[name], parse):
            if wrong:
                yield Problem(name, None, wrong, "Correct it; docs/variables.md has all keys")


def _pools(intent: Intent, values: Values) -> Check:
    """Further pools: no two encapsulations in one, none for IPv6 over IPIP, and none that overlaps anything."""
    for pool in intent.calico.pools:
        if NEVER not in (pool.ipip_mode, pool.vxlan_mode):
            reason = f"{pool.name} has ipip_mode and vxlan_mode, and an IPPool has one encapsulation"
            yield Problem("calico_pools", pool.name, reason, "Set one of the two to Never")
        if pool.cidr.version == 6 and pool.ipip_mode != NEVER:
            reason = f"{pool.cidr} is IPv6, which IPIP does not carry"
            yield Problem("calico_pools", pool.name, reason, "Give it vxlan_mode instead")
        if pool.block_size not in _BLOCK_SIZES[pool.cidr.version] or not capacity(pool.cidr, pool.block_size):
            reason = f"{pool.cidr} cannot be cut into blocks of /{pool.block_size}"
            yield Problem("calico_pools", pool.name, reason, "Give it a block_size inside its own prefix length and 32")
    taken = [(f"the pod network {cidr}", cidr) for cidr in intent.pod_cidrs]
    taken += [(f"the service network {cidr}", cidr) for cidr in intent.service_cidrs]
    names = {intent.calico.pool_name, intent.calico.pool_name_v6}
    for pool in intent.calico.pools:
        for what, cidr in taken:
            if overlap(pool.cidr, cidr):
                yield Problem("calico_pools", pool.name, f"{pool.cidr} overlaps {what}", "Choose another network")
        if pool.name in names:
            yield Problem("calico_pools", pool.name, "is the name of two IPPools", "Give each its own")
        taken.append((f"that of {pool.name}, {pool.cidr}", pool.cidr))
        names.add(pool.name)


def _blocks(intent: Intent, values: Values) -> Check:
    for cidr in intent.pod_cidrs:
        name = "calico_block_size" if cidr.version == 4 else "calico_block_size_v6"
        if not capacity(cidr, values[name]):
            yield Problem(
                name,
                values[name],
                f"a block would be larger than the pod network {cidr}",
                f"Set it to {cidr.prefixlen + 2} or more, or choose a larger network_pod_cidr",
            )


def _prearm(intent: Intent, values: Values) -> Check:
    """Addresses of tunnels that nobody else may have, for as long as a change takes."""
    told = values["calico_prearm_cidr"]
    try:
        cidr = ip_network(told)
    except ValueError:
        yield Problem("calico_prearm_cidr", told, "is not a network", "Write such as 198.18.0.0/16")
        return
    taken = [*intent.pod_cidrs, *intent.service_cidrs, *(pool.cidr for pool in intent.calico.pools)]
    for other in taken:
        if overlap(cidr, other):
            remedy = "Choose a network that nobody uses"
            yield Problem("calico_prearm_cidr", told, f"overlaps {other}, which pods or services have", remedy)


def _programmer(intent: Intent, values: Values) -> Check:
    """node/filesystem/etc/rc.local starts neither BIRD nor confd for vxlan and none."""
    chosen = values["calico_networking_backend"]
    if chosen == "none" or (chosen == "vxlan" and intent.backend.type != "vxlan"):
        reason = f"starts no BIRD, and nobody would write the routes of {intent.backend.label}"
        yield Problem("calico_networking_backend", chosen, reason, "Set it to bird, or remove it")


def _encryption(intent: Intent, values: Values) -> Check:
    if intent.calico.wireguard and 6 in intent.versions:
        reason = "encrypts IPv4 only here, and the pod network has IPv6, which would be sent in the clear"
        remedy = "Set it to false, or give the pods an IPv4 network only"
        yield Problem("calico_wireguard", values["calico_wireguard"], reason, remedy)


def _method(intent: Intent, values: Values) -> Check:
    for name in ("calico_ip_autodetection_method", "calico_ip6_autodetection_method"):
        told = values[name]
        fits = any((told.startswith(one) and told != one) if one.endswith("=") else told == one for one in _METHODS)
        if not fits:
            reason = "is no way to find a node's address"
            yield Problem(name, told, reason, f"Write one of {', '.join(_METHODS)}, with a value after =")


def _reflectors(intent: Intent, values: Values) -> Check:
    chosen = intent.calico.route_reflectors
    if len(set(chosen)) == 1:
        reason = "one route reflector is a single point of failure: without it no node learns a route"
        remedy = "Name two or more nodes, or none for a node-to-node mesh"
        yield Problem("calico_route_reflectors", chosen, reason, remedy)
    if chosen and intent.calico.networking_backend != "bird":
        reason = "reflects routes of BGP, which calico_networking_backend has turned off"
        yield Problem("calico_route_reflectors", chosen, reason, "Set calico_networking_backend to bird")
    try:
        ipaddress.IPv4Address(intent.calico.route_reflector_cluster_id)
    except ValueError:
        reason = "is no cluster ID, which looks like an IPv4 address"
        told = intent.calico.route_reflector_cluster_id
        yield Problem("calico_route_reflector_cluster_id", told, reason, "Write such as 244.0.0.1")


def _together(intent: Intent, values: Values) -> Check:
    """An IPPool is one object for all nodes: none of them can be ahead of the others."""
    if values["network_rollout"] != "together":
        reason = "an IPPool changes for all nodes at once, so that no node can be first"
        remedy = "Set it to together, or remove it: every step of a change is proved on all nodes before the next one"
        yield Problem("network_rollout", values["network_rollout"], reason, remedy)


def _advertised(intent: Intent, values: Values) -> Check:
    for name in ("cluster_ips", "external_ips", "load_balancer_ips"):
        variable = f"calico_advertise_{name}"
        for cidr in values[variable]:
            try:
                ip_network(str(cidr))
            except ValueError:
                yield Problem(variable, cidr, "is not a CIDR", "Write such as 10.68.0.0/16")


CHECKS: tuple[t.Callable[[Intent, Values], Check], ...] = (
    _mappings,
    _pools,
    _blocks,
    _prearm,
    _programmer,
    _encryption,
    _method,
    _reflectors,
    _together,
    _advertised,
)
"""What contradicts itself in the settings of Calico."""
