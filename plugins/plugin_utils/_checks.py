# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks against an intent on the nodes as they are: everything at once, before anything is touched.

A check is a generator of problems, of one node or of the whole cluster. The work is linear in the nodes.
This file is private to the collection.
"""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import replace
from functools import partial

from ansible_collections.switchyard.cni.plugins.module_utils._backends import BACKENDS, traces
from ansible_collections.switchyard.cni.plugins.module_utils._backends._needs import KernelFeature, matches
from ansible_collections.switchyard.cni.plugins.module_utils._ip import inside
from ansible_collections.switchyard.cni.plugins.module_utils._model import IPNetwork
from ansible_collections.switchyard.cni.plugins.module_utils._node._cni import CHOICE
from ansible_collections.switchyard.cni.plugins.plugin_utils import _calico_checks
from ansible_collections.switchyard.cni.plugins.plugin_utils._check import Found, Nodes, at, by_subnet, grouped, kernels
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import MINIMUM_MTU, Intent, prefix_setting
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import (
    ObservedNode,
    internal_device,
    underlay,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import WARNING, Problem, names
from ansible_collections.switchyard.cni.plugins.plugin_utils._subnets import capacity

OWN_DEVICES: tuple[str, ...] = tuple(
    dict.fromkeys(
        [pattern for backend in BACKENDS for pattern in backend.traces.devices]
        # Calico's devices (a cluster may be on its way from it), and those that hold addresses of other owners.
        + ["cali*", "tunl0", "*.calico", "*.cali", "veth*", "kube-ipvs0", "nodelocaldns", "lo"]
    )
)
"""Name patterns of devices whose addresses belong to the pod network or to Kubernetes, not to the node's networks."""


OfNode = t.Callable[[Intent, ObservedNode], Found]


def check(
    intent: Intent, nodes: t.Iterable[ObservedNode], cluster: Cluster | None = None, leaving: str = ""
) -> list[Problem]:
    """Everything that is wrong; the same problem on several nodes is one problem that names them.

    ``leaving`` is a plugin from which the declared one takes over.
    """
    everyone = list(nodes)
    foreign: OfNode = partial(_foreign_cni, leaving)
    of_node = (*_NODE_CHECKS, foreign, *_OF_PLUGIN[intent.plugin])
    of_all = (*_CLUSTER_CHECKS, *_OF_PLUGINS_CLUSTER[intent.plugin])
    found = [problem for node in everyone for examine in of_node for problem in examine(intent, node)]
    found += [problem for examine in of_all for problem in examine(intent, everyone)]
    if cluster is not None:
        found += [problem for examine in _IN_CLUSTER[intent.plugin] for problem in examine(intent, cluster)]
    return _grouped(problem for problem in found if problem.variable not in intent.assumed)


def _grouped(problems: t.Iterable[Problem]) -> list[Problem]:
    groups: dict[Problem, list[str]] = {}
    for problem in problems:
        groups.setdefault(replace(problem, nodes=()), []).extend(problem.nodes)
    return [
        replace(problem, nodes=tuple(where), reason=f"{problem.reason} on {names(where)}") if where else problem
        for problem, where in groups.items()
    ]


def _unreachable(intent: Intent, node: ObservedNode) -> Found:
    if node.facts is None:
        yield at(
            node,
            "host",
            None,
            f"nothing could be read ({node.unreachable or 'no facts'})",
            "Bring the host up, correct its connection variables, or take it out of the inventory",
        )


def _registered(intent: Intent, node: ObservedNode) -> Found:
    if intent.kube and node.registered is False:
        yield at(
            node,
            "network_node_name",
            node.name,
            "the cluster has no Node of this name",
            "Set network_node_name of the host to its name in kubectl get nodes, or join the host to the cluster first",
        )


def _pod_cidrs(intent: Intent, node: ObservedNode) -> Found:
    if not (intent.kube and node.registered):
        return
    cluster = ",".join(str(cidr) for cidr in intent.pod_cidrs)
    controller = f"kube-controller-manager with --allocate-node-cidrs and --cluster-cidr={cluster}"
    have = {cidr.version: cidr for cidr in node.pod_cidrs}
    for wanted in intent.pod_cidrs:
        cidr = have.get(wanted.version)
        if cidr is None:
            yield at(
                node,
                "network_pod_cidr",
                str(wanted),
                f"the Node has no IPv{wanted.version} podCIDR",
                f"Start {controller}",
            )
        elif not inside(cidr, [wanted]):
            yield at(
                node,
                "network_pod_cidr",
                str(wanted),
                "does not hold the Node's podCIDR, and flanneld would exit",
                f"Set it to what kube-controller-manager has as --cluster-cidr, or start {controller} "
                "and register the Node again (a podCIDR cannot be changed)",
                detail=cidr,
            )
        elif cidr.prefixlen != intent.node_prefixes[wanted.version]:
            yield at(
                node,
                prefix_setting(wanted.version),
                intent.node_prefixes[wanted.version],
                f"the cluster gives out /{cidr.prefixlen}",
                f"Set it to {cidr.prefixlen}",
                WARNING,
            )


