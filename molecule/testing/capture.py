# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an outsider sees of a virtual node: every frame on the link that leads to it, taken on this machine."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from . import lab, seed

_ALL_PROTOCOLS = 0x0003  # linux/if_ether.h: ETH_P_ALL
_IPV4 = 0x0800
_UDP = 17


@dataclass
class Seen:
    """The frames between nodes, and between pods as such: how many of each kind, and how many with a text in them."""

    text: bytes
    # By IP protocol and, for UDP, destination port: `4`, `17/51820`.
    kinds: Counter[str] = field(default_factory=Counter)
    readable: int = 0

    def take(self, frame: bytes, ends: set[bytes]) -> None:
        """Count a frame if it goes from one of these addresses to another."""
        if struct.unpack("!H", frame[12:14])[0] != _IPV4 or not {frame[26:30], frame[30:34]} <= ends:
            return
        protocol, start = frame[23], 14 + 4 * (frame[14] & 15)
        port = f"/{struct.unpack('!H', frame[start + 2 : start + 4])[0]}" if protocol == _UDP else ""
        self.kinds[f"{protocol}{port}"] += 1
        self.readable += self.text in frame


@contextmanager
def of(name: str, text: bytes, pods: Sequence[lab.Pod] = ()) -> Iterator[Seen]:
    """Look at the link of a node while the block runs, for what goes between nodes, or between these pods as it is."""
    seen, over = Seen(text), threading.Event()
    ends = {socket.inet_aton(one.address) for one in (*seed.NODES.values(), *pods)}
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS)) as link:
        link.bind((_link_of(name), 0))
        link.settimeout(0.2)
        reader = threading.Thread(target=_read, args=(link, seen, ends, over))
        reader.start()
        try:
            yield seen
        finally:
            over.set()
            reader.join()


def question(pods: Sequence[lab.Pod], text: str) -> Seen:
    """Have a pod ask the web server on the other node with a text in the question; return what an outsider saw."""
    here, there = seed.NODES
    source = next(pod for pod in pods if (pod.app, pod.node) == ("net-test1", here))
    target = next(pod for pod in pods if (pod.app, pod.node) == ("web", there))
    with of(here, text.encode(), (source, target)) as seen:
        # The server knows no such page; its answer does not matter, the question does.
        source.run("sh", "-c", f"wget -q -O - http://{target.address}/{text} || true")
    return seen


def _read(link: socket.socket, seen: Seen, ends: set[bytes], over: threading.Event) -> None:
    while not over.is_set():
        try:
            seen.take(link.recv(65535), ends)
        except TimeoutError:
            continue


def _link_of(name: str) -> str:
    """Return this machine's end of a node's link: the port of the bridge behind which the node's address is."""
    mac = lab.links(name)["eth0"]["address"]
    rows = json.loads(lab.program(["bridge", "-j", "fdb", "show"]))
    return next(row["ifname"] for row in rows if row["mac"] == mac and "master" in row)
