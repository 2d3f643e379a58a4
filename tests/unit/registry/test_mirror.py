# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing images over: what differs is copied, what is there is not, and one failure does not stop the rest."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._images import Image
from ansible_collections.switchyard.cni.plugins.plugin_utils._registry import _archive, _mirror
from ansible_collections.switchyard.cni.plugins.plugin_utils._registry._skopeo import SkopeoError

FLANNEL = Image("ghcr.io/flannel-io/flannel:v1", "reg:5000/base/flannel:v1")
PLUGIN = Image("ghcr.io/flannel-io/plugin:v2", "reg:5000/base/plugin:v2")


def manifest(name, config="sha256:aa"):
    return json.dumps({"schemaVersion": 2, "name": name, "config": {"digest": config}}).encode()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def index(**instances):
    """A list of manifests by architecture."""
    rows = [
        {"digest": digest(raw), "platform": {"architecture": name, "os": "linux"}} for name, raw in instances.items()
    ]
    return json.dumps({"schemaVersion": 2, "manifests": rows}).encode()


class FakeSkopeo:
    """Registries and folders as manifests by reference; ``broken`` are targets that cannot be written."""

    def __init__(self, **there):
        self.there = dict(there.get("there", {}))
        self.instances = dict(there.get("instances", {}))
        self.configurations = dict(there.get("configurations", {}))
        self.broken = set()
        self.copied = []

    def manifest(self, reference):
        if reference.startswith("dir:"):
            path = Path(reference.removeprefix("dir:")) / "manifest.json"
            return path.read_bytes() if path.exists() else None
        return self.there.get(reference)

    def configuration(self, reference):
        return self.configurations[reference]

    def copy(self, source, target, architecture):
        if target in self.broken:
            raise SkopeoError(f"{target}: nobody listens there")
        self.copied.append((source, target, architecture))
        raw = self.manifest(source) if architecture is None else self.instances[architecture]
        if target.startswith("dir:"):
            place = Path(target.removeprefix("dir:"))
            place.mkdir(parents=True)
            (place / "manifest.json").write_bytes(raw)
        else:
            self.there[target] = raw


def upstream(**more):
    return FakeSkopeo(there={f"docker://{one.source}": manifest(one.source) for one in (FLANNEL, PLUGIN)}, **more)


def run(skopeo, images=(FLANNEL, PLUGIN), architectures=(), archive=None, saves=False, dry=False):
    told = []
    done = _mirror.Mirror(skopeo, architectures, archive, saves).run(images, 2, told.append, dry)
    return done, told


def test_what_the_registry_lacks_is_copied_and_then_never_again():
    skopeo = upstream()
    done, told = run(skopeo)
    assert [one.as_dict() for one in done] == [
        {"image": one.target, "digest": digest(manifest(one.source)), "copied": True, "error": ""}
        for one in (FLANNEL, PLUGIN)
    ]
    assert len(told) == 2
    assert {line[:5] for line in told} == {"[1/2]", "[2/2]"}
    again, told = run(skopeo)
    assert not any(one.copied for one in again)
    assert all("there already" in line for line in told)
    assert len(skopeo.copied) == 2


def test_a_moved_tag_is_copied_again():
    skopeo = upstream()
    run(skopeo)
    skopeo.there[f"docker://{FLANNEL.source}"] = manifest("newer")
    done, dummy = run(skopeo)
    assert [one.copied for one in done] == [True, False]


def test_one_that_fails_does_not_keep_the_others_and_the_next_run_does_the_rest():
    skopeo = upstream()
    skopeo.broken.add(f"docker://{FLANNEL.target}")
    done, dummy = run(skopeo)
    assert [bool(one.error) for one in done] == [True, False]
    skopeo.broken.clear()
    done, dummy = run(skopeo)
    assert [one.copied for one in done] == [True, False]


def test_check_mode_looks_and_copies_nothing():
    skopeo = upstream()
    done, told = run(skopeo, dry=True)
    assert all(one.copied for one in done)
    assert all("would be copied" in line for line in told)
    assert skopeo.copied == []


def test_of_a_list_one_architecture_is_its_own_image_and_several_are_the_whole_list():
    amd64, arm64 = manifest("amd64"), manifest("arm64")
    whole = index(amd64=amd64, arm64=arm64)
    skopeo = FakeSkopeo(there={f"docker://{FLANNEL.source}": whole}, instances={"amd64": amd64, "arm64": arm64})
    (done,), dummy = run(skopeo, [FLANNEL], ["arm64"])
    assert done.digest == digest(arm64)
    assert not run(skopeo, [FLANNEL], ["arm64"])[0][0].copied
    (done,), dummy = run(skopeo, [FLANNEL], ["amd64", "arm64"])
    assert (done.digest, done.copied) == (digest(whole), True)
    (done,), dummy = run(skopeo, [FLANNEL], ["riscv64"])
    assert "it is not made for riscv64" in done.error


