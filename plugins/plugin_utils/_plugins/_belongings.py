# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network plugin keeps in a cluster and on its nodes besides what its agents make, whoever deployed it.

The names are those of upstream's manifests (flannel, Documentation/kube-flannel.yml; Calico, manifests/calico.yaml) and
of ours. A plugin adds its entry here.
"""

from __future__ import annotations

import itertools
import typing as t
from dataclasses import dataclass

from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster, Pool


def _nowhere(cluster: Cluster) -> tuple[()]:
    return ()


def _pools(cluster: Cluster) -> t.Iterable[Pool]:
    return cluster.calico.pools if cluster.calico else ()


def _blocks(cluster: Cluster) -> t.Iterable[str]:
    return itertools.chain.from_iterable(cluster.calico.blocks.values()) if cluster.calico else ()


def _nobody(cluster: Cluster) -> bool:
    return False


def _operator(cluster: Cluster) -> bool:
    return cluster.calico is not None and cluster.calico.operator


def _of_flannel(cluster: Cluster) -> t.Iterable[str]:
    return (one.namespace for one in cluster.flannel)


@dataclass(frozen=True)
class Belongings:
    """``config`` is its ConfigMap, ``objects`` are kind, apiVersion and name of what else is in its namespace.

    ``roles`` are names of ClusterRoles and of their bindings, ``paths`` what it keeps on a node. ``configured`` tells
    in which namespaces its ConfigMap was found, ``pools`` its IPPools, ``blocks`` what nodes have of them; ``operated``
    whether an operator makes its agents, ``enforces`` whether it enforces NetworkPolicies.
    """

    config: str
    objects: tuple[tuple[str, str, str], ...]
    roles: tuple[str, ...]
    paths: tuple[str, ...]
    configured: t.Callable[[Cluster], t.Iterable[str]] = _nowhere
    pools: t.Callable[[Cluster], t.Iterable[Pool]] = _nowhere
    blocks: t.Callable[[Cluster], t.Iterable[str]] = _nowhere
    operated: t.Callable[[Cluster], bool] = _nobody
    enforces: bool = False

    def homes(self, cluster: Cluster, plugin: str) -> tuple[str, ...]:
        """Where the plugin lives: the namespaces of its agents' DaemonSets and of its configuration."""
        agents = [one.namespace for one in cluster.daemonsets if one.agent == plugin]
        return tuple(dict.fromkeys([*agents, *self.configured(cluster)]))


BELONGINGS: t.Mapping[str, Belongings] = {
    "flannel": Belongings(
        config="kube-flannel-cfg",
        objects=(("ServiceAccount", "v1", "flannel"),),
        roles=("flannel",),
        paths=("/run/flannel", "/opt/cni/bin/flannel"),
        configured=_of_flannel,
    ),
    "calico": Belongings(
        config="calico-config",
        objects=(
            ("Deployment", "apps/v1", "calico-kube-controllers"),
            ("PodDisruptionBudget", "policy/v1", "calico-kube-controllers"),
            ("Deployment", "apps/v1", "calico-typha"),
            ("PodDisruptionBudget", "policy/v1", "calico-typha"),
            ("Service", "v1", "calico-typha"),
            ("RoleBinding", "rbac.authorization.k8s.io/v1", "calico-bgp-passwords"),
            ("Role", "rbac.authorization.k8s.io/v1", "calico-bgp-passwords"),
            ("ServiceAccount", "v1", "calico-kube-controllers"),
            ("ServiceAccount", "v1", "calico-cni-plugin"),
            ("ServiceAccount", "v1", "calico-node"),
        ),
        roles=("calico-node", "calico-kube-controllers", "calico-cni-plugin"),
        paths=(
            "/etc/calico",
            "/run/calico",
            "/var/run/calico",
            "/var/lib/calico",
            "/var/log/calico",
            "/opt/cni/bin/calico",
            "/opt/cni/bin/calico-ipam",
        ),
        pools=_pools,
        blocks=_blocks,
        operated=_operator,
        enforces=True,
    ),
}
