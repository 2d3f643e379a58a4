# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who makes a change, so that another run knows whom to wait for, and whether that one still lives.

A run is its ansible-playbook process. Only on the very machine that it was started on can anybody tell that it is gone
(proc(5): a process is its number and its start time, a boot its boot_id); elsewhere its lease has to expire.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
from pathlib import Path

_PROC = Path("/proc")
_HOLDER = re.compile(r"^\S+ \(process (?P<pid>\d+), started (?P<started>\d+), boot (?P<boot>[0-9a-f-]+)\)$")
_STARTED = 22
"""The field of /proc/PID/stat that is the start time in clock ticks since boot."""


def myself() -> str:
    """This run; an action is worked on in a child of the process that is the run."""
    pid = os.getppid()
    name = f"{getpass.getuser()}@{socket.gethostname()}"
    return f"{name} (process {pid}, started {_started(pid) or 0}, boot {_boot()})"


def gone(holder: str) -> bool:
    """Whether a run is known to live no more."""
    found = _HOLDER.match(holder)
    if found is None or found["boot"] != _boot() or not _boot():
        return False
    return _started(int(found["pid"])) != int(found["started"])


def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _started(pid: int) -> int | None:
    """When a process was started; None for one that is not there."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The second field is the program's name in parentheses, which may itself hold any of these signs.
    fields = text.rpartition(")")[2].split()
    return int(fields[_STARTED - 3])