def test_a_registry_that_has_something_else_afterwards_is_an_error():
    skopeo = upstream()
    copy = skopeo.copy

    def changed(source, target, architecture):
        copy(source, target, architecture)
        skopeo.there[target] = manifest("repacked")

    skopeo.copy = changed
    (done,), dummy = run(skopeo, [FLANNEL])
    assert "instead of" in done.error


def test_an_image_that_upstream_does_not_have_is_named():
    (done,), dummy = run(FakeSkopeo(), [FLANNEL])
    assert done.error.startswith(f"{FLANNEL.source}: there is no such image")


# ---- a folder


def test_a_folder_is_filled_and_mirrored_from_with_the_same_digests(tmp_path):
    skopeo = upstream()
    saved, dummy = run(skopeo, archive=tmp_path / "carried", saves=True)
    assert [one.copied for one in saved] == [True, True]
    assert not any(one.copied for one in run(skopeo, archive=tmp_path / "carried", saves=True)[0])
    for reference in list(skopeo.there):
        del skopeo.there[reference]
    done, dummy = run(skopeo, archive=tmp_path / "carried")
    assert [one.digest for one in done] == [one.digest for one in saved]
    assert set(skopeo.there) == {f"docker://{FLANNEL.target}", f"docker://{PLUGIN.target}"}


def test_an_image_that_a_killed_run_has_not_completed_is_saved_anew(tmp_path):
    skopeo = upstream()
    run(skopeo, [FLANNEL], archive=tmp_path, saves=True)
    half = tmp_path / _archive.folder_of(PLUGIN.source)
    half.mkdir()
    (half / "manifest.json").write_text("{")
    done, dummy = run(skopeo, archive=tmp_path, saves=True)
    assert [(one.copied, one.error) for one in done] == [(False, ""), (True, "")]


def archive_of(path, *tags):
    """An archive as `docker save` writes it, as far as it is read here."""
    data = json.dumps([{"Config": "c.json", "RepoTags": list(tags), "Layers": []}]).encode()
    with tarfile.open(path, "w") as opened:
        about = tarfile.TarInfo("manifest.json")
        about.size = len(data)
        opened.addfile(about, io.BytesIO(data))


def test_archives_of_docker_save_are_the_same_by_their_configuration(tmp_path):
    archive_of(tmp_path / "pods.tar", "lab/flannel:v1", "lab/pause:1")
    reference = f"docker-archive:{tmp_path / 'pods.tar'}:lab/flannel:v1"
    raw = manifest("flannel", digest(b"configuration"))
    skopeo = FakeSkopeo(there={reference: raw}, configurations={reference: b"configuration"})
    (done,), dummy = run(skopeo, [FLANNEL], archive=tmp_path)
    assert (done.copied, done.digest) == (True, digest(raw))
    (done,), dummy = run(skopeo, [FLANNEL], archive=tmp_path)
    assert (done.copied, done.digest) == (False, digest(raw))


def test_an_image_is_found_by_upstreams_name_then_by_ours_then_by_its_last_word():
    def kept(*names):
        return [_archive.Kept(name, f"docker-archive:x:{name}") for name in names]

    def found(*names):
        one = _archive.find(kept(*names), FLANNEL)
        return one and one.name

    assert found("lab/flannel:v1", FLANNEL.target, FLANNEL.source) == FLANNEL.source
    assert found("lab/flannel:v1", FLANNEL.target) == FLANNEL.target
    assert found("lab/flannel:v1", "lab/plugin:v2") == "lab/flannel:v1"
    assert found("a/flannel:v1", "b/flannel:v1") is None
    assert found("lab/flannel:v2") is None


def test_what_the_folder_lacks_is_named_with_the_way_to_get_it(tmp_path):
    (done,), dummy = run(FakeSkopeo(), [FLANNEL], archive=tmp_path)
    assert "does not have it. Save it there with registry_archive.yml" in done.error


@pytest.mark.parametrize("damage", ["not JSON", '[{"image": 1}]'])
def test_a_folder_that_cannot_be_used_says_why(tmp_path, damage):
    with pytest.raises(_archive.ArchiveError, match="is no folder"):
        _archive.kept(tmp_path / "none")
    (tmp_path / "images.json").write_text(damage)
    with pytest.raises(_archive.ArchiveError, match="damaged"):
        _archive.kept(tmp_path)
    (tmp_path / "images.json").unlink()
    (tmp_path / "broken.tar").write_text("no archive")
    with pytest.raises(_archive.ArchiveError, match=r"broken\.tar cannot be read"):
        _archive.kept(tmp_path)
