# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host: does the kernel let pods' packets pass?"""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._backends._needs import ExpectedChain
from ansible_collections.switchyard.cni.plugins.module_utils._ip import inside
from ansible_collections.switchyard.cni.plugins.module_utils._model import NFTABLES, Chain
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import names
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._case import Case
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._finding import (
    ERROR,
    WARNING,
    Check,
    Findings,
)

TOPIC = "host"
_SYSCTLS, _FIREWALL = ("sysctls",), ("firewall",)

FORWARDING = Check("ip-forward-off", ERROR, "The kernel forwards packets", _SYSCTLS)
RP_FILTER = Check(
    "rp-filter-strict", WARNING, "Reverse-path filtering is not strict where pods' packets pass", _SYSCTLS
)
BRIDGE_NF = Check("bridge-nf-off", WARNING, "Packets between pods of one node pass the packet filter", _SYSCTLS)
FEATURE = Check("kernel-feature-missing", ERROR, "The kernel has what the backend needs", ("kernel",))
DROP = Check("forward-drop", ERROR, "The packet filter forwards pods' packets", _FIREWALL)
CHAIN = Check("chain-missing", WARNING, "The agent's chains are in the packet filter", _FIREWALL)
UNHOOKED = Check("chain-unhooked", ERROR, "The kernel's chains call the agent's", _FIREWALL)
MODE = Check("filter-mode-mismatch", WARNING, "kube-proxy and the agent filter alike", ("filters", "firewall"))
PROXY_CIDR = Check("kube-proxy-other-cidr", WARNING, "kube-proxy knows the pod network", ("filters",))
CLOSED = Check("port-closed", ERROR, "The node listens on the tunnel's port", ("listeners", "links"))
TAKEN = Check("port-taken", ERROR, "Nobody else listens on the tunnel's port", ("listeners", "links"))

CHECKS = (FORWARDING, RP_FILTER, BRIDGE_NF, FEATURE, DROP, CHAIN, UNHOOKED, MODE, PROXY_CIDR, CLOSED, TAKEN)

_FORWARD = {4: "net.ipv4.ip_forward", 6: "net.ipv6.conf.all.forwarding"}
_BRIDGE_NF = {4: "net.bridge.bridge-nf-call-iptables", 6: "net.bridge.bridge-nf-call-ip6tables"}
_STRICT = "1"


def examine(case: Case) -> Findings:
    """The kernel's settings and the packet filter of one node."""
    if case.view.told("sysctls"):
        yield from _sysctls(case)
        yield from _reverse_path(case)
    if case.view.told("kernel"):
        yield from _features(case)
    if case.view.told("firewall"):
        yield from _chains(case)
        yield from _forward(case)
        yield from _mode(case)
    if case.view.told("filters"):
        yield from _proxy_cidr(case)
    if case.view.told("listeners", "links"):
        yield from _port(case)


def _sysctls(case: Case) -> Findings:
    for version in case.intent.versions:
        key = _FORWARD[version]
        if case.facts.sysctls.get(key, "1") == "0":
            yield FORWARDING.found(case.name, key, "1", "0", f"Set it: sysctl -w {key}=1; 01.prepare.yml keeps it")
        key = _BRIDGE_NF[version]
        # A node without the setting has no br_netfilter: then it is the missing feature that is found.
        if case.backend.bridge and not case.scene.nftables and case.facts.sysctls.get(key) == "0":
            hint = "Run 01.prepare.yml: services that lead to a pod of the same node fail without it"
            yield BRIDGE_NF.found(case.name, key, "1", "0", hint)


def _reverse_path(case: Case) -> Findings:
    """The kernel uses the higher of the device's value and that of `all` (ip-sysctl.rst); 2 is loose (RFC 3704)."""
    everywhere = case.facts.sysctls.get("net.ipv4.conf.all.rp_filter", "0")
    devices = [link.name for link in case.expected_links]
    if case.endpoint is not None:
        devices.insert(0, case.endpoint.underlay.dev)
    for dev in devices:
        key = f"net.ipv4.conf.{dev.replace('.', '/')}.rp_filter"
        value = max(everywhere, case.facts.sysctls.get(key, "0"))
        if value == _STRICT:
            hint = "Set net.ipv4.conf.all.rp_filter to 2: replies that come another way are dropped, as during a switch"
            yield RP_FILTER.found(case.name, dev, "off or loose (0 or 2)", "strict (1)", hint)


def _features(case: Case) -> Findings:
    for feature in case.backend.features(case.scene.nftables):
        if case.facts.kernel_features.get(feature.feature) == "missing":
            hint = f"Install a kernel with {feature.option}, or choose a backend that does not need it"
            yield FEATURE.found(
                case.name, feature.feature, f"{feature.option} (module {feature.module})", "absent", hint
            )


