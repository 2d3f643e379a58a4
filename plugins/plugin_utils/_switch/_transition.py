# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it takes to come from the pod network in force to the declared one, before anything is touched.

Pure: what was observed and an intent in, a value out. No backend is named here: what makes a change harmless or not
is asked of the two backends.
"""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, replace

from ansible_collections.switchyard.cni.plugins.module_utils._backends import running
from ansible_collections.switchyard.cni.plugins.module_utils._ip import inside
from ansible_collections.switchyard.cni.plugins.module_utils._model import IPNetwork, ip_network
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._detect import deployed, detect
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent, build_intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode, underlay
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._belongings import BELONGINGS
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import errors, names
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import resolve

FIRST, NONE, LIVE, PODS, CIDR, DUAL = "first", "none", "live", "pods", "cidr", "dual"
"""Classes of a transition: nothing runs yet, nothing changes, routes change under running pods, pods must be made anew
besides, pods are made anew in another network node by node, and another plugin takes over so."""

NAKED = "naked-pods"
"""What may be allowed besides: that pods go which no controller makes anew."""

Settings = t.Mapping[str, t.Any]
Nodes = t.Sequence[ObservedNode]
Networks = tuple[IPNetwork, ...]


class Mtu(t.NamedTuple):
    """The pods' MTU of some nodes before and after, in bytes."""

    before: int
    after: int
    nodes: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.before} to {self.after} bytes on {names(self.nodes)}"


@dataclass(frozen=True)
class Transition:
    """A change of the pod network.

    ``settings`` are those that describe what is in force, ``changes`` what differs in words, ``mtus`` the nodes whose
    pods get another MTU, ``large`` the pods whose MTU is larger than the new network carries, and ``pauses`` what keeps
    packets from getting through while it lasts. ``earlier`` are the pod networks that were in force, with all families
    of each, as far as pods have to leave them.
    """

    kind: str
    target: Intent
    source: Intent | None = None
    settings: Settings | None = None
    changes: tuple[str, ...] = ()
    mtus: tuple[Mtu, ...] = ()
    large: tuple[str, ...] = ()
    pauses: tuple[str, ...] = ()
    earlier: tuple[Networks, ...] = ()

    @property
    def moves(self) -> bool:
        """Whether all pods are made anew in another network, node by node."""
        return self.kind in (CIDR, DUAL)

    @property
    def left(self) -> Networks:
        """The networks that pods leave."""
        declared = self.target.pod_cidrs if self.kind == CIDR else ()
        return tuple(dict.fromkeys(cidr for some in self.earlier for cidr in some if cidr not in declared))

    @property
    def switches(self) -> bool:
        """Whether a running pod network is changed."""
        return self.kind in (LIVE, PODS, CIDR, DUAL)


def transition(
    target: Intent, cluster: Cluster | None, nodes: Nodes, begun: t.Mapping[str, t.Any] | None = None
) -> Transition:
    """What the declared network means for the one that runs; flannel in etcd is not compared (cluster is None).

    ``begun`` is the run that an open journal tells of.
    """
    found = _in_force(target, cluster, nodes, begun) if cluster is not None else None
    if found is None:
        return Transition(FIRST if cluster is not None else NONE, target)
    source, settings = found
    changes = (*_changes(source, target), *_session_changes(source, target, nodes))
    if source.plugin != target.plugin:
        mtus = tuple(_mtus(source, target, nodes))
        return Transition(DUAL, target, source, settings, changes, mtus, earlier=(source.pod_cidrs,))
    earlier = tuple(_earlier(source, target, cluster, begun)) if cluster is not None else ()
    if earlier:
        # A run that was killed on its way has left an encapsulation that neither end of it declares.
        besides = changes if begun is None or source.backend.type != target.backend.type else ()
        words = f"pod network {cidrs(earlier[0])} to {cidrs(target.pod_cidrs)}"
        mtus = tuple(_mtus(source, target, nodes))
        return Transition(CIDR, target, source, settings, (words, *besides), mtus, earlier=earlier)
    large = tuple(_large_pods(target, nodes))
    if not changes:
        return Transition(NONE, target, source, settings, large=large)
    mtus, pauses = tuple(_mtus(source, target, nodes)), tuple(_pauses(source, target))
    return Transition(PODS if large else LIVE, target, source, settings, changes, mtus, large, pauses)


def _in_force(
    target: Intent, cluster: Cluster, nodes: Nodes, begun: t.Mapping[str, t.Any] | None
) -> tuple[Intent, Settings] | None:
    """The pod network that runs, as an intent; None where there is none, or where it cannot be told.

    Where two plugins are deployed it is that which is not declared: it still has pods, or something is left of it.
    """
    other = next((plugin for plugin in deployed(cluster) if plugin != target.plugin), None)
    found, problems = detect(cluster, nodes, other)
    if found is None or problems:
        return None
    settings: Settings = {**found.settings, **_really(nodes, found.settings)}
    if other is None and begun is not None:
        settings = next((one for one in _ends(begun) if one["network_plugin"] != target.plugin), settings)
    intent = _intent(settings)
    return None if intent is None else (intent, settings)


