# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab as benchmarks use it: the operator's command and kubectl, with their times."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "bench"
BIN = Path(sys.executable).parent
KUBECTL = (str(BIN / "kubectl"), f"--kubeconfig={ROOT / '.lab' / 'kubeconfig'}")
ROLLOUT = ("rollout", "status", "--namespace=kube-flannel", "daemonset/kube-flannel-ds", "--timeout=120s")
DEPLOY = "playbooks/06.network.yml"


def run(argv: Sequence[str], name: str) -> tuple[float, str]:
    """Run a program; return its seconds and its output, which a log keeps. Exit if it fails."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    env = {**kept, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    start = time.monotonic()
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - start
    log = OUT / f"{name}.log"
    log.write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode != 0:
        sys.exit(f"{' '.join(argv)}\n{done.stdout}{done.stderr}\nfailed; see {log}")
    return seconds, done.stdout


def playbook(name: str, *options: str, log: str) -> tuple[float, str]:
    """Run a playbook as the operator does."""
    return run([str(BIN / "ansible-playbook"), name, *options], log)


def clean() -> None:
    """Bring the lab back to a cluster without a pod network; not measured."""
    playbook("bench/clean.yml", log="clean")


def docker_version() -> str:
    dummy, version = run(["docker", "version", "--format={{.Server.Version}}"], "docker")
    return f"Docker {version.strip()}"


def ansible_version() -> str:
    dummy, version = run([str(BIN / "ansible"), "--version"], "ansible")
    return version.splitlines()[0].strip()
