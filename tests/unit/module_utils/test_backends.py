# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each backend says: routes address for address as in the seed, and the numbers flannel itself uses."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._backends import BACKENDS, find, plugins, types
from ansible_collections.switchyard.cni.plugins.module_utils._backends._base import BackendError, BackendOptions
from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import (
    Announced,
    Endpoint,
    Underlay,
    networks,
)
from ansible_collections.switchyard.cni.plugins.module_utils._backends._needs import Transport
from ansible_collections.switchyard.cni.plugins.module_utils._model import Route

# "Flags" of `route -n`: only network routes of the pod network are listed; onlink does not show there.
SEED_VXLAN_NODE1 = """
172.50.0.0      172.50.0.0      255.255.255.0   UG    0      0        0 flannel.1
172.50.1.0      172.50.1.0      255.255.255.0   UG    0      0        0 flannel.1
172.50.2.0      0.0.0.0         255.255.255.0   U     0      0        0 cni0
"""
SEED_DIRECT_NODE2 = """
172.50.0.0      192.168.7.101   255.255.255.0   UG    0      0        0 eth0
172.50.1.0      0.0.0.0         255.255.255.0   U     0      0        0 cni0
172.50.2.0      192.168.7.110   255.255.255.0   UG    0      0        0 eth0
"""
FLANNEL = [backend for backend in BACKENDS if backend.plugin == "flannel"]
EVERY = pytest.mark.parametrize("backend", FLANNEL, ids=lambda backend: backend.label)


@dataclass(frozen=True)
class Net:
    """The part of an intent that a backend reads."""

    pod_cidrs: tuple = networks(["172.50.0.0/16"])
    options: BackendOptions = field(default_factory=BackendOptions)
    ip_masq: bool = True


def node(name, address, subnet, prefixlen=21, table=(), dev="eth0"):
    return Endpoint(name, networks(subnet.split(",")), Underlay(dev, 1500, ((address, prefixlen),)), table=table)


MASTER = node("master", "192.168.7.101", "172.50.0.0/24")
NODE1 = node("node1", "192.168.7.110", "172.50.2.0/24")
NODE2 = node("node2", "192.168.7.111", "172.50.1.0/24")
FAR = node("far", "10.9.0.4", "172.50.3.0/24", prefixlen=24)
CLUSTER = (MASTER, NODE1, NODE2)


def route_n(routes):
    """Routes as `route -n` of net-tools prints them."""
    lines = []
    for route in sorted(routes, key=lambda route: route.network):
        network = route.network
        flags = "UG" if route.gateway else "U"
        lines.append(
            f"{network.network_address!s:<15} {route.gateway or '0.0.0.0':<15} {network.netmask!s:<15} "
            f"{flags:<5} 0      0        0 {route.dev}\n"
        )
    return "\n" + "".join(lines)


def table(backend, viewer, network):
    return route_n(backend.routes(viewer, CLUSTER, network) + backend.pod_routes(viewer))


def test_vxlan_routes_are_the_seeds_table():
    assert table(find("flannel", "vxlan"), NODE1, Net()) == SEED_VXLAN_NODE1


def test_direct_routing_routes_are_the_seeds_table():
    assert table(find("flannel", "vxlan", True), NODE2, Net()) == SEED_DIRECT_NODE2


def test_vxlan_routes_are_onlink_because_the_gateway_is_in_no_subnet_of_the_device():
    assert all(route.onlink for route in find("flannel", "vxlan").routes(NODE1, CLUSTER, Net()))


