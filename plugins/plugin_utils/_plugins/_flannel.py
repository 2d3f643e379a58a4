# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the declared flannel needs, as values: its objects or its etcd key, and each node's part."""

from __future__ import annotations

import hashlib
import json
import typing as t

from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import flannel_net_conf
from ansible_collections.switchyard.cni.plugins.plugin_utils._node_state import NodeState
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode, uses_nftables
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins import _flannel_etcd, _flannel_manifest
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._approach import Approach
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._flannel_expect import Expectations
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._flannel_hold import Holds
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._given import Given

# The delegate is the bridge plugin: cni0, with the first address of the node's subnet
# (flannel CNI plugin, README); portmap serves hostPort.
CNI_CONF: dict[str, t.Any] = {
    "name": "cbr0",
    "cniVersion": "0.3.1",
    "plugins": [
        {"type": "flannel", "delegate": {"hairpinMode": True, "isDefaultGateway": True}},
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}


class FlannelPlan:
    """flannel for one cluster; everything that all nodes share is computed once."""

    approach: tuple[Approach, ...] = ()
    """Every backend is reached at once."""

    tools: t.Mapping[str, t.Any] = {}
    """flannel has none."""

    verifies = False
    """What the nodes must show is known before."""

    def __init__(self, given: Given) -> None:
        intent, nodes = given.intent, given.nodes
        self._intent, self._nodes, self._expectations = intent, nodes, Expectations(given)
        self._holds = Holds(given, self._expectations.endpoints.values())
        self._config = {
            "cni-conf.json": _text(CNI_CONF),
            "net-conf.json": _text(flannel_net_conf(intent, uses_nftables(intent, nodes))),
        }
        self._hash = hashlib.sha256(json.dumps(self._config, sort_keys=True).encode()).hexdigest()

    @property
    def configures(self) -> bool:
        """In etcd the configuration is a key; in Kubernetes a ConfigMap among the other objects."""
        return not self._intent.kube

    @property
    def changing(self) -> tuple[t.Mapping[str, str], ...]:
        """What the agents read and what makes them read it; with etcd there is nothing in the cluster."""
        if not self._intent.kube:
            return ()
        named = (("v1", "ConfigMap", "kube-flannel-cfg"), ("apps/v1", "DaemonSet", "kube-flannel-ds"))
        namespace = self._intent.flannel.namespace
        return tuple(
            {"apiVersion": version, "kind": kind, "namespace": namespace, "name": name} for version, kind, name in named
        )

    @property
    def agents(self) -> t.Mapping[str, t.Any]:
        """The pods of the DaemonSet; with etcd flanneld is a unit of systemd."""
        if not self._intent.kube:
            return {}
        selectors = [f"{key}={value}" for key, value in _flannel_manifest.SELECTOR.items()]
        return {"namespace": self._intent.flannel.namespace, "label_selectors": selectors}

    def cluster(self) -> dict[str, t.Any]:
        """The values that the role flannel prints or writes; nothing is left to decide there."""
        flannel = self._intent.flannel
        plan: dict[str, t.Any] = {
            "subnet_manager": flannel.subnet_manager,
            "wait_timeout": flannel.wait_timeout,
            "secret": bool(flannel.options.wireguard_psk),
        }
        if self._intent.kube:
            return {**plan, "manifest": _flannel_manifest.values(self._intent, self._nodes, self._config, self._hash)}
        return {**plan, "etcd": _flannel_etcd.key(flannel, self._nodes[0], self._config["net-conf.json"])}

    def expect(self, node: ObservedNode) -> dict[str, t.Any]:
        """What a node must show: subnet, devices, CNI configuration and all its pod routes."""
        return self._expectations.of(node)

    @property
    def holds(self) -> t.Mapping[str, t.Any]:
        """The peers that are reached directly meanwhile."""
        return self._holds.cluster()

    def hold(self, node: ObservedNode) -> dict[str, t.Any]:
        """The devices of the earlier backend, whose routes are held."""
        return self._holds.of(self._expectations.endpoints[node.name])

    def node_state(self, node: ObservedNode) -> NodeState:
        """What flannel itself needs on a node: nothing where a DaemonSet brings it along."""
        if self._intent.kube:
            return NodeState(cni_bin_dir=self._intent.cni_bin_dir)
        return _flannel_etcd.node_state(self._intent, node, self._config["cni-conf.json"], self._hash)


def _text(value: t.Mapping[str, t.Any]) -> str:
    return json.dumps(value, indent=2) + "\n"
