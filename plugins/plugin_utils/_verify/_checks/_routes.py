# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes: does every packet to a pod take the way that the declared backend gives it?"""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import Endpoint
from ansible_collections.switchyard.cni.plugins.module_utils._model import (
    IPNetwork,
    Route,
    Rule,
    ip_address,
    ip_network,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._expect import Difference, ExpectedTable
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._actual import ActualTable
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._case import Case
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._finding import (
    ERROR,
    WARNING,
    Check,
    Finding,
    Findings,
)

TOPIC = "routes"
_ROUTES = ("routes",)

MISSING = Check("route-missing", ERROR, "Every node has a route to every other node's pods", _ROUTES)
WRONG_DEVICE = Check("route-wrong-device", ERROR, "Routes to pods use the device of the declared backend", _ROUTES)
WRONG_GATEWAY = Check("route-wrong-gateway", ERROR, "Routes to pods lead to the node that has them", _ROUTES)
STALE = Check("route-stale", WARNING, "There are no routes to pod subnets that no node has", _ROUTES)
SHADOWS = Check("route-shadows", ERROR, "No more specific route takes packets off the declared path", _ROUTES)
BLACKHOLE = Check("route-blackhole", ERROR, "No route makes pods unreachable", _ROUTES)
DUPLICATE = Check("route-duplicate", WARNING, "There is one route to each pod subnet", _ROUTES)
RULE = Check("rule-diverts-pods", WARNING, "No policy rule sends pods' packets elsewhere", ("routes", "rules"))

_REFUSING = frozenset(("blackhole", "unreachable", "prohibit"))
"""Rules that end a packet's way without any table."""

CHECKS = (MISSING, WRONG_DEVICE, WRONG_GATEWAY, STALE, SHADOWS, BLACKHOLE, DUPLICATE, RULE)


def examine(case: Case) -> Findings:
    """The routes of one node."""
    if case.view.told("routes"):
        yield from _peers(case)
        yield from _unusable(case)
        yield from _rules(case)


def _peers(case: Case) -> Findings:
    if case.endpoint is None:
        return
    expected = _Expected(case.scene.tables["pod_routes"], case.endpoint)
    actual = case.actual.table("pod_routes")
    known = case.actual.peer_routes
    if actual.rows is not None:
        difference = expected.table.difference(case.endpoint, actual.rows)
        yield from _differences(case, expected, difference)
        known = known or _sent_twins(expected, actual, difference)
    else:
        wanted = expected.table.digest(case.endpoint)
        if actual.is_other_than(wanted):
            text = f"{wanted.count} routes, digest {wanted.digest}"
            found = f"{actual.count} routes, digest {actual.digest}"
            yield MISSING.found(case.name, "pod routes", text, found, "Read this node again with its tables packed")
    yield from _twins(case, expected, known)


class _Expected(t.NamedTuple):
    """The routes to peers' pods that one node must have."""

    table: ExpectedTable
    node: Endpoint

    def to(self, dst: str) -> Route | None:
        """The route that the node must have to a network; None if it must have none."""
        found = self.table.about(self.node, dst)
        return found if isinstance(found, Route) else None

    def has_one_for_all(self, version: int) -> bool:
        """Whether one route leads to all pods, so that any other one is more specific and wins: as with WireGuard."""
        return any(isinstance(one, Route) and one.version == version for one in self.table.to_all(self.node))


def _differences(case: Case, expected: _Expected, difference: Difference) -> Findings:
    extra = {route.dst: route for route in map(_route, difference.extra)}
    for wanted in difference.missing:
        if isinstance(wanted, Route):
            found = extra.get(wanted.dst)
            yield _wrong(case, wanted, found) if found else _missing(case, wanted)
    for dst, route in extra.items() if case.scene.complete else ():
        if expected.to(dst) is None:
            yield _extra(case, route, expected)


def _missing(case: Case, route: Route) -> Finding:
    who = f"the pods of {route.peer}" if route.peer else "all pods"
    hint = f"Look at the log of {case.backend.plugin}'s agent on {case.name}, and restart it"
    return MISSING.found(case.name, route.dst, str(route), "no route", f"{hint}: {who} cannot be reached")


def _wrong(case: Case, expected: Route, actual: Route) -> Finding:
    if expected.dev != actual.dev:
        hint = f"Compare the inventory with {case.backend.chosen_in}"
        return WRONG_DEVICE.found(case.name, expected.dst, str(expected), str(actual), hint)
    hint = f"Compare it with the address that {expected.peer or 'the peer'} has announced"
    return WRONG_GATEWAY.found(case.name, expected.dst, str(expected), str(actual), hint)


def _extra(case: Case, route: Route, expected_routes: _Expected) -> Finding:
    """A route that the backend does not imply: it takes packets off their way, or leads to nobody's pods."""
    owner = case.scene.owner_of(route.network)
    if owner is not None or expected_routes.has_one_for_all(route.version):
        expected = f"no other route to the pods of {owner}" if owner else "no other route than the one to all pods"
        return SHADOWS.found(case.name, route.dst, expected, str(route), f"Delete it: ip route del {route}")
    hint = f"Delete it once you are sure that nobody needs it: ip route del {route}"
    return STALE.found(case.name, route.dst, "no such route: no Node has this subnet", str(route), hint)


def _sent_twins(expected: _Expected, actual: ActualTable, difference: Difference) -> list[Route]:
    """The routes of a table sent as rows that have a twin; of these nobody knows which one wins."""
    beside = [route for route in map(_route, difference.extra) if expected.to(route.dst) is not None]
    wanted = [route for route in (expected.to(one.dst) for one in beside) if route and route.row in (actual.rows or ())]
    return wanted + beside + [_route(row) for row in actual.repeated] * 2


def _twins(case: Case, expected: _Expected, known: t.Iterable[Route]) -> Findings:
    """Routes of one destination with several metrics or next hops."""
    groups: dict[str, list[Route]] = {}
    for route in known:
        groups.setdefault(route.dst, []).append(route)
    for dst, routes in groups.items():
        if len(routes) < 2:
            continue
        ordered = sorted(routes, key=lambda one: one.metric)
        shown = "; ".join(f"{route} metric {route.metric}" if route.metric else str(route) for route in ordered)
        hint = "Delete the one that the declared backend did not make"
        wanted = expected.to(dst)
        yield DUPLICATE.found(case.name, dst, str(wanted or "one route"), shown, hint)
        if wanted is not None and ordered[0].key != wanted.key and any(one.key == wanted.key for one in ordered):
            yield _wrong(case, wanted, ordered[0])


def _unusable(case: Case) -> Findings:
    """Routes that drop packets to pods. Calico's own blackholes for the node's blocks are as they should be."""
    suspects = [one for one in case.facts.routes if one.type != "unicast" and one.table == "main"]
    own = {route.key: route.type for route in case.own_routes} if suspects else {}
    for route in suspects:
        if not case.scene.holds(route.network):
            continue
        if own.get(route.key) == route.type:
            continue
        owner = case.scene.owner_of(route.network)
        hint = f"Delete it: ip route del {route}"
        if owner is not None:
            yield BLACKHOLE.found(case.name, route.dst, f"packets reach the pods of {owner}", str(route), hint)
        else:
            yield STALE.found(case.name, route.dst, "no such route: no Node has this subnet", str(route), hint)


def _rules(case: Case) -> Findings:
    tables: dict[str, list[Route]] = {}
    for route in case.facts.routes:
        if route.table != "main":
            tables.setdefault(route.table, []).append(route)
    for rule in case.facts.rules:
        if not _concerns_pods(case, rule):
            continue
        taken = [
            one for one in tables.get(rule.table or "", ()) if _meets_pods(case, one.network) and not _is_own(case, one)
        ]
        refused = rule.action in _REFUSING
        if taken or refused:
            hint = f"Except the pod network from it, or delete it: ip rule del pref {rule.priority}"
            actual = str(rule) if refused else f"{rule}, and there {taken[0]}"
            yield RULE.found(case.name, f"rule {rule.priority}", "pods' packets look into the main table", actual, hint)


def _is_own(case: Case, route: Route) -> bool:
    """Whether the agent itself sends pods' packets there; with `throw` the next rule is asked (ip-route(8))."""
    return case.backend.own_rules and (route.type == "throw" or route.dev in case.scene.devices)


def _concerns_pods(case: Case, rule: Rule) -> bool:
    """Whether packets to pods may fit the rule before the main table is asked (ip-rule(8): priority 32766).

    They come from pods, over the bridge where there is one, or from the node's own address.
    """
    if rule.priority >= 32766:
        return False
    if rule.inverted:
        return True
    if rule.fwmark or rule.iif not in (None, case.backend.bridge):
        return False
    try:
        to, source = (None if text is None else ip_network(text) for text in (rule.destination, rule.source))
    except ValueError:
        return False
    return (to is None or _meets_pods(case, to)) and (source is None or _is_here(case, source))


def _is_here(case: Case, network: IPNetwork) -> bool:
    """Whether pods or the node itself send from an address of a network."""
    own = case.endpoint.underlay.addresses if case.endpoint else ()
    return _meets_pods(case, network) or any(ip_address(address) in network for address, dummy in own)


def _meets_pods(case: Case, network: IPNetwork) -> bool:
    return any(cidr.version == network.version and cidr.overlaps(network) for cidr in case.intent.pod_cidrs)


def _route(row: str) -> Route:
    """The route of a row, see route_row."""
    words = row.split()
    pairs = dict(zip(words[1::2], words[2::2], strict=False))
    return Route(words[0], pairs.get("via"), pairs.get("dev"))
