# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ICMP and ICMPv6 on the wire: building echo requests, reading echo replies and errors. Pure: bytes in, values out.

Sources: RFC 791 and 8200 (IP headers), 792 and 4443 (messages), 1191 and 8201 (path MTU), 1071 (checksum).
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import Optional, Tuple, Union

PROTOCOL_ICMP = 1
PROTOCOL_TCP = 6
PROTOCOL_ICMPV6 = 58

ECHO_HEADER = 8  # bytes: type, code, checksum, identifier, sequence number
HEADER = {4: 20, 6: 40}  # bytes of an IP header without options, by version
_DONT_FRAGMENT = 0x4000
_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}


@dataclass(frozen=True)
class _Dialect:
    """The types of one version of ICMP."""

    protocol: int
    request: int
    reply: int
    unreachable: int
    too_big: int
    exceeded: int
    parameter: int


# ICMP tells a packet that is too big by a code of unreachable (4), ICMPv6 by a type of its own.
_DIALECTS = {4: _Dialect(PROTOCOL_ICMP, 8, 0, 3, -1, 11, 12), 6: _Dialect(PROTOCOL_ICMPV6, 128, 129, 1, 2, 3, 4)}
_FRAGMENTATION_NEEDED = 4

PROHIBITED = "administratively prohibited"
_UNREACHABLE = {
    4: {
        0: "network unreachable",
        1: "host unreachable",
        2: "protocol unreachable",
        3: "port unreachable",
        5: "source route failed",
        6: "network unknown",
        7: "host unknown",
        8: "source host isolated",
        9: "network " + PROHIBITED,
        10: "host " + PROHIBITED,
        11: "network unreachable for this type of service",
        12: "host unreachable for this type of service",
        13: PROHIBITED,
        14: "host precedence violation",
        15: "precedence cut off",
    },
    6: {
        0: "no route to the destination",
        1: PROHIBITED,
        2: "beyond the scope of the source address",
        3: "address unreachable",
        4: "port unreachable",
        5: "source address failed the policy",
        6: "route rejects the destination",
    },
}


@dataclass(frozen=True)
class Quote:
    """The packet an error is about. ports: an echo's identifier and sequence number, or TCP's two ports."""

    protocol: int
    target: str
    ports: Tuple[int, int]
    payload: bytes


@dataclass(frozen=True)
class Reply:
    """An echo reply."""

    sender: str
    identifier: int
    sequence: int
    payload: bytes


@dataclass(frozen=True)
class Trouble:
    """An ICMP error. kind: expired (time to live), too-big or unreachable; mtu in bytes where the sender told it."""

    sender: str
    kind: str
    text: str
    quote: Quote
    mtu: Optional[int] = None


Message = Union[Reply, Trouble]


def version_of(address: str) -> int:
    """The IP version of an address in text: 4 or 6."""
    return 6 if ":" in address else 4


