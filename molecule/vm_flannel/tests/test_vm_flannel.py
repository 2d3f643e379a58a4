# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""flannel's ipip and wireguard on kernels that have them: deployed, changed live, and gone without a reboot."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise

import pytest
from testing import capture, lab, runs, seed

LONG = os.environ.get("SWITCHYARD_LONG") == "1"
WIREGUARD_PORT = 51820  # flannel's default, Documentation/backends.md
SECRET = "switchyard-in-the-clear"


@dataclass(frozen=True)
class Backend:
    """What a backend looks like on a node with Debian's kernel."""

    device: str
    # In bytes; the nodes' NICs have 1500.
    mtu: int
    # What a node puts between its address and another one's: IP protocol and, for UDP, port.
    on_the_wire: str
    # Whether an outsider can read what pods say.
    readable: bool = True

    def route(self, peer: seed.Node) -> seed.Route:
        """Return the route to the pods of another node; WireGuard has one for all, and peers by their keys."""
        if self.device == "flannel-wg":
            return seed.Route(str(seed.POD_NETWORK), None, self.device)
        gateways = {"flannel.1": str(peer.pod_cidr.network_address), "flannel.ipip": peer.address}
        return seed.Route(str(peer.pod_cidr), gateways[self.device], self.device, onlink=True)


BACKENDS = {
    "ipip": Backend("flannel.ipip", 1480, "4"),
    "vxlan": Backend("flannel.1", 1450, "17/8472"),
    "wireguard": Backend("flannel-wg", 1420, f"17/{WIREGUARD_PORT}", readable=False),
}
# Pods are made under wireguard, which leaves them the smallest MTU: none has to be made anew afterwards.
THERE = list(pairwise(["wireguard", "vxlan", "ipip"]))
BACK = list(pairwise(["ipip", "vxlan", "wireguard"]))


@pytest.fixture(scope="module", autouse=True)
def booted() -> dict[str, str]:
    """When each node was booted: nothing here needs a reboot."""
    return lab.boots()


def must_carry(name: str, pods: list[lab.Pod]) -> None:
    """Fail unless every node has this backend's device and routes, no other's, and all pods reach each other."""
    backend = BACKENDS[name]
    for node in seed.NODES.values():
        found = lab.links(node.name)
        assert {link for link in found if link.startswith("flannel")} == {backend.device}
        assert found[backend.device]["mtu"] == backend.mtu
        own = seed.Route(str(node.pod_cidr), None, "cni0")
        peers = {backend.route(peer) for peer in seed.NODES.values() if peer != node}
        assert lab.pod_routes(node.name) == {own, *peers}
    assert lab.unreachable_pairs(pods) == []


def must_be_seen_as(name: str, pods: list[lab.Pod]) -> None:
    """Fail unless an outsider sees this backend's packets, and can read them or not as it is meant."""
    backend, seen = BACKENDS[name], capture.question(pods, SECRET)
    assert seen.kinds[backend.on_the_wire] > 5, seen
    assert (seen.readable > 0) is backend.readable, seen


def test_wireguard_is_deployed_verified_and_shows_an_outsider_nothing(pods):
    must_carry("wireguard", pods)
    must_be_seen_as("wireguard", pods)
    runs.play("verify.yml", flannel_backend="wireguard").must_succeed()


@pytest.mark.parametrize(("before", "after"), THERE, ids=[" to ".join(change) for change in THERE])
def test_a_backend_becomes_another_live(before, after, pods, booted):
    must_become(before, after, pods)
    assert lab.boots() == booted


@pytest.mark.slow
def test_a_firewall_that_drops_the_tunnels_protocol_is_found():
    rule = ["INPUT", "-p", "4", "-j", "DROP"]
    try:
        lab.on_node("k8s-vm2", "iptables", "-I", *rule)
        told = runs.play("verify.yml", flannel_backend="ipip")
    finally:
        lab.on_node("k8s-vm2", "iptables", "-D", *rule)
    assert told.status != 0
    assert "pod-unreachable" in told.words
    assert "Let IP protocol 4 (ipip) pass between the nodes" in told.words


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), BACK, ids=[" to ".join(change) for change in BACK])
def test_and_back(before, after, pods, booted):
    must_become(before, after, pods)
    assert lab.boots() == booted


def must_become(before: str, after: str, pods: list[lab.Pod]) -> None:
    """Change the backend under running pods."""
    done = runs.play("06.network.yml", flannel_backend=after).must_succeed()
    assert f"flannel {before} to flannel {after}: done, and verified on every node that answers." in done.words
    counted = runs.measured(done, f"flannel {before} to {after}")
    assert int(counted["sent"]) > 500
    assert counted["broken"] == "0"
    assert lab.running_pods() == pods
    must_carry(after, pods)
    must_be_seen_as(after, pods)


def test_nothing_is_left_after_a_clean_and_no_node_was_booted(booted):
    backend = "wireguard" if LONG else "ipip"
    runs.play("99.clean.yml", flannel_backend=backend, clean_confirmed="true").must_succeed()
    for node in seed.NODES:
        assert {name for name in lab.links(node) if name.startswith(("flannel", "cni"))} == set()
        assert lab.pod_routes(node) == set()
        # The module ipip brings it: a link without an address carries nothing.
        tunnel = lab.links(node).get("tunl0")
        assert tunnel is None or (tunnel["addr_info"], "UP" in tunnel["flags"]) == ([], False)
    assert lab.boots() == booted
