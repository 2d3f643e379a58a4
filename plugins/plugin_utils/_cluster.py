# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API server knows of a cluster, as typed values.

The module switchyard.cni.cluster_network_info returns plain JSON; it is parsed here, once.
This file is private to the collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.switchyard.cni.plugins.module_utils._model import Gap

Raw = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Condition:
    """A condition of a Node: ``status`` is ``True``, ``False`` or ``Unknown``."""

    status: str
    reason: str = ""
    message: str = ""


@dataclass(frozen=True)
class Member:
    """A Node of the cluster. ``notes`` are the network agents' annotations."""

    name: str
    pod_cidrs: tuple[str, ...] = ()
    internal_ips: tuple[str, ...] = ()
    notes: t.Mapping[str, str] = field(default_factory=dict)
    control_plane: bool = False
    unschedulable: bool = False
    max_pods: int | None = None
    architecture: str | None = None
    ready: Condition | None = None
    network_unavailable: Condition | None = None


@dataclass(frozen=True)
class DaemonSet:
    """A DaemonSet of a network agent; ``agent`` is the plugin's name, or ``kube-proxy``."""

    namespace: str
    name: str
    agent: str
    images: tuple[str, ...] = ()
    desired: int = 0
    ready: int = 0
    environment: t.Mapping[str, str] = field(default_factory=dict)


class Running(t.NamedTuple):
    """An image that an agent runs on a node, by the digest with which it was pulled."""

    node: str
    image: str
    digest: str


@dataclass(frozen=True)
class ClusterPod:
    """A pod with a network of its own, as the API server knows it.

    ``owner`` is the kind of its controller (``Static``: its kubelet), ``grace`` the seconds that it may take to end,
    ``volumes`` the kinds of those that are on its node.
    """

    namespace: str
    name: str
    uid: str
    node: str | None = None
    addresses: tuple[str, ...] = ()
    owner: str | None = None
    ready: bool = False
    ending: bool = False
    grace: int = 30
    volumes: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Its name in the cluster."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Policies:
    """The policies by name: those of Kubernetes, and those that only Calico knows."""

    kubernetes: tuple[str, ...] = ()
    calico: tuple[str, ...] = ()


@dataclass(frozen=True)
class FlannelConfig:
    """A ConfigMap with flannel's net-conf.json; None with a ``problem`` when it is damaged."""

    namespace: str
    net_conf: Raw | None
    problem: str | None = None


@dataclass(frozen=True)
class Pool:
    """An IPPool of Calico."""

    name: str
    cidr: str
    ipip_mode: str = "Never"
    vxlan_mode: str = "Never"
    nat_outgoing: bool = False
    disabled: bool = False
    block_size: int | None = None
    allowed_uses: tuple[str, ...] = ("Workload", "Tunnel")


@dataclass(frozen=True)
class BgpPeer:
    """A BGPPeer of Calico that is not part of the full mesh; ``managed`` is one that this collection has made."""

    name: str
    peer_ip: str | None = None
    node: str | None = None
    node_selector: str | None = None
    peer_selector: str | None = None
    managed: bool = False


class Held(t.NamedTuple):
    """An address that Calico's IPAM holds for a pod; ``age`` in seconds, None where nobody knows."""

    address: str
    node: str | None = None
    pod: str = ""
    age: float | None = None


@dataclass(frozen=True)
class IpamBlock:
    """A block of Calico's IPAM; ``node`` is whose it is, None for nobody's."""

    cidr: str
    node: str | None = None
    held: tuple[Held, ...] = ()


@dataclass(frozen=True)
class Calico:
    """Calico's objects. ``blocks`` maps a node to its IPAM blocks; ``felix`` is the FelixConfiguration ``default``.

    ``operator`` says that tigera-operator manages them, ``typhas`` are the namespaces with a Typha.
    """

    pools: tuple[Pool, ...] = ()
    blocks: t.Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mesh: bool = True
    as_number: int = 64512
    peers: tuple[BgpPeer, ...] = ()
    felix: Raw = field(default_factory=dict)
    backend: str | None = None
    veth_mtu: int | None = None
    operator: bool = False
    typhas: tuple[str, ...] = ()


@dataclass(frozen=True)
class Service:
    """A service that can be connected to."""

    name: str
    addresses: tuple[str, ...]
    ports: tuple[int, ...]


