# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known before a node is asked, and what each node is asked."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._detect import pod_networks
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent, build_intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import Problem, errors
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import BY_NAME, resolve
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._checks._leftovers import files

NETWORK = "network_pod_cidr"
"""The setting without which nothing is declared."""

LISTED = 100
"""Entries of one kind that a node lists; beyond, a digest stands for the rest."""

LISTED_TABLE = 20
"""Entries of a table that grows with the cluster: all nodes together list the square of it at most."""

SECTIONS = (
    "kernel",
    "links",
    "addresses",
    "routes",
    "rules",
    "neighbours",
    "fdb",
    "wireguard",
    "sysctls",
    "cni",
    "subnet_env",
    "leases",
    "pods",
    "filters",
    "firewall",
    "ipsets",
    "listeners",
    "bird",
    "runtime",
    "agents",
    "running",
)


@dataclass(frozen=True)
class Declared:
    """What an inventory says; ``intent`` is None where it declares no pod network. ``settings`` are those it sets."""

    intent: Intent | None
    settings: t.Mapping[str, t.Any]
    kubeconfig: str = ""
    context: str = ""
    conf_dir: str = ""
    bin_dir: str = ""

    @property
    def asks_api(self) -> bool:
        """Whether Kubernetes knows of this pod network."""
        return self.intent is None or self.intent.kube


def declared(raw: t.Mapping[str, t.Any], allow: t.Collection[str] = ()) -> tuple[Declared, list[Problem]]:
    """Read an inventory's variables. Everything that is wrong with them is a problem, except that there may be none."""
    values, problems = resolve(raw, allow)
    named = {BY_NAME[name].name: name for name in raw if name in BY_NAME}
    settings = {name: _plain(values[name]) for name in named if name in values and not BY_NAME[name].secret}
    if NETWORK in named:
        intent, contradictions = build_intent(values)
        problems = errors(problems + contradictions)
    else:
        intent, problems = None, [one for one in errors(problems) if one.variable != NETWORK]
    # Where the inventory names no directory, the container runtime's own configuration tells it.
    directories = [
        str(values[name]) if name in named else "auto" for name in ("network_cni_conf_dir", "network_cni_bin_dir")
    ]
    found = Declared(
        intent, settings, values.get("network_kubeconfig", ""), values.get("network_context", ""), *directories
    )
    return found, problems


def request(wanted: Declared, cluster: Cluster) -> dict[str, t.Any]:
    """The options of node_network_info for every node."""
    networks = [str(cidr) for cidr in wanted.intent.pod_cidrs] if wanted.intent else list(pod_networks(cluster))
    return {
        "gather": list(SECTIONS),
        "pod_networks": networks,
        "limit": LISTED,
        "table_limit": LISTED_TABLE,
        "files": list(files()),
        "cni_conf_dir": wanted.conf_dir,
        "cni_bin_dir": wanted.bin_dir,
    }


def _plain(value: t.Any) -> t.Any:
    """A value as an inventory in YAML would hold it."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, t.Mapping) else value
