# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images: do the agents run what was mirrored into the private registry?

Source: OCI distribution specification (a tag can be moved, a digest cannot).
"""

from __future__ import annotations

from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import names
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._finding import WARNING, Check, Findings
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import Scene

TOPIC = "images"

DIFFERS = Check("image-digest-differs", WARNING, "Agents run the images that were mirrored")

CHECKS = (DIFFERS,)


def survey(scene: Scene) -> Findings:
    """The digests of running images; an image that nobody has mirrored may be any."""
    others: dict[tuple[str, str], list[str]] = {}
    for one in scene.cluster.running:
        wanted = scene.cluster.mirrored.get(one.image)
        if wanted is not None and one.digest != wanted:
            others.setdefault((one.image, one.digest), []).append(one.node)
    for (image, digest), nodes in others.items():
        hint = "Its tag was moved after it was mirrored: run registry.yml and restart the agents, or see who moved it"
        found = f"{digest} on {names(sorted(set(nodes)))}"
        yield DIFFERS.found("", image, scene.cluster.mirrored[image], found, hint)