@dataclass(frozen=True)
class Cluster:
    """A cluster; ``members`` by name. ``guarded`` are the namespaces with policies, the empty one if all have.

    ``mirrored`` are the digests of the images that were brought to a private registry, ``running`` what agents run.
    """

    version: str = ""
    members: t.Mapping[str, Member] = field(default_factory=dict)
    daemonsets: tuple[DaemonSet, ...] = ()
    flannel: tuple[FlannelConfig, ...] = ()
    calico: Calico | None = None
    services: tuple[Service, ...] = ()
    service_cidrs: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    guarded: frozenset[str] = frozenset()
    pods: tuple[ClusterPod, ...] = ()
    policies: Policies = field(default_factory=Policies)
    ipam: tuple[IpamBlock, ...] = ()
    mirrored: t.Mapping[str, str] = field(default_factory=dict)
    running: tuple[Running, ...] = ()
    gaps: tuple[Gap, ...] = ()

    @classmethod
    def from_dict(cls, raw: Raw) -> Cluster:
        """Parse the ``cluster`` value of cluster_network_info."""
        members = [_member(item) for item in raw.get("nodes") or ()]
        calico = raw.get("calico")
        return cls(
            version=raw.get("version") or "",
            members={member.name: member for member in members},
            daemonsets=tuple(_daemonset(item) for item in raw.get("agents") or ()),
            flannel=tuple(
                FlannelConfig(item.get("namespace") or "", item.get("net_conf"), item.get("problem"))
                for item in raw.get("flannel") or ()
            ),
            calico=_calico(calico) if calico is not None else None,
            services=tuple(
                Service(item["name"], tuple(item["addresses"]), tuple(item["ports"]))
                for item in raw.get("services") or ()
            ),
            service_cidrs=tuple(raw.get("service_cidrs") or ()),
            namespaces=tuple(raw.get("namespaces") or ()),
            guarded=frozenset(raw.get("guarded") or ()),
            pods=tuple(_pod(item) for item in raw.get("pods") or ()),
            policies=Policies(**{key: tuple(some) for key, some in (raw.get("policies") or {}).items()}),
            ipam=tuple(
                IpamBlock(item["cidr"], item.get("node"), tuple(Held(**one) for one in item.get("held") or ()))
                for item in raw.get("ipam") or ()
            ),
            mirrored=(raw.get("mirrored") or {}).get("images") or {},
            running=tuple(Running(**one) for one in (raw.get("mirrored") or {}).get("running") or ()),
            gaps=tuple(Gap(item["what"], item["reason"]) for item in raw.get("gaps") or ()),
        )


class Roster:
    """Who is who: finds the Node of a host by a name, or by an address it holds."""

    def __init__(self, members: t.Mapping[str, Member]) -> None:
        self._members = members
        self._by_address = {address: one for one in members.values() for address in one.internal_ips}

    def find(self, names: t.Iterable[str | None], addresses: t.Iterable[str]) -> Member | None:
        """The first member that has one of the names, else the one that has one of the addresses."""
        for name in names:
            if name and name in self._members:
                return self._members[name]
        return next((self._by_address[one] for one in addresses if one in self._by_address), None)


def _member(item: Raw) -> Member:
    return Member(
        name=item["name"],
        pod_cidrs=tuple(item.get("pod_cidrs") or ()),
        internal_ips=tuple(item.get("internal_ips") or ()),
        notes=item.get("annotations") or {},
        control_plane=bool(item.get("control_plane")),
        unschedulable=bool(item.get("unschedulable")),
        max_pods=item.get("max_pods"),
        architecture=item.get("architecture"),
        ready=_condition(item.get("ready")),
        network_unavailable=_condition(item.get("network_unavailable")),
    )


def _condition(item: Raw | None) -> Condition | None:
    if not item:
        return None
    return Condition(item.get("status") or "Unknown", item.get("reason") or "", item.get("message") or "")


def _pod(item: Raw) -> ClusterPod:
    return ClusterPod(
        namespace=item["namespace"],
        name=item["name"],
        uid=item["uid"],
        node=item.get("node"),
        addresses=tuple(item.get("addresses") or ()),
        owner=item.get("owner"),
        ready=bool(item.get("ready")),
        ending=bool(item.get("ending")),
        grace=30 if item.get("grace") is None else int(item["grace"]),
        volumes=tuple(item.get("volumes") or ()),
    )


def _daemonset(item: Raw) -> DaemonSet:
    return DaemonSet(
        namespace=item.get("namespace") or "",
        name=item["name"],
        agent=item["agent"],
        images=tuple(item.get("images") or ()),
        desired=item.get("desired") or 0,
        ready=item.get("ready") or 0,
        environment=item.get("environment") or {},
    )


def _calico(item: Raw) -> Calico:
    blocks: dict[str, list[str]] = {}
    for block in item.get("blocks") or ():
        blocks.setdefault(block["node"], []).append(block["cidr"])
    bgp, config = item.get("bgp") or {}, item.get("config") or {}
    return Calico(
        pools=tuple(_pool(one) for one in item.get("pools") or ()),
        blocks={node: tuple(cidrs) for node, cidrs in blocks.items()},
        mesh=bgp.get("mesh", True),
        as_number=bgp.get("as_number") or 64512,
        peers=tuple(_bgp_peer(one) for one in item.get("peers") or ()),
        felix=next((one for one in item.get("felix") or () if one.get("name") == "default"), {}),
        backend=config.get("calico_backend"),
        veth_mtu=_positive(config.get("veth_mtu")),
        operator=bool(item.get("operator")),
        typhas=tuple(item.get("typhas") or ()),
    )


def _pool(item: Raw) -> Pool:
    return Pool(
        name=item["name"],
        cidr=item["cidr"],
        ipip_mode=item.get("ipip_mode") or "Never",
        vxlan_mode=item.get("vxlan_mode") or "Never",
        nat_outgoing=bool(item.get("nat_outgoing")),
        disabled=bool(item.get("disabled")),
        block_size=item.get("block_size"),
        allowed_uses=tuple(item.get("allowed_uses") or ()),
    )


def _bgp_peer(item: Raw) -> BgpPeer:
    return BgpPeer(
        item["name"],
        item.get("peer_ip"),
        item.get("node"),
        item.get("node_selector"),
        item.get("peer_selector"),
        bool(item.get("managed")),
    )


def _positive(value: t.Any) -> int | None:
    """A number in a ConfigMap, where 0 means that Calico finds it out itself."""
    try:
        return int(value) or None
    except (TypeError, ValueError):
        return None
