# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values that the template of flannel's Kubernetes objects prints.

Source of the objects' shape: flannel's Documentation/kube-flannel.yml; the template itself is our own.
"""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._flannel_release import (
    CNI_PLUGIN_TAG,
    CURRENT,
    UPSTREAM,
    has_readyz,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._images import Image, mirrored, release

HEALTHZ_PORT = 8081
PUBLIC_IP_ANNOTATION = "flannel.alpha.coreos.com/public-ip-overwrite"
SELECTOR = {"app": "flannel"}
_LABELS = {"app": "flannel", "tier": "node", "k8s-app": "flannel"}


def images(intent: Intent) -> tuple[Image, Image]:
    """flanneld's image and the CNI plugin's."""
    flannel = intent.flannel
    return (
        mirrored(flannel.image, intent.registry, UPSTREAM, "flannel", flannel.version, flannel.image_digest),
        mirrored(
            flannel.cni_plugin_image,
            intent.registry,
            UPSTREAM,
            "flannel-cni-plugin",
            CNI_PLUGIN_TAG,
            flannel.cni_plugin_image_digest,
        ),
    )


def values(
    intent: Intent, nodes: t.Sequence[ObservedNode], config: t.Mapping[str, str], config_hash: str
) -> dict[str, t.Any]:
    """Everything variable in the objects, as plain data."""
    flannel = intent.flannel
    agent, plugin = images(intent)
    return {
        "namespace": flannel.namespace,
        "labels": _LABELS,
        "selector": SELECTOR,
        "config": dict(config),
        "config_hash": config_hash,
        "annotated_nodes": _annotated(nodes),
        "image": agent.target,
        "cni_plugin_image": plugin.target,
        "pull_policy": flannel.image_pull_policy,
        "pull_secrets": [{"name": name} for name in intent.image_pull_secrets],
        "args": ["--kube-subnet-mgr", *common_args(intent), f"--healthz-port={HEALTHZ_PORT}"],
        "node_selector": dict(flannel.node_selector),
        "tolerations": [dict(toleration) for toleration in flannel.tolerations],
        "resources": dict(flannel.resources),
        "security_context": _security_context(intent),
        "readiness_probe": _readiness_probe(release(flannel.image, flannel.version, CURRENT)),
        "liveness_probe": {
            "httpGet": {"path": "/healthz", "port": HEALTHZ_PORT},
            "initialDelaySeconds": 10,
            "periodSeconds": 30,
        },
        **_mounts(intent),
    }


def common_args(intent: Intent) -> list[str]:
    """flanneld's options that do not depend on its subnet manager."""
    flannel = intent.flannel
    args = ["--ip-masq"] if flannel.ip_masq else []
    for option, value in (
        ("--iface", flannel.iface),
        ("--iface-regex", flannel.iface_regex),
        ("--iface-can-reach", flannel.iface_can_reach),
    ):
        if value:
            args.append(f"{option}={value}")
    return args


def _security_context(intent: Intent) -> dict[str, t.Any]:
    """Privileged only for a backend that opens a device; capabilities for all others."""
    privileges = intent.backend.privileges
    if privileges.privileged:
        return {"privileged": True}
    return {"privileged": False, "capabilities": {"add": list(privileges.capabilities)}}


def _readiness_probe(number: tuple[int, ...]) -> dict[str, t.Any]:
    probe: dict[str, t.Any] = {"periodSeconds": 1, "failureThreshold": 3}
    if has_readyz(number):
        return {**probe, "httpGet": {"path": "/readyz", "port": HEALTHZ_PORT}}
    return {**probe, "exec": {"command": ["test", "-s", "/run/flannel/subnet.env"]}}


def _mounts(intent: Intent) -> dict[str, list[dict[str, t.Any]]]:
    mounts: list[tuple[str, str, dict[str, t.Any]]] = [
        ("run", "/run/flannel", _host_path("/run/flannel", "DirectoryOrCreate")),
        ("flannel-cfg", "/etc/kube-flannel", {"configMap": {"name": "kube-flannel-cfg"}}),
        ("xtables-lock", "/run/xtables.lock", _host_path("/run/xtables.lock", "FileOrCreate")),
    ]
    for device in intent.backend.privileges.host_devices:
        mounts.append((device.rsplit("/", 1)[-1], device, _host_path(device, "CharDevice")))
    of_init_containers = [
        {"name": "cni-plugin", **_host_path(intent.cni_bin_dir, "DirectoryOrCreate")},
        {"name": "cni", **_host_path(intent.cni_conf_dir, "DirectoryOrCreate")},
    ]
    return {
        "volume_mounts": [{"name": name, "mountPath": path} for name, path, dummy in mounts],
        "volumes": [{"name": name, **source} for name, dummy, source in mounts] + of_init_containers,
    }


def _host_path(path: str, kind: str) -> dict[str, t.Any]:
    return {"hostPath": {"path": path, "type": kind}}


def _annotated(nodes: t.Iterable[ObservedNode]) -> list[dict[str, t.Any]]:
    return [
        {"name": node.name, "annotations": {PUBLIC_IP_ANNOTATION: node.public_ip}} for node in nodes if node.public_ip
    ]
