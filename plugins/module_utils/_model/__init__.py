# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one node's kernel and disk say, as typed values.

The module switchyard.cni.node_network_info returns plain JSON; it is parsed here, once, at the edge.
This package is private to the collection.
"""

from __future__ import annotations

from ansible_collections.switchyard.cni.plugins.module_utils._ip import (
    IPAddress,
    IPNetwork,
    ip_address,
    ip_network,
    network_around,
)
from ansible_collections.switchyard.cni.plugins.module_utils._model._agents import (
    Agent,
    BgpSession,
    Bird,
    Running,
    Runtime,
    Wireguard,
    WireguardPeer,
)
from ansible_collections.switchyard.cni.plugins.module_utils._model._filters import (
    NFTABLES,
    Chain,
    FilterTable,
    IpSet,
    Listener,
)
from ansible_collections.switchyard.cni.plugins.module_utils._model._links import (
    FAMILIES,
    Address,
    Link,
    Vxlan,
)
from ansible_collections.switchyard.cni.plugins.module_utils._model._node import (
    DAMAGE,
    FileFact,
    Gap,
    ModelError,
    NodeFacts,
)
from ansible_collections.switchyard.cni.plugins.module_utils._model._pods import Cni, CniConfig, Lease, Pod
from ansible_collections.switchyard.cni.plugins.module_utils._model._routes import (
    Digested,
    FdbEntry,
    Neighbour,
    Route,
    Rule,
)

__all__ = (
    "DAMAGE",
    "FAMILIES",
    "NFTABLES",
    "Address",
    "Agent",
    "BgpSession",
    "Bird",
    "Chain",
    "Cni",
    "CniConfig",
    "Digested",
    "FdbEntry",
    "FileFact",
    "FilterTable",
    "Gap",
    "IPAddress",
    "IPNetwork",
    "IpSet",
    "Lease",
    "Link",
    "Listener",
    "ModelError",
    "Neighbour",
    "NodeFacts",
    "Pod",
    "Route",
    "Rule",
    "Running",
    "Runtime",
    "Vxlan",
    "Wireguard",
    "WireguardPeer",
    "ip_address",
    "ip_network",
    "network_around",
)
