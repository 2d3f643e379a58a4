# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters that tell what a backend implies, and the documentation of every filter."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.switchyard.cni.plugins.filter.backends import FilterModule
from ansible_collections.switchyard.cni.plugins.filter.subnets import FilterModule as SubnetFilters

FILTERS = FilterModule().filters()
DOCUMENTED = Path(__file__).resolve().parents[3] / "plugins" / "filter"
NODES = [
    {"name": "master1", "address": "192.168.7.101/21", "pod_cidr": "172.50.0.0/24", "dev": "eth0"},
    {"name": "node1", "address": "192.168.7.110/21", "pod_cidr": "172.50.2.0/24", "dev": "eth0"},
    {"name": "node2", "address": "192.168.7.111/21", "pod_cidr": "172.50.1.0/24", "dev": "eth0"},
]
POD_NETWORK = {"CLUSTER_CIDR": "172.50.0.0/16"}


@pytest.mark.parametrize(
    ("backend", "mtu"), [("vxlan", 1450), ("host-gw", 1500), ("udp", 1472), ("wireguard", 1420), ("ipip", 1480)]
)
def test_backend_mtu(backend, mtu):
    assert FILTERS["backend_mtu"](1500, backend) == mtu
    assert FILTERS["backend_mtu"]("1500", backend, "flannel") == mtu


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((1500, "vxlam"), "no backend vxlam here; there are vxlan, host-gw"),
        ((1500, "vxlan", "weave"), "weave has no backend vxlan"),
        (("large", "vxlan"), "'large' is not an MTU"),
        ((50, "vxlan"), "50 bytes leave nothing"),
    ],
)
def test_backend_mtu_refuses(arguments, said):
    with pytest.raises(AnsibleFilterError, match=said):
        FILTERS["backend_mtu"](*arguments)


def test_net_conf_from_the_seeds_dialect():
    settings = {**POD_NETWORK, "FLANNEL_BACKEND": "vxlan", "DIRECT_ROUTING": "true", "PROXY_MODE": "nftables"}

    conf = FILTERS["flannel_net_conf"](settings)

    assert conf["Network"] == "172.50.0.0/16"
    assert conf["Backend"]["DirectRouting"] is True
    assert conf["EnableNFTables"] is True


def test_net_conf_says_all_that_is_wrong():
    with pytest.raises(AnsibleFilterError) as caught:
        FILTERS["flannel_net_conf"]({"CLUSTER_CIDR": "172.50.1.0/16", "FLANNEL_BACKEND": "x", "flannel_mtu": "y"})

    for variable in ("CLUSTER_CIDR", "FLANNEL_BACKEND", "flannel_mtu"):
        assert variable in str(caught.value)


@pytest.mark.parametrize("settings", [{}, [], "172.50.0.0/16", None])
def test_net_conf_needs_settings(settings):
    with pytest.raises(AnsibleFilterError, match=r"network_pod_cidr|mapping"):
        FILTERS["flannel_net_conf"](settings)


def test_node_routes_are_the_seeds():
    routes = FILTERS["flannel_node_routes"](POD_NETWORK, NODES, "node1")

    assert routes == [
        {"dst": "172.50.0.0/24", "gateway": "172.50.0.0", "dev": "flannel.1", "onlink": True},
        {"dst": "172.50.1.0/24", "gateway": "172.50.1.0", "dev": "flannel.1", "onlink": True},
    ]


def test_node_routes_with_direct_routing():
    routes = FILTERS["flannel_node_routes"]({**POD_NETWORK, "DIRECT_ROUTING": "on"}, NODES, "node2")

    assert [(route["dst"], route["gateway"], route["dev"]) for route in routes] == [
        ("172.50.0.0/24", "192.168.7.101", "eth0"),
        ("172.50.2.0/24", "192.168.7.110", "eth0"),
    ]


def test_node_routes_refuses():
    with pytest.raises(AnsibleFilterError, match="no node 'node9'; give one of master1, node1, node2"):
        FILTERS["flannel_node_routes"](POD_NETWORK, NODES, "node9")
    with pytest.raises(AnsibleFilterError, match="has no pod_cidr, dev"):
        FILTERS["flannel_node_routes"](POD_NETWORK, [{"name": "a", "address": "192.168.7.1/21"}], "a")


@pytest.mark.parametrize("name", [*FILTERS, *SubnetFilters().filters()])
def test_every_filter_is_documented_under_its_own_name(name):
    document = yaml.safe_load((DOCUMENTED / f"{name}.yml").read_text())

    assert document["DOCUMENTATION"]["name"] == name
    positional = [item for item in document["DOCUMENTATION"].get("positional", "").split(", ") if item]
    assert set(positional) <= set(document["DOCUMENTATION"]["options"])
    assert f"switchyard.cni.{name}" in document["EXAMPLES"]
