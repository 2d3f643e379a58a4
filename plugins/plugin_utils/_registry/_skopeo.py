# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only door to registries: skopeo, with credentials in a file that only this run can read.

Source: skopeo(1), skopeo-copy(1), skopeo-inspect(1), containers-auth.json(5), containers-certs.d(5).
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import typing as t
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.switchyard.cni.plugins.module_utils._registry import _explain

PROGRAM = "skopeo"
_LOOK, _COPY = 120.0, 3600.0
"""Seconds for one look at an image, and for one copy."""
_RETRIES = "3"
_POLICIES = (Path("/etc/containers/policy.json"), Path.home() / ".config/containers/policy.json")


class SkopeoError(Exception):
    """An image cannot be read or written; the text says why and what to do."""


class Access(t.NamedTuple):
    """Who is asked for at the private registry, and how it is trusted."""

    registry: str
    authority: str = ""
    username: str = ""
    password: str = ""


class Skopeo:
    """skopeo with the registry's trust and credentials; those of upstream are the user's own."""

    def __init__(self, access: Access, folder: Path) -> None:
        self._access, self._folder = access, folder

    def manifest(self, reference: str) -> bytes | None:
        """The manifest or the list of manifests of an image, as it is; None where there is no such image."""
        done = self._run(["inspect", "--raw", *self._how(reference), reference], _LOOK)
        if done.returncode == 0:
            return done.stdout
        said = done.stderr.decode(errors="replace")
        if _explain.cause(said).name == "missing" or "no such file" in said:
            return None
        raise SkopeoError(f"{_bare(reference)}: {_explain.explained(said)}")

    def configuration(self, reference: str) -> bytes:
        """The configuration of an image, whose digest is the same however its layers are packed."""
        done = self._run(["inspect", "--config", "--raw", *self._how(reference), reference], _LOOK)
        if done.returncode != 0:
            raise SkopeoError(f"{_bare(reference)}: {_explain.explained(done.stderr.decode(errors='replace'))}")
        return done.stdout

    def copy(self, source: str, target: str, architecture: str | None) -> None:
        """Copy an image; ``architecture`` chooses one of a list, None copies all of it. Layers that are there stay."""
        argv = [] if architecture is None else ["--override-arch", architecture]
        argv += ["copy", "--quiet", "--retry-times", _RETRIES, *([] if architecture else ["--all"])]
        argv += self._how(source, "src-") + self._how(target, "dest-") + [source, target]
        done = self._run(argv, _COPY)
        if done.returncode != 0:
            raise SkopeoError(f"{_bare(target)}: {_explain.explained(done.stderr.decode(errors='replace'))}")

    def _how(self, reference: str, side: str = "") -> list[str]:
        if not _bare(reference).startswith(self._access.registry + "/"):
            return []
        argv = []
        if self._access.authority:
            argv += [f"--{side}cert-dir", str(self._folder)]
        if self._access.username:
            argv += [f"--{side}authfile", str(self._folder / "auth.json")]
        return argv

    def _run(self, argv: t.Sequence[str], timeout: float) -> subprocess.CompletedProcess[bytes]:
        # Whose signatures count is the administrator's business; without a word of it skopeo would refuse everything.
        words = [PROGRAM, *([] if any(path.exists() for path in _POLICIES) else ["--insecure-policy"]), *argv]
        try:
            return subprocess.run(
                words,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout,
                env={**os.environ, "LC_ALL": "C"},
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SkopeoError(f"{_bare(words[-1])}: nothing has come of it for {timeout:g} s") from error


def is_there() -> bool:
    """Whether skopeo is installed."""
    return shutil.which(PROGRAM) is not None


@contextmanager
def opened(access: Access) -> t.Iterator[Skopeo]:
    """skopeo for the time of a run: what it needs to know is in files that go with it, and on no command line."""
    with tempfile.TemporaryDirectory(prefix="switchyard-") as folder:
        place = Path(folder)
        if access.authority:
            (place / "ca.crt").write_text(access.authority, encoding="utf-8")
        if access.username:
            pair = base64.b64encode(f"{access.username}:{access.password}".encode()).decode("ascii")
            secret = place / "auth.json"
            secret.touch(mode=0o600)
            secret.write_text(json.dumps({"auths": {access.registry: {"auth": pair}}}), encoding="utf-8")
        yield Skopeo(access, place)


def _bare(reference: str) -> str:
    return reference.removeprefix("docker://")
