# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the nodes pull an image from, and which release it is."""

from __future__ import annotations

import re
import typing as t


def release(image: str, version: str, current: tuple[int, ...]) -> tuple[int, ...]:
    """The release of an image's tag, else of the version; an unreadable one counts as the current release."""
    for text in (tag_of(image), version):
        found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", text)
        if found:
            return tuple(int(part) for part in found.groups())
    return current


def image_reference(explicit: str, registry: str, name: str, tag: str, digest: str = "") -> str:
    """The explicit reference, else the name in the registry; with the digest that pins it."""
    reference = explicit or f"{registry}/{name}:{tag}"
    return f"{reference}@{digest}" if digest else reference


class Image(t.NamedTuple):
    """An image that the network needs: where upstream has it, and what the nodes call it."""

    source: str
    target: str


def mirrored(explicit: str, registry: str, upstream: str, name: str, tag: str, digest: str = "") -> Image:
    """An image at upstream, and as the nodes name it; an explicit reference brings its own tag along."""
    target = image_reference(explicit, registry or upstream, name, tag, digest)
    return Image(image_reference("", upstream, name, tag_of(target) or tag, digest), target)


def host_of(registry: str) -> str:
    """The host, with its port, of a registry and path."""
    return registry.partition("/")[0]


def below(registry: str, images: t.Iterable[Image]) -> tuple[Image, ...]:
    """The images that nodes take from this registry."""
    return tuple(one for one in images if one.target.startswith(f"{host_of(registry)}/"))


def tag_of(reference: str) -> str:
    """The tag of a reference; empty where there is none."""
    return reference.split("@")[0].rsplit("/", 1)[-1].partition(":")[2]
