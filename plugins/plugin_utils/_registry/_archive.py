# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images as files in a folder, to be carried over an air gap: what is there, and what an image is called there.

An image that this collection has saved is a directory of skopeo's transport ``dir``, which keeps every byte and with
them the digests, of a whole list where there is one. ``images.json`` says which is which; it is written after the image
itself, so that what it names is complete. Archives of `docker save` are taken as well.

Source: containers-transports(5); the image specification of Docker v1.2 (manifest.json, RepoTags).
"""

from __future__ import annotations

import json
import re
import tarfile
import typing as t
from pathlib import Path

from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._images import Image

INDEX = "images.json"
PART = ".part-"


class ArchiveError(Exception):
    """The folder cannot be used; the text says why."""


class Kept(t.NamedTuple):
    """An image in the folder: what it is called there, how skopeo reads it, and the digest it was saved with."""

    name: str
    reference: str
    digest: str = ""

    @property
    def packed(self) -> bool:
        """Whether its layers are as `docker save` has them, so that only its configuration has a known digest."""
        return self.reference.startswith("docker-archive:")


def kept(folder: Path) -> list[Kept]:
    """All images in a folder. Raises ArchiveError."""
    if not folder.is_dir():
        raise ArchiveError("is no folder")
    try:
        entries = json.loads((folder / INDEX).read_text(encoding="utf-8")) if (folder / INDEX).exists() else []
        saved = [Kept(one["image"], f"dir:{folder / one['folder']}", one["digest"]) for one in entries]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArchiveError(f"has a damaged {INDEX}: {error!r}") from error
    return saved + [one for archive in sorted(folder.glob("*.tar")) for one in _in_archive(archive)]


def _in_archive(archive: Path) -> t.Iterator[Kept]:
    try:
        with tarfile.open(archive) as opened:
            told = opened.extractfile("manifest.json")
            entries = json.load(told) if told else []
    except KeyError:
        return  # an archive of something else
    except (OSError, ValueError, tarfile.TarError) as error:
        raise ArchiveError(f"{archive.name} cannot be read: {error}") from error
    for entry in entries:
        for name in entry.get("RepoTags") or []:
            yield Kept(name, f"docker-archive:{archive}:{name}")


def find(images: t.Sequence[Kept], image: Image) -> Kept | None:
    """An image in the folder: by upstream's name, by the nodes' name, else the only one of its last name and tag."""
    for name in (image.source, image.target):
        exact = [one for one in images if one.name == name.split("@")[0]]
        if exact:
            return exact[0]
    alike = [one for one in images if _last(one.name) == _last(image.source)]
    return alike[0] if len({one.name for one in alike}) == 1 else None


def _last(name: str) -> str:
    return name.split("@")[0].rsplit("/", 1)[-1]


def folder_of(image: str) -> str:
    """The directory's name for an image."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", image.split("@")[0])


def record(folder: Path, images: t.Iterable[Kept]) -> None:
    """Write down what is complete."""
    entries = [
        {"image": one.name, "folder": one.reference.rpartition("/")[2], "digest": one.digest}
        for one in images
        if not one.packed
    ]
    part = folder / (PART + INDEX)
    part.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
    part.replace(folder / INDEX)
