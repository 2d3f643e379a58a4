# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which plugin and backend a node is really running: what the backends recognise in what was read."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ansible_collections.switchyard.cni.plugins.module_utils import _backends
from ansible_collections.switchyard.cni.plugins.module_utils._model import ModelError, NodeFacts
from ansible_collections.switchyard.cni.plugins.module_utils._node import _agents, _devices, _facts, _forwarding
from ansible_collections.switchyard.cni.plugins.module_utils._node._look import Look


def running(look: Look) -> Optional[Dict[str, Any]]:
    """Collector of the section `running`; it judges by all routes, however few of them are listed."""
    seen = {
        "links": look.once(_devices.links),
        "addresses": look.once(_devices.addresses),
        "routes": look.once(_forwarding.every_route),
        "cni": look.once(_facts.cni),
        "subnet_env": look.once(_facts.subnet_env),
        "agents": look.once(_agents.agents),
    }
    try:
        found = _backends.running(NodeFacts.from_dict(seen))
    except ModelError as error:
        look.gap("running", str(error))
        return None
    if found is None:
        return None
    return {
        "plugin": found.plugin,
        "backend": found.type,
        "direct_routing": found.direct_routing,
        "signs": list(found.signs),
    }
