# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""flannel without Kubernetes: its configuration and leases in etcd, its agent a systemd unit."""

from __future__ import annotations

import pytest
from testing import lab, seed

testinfra_hosts = seed.HOSTS


def test_the_network_configuration_is_in_etcd(mode):
    config = lab.etcd_values("/coreos.com/network/config")["/coreos.com/network/config"]
    assert (config["Network"], config["Backend"]["Type"]) == (str(seed.POD_NETWORK), mode.backend)


def test_every_node_has_leased_a_subnet_of_its_own():
    leased = lab.leases()
    assert set(leased) == set(seed.NODES)
    assert len({subnet for subnet, dummy in leased.values()}) == len(seed.NODES)
    assert all(subnet.subnet_of(seed.POD_NETWORK) for subnet, dummy in leased.values())


def test_flanneld_is_a_unit_that_comes_back_at_boot(host):
    unit = host.service("flanneld")
    assert unit.is_running
    assert unit.is_enabled


def test_the_cluster_knows_nothing_of_flannel():
    assert lab.objects("daemonsets", "--all-namespaces", "--selector=app=flannel") == []
    assert "kube-flannel" not in [item["metadata"]["name"] for item in lab.objects("namespaces")]


@pytest.mark.usefixtures("pods")
def test_a_restarted_flanneld_keeps_its_lease_and_its_peers(host, node, mode, subnets):
    host.check_output("systemctl restart flanneld")
    assert {name: subnet for name, (subnet, dummy) in lab.leases().items()} == subnets
    assert lab.pod_routes(node) == mode.routes(node, subnets)
