# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing images to a registry or into a folder: look at both sides, copy what differs, never twice.

An image is the same where its digest is, or, for an archive of `docker save`, that of its configuration.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._images import Image
from ansible_collections.switchyard.cni.plugins.plugin_utils._registry import _archive
from ansible_collections.switchyard.cni.plugins.plugin_utils._registry._skopeo import Skopeo, SkopeoError

Tell = t.Callable[[str], None]


@dataclass(frozen=True)
class Copy:
    """One image on its way: ``digest`` is what it must have in the end, empty where only packing decides that.

    ``same`` says that the target has it already, ``architecture`` is the one that is chosen of a list.
    """

    name: str
    source: str
    target: str
    digest: str
    same: bool
    architecture: str | None = None


@dataclass(frozen=True)
class Done:
    """How a copy has ended: ``copied`` is False where nothing was to do; ``error`` is empty where all is well."""

    name: str
    digest: str = ""
    copied: bool = False
    error: str = ""

    def as_dict(self) -> dict[str, t.Any]:
        return {"image": self.name, "digest": self.digest, "copied": self.copied, "error": self.error}


def sha256(data: bytes) -> str:
    """A digest as registries write it (OCI image specification, descriptor.md)."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Mirror:
    """From upstream, or from a folder, to the registry; or from upstream into a folder."""

    def __init__(self, skopeo: Skopeo, architectures: t.Sequence[str], archive: Path | None, saves: bool) -> None:
        self._skopeo, self._architectures, self._archive, self._saves = skopeo, architectures, archive, saves
        self._kept = _archive.kept(archive) if archive is not None and (archive.exists() or not saves) else []

    def look(self, image: Image) -> Copy:
        """What is to do for an image. Raises SkopeoError."""
        source, packed = self._source(image)
        raw = self._skopeo.manifest(source)
        if raw is None:
            raise SkopeoError(f"{_bare(source)}: there is no such image. Correct the version, or add it")
        architecture = self._architectures[0] if len(self._architectures) == 1 and _is_list(raw) else None
        wanted = sha256(raw) if architecture is None else _instance(raw, architecture, source)
        target, there = self._target(image)
        if packed:
            same = there is not None and _configuration(there) == sha256(self._skopeo.configuration(source))
            return Copy(image.target, source, target, sha256(there) if same and there else "", same)
        same = there is not None and sha256(there) == wanted
        return Copy(image.source if self._saves else image.target, source, target, wanted, same, architecture)

    def _source(self, image: Image) -> tuple[str, bool]:
        if self._archive is None or self._saves:
            return f"docker://{_without_tag(image.source)}", False
        found = _archive.find(self._kept, image)
        if found is None:
            raise SkopeoError(
                f"{image.source}: the folder {self._archive} does not have it. "
                "Save it there with registry_archive.yml, or docker save it"
            )
        return found.reference, found.packed

    def _target(self, image: Image) -> tuple[str, bytes | None]:
        """Where it goes, and the manifest that is there."""
        if not self._saves:
            target = f"docker://{image.target.split('@')[0]}"
            return target, self._skopeo.manifest(target)
        known = {one.name: one for one in self._kept}.get(image.source.split("@")[0])
        place = t.cast(Path, self._archive) / _archive.folder_of(image.source)
        return f"dir:{place}", self._skopeo.manifest(f"dir:{place}") if known else None

    def run(self, images: t.Sequence[Image], jobs: int, tell: Tell, dry: bool = False) -> list[Done]:
        """Bring all images over, several at once; one that fails does not keep the others."""
        with ThreadPoolExecutor(max_workers=jobs) as pool:
            asked = {pool.submit(self._one, image, dry): image for image in images}
            ended: dict[Image, Done] = {}
            for number, future in enumerate(as_completed(asked), start=1):
                done, seconds = future.result()
                ended[asked[future]] = done
                if self._saves and not dry and self._archive is not None:
                    _saved(self._archive, done)
                tell(f"[{number}/{len(images)}] {done.name}: {_how(done, seconds, dry)}")
        return [ended[image] for image in images]

    def _one(self, image: Image, dry: bool) -> tuple[Done, float]:
        start = time.monotonic()
        try:
            copy = self.look(image)
            done = Done(copy.name, copy.digest, not copy.same)
            if not copy.same and not dry:
                done = self._copied(copy)
        except SkopeoError as error:
            done = Done(image.source if self._saves else image.target, error=str(error))
        return done, time.monotonic() - start

    def _copied(self, copy: Copy) -> Done:
        if self._saves:
            return self._into_folder(copy)
        self._skopeo.copy(copy.source, copy.target, copy.architecture)
        raw = self._skopeo.manifest(copy.target) or b""
        if copy.digest and sha256(raw) != copy.digest:
            raise SkopeoError(f"{copy.name}: the registry has {sha256(raw)} instead of {copy.digest}. Look at its log")
        return Done(copy.name, sha256(raw), copied=True)

    def _into_folder(self, copy: Copy) -> Done:
        place = Path(copy.target.removeprefix("dir:"))
        part = place.with_name(_archive.PART + place.name)
        part.parent.mkdir(parents=True, exist_ok=True)
        for old in (part, place):
            shutil.rmtree(old, ignore_errors=True)
        self._skopeo.copy(copy.source, f"dir:{part}", copy.architecture)
        part.rename(place)
        return Done(copy.name, copy.digest, copied=True)


def _saved(folder: Path, done: Done) -> None:
    """Write down at once that the folder has an image: a run that is killed later finds it."""
    if done.copied and not done.error:
        known = {one.name: one for one in _archive.kept(folder)}
        name = done.name.split("@")[0]
        known[name] = _archive.Kept(name, f"dir:{folder / _archive.folder_of(name)}", done.digest)
        _archive.record(folder, known.values())


def _how(done: Done, seconds: float, dry: bool) -> str:
    if done.error:
        return done.error.partition(": ")[2] or done.error
    if not done.copied:
        return f"there already, {done.digest}"
    return "would be copied" if dry else f"copied in {seconds:.1f} s, {done.digest}"


def _bare(reference: str) -> str:
    return reference.removeprefix("docker://")


def _without_tag(reference: str) -> str:
    """A reference has a tag or a digest for skopeo; the digest says more."""
    name, dummy, digest = reference.partition("@")
    if not digest:
        return reference
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}@{digest}"


def _is_list(raw: bytes) -> bool:
    return "manifests" in json.loads(raw)


def _instance(raw: bytes, architecture: str, source: str) -> str:
    """The digest of one image of a list. Raises SkopeoError."""
    for one in json.loads(raw)["manifests"]:
        platform = one.get("platform") or {}
        if platform.get("architecture") == architecture and platform.get("os", "linux") == "linux":
            return str(one["digest"])
    raise SkopeoError(f"{_bare(source)}: it is not made for {architecture}. Choose another version")


def _configuration(raw: bytes) -> str:
    """The digest of the configuration that a manifest names; empty for a list."""
    return str((json.loads(raw).get("config") or {}).get("digest") or "")
