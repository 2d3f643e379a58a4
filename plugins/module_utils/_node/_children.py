# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work in forked children: bounded in number and in time, told line by line, and nothing left behind.

A child may enter another namespace without its parent ever leaving its own. It dies with its parent.
"""

from __future__ import annotations

import ctypes
import json
import os
import selectors
import signal
import sys
import time
from typing import Any, Callable, Dict, List, Optional, Sequence

from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError

# A job is called in the child with a function that tells the parent one JSON value at a time.
Tell = Callable[[Any], None]
Job = Callable[[Tell], None]

_PR_SET_PDEATHSIG = 1  # prctl(2)
_OVER_TIME = "did not end within its time and was killed"


class Ended:
    """What a child told, in its order; error says why it did not end by itself (None: it did)."""

    def __init__(self) -> None:
        self.values: List[Any] = []
        self.error: Optional[str] = None


class _Child:
    """A running child, its pipe and what has come through it."""

    def __init__(self, job: Job, ended: Ended) -> None:
        self._ended = ended
        self._complete = False
        self._rest = b""
        self.pipe, writing = os.pipe()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            _live(job, writing, parent)
        os.close(writing)

    def read(self) -> bool:
        """Take in what it told; False when there is nothing more to come."""
        data = os.read(self.pipe, 1 << 16)
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            self._take(json.loads(line.decode("utf-8")))
        return bool(data)

    def _take(self, message: Dict[str, Any]) -> None:
        if "value" in message:
            self._ended.values.append(message["value"])
        else:
            self._complete = True
            self._ended.error = message["error"]

    def bury(self) -> None:
        """End it if it still runs, and leave neither a process nor a descriptor of it."""
        os.close(self.pipe)
        if not self._complete:
            os.kill(self.pid, signal.SIGKILL)
        status = os.waitpid(self.pid, 0)[1]
        if not self._complete and self._ended.error is None:
            self._ended.error = "ended unexpectedly (wait status {0})".format(status)

    def late(self) -> None:
        """Note that its time is over."""
        if not self._complete:
            self._ended.error = _OVER_TIME


def run(jobs: Sequence[Job], at_once: int, seconds: float) -> List[Ended]:
    """Run each job in a child of its own, at most at_once at a time; children that outlive the time are killed."""
    deadline = time.monotonic() + seconds
    ended = [Ended() for dummy in jobs]
    waiting = list(zip(jobs, ended))[::-1]
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or selector.get_map():
                while waiting and len(selector.get_map()) < at_once:
                    child = _Child(*waiting.pop())
                    selector.register(child.pipe, selectors.EVENT_READ, child)
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                for key, dummy in selector.select(left):
                    if not key.data.read():
                        selector.unregister(key.fd)
                        key.data.bury()
        finally:
            for key in list(selector.get_map().values()):
                key.data.late()
                key.data.bury()
    for unused, outcome in waiting:
        outcome.error = "was not started: the time was over"
    return ended


def _live(job: Job, writing: int, parent: int) -> None:
    """The child's whole life; never returns."""
    failure: Optional[str] = "ended by an error"
    try:
        _die_with(parent)
        try:
            job(lambda value: _say(writing, {"value": value}))
            failure = None
        except (NodeError, OSError) as error:
            failure = getattr(error, "strerror", None) or str(error)
    finally:
        # Never back into the parent's code, whatever happened: it would run twice.
        unexpected = sys.exc_info()[1]
        _end(writing, failure if unexpected is None else "ended by {0!r}".format(unexpected))


def _end(writing: int, failure: Optional[str]) -> None:
    try:
        _say(writing, {"error": failure})
    finally:
        os._exit(0 if failure is None else 1)


def _say(writing: int, message: Dict[str, Any]) -> None:
    data = json.dumps(message).encode("utf-8") + b"\n"
    while data:
        data = data[os.write(writing, data) :]


def _die_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)  # the parent died before the kernel knew that it should tell