def _node_networks(intent: Intent, node: ObservedNode) -> Found:
    ours = (("network_pod_cidr", intent.pod_cidrs), ("network_service_cidr", intent.service_cidrs))
    for dev, network in _foreign_networks(node):
        for variable, cidrs in ours:
            for cidr in cidrs:
                if cidr.version == network.version and cidr.overlaps(network):
                    yield at(
                        node,
                        variable,
                        str(cidr),
                        f"overlaps {network} of the device {dev}",
                        f"Choose a network outside of it, or give {dev} another one",
                    )


def _foreign_networks(node: ObservedNode) -> dict[tuple[str, IPNetwork], None]:
    """The networks of the node's own devices, each once."""
    if node.facts is None:
        return {}
    return {
        (address.dev, address.network): None
        for address in node.facts.addresses
        if address.scope == "global" and not matches(address.dev, OWN_DEVICES)
    }


def _device(intent: Intent, node: ObservedNode) -> Found:
    """flanneld exits when it finds no device or no address of a family on it (pkg/ipmatch/match.go)."""
    if node.facts is None:
        return
    variable, value = _selector(intent, node)
    device = underlay(node, intent)
    if device is None:
        devices = [link.name for link in node.facts.links]
        families = " and ".join(f"IPv{version}" for version in intent.versions)
        what = "matches no device" if value else f"is not set, and no device has the default route of {families}"
        yield at(
            node,
            variable,
            value,
            what,
            f"Name the device between the nodes in flannel_iface; there are {names(devices)}",
        )
        return
    for version in intent.versions:
        if device.address(version) is None:
            yield at(
                node,
                variable,
                value,
                f"the device {device.dev} has no IPv{version} address",
                f"Give it one, name another device in flannel_iface, or give the pods no IPv{version} network",
            )
    internal = internal_device(node)
    if internal is not None and internal != device.dev:
        yield at(
            node,
            variable,
            value,
            f"flanneld uses {device.dev}, and the address by which Kubernetes knows the node is on {internal}",
            f"Set flannel_iface to {internal}, unless {device.dev} connects all nodes",
            WARNING,
            detail=names(node.internal_ips),
        )


def _selector(intent: Intent, node: ObservedNode) -> tuple[str, str | None]:
    flannel = intent.flannel
    for variable, value in (
        ("flannel_iface", flannel.iface),
        ("flannel_iface_regex", flannel.iface_regex),
        ("flannel_iface_can_reach", flannel.iface_can_reach),
        ("flannel_public_ip", "" if intent.kube else node.public_ip),
    ):
        if value:
            return variable, value
    return "flannel_iface", None


def _mtu(intent: Intent, node: ObservedNode) -> Found:
    device = underlay(node, intent)
    if device is None or "flannel_backend" in intent.assumed:
        return
    backend, wanted = intent.backend, intent.options.mtu
    if backend.reads_mtu and wanted is not None:
        if wanted > device.mtu:
            yield at(
                node,
                "flannel_mtu",
                wanted,
                f"is above the {device.mtu} bytes of {device.dev}",
                f"Set it to {device.mtu} or less, remove it, or raise the NIC's MTU",
            )
        return
    floor = max(MINIMUM_MTU[version] for version in intent.versions)
    pod = backend.pod_mtu(device.mtu, intent.options)
    if pod < floor:
        yield at(
            node,
            "flannel_backend",
            backend.label,
            f"leaves pods {pod} of the {device.mtu} bytes of {device.dev}, and IPv{max(intent.versions)} needs {floor}",
            f"Raise the NIC's MTU to {floor + backend.overhead} or more",
        )


def _kernels(intent: Intent, nodes: Nodes) -> Found:
    if "flannel_backend" not in intent.assumed:
        yield from kernels(intent, nodes, lambda feature: _chosen(intent, feature))