def checksum(data: bytes) -> int:
    """The Internet checksum; 0 over data that carries its own right checksum."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!{0}H".format(len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def filler(token: bytes, length: int) -> bytes:
    """The payload of an echo: the token, again and again."""
    return (token * (length // len(token) + 1))[:length]


def echo_request(source: str, target: str, identifier: int, sequence: int, ttl: int, size: int, token: bytes) -> bytes:
    """A whole IP packet of exactly size bytes that must not be fragmented, IP header included."""
    version = version_of(target)
    dialect = _DIALECTS[version]
    ends = socket.inet_pton(_FAMILY[version], source) + socket.inet_pton(_FAMILY[version], target)
    body = filler(token, size - HEADER[version] - ECHO_HEADER)
    length = ECHO_HEADER + len(body)
    # Only ICMPv6 counts the addresses in: RFC 8200, section 8.1.
    pseudo = ends + struct.pack("!I3xB", length, dialect.protocol) if version == 6 else b""
    fields = struct.pack("!BBHHH", dialect.request, 0, 0, identifier, sequence)
    total = checksum(pseudo + fields + body)
    message = struct.pack("!BBHHH", dialect.request, 0, total, identifier, sequence) + body
    if version == 6:
        return struct.pack("!IHBB", 6 << 28, length, dialect.protocol, ttl) + ends + message
    # The kernel fills in the identification and the checksum of an IPv4 header: raw(7).
    header = struct.pack("!BBHHHBBH", 0x45, 0, size, 0, _DONT_FRAGMENT, ttl, dialect.protocol, 0)
    return header + ends + message


def parse(data: bytes, sender: str, version: int) -> Optional[Message]:
    """What a raw socket received, None if it is neither an echo reply nor an error, or is damaged.

    An IPv4 raw socket gives the packet with its IP header and before the kernel has judged the ICMP checksum; an ICMPv6
    socket gives the message alone, and checked: raw(7), RFC 3542.
    """
    if version == 4:
        packet = _ipv4(data)
        if packet is None or packet[0] != PROTOCOL_ICMP or checksum(packet[2]) != 0:
            return None
        data = packet[2]
    if len(data) < ECHO_HEADER:
        return None
    dialect = _DIALECTS[version]
    kind, code, dummy, first, second = struct.unpack_from("!BBHHH", data)
    if kind == dialect.reply:
        return Reply(sender, first, second, data[ECHO_HEADER:])
    return _trouble(dialect, version, kind, code, data, sender)


def _trouble(dialect: _Dialect, version: int, kind: int, code: int, data: bytes, sender: str) -> Optional[Trouble]:
    known = (dialect.unreachable, dialect.too_big, dialect.exceeded, dialect.parameter)
    quote = _quote(data[ECHO_HEADER:], version) if kind in known else None
    if quote is None:
        return None
    if kind == dialect.too_big:
        return Trouble(sender, "too-big", "packet too big", quote, struct.unpack_from("!I", data, 4)[0] or None)
    if kind == dialect.unreachable and version == 4 and code == _FRAGMENTATION_NEEDED:
        return Trouble(sender, "too-big", "fragmentation needed", quote, struct.unpack_from("!H", data, 6)[0] or None)
    if kind == dialect.unreachable:
        text = _UNREACHABLE[version].get(code, "unreachable (code {0})".format(code))
    elif kind == dialect.parameter:
        text = "parameter problem"
    elif code == 0:
        return Trouble(sender, "expired", "time to live exceeded", quote)
    else:
        text = "fragment reassembly time exceeded"
    return Trouble(sender, "unreachable", text, quote)


def _quote(data: bytes, version: int) -> Optional[Quote]:
    """The beginning of a packet inside an error: at least its IP header and eight bytes."""
    packet = _ipv4(data) if version == 4 else _ipv6(data)
    if packet is None or len(packet[2]) < ECHO_HEADER:
        return None
    protocol, target, rest = packet
    dialect = _DIALECTS[version]
    if protocol == PROTOCOL_TCP:
        return Quote(protocol, target, struct.unpack_from("!HH", rest), b"")
    if protocol == dialect.protocol and rest[0] == dialect.request:
        return Quote(protocol, target, struct.unpack_from("!HH", rest, 4), rest[ECHO_HEADER:])
    return None


def _ipv4(data: bytes) -> Optional[Tuple[int, str, bytes]]:
    """Protocol, destination and content of an IPv4 packet, which may be cut short; None for a later fragment."""
    if len(data) < HEADER[4] or data[0] >> 4 != 4:
        return None
    header = (data[0] & 0xF) * 4
    length, fragment = struct.unpack_from("!H2xH", data, 2)
    if header < HEADER[4] or length < header or fragment & 0x1FFF:
        return None
    return data[9], socket.inet_ntop(socket.AF_INET, data[16:20]), data[header:length]


def _ipv6(data: bytes) -> Optional[Tuple[int, str, bytes]]:
    if len(data) < HEADER[6] or data[0] >> 4 != 6:
        return None
    length = HEADER[6] + struct.unpack_from("!H", data, 4)[0]
    return data[6], socket.inet_ntop(socket.AF_INET6, data[24:40]), data[HEADER[6] : length]
