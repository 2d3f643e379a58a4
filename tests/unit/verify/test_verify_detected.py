# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of an undeclared pod network before a node is asked."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._detect import pod_networks


@pytest.mark.parametrize(
    ("cidrs", "networks"),
    [
        ((["10.42.0.0/24"], ["10.42.1.0/24"], ["10.42.200.0/24"]), ("10.42.0.0/16",)),
        ((["10.42.0.0/24"],), ("10.42.0.0/24",)),
        ((["10.42.0.0/24", "fd00:42::/64"], ["10.42.1.0/24", "fd00:42:0:1::/64"]), ("10.42.0.0/23", "fd00:42::/63")),
        ((["10.42.0.0/24"], ["172.16.0.0/24"]), ()),
        ((), ()),
    ],
    ids=["k3s", "one node", "dual stack", "nothing in common", "no node"],
)
def test_without_any_configuration_the_nodes_subnets_tell_the_pod_network(cidrs, networks):
    nodes = [{"name": f"node{number}", "pod_cidrs": each} for number, each in enumerate(cidrs)]
    assert pod_networks(Cluster.from_dict({"nodes": nodes})) == networks
