# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The interfaces of a node's pods, as they are inside and as the node sees them."""

from __future__ import annotations

import os
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence

from ansible_collections.switchyard.cni.plugins.module_utils._node import _devices, _iproute, _leases, _netns
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._iproute import Record
from ansible_collections.switchyard.cni.plugins.module_utils._node._leases import Attachment
from ansible_collections.switchyard.cni.plugins.module_utils._node._look import Look, output


class Inside(NamedTuple):
    """The devices of one network namespace; hosts maps a device's number to that of its other end elsewhere."""

    links: List[Record]
    addresses: List[Record]
    hosts: Dict[int, int]


def pods(look: Look) -> List[Dict[str, Any]]:
    """Collector of the section `pods`: a record for every interface, and one for a namespace without any."""
    paths = look.attempt("pods", _netns.pod_namespaces, look.reader) or []
    known = look.once(_leases.attachments) if paths else []
    found: List[Dict[str, Any]] = []
    for path in paths:
        inside = look.attempt(path, _inside, look, path)
        if inside is not None:
            found += _records(look, path, inside, known)
    return found


def _inside(look: Look, path: str) -> Optional[Inside]:
    try:
        text = output(look.reader, ["nsenter", "--net=" + path, "ip", "-j", "-d", "addr", "show"])
    except NodeError:
        if look.reader.stat(path) is None:
            return None  # the pod has ended meanwhile
        raise
    data = _iproute.decode(text)
    links, link_problems = _iproute.parse_links(data)
    addresses, address_problems = _iproute.parse_addresses(data)
    for problem in (link_problems + address_problems)[:1]:
        look.gap(path, problem)
    return Inside(links, addresses, _iproute.parse_peers(data))


def _records(look: Look, path: str, inside: Inside, known: Sequence[Attachment]) -> Iterator[Dict[str, Any]]:
    addresses = _global_addresses(inside)
    own = [one for one in known if _belongs(one, path, addresses)]
    told = {one.ifname for one in own}
    shown = [link for link in inside.links if link["name"] in told or addresses.get(link["name"])]
    for link in shown or [{"name": None, "index": None, "mtu": None}]:
        attachment = next((one for one in own if one.ifname == link["name"]), own[0] if own else None)
        host = _host_end(look, link["index"], inside.hosts)
        yield {
            "name": attachment.name if attachment else None,
            "container": attachment.container if attachment else None,
            "netns": path,
            "ifname": link["name"],
            "addresses": addresses.get(link["name"], []),
            "mtu": link["mtu"],
            "host_dev": host["name"] if host else None,
            "host_mtu": host["mtu"] if host else None,
        }


def _global_addresses(inside: Inside) -> Dict[str, List[str]]:
    found: Dict[str, List[str]] = {}
    for address in inside.addresses:
        if address["scope"] == "global" and address["dev"] != "lo":
            found.setdefault(address["dev"], []).append(address["address"])
    return found


def _belongs(attachment: Attachment, path: str, addresses: Dict[str, List[str]]) -> bool:
    """Whether libcni made this interface here: by the namespace's name, else by an address (dockerd renames)."""
    if attachment.netns and os.path.basename(attachment.netns) == os.path.basename(path):
        return True
    return bool(set(attachment.addresses) & set(addresses.get(attachment.ifname, ())))


def _host_end(look: Look, index: Optional[int], hosts: Dict[int, int]) -> Optional[Record]:
    """The node's end of a pod's veth; each end must name the other, because the numbers are each namespace's own."""
    node = look.once(_devices.devices)
    host = None if index is None else hosts.get(index)
    if host is None or node.peers.get(host) != index:
        return None
    return next((link for link in node.links if link["index"] == host), None)
