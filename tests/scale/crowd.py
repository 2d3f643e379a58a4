# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters of any size as the modules would tell of them, made in linear time, with faults planted in some nodes.

A node lists its tables up to the module's limit and sends digests beyond it. The digests are summed here by the
formulas of flannel's documentation, not by the collection's backends: so the two are held against each other.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any

from ansible_collections.switchyard.cni.plugins.module_utils import _tables
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._look import LISTED_TABLE

FLANNEL = "flannel.alpha.coreos.com/"
SITES = 4
"""Layer-2 networks over which the nodes are spread."""

NODE_NETWORKS, POD_NETWORK = int(IPv4Address("10.0.0.0")), int(IPv4Address("172.16.0.0"))
TABLES = ("pod_routes", "neighbours", "fdb")


@dataclass(frozen=True)
class Spot:
    """One node of the crowd."""

    number: int

    @property
    def name(self) -> str:
        return f"node-{self.number:05}"

    @property
    def site(self) -> int:
        return self.number % SITES

    @property
    def address(self) -> str:
        return str(IPv4Address(NODE_NETWORKS + (self.site << 16) + self.number // SITES + 1))

    @property
    def base(self) -> str:
        """The first address of its pod subnet, a /26."""
        return str(IPv4Address(POD_NETWORK + (self.number << 6)))

    @property
    def subnet(self) -> str:
        return f"{self.base}/26"

    @property
    def mac(self) -> str:
        return ":".join(f"{byte:02x}" for byte in (0x0A << 40 | self.number).to_bytes(6, "big"))

    def host(self, number: int) -> str:
        return str(IPv4Address(POD_NETWORK + (self.number << 6) + number))


def rows_to(peer: Spot, site: int, direct: bool) -> dict[str, str]:
    """The row of each table by which a node of a site reaches a peer (flannel, Documentation/backends.md)."""
    if direct and peer.site == site:
        return {"pod_routes": f"{peer.subnet} via {peer.address} dev eth0"}
    return {
        "pod_routes": f"{peer.subnet} via {peer.base} dev flannel.1",
        "neighbours": f"{peer.base} dev flannel.1 lladdr {peer.mac}",
        "fdb": f"{peer.mac} dev flannel.1 dst {peer.address}",
    }


@dataclass
class Crowd:
    """A cluster: the inventory's settings, the API server's answer, and the nodes' answers."""

    size: int
    direct: bool
    settings: dict[str, Any]
    api: dict[str, Any]
    answers: dict[str, dict[str, Any]]
    tables: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """The rows that a node would send when it is asked: by node, then by table."""

    planted: set[tuple[str, str]] = field(default_factory=set)
    """(id, node) of every fault."""

    @property
    def names(self) -> list[str]:
        return [Spot(number).name for number in range(self.size)]

    def full_tables(self, name: str, wanted: list[str]) -> dict[str, Any]:
        """What node_network_info returns when these tables shall be packed."""
        node = self.answers[name]["node"]
        kept = [one for one in node.get("truncated", []) if one["what"] not in wanted]
        sent = [
            {"what": what, "count": len(rows), "digest": _tables.digest(rows), "rows": _tables.pack(rows)}
            for what in wanted
            for rows in (self.tables[name][what],)
        ]
        return {"node": {"routes": node["routes"], "neighbours": [], "fdb": [], "truncated": kept + sent}}


def crowd(size: int, direct: bool = False, faulty: float = 0.0, seed: int = 1) -> Crowd:
    """A cluster of flannel with vxlan; ``faulty`` is the share of nodes with a fault each."""
    spots = [Spot(number) for number in range(size)]
    settings = {
        "network_pod_cidr": "172.16.0.0/12",
        "network_service_cidr": "10.96.0.0/12",
        "network_node_prefix": 26,
        "flannel_backend": "vxlan",
        "flannel_direct_routing": direct,
    }
    made = Crowd(size, direct, settings, _api(spots), {})
    sums = _Sums(spots, direct)
    for spot in spots:
        made.answers[spot.name] = {"node": _node(spot, sums)}
    _plant(made, spots, faulty, random.Random(seed))
    return made


class _Sums:
    """What all peers sum up to, seen from each site."""

    def __init__(self, spots: list[Spot], direct: bool) -> None:
        self.spots, self.direct = spots, direct
        self.rows = {site: [rows_to(spot, site, direct) for spot in spots] for site in range(SITES)}
        self._totals: dict[tuple[int, str], tuple[int, int]] = {}

    def total(self, site: int, what: str) -> tuple[int, int]:
        """The number of rows of a table, and the sum of their hashes."""
        if (site, what) not in self._totals:
            hashes = [_tables.row_hash(rows[what]) for rows in self.rows[site] if what in rows]
            self._totals[site, what] = (len(hashes), _tables.add(hashes))
        return self._totals[site, what]

    def table(self, spot: Spot, what: str) -> list[str]:
        """All rows of a node."""
        return [
            rows[what]
            for rows in self.rows[spot.site]
            if what in rows and rows is not self.rows[spot.site][spot.number]
        ]

    def digest(self, spot: Spot, what: str) -> dict[str, Any]:
        """What stands for them beyond the limit."""
        count, total = self.total(spot.site, what)
        own = [row for row in (self.rows[spot.site][spot.number].get(what),) if row is not None]
        digest = _tables.as_text(_tables.subtract(total, _tables.add(map(_tables.row_hash, own))))
        return {"what": what, "count": count - len(own), "digest": digest}


def _api(spots: list[Spot]) -> dict[str, Any]:
    return {
        "version": "v1.34.4",
        "nodes": [
            {
                "name": spot.name,
                "pod_cidrs": [spot.subnet],
                "internal_ips": [spot.address],
                "annotations": {
                    f"{FLANNEL}public-ip": spot.address,
                    f"{FLANNEL}backend-type": "vxlan",
                    f"{FLANNEL}backend-data": json.dumps({"VNI": 1, "VtepMAC": spot.mac}),
                },
                "ready": {"status": "True"},
                "network_unavailable": {"status": "False"},
            }
            for spot in spots
        ],
        "agents": [
            {"namespace": "kube-flannel", "name": "kube-flannel-ds", "agent": "flannel", "desired": 1, "ready": 1}
        ],
        "services": [{"name": "default/kubernetes", "addresses": ["10.96.0.1"], "ports": [443]}],
        "gaps": [],
    }


def _node(spot: Spot, sums: _Sums) -> dict[str, Any]:
    vxlan = {"id": 1, "port": 8472, "local": spot.address, "dev": "eth0", "learning": False}
    node = {
        "hostname": spot.name,
        "kernel": {"release": "6.1.0", "features": {"vxlan": "loaded", "br_netfilter": "loaded"}},
        "links": [
            {"name": "eth0", "index": 2, "kind": None, "mtu": 1500, "state": "up"},
            {
                "name": "flannel.1",
                "index": 3,
                "kind": "vxlan",
                "mtu": 1450,
                "state": "up",
                "mac": spot.mac,
                "vxlan": vxlan,
            },
            {"name": "cni0", "index": 4, "kind": "bridge", "mtu": 1450, "state": "up"},
        ],
        "addresses": [
            _address("eth0", spot.address, 16),
            _address("flannel.1", spot.base, 32),
            _address("cni0", spot.host(1), 26),
        ],
        "routes": list(_own_routes(spot)),
        "rules": [],
        "neighbours": [],
        "fdb": [],
        "wireguard": {},
        "sysctls": {"net.ipv4.ip_forward": "1"},
        "cni": {
            "conf_dir": "/etc/cni/net.d",
            "bin_dir": "/opt/cni/bin",
            "configs": [{"file": "10-flannel.conflist", "name": "cbr0", "plugins": ["flannel", "portmap"]}],
            "binaries": ["bridge", "flannel", "host-local", "loopback", "portmap"],
        },
        "subnet_env": {
            "FLANNEL_NETWORK": "172.16.0.0/12",
            "FLANNEL_SUBNET": f"{spot.host(1)}/26",
            "FLANNEL_MTU": "1450",
            "FLANNEL_IPMASQ": "true",
        },
        "leases": {},
        "pods": [
            {"name": f"default/{spot.name}-{number}", "addresses": [spot.host(number)], "mtu": 1450, "host_mtu": 1450}
            for number in (2, 3)
        ],
        "filters": {"kube_proxy_mode": "iptables"},
        "firewall": {"chains": list(_chains()), "tables": [], "counts": {}},
        "ipsets": [],
        "listeners": [{"protocol": "udp", "port": 8472, "address": "0.0.0.0", "process": "kernel"}],
        "bird": [],
        "agents": [{"name": "flanneld", "pid": 1, "args": []}],
        "gaps": [],
    }
    _tables_of(node, spot, sums)
    return node


def _tables_of(node: dict[str, Any], spot: Spot, sums: _Sums) -> None:
    told = []
    for what in TABLES:
        if sums.total(spot.site, what)[0] > LISTED_TABLE:
            told.append(sums.digest(spot, what))
        else:
            for row in sums.table(spot, what):
                _list(node, what, row)
    if told:
        node["truncated"] = told


def _list(node: dict[str, Any], what: str, row: str) -> None:
    first, *words = row.split()
    rest = dict(zip(words[::2], words[1::2], strict=True))
    if what == "pod_routes":
        node["routes"].append(_route(first, rest["via"], rest["dev"]))
    elif what == "neighbours":
        entry = {"dev": rest["dev"], "address": first, "mac": rest["lladdr"], "state": ["PERMANENT"]}
        node["neighbours"].append(entry)
    else:
        node["fdb"].append({"dev": rest["dev"], "mac": first, "dst": rest["dst"], "state": "permanent"})


def _own_routes(spot: Spot) -> Iterator[dict[str, Any]]:
    yield _route("0.0.0.0/0", str(IPv4Address(NODE_NETWORKS + (spot.site << 16) + 65534)), "eth0")
    yield _route(f"{IPv4Address(NODE_NETWORKS + (spot.site << 16))}/16", None, "eth0")
    yield _route(spot.subnet, None, "cni0")


def _route(dst: str, gateway: str | None, dev: str) -> dict[str, Any]:
    return {"dst": dst, "gateway": gateway, "dev": dev, "protocol": "boot", "type": "unicast", "table": "main"}


def _address(dev: str, address: str, length: int) -> dict[str, Any]:
    return {"dev": dev, "family": "inet", "address": address, "prefixlen": length, "scope": "global"}


def _chains() -> Iterator[dict[str, Any]]:
    for table, name, hook in (("nat", "FLANNEL-POSTRTG", "POSTROUTING"), ("filter", "FLANNEL-FWD", "FORWARD")):
        common = {"flavour": "iptables-nft", "family": "ip", "table": table}
        yield {**common, "chain": name, "owner": "flannel", "rules": ["-j ACCEPT"]}
        rule = f"-A {hook} -j {name}"
        yield {**common, "chain": hook, "hook": hook.lower(), "policy": "accept", "rules": [rule]}


# -- faults


def _table_fault(what: str, change: Callable[[list[str]], str]) -> Callable[[Crowd, Spot, Spot, _Sums], None]:
    """A fault in a table: the rows are changed, and what is listed or digested follows."""

    def plant(made: Crowd, spot: Spot, peer: Spot, sums: _Sums) -> None:
        rows = {name: sums.table(spot, name) for name in TABLES}
        change(rows[what], peer)
        made.tables[spot.name] = rows
        node = made.answers[spot.name]["node"]
        node["routes"], node["neighbours"], node["fdb"] = list(_own_routes(spot)), [], []
        told = []
        for name in TABLES:
            if sums.total(spot.site, name)[0] > LISTED_TABLE:
                told.append({"what": name, "count": len(rows[name]), "digest": _tables.digest(rows[name])})
            else:
                for row in rows[name]:
                    _list(node, name, row)
        node["truncated"] = told

    return plant


def _drop_route(rows: list[str], peer: Spot) -> None:
    rows[:] = [row for row in rows if not row.startswith(f"{peer.subnet} ")]


def _second_route(rows: list[str], peer: Spot) -> None:
    rows.append(f"{peer.subnet} via {peer.address} dev eth0")


def _move_entry(rows: list[str], peer: Spot) -> None:
    rows[:] = [
        row.replace(f" dst {peer.address}", " dst 10.255.0.1") if row.startswith(peer.mac) else row for row in rows
    ]


def _forwarding_off(made: Crowd, spot: Spot, peer: Spot, sums: _Sums) -> None:
    made.answers[spot.name]["node"]["sysctls"]["net.ipv4.ip_forward"] = "0"


def _mtu_wrong(made: Crowd, spot: Spot, peer: Spot, sums: _Sums) -> None:
    made.answers[spot.name]["node"]["links"][1]["mtu"] = 1500


def _shadowed(made: Crowd, spot: Spot, peer: Spot, sums: _Sums) -> None:
    configs = made.answers[spot.name]["node"]["cni"]["configs"]
    configs.insert(0, {"file": "00-other.conf", "name": "x", "plugins": ["bridge"]})


def _unreachable(made: Crowd, spot: Spot, peer: Spot, sums: _Sums) -> None:
    made.answers[spot.name] = {"unreachable": True, "msg": "no route to host"}


FAULTS: dict[str, Callable[[Crowd, Spot, Spot, _Sums], None]] = {
    "route-missing": _table_fault("pod_routes", _drop_route),
    "route-duplicate": _table_fault("pod_routes", _second_route),
    "fdb-wrong": _table_fault("fdb", _move_entry),
    "ip-forward-off": _forwarding_off,
    "device-wrong-mtu": _mtu_wrong,
    "cni-config-shadowed": _shadowed,
    "node-unreachable": _unreachable,
}


def _plant(made: Crowd, spots: list[Spot], share: float, chance: random.Random) -> None:
    chosen = chance.sample(spots, max(1, round(len(spots) * share))) if share else []
    sums = _Sums(spots, made.direct) if chosen else None
    for number, spot in enumerate(chosen):
        name = list(FAULTS)[number % len(FAULTS)]
        # A peer of another site, so that with DirectRouting too it is reached through the tunnel.
        peer = next(one for one in chance.sample(spots, min(len(spots), 9)) if one.site != spot.site)
        FAULTS[name](made, spot, peer, sums)
        made.planted.add((name, spot.name))
