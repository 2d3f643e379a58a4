# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure a live change of the backend against the naive one: another ConfigMap, all agents restarted."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from statistics import median

from .lab import DEPLOY, KUBECTL, OUT, ROLLOUT, ROOT, ansible_version, clean, docker_version, playbook, run
from .page import Section, machine, word

BACKENDS = ("host-gw", "vxlan")
"""Where each round leads to, from vxlan."""
MAX_SECONDS, MAX_GAP_MS = 20.0, 100.0
PODS = (ROOT / "molecule" / "shared" / "files" / "net-test.yml", ROOT / "molecule" / "testing" / "files" / "web.yml")
ABOUT = """On the lab, between `vxlan` and `host-gw` and back, under running pods. The naive way is what can be done by
hand: write flannel's ConfigMap, restart the DaemonSet, wait for its rollout. It plans, sweeps, measures and proves
nothing. `06.network.yml` observes, plans, changes, sweeps what was left, verifies the whole network with packets, and
measures all the while between pods of all nodes (100 probes a second and a TCP connection for each pair).
"""
_CONFIG = ("--namespace=kube-flannel", "configmap", "kube-flannel-cfg")
_METER = re.compile(r"(\d+) of (\d+) packets lost, longest gap ([\d.]+) ms, (\d+) of (\d+) connections broken")


@dataclass
class Changes:
    """What the changes of all rounds took and cost."""

    naive: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    lost: int = 0
    sent: int = 0
    gap: float = 0.0
    broken: int = 0
    connections: int = 0


def naive(backend: str) -> float:
    """Return what it takes by hand."""
    config = json.loads(run([*KUBECTL, "get", *_CONFIG, "--output=json"], "naive-get")[1])["data"]
    conf = json.loads(config["net-conf.json"])
    patch = json.dumps({"data": {"net-conf.json": json.dumps({**conf, "Backend": {"Type": backend}})}})
    restart = ("rollout", "restart", "--namespace=kube-flannel", "daemonset/kube-flannel-ds")
    steps = (("patch", *_CONFIG, f"--patch={patch}"), restart, ROLLOUT)
    return sum(run([*KUBECTL, *words], f"naive-{words[0]}")[0] for words in steps)


def ours(backend: str, changes: Changes) -> None:
    """Measure the operator's command, which measures the network itself."""
    seconds, output = playbook(DEPLOY, "--extra-vars", f"flannel_backend={backend}", log=f"switch-{backend}")
    changes.ours.append(seconds)
    told = _METER.search(" ".join(output.split()))
    if told is None:
        sys.exit(f"the meter has told nothing; see {OUT / f'switch-{backend}.log'}")
    lost, sent, gap, broken, connections = told.groups()
    changes.lost += int(lost)
    changes.sent += int(sent)
    changes.gap = max(changes.gap, float(gap))
    changes.broken += int(broken)
    changes.connections += int(connections)


def measure(rounds: int) -> Changes:
    """Run the rounds, each there and back by hand, then there and back by the operator's command."""
    changes = Changes()
    for number in range(1, rounds + 1):
        changes.naive += [naive(backend) for backend in BACKENDS]
        playbook(DEPLOY, log="repair")
        for backend in BACKENDS:
            ours(backend, changes)
        shown = ", ".join(f"{seconds:.1f}" for seconds in changes.ours[-2:])
        print(
            f"round {number}/{rounds}: naive {median(changes.naive[-2:]):.1f} s, 06.network.yml {shown} s", flush=True
        )
    return changes


def report(changes: Changes) -> str:
    """Return the measured values, their ratio to the naive way and the targets as Markdown."""
    base, mine = median(changes.naive), median(changes.ours)
    rows = [
        ("naive: ConfigMap, `kubectl rollout restart`", changes.naive, ""),
        ("`06.network.yml`, verified", changes.ours, f"{MAX_SECONDS:.0f} s"),
    ]
    lines = ["| what | median | all rounds | ratio to naive | at most | met |", "|---|---:|---|---:|---:|---|"]
    for what, seconds, target in rows:
        every = ", ".join(f"{value:.1f}" for value in seconds)
        met = word(mine <= MAX_SECONDS) if target else ""
        lines.append(
            f"| {what} | {median(seconds):.1f} s | {every} | {median(seconds) / base:.2f} | {target} | {met} |"
        )
    counted = (
        (f"packets lost, of {changes.sent}", changes.lost, 0),
        ("longest gap of a pair, ms", changes.gap, MAX_GAP_MS),
        (f"connections broken, of {changes.connections}", changes.broken, 0),
    )
    lines += [f"| {what} | {value:g} | | | {limit:g} | {word(value <= limit)} |" for what, value, limit in counted]
    return "\n".join(lines) + "\n"


def bench(rounds: int) -> Section:
    """Measure on the lab, which must be up."""
    OUT.mkdir(parents=True, exist_ok=True)
    clean()
    playbook(DEPLOY, log="switch-first")
    run([*KUBECTL, "apply", *(f"--filename={path}" for path in PODS)], "switch-pods")
    run([*KUBECTL, "rollout", "status", "deployment/net-test1", "--timeout=60s"], "switch-pods-ready")
    table = report(measure(rounds))
    text = f"{ABOUT}\n{table}\n{rounds} rounds: {machine(docker_version(), ansible_version())}\n"
    return Section("Switching", text)
