# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The expected tables of all nodes: what each one must have, by digest and by row, in linear time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils import _tables
from ansible_collections.switchyard.cni.plugins.module_utils._backends import BACKENDS
from ansible_collections.switchyard.cni.plugins.module_utils._backends._base import BackendOptions
from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import Endpoint, Underlay, networks
from ansible_collections.switchyard.cni.plugins.module_utils._model import Route
from ansible_collections.switchyard.cni.plugins.plugin_utils._expect import ExpectedTable

EVERY = pytest.mark.parametrize("backend", BACKENDS, ids=lambda one: f"{one.plugin} {one.label}")
WHAT = pytest.mark.parametrize("what", ["pod_routes", "neighbours", "fdb"])
GATEWAY = Route("0.0.0.0/0", "192.168.0.254", "eth0")


class Net:
    """The part of an intent that a backend reads."""

    pod_cidrs = networks(["172.50.0.0/16"])
    options = BackendOptions()
    ip_masq = True


def endpoints(size, sites=2, **changes):
    """Nodes on several layer-2 networks, as their agents have announced them."""
    return [
        replace(
            Endpoint(
                f"node{number}",
                networks([f"172.50.{number}.0/24"]),
                Underlay("eth0", 1500, ((f"192.168.{number % sites * 8}.{number + 1}", 21),)),
                table=(GATEWAY,),
                macs=((4, f"0a:00:00:00:00:{number:02x}"),),
                tunnel_ips=(f"172.50.{number}.0",),
            ),
            **changes,
        )
        for number in range(size)
    ]


def table(backend, what, peers):
    return ExpectedTable(backend, what, peers, Net())


def directly(backend, what):
    return {"pod_routes": backend.routes, "neighbours": backend.neighbours, "fdb": backend.fdb}[what]


@EVERY
@WHAT
def test_a_nodes_table_is_what_its_backend_makes_of_its_peers(backend, what):
    peers = endpoints(6)
    expected = table(backend, what, peers)
    for node in peers:
        entries = directly(backend, what)(node, peers, Net())
        rows = {entry.row for entry in entries}
        assert set(expected.entries(node)) == rows
        assert expected.digest(node).count == len(rows)
        assert expected.digest(node).digest == _tables.digest(rows)


@EVERY
def test_the_order_of_the_peers_does_not_matter(backend):
    peers = endpoints(5)
    there, back = (table(backend, "pod_routes", order) for order in (peers, peers[::-1]))
    assert [there.digest(node) for node in peers] == [back.digest(node) for node in peers]


def test_a_digest_differs_when_one_peer_has_moved():
    backend = next(one for one in BACKENDS if one.label == "host-gw")
    peers = endpoints(4)
    moved = [replace(node, public_ips=("192.168.7.99",)) if node is peers[3] else node for node in peers]
    right, wrong = table(backend, "pod_routes", peers), table(backend, "pod_routes", moved)
    assert wrong.digest(peers[0]) != right.digest(peers[0])
    assert wrong.digest(peers[3]) == right.digest(peers[3])


@EVERY
def test_entries_name_the_peer_they_lead_to(backend):
    peers = endpoints(4)
    for entry in table(backend, "pod_routes", peers).entries(peers[0]).values():
        assert entry.peer in {"node1", "node2", "node3"} or entry.dst == "172.50.0.0/16"


class CountingBackend:
    """A real backend that counts the pairs of viewer and peer it was asked about."""

    def __init__(self, backend):
        self.backend, self.pairs = backend, 0

    def __getattr__(self, name):
        return getattr(self.backend, name)

    def routes(self, viewer, peers, network):
        self.pairs += len(peers)
        return self.backend.routes(viewer, peers, network)


@EVERY
def test_the_work_is_linear_in_the_nodes_whatever_else_they_route(backend):
    own = [
        replace(node, table=(GATEWAY, Route(f"10.9.{number}.0/24", f"192.168.7.{number}", "eth1")))
        for number, node in enumerate(endpoints(60, sites=1))
    ]
    counting = CountingBackend(backend)
    expected = ExpectedTable(counting, "pod_routes", own, Net())
    for node in own:
        expected.digest(node)
    assert counting.pairs == len(own)


def test_a_route_that_does_matter_makes_another_kind_of_node():
    backend = next(one for one in BACKENDS if one.label == "vxlan + DirectRouting")
    plain, special = peers = endpoints(3, sites=1)[:2]
    special = replace(special, table=(GATEWAY, Route("192.168.0.1/32", "192.168.0.254", "eth0")))
    expected = table(backend, "pod_routes", peers)
    assert [str(one) for one in expected.entries(plain).values()] == ["172.50.1.0/24 via 192.168.0.2 dev eth0"]
    assert [str(one) for one in expected.entries(special).values()] == [
        "172.50.0.0/24 via 172.50.0.0 dev flannel.1 onlink"
    ]