def _chains(case: Case) -> Findings:
    chains = {(one.family, one.table, one.name): one for one in case.facts.chains}
    again = f"Restart {case.backend.plugin}'s agent on {case.name}, which writes its rules anew"
    for expected in case.scene.chains:
        found = chains.get((expected.family, expected.table, expected.name))
        if found is None:
            yield CHAIN.found(case.name, expected.name, str(expected), "no such chain", again)
        elif expected.hooked and not _hooked(case, expected):
            told = f"{expected.hooked} jumps to {expected.name}"
            yield UNHOOKED.found(case.name, expected.name, told, "no such rule", again)


def _hooked(case: Case, expected: ExpectedChain) -> bool:
    base = [one for one in _bases(case, expected.family, expected.table) if one.name == expected.hooked]
    # A base chain with more rules than were listed may jump in one of the others.
    return any(len(one.rules) < one.rule_count or _jumps(one, expected.name) for one in base)


def _jumps(chain: Chain, target: str) -> bool:
    return any(target in rule.split() for rule in chain.rules)


def _bases(case: Case, family: str, table: str) -> t.Iterator[Chain]:
    return (one for one in case.facts.chains if one.hook and (one.family, one.table) == (family, table))


def _forward(case: Case) -> Findings:
    """A policy of DROP is right only where the agent's own chain lets pods' packets through.

    That counts in the table that the chain is called from: each base chain decides for itself (nft(8), verdicts).
    """
    accepted = {one.family for one in case.scene.chains if _accepts(case, one)}
    families = {{4: "ip", 6: "ip6"}[version] for version in case.intent.versions}
    for chain in case.facts.chains:
        if chain.hook != "forward" or chain.policy != "drop" or chain.owner == case.backend.plugin:
            continue
        if chain.flavour == NFTABLES:
            known = chain.family in families | {"inet"} and len(chain.rules) >= chain.rule_count
            dropped = known and not any(map(_may_accept, chain.rules))
        else:
            dropped = chain.family in families - accepted
        if dropped:
            hint = f"Let {case.backend.plugin}'s agent accept them (restart it), or set the policy to ACCEPT"
            yield DROP.found(
                case.name, chain.label, "pods' packets are accepted", "policy DROP, nothing accepts them", hint
            )


def _may_accept(rule: str) -> bool:
    """Whether a rule of nft may let a pod's first packet through: nobody follows jumps and maps here."""
    words = set(rule.replace(",", " ").split())
    return "established" not in words and not words.isdisjoint(("accept", "jump", "goto", "vmap", "queue"))


def _accepts(case: Case, expected: ExpectedChain) -> bool:
    """Whether this chain of the agent is for forwarding, is there, and is called before the policy decides."""
    forwards = expected.hooked == "FORWARD"
    where = (expected.family, expected.table, expected.name)
    return (
        forwards
        and any((one.family, one.table, one.name) == where for one in case.facts.chains)
        and _hooked(case, expected)
    )


def _mode(case: Case) -> Findings:
    proxy = case.facts.kube_proxy_mode
    own = {chain.flavour for chain in case.facts.chains if chain.owner == case.backend.plugin}
    if proxy in ("unknown", "none") or not own:
        return
    expected = {"nft"} if proxy == "nftables" else {"iptables-nft", "iptables-legacy"}
    wrong = own - expected
    if wrong:
        hint = "Let the agent filter as kube-proxy does, and remove the chains of the other kind"
        told = f"{case.backend.plugin} filters with {', '.join(sorted(own))}"
        yield MODE.found(case.name, "packet filter", f"kube-proxy uses {proxy}", told, hint)


def _proxy_cidr(case: Case) -> Findings:
    """kube-proxy masquerades what comes from outside its cluster CIDR (pkg/proxy/util, LocalTrafficDetector)."""
    for cidr in case.intent.pod_cidrs:
        same = [one for one in case.facts.kube_proxy_local_cidrs if one.version == cidr.version]
        if same and not inside(cidr, same):
            hint = f"Give kube-proxy on {case.name} the cluster CIDR {cidr} and restart it"
            yield PROXY_CIDR.found(case.name, f"IPv{cidr.version}", f"cluster CIDR {cidr}", names(map(str, same)), hint)


def _port(case: Case) -> Findings:
    transport = case.backend.transport(case.intent)
    if transport is None or not transport.ports:
        return
    ours = any(link.name in case.links for link in case.expected_links)
    for port in transport.ports:
        found = [one for one in case.facts.listeners if (one.protocol, one.port) == (transport.protocol, port)]
        where = f"{transport.protocol} port {port}"
        if not found and ours:
            hint = f"Restart {case.backend.plugin}'s agent on {case.name}"
            yield CLOSED.found(case.name, where, "the node listens", "nobody listens", hint)
        strangers = [one.process for one in found if one.process not in (None, "kernel", *case.backend.traces.agents)]
        if strangers:
            hint = f"Stop {strangers[0]}, or give the pod network another port"
            yield TAKEN.found(case.name, where, "only the pod network listens", f"{strangers[0]} does", hint)
