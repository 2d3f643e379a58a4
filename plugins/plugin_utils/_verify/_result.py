# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verification as plain data: what docs/verification.schema.json describes and every report is made of."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._model import Link
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._case import Case
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._checks._paths import way_of
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._finding import SEVERITIES, Finding
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._probes import End, Outcome
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import NodeView, Scene
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._verify import FAILED, PASSED, Ran, Verification

SCHEMA = 1

Json = dict[str, t.Any]


def as_result(
    verification: Verification,
    *,
    collection: str,
    created: str,
    fail_on: str,
    declared: bool,
    settings: t.Mapping[str, t.Any],
) -> Json:
    """The whole verification; ``created`` is a time in ISO 8601, ``settings`` are what an inventory would declare."""
    scene = verification.scene
    return {
        "schema": SCHEMA,
        "collection": collection,
        "created": created,
        "verdict": FAILED if verification.fails(fail_on) else PASSED,
        "fail_on": fail_on,
        "declared": declared,
        "network": _network(scene, settings),
        "counts": {severity: verification.count(severity) for severity in SEVERITIES},
        "nodes": [_node(scene, view) for view in scene.views],
        "findings": [_finding(finding) for finding in verification.findings],
        "paths": [_path(scene, outcome) for outcome in verification.probed.outcomes],
        "sessions": [session for view in scene.views for session in _sessions(view)],
        "checks": [_check(ran) for ran in verification.checks],
        "gaps": [*_gaps(scene), *_unprobed(verification)],
    }


def _network(scene: Scene, settings: t.Mapping[str, t.Any]) -> Json:
    intent = scene.intent
    return {
        "plugin": intent.plugin,
        "backend": intent.backend.label,
        "pod_cidrs": [str(cidr) for cidr in intent.pod_cidrs],
        "service_cidrs": [str(cidr) for cidr in intent.service_cidrs],
        "settings": dict(settings),
    }


def _node(scene: Scene, view: NodeView) -> Json:
    peer = scene.endpoints.get(view.name)
    node: Json = {
        "name": view.name,
        "host": view.host or None,
        "state": view.state,
        "reason": view.reason,
        "address": _address(scene, view),
        "l2": None,
        "underlay": None,
        "pod_cidrs": [str(cidr) for cidr in peer.pod_cidrs] if peer else [],
        "bridge": None,
        "tunnels": [],
        "pods": len(view.facts.pods) if view.facts else 0,
        "plugin": scene.intent.plugin,
        "backend": scene.backend.label,
        "routes": {"expected": 0, "actual": 0},
    }
    if view.facts is None:
        return node
    case = Case(scene, view, view.facts)
    node.update(bridge=_bridge(case), tunnels=[_tunnel(case, link) for link in case.expected_links])
    node["tunnels"] = [tunnel for tunnel in node["tunnels"] if tunnel is not None]
    if view.endpoint is not None:
        device = view.endpoint.underlay
        network = device.network(scene.intent.versions[0])
        node.update(underlay={"dev": device.dev, "mtu": device.mtu}, l2=str(network) if network else None)
        expected = scene.tables["pod_routes"].digest(view.endpoint).count
        node["routes"] = {"expected": expected, "actual": case.actual.table("pod_routes").count}
    return node


def _address(scene: Scene, view: NodeView) -> str | None:
    version = scene.intent.versions[0]
    if view.endpoint is not None:
        return view.endpoint.address(version)
    peer = scene.endpoints.get(view.name)
    if peer is not None:
        return peer.address(version)
    return view.member.internal_ips[0] if view.member and view.member.internal_ips else None


def _bridge(case: Case) -> Json | None:
    link = case.links.get(case.backend.bridge or "")
    return {"name": link.name, "address": _first_address(case, link), "mtu": link.mtu} if link else None


def _tunnel(case: Case, expected: Link) -> Json | None:
    """A device as it is, not as it shall be."""
    link = case.links.get(expected.name)
    if link is None:
        return None
    return {
        "name": link.name,
        "kind": link.kind or "device",
        "mtu": link.mtu,
        "address": _first_address(case, link),
        "port": link.vxlan.port if link.vxlan else case.backend.port(case.intent.options),
    }


def _first_address(case: Case, link: Link) -> str | None:
    return next((one.address for one in case.addresses.get(link.name, ()) if one.scope != "link"), None)


def _finding(finding: Finding) -> Json:
    return {
        "id": finding.id,
        "node": finding.node,
        "severity": finding.severity,
        "subject": finding.subject,
        "expected": finding.expected,
        "actual": finding.actual,
        "hint": finding.hint,
        "page": finding.page,
    }


def _path(scene: Scene, outcome: Outcome) -> Json:
    probe = outcome.probe
    return {
        "kind": probe.kind,
        "source": _end(probe.source),
        "target": _end(probe.target),
        "class": way_of(scene, outcome),
        "expected": probe.expected,
        "reachable": outcome.reachable,
        "rtt_ms": outcome.rtt,
        "path_mtu": outcome.path_mtu,
        "hops": list(outcome.hops),
        "error": outcome.error,
    }


def _end(end: End) -> Json:
    return {"node": end.node, "name": end.name, "address": end.address, "port": end.port}


def _sessions(view: NodeView) -> t.Iterator[Json]:
    for bird in view.facts.birds if view.facts else ():
        for session in bird.sessions:
            yield {
                "node": view.name,
                "address": session.peer,
                "type": session.kind or session.name,
                "state": session.state,
                "since": session.since,
                "info": session.info,
                "established": session.established,
            }


def _check(ran: Ran) -> Json:
    return {
        "id": ran.check.id,
        "topic": ran.topic,
        "title": ran.check.title,
        "status": ran.status,
        "findings": ran.findings,
        "reason": ran.reason,
    }


def _unprobed(verification: Verification) -> t.Iterator[Json]:
    """A run limited to one host probes no path to another node: that must not look like a proof of it."""
    ends = [(one.probe.source.node, one.probe.target.node) for one in verification.probed.outcomes]
    between = any(source != target for source, target in ends if target)
    if ends and not between and len(verification.scene.cluster.members) > 1:
        reason = "none was probed: in this run only one node has pods to probe from and to"
        yield {"node": "", "what": "paths between nodes", "reason": reason}


def _gaps(scene: Scene) -> t.Iterator[Json]:
    for gap in scene.cluster.gaps:
        yield {"node": "", "what": gap.what, "reason": gap.reason}
    for view in scene.views:
        for gap in view.facts.gaps if view.facts else ():
            yield {"node": view.name, "what": gap.what, "reason": gap.reason}
