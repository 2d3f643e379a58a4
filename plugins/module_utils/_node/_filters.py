# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which mode kube-proxy works in, told from what it leaves in the kernel.

Sources: kubernetes pkg/proxy/{iptables,nftables,ipvs}/proxier.go: chain KUBE-SERVICES in iptables' nat table, nft table
kube-proxy, device kube-ipvs0. ipvs mode makes KUBE-SERVICES too, so the stronger sign decides.
"""

from __future__ import annotations

import re
from typing import Iterable, List, Mapping, Set, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._node import _chains
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError, ToolMissing
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import Completed, NodeReader

Chain = Tuple[str, str, str]

_IPVS_DEVICE = "kube-ipvs0"
_NFT_TABLE = "kube-proxy"
_SERVICES = "KUBE-SERVICES"
_IPTABLES = {("ip", "nat", _SERVICES), ("ip6", "nat", _SERVICES)}
_SAVED_CHAIN = re.compile(r"^:(\S+) ", re.MULTILINE)


def parse_nft_chains(text: str) -> Set[Chain]:
    """(family, table, chain) from `nft -j list chains`. Raises Damaged."""
    return {(chain.family, chain.table, chain.name) for chain in _chains.parse_nft_chains(text)}


def parse_saved_chains(text: str) -> Set[Chain]:
    """The same from `iptables-save -t nat`, whose chains are lines such as `:KUBE-SERVICES - [0:0]`."""
    return {("ip", "nat", name) for name in _SAVED_CHAIN.findall(text)}


def proxy_evidence(chains: Iterable[Chain], legacy: Iterable[Chain], links: Iterable[str]) -> List[Mapping[str, str]]:
    """The signs of kube-proxy, the strongest first."""
    found = set(chains)
    signs = (
        ("ipvs", "device " + _IPVS_DEVICE, _IPVS_DEVICE in set(links)),
        ("nftables", "nft table " + _NFT_TABLE, any(table == _NFT_TABLE for dummy, table, unused in found)),
        ("iptables", "chain {0} (iptables-nft)".format(_SERVICES), bool(found & _IPTABLES)),
        ("iptables", "chain {0} (iptables-legacy)".format(_SERVICES), bool(set(legacy) & _IPTABLES)),
    )
    return [{"mode": mode, "sign": sign} for mode, sign, present in signs if present]


def proxy_mode(evidence: List[Mapping[str, str]], complete: bool) -> str:
    """The mode the evidence speaks for; without any it is none, or unknown where something could not be read."""
    if evidence:
        return evidence[0]["mode"]
    return "none" if complete else "unknown"


def read_chains(reader: NodeReader) -> Set[Chain]:
    """The chains nf_tables holds, iptables-nft's included. Raises NodeError."""
    if reader.has_tool("nft"):
        return parse_nft_chains(_output(reader.run(["nft", "-j", "list", "chains"]), "nft"))
    for tool in ("iptables-nft-save", "iptables-save"):
        if reader.has_tool(tool):
            return parse_saved_chains(_output(reader.run([tool, "-t", "nat"]), tool))
    raise ToolMissing("neither nft nor iptables-save is installed")


def read_legacy_chains(reader: NodeReader) -> Set[Chain]:
    """The chains of iptables' older kernel interface. Raises NodeError."""
    try:
        tables = reader.read("/proc/net/ip_tables_names").decode("ascii", "replace").split()
    except FileNotFoundError:
        return set()  # no such interface in this kernel, so no such chains
    except OSError as error:
        raise NodeError("/proc/net/ip_tables_names: {0}".format(error.strerror)) from error
    if "nat" not in tables:
        return set()  # asking for the table would create it
    return parse_saved_chains(_output(reader.run(["iptables-legacy-save", "-t", "nat"]), "iptables-legacy-save"))


def _output(done: Completed, tool: str) -> str:
    if done.rc != 0:
        raise NodeError("{0}: {1}".format(tool, done.reason))
    return done.out
