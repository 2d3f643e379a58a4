# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node's devices, their addresses, and its routing rules."""

from __future__ import annotations

from functools import partial
from typing import Any, Dict, List, NamedTuple

from ansible_collections.switchyard.cni.plugins.module_utils._node import _iproute
from ansible_collections.switchyard.cni.plugins.module_utils._node._iproute import Record
from ansible_collections.switchyard.cni.plugins.module_utils._node._look import Look


class Devices(NamedTuple):
    """What one program tells: the devices, their addresses, and the numbers of their ends in other namespaces."""

    links: List[Record]
    addresses: List[Record]
    peers: Dict[int, int]


def devices(look: Look) -> Devices:
    """All of it, from one program: `ip -d -s addr` prints everything that `ip -d -s link` prints."""
    addresses: List[Record] = []
    peers: Dict[int, int] = {}

    def parse(data: Any) -> _iproute.Parsed:
        found, problems = _iproute.parse_addresses(data)
        addresses.extend(found)
        peers.update(_iproute.parse_peers(data))
        links, link_problems = _iproute.parse_links(data)
        return links, problems + link_problems

    links = look.json("links", ["ip", "-j", "-d", "-s", "addr", "show"], parse)
    return Devices(links, addresses, peers)


def links(look: Look) -> List[Record]:
    """Collector of the section `links`."""
    return look.once(devices).links


def addresses(look: Look) -> List[Record]:
    """Collector of the section `addresses`."""
    return look.once(devices).addresses


def rules(look: Look) -> List[Record]:
    """Collector of the section `rules`."""
    found: List[Record] = []
    for family, flag in (("inet", "-4"), ("inet6", "-6")):
        parse = partial(_iproute.parse_rules, family=family)
        found += look.json("rules ({0})".format(family), ["ip", "-j", flag, "rule", "show"], parse)
    return found


def of_kind(look: Look, kind: str) -> List[str]:
    """The names of the devices of one kind, such as wireguard."""
    return [link["name"] for link in links(look) if link["kind"] == kind]
