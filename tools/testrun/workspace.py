# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a test run works: the clone, its virtual environment, its logs, and a clean copy of the source."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from .process import Finished, run

# The link that makes a clone its own collection path would be a loop in a copy; the lab node's file system has
# links and half-filled files that mean something on the node only.
NOT_COPIED = (".collections/", "molecule/shared/files/node/rootfs/")


@dataclass
class Workspace:
    """The clone at `root`; everything a run writes goes below `out`."""

    root: Path
    out: Path
    started: list[str] = field(default_factory=list)

    @property
    def venv_bin(self) -> Path:
        """Return the folder of the tools this run uses."""
        return Path(sys.executable).parent

    def tool(self, name: str) -> Path:
        """Return the path of a tool of the virtual environment."""
        return self.venv_bin / name

    def folder(self, name: str) -> Path:
        """Return a fresh, empty folder below `out`."""
        path = self.out / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def run(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        minutes: float,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        quiet: bool = False,
    ) -> Finished:
        """Run a command with the virtual environment first on PATH; its log is `out`/`name`.log."""
        path = f"{self.venv_bin}{os.pathsep}{os.environ['PATH']}"
        environment = {"PATH": path, "PYTHONUNBUFFERED": "1", "ANSIBLE_FORCE_COLOR": "0", **(env or {})}
        return run(
            argv,
            cwd=cwd or self.root,
            log=self.out / f"{name}.log",
            seconds=minutes * 60,
            env=environment,
            quiet=quiet,
        )

    @cached_property
    def source(self) -> Path:
        """Return a copy of what git knows or would add, laid out as `ansible_collections/<namespace>/<name>`."""
        target = self.folder("tree") / "ansible_collections" / "switchyard" / "cni"
        for name in self._source_names():
            origin, copy = self.root / name, target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(origin, copy, follow_symlinks=False)
        # ansible-test asks git which files there are.
        subprocess.run(["git", "init", "--quiet", str(target)], check=True)
        subprocess.run(["git", "-C", str(target), "add", "--all"], check=True)
        return target

    def _source_names(self) -> list[str]:
        # A CI machine may have cloned as another user.
        git = ["git", "-c", f"safe.directory={self.root}", "-C", str(self.root)]
        listing = subprocess.run(
            [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        names = {name for name in listing.split("\0") if name and not name.startswith(NOT_COPIED)}
        return sorted(name for name in names if os.path.lexists(self.root / name))
