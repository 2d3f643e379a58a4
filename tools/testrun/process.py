# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command so that a person sees its output at once and a log keeps it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

# Seconds a command has to clean up after SIGTERM before it is killed.
GRACE = 20


@dataclass(frozen=True)
class Finished:
    """A command that ended: its exit status, its log, and whether its time was up."""

    argv: tuple[str, ...]
    status: int
    log: Path
    timed_out: bool

    @property
    def ok(self) -> bool:
        """Return whether the command succeeded within its time."""
        return self.status == 0 and not self.timed_out

    @property
    def reason(self) -> str:
        """Return why the command failed, and where to read on."""
        why = "ran out of time" if self.timed_out else f"exit status {self.status}"
        return f"{Path(self.argv[0]).name}: {why}; see {self.log.parent.name}/{self.log.name}"

    def text(self) -> str:
        """Return everything the command printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    log: Path,
    seconds: float,
    env: Mapping[str, str] | None = None,
    quiet: bool = False,
) -> Finished:
    """Run a command in its own process group and end the group when its time is up.

    The log gets all output; a person sees it too, unless `quiet`.
    """
    words = tuple(str(word) for word in argv)
    log.parent.mkdir(parents=True, exist_ok=True)
    expired = threading.Event()
    with (
        log.open("w", encoding="utf-8") as sink,
        subprocess.Popen(
            words,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process,
    ):
        timer = threading.Timer(seconds, _expire, (process, expired))
        timer.start()
        try:
            _copy_lines(process, [sink] if quiet else [sink, sys.stdout])
            status = process.wait()
        except KeyboardInterrupt:
            _end_group(process)
            raise
        finally:
            timer.cancel()
    return Finished(words, status, log, expired.is_set())


def _copy_lines(process: subprocess.Popen[str], sinks: Sequence[TextIO]) -> None:
    for line in process.stdout or ():
        for sink in sinks:
            sink.write(line)
            sink.flush()


def _expire(process: subprocess.Popen[str], expired: threading.Event) -> None:
    expired.set()
    _end_group(process)


def _end_group(process: subprocess.Popen[str]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
            return