@pytest.mark.parametrize(
    ("name", "direct", "expected"),
    [
        ("host-gw", False, ["172.50.0.0/24 via 192.168.7.101 dev eth0", "172.50.1.0/24 via 192.168.7.111 dev eth0"]),
        ("udp", False, ["172.50.0.0/16 dev flannel0"]),
        ("wireguard", False, ["172.50.0.0/16 dev flannel-wg"]),
        (
            "ipip",
            False,
            [
                "172.50.0.0/24 via 192.168.7.101 dev flannel.ipip onlink",
                "172.50.1.0/24 via 192.168.7.111 dev flannel.ipip onlink",
            ],
        ),
        (
            "ipip",
            True,
            ["172.50.0.0/24 via 192.168.7.101 dev eth0 onlink", "172.50.1.0/24 via 192.168.7.111 dev eth0 onlink"],
        ),
    ],
)
def test_routes_of_the_other_backends(name, direct, expected):
    routes = find("flannel", name, direct).routes(NODE1, CLUSTER, Net())

    assert [str(route) for route in routes] == expected


@pytest.mark.parametrize("name", ["vxlan", "ipip"])
def test_direct_routing_decides_for_each_peer(name):
    cluster = (*CLUSTER, FAR)

    routes = find("flannel", name, True).routes(NODE1, cluster, Net())

    devices = {route.dst: route.dev for route in routes}
    assert devices["172.50.1.0/24"] == "eth0"
    assert devices["172.50.3.0/24"] == find("flannel", name).devices(Net())[0]


def test_direct_routing_follows_the_nodes_table_as_the_kernel_does():
    """A more specific route through a gateway beats the connected network: flannel asks the kernel, not the mask."""
    gateway = Route("192.168.7.111/32", "192.168.0.254", "eth0")
    link = Route("10.9.0.0/24", None, "eth1", scope="link")
    viewer = node("node1", "192.168.7.110", "172.50.2.0/24", table=(gateway, link))

    routes = {route.dst: route for route in find("flannel", "vxlan", True).routes(viewer, (*CLUSTER, FAR), Net())}

    assert routes["172.50.1.0/24"].dev == "flannel.1"
    assert str(routes["172.50.3.0/24"]) == "172.50.3.0/24 via 10.9.0.4 dev eth1"
    assert str(routes["172.50.0.0/24"]) == "172.50.0.0/24 via 192.168.7.101 dev eth0"


def test_a_public_address_replaces_the_nics():
    public = Endpoint("node2", networks(["172.50.1.0/24"]), NODE2.underlay, public_ips=("203.0.113.7",))

    routes = find("flannel", "ipip").routes(NODE1, (public,), Net())

    assert [route.gateway for route in routes] == ["203.0.113.7"]


def test_a_peer_without_an_address_is_an_error_that_names_it():
    nowhere = Endpoint("node9", networks(["172.50.9.0/24"]), Underlay("eth0", 1500))

    with pytest.raises(BackendError, match="node9 has no IPv4 address on eth0"):
        find("flannel", "host-gw").routes(NODE1, (nowhere,), Net())


def test_dual_stack_routes_and_devices():
    net = Net(networks(["172.50.0.0/16", "fd00:50::/48"]), BackendOptions(vni=7))
    dual = [
        Endpoint(
            name,
            networks([f"172.50.{number}.0/24", f"fd00:50:0:{number}::/64"]),
            Underlay("eth0", 1500, ((f"192.168.7.{number}", 21), (f"fd00:7::{number}", 64))),
        )
        for number, name in ((1, "a"), (2, "b"))
    ]
    vxlan, hostgw, wireguard = (find("flannel", name) for name in ("vxlan", "host-gw", "wireguard"))

    assert vxlan.devices(net) == ("flannel.7", "flannel-v6.7")
    assert [str(route) for route in vxlan.routes(dual[0], dual, net)] == [
        "172.50.2.0/24 via 172.50.2.0 dev flannel.7 onlink",
        "fd00:50:0:2::/64 via fd00:50:0:2:: dev flannel-v6.7 onlink",
    ]
    assert [str(route) for route in hostgw.routes(dual[0], dual, net)] == [
        "172.50.2.0/24 via 192.168.7.2 dev eth0",
        "fd00:50:0:2::/64 via fd00:7::2 dev eth0",
    ]
    assert [str(route) for route in wireguard.routes(dual[0], dual, net)] == [
        "172.50.0.0/16 dev flannel-wg",
        "fd00:50::/48 dev flannel-wg-v6",
    ]
    assert [link.vxlan.local for link in vxlan.links(dual[0], net)] == ["192.168.7.1", "fd00:7::1"]


