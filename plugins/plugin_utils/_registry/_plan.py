# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry.yml does, as a value: which images go where, whom the nodes trust, who asks. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.switchyard.cni.plugins.module_utils._cluster._read import RECORD, RECORD_NAMESPACE
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins import plugin_images
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._images import Image, below, host_of
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import Problem
from ansible_collections.switchyard.cni.plugins.plugin_utils._registry_settings import PULL_SECRET

NAMESPACE = RECORD_NAMESPACE
"""Where images are pulled by way of trial, and where it is kept what was mirrored."""

PORT = 443
_HOST = re.compile(r"\[?[A-Za-z0-9.:-]+\]?\Z")


@dataclass(frozen=True)
class RegistryPlan:
    """``left`` are images that the inventory takes from elsewhere, ``architectures`` none for all there are."""

    images: tuple[Image, ...]
    left: tuple[str, ...]
    architectures: tuple[str, ...]
    summary: tuple[str, ...]

    def as_result(self) -> dict[str, t.Any]:
        return {
            "images": [{"source": one.source, "target": one.target} for one in self.images],
            "left": list(self.left),
            "architectures": list(self.architectures),
            "summary": list(self.summary),
        }


def address_of(host: str) -> tuple[str, int]:
    """The host and the port that a registry listens on."""
    name, dummy, port = host.rpartition(":")
    return (name.strip("[]"), int(port)) if port.isdigit() and name else (host.strip("[]"), PORT)


def problems(values: t.Mapping[str, t.Any], saves: bool) -> list[Problem]:
    """What is wrong with the settings themselves."""
    return [*_of_archive(values)] if saves else [*_of_registry(values), *credentials(values)]


def _of_archive(values: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
    if not values["network_registry_archive"]:
        yield Problem("network_registry_archive", None, "is not set", "Set it to the folder for the images")


def _of_registry(values: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
    registry = values["network_registry"]
    if not registry:
        yield Problem("network_registry", None, "is not set", "Set it to host:port/path of your registry")
        return
    host = host_of(registry)
    # Without one of these a runtime takes the first word for a path at Docker Hub (distribution/reference).
    if "://" in registry or not _HOST.match(host) or not ("." in host or ":" in host or host == "localhost"):
        remedy = "Write host:port/path without https://; a host without a dot needs its port"
        yield Problem("network_registry", registry, "does not begin with a host as images name it", remedy)


def credentials(values: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
    """What is wrong with who asks."""
    name, password = values["network_registry_username"], values["network_registry_password"]
    if name and not password:
        remedy = "Set it too, in a vault, or unset the name"
        yield Problem("network_registry_password", None, f"is not set, and network_registry_username is {name}", remedy)
    if password and not name:
        yield Problem("network_registry_username", None, "is not set, and there is a password", "Set it too")
    if values["network_registry_node_credentials"] and not name:
        remedy = "Set network_registry_username and network_registry_password, or unset it"
        yield Problem("network_registry_node_credentials", True, "there are no credentials to give", remedy)


def plan(
    intent: Intent, values: t.Mapping[str, t.Any], nodes: t.Sequence[tuple[str, str | None]], saves: bool
) -> RegistryPlan:
    """The plan; ``nodes`` are the Nodes' names and architectures, none where no cluster was asked."""
    every = plugin_images(intent, len(nodes))
    images = every if saves else below(intent.registry, every)
    left = () if saves else tuple(one.target for one in every if one not in images)
    wanted = tuple(values["network_registry_architectures"])
    if not wanted and not saves:
        wanted = tuple(sorted({architecture for dummy, architecture in nodes if architecture}))
    return RegistryPlan(images, left, wanted, _summary(values, images, left, wanted, saves))


def for_cluster(intent: Intent, values: t.Mapping[str, t.Any], nodes: t.Sequence[str]) -> dict[str, t.Any]:
    """What the tasks that talk to the API server need, whichever playbook they are part of."""
    namespaces = tuple(dict.fromkeys((NAMESPACE, intent.agent.namespace)))
    made = {"Secret": PULL_SECRET, "ConfigMap": RECORD}
    places = {"Secret": namespaces, "ConfigMap": (NAMESPACE,)}
    return {
        "registry": host_of(intent.registry),
        "username": values["network_registry_username"],
        "secret": PULL_SECRET if values["network_registry_username"] else "",
        "pull_secrets": list(intent.image_pull_secrets),
        "namespaces": list(namespaces),
        "namespace": NAMESPACE,
        "record": RECORD,
        "made": [
            {"kind": kind, "name": name, "namespace": place} for kind, name in made.items() for place in places[kind]
        ],
        "nodes": list(nodes),
        "timeout": values["network_registry_pull_timeout"],
    }


def _summary(
    values: t.Mapping[str, t.Any],
    images: t.Sequence[Image],
    left: t.Sequence[str],
    architectures: t.Sequence[str],
    saves: bool,
) -> tuple[str, ...]:
    archive = values["network_registry_archive"]
    goal = f"Save {len(images)} images into {archive}" if saves else f"Mirror {len(images)} images"
    source = f" from {archive}" if archive and not saves else " from upstream"
    made_for = f", for {', '.join(architectures)}" if architectures else ", for all architectures"
    lines = [f"{goal}{source}{made_for}."]
    lines += [f"  {one.source}" if saves else f"  {one.source} -> {one.target}" for one in images]
    lines += [f"  {one} stays where it is: it is not below network_registry" for one in left]
    return tuple(lines)
