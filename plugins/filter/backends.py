# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that tell what a backend implies."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._backends import find
from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import Endpoint, Underlay, networks
from ansible_collections.switchyard.cni.plugins.plugin_utils._filters import Filter, refuse, reported, whole_number
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent, build_intent, flannel_net_conf
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import errors
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import resolve
from ansible_collections.switchyard.cni.plugins.plugin_utils._subnets import SubnetError, parse, parse_interface


def backend_mtu(nic_mtu: t.Any, backend: str, plugin: str = "flannel") -> int:
    """The MTU inside pods, in bytes, for a NIC's MTU."""
    chosen = find(plugin, backend)
    mtu = whole_number(nic_mtu, "an MTU in bytes")
    if mtu <= chosen.overhead:
        raise SubnetError(
            f"{mtu} bytes leave nothing after the {chosen.overhead} of {backend}; give the MTU of the NIC"
        )
    return chosen.pod_mtu(mtu)


def net_conf(settings: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """flannel's net-conf.json from the inventory's settings."""
    intent = _intent(settings)
    return flannel_net_conf(intent, nftables=bool(intent.nftables))


def flannel_node_routes(
    settings: t.Mapping[str, t.Any], nodes: t.Sequence[t.Mapping[str, str]], name: str
) -> list[dict[str, t.Any]]:
    """The routes that one node must have to its peers' pods."""
    intent = _intent(settings)
    endpoints = [_endpoint(node) for node in nodes]
    chosen = next((endpoint for endpoint in endpoints if endpoint.name == name), None)
    if chosen is None:
        known = ", ".join(endpoint.name for endpoint in endpoints)
        raise SubnetError(f"there is no node {name!r}; give one of {known or 'at least one node'}")
    return [
        {"dst": route.dst, "gateway": route.gateway, "dev": route.dev, "onlink": route.onlink}
        for route in intent.backend.routes(chosen, endpoints, intent)
    ]


def _intent(settings: t.Any) -> Intent:
    if not isinstance(settings, t.Mapping):
        raise SubnetError(f"{settings!r} is not a mapping; give the settings as a mapping of variables")
    values, problems = resolve(settings)
    intent, contradictions = build_intent(values)
    refuse(errors(problems + contradictions))
    if intent is None:
        raise SubnetError("the settings name no pod network; set network_pod_cidr")
    return intent


def _endpoint(node: t.Mapping[str, str]) -> Endpoint:
    missing = [key for key in ("name", "address", "pod_cidr", "dev") if not node.get(key)]
    if missing:
        raise SubnetError(
            f"the node {dict(node)} has no {', '.join(missing)}; give name, address/prefix, pod_cidr and dev"
        )
    interface = parse_interface(node["address"])
    return Endpoint(
        name=node["name"],
        pod_cidrs=networks([str(parse(node["pod_cidr"]))]),
        underlay=Underlay(node["dev"], 0, ((str(interface.ip), interface.prefixlen),)),
    )


class FilterModule:
    """What a backend implies for nodes and pods."""

    def filters(self) -> dict[str, Filter]:
        return reported(
            {
                "backend_mtu": backend_mtu,
                "flannel_net_conf": net_conf,
                "flannel_node_routes": flannel_node_routes,
            }
        )
