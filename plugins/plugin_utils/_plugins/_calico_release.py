# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between releases of Calico: which images there are, and how the programs in them are called.

Source: manifests/calico.yaml and calico-typha.yaml at v3.32.1 and on the way to v3.33, which has one image for all that
is not calico-node; of the latter cmd/calico and kube-controllers/pkg/kubecontrollers/command.go, where the program does
not know the probes of kube-controllers that the manifest has.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ansible_collections.switchyard.cni.plugins.plugin_utils._calico_intent import CalicoIntent
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._images import (
    Image,
    image_reference,
    release,
    tag_of,
)

UPSTREAM = "quay.io/calico"
CURRENT = (3, 32, 1)
_MERGED = (3, 33)
_HEALTH_PORT = 9440
"""Where kube-controllers answers within its own pod; any port but that of its metrics (9094)."""

_CLUSTER_NETWORK_POLICIES = (3, 32)
_ADMIN_NETWORK_POLICIES = (3, 29)
Words = t.Sequence[str]


@dataclass(frozen=True)
class Release:
    """How one release is run: an image and a command for each program; a command's first word is a program's path."""

    node_image: str
    cni_image: str
    kube_controllers_image: str
    typha_image: str
    install_cni: Words
    live: Words
    ready: Words
    shutdown: Words
    kube_controllers: Words
    kube_controllers_live: Words
    kube_controllers_ready: Words
    typha: Words
    felix_writes_ipip: bool
    """Who writes the routes of IPIP (programClusterRoutes): BIRD up to v3.32, then Felix."""

    policy_apis: tuple[tuple[str, str, str], ...]
    """CustomResourceDefinitions of sig-network's policies that Felix wants to watch: plural, kind and version."""


def of_calico(calico: CalicoIntent, registry: str) -> Release:
    """The release that is declared."""
    number = release(calico.image_node, calico.version, CURRENT)
    return _laid_out(calico, registry or UPSTREAM, number)


def _laid_out(calico: CalicoIntent, registry: str, number: tuple[int, ...]) -> Release:
    return (_merged if number >= _MERGED else _separate)(calico, registry, number)


def images(calico: CalicoIntent, registry: str, typha: bool) -> tuple[Image, ...]:
    """The images of the declared release, each once, with the tags that are declared."""
    plain = replace(calico, image_node="", image_cni="", image_kube_controllers="", image_typha="", image_calico="")
    number = release(calico.image_node, calico.version, CURRENT)
    upstream = _laid_out(plain, UPSTREAM, number)
    wanted = of_calico(calico, registry)
    pairs = dict(zip(_references(wanted, typha), _references(upstream, typha), strict=True))
    return tuple(Image(_tagged(source, tag_of(target)), target) for target, source in pairs.items())


def _references(found: Release, typha: bool) -> list[str]:
    return [found.node_image, found.cni_image, found.kube_controllers_image, *([found.typha_image] if typha else [])]


def _tagged(reference: str, tag: str) -> str:
    return f"{reference.rpartition(':')[0]}:{tag}" if tag else reference


def _bird(calico: CalicoIntent, word: str) -> list[str]:
    """BIRD is asked only where it runs."""
    return [word] if calico.networking_backend == "bird" else []


def _separate(calico: CalicoIntent, registry: str, number: tuple[int, ...]) -> Release:
    def image(explicit: str, name: str) -> str:
        return image_reference(explicit, registry, name, calico.version)

    node = "/bin/calico-node"
    return Release(
        node_image=image(calico.image_node, "node"),
        cni_image=image(calico.image_cni, "cni"),
        kube_controllers_image=image(calico.image_kube_controllers, "kube-controllers"),
        typha_image=image(calico.image_typha, "typha"),
        install_cni=("/opt/cni/bin/install",),
        live=(node, "-felix-live", *_bird(calico, "-bird-live")),
        ready=(node, "-felix-ready", *_bird(calico, "-bird-ready")),
        shutdown=(node, "-shutdown"),
        kube_controllers=("/usr/bin/kube-controllers",),
        kube_controllers_live=("/usr/bin/check-status", "-l"),
        kube_controllers_ready=("/usr/bin/check-status", "-r"),
        typha=("/usr/bin/calico-typha",),
        felix_writes_ipip=False,
        policy_apis=_policy_apis(number),
    )


def _merged(calico: CalicoIntent, registry: str, number: tuple[int, ...]) -> Release:
    all_in_one = image_reference(calico.image_calico, registry, "calico", calico.version)
    program, component = "/usr/bin/calico", ("/usr/bin/calico", "component")
    health = (program, "health", f"--port={_HEALTH_PORT}")
    return Release(
        node_image=image_reference(calico.image_node, registry, "node", calico.version),
        cni_image=all_in_one,
        kube_controllers_image=all_in_one,
        typha_image=all_in_one,
        install_cni=(*component, "cni", "install"),
        live=(program, "component", "node", "health", "--felix-live", *_bird(calico, "--bird-live")),
        ready=(program, "component", "node", "health", "--felix-ready", *_bird(calico, "--bird-ready")),
        shutdown=(*component, "node", "shutdown"),
        kube_controllers=(*component, "kube-controllers", f"--health-port={_HEALTH_PORT}"),
        kube_controllers_live=(*health, "--type=liveness"),
        kube_controllers_ready=(*health, "--type=readiness"),
        typha=(*component, "typha"),
        felix_writes_ipip=True,
        policy_apis=_policy_apis(number),
    )


def _policy_apis(number: tuple[int, ...]) -> tuple[tuple[str, str, str], ...]:
    if number >= _CLUSTER_NETWORK_POLICIES:
        return (("clusternetworkpolicies", "ClusterNetworkPolicy", "v1alpha2"),)
    if number >= _ADMIN_NETWORK_POLICIES:
        return (
            ("adminnetworkpolicies", "AdminNetworkPolicy", "v1alpha1"),
            ("baselineadminnetworkpolicies", "BaselineAdminNetworkPolicy", "v1alpha1"),
        )
    return ()
