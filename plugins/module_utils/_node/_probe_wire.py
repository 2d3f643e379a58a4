# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probes on the wire: raw sockets, connections and one loop for all of them. What to send is decided in _probe.

A socket belongs to the namespace it was opened in, wherever its process goes afterwards. So one process opens sockets
in one namespace after the other, and then serves them all.
"""

from __future__ import annotations

import errno
import heapq
import itertools
import os
import selectors
import socket
import struct
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._node import _icmp
from ansible_collections.switchyard.cni.plugins.module_utils._node._probe import (
    REFUSED,
    REPLY,
    SILENCE,
    TOO_BIG,
    UNREACHABLE,
    Answer,
    Inquiry,
    Result,
    Shot,
    Task,
)

# Options that Python has no names for, from <linux/in.h>, <linux/in6.h>, <linux/icmp.h>, <linux/icmpv6.h> and
# <asm-generic/socket.h>.
_IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER, _PMTUDISC_PROBE = 10, 23, 3
_IP_RECVERR, _IPV6_RECVERR = 11, 25
_SOL_RAW, _ICMP_FILTER, _ICMP6_FILTER = 255, 1, 1
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE, _SO_TIMESTAMPNS = 32, 33, 35
_TCP_INFO_RTT = 68  # offset of tcpi_rtt in struct tcp_info, microseconds

_BUFFER = 4 << 20  # bytes; a few thousand answers may arrive at once
_LARGEST = 1 << 16
_RETRY = 0.005  # seconds until a full send buffer is tried again
_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
_FULL = (errno.EAGAIN, errno.ENOBUFS)

# Which ICMP types a raw socket shall get, as the filters' masks of those it shall not.
_FILTERS = {
    4: struct.pack("=I", 0xFFFFFFFF & ~sum(1 << kind for kind in (0, 3, 11, 12))),
    6: struct.pack("=8I", 0xFFFFFFFF & ~0b11110, *[0xFFFFFFFF] * 3, 0xFFFFFFFF & ~(1 << 129 % 32), *[0xFFFFFFFF] * 3),
}


class Line:
    """The raw sockets of one IP version in the namespace this is made in: one sends whole packets, one hears ICMP."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.tickets: Dict[Tuple[int, int], _Ticket] = {}  # by identifier and sequence number
        self.calls: Dict[Tuple[int, int], _Ticket] = {}  # by both ports
        icmp = socket.IPPROTO_ICMP if version == 4 else socket.IPPROTO_ICMPV6
        # IPPROTO_RAW takes packets with their IP header, for both versions and on every kernel. Nothing below this
        # fragments them, and neither a path MTU that the kernel remembers (PROBE) nor its errors get in the way.
        self._sending = socket.socket(_FAMILY[version], socket.SOCK_RAW, socket.IPPROTO_RAW)
        try:
            self.hearing = socket.socket(_FAMILY[version], socket.SOCK_RAW, icmp)
        except OSError:
            self._sending.close()
            raise
        self._configure()

    def _configure(self) -> None:
        sending, hearing = self._sending, self.hearing
        if self.version == 4:
            sending.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_PROBE)
            sending.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
            hearing.setsockopt(_SOL_RAW, _ICMP_FILTER, _FILTERS[4])
        else:
            sending.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTUDISC_PROBE)
            sending.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
            hearing.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, _FILTERS[6])
        _enlarge(sending, _SO_SNDBUFFORCE, socket.SO_SNDBUF)
        _enlarge(hearing, _SO_RCVBUFFORCE, socket.SO_RCVBUF)
        hearing.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sending.setblocking(False)
        hearing.setblocking(False)

    def send(self, packet: bytes, target: str) -> None:
        """Send a whole IP packet; raises OSError with the kernel's reason."""
        self._sending.sendto(packet, (target, 0))

    def device_mtu(self) -> Optional[int]:
        """The MTU in bytes that a send has just failed on, as the socket's error queue tells it: ip(7), IP_RECVERR."""
        told = None
        while True:
            try:
                ancillary = self._sending.recvmsg(_LARGEST, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)[1]
            except OSError:
                return told
            for dummy, kind, data in ancillary:
                # struct sock_extended_err: errno, then four bytes, then info.
                if kind in (_IP_RECVERR, _IPV6_RECVERR) and struct.unpack_from("=I", data)[0] == errno.EMSGSIZE:
                    told = struct.unpack_from("=I", data, 8)[0] or None

    def heard(self) -> Iterator[Tuple[_icmp.Message, float]]:
        """The ICMP messages that have arrived, and when, in seconds since the epoch by the kernel's clock."""
        while True:
            try:
                data, ancillary, dummy, sender = self.hearing.recvmsg(_LARGEST, 128)
            except BlockingIOError:
                return
            message = _icmp.parse(data, sender[0].partition("%")[0], self.version)
            if message is not None:
                yield message, _arrival(ancillary)

    def close(self) -> None:
        """Close both sockets."""
        self._sending.close()
        self.hearing.close()


