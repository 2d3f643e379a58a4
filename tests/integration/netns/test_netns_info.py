# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_network_info against a real kernel: the seed's tables, and nodes that are not as they should be."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils import _tables
from ansible_collections.switchyard.cni.plugins.module_utils._node._gather import SECTIONS, Request
from ansible_collections.switchyard.cni.plugins.module_utils._node._wait import parse_condition, wait

from conftest import NODE, PEERS, VTEP_MACS, ip, module, need, vxlan_peers

NOBODY = 65534
ON_THE_WIRE = 200_000
"""Bytes of the answer of a node of a large cluster."""


def table(observed):
    """The routes as the seed shows them: destination, gateway, device."""
    routes = [route for route in observed["routes"] if route["family"] == "inet" and route["table"] == "main"]
    return {(route["dst"], route["gateway"], route["dev"]) for route in routes}


def link(observed, name):
    return next(one for one in observed["links"] if one["name"] == name)


def test_the_seeds_vxlan_table(vxlan_node):
    assert table(vxlan_node.observe()) == {
        ("0.0.0.0/0", "192.168.0.254", "eth0"),
        ("172.50.0.0/24", "172.50.0.0", "flannel.1"),
        ("172.50.1.0/24", "172.50.1.0", "flannel.1"),
        ("172.50.2.0/24", None, "cni0"),
        ("192.168.0.0/21", None, "eth0"),
    }


def test_flannels_vtep_its_fdb_and_its_neighbours(vxlan_node):
    observed = vxlan_node.observe()
    vtep = link(observed, "flannel.1")
    assert (vtep["kind"], vtep["mtu"], vtep["state"]) == ("vxlan", 1450, "up")
    assert vtep["vxlan"] == {"id": 1, "port": 8472, "local": NODE, "dev": "eth0", "learning": False}
    assert {(entry["mac"], entry["dst"]) for entry in observed["fdb"]} == {
        (VTEP_MACS[subnet], peer) for subnet, peer in PEERS.items()
    }
    known = {(one["address"], one["mac"]) for one in observed["neighbours"] if one["dev"] == "flannel.1"}
    assert known == set(VTEP_MACS.items())
    assert all(route["onlink"] for route in observed["routes"] if route["dev"] == "flannel.1" and route["gateway"])


def test_a_whole_node_without_a_gap(vxlan_node):
    observed = vxlan_node.observe()
    assert [gap for gap in observed["gaps"] if "kernel" not in gap["what"]] == []
    assert {address["address"] for address in observed["addresses"] if address["dev"] == "cni0"} >= {"172.50.2.1"}
    assert observed["subnet_env"]["FLANNEL_SUBNET"] == "172.50.2.1/24"
    assert observed["cni"]["configs"][0]["plugins"] == ["flannel", "portmap"]
    assert observed["kernel"]["features"]["vxlan"] in ("builtin", "loaded")
    assert json.loads(json.dumps(observed)) == observed


def test_the_seeds_direct_routes(underlay, node):
    # The table the seed shows is the third node's.
    ip("addr del 192.168.7.110/21 dev eth0\naddr add 192.168.7.111/21 dev eth0")
    ip("addr del 172.50.2.1/24 dev cni0\naddr add 172.50.1.1/24 dev cni0\nroute add default via 192.168.0.254 dev eth0")
    ip("route add 172.50.0.0/24 via 192.168.7.101 dev eth0\nroute add 172.50.2.0/24 via 192.168.7.110 dev eth0")
    observed = node.observe("routes", "links", "fdb")
    assert table(observed) == {
        ("0.0.0.0/0", "192.168.0.254", "eth0"),
        ("172.50.0.0/24", "192.168.7.101", "eth0"),
        ("172.50.1.0/24", None, "cni0"),
        ("172.50.2.0/24", "192.168.7.110", "eth0"),
        ("192.168.0.0/21", None, "eth0"),
    }
    assert observed["fdb"] == []


