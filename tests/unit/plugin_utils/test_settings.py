# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every dialect of an inventory ends in the same values, and every mistake is said at once."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import HIDDEN
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import BY_NAME, SETTINGS, resolve

REQUIRED = {"network_pod_cidr": "172.50.0.0/16"}


def value(name, raw):
    values, problems = resolve({**REQUIRED, name: raw})
    assert [str(problem) for problem in problems] == []
    return values[BY_NAME[name].name]


def problem(name, raw):
    values, problems = resolve({**REQUIRED, name: raw})
    assert BY_NAME[name].name not in values
    assert len(problems) == 1
    return problems[0]


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("CLUSTER_NETWORK", "Flannel", "flannel"),
        ("FLANNEL_BACKEND", "hostgw", "host-gw"),
        ("flannel_backend", "HOST-GW", "host-gw"),
        ("flannel_backend", "wg", "wireguard"),
        ("DIRECT_ROUTING", "false", False),
        ("DIRECT_ROUTING", "off", False),
        ("DIRECT_ROUTING", "no", False),
        ("DIRECT_ROUTING", "yes", True),
        ("DIRECT_ROUTING", True, True),
        ("DIRECT_ROUTING", 1, True),
        ("flannel_mtu", "1450", 1450),
        ("flannel_mtu", 1450, 1450),
        ("flannel_nftables", True, "true"),
        ("flannel_nftables", "off", "false"),
        ("flannel_nftables", "auto", "auto"),
        ("PROXY_MODE", "ipvs", "ipvs"),
        ("NODE_CIDR_LEN", "26", 26),
        ("CALICO_IPV4POOL_IPIP", "off", "Never"),
        ("CALICO_IPV4POOL_IPIP", "Never", "Never"),
        ("CALICO_IPV4POOL_IPIP", False, "Never"),
        ("CALICO_ENABLE_OVERLAY", "always", "Always"),
        ("calico_ipip_mode", "cross-subnet", "CrossSubnet"),
        ("CALICO_NETWORKING_BACKEND", "brid", "bird"),
        ("IP_AUTODETECTION_METHOD", "can-reach=192.168.7.101", "can-reach=192.168.7.101"),
        ("flanneld_image", "harbor.example/base/flannel:v0.11.0", "harbor.example/base/flannel:v0.11.0"),
        ("network_image_pull_secrets", "harbor, quay", ("harbor", "quay")),
        ("network_image_pull_secrets", '["harbor"]', ("harbor",)),
        ("network_image_pull_secrets", "['harbor', 'quay']", ("harbor", "quay")),
        ("network_image_pull_secrets", ["harbor"], ("harbor",)),
        ("flannel_node_selector", '{"pool": "edge"}', {"pool": "edge"}),
        ("flannel_node_selector", {"pool": "edge"}, {"pool": "edge"}),
        ("flannel_tolerations", [{"operator": "Exists"}], ({"operator": "Exists"},)),
        ("network_service_cidr", "10.68.0.0/16, fd00:68::/108", ("10.68.0.0/16", "fd00:68::/108")),
        ("network_service_cidr", ["10.68.0.0/16"], ("10.68.0.0/16",)),
    ],
)
def test_a_value_in_any_dialect(name, raw, expected):
    assert value(name, raw) == expected


@pytest.mark.parametrize("unset", [None, "", "  "])
def test_an_empty_value_counts_as_not_set(unset):
    assert value("flannel_mtu", unset) is None
    assert value("flannel_backend", unset) == "vxlan"
    assert value("network_registry", unset) == ""


def test_defaults():
    values, problems = resolve(REQUIRED)

    assert problems == []
    assert set(values) == {setting.name for setting in SETTINGS}
    assert values["flannel_backend"] == "vxlan"
    assert values["flannel_ip_masq"] is True
    assert values["flannel_version"] == "v0.28.10"
    assert values["flannel_wait_timeout"] == 120
    assert (values["flannel_port"], values["flannel_mtu"]) == (None, None)


