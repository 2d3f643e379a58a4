# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that need the lab: a real cluster, and every Molecule scenario on it."""

from __future__ import annotations

import os
from pathlib import Path

from .checks import with_crash
from .junit import read_junit_folder
from .outcome import Case, StageUnavailableError, State
from .workspace import Workspace


def scenarios(root: Path) -> list[str]:
    """Return the names of the Molecule scenarios; those with virtual machines, which take the processors, come last."""
    names = [path.parent.name for path in (root / "molecule").glob("*/molecule.yml")]
    return sorted(names, key=lambda name: (_has_virtual_nodes(root, name), name))


def _has_virtual_nodes(root: Path, name: str) -> bool:
    return "inventories/lab_vm" in (root / "molecule" / name / "molecule.yml").read_text(encoding="utf-8")


def _minutes(root: Path, name: str) -> int:
    """Return how long a scenario may take: an emulated machine is five times slower, and CI has no Calico."""
    if os.environ.get("SWITCHYARD_LONG"):
        return 150
    slow = _has_virtual_nodes(root, name) or (root / "molecule" / name / "needs").is_file()
    return 40 if slow else 15


def lab(work: Workspace) -> list[Case]:
    """Bring up the three-node cluster the scenarios share."""
    _require_a_machine_for_the_lab(work)
    done = work.run("lab", ["make", "lab-up"], minutes=40)
    return [Case.of("make lab-up", done.ok, done.reason)]


def _require_a_machine_for_the_lab(work: Workspace) -> None:
    done = work.run("lab-preflight", ["tools/lab-preflight"], minutes=1)
    if not done.ok:
        raise StageUnavailableError(" ".join(done.text().split()) or done.reason)


def _require_what_it_needs(needs: Path) -> None:
    """A scenario may need what only its caller can have, named by an environment variable: `VARIABLE what it is`."""
    if needs.is_file():
        variable, dummy, what = needs.read_text(encoding="utf-8").strip().partition(" ")
        if not os.environ.get(variable):
            raise StageUnavailableError(f"{variable} is not set: {what}")


def scenario(work: Workspace, name: str) -> list[Case]:
    """Run one Molecule scenario; its testinfra checks count one by one."""
    _require_what_it_needs(work.root / "molecule" / name / "needs")
    _require_a_machine_for_the_lab(work)
    reports = work.folder(f"molecule-{name}-junit")
    done = work.run(
        f"molecule-{name}",
        [work.tool("molecule"), "test", "--destroy=never", "--scenario-name", name],
        minutes=_minutes(work.root, name),
        env={
            "ANSIBLE_COLLECTIONS_PATH": str(work.root / ".collections"),
            "SWITCHYARD_JUNIT_DIR": str(reports),
            "MOLECULE_COMMAND_BORDERS": "false",
        },
    )
    cases = with_crash(f"molecule test -s {name}", done, read_junit_folder(reports))
    if not any(case.state is not State.SKIPPED for case in cases):
        return [*cases, Case("verify", State.FAILED, "no testinfra check ran")]
    return [*cases, Case(f"molecule test -s {name}", State.PASSED)] if done.ok else cases
