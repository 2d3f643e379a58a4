# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the declared Calico needs, as values: its objects, and the way there from the one that runs."""

from __future__ import annotations

import hashlib
import json
import typing as t
from functools import cached_property

from ansible_collections.switchyard.cni.plugins.module_utils._backends._calico import TUNL0
from ansible_collections.switchyard.cni.plugins.module_utils._backends._calico_encrypted import DEVICE as WIREGUARD
from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import networks
from ansible_collections.switchyard.cni.plugins.module_utils._ip import inside
from ansible_collections.switchyard.cni.plugins.module_utils._model import IPNetwork
from ansible_collections.switchyard.cni.plugins.plugin_utils._calico_intent import PoolIntent
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Calico
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._node_state import NodeState
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode, underlay, uses_nftables
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins import (
    _calico_crds,
    _calico_manifest,
    _calico_objects,
    _calico_release,
    _calico_way,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._approach import Approach
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._calico_way import (
    ARM,
    DISARM,
    ENCRYPT,
    HOLD,
    IPIP,
    JOIN,
    MOVE,
    NONE,
    RENUMBER,
    VXLAN,
    Mode,
    Step,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._given import Given

PREARM = "switchyard-prearm"
"""The small IPPool that brings tunnels up before they carry anything."""

PREARM_BLOCK = 30
"""Prefix length of its blocks: a node needs one address."""

_DEVICES = {IPIP: (TUNL0,), VXLAN: ("vxlan.calico",)}
_FELIX, _BIRD = ("80", "boot"), ("bird",)
"""By what the routes of Felix and of BIRD are known: Felix's to a VTEP have the protocol of no program."""

_INTERVAL = 0.2

_KEPT = (
    ("v1", "ConfigMap", "calico-config"),
    ("apps/v1", "DaemonSet", "calico-node"),
    ("apps/v1", "Deployment", "calico-kube-controllers"),
)
"""Version, kind and name of the objects in Calico's namespace that a change overwrites."""


class CalicoPlan:
    """Calico for one cluster; everything that all nodes share is computed once."""

    configures = False
    verifies = True
    """Which blocks and tunnel addresses the nodes have is only known afterwards: the verification is the proof."""

    def __init__(self, given: Given) -> None:
        self._given, self._intent = given, given.intent
        self._there = given.cluster.calico if given.cluster else None
        self._calico = given.intent.calico
        self._release = _calico_release.of_calico(self._calico, given.intent.registry)
        self._nftables = uses_nftables(given.intent, given.nodes)
        self._pools = _calico_objects.pools(given.intent, self._there)
        self._leaving = _calico_objects.leaving(given.intent, self._there, given.left)
        self._networks = (*given.intent.pod_cidrs, *given.left)
        self._blocks = _Blocks(self._networks, self._there)

    @property
    def changing(self) -> tuple[t.Mapping[str, str], ...]:
        """What the agents read, and the agents."""
        kept = [_calico_objects.reference("IPPool", pool.name) for pool in (*self._pools, *self._leaving)]
        kept += [_calico_objects.reference(kind, "default") for kind in ("FelixConfiguration", "BGPConfiguration")]
        for version, kind, name in _KEPT:
            kept.append({"apiVersion": version, "kind": kind, "namespace": self._calico.namespace, "name": name})
        return tuple(kept)

    @property
    def agents(self) -> t.Mapping[str, t.Any]:
        """The pods of the DaemonSet."""
        selectors = [f"{key}={value}" for key, value in _calico_manifest.SELECTOR.items()]
        return {"namespace": self._calico.namespace, "label_selectors": selectors}

    def cluster(self) -> dict[str, t.Any]:
        """The values that the role calico prints or writes; nothing is left to decide there."""
        return {
            "wait_timeout": self._calico.wait_timeout,
            "crds_file": self._calico.crds_file,
            "crds": _calico_crds.definitions(self._release.policy_apis),
            "manifest": _calico_manifest.values(self._intent, self._release, len(self._given.nodes), self._hash()),
            "resources": self._resources(),
            "removed": self._superseded(),
        }

    holds: t.Mapping[str, t.Any] = {}
    """All is held on the way."""

    def hold(self, node: ObservedNode) -> dict[str, t.Any]:
        """The direct routes, and those over tunl0: BIRD takes each back before it writes the next.

        Where encryption comes or goes a rule keeps packets in the main table: a node that encrypts what another one
        cannot decrypt any more, or not yet, is not heard.
        """
        if not self.approach:
            return {}
        nic = underlay(node, self._intent)
        over = [*([nic.dev] if nic else []), TUNL0]
        networks = list(map(str, self._networks))
        return {"pod_networks": networks, "over": over, "main_first": len(set(self._encryption)) > 1}

    @property
    def tools(self) -> t.Mapping[str, t.Any]:
        """calicoctl for the control plane."""
        members = self._given.cluster.members if self._given.cluster else {}
        control = [node.host for node in self._given.nodes if node.name in members and members[node.name].control_plane]
        if not self._calico.calicoctl or not control:
            return {}
        return {
            "hosts": control,
            "calicoctl": self._calico.calicoctl,
            "config": {
                "apiVersion": "projectcalico.org/v3",
                "kind": "CalicoAPIConfig",
                "metadata": {},
                "spec": {"datastoreType": "kubernetes", "kubeconfig": self._calico.calicoctl_kubeconfig},
            },
        }

    def node_state(self, node: ObservedNode) -> NodeState:
        """Nothing on the node itself: the DaemonSet brings the CNI plugins along."""
        return NodeState(cni_bin_dir=self._intent.cni_bin_dir)

    def expect(self, node: ObservedNode) -> dict[str, t.Any]:
        """What a node shows: its CNI configuration, and while a network changes the routes that it then has."""
        backend = self._intent.backend
        wanted: dict[str, t.Any] = {
            "links": list(backend.devices(self._intent)),
            "cni_config": backend.cni_config,
            "timeout": self._calico.wait_timeout,
            "interval": _INTERVAL,
        }
        if not self._given.changing:
            return wanted
        shown = self._shows(self._after, node, renumbered=True)
        tunnels = [*shown["tunnels"], self._encrypts(node)]
        return {**wanted, **shown, "tunnels": tunnels, **self._speaks(node)}

    @cached_property
    def approach(self) -> tuple[Approach, ...]:
        """The steps before the declared network itself, where it takes the place of another one of Calico."""
        source = self._given.source
        if not self._given.changing or source is None or source.plugin != "calico":
            return ()
        if self._leaving:
            return tuple(map(self._approach, _calico_way.renumbering(self._after)))
        before = Mode.of(source.calico.ipip_mode, source.calico.vxlan_mode)
        sessions = self._new_sessions and self._speaks_for(before)
        steps = _calico_way.way(before, self._after, self._armed, sessions, self._encryption)
        return tuple(map(self._approach, steps))

    # -- the sessions

    @property
    def _new_sessions(self) -> bool:
        """Whether nodes will learn their routes from others than they do now."""
        source = self._given.source
        return source is not None and self._reflectors(source) != self._reflectors(self._intent)

    @property
    def _encryption(self) -> tuple[bool, bool]:
        """Whether WireGuard encrypts before the change and after it."""
        source = self._given.source
        return source is not None and source.backend.encrypts, self._intent.backend.encrypts

    def _speaks_for(self, mode: Mode) -> bool:
        """Whether the direct routes of a mode come by BGP."""
        return self._writers(mode) == _BIRD

    def _reflectors(self, intent: Intent) -> frozenset[str]:
        chosen = set(intent.calico.route_reflectors)
        return frozenset(node.name for node in self._given.nodes if chosen & {node.name, node.host})

    def _speaks(self, node: ObservedNode) -> dict[str, t.Any]:
        """With whom a node speaks when its sessions have changed."""
        reflectors = self._reflectors(self._intent)
        if not self._new_sessions or self._calico.networking_backend != "bird":
            return {}
        peers = reflectors if reflectors and node.name not in reflectors else {one.name for one in self._given.nodes}
        return {"sessions": {"peers": self._addresses(peers - {node.name}), "mesh": not reflectors}}

    def _addresses(self, nodes: t.Collection[str]) -> list[str]:
        """The addresses that nodes speak from, one of each family they have."""
        members = self._given.cluster.members if self._given.cluster else {}
        told = [self._intent.backend.announced(one.notes) for name, one in members.items() if name in nodes]
        return sorted(address.partition("/")[0] for one in told for address in one.addresses)

    # -- the objects

    def _resources(self) -> list[dict[str, t.Any]]:
        """In an order in which every node keeps its way to the others' routes: the mesh goes last, and comes first."""
        intent = self._intent
        marks = _calico_objects.marks(intent, self._given.nodes, self._given.cluster)
        sessions = [*_calico_objects.peers(intent), *marks, _calico_objects.bgp(intent)]
        return [
            _calico_objects.felix(intent, self._nftables),
            *map(_calico_objects.ippool, (*self._pools, *_calico_objects.disabled(self._leaving))),
            *(sessions if self._calico.route_reflectors else reversed(sessions)),
        ]

    def _superseded(self) -> list[dict[str, str]]:
        """What is there of an earlier declaration, and would do something still, or nothing for nobody."""
        found = _calico_objects.superseded(self._intent, self._given.cluster)
        namespace, there = self._calico.namespace, self._there.typhas if self._there else ()
        if namespace in there and not _calico_manifest.uses_typha(self._calico, len(self._given.nodes)):
            found += _calico_manifest.typha_objects(namespace)
        return found

    def _hash(self) -> str:
        """What makes the agents start again: what they read only when they start."""
        read = _calico_manifest.config(self._intent, len(self._given.nodes))
        return hashlib.sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()

    # -- the way

    @property
    def _after(self) -> Mode:
        return Mode.of(self._calico.ipip_mode, self._calico.vxlan_mode)

    @property
    def _armed(self) -> str | None:
        """The encapsulation that an interrupted run has armed."""
        there = self._there.pools if self._there else ()
        return next((Mode.of(one.ipip_mode, one.vxlan_mode).type for one in there if one.name == PREARM), None)

    def _approach(self, step: Step) -> Approach:
        names = [node.name for node in self._given.nodes]
        return Approach(
            label=_label(step),
            objects=tuple(self._objects(step)),
            drained=({"name": PREARM, "cidr": self._calico.prearm_cidr},) if step.kind == DISARM else (),
            expect={
                node.name: {"timeout": self._calico.wait_timeout, "interval": _INTERVAL, **self._step_shows(step, node)}
                for node in self._given.nodes
            },
            hold=frozenset(names) if step.hold else frozenset(),
        )

    def _objects(self, step: Step) -> t.Iterator[dict[str, t.Any]]:
        if step.kind == ARM and step.tunnel:
            nodes = self._calico.pool_node_selector
            spec = _calico_way.arming(self._calico.prearm_cidr, PREARM_BLOCK, step.tunnel, nodes)
            yield _calico_objects.made("IPPool", PREARM, spec)
        if step.kind == ENCRYPT:
            yield _calico_objects.felix(self._intent, self._nftables)
        for pool in self._stepping(step.kind):
            yield _calico_objects.ippool(_calico_way.with_mode(pool, step.mode))

    def _stepping(self, kind: str) -> tuple[PoolIntent, ...]:
        """The IPPools of the pod network that change with a step; further ones have modes of their own.

        IPv6's comes first: its tunnels get their addresses now, while IPv4's have been armed, and of two changes in a
        row Calico may miss the second (OnUpdates in node/pkg/allocateip).
        """
        main = tuple(pool for pool in self._pools if pool.cidr in self._intent.pod_cidrs)
        changing = {
            MOVE: main,
            JOIN: (*main, *self._leaving),
            RENUMBER: _calico_objects.disabled(self._leaving),
        }
        return tuple(sorted(changing.get(kind, ()), key=lambda pool: -pool.cidr.version))

    def _step_shows(self, step: Step, node: ObservedNode) -> dict[str, t.Any]:
        shown = self._shows(step.mode, node, step.kind != JOIN)
        tunnels = [one for one in shown["tunnels"] if step.kind in (DISARM, RENUMBER)]
        if step.tunnel:
            armed = {"within": [self._calico.prearm_cidr]} if step.kind == ARM else {}
            tunnels += [{"dev": dev, "peers": self._vteps(step.tunnel), **armed} for dev in _DEVICES[step.tunnel]]
        if step.kind == ENCRYPT:
            tunnels.append(self._encrypts(node))
        return {**shown, "tunnels": tunnels}

    def _shows(self, mode: Mode, node: ObservedNode, renumbered: bool) -> dict[str, t.Any]:
        """The routes of a mode, and what its tunnel has; tunnels that are not its own have no address.

        ``renumbered`` says that tunnels have addresses of another network than before, if pods get one.
        """
        nic = underlay(node, self._intent)
        devices = _DEVICES.get(mode.type, ())
        over = [*devices] if devices and not mode.near else [*devices, *([nic.dev] if nic else [])]
        wanted = {"dev": None, "within": [str(cidr) for cidr in self._intent.pod_cidrs if cidr.version == 4]}
        used = [{**wanted, "dev": dev, "peers": self._vteps(mode.type)} for dev in devices]
        unused = [{"dev": dev, "bare": True} for one, devs in _DEVICES.items() if one != mode.type for dev in devs]
        return {
            "pod_routes": {
                "within": [str(cidr) for cidr in self._networks],
                "count": self._blocks.of_peers(node.name) + (self._new_blocks if renumbered and devices else 0),
                "over": over,
                "by": list(self._writers(mode)),
                "at_least": True,
            },
            "tunnels": used + unused,
        }

    def _encrypts(self, node: ObservedNode) -> dict[str, t.Any]:
        """The device of WireGuard: a route over it to every block of another node, or no address."""
        if not self._intent.backend.encrypts:
            return {"dev": WIREGUARD, "bare": True}
        within = [str(cidr) for cidr in self._intent.pod_cidrs]
        return {"dev": WIREGUARD, "within": within, "own_routes": self._blocks.of_peers(node.name)}

    @property
    def _new_blocks(self) -> int:
        """The blocks of a new network out of which the other nodes' tunnels get their addresses."""
        news = {cidr.version for cidr in self._intent.pod_cidrs if not self._blocks.inside(cidr)}
        return (len(self._given.nodes) - 1) * len(news) if self._leaving else 0

    def _writers(self, mode: Mode) -> tuple[str, ...]:
        if mode.type == VXLAN or (mode.type == IPIP and self._release.felix_writes_ipip):
            return _FELIX
        return _BIRD

    def _vteps(self, type_name: str) -> int:
        """The peers that a VXLAN device forwards to; one of IPIP has no such entries."""
        return len(self._given.nodes) - 1 if type_name == VXLAN else 0


class _Blocks:
    """How many IPAM blocks of some networks the nodes have."""

    def __init__(self, within: t.Sequence[IPNetwork], calico: Calico | None) -> None:
        found = calico.blocks if calico else {}
        self._own = {name: sum(inside(one, within) for one in networks(cidrs)) for name, cidrs in found.items()}
        self._all = sum(self._own.values())
        self._cidrs = tuple(one for cidrs in found.values() for one in networks(cidrs))

    def of_peers(self, name: str) -> int:
        """The blocks of all nodes but one."""
        return self._all - self._own.get(name, 0)

    def inside(self, cidr: IPNetwork) -> bool:
        """Whether any node has a block of a network."""
        return any(inside(one, [cidr]) for one in self._cidrs)


def _label(step: Step) -> str:
    if step.kind == ARM:
        return f"bring up the {(step.tunnel or NONE).upper()} tunnels, which carry nothing yet"
    if step.kind == DISARM:
        return "give the tunnels their addresses out of the pod network"
    if step.kind == JOIN:
        return f"{step.mode}, with the new network beside the earlier one"
    if step.kind == RENUMBER:
        return "give new pods and the tunnels addresses of the new network"
    if step.kind == ENCRYPT:
        return "bring up WireGuard, which carries nothing yet"
    if step.kind == HOLD:
        return "hold the routes between nodes until they are written anew"
    return f"{step.mode}"
