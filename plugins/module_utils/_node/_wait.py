# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting on a node until its pod network is there: a condition, a budget, and what is still missing when it ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, List, Mapping, Optional, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils import _tables
from ansible_collections.switchyard.cni.plugins.module_utils._ip import inside, ip_network, network_around
from ansible_collections.switchyard.cni.plugins.module_utils._model._agents import MESH
from ansible_collections.switchyard.cni.plugins.module_utils._node import _forwarding, _iproute
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._gather import Observed, gather
from ansible_collections.switchyard.cni.plugins.module_utils._node._hold import PROTOCOL as HELD
from ansible_collections.switchyard.cni.plugins.module_utils._node._look import Request, checked_networks
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader

_SHOWN_ROUTES = 10
_COMMON_TABLES = ("main", "local")


@dataclass(frozen=True)
class PodRoutes:
    """All routes to the peers' pods: how many, and the sum of their hashes (None: any that many).

    over and by name the devices and the protocols (who wrote them) whose routes count, none = all of them: while a
    backend follows another one, routes of the earlier one may still be there. at_least: more of them are right too.
    """

    within: Tuple[str, ...]
    count: int
    digest: Optional[str] = None
    bridge: Optional[str] = None
    over: Tuple[str, ...] = ()
    by: Tuple[str, ...] = ()
    at_least: bool = False

    def met(self, routes: List[Mapping[str, Any]], digest: str) -> bool:
        """Whether these routes, with the sum of their hashes, are those that are wanted."""
        enough = len(routes) >= self.count if self.at_least else len(routes) == self.count
        return enough and self.digest in (None, digest)

    def of(self, observed: Observed) -> List[Mapping[str, Any]]:
        """The routes that lead to peers: not those of the own bridge, nor to a single address of a device."""
        networks = [ip_network(cidr) for cidr in self.within]
        return [
            route
            for route in observed["routes"]
            if _forwarding.leads_to_peers(route, networks, self.bridge)
            and route.get("protocol") != HELD
            and (not self.over or route.get("dev") in self.over)
            and (not self.by or route.get("protocol") in self.by)
        ]


@dataclass(frozen=True)
class Tunnel:
    """A tunnel device that takes part: its address is in a network, and it forwards to at least some peers.

    own_routes is how many routes to pods lead over it in a table that is not the main one, where the agent decides by a
    rule what takes it. One that is bare takes no part: it has no IPv4 address, if it is there at all.
    """

    dev: str
    within: Tuple[str, ...] = ()
    peers: int = 0
    own_routes: int = 0
    bare: bool = False


@dataclass(frozen=True)
class Sessions:
    """BGP sessions with all of some peers: those of the node-to-node mesh, or others and none of the mesh."""

    peers: Tuple[str, ...]
    mesh: bool = True


@dataclass(frozen=True)
class Condition:
    """What must be true. subnet_env: None asks nothing, an empty mapping only that the file is there and sound."""

    subnet_env: Optional[Mapping[str, str]] = None
    links: Tuple[str, ...] = ()
    routes: Tuple[Mapping[str, str], ...] = ()
    pod_routes: Optional[PodRoutes] = None
    cni_config: Optional[str] = None
    tunnels: Tuple[Tunnel, ...] = ()
    sessions: Optional[Sessions] = None

    def sections(self) -> Tuple[str, ...]:
        """What has to be observed to judge the condition."""
        asked = (
            ("subnet_env", self.subnet_env is not None),
            ("links", bool(self.links)),
            (
                "routes",
                bool(self.routes) or self.pod_routes is not None or any(one.own_routes for one in self.tunnels),
            ),
            ("cni", self.cni_config is not None),
            ("addresses", any(one.within or one.bare for one in self.tunnels)),
            ("fdb", any(one.peers for one in self.tunnels)),
            ("bird", self.sessions is not None),
        )
        return tuple(name for name, needed in asked if needed)


@dataclass(frozen=True)
class Waited:
    """How a wait ended: nothing missing, or what was when the budget ran out. seconds is the time it took."""

    missing: Tuple[str, ...]
    seconds: float


def parse_condition(params: Mapping[str, Any]) -> Condition:
    """The condition in a module's parameters. Raises NodeError."""
    return Condition(
        subnet_env=_wanted_env(params.get("subnet_env")),
        links=tuple(params.get("links") or ()),
        routes=tuple(_wanted_route(route) for route in params.get("routes") or ()),
        pod_routes=_wanted_pod_routes(params.get("pod_routes")),
        cni_config=params.get("cni_config"),
        tunnels=tuple(_wanted_tunnel(one) for one in params.get("tunnels") or ()),
        sessions=_wanted_sessions(params.get("sessions")),
    )


