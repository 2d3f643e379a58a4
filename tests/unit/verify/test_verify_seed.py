# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The original cluster's own tables as golden cases: as they are, and one step wrong."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import SEED, Place, healthy

VXLAN_NODE1 = """
0.0.0.0         192.168.0.254   0.0.0.0         UG    0      0        0 eth0
172.17.0.0      0.0.0.0         255.255.0.0     U     0      0        0 docker0
172.50.0.0      172.50.0.0      255.255.255.0   UG    0      0        0 flannel.1
172.50.1.0      172.50.1.0      255.255.255.0   UG    0      0        0 flannel.1
172.50.2.0      0.0.0.0         255.255.255.0   U     0      0        0 cni0
192.168.0.0     0.0.0.0         255.255.248.0   U     0      0        0 eth0
"""
DIRECT_NODE2 = """
0.0.0.0         192.168.0.254   0.0.0.0         UG    0      0        0 eth0
172.17.0.0      0.0.0.0         255.255.0.0     U     0      0        0 docker0
172.50.0.0      192.168.7.101   255.255.255.0   UG    0      0        0 eth0
172.50.1.0      0.0.0.0         255.255.255.0   U     0      0        0 cni0
172.50.2.0      192.168.7.110   255.255.255.0   UG    0      0        0 eth0
192.168.0.0     0.0.0.0         255.255.248.0   U     0      0        0 eth0
"""
CALICO_NODE2 = """
0.0.0.0         192.168.0.254   0.0.0.0         UG    0      0        0 eth0
172.17.0.0      0.0.0.0         255.255.0.0     U     0      0        0 docker0
172.50.38.64    192.168.7.101   255.255.255.192 UG    0      0        0 tunl0
172.50.120.0    192.168.7.110   255.255.255.192 UG    0      0        0 tunl0
172.50.170.192  0.0.0.0         255.255.255.192 U     0      0        0 *
172.50.170.204  0.0.0.0         255.255.255.255 UH    0      0        0 calibfc22cd8b78
172.50.170.205  0.0.0.0         255.255.255.255 UH    0      0        0 cali12d4a061371
172.50.170.206  0.0.0.0         255.255.255.255 UH    0      0        0 cali0b3c4ee9131
"""
# The blocks of the original cluster are those numbers of /26 in 172.50.0.0/16.
CALICO_SEED = (
    Place("k8s-master1", "192.168.7.101/21", 38 * 4 + 1),
    Place("k8s-node1", "192.168.7.110/21", 120 * 4),
    Place("k8s-node2", "192.168.7.111/21", 170 * 4 + 3),
)


def kernel(table):
    """The rows of `route -n` as a node tells its routes; net-tools shows a blackhole with the device *."""
    routes = []
    for line in table.split("\n")[1:-1]:
        dst, gateway, mask, flags, *dummy, dev = line.split()
        length = sum(bin(int(part)).count("1") for part in mask.split("."))
        route = {"dst": f"{dst}/{length}", "gateway": gateway if "G" in flags else None, "dev": dev, "table": "main"}
        route.update({"type": "blackhole", "dev": None} if dev == "*" else {"type": "unicast"})
        routes.append(route)
    return routes


def cluster(table, name, places=SEED, **settings):
    world = healthy(places, **settings)
    world.node(name)["routes"] = kernel(table)
    return world


VXLAN = {"flannel_backend": "vxlan"}
DIRECT = {"flannel_backend": "vxlan", "flannel_direct_routing": True}
IPIP = {"network_plugin": "calico", "calico_ipip_mode": "Always"}

GOLDEN = [
    (VXLAN_NODE1, "k8s-node1", SEED, VXLAN),
    (DIRECT_NODE2, "k8s-node2", SEED, DIRECT),
    (DIRECT_NODE2, "k8s-node2", SEED, {"flannel_backend": "host-gw"}),
    (CALICO_NODE2, "k8s-node2", CALICO_SEED, IPIP),
]


@pytest.mark.parametrize(("table", "name", "places", "settings"), GOLDEN)
def test_the_original_tables_have_no_finding(table, name, places, settings):
    assert cluster(table, name, places, **settings).verify().findings == ()


WRONG = [
    ("a missing peer", VXLAN_NODE1, "k8s-node1", SEED, VXLAN, ("172.50.1.0      172.50.1.0", None), "route-missing"),
    (
        "a peer reached directly although vxlan is declared",
        VXLAN_NODE1,
        "k8s-node1",
        SEED,
        VXLAN,
        (
            "172.50.1.0      172.50.1.0      255.255.255.0   UG    0      0        0 flannel.1",
            "172.50.1.0      192.168.7.111   255.255.255.0   UG    0      0        0 eth0",
        ),
        "route-wrong-device",
    ),
    (
        "the wrong node",
        DIRECT_NODE2,
        "k8s-node2",
        SEED,
        DIRECT,
        ("192.168.7.110", "192.168.7.101"),
        "route-wrong-gateway",
    ),
    (
        "still in the tunnel after IPIP was switched off",
        CALICO_NODE2,
        "k8s-node2",
        CALICO_SEED,
        {"network_plugin": "calico", "calico_ipip_mode": "off"},
        ("", ""),
        "route-wrong-device",
    ),
    (
        "an old half of a peer's subnet",
        VXLAN_NODE1,
        "k8s-node1",
        SEED,
        VXLAN,
        ("192.168.0.0 ", "172.50.1.128    192.168.7.9     255.255.255.128 UG    0      0        0 eth0\n192.168.0.0 "),
        "route-shadows",
    ),
    (
        "Calico's blackhole within flannel's subnet",
        VXLAN_NODE1,
        "k8s-node1",
        SEED,
        VXLAN,
        ("192.168.0.0 ", "172.50.2.64     0.0.0.0         255.255.255.192 U     0      0        0 *\n192.168.0.0 "),
        "route-blackhole",
    ),
    (
        "a subnet of nobody",
        VXLAN_NODE1,
        "k8s-node1",
        SEED,
        VXLAN,
        (
            "192.168.0.0 ",
            "172.50.9.0      172.50.9.0      255.255.255.0   UG    0      0        0 flannel.1\n192.168.0.0 ",
        ),
        "route-stale",
    ),
]


@pytest.mark.parametrize(
    ("table", "name", "places", "settings", "change", "wanted"),
    [case[1:] for case in WRONG],
    ids=[case[0] for case in WRONG],
)
def test_one_step_wrong_is_found_and_the_node_is_named(table, name, places, settings, change, wanted):
    before, after = change
    if after is None:
        wrong = "\n".join(line for line in table.split("\n") if not line.startswith(before))
    else:
        assert before in table
        wrong = table.replace(before, after, 1)
    found = cluster(wrong, name, places, **settings).told()
    assert (wanted, name) in found
    assert {node for dummy, node in found} == {name}


def test_one_blackhole_too_many_is_one_finding():
    wrong = VXLAN_NODE1.replace(
        "192.168.0.0 ", "172.50.2.64     0.0.0.0         255.255.255.192 U     0      0        0 *\n192.168.0.0 "
    )
    (finding,) = cluster(wrong, "k8s-node1", **VXLAN).verify().findings
    assert finding.actual == "blackhole 172.50.2.64/26"
    assert finding.hint == "Delete it: ip route del blackhole 172.50.2.64/26"
