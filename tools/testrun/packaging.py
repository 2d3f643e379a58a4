# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the tarball a user installs, install it, and ask it what a user asks."""

from __future__ import annotations

import json
import re
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path

from .outcome import Case
from .process import Finished
from .workspace import Workspace

FULL_NAME = "switchyard.cni"

# Whatever else turns up at the top of the tarball was forgotten in galaxy.yml's build_ignore.
SHIPPED = frozenset(
    {
        *("CHANGELOG.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md", "bindep.txt", "requirements.txt"),
        *("changelogs", "docs", "inventories", "meta", "playbooks", "plugins", "roles", "tests"),
    }
)

IMPORTER_COMPLAINT = re.compile(r"^(?:ERROR|WARNING|CRITICAL): (?P<text>.*)$", re.MULTILINE)


def package(work: Workspace) -> list[Case]:
    """Build, look into, install, document, syntax-check and import the collection's tarball."""
    tarball, built = _build(work)
    if tarball is None:
        return [Case.of("build", passed=False, reason=built.reason)]
    installed = work.folder("installed")
    install = work.run(
        "package-install",
        [work.tool("ansible-galaxy"), "collection", "install", "--offline", "-p", installed, tarball],
        minutes=2,
        cwd=work.out,
        env={"ANSIBLE_COLLECTIONS_PATH": str(installed)},
    )
    cases = [
        Case.of("build", built.ok, built.reason),
        _contents(tarball),
        Case.of("install", install.ok, install.reason),
    ]
    if install.ok:
        cases += [*_documentation(work, installed), *_playbooks(work, installed)]
    return [*cases, *_importer(work, tarball)]


def _build(work: Workspace) -> tuple[Path | None, Finished]:
    target = work.folder("tarball")
    built = work.run(
        "package-build",
        [work.tool("ansible-galaxy"), "collection", "build", "--output-path", target, work.source],
        minutes=2,
    )
    return next(target.glob("*.tar.gz"), None), built


def _contents(tarball: Path) -> Case:
    with tarfile.open(tarball) as archive:
        top = {Path(name).parts[0] for name in archive.getnames()}
    stray = ", ".join(sorted(top - SHIPPED))
    return Case.of("contents", not stray, f"in the tarball but not meant to ship: {stray}")


def _documentation(work: Workspace, installed: Path) -> list[Case]:
    collection = installed / "ansible_collections" / "switchyard" / "cni"
    modules = {path.stem for path in (collection / "plugins" / "modules").glob("*.py")}
    filters = {path.stem for path in (collection / "plugins" / "filter").glob("*.yml")}
    roles = {path.name for path in (collection / "roles").iterdir() if path.is_dir()}
    filters |= _listed(work, installed, "filter")
    return [
        case
        for kind, names in (("module", modules), ("filter", filters), ("role", roles))
        for case in _documented(work, installed, kind, names - {"__init__"})
    ]


def _listed(work: Workspace, installed: Path, kind: str) -> set[str]:
    """Return the names Ansible itself finds, so that a plugin without a documentation file is noticed."""
    done = _ansible_doc(work, installed, f"package-list-{kind}", ["-t", kind, "--list", FULL_NAME])
    return {name.rpartition(".")[2] for name in _json_in(done)}


def _documented(work: Workspace, installed: Path, kind: str, names: Iterable[str]) -> list[Case]:
    wanted = [f"{FULL_NAME}.{name}" for name in sorted(names)]
    if not wanted:
        return []
    done = _ansible_doc(work, installed, f"package-doc-{kind}", ["-t", kind, *wanted])
    pages = _json_in(done)
    reason = f"says nothing; {done.reason}"
    return [Case.of(f"ansible-doc -t {kind} {name}", _tells(pages.get(name)), reason) for name in wanted]


def _tells(page: dict | None) -> bool:
    """Return whether ansible-doc printed something about a plugin (`doc`) or a role (`entry_points`)."""
    return bool(page) and bool(page.get("entry_points") or (page.get("doc") or {}).get("short_description"))


def _ansible_doc(work: Workspace, installed: Path, log: str, arguments: list[str]) -> Finished:
    return work.run(
        log,
        [work.tool("ansible-doc"), "--json", *arguments],
        minutes=2,
        cwd=work.out,
        env={"ANSIBLE_COLLECTIONS_PATH": str(installed)},
        quiet=True,
    )


def _json_in(done: Finished) -> dict:
    """Return the JSON document among the warnings of an ansible-doc run, or nothing."""
    text = done.text()
    start = text.find("{")
    try:
        return json.JSONDecoder().raw_decode(text[start:])[0] if start >= 0 else {}
    except json.JSONDecodeError:
        return {}


def _playbooks(work: Workspace, installed: Path) -> list[Case]:
    """Check the playbooks by the names a user of the installed collection types; a name cannot hold a dot."""
    folder = installed / "ansible_collections" / "switchyard" / "cni" / "playbooks"
    names = sorted(path.stem for path in folder.glob("*.yml") if "." not in path.stem)
    return [_playbook(work, installed, f"{FULL_NAME}.{name}") for name in names]


def _playbook(work: Workspace, installed: Path, name: str) -> Case:
    done = work.run(
        f"package-playbook-{name}",
        [work.tool("ansible-playbook"), "--syntax-check", "-i", "localhost,", name],
        minutes=2,
        cwd=work.out,
        env={"ANSIBLE_COLLECTIONS_PATH": str(installed)},
    )
    return Case.of(f"ansible-playbook --syntax-check {name}", done.ok, done.reason)


def _importer(work: Workspace, tarball: Path) -> list[Case]:
    """Run what Galaxy runs on an upload; it exits with 0 on most of its complaints, so they are read."""
    done = work.run(
        "package-importer",
        [sys.executable, "-m", "galaxy_importer.main", tarball],
        minutes=8,
        cwd=work.folder("importer"),
        env={"GALAXY_IMPORTER_CHECK_REQUIRED_TAGS": "true"},
    )
    complaints = [match["text"] for match in IMPORTER_COMPLAINT.finditer(done.text())]
    return [
        Case.of("galaxy-importer", done.ok, done.reason),
        Case.of("galaxy-importer has no complaint", not complaints, " | ".join(complaints)),
    ]
