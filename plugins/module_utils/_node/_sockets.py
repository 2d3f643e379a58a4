# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who listens on a node, on the ports that pod networks use.

Source: Documentation/networking/proc_net_tcp.rst. An address is printed as the 32-bit words of the machine, each in
hexadecimal; UDP has the same columns. The kernel's own sockets, such as a VXLAN device's, belong to no process.
"""

from __future__ import annotations

import ipaddress
import struct
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

from ansible_collections.switchyard.cni.plugins.module_utils._node import _devices, _processes, _wireguard
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged
from ansible_collections.switchyard.cni.plugins.module_utils._node._look import Look
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader

# VXLAN of flannel and of Calico, flannel's udp and WireGuard, BGP, Typha, Calico's and flannel's health.
PORTS = frozenset((8472, 4789, 8285, 51820, 51821, 179, 5473, 9099))
TABLES = (("udp", "udp"), ("udp6", "udp"), ("tcp", "tcp"), ("tcp6", "tcp"))
# include/net/tcp_states.h: TCP_LISTEN; an unconnected UDP socket is in TCP_CLOSE.
_LISTENING = {"tcp": "0A", "udp": "07"}


class Socket(NamedTuple):
    """A listening socket. inode is 0 for one that has no file."""

    protocol: str
    port: int
    address: str
    inode: int


def listeners(look: Look) -> List[Dict[str, Any]]:
    """Collector of the section `listeners`."""
    tunnels = _tunnel_ports(look)
    ports = PORTS | set(tunnels)
    found = [one for table, protocol in TABLES for one in _sockets(look, table, protocol) if one.port in ports]
    owners, complete = _processes.socket_owners(look.reader, {one.inode for one in found if one.inode})
    return [
        {
            "protocol": one.protocol,
            "port": one.port,
            "address": one.address,
            "process": owners.get(one.inode, _unowned(one, complete, tunnels)),
        }
        for one in found
    ]


def _unowned(one: Socket, complete: bool, tunnels: Dict[int, bool]) -> Optional[str]:
    """Whose a socket is that no process was seen to hold: a tunnel that is up holds its own port."""
    return "kernel" if complete or (one.protocol == "udp" and tunnels.get(one.port)) else None


def _tunnel_ports(look: Look) -> Dict[int, bool]:
    """The ports of VXLAN and WireGuard devices, and whether one of theirs is up."""
    devices = look.once(_wireguard.wireguard)
    ports: Dict[int, bool] = {}
    for link in _devices.links(look):
        own = link["vxlan"]["port"] if link["vxlan"] else devices.get(link["name"], {}).get("listen_port")
        if own is not None:
            ports[own] = ports.get(own, False) or link["state"] != "down"
    return ports


def _sockets(look: Look, table: str, protocol: str) -> List[Socket]:
    path = "/proc/net/" + table
    return look.attempt(path, _read, look.reader, path, protocol) or []


def _read(reader: NodeReader, path: str, protocol: str) -> List[Socket]:
    try:
        text = reader.read(path).decode("ascii", "replace")
    except FileNotFoundError:
        return []  # a kernel without IPv6
    return list(parse_sockets(text, protocol))


def parse_sockets(text: str, protocol: str) -> Iterator[Socket]:
    """The listening sockets in a table of /proc/net. Raises Damaged."""
    for number, line in enumerate(text.splitlines()[1:], 2):
        words = line.split()
        try:
            local, state, inode = words[1], words[3], int(words[9])
            if state != _LISTENING[protocol]:
                continue
            address, port = local.split(":")
            yield Socket(protocol, int(port, 16), _address(address), inode)
        except (IndexError, ValueError) as error:
            raise Damaged("line {0} is no socket".format(number)) from error


def _address(words: str) -> str:
    """An address from the kernel's hexadecimal words. Raises ValueError."""
    if len(words) not in (8, 32):
        raise ValueError("not an address")
    values = [int(words[start : start + 8], 16) for start in range(0, len(words), 8)]
    if any(value < 0 for value in values):
        raise ValueError("not an address")
    address = ipaddress.ip_address(struct.pack("={0}I".format(len(values)), *values))
    # A program that listens with one socket for both families may have bound it to an IPv4 address.
    return str(getattr(address, "ipv4_mapped", None) or address)
