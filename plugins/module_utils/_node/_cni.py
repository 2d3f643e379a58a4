# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CNI configuration and plugins on a node, and flannel's subnet.env.

Sources: the CNI specification 1.1 ("network configuration format"), libcni's ConfFiles (which extensions count, and
that the first name in lexical order wins), flannel's WriteSubnetFile (pkg/subnet/subnet.go) for subnet.env.
"""

from __future__ import annotations

import ipaddress
import json
import os
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader

CONF_DIR = "/etc/cni/net.d"
CHOICE = "00-switchyard-cni.conflist"
"""The file that decides which plugin new pods get while two are installed; see _choice."""
BIN_DIR = "/opt/cni/bin"
# Where distributions (Debian containernetworking-plugins, Fedora) and k3s keep plugins besides BIN_DIR.
SEARCH_DIRS = ("/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni", "/usr/local/lib/cni")
SUBNET_ENV = "/run/flannel/subnet.env"
_EXTENSIONS = (".conf", ".conflist", ".json")


def config_names(reader: NodeReader, directory: str) -> List[str]:
    """The configuration files a container runtime would consider, the one in force first. Raises OSError."""
    return [name for name in reader.names(directory) if os.path.splitext(name)[1] in _EXTENSIONS]


def parse_config(data: bytes) -> Dict[str, Any]:
    """The network's name, its plugins' types in the order of the chain, and its MTU and IPAM. Raises Damaged.

    mtu is in bytes, of the first plugin that sets one (0 asks the plugin to find out); ipam is the type of the first
    plugin that has one. flannel hands its `delegate` to the plugin it calls, so that counts as its own.
    """
    try:
        document = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Damaged("not JSON: {0}".format(error)) from error
    if not isinstance(document, dict):
        raise Damaged("a JSON object was expected, not {0}".format(type(document).__name__))
    chain = document.get("plugins", [document])
    if not isinstance(chain, list) or not all(isinstance(plugin, dict) for plugin in chain):
        raise Damaged("plugins is not a list of objects")
    types = [plugin.get("type") for plugin in chain]
    if not types or not all(isinstance(name, str) and name for name in types):
        raise Damaged("a plugin without type")
    name = document.get("name")
    settings = [one for plugin in chain for one in (plugin, plugin.get("delegate")) if isinstance(one, dict)]
    return {
        "name": name if isinstance(name, str) else None,
        "plugins": types,
        "mtu": next((one["mtu"] for one in settings if _is_mtu(one.get("mtu"))), None),
        "ipam": next((name for name in (_ipam_type(one.get("ipam")) for one in settings) if name), None),
        "damaged": False,
    }


def damaged_config() -> Dict[str, Any]:
    """What stands for a file that is no CNI configuration."""
    return {"name": None, "plugins": [], "mtu": None, "ipam": None, "damaged": True}


def _is_mtu(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _ipam_type(ipam: Any) -> Optional[str]:
    name = ipam.get("type") if isinstance(ipam, dict) else None
    return name if isinstance(name, str) and name else None


def executables(reader: NodeReader, directory: str) -> List[str]:
    """The programs in a directory; none where the directory does not exist. Raises OSError for other reasons."""
    try:
        names = reader.names(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [name for name in names if is_executable(reader, os.path.join(directory, name))]


def is_executable(reader: NodeReader, path: str) -> bool:
    """Whether a path is a program."""
    found = reader.stat(path)
    return found is not None and found.executable


def find_plugin(reader: NodeReader, name: str, directories: Sequence[str]) -> Optional[str]:
    """The first directory's copy of a plugin."""
    paths = (os.path.join(directory, name) for directory in directories)
    return next((path for path in paths if is_executable(reader, path)), None)


def parse_subnet_env(data: bytes) -> Dict[str, str]:
    """flannel's subnet.env as a dict. Raises Damaged when a line or a known value is not what flannel writes."""
    try:
        lines = data.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise Damaged("not text: {0}".format(error)) from error
    values: Dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        key, equals, value = stripped.partition("=")
        if not equals or not key.isidentifier():
            raise Damaged("line {0} is not KEY=value".format(number))
        values[key] = value
    if not values:
        raise Damaged("it is empty")
    _check_values(values)
    return values


def _check_values(values: Mapping[str, str]) -> None:
    for key, check in _CHECKS.items():
        if key not in values:
            continue
        try:
            check(values[key])
        except ValueError as error:
            raise Damaged("{0}={1}: {2}".format(key, values[key], error)) from error


def _networks(value: str) -> None:
    # In etcd mode flannel may serve several networks, separated by commas.
    for part in value.split(","):
        ipaddress.ip_interface(part)


def _mtu(value: str) -> None:
    if not 68 <= int(value) <= 65535:
        raise ValueError("not an MTU")


_CHECKS: Mapping[str, Callable[[str], None]] = {
    "FLANNEL_NETWORK": _networks,
    "FLANNEL_SUBNET": _networks,
    "FLANNEL_IPV6_NETWORK": _networks,
    "FLANNEL_IPV6_SUBNET": _networks,
    "FLANNEL_MTU": _mtu,
}
