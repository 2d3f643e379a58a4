# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What iproute2 prints becomes plain values, and damaged output costs no more than what is damaged."""

from __future__ import annotations

import json

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _iproute
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import fixture
from hypothesis import given
from hypothesis import strategies as st

RECORDED = ["addr.json", "route-inet.json", "route-inet6.json", "neigh.json", "fdb.json", "link-vxlan.json"]
RECORDED += ["addr-tunnels.json", "rule-inet.json", "rule-inet6.json"]
PARSERS = {
    "links": _iproute.parse_links,
    "addresses": _iproute.parse_addresses,
    "routes": lambda data: _iproute.parse_routes(data, "inet"),
    "routes of IPv6": lambda data: _iproute.parse_routes(data, "inet6"),
    "neighbours": _iproute.parse_neighbours,
    "rules": lambda data: _iproute.parse_rules(data, "inet"),
    "fdb": lambda data: _iproute.parse_fdb(data, "flannel.1"),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def recorded(name):
    return _iproute.decode(fixture(name))


def routes(family="inet"):
    found, problems = _iproute.parse_routes(recorded(f"route-{family}.json"), family)
    assert problems == []
    return found


def only(found, **wanted):
    matches = [one for one in found if all(one[key] == value for key, value in wanted.items())]
    assert len(matches) == 1, f"{wanted} matches {matches}"
    return matches[0]


def test_a_vxlan_device_with_its_tunnel_attributes():
    found, problems = _iproute.parse_links(recorded("addr.json"))
    assert problems == []
    vtep = only(found, name="flannel.1")
    assert vtep == {
        "name": "flannel.1",
        "index": vtep["index"],
        "kind": "vxlan",
        "mtu": 1450,
        "state": "up",
        "mac": "ce:1a:2b:3c:4d:5e",
        "master": None,
        "vxlan": {"id": 1, "port": 8472, "local": "192.168.7.110", "dev": "eth0", "learning": False},
        "tunnel": None,
        "counters": {"rx_packets": 70, "tx_packets": 72, "rx_bytes": 5880, "tx_bytes": 6048},
        "parent": "eth0",
    }


def test_tunnels_without_a_port_have_their_ends_and_counters():
    found, problems = _iproute.parse_links(recorded("addr-tunnels.json"))
    assert problems == []
    ends = {link["name"]: link["tunnel"] for link in found}
    assert ends == {
        "tunl0": {"local": None, "remote": None, "dev": None},
        "flannel.ipip": {"local": "192.168.7.110", "remote": None, "dev": "eth0"},
        "sit1": {"local": "192.168.7.110", "remote": "192.168.7.101", "dev": None},
        "gre1": {"local": "192.168.7.110", "remote": "192.168.7.101", "dev": None},
        "flannel-wg": None,
        "eth0.7": None,
    }
    assert only(found, name="tunl0")["counters"] == {
        "rx_packets": 3,
        "tx_packets": 4,
        "rx_bytes": 252,
        "tx_bytes": 336,
    }
    assert only(found, name="flannel-wg")["counters"]["tx_bytes"] == 800
    assert only(found, name="eth0.7")["counters"] is None
    assert {link["name"]: link["parent"] for link in found if link["parent"]} == {
        "flannel.ipip": "eth0",
        "eth0.7": "eth0",
    }


def test_a_veths_other_end_is_not_its_parent():
    found, dummy = _iproute.parse_links(recorded("addr.json"))
    assert only(found, name="veth1a")["parent"] is None


def test_the_other_ends_of_devices_in_other_namespaces():
    here = {"ifindex": 3, "ifname": "vetha", "link": "vethb", "mtu": 1500}
    elsewhere = {"ifindex": 4, "ifname": "vethc", "link_index": 2, "link_netnsid": 0, "mtu": 1500}
    assert _iproute.parse_peers([here, elsewhere, {}]) == {4: 2}


def test_rules_without_the_kernels_own():
    found, problems = _iproute.parse_rules(recorded("rule-inet.json"), "inet")
    assert problems == []
    nothing = {
        "family": "inet",
        "inverted": False,
        "from": None,
        "to": None,
        "fwmark": None,
        "iif": None,
        "protocol": None,
    }
    assert found == [
        {**nothing, "priority": 98, "to": "1.2.3.4", "iif": "cni0", "table": None, "action": "blackhole"},
        # Calico's rule for WireGuard: what is not yet encrypted.
        {**nothing, "priority": 99, "inverted": True, "fwmark": "0x100000/0x100000", "table": "1", "action": "lookup"},
        {**nothing, "priority": 100, "from": "10.0.0.0/8", "table": "7", "action": "lookup"},
    ]
    assert _iproute.parse_rules(recorded("rule-inet6.json"), "inet6") == ([], [])


def test_a_default_rule_that_was_narrowed_is_shown():
    rule = {"priority": 32766, "src": "10.0.0.0", "srclen": 8, "table": "main"}
    assert len(_iproute.parse_rules([rule], "inet")[0]) == 1
    assert len(_iproute.parse_rules([{"priority": 32766, "src": "all", "goto": 40000}], "inet")[0]) == 1


def test_addr_and_link_print_the_same_device():
    from_addr, dummy = _iproute.parse_links(recorded("addr.json"))
    from_link, dummy = _iproute.parse_links(recorded("link-vxlan.json"))
    assert only(from_addr, name="flannel.1") == only(from_link, name="flannel.1")


def test_a_pod_interface_belongs_to_the_bridge_and_a_tun_without_its_daemon_has_no_carrier():
    found, dummy = _iproute.parse_links(recorded("addr.json"))
    assert only(found, name="veth1a")["master"] == "cni0"
    assert only(found, name="cni0")["kind"] == "bridge"
    tun = only(found, name="flannel0")
    assert (tun["kind"], tun["mac"], tun["state"]) == ("tun", None, "no-carrier")
    assert only(found, name="lo")["kind"] is None
    assert only(found, name="vethpod")["state"] == "up"


def test_addresses_of_both_families():
    found, problems = _iproute.parse_addresses(recorded("addr.json"))
    assert problems == []
    assert only(found, dev="cni0", family="inet") == {
        "dev": "cni0",
        "family": "inet",
        "address": "172.50.1.1",
        "prefixlen": 24,
        "scope": "global",
    }
    assert only(found, dev="eth0", address="fc00::1")["prefixlen"] == 64


def test_the_route_of_flannels_vxlan_backend():
    assert only(routes(), dst="172.50.0.0/24") == {
        "dst": "172.50.0.0/24",
        "gateway": "172.50.0.0",
        "dev": "flannel.1",
        "protocol": "boot",
        "scope": "global",
        "type": "unicast",
        "metric": 0,
        "table": "main",
        "onlink": True,
        "family": "inet",
    }


def test_host_gw_and_kernel_routes():
    assert only(routes(), dst="172.50.2.0/24")["gateway"] == "192.168.7.111"
    own = only(routes(), dst="172.50.1.0/24")
    assert (own["gateway"], own["dev"], own["protocol"], own["scope"]) == (None, "cni0", "kernel", "link")


def test_routes_that_lead_nowhere_keep_their_type_and_author():
    # As IPv6 shows it on a node of Calico with both families.
    shown = {
        "type": "blackhole",
        "dst": "fd00:50::40/122",
        "dev": "lo",
        "protocol": "bird",
        "metric": 1024,
        "flags": [],
    }
    (six,), dummy = _iproute.parse_routes([shown], "inet6")
    assert (six["type"], six["dev"]) == ("blackhole", None)
    blackhole = only(routes(), dst="172.50.9.0/26")
    assert (blackhole["type"], blackhole["protocol"], blackhole["gateway"]) == ("blackhole", "bird", None)
    assert only(routes(), dst="172.51.0.0/16")["type"] == "unreachable"
    assert only(routes(), dst="172.50.9.64/26")["protocol"] == "80"


def test_the_default_route_is_a_prefix():
    assert only(routes(), dst="0.0.0.0/0")["gateway"] == "192.168.0.1"
    assert only(routes("inet6"), dst="::/0")["gateway"] == "fc00::2"


def test_a_route_over_two_next_hops_has_two_entries():
    hops = [route["gateway"] for route in routes() if route["dst"] == "10.9.0.0/16"]
    assert hops == ["192.168.7.1", "192.168.7.2"]


def test_a_gateway_of_the_other_family():
    assert only(routes(), dst="10.10.0.0/16")["gateway"] == "fe80::1"


def test_other_tables_metrics_and_single_hosts():
    other = only(routes(), dst="10.11.0.7/32")
    assert (other["table"], other["metric"]) == ("172", 1024)


def test_the_kernels_own_bookkeeping_is_left_out():
    assert {route["table"] for route in routes()} == {"main", "172"}
    assert {route["type"] for route in routes("inet6")} == {"unicast"}


@pytest.mark.parametrize(
    "more", [{"type": "local"}, {"type": "broadcast"}, {"type": "anycast"}, {"type": "multicast"}, {"table": "local"}]
)
def test_each_sign_of_the_kernels_own_bookkeeping_counts(more):
    route = {"dst": "10.0.0.0/8", "dev": "eth0", "flags": []}
    assert len(_iproute.parse_routes([route], "inet")[0]) == 1
    assert _iproute.parse_routes([{**route, **more}], "inet") == ([], [])


def test_neighbours_and_fdb_entries_of_a_peer():
    neighbours, dummy = _iproute.parse_neighbours(recorded("neigh.json"))
    entries, dummy = _iproute.parse_fdb(recorded("fdb.json"), "flannel.1")
    assert neighbours == [
        {"dev": "flannel.1", "address": "172.50.0.0", "mac": "aa:bb:cc:00:00:01", "state": ["PERMANENT"]}
    ]
    assert entries == [{"dev": "flannel.1", "mac": "aa:bb:cc:00:00:01", "dst": "192.168.7.101", "state": "permanent"}]


def test_fdb_entries_that_lead_to_no_peer_are_left_out():
    own = {"mac": "33:33:00:00:00:01", "ifname": "flannel.1", "flags": ["self"], "state": "permanent"}
    assert _iproute.parse_fdb([own], "flannel.1") == ([], [])


def test_nothing_printed_is_nothing_there():
    assert _iproute.decode(" \n") == []


@pytest.mark.parametrize("text", ["{", '[{"ifname": "eth0"', "Error: argument", "\x00", "[" * 100_000])
def test_output_that_is_not_json_is_named_damaged(text):
    with pytest.raises(Damaged, match="not JSON"):
        _iproute.decode(text)


def test_one_odd_record_does_not_cost_the_table():
    data = recorded("route-inet.json")
    data.insert(1, {"dst": 17.5})
    data.append({"dst": "172.50.0.0/99"})
    found, problems = _iproute.parse_routes(data, "inet")
    assert found == routes()
    assert [problem.split(":")[0] for problem in problems] == ["record 1", f"record {len(data) - 1}"]


@pytest.mark.parametrize("parser", PARSERS)
@given(data=JSON)
def test_any_json_is_parsed_or_named_damaged(parser, data):
    try:
        found, problems = PARSERS[parser](data)
    except Damaged:
        assert not isinstance(data, list)
        return
    assert json.loads(json.dumps(found)) == found
    assert all(isinstance(problem, str) for problem in problems)


@pytest.mark.parametrize("parser", PARSERS)
@given(st.data())
def test_recorded_output_with_one_value_replaced_never_crashes(parser, data):
    document = recorded(data.draw(st.sampled_from(RECORDED)))
    record = data.draw(st.sampled_from(document))
    if record:
        record[data.draw(st.sampled_from(sorted(record)))] = data.draw(JSON)
    found, dummy = PARSERS[parser](document)
    assert json.loads(json.dumps(found)) == found


@given(data=JSON)
def test_peers_of_any_json_are_numbers(data):
    try:
        found = _iproute.parse_peers(data)
    except Damaged:
        assert not isinstance(data, list)
        return
    assert all(isinstance(number, int) for pair in found.items() for number in pair)


@given(st.data())
def test_recorded_output_cut_anywhere_is_parsed_or_named_damaged(data):
    text = fixture(data.draw(st.sampled_from(RECORDED)))
    cut = text[: data.draw(st.integers(0, len(text)))]
    try:
        assert isinstance(_iproute.decode(cut), list)
    except Damaged:
        assert cut.strip()
