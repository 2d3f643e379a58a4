# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who asks a service from some nodes, 20 times a second, and counts every answer that does not come."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from . import lab

FOLDER = "/var/tmp/knocking"
_PROGRAM = """
import json, os, sys, time, urllib.request
url, folder = sys.argv[1:]
asked, failed = 0, []
while not os.path.exists(folder + "/stop"):
    began = time.time()
    asked += 1
    try:
        urllib.request.urlopen(url, timeout=2).read()
    except OSError as error:
        failed.append([time.strftime("%H:%M:%S"), str(error)])
    time.sleep(max(0, 0.05 - (time.time() - began)))
with open(folder + "/.told", "w") as told:
    json.dump({"asked": asked, "failed": failed}, told)
os.rename(folder + "/.told", folder + "/told")
"""


@dataclass
class Counted:
    """What was asked, and what was not answered: by node, when and why."""

    asked: int = 0
    failed: list[tuple[str, str, str]] = field(default_factory=list)


@contextmanager
def at(address: str, nodes: Sequence[str]) -> Iterator[Counted]:
    """Ask a service from these nodes for as long as this lasts; the figures are there afterwards."""
    counted = Counted()
    for node in nodes:
        lab.on_node(node, "sh", "-c", f"rm -rf {FOLDER} && mkdir {FOLDER}")
        lab.on_node(
            node, "systemd-run", "--collect", "--unit=knocking", "python3", "-c", _PROGRAM, f"http://{address}/", FOLDER
        )
    try:
        yield counted
    finally:
        for node in nodes:
            lab.on_node(node, "touch", f"{FOLDER}/stop")
        for node in nodes:
            told = json.loads(lab.on_node(node, "sh", "-c", f"until cat {FOLDER}/told 2>/dev/null; do sleep 0.2; done"))
            counted.asked += told["asked"]
            counted.failed += [(node, *one) for one in told["failed"]]
