# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""WireGuard devices and their peers, from `wg show all dump` (wg(8)).

The dump holds private and preshared keys. They are dropped here, and no message quotes a line of it.
"""

from __future__ import annotations

from typing import Any, Dict, List

from ansible_collections.switchyard.cni.plugins.module_utils._node import _devices
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged
from ansible_collections.switchyard.cni.plugins.module_utils._node._look import Look, output
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader

_DEVICE_FIELDS = 5
_PEER_FIELDS = 9
# IFNAMSIZ of <linux/if.h> without the final zero. A key is longer, so that none is ever taken for a device.
_LONGEST_NAME = 15


def wireguard(look: Look) -> Dict[str, Dict[str, Any]]:
    """Collector of the section `wireguard`."""
    if not _devices.of_kind(look, "wireguard"):
        return {}  # asking could load the module
    found = look.attempt("wireguard", _dumped, look.reader) or {}
    for dev, device in found.items():
        device["peers"] = look.listed("wireguard", device["peers"], lambda peer: peer["public_key"], dev=dev)
    return found


def _dumped(reader: NodeReader) -> Dict[str, Dict[str, Any]]:
    return parse_dump(output(reader, ["wg", "show", "all", "dump"]))


def parse_dump(text: str) -> Dict[str, Dict[str, Any]]:
    """Each device's port, public key and peers. Raises Damaged."""
    devices: Dict[str, Dict[str, Any]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split("\t")
        try:
            if len(fields[0]) > _LONGEST_NAME:
                raise ValueError("not a device")
            if len(fields) == _DEVICE_FIELDS:
                devices[fields[0]] = _device(fields)
            elif len(fields) == _PEER_FIELDS:
                devices[fields[0]]["peers"].append(_peer(fields))
            else:
                raise ValueError("neither a device nor a peer")
        except (KeyError, ValueError):
            # Without the cause: its text could hold a key.
            raise Damaged("line {0} is neither a device nor a peer".format(number)) from None
    return devices


def _device(fields: List[str]) -> Dict[str, Any]:
    unused, private_key, public_key, port, fwmark = fields
    del private_key, fwmark
    return {"listen_port": int(port), "public_key": _given(public_key), "peers": []}


def _peer(fields: List[str]) -> Dict[str, Any]:
    unused, public_key, preshared_key, endpoint, allowed, handshake, received, sent, keepalive = fields
    del preshared_key
    return {
        "public_key": public_key,
        "endpoint": _given(endpoint),
        "allowed_ips": [] if _given(allowed) is None else allowed.split(","),
        "latest_handshake": int(handshake),
        "rx_bytes": int(received),
        "tx_bytes": int(sent),
        "keepalive": 0 if keepalive == "off" else int(keepalive),
    }


def _given(value: str) -> Any:
    return None if value == "(none)" else value