def wait(reader: NodeReader, condition: Condition, request: Request, timeout: float, interval: float) -> Waited:
    """Look at least once, and again every `interval` seconds until all is there or `timeout` seconds are over."""
    narrow = _narrowed(request, condition)
    start = reader.monotonic()
    while True:
        missing = missing_from(condition, gather(reader, narrow))
        elapsed = reader.monotonic() - start
        if not missing or elapsed >= timeout:
            return Waited(tuple(missing), elapsed)
        reader.pause(min(interval, timeout - elapsed))


def missing_from(condition: Condition, observed: Observed) -> List[str]:
    """What a node lacks of a condition, in words."""
    return (
        _missing_env(condition, observed)
        + _missing_links(condition, observed)
        + _missing_routes(condition, observed)
        + _missing_pod_routes(condition, observed)
        + _missing_config(condition, observed)
        + [lack for tunnel in condition.tunnels for lack in _missing_of_tunnel(tunnel, observed)]
        + list(_missing_sessions(condition, observed))
    )


def _narrowed(request: Request, condition: Condition) -> Request:
    return Request(
        sections=condition.sections(),
        conf_dir=request.conf_dir,
        bin_dir=request.bin_dir,
        search=(),
        limit=1 << 62,  # a condition is judged on all routes, not on the listed ones
    )


def _missing_env(condition: Condition, observed: Observed) -> List[str]:
    if condition.subnet_env is None:
        return []
    values = observed["subnet_env"]
    if values is None:
        return ["/run/flannel/subnet.env" + _because(observed, "/run/flannel/subnet.env")]
    return [
        "/run/flannel/subnet.env with {0}={1} (it says {2})".format(key, wanted, values.get(key, "nothing"))
        for key, wanted in condition.subnet_env.items()
        if values.get(key) != wanted
    ]


def _missing_links(condition: Condition, observed: Observed) -> List[str]:
    if not condition.links:
        return []
    states = {link["name"]: link["state"] for link in observed["links"]}
    missing = []
    for name in condition.links:
        if name not in states:
            missing.append("device {0}{1}".format(name, _because(observed, "links")))
        elif states[name] == "down":
            missing.append("device {0} up (it is down)".format(name))
    return missing


def _missing_routes(condition: Condition, observed: Observed) -> List[str]:
    missing = []
    for wanted in condition.routes:
        if any(all(route[key] == value for key, value in wanted.items()) for route in observed["routes"]):
            continue
        family = "inet6" if ":" in wanted["dst"] else "inet"
        found = [route for route in observed["routes"] if route["dst"] == wanted["dst"] and route["table"] == "main"]
        instead = "; ".join(_route_words(route) for route in found)
        reason = " (instead: {0})".format(instead) if instead else _because(observed, "routes ({0})".format(family))
        missing.append("route {0}{1}".format(_route_words(wanted), reason))
    return missing


def _missing_pod_routes(condition: Condition, observed: Observed) -> List[str]:
    wanted = condition.pod_routes
    if wanted is None:
        return []
    routes = wanted.of(observed)
    digest = _tables.digest(_route_words(route) for route in routes)
    if wanted.met(routes, digest):
        return []
    shown = [_route_words(route) for route in routes[:_SHOWN_ROUTES]] or ["none"]
    more = ["..."] if len(routes) > _SHOWN_ROUTES else []
    message = "the {0} routes to its peers' pods in {1} (it has {2}: {3})"
    return [message.format(wanted.count, " and ".join(wanted.within), len(routes), ", ".join(shown + more))]


