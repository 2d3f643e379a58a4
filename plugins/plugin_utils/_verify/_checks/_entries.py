# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tunnel entries: does the node know each peer's end of the tunnel, as the peer has announced it?"""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import Endpoint
from ansible_collections.switchyard.cni.plugins.module_utils._model import Wireguard
from ansible_collections.switchyard.cni.plugins.plugin_utils._expect import Difference
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._case import Case
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._finding import (
    ERROR,
    INFO,
    WARNING,
    Check,
    Findings,
)

TOPIC = "tunnel entries"
_NEIGHBOURS, _FDB = ("neighbours", "links"), ("fdb", "links")

NO_NEIGHBOUR = Check("neighbour-missing", ERROR, "The node knows the MAC address of each peer's VTEP", _NEIGHBOURS)
NEIGHBOUR = Check(
    "neighbour-wrong", ERROR, "The MAC address of each peer's VTEP is the one it has announced", _NEIGHBOURS
)
OLD_NEIGHBOUR = Check("neighbour-stale", INFO, "The node remembers no VTEP that is no longer used", _NEIGHBOURS)
NO_FDB = Check("fdb-missing", ERROR, "The node knows the outer address of each peer's VTEP", _FDB)
FDB = Check("fdb-wrong", ERROR, "The outer address of each peer's VTEP is the one it has announced", _FDB)
OLD_FDB = Check("fdb-stale", INFO, "No forwarding entry leads to a VTEP that is no longer used", _FDB)
NO_PEER = Check("wireguard-peer-missing", ERROR, "The WireGuard device has every peer", ("wireguard",))
NO_HANDSHAKE = Check("wireguard-no-handshake", WARNING, "Every WireGuard peer has been met", ("wireguard",))

CHECKS = (NO_NEIGHBOUR, NEIGHBOUR, OLD_NEIGHBOUR, NO_FDB, FDB, OLD_FDB, NO_PEER, NO_HANDSHAKE)


class _Kind(t.NamedTuple):
    """The checks of one table, and which words of its rows are the key and the value."""

    what: str
    missing: Check
    wrong: Check
    stale: Check
    unknown: str
    known: str


_KINDS = (
    _Kind("neighbours", NO_NEIGHBOUR, NEIGHBOUR, OLD_NEIGHBOUR, "no neighbour {key}", "{key} is at {value}"),
    _Kind("fdb", NO_FDB, FDB, OLD_FDB, "no entry for {key}", "{key} is behind {value}"),
)


def examine(case: Case) -> Findings:
    """The tunnel entries of one node."""
    if case.endpoint is None or not any(link.name in case.links for link in case.expected_links):
        return
    for kind in _KINDS:
        if case.view.told(kind.what):
            yield from _table(case, case.endpoint, kind)
    if case.view.told("wireguard"):
        yield from _wireguard(case)


def _table(case: Case, endpoint: Endpoint, kind: _Kind) -> Findings:
    expected = case.scene.tables[kind.what]
    actual = case.actual.table(kind.what)
    if actual.rows is not None:
        yield from _differences(case, kind, expected.difference(endpoint, actual.rows))
        return
    wanted = expected.digest(endpoint)
    if actual.is_other_than(wanted):
        text = f"{wanted.count} entries, digest {wanted.digest}"
        found = f"{actual.count} entries, digest {actual.digest}"
        yield kind.missing.found(case.name, kind.what, text, found, "Read this node again with its tables packed")


def _differences(case: Case, kind: _Kind, difference: Difference) -> Findings:
    again = f"Restart {case.backend.plugin}'s agent on {case.name}: it writes all entries anew"
    extra = dict(map(_pair, difference.extra))
    for entry in difference.missing:
        # A device that is missing is a finding of its own, and says enough.
        if entry.dev not in case.links:
            continue
        key, value = _pair(entry.row)
        told = kind.known.format(key=key, value=value) + f" ({entry.peer})"
        if key in extra:
            found = kind.known.format(key=key, value=extra.pop(key))
            yield kind.wrong.found(case.name, f"{kind.what} {key}", told, found, again)
        else:
            yield kind.missing.found(case.name, f"{kind.what} {key}", told, kind.unknown.format(key=key), again)
    for key, value in extra.items() if case.scene.complete else ():
        if value != "none":
            found = kind.known.format(key=key, value=value)
            hint = "It does no harm, and goes away with the device"
            yield kind.stale.found(case.name, f"{kind.what} {key}", "no entry that nobody uses", found, hint)


def _pair(row: str) -> tuple[str, str]:
    """(key on DEVICE, value) of a row: see fdb_row and neighbour_row, which have the same shape."""
    key, dummy, dev, dummy, value = row.split()
    return f"{key} on {dev}", value


def _wireguard(case: Case) -> Findings:
    devices = {one.dev: one for one in case.facts.wireguard}
    for link in case.expected_links:
        device = devices.get(link.name)
        if device is not None and link.kind == "wireguard":
            yield from _wireguard_peers(case, device)


def _wireguard_peers(case: Case, device: Wireguard) -> Findings:
    present = {peer.public_key: peer for peer in device.peers}
    for name, announced in case.scene.announced.items():
        key = announced.public_key
        if name == case.name or key is None:
            continue
        expected = f"the peer {name} with the key {key}"
        if key not in present:
            hint = f"Restart {case.backend.plugin}'s agent on {case.name}"
            yield NO_PEER.found(case.name, f"{device.dev} {name}", expected, "no such peer", hint)
        elif not present[key].handshake:
            hint = "Nothing was sent yet, or a firewall drops the UDP port: probe a path between the two nodes"
            yield NO_HANDSHAKE.found(case.name, f"{device.dev} {name}", f"{expected} has answered", "never", hint)
