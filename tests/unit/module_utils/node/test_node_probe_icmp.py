# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ICMP packets: what is sent is well-formed, and nothing that arrives can be mistaken or break the reader."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _icmp
from hypothesis import given
from hypothesis import strategies as st

TOKEN = bytes(range(16))
ENDS = {4: ("172.50.2.3", "172.50.1.2"), 6: ("fd50:2::3", "fd50:1::2")}
ROUTER = {4: "172.50.1.0", 6: "fd50:1::"}

versions = st.sampled_from([4, 6])
halves = st.integers(0, 0xFFFF)
sizes = st.integers(84, 9000)


def request(version, identifier=7, sequence=9, ttl=3, size=104):
    return _icmp.echo_request(*ENDS[version], identifier, sequence, ttl, size, TOKEN)


def message(version, kind, code, rest, body):
    """An ICMP message as a raw socket of the version gives it."""
    data = struct.pack("!BBH", kind, code, 0) + rest + body
    if version == 6:
        return data
    data = data[:2] + struct.pack("!H", _icmp.checksum(data)) + data[4:]
    return ipv4(data)


def ipv4(body, protocol=1, options=b"", fragment=0):
    ends = b"".join(ipaddress.ip_address(end).packed for end in reversed(ENDS[4]))
    first = 0x40 | (5 + len(options) // 4)
    length = 20 + len(options) + len(body)
    return struct.pack("!BBHHHBBH", first, 0, length, 1, fragment, 60, protocol, 0) + ends + options + body


def answer(packet, version):
    """What a target makes of an echo request."""
    start = _icmp.HEADER[version]
    return message(version, {4: 0, 6: 129}[version], 0, packet[start + 4 : start + 8], packet[start + 8 :])


def trouble(version, kind, code, quoted, rest=bytes(4)):
    return _icmp.parse(message(version, kind, code, rest, quoted), ROUTER[version], version)


# ---- building


@given(versions, halves, halves, st.integers(1, 255), sizes)
def test_a_request_is_a_whole_packet_of_the_size_asked_for(version, identifier, sequence, ttl, size):
    packet = request(version, identifier, sequence, ttl, size)
    source, target = (ipaddress.ip_address(end).packed for end in ENDS[version])
    assert len(packet) == size
    assert packet[0] >> 4 == version
    if version == 4:
        assert struct.unpack("!HHHBB", packet[2:10]) == (size, 0, 0x4000, ttl, 1)
        assert packet[12:20] == source + target
        assert _icmp.checksum(packet[20:]) == 0
    else:
        assert struct.unpack("!HBB", packet[4:8]) == (size - 40, 58, ttl)
        assert packet[8:40] == source + target
        assert _icmp.checksum(source + target + struct.pack("!II", size - 40, 58) + packet[40:]) == 0


def test_a_checksum_computed_by_hand():
    # The example of RFC 1071, section 3.
    assert _icmp.checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D
    assert _icmp.checksum(b"\x01") == 0xFEFF


@given(st.binary(min_size=1, max_size=200))
def test_a_checksum_is_right_over_itself_and_sees_every_changed_bit(data):
    data += bytes(len(data) % 2)
    total = _icmp.checksum(data)
    assert _icmp.checksum(data + struct.pack("!H", total)) == 0
    assert _icmp.checksum(bytes([data[0] ^ 0x10]) + data[1:]) != total


# ---- reading


@given(versions, halves, halves, sizes)
def test_the_reply_to_a_request_is_read_back(version, identifier, sequence, size):
    packet = request(version, identifier, sequence, size=size)
    reply = _icmp.parse(answer(packet, version), ENDS[version][1], version)
    assert reply == _icmp.Reply(
        ENDS[version][1], identifier, sequence, _icmp.filler(TOKEN, size - _icmp.HEADER[version] - 8)
    )


@pytest.mark.parametrize(
    ("version", "kind", "code", "read", "text"),
    [
        (4, 11, 0, "expired", "time to live exceeded"),
        (4, 11, 1, "unreachable", "fragment reassembly time exceeded"),
        (4, 3, 0, "unreachable", "network unreachable"),
        (4, 3, 1, "unreachable", "host unreachable"),
        (4, 3, 3, "unreachable", "port unreachable"),
        (4, 3, 10, "unreachable", "host administratively prohibited"),
        (4, 3, 13, "unreachable", "administratively prohibited"),
        (4, 3, 200, "unreachable", "unreachable (code 200)"),
        (4, 12, 0, "unreachable", "parameter problem"),
        (6, 3, 0, "expired", "time to live exceeded"),
        (6, 1, 0, "unreachable", "no route to the destination"),
        (6, 1, 1, "unreachable", "administratively prohibited"),
        (6, 1, 3, "unreachable", "address unreachable"),
        (6, 1, 6, "unreachable", "route rejects the destination"),
    ],
)
def test_errors_are_named_and_say_what_they_are_about(version, kind, code, read, text):
    told = trouble(version, kind, code, request(version))
    assert (told.kind, told.text, told.sender, told.mtu) == (read, text, ROUTER[version], None)
    assert told.quote.target == ENDS[version][1]
    assert told.quote.ports == (7, 9)
    assert told.quote.payload.startswith(TOKEN)


@pytest.mark.parametrize(
    ("version", "kind", "code", "rest", "text"),
    [
        (4, 3, 4, struct.pack("!HH", 0, 1450), "fragmentation needed"),
        (6, 2, 0, struct.pack("!I", 1450), "packet too big"),
    ],
)
def test_a_packet_that_was_too_big_and_the_mtu_that_is_not(version, kind, code, rest, text):
    told = trouble(version, kind, code, request(version, size=1500), rest)
    assert (told.kind, told.text, told.mtu) == ("too-big", text, 1450)
    assert trouble(version, kind, code, request(version, size=1500)).mtu is None


@pytest.mark.parametrize("version", [4, 6])
def test_the_least_a_router_must_quote_is_enough(version):
    quoted = request(version)[: _icmp.HEADER[version] + 8]
    told = trouble(version, {4: 11, 6: 3}[version], 0, quoted)
    assert (told.quote.ports, told.quote.payload) == ((7, 9), b"")
    assert trouble(version, {4: 11, 6: 3}[version], 0, quoted[:-1]) is None


def test_an_error_about_a_connection():
    syn = ipv4(struct.pack("!HHI", 40000, 443, 1), protocol=6)
    told = trouble(4, 3, 13, syn)
    assert (told.quote.protocol, told.quote.ports) == (_icmp.PROTOCOL_TCP, (40000, 443))


def test_options_in_a_header_are_stepped_over():
    inner = ipv4(request(4)[20:], options=b"\x94\x04\0\0")
    outer = ipv4(message(4, 11, 0, bytes(4), inner)[20:], options=b"\x94\x04\0\0" * 2)
    assert _icmp.parse(outer, ROUTER[4], 4).quote.ports == (7, 9)


@pytest.mark.parametrize(
    "packet",
    [
        request(4),  # a request that arrives is not a reply
        ipv4(answer(request(4), 4)[20:], protocol=17),
        ipv4(answer(request(4), 4)[20:], fragment=100),
        ipv4(message(4, 3, 1, bytes(4), ipv4(bytes(8), protocol=17))[20:]),  # somebody else's UDP
        ipv4(message(4, 3, 1, bytes(4), answer(request(4), 4))[20:]),  # an error about a reply
        ipv4(message(4, 5, 1, bytes(4), request(4))[20:]),  # a redirect
        b"",
        b"\x60" + answer(request(4), 4)[1:],
    ],
)
def test_foreign_packets_are_not_taken_for_answers(packet):
    assert _icmp.parse(packet, ROUTER[4], 4) is None


@given(st.sampled_from(range(20, 104)), st.integers(0, 7))
def test_a_damaged_ipv4_message_is_not_read(position, bit):
    packet = bytearray(answer(request(4), 4))
    packet[position] ^= 1 << bit
    assert _icmp.parse(bytes(packet), ENDS[4][1], 4) is None


@given(versions, st.sampled_from(["reply", "error"]), st.data())
def test_a_truncated_packet_never_breaks_the_reader_nor_gains_content(version, which, data):
    whole = answer(request(version), version)
    if which == "error":
        whole = message(version, {4: 11, 6: 3}[version], 0, bytes(4), request(version))
    told = _icmp.parse(whole[: data.draw(st.integers(0, len(whole) - 1))], ROUTER[version], version)
    if isinstance(told, _icmp.Reply):
        assert version == 6  # IPv4's checksum has seen it
        assert len(told.payload) < 104 - 48
    elif told is not None:
        assert told.quote.ports == (7, 9)


@given(versions, st.binary(max_size=200))
def test_any_bytes_are_survived(version, data):
    told = _icmp.parse(data, ROUTER[version], version)
    assert told is None or told.sender == ROUTER[version]


@given(versions, st.integers(0, 255), st.integers(0, 255), st.binary(min_size=4, max_size=4), st.binary(max_size=120))
def test_any_message_is_survived(version, kind, code, rest, body):
    told = _icmp.parse(message(version, kind, code, rest, body), ROUTER[version], version)
    assert told is None or told.sender == ROUTER[version]