@pytest.mark.parametrize(
    ("name", "raw", "reason", "remedy"),
    [
        ("FLANNEL_BACKEND", "host-gv", "not one of the choices", "the nearest is host-gw"),
        ("flannel_backend", "ipsec", "not one of the choices", "vxlan, host-gw, udp, wireguard, ipip"),
        ("flannel_mtu", "1450 bytes", "not a whole number of bytes", "from 1 to 65535"),
        ("flannel_mtu", True, "not a whole number of bytes", "from 1 to 65535"),
        ("flannel_port", "65536", "out of range", "from 1 to 65535"),
        ("flannel_vni", "0", "out of range", "from 1 to 16777215"),
        ("flannel_wait_timeout", "0", "out of range", "1 or more"),
        ("DIRECT_ROUTING", "maybe", "neither true nor false", "true or false"),
        ("network_service_cidr", "10.68.1.0/16", "has host bits set", "Write 10.68.0.0/16"),
        ("network_service_cidr", "10.68.0.0", "no prefix length", "CIDR notation"),
        ("network_service_cidr", "10.68.0.0/33", "not a network", "prefix length"),
        ("network_service_cidr", "10.68.0.0/16,10.69.0.0/16", "two networks of one address family", "one of each"),
        ("flannel_node_selector", "pool=edge", "not a mapping", "JSON"),
        ("network_image_pull_secrets", {"a": 1}, "not a list", "commas"),
        ("network_image_pull_secrets", "[unbalanced", "not a list", "commas"),
        ("flannel_namespace", ["a"], "not a single text", "one value"),
    ],
)
def test_a_wrong_value_is_said_with_reason_and_remedy(name, raw, reason, remedy):
    found = problem(name, raw)

    assert (found.variable, found.value) == (name, raw)
    assert reason in found.reason
    assert remedy in found.remedy


def test_two_names_that_agree_after_normalisation_are_fine():
    values, problems = resolve({**REQUIRED, "calico_ipip_mode": "Never", "CALICO_IPV4POOL_IPIP": "off"})

    assert (values["calico_ipip_mode"], problems) == ("Never", [])


def test_two_names_that_disagree_are_an_error_that_names_both_with_their_values():
    values, problems = resolve({**REQUIRED, "CLUSTER_CIDR": "10.20.0.0/16"})

    assert "network_pod_cidr" not in values
    assert [str(found) for found in problems] == [
        "network_pod_cidr = 172.50.0.0/16: CLUSTER_CIDR = 10.20.0.0/16 sets the same thing to another value. "
        "Keep one of network_pod_cidr and CLUSTER_CIDR."
    ]


def test_the_pod_network_is_required():
    dummy, problems = resolve({})

    assert [str(found) for found in problems] == [
        "network_pod_cidr: is not set, and there is no default. "
        "Set network_pod_cidr (or CLUSTER_CIDR) in the inventory."
    ]


def test_all_errors_come_at_once():
    dummy, problems = resolve(
        {
            "CLUSTER_CIDR": "172.50.0.0",
            "FLANNEL_BACKEND": "vxlam",
            "DIRECT_ROUTING": "perhaps",
            "flannel_mtu": "big",
            "flannel_bakend": "udp",
        }
    )

    assert {found.variable for found in problems} == {
        "CLUSTER_CIDR",
        "FLANNEL_BACKEND",
        "DIRECT_ROUTING",
        "flannel_mtu",
        "flannel_bakend",
    }


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("flannel_bakend", "flannel_backend"),
        ("network_pod_cdir", "network_pod_cidr"),
        ("FLANNEL_BACKED", "FLANNEL_BACKEND"),
    ],
)
def test_a_mistyped_name_is_an_error_with_the_nearest_real_one(typo, meant):
    dummy, problems = resolve({**REQUIRED, typo: "x"})

    assert [found.variable for found in problems] == [typo]
    assert meant in problems[0].remedy


def test_names_that_are_not_settings_and_look_like_none_are_left_alone():
    others = {"network_observed": {}, "flannel_ver": "v0.22", "calico_rr_enabled": True, "ansible_host": "x", "foo": 1}

    assert resolve({**REQUIRED, **others})[1] == []


def test_allowed_names_are_no_mistakes():
    assert resolve({**REQUIRED, "flannel_images": []}, allow=["flannel_images"])[1] == []
    assert len(resolve({**REQUIRED, "flannel_images": []})[1]) == 1


def test_a_secret_is_never_shown():
    dummy, wrong = resolve({**REQUIRED, "flannel_wireguard_psk": ["hush"]})
    dummy, typo = resolve({**REQUIRED, "flannel_wireguard_psq": "hush"})

    assert [found.value for found in wrong + typo] == [HIDDEN, HIDDEN]
    assert "hush" not in "".join(str(found) for found in wrong + typo)


def test_every_name_is_there_once():
    names = [name for setting in SETTINGS for name in setting.names]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_default_is_a_value_that_an_operator_could_write(setting):
    if setting.default in (None, "", ()) or setting.required:
        return
    assert value(setting.name, setting.default) == setting.default


def test_an_empty_list_is_no_pod_network():
    dummy, problems = resolve({"CLUSTER_CIDR": []})
    assert [problem.variable for problem in problems] == ["network_pod_cidr"]
    assert "is not set, and there is no default" in str(problems[0])
