# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network devices and their addresses, as a node's kernel has them."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._ip import IPNetwork, ip_address, network_around

FAMILIES = {"inet": 4, "inet6": 6}
"""Address family names of iproute2 and the IP version each stands for."""


class Vxlan(t.NamedTuple):
    """The VXLAN part of a link (RFC 7348). ``port`` is the outer UDP destination port."""

    vni: int
    port: int
    local: t.Optional[str] = None
    dev: t.Optional[str] = None
    learning: t.Optional[bool] = None


class Link(t.NamedTuple):
    """A network device; ``mtu`` in bytes. ``packets`` is what it has sent and received, where that was counted."""

    name: str
    mtu: int
    kind: t.Optional[str] = None
    ifindex: int = 0
    state: t.Optional[str] = None
    mac: t.Optional[str] = None
    master: t.Optional[str] = None
    vxlan: t.Optional[Vxlan] = None
    packets: t.Optional[t.Tuple[int, int]] = None


class Address(t.NamedTuple):
    """An address of a device, with its prefix length in bits."""

    dev: str
    address: str
    prefixlen: int
    scope: str = "global"

    @property
    def version(self) -> int:
        return 6 if ":" in self.address else 4

    @property
    def network(self) -> IPNetwork:
        return network_around(self.address, self.prefixlen)


def parse_link(item: t.Mapping[str, t.Any]) -> Link:
    """A device from the module's result."""
    vxlan = item.get("vxlan")
    counters = item.get("counters")
    return Link(
        name=str(item["name"]),
        mtu=int(item["mtu"]),
        kind=item.get("kind"),
        ifindex=int(item.get("index") or 0),
        state=item.get("state"),
        mac=item.get("mac"),
        master=item.get("master"),
        vxlan=_parse_vxlan(vxlan) if vxlan else None,
        packets=(int(counters["tx_packets"]), int(counters["rx_packets"])) if counters else None,
    )


def _parse_vxlan(item: t.Mapping[str, t.Any]) -> Vxlan:
    return Vxlan(
        vni=int(item["id"]),
        port=int(item["port"]),
        local=item.get("local"),
        dev=item.get("dev"),
        learning=item.get("learning"),
    )


def parse_address(item: t.Mapping[str, t.Any]) -> Address:
    """An address from the module's result. Raises ValueError when it is none of its family."""
    address = Address(
        dev=str(item["dev"]),
        address=item["address"],
        prefixlen=int(item["prefixlen"]),
        scope=item.get("scope") or "global",
    )
    # Without the network around it, which is needed of few addresses and takes three times as long to work out.
    parsed = ip_address(address.address)
    if parsed.version != FAMILIES[item["family"]]:
        raise ValueError("the address %s is not of the family %s" % (address.address, item["family"]))
    if not 0 <= address.prefixlen <= parsed.max_prefixlen:
        raise ValueError("the address %s has no prefix length of %d" % (address.address, address.prefixlen))
    return address
