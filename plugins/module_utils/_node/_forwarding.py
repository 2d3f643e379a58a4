# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a node sends packets: routes, forwarding entries and neighbours.

These tables grow with the cluster. Up to the limit their entries are listed; beyond it a count and a digest stand for
them (see _tables), and their packed rows where they are asked for.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ansible_collections.switchyard.cni.plugins.module_utils import _tables
from ansible_collections.switchyard.cni.plugins.module_utils._ip import inside, ip_network
from ansible_collections.switchyard.cni.plugins.module_utils._node import _devices, _iproute
from ansible_collections.switchyard.cni.plugins.module_utils._node._iproute import Record
from ansible_collections.switchyard.cni.plugins.module_utils._node._look import Look, canonical

PACKABLE = ("pod_routes", "fdb", "neighbours")
_PROGRAMMED = "PERMANENT"


def route_row(route: Mapping[str, Any]) -> str:
    """A route as its row."""
    return _tables.route_row(route["dst"], route["gateway"], route["dev"])


def fdb_row(entry: Mapping[str, Any]) -> str:
    """A forwarding entry as its row."""
    return _tables.fdb_row(entry["dev"], entry["mac"], entry["dst"])


def neighbour_row(neighbour: Mapping[str, Any]) -> str:
    """A neighbour as its row."""
    return _tables.neighbour_row(neighbour["dev"], neighbour["address"], neighbour["mac"])


_ROWS: Mapping[str, Callable[[Record], str]] = {
    "pod_routes": route_row,
    "fdb": fdb_row,
    "neighbours": neighbour_row,
}


def leads_to_peers(route: Mapping[str, Any], networks: Sequence[Any], bridge: Optional[str]) -> bool:
    """Whether a route leads to other nodes' pods: not over the own bridge, nor to a single address of a device."""
    if route["table"] != "main" or route["dev"] == bridge:
        return False
    target = ip_network(route["dst"])
    return target.prefixlen < target.max_prefixlen and inside(target, networks)


def every_route(look: Look) -> List[Record]:
    """All routes of both families, read once."""
    found: List[Record] = []
    for family, flag in (("inet", "-4"), ("inet6", "-6")):
        found += look.json(
            "routes ({0})".format(family),
            ["ip", "-j", "-d", flag, "route", "show", "table", "all"],
            partial(_iproute.parse_routes, family=family),
        )
    return found


def routes(look: Look) -> List[Record]:
    """Collector of the section `routes`."""
    request = look.request
    networks = [ip_network(cidr) for cidr in request.pod_networks]
    to_peers: List[Record] = []
    others: List[Record] = []
    for route in look.once(every_route):
        peers = bool(networks) and route["type"] == "unicast" and leads_to_peers(route, networks, request.bridge)
        (to_peers if peers else others).append(route)
    kept = _listed_or_told(look, "pod_routes", to_peers, {})
    for protocol, group in _by(others, "protocol").items():
        kept += look.listed("routes", group, canonical, route_row, protocol=protocol)
    return kept


def neighbours(look: Look) -> List[Record]:
    """Collector of the section `neighbours`."""
    found = look.json("neighbours", ["ip", "-j", "neigh", "show"], _iproute.parse_neighbours)
    kept: List[Record] = []
    for dev, group in _by(found, "dev").items():
        # An agent's entries are permanent; what the kernel learned comes and goes, and is no part of what is compared.
        programmed = [neighbour for neighbour in group if _PROGRAMMED in neighbour["state"]]
        learned = [neighbour for neighbour in group if _PROGRAMMED not in neighbour["state"]]
        if programmed:
            kept += _listed_or_told(look, "neighbours", programmed, {"dev": dev})
        kept += look.listed("learned_neighbours", learned, canonical, neighbour_row, dev=dev)
    return kept


def fdb(look: Look) -> List[Record]:
    """Collector of the section `fdb`."""
    kept: List[Record] = []
    for dev in _devices.of_kind(look, "vxlan"):
        argv = ["bridge", "-j", "fdb", "show", "dev", dev]
        entries = look.json("fdb " + dev, argv, partial(_iproute.parse_fdb, dev=dev))
        kept += _listed_or_told(look, "fdb", entries, {"dev": dev})
    return kept


def _listed_or_told(look: Look, what: str, found: List[Record], group: Mapping[str, str]) -> List[Record]:
    packed = what in look.request.packed
    request = look.request
    limit = request.limit if request.table_limit is None else request.table_limit
    if len(found) <= limit and not packed:
        return found
    table = [_ROWS[what](record) for record in found]
    note: Dict[str, Any] = dict(group, what=what, count=len(found), listed=0, digest=_tables.digest(table))
    if packed:
        note["rows"] = _tables.pack(table)
    look.truncated.append(note)
    return []


def _by(records: Sequence[Record], key: str) -> Dict[str, List[Record]]:
    groups: Dict[str, List[Record]] = {}
    for record in records:
        groups.setdefault(record[key], []).append(record)
    return groups
