# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arithmetic with subnets, for IPv4 and IPv6.

This file is private to the collection.
"""

from __future__ import annotations

import re
import typing as t
from functools import lru_cache

try:
    import netaddr
except ImportError as exc:
    NETADDR_ERROR: ImportError | None = exc
else:
    NETADDR_ERROR = None


class SubnetError(ValueError):
    """A value is not the network or the number it should be. The message is "<reason>; <remedy>"."""


def parse(cidr: t.Any) -> netaddr.IPNetwork:
    """A network in CIDR notation, without host bits. Raises SubnetError."""
    return _parsed_network(str(cidr).strip())


def parse_interface(cidr: t.Any) -> netaddr.IPNetwork:
    """An address with its prefix length, such as 192.168.7.101/21. Raises SubnetError."""
    return _parsed(str(cidr).strip())


# Each text once: a large cluster compares the same networks for every node.
@lru_cache(maxsize=1 << 18)
def _parsed_network(text: str) -> netaddr.IPNetwork:
    interface = _parsed(text)
    if interface.ip != interface.network:
        raise SubnetError(f"{text} has host bits set; write {interface.cidr}")
    return interface.cidr


@lru_cache(maxsize=1 << 18)
def _parsed(text: str) -> netaddr.IPNetwork:
    if NETADDR_ERROR is not None:
        raise SubnetError(
            "the Python package netaddr is missing on the controller; pip install netaddr"
        ) from NETADDR_ERROR
    if "/" not in text:
        raise SubnetError(
            f"{text!r} has no prefix length; write it in CIDR notation, such as 172.50.0.0/16 or fd00:50::/48"
        )
    try:
        return netaddr.IPNetwork(text)
    except (netaddr.AddrFormatError, ValueError) as exc:
        raise SubnetError(
            f"{text!r} is not a network in CIDR notation; write an address and a prefix length, "
            "such as 172.50.0.0/16 or fd00:50::/48"
        ) from exc


def slug(cidr: t.Any) -> str:
    """A network as part of an object's name: letters, digits and hyphens."""
    return re.sub(r"[^0-9a-f]+", "-", str(cidr))


def bits(cidr: netaddr.IPNetwork) -> int:
    """The address length of the network's family, in bits."""
    return 32 if cidr.version == 4 else 128


def capacity(cidr: t.Any, prefix: int) -> int:
    """How many subnets of that prefix length a network holds; 0 when the network is the smaller one."""
    network = parse(cidr)
    if not 0 <= prefix <= bits(network):
        raise SubnetError(f"the prefix length {prefix} is not between 0 and {bits(network)}, as {network} needs")
    return 1 << (prefix - network.prefixlen) if prefix >= network.prefixlen else 0


def node_subnet(cidr: t.Any, index: int, prefix: int) -> str:
    """Subnet number ``index`` (from 0) of a network at a prefix length: what the node with that number gets."""
    network = parse(cidr)
    count = capacity(cidr, prefix)
    if not 0 <= index < count:
        raise SubnetError(f"{network} has {count} subnets of /{prefix}; there is no number {index} (the first is 0)")
    value = network.first + (index << (bits(network) - prefix))
    return str(netaddr.IPNetwork((value, prefix), version=network.version))


def node_gateway(subnet: t.Any) -> str:
    """The first usable address of a node's subnet: the one of its bridge, the pods' default gateway."""
    network = parse(subnet)
    if network.prefixlen > bits(network) - 2:
        raise SubnetError(
            f"{network} has no room for a bridge and a pod; a node's subnet is at most /{bits(network) - 2}"
        )
    return str(netaddr.IPAddress(network.first + 1, version=network.version))


def overlap(first: t.Any, second: t.Any) -> bool:
    """Whether two networks share an address."""
    one, other = parse(first), parse(second)
    return one.version == other.version and (one in other or other in one)


def contains(outer: t.Any, inner: t.Any) -> bool:
    """Whether every address of ``inner`` is in ``outer``."""
    one, other = parse(outer), parse(inner)
    return one.version == other.version and other in one


def spanning(cidrs: t.Sequence[t.Any]) -> netaddr.IPNetwork:
    """The smallest network that holds all of some networks of one family. Raises SubnetError."""
    networks = [parse(cidr) for cidr in cidrs]
    return networks[0] if len(networks) == 1 else netaddr.spanning_cidr(networks)


def same_l2(first: t.Any, second: t.Any) -> bool:
    """Whether two nodes' addresses with prefix length are in one subnet, each seen from the other.

    Both directions count: with unequal masks one side would use a gateway that the other does not.
    """
    one, other = parse_interface(first), parse_interface(second)
    return one.version == other.version and other.ip in one.cidr and one.ip in other.cidr
