# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preflight refuses what cannot work, says everything at once, and touches nothing."""

from __future__ import annotations

import re

import pytest
from testing import lab, runs, seed

KERNEL = {"ipip": "CONFIG_NET_IPIP", "wireguard": "CONFIG_WIREGUARD"}
CONTRADICTIONS = {
    "two names of a setting, a bad value, a mistyped name, overlapping networks": (
        {
            "FLANNEL_BACKEND": "host-gw",
            "flannel_vni": "many",
            "flannel_direct_rooting": "true",
            "network_pod_cidr": "192.168.0.0/18",
            "network_service_cidr": "192.168.32.0/20",
        },
        {
            "flannel_backend": "sets the same thing to another value",
            "flannel_vni": "whole number",
            "flannel_direct_rooting": "there is no such setting",
            "network_pod_cidr": "overlaps 192.168.0.0/21 of the device eth0",
            "network_pod_cidr = 192.168.0.0/18": "overlaps the service network 192.168.32.0/20",
        },
    ),
    "an unknown backend, one device selected twice": (
        {"flannel_backend": "vxlam", "flannel_iface": "eth0", "flannel_iface_can_reach": "192.168.7.101"},
        {"flannel_backend": "vxlan, host-gw, udp, wireguard, ipip", "flannel_iface": "also selects the device"},
    ),
    "an MTU above the NIC's, a pod network that is too small and not the cluster's": (
        {"flannel_mtu": "9000", "network_pod_cidr": "172.50.0.0/23"},
        {"flannel_mtu": "above the 1500 bytes of eth0", "network_pod_cidr": "has room for 2 nodes"},
    ),
    "an IPv6 pod network with a backend for IPv4": (
        {"flannel_backend": "udp", "network_pod_cidr": "172.50.0.0/16,fd00:50::/48"},
        {"network_pod_cidr": "has an IPv6 network, which the backend udp cannot carry"},
    ),
}


@pytest.fixture(scope="module", autouse=True)
def nothing_is_touched():
    """Every node and the cluster are the same after all refusals as before them."""
    before = runs.state_of(), _names("namespaces"), _names("nodes")
    yield
    assert (runs.state_of(), _names("namespaces"), _names("nodes")) == before


def _names(kind: str) -> list[tuple[str, object]]:
    """Names with annotations: a plugin's first trace in the API."""
    return [(item["metadata"]["name"], item["metadata"].get("annotations")) for item in lab.objects(kind)]


@pytest.mark.parametrize("backend", KERNEL)
def test_a_backend_that_the_kernel_lacks_is_refused_with_the_kernels_option(backend):
    refused = _refused(flannel_backend=backend)
    assert KERNEL[backend] in refused.words
    assert all(node in refused.words for node in seed.NODES)


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_wrong_inventory_gets_all_its_errors_at_once(name):
    settings, expected = CONTRADICTIONS[name]
    refused = _refused(**settings)
    problems = _problems(refused)
    for variable, reason in expected.items():
        assert any(line.startswith(variable) and reason in line for line in problems), f"{variable}\n{refused.output}"


@pytest.mark.parametrize("playbook", ["prepare.yml", "plan.yml"])
def test_the_other_playbooks_refuse_it_too(playbook):
    refused = runs.play(playbook, flannel_backend="ipip")
    assert refused.status != 0
    assert "CONFIG_NET_IPIP" in refused.words


def test_strings_of_an_ini_inventory_are_understood():
    planned = runs.play("plan.yml", flannel_direct_routing="off", flannel_mtu="1450", DIRECT_ROUTING="false")
    assert planned.must_change_nothing()


def _refused(**settings: str) -> runs.Run:
    refused = runs.play("06.network.yml", **settings)
    assert refused.status != 0, refused.output
    assert "Nothing has been changed" in refused.words
    assert set(refused.changed.values()) <= {0}
    return refused


def _problems(refused: runs.Run) -> list[str]:
    """The numbered problems of the message: variable, value, reason and remedy."""
    return re.findall(r"^\s*\d+\. (\w+.*: .*\. .*)$", refused.output, re.MULTILINE)
