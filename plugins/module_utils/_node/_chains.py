# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chains of packet filters, as iptables-save and nft print them: plain values, told whose they are.

Sources: iptables-save(8) with counters; libnftables-json(5) for `nft -j list chains` and `... tables`; nft(8) for the
text of rules. Whose a chain is: flannel pkg/trafficmngr/{iptables,nftables}, felix/rules/rule_defs.go, kubernetes
pkg/proxy/{iptables,ipvs,nftables}/proxier.go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Iterator, List, Optional, Set, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._backends import owner_of
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged
from ansible_collections.switchyard.cni.plugins.module_utils._node._iproute import decode

# The tables iptables knows, in either of its flavours.
IPTABLES_TABLES = frozenset(("filter", "nat", "mangle", "raw", "security"))


def _words(text: str) -> FrozenSet[str]:
    return frozenset(text.split())


_KUBE_PROXY, _KUBE_PREFIX = "kube-proxy", "KUBE-"
# The kubelet makes these in every mode, even without kube-proxy (pkg/kubelet/kubelet_network_linux.go).
_KUBELETS = frozenset(("KUBE-FIREWALL", "KUBE-KUBELET-CANARY", "KUBE-MARK-DROP", "KUBE-IPTABLES-HINT"))

# Chains that are there once, whatever runs on the node; those of endpoints, policies and services are legion.
_FIXED = _words(
    "cali-FORWARD cali-INPUT cali-OUTPUT cali-PREROUTING cali-POSTROUTING cali-nat-outgoing cali-fip-dnat"
    " cali-fip-snat cali-from-wl-dispatch cali-to-wl-dispatch cali-from-host-endpoint cali-to-host-endpoint"
    " cali-wl-to-host cali-cidr-block cali-from-hep-forward cali-to-hep-forward cali-rpf-skip"
    " KUBE-SERVICES KUBE-EXTERNAL-SERVICES KUBE-NODEPORTS KUBE-FORWARD KUBE-POSTROUTING KUBE-MARK-MASQ"
    " KUBE-PROXY-FIREWALL KUBE-NODE-PORT KUBE-LOAD-BALANCER KUBE-IPVS-FILTER"
    " KUBE-IPVS-OUT-FILTER KUBE-SOURCE-RANGES-FIREWALL"
)
# Calico's nftables mode puts the table's name before the chain's.
_CALICO_NFT = re.compile(r"(?:filter|nat|mangle|raw)-(?=cali-)")
# Base chains that decide about pods' packets and about tunnels' packets.
_WATCHED_HOOKS = {"forward": "filter", "input": "filter", "postrouting": "nat"}

_SAVED_CHAIN = re.compile(r":(\S+) (\S+) \[(\d{1,20}):(\d{1,20})\]\Z")
_SAVED_RULE = re.compile(r"(?:\[(\d{1,20}):\d{1,20}\] )?-A (\S+) ?(.*)\Z")
_FOREIGN_TABLE = re.compile(r"# Table `([^']+)' ")
_NFT_HEAD = re.compile(r"(?:type \S+ hook |comment )")
_NFT_COUNTER = re.compile(r"\bcounter packets (\d{1,20}) bytes \d{1,20}")
_QUOTED = re.compile(r"\"[^\"]*\"")


@dataclass
class Chain:
    """A chain. hook and policy are those of a base chain; packets is what was counted, None where nothing counts."""

    flavour: str
    family: str
    table: str
    name: str
    hook: Optional[str] = None
    kind: Optional[str] = None
    policy: Optional[str] = None
    packets: Optional[int] = None
    rules: List[str] = field(default_factory=list)

    @property
    def owner(self) -> Optional[str]:
        """Whose chain it is: flannel, calico, kube-proxy, or None."""
        if self.flavour == "nft":
            return table_owner(self.table)
        if self.name in _KUBELETS:
            return None
        return _KUBE_PROXY if self.name.startswith(_KUBE_PREFIX) else owner_of("chains", self.name)

    @property
    def told(self) -> bool:
        """Whether it is described, and not only counted."""
        plain = _CALICO_NFT.sub("", self.name) if self.flavour == "nft" else self.name
        return self.spelt_out or plain in _FIXED

    @property
    def spelt_out(self) -> bool:
        """Whether the text of its rules is told."""
        return self.owner == "flannel" or (self.hook is not None and _WATCHED_HOOKS.get(self.hook) == self.kind)


