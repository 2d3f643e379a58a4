# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values become an intent; what is wrong with them together is said."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import build_intent, flannel_net_conf
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import WARNING
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import resolve
from ansible_collections.switchyard.cni.tests.unit.plugin_utils.cluster_facts import SETTINGS, intent

DUAL = {"CLUSTER_CIDR": "172.50.0.0/16,fd00:50::/48", "SERVICE_CIDR": "10.68.0.0/16,fd00:68::/108"}
ETCD = {"flannel_subnet_manager": "etcd", "flannel_etcd_endpoints": "http://192.168.7.101:2379"}


def problems(**settings):
    values, wrong = resolve({**SETTINGS, **settings})
    assert wrong == []
    return build_intent(values)[1]


def variables(**settings):
    return [problem.variable for problem in problems(**settings)]


@pytest.mark.parametrize(
    ("settings", "label"),
    [
        ({}, "vxlan"),
        ({"DIRECT_ROUTING": "true"}, "vxlan + DirectRouting"),
        ({"FLANNEL_BACKEND": "host-gw"}, "host-gw"),
        ({"FLANNEL_BACKEND": "udp"}, "udp"),
        ({"FLANNEL_BACKEND": "wireguard"}, "wireguard"),
        ({"FLANNEL_BACKEND": "ipip"}, "ipip"),
        ({"FLANNEL_BACKEND": "ipip", "DIRECT_ROUTING": "on"}, "ipip + DirectRouting"),
    ],
)
def test_the_declared_backend_is_an_object(settings, label):
    made = intent(**settings)

    assert (made.plugin, made.backend.label) == ("flannel", label)
    assert made.kube


def test_the_intent_holds_what_the_inventory_says():
    made = intent(
        **DUAL, flannel_vni="7", flannel_mtu="1400", network_node_prefix="25", network_registry="r.example/x/"
    )

    assert [str(cidr) for cidr in made.pod_cidrs] == ["172.50.0.0/16", "fd00:50::/48"]
    assert (made.versions, made.node_prefixes) == ((4, 6), {4: 25, 6: 64})
    assert (made.options.vni, made.options.mtu, made.flannel.options) == (7, 1400, made.options)
    assert made.registry == "r.example/x"
    assert made.assumed == frozenset()


def test_without_a_pod_network_there_is_no_intent():
    values, wrong = resolve({"network_pod_cidr": "nonsense"})

    assert len(wrong) == 1
    assert build_intent(values) == (None, [])


@pytest.mark.parametrize(
    ("settings", "label"),
    [
        ({}, "IPIP"),
        ({"CALICO_IPV4POOL_IPIP": "off"}, "no encapsulation (BGP)"),
        ({"CALICO_ENABLE_OVERLAY": "CrossSubnet"}, "IPIP CrossSubnet"),
        ({"calico_vxlan_mode": "Always"}, "VXLAN"),
        ({"calico_ipip_mode": "Never", "calico_vxlan_mode": "Always"}, "VXLAN"),
        ({"calico_ipip_mode": "Never", "calico_vxlan_mode": "CrossSubnet"}, "VXLAN CrossSubnet"),
    ],
)
def test_calicos_two_modes_choose_one_backend(settings, label):
    values, dummy = resolve({**SETTINGS, "CLUSTER_NETWORK": "calico", **settings})
    made, wrong = build_intent(values)

    assert wrong == []
    assert (made.backend.plugin, made.backend.label, made.options.vni) == ("calico", label, 4096)


def test_an_ippool_cannot_have_two_encapsulations():
    both = {"calico_ipip_mode": "Always", "calico_vxlan_mode": "Always"}
    values, dummy = resolve({**SETTINGS, "CLUSTER_NETWORK": "calico", **both})
    made, (wrong,) = build_intent(values)

    assert made is None
    assert (wrong.variable, wrong.value) == ("calico_ipip_mode", "Always")
    assert "calico_vxlan_mode is Always" in wrong.reason


