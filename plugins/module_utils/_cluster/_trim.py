# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a pod network needs to know of Kubernetes objects, and nothing more: ten thousand Nodes must stay small.

Sources: the Kubernetes API reference (Node, DaemonSet, Service, ConfigMap), flannel's Documentation/configuration.md,
and Calico's resource reference (IPPool, BGPConfiguration, BGPPeer, FelixConfiguration; BlockAffinity in libcalico-go).
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._backends import traces
from ansible_collections.switchyard.cni.plugins.module_utils._model import ip_network

Object = Mapping[str, Any]
Trimmed = Dict[str, Any]

_PREFIXES = tuple(one.annotations for one in traces().values())
_CONDITIONS = {"Ready": "ready", "NetworkUnavailable": "network_unavailable"}
# Parts of image names by which the DaemonSets that matter to a pod network are known.
_AGENTS = ("flannel", "calico", "canal", "cilium", "weave", "kube-router", "antrea", "ovn", "kube-proxy", "multus")
_OPTIONS = ("--iface", "--ip-masq", "--kube-subnet-mgr", "--cluster-cidr", "--proxy-mode", "--public-ip")
_HIDDEN = ("PSK",)


def node(item: Object) -> Trimmed:
    """A Node: its pod subnets, addresses, the network agents' annotations, and its conditions."""
    about, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    cidrs = spec.get("podCIDRs") or ([spec["podCIDR"]] if spec.get("podCIDR") else [])
    addresses = status.get("addresses") or []
    notes = about.get("annotations") or {}
    found = {
        "name": about["name"],
        "pod_cidrs": list(cidrs),
        "internal_ips": [entry["address"] for entry in addresses if entry.get("type") == "InternalIP"],
        "annotations": {key: value for key, value in notes.items() if key.startswith(_PREFIXES)},
        "control_plane": _is_control_plane(about.get("labels") or {}),
        "unschedulable": bool(spec.get("unschedulable")),
        "max_pods": _number((status.get("capacity") or {}).get("pods")),
        "architecture": (status.get("nodeInfo") or {}).get("architecture"),
        "kubelet": (status.get("nodeInfo") or {}).get("kubeletVersion"),
    }
    conditions = {entry.get("type"): entry for entry in status.get("conditions") or []}
    for kind, key in _CONDITIONS.items():
        entry = conditions.get(kind)
        found[key] = {name: entry.get(name) for name in ("status", "reason", "message")} if entry else None
    return found


def _is_control_plane(labels: Mapping[str, str]) -> bool:
    return any("node-role.kubernetes.io/" + role in labels for role in ("control-plane", "master"))


def _number(value: Any) -> Optional[int]:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


_TELLING = ("FELIX_IPINIPENABLED", "FELIX_VXLANENABLED")
"""Variables of the environment that decide about the network."""


def agent(item: Object) -> Optional[Trimmed]:
    """A DaemonSet that belongs to a pod network, by its images; None for any other."""
    about, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    containers = ((spec.get("template") or {}).get("spec") or {}).get("containers") or []
    images = [container.get("image") or "" for container in containers]
    known = [
        name for name in _AGENTS if any(name in image.rsplit("/", 1)[-1] or "/" + name in image for image in images)
    ]
    if not known:
        return None
    words = [word for one in containers for key in ("command", "args") for word in one.get(key) or []]
    return {
        "namespace": about.get("namespace"),
        "name": about["name"],
        "agent": known[0],
        "images": images,
        "environment": {
            entry["name"]: entry["value"]
            for one in containers
            for entry in one.get("env") or []
            if entry.get("name") in _TELLING and entry.get("value")
        },
        "args": [word for word in words if str(word).startswith(_OPTIONS)],
        "desired": status.get("desiredNumberScheduled") or 0,
        "ready": status.get("numberReady") or 0,
    }


