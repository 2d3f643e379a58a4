# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a run has to wait for, and whether there is a way back."""

from __future__ import annotations

import os
import subprocess
import sys

from ansible_collections.switchyard.cni.plugins.plugin_utils._switch import _holder
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._record import Record

LEASE = {"holder": "root@first", "since": "10:00", "renewed": "10:05", "until": "10:20"}
VXLAN, HOST_GW = ({"label": name, "settings": {"flannel_backend": name}} for name in ("vxlan", "host-gw"))


def test_a_run_waits_for_another_one_unless_it_is_known_to_be_dead():
    record = Record.of({"lease": LEASE, "journal": {}})
    (problem,) = record.held("root@second", lambda holder: False)
    assert str(problem) == (
        "another run = root@first: it changes the network of this cluster since 10:00, last sign of life 10:05. "
        "Wait for it to end; if that run is dead, its lease ends at 10:20."
    )
    assert record.held("root@second", lambda holder: holder == "root@first") == []
    assert record.held("root@first", lambda holder: False) == []
    assert Record.of(None).held("root@second", lambda holder: False) == []


def test_the_way_back_leads_to_before_the_open_run_or_the_last_one():
    ended = {"from": VXLAN, "to": HOST_GW, "outcome": "verified"}
    assert Record.of({"journal": {"history": [ended]}}).previous == VXLAN
    begun = {"from": HOST_GW, "to": VXLAN, "snapshot": [{"kind": "ConfigMap"}]}
    record = Record.of({"journal": {"history": [ended], "run": begun}})
    assert (record.previous, record.snapshot) == (HOST_GW, ({"kind": "ConfigMap"},))
    assert record.nothing_before() == []
    (problem,) = Record.of({"journal": {}}).nothing_before()
    assert "the journal of this cluster tells of no change that could be undone" in str(problem)


def test_a_process_is_known_by_its_number_its_start_and_the_boot():
    child = subprocess.Popen([sys.executable, "-c", "import os, time; time.sleep(60)"])
    boot = _holder._boot()
    alive = f"me@here (process {child.pid}, started {_holder._started(child.pid)}, boot {boot})"
    assert not _holder.gone(alive)
    assert _holder.gone(f"me@here (process {child.pid}, started 1, boot {boot})")
    child.kill()
    child.wait()
    assert _holder.gone(alive)
    assert not _holder.gone(alive.replace(boot, "00000000-0000-0000-0000-000000000000"))
    assert not _holder.gone("somebody else's own words")
    assert f"(process {os.getppid()}, started " in _holder.myself()
