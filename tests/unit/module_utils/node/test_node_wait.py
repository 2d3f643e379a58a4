# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting ends when the condition holds or the budget is over, and says what is missing."""

from __future__ import annotations

import json

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._gather import SECTIONS, Request
from ansible_collections.switchyard.cni.plugins.module_utils._node._wait import (
    Condition,
    missing_from,
    parse_condition,
    wait,
)
from ansible_collections.switchyard.cni.plugins.module_utils._tables import digest, route_row
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import FakeNode, recorded_tools

REQUEST = Request(SECTIONS)
ENV = "FLANNEL_NETWORK=172.50.0.0/16\nFLANNEL_SUBNET=172.50.1.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n"
WANTED = {
    "subnet_env": {"FLANNEL_NETWORK": "172.50.0.0/16", "FLANNEL_IPMASQ": True},
    "links": ["flannel.1", "cni0"],
    "routes": [{"dst": "172.50.0.0/24", "gateway": "172.50.0.0", "dev": "flannel.1"}],
    "cni_config": "10-flannel.conflist",
}


def ready_node(**more):
    files = {"/run/flannel/subnet.env": ENV, "/etc/cni/net.d/10-flannel.conflist": '{"type": "flannel"}'}
    return FakeNode(files, recorded_tools(), **more)


def outcome(node, wanted, timeout=10.0, interval=0.5):
    return wait(node, parse_condition(wanted), REQUEST, timeout, interval)


def test_a_node_that_has_everything_is_not_waited_for():
    node = ready_node()
    assert outcome(node, WANTED).missing == ()
    assert node.clock == 0.0


def test_what_arrives_late_ends_the_wait():
    def flanneld_starts(node):
        node.files["/run/flannel/subnet.env"] = ENV.encode()

    node = ready_node(later={3.0: flanneld_starts})
    del node.files["/run/flannel/subnet.env"]
    waited = outcome(node, WANTED)
    assert waited.missing == ()
    assert waited.seconds == pytest.approx(3.0)


def test_the_budget_is_kept_and_everything_missing_is_named():
    node = FakeNode(tools={"ip": (0, "[]", "")})
    waited = outcome(node, WANTED, timeout=2.2)
    assert waited.seconds == pytest.approx(2.2)
    assert waited.missing == (
        "/run/flannel/subnet.env",
        "device flannel.1",
        "device cni0",
        "route 172.50.0.0/24 via 172.50.0.0 dev flannel.1",
        "CNI configuration /etc/cni/net.d/10-flannel.conflist",
    )


def test_a_budget_of_nothing_still_looks_once():
    assert outcome(ready_node(), WANTED, timeout=0.0).missing == ()
    assert outcome(FakeNode(), {"subnet_env": True}, timeout=0.0).missing == ("/run/flannel/subnet.env",)


def test_the_file_of_an_earlier_flannel_does_not_count():
    node = ready_node()
    node.files["/run/flannel/subnet.env"] = b"FLANNEL_NETWORK=10.244.0.0/16\n"
    assert outcome(node, {"subnet_env": True}, timeout=1).missing == ()
    assert outcome(node, {"subnet_env": {"FLANNEL_NETWORK": "172.50.0.0/16"}}, timeout=1).missing == (
        "/run/flannel/subnet.env with FLANNEL_NETWORK=172.50.0.0/16 (it says 10.244.0.0/16)",
    )


def test_a_damaged_file_is_named_with_its_damage():
    node = ready_node()
    node.files["/run/flannel/subnet.env"] = b""
    node.files["/etc/cni/net.d/10-flannel.conflist"] = b"{"
    missing = outcome(node, WANTED, timeout=0).missing
    assert missing[0] == "/run/flannel/subnet.env (it is empty)"
    assert missing[1].startswith("CNI configuration /etc/cni/net.d/10-flannel.conflist (not JSON")


def test_a_wrong_route_is_shown_beside_the_wanted_one():
    wanted = {"routes": [{"dst": "172.50.2.0/24", "gateway": "172.50.2.0", "dev": "flannel.1"}]}
    assert outcome(ready_node(), wanted, timeout=0).missing == (
        "route 172.50.2.0/24 via 172.50.2.0 dev flannel.1 (instead: 172.50.2.0/24 via 192.168.7.111 dev eth0)",
    )


