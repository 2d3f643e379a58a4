# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages of a test run, cheapest first, and the loop over them."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import checks, cluster, packaging
from .outcome import Case, StageResult, StageUnavailableError, State, result_of, unavailable
from .summary import render
from .workspace import Workspace


@dataclass(frozen=True)
class Stage:
    """A named part of the run; `group` is a second name that `--only` and `--skip` know."""

    name: str
    run: Callable[[Workspace], list[Case]]
    group: str = ""

    def is_called(self, names: Sequence[str]) -> bool:
        """Return whether one of the names means this stage."""
        return self.name in names or self.group in names


def stages(root: Path) -> list[Stage]:
    """Return every stage in the order of its cost."""
    fixed = [
        Stage("ruff", checks.ruff, "lint"),
        Stage("mypy", checks.mypy, "lint"),
        Stage("unit", checks.unit),
        Stage("ansible-lint", checks.ansible_lint, "lint"),
        Stage("package", packaging.package),
        Stage("sanity", checks.sanity),
        Stage("lab", cluster.lab, "molecule"),
        # After the lab, which installs iproute2 on a fresh machine.
        Stage("netns", checks.netns),
    ]
    return fixed + [
        Stage(f"molecule-{name}", partial(cluster.scenario, name=name), "molecule") for name in cluster.scenarios(root)
    ]


def main(root: Path, arguments: Sequence[str] | None = None) -> int:
    """Run the chosen stages, print the summary, and return 1 if anything failed."""
    every = stages(root)
    chosen = _choose(every, _parser(every).parse_args(arguments))
    work = Workspace(root, root / "build" / "test")
    if not work.tool("ansible-test").exists():
        print(
            f"{work.venv_bin} is not the project's virtual environment: run make test, or .venv/bin/python tools/test"
        )
        return 2
    results: list[StageResult] = []
    for number, stage in enumerate(chosen, start=1):
        print(f"\n=== [{number}/{len(chosen)}] {stage.name} {'=' * (60 - len(stage.name))}", flush=True)
        result = _run(stage, work)
        results.append(result)
        print(f"=== {stage.name}: {result.word} after {result.seconds:.1f} s", flush=True)
    print(f"\nLogs: {work.out}\n\n{render(results)}", flush=True)
    return 1 if any(result.count(State.FAILED) for result in results) else 0


def _run(stage: Stage, work: Workspace) -> StageResult:
    start = time.monotonic()
    try:
        cases = stage.run(work)
    except StageUnavailableError as reason:
        return unavailable(stage.name, time.monotonic() - start, str(reason))
    return result_of(stage.name, time.monotonic() - start, cases)


def _parser(every: Sequence[Stage]) -> argparse.ArgumentParser:
    names = sorted({name for stage in every for name in (stage.name, stage.group) if name})
    parser = argparse.ArgumentParser(prog="tools/test", description="Run the project's tests with one summary.")
    for option, text in (("--only", "run nothing but this stage"), ("--skip", "run everything but this stage")):
        parser.add_argument(option, action="append", default=[], choices=names, metavar="STAGE", help=text)
    parser.epilog = f"Stages: {', '.join(names)}. Both options may be given several times."
    return parser


def _choose(every: Sequence[Stage], options: argparse.Namespace) -> list[Stage]:
    return [
        stage
        for stage in every
        if (not options.only or stage.is_called(options.only)) and not stage.is_called(options.skip)
    ]