def _enlarge(which: socket.socket, forced: int, polite: int) -> None:
    try:
        which.setsockopt(socket.SOL_SOCKET, forced, _BUFFER)
    except PermissionError:  # root of a user namespace: the machine's limit holds
        which.setsockopt(socket.SOL_SOCKET, polite, _BUFFER)


def _arrival(ancillary: List[Tuple[int, int, bytes]]) -> float:
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(data) == struct.calcsize("ll"):
            seconds, nanoseconds = struct.unpack("ll", data)
            return seconds + nanoseconds / 1e9
    return time.time()


def routed_source(target: str) -> str:
    """The address from which the kernel would send to the target; raises OSError when there is no way."""
    with socket.socket(_FAMILY[_icmp.version_of(target)], socket.SOCK_DGRAM) as door:
        door.connect((target, 9))  # of a datagram socket this sends nothing
        return door.getsockname()[0].partition("%")[0]


@dataclass
class _Ticket:
    """A shot in flight, or one that was: sent in seconds since the epoch, not sent after last (monotonic)."""

    side: _Side
    task: Task
    shot: Shot
    sent: float = 0.0
    last: float = 0.0
    open: bool = True
    trouble: Optional[Answer] = None  # what ICMP said about a connection


@dataclass
class _Side:
    """An inquiry with what it needs from its namespace."""

    inquiry: Inquiry
    line: Line
    source: str
    connections: List[socket.socket] = field(default_factory=list)
    told: bool = False


