# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values that the template of Calico's Kubernetes objects prints.

Source of the objects' shape and of the environment: manifests/calico.yaml and calico-typha.yaml at v3.32.1, felix's and
confd's configuration reference; the template itself is our own.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.switchyard.cni.plugins.plugin_utils._calico_intent import CalicoIntent
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._calico_crds import GROUP
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._calico_release import Release

SELECTOR = {"k8s-app": "calico-node"}
TYPHA_SERVICE, TYPHA_PORT = "calico-typha", 5473
_TYPHA_FROM, _NODES_PER_TYPHA, _FEWEST_TYPHAS = 50, 200, 3
"""Calico's documentation: Typha from 50 nodes on, one for 200 nodes, three for availability."""

CNI_NETWORK = "k8s-pod-network"


def values(intent: Intent, release: Release, nodes: int, config_hash: str) -> dict[str, t.Any]:
    """Everything variable in the objects, as plain data."""
    calico = intent.calico
    return {
        "namespace": calico.namespace,
        "group": GROUP,
        "selector": SELECTOR,
        "config": config(intent, nodes),
        "config_hash": config_hash,
        "node_image": release.node_image,
        "cni_image": release.cni_image,
        "kube_controllers_image": release.kube_controllers_image,
        "pull_policy": calico.image_pull_policy,
        "pull_secrets": [{"name": name} for name in intent.image_pull_secrets],
        "install_cni": list(release.install_cni),
        "live": list(release.live),
        "ready": list(release.ready),
        "shutdown": list(release.shutdown),
        "kube_controllers": list(release.kube_controllers),
        "kube_controllers_live": list(release.kube_controllers_live),
        "kube_controllers_ready": list(release.kube_controllers_ready),
        "environment": _environment(intent),
        "policy_apis": [plural for plural, dummy, dummy in release.policy_apis],
        "tolerations": [dict(toleration) for toleration in calico.tolerations],
        "resources": dict(calico.resources),
        "probe_timeout": calico.probe_timeout,
        # Each probe starts a program of its own: where that takes long, it is not asked all the time.
        "probe_periods": {"ready": max(3, calico.probe_timeout // 3), "live": max(10, calico.probe_timeout)},
        "cni_bin_dir": intent.cni_bin_dir,
        "cni_conf_dir": intent.cni_conf_dir,
        "password_secrets": sorted({peer.password_secret[0] for peer in calico.bgp_peers if peer.password_secret}),
        "typha": _typha(calico, release, nodes),
    }


def config(intent: Intent, nodes: int) -> dict[str, str]:
    """The ConfigMap calico-config, under the keys of upstream's."""
    calico = intent.calico
    return {
        "calico_backend": calico.networking_backend,
        "veth_mtu": str(calico.options.mtu or 0),
        "typha_service_name": TYPHA_SERVICE if uses_typha(calico, nodes) else "none",
        "cni_network_config": json.dumps(cni_config(intent.versions), indent=2).replace('"__CNI_MTU__"', "__CNI_MTU__")
        + "\n",
    }


# The words between underscores are replaced by the program that installs it (cni-plugin/pkg/install).
_CNI_CONFIG: dict[str, t.Any] = {
    "name": CNI_NETWORK,
    "cniVersion": "0.3.1",
    "plugins": [
        {
            "type": "calico",
            "log_level": "info",
            "log_file_path": "/var/log/calico/cni/cni.log",
            "datastore_type": "kubernetes",
            "nodename": "__KUBERNETES_NODE_NAME__",
            "mtu": "__CNI_MTU__",
            "ipam": {"type": "calico-ipam"},
            "policy": {"type": "k8s"},
            "kubernetes": {"kubeconfig": "__KUBECONFIG_FILEPATH__"},
        },
        {"type": "portmap", "snat": True, "capabilities": {"portMappings": True}},
    ],
}


def cni_config(versions: t.Collection[int]) -> dict[str, t.Any]:
    """The CNI configuration; addresses of a family are only given out where that is said."""
    calico, *others = _CNI_CONFIG["plugins"]
    families = {"assign_ipv4": str(4 in versions).lower(), "assign_ipv6": str(6 in versions).lower()}
    ipam = calico["ipam"] if tuple(versions) == (4,) else {**calico["ipam"], **families}
    return {**_CNI_CONFIG, "plugins": [{**calico, "ipam": ipam}, *others]}


def uses_typha(calico: CalicoIntent, nodes: int) -> bool:
    """Whether Typha stands between calico-node and the API server."""
    return nodes >= _TYPHA_FROM if calico.typha == "auto" else calico.typha == "true"


def typha_objects(namespace: str) -> list[dict[str, str]]:
    """What there is of a Typha, the Deployment last: by that it is known to be there."""
    kinds = (("v1", "Service"), ("policy/v1", "PodDisruptionBudget"), ("apps/v1", "Deployment"))
    return [
        {"apiVersion": version, "kind": kind, "namespace": namespace, "name": TYPHA_SERVICE} for version, kind in kinds
    ]


def _typha(calico: CalicoIntent, release: Release, nodes: int) -> dict[str, t.Any] | None:
    if not uses_typha(calico, nodes):
        return None
    wanted = calico.typha_replicas or max(_FEWEST_TYPHAS, -(-nodes // _NODES_PER_TYPHA))
    return {
        "image": release.typha_image,
        "command": list(release.typha),
        "service": TYPHA_SERVICE,
        "port": TYPHA_PORT,
        # More than there are nodes could never be placed: each holds the port of its node.
        "replicas": min(wanted, nodes) or 1,
    }


def _environment(intent: Intent) -> dict[str, str]:
    """What calico-node is told besides its name, its ConfigMap and its datastore."""
    calico, four, six = intent.calico, 4 in intent.versions, 6 in intent.versions
    found = {
        "CLUSTER_TYPE": "k8s,bgp" if calico.networking_backend == "bird" else "k8s",
        # The IPPools are objects of this collection: what is declared later acts as well.
        "NO_DEFAULT_POOLS": "true",
        "IP": "autodetect" if four else "none",
        "IP_AUTODETECTION_METHOD": calico.ip_autodetection_method,
        "CALICO_DISABLE_FILE_LOGGING": "true",
        "FELIX_HEALTHENABLED": "true",
    }
    if six:
        found["IP6"] = "autodetect"
        found["IP6_AUTODETECTION_METHOD"] = calico.ip6_autodetection_method
    if six and not four:
        # BIRD's router ID is an IPv4 address, of which there is none (confd, hash_router_id).
        found["CALICO_ROUTER_ID"] = "hash"
    return found
