# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `ip -j` and `bridge -j` say, as plain values.

The JSON is that of iproute2 5.0 and later (ip-link(8), ip-route(8), bridge(8)). Every parser takes any JSON value and
skips a record it cannot understand with a reason, so that one odd record does not cost the whole table.
"""

from __future__ import annotations

import ipaddress
import json
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged

Record = Dict[str, Any]
Parsed = Tuple[List[Record], List[str]]

DEFAULT_ROUTE = {"inet": "0.0.0.0/0", "inet6": "::/0"}
_NETWORK = {"inet": ipaddress.IPv4Network, "inet6": ipaddress.IPv6Network}
# rtnetlink(7) route types of the table `local` and its like: the kernel's own bookkeeping, never a peer's route.
_OWN_TYPES = frozenset(("local", "broadcast", "anycast", "multicast"))
# Routes that refuse packets. IPv6's have the loopback for a device, whatever they were made with (net/ipv6/route.c).
_REFUSING = frozenset(("blackhole", "unreachable", "prohibit", "throw"))
_LOOPBACK = "lo"
# Protocol numbers that older iproute2 prints bare (/etc/iproute2/rt_protos).
_PROTOCOLS = {"0": "unspec", "1": "redirect", "2": "kernel", "3": "boot", "4": "static", "12": "bird", "16": "dhcp"}
# Tunnels without a port of their own; their ends are in the link's attributes (ip-link(8), "IPIP, SIT Type Support").
_POINTED_KINDS = frozenset(("ipip", "sit", "gre", "ip6tnl"))
TUNNEL_KINDS = _POINTED_KINDS | {"vxlan", "wireguard", "tun"}
# The kernel's own rules (ip-rule(8)): without them nothing would be looked up at all.
_DEFAULT_RULES = frozenset(((0, "local"), (32766, "main"), (32767, "default")))
# bridge(8) leaves the state out for a learned, still reachable entry.
_LEARNED = "reachable"


def decode(text: str) -> Any:
    """The JSON value in a command's output; nothing printed is an empty list. Raises Damaged."""
    if not text.strip():
        return []
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Damaged("not JSON: {0}".format(error)) from error


def parse_links(data: Any) -> Parsed:
    """Devices, from `ip -j -d addr show` or `ip -j -d link show`."""
    return _each(data, _link)


def parse_addresses(data: Any) -> Parsed:
    """Addresses, from `ip -j addr show`."""
    return _each(data, _addresses_of)


def parse_peers(data: Any) -> Dict[int, int]:
    """The number of each device's other end in another namespace, by the device's own; from `ip -j -d addr show`."""
    found, dummy = _each(data, _peer)
    return {one["index"]: one["peer"] for one in found}


def parse_rules(data: Any, family: str) -> Parsed:
    """Routing rules besides the kernel's three, from `ip -j -4|-6 rule show`."""
    return _each(data, lambda record: _rule(record, family))


def parse_routes(data: Any, family: str) -> Parsed:
    """Routes, from `ip -j -d -4|-6 route show table all`; a multipath route gives one entry a next hop."""
    return _each(data, lambda record: _routes_of(record, family))


def parse_neighbours(data: Any) -> Parsed:
    """Neighbour entries, from `ip -j neigh show`."""
    return _each(data, _neighbour)


def parse_fdb(data: Any, dev: str) -> Parsed:
    """Forwarding entries of one tunnel device that lead to a remote VTEP, from `bridge -j fdb show dev DEV`."""
    return _each(data, lambda record: _fdb(record, dev))


def _each(data: Any, parse: Callable[[Mapping[str, Any]], Iterator[Record]]) -> Parsed:
    if not isinstance(data, list):
        raise Damaged("a JSON list was expected, not {0}".format(type(data).__name__))
    found: List[Record] = []
    problems: List[str] = []
    for position, record in enumerate(data):
        try:
            if not isinstance(record, dict):
                raise Damaged("not an object")
            found.extend(parse(record))
        except Damaged as error:
            problems.append("record {0}: {1}".format(position, error))
    return found, problems


