# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an earlier pod network has left on a node, as the steps that remove it. Pure; nothing is removed here.

Whose a thing is, its plugin's Traces say: names of devices, chains, sets and files, and protocols of routes. What only
looks alike is left and named: a device of another kind under the agent's name, a route that somebody else wrote.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from functools import cached_property

from ansible_collections.switchyard.cni.plugins.module_utils._backends import traces
from ansible_collections.switchyard.cni.plugins.module_utils._backends._needs import Traces, matches
from ansible_collections.switchyard.cni.plugins.module_utils._model import NodeFacts, Route
from ansible_collections.switchyard.cni.plugins.module_utils._node._hold import PROTOCOL as HELD
from ansible_collections.switchyard.cni.plugins.module_utils._node._leases import NETWORKS, RESULTS
from ansible_collections.switchyard.cni.plugins.module_utils._node._steps import Remove, Step
from ansible_collections.switchyard.cni.plugins.module_utils._sweep._order import SweepOrder
from ansible_collections.switchyard.cni.plugins.module_utils._sweep._steps import (
    RemoveAddress,
    RemoveChains,
    RemoveIpset,
    RemoveLease,
    RemoveLink,
    RemoveRoute,
    RemoveRule,
    RemoveTable,
    UnloadModule,
)

SECTIONS = (
    "links",
    "addresses",
    "routes",
    "rules",
    "firewall",
    "ipsets",
    "cni",
    "cni_cache",
    "leases",
    "pods",
    "agents",
)
"""The sections of node_network_info that a sweep looks at."""

YOUNG = 300.0
"""Seconds; a reservation may be older than the pod's namespace, while the pod is being made."""

_VETH = "veth"
_COMMON_TABLES = ("main", "local", "default")
_ARP = "arp"
# flanneld sets no protocol, which the kernel stores as `boot` (rtnetlink(7), RTPROT_BOOT).
_UNSIGNED = frozenset((None, "boot"))


@dataclass(frozen=True)
class Sweep:
    """The steps in the order in which they work, and what is left although it looks like one of the plugin's."""

    steps: t.Tuple[Step, ...] = ()
    kept: t.Tuple[str, ...] = ()


def sections(order: SweepOrder) -> t.Tuple[str, ...]:
    """The same, and the kernel's modules where one is to go; or only what is asked for."""
    if order.routes_only:
        return ("routes", "rules")
    return SECTIONS + (("kernel",) if order.unload else ())


def files(order: SweepOrder) -> t.Tuple[str, ...]:
    """The files to look for."""
    return tuple(path for plugin in order.plugins for path in traces()[plugin].files)


def plan_sweep(facts: NodeFacts, order: SweepOrder) -> Sweep:
    """What goes: routes before devices, and what refers to a thing before the thing."""
    if order.leases_only:
        return _leases(facts, order)
    if order.routes_only:
        return _routes(facts, order)
    running = {plugin: told for plugin in order.plugins for told in _running(facts, order, plugin)}
    plans = [_Plan(facts, order, plugin) for plugin in order.plugins if plugin not in running]
    parts = (
        _Plan.rules,
        _Plan.routes,
        _Plan.addresses,
        _Plan.links,
        _Plan.chains,
        _Plan.tables,
        _Plan.ipsets,
        _Plan.files,
    )
    steps = [step for part in parts for plan in plans for step in part(plan)]
    steps += [step for plan in plans for step in plan.leases()]
    unused = _Unused(facts, order, steps)
    steps += unused.modules()
    notes = (*running.values(), *(note for plan in plans for note in plan.kept), *unused.kept)
    return Sweep(tuple(dict.fromkeys(steps)), notes)


def _leases(facts: NodeFacts, order: SweepOrder) -> Sweep:
    plans = [_Plan(facts, order, plugin) for plugin in order.plugins]
    steps = [step for plan in plans for step in plan.leases()]
    return Sweep(tuple(steps), tuple(note for plan in plans for note in plan.kept))


def _routes(facts: NodeFacts, order: SweepOrder) -> Sweep:
    plans = [_Plan(facts, order, plugin) for plugin in order.plugins]
    steps = [step for part in (_Plan.rules, _Plan.routes) for plan in plans for step in part(plan)]
    return Sweep(tuple(dict.fromkeys(steps)))


def _running(facts: NodeFacts, order: SweepOrder, plugin: str) -> t.Iterator[str]:
    """That the agent of a plugin runs which does not stay: what it has made is in use, and would come again."""
    if order.keep is not None and order.keep.plugin == plugin:
        return
    for agent in facts.agents:
        if agent.name in traces()[plugin].agents[:1]:
            yield "everything of %s: its agent %s runs (process %d)" % (plugin, agent.name, agent.pid)
            return


