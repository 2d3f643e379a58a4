# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what the controller does for clusters of 10 to 10,000 nodes, each size in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .page import Section, machine, word

ROOT = Path(__file__).resolve().parents[2]
SIZES = (10, 100, 1000, 10_000)
ROUNDS, ROUNDS_OF_MANY = 5, 3
STEPS = ("read", "plan", "expect", "verify", "report")
# The targets: time for ten times the nodes, and for the largest cluster seconds and bytes.
MAX_RATIO, MAX_SECONDS, MAX_BYTES = 12.0, 10.0, 1 << 30
ABOUT = """All that the controller does in a run: reading what the nodes and the API server have told, the plan of
`06.network.yml`, what every node must show, the judgement with all probes, and the four reports. The clusters are made
by `tests/scale/crowd.py`, with faults planted in one node of a hundred; all of them must be found and none invented.
Seconds are CPU time of one core, the best of several runs; memory is that of the whole process with all nodes' answers.
"""


@dataclass(frozen=True)
class Measured:
    """One size: the seconds of each step, the largest resident size in bytes, and the planted and found faults."""

    size: int
    steps: dict[str, float]
    resident: int
    planted: int
    found: int
    right: bool

    @property
    def seconds(self) -> float:
        """All steps together."""
        return sum(self.steps.values())


def measure(size: int) -> Measured:
    """Measure one size, the best of several runs. Exits if that fails."""
    runs = [_once(size) for dummy in range(ROUNDS_OF_MANY if size > 1000 else ROUNDS)]
    found = min(runs, key=lambda one: one.seconds)
    print(f"{size} nodes: {found.seconds:.2f} s, {found.resident / 2**20:.0f} MiB", flush=True)
    return found


def _once(size: int) -> Measured:
    argv = [sys.executable, str(ROOT / "tests" / "scale" / "measure.py"), str(size)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(argv)}\n{done.stdout}{done.stderr}")
    return Measured(**json.loads(done.stdout))


def table(every: list[Measured]) -> str:
    """The measured sizes with their targets as Markdown."""
    lines = [
        f"| nodes | {' | '.join(STEPS)} | all | for ten times the nodes | at most | met | memory | faults found |",
        f"|---:|{'---:|' * len(STEPS)}---:|---:|---:|---|---:|---|",
    ]
    for before, one in zip([None, *every], every, strict=False):
        ratio = one.seconds / before.seconds if before else None
        steps = " | ".join(f"{one.steps[step]:.2f} s" for step in STEPS)
        told = (
            f"{ratio:.1f} times | {MAX_RATIO:.0f} times | {word(ratio <= MAX_RATIO)}" if ratio is not None else "| | "
        )
        faults = f"{one.found} of {one.planted}{'' if one.right else ', **no**'}"
        lines.append(
            f"| {one.size:,} | {steps} | {one.seconds:.2f} s | {told} | {one.resident / 2**20:.0f} MiB | {faults} |"
        )
    largest = every[-1]
    lines += [
        "",
        f"| {largest.size:,} nodes | measured | at most | met |",
        "|---|---:|---:|---|",
        f"| CPU time | {largest.seconds:.2f} s | {MAX_SECONDS:.0f} s | {word(largest.seconds <= MAX_SECONDS)} |",
        f"| memory | {largest.resident / 2**20:.0f} MiB | 1,024 MiB | {word(largest.resident <= MAX_BYTES)} |",
    ]
    return "\n".join(lines) + "\n"


def bench() -> Section:
    """Measure all sizes."""
    return Section("Controller", f"{ABOUT}\n{table([measure(size) for size in SIZES])}\n{machine()}\n")
