# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leftovers: is anything of another backend or another plugin still there?

A plugin is recognised by its traces (see _backends). Of the declared plugin, what its declared backend does not make
is left over; of any other plugin, everything is. What may belong to somebody else counts only when it is in use: the
device tunl0 exists wherever the ipip module is loaded, so an address or a route on it decides, never its existence.
"""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._backends import traces
from ansible_collections.switchyard.cni.plugins.module_utils._backends._needs import Traces, matches
from ansible_collections.switchyard.cni.plugins.module_utils._model import Link
from ansible_collections.switchyard.cni.plugins.module_utils._sweep._plan import YOUNG
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import names
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._case import Case
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._finding import (
    INFO,
    WARNING,
    Check,
    Findings,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import Scene

TOPIC = "leftovers"
_FIREWALL = ("firewall",)

DEVICE = Check("leftover-device", WARNING, "No device of another backend is left", ("links",))
SHARED = Check(
    "tunl0-in-use", WARNING, "tunl0 carries nothing unless the backend uses it", ("links", "addresses", "routes")
)
ROUTE = Check("leftover-route", WARNING, "No route of another plugin's programs is left", ("routes",))
CHAIN = Check("leftover-chain", WARNING, "No chain of another plugin is left in the packet filter", _FIREWALL)
TABLE = Check("leftover-filter-table", WARNING, "No nftables table of another plugin is left", _FIREWALL)
IPSET = Check("leftover-ipset", INFO, "No ipset of another plugin is left", ("ipsets",))
FILE = Check("leftover-file", INFO, "No file of another plugin is left", ())
CONFIG = Check("leftover-cni-config", WARNING, "No CNI configuration of another plugin is left", ("cni",))
LEASE = Check("leftover-lease", INFO, "No address is reserved for a pod that is gone", ("leases", "pods"))
ANNOTATION = Check("leftover-annotation", INFO, "No Node carries another plugin's annotations", ())

CHECKS = (DEVICE, SHARED, ROUTE, CHAIN, TABLE, IPSET, FILE, CONFIG, LEASE, ANNOTATION)


def files() -> tuple[str, ...]:
    """The files to ask a node for."""
    return tuple(path for one in traces().values() for path in one.files)


def examine(case: Case) -> Findings:
    """What is left on one node."""
    others = {plugin: one for plugin, one in traces().items() if plugin != case.backend.plugin}
    if case.view.told("links"):
        yield from _devices(case, others)
        yield from _shared(case)
    if case.view.told("routes"):
        yield from _routes(case, others)
    yield from _filters(case, others)
    yield from _files(case, others)
    if case.view.told("leases", "pods"):
        yield from _leases(case)


def survey(scene: Scene) -> Findings:
    """Annotations of other plugins: their agents would take them up again."""
    for plugin, one in traces().items():
        carriers = [member.name for member in scene.cluster.members.values() if _noted(member.notes, one)]
        if plugin != scene.backend.plugin and carriers:
            hint = f"Remove the annotations {one.annotations}* from these Nodes"
            yield ANNOTATION.found("", f"{one.annotations}*", "no such annotation", f"on {names(carriers)}", hint)


def _noted(notes: t.Mapping[str, str], one: Traces) -> bool:
    return any(key.startswith(one.annotations) for key in notes)


def _devices(case: Case, others: t.Mapping[str, Traces]) -> Findings:
    own = {*case.scene.devices, case.backend.bridge}
    for link in case.facts.links:
        if case.backend.traces.makes(link.name, link.kind) and link.name not in own and not _of_a_pod(case, link):
            what = f"nothing that {case.backend.plugin} with {case.backend.label} does not make"
            yield _device(case, link, what)
        for plugin, one in others.items():
            if one.makes(link.name, link.kind):
                yield _device(case, link, f"no device of {plugin}")


def _of_a_pod(case: Case, link: Link) -> bool:
    """A device of the declared plugin whose other end is in a pod, such as Calico's cali*."""
    return link.kind == "veth" and case.backend.bridge is None


