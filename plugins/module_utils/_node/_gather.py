# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observing a node: one value with everything that is in force, and a named gap for whatever could not be read.

Each section has one collector. Collectors live with what they read, and share what several of them need through the
Look.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping

from ansible_collections.switchyard.cni.plugins.module_utils._node import (
    _agents,
    _bird,
    _devices,
    _facts,
    _firewall,
    _forwarding,
    _ipset,
    _leases,
    _pods,
    _running,
    _runtime,
    _sockets,
    _wireguard,
)
from ansible_collections.switchyard.cni.plugins.module_utils._node._look import DEFAULT_LIMIT, Look, Request
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader

Observed = Dict[str, Any]

_COLLECTORS: Mapping[str, Callable[[Look], Any]] = {
    "kernel": _facts.kernel,
    "links": _devices.links,
    "addresses": _devices.addresses,
    "routes": _forwarding.routes,
    "rules": _devices.rules,
    "neighbours": _forwarding.neighbours,
    "fdb": _forwarding.fdb,
    "wireguard": _wireguard.wireguard,
    "sysctls": _facts.sysctls,
    "cni": _facts.cni,
    "subnet_env": _facts.subnet_env,
    "cni_cache": _leases.cached,
    "leases": _leases.leases,
    "pods": _pods.pods,
    "network_manager": _facts.network_manager,
    "filters": _facts.filters,
    "firewall": _firewall.firewall,
    "ipsets": _ipset.ipsets,
    "listeners": _sockets.listeners,
    "bird": _bird.bird,
    "runtime": _runtime.runtime,
    "agents": _agents.agents,
    "running": _running.running,
}
SECTIONS = tuple(_COLLECTORS)

__all__ = ["DEFAULT_LIMIT", "SECTIONS", "Observed", "Request", "gather"]


def gather(reader: NodeReader, request: Request) -> Observed:
    """Observe a node. Never fails for what is missing, forbidden or damaged: that is named under `gaps`."""
    look = Look(reader, request)
    observed: Observed = {"hostname": reader.hostname()}
    for name in request.sections:
        observed[name] = look.once(_COLLECTORS[name])
    if request.files:
        observed["files"] = _facts.files(look)
    observed["gaps"] = look.gaps
    if look.truncated:
        observed["truncated"] = look.truncated
    return observed
