# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one node's kernel and disk say, as typed values.

The module switchyard.cni.node_network_info returns plain JSON; it is parsed here, once, at the edge.
This file is private to the collection.
"""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass, field

IPAddress = t.Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
IPInterface = t.Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]
IPNetwork = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

FAMILIES = {"inet": 4, "inet6": 6}
"""Address family names of iproute2 and the IP version each stands for."""


class ModelError(ValueError):
    """A node's answer does not have the promised shape; the message names the field."""


@dataclass(frozen=True)
class Vxlan:
    """The VXLAN part of a link (RFC 7348). ``port`` is the outer UDP destination port."""

    vni: int
    port: int
    local: t.Optional[str] = None
    dev: t.Optional[str] = None
    learning: t.Optional[bool] = None


@dataclass(frozen=True)
class Link:
    """A network device; ``mtu`` in bytes."""

    name: str
    mtu: int
    kind: t.Optional[str] = None
    index: int = 0
    state: t.Optional[str] = None
    mac: t.Optional[str] = None
    master: t.Optional[str] = None
    vxlan: t.Optional[Vxlan] = None


@dataclass(frozen=True)
class Address:
    """An address of a device, with its prefix length in bits."""

    dev: str
    address: str
    prefixlen: int
    scope: str = "global"

    @property
    def interface(self) -> IPInterface:
        return ipaddress.ip_interface("%s/%d" % (self.address, self.prefixlen))

    @property
    def version(self) -> int:
        return self.interface.version

    @property
    def network(self) -> IPNetwork:
        return self.interface.network


@dataclass(frozen=True)
class Route:
    """A route of the kernel. The default route has the destination ``0.0.0.0/0`` or ``::/0``."""

    dst: str
    gateway: t.Optional[str] = None
    dev: t.Optional[str] = None
    onlink: bool = False
    protocol: t.Optional[str] = None
    scope: t.Optional[str] = None
    type: str = "unicast"
    metric: int = 0
    table: str = "main"

    @property
    def network(self) -> IPNetwork:
        return ipaddress.ip_network(self.dst)

    @property
    def version(self) -> int:
        return self.network.version

    @property
    def key(self) -> t.Tuple[str, t.Optional[str], t.Optional[str]]:
        """What decides where a packet goes; protocol, scope and metric differ by kernel and by who wrote the route."""
        return (self.dst, self.gateway, self.dev)

    def __str__(self) -> str:
        words = [self.dst]
        if self.gateway:
            words += ["via", self.gateway]
        if self.dev:
            words += ["dev", self.dev]
        if self.onlink:
            words.append("onlink")
        return " ".join(words)


@dataclass(frozen=True)
class CniConfig:
    """One configuration file of the container runtime; ``file`` is its base name."""

    file: str
    name: str = ""
    plugins: t.Tuple[str, ...] = ()


@dataclass(frozen=True)
class Cni:
    """The CNI directories. ``search`` holds the plugins found in other directories of the node."""

    conf_dir: str = ""
    bin_dir: str = ""
    configs: t.Tuple[CniConfig, ...] = ()
    binaries: t.FrozenSet[str] = frozenset()
    search: t.Mapping[str, t.Tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class FileFact:
    """A file's content as its SHA-256, and its mode in octal digits."""

    sha256: str
    mode: str


@dataclass(frozen=True)
class NodeFacts:
    """One node as switchyard.cni.node_network_info saw it. What was not gathered is empty."""

    hostname: str = ""
    kernel_release: str = ""
    kernel_features: t.Mapping[str, str] = field(default_factory=dict)
    tun_device: t.Optional[bool] = None
    links: t.Tuple[Link, ...] = ()
    addresses: t.Tuple[Address, ...] = ()
    routes: t.Tuple[Route, ...] = ()
    sysctls: t.Mapping[str, str] = field(default_factory=dict)
    cni: t.Optional[Cni] = None
    subnet_env: t.Optional[t.Mapping[str, str]] = None
    files: t.Mapping[str, t.Optional[FileFact]] = field(default_factory=dict)
    network_manager: bool = False
    kube_proxy_mode: str = "unknown"
    gaps: t.Tuple[str, ...] = ()
    source: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False, compare=False)
    """The dictionary that was parsed."""

    def link(self, name: str) -> t.Optional[Link]:
        """The link of that name, if the node has it."""
        for link in self.links:
            if link.name == name:
                return link
        return None

    @classmethod
    def from_dict(cls, node: t.Mapping[str, t.Any]) -> NodeFacts:
        """Parse the ``node`` value of a module result. Raises ModelError when a value cannot be read."""
        try:
            return _parse_node(node)
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise ModelError(
                "the facts of the node %s cannot be read: %s: %s" % (node.get("hostname", "?"), type(exc).__name__, exc)
            ) from exc