class _Unused:
    """The kernel modules that nobody needs when all steps are done."""

    def __init__(self, facts: NodeFacts, order: SweepOrder, steps: t.Sequence[Step]) -> None:
        self._facts, self._order, self._steps = facts, order, steps
        self.kept: t.List[str] = []

    def modules(self) -> t.List[Step]:
        """To unload one ends every device of its kind, so that each of them is looked at first."""
        found: t.List[Step] = []
        for name in self._order.unload:
            if self._facts.kernel_features.get(name) != "loaded":
                continue
            users = [dev for dev in self._devices(name) if self._carries(dev)]
            if users:
                self.kept.append("kernel module %s: %s is in use" % (name, ", ".join(users)))
            else:
                found.append(UnloadModule(name))
        return found

    def _devices(self, kind: str) -> t.List[str]:
        removed = {step.name for step in self._steps if isinstance(step, RemoveLink)}
        return [link.name for link in self._facts.links if link.kind == kind and link.name not in removed]

    def _carries(self, dev: str) -> bool:
        """Every device but the kernel's own is somebody's; that one is used when it has an address or a route."""
        if not any(dev in one.shared_devices for one in traces().values()):
            return True
        addresses = {
            (one.address, one.prefixlen) for one in self._facts.addresses if one.dev == dev and one.scope != "link"
        }
        going = [step.address for step in self._steps if isinstance(step, RemoveAddress) and step.dev == dev]
        routes = {route for route in self._facts.routes if route.dev == dev and route.table != "local"}
        gone = {step.route for step in self._steps if isinstance(step, RemoveRoute)}
        return any("%s/%d" % one not in going for one in addresses) or bool(routes - gone)