def test_settings_that_could_not_be_read_are_remembered_and_draw_no_conclusions():
    values, wrong = resolve({**SETTINGS, "FLANNEL_BACKEND": "udpp", "CLUSTER_CIDR": "172.50.0.0/16,fd00:50::/48"})

    made, contradictions = build_intent(values)

    assert [problem.variable for problem in wrong] == ["FLANNEL_BACKEND"]
    assert made.assumed == {"flannel_backend"}
    assert contradictions == []


@pytest.mark.parametrize("backend", ["host-gw", "udp", "wireguard"])
def test_direct_routing_needs_a_backend_that_has_it(backend):
    assert variables(FLANNEL_BACKEND=backend, DIRECT_ROUTING="true") == ["flannel_direct_routing"]
    assert variables(FLANNEL_BACKEND=backend, DIRECT_ROUTING="false") == []


def test_pods_and_services_need_networks_of_their_own():
    assert variables(SERVICE_CIDR="172.50.128.0/20") == ["network_pod_cidr"]
    assert "172.50.128.0/20" in str(problems(SERVICE_CIDR="172.50.128.0/20")[0])
    assert variables(SERVICE_CIDR="172.51.0.0/20") == []


def test_services_have_no_family_that_pods_lack():
    assert variables(SERVICE_CIDR=DUAL["SERVICE_CIDR"]) == ["network_service_cidr"]
    assert variables(**DUAL) == []


@pytest.mark.parametrize("backend", ["udp", "ipip"])
def test_ipv6_needs_a_backend_that_carries_it(backend):
    assert variables(**DUAL, FLANNEL_BACKEND=backend) == ["network_pod_cidr"]
    assert variables(FLANNEL_BACKEND=backend) == []


@pytest.mark.parametrize("backend", ["vxlan", "host-gw", "wireguard"])
def test_dual_stack_is_fine_where_flannel_supports_it(backend):
    assert variables(**DUAL, FLANNEL_BACKEND=backend) == []


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"CLUSTER_CIDR": "172.50.0.0/25"}, ["network_node_prefix"]),
        ({"CLUSTER_CIDR": "172.50.0.0/24"}, []),
        (
            {"CLUSTER_CIDR": "10.0.0.0/8", "SERVICE_CIDR": "172.50.0.0/16", "NODE_CIDR_LEN": "25"},
            ["network_node_prefix"],
        ),
        ({"CLUSTER_CIDR": "10.0.0.0/8", "SERVICE_CIDR": "172.50.0.0/16", "NODE_CIDR_LEN": "24"}, []),
        ({"CLUSTER_CIDR": "172.50.0.0/23", **ETCD}, ["network_node_prefix"]),
        ({"CLUSTER_CIDR": "172.50.0.0/22", **ETCD}, []),
        ({"CLUSTER_CIDR": "172.50.0.0/16,fd00:50::/47"}, ["network_node_prefix_v6"]),
        ({"CLUSTER_CIDR": "172.50.0.0/16,fd00:50::/48"}, []),
    ],
)
def test_the_nodes_subnets_fit_into_the_pod_network(settings, expected):
    assert variables(**settings) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"flannel_mtu": "600"}, ["flannel_mtu"]),
        ({"flannel_mtu": "626"}, []),
        ({**DUAL, "flannel_mtu": "1329"}, ["flannel_mtu"]),
        ({**DUAL, "flannel_mtu": "1330"}, []),
        ({"flannel_mtu": "655", "FLANNEL_BACKEND": "wireguard"}, ["flannel_mtu"]),
        ({"flannel_mtu": "656", "FLANNEL_BACKEND": "wireguard"}, []),
    ],
)
def test_pods_keep_the_smallest_mtu_that_their_protocol_allows(settings, expected):
    assert variables(**settings) == expected


def test_an_mtu_for_a_backend_that_reads_none_is_a_warning():
    found = problems(flannel_mtu="1400", FLANNEL_BACKEND="host-gw")

    assert [(problem.variable, problem.severity) for problem in found] == [("flannel_mtu", WARNING)]


