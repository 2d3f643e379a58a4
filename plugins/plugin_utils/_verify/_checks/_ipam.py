# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's IPAM: does every address it holds belong to a pod, and is every pod's address held?

Sources: libcalico-go/lib/backend/model/block.go (what a block holds), lib/ipam (affine and borrowed addresses),
kube-controllers/pkg/controllers/node/ipam.go (what its garbage collection frees, and when).
"""

from __future__ import annotations

from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import names
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._case import Case
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._finding import INFO, WARNING, Check, Findings
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import Scene

TOPIC = "IPAM"
_PODS = ("pods",)

LEAKED = Check("ipam-address-leaked", WARNING, "Every address that Calico holds for a pod is a pod's", _PODS)
UNHELD = Check("ipam-address-unheld", WARNING, "Calico holds the address of every pod", _PODS)
ORPHAN = Check("ipam-block-orphaned", WARNING, "Every block of Calico belongs to a Node that exists")
BORROWED = Check("ipam-address-borrowed", INFO, "Pods have addresses of their own node's blocks")

CHECKS = (LEAKED, UNHELD, ORPHAN, BORROWED)

YOUNG = 60.0
"""Seconds in which an address may be held for a pod that is only being made, or was only just ended."""


def survey(scene: Scene) -> Findings:
    """What the API server alone tells."""
    if not scene.backend.blocks:
        return
    for block in scene.cluster.ipam:
        if block.node is not None and block.node not in scene.cluster.members:
            hint = (
                "Delete what the Node left with calicoctl ipam check and release, or see why kube-controllers does not"
            )
            yield ORPHAN.found("", block.cidr, "the block of a Node", f"that of {block.node}, which is no Node", hint)
        borrowers = [one for one in block.held if one.node not in (None, block.node)]
        if block.node is not None and borrowers:
            shown = names(f"{one.address} for {one.pod} on {one.node}" for one in borrowers)
            hint = (
                "Give the pods a larger network: a node that finds no free block takes others' addresses, a route each"
            )
            yield BORROWED.found("", f"{block.cidr} of {block.node}", "its own pods' addresses", shown, hint)


def examine(case: Case) -> Findings:
    """What is held for a node's pods beside the pods it has."""
    if not case.backend.blocks or not case.scene.cluster.ipam or not case.view.told("pods"):
        return
    there = {address: pod.label for pod in case.facts.pods for address in pod.addresses}
    held = case.scene.held_on.get(case.name, {})
    for address, one in held.items():
        if address not in there and (one.age or 0) > YOUNG:
            hint = "kube-controllers frees it within a quarter of an hour; else release it with calicoctl ipam release"
            yield LEAKED.found(case.name, address, "a pod with this address", f"held for {one.pod}, no such pod", hint)
    for address in there.keys() - held.keys():
        if case.scene.in_a_block(address):
            hint = "Make the pod anew: Calico may give its address to another one"
            yield UNHELD.found(case.name, there[address], f"{address} is held for it", "nothing holds it", hint)
