# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a node's packets go: routes, rules, neighbours and forwarding entries."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._ip import IPNetwork, ip_network
from ansible_collections.switchyard.cni.plugins.module_utils._tables import fdb_row, neighbour_row, route_row


class Route(t.NamedTuple):
    """A route of the kernel. The default route has the destination ``0.0.0.0/0`` or ``::/0``."""

    dst: str
    gateway: t.Optional[str] = None
    dev: t.Optional[str] = None
    onlink: bool = False
    protocol: t.Optional[str] = None
    scope: t.Optional[str] = None
    type: str = "unicast"
    metric: int = 0
    table: str = "main"
    peer: str = ""
    """The node it leads to, where a backend made the route; empty for one that leads to all."""

    @property
    def network(self) -> IPNetwork:
        return ip_network(self.dst)

    @property
    def version(self) -> int:
        return 6 if ":" in self.dst else 4

    @property
    def key(self) -> t.Tuple[str, t.Optional[str], t.Optional[str]]:
        """What decides where a packet goes; protocol, scope and metric differ by kernel and by who wrote the route."""
        return (self.dst, self.gateway, self.dev)

    @property
    def row(self) -> str:
        """The key as a row of the table of pod routes."""
        return route_row(self.dst, self.gateway, self.dev)

    def __str__(self) -> str:
        words = [self.row]
        if self.type != "unicast":
            words.insert(0, self.type)
        if self.onlink:
            words.append("onlink")
        return " ".join(words)


class Rule(t.NamedTuple):
    """A policy rule besides the kernel's own three (ip-rule(8)); unset selectors are None."""

    priority: int
    version: int
    source: t.Optional[str] = None
    destination: t.Optional[str] = None
    fwmark: t.Optional[str] = None
    iif: t.Optional[str] = None
    table: t.Optional[str] = None
    action: t.Optional[str] = None
    inverted: bool = False
    """Whether it holds for all packets that the selectors do not fit (``not`` in ip-rule(8))."""

    protocol: t.Optional[str] = None
    """Who has made it, where somebody has said so."""

    def __str__(self) -> str:
        words = ["%d:" % self.priority] + (["not"] if self.inverted else [])
        for name, value in (
            ("from", self.source),
            ("to", self.destination),
            ("fwmark", self.fwmark),
            ("iif", self.iif),
            ("lookup", self.table),
        ):
            if value:
                words += [name, value]
        return " ".join(words + ([self.action] if self.action and not self.table else []))


class Neighbour(t.NamedTuple):
    """A neighbour of a device: an address and the MAC address behind it."""

    dev: str
    address: str
    mac: t.Optional[str] = None
    permanent: bool = False
    peer: str = ""

    @property
    def row(self) -> str:
        """The entry as a row of the table of neighbours."""
        return neighbour_row(self.dev, self.address, self.mac)


class FdbEntry(t.NamedTuple):
    """A forwarding entry of a VXLAN device: frames for this MAC address go to that address outside."""

    dev: str
    mac: str
    dst: str
    permanent: bool = False
    peer: str = ""

    @property
    def row(self) -> str:
        """The entry as a row of the forwarding table."""
        return fdb_row(self.dev, self.mac, self.dst)


class Digested(t.NamedTuple):
    """A table that was too large to be listed; ``packed`` are its ``size`` rows where they were asked for."""

    what: str
    size: int
    digest: str
    dev: t.Optional[str] = None
    packed: t.Optional[str] = None


def parse_route(item: t.Mapping[str, t.Any]) -> Route:
    """A route from the module's result. Raises ValueError when its destination is no network."""
    route = Route(
        dst=item["dst"],
        gateway=item.get("gateway"),
        dev=item.get("dev"),
        onlink=bool(item.get("onlink")),
        protocol=item.get("protocol"),
        scope=item.get("scope"),
        type=item.get("type") or "unicast",
        metric=int(item.get("metric") or 0),
        table=str(item.get("table") or "main"),
    )
    ip_network(route.dst)
    return route


def parse_rule(item: t.Mapping[str, t.Any]) -> Rule:
    """A policy rule from the module's result."""
    return Rule(
        priority=int(item["priority"]),
        version=6 if item.get("family") == "inet6" else 4,
        source=item.get("from"),
        destination=item.get("to"),
        fwmark=item.get("fwmark"),
        iif=item.get("iif"),
        table=item.get("table"),
        action=item.get("action"),
        inverted=bool(item.get("inverted")),
        protocol=item.get("protocol"),
    )


def parse_neighbour(item: t.Mapping[str, t.Any]) -> Neighbour:
    """A neighbour from the module's result."""
    return Neighbour(item["dev"], item["address"], item.get("mac"), "PERMANENT" in (item.get("state") or ()))


def parse_fdb(item: t.Mapping[str, t.Any]) -> FdbEntry:
    """A forwarding entry from the module's result."""
    return FdbEntry(item["dev"], item["mac"], item["dst"], item.get("state") == "permanent")


def parse_digested(item: t.Mapping[str, t.Any]) -> Digested:
    """A table that was not listed."""
    return Digested(item["what"], int(item["count"]), item["digest"], item.get("dev"), item.get("rows"))
