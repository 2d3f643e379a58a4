# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that need no cluster: linters, ansible-test sanity, and pytest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .junit import read_junit, read_junit_folder
from .outcome import Case, StageUnavailableError, State
from .process import Finished
from .workspace import Workspace

# The oldest Python a node may have; tests/config.yml tells ansible-test the same.
OLDEST_NODE_PYTHON = "3.8"
CONTROLLER_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

# ansible-test fetches pip's bootstrap script from the Internet unless it finds it in its cache. Python carries pip.
BOOTSTRAP_PIP = "import ensurepip\nensurepip.bootstrap()\n"


def ruff(work: Workspace) -> list[Case]:
    """Lint every Python file."""
    lint = work.run("ruff", [work.tool("ruff"), "check", "--output-format", "concise", "."], minutes=2)
    return [Case.of("ruff check", lint.ok, lint.reason)]


def mypy(work: Workspace) -> list[Case]:
    """Check the types of the plugins, which is where two parts that disagree about an interface show."""
    done = work.run("mypy", [work.tool("mypy")], minutes=3)
    return [Case.of("types of plugins", done.ok, done.reason)]


def ansible_lint(work: Workspace) -> list[Case]:
    """Hold playbooks, roles and scenarios to ansible-lint's production profile."""
    done = work.run(
        "ansible-lint",
        [work.tool("ansible-lint"), "--profile", "production", "--strict", "--offline", "--nocolor"],
        minutes=10,
        env={"ANSIBLE_COLLECTIONS_PATH": str(work.root / ".collections")},
    )
    return [Case.of("production profile", done.ok, done.reason)]


def sanity(work: Workspace) -> list[Case]:
    """Run every ansible-test sanity test here, and compile and import on the oldest Python of a node."""
    cases = _sanity(work, "sanity", CONTROLLER_PYTHON, [], {})
    oldest = find_python(OLDEST_NODE_PYTHON)
    if oldest is None:
        reason = f"no Python {OLDEST_NODE_PYTHON} on this machine: node code is not compiled and imported on it"
        return [*cases, Case(f"Python {OLDEST_NODE_PYTHON}", State.SKIPPED, reason)]
    path = f"{work.venv_bin}{os.pathsep}{oldest.parent}{os.pathsep}{os.environ['PATH']}"
    tests = ["--test", "compile", "--test", "import"]
    return [*cases, *_sanity(work, "sanity-oldest", OLDEST_NODE_PYTHON, tests, {"PATH": path})]


def _sanity(work: Workspace, name: str, python: str, tests: list[str], env: dict[str, str]) -> list[Case]:
    home = _sanity_home()
    shutil.rmtree(work.source / "tests" / "output", ignore_errors=True)
    done = work.run(
        name,
        [work.tool("ansible-test"), "sanity", "--python", python, "--junit", "--color", "no", *tests],
        minutes=15,
        cwd=work.source,
        env={"HOME": str(home), "PIP_CACHE_DIR": str(Path.home() / ".cache" / "pip"), **env},
    )
    return with_crash(name, done, read_junit_folder(work.source / "tests" / "output" / "junit"))


def _sanity_home() -> Path:
    """Return a home for ansible-test, kept between runs for its virtual environments, with pip's bootstrap in it."""
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "switchyard-cni" / "ansible-test"
    bootstrap = home / ".ansible" / "test" / "cache" / "get_pip_24_2.py"
    bootstrap.parent.mkdir(parents=True, exist_ok=True)
    bootstrap.write_text(BOOTSTRAP_PIP, encoding="utf-8")
    return home


def find_python(version: str) -> Path | None:
    """Return a working interpreter of this version from PATH or pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [*pyenv.glob(f"{version}.*/bin/python{version}")]
    on_path = shutil.which(f"python{version}")
    if on_path:
        candidates.append(Path(on_path))
    return next((path for path in candidates if _runs(path)), None)


def _runs(python: Path) -> bool:
    # pyenv leaves a launcher on PATH for versions it cannot start.
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


def unit(work: Workspace) -> list[Case]:
    """Run the unit and property tests on two processes, and those with clusters of many nodes."""
    minutes = 60 if os.environ.get("SWITCHYARD_LONG") else 15
    return _pytest(work, "unit", ["tests/unit", "tests/property", "tests/scale"], ["-n", "2"], minutes=minutes)


def netns(work: Workspace) -> list[Case]:
    """Run the tests that build network namespaces."""
    if os.geteuid() != 0:
        raise StageUnavailableError("network namespaces need root")
    if shutil.which("ip") is None:
        raise StageUnavailableError("network namespaces need the program ip (Debian: iproute2)")
    return _pytest(work, "netns", ["tests/integration"], [], minutes=10)


def _pytest(work: Workspace, name: str, folders: list[str], options: list[str], *, minutes: float) -> list[Case]:
    existing = [folder for folder in folders if (work.root / folder).is_dir()]
    report = work.out / f"{name}.xml"
    report.unlink(missing_ok=True)
    done = work.run(
        name,
        [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *options, *existing],
        minutes=minutes,
    )
    return with_crash(name, done, read_junit(report) if report.is_file() else [])


def with_crash(name: str, done: Finished, cases: list[Case]) -> list[Case]:
    """Return the cases a command reported, with one more if it failed in a way that none of them shows."""
    if done.ok or any(case.state is State.FAILED for case in cases):
        return cases
    return [*cases, Case(name, State.FAILED, done.reason)]