def test_wireguard_with_one_tunnel_carries_both_families_in_it():
    net = Net(networks(["172.50.0.0/16", "fd00:50::/48"]), BackendOptions(wireguard_mode="auto"))
    wireguard = find("flannel", "wireguard")

    assert wireguard.devices(net) == ("flannel-wg", "flannel-wg")
    assert [link.name for link in wireguard.links(NODE1, net)] == ["flannel-wg"]
    assert wireguard.transport(net) == Transport("udp", 17, (51820,))


@pytest.mark.parametrize(
    ("name", "direct", "mtu"),
    [
        ("vxlan", False, 1450),
        ("vxlan", True, 1450),
        ("host-gw", False, 1500),
        ("udp", False, 1472),
        ("wireguard", False, 1420),
        ("ipip", False, 1480),
        ("ipip", True, 1480),
    ],
)
def test_pod_mtu_on_a_nic_of_1500_bytes(name, direct, mtu):
    backend = find("flannel", name, direct)

    assert backend.pod_mtu(1500) == mtu
    assert backend.pod_mtu(9000) == 9000 - backend.overhead


def test_only_backends_that_read_an_mtu_take_it_from_the_settings():
    options = BackendOptions(mtu=1400)
    mtus = {backend.label: backend.pod_mtu(1500, options) for backend in FLANNEL}

    assert mtus["vxlan"] == mtus["vxlan + DirectRouting"] == 1350
    assert mtus["wireguard"] == 1320
    assert (mtus["host-gw"], mtus["udp"], mtus["ipip"]) == (1500, 1472, 1480)


def test_configuration_has_the_documented_spelling():
    options = BackendOptions(vni=42, port=4789, mtu=1400, learning=True, wireguard_psk="secret", wireguard_keepalive=25)

    conf = {backend.label: backend.backend_conf(options) for backend in FLANNEL}

    assert conf == {
        "vxlan": {"Type": "vxlan", "VNI": 42, "Port": 4789, "Learning": True, "MTU": 1400},
        "vxlan + DirectRouting": {
            "Type": "vxlan",
            "VNI": 42,
            "Port": 4789,
            "DirectRouting": True,
            "Learning": True,
            "MTU": 1400,
        },
        "host-gw": {"Type": "host-gw"},
        "udp": {"Type": "udp", "Port": 4789},
        "wireguard": {
            "Type": "wireguard",
            "ListenPort": 4789,
            "ListenPortV6": 4790,
            "Mode": "separate",
            "PSK": "secret",
            "PersistentKeepaliveInterval": 25,
            "MTU": 1400,
        },
        "ipip": {"Type": "ipip"},
        "ipip + DirectRouting": {"Type": "ipip", "DirectRouting": True},
    }


def test_ports_default_to_flannels_own():
    conf = {name: find("flannel", name).backend_conf(BackendOptions()) for name in ("vxlan", "udp", "wireguard")}

    assert (conf["vxlan"]["Port"], conf["udp"]["Port"]) == (8472, 8285)
    assert (conf["wireguard"]["ListenPort"], conf["wireguard"]["ListenPortV6"]) == (51820, 51821)
    assert find("flannel", "vxlan").port(BackendOptions(port=4789)) == 4789
    assert find("flannel", "host-gw").port(BackendOptions(port=4789)) is None


def test_what_crosses_the_underlay():
    crossing = {backend.label: str(backend.transport(Net())) for backend in FLANNEL}

    assert crossing == {
        "vxlan": "udp port 8472",
        "vxlan + DirectRouting": "udp port 8472",
        "host-gw": "None",
        "udp": "udp port 8285",
        "wireguard": "udp port 51820",
        "ipip": "IP protocol 4 (ipip)",
        "ipip + DirectRouting": "IP protocol 4 (ipip)",
    }


