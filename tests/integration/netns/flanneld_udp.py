# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What flanneld's udp backend does with packets: pkg/backend/udp/proxy_amd64.c, its two TTLs a packet included.

Standard library only. It does what its standard input says, and then prints "ready": "open" and "close" its socket.
"""

from __future__ import annotations

import fcntl
import ipaddress
import os
import select
import socket
import struct
import subprocess
import sys

DEVICE, PORT, MTU, NETWORK = "flannel0", 8285, 1472, "172.50.0.0/16"
IFF_TUN, IFF_NO_PI, TUNSETIFF = 0x0001, 0x1000, 0x400454CA


def open_tun(address):
    """The device as configureIface of pkg/backend/udp leaves it; it lives as long as it is open."""
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
    lines = (
        f"addr add {address}/32 dev {DEVICE}\nlink set {DEVICE} mtu {MTU} up\n"
        f"route add {NETWORK} dev {DEVICE} scope global\n"
    )
    subprocess.run(["ip", "-batch", "-"], input=lines, text=True, check=True)
    return tun


def passed_on(packet):
    """The packet with one hop less to live; None when it has none left, of which the sender is not told."""
    ttl, checksum = packet[8] - 1, struct.unpack_from("!H", packet, 10)[0]
    if ttl <= 0:
        return None
    checksum += 0x0100  # RFC 1624
    checksum = (checksum & 0xFFFF) + (checksum >> 16)
    return packet[:8] + bytes([ttl, packet[9]]) + struct.pack("!H", checksum) + packet[12:]


class Proxy:
    """Packets between the device and the peers' proxies."""

    def __init__(self, address, peers):
        self._address, self._socket = address, None
        self._routes = [(ipaddress.ip_network(subnet), peer) for subnet, dummy, peer in peers]

    def open(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((self._address, PORT))

    def close(self):
        self._socket.close()
        self._socket = None

    def run(self, tun):
        while True:
            doors = [tun, sys.stdin, *filter(None, [self._socket])]
            for door in select.select(doors, [], [])[0]:
                if door is sys.stdin:
                    if not self._obey(sys.stdin.readline().strip()):
                        return
                elif door is tun:
                    self._send(os.read(tun, 65536))
                elif door is self._socket:
                    packet = passed_on(self._socket.recv(65536))
                    if packet is not None:
                        os.write(tun, packet)

    def _obey(self, word):
        if word:
            {"open": self.open, "close": self.close}[word]()
            print("ready", flush=True)
        return bool(word)

    def _send(self, packet):
        if packet[0] >> 4 != 4 or self._socket is None:
            return
        target = ipaddress.ip_address(packet[16:20])
        peer = next((peer for subnet, peer in self._routes if target in subnet), None)
        packet = passed_on(packet)
        if peer is not None and packet is not None:
            self._socket.sendto(packet, (peer, PORT))


def main(tunnel, address, *peers):
    """Run between the device with that tunnel address and the node's own address; a peer is SUBNET=ADDRESS."""
    proxy = Proxy(address, [peer.partition("=") for peer in peers])
    tun = open_tun(tunnel)
    proxy.open()
    print("ready", flush=True)
    proxy.run(tun)


if __name__ == "__main__":
    main(*sys.argv[1:])
