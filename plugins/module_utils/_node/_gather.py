# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observing a node: one value with everything that is in force, and a named gap for whatever could not be read."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils import _tables
from ansible_collections.switchyard.cni.plugins.module_utils._node import _cni, _filters, _iproute, _kernel
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged, NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader

FEATURES = ("vxlan", "br_netfilter", "ipip", "wireguard", "tun")
# Always of interest; a device's rp_filter is added for the devices that carry addresses.
SYSCTLS = (
    "net.ipv4.ip_forward",
    "net.ipv6.conf.all.forwarding",
    "net.bridge.bridge-nf-call-iptables",
    "net.bridge.bridge-nf-call-ip6tables",
    "net.ipv4.conf.all.rp_filter",
    "net.ipv4.conf.default.rp_filter",
)
DEFAULT_LIMIT = 1000

Observed = Dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What to observe. limit: entries of one kind (routes: of one protocol) listed before a digest stands for them."""

    sections: Tuple[str, ...]
    conf_dir: str = _cni.CONF_DIR
    bin_dir: str = _cni.BIN_DIR
    search: Tuple[str, ...] = _cni.SEARCH_DIRS
    sysctls: Tuple[str, ...] = ()
    files: Tuple[str, ...] = ()
    limit: int = DEFAULT_LIMIT


def gather(reader: NodeReader, request: Request) -> Observed:
    """Observe a node. Never fails for what is missing, forbidden or damaged: that is named under `gaps`."""
    return _Gathering(reader, request).result()


class _Gathering:
    """One observation; holds what several sections share."""

    def __init__(self, reader: NodeReader, request: Request) -> None:
        self._reader = reader
        self._request = request
        self._gaps: List[Dict[str, str]] = []
        self._truncated: List[Dict[str, Any]] = []
        self._devices: Optional[Tuple[List[_iproute.Record], List[_iproute.Record]]] = None

    def result(self) -> Observed:
        observed: Observed = {"hostname": self._reader.hostname()}
        for name in self._request.sections:
            observed[name] = _COLLECTORS[name](self)
        if self._request.files:
            observed["files"] = {path: self._file(path) for path in self._request.files}
        observed["gaps"] = self._gaps
        if self._truncated:
            observed["truncated"] = self._truncated
        return observed

    def _gap(self, what: str, reason: str) -> None:
        self._gaps.append({"what": what, "reason": reason})

    def _json(self, what: str, argv: Sequence[str], parse: Callable[[Any], _iproute.Parsed]) -> List[_iproute.Record]:
        try:
            done = self._reader.run(argv)
            if done.rc != 0:
                raise NodeError("{0}: {1}".format(" ".join(argv), done.reason))
            found, problems = parse(_iproute.decode(done.out))
        except NodeError as error:
            self._gap(what, str(error))
            return []
        if problems:
            self._gap(what, "{0} records of {1} left out, {2}".format(len(problems), " ".join(argv), problems[0]))
        return found

    def _links_and_addresses(self) -> Tuple[List[_iproute.Record], List[_iproute.Record]]:
        if self._devices is None:
            addresses: List[_iproute.Record] = []

            def parse(data: Any) -> _iproute.Parsed:
                found, problems = _iproute.parse_addresses(data)
                addresses.extend(found)
                links, link_problems = _iproute.parse_links(data)
                return links, problems + link_problems

            # One program serves both sections: `ip -d addr` prints all that `ip -d link` prints.
            links = self._json("links", ["ip", "-j", "-d", "addr", "show"], parse)
            self._devices = (links, addresses)
        return self._devices

    def links(self) -> List[_iproute.Record]:
        return self._links_and_addresses()[0]

    def addresses(self) -> List[_iproute.Record]:
        return self._links_and_addresses()[1]

    def routes(self) -> List[_iproute.Record]:
        found: List[_iproute.Record] = []
        for family, flag in (("inet", "-4"), ("inet6", "-6")):
            found += self._json(
                "routes ({0})".format(family),
                ["ip", "-j", "-d", flag, "route", "show", "table", "all"],
                partial(_iproute.parse_routes, family=family),
            )
        kept: List[_iproute.Record] = []
        for protocol, group in _by(found, "protocol").items():
            kept += self._limited("routes", group, {"protocol": protocol})
        return kept

    def neighbours(self) -> List[_iproute.Record]:
        found = self._json("neighbours", ["ip", "-j", "neigh", "show"], _iproute.parse_neighbours)
        return self._limited("neighbours", found, {})

    def fdb(self) -> List[_iproute.Record]:
        found: List[_iproute.Record] = []
        for link in self.links():
            if link["vxlan"] is None:
                continue
            dev = link["name"]
            argv = ["bridge", "-j", "fdb", "show", "dev", dev]
            entries = self._json("fdb " + dev, argv, partial(_iproute.parse_fdb, dev=dev))
            found += self._limited("fdb", entries, {"dev": dev})
        return found

    def _limited(self, what: str, found: List[_iproute.Record], group: Mapping[str, str]) -> List[_iproute.Record]:
        if len(found) <= self._request.limit:
            return found
        note = dict(group, what=what, count=len(found), listed=self._request.limit, digest=digest(what, found))
        self._truncated.append(note)
        return sorted(found, key=_canonical)[: self._request.limit]

    def kernel(self) -> Dict[str, Any]:
        kernel = _kernel.Kernel(self._reader)
        features = {name: kernel.feature(name) for name in FEATURES}
        for problem in kernel.unreadable:
            self._gap("kernel", problem)
        return {
            "release": kernel.release,
            "features": {name: feature.state for name, feature in features.items()},
            "reasons": {name: feature.reason for name, feature in features.items() if feature.reason},
            "tun_device": _kernel.tun_usable(self._reader, features["tun"]),
        }

    def sysctls(self) -> Dict[str, str]:
        devices = {address["dev"] for address in self.addresses() if address["family"] == "inet"} - {"lo"}
        own = [_kernel.sysctl_key("net", "ipv4", "conf", dev, "rp_filter") for dev in sorted(devices)]
        values: Dict[str, str] = {}
        for key in list(dict.fromkeys(SYSCTLS + self._request.sysctls + tuple(own))):
            try:
                values[key] = _kernel.read_sysctl(self._reader, key)
            except FileNotFoundError:
                provider = _kernel.sysctl_provider(key)
                self._gap("sysctl " + key, "absent" + (" (module {0} brings it)".format(provider) if provider else ""))
            except (OSError, NodeError) as error:
                self._gap("sysctl " + key, _reason(error))
        return values

    def cni(self) -> Dict[str, Any]:
        request = self._request
        elsewhere = [directory for directory in request.search if directory != request.bin_dir]
        search = {directory: self._programs(directory) for directory in elsewhere}
        return {
            "conf_dir": request.conf_dir,
            "bin_dir": request.bin_dir,
            "configs": list(self._configs(request.conf_dir)),
            "binaries": self._programs(request.bin_dir),
            "search": {directory: names for directory, names in search.items() if names},
        }

    def _configs(self, directory: str) -> Iterator[Dict[str, Any]]:
        try:
            names = _cni.config_names(self._reader, directory)
        except FileNotFoundError:
            return
        except OSError as error:
            self._gap(directory, _reason(error))
            return
        for name in names:
            path = os.path.join(directory, name)
            try:
                yield dict(_cni.parse_config(self._reader.read(path)), file=name)
            except (OSError, Damaged) as error:
                # Still listed: a runtime may stumble over it, and whoever cleans up must know that it is there.
                self._gap(path, _reason(error))
                yield {"file": name, "name": None, "plugins": []}

    def _programs(self, directory: str) -> List[str]:
        try:
            return _cni.executables(self._reader, directory)
        except OSError as error:
            self._gap(directory, _reason(error))
            return []

    def _file(self, path: str) -> Optional[Dict[str, str]]:
        try:
            found = self._reader.stat(path)
            if found is None:
                return None
            content = self._reader.read(path)
        except OSError as error:
            self._gap(path, _reason(error))
            return {"sha256": "", "mode": ""}
        return {"sha256": hashlib.sha256(content).hexdigest(), "mode": "{0:04o}".format(found.mode)}

    def subnet_env(self) -> Optional[Dict[str, str]]:
        try:
            return _cni.parse_subnet_env(self._reader.read(_cni.SUBNET_ENV))
        except (FileNotFoundError, NotADirectoryError):
            return None  # flanneld has not run here: a fact, not a gap
        except (OSError, Damaged) as error:
            self._gap(_cni.SUBNET_ENV, _reason(error))
            return None

    def network_manager(self) -> bool:
        return self._reader.has_tool("NetworkManager") or self._reader.has_tool("nmcli")

    def filters(self) -> Dict[str, Any]:
        complete = True
        chains = {}
        for what, read in (("nftables", _filters.read_chains), ("iptables-legacy", _filters.read_legacy_chains)):
            try:
                chains[what] = read(self._reader)
            except NodeError as error:
                complete = False
                chains[what] = set()
                self._gap(what, str(error))
        names = [link["name"] for link in self.links()]
        evidence = _filters.proxy_evidence(chains["nftables"], chains["iptables-legacy"], names)
        return {"kube_proxy_mode": _filters.proxy_mode(evidence, complete), "kube_proxy": evidence}


_COLLECTORS: Mapping[str, Callable[[_Gathering], Any]] = {
    "kernel": _Gathering.kernel,
    "links": _Gathering.links,
    "addresses": _Gathering.addresses,
    "routes": _Gathering.routes,
    "neighbours": _Gathering.neighbours,
    "fdb": _Gathering.fdb,
    "sysctls": _Gathering.sysctls,
    "cni": _Gathering.cni,
    "subnet_env": _Gathering.subnet_env,
    "network_manager": _Gathering.network_manager,
    "filters": _Gathering.filters,
}
SECTIONS = tuple(_COLLECTORS)


def digest(what: str, records: Sequence[Mapping[str, Any]]) -> str:
    """The sum of the records' hashes, see _tables; a route counts with what decides where its packets go."""
    return _tables.as_text(_tables.add(_hash(what, record) for record in records))


def _hash(what: str, record: Mapping[str, Any]) -> int:
    if what == "routes":
        return _tables.row_hash(_tables.route_row(record["dst"], record["gateway"], record["dev"]))
    return _tables.row_hash(_canonical(record))


def _canonical(record: Mapping[str, Any]) -> str:
    return json.dumps(record, sort_keys=True, separators=(",", ":"))


def _by(records: Sequence[_iproute.Record], key: str) -> Dict[str, List[_iproute.Record]]:
    groups: Dict[str, List[_iproute.Record]] = {}
    for record in records:
        groups.setdefault(record[key], []).append(record)
    return groups


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
