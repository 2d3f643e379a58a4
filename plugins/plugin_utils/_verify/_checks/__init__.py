# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of checks: a topic adds its file here, and nothing else changes.

A topic has CHECKS and, as it needs, ``survey`` (what the whole cluster tells) and ``examine`` (what one node
tells).
"""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._case import Case
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._checks import (
    _bgp,
    _cluster,
    _cni,
    _devices,
    _entries,
    _host,
    _images,
    _ipam,
    _leftovers,
    _mtu,
    _paths,
    _routes,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._finding import Check, Findings
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import Scene

_TOPICS = (_cluster, _cni, _devices, _routes, _entries, _mtu, _host, _bgp, _ipam, _images, _leftovers, _paths)

TOPICS: t.Mapping[str, tuple[Check, ...]] = {topic.TOPIC: topic.CHECKS for topic in _TOPICS}
SURVEYS: tuple[t.Callable[[Scene], Findings], ...] = (
    _cluster.survey,
    _cni.survey,
    _mtu.survey,
    _bgp.survey,
    _ipam.survey,
    _images.survey,
    _leftovers.survey,
)
EXAMINATIONS: tuple[t.Callable[[Case], Findings], ...] = (
    _cluster.examine,
    _cni.examine,
    _devices.examine,
    _routes.examine,
    _entries.examine,
    _mtu.examine,
    _host.examine,
    _bgp.examine,
    _ipam.examine,
    _leftovers.examine,
)