def open_tun(name):
    """A tun device as flanneld's udp backend makes it: it lives as long as it is open."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    iff_tun, no_packet_information, tunsetiff = 0x0001, 0x1000, 0x400454CA
    fcntl.ioctl(device, tunsetiff, struct.pack("16sH22x", name.encode(), iff_tun | no_packet_information))
    return device


def test_a_node_of_the_udp_backend(underlay, node):
    if not os.path.exists("/dev/net/tun"):
        pytest.skip("this machine has no /dev/net/tun")
    device = open_tun("flannel0")
    try:
        ip("addr add 172.50.2.0/32 dev flannel0\nlink set flannel0 mtu 1472 up\nroute add 172.50.0.0/16 dev flannel0")
        observed = node.observe()
    finally:
        os.close(device)
    tun = link(observed, "flannel0")
    assert (tun["kind"], tun["mtu"], tun["mac"], tun["state"]) == ("tun", 1472, None, "up")
    assert ("172.50.0.0/16", None, "flannel0") in table(observed)
    assert observed["kernel"]["tun_device"] is True
    assert "flannel0" not in [one["name"] for one in node.observe("links")["links"]]


def test_what_an_earlier_backend_left_is_shown_with_its_author(vxlan_node):
    ip("route add blackhole 172.50.9.0/26 proto 12\nroute add 172.50.9.64/26 via 192.168.7.101 proto 80 metric 1024")
    left = {route["dst"]: route for route in vxlan_node.observe("routes")["routes"]}
    assert (left["172.50.9.0/26"]["type"], left["172.50.9.0/26"]["protocol"]) == ("blackhole", "bird")
    assert (left["172.50.9.64/26"]["protocol"], left["172.50.9.64/26"]["metric"]) == ("80", 1024)


def test_a_vtep_with_other_attributes_is_shown_as_it_is(underlay, node):
    ip("link add flannel.7 mtu 1400 type vxlan id 7 dstport 4789 local 192.168.7.110 dev eth0")
    vtep = link(node.observe("links"), "flannel.7")
    assert (vtep["mtu"], vtep["state"]) == (1400, "down")
    assert (vtep["vxlan"]["id"], vtep["vxlan"]["port"], vtep["vxlan"]["learning"]) == (7, 4789, True)


def test_ipv6_routes_and_the_default_route_of_each_family(underlay, node):
    ip("addr add fd00::110/64 dev eth0 nodad\nroute add default via fd00::fe dev eth0")
    ip("route add fd50:0:0:1::/64 via fd00::111 dev eth0")
    routes = {(route["dst"], route["gateway"]) for route in node.observe("routes")["routes"] if route["gateway"]}
    assert {("::/0", "fd00::fe"), ("0.0.0.0/0", "192.168.0.254"), ("fd50:0:0:1::/64", "fd00::111")} <= routes


def test_sysctls_are_those_of_the_node(vxlan_node):
    assert vxlan_node.observe("sysctls")["sysctls"]["net.ipv4.conf.flannel/1.rp_filter"] in ("0", "1", "2")
    for value in ("1", "0"):
        vxlan_node.poke("/proc/sys/net/ipv4/ip_forward", value.encode())
        assert vxlan_node.observe("sysctls")["sysctls"]["net.ipv4.ip_forward"] == value


def test_observing_creates_no_device_and_no_table(underlay, node):
    before = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
    node.observe()
    assert subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout == before
    if shutil.which("nft"):
        assert subprocess.run(["nft", "list", "tables"], capture_output=True, check=True).stdout == b""
    legacy = "/proc/net/ip_tables_names"
    assert node.stat(legacy) is None or node.read(legacy) == b""


@pytest.mark.parametrize(
    ("tool", "argv", "mode"),
    [
        ("nft", ["nft", "add", "table", "ip", "kube-proxy", "; add chain ip kube-proxy services"], "nftables"),
        ("iptables-nft", ["iptables-nft", "-t", "nat", "-N", "KUBE-SERVICES"], "iptables"),
        ("ip6tables-nft", ["ip6tables-nft", "-t", "nat", "-N", "KUBE-SERVICES"], "iptables"),
        ("iptables-legacy", ["iptables-legacy", "-t", "nat", "-N", "KUBE-SERVICES"], "iptables"),
        ("ip", ["ip", "link", "add", "kube-ipvs0", "type", "bridge"], "ipvs"),
        ("iptables-nft", ["iptables-nft", "-t", "filter", "-N", "KUBE-FIREWALL"], "none"),
    ],
)
def test_kube_proxys_mode_in_a_real_packet_filter(node, tool, argv, mode):
    need(tool, "nft")
    made = subprocess.run(argv, capture_output=True, text=True, check=False)
    if made.returncode != 0 and "legacy" in tool:
        pytest.skip(f"this kernel has no {tool}: {made.stderr.strip()}")
    assert made.returncode == 0, made.stderr
    observed = node.observe("filters")
    assert observed["filters"]["kube_proxy_mode"] == mode, observed


@pytest.fixture
def as_nobody():
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_without_privileges_gaps_are_named(vxlan_node, as_nobody):
    need("nft")
    observed = vxlan_node.observe("links", "routes", "filters", "sysctls")
    assert link(observed, "flannel.1")["vxlan"]["port"] == 8472
    assert observed["filters"]["kube_proxy_mode"] == "unknown"
    assert "nftables" in {gap["what"] for gap in observed["gaps"]}


def test_without_its_programs_gaps_are_named(vxlan_node, monkeypatch):
    monkeypatch.setattr(vxlan_node, "_which", lambda name: None)
    observed = vxlan_node.observe()
    reasons = {gap["what"]: gap["reason"] for gap in observed["gaps"]}
    assert reasons["links"] == "ip is not installed"
    assert observed["subnet_env"]["FLANNEL_MTU"] == "1450"


def test_ten_thousand_real_routes(underlay, node):
    peers = "\n".join(f"route add 10.{n // 256}.{n % 256}.0/24 via 192.168.7.101 proto 12" for n in range(10_000))
    ip(peers)
    observed = node.observe("routes")
    assert len(json.dumps(observed)) < ON_THE_WIRE
    (note,) = observed["truncated"]
    assert (note["protocol"], note["count"], note["listed"]) == ("bird", 10_000, 500)
    assert ("192.168.0.0/21", None, "eth0") in table(observed)


def test_ten_thousand_real_peers(vtep, node):
    """A node of the largest cluster: a route, a neighbour and a forwarding entry for each peer."""
    peers = [(f"10.{128 + n // 256}.{n % 256}.0", f"0a:00:00:00:{n // 256:02x}:{n % 256:02x}") for n in range(10_000)]
    ip("\n".join(f"neigh replace {subnet} lladdr {mac} dev flannel.1 nud permanent" for subnet, mac in peers))
    ip("\n".join(f"route add {subnet}/24 via {subnet} dev flannel.1 onlink" for subnet, dummy in peers))
    entries = "".join(f"fdb add {mac} dev flannel.1 dst 192.168.7.101 self permanent\n" for dummy, mac in peers)
    subprocess.run(["bridge", "-batch", "-"], input=entries, text=True, check=True, capture_output=True)
    request = {"pod_networks": ("10.128.0.0/9",)}
    observed = node.observe("routes", "fdb", "neighbours", **request)
    assert len(json.dumps(observed)) < 5_000
    told = {note["what"]: (note["count"], note["digest"]) for note in observed["truncated"]}
    rows = {
        "pod_routes": [_tables.route_row(f"{subnet}/24", subnet, "flannel.1") for subnet, dummy in peers],
        "fdb": [_tables.fdb_row("flannel.1", mac, "192.168.7.101") for dummy, mac in peers],
        "neighbours": [_tables.neighbour_row("flannel.1", subnet, mac) for subnet, mac in peers],
    }
    assert told == {what: (10_000, _tables.digest(table)) for what, table in rows.items()}
    for what, table in rows.items():
        packed = node.observe("routes", "fdb", "neighbours", packed=(what,), **request)
        (note,) = (one for one in packed["truncated"] if "rows" in one)
        assert _tables.unpack(note["rows"]) == sorted(table)
        assert len(json.dumps(packed)) < ON_THE_WIRE


def test_what_a_tunnel_carries_is_counted(vxlan_node):
    before = link(vxlan_node.observe("links"), "flannel.1")["counters"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for dummy in range(3):
            sender.sendto(b"x" * 100, ("172.50.0.7", 9))
    after = link(vxlan_node.observe("links"), "flannel.1")["counters"]
    assert after["tx_packets"] - before["tx_packets"] >= 3
    assert after["tx_bytes"] - before["tx_bytes"] >= 3 * 128
    assert link(vxlan_node.observe("links"), "eth0")["counters"] is None


@pytest.mark.parametrize("kind", ["ipip", "sit", "gre"])
def test_a_real_tunnel_without_a_port(underlay, node, kind):
    argv = ["ip", "link", "add", "tun1", "type", kind, "local", NODE, "remote", "192.168.7.101", "dev", "eth0"]
    made = subprocess.run(argv, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"this kernel has no {kind}: {made.stderr.strip()}")
    tunnel = link(node.observe("links"), "tun1")
    assert (tunnel["kind"], tunnel["parent"]) == (kind, "eth0")
    assert tunnel["tunnel"] == {"local": NODE, "remote": "192.168.7.101", "dev": "eth0"}
    assert set(tunnel["counters"].values()) == {0}


def test_a_vlans_parent_and_a_veth_without_one(underlay, node):
    made = subprocess.run(
        ["ip", "link", "add", "link", "eth0", "name", "eth0.7", "type", "vlan", "id", "7"],
        capture_output=True,
        text=True,
        check=False,
    )
    observed = node.observe("links")
    assert link(observed, "eth0")["parent"] is None
    if made.returncode != 0:
        pytest.skip(f"this kernel has no vlan: {made.stderr.strip()}")
    assert link(observed, "eth0.7")["parent"] == "eth0"


def test_rules_besides_the_kernels(underlay, node):
    assert node.observe("rules")["rules"] == []
    ip("rule add to 172.50.0.0/16 lookup main prio 90 protocol 201")
    ip("rule add not fwmark 0x100000/0x100000 lookup 1 prio 99\nrule add from 10.0.0.0/8 iif cni0 blackhole prio 98")
    subprocess.run(["ip", "-6", "rule", "add", "to", "fd50::/64", "lookup", "7", "prio", "97"], check=True)
    found = {rule["priority"]: rule for rule in node.observe("rules")["rules"]}
    assert found[99] == {
        "family": "inet",
        "priority": 99,
        "inverted": True,
        "from": None,
        "to": None,
        "fwmark": "0x100000/0x100000",
        "iif": None,
        "table": "1",
        "action": "lookup",
        "protocol": None,
    }
    assert (found[90]["to"], found[90]["table"], found[90]["protocol"]) == ("172.50.0.0/16", "main", "201")
    assert (found[98]["from"], found[98]["iif"], found[98]["action"]) == ("10.0.0.0/8", "cni0", "blackhole")
    assert (found[97]["family"], found[97]["to"], found[97]["table"]) == ("inet6", "fd50::/64", "7")


def test_the_listener_of_a_real_vxlan_device_and_of_a_process(vtep, node):
    ip("link add flannel.7 type vxlan id 7 dstport 5555 local 192.168.7.110 dev eth0\nlink set flannel.7 up")
    with socket.create_server((NODE, 179)):
        found = {(one["protocol"], one["port"]): one for one in node.observe("listeners")["listeners"]}
    assert (found[("udp", 8472)]["address"], found[("udp", 8472)]["process"]) == ("0.0.0.0", "kernel")
    assert found[("udp", 5555)]["process"] == "kernel"
    assert found[("tcp", 179)]["address"] == NODE
    assert found[("tcp", 179)]["process"].startswith("python")


# ---- waiting

ALL = {
    "subnet_env": {"FLANNEL_NETWORK": "172.50.0.0/16"},
    "links": ["flannel.1"],
    "routes": [{"dst": f"{subnet}/24", "gateway": subnet, "dev": "flannel.1"} for subnet in PEERS],
    "cni_config": "10-flannel.conflist",
}


def waited(node, wanted, timeout):
    return wait(node, parse_condition(wanted), Request(SECTIONS), timeout, 0.05)


def test_a_node_that_is_ready_is_not_waited_for(vxlan_node):
    outcome = waited(vxlan_node, ALL, 10)
    assert outcome.missing == ()


def test_routes_that_come_late_end_the_wait(vtep, node):
    wanted = {"routes": ALL["routes"]}
    assert len(waited(node, wanted, 0).missing) == 2
    late = subprocess.Popen(["sh", "-c", "sleep 0.6; ip -batch -"], stdin=subprocess.PIPE, text=True)
    late.stdin.write(vxlan_peers())
    late.stdin.close()
    outcome = waited(node, wanted, 20)
    assert late.wait() == 0
    assert outcome.missing == ()


def test_the_budget_ends_the_wait_and_what_is_missing_is_named(vtep, node):
    ip("route add 172.50.0.0/24 via 192.168.7.101 dev eth0")
    outcome = waited(node, ALL, 0.5)
    assert outcome.missing == (
        "/run/flannel/subnet.env",
        "route 172.50.0.0/24 via 172.50.0.0 dev flannel.1 (instead: 172.50.0.0/24 via 192.168.7.101 dev eth0)",
        "route 172.50.1.0/24 via 172.50.1.0 dev flannel.1",
        "CNI configuration /etc/cni/net.d/10-flannel.conflist",
    )


def test_subnet_env_of_an_earlier_network_is_waited_out(vxlan_node):
    stale = "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.2.1/24\n"
    vxlan_node.put("/run/flannel/subnet.env", stale)
    outcome = waited(vxlan_node, ALL, 0.2)
    assert outcome.missing == ("/run/flannel/subnet.env with FLANNEL_NETWORK=172.50.0.0/16 (it says 10.244.0.0/16)",)


# ---- through Ansible


def test_the_module_runs_through_ansible(vtep):
    code, result = module("node_network_info", gather=["links", "routes"])
    assert code == 0
    assert result["changed"] is False
    assert link(result["node"], "flannel.1")["vxlan"]["id"] == 1


def test_the_module_fails_through_ansible_with_what_is_missing(underlay):
    code, result = module("node_network_info", wait_for={"links": ["flannel.1"], "timeout": 0.2})
    assert code != 0
    assert "still lacks after" in result["msg"]
    assert result["missing"] == ["device flannel.1"]
    assert "eth0" in [one["name"] for one in result["node"]["links"]]


def test_the_process_is_in_its_own_namespace(namespace):
    """The guard of all of the above: had unshare silently failed, they would change this machine's network."""
    assert os.readlink("/proc/self/ns/net") != namespace
    addresses = subprocess.run(["ip", "-o", "addr"], capture_output=True, check=True).stdout
    assert addresses == b""
