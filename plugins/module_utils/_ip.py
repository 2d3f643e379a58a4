# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IP addresses and networks from texts, each text parsed once: a cluster names the same few thousand over and over."""

from __future__ import annotations

import ipaddress
import typing as t
from functools import lru_cache

IPAddress = t.Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
IPNetwork = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

_REMEMBERED = 1 << 18


def inside(network: IPNetwork, others: t.Iterable[IPNetwork]) -> bool:
    """Whether a network is a part of one of some others, or one of them."""
    version, length, address = network.version, network.prefixlen, network.network_address
    # A generator for any() would take most of the time: every route of every node is asked about.
    for other in others:  # noqa: SIM110
        if other.version == version and other.prefixlen <= length and address in other:
            return True
    return False


@lru_cache(maxsize=_REMEMBERED)
def ip_address(text: str) -> IPAddress:
    """The address. Raises ValueError."""
    # Only IPv6 addresses have colons (RFC 4291, section 2.2): ipaddress.ip_address tries one family after the other.
    return ipaddress.IPv6Address(text) if ":" in text else ipaddress.IPv4Address(text)


@lru_cache(maxsize=_REMEMBERED)
def network_around(address: str, prefixlen: int) -> IPNetwork:
    """The network that an address lies in. Raises ValueError."""
    parsed = ip_address(address)
    if parsed.version == 6:
        return ipaddress.IPv6Network((int(parsed), prefixlen), strict=False)
    return ipaddress.IPv4Network((int(parsed), prefixlen), strict=False)


@lru_cache(maxsize=_REMEMBERED)
def ip_network(text: str) -> IPNetwork:
    """The network of a CIDR without host bits. Raises ValueError."""
    return ipaddress.IPv6Network(text) if ":" in text else ipaddress.IPv4Network(text)
