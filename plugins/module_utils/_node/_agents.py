# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The running agents of pod networks and Kubernetes, with the options that say how they were started.

Only options of a list are shown: whatever else stands on a command line may be a secret.
"""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.switchyard.cni.plugins.module_utils._node import _processes
from ansible_collections.switchyard.cni.plugins.module_utils._node._look import Look
from ansible_collections.switchyard.cni.plugins.module_utils._node._processes import Process


def _names(text: str) -> FrozenSet[str]:
    return frozenset(text.split())


class Options(NamedTuple):
    """What may be shown of a command line: options with a value, those without one, and sub-commands."""

    valued: FrozenSet[str] = frozenset()
    switches: FrozenSet[str] = frozenset()
    words: FrozenSet[str] = frozenset()


_CALICO_PARTS = _names("felix confd node")
"""What of `calico component ...` makes up calico-node, from v3.33 (node/filesystem/etc/service)."""

_BIRD = Options(_names("c s"), _names("R"))
_K3S = Options(
    _names(
        "cluster-cidr service-cidr flannel-backend flannel-iface flannel-conf flannel-cni-conf node-ip node-external-ip"
        " node-name container-runtime-endpoint kube-proxy-arg egress-selector-mode"
    ),
    _names("docker disable-network-policy disable-kube-proxy flannel-ipv6-masq flannel-external-ip"),
    _names("server agent"),
)
# The options' names are those of the programs' own help, without the leading minus signs.
AGENTS: Mapping[str, Options] = {
    "flanneld": Options(
        _names(
            "iface iface-regex iface-can-reach public-ip public-ipv6 net-config-path subnet-file etcd-prefix"
            " kube-annotation-prefix healthz-ip healthz-port iptables-resync subnet-lease-renew-margin v"
        ),
        _names("ip-masq kube-subnet-mgr iptables-forward-rules ip-blackhole-route set-node-network-unavailable"),
    ),
    "calico-node": Options(
        switches=_names(
            "felix confd node-services monitor-addresses allocate-tunnel-addrs status-reporter monitor-token startup"
            " shutdown bird-live bird-ready felix-live felix-ready complete-startup flow-logs"
        ),
        words=_CALICO_PARTS,
    ),
    "calico-felix": Options(_names("c config-file")),
    "confd": Options(_names("confdir interval"), _names("watch")),
    "calico-typha": Options(),
    "bird": _BIRD,
    "bird6": _BIRD,
    "kube-proxy": Options(
        _names(
            "proxy-mode cluster-cidr hostname-override config bind-address detect-local-mode nodeport-addresses"
            " iptables-sync-period ipvs-scheduler healthz-bind-address metrics-bind-address v"
        ),
        _names("masquerade-all ipvs-strict-arp"),
    ),
    "kubelet": Options(
        _names(
            "container-runtime container-runtime-endpoint network-plugin cni-conf-dir cni-bin-dir pod-cidr node-ip"
            " hostname-override config root-dir network-plugin-mtu v"
        )
    ),
    "k3s": _K3S,
    "rke2": _K3S,
}


def agents(look: Look) -> List[Dict[str, Any]]:
    """Collector of the section `agents`."""
    found = []
    for process in look.once(_processes.processes):
        name = agent_name(process)
        if name is not None and _processes.in_this_network(look.reader, process.pid):
            shown = list(shown_arguments(arguments(process), AGENTS[name]))
            found.append({"name": name, "pid": process.pid, "args": shown})
    return found


def agent_name(process: Process) -> Optional[str]:
    """Which agent a process is. hyperkube carries its name in the first argument, and calico in the first two."""
    if process.program in AGENTS:
        return process.program
    words = arguments(process)
    if process.program == "calico" and words[:1] == ["component"] and _CALICO_PARTS.intersection(words[1:2]):
        return "calico-node"
    return words[0] if process.program == "hyperkube" and words and words[0] in AGENTS else None


def arguments(process: Process) -> List[str]:
    """The arguments, also of a process that replaced them by one line."""
    argv = list(process.argv)
    return argv[0].split()[1:] + argv[1:] if argv else []


def shown_arguments(argv: Sequence[str], options: Options) -> Iterator[str]:
    """What may be shown of a command line, each option as --name or --name=value."""
    position = 0
    while position < len(argv):
        word = argv[position]
        position += 1
        if not word.startswith("-"):
            if word in options.words:
                yield word
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if name in options.switches:
            yield "--" + name + equals + value
        elif name in options.valued:
            if not equals and position < len(argv):
                value = argv[position]
                position += 1
            yield "--{0}={1}".format(name, value)


def option(argv: Sequence[str], *names: str) -> Optional[str]:
    """The value of the last of some options on a command line, by their names without minus signs."""
    found = list(shown_arguments(argv, Options(valued=frozenset(names))))
    return found[-1].partition("=")[2] if found else None
