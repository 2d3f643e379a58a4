# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's backends against the original cluster's table, and against what a real Calico v3.32 made."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._backends import BACKENDS, find
from ansible_collections.switchyard.cni.plugins.module_utils._backends._base import BackendError, BackendOptions
from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import Endpoint, Underlay, networks

CALICO = [backend for backend in BACKENDS if backend.plugin == "calico"]
EVERY = pytest.mark.parametrize("backend", CALICO, ids=lambda backend: backend.label)


@dataclass(frozen=True)
class Net:
    """The part of an intent that a backend reads."""

    pod_cidrs: tuple = networks(["172.50.0.0/16"])
    options: BackendOptions = field(default_factory=lambda: BackendOptions(vni=4096))
    ip_masq: bool = True


def node(name, address, blocks, tunnel_ip=None, prefixlen=21):
    return Endpoint(
        name,
        networks(blocks),
        Underlay("eth0", 1500, ((address, prefixlen),)),
        tunnel_ips=(tunnel_ip,) if tunnel_ip else (),
    )


# The original cluster: this is its 192.168.7.111, whose own block is 172.50.170.192/26.
MASTER = node("k8s-master1", "192.168.7.101", ["172.50.38.64/26"], "172.50.38.64")
NODE1 = node("k8s-node1", "192.168.7.110", ["172.50.120.0/26"], "172.50.120.0")
NODE2 = node("k8s-node2", "192.168.7.111", ["172.50.170.192/26"], "172.50.170.192")
FAR = node("far", "10.9.0.4", ["172.50.3.0/26", "172.50.9.64/26"], "172.50.3.0", prefixlen=24)
CLUSTER = (MASTER, NODE1, NODE2)


def routes(type_name, cross_subnet=False, peers=CLUSTER, viewer=NODE2):
    return [str(route) for route in find("calico", type_name, cross_subnet).routes(viewer, peers, Net())]


def test_ipip_routes_are_the_seeds_table():
    assert routes("ipip") == [
        "172.50.38.64/26 via 192.168.7.101 dev tunl0 onlink",
        "172.50.120.0/26 via 192.168.7.110 dev tunl0 onlink",
    ]
    # `172.50.170.192 0.0.0.0 255.255.255.192 U ... *` in the seed: net-tools shows a blackhole like this.
    (own,) = find("calico", "ipip").pod_routes(NODE2)
    assert str(own) == "blackhole 172.50.170.192/26"


def test_without_encapsulation_the_next_hop_is_the_node():
    assert routes("none") == [
        "172.50.38.64/26 via 192.168.7.101 dev eth0",
        "172.50.120.0/26 via 192.168.7.110 dev eth0",
    ]


def test_vxlan_goes_through_the_peers_tunnel_address():
    assert routes("vxlan") == [
        "172.50.38.64/26 via 172.50.38.64 dev vxlan.calico onlink",
        "172.50.120.0/26 via 172.50.120.0 dev vxlan.calico onlink",
    ]


@pytest.mark.parametrize(
    ("type_name", "far"),
    [("ipip", "via 10.9.0.4 dev tunl0 onlink"), ("vxlan", "via 172.50.3.0 dev vxlan.calico onlink")],
)
def test_cross_subnet_encapsulates_only_between_subnets_and_every_block_has_a_route(type_name, far):
    assert routes(type_name, True, (MASTER, FAR)) == [
        "172.50.38.64/26 via 192.168.7.101 dev eth0",
        f"172.50.3.0/26 {far}",
        f"172.50.9.64/26 {far}",
    ]


def test_a_mask_of_32_defeats_cross_subnet():
    viewer = node("odd", "192.168.7.112", ["172.50.8.0/26"], "172.50.8.0", prefixlen=32)

    assert routes("ipip", True, CLUSTER, viewer)[0] == "172.50.38.64/26 via 192.168.7.101 dev tunl0 onlink"


def test_the_vteps_of_all_nodes_are_known_whatever_the_routes_use():
    always, cross = (find("calico", "vxlan", direct).fdb(NODE2, CLUSTER, Net()) for direct in (False, True))

    assert always == cross
    assert [(entry.dev, entry.dst) for entry in always] == [
        ("vxlan.calico", "192.168.7.101"),
        ("vxlan.calico", "192.168.7.110"),
    ]


def test_a_mac_that_nobody_announced_is_felixs_own_hash_of_the_nodes_name():
    (first, dummy) = find("calico", "vxlan").neighbours(NODE2, CLUSTER, Net())

    assert first.mac == "66:" + ":".join(_sha1("k8s-master1")[:5])


def _sha1(text):
    import hashlib

    return [f"{byte:02x}" for byte in hashlib.sha1(text.encode()).digest()]


def test_a_peer_without_a_tunnel_address_is_an_error_that_names_it():
    bare = node("bare", "192.168.7.120", ["172.50.7.0/26"])

    with pytest.raises(BackendError, match="bare has announced no address of its tunnel device"):
        find("calico", "vxlan").routes(NODE2, (bare,), Net())


@pytest.mark.parametrize(("label", "mtu"), [("IPIP", 1480), ("VXLAN", 1450), ("no encapsulation (BGP)", 1500)])
def test_pods_mtu(label, mtu):
    backend = next(one for one in CALICO if one.label == label)

    assert backend.pod_mtu(1500, BackendOptions()) == mtu
    assert backend.pod_mtu(1500, BackendOptions(mtu=1400)) == 1400


def test_what_calico_announces_depends_on_the_mode():
    notes = {
        "projectcalico.org/IPv4Address": "192.168.7.110/21",
        "projectcalico.org/IPv4IPIPTunnelAddr": "172.50.120.0",
        "projectcalico.org/IPv4VXLANTunnelAddr": "172.50.120.5",
        "projectcalico.org/VXLANTunnelMACAddr": "66:11:22:33:44:55",
    }
    found = {backend.label: backend.announced(notes) for backend in CALICO}

    assert found["IPIP"].tunnel_ips == ("172.50.120.0",)
    assert found["VXLAN"].tunnel_ips == ("172.50.120.5",)
    assert found["VXLAN"].macs == ((4, "66:11:22:33:44:55"),)
    assert found["no encapsulation (BGP)"].tunnel_ips == ()
    assert {one.addresses for one in found.values()} == {("192.168.7.110/21",)}


@EVERY
def test_the_pools_spec_and_the_labels_agree(backend):
    conf = backend.backend_conf(BackendOptions())

    assert "CrossSubnet" in conf.values() if backend.direct_routing else "CrossSubnet" not in conf.values()
    assert [mode for mode in conf.values() if mode != "Never"] == (["Always"] * (backend.type != "none")) or (
        backend.direct_routing
    )


@EVERY
def test_devices_are_recognised_as_calicos_and_tunl0_as_shared(backend):
    for name in backend.devices(Net()):
        assert backend.traces.has_device(name) != (name in backend.traces.shared_devices)