def test_a_route_may_be_asked_for_by_destination_alone():
    assert outcome(ready_node(), {"routes": [{"dst": "172.50.2.0/24"}, {"dst": "default"}]}, timeout=0).missing == ()


def test_a_route_of_another_table_does_not_count():
    assert outcome(ready_node(), {"routes": [{"dst": "10.11.0.7/32"}]}, timeout=0).missing


def test_a_device_that_is_down_is_not_there_yet():
    node = ready_node()
    down = {"ifname": "flannel.1", "ifindex": 4, "mtu": 1450, "flags": ["BROADCAST"]}
    node.tools["ip -j -d -s addr show"] = (0, json.dumps([down]), "")
    assert outcome(node, {"links": ["flannel.1"]}, timeout=0).missing == ("device flannel.1 up (it is down)",)


def test_why_a_device_cannot_be_seen_is_said():
    assert outcome(FakeNode(), {"links": ["cni0"]}, timeout=0).missing == ("device cni0 (ip is not installed)",)


def test_only_what_the_condition_needs_is_read():
    node = ready_node()
    outcome(node, {"subnet_env": True})
    assert node.ran == []
    outcome(node, {"routes": [{"dst": "172.50.0.0/24"}]})
    assert all("route show" in line for line in node.ran)


@pytest.mark.parametrize("limit", [1, 1000])
def test_a_condition_is_judged_on_all_routes(limit):
    wanted = {"routes": [{"dst": "172.50.0.0/24"}, {"dst": "172.50.2.0/24"}]}
    waited = wait(ready_node(), parse_condition(wanted), Request(SECTIONS, limit=limit), 0.0, 1.0)
    assert waited.missing == ()


def test_all_pod_routes_are_judged_by_their_digest():
    # The recorded node's routes within the pod network, except its own bridge's.
    peers = [
        ("172.50.0.0/24", "172.50.0.0", "flannel.1"),
        ("172.50.2.0/24", "192.168.7.111", "eth0"),
        ("172.50.9.0/26", None, None),
        ("172.50.9.64/26", "192.168.7.112", "eth0"),
    ]
    total = digest(route_row(*peer) for peer in peers)
    wanted = {"within": ["172.50.0.0/16"], "count": 4, "digest": total, "bridge": "cni0"}
    assert outcome(ready_node(), {"pod_routes": wanted}, timeout=0).missing == ()
    for wrong in ({"count": 3}, {"digest": "0" * 16}, {"bridge": "cni1"}):
        (missing,) = outcome(ready_node(), {"pod_routes": {**wanted, **wrong}}, timeout=0).missing
        assert "172.50.2.0/24 via 192.168.7.111 dev eth0" in missing


def test_while_one_backend_follows_another_only_the_routes_of_the_new_one_count():
    direct = [("172.50.2.0/24", "192.168.7.111", "eth0"), ("172.50.9.64/26", "192.168.7.112", "eth0")]
    total = digest(route_row(*peer) for peer in direct)
    wanted = {"within": ["172.50.0.0/16"], "count": 2, "digest": total, "bridge": "cni0", "over": ["eth0"]}
    assert outcome(ready_node(), {"pod_routes": wanted}, timeout=0).missing == ()
    assert outcome(ready_node(), {"pod_routes": {**wanted, "over": ["flannel.1"]}}, timeout=0).missing


@pytest.mark.parametrize(
    "wanted",
    [
        {"subnet_env": "yes please"},
        {"routes": [{"dst": "172.50.0.0/99"}]},
        {"pod_routes": {"within": ["pods"], "count": 1}},
    ],
)
def test_a_senseless_condition_is_refused(wanted):
    with pytest.raises(NodeError):
        parse_condition(wanted)


def test_no_condition_asks_for_nothing():
    assert parse_condition({"subnet_env": False}) == Condition()
    assert outcome(FakeNode(), {}).missing == ()


ROUTES = (
    {"dst": "172.50.1.0/26", "gateway": "192.168.7.110", "dev": "eth0", "protocol": "bird"},
    {"dst": "172.50.2.0/26", "gateway": "192.168.7.111", "dev": "eth0", "protocol": "80"},
)


