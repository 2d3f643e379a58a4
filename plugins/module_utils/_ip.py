# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IP addresses and networks from texts, each text parsed once: a cluster names the same few thousand over and over."""

from __future__ import annotations

import ipaddress
import typing as t
from functools import lru_cache

IPAddress = t.Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
IPInterface = t.Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]
IPNetwork = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

_REMEMBERED = 1 << 18


def inside(network: IPNetwork, others: t.Iterable[IPNetwork]) -> bool:
    """Whether a network is a part of one of some others, or one of them."""
    version, length, address = network.version, network.prefixlen, network.network_address
    return any(other.version == version and other.prefixlen <= length and address in other for other in others)


@lru_cache(maxsize=_REMEMBERED)
def ip_address(text: str) -> IPAddress:
    """The address. Raises ValueError."""
    return ipaddress.ip_address(text)


@lru_cache(maxsize=_REMEMBERED)
def ip_interface(text: str) -> IPInterface:
    """The address with its network, from ``address/length``. Raises ValueError."""
    return ipaddress.ip_interface(text)


@lru_cache(maxsize=_REMEMBERED)
def ip_network(text: str) -> IPNetwork:
    """The network of a CIDR without host bits. Raises ValueError."""
    return ipaddress.ip_network(text)
