# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sweep around a network: nothing of what its backend makes goes, and once another's has gone there is no more."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._backends import plugins
from ansible_collections.switchyard.cni.plugins.module_utils._model import NodeFacts
from ansible_collections.switchyard.cni.plugins.module_utils._sweep._order import parse_order
from ansible_collections.switchyard.cni.plugins.module_utils._sweep._plan import plan_sweep
from ansible_collections.switchyard.cni.plugins.module_utils._sweep._steps import RemoveLink, RemoveRoute
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._sweep import around
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import healthy

NODE = "k8s-node1"
FLANNEL = {
    "vxlan": {"flannel_backend": "vxlan"},
    "vxlan, VNI 7": {"flannel_backend": "vxlan", "flannel_vni": 7},
    "direct": {"flannel_backend": "vxlan", "flannel_direct_routing": True},
    "host-gw": {"flannel_backend": "host-gw"},
    "udp": {"flannel_backend": "udp"},
    "wireguard": {"flannel_backend": "wireguard"},
    "ipip": {"flannel_backend": "ipip"},
    "ipip direct": {"flannel_backend": "ipip", "flannel_direct_routing": True},
}
CALICO = {
    f"calico {ipip} {vxlan}": {"network_plugin": "calico", "calico_ipip_mode": ipip, "calico_vxlan_mode": vxlan}
    for ipip, vxlan in [("Always", "Never"), ("CrossSubnet", "Never"), ("Never", "Always"), ("Never", "Never")]
}


def order_of(settings):
    """The order around a network on one node."""
    world = healthy(**settings)
    (view,) = (one for one in world.scene().views if one.name == NODE)
    return parse_order(around(world.intent, view.endpoint, False, plugins()))


def signed(node, settings):
    """The node's routes with the protocol by which Calico's programs sign those to other nodes' pods."""
    if settings.get("network_plugin") != "calico":
        return node
    own = ("0.0.0.0/0", "192.168.0.0/21")
    return {**node, "routes": [one if one["dst"] in own else {**one, "protocol": "bird"} for one in node["routes"]]}


def swept(node, steps):
    """What a node tells when some steps are done."""
    links = {step.name for step in steps if isinstance(step, RemoveLink)}
    routes = {step.route.key for step in steps if isinstance(step, RemoveRoute)}
    stays = [one for one in node["routes"] if (one["dst"], one["gateway"], one["dev"]) not in routes]
    return {
        **node,
        "links": [one for one in node["links"] if one["name"] not in links],
        "routes": [one for one in stays if one["dev"] not in links],
    }


@pytest.mark.parametrize("settings", [*FLANNEL.values(), *CALICO.values()], ids=[*FLANNEL, *CALICO])
def test_nothing_of_what_a_backend_makes_goes_around_it(settings):
    facts = NodeFacts.from_dict(signed(healthy(**settings).node(NODE), settings))
    assert plan_sweep(facts, order_of(settings)).steps == ()


@pytest.mark.parametrize("after", FLANNEL)
@pytest.mark.parametrize("before", FLANNEL)
def test_after_any_change_of_flannels_backend_a_second_sweep_finds_nothing(before, after):
    node = healthy(**FLANNEL[before]).node(NODE)
    order = order_of(FLANNEL[after])
    steps = plan_sweep(NodeFacts.from_dict(node), order).steps
    assert {type(step) for step in steps} <= {RemoveLink, RemoveRoute}
    assert order.keep is not None
    tunnels = {one["name"] for one in node["links"] if one["name"].startswith("flannel")}
    gone = {step.name for step in steps if isinstance(step, RemoveLink)}
    assert gone == tunnels - set(order.keep.devices)
    assert plan_sweep(NodeFacts.from_dict(swept(node, steps)), order).steps == ()