def test_kernel_features_by_option_and_module():
    needs = {
        backend.label: [(need.option, need.module) for need in backend.features(nftables=True)] for backend in FLANNEL
    }

    assert needs["vxlan"] == needs["vxlan + DirectRouting"] == [("CONFIG_VXLAN", "vxlan")]
    assert needs["host-gw"] == []
    assert needs["udp"] == [("CONFIG_TUN", "tun")]
    assert needs["wireguard"] == [("CONFIG_WIREGUARD", "wireguard")]
    assert needs["ipip"] == [("CONFIG_NET_IPIP", "ipip")]


@EVERY
def test_bridge_netfilter_is_needed_unless_flannel_uses_nftables(backend):
    modules = {need.module for need in backend.features(nftables=False)} - {
        need.module for need in backend.features(nftables=True)
    }

    assert modules == {"br_netfilter"}


def test_only_udp_gets_privileges_and_the_tun_device():
    privileged = [backend.type for backend in FLANNEL if backend.privileges.privileged]
    devices = {device for backend in FLANNEL for device in backend.privileges.host_devices}

    assert privileged == ["udp"]
    assert [backend.type for backend in FLANNEL if backend.needs_tun_device] == ["udp"]
    assert devices == {"/dev/net/tun"}


def test_dual_stack_is_for_the_backends_flannel_documents():
    assert {backend.type for backend in FLANNEL if 6 in backend.ip_versions} == {"vxlan", "host-gw", "wireguard"}


def test_leftovers_name_what_stays_when_flanneld_stops():
    left = {backend.label: backend.leftovers(Net()) for backend in FLANNEL}

    assert left["vxlan"].devices == ("flannel.1",)
    assert left["vxlan"].routes
    assert left["host-gw"].routes
    assert left["host-gw"].devices == ()
    assert left["ipip"].devices == ("flannel.ipip",)
    assert left["wireguard"].files == ("/run/flannel/wgkey",)
    assert not left["udp"].devices
    assert not left["udp"].routes


@EVERY
def test_every_device_a_backend_makes_is_recognised_as_the_plugins_own(backend):
    assert all(backend.traces.has_device(name) for name in (*backend.devices(Net()), backend.bridge))
    assert not backend.traces.has_device("docker0")


@EVERY
def test_links_carry_the_pod_mtu(backend):
    assert [link.mtu for link in backend.links(NODE1, Net())] == [backend.pod_mtu(1500)] * len(backend.devices(Net()))


@EVERY
def test_a_node_alone_has_no_route_to_itself(backend):
    routes = backend.routes(NODE1, (NODE1,), Net())

    assert all(route.dst != "172.50.2.0/24" for route in routes)


@EVERY
def test_the_registry_finds_every_backend_and_labels_are_unique(backend):
    assert find(backend.plugin, backend.type, backend.direct_routing) is backend
    assert [other.label for other in BACKENDS].count(backend.label) == 1


def test_the_registry_says_what_there_is():
    assert plugins() == ("flannel", "calico")
    assert types("flannel") == ("vxlan", "host-gw", "udp", "wireguard", "ipip")
    with pytest.raises(BackendError, match="there are vxlan, host-gw"):
        find("flannel", "ipsec")
    with pytest.raises(BackendError, match="host-gw of flannel has no DirectRouting"):
        find("flannel", "host-gw", True)


def test_a_preshared_key_is_not_in_the_representation_of_options():
    assert "hush" not in repr(BackendOptions(wireguard_psk="hush"))


def with_macs(endpoints):
    """The cluster as its flannelds have announced it."""
    return [replace(one, macs=((4, f"0a:00:00:00:00:{number:02x}"),)) for number, one in enumerate(endpoints, start=1)]


