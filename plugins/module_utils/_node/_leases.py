# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What CNI plugins keep below /var/lib/cni: host-local's leases, and libcni's memory of what it added.

Sources: containernetworking/plugins, plugins/ipam/host-local/backend/disk (a file for each address, its lines the
container and the interface); containernetworking/cni, libcni/api.go (cachedInfo).
"""

from __future__ import annotations

import ipaddress
import json
import os
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._backends import traces
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged
from ansible_collections.switchyard.cni.plugins.module_utils._node._look import Look, reason
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader

NETWORKS = "/var/lib/cni/networks"
RESULTS = "/var/lib/cni/results"
_LOOPBACK = "lo"


class Attachment(NamedTuple):
    """What libcni remembers of one interface of a pod: name is namespace/name, netns a path, both None if unknown."""

    network: str
    container: str
    ifname: str
    name: Optional[str]
    netns: Optional[str]
    addresses: Tuple[str, ...]


def leases(look: Look) -> Dict[str, List[Dict[str, Any]]]:
    """Collector of the section `leases`."""
    found: Dict[str, List[Dict[str, Any]]] = {}
    for network in look.attempt(NETWORKS, _names, look.reader, NETWORKS) or []:
        directory = os.path.join(NETWORKS, network)
        leased = look.attempt(directory, _leased, look.reader, directory) or []
        found[network] = look.listed("leases", leased, lambda lease: lease["address"], network=network)
    return found


def _leased(reader: NodeReader, directory: str) -> List[Dict[str, Any]]:
    now = reader.wall_clock()
    found = []
    for name in _names(reader, directory):
        if not _is_address(name):
            continue  # the lock, and last_reserved_ip.0
        path = os.path.join(directory, name)
        lease = reader.stat(path)
        if lease is None:
            continue  # given back meanwhile
        content = reader.read(path).decode("utf-8", "replace").split()
        age = max(0, int(now - lease.mtime))
        found.append({"address": name, "container": content[0] if content else None, "age": age})
    return found


def cached(look: Look) -> List[str]:
    """Collector of the section `cni_cache`: what libcni and CNI plugins remember of pods and addresses, by path."""
    known = traces().values()
    folders = [RESULTS, *(path for one in known for path in one.caches)]
    folders += [os.path.join(NETWORKS, network) for one in known for network in one.lease_networks]
    found = [(path, name) for path in folders for name in look.attempt(path, _names, look.reader, path) or []]
    return [os.path.join(path, name) for path, name in found if not _is_address(name)]


def attachments(look: Look) -> List[Attachment]:
    """What libcni remembers of every pod it added. A file it cannot have written is a gap."""
    found = []
    for name in look.attempt(RESULTS, _names, look.reader, RESULTS) or []:
        path = os.path.join(RESULTS, name)
        try:
            attachment = parse_attachment(look.reader.read(path))
        except FileNotFoundError:
            continue  # its pod has ended meanwhile
        except (OSError, Damaged) as error:
            look.gap(path, reason(error))
            continue
        if attachment is not None:
            found.append(attachment)
    return found


def parse_attachment(data: bytes) -> Optional[Attachment]:
    """One file of libcni's cache; None for one that tells of no pod's interface. Raises Damaged."""
    try:
        document = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Damaged("not JSON: {0}".format(error)) from error
    if not isinstance(document, dict):
        raise Damaged("a JSON object was expected, not {0}".format(type(document).__name__))
    container, ifname = _text(document.get("containerId")), _text(document.get("ifName"))
    if container is None or ifname is None:
        return None  # before libcni 0.8 the cache held bare results, under the same names
    if ifname == _LOOPBACK:
        return None  # runtimes add it like any other, by the plugin loopback
    result = document.get("result")
    result = result if isinstance(result, dict) else {}
    return Attachment(
        network=_text(document.get("networkName")) or "",
        container=container,
        ifname=ifname,
        name=_pod_name(document.get("cniArgs")),
        netns=_text(document.get("netns")) or _sandbox(result, ifname),
        addresses=tuple(_addresses(result)),
    )


def _pod_name(arguments: Any) -> Optional[str]:
    pairs = arguments if isinstance(arguments, list) else []
    given = {pair[0]: pair[1] for pair in pairs if isinstance(pair, list) and len(pair) == 2 and _text(pair[0])}
    words = [_text(given.get(key)) for key in ("K8S_POD_NAMESPACE", "K8S_POD_NAME")]
    return "/".join(word for word in words if word) if all(words) else None


def _sandbox(result: Dict[str, Any], ifname: str) -> Optional[str]:
    for interface in _dicts(result.get("interfaces")):
        if interface.get("name") == ifname and _text(interface.get("sandbox")):
            return _text(interface["sandbox"])
    return None


def _addresses(result: Dict[str, Any]) -> Iterator[str]:
    for entry in _dicts(result.get("ips")):
        address = (_text(entry.get("address")) or "").partition("/")[0]
        if _is_address(address):
            yield address


def _names(reader: NodeReader, directory: str) -> List[str]:
    """The names in a directory; none where it does not exist. Raises OSError for other reasons."""
    try:
        return reader.names(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _text(value: Any) -> Optional[str]:
    return value if isinstance(value, str) and value else None


def _dicts(value: Any) -> List[Dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