def _missing_of_tunnel(wanted: Tunnel, observed: Observed) -> Iterator[str]:
    networks = [ip_network(cidr) for cidr in wanted.within]
    there = [one["address"] for one in observed.get("addresses", ()) if one["dev"] == wanted.dev]
    if wanted.bare and any(":" not in one for one in there):
        yield "{0} without an address (it has {1})".format(wanted.dev, ", ".join(there))
    if networks and not any(inside(network_around(one, 128 if ":" in one else 32), networks) for one in there):
        message = "an address of {0} on {1} (it has {2})"
        yield message.format(" or ".join(wanted.within), wanted.dev, ", ".join(there) or "none")
    if wanted.peers:
        found = sum(entry["dev"] == wanted.dev for entry in observed["fdb"])
        if found < wanted.peers:
            yield "the way to {0} peers through {1} (it has {2})".format(wanted.peers, wanted.dev, found)
    if wanted.own_routes:
        led = sum(_leads_to_a_block(one, wanted.dev) for one in observed["routes"])
        if led < wanted.own_routes:
            message = "{0} routes of a table of their own over {1} (it has {2})"
            yield message.format(wanted.own_routes, wanted.dev, led)


def _leads_to_a_block(route: Mapping[str, Any], dev: str) -> bool:
    """Felix also has a route to each peer's own address on the device."""
    if route["dev"] != dev or route["table"] in _COMMON_TABLES:
        return False
    network = ip_network(route["dst"])
    return network.prefixlen < network.max_prefixlen


def _missing_sessions(condition: Condition, observed: Observed) -> Iterator[str]:
    wanted = condition.sessions
    if wanted is None:
        return
    told = [session for daemon in observed["bird"] for session in daemon["protocols"]]
    of_mesh = {session["peer"] for session in told if session["kind"] == MESH}
    up = {session["peer"] for session in told if session["info"].startswith("Established")}
    lacking = sorted(set(wanted.peers) - (up & of_mesh if wanted.mesh else up - of_mesh))
    if lacking:
        kind = "of the mesh" if wanted.mesh else "outside of the mesh"
        yield "established BGP sessions {0} with {1}".format(kind, ", ".join(lacking))
    if of_mesh and not wanted.mesh:
        yield "no session of the mesh (it has some with {0})".format(", ".join(sorted(of_mesh)))


def _missing_config(condition: Condition, observed: Observed) -> List[str]:
    if condition.cni_config is None:
        return []
    sound = [config["file"] for config in observed["cni"]["configs"] if config["plugins"]]
    if condition.cni_config in sound:
        return []
    path = "{0}/{1}".format(observed["cni"]["conf_dir"], condition.cni_config)
    return ["CNI configuration {0}{1}".format(path, _because(observed, path))]


def _because(observed: Observed, what: str) -> str:
    reasons = [gap["reason"] for gap in observed["gaps"] if gap["what"] == what]
    return " ({0})".format(reasons[0]) if reasons else ""


def _route_words(route: Mapping[str, Any]) -> str:
    return _tables.route_row(route["dst"], route.get("gateway"), route.get("dev"))


def _wanted_env(value: Any) -> Optional[Mapping[str, str]]:
    if value is None or value is False:
        return None
    if value is True:
        return {}
    if not isinstance(value, dict):
        raise NodeError("wait_for.subnet_env must be true or a dictionary of values, not {0!r}".format(value))
    return {str(key): _as_written(wanted) for key, wanted in value.items()}


def _as_written(value: Any) -> str:
    # flannel writes Go's true and false.
    return str(value).lower() if isinstance(value, bool) else str(value)


def _wanted_route(params: Mapping[str, Any]) -> Mapping[str, str]:
    family = "inet6" if ":" in params["dst"] or ":" in (params.get("gateway") or "") else "inet"
    wanted = {key: params[key] for key in ("gateway", "dev") if params.get(key)}
    return dict(wanted, dst=_iproute.normal_destination(params["dst"], family), table="main")


def _wanted_pod_routes(params: Optional[Mapping[str, Any]]) -> Optional[PodRoutes]:
    if params is None:
        return None
    return PodRoutes(
        within=checked_networks("wait_for.pod_routes.within", params["within"]),
        count=params["count"],
        digest=params.get("digest"),
        bridge=params.get("bridge"),
        over=tuple(params.get("over") or ()),
        by=tuple(params.get("by") or ()),
        at_least=bool(params.get("at_least")),
    )


def _wanted_tunnel(params: Mapping[str, Any]) -> Tunnel:
    within = checked_networks("wait_for.tunnels.within", params.get("within") or [])
    return Tunnel(
        dev=params["dev"],
        within=within,
        peers=params.get("peers") or 0,
        own_routes=params.get("own_routes") or 0,
        bare=bool(params.get("bare")),
    )


def _wanted_sessions(params: Optional[Mapping[str, Any]]) -> Optional[Sessions]:
    return Sessions(tuple(params["peers"]), bool(params["mesh"])) if params is not None else None
