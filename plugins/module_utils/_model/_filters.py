# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node's packet filter and sockets say."""

from __future__ import annotations

import typing as t

NFTABLES = "nft"
"""The flavour of a chain that is nobody's iptables chain."""


class Chain(t.NamedTuple):
    """A chain of the packet filter. ``rules`` are texts where they were listed, ``rule_count`` always counts them."""

    flavour: str
    family: str
    table: str
    name: str
    owner: t.Optional[str] = None
    hook: t.Optional[str] = None
    policy: t.Optional[str] = None
    packets: t.Optional[int] = None
    rules: t.Tuple[str, ...] = ()
    rule_count: int = 0

    @property
    def label(self) -> str:
        """The chain as a person would look for it."""
        return "%s (%s, table %s %s)" % (self.name, self.flavour, self.family, self.table)


class FilterTable(t.NamedTuple):
    """A table of nftables."""

    family: str
    name: str
    owner: t.Optional[str] = None


class IpSet(t.NamedTuple):
    """A set of ipset(8)."""

    name: str
    owner: t.Optional[str] = None
    entries: t.Optional[int] = None


class Listener(t.NamedTuple):
    """A socket that waits for packets; ``process`` is ``kernel`` for a tunnel device's own."""

    protocol: str
    port: int
    address: str = ""
    process: t.Optional[str] = None


def parse_chain(item: t.Mapping[str, t.Any]) -> Chain:
    """A chain from the module's result."""
    rules = tuple(item.get("rules") or ())
    return Chain(
        flavour=item["flavour"],
        family=item["family"],
        table=item["table"],
        name=item["chain"],
        owner=item.get("owner"),
        hook=item.get("hook"),
        policy=item.get("policy"),
        packets=item.get("packets"),
        rules=rules,
        rule_count=int(item.get("rule_count") or len(rules)),
    )


def parse_filter_table(item: t.Mapping[str, t.Any]) -> FilterTable:
    """A table of nftables from the module's result."""
    return FilterTable(item["family"], item["name"], item.get("owner"))


def parse_ipset(item: t.Mapping[str, t.Any]) -> IpSet:
    """A set from the module's result."""
    return IpSet(item["name"], item.get("owner"), item.get("entries"))


def parse_listener(item: t.Mapping[str, t.Any]) -> Listener:
    """A listening socket from the module's result."""
    return Listener(item["protocol"], int(item["port"]), item.get("address") or "", item.get("process"))
