# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of a node are parsed once and strictly."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._model import ModelError, NodeFacts, Route, Vxlan

NODE = {
    "hostname": "node1",
    "kernel": {"release": "6.1.0", "features": {"vxlan": "builtin"}, "tun_device": False},
    "links": [
        {"name": "eth0", "index": 2, "kind": None, "mtu": 1500, "state": "up", "mac": "02:00:00:00:00:01"},
        {
            "name": "flannel.1",
            "index": 5,
            "kind": "vxlan",
            "mtu": 1450,
            "vxlan": {"id": 1, "port": 8472, "local": "192.168.7.110", "dev": "eth0", "learning": False},
        },
    ],
    "addresses": [
        {"dev": "eth0", "family": "inet", "address": "192.168.7.110", "prefixlen": 21, "scope": "global"},
        {"dev": "eth0", "family": "inet6", "address": "fe80::1", "prefixlen": 64, "scope": "link"},
    ],
    "routes": [
        {
            "dst": "172.50.1.0/24",
            "gateway": "172.50.1.0",
            "dev": "flannel.1",
            "protocol": "boot",
            "scope": "global",
            "type": "unicast",
            "metric": 0,
            "table": "main",
            "onlink": True,
            "family": "inet",
        }
    ],
    "cni": {
        "conf_dir": "/etc/cni/net.d",
        "bin_dir": "/opt/cni/bin",
        "configs": [{"file": "/etc/cni/net.d/10-flannel.conflist", "name": "cbr0", "plugins": ["flannel", "portmap"]}],
        "binaries": ["bridge"],
        "search": {"/usr/lib/cni": ["portmap"]},
    },
    "subnet_env": {"FLANNEL_MTU": "1450"},
    "network_manager": True,
    "filters": {"kube_proxy_mode": "nftables", "kube_proxy": {}},
    "gaps": [{"what": "fdb", "reason": "bridge is not installed"}],
}


def test_a_node_becomes_typed_values():
    facts = NodeFacts.from_dict(NODE)

    assert facts.link("flannel.1").vxlan == Vxlan(1, 8472, "192.168.7.110", "eth0", False)
    assert facts.link("eth9") is None
    assert facts.routes == (
        Route("172.50.1.0/24", "172.50.1.0", "flannel.1", onlink=True, protocol="boot", scope="global"),
    )
    assert str(facts.addresses[0].network) == "192.168.0.0/21"
    assert facts.addresses[1].version == 6
    assert facts.cni.configs[0].file == "10-flannel.conflist"
    assert facts.kernel_features == {"vxlan": "builtin"}
    assert facts.tun_device is False
    assert facts.kube_proxy_mode == "nftables"
    assert facts.network_manager is True
    assert [str(gap) for gap in facts.gaps] == ["fdb: bridge is not installed"]


def test_what_was_not_gathered_is_empty_and_not_an_error():
    facts = NodeFacts.from_dict({"hostname": "node1", "links": None})

    assert (facts.links, facts.routes, facts.cni, facts.tun_device) == ((), (), None, None)
    assert facts.kube_proxy_mode == "unknown"


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("links", [{"name": "eth0"}]),
        ("links", [{"name": "eth0", "mtu": "large"}]),
        ("addresses", [{"dev": "eth0", "family": "inet", "address": "192.168.7.300", "prefixlen": 21}]),
        ("addresses", [{"dev": "eth0", "family": "inet6", "address": "192.168.7.1", "prefixlen": 21}]),
        ("routes", [{"dst": "172.50.1.1/24"}]),
        ("routes", ["172.50.1.0/24"]),
        ("gaps", [{"what": "links"}]),
        ("cni", {"configs": [{}]}),
    ],
)
def test_a_value_of_another_shape_is_refused_with_the_nodes_name(section, value):
    with pytest.raises(ModelError, match="node1"):
        NodeFacts.from_dict({"hostname": "node1", section: value})


def test_routes_are_the_same_when_packets_go_the_same_way():
    ours = Route("172.50.0.0/16", dev="flannel-wg", scope="link", metric=0)
    kernels = Route("172.50.0.0/16", dev="flannel-wg", protocol="boot", metric=1024)

    assert ours.key == kernels.key
    assert str(Route("172.50.1.0/24", "172.50.1.0", "flannel.1", onlink=True)) == (
        "172.50.1.0/24 via 172.50.1.0 dev flannel.1 onlink"
    )
