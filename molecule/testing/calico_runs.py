# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of a real Calico: the operator's command, what the meter has counted, and what the kernels show."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network

from . import lab, runs, seed

NONE = {"calico_ipip_mode": "off"}
IPIP = {"calico_ipip_mode": "Always"}
IPIP_NEAR = {"calico_ipip_mode": "CrossSubnet"}
VXLAN = {"calico_vxlan_mode": "Always"}
VXLAN_NEAR = {"calico_vxlan_mode": "CrossSubnet"}
SECRET = {**NONE, "calico_wireguard": "true"}
REFLECTED = {**NONE, "calico_route_reflectors": "k8s-node1,k8s-node2"}
LABELS = {
    tuple(NONE.items()): "no encapsulation (BGP)",
    tuple(REFLECTED.items()): "no encapsulation (BGP)",
    tuple(SECRET.items()): "no encapsulation (BGP), encrypted by WireGuard",
    tuple(IPIP.items()): "IPIP",
    tuple(IPIP_NEAR.items()): "IPIP CrossSubnet",
    tuple(VXLAN.items()): "VXLAN",
    tuple(VXLAN_NEAR.items()): "VXLAN CrossSubnet",
}


def label(settings: Mapping[str, str]) -> str:
    """Return how people call what some settings declare."""
    return f"calico {LABELS[tuple(settings.items())]}"


def play(playbook: str, settings: Mapping[str, str], *options: str, **more: str) -> runs.Run:
    """Run the operator's command with Calico declared, whose images come with the caller and out of no registry."""
    return runs.play(playbook, *options, network_plugin="calico", network_registry="", **settings, **more)


def change(before: Mapping[str, str], after: Mapping[str, str], **more: str) -> dict[str, str]:
    """Change the encapsulation; return what the meter has counted of it."""
    done = play("06.network.yml", after, **{"network_allow": "pods", **more}).must_succeed()
    assert f"{label(before)} to {label(after)}: done, and verified on every node that answers." in done.words
    counted = runs.measured(done, f"{label(before)} to {label(after)}")
    # Shown with `pytest -s`, and kept in the JUnit report: what a scenario is run for.
    print(f"{label(before)} to {label(after)}: {counted}")
    return counted


def must_have_lost_nothing(counted: Mapping[str, str]) -> None:
    """Fail where a packet or a connection was lost, or where nothing was measured."""
    assert int(counted["sent"]) > 500 * int(counted["pairs"]), counted
    assert (counted["lost"], counted["broken"]) == ("0", "0"), counted


def routes(node: str, network: IPv4Network = seed.POD_NETWORK) -> list[dict[str, str]]:
    """Return a node's routes to the pods of other nodes: device, gateway and who has written them."""
    rows = json.loads(lab.on_node(node, "ip", "-j", "-4", "route", "show", "table", "main"))
    return [
        {"dev": row["dev"], "gateway": row["gateway"], "by": row.get("protocol", "boot")}
        for row in rows
        if "gateway" in row and row["dst"] != "default" and IPv4Network(row["dst"]).subnet_of(network)
    ]


def must_be_routed(dev: str, by: Sequence[str], network: IPv4Network = seed.POD_NETWORK) -> None:
    """Fail unless every node reaches the others' pods over this device, as written by one of these."""
    for node in seed.NODES:
        found = routes(node, network)
        assert len(found) >= len(seed.NODES) - 1, (node, found)
        assert {row["dev"] for row in found} == {dev}, (node, found)
        assert {row["by"] for row in found} <= set(by), (node, found)


def second_hop(source: lab.Pod, target: lab.Pod) -> str:
    """Return the second address on the way between two pods, as the original cluster's traceroutes show it."""
    rows = source.run("traceroute", "-n", "-w", "1", "-q", "1", target.address).splitlines()[1:]
    return rows[1].split()[1]


def leftovers() -> list[str]:
    """Return what is in the cluster of the IPPool that was there for the way only."""
    found = []
    for kind in ("ippools", "ipamblocks", "blockaffinities"):
        items = lab.objects(f"{kind}.crd.projectcalico.org")
        found += [item["metadata"]["name"] for item in items if item["spec"]["cidr"].startswith("198.18.")]
    return found