class _Plan:
    """The leftovers of one plugin."""

    def __init__(self, facts: NodeFacts, order: SweepOrder, plugin: str) -> None:
        self._facts, self._order, self._plugin = facts, order, plugin
        self._traces: Traces = traces()[plugin]
        self._own = order.keep is not None and order.keep.plugin == plugin
        self._keep = order.keep if self._own else None
        self.kept: t.List[str] = []

    def rules(self) -> t.Iterator[Step]:
        """What kept pods' packets in the main table while the network changed, and the rules of an agent that goes."""
        own = self._own_tables
        for rule in self._facts.rules:
            if rule.protocol == HELD or rule.table in own:
                yield RemoveRule(rule)

    @cached_property
    def _own_tables(self) -> t.FrozenSet[str]:
        """The tables in which an agent that goes leads pods' packets over its devices, and nobody anything else."""
        if self._own:
            return frozenset()
        tables: t.Dict[str, t.List[bool]] = {}
        for route in self._facts.routes:
            if route.table not in _COMMON_TABLES:
                tables.setdefault(route.table, []).append(self._in_own_table(route))
        return frozenset(name for name, found in tables.items() if all(found))

    def _in_own_table(self, route: Route) -> bool:
        leads = self._traces.has_device(route.dev or "") or route.type == "throw"
        return bool(self._traces.protocols) and leads and self._order.holds(route.network)

    def routes(self) -> t.Iterator[Step]:
        """Routes of the agent; of the plugin in force only those that its backend does not lead over that device."""
        own = self._own_tables
        for route in self._facts.routes:
            if route.table in own or (route.table == "main" and self._written_by_agent(route) and self._is_left(route)):
                yield RemoveRoute(route)

    def _written_by_agent(self, route: Route) -> bool:
        order, network = self._order, route.network
        if route.protocol == HELD:
            return True
        if not order.holds(network):
            return False
        if self._traces.protocols:
            return route.protocol in self._traces.protocols
        subnet = network.prefixlen in order.prefixes or network in order.pod_networks
        return route.protocol in _UNSIGNED and route.type == "unicast" and subnet and not self._of_another(route.dev)

    def _of_another(self, dev: t.Optional[str]) -> bool:
        """Whether a device is another plugin's: Felix does not sign its routes over vxlan.calico either."""
        return any(one.has_device(dev or "") for plugin, one in traces().items() if plugin != self._plugin)

    def _is_left(self, route: Route) -> bool:
        if self._keep is None or route.protocol == HELD:
            return True
        # An agent that signs its routes takes care of them itself.
        return not self._traces.protocols and route.dev not in self._keep.route_devices + (self._keep.bridge,)

    def addresses(self) -> t.Iterator[Step]:
        """The pods' addresses on devices that may be somebody else's, and what leads over them."""
        if self._own and self._keep is not None and set(self._traces.shared_devices) & set(self._keep.devices):
            return
        shared = {link.name for link in self._facts.links} & set(self._traces.shared_devices)
        for route in self._facts.routes:
            if route.dev not in shared or route.table != "main" or not self._order.holds(route.network):
                continue
            if route.protocol == "static":
                self._left(str(route), "an operator's: %s writes none of protocol static" % self._plugin)
            else:
                yield RemoveRoute(route)
        for address in self._facts.addresses:
            if address.dev in shared and self._order.holds(address.network):
                yield RemoveAddress(address.dev, "%s/%d" % (address.address, address.prefixlen))

    def links(self) -> t.Iterator[Step]:
        stays = (self._keep.devices + (self._keep.bridge,)) if self._keep is not None else ()
        pods = {pod.host_dev: pod.label for pod in self._facts.pods}
        ports = {link.master for link in self._facts.links}
        for link in self._facts.links:
            if link.name in stays or not self._traces.has_device(link.name):
                continue
            if not self._traces.makes(link.name, link.kind):
                self._left(link.name, "%s makes no %s of this name" % (self._plugin, link.kind or "device"))
            elif link.name in pods and (self._own or not self._order.in_use):
                self._left(link.name, "the pod %s uses it" % pods[link.name], say=not self._own)
            elif link.name in ports and not self._order.in_use:
                self._left(link.name, "pods hang on it")
            elif link.kind == _VETH and (self._own or not self._order.in_use):
                # It exists because its other end does; not every runtime tells where its pods are.
                self._left(link.name, "it leads to a pod that is not known", say=not self._own)
            else:
                yield RemoveLink(link.name, link.kind or "")

    def _left(self, what: str, why: str, say: bool = True) -> None:
        if say:
            self.kept.append("%s: %s" % (what, why))

    def chains(self) -> t.Iterator[Step]:
        if self._keep is not None and not self._keep.nftables:
            return
        found: t.Dict[t.Tuple[str, str, str], t.List[str]] = {}
        for chain in self._facts.chains:
            if chain.flavour.startswith("iptables") and matches(chain.name, self._traces.chains):
                found.setdefault((chain.flavour, chain.family, chain.table), []).append(chain.name)
        for (flavour, family, table), names in found.items():
            yield RemoveChains(flavour, family, table, tuple(sorted(names)), self._traces.comments)

    def tables(self) -> t.Iterator[Step]:
        if self._keep is not None and self._keep.nftables:
            return
        for table in self._facts.filter_tables:
            # Felix has a table of this family, and makes it again, whichever way it filters packets.
            kept = self._keep is not None and table.family == _ARP
            if table.name in self._traces.filter_tables and not kept:
                yield RemoveTable(table.family, table.name)

    def ipsets(self) -> t.Iterator[Step]:
        if self._own:
            return
        for ipset in self._facts.ipsets:
            if matches(ipset.name, self._traces.ipsets):
                yield RemoveIpset(ipset.name)

    def files(self) -> t.Iterator[Step]:
        if self._own:
            return
        cni = self._facts.cni
        for config in cni.configs if cni is not None else ():
            if config.file in self._traces.cni_configs and cni is not None:
                yield Remove("%s/%s" % (cni.conf_dir.rstrip("/"), config.file))
        for path in self._traces.files:
            if self._facts.files.get(path):
                yield Remove(path)
        if self._order.keep is not None:
            yield from map(Remove, self._cached())

    def _cached(self) -> t.Iterator[str]:
        """What libcni and the plugin remember of pods: none of them is left where another plugin has them all."""
        for path in self._facts.cni_cache:
            folder, dummy, name = path.rpartition("/")
            networks = self._traces.lease_networks
            remembered = folder == RESULTS and name.startswith(tuple(one + "-" for one in networks))
            if remembered or folder in self._traces.caches + tuple("%s/%s" % (NETWORKS, one) for one in networks):
                yield path

    def leases(self) -> t.Iterator[Step]:
        """Addresses that no pod holds; host-local frees one only when the plugin that took it is asked to."""
        held = {address for pod in self._facts.pods for address in pod.addresses}
        if not self._facts.told("leases", "pods"):
            return
        stranger = self._unknown_pod()
        if stranger is not None and not self._order.in_use:
            self._left("reserved addresses", "%s leads to a pod that is not known" % stranger)
            return
        # With another plugin in force nobody makes a pod with this one at this moment.
        young = 0.0 if self._order.keep is not None and not self._own else YOUNG
        for lease in self._facts.leases:
            free = lease.address not in held and lease.age >= young
            if lease.network in self._traces.lease_networks and (free or (self._order.in_use and not self._own)):
                yield RemoveLease(lease.network, lease.address, young if not self._order.in_use else 0.0)

    def _unknown_pod(self) -> t.Optional[str]:
        """The node's end of a pod that was not found, where an address may be held that nobody has seen."""
        if not any(lease.network in self._traces.lease_networks for lease in self._facts.leases):
            return None
        known = {pod.host_dev for pod in self._facts.pods}
        ours = {link.name for link in self._facts.links if self._traces.makes(link.name, link.kind)}
        for link in self._facts.links:
            if link.kind == _VETH and link.name not in known and (link.name in ours or link.master in ours):
                return link.name
        return None
