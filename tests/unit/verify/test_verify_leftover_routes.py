# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of the routes of a device that was left over."""

from __future__ import annotations

from ansible_collections.switchyard.cni.tests.unit.verify.clusters import healthy

NODE = "k8s-node1"


def told(*routes):
    """What is said of a VTEP of Calico on a node of flannel, with these routes."""
    world = healthy()
    world.node(NODE)["links"].append({"name": "vxlan.calico", "kind": "vxlan", "mtu": 1450, "state": "up"})
    world.node(NODE)["routes"] += [{"dst": dst, "dev": "vxlan.calico", "table": "main"} for dst in routes]
    (found,) = (one for one in world.verify().findings if one.id == "leftover-device")
    return found.actual


def test_the_link_local_network_that_every_device_has_is_no_use_of_it():
    assert told("fe80::/64") == "vxlan.calico (vxlan)"


def test_routes_to_pods_are_named():
    assert told("fe80::/64", "10.244.2.64/26") == "vxlan.calico (vxlan), with routes to 10.244.2.64/26"
