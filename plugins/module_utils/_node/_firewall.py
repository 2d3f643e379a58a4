# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packet filter of a node: whose chains are there, in which of the kernel's three ways, and what they decide.

Asking changes nothing: iptables is asked only for tables that exist, and nft only where the kernel has it already.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._node import _chains, _facts
from ansible_collections.switchyard.cni.plugins.module_utils._node._chains import Chain
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import ToolMissing
from ansible_collections.switchyard.cni.plugins.module_utils._node._look import Look, output
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader

SHOWN_RULES = 50
_OWNERS = ("kube-proxy", "calico", "flannel")

Table = Tuple[str, str]


class Family(NamedTuple):
    """A family as nft names it, its iptables, and where the kernel names the tables of iptables' older interface."""

    name: str
    program: str
    legacy: str


_FAMILIES = (
    Family("ip", "iptables", "/proc/net/ip_tables_names"),
    Family("ip6", "ip6tables", "/proc/net/ip6_tables_names"),
)


def firewall(look: Look) -> Dict[str, Any]:
    """Collector of the section `firewall`."""
    chains, tables = _nft_world(look)
    chains += _legacy_chains(look)
    counts = dict.fromkeys(_OWNERS + ("other",), 0)
    for chain in chains:
        counts[chain.owner or "other"] += 1
    return {
        "chains": [_told(chain) for chain in chains if _wanted(look, chain)],
        "counts": counts,
        "tables": [{"family": family, "name": name, "owner": _chains.table_owner(name)} for family, name in tables],
    }


def _wanted(look: Look, chain: Chain) -> bool:
    # An empty chain of kube-proxy says no more than its place among the counts; of others it may be left over.
    says = bool(chain.rules) or chain.owner != "kube-proxy"
    return says and (chain.told or (chain.owner is not None and chain.owner in look.request.chains_of))


def _told(chain: Chain) -> Dict[str, Any]:
    return {
        "flavour": chain.flavour,
        "family": chain.family,
        "table": chain.table,
        "chain": chain.name,
        "owner": chain.owner,
        "hook": chain.hook,
        "policy": chain.policy,
        "packets": chain.packets,
        "rules": chain.rules[:SHOWN_RULES] if chain.spelt_out else [],
        "rule_count": len(chain.rules),
    }


def _nft_world(look: Look) -> Tuple[List[Chain], List[Table]]:
    """What nf_tables holds: iptables-nft's chains as iptables prints them, all others as nft does."""
    if look.once(_facts.evidence).feature("nf_tables").state in ("missing", "module"):
        return [], []  # there can be nothing, and asking could load the module
    if not look.reader.has_tool("nft"):
        return [chain for family in _FAMILIES for chain in _iptables_nft(look, family)], []
    tables = look.attempt("firewall (nft)", _tables, look.reader)
    if not tables:
        return [], []
    native = look.attempt("firewall (nft)", _native_chains, look.reader) or []
    theirs: List[Chain] = []
    for family in _FAMILIES:
        if any(one == family.name and table in _chains.IPTABLES_TABLES for one, table in tables):
            theirs += _iptables_nft(look, family)
    read = {(chain.family, chain.table) for chain in theirs}
    # iptables-save lists the built-in chains of a table, also those that nobody has made.
    made = {(chain.family, chain.table, chain.name) for chain in native}
    theirs = [chain for chain in theirs if (chain.family, chain.table, chain.name) in made]
    native = [chain for chain in native if (chain.family, chain.table) not in read]
    for chain in native:
        if chain.told:
            look.attempt("firewall (nft)", _add_rules, look.reader, chain)
    return theirs + native, tables


def _tables(reader: NodeReader) -> List[Table]:
    return _chains.parse_nft_tables(output(reader, ["nft", "-j", "list", "tables"]))


def _native_chains(reader: NodeReader) -> List[Chain]:
    return _chains.parse_nft_chains(output(reader, ["nft", "-j", "list", "chains"]))


def _add_rules(reader: NodeReader, chain: Chain) -> None:
    # One chain a call: nft 1.0.6 does not find the tables of several in one.
    argv = ["nft", "list", "chain", chain.family, chain.table, chain.name]
    _chains.add_nft_rules(chain, output(reader, argv))


def _iptables_nft(look: Look, family: Family) -> List[Chain]:
    return look.attempt("firewall ({0}-nft)".format(family.program), _saved_by_nft, look.reader, family) or []


def _saved_by_nft(reader: NodeReader, family: Family) -> List[Chain]:
    tool = save_tool(reader, family.program, "nft", "nf_tables")
    return _chains.parse_saved(output(reader, [tool, "-c"]), "iptables-nft", family.name)


def _legacy_chains(look: Look) -> List[Chain]:
    found: List[Chain] = []
    for family in _FAMILIES:
        found += (
            look.attempt("firewall ({0}-legacy)".format(family.program), _saved_by_legacy, look.reader, family) or []
        )
    return found


def _saved_by_legacy(reader: NodeReader, family: Family) -> List[Chain]:
    try:
        tables = reader.read(family.legacy).decode("ascii", "replace").split()
    except FileNotFoundError:
        return []  # no such interface in this kernel, so no such chains
    found: List[Chain] = []
    for table in tables:
        # Asking for any other table would create it.
        tool = save_tool(reader, family.program, "legacy", "legacy")
        found += _chains.parse_saved(output(reader, [tool, "-c", "-t", table]), "iptables-legacy", family.name)
    return found


def save_tool(reader: NodeReader, program: str, flavour: str, sign: str) -> str:
    """The iptables-save of a flavour: by its own name, or the plain one if its version says so. Raises NodeError."""
    own, plain = "{0}-{1}-save".format(program, flavour), "{0}-save".format(program)
    if reader.has_tool(own):
        return own
    if reader.has_tool(plain):
        version = output(reader, [plain, "--version"])
        # Before 1.8 there was only what is now called legacy, and it said nothing.
        if sign in version or (flavour == "legacy" and "nf_tables" not in version):
            return plain
    raise ToolMissing("neither {0} nor {1} of that kind is installed".format(own, plain))
