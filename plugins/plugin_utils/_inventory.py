# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an inventory's variables and the API server's answer to the values that the pure core reads."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._model import DAMAGE, ModelError
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Member, Roster
from ansible_collections.switchyard.cni.plugins.plugin_utils._detect import DESCRIBED
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode, observed_node
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import HIDDEN, Problem
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import BY_NAME, PREFIXES, SETTINGS

OBSERVED = "network_observed"
# Names with our prefixes that are results and switches of the playbooks, not settings.
INTERNAL = frozenset(
    {OBSERVED, "network_plan", "network_proof", "network_api_host", "flannel_applied"}
    | {"calico_defined", "calico_declared", "calico_applied"}
)

Variables = t.Mapping[str, t.Any]


def setting_names(variables: Variables) -> list[str]:
    """The names among some variables that are settings, or look like one."""
    return [name for name in variables if _is_ours(str(name))]


def host_values(variables: Variables, get: t.Callable[[str], t.Any]) -> dict[str, t.Any]:
    """The values of the settings that each host has for itself, by native name; ``get`` reads one variable."""
    values: dict[str, t.Any] = {}
    for setting in SETTINGS:
        if setting.per_host:
            found = [get(name) for name in setting.names if name in variables]
            values[setting.name] = next((str(value) for value in found if value not in (None, "")), "")
    return values


def disagreements(first: Variables, first_host: str, second: Variables, second_host: str) -> list[Problem]:
    """Settings of the whole cluster that two hosts of one inventory see differently."""
    return [
        Problem(
            name,
            _shown(name, first[name]),
            f"{first_host} has this value and {second_host} has {_shown(name, second[name])}",
            "Set it once for all hosts, in group_vars/all",
        )
        for name in first
        if name in second and name in BY_NAME and not BY_NAME[name].per_host and first[name] != second[name]
    ]


def instead(raw: t.Mapping[str, t.Any], settings: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The inventory's variables with another network than the one they declare, such as an earlier one."""
    kept = {name: value for name, value in raw.items() if name not in BY_NAME or BY_NAME[name].name not in DESCRIBED}
    return {**kept, **{name: value for name, value in settings.items() if name in DESCRIBED}}


def declared_network(raw: t.Mapping[str, t.Any], values: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Those of the resolved values with which the inventory says which network it wants."""
    named = {BY_NAME[name].name for name in raw if name in BY_NAME}
    return {name: values[name] for name in sorted(named & DESCRIBED) if name in values}


def observe(
    host: str, result: t.Mapping[str, t.Any] | None, own: t.Mapping[str, t.Any], cluster: Roster | None
) -> ObservedNode:
    """One node out of its module's result, its own settings, and the cluster's Nodes (None: nobody asked for them).

    A node whose answer cannot be read is one that did not answer.
    """
    try:
        return _observe(host, result, own, cluster)
    except DAMAGE as error:
        told = str(error) if isinstance(error, ModelError) else f"its answer cannot be read: {error!r}"
        return _observe(host, {"msg": told}, own, cluster)


def _observe(
    host: str, result: t.Mapping[str, t.Any] | None, own: t.Mapping[str, t.Any], cluster: Roster | None
) -> ObservedNode:
    answer = result or {}
    facts = answer.get("node")
    unreachable = None if facts else str(answer.get("msg") or "not observed in this run: --limit left it out")
    found = _member(host, own["network_node_name"], facts or {}, cluster) if cluster else None
    name = found.name if found else own["network_node_name"] or host
    return observed_node(
        name,
        host,
        facts,
        unreachable=unreachable,
        pod_cidrs=found.pod_cidrs if found else (),
        internal_ips=found.internal_ips if found else (),
        registered=None if cluster is None else found is not None,
        public_ip=own["flannel_public_ip"],
        asked=result is not None,
    )


def _member(host: str, name: str, facts: t.Mapping[str, t.Any], cluster: Roster) -> Member | None:
    """The Node of a host: by its declared name, the inventory's, its host name, or an address it holds."""
    held = [item["address"] for item in facts.get("addresses", [])]
    return cluster.find((name, host, facts.get("hostname")), held)


def _shown(name: str, value: t.Any) -> t.Any:
    return HIDDEN if BY_NAME[name].secret else value


def _is_ours(name: str) -> bool:
    return name in BY_NAME or (name.startswith(PREFIXES) and name not in INTERNAL)