def _link(record: Mapping[str, Any]) -> Iterator[Record]:
    if not record:
        return  # `ip addr show` prints {} for devices its filter leaves out
    info = _mapping(record, "linkinfo")
    kind = _text(info, "info_kind")
    attributes = _mapping(info, "info_data")
    yield {
        "name": _required_text(record, "ifname"),
        "index": _required_number(record, "ifindex"),
        "kind": kind,
        "mtu": _required_number(record, "mtu"),
        "state": _link_state(_words(record, "flags")),
        "mac": _text(record, "address") if record.get("link_type") == "ether" else None,
        "master": _text(record, "master"),
        "vxlan": _vxlan(attributes) if kind == "vxlan" else None,
        "tunnel": _tunnel(attributes) if kind in _POINTED_KINDS else None,
        # What a tunnel carried proves that it is used, and ipip has nothing else to prove it.
        "counters": _counters(_mapping(record, "stats64")) if kind in TUNNEL_KINDS else None,
        # A veth's `link` is its other end, which is beside it and not below.
        "parent": None if kind == "veth" else _text(attributes, "link") or _text(record, "link"),
    }


def _link_state(flags: List[str]) -> str:
    # operstate is UNKNOWN for tunnels, so it cannot tell a working VTEP from one that is down: the flags can.
    if "UP" not in flags:
        return "down"
    return "no-carrier" if "NO-CARRIER" in flags else "up"


def _vxlan(data: Mapping[str, Any]) -> Record:
    return {
        "id": _required_number(data, "id"),
        "port": _required_number(data, "port"),
        "local": _text(data, "local") or _text(data, "local6"),
        "dev": _text(data, "link"),
        "learning": data.get("learning", True) is not False,
    }


def _tunnel(data: Mapping[str, Any]) -> Record:
    return {"local": _end(data, "local"), "remote": _end(data, "remote"), "dev": _text(data, "link")}


def _end(data: Mapping[str, Any], key: str) -> Optional[str]:
    address = _text(data, key)
    return None if address in ("any", "unknown") else address


def _counters(stats: Mapping[str, Any]) -> Optional[Record]:
    if not stats:
        return None
    ways = [(way, _mapping(stats, way)) for way in ("rx", "tx")]
    return {
        "{0}_{1}".format(way, what): _number(counted, what) or 0
        for what in ("packets", "bytes")
        for way, counted in ways
    }


def _peer(record: Mapping[str, Any]) -> Iterator[Record]:
    index, peer = _number(record, "ifindex"), _number(record, "link_index")
    if index is not None and peer is not None and "link_netnsid" in record:
        yield {"index": index, "peer": peer}


def _rule(record: Mapping[str, Any], family: str) -> Iterator[Record]:
    priority, table = _required_number(record, "priority"), _text(record, "table")
    rule = {
        "family": family,
        "priority": priority,
        "inverted": "not" in record,
        "from": _prefix(record, "src"),
        "to": _prefix(record, "dst"),
        "fwmark": _masked(record, "fwmark", "fwmask"),
        "iif": _text(record, "iif"),
        "table": table,
        "action": _text(record, "action") or ("goto" if "goto" in record else "lookup"),
        "protocol": _text(record, "protocol"),
    }
    narrow = any(rule[key] is not None for key in ("from", "to", "fwmark", "iif"))
    if narrow or rule["inverted"] or rule["action"] != "lookup" or (priority, table) not in _DEFAULT_RULES:
        yield rule


def _prefix(record: Mapping[str, Any], key: str) -> Optional[str]:
    address = _text(record, key)
    return None if address == "all" else _masked(record, key, key + "len")


def _masked(record: Mapping[str, Any], key: str, mask: str) -> Optional[str]:
    words = [word for word in (_text(record, key), _text(record, mask)) if word is not None]
    return "/".join(words) or None


