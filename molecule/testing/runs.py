# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's own command, and what it did to the nodes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .lab import ROOT, on_node
from .seed import NODES, VIRTUAL

PLAYBOOK = str(Path(sys.executable).parent / "ansible-playbook")
METER = re.compile(
    r"(?P<pairs>\d+) pairs of pods .*? for \d+ s: (?P<lost>\d+) of (?P<sent>\d+) packets lost, "
    r"longest gap (?P<gap>\S+ \w+), (?P<broken>\d+) of (?P<connections>\d+) connections broken"
)
_RECAP = re.compile(r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.MULTILINE)
# What a run may write on a node, read without the collection: files with content, time and mode, then the kernel.
_STATE = """
find /etc/cni /opt/cni/bin /etc/sysctl.d /etc/modules-load.d /etc/systemd/system /etc/NetworkManager /run/flannel \
    -type f -printf '%p %m %T@ ' -exec sha256sum {} \\; 2>/dev/null | sort
ip -o link show | awk '{ print $2, $4, $5 }' | grep -v '^veth'
ip -4 route show
sysctl -a --pattern 'ip_forward$|rp_filter$|bridge-nf-call' 2>/dev/null
"""


@dataclass(frozen=True)
class Run:
    """A finished run of ansible-playbook."""

    status: int
    output: str

    @property
    def words(self) -> str:
        """The output as one line, since long messages are folded."""
        return " ".join(self.output.split())

    @property
    def changed(self) -> dict[str, int]:
        """The number of changes of each host, as the recap tells it."""
        return {host: int(changed) for host, changed, dummy, dummy in _RECAP.findall(self.output)}

    def must_succeed(self) -> Run:
        """Return the run, or fail with all it said."""
        assert self.status == 0, self.output
        return self

    def must_change_nothing(self) -> Run:
        """Return the run if it succeeded and its recap counts no change."""
        assert self.must_succeed().changed == dict.fromkeys([*NODES, "localhost"], 0), self.output
        return self


def command(playbook: str, *options: str, **settings: str) -> list[str]:
    """Return the operator's command; settings become strings, as in an INI inventory."""
    extra = [word for name, value in settings.items() for word in ("--extra-vars", f"{name}='{value}'")]
    inventory = ["--inventory=inventories/lab_vm"] if VIRTUAL else []
    return [PLAYBOOK, f"playbooks/{playbook}", *inventory, *options, *extra]


def environment() -> dict[str, str]:
    """The operator's environment: the configuration of the clone, nothing of Molecule's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MOLECULE_", "ANSIBLE_"))}
    return {**kept, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}


def play(playbook: str, *options: str, **settings: str) -> Run:
    """Run the operator's command to its end."""
    with started(playbook, *options, **settings) as run:
        try:
            # An emulated machine is five times slower.
            output, dummy = run.communicate(timeout=900 if VIRTUAL else 420)
        except BaseException:
            os.killpg(run.pid, signal.SIGKILL)
            raise
    return Run(run.returncode, output)


def kill(playbook: str, when: str, **settings: str) -> None:
    """Start the operator's command, and kill it and all its children as soon as it prints a line with this text."""
    seen = []
    with started(playbook, **settings) as run:
        for line in run.stdout or ():
            seen.append(line)
            if when in line:
                os.killpg(run.pid, signal.SIGKILL)
                break
        assert run.wait() == -signal.SIGKILL, "".join(seen)


def started(playbook: str, *options: str, **settings: str) -> subprocess.Popen[str]:
    """Start the operator's command in a session of its own; its output is to be read."""
    return subprocess.Popen(
        command(playbook, *options, **settings),
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def meanwhile(playbook: str, when: str, happens: Callable[[], None], **settings: str) -> Run:
    """Run the operator's command to its end; something happens as soon as it prints a line with this text."""
    seen, done = [], False
    with started(playbook, **settings) as run:
        for line in run.stdout or ():
            seen.append(line)
            if not done and when in line:
                happens()
                done = True
        status = run.wait()
    assert done, "".join(seen)
    return Run(status, "".join(seen))


def measured(done: Run, change: str) -> dict[str, str]:
    """Return what the meter has counted of a change; keep it beside the logs: a test that passes shows nothing."""
    counted = METER.search(done.words)
    assert counted, done.output
    _keep(f"{change}: {counted[0]}")
    return counted.groupdict()


def _keep(line: str) -> None:
    folder = ROOT / "build" / "test"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "measured.txt").open("a", encoding="utf-8") as kept:
        kept.write(f"{line}\n")


def state_of(*nodes: str) -> dict[str, str]:
    """Return a picture of all that a run could change on nodes (all of them by default)."""
    return {name: on_node(name, "sh", "-c", _STATE) for name in nodes or NODES}