def _device(case: Case, link: Link, expected: str) -> t.Any:
    # Every device that is up has the link-local network: it leads to nobody's pods.
    routes = [one.dst for one in case.facts.routes if one.dev == link.name and not one.network.is_link_local]
    used = f", with routes to {names(routes)}" if routes else ""
    hint = f"Delete it when no pod uses it any more: ip link del {link.name}"
    return DEVICE.found(case.name, link.name, expected, f"{link.name} ({link.kind or 'device'}){used}", hint)


def _shared(case: Case) -> Findings:
    for dev in {dev for one in traces().values() for dev in one.shared_devices}:
        if dev in case.scene.devices or dev not in case.links:
            continue
        addresses = [one for one in case.addresses.get(dev, ()) if case.scene.holds(one.network)]
        routes = [one for one in case.facts.routes if one.dev == dev and case.scene.holds(one.network)]
        if addresses or routes:
            found = [f"address {one.address}" for one in addresses] + [f"route {one}" for one in routes]
            hint = f"Remove address and routes (ip addr flush dev {dev}); the device itself may stay"
            yield SHARED.found(case.name, dev, "no address and no route of the pod network on it", names(found), hint)


def _routes(case: Case, others: t.Mapping[str, Traces]) -> Findings:
    """Only those outside of the pod network: inside, the checks of routes say what each one does."""
    for plugin, one in others.items():
        left = [
            route
            for route in case.facts.routes
            if route.protocol in one.protocols and route.table == "main" and not case.scene.holds(route.network)
        ]
        if left:
            shown = names(f"{route} proto {route.protocol}" for route in left)
            hint = "Delete them once nothing else uses that protocol: ip route flush proto " + (left[0].protocol or "")
            yield ROUTE.found(case.name, f"routes of {plugin}", f"no route of {plugin}", shown, hint)


def _filters(case: Case, others: t.Mapping[str, Traces]) -> Findings:
    for plugin, one in others.items():
        chains = [chain.label for chain in case.facts.chains if matches(chain.name, one.chains)]
        tables = [
            f"{table.family} {table.name}" for table in case.facts.filter_tables if table.name in one.filter_tables
        ]
        sets = [ipset.name for ipset in case.facts.ipsets if matches(ipset.name, one.ipsets)]
        for check, found, what in ((CHAIN, chains, "chains"), (TABLE, tables, "tables"), (IPSET, sets, "ipsets")):
            if found:
                hint = f"Remove the {what} of {plugin}; rules that jump to a chain go first"
                yield check.found(case.name, f"{what} of {plugin}", f"no {what} of {plugin}", names(found), hint)


def _files(case: Case, others: t.Mapping[str, Traces]) -> Findings:
    configs = [config.file for config in case.facts.cni.configs] if case.facts.cni else []
    for plugin, one in others.items():
        found = [path for path in one.files if case.facts.files.get(path)]
        if found:
            hint = f"Remove them: {names(found)}"
            yield FILE.found(case.name, f"files of {plugin}", f"no file of {plugin}", names(found), hint)
        for file in configs:
            if file in one.cni_configs:
                hint = f"Remove it: if it comes first, new pods get {plugin}'s network"
                yield CONFIG.found(case.name, file, f"no configuration of {plugin}", file, hint)


def _leases(case: Case) -> Findings:
    """host-local frees an address when the pod's network is deleted by the plugin that made it, and only then."""
    held = {address for pod in case.facts.pods for address in pod.addresses}
    for network in dict.fromkeys(lease.network for lease in case.facts.leases):
        leaked = [
            lease.address
            for lease in case.facts.leases
            if lease.network == network and lease.address not in held and lease.age > YOUNG
        ]
        if leaked:
            hint = f"Delete the files of these addresses below /var/lib/cni/networks/{network}"
            found = f"{len(leaked)} reserved without a pod: {names(leaked)}"
            yield LEASE.found(case.name, f"addresses of {network}", "every reserved address has a pod", found, hint)