def test_a_vtep_knows_its_peers_at_the_first_address_of_their_subnets():
    peers = with_macs((MASTER, NODE1, NODE2))
    vxlan = find("flannel", "vxlan")

    assert [entry.row for entry in vxlan.neighbours(NODE1, peers, Net())] == [
        "172.50.0.0 dev flannel.1 lladdr 0a:00:00:00:00:01",
        "172.50.1.0 dev flannel.1 lladdr 0a:00:00:00:00:03",
    ]
    assert [entry.row for entry in vxlan.fdb(NODE1, peers, Net())] == [
        "0a:00:00:00:00:01 dev flannel.1 dst 192.168.7.101",
        "0a:00:00:00:00:03 dev flannel.1 dst 192.168.7.111",
    ]


def test_with_direct_routing_only_far_peers_need_the_vtep():
    peers = with_macs((MASTER, NODE1, NODE2, FAR))
    direct = find("flannel", "vxlan", True)

    assert [entry.dst for entry in direct.fdb(NODE1, peers, Net())] == ["10.9.0.4"]
    assert [entry.address for entry in direct.neighbours(NODE1, peers, Net())] == ["172.50.3.0"]


@EVERY
def test_only_vxlan_has_tables_of_its_own(backend):
    entries = backend.fdb(NODE1, with_macs(CLUSTER), Net())

    assert bool(entries) == (backend.type == "vxlan" and not backend.direct_routing)
    assert len(entries) == len(backend.neighbours(NODE1, with_macs(CLUSTER), Net()))


@EVERY
def test_a_tunnel_device_holds_the_first_address_of_the_nodes_subnet(backend):
    found = backend.addresses(NODE1, Net())

    assert [(one.dev, one.address, one.prefixlen) for one in found] == [
        (dev, "172.50.2.0", 32) for dev in backend.devices(Net())
    ]


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: f"{backend.plugin} {backend.label}")
def test_routes_lead_over_the_devices_that_the_backend_names(backend):
    peers = (NODE1, NODE2) if backend.needs_same_l2 else (NODE1, NODE2, FAR)
    peers = [replace(peer, tunnel_ips=("172.50.255.1",)) for peer in peers]
    used = {route.dev for route in backend.routes(MASTER, peers, Net())}
    assert used <= set(backend.route_devices(MASTER, Net()))


def test_subnet_env_is_the_seeds():
    assert find("flannel", "vxlan").agent_env(NODE2, Net()) == {
        "FLANNEL_NETWORK": "172.50.0.0/16",
        "FLANNEL_SUBNET": "172.50.1.1/24",
        "FLANNEL_MTU": "1450",
        "FLANNEL_IPMASQ": "true",
    }


def test_chains_follow_the_filter_and_the_masquerading():
    vxlan = find("flannel", "vxlan")

    assert [str(chain) for chain in vxlan.chains(Net(), nftables=False)] == [
        "FLANNEL-POSTRTG in table ip nat",
        "FLANNEL-FWD in table ip filter",
    ]
    assert [chain.name for chain in vxlan.chains(Net(ip_masq=False), nftables=False)] == ["FLANNEL-FWD"]
    assert {chain.table for chain in vxlan.chains(Net(), nftables=True)} == {"flannel-ipv4"}


PREFIX = "flannel.alpha.coreos.com/"


def test_what_flanneld_announces_on_its_node():
    notes = {
        f"{PREFIX}backend-type": "vxlan",
        f"{PREFIX}public-ip": "192.168.7.110",
        f"{PREFIX}backend-data": '{"VNI":1,"VtepMAC":"2e:ec:49:42:4f:af"}',
        f"{PREFIX}backend-v6-data": "null",
    }
    found = find("flannel", "vxlan").announced(notes)

    assert (found.type, found.addresses, found.macs) == ("vxlan", ("192.168.7.110",), ((4, "2e:ec:49:42:4f:af"),))
    assert find("flannel", "udp").announced({f"{PREFIX}backend-type": ""}).type == ""
    assert find("flannel", "vxlan").announced({"other": "note"}) == Announced()


@pytest.mark.parametrize("data", ["{", "[1]", '"text"'])
def test_a_damaged_announcement_is_named(data):
    notes = {f"{PREFIX}backend-type": "vxlan", f"{PREFIX}backend-data": data}

    assert find("flannel", "vxlan").announced(notes).damaged
