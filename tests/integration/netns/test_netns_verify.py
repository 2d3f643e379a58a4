# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verification on a real kernel: healthy clusters have no finding, and every fault that can be planted is named."""

from __future__ import annotations

import contextlib
import os

import calico_on_kernel
import flannel_on_kernel
import pytest
import verify_faults_calico
import verify_faults_flannel
import verify_faults_paths
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._checks import TOPICS
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._result import as_result
from planted import Stock, cannot_be_planted, lacks, prove, shown

from conftest import need

# The clusters of one kind beside each other: each is built when its first fault is planted.
CLUSTERS = {
    "vxlan": flannel_on_kernel.vxlan,
    "direct": flannel_on_kernel.direct,
    "direct-far": flannel_on_kernel.direct_far,
    "host-gw": flannel_on_kernel.host_gw,
    "udp": flannel_on_kernel.udp,
    "wireguard": flannel_on_kernel.wireguard,
    "bgp": calico_on_kernel.bgp,
    "calico-ipip": calico_on_kernel.ipip,
    "calico-vxlan": calico_on_kernel.vxlan_always,
    "calico-cross-subnet": calico_on_kernel.cross_subnet,
}
LABELS = {
    "vxlan": "vxlan",
    "direct": "vxlan + DirectRouting",
    "host-gw": "host-gw",
    "udp": "udp",
    "wireguard": "wireguard",
    "calico-ipip": "IPIP",
    "bgp": "no encapsulation (BGP)",
    "calico-vxlan": "VXLAN",
    "calico-cross-subnet": "VXLAN CrossSubnet",
}
KINDS = {"wireguard": "wireguard", "calico-ipip": "ipip"}
NO_FAULTS = verify_faults_flannel.NO_FAULTS
FAULTS = (*verify_faults_flannel.FAULTS, *verify_faults_paths.FAULTS, *verify_faults_calico.FAULTS)
CHECKS = {check.id for checks in TOPICS.values() for check in checks}


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    need("ip", "bridge", "nft", "iptables-nft", "ipset")
    clusters = Stock(CLUSTERS, tmp_path_factory.mktemp)
    yield clusters
    clusters.close()


@pytest.fixture
def borrow(stock):
    """Borrows a cluster, or skips what this machine's kernel has no devices for."""

    def borrowed(name):
        reason = lacks(KINDS.get(name))
        return pytest.skip(reason) if reason else stock.borrow(name)

    return borrowed


# ---- healthy clusters


@pytest.mark.parametrize("mode", ["sample", "all"])
@pytest.mark.parametrize("name", CLUSTERS)
def test_a_healthy_cluster_has_no_finding_and_no_gap(borrow, name, mode):
    with borrow(name) as cluster:
        verification = cluster.verify(mode)
        assert shown(verification) == []
        assert all(outcome.reachable for outcome in verification.probed.outcomes)
        skipped = {ran.topic for ran in verification.checks if ran.status == "skipped"}
        assert skipped == (set() if verification.scene.cluster.calico else {"BGP"})


@pytest.mark.parametrize("mode", ["none", "sample"])
def test_a_healthy_cluster_of_two_families_has_no_finding(stock, tmp_path, mode):
    with contextlib.closing(flannel_on_kernel.dual_stack(tmp_path)) as cluster:
        assert shown(cluster.verify(mode)) == []


@pytest.mark.parametrize(("name", "label"), LABELS.items(), ids=LABELS)
def test_a_cluster_that_nobody_has_declared_is_recognised_and_has_no_finding(borrow, name, label):
    with borrow(name) as cluster:
        memory = cluster.remember()
        cluster.settings.clear()
        verification = cluster.verify()
        cluster.bring_back(memory)
        assert shown(verification) == []
        assert verification.scene.backend.label == label


@pytest.mark.parametrize(("change", "undo"), NO_FAULTS.values(), ids=NO_FAULTS)
def test_what_is_somebody_elses_is_no_finding(stock, change, undo):
    with stock.borrow("vxlan") as cluster:
        memory = cluster.remember()
        change(cluster)
        assert shown(cluster.verify()) == []
        cluster.bring_back(memory)
        undo(cluster)
        assert shown(cluster.verify()) == []


# ---- the seed's paths


def paths(cluster):
    """The hops and the class of each path between pods of different nodes, by its ends."""
    options = {"collection": "0", "created": "", "fail_on": "error", "declared": True, "settings": {}}
    told = as_result(cluster.verify("all"), **options)["paths"]
    return {
        (one["source"]["address"], one["target"]["address"]): (one["hops"], one["class"])
        for one in told
        if one["kind"] == "pod" and one["source"]["node"] != one["target"]["node"]
    }


SEED = [
    ("vxlan", ["172.50.2.1", "172.50.1.0", "172.50.1.3"], "tunnel"),
    ("direct", ["172.50.2.1", "192.168.7.111", "172.50.1.3"], "node"),
    ("bgp", ["192.168.7.110", "192.168.7.111", "172.50.170.192"], "node"),
    ("calico-ipip", ["192.168.7.110", "172.50.170.192", "172.50.170.207"], "tunnel"),
]


@pytest.mark.parametrize(("name", "hops", "way"), SEED, ids=[case[0] for case in SEED])
def test_the_seeds_traceroutes(borrow, name, hops, way):
    """From a pod on 192.168.7.110 to one on 192.168.7.111, as the seed shows them."""
    source = {"bgp": "172.50.120.1", "calico-ipip": "172.50.120.14"}.get(name, "172.50.2.3")
    with borrow(name) as cluster:
        found = {target: told for (start, target), told in paths(cluster).items() if start == source}
        assert found[hops[-1]] == (hops, way)


# ---- faults


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_is_found_and_named_and_gone_when_it_is_healed(stock, fault):
    reason = cannot_be_planted(fault)
    if reason is not None:
        pytest.skip(reason)
    with stock.borrow(fault.cluster) as cluster:
        prove(cluster, fault)


def test_every_check_has_a_planted_fault_and_no_fault_is_of_a_check_that_is_gone():
    assert {fault.id for fault in FAULTS} == CHECKS
    implied = {one for fault in FAULTS for one, dummy in fault.implies}
    assert implied <= CHECKS


def test_no_two_faults_have_one_name():
    names = [str(fault) for fault in FAULTS]
    assert sorted(set(names)) == sorted(names)
