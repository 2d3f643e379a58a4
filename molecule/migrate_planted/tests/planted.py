# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster whose pods live in Calico's network, without Calico: objects of the role, and the rest planted."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from testing import lab, migration, runs, seed

SCRIPT = Path(migration.FILES) / "plant-calico"
CALICO = {
    "network_plugin": "calico",
    "network_registry": "",
    "calico_vxlan_mode": "Always",
    "calico_networking_backend": "vxlan",
    "calico_image_node": "lab/calico-node:of-nobody",
    "calico_image_cni": "lab/calico-cni:of-nobody",
    "calico_image_kube_controllers": "lab/calico-kube-controllers:of-nobody",
    "calico_wait_timeout": "3",
}
NUMBERS = {name: number for number, name in enumerate(seed.NODES, start=1)}


def plant() -> None:
    """Give the cluster Calico's objects, and nodes and API server what its agents would write."""
    failed = runs.play("06.network.yml", **CALICO, network_pod_cidr=str(migration.SECOND))
    assert failed.status != 0, "Calico without any image cannot be ready"
    assert "of-nobody" in failed.words, failed.output
    for name, node in seed.NODES.items():
        others = [word for peer, number in NUMBERS.items() if peer != name for word in _words(peer, number)]
        text = SCRIPT.read_text(encoding="utf-8")
        lab.on_node(name, "sh", "-c", text, "plant-calico", str(NUMBERS[name]), node.address, *others)
        _announce(name, node)
    _apply([item for name, number in NUMBERS.items() for item in _ipam(name, number)])
    lab.eventually(lab.is_ready, 60, "every node is Ready with the planted network")


def _words(name: str, number: int) -> list[str]:
    return [str(number), seed.NODES[name].address]


def _announce(name: str, node: seed.Node) -> None:
    number = NUMBERS[name]
    notes = {
        "IPv4Address": f"{node.address}/21",
        "IPv4VXLANTunnelAddr": f"172.60.{number}.0",
        "VXLANTunnelMACAddr": f"66:00:00:00:00:0{number}",
    }
    words = [f"projectcalico.org/{key}={value}" for key, value in notes.items()]
    lab.kubectl("annotate", "node", name, "--overwrite", *words)


def _ipam(name: str, number: int) -> list[dict[str, object]]:
    """A block, whose it is, and the handle of an address that its pod has left behind."""
    cidr = f"172.60.{number}.0/26"
    version = "crd.projectcalico.org/v1"
    block = {
        "cidr": cidr,
        "affinity": f"host:{name}",
        "strictAffinity": False,
        "allocations": [None] * 64,
        "unallocated": list(range(64)),
        "attributes": [],
        "deleted": False,
    }
    affinity = {"cidr": cidr, "node": name, "state": "confirmed", "deleted": "false"}
    kinds = {
        "IPAMBlock": (f"172-60-{number}-0-26", block),
        "BlockAffinity": (f"{name}-172-60-{number}-0-26", affinity),
        "IPAMHandle": (f"k8s-pod-network.{name}", {"handleID": f"k8s-pod-network.{name}", "block": {cidr: 1}}),
    }
    return [
        {"apiVersion": version, "kind": kind, "metadata": {"name": about}, "spec": spec}
        for kind, (about, spec) in kinds.items()
    ]


def _apply(items: list[dict[str, object]]) -> None:
    objects = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    argv = [*lab.KUBECTL, "apply", "--server-side", "--filename=-"]
    done = subprocess.run(argv, input=objects, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