def _earlier(
    source: Intent, target: Intent, cluster: Cluster, begun: t.Mapping[str, t.Any] | None
) -> t.Iterator[Networks]:
    """The pod networks that were in force, of which something is there that is not declared any more.

    Only of plugins that give addresses out of IPPools: elsewhere the Nodes have their subnets for life. An IPPool that
    somebody has made beside the declared one is not ours to empty.
    """
    pools = list(BELONGINGS[target.plugin].pools(cluster))
    moving = begun is not None and "move" in begun.get("steps", ())
    if not moving and {str(cidr) for cidr in target.pod_cidrs} <= {one.cidr for one in pools if not one.disabled}:
        return
    there = [ip_network(one.cidr) for one in pools] + list(map(ip_network, BELONGINGS[target.plugin].blocks(cluster)))
    declared = (*target.pod_cidrs, *target.agent.kept_cidrs)
    ends = filter(None, map(_intent, _ends(begun))) if moving and begun is not None else ()
    for networks in dict.fromkeys(one.pod_cidrs for one in (source, *ends) if one.plugin == target.plugin):
        if any(inside(one, [cidr for cidr in networks if cidr not in declared]) for one in there):
            yield networks


def _intent(settings: Settings) -> Intent | None:
    """The network that some settings describe, where they can be understood."""
    values, wrong = resolve(settings)
    intent, contradictions = build_intent(values)
    return None if intent is None or errors(wrong + contradictions) else intent


def cidrs(some: t.Iterable[IPNetwork]) -> str:
    """Networks as one variable holds them."""
    return ",".join(map(str, some))


def _ends(begun: t.Mapping[str, t.Any]) -> t.Iterator[Settings]:
    """The networks that an open run leads from and to, as far as it tells them."""
    for end in (begun["from"], begun["to"]):
        if end.get("settings", {}).get("network_plugin"):
            yield end["settings"]


def _really(nodes: Nodes, settings: Settings) -> Settings:
    """What most nodes run where the stored configuration says otherwise: agents read it only when they start.

    Most of all nodes, not of those that were asked: one that was left for later runs what the others have left.
    """
    types = Counter(
        (one.plugin, one.type) for node in nodes if node.facts for one in (running(node.facts),) if one is not None
    )
    if not types:
        return {}
    (plugin, type_name), count = types.most_common(1)[0]
    if 2 * count <= len(nodes):
        return {}
    name = f"{plugin}_backend"
    if settings.get("network_plugin") != plugin or settings.get(name, type_name) == type_name:
        return {}
    return {name: type_name, f"{plugin}_direct_routing": False}


def _changes(source: Intent, target: Intent) -> t.Iterator[str]:
    """What differs, in words; a pre-shared key is in no message and not compared."""
    if source.plugin != target.plugin:
        yield f"plugin {source.plugin} to {target.plugin}"
    if source.backend is not target.backend:
        yield f"backend {source.backend.label} to {target.backend.label}"
    if source.plugin != target.plugin or source.backend.type != target.backend.type:
        return
    before, after = _conf(source), _conf(target)
    for key in sorted({*before, *after} - {"DirectRouting"}):
        if before.get(key) != after.get(key):
            yield f"{key} {_word(before.get(key))} to {_word(after.get(key))}"


def _session_changes(source: Intent, target: Intent, nodes: Nodes) -> t.Iterator[str]:
    """What differs, in words, in whom nodes learn routes from. Both may name a node by its host."""
    if source.plugin != target.plugin:
        return
    by_host = {node.host: node.name for node in nodes}
    before, after = (
        {what: sorted({by_host.get(name, name) for name in some}) for what, some in intent.agent.sessions.items()}
        for intent in (source, target)
    )
    for what in sorted({*before, *after}):
        if before.get(what) != after.get(what):
            yield f"{what} {names(before.get(what, ())) or 'none'} to {names(after.get(what, ())) or 'none'}"


def _conf(intent: Intent) -> t.Mapping[str, t.Any]:
    return intent.backend.backend_conf(replace(intent.options, wireguard_psk=""))


def _word(value: t.Any) -> str:
    return "unset" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _mtus(source: Intent, target: Intent, nodes: Nodes) -> t.Iterator[Mtu]:
    """The nodes whose agent has told its CNI plugin another MTU than it will."""
    found: dict[tuple[int, int], list[str]] = {}
    for node in nodes:
        device = underlay(node, target)
        before = source.backend.told_mtu(node.facts) if node.facts else None
        if device is None or before is None:
            continue
        pair = (before, target.backend.pod_mtu(device.mtu, target.options))
        if pair[0] != pair[1]:
            found.setdefault(pair, []).append(node.name)
    for (before_mtu, after_mtu), where in found.items():
        yield Mtu(before_mtu, after_mtu, tuple(where))


def _large_pods(target: Intent, nodes: t.Iterable[ObservedNode]) -> t.Iterator[str]:
    """The pods whose MTU is larger than the network will carry in one piece, as ``namespace/name``."""
    for node in nodes:
        device = underlay(node, target)
        if device is None or node.facts is None:
            continue
        limit = target.backend.pod_mtu(device.mtu, target.options)
        yield from (pod.label for pod in node.facts.pods if pod.mtu > limit)


def _pauses(source: Intent, target: Intent) -> t.Iterator[str]:
    anew = target.backend.rebuilt(source.backend, source.options, target.options)
    if source.backend.device_ends_with_agent:
        why = f"the device of {source.backend.label} goes with its agent"
    elif anew:
        why = f"for another {' and '.join(anew)} the tunnel device is made anew"
    else:
        return
    if target.backend.stays_secret(source.backend):
        yield f"{why}: packets between nodes are lost until the next agent has its routes, and none is sent unencrypted"
    else:
        yield (
            f"{why}: neighbours reach each other directly meanwhile, without any encapsulation, and packets to other "
            "nodes are lost until the next agent has its routes"
        )
