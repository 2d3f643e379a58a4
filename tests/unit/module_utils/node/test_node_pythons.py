# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node engines say the same on the oldest and on a new Python that a node may have."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import FIXTURES

HERE = Path(__file__).absolute().parent


def collections_path():
    """The directory that holds ansible_collections: of this tree, or the link a clone carries."""
    above = [parent for parent in HERE.parents if parent.name == "ansible_collections"]
    return above[0].parent if above else HERE.parents[3] / ".collections"


def find_python(version):
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python{version}"))]
    works = [
        python
        for python in candidates
        if python and subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0
    ]
    return works[0] if works else None


def say(python, root):
    for name in ("old", "gone"):
        path = root / "etc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    done = subprocess.run(
        [python, str(HERE / "run_engines.py"), str(FIXTURES), str(root)],
        env={**os.environ, "PYTHONPATH": str(collections_path()), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("version", ["3.8", "3.13"])
def test_the_engines_say_the_same_on_every_python(version, tmp_path):
    python = find_python(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine: the node engines are not run on it")
    said = say(python, tmp_path / "other")
    assert said == say(sys.executable, tmp_path / "this")
    assert said["steps"] == [["create /etc/a/b", "rename /etc/old to /etc/old.disabled", "remove /etc/gone"], []]
    assert said["missing"] == ["/run/flannel/subnet.env"]
