# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What any pod network needs of a node: kernel modules, sysctls, base CNI plugins, NetworkManager's hands off."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._model import NodeFacts
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._node_state import NodeState, text_file

MODULES_FILE = "/etc/modules-load.d/switchyard-cni.conf"
SYSCTL_FILE = "/etc/sysctl.d/90-switchyard-cni.conf"
NETWORK_MANAGER_FILE = "/etc/NetworkManager/conf.d/switchyard-cni.conf"
DISABLED_SUFFIX = ".switchyard-disabled"
# Where distributions put the base CNI plugins.
PLUGIN_DIRS = ("/usr/lib/cni", "/usr/libexec/cni", "/usr/local/lib/cni")
# Devices of every pod network, so that a switch never meets a managed one.
UNMANAGED = ("cni0", "flannel*", "veth*", "cali*", "tunl0", "vxlan.calico", "vxlan-v6.calico", "wireguard.cali")
# Strict reverse-path filtering (RFC 3704) drops replies that return over another device, as they do while
# some nodes already route directly and others still use the tunnel. The kernel uses the higher of "all"
# and the device's own value, so "all" = 2 (loose) covers every device.
RP_FILTER = "net.ipv4.conf.all.rp_filter"
_BRIDGE_FILTER = "br_netfilter"
_AT_HAND = ("loaded", "module")
_FAMILY_SYSCTLS = {
    4: {"net.ipv4.ip_forward": "1", "net.bridge.bridge-nf-call-iptables": "1"},
    6: {"net.ipv6.conf.all.forwarding": "1", "net.bridge.bridge-nf-call-ip6tables": "1"},
}


def node_state(intent: Intent, facts: NodeFacts, nftables: bool, foreign: t.Sequence[str]) -> NodeState:
    """The plugin-independent part of a node's state; ``foreign`` names CNI configuration to put aside."""
    modules = _modules(intent, facts, nftables)
    sysctls = _sysctls(intent, facts)
    files = [text_file(SYSCTL_FILE, (f"{key} = {value}" for key, value in {**sysctls, RP_FILTER: "2"}.items()))]
    if modules:
        files.append(text_file(MODULES_FILE, modules))
    if facts.network_manager:
        files.append(text_file(NETWORK_MANAGER_FILE, _unmanaged()))
    return NodeState(
        files=tuple(files),
        absent=() if modules else (MODULES_FILE,),
        renames=_put_aside(intent, foreign),
        modules=modules,
        sysctls={**sysctls, **_loose_rp_filter(facts)},
        cni_bin_dir=intent.cni_bin_dir,
        cni_plugins=intent.backend.cni_plugins,
        cni_search=PLUGIN_DIRS,
    )


def _modules(intent: Intent, facts: NodeFacts, nftables: bool) -> tuple[str, ...]:
    """Modules of the backend that this kernel does not carry built in."""
    needed = {one.feature: one.module for one in intent.backend.features(nftables)}
    # Also where the agent does without: a service's answer from one pod of a bridge to another has to be translated.
    if intent.backend.bridge is not None and facts.kernel_features.get(_BRIDGE_FILTER) in _AT_HAND:
        needed.setdefault(_BRIDGE_FILTER, _BRIDGE_FILTER)
    return tuple(module for feature, module in needed.items() if facts.kernel_features.get(feature) != "builtin")


def _sysctls(intent: Intent, facts: NodeFacts) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for version in intent.versions:
        wanted.update(_FAMILY_SYSCTLS[version])
    there = facts.kernel_features.get(_BRIDGE_FILTER)
    if there == "missing" or (there == "module" and intent.backend.bridge is None):
        wanted = {key: value for key, value in wanted.items() if not key.startswith("net.bridge.")}
    return wanted


def _loose_rp_filter(facts: NodeFacts) -> dict[str, str]:
    """Loose where it is strict; where it is off it stays off."""
    strict = any(value == "1" for key, value in facts.sysctls.items() if key.endswith(".rp_filter"))
    return {RP_FILTER: "2"} if strict and facts.sysctls.get(RP_FILTER) != "2" else {}


def _unmanaged() -> list[str]:
    names = ";".join(f"interface-name:{name}" for name in UNMANAGED)
    return ["[keyfile]", f"unmanaged-devices+={names}"]


def _put_aside(intent: Intent, foreign: t.Sequence[str]) -> tuple[dict[str, str], ...]:
    """Foreign CNI configuration gets a name that no runtime reads; nothing is deleted."""
    if intent.foreign_cni != "disable":
        return ()
    folder = intent.cni_conf_dir.rstrip("/")
    return tuple({"src": f"{folder}/{file}", "dest": f"{folder}/{file}{DISABLED_SUFFIX}"} for file in foreign)
