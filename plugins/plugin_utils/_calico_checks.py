# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks against the declared Calico on the nodes and in the cluster as they are.

Sources: libcalico-go/lib/clientv3/ippool.go (what of an IPPool can be changed), felix/calc/encapsulation_resolver.go
(an explicit setting wins over the IPPools), felix/dataplane/linux (CrossSubnet goes by the mask of a node's address).
This file is private to the collection.
"""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._backends._calico_encrypted import WIREGUARD
from ansible_collections.switchyard.cni.plugins.module_utils._backends._needs import KernelFeature
from ansible_collections.switchyard.cni.plugins.module_utils._model import ip_network
from ansible_collections.switchyard.cni.plugins.plugin_utils._calico_intent import ALWAYS, NEVER
from ansible_collections.switchyard.cni.plugins.plugin_utils._check import Found, Nodes, at, by_subnet, grouped, kernels
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Calico, Cluster, DaemonSet
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import MINIMUM_MTU, Intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode, underlay
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import WARNING, Problem, names
from ansible_collections.switchyard.cni.plugins.plugin_utils._subnets import overlap

_TRUE, _FALSE = ("true", "enabled"), ("false", "disabled")


def _mode(intent: Intent) -> tuple[str, str]:
    """The variable that chose the encapsulation, and its value."""
    calico = intent.calico
    if calico.vxlan_mode != NEVER:
        return "calico_vxlan_mode", calico.vxlan_mode
    return "calico_ipip_mode", calico.ipip_mode


def _device(intent: Intent, node: ObservedNode) -> Found:
    if node.facts is None:
        return
    device = underlay(node, intent)
    for version in intent.versions:
        name = "calico_ip_autodetection_method" if version == 4 else "calico_ip6_autodetection_method"
        method = intent.calico.ip_autodetection_method if version == 4 else intent.calico.ip6_autodetection_method
        if device is None or device.address(version) is None:
            yield at(
                node,
                name,
                method,
                f"finds no device with an IPv{version} address",
                f"Name the device between the nodes, such as interface=eth0; there are "
                f"{names(link.name for link in node.facts.links)}",
            )


def _mtu(intent: Intent, node: ObservedNode) -> Found:
    device = underlay(node, intent)
    if device is None:
        return
    backend, wanted = intent.backend, intent.options.mtu
    room = device.mtu - backend.overhead
    if wanted is not None and wanted > room:
        yield at(
            node,
            "calico_mtu",
            wanted,
            f"is above the {room} bytes that {backend.label} leaves of the {device.mtu} of {device.dev}",
            f"Set it to {room} or less, remove it, or raise the NIC's MTU",
        )
    floor = max(MINIMUM_MTU[version] for version in intent.versions)
    if (wanted or room) < floor:
        yield at(
            node,
            "calico_mtu" if wanted else _mode(intent)[0],
            wanted or _mode(intent)[1],
            f"leaves pods {wanted or room} bytes, and IPv{max(intent.versions)} needs {floor}",
            f"Raise the MTU to {floor + backend.overhead} or more on the NIC, or remove calico_mtu",
        )


def _mask(intent: Intent, node: ObservedNode) -> Found:
    """CrossSubnet tells neighbours from others by the mask of the node's own address."""
    device = underlay(node, intent)
    if device is None or not intent.backend.direct_routing:
        return
    variable, value = _mode(intent)
    for version, single in ((4, 32), (6, 128)):
        network = device.network(version)
        if version in intent.versions and network is not None and network.prefixlen == single:
            yield at(
                node,
                variable,
                value,
                f"the address of {device.dev} has the mask /{single}, so that every other node counts as far away",
                "Give the address the mask of its subnet, or set Always",
                WARNING,
            )


def _kernels(intent: Intent, nodes: Nodes) -> Found:
    def chosen(feature: KernelFeature) -> tuple[str, t.Any, str]:
        if feature is WIREGUARD:
            return "calico_wireguard", True, "set it to false"
        return *_mode(intent), "choose another encapsulation"

    yield from kernels(intent, nodes, chosen)


def _several_subnets(intent: Intent, nodes: Nodes) -> Found:
    """Without encapsulation a router between two subnets has to know the pods' blocks as well."""
    if intent.backend.devices(intent) or intent.calico.bgp_peers:
        return
    subnets = by_subnet(intent, nodes, 4)
    if len(subnets) > 1:
        where = grouped(subnets)
        variable, value = _mode(intent)
        yield Problem(
            variable,
            value,
            f"the nodes are in {len(subnets)} subnets ({where}), and the routers between must know the pods' blocks",
            "Set CrossSubnet, or declare the routers in calico_bgp_peers",
            WARNING,
        )


def _reflectors(intent: Intent, nodes: Nodes) -> Found:
    known = {name for node in nodes for name in (node.host, node.name)}
    for name in intent.calico.route_reflectors:
        if name not in known:
            yield Problem(
                "calico_route_reflectors",
                name,
                "is no node of the inventory",
                f"Name some of {names(node.host for node in nodes)}",
            )


OF_NODE: tuple[t.Callable[[Intent, ObservedNode], Found], ...] = (_device, _mtu, _mask)
OF_NODES: tuple[t.Callable[[Intent, Nodes], Found], ...] = (_kernels, _several_subnets, _reflectors)


# -- the cluster


def _operator(intent: Intent, cluster: Cluster) -> Found:
    if cluster.calico is not None and cluster.calico.operator:
        reason = "this cluster's Calico belongs to tigera-operator, which takes back whatever others change"
        remedy = "Change spec.calicoNetwork.ipPools[].encapsulation of its Installation with kubectl instead"
        yield Problem("network_plugin", "calico", reason, remedy)


def _kept_for_life(intent: Intent, cluster: Cluster) -> Found:
    """An IPPool's network and block size cannot be changed."""
    calico = cluster.calico or Calico()
    there = {pool.cidr: pool for pool in calico.pools}
    named = {pool.name: pool for pool in calico.pools}
    main = intent.calico.main_pools(intent.pod_cidrs)
    for pool in (*main, *intent.calico.pools):
        same = there.get(str(pool.cidr))
        if same is not None and same.block_size not in (None, pool.block_size):
            yield Problem(
                "calico_block_size" if pool.cidr.version == 4 else "calico_block_size_v6",
                pool.block_size,
                f"the IPPool {same.name} has blocks of /{same.block_size}, and keeps them for life",
                f"Set it to {same.block_size}",
            )
        other = named.get(pool.name)
        if same is None and other is not None and pool not in main:
            reason = f"is the name of the IPPool of {other.cidr}, whose network cannot be changed"
            yield Problem("calico_pools", pool.name, reason, f"Give the IPPool of {pool.cidr} another name")


def _into_its_tunnel(intent: Intent, cluster: Cluster) -> Found:
    """The VTEP of a peer is an address of its block, and IPv6 takes no gateway that another device leads to.

    net/ipv6/route.c, ip6_route_check_nh_onlink: EINVAL as long as the direct route to the block is there, which Felix
    does not take back before. Measured with Calico v3.32.1, whose nodes never get there.
    """
    for pool in cluster.calico.pools if cluster.calico else ():
        if ":" in pool.cidr and pool.vxlan_mode != ALWAYS and intent.calico.vxlan_mode == ALWAYS:
            yield Problem(
                "calico_vxlan_mode",
                ALWAYS,
                f"Linux refuses Felix the routes of {pool.cidr} over its tunnel while direct ones are there",
                "Set it to CrossSubnet; or make the network anew: 99.clean.yml, then 06.network.yml",
            )


def _overlaps(intent: Intent, cluster: Cluster) -> Found:
    declared = [pool.cidr for pool in (*intent.calico.main_pools(intent.pod_cidrs), *intent.calico.pools)]
    for there in cluster.calico.pools if cluster.calico else ():
        for cidr in declared:
            if str(cidr) != there.cidr and overlap(cidr, ip_network(there.cidr)):
                yield Problem(
                    "network_pod_cidr",
                    str(cidr),
                    f"overlaps the IPPool {there.name}, {there.cidr}",
                    f"Set it to {there.cidr}, or choose a network that overlaps none",
                )


def _overridden(intent: Intent, cluster: Cluster) -> Found:
    """Felix asks the IPPools only where nothing is set; kubespray sets both."""
    calico = cluster.calico or Calico()
    for key, field, type_name in (("ipip_enabled", "ipipEnabled", "ipip"), ("vxlan_enabled", "vxlanEnabled", "vxlan")):
        told = calico.felix.get(key)
        if told is not None and bool(told) != (intent.backend.type == type_name):
            yield Problem(
                _mode(intent)[0],
                _mode(intent)[1],
                f"the FelixConfiguration default says {field}: {str(told).lower()}, which wins over every IPPool",
                f"Remove it: kubectl patch felixconfigurations.crd.projectcalico.org default --type=json "
                f'-p=\'[{{"op": "remove", "path": "/spec/{field}"}}]\'',
            )


def _in_environment(intent: Intent, cluster: Cluster) -> Found:
    for daemonset in cluster.daemonsets:
        if daemonset.agent == "calico":
            yield from _environment_of(intent, daemonset)


def _environment_of(intent: Intent, daemonset: DaemonSet) -> Found:
    where = f"the DaemonSet {daemonset.namespace}/{daemonset.name}"
    for name, type_name in (("FELIX_IPINIPENABLED", "ipip"), ("FELIX_VXLANENABLED", "vxlan")):
        told = str(daemonset.environment.get(name, "")).lower()
        if told in _TRUE + _FALSE and (told in _TRUE) != (intent.backend.type == type_name):
            yield Problem(
                _mode(intent)[0],
                _mode(intent)[1],
                f"{where} sets {name}={told}, which wins over every IPPool",
                f"Remove it: kubectl -n {daemonset.namespace} set env ds/{daemonset.name} {name}-",
            )


IN_CLUSTER: tuple[t.Callable[[Intent, Cluster], Found], ...] = (
    _operator,
    _kept_for_life,
    _into_its_tunnel,
    _overlaps,
    _overridden,
    _in_environment,
)
