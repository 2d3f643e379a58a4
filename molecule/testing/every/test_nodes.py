# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each node's files and kernel tables, whatever carries the packets."""

from __future__ import annotations

import json

import pytest
from testing import lab, seed

testinfra_hosts = seed.HOSTS

pytestmark = pytest.mark.usefixtures("pods")


def test_subnet_env_says_what_the_cni_plugin_needs(host, node, mode, subnets):
    lines = host.file("/run/flannel/subnet.env").content_string.splitlines()
    assert dict(line.split("=", 1) for line in lines) == seed.subnet_env(mode, subnets[node])


def test_cni0_has_the_first_address_of_the_nodes_subnet(host, node, subnets):
    assert host.interface("cni0", "inet").addresses[0] == str(subnets[node][1])


def test_cni0_has_the_pods_mtu(node, mode):
    assert lab.links(node)["cni0"]["mtu"] == mode.mtu


def test_flanneld_made_the_backends_devices_and_no_others(node, mode):
    assert {name for name in lab.links(node) if name.startswith("flannel")} == set(mode.devices)


def test_routes_into_the_pod_network_are_the_modes_and_no_others(node, mode, subnets):
    assert lab.pod_routes(node) == mode.routes(node, subnets)


def test_the_tunnels_forwarding_table_has_each_peers_announced_mac_and_address(host, node, mode, announced):
    rows = _rows(host, "bridge -j fdb show", mode)
    assert {(row["mac"], row["dst"]) for row in rows if "dst" in row} == {
        (vtep.mac, vtep.public_ip) for vtep in _tunnel_peers(mode, node, announced).values()
    }


def test_the_tunnels_neighbours_are_the_peers_subnets_and_permanent(host, node, mode, announced, subnets):
    rows = _rows(host, "ip -j neigh show", mode)
    assert {(row["dst"], row["lladdr"]) for row in rows if row["state"] == ["PERMANENT"]} == {
        (str(subnets[peer].network_address), vtep.mac) for peer, vtep in _tunnel_peers(mode, node, announced).items()
    }


def test_the_nodes_own_end_of_the_tunnel_is_the_announced_one(node, mode, announced):
    assert announced[node].public_ip == seed.NODES[node].address
    assert announced[node].mac == lab.links(node).get("flannel.1", {}).get("address")


def _rows(host, command: str, mode: seed.Mode) -> list[dict]:
    """The rows of a table of the tunnel device; none where the mode has no such device."""
    if "flannel.1" not in mode.devices:
        return []
    return json.loads(host.check_output(f"{command} dev flannel.1") or "[]")


def _tunnel_peers(mode: seed.Mode, node: str, announced: dict[str, lab.Vtep]) -> dict[str, lab.Vtep]:
    """The peers this node sends to through its tunnel: none where the packets go to the nodes directly."""
    return {peer: vtep for peer, vtep in announced.items() if mode.carrier == "tunnel" and peer != node}


def test_the_cni_plugin_keeps_its_delegates_configuration_for_each_pod(host, node, mode, subnets, pods):
    kept = host.file("/var/lib/cni/flannel").listdir()
    assert len(kept) == sum(pod.node == node for pod in pods)
    for container in kept:
        stored = json.loads(host.file(f"/var/lib/cni/flannel/{container}").content_string)
        stored.pop("cniVersion")
        assert stored == seed.delegate(mode, subnets[node])


def test_that_configuration_is_filed_by_the_id_of_a_running_sandbox(host):
    running = host.check_output("ctr --namespace k8s.io tasks list --quiet").split()
    assert set(host.file("/var/lib/cni/flannel").listdir()) <= set(running)


def test_the_node_reaches_every_pod(host, pods):
    silent = [pod.address for pod in pods if host.run(f"ping -c 1 -W 2 {pod.address}").rc != 0]
    assert silent == []
