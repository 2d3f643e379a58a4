# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which container runtime serves the kubelet, and where it looks for CNI configuration and plugins.

Sources: kubelet --help and KubeletConfiguration (containerRuntimeEndpoint); containerd, docs/cri/config.md ([...cni]
conf_dir, bin_dir, since 2.1 bin_dirs); cri-o.conf(5) ([crio.network] network_dir, plugin_dirs); cri-dockerd --help;
k3s, pkg/agent/containerd and pkg/data.
"""

from __future__ import annotations

import os
import re
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._node import _agents, _cni, _processes
from ansible_collections.switchyard.cni.plugins.module_utils._node._look import Look, reason
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader

AUTO = "auto"

_KUBELET_CONFIG = "/var/lib/kubelet/config.yaml"
_ENDPOINT = re.compile(r"^containerRuntimeEndpoint:\s*[\"']?([^\"'\s#]+)", re.MULTILINE)
_K3S = "/var/lib/rancher/k3s"
_RKE2 = "/var/lib/rancher/rke2"
_K3S_SOCKET = "/run/k3s/containerd/containerd.sock"
_TABLE = re.compile(r"\[([^\[\]]+)\]\s*(?:#.*)?\Z")
_KEY = re.compile(r"([A-Za-z_]+)\s*=\s*(.*)\Z")
_STRING = re.compile(r"\"([^\"]*)\"|'([^']*)'")


class Place(NamedTuple):
    """A runtime: its socket, its configuration files, and where it looks if they say nothing.

    home is a directory that it has besides; runtimes that share a socket differ by it.
    """

    name: str
    socket: str
    configs: Tuple[str, ...]
    conf_dir: str = _cni.CONF_DIR
    bin_dir: str = _cni.BIN_DIR
    home: str = "/"


# k3s first: its containerd has a socket of its own. Docker before containerd, which every Docker brings along.
PLACES = (
    Place(
        "k3s",
        _K3S_SOCKET,
        (_K3S + "/agent/etc/containerd/config.toml",),
        _K3S + "/agent/etc/cni/net.d",
        _K3S + "/data/current/bin",
        home=_K3S,
    ),
    Place("containerd", _K3S_SOCKET, (_RKE2 + "/agent/etc/containerd/config.toml",), home=_RKE2),
    Place("cri-o", "/run/crio/crio.sock", ("/etc/crio/crio.conf", "/etc/crio/crio.conf.d")),
    Place("docker", "/run/cri-dockerd.sock", ()),
    Place("docker", "/var/run/dockershim.sock", ()),
    Place("containerd", "/run/containerd/containerd.sock", ("/etc/containerd/config.toml",)),
)


def runtime(look: Look) -> Dict[str, Any]:
    """Collector of the section `runtime`."""
    socket = _kubelets_socket(look)
    place = _place_of(look.reader, socket) if socket else _place_found(look.reader)
    if place is None:
        return {"name": None, "socket": socket, "cni_conf_dir": _cni.CONF_DIR, "cni_bin_dir": _cni.BIN_DIR}
    conf_dir, bin_dir = _directories(look, place)
    return {
        "name": place.name,
        "socket": socket or place.socket,
        "cni_conf_dir": conf_dir or place.conf_dir,
        "cni_bin_dir": bin_dir or place.bin_dir,
    }


def _kubelets_socket(look: Look) -> Optional[str]:
    """What the kubelet was told: on its command line, which wins, or in its configuration file."""
    for process in _named(look, "kubelet", "k3s", "rke2"):
        argv = _agents.arguments(process)
        endpoint = _agents.option(argv, "container-runtime-endpoint")
        if endpoint is None and process.program == "kubelet":
            endpoint = _configured_endpoint(look, _agents.option(argv, "config") or _KUBELET_CONFIG)
        if endpoint:
            return endpoint[len("unix://") :] if endpoint.startswith("unix://") else endpoint
    return None


def _named(look: Look, *names: str) -> List[_processes.Process]:
    return [
        process
        for process in look.once(_processes.processes)
        if process.program in names and _processes.in_this_network(look.reader, process.pid)
    ]


def _configured_endpoint(look: Look, path: str) -> Optional[str]:
    match = _ENDPOINT.search(_text(look, path))
    return match.group(1) if match else None


def _place_of(reader: NodeReader, socket: str) -> Optional[Place]:
    same = [place for place in PLACES if _plain(place.socket) == _plain(socket) and _there(reader, place.home)]
    # An administrator may have moved the socket, and kept its name.
    alike = [place for place in PLACES[::-1] if os.path.basename(place.socket) == os.path.basename(socket)]
    return next(iter(same + alike), None)


def _plain(path: str) -> str:
    return path[len("/var") :] if path.startswith("/var/run/") else path


def _place_found(reader: NodeReader) -> Optional[Place]:
    return next((place for place in PLACES if _there(reader, place.socket) and _there(reader, place.home)), None)


def _there(reader: NodeReader, path: str) -> bool:
    try:
        return reader.stat(path) is not None
    except OSError:
        return True  # forbidden, so there


def _directories(look: Look, place: Place) -> Tuple[Optional[str], Optional[str]]:
    if place.name == "docker":
        # cri-dockerd, and dockershim inside the kubelet, take them as options.
        for process in _named(look, "cri-dockerd", "kubelet"):
            argv = _agents.arguments(process)
            found = (_agents.option(argv, "cni-conf-dir"), _agents.option(argv, "cni-bin-dir"))
            if any(found):
                return found[0], (found[1] or "").partition(",")[0] or None
        return None, None
    conf_dir = bin_dir = None
    for path in _config_files(look, place):
        told = dict(cni_settings(_text(look, path)))
        conf_dir = told.get("conf_dir") or told.get("network_dir") or conf_dir
        bin_dir = told.get("bin_dir") or told.get("bin_dirs") or told.get("plugin_dirs") or bin_dir
    return conf_dir, bin_dir


def _config_files(look: Look, place: Place) -> Iterator[str]:
    if place.name == "containerd":
        for process in _named(look, "containerd"):
            told = _agents.option(_agents.arguments(process), "config", "c")
            if told:
                yield told
                return
    for path in place.configs:
        found = look.attempt(path, look.reader.stat, path)
        if found is not None and found.kind == "dir":
            names = look.attempt(path, look.reader.names, path) or []
            for name in names:
                yield os.path.join(path, name)
        elif found is not None:
            yield path


def _text(look: Look, path: str) -> str:
    try:
        return look.reader.read(path).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""  # no file, so the defaults hold
    except OSError as error:
        look.gap(path, reason(error))
        return ""


def cni_settings(text: str) -> Iterator[Tuple[str, str]]:
    """The keys of the TOML tables [...cni] and [crio.network], of a list its first string.

    Not a TOML parser, which Python has only since 3.11: it reads one key a line, as the programs' own defaults and the
    usual installers write them.
    """
    inside = False
    open_list = None
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            continue
        table = _TABLE.match(stripped)
        if table:
            name = table.group(1).strip()
            inside, open_list = name.endswith(".cni") or name == "crio.network", None
            continue
        key = _KEY.match(stripped)
        name, value = key.groups() if key else (open_list, stripped)
        path = _first_path(value)
        open_list = name if path is None and value.startswith("[") else None
        if inside and name and path:
            yield name, path


def _first_path(value: str) -> Optional[str]:
    string = _STRING.search(value)
    path = (string.group(1) or string.group(2) or "") if string else ""
    return (path.rstrip("/") or "/") if path.startswith("/") else None