def selector_of_agent(item: Object) -> str:
    """The labels of the pods of a DaemonSet that belongs to a pod network; empty for any other, or a stranger one."""
    labels = ((item.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    known = agent(item)
    if known is None or known["agent"] == "kube-proxy":
        return ""
    return ",".join("{0}={1}".format(*pair) for pair in sorted(labels.items()))


def running(item: Object) -> List[Trimmed]:
    """Which images the containers of a pod run, by their digests; one that was never pulled has none."""
    status, node = item.get("status") or {}, (item.get("spec") or {}).get("nodeName")
    told = (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or [])
    wanted = (item.get("spec") or {}).get("initContainers") or []
    names = {one["name"]: one["image"] for one in wanted + ((item.get("spec") or {}).get("containers") or [])}
    return [
        {"node": node, "image": names.get(one["name"], one.get("image")), "digest": digest}
        for one in told
        for digest in [str(one.get("imageID") or "").rpartition("@")[2]]
        if digest.startswith("sha256:") and "@" in str(one["imageID"])
    ]


def mirrored(item: Object) -> Dict[str, str]:
    """The digests of mirrored images, as registry.yml has written them down; none where that is damaged."""
    try:
        told = json.loads((item.get("data") or {}).get("images.json") or "{}")
        return {str(image): str(digest) for image, digest in told.items()}
    except (ValueError, AttributeError):
        return {}


def flannel_config(item: Object) -> Trimmed:
    """A ConfigMap with flannel's net-conf.json, its secrets left out. A damaged one has a ``problem``."""
    about, data = item["metadata"], item.get("data") or {}
    found: Trimmed = {"namespace": about.get("namespace"), "name": about["name"], "net_conf": None, "problem": None}
    try:
        conf = json.loads(data.get("net-conf.json") or "null")
    except ValueError as error:
        return dict(found, problem="net-conf.json is not JSON: {0}".format(error))
    if not isinstance(conf, dict):
        return dict(found, problem="there is no net-conf.json in it")
    backend = conf.get("Backend")
    if isinstance(backend, dict):
        conf["Backend"] = {key: value for key, value in backend.items() if key.upper() not in _HIDDEN}
    return dict(found, net_conf=conf)


def calico_config(item: Object) -> Trimmed:
    """The values of the ConfigMap calico-config that decide about the network."""
    data = item.get("data") or {}
    return {key: data.get(key) for key in ("calico_backend", "veth_mtu")}


def pool(item: Object) -> Trimmed:
    """An IPPool."""
    spec = item.get("spec") or {}
    return {
        "name": item["metadata"]["name"],
        "cidr": spec.get("cidr"),
        "ipip_mode": spec.get("ipipMode") or "Never",
        "vxlan_mode": spec.get("vxlanMode") or "Never",
        "nat_outgoing": bool(spec.get("natOutgoing")),
        "disabled": bool(spec.get("disabled")),
        "block_size": spec.get("blockSize"),
        "node_selector": spec.get("nodeSelector"),
        "allowed_uses": list(spec.get("allowedUses") or ["Workload", "Tunnel"]),
    }


def block(item: Object) -> Optional[Trimmed]:
    """A BlockAffinity: which node has which block; None for one that is being given back, or is a virtual one."""
    spec = item.get("spec") or {}
    deleted = str(spec.get("deleted", "false")).lower() == "true"
    if deleted or spec.get("state") != "confirmed" or spec.get("type", "host") != "host":
        return None
    return {"cidr": spec.get("cidr"), "node": spec.get("node")}


def ipam_block(item: Object, now: datetime) -> Trimmed:
    """An IPAMBlock: whose it is, and which of its addresses are held for pods, on which node and since when.

    ``now`` is UTC. Addresses of tunnels are left out: they are no pod's. The format is AllocationBlock's in
    libcalico-go.
    """
    spec = item.get("spec") or {}
    affinity = str(spec.get("affinity") or "")
    held = [
        {"address": address, "node": notes.get("node"), "pod": pod, "age": _age(notes.get("timestamp"), now)}
        for address, notes in _held(spec)
        for pod in [_pod_of(notes)]
        if pod is not None
    ]
    owner = affinity[len("host:") :] if affinity.startswith("host:") else None
    return {"cidr": spec.get("cidr"), "node": owner, "held": held}


def _held(spec: Object) -> Iterator[Tuple[str, Object]]:
    """The addresses of a block that are given out, with what is noted of each."""
    network, attributes = ip_network(spec["cidr"]), spec.get("attributes") or []
    for ordinal, place in enumerate(spec.get("allocations") or []):
        if place is not None and place < len(attributes):
            yield str(network[ordinal]), attributes[place].get("secondary") or {}


def _pod_of(notes: Object) -> Optional[str]:
    return "{0}/{1}".format(notes.get("namespace"), notes["pod"]) if notes.get("pod") else None


def _age(text: Any, now: datetime) -> Optional[float]:
    """Seconds since a moment as Go prints it, ``2026-11-27 14:20:11.123 +0000 UTC``; None where it cannot be read."""
    try:
        moment = datetime.strptime(str(text)[:19], "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return None
    return max(0.0, (now - moment).total_seconds())


def bgp_configuration(item: Object) -> Trimmed:
    """The BGPConfiguration ``default``; nothing set means a full mesh of AS 64512."""
    spec = item.get("spec") or {}
    return {
        "mesh": spec.get("nodeToNodeMeshEnabled") is not False,
        "as_number": _number(spec.get("asNumber")) or 64512,
    }


def bgp_peer(item: Object) -> Trimmed:
    """A BGPPeer, without its password."""
    spec = item.get("spec") or {}
    keys = {"peer_ip": "peerIP", "as_number": "asNumber", "node": "node", "node_selector": "nodeSelector"}
    keys["peer_selector"] = "peerSelector"
    labels = item["metadata"].get("labels") or {}
    managed = labels.get("app.kubernetes.io/managed-by") == "switchyard.cni"
    return dict({key: spec.get(name) for key, name in keys.items()}, name=item["metadata"]["name"], managed=managed)


def felix_configuration(item: Object) -> Trimmed:
    """What a FelixConfiguration says about tunnels; None = not set there."""
    spec = item.get("spec") or {}
    names = {
        "ipip_enabled": "ipipEnabled",
        "vxlan_enabled": "vxlanEnabled",
        "vxlan_vni": "vxlanVNI",
        "vxlan_port": "vxlanPort",
        "ipip_mtu": "ipipMTU",
        "vxlan_mtu": "vxlanMTU",
        "wireguard_enabled": "wireguardEnabled",
        "nftables_mode": "nftablesMode",
    }
    return dict({key: spec.get(name) for key, name in names.items()}, name=item["metadata"]["name"])


def service(item: Object) -> Optional[Trimmed]:
    """A Service that can be connected to: its addresses and its TCP ports; None where it has none."""
    about, spec = item["metadata"], item.get("spec") or {}
    addresses = [one for one in spec.get("clusterIPs") or [spec.get("clusterIP")] if one and one != "None"]
    ports = [entry["port"] for entry in spec.get("ports") or [] if entry.get("protocol", "TCP") == "TCP"]
    if not addresses or not ports:
        return None
    return {"name": "{0}/{1}".format(about["namespace"], about["name"]), "addresses": addresses, "ports": ports}


def service_cidrs(item: Object) -> List[str]:
    """The networks of a ServiceCIDR."""
    return list((item.get("spec") or {}).get("cidrs") or [])


_LOCAL = {"emptyDir": "emptyDir", "hostPath": "hostPath"}
_ENDED = ("Succeeded", "Failed")


def pod(item: Object) -> Optional[Trimmed]:
    """A pod that has, or will have, a network of its own; None for one that has ended or uses its node's network."""
    about, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    if spec.get("hostNetwork") or status.get("phase") in _ENDED:
        return None
    addresses = [entry["ip"] for entry in status.get("podIPs") or [] if entry.get("ip")]
    owners = [one for one in about.get("ownerReferences") or [] if one.get("controller")]
    static = "kubernetes.io/config.mirror" in (about.get("annotations") or {})
    conditions = {entry.get("type"): entry.get("status") for entry in status.get("conditions") or []}
    return {
        "namespace": about["namespace"],
        "name": about["name"],
        "uid": about["uid"],
        "node": spec.get("nodeName"),
        "addresses": addresses or [one for one in [status.get("podIP")] if one],
        "owner": "Static" if static else (owners[0]["kind"] if owners else None),
        "ready": conditions.get("Ready") == "True",
        "ending": bool(about.get("deletionTimestamp")),
        "grace": spec.get("terminationGracePeriodSeconds"),
        "volumes": sorted({_LOCAL[kind] for one in spec.get("volumes") or [] for kind in _LOCAL if kind in one}),
    }


def policy(item: Object) -> str:
    """A policy by its name, with its namespace where it has one."""
    about = item["metadata"]
    return "/".join(word for word in (about.get("namespace"), about["name"]) if word)
