# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a node's kube-proxy was told about the pod network, read from its process and its configuration file.

Source: kubernetes pkg/proxy/apis/config (KubeProxyConfiguration: clusterCIDR, detectLocalMode) and the options
--cluster-cidr and --detect-local-mode of kube-proxy, where the file wins.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Iterator, List, Optional

from ansible_collections.switchyard.cni.plugins.module_utils._node import _agents, _processes
from ansible_collections.switchyard.cni.plugins.module_utils._node._look import Look
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader
from ansible_collections.switchyard.cni.plugins.module_utils._node._processes import Process

NAME = "kube-proxy"
_BY_CIDR = "ClusterCIDR"
_KEY = r"""^{0}:[ \t]*(?P<quote>["']?)(?P<value>[^\s"'#]*)(?P=quote)"""


def running(look: Look) -> Optional[Process]:
    """The kube-proxy in the node's own network namespace, or None."""
    for process in look.once(_processes.processes):
        if _agents.agent_name(process) == NAME and _processes.in_this_network(look.reader, process.pid):
            return process
    return None


def local_cidrs(look: Look) -> List[str]:
    """The pod networks by which kube-proxy tells its node's pods from others; none where it goes by something else.

    A configuration file lies under the process's own root directory, which may be a pod's.
    """
    process = running(look)
    if process is None:
        return []
    config = config_file(process)
    text = text_of(look.reader, "/proc/{0}/root{1}".format(process.pid, config)) if config else ""
    by_cidr = _setting(process, text, "detect-local-mode", "detectLocalMode") in ("", _BY_CIDR)
    told = cluster_cidr(process, text) if by_cidr else ""
    return [network for one in told.split(",") for network in _network(one.strip())]


def _network(text: str) -> Iterator[str]:
    """kube-proxy takes a CIDR with host bits for its network (Go, net.ParseCIDR); it refuses anything else."""
    try:
        yield str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return


def config_file(process: Process) -> str:
    """The path of the configuration file kube-proxy was started with, empty where there is none."""
    return _agents.option(_agents.arguments(process), "config") or ""


def cluster_cidr(process: Process, text: str) -> str:
    """The cluster CIDR kube-proxy was told, where text is its configuration file's."""
    return _setting(process, text, "cluster-cidr", "clusterCIDR")


def _setting(process: Process, text: str, option: str, key: str) -> str:
    found = re.search(_KEY.format(key), text, re.MULTILINE)
    told = found["value"] if found else _agents.option(_agents.arguments(process), option)
    return told or ""


def text_of(reader: NodeReader, path: str) -> str:
    """A file's text, empty where it cannot be read."""
    try:
        return reader.read(path).decode("utf-8", "replace")
    except OSError:
        return ""