def table_owner(name: str) -> Optional[str]:
    """Whose nft table it is: flannel, calico, kube-proxy, or None."""
    return _KUBE_PROXY if name == _KUBE_PROXY else owner_of("filter_tables", name)


def parse_saved(text: str, flavour: str, family: str) -> List[Chain]:
    """The chains in the output of iptables-save -c, without tables of which it says that it cannot. Raises Damaged."""
    chains: Dict[Tuple[str, str], Chain] = {}
    foreign: Set[str] = set()
    table = None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            foreign.update(_FOREIGN_TABLE.findall(line))
        elif line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith(":") and table is not None:
            chain = _saved_chain(line, Chain(flavour, family, table, ""), number)
            chains[(table, chain.name)] = chain
        elif line.strip() not in ("", "COMMIT"):
            rule = _SAVED_RULE.match(line)
            if rule is None or (table or "", rule.group(2)) not in chains:
                raise Damaged("line {0} is not of iptables-save".format(number))
            chain = chains[(table or "", rule.group(2))]
            chain.packets = (chain.packets or 0) + int(rule.group(1) or 0)
            chain.rules.append(rule.group(3))
    return [chain for chain in chains.values() if chain.table not in foreign]


def _saved_chain(line: str, chain: Chain, number: int) -> Chain:
    match = _SAVED_CHAIN.match(line)
    if match is None:
        raise Damaged("line {0} is no chain of iptables-save".format(number))
    chain.name, policy, chain.packets = match.group(1), match.group(2), int(match.group(3))
    if policy != "-":
        chain.hook, chain.kind, chain.policy = chain.name.lower(), chain.table, policy.lower()
    return chain


def parse_nft_chains(text: str) -> List[Chain]:
    """The chains in `nft -j list chains`, without their rules. Raises Damaged."""
    return [
        Chain(
            "nft",
            str(one.get("family")),
            str(one.get("table")),
            str(one.get("name")),
            hook=_word(one.get("hook")),
            kind=_word(one.get("type")),
            policy=_word(one.get("policy")),
        )
        for one in _nft_objects(text, "chain")
    ]


def parse_nft_tables(text: str) -> List[Tuple[str, str]]:
    """(family, name) of the tables in `nft -j list tables`. Raises Damaged."""
    return [(str(one.get("family")), str(one.get("name"))) for one in _nft_objects(text, "table")]


def _nft_objects(text: str, kind: str) -> Iterator[Dict[str, Any]]:
    document = decode(text)
    entries = document.get("nftables") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise Damaged("no list named nftables")
    for entry in entries:
        if isinstance(entry, dict) and isinstance(entry.get(kind), dict):
            yield entry[kind]


def _word(value: Any) -> Optional[str]:
    return value if isinstance(value, str) else None


def add_nft_rules(chain: Chain, text: str) -> None:
    """Give a chain the rules that `nft list chain` prints, without the counters' values. Raises Damaged."""
    statements = list(_nft_statements(text))
    if len(statements) < 2 or not statements[1].startswith("chain "):
        raise Damaged("not the text of a chain")
    for rule in statements[2:]:
        if _NFT_HEAD.match(rule):
            continue
        counted = _NFT_COUNTER.findall(rule)
        if counted:
            chain.packets = (chain.packets or 0) + sum(int(packets) for packets in counted)
        chain.rules.append(_NFT_COUNTER.sub("counter", rule))


def _nft_statements(text: str) -> Iterator[str]:
    """The lines of nft's output; what it breaks inside braces, such as a long set, becomes one line again."""
    broken: List[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if not broken and (stripped in ("", "}") or stripped.endswith("{")):
            if stripped.endswith("{"):
                yield stripped
            continue
        broken.append(stripped)
        joined = " ".join(broken)
        plain = _QUOTED.sub("", joined)
        if plain.count("{") <= plain.count("}"):
            yield joined
            broken = []
    if broken:
        raise Damaged("the text of a chain ends within braces")