def test_one_selector_of_the_device():
    found = problems(flannel_iface="eth0", flannel_iface_can_reach="192.168.7.1")

    assert [problem.variable for problem in found] == ["flannel_iface"]
    assert "flannel_iface_can_reach" in found[0].reason
    assert variables(flannel_iface_regex="eth.") == []


def test_a_regular_expression_is_one():
    assert variables(flannel_iface_regex="eth[0") == ["flannel_iface_regex"]
    assert variables(flannel_iface_regex="^eth[0-9]$") == []


def test_a_preshared_key_is_a_wireguard_key_and_is_never_shown():
    good = base64.b64encode(bytes(32)).decode()

    assert variables(flannel_wireguard_psk=good) == []
    for bad in ("hush", base64.b64encode(b"hush").decode()):
        found = problems(flannel_wireguard_psk=bad)
        assert [problem.variable for problem in found] == ["flannel_wireguard_psk"]
        assert bad not in str(found[0])


def test_etcd_needs_its_members():
    assert variables(**ETCD) == []
    assert variables(flannel_subnet_manager="etcd") == ["flannel_etcd_endpoints"]
    assert variables(flannel_subnet_manager="etcd", flannel_etcd_endpoints="192.168.7.101:2379") == [
        "flannel_etcd_endpoints"
    ]
    assert variables() == []


def test_a_client_certificate_and_its_key_belong_together():
    certificate = {"flannel_etcd_cert_file": "/etc/ssl/etcd.pem"}

    assert variables(**ETCD, **certificate) == ["flannel_etcd_cert_file"]
    assert variables(**ETCD, **certificate, flannel_etcd_key_file="/etc/ssl/etcd.key") == []


def test_digests():
    assert variables(flannel_image_digest="sha256:" + "a" * 64) == []
    assert variables(flannel_image_digest="sha256:abc", flannel_cni_plugin_image_digest="latest") == [
        "flannel_image_digest",
        "flannel_cni_plugin_image_digest",
    ]


@pytest.mark.parametrize(
    ("settings", "nftables"),
    [
        ({}, None),
        ({"PROXY_MODE": "iptables"}, False),
        ({"PROXY_MODE": "ipvs"}, False),
        ({"PROXY_MODE": "nftables"}, True),
        ({"PROXY_MODE": "nftables", "flannel_nftables": "false"}, False),
        ({"flannel_nftables": True}, True),
    ],
)
def test_nftables_follows_kube_proxy_unless_set(settings, nftables):
    assert intent(**settings).nftables is nftables


def test_kernel_needs_follow_backend_and_packet_filter():
    def needs(**settings):
        made = intent(**settings)
        return [need.feature for need in made.backend.features(bool(made.nftables))]

    assert needs() == ["br_netfilter", "vxlan"]
    assert needs(flannel_nftables="true") == ["vxlan"]


def test_net_conf_of_the_seed():
    assert flannel_net_conf(intent(DIRECT_ROUTING="true")) == {
        "Network": "172.50.0.0/16",
        "EnableIPv4": True,
        "EnableIPv6": False,
        "EnableNFTables": False,
        "Backend": {"Type": "vxlan", "VNI": 1, "Port": 8472, "DirectRouting": True},
    }


def test_net_conf_of_ipv6_only_has_no_ipv4_network():
    conf = flannel_net_conf(intent(CLUSTER_CIDR="fd00:50::/48", SERVICE_CIDR="fd00:68::/108"), nftables=True)

    assert (conf["IPv6Network"], conf["EnableIPv4"], conf["EnableIPv6"]) == ("fd00:50::/48", False, True)
    assert "Network" not in conf
    assert conf["EnableNFTables"] is True


def test_net_conf_for_etcd_has_the_subnet_lengths_that_flannel_then_reads():
    conf = flannel_net_conf(intent(**ETCD, **DUAL))

    assert (conf["SubnetLen"], conf["IPv6SubnetLen"]) == (24, 64)
    assert "SubnetLen" not in flannel_net_conf(intent(**DUAL))