def _chosen(intent: Intent, feature: KernelFeature) -> tuple[str, t.Any, str]:
    """Who needs a kernel feature: the backend, or the way in which flannel filters."""
    if feature in intent.backend.own_features:
        return "flannel_backend", intent.backend.label, "choose another backend"
    return "flannel_nftables", intent.flannel.nftables, "set it to true where kube-proxy uses nftables"


def _tun(intent: Intent, node: ObservedNode) -> Found:
    if not intent.backend.needs_tun_device or node.facts is None or "flannel_backend" in intent.assumed:
        return
    # Loading the module makes the device, and 01.prepare.yml loads it.
    loadable = node.facts.kernel_features.get("tun") == "module"
    if node.facts.tun_device is False and not loadable:
        yield at(
            node,
            "flannel_backend",
            intent.backend.label,
            "needs /dev/net/tun, and it is absent or cannot be opened",
            "Give the node the device (a container: --device /dev/net/tun), or choose another backend",
        )


def foreign_configs(intent: Intent, node: ObservedNode, leaving: str = "") -> list[str]:
    """CNI configuration of others that the runtime would take before ours: the first name in byte order wins.

    That of a plugin which leaves is none of them: it is in force until its pods have moved.
    """
    if node.facts is None or node.facts.cni is None:
        return []
    plugins = set(traces()[leaving].cni_plugins) if leaving else set()
    others = (one.file for one in node.facts.cni.configs if one.file != CHOICE and not plugins & set(one.plugins))
    return sorted(file for file in others if file < intent.backend.cni_config)


def _foreign_cni(leaving: str, intent: Intent, node: ObservedNode) -> Found:
    if intent.foreign_cni == "disable":
        return
    folder = intent.cni_conf_dir.rstrip("/")
    for file in foreign_configs(intent, node, leaving):
        yield at(
            node,
            "network_foreign_cni",
            intent.foreign_cni,
            f"{folder}/{file} wins over {intent.backend.cni_config}, so pods would not get this network",
            "Set it to disable, which renames such files, or remove the file's owner from the cluster",
        )


def _base_plugins(intent: Intent, node: ObservedNode) -> Found:
    if node.facts is None or node.facts.cni is None:
        return
    there = set(node.facts.cni.binaries).union(*node.facts.cni.search.values())
    missing = [name for name in intent.backend.cni_plugins if name not in there]
    if missing:
        yield at(
            node,
            "network_cni_bin_dir",
            intent.cni_bin_dir,
            f"the CNI plugins {names(missing)} are nowhere",
            "Install them (Debian and Fedora: containernetworking-plugins)",
        )


def _public_ip(intent: Intent, node: ObservedNode) -> Found:
    if not node.public_ip:
        return
    try:
        version = ipaddress.ip_address(node.public_ip).version
    except ValueError:
        yield at(node, "flannel_public_ip", node.public_ip, "is not an IP address", "Write one address")
        return
    device = underlay(node, intent)
    own = device.address(version) if device else None
    if intent.backend.needs_same_l2 and device is not None and own != node.public_ip:
        yield at(
            node,
            "flannel_public_ip",
            node.public_ip,
            f"{intent.backend.label} cannot cross a NAT: it must be the address of {device.dev}, {own}",
            "Remove it, or choose a backend that encapsulates",
        )


def _capacity(intent: Intent, nodes: Nodes) -> Found:
    for cidr in intent.pod_cidrs:
        name = prefix_setting(cidr.version)
        prefix = intent.node_prefixes[cidr.version]
        # Out of etcd, flannel never gives out the first subnet (CheckNetworkConfig in pkg/subnet/config.go).
        room = capacity(cidr, prefix) - (0 if intent.kube else 1)
        if name not in intent.assumed and 0 < room < len(nodes):
            needed = (len(nodes) + (0 if intent.kube else 1) - 1).bit_length()
            yield Problem(
                "network_pod_cidr",
                str(cidr),
                f"has room for {room} nodes with a /{prefix} each, and there are {len(nodes)}",
                f"Choose a /{prefix - needed} or larger, or set {name} to {cidr.prefixlen + needed} or more",
            )


