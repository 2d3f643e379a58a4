# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a private registry.

This file is private to the collection.
"""

from __future__ import annotations

from ansible_collections.switchyard.cni.plugins.plugin_utils._setting import Setting

PULL_SECRET = "switchyard-registry"
"""The Secret with the credentials that this collection makes."""

REGISTRY: tuple[Setting, ...] = (
    Setting(
        "network_registry",
        "str",
        "Registry and path that images are pulled from instead of upstream's, as C(host:port/path).",
        default="",
    ),
    Setting(
        "network_registry_ca_file",
        "str",
        "File on the controller with the certificate authority of the registry, in PEM; several certificates while one "
        "takes the place of another. Empty where a public authority has signed the registry's certificate.",
        default="",
    ),
    Setting(
        "network_registry_system_trust",
        "bool",
        "Whether the nodes' system store trusts this authority too, and not only their container runtime.",
        default=False,
    ),
    Setting("network_registry_username", "str", "Who pulls from the registry, and pushes to it.", default=""),
    Setting("network_registry_password", "str", "The password for it.", default="", secret=True),
    Setting(
        "network_registry_node_credentials",
        "bool",
        "Whether each kubelet gets the credentials too, in C(/var/lib/kubelet/config.json); a pull secret is made in "
        "any case.",
        default=False,
    ),
    Setting(
        "network_registry_archive",
        "str",
        "Folder on the controller with the images as files, for carrying them to where the Internet is not: "
        "C(registry_archive.yml) writes it, and C(registry.yml) reads it instead of asking upstream. Archives of "
        "C(docker save) in it are read too.",
        default="",
    ),
    Setting(
        "network_registry_architectures",
        "list",
        "Architectures to mirror, in Go's names such as C(amd64); empty = those of the cluster's nodes, or all where "
        "no cluster answers. One is copied as a single image, several with the whole list.",
        default=(),
    ),
    Setting(
        "network_registry_jobs",
        "int",
        "How many images are copied at once.",
        default=3,
        minimum=1,
        maximum=16,
    ),
    Setting(
        "network_registry_pull_timeout",
        "int",
        "How long each node may take to pull all images.",
        default=300,
        unit="seconds",
        minimum=1,
    ),
    Setting("network_image_pull_secrets", "list", "Names of the Secrets with registry credentials.", default=()),
)
