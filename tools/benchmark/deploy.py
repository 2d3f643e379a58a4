# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure 06.network.yml on the lab against what kubectl alone needs; write the result as a Markdown table."""

from __future__ import annotations

import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from statistics import median

from .lab import DEPLOY, KUBECTL, OUT, ROLLOUT, ansible_version, clean, docker_version, playbook, run
from .page import Section, machine, word

MANIFEST = OUT / "kube-flannel.yml"
ABOUT = """On the lab, three nodes that are containers of one machine. The floor is what kubectl alone needs for the
very same objects; the first deploy also observes and prepares the nodes, and proves every route afterwards. Both start
from a cluster without a pod network. A module execution is a program that a connection ran on a node, counted from
`ansible-playbook -vvv`.
"""
# The targets: seconds above the floor, seconds, module executions on one node.
MAX_ABOVE_FLOOR, MAX_SECOND, MAX_MODULES = 6.0, 5.0, 4
_RECAP = re.compile(r"^(\S+) +: ok=\d+ +changed=(\d+)", re.MULTILINE)
# With pipelining a connection executes one program for one module; -vvv prints each of them.
_EXECUTION = re.compile(r"^<(\S+)> EXEC .*python", re.MULTILINE)


@dataclass
class Times:
    """Seconds of each round."""

    floor: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    second: list[float] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Executions:
    """Module executions of the busiest node, as counted from the connections of one run."""

    first: int
    second: int


def floor() -> float:
    """Return what kubectl alone needs for the same objects until all pods are ready."""
    applied, dummy = run([*KUBECTL, "apply", f"--filename={MANIFEST}"], "floor-apply")
    ready, dummy = run([*KUBECTL, *ROLLOUT], "floor-rollout")
    return applied + ready


def count_executions() -> Executions:
    """Count the module executions of a first and a second run; a warm-up for the rounds."""
    clean()
    per_run = []
    for log in ("count-first", "count-second"):
        dummy, output = playbook(DEPLOY, "-vvv", log=log)
        nodes = Counter(host for host in _EXECUTION.findall(output) if host != "localhost")
        if not nodes:
            sys.exit(f"no module execution found in {OUT / log}.log: has -vvv changed its words?")
        per_run.append(max(nodes.values()))
    return Executions(*per_run)


def measure(rounds: int) -> Times:
    """Run the rounds: floor, first deploy and second run, each of the first two from a clean lab."""
    times = Times()
    for number in range(1, rounds + 1):
        clean()
        times.floor.append(floor())
        clean()
        times.first.append(playbook(DEPLOY, log=f"first-{number}")[0])
        seconds, output = playbook(DEPLOY, log=f"second-{number}")
        times.second.append(seconds)
        times.changed.append(sum(int(changed) for dummy, changed in _RECAP.findall(output)))
        print(
            f"round {number}/{rounds}: floor {times.floor[-1]:.1f} s, first deploy {times.first[-1]:.1f} s, "
            f"second run {seconds:.1f} s, changed={times.changed[-1]}",
            flush=True,
        )
    return times


def report(times: Times, executions: Executions) -> str:
    """Return the measured values, their ratios to the floor and the targets as Markdown."""
    base = median(times.floor)
    rows = [
        ("floor: `kubectl apply` and `kubectl rollout status`", times.floor, "", True),
        (
            "first deploy: `06.network.yml`",
            times.first,
            f"floor + {MAX_ABOVE_FLOOR:.0f} s = {base + MAX_ABOVE_FLOOR:.1f} s",
            median(times.first) <= base + MAX_ABOVE_FLOOR,
        ),
        ("second run: `06.network.yml`", times.second, f"{MAX_SECOND:.0f} s", median(times.second) <= MAX_SECOND),
    ]
    lines = [
        "| what | median | all rounds | ratio to the floor | at most | met |",
        "|---|---:|---|---:|---:|---|",
    ]
    for what, seconds, target, met in rows:
        every = ", ".join(f"{value:.1f}" for value in seconds)
        lines.append(
            f"| {what} | {median(seconds):.1f} s | {every} | {median(seconds) / base:.2f} | {target} "
            f"| {word(met) if target else ''} |"
        )
    counted = (
        ("changes in a second run", max(times.changed), 0),
        ("module executions on a node, first deploy", executions.first, MAX_MODULES),
        ("module executions on a node, second run", executions.second, MAX_MODULES),
    )
    lines += [f"| {what} | {value} | | | {limit} | {word(value <= limit)} |" for what, value, limit in counted]
    return "\n".join(lines) + "\n"


def bench(rounds: int) -> Section:
    """Measure on the lab, which must be up."""
    OUT.mkdir(parents=True, exist_ok=True)
    clean()
    playbook("bench/render.yml", "--extra-vars", f"bench_manifest={MANIFEST}", log="render")
    executions = count_executions()
    table = report(measure(rounds), executions)
    text = f"{ABOUT}\n{table}\n{rounds} rounds: {machine(docker_version(), ansible_version())}\n"
    return Section("Deploying", text)
