# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a node's devices Calico will find for itself, before it has announced one.

Source: node/pkg/lifecycle/startup/autodetection at v3.32.1. Pure.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._ip import inside
from ansible_collections.switchyard.cni.plugins.module_utils._model import NodeFacts, ip_network

_SKIPPED = re.compile(
    r"docker|cbr|dummy|podman|virbr|lxcbr|veth|lo|br-|cali|tunl|flannel|kube-ipvs|cni|vxlan\.calico|vxlan-v6\.calico"
    r"|wireguard\.cali|wg-v6\.cali|nodelocaldns"
)
"""The beginnings of names that it never takes (DEFAULT_INTERFACES_TO_EXCLUDE)."""


def device(facts: NodeFacts, method: str, version: int, internal: t.Collection[str]) -> str | None:
    """The device with the node's address, by the method of autodetection; None where it finds none.

    ``internal`` are the addresses by which Kubernetes knows the node. can-reach asks the routes, and not this.
    """
    name, dummy, value = method.partition("=")
    if name == "kubernetes-internal-ip":
        return next((one.dev for one in facts.addresses if one.address in internal), None)
    if name == "interface":
        return _first(facts, version, lambda dev, address: _matches(value, dev))
    if name == "skip-interface":
        return _first(facts, version, lambda dev, address: not _SKIPPED.match(dev) and not _matches(value, dev))
    if name == "cidr":
        return _in_one_of(facts, version, value)
    return _first(facts, version, lambda dev, address: not _SKIPPED.match(dev))


def _first(facts: NodeFacts, version: int, fits: t.Callable[[str, str], bool]) -> str | None:
    """The first device in the kernel's order that is up, fits, and has an address of more than its link."""
    for link in sorted(facts.links, key=lambda one: one.ifindex):
        for address in facts.addresses:
            usable = address.dev == link.name and address.version == version and address.scope == "global"
            if usable and link.state != "down" and fits(link.name, address.address):
                return link.name
    return None


def _in_one_of(facts: NodeFacts, version: int, cidrs: str) -> str | None:
    try:
        wanted = [ip_network(one.strip()) for one in cidrs.split(",")]
    except ValueError:
        return None
    inside_of = {one.address for one in facts.addresses if inside(one.network, wanted)}
    return _first(facts, version, lambda dev, address: address in inside_of)


def _matches(expressions: str, dev: str) -> bool:
    """Several expressions are separated by commas; one that is none matches nothing."""
    for one in expressions.split(","):
        try:
            if re.match(one, dev):
                return True
        except re.error:
            continue
    return False