def _addresses_of(record: Mapping[str, Any]) -> Iterator[Record]:
    if not record:
        return
    dev = _required_text(record, "ifname")
    for entry in _mappings(record, "addr_info"):
        if not entry:
            continue
        yield {
            "dev": dev,
            "family": _required_text(entry, "family"),
            "address": _required_text(entry, "local"),
            "prefixlen": _required_number(entry, "prefixlen"),
            "scope": _text(entry, "scope") or "global",
        }


def _routes_of(record: Mapping[str, Any], family: str) -> Iterator[Record]:
    kind = _text(record, "type") or "unicast"
    table = _text(record, "table") or "main"
    if kind in _OWN_TYPES or table == "local":
        return
    protocol = _text(record, "protocol") or "boot"
    common = {
        "dst": normal_destination(_required_text(record, "dst"), family),
        "protocol": _PROTOCOLS.get(protocol, protocol),
        "scope": _text(record, "scope") or "global",
        "type": kind,
        "metric": _number(record, "metric") or 0,
        "table": table,
        "family": family,
    }
    hops = _mappings(record, "nexthops") or [record]
    for hop in hops:
        route = dict(common, **_hop(hop, _words(record, "flags")))
        if kind in _REFUSING and route["dev"] == _LOOPBACK:
            route["dev"] = None
        yield route


def _hop(hop: Mapping[str, Any], route_flags: List[str]) -> Record:
    # A next hop of the other family is printed as {"via": {"family": ..., "host": ...}}.
    gateway = _text(hop, "gateway") or _text(_mapping(hop, "via"), "host")
    return {"gateway": gateway, "dev": _text(hop, "dev"), "onlink": "onlink" in route_flags + _words(hop, "flags")}


def normal_destination(destination: str, family: str) -> str:
    """A route's destination always as a prefix: `default` and bare hosts are spelt out. Raises Damaged."""
    if destination == "default":
        return DEFAULT_ROUTE[family]
    try:
        return str(_NETWORK[family](destination))
    except ValueError as error:
        raise Damaged("{0} is no destination of a route: {1}".format(destination, error)) from error


def _neighbour(record: Mapping[str, Any]) -> Iterator[Record]:
    if not record:
        return
    yield {
        "dev": _required_text(record, "dev"),
        "address": _required_text(record, "dst"),
        "mac": _text(record, "lladdr"),
        "state": _words(record, "state"),
    }


def _fdb(record: Mapping[str, Any], dev: str) -> Iterator[Record]:
    remote = _text(record, "dst")
    if remote is None:
        return  # the device's own multicast filters, not a way to a peer
    yield {
        "dev": _text(record, "ifname") or dev,
        "mac": _required_text(record, "mac"),
        "dst": remote,
        "state": _text(record, "state") or _LEARNED,
    }


def _text(record: Mapping[str, Any], key: str) -> Optional[str]:
    value = record.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise Damaged("{0} is not a name".format(key))
    return str(value) or None


def _required_text(record: Mapping[str, Any], key: str) -> str:
    value = _text(record, key)
    if value is None:
        raise Damaged("no {0}".format(key))
    return value


def _number(record: Mapping[str, Any], key: str) -> Optional[int]:
    value = record.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise Damaged("{0} is not a number".format(key))
    return value


def _required_number(record: Mapping[str, Any], key: str) -> int:
    value = _number(record, key)
    if value is None:
        raise Damaged("no {0}".format(key))
    return value


def _words(record: Mapping[str, Any], key: str) -> List[str]:
    value = record.get(key) or []
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise Damaged("{0} is not a list of words".format(key))
    return value


def _mapping(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = record.get(key) or {}
    if not isinstance(value, dict):
        raise Damaged("{0} is not an object".format(key))
    return value


def _mappings(record: Mapping[str, Any], key: str) -> List[Mapping[str, Any]]:
    value = record.get(key) or []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise Damaged("{0} is not a list of objects".format(key))
    return value