def _parse_node(node: t.Mapping[str, t.Any]) -> NodeFacts:
    kernel = node.get("kernel") or {}
    cni = node.get("cni")
    return NodeFacts(
        hostname=node.get("hostname") or "",
        kernel_release=kernel.get("release") or "",
        kernel_features=dict(kernel.get("features") or {}),
        tun_device=kernel.get("tun_device"),
        links=tuple(_parse_link(item) for item in node.get("links") or ()),
        addresses=tuple(_parse_address(item) for item in node.get("addresses") or ()),
        routes=tuple(_parse_route(item) for item in node.get("routes") or ()),
        sysctls=dict(node.get("sysctls") or {}),
        cni=_parse_cni(cni) if cni else None,
        subnet_env=node.get("subnet_env"),
        files={
            path: FileFact(item["sha256"], item["mode"]) if item else None
            for path, item in (node.get("files") or {}).items()
        },
        network_manager=bool(node.get("network_manager")),
        kube_proxy_mode=(node.get("filters") or {}).get("kube_proxy_mode") or "unknown",
        gaps=tuple("%s: %s" % (gap["what"], gap["reason"]) for gap in node.get("gaps") or ()),
        source=node,
    )


def _parse_link(item: t.Mapping[str, t.Any]) -> Link:
    vxlan = item.get("vxlan")
    return Link(
        name=item["name"],
        mtu=int(item["mtu"]),
        kind=item.get("kind"),
        index=int(item.get("index") or 0),
        state=item.get("state"),
        mac=item.get("mac"),
        master=item.get("master"),
        vxlan=_parse_vxlan(vxlan) if vxlan else None,
    )


def _parse_vxlan(item: t.Mapping[str, t.Any]) -> Vxlan:
    return Vxlan(
        vni=int(item["id"]),
        port=int(item["port"]),
        local=item.get("local"),
        dev=item.get("dev"),
        learning=item.get("learning"),
    )


def _parse_address(item: t.Mapping[str, t.Any]) -> Address:
    address = Address(
        dev=item["dev"],
        address=item["address"],
        prefixlen=int(item["prefixlen"]),
        scope=item.get("scope") or "global",
    )
    if address.version != FAMILIES[item["family"]]:
        raise ValueError("the address %s is not of the family %s" % (address.address, item["family"]))
    return address


def _parse_route(item: t.Mapping[str, t.Any]) -> Route:
    route = Route(
        dst=item["dst"],
        gateway=item.get("gateway"),
        dev=item.get("dev"),
        onlink=bool(item.get("onlink")),
        protocol=item.get("protocol"),
        scope=item.get("scope"),
        type=item.get("type") or "unicast",
        metric=int(item.get("metric") or 0),
        table=str(item.get("table") or "main"),
    )
    ipaddress.ip_network(route.dst)
    return route


def _parse_cni(item: t.Mapping[str, t.Any]) -> Cni:
    return Cni(
        conf_dir=item.get("conf_dir") or "",
        bin_dir=item.get("bin_dir") or "",
        configs=tuple(
            CniConfig(
                file=str(config["file"]).rsplit("/", 1)[-1],
                name=config.get("name") or "",
                plugins=tuple(config.get("plugins") or ()),
            )
            for config in item.get("configs") or ()
        ),
        binaries=frozenset(item.get("binaries") or ()),
        search={path: tuple(names) for path, names in (item.get("search") or {}).items()},
    )
