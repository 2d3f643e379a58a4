# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in children: what they told is kept whatever happens to them, and nothing of them is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _children
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.test_node_pythons import collections_path


@pytest.fixture(autouse=True)
def nothing_left_behind():
    before = set(os.listdir("/proc/self/fd"))
    yield
    assert set(os.listdir("/proc/self/fd")) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def run(*jobs, at_once=4, seconds=30.0):
    return [(ended.values, ended.error) for ended in _children.run(jobs, at_once, seconds)]


def forever(tell):
    tell("started")
    while True:
        signal.pause()


def test_each_child_tells_its_own():
    jobs = [lambda tell, n=n: [tell(n), tell({"square": n * n})] for n in range(20)]
    assert run(*jobs) == [([n, {"square": n * n}], None) for n in range(20)]


def test_more_than_a_pipe_holds():
    assert run(lambda tell: [tell("x" * 300_000) for dummy in range(10)]) == [(["x" * 300_000] * 10, None)]


def test_a_child_that_hangs_is_killed_and_the_others_are_told():
    hung, fine = run(forever, lambda tell: tell(1), seconds=1.0)
    assert hung == (["started"], "did not end within its time and was killed")
    assert fine == ([1], None)


def test_who_never_started_is_told_so():
    assert run(forever, lambda tell: tell(1), at_once=1, seconds=0.3)[1] == ([], "was not started: the time was over")


def test_no_more_children_at_once_than_allowed(tmp_path):
    def job(tell):
        (tmp_path / str(os.getpid())).touch()
        tell(len(list(tmp_path.iterdir())))
        (tmp_path / str(os.getpid())).unlink()

    counts = [values[0] for values, dummy in run(*[job] * 12, at_once=3)]
    assert max(counts) <= 3


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (NodeError("no such pod"), "no such pod"),
        (PermissionError(1, "Operation not permitted"), "Operation not permitted"),
        (KeyError("x"), "ended by KeyError('x')"),
        (SystemExit(0), "ended by SystemExit(0)"),
    ],
)
def test_an_error_in_a_child_is_that_childs_error(raised, said):
    def job(tell):
        tell("before")
        raise raised

    assert run(job) == [(["before"], said)]


def test_a_child_that_was_killed_is_told_so():
    ((values, error),) = run(lambda tell: [tell(1), os.kill(os.getpid(), signal.SIGKILL)])
    assert values == [1]
    assert error == "ended unexpectedly (wait status 9)"


def test_an_interrupt_in_the_parent_leaves_no_child(monkeypatch):
    def interrupt(dummy_signal, dummy_frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(forever, forever)
    finally:
        signal.signal(signal.SIGALRM, before)


ORPHANS = """
import os, signal
from ansible_collections.switchyard.cni.plugins.module_utils._node import _children

def job(tell):
    print(os.getpid(), flush=True)
    while True:
        signal.pause()

_children.run([job, job], 2, 60)
"""


def test_children_die_with_their_parent():
    parent = subprocess.Popen(
        [sys.executable, "-c", ORPHANS],
        env={"PYTHONPATH": str(collections_path()), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        text=True,
    )
    children = [int(parent.stdout.readline()) for dummy in range(2)]
    parent.kill()
    parent.wait()
    # The pipe's end is the end of the last process that holds it.
    assert parent.stdout.read() == ""
    parent.stdout.close()
    assert not [child for child in children if _runs(child)]


def _runs(pid):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        if state == "Z":
            return False
        time.sleep(0.01)
    return True
