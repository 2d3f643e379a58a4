# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Routes that hold the way to other nodes' pods while one program takes them back and another has yet to write them.

A held route is a copy of one that is in force, with a metric so high that it only counts when there is no other one
(ip-route(8): of several routes to one network that with the lowest metric wins). Where an agent sends packets to its
devices by a policy rule, a rule before that one keeps them in the main table while the agent comes or goes. Who holds
a route or a rule is told by its protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Mapping, Optional, Sequence, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._ip import inside, ip_address, ip_network
from ansible_collections.switchyard.cni.plugins.module_utils._model import IPNetwork, Route, Rule
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeWriter

PROTOCOL = "201"
"""Of the numbers that nobody has taken (rtnetlink(7): those above 4 are the administrator's; iproute2's rt_protos)."""

PRIORITY = 90
"""Of a rule that comes before an agent's own (Felix, WireguardRoutingRulePriority: 99)."""

METRIC = 1 << 20
DIRECT_METRIC = METRIC + 1
"""A copy of a route comes before one that nobody has written yet."""


@dataclass(frozen=True)
class Peer:
    """Another node: a network of its pods, and the address at which it may be reached directly."""

    network: str
    address: str


@dataclass(frozen=True)
class Hold:
    """What a node has to do: routes and rules to add, and those to take away."""

    add: Tuple[Route, ...] = ()
    remove: Tuple[Route, ...] = ()
    add_rules: Tuple[Rule, ...] = ()
    remove_rules: Tuple[Rule, ...] = ()

    @property
    def added(self) -> int:
        """How many routes and rules come."""
        return len(self.add) + len(self.add_rules)

    @property
    def removed(self) -> int:
        """How many routes and rules go."""
        return len(self.remove) + len(self.remove_rules)

    def of_version(self, version: int) -> Hold:
        """The part of the work that is for one IP version."""
        parts = (self.add, self.remove, self.add_rules, self.remove_rules)
        return Hold(*(tuple(one for one in part if one.version == version) for part in parts))  # type: ignore[arg-type]

    @property
    def lines(self) -> Tuple[str, ...]:
        """The work as input of `ip -batch`, one line a route or a rule."""
        return (
            *("route replace " + _words(route) for route in self.add),
            *("rule add " + rule_words(rule) for rule in self.add_rules),
            *("rule del " + rule_words(rule) for rule in self.remove_rules),
            *("route del " + _words(route) for route in self.remove),
        )


def plan_rules(rules: Sequence[Rule], networks: Sequence[str], present: bool) -> Hold:
    """Which rules keep packets to pods in the main table, or that none does any more."""
    held = [rule for rule in rules if rule.protocol == PROTOCOL]
    if not present:
        return Hold(remove_rules=tuple(held))
    there = {rule.destination for rule in held}
    return Hold(add_rules=tuple(_rule(one) for one in map(ip_network, networks) if str(one) not in there))


def _rule(network: IPNetwork) -> Rule:
    return Rule(PRIORITY, network.version, destination=str(network), table="main", protocol=PROTOCOL)


def plan_hold(routes: Sequence[Route], networks: Sequence[str], over: Sequence[str], present: bool) -> Hold:
    """Which routes to hold: those to other nodes' pods over these devices; or that none is held any more."""
    held = [route for route in routes if route.protocol == PROTOCOL and route.table == "main"]
    if not present:
        return Hold(remove=tuple(held))
    within = [ip_network(cidr) for cidr in networks]
    there = {(route.dst, route.gateway, route.dev) for route in held}
    wanted = {
        (route.dst, route.gateway, route.dev): route._replace(protocol=PROTOCOL, metric=METRIC)
        for route in routes
        if route.protocol != PROTOCOL and _leads_over(route, over) and inside(route.network, within)
    }
    return Hold(add=tuple(route for key, route in wanted.items() if key not in there))


def plan_direct(routes: Sequence[Route], networks: Sequence[str], peers: Sequence[Peer]) -> Hold:
    """The direct routes to the pods of those peers that are neighbours, where nobody has such a one; held ones besides.

    Where there is no other way, or only one to the whole pod network, they are used at once.
    """
    within = [ip_network(cidr) for cidr in networks]
    main = [route for route in routes if route.table == "main" and not inside(route.network, within)]
    main.sort(key=lambda route: (-route.network.prefixlen, route.metric))
    there = {(route.dst, route.gateway) for route in routes if route.table == "main"}
    # A route to the node's own pods leads over no gateway.
    own = {route.dst for route in routes if route.table == "main" and not route.gateway and route.dev}
    found = []
    for peer in peers:
        dev = _direct(main, peer.address)
        if dev is not None and peer.network not in own and (peer.network, peer.address) not in there:
            found.append(
                Route(dst=peer.network, gateway=peer.address, dev=dev, protocol=PROTOCOL, metric=DIRECT_METRIC)
            )
    return Hold(add=tuple(found))


def _direct(routes: Sequence[Route], text: str) -> Optional[str]:
    """The device behind which an address is a neighbour; None where a router is between, or nothing leads there."""
    address = ip_address(text)
    for route in routes:
        if route.network.version == address.version and address in route.network:
            return route.dev if not route.gateway and route.type == "unicast" else None
    return None


def proof_of(route: Route) -> str:
    """What answers at the end of a direct route to a node's pods: the bridge there has the network's first address."""
    return str(route.network.network_address + 1)


def hold(node: NodeWriter, work: Hold) -> None:
    """Carry it out. Raises NodeError."""
    for version in (4, 6):
        chosen = work.of_version(version)
        if chosen.lines:
            # What is gone already does not keep the rest from going.
            argv = ["ip", "-{0}".format(version), "-force", "-batch", "-"]
            done = node.feed(argv, "".join(line + "\n" for line in chosen.lines))
            if done.rc != 0 and chosen.added:
                raise NodeError("{0} failed: {1}".format(" ".join(argv), done.reason))


def _leads_over(route: Route, over: Sequence[str]) -> bool:
    return route.table == "main" and route.type == "unicast" and bool(route.gateway) and route.dev in over


def _words(route: Route) -> str:
    return "{0} via {1} dev {2} proto {3} metric {4} onlink".format(
        route.dst, route.gateway, route.dev, PROTOCOL, route.metric
    )


def rule_words(rule: Rule) -> str:
    """A rule as `ip rule` takes it."""
    selector = str(rule).partition(": ")[2]
    signed = " protocol {0}".format(rule.protocol) if rule.protocol == PROTOCOL else ""
    return "pref {0} {1}{2}".format(rule.priority, selector, signed)


def told(work: Hold) -> List[Mapping[str, str]]:
    """The work as the diff of a module."""
    lines = "".join(line + "\n" for line in work.lines)
    return [{"before_header": "held routes", "after_header": "held routes", "before": "", "after": lines}]
