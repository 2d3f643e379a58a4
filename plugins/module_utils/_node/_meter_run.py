# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process of a disruption meter: starting it so that it outlives the module, finding it again, and ending it.

It is known by a file that it replaces every second, with who it is, what it was asked for and what it has counted. So
one that was killed leaves its figures, and its number is never mistaken for that of another process.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any, Dict, List, Optional

from ansible_collections.switchyard.cni.plugins.module_utils._node import _netns
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged, NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._meter import Result
from ansible_collections.switchyard.cni.plugins.module_utils._node._meter_wire import Job, Meter
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader, NodeWriter

DIRECTORY = "/run/switchyard-cni"
DIED = "died"

_BEGINNING = 5.0  # seconds for all sockets to be open
_ENDING = 5.0  # seconds; it waits one for the last replies
_LOOK = 0.02  # seconds between two looks at whether it has ended
_BOOT = "/proc/sys/kernel/random/boot_id"


@dataclass(frozen=True)
class Found:
    """What is known of a run: nothing (told is None), or what its process has told last, and whether it lives."""

    told: Optional[Result] = None
    alive: bool = False

    def measures(self, job: Job) -> bool:
        """Whether it was asked for just this."""
        return self.told is not None and self.told["job"] == _as_json(job)


def _as_json(job: Job) -> Any:
    return json.loads(json.dumps(asdict(job)))


def path_of(run: str) -> str:
    """Where a run's process keeps its figures."""
    return "{0}/meter-{1}.json".format(DIRECTORY, run)


def look(reader: NodeReader, run: str) -> Found:
    """Find a run's process and its figures. Raises Damaged or OSError."""
    path = path_of(run)
    try:
        told = json.loads(reader.read(path).decode("utf-8"))
        return Found(told, _identity(reader, told["pid"]) == [told["boot"], told["started"]])
    except FileNotFoundError:
        return Found()
    except (ValueError, KeyError, TypeError):
        raise Damaged("{0} is not what a meter writes; remove it".format(path)) from None


def _identity(reader: NodeReader, pid: int) -> List[Any]:
    """What tells a process from all others that have had its number: this boot, and its start in clock ticks since.

    Nothing for one that is not there, or has ended and only waits for its parent: proc(5).
    """
    try:
        boot = reader.read(_BOOT).decode("ascii").strip()
        fields = reader.read("/proc/{0}/stat".format(pid)).decode("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []
    return [] if fields[0] in ("Z", "X") else [boot, int(fields[19])]


def locate(reader: NodeReader, job: Job) -> Dict[str, str]:
    """The namespaces of the pods of this node that are asked for, by their addresses. Raises NodeError or OSError."""
    wanted = {pair.source for pair in job.pairs if pair.source is not None}.union(job.listen)
    if not wanted:
        return {}
    survey = _netns.survey(_netns.pod_namespaces(reader))
    return {address: survey.holders(address)[0] for address in sorted(wanted) if survey.holders(address)}


def start(node: NodeWriter, run: str, job: Job) -> Result:
    """Start a process that measures, and wait until it does; what it tells. Raises NodeError or OSError."""
    paths = locate(node, job)
    node.make_directory(DIRECTORY, 0o700)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _leave_home(writing)
            _Process(node, run, job, paths, writing).live()
        finally:
            os._exit(1)
    os.close(writing)
    os.waitpid(child, 0)
    told = _listen(reading)
    if "error" in told:
        raise NodeError(told["error"])
    return told


def _listen(reading: int) -> Result:
    """The only line that the new process sends."""
    data, deadline = b"", time.monotonic() + _BEGINNING
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while not data.endswith(b"\n"):
            ready = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]
            if not ready:
                return {"error": "the process that measures did not begin within {0:g} s".format(_BEGINNING)}
            more = pipe.read(1 << 16)
            if not more:
                return {"error": "the process that measures ended before it began"}
            data += more
    return json.loads(data.decode("utf-8"))


def _leave_home(keep: int) -> None:
    """Become a process that nothing of the module's waits for or ends with it; only this pipe stays."""
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    limit = 1 + max(int(name) for name in os.listdir("/proc/self/fd"))
    os.closerange(3, keep)
    os.closerange(keep + 1, limit)


class _Process:
    """The whole life of the process; pipe is where the module hears how it began."""

    def __init__(self, node: NodeWriter, run: str, job: Job, paths: Dict[str, str], pipe: int) -> None:
        self._node, self._path, self._job = node, path_of(run), job
        self._pipe: Optional[int] = pipe
        self._meter = Meter(job, paths)
        self._own: Result = {}

    def live(self) -> None:
        """Open all sockets, and measure; never returns."""
        try:
            self._live()
        finally:
            # Never back into the module's code, whatever happened: it would run twice.
            error = sys.exc_info()[1]
            try:
                if error is not None:
                    self._complain("the process that measures ended by {0!r}".format(error))
            finally:
                os._exit(0 if error is None else 1)

    def _live(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._meter.stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        boot, started = _identity(self._node, os.getpid())
        if not self._meter.open():
            self._tell({"error": "; ".join(self._meter.problems)})
            return
        self._own = {"pid": os.getpid(), "boot": boot, "started": started, "job": asdict(self._job)}
        self._write(self._meter.result())
        # When the module has given up waiting this raises, and nothing is measured.
        self._tell({"pid": os.getpid(), "problems": self._meter.problems})
        self._meter.run(self._keep)

    def _tell(self, told: Result) -> None:
        if self._pipe is not None:
            os.write(self._pipe, json.dumps(told).encode("utf-8") + b"\n")
            os.close(self._pipe)
            self._pipe = None

    def _keep(self, result: Result) -> None:
        try:
            self._write(result)
        except OSError as error:  # a full disk is no reason to stop; the next one may do
            text = "{0} could not be written: {1}".format(self._path, error.strerror)
            if text not in self._meter.problems:
                self._meter.problems.append(text)

    def _write(self, result: Result) -> None:
        self._node.write(self._path, json.dumps(dict(self._own, **result)).encode("utf-8"), 0o600)

    def _complain(self, text: str) -> None:
        if self._own:
            self._meter.problems.append(text)
            self._keep(self._meter.result())
        self._tell({"error": text})


def stop(node: NodeWriter, run: str, found: Found) -> Result:
    """End a run's process, take its figures, and remove them. Raises Damaged or OSError."""
    if found.told is not None and found.alive:
        os.kill(found.told["pid"], signal.SIGTERM)
        found = _wait_for_end(node, run)
    if found.told is not None and found.alive:
        os.kill(found.told["pid"], signal.SIGKILL)
        found = _wait_for_end(node, run)
    node.remove(path_of(run))
    return figures(found)


def _wait_for_end(node: NodeWriter, run: str) -> Found:
    deadline = node.monotonic() + _ENDING
    while True:
        found = look(node, run)
        if not found.alive or node.monotonic() > deadline:
            return found
        node.pause(_LOOK)


def figures(found: Found) -> Result:
    """What a run has measured so far, as the module's result; one that lives is running, one that died has died."""
    if found.told is None:
        return {"found": False, "ended": None, "pairs": [], "listeners": [], "problems": []}
    told = {key: value for key, value in found.told.items() if key not in ("pid", "boot", "started", "job", "state")}
    has_died = found.told["state"] == "running" and not found.alive
    return dict(told, found=True, ended=DIED if has_died else found.told["state"])
