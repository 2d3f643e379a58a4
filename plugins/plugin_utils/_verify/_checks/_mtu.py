# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MTU: does what pods send fit through the tunnel and the NIC?"""

from __future__ import annotations

from ansible_collections.switchyard.cni.plugins.module_utils._model import Pod
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import names
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._case import Case
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._finding import (
    INFO,
    WARNING,
    Check,
    Findings,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import Scene

TOPIC = "MTU"
_PODS = ("pods", "links")

POD_HIGH = Check("pod-mtu-high", WARNING, "No pod has a larger MTU than the tunnel and the NIC leave it", _PODS)
POD_LOW = Check("pod-mtu-low", INFO, "No pod has a smaller MTU than it could have", _PODS)
VETH = Check("veth-mtu-mismatch", WARNING, "Both ends of a pod's device have one MTU", _PODS)
BRIDGE = Check("bridge-mtu-low", WARNING, "The pods' bridge has at least the pods' MTU", ("links", "pods"))
CONFIG = Check("cni-mtu-wrong", WARNING, "The CNI configuration gives new pods the right MTU", ("cni", "links"))
NICS = Check("nic-mtu-differs", WARNING, "The NICs between the nodes have one MTU", ("links",))

CHECKS = (POD_HIGH, POD_LOW, VETH, BRIDGE, CONFIG, NICS)


def examine(case: Case) -> Findings:
    """The MTU of one node's pods."""
    wanted = case.pod_mtu
    if wanted is None:
        return
    if case.view.told("pods", "links"):
        for pod in case.facts.pods:
            yield from _pod(case, pod, wanted)
        yield from _bridge(case)
    if case.view.told("cni"):
        yield from _config(case, wanted)


def survey(scene: Scene) -> Findings:
    """The MTU of all NICs: where they differ, large packets between two nodes may not fit."""
    if scene.backend.reads_mtu and scene.intent.options.mtu is not None:
        return
    groups: dict[int, list[str]] = {}
    for view in scene.views:
        if view.endpoint is not None:
            groups.setdefault(view.endpoint.underlay.mtu, []).append(view.name)
    if len(groups) > 1:
        shown = "; ".join(f"{mtu} bytes: {names(members)}" for mtu, members in sorted(groups.items()))
        hint = f"Give all NICs one MTU, or declare {min(groups)} for the pod network"
        yield NICS.found("", "NICs", "one MTU", shown, hint)


def _pod(case: Case, pod: Pod, wanted: int) -> Findings:
    expected, actual = f"{wanted} bytes", f"{pod.mtu} bytes in {pod.ifname}"
    if pod.mtu > wanted:
        hint = "Make the pod anew: a pod keeps the MTU it was made with"
        yield POD_HIGH.found(case.name, f"pod {pod.label}", f"{expected} at most", actual, hint)
    elif pod.mtu < wanted:
        hint = "Make the pod anew when it suits: it works, with smaller packets than it could use"
        yield POD_LOW.found(case.name, f"pod {pod.label}", expected, actual, hint)
    if pod.host_mtu is not None and pod.host_mtu != pod.mtu:
        found = f"{pod.mtu} bytes inside, {pod.host_mtu} bytes at {pod.host_dev}"
        hint = f"Set both to {min(pod.mtu, pod.host_mtu)} bytes, or make the pod anew"
        yield VETH.found(case.name, f"pod {pod.label}", "one MTU at both ends", found, hint)


def _bridge(case: Case) -> Findings:
    bridge = case.links.get(case.backend.bridge or "")
    if bridge is None:
        return
    ports = {link.name for link in case.facts.links if link.master == bridge.name}
    largest = max((pod.mtu for pod in case.facts.pods if pod.host_dev in ports), default=0)
    if bridge.mtu < largest:
        hint = f"Make the pods anew so that all have one MTU, then: ip link set {bridge.name} mtu {case.pod_mtu}"
        yield BRIDGE.found(case.name, bridge.name, f"{largest} bytes or more", f"{bridge.mtu} bytes", hint)


def _config(case: Case, wanted: int) -> Findings:
    """Only a configuration that names an MTU can be wrong; flannel's plugin takes it from subnet.env."""
    configs = case.facts.cni.configs if case.facts.cni else ()
    for config in configs:
        if config.file == case.backend.cni_config and config.mtu not in (None, 0, wanted):
            hint = "Restart the agent, which writes the file anew; pods made until then keep the wrong MTU"
            yield CONFIG.found(case.name, config.file, f"{wanted} bytes", f"{config.mtu} bytes", hint)
