# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a node's pods get their network: CNI configuration, leases, and the pods' own devices."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field


class CniConfig(t.NamedTuple):
    """One configuration file of the container runtime; ``file`` is its base name, ``mtu`` in bytes."""

    file: str
    name: str = ""
    plugins: t.Tuple[str, ...] = ()
    mtu: t.Optional[int] = None
    ipam: t.Optional[str] = None


@dataclass(frozen=True)
class Cni:
    """The CNI directories. ``search`` holds the plugins found in other directories of the node."""

    conf_dir: str = ""
    bin_dir: str = ""
    configs: t.Tuple[CniConfig, ...] = ()
    binaries: t.FrozenSet[str] = frozenset()
    search: t.Mapping[str, t.Tuple[str, ...]] = field(default_factory=dict)


class Pod(t.NamedTuple):
    """A pod's network namespace: its device ``ifname``, the other end ``host_dev``, both MTUs in bytes."""

    addresses: t.Tuple[str, ...]
    name: t.Optional[str] = None
    ifname: str = "eth0"
    mtu: int = 0
    host_dev: t.Optional[str] = None
    host_mtu: t.Optional[int] = None

    @property
    def label(self) -> str:
        """The pod's name, or its first address where the name is not known."""
        return self.name or (self.addresses[0] if self.addresses else "?")


class Lease(t.NamedTuple):
    """An address that host-local keeps reserved on disk; ``age`` in seconds."""

    network: str
    address: str
    container: str = ""
    age: float = 0.0


def parse_cni(item: t.Mapping[str, t.Any]) -> Cni:
    """The CNI directories from the module's result."""
    return Cni(
        conf_dir=item.get("conf_dir") or "",
        bin_dir=item.get("bin_dir") or "",
        configs=tuple(_parse_config(config) for config in item.get("configs") or ()),
        binaries=frozenset(item.get("binaries") or ()),
        search={path: tuple(names) for path, names in (item.get("search") or {}).items()},
    )


def _parse_config(item: t.Mapping[str, t.Any]) -> CniConfig:
    return CniConfig(
        file=str(item["file"]).rsplit("/", 1)[-1],
        name=item.get("name") or "",
        plugins=tuple(item.get("plugins") or ()),
        mtu=item.get("mtu"),
        ipam=item.get("ipam"),
    )


def parse_pod(item: t.Mapping[str, t.Any]) -> Pod:
    """A pod's network namespace from the module's result."""
    return Pod(
        addresses=tuple(item.get("addresses") or ()),
        name=item.get("name"),
        ifname=item.get("ifname") or "eth0",
        mtu=int(item.get("mtu") or 0),
        host_dev=item.get("host_dev"),
        host_mtu=item.get("host_mtu"),
    )


def parse_leases(leases: t.Mapping[str, t.Iterable[t.Mapping[str, t.Any]]]) -> t.Tuple[Lease, ...]:
    """host-local's reservations of all networks from the module's result."""
    return tuple(
        Lease(network, item["address"], item.get("container") or "", float(item.get("age") or 0.0))
        for network, items in leases.items()
        for item in items
    )