class Exchange:
    """Carries the packets of many inquiries, from any number of namespaces, and tells each result when it is there."""

    def __init__(self, timeout: float, tell: Callable[[Result], None]) -> None:
        self._timeout = timeout
        self._tell = tell
        self._token = os.urandom(16)
        self._identifier = int.from_bytes(os.urandom(2), "big")
        self._numbers = itertools.count()
        self._selector = selectors.DefaultSelector()
        self._agenda: List[Tuple[float, int, Callable[..., None], Tuple[Any, ...]]] = []
        self._order = itertools.count()
        self._sides: List[_Side] = []
        self._lines: List[Line] = []
        self._connections: List[socket.socket] = []

    def open_line(self, version: int) -> Line:
        """Open sockets in the namespace this process is in now."""
        line = Line(version)
        self._lines.append(line)
        self._selector.register(line.hearing, selectors.EVENT_READ, (0, self._hear_line, (line,)))
        return line

    def add(self, inquiry: Inquiry, line: Line, source: str, start: float, count: int) -> None:
        """Take an inquiry on; start is the moment of its first packet (monotonic), count how often it will connect."""
        side = _Side(inquiry, line, source)
        self._sides.append(side)
        for dummy in range(count if inquiry.probe.port is not None else 0):
            connection = socket.socket(_FAMILY[line.version], socket.SOCK_STREAM)
            self._connections.append(connection)
            connection.setblocking(False)
            side.connections.append(connection)
        for task in inquiry.tasks:
            self._shoot(side, task, task.start(), start)

    def run(self, deadline: float) -> None:
        """Serve everything until all is told, or until the deadline (monotonic); what is not done then is told so."""
        while self._untold():
            moment = min(self._agenda[0][0] if self._agenda else deadline, deadline)
            ready = self._selector.select(max(0.0, moment - time.monotonic()))
            # ICMP first: it explains what a connection fails of.
            for key, dummy in sorted(ready, key=lambda one: one[0].data[0]):
                key.data[1](*key.data[2])
            now = time.monotonic()
            if now >= deadline:
                break
            self._keep_appointments(now)
        for side in self._untold():
            self._tell(side.inquiry.result(over=True))

    def close(self) -> None:
        """Close every socket."""
        for line in self._lines:
            line.close()
        for connection in self._connections:
            connection.close()
        self._selector.close()

    def _untold(self) -> List[_Side]:
        return [side for side in self._sides if not side.told]

    # -- time

    def _at(self, moment: float, function: Callable[..., None], *args: Any) -> None:
        heapq.heappush(self._agenda, (moment, next(self._order), function, args))

    def _keep_appointments(self, now: float) -> None:
        while self._agenda and self._agenda[0][0] <= now:
            dummy, unused, function, args = heapq.heappop(self._agenda)
            function(*args)

    # -- sending

    def _shoot(self, side: _Side, task: Task, shots: List[Shot], now: float) -> None:
        for shot in shots:
            fire = self._echo if side.inquiry.probe.port is None else self._connect
            self._at(now + shot.delay, fire, _Ticket(side, task, shot))

    def _echo(self, ticket: _Ticket) -> None:
        side, shot, target = ticket.side, ticket.shot, ticket.side.inquiry.probe.target
        if ticket.task.done:
            return
        number = next(self._numbers)
        identifier, sequence = (self._identifier + (number >> 16)) & 0xFFFF, number & 0xFFFF
        packet = _icmp.echo_request(side.source, target, identifier, sequence, shot.ttl, shot.size, self._token)
        now, ticket.sent = time.monotonic(), time.time()
        ticket.last = ticket.last or now + self._timeout
        side.line.tickets[identifier, sequence] = ticket
        try:
            side.line.send(packet, target)
        except OSError as error:
            if error.errno not in _FULL:
                self._settle(ticket, self._refusal(side.line, error))
                return
            if now < ticket.last:
                self._at(now + _RETRY, self._echo, ticket)
                return
        self._at(now + self._timeout, self._give_up, ticket)

    @staticmethod
    def _refusal(line: Line, error: OSError) -> Answer:
        mtu = line.device_mtu()
        text = os.strerror(error.errno or 0)
        return Answer(TOO_BIG, None, text, mtu) if error.errno == errno.EMSGSIZE else Answer(UNREACHABLE, None, text)

    def _connect(self, ticket: _Ticket) -> None:
        side, probe = ticket.side, ticket.side.inquiry.probe
        connection = side.connections.pop()
        try:
            connection.bind((side.source, 0))
            ticket.sent = time.time()
            code = connection.connect_ex((probe.target, probe.port))
            side.line.calls[connection.getsockname()[1], probe.port or 0] = ticket
        except OSError as error:
            code = error.errno or 0
        if code not in (0, errno.EINPROGRESS):
            connection.close()
            self._settle(ticket, Answer(UNREACHABLE, None, os.strerror(code)))
            return
        self._selector.register(connection, selectors.EVENT_WRITE, (1, self._connected, (ticket, connection)))
        self._at(time.monotonic() + self._timeout, self._hang_up, ticket, connection)

    # -- hearing

    def _hear_line(self, line: Line) -> None:
        for message, arrived in line.heard():
            if isinstance(message, _icmp.Reply):
                self._hear_reply(line, message, arrived)
            else:
                self._hear_trouble(line, message)

    def _hear_reply(self, line: Line, reply: _icmp.Reply, arrived: float) -> None:
        ticket = line.tickets.get((reply.identifier, reply.sequence))
        if ticket is None or reply.sender != ticket.side.inquiry.probe.target:
            return
        length = ticket.shot.size - _icmp.HEADER[line.version] - _icmp.ECHO_HEADER
        if reply.payload == _icmp.filler(self._token, length):
            # A clock that was set in between must not make a round trip negative.
            self._settle(ticket, Answer(REPLY, reply.sender, rtt=max(0.0, arrived - ticket.sent)))

    def _hear_trouble(self, line: Line, trouble: _icmp.Trouble) -> None:
        quote = trouble.quote
        connecting = quote.protocol == _icmp.PROTOCOL_TCP
        ticket = (line.calls if connecting else line.tickets).get(quote.ports)
        if ticket is None or quote.target != ticket.side.inquiry.probe.target:
            return
        answer = Answer(trouble.kind, trouble.sender, trouble.text, trouble.mtu)
        if connecting:
            ticket.trouble = answer
        elif self._token.startswith(quote.payload[: len(self._token)]):
            self._settle(ticket, answer)

    def _connected(self, ticket: _Ticket, connection: socket.socket) -> None:
        code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        target = ticket.side.inquiry.probe.target
        if code == 0:
            answer = Answer(REPLY, target, rtt=_tcp_round_trip(connection))
        elif ticket.trouble is not None:
            answer = ticket.trouble
        elif code == errno.ECONNREFUSED:
            answer = Answer(REFUSED, target, "connection refused")
        else:
            answer = Answer(UNREACHABLE, None, os.strerror(code))
        self._drop(connection)
        self._settle(ticket, answer)

    def _hang_up(self, ticket: _Ticket, connection: socket.socket) -> None:
        if ticket.open:
            self._drop(connection)
            self._settle(ticket, ticket.trouble or Answer(SILENCE))

    def _drop(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        connection.close()

    def _give_up(self, ticket: _Ticket) -> None:
        if ticket.open:
            self._settle(ticket, Answer(SILENCE))

    def _settle(self, ticket: _Ticket, answer: Answer) -> None:
        side = ticket.side
        if ticket.open:
            ticket.open = False
            self._shoot(side, ticket.task, ticket.task.heard(ticket.shot, answer), time.monotonic())
        else:
            ticket.task.late(ticket.shot, answer)
        if side.inquiry.done and not side.told:
            side.told = True
            self._tell(side.inquiry.result())


def _tcp_round_trip(connection: socket.socket) -> Optional[float]:
    """The round trip of the handshake in seconds, as the kernel measured it."""
    information = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    if len(information) < _TCP_INFO_RTT + 4:
        return None
    return struct.unpack_from("=I", information, _TCP_INFO_RTT)[0] / 1e6