def _same_l2(intent: Intent, nodes: Nodes) -> Found:
    """Routes via the nodes themselves need one subnet: grouped by subnet, never compared in pairs."""
    if not intent.backend.needs_same_l2 or "flannel_backend" in intent.assumed:
        return
    for version in intent.versions:
        groups = by_subnet(intent, nodes, version)
        if len(groups) > 1:
            yield Problem(
                "flannel_backend",
                intent.backend.label,
                f"needs all nodes in one subnet, and they are in {len(groups)}: {grouped(groups)}",
                "Choose vxlan; with flannel_direct_routing it encapsulates only between the subnets",
            )


def _equal_mtu(intent: Intent, nodes: Nodes) -> Found:
    if intent.backend.reads_mtu and intent.options.mtu is not None:
        return
    groups: dict[int, list[str]] = {}
    for node in nodes:
        device = underlay(node, intent)
        if device is not None:
            groups.setdefault(device.mtu, []).append(node.label)
    if len(groups) > 1:
        where = "; ".join(f"{mtu} bytes: {names(members)}" for mtu, members in sorted(groups.items()))
        yield Problem(
            "flannel_mtu",
            None,
            f"the NICs differ, so that large packets between their pods may be lost: {where}",
            f"Give all NICs one MTU, or set flannel_mtu to {min(groups)} with a backend that reads it",
            WARNING,
        )


def _unique(intent: Intent, nodes: Nodes) -> Found:
    hosts: dict[str, list[str]] = {}
    for node in nodes:
        hosts.setdefault(node.name, []).append(node.host)
    for name, owners in hosts.items():
        if len(owners) > 1:
            yield Problem(
                "network_node_name",
                name,
                f"is the name of several hosts: {names(owners)}",
                "Give each host its own name in kubectl get nodes",
            )


def _unique_subnets(intent: Intent, nodes: Nodes) -> Found:
    subnets: dict[IPNetwork, list[str]] = {}
    for node in nodes:
        for cidr in node.pod_cidrs:
            subnets.setdefault(cidr, []).append(node.name)
    for cidr, owners in subnets.items():
        if len(set(owners)) > 1:
            yield Problem(
                "network_pod_cidr",
                str(cidr),
                f"is the podCIDR of several Nodes: {names(owners)}",
                "Delete all of them but one from the cluster and register them again",
            )


def _one_filter(intent: Intent, nodes: Nodes) -> Found:
    """flannel has one net-conf.json for all nodes, so kube-proxy must filter alike on all of them."""
    modes: dict[str, list[str]] = {}
    for node in nodes:
        if node.kube_proxy_mode not in ("unknown", "none"):
            modes.setdefault(node.kube_proxy_mode, []).append(node.label)
    observed = {mode == "nftables" for mode in modes}
    where = "; ".join(f"{mode}: {names(members)}" for mode, members in modes.items())
    if intent.nftables is None and len(observed) > 1:
        yield Problem(
            "flannel_nftables",
            intent.flannel.nftables,
            f"kube-proxy does not filter alike on all nodes: {where}",
            "Give kube-proxy one mode, or set flannel_nftables",
            WARNING,
        )
    elif intent.nftables is not None and observed and observed != {intent.nftables}:
        variable = "network_kube_proxy_mode" if intent.flannel.nftables == "auto" else "flannel_nftables"
        value = intent.kube_proxy_mode if intent.flannel.nftables == "auto" else intent.flannel.nftables
        yield Problem(
            variable,
            value,
            f"differs from kube-proxy's mode on the nodes: {where}",
            "Set it to auto, or change kube-proxy's mode: packets would pass two sets of rules",
            WARNING,
        )


_NODE_CHECKS: tuple[OfNode, ...] = (
    _unreachable,
    _registered,
    _node_networks,
    _base_plugins,
)
_CLUSTER_CHECKS: tuple[t.Callable[[Intent, Nodes], Found], ...] = (_unique,)
_OF_PLUGIN: t.Mapping[str, tuple[t.Callable[[Intent, ObservedNode], Found], ...]] = {
    "flannel": (_pod_cidrs, _device, _mtu, _tun, _public_ip),
    "calico": _calico_checks.OF_NODE,
}
_OF_PLUGINS_CLUSTER: t.Mapping[str, tuple[t.Callable[[Intent, Nodes], Found], ...]] = {
    "flannel": (_capacity, _same_l2, _kernels, _equal_mtu, _unique_subnets, _one_filter),
    "calico": _calico_checks.OF_NODES,
}
_IN_CLUSTER: t.Mapping[str, tuple[t.Callable[[Intent, Cluster], Found], ...]] = {
    "flannel": (),
    "calico": _calico_checks.IN_CLUSTER,
}
