# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plugin's plan is made from."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import Endpoint
from ansible_collections.switchyard.cni.plugins.module_utils._model import IPNetwork
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode


@dataclass(frozen=True)
class Given:
    """The declared network and what there is; ``changing`` says that it takes the place of a running one.

    ``cluster`` is None where no API server was asked, ``source`` is the network in force, None where there is none.
    ``peers_away`` are nodes that take no part, as the others see them, ``left`` the networks that pods leave.
    """

    intent: Intent
    nodes: t.Sequence[ObservedNode]
    cluster: Cluster | None = None
    source: Intent | None = None
    changing: bool = False
    peers_away: t.Sequence[Endpoint] = ()
    left: tuple[IPNetwork, ...] = ()
