# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that run inside pods: a listener, somebody else's pings, and a host that answers pings with lies.

Each prints "ready" when it does its work, and runs until it is killed. Standard library only, and no code of the
collection: what is tested shall not be its own witness.
"""

from __future__ import annotations

import os
import socket
import struct
import sys


def ready():
    print("ready", flush=True)


def listen(port):
    """Accept and close connections of both families."""
    with socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        ready()
        while True:
            server.accept()[0].close()


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def icmp(kind, identifier, sequence, payload):
    payload += bytes(len(payload) % 2)
    head = struct.pack("!BBHHH", kind, 0, 0, identifier, sequence)
    return head[:2] + struct.pack("!H", checksum(head + payload)) + head[4:] + payload


def flood(target):
    """Ping with all identifiers and small sequence numbers, as fast as this goes."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as door:
        announced = False
        while True:
            for identifier in range(0, 65536, 7):
                try:
                    door.sendto(icmp(8, identifier, identifier % 16, os.urandom(56)), (target, 0))
                except OSError:
                    continue  # the neighbour did not answer, or the queue is full
                if not announced:
                    ready()
                    announced = True


def lies(identifier, sequence, payload):
    """One reply for each way of lying."""
    good = icmp(0, identifier, sequence, payload)
    return {
        "truth": good,
        "other-sender": good,
        "payload": icmp(0, identifier, sequence, payload[:-2] + b"!!"),
        "short": icmp(0, identifier, sequence, payload[:-8]),
        "sequence": icmp(0, identifier, sequence ^ 0x4000, payload),
        "identifier": icmp(0, identifier ^ 1, sequence, payload),
        "checksum": good[:2] + bytes([good[2] ^ 0xFF]) + good[3:],
    }


def answer(lie, other):
    """Answer echo requests in place of the kernel."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as hearing,
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sending,
    ):
        ready()
        while True:
            packet = hearing.recv(65536)
            kind, dummy, unused, identifier, sequence = struct.unpack_from("!BBHHH", packet, 20)
            if kind != 8:
                continue
            reply = lies(identifier, sequence, packet[28:])[lie]
            source = socket.inet_aton(other) if lie == "other-sender" else packet[16:20]
            header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(reply), 0, 0, 64, 1, 0) + source + packet[12:16]
            sending.sendto(header + reply, (socket.inet_ntoa(packet[12:16]), 0))


if __name__ == "__main__":
    {"listen": listen, "flood": flood, "answer": answer}[sys.argv[1]](*sys.argv[2:])
