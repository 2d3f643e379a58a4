# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths: do packets arrive, by the declared way, and encapsulated where they shall be?"""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.switchyard.cni.plugins.plugin_utils._verify import _probes
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._finding import (
    ERROR,
    INFO,
    WARNING,
    Check,
    Finding,
    Findings,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._probes import Outcome, Probed
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import Scene

TOPIC = "paths"

POD = Check("pod-unreachable", ERROR, "Pods reach pods")
NODE = Check("node-to-pod-unreachable", ERROR, "Nodes reach pods")
SERVICE = Check("service-unreachable", ERROR, "Pods reach services")
WAY = Check("path-wrong-class", ERROR, "Packets travel by the declared way")
SMALL = Check("path-mtu-low", ERROR, "Packets of the declared MTU pass in one piece")
UNUSED = Check("encapsulation-unused", ERROR, "The tunnel devices carry the packets that they shall carry")
UNEXPECTED = Check("encapsulation-unexpected", WARNING, "The tunnel devices carry nothing that goes directly")
IMPOSSIBLE = Check("probe-impossible", INFO, "Every node has a pod from which paths can be probed")

CHECKS = (POD, NODE, SERVICE, WAY, SMALL, UNUSED, UNEXPECTED, IMPOSSIBLE)

_UNREACHABLE = {_probes.POD: POD, _probes.NODE: NODE, _probes.SERVICE: SERVICE}
_WORDS = {
    _probes.TUNNEL: "through the tunnel",
    _probes.DIRECT: "directly to the node",
    _probes.LOCAL: "within the node",
}


_NEVER_SENT = ("no-source", "failed")
"""Causes of path_probe that say nothing about the path."""

_SILENCE = "Read the findings about routes, devices and the host of both nodes; a NetworkPolicy may forbid it too"
_HINTS = {
    "unreachable": "Who says so has no way on: without a route to the pod packets leave by the default route, and a "
    "router elsewhere answers",
    "prohibited": "A rule of a packet filter or a NetworkPolicy rejects it, on the host that says so",
    "loop": "Compare the routes of the hosts on the way: each sends the packet to the other",
    "refused": "The pod answers, and nothing listens on that port",
    "local": "Look at the routes of this node (ip route get): its own kernel has none to the pod, or a blackhole",
}


def judge(scene: Scene, probed: Probed) -> Findings:
    """What the probes say."""
    for outcome in probed.outcomes:
        yield from _outcome(scene, outcome)
    yield from _counters(scene, probed)
    yield from _impossible(scene, probed)


def way_of(scene: Scene, outcome: Outcome) -> str:
    """The way a packet took, by the addresses that answered before the target (as in a traceroute)."""
    probe = outcome.probe
    peer = scene.endpoints.get(probe.target.node)
    if not outcome.reachable or peer is None:
        return _probes.NONE
    if probe.source.node == probe.target.node:
        return _probes.LOCAL
    version = 6 if ":" in probe.target.address else 4
    between = [hop for hop in outcome.hops if hop and hop != probe.target.address]
    if scene.far_end(peer, version) in between:
        return _probes.TUNNEL
    member = scene.cluster.members[probe.target.node]
    if {peer.address(version), *member.internal_ips} & set(between):
        return _probes.DIRECT
    return _probes.NONE


def _outcome(scene: Scene, outcome: Outcome) -> Findings:
    probe = outcome.probe
    if not outcome.reachable and outcome.cause in _NEVER_SENT:
        hint = "The pod may have gone meanwhile: verify again"
        yield IMPOSSIBLE.found(probe.source.node, _path(outcome), "a probe", outcome.error or "none", hint)
        return
    if not outcome.reachable:
        closed = _unreachable(scene, outcome)
        yield _on_purpose(closed) if _is_guarded(scene, outcome) else closed
        return
    way = way_of(scene, outcome)
    if probe.expected in _WORDS and way in _WORDS and way != probe.expected:
        hint = "Look at the routes of both nodes: an old one may still win, or DirectRouting judges the peer otherwise"
        found = f"{_WORDS[way]}: {' > '.join(hop or '*' for hop in outcome.hops)}"
        yield WAY.found(probe.source.node, _path(outcome), _WORDS[probe.expected], found, hint)
    if probe.mtu is not None and outcome.path_mtu is not None and outcome.path_mtu < probe.mtu:
        hint = "Compare the MTU of every NIC and tunnel device on the way; something drops larger packets"
        found = f"{outcome.path_mtu} bytes" + (f" ({outcome.error})" if outcome.error else "")
        yield SMALL.found(probe.source.node, _path(outcome), f"{probe.mtu} bytes", found, hint)


def _unreachable(scene: Scene, outcome: Outcome) -> Finding:
    probe = outcome.probe
    if probe.kind == _probes.SERVICE:
        hint = "See whether the service has endpoints, and whether kube-proxy runs on this node"
    else:
        hint = _HINTS.get(outcome.cause or "", _silence(scene, outcome))
    actual = outcome.error or f"no answer to {outcome.sent} packets"
    return _UNREACHABLE[probe.kind].found(probe.source.node, _path(outcome), "an answer", actual, hint)


def _silence(scene: Scene, outcome: Outcome) -> str:
    """What to do where nobody says anything: a firewall between the nodes drops without a word."""
    port = scene.backend.transport(scene.intent) if outcome.probe.expected == _probes.TUNNEL else None
    if port is None:
        return _SILENCE
    return f"Let {port} pass between the nodes; else {_SILENCE[:1].lower()}{_SILENCE[1:]}"


def _is_guarded(scene: Scene, outcome: Outcome) -> bool:
    """Whether a policy of either end's namespace may have closed the path."""
    guarded = scene.cluster.guarded if scene.backend.enforces_policies else frozenset[str]()
    ends = (outcome.probe.source.name, outcome.probe.target.name)
    return "" in guarded or any(name.partition("/")[0] in guarded for name in ends if "/" in name)


def _on_purpose(finding: Finding) -> Finding:
    """The same as a warning: nobody but the operator knows whether it is meant."""
    hint = f"A NetworkPolicy may forbid it, and then all is well. Else: {finding.hint[:1].lower()}{finding.hint[1:]}"
    return replace(finding, severity=WARNING, hint=hint)


def _path(outcome: Outcome) -> str:
    source, target = outcome.probe.source, outcome.probe.target
    port = f" port {target.port}" if target.port is not None else ""
    where = f" on {target.node}" if target.node else ""
    return f"{source.name} {source.address} to {target.name} {target.address}{port}{where}"


def _counters(scene: Scene, probed: Probed) -> Findings:
    """A tunnel that shall carry the probes must have moved by that many packets; one that shall not, by fewer.

    Other traffic moves the counters too, so only clear cases are findings: where some nodes are reached through the
    tunnel, the others' answers to them and whatever else goes there may have moved it.
    """
    devices = sorted(scene.devices)
    sent = _sent(probed)
    mixed = any(one.probe.expected == _probes.TUNNEL for one in probed.outcomes)
    for node, moved in probed.counters.items():
        known = [one for one in (moved.get(dev) for dev in devices) if one is not None]
        if not known:
            continue
        carried = sum(one["tx_packets"] for one in known)
        through, directly = (sent.get((node, way), 0) for way in (_probes.TUNNEL, _probes.DIRECT))
        if through and carried < through:
            hint = "Another route wins: look at the routes of this node, and at what its agent has announced"
            told = f"{carried} packets were sent through {', '.join(devices)}"
            yield UNUSED.found(node, ", ".join(devices), f"{through} packets or more", told, hint)
        elif directly and not mixed and carried >= directly:
            hint = "Look for an old route over the tunnel device; packets between neighbours need no encapsulation here"
            told = f"{carried} packets while {directly} went to pods on neighbours"
            yield UNEXPECTED.found(node, ", ".join(devices), "no packets", told, hint)


def _sent(probed: Probed) -> dict[tuple[str, str], int]:
    """How many packets the probes of each node have sent by each way and got answered."""
    sent: dict[tuple[str, str], int] = {}
    for one in probed.outcomes:
        if one.reachable and one.probe.kind != _probes.SERVICE:
            key = (one.probe.source.node, one.probe.expected)
            sent[key] = sent.get(key, 0) + one.sent
    return sent


def _impossible(scene: Scene, probed: Probed) -> Findings:
    sources = {one.probe.source.node for one in probed.outcomes if one.probe.kind != _probes.NODE}
    for view in scene.views if probed.outcomes else ():
        if view.name in probed.silent:
            hint = "Read what the module said, and verify this node again"
            yield IMPOSSIBLE.found(view.name, "paths from here", "probes", probed.silent[view.name], hint)
        elif view.endpoint is not None and view.told("pods") and view.name not in sources:
            hint = "Start a pod there that is not on the host's network, and verify again"
            yield IMPOSSIBLE.found(
                view.name, "paths from here", "a pod to probe from", "no pod of the pod network", hint
            )
