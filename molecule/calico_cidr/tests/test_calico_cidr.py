# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real Calico gets another pod network by one command, and the first one back: services answer all the time."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from testing import calico_runs, knocking, lab, migration, runs, seed
from testing.calico_runs import NONE, VXLAN

OLD, NEW = seed.POD_NETWORK, migration.SECOND
CALICO = {"network_plugin": "calico", "network_registry": "", "network_allow": "cidr,pods,naked-pods"}
DIRECT = {**CALICO, **NONE}
TUNNEL = {**CALICO, **VXLAN}
KILLED = [
    "Give the cluster what belongs to this step",
    "Deploy the selected plugin",
    "Batch 2 of 3",
    "Remove its IPPools, and what was given out of them",
    "Verify the network on this node",
]


@pytest.fixture(scope="module", autouse=True)
def workloads(pods) -> None:
    """The test pods, and one workload of each kind."""
    migration.start_workloads()


def must_be_in(network: IPv4Network) -> None:
    """All pods, tunnels, routes, kube-proxies and Calico's own objects know of this network and of no other."""
    (other,) = {OLD, NEW} - {network}
    for item in lab.objects("pods", "--all-namespaces"):
        if not item["spec"].get("hostNetwork") and item["status"]["phase"] == "Running":
            assert IPv4Address(item["status"]["podIP"]) in network, item["metadata"]["name"]
    for kind in ("ippools", "ipamblocks", "blockaffinities"):
        for item in lab.objects(f"{kind}.crd.projectcalico.org"):
            assert IPv4Network(item["spec"]["cidr"]).subnet_of(network), item["metadata"]["name"]
    for item in lab.objects("nodes"):
        tunnel = item["metadata"]["annotations"].get("projectcalico.org/IPv4VXLANTunnelAddr")
        assert tunnel is None or IPv4Address(tunnel) in network, item["metadata"]["name"]
    for node in seed.NODES:
        start = str(other).rpartition(".")[0].rpartition(".")[0] + "."
        assert start not in lab.on_node(node, "ip", "-4", "route"), node
        assert f"--cluster-cidr {network}" in lab.on_node(node, "ps", "-eo", "args"), node
    # There is no journal before the first change.
    journals = lab.objects("configmaps", "--namespace=kube-system", "--field-selector=metadata.name=switchyard-cni")
    assert journals == [] or lab.journal()["run"] is None


def into(network: IPv4Network, settings: dict[str, str]) -> dict[str, str]:
    """What an operator declares to have the pods there."""
    return {**settings, "network_pod_cidr": str(network)}


def said(settings: dict[str, str], before: IPv4Network, after: IPv4Network) -> str:
    """How a run calls the change."""
    name = calico_runs.label(VXLAN if settings is TUNNEL else NONE)
    return f"{name} in {before} to {name} in {after}"


def test_without_leave_it_is_refused_and_nothing_is_touched():
    before = runs.state_of()
    refused = runs.play("06.network.yml", **{**into(NEW, DIRECT), "network_allow": ""})
    assert refused.status != 0
    assert f"pods leave {OLD} for {NEW}: each of them is made anew, node by node" in refused.words
    assert "network_allow set to [cidr]" in refused.words
    assert runs.state_of() == before


@pytest.mark.parametrize("options", [["--check", "--diff"], []], ids=["a dry run", "the plan"])
def test_it_can_be_looked_at_without_changing_anything(options):
    before = runs.state_of()
    told = runs.play("06.network.yml" if options else "plan.yml", *options, **into(NEW, DIRECT)).must_succeed().words
    assert f"Switch: {said(DIRECT, OLD, NEW)}; cidr:" in told
    assert "give new pods and the tunnels addresses of the new network" in told
    assert "Order: k8s-node1; k8s-node2; k8s-master1." in told
    assert runs.state_of() == before
    must_be_in(OLD)


def test_every_pod_gets_an_address_of_the_new_network_while_the_service_answers():
    host = migration.pods_of("of-the-node")
    counted = migration.change(said(DIRECT, OLD, NEW), **into(NEW, DIRECT))
    migration.must_have_failed_nobody(counted)
    must_be_in(NEW)
    assert migration.pods_of("of-the-node").keys() == host.keys()
    calico_runs.must_be_routed("eth0", ["bird"], NEW)
    runs.play("06.network.yml", **into(NEW, DIRECT)).must_change_nothing()


def test_the_first_network_comes_back_by_a_rollback():
    with knocking.at(migration.service_address(), ["k8s-node1", "k8s-master1"]) as counted:
        runs.play("rollback.yml", **into(NEW, DIRECT)).must_succeed()
    migration.must_have_failed_nobody(counted)
    must_be_in(OLD)
    runs.play("06.network.yml", **into(OLD, DIRECT)).must_change_nothing()


def test_with_a_tunnel_between_all_nodes_the_tunnels_get_new_addresses_and_no_pod_loses_a_packet():
    runs.play("06.network.yml", **into(OLD, TUNNEL)).must_succeed()
    done = runs.play("06.network.yml", **into(NEW, TUNNEL)).must_succeed()
    assert f"{said(TUNNEL, OLD, NEW)}: done, and verified on every node that answers." in done.words
    calico_runs.must_have_lost_nothing(runs.measured(done, said(TUNNEL, OLD, NEW)))
    must_be_in(NEW)
    calico_runs.must_be_routed("vxlan.calico", ["boot"], NEW)


def test_wherever_a_run_is_killed_the_next_one_goes_on():
    for point in KILLED:
        runs.kill("06.network.yml", point, **into(OLD, TUNNEL))
    done = runs.play("06.network.yml", **into(OLD, TUNNEL)).must_succeed()
    assert f"{said(TUNNEL, NEW, OLD)}: done, and verified" in done.words
    must_be_in(OLD)


def test_from_between_two_nodes_the_operator_can_go_back():
    runs.kill("06.network.yml", "Batch 3 of 3", **into(NEW, TUNNEL))
    back = runs.play("rollback.yml", **into(NEW, TUNNEL)).must_succeed()
    assert "Begun:" in back.words
    must_be_in(OLD)
    runs.play("06.network.yml", **into(OLD, TUNNEL)).must_change_nothing()
