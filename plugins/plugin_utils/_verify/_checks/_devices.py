# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices: are the tunnel and the bridge there, as the declared backend makes them?"""

from __future__ import annotations

from ansible_collections.switchyard.cni.plugins.module_utils._model import Address, Link, Vxlan
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._case import Case
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._finding import (
    ERROR,
    WARNING,
    Check,
    Finding,
    Findings,
)

TOPIC = "devices"
_LINKS = ("links",)
_BOTH = ("links", "addresses")

MISSING = Check("device-missing", ERROR, "The backend's devices are there", _LINKS)
DOWN = Check("device-down", ERROR, "The backend's devices are up", _LINKS)
KIND = Check("device-wrong-kind", ERROR, "The backend's devices are of the right kind", _LINKS)
MTU = Check("device-wrong-mtu", ERROR, "The backend's devices have the MTU that the NIC leaves", _LINKS)
ADDRESS = Check("device-wrong-address", ERROR, "The tunnel device holds its own address and no other", _BOTH)
VNI = Check("vxlan-wrong-vni", ERROR, "The VXLAN device has the declared VNI", _LINKS)
PORT = Check("vxlan-wrong-port", ERROR, "The VXLAN device uses the declared UDP port", _LINKS)
LOCAL = Check("vxlan-wrong-local", ERROR, "The VXLAN device sends from the node's announced address", _LINKS)
PARENT = Check("vxlan-wrong-parent", WARNING, "The VXLAN device stands on the device between the nodes", _LINKS)
LEARNING = Check("vxlan-learning", WARNING, "The VXLAN device learns addresses only where that is declared", _LINKS)
MAC = Check("vtep-mac-unannounced", ERROR, "The VTEP has the MAC address that the node has announced", _LINKS)
BRIDGE = Check("bridge-wrong-address", ERROR, "The pods' bridge holds the first address of the node's subnet", _BOTH)

CHECKS = (MISSING, DOWN, KIND, MTU, ADDRESS, VNI, PORT, LOCAL, PARENT, LEARNING, MAC, BRIDGE)


def examine(case: Case) -> Findings:
    """The devices of one node."""
    if not case.view.told("links") or case.endpoint is None:
        return
    for expected in case.expected_links:
        actual = case.links.get(expected.name)
        if actual is None:
            yield _missing(case, expected)
            continue
        yield from _link(case, expected, actual)
    if case.view.told("addresses"):
        yield from _addresses(case)
        yield from _bridge(case)


def _missing(case: Case, expected: Link) -> Finding:
    hint = f"Restart {case.backend.plugin}'s agent on {case.name}: it makes its devices when it starts"
    return MISSING.found(case.name, expected.name, f"a device {expected.name}", "no such device", hint)


def _link(case: Case, expected: Link, actual: Link) -> Findings:
    again = f"Restart {case.backend.plugin}'s agent on {case.name}"
    if actual.state == "down":
        hint = f"Find out who took it down, then: ip link set {actual.name} up; routes over it must be made again"
        yield DOWN.found(case.name, actual.name, "up", "down", hint)
    if expected.kind is not None and actual.kind != expected.kind:
        hint = f"Delete the device and restart {case.backend.plugin}'s agent, which makes it anew"
        yield KIND.found(case.name, actual.name, expected.kind, actual.kind or "no virtual device", hint)
        return
    if actual.mtu != expected.mtu:
        hint = f"An agent keeps the MTU of a device that is there: delete {actual.name} and restart the agent at once"
        yield MTU.found(case.name, actual.name, f"{expected.mtu} bytes", f"{actual.mtu} bytes", hint)
    if expected.vxlan is not None and actual.vxlan is not None:
        yield from _vxlan(case, actual.name, expected.vxlan, actual.vxlan, again)
        yield from _mac(case, expected, actual, again)


def _vxlan(case: Case, name: str, expected: Vxlan, actual: Vxlan, again: str) -> Findings:
    for check, what, wanted, found in (
        (VNI, "VNI {}", expected.vni, actual.vni),
        (PORT, "UDP port {}", expected.port, actual.port),
        (LOCAL, "local address {}", expected.local, actual.local),
        (PARENT, "over the device {}", expected.dev, actual.dev),
    ):
        if wanted is not None and wanted != found:
            yield check.found(case.name, name, what.format(wanted), what.format(found), again)
    if expected.learning is not None and actual.learning != expected.learning:
        words = {True: "learning", False: "nolearning", None: "unknown"}
        hint = (
            f"ip link set {name} type vxlan {words[expected.learning]}: an agent keeps a device that is there as it is"
        )
        yield LEARNING.found(case.name, name, words[expected.learning], words[actual.learning], hint)


def _mac(case: Case, expected: Link, actual: Link, again: str) -> Findings:
    """Peers send to the MAC address that was announced; the kernel drops frames for any other."""
    version = 6 if expected.vxlan is not None and ":" in (expected.vxlan.local or "") else 4
    announced = expected.mac or dict(case.view.announced.macs).get(version)
    if announced is not None and actual.mac != announced:
        yield MAC.found(case.name, actual.name, announced, str(actual.mac), again)


def _addresses(case: Case) -> Findings:
    wanted: dict[str, list[Address]] = {}
    for address in case.backend.addresses(case.endpoint, case.intent) if case.endpoint else ():
        wanted.setdefault(address.dev, []).append(address)
    for dev, expected in wanted.items():
        if dev not in case.links:
            continue
        versions = {address.version for address in expected}
        found = [one for one in case.addresses.get(dev, ()) if one.version in versions and one.scope != "link"]
        if {one.address for one in found} != {one.address for one in expected}:
            hint = f"Restart {case.backend.plugin}'s agent on {case.name}; remove addresses that are not its own"
            yield ADDRESS.found(case.name, dev, _shown(expected), _shown(found), hint)


def _bridge(case: Case) -> Findings:
    """The CNI plugin gives the bridge its address with the first pod, and refuses pods when it has another one."""
    link = case.links.get(case.backend.bridge or "")
    if link is None:
        return
    served = _served(case, link)
    if served and link.state == "down":
        hint = f"Find out who took it down, then: ip link set {link.name} up; routes over it must be made again"
        yield DOWN.found(case.name, link.name, "up", "down", hint)
    for subnet in case.subnets:
        wanted = f"{subnet.network_address + 1}/{subnet.prefixlen}"
        own = [
            one for one in case.addresses.get(link.name, ()) if one.scope != "link" and one.version == subnet.version
        ]
        if own and _shown(own) != wanted:
            hint = f"Delete it when the node has no pods (ip link del {link.name}); the next pod makes it anew"
            yield BRIDGE.found(case.name, link.name, wanted, _shown(own), hint)
        elif not own and subnet.version in served:
            hint = f"Give it back, so that pods find their gateway: ip addr add {wanted} dev {link.name}"
            yield BRIDGE.found(case.name, link.name, wanted, _shown(own), hint)


def _served(case: Case, bridge: Link) -> set[int]:
    """The IP versions of the pods that hang on the bridge."""
    ports = {link.name for link in case.facts.links if link.master == bridge.name}
    pods = [pod for pod in case.facts.pods if pod.host_dev in ports]
    return {6 if ":" in address else 4 for pod in pods for address in pod.addresses}


def _shown(addresses: list[Address]) -> str:
    return ", ".join(f"{one.address}/{one.prefixlen}" for one in addresses) or "no address"