def of_calico(routes=ROUTES, addresses=(), fdb=()):
    """What a node of Calico shows, as iproute2 prints it."""
    shown = [{"type": "unicast", "scope": "global", "flags": [], **route} for route in routes]
    infos = [{"family": "inet", "local": one, "prefixlen": 32, "scope": "global"} for one in addresses]
    link = {
        "ifindex": 9,
        "ifname": "vxlan.calico",
        "mtu": 1450,
        "operstate": "UNKNOWN",
        "flags": ["UP"],
        "linkinfo": {"info_kind": "vxlan", "info_data": {"id": 4096, "port": 4789}},
        "addr_info": infos,
    }
    tools = {
        "ip": (0, "[]", ""),
        "ip -j -d -4 route show table all": (0, json.dumps(shown), ""),
        "ip -j -d -s addr show": (0, json.dumps([link]), ""),
        "bridge -j fdb show dev vxlan.calico": (
            0,
            json.dumps(
                [{"mac": f"66:00:00:00:00:0{n}", "dst": dst, "state": "permanent"} for n, dst in enumerate(fdb)]
            ),
            "",
        ),
    }
    return FakeNode(tools=tools)


@pytest.mark.parametrize(
    ("wanted", "met"),
    [
        ({"count": 2}, True),
        ({"count": 1}, False),
        ({"count": 1, "at_least": True}, True),
        ({"count": 3, "at_least": True}, False),
        ({"count": 1, "by": ["bird"]}, True),
        ({"count": 2, "by": ["80", "boot"], "at_least": True}, False),
    ],
)
def test_routes_may_be_counted_by_who_has_written_them(wanted, met):
    told = outcome(of_calico(), {"pod_routes": {"within": ["172.50.0.0/16"], **wanted}}, timeout=0.0)
    assert (told.missing == ()) == met, told.missing


@pytest.mark.parametrize(
    ("tunnel", "missing"),
    [
        ({"within": ["198.18.0.0/16"]}, None),
        ({"within": ["172.50.0.0/16"]}, "an address of 172.50.0.0/16 on vxlan.calico (it has 198.18.0.4)"),
        ({"peers": 2}, None),
        ({"peers": 3}, "the way to 3 peers through vxlan.calico (it has 2)"),
        ({"bare": True}, "vxlan.calico without an address (it has 198.18.0.4)"),
        ({"dev": "tunl0", "bare": True}, None),
        ({"dev": "wireguard.cali", "own_routes": 1}, None),
        ({"dev": "wireguard.cali", "own_routes": 2}, "2 routes of a table of their own over wireguard.cali (it has 1)"),
        ({"own_routes": 1}, "1 routes of a table of their own over vxlan.calico (it has 0)"),
    ],
)
def test_a_tunnel_takes_part_when_it_has_its_address_and_its_peers(tunnel, missing):
    secret = {"dst": "172.50.1.0/26", "dev": "wireguard.cali", "table": "1", "protocol": "80"}
    node = of_calico(
        [*ROUTES, secret, {**secret, "dst": "172.50.1.9"}], ["198.18.0.4"], fdb=["192.168.7.110", "192.168.7.111"]
    )
    told = outcome(node, {"tunnels": [{"dev": "vxlan.calico", **tunnel}]}, timeout=0.0)
    assert told.missing == ((missing,) if missing else ())


@pytest.mark.parametrize(
    ("wanted", "missing"),
    [
        ({"peers": ["192.168.7.111"], "mesh": True}, []),
        (
            {"peers": ["192.168.7.111", "192.168.7.101"], "mesh": True},
            ["established BGP sessions of the mesh with 192.168.7.101"],
        ),
        (
            {"peers": ["192.168.7.101"], "mesh": False},
            [
                "established BGP sessions outside of the mesh with 192.168.7.101",
                "no session of the mesh (it has some with 192.168.7.111)",
            ],
        ),
    ],
)
def test_sessions_are_those_of_the_mesh_or_of_others(wanted, missing):
    up = {"peer": "192.168.7.111", "kind": "node-to-node mesh", "info": "Established"}
    trying = {"peer": "192.168.7.101", "kind": "node specific", "info": "Active Socket: Connection refused"}
    observed = {"bird": [{"protocols": [up, trying]}], "gaps": []}
    assert missing_from(parse_condition({"sessions": wanted}), observed) == missing
