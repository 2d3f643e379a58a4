# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller does for a whole cluster: read what was told, plan, expect and ask, verify, report.

A run does the same in separate tasks, each of which reads what was told anew, and Ansible itself spends time on each
host: neither is the collection's own work, and neither is counted here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.switchyard.cni.plugins.plugin_utils._checks import check
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster, Roster
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import build_intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._inventory import observe
from ansible_collections.switchyard.cni.plugins.plugin_utils._pause import collector_paused
from ansible_collections.switchyard.cni.plugins.plugin_utils._plan import plan_network
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import errors
from ansible_collections.switchyard.cni.plugins.plugin_utils._report import REPORTS
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import resolve
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._look import declared
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._result import as_result
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._run import ask, judge, stage, with_tables
from crowd import Crowd

NO_OWN_VALUES = {"network_node_name": "", "flannel_public_ip": ""}


@dataclass
class Pass:
    """One run: the CPU seconds of each step, and what came out."""

    seconds: dict[str, float] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    report_bytes: dict[str, int] = field(default_factory=dict)

    @property
    def found(self) -> set[tuple[str, str]]:
        """The findings as (id, node)."""
        return {(one["id"], one["node"]) for one in self.result["findings"]}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure one step."""
        start = time.process_time()
        yield
        self.seconds[name] = time.process_time() - start


def run(crowd: Crowd) -> Pass:
    """Do for a crowd all that a run does on the controller, as the actions do it."""
    with collector_paused():
        return _run(crowd)


def _run(crowd: Crowd) -> Pass:
    done = Pass()
    with done.step("read"):
        cluster, nodes = _read(crowd, {})
    with done.step("plan"):
        _plan(crowd, nodes)
    with done.step("expect"):
        wanted, dummy = declared(crowd.settings)
        staged, dummy = stage(wanted, cluster, nodes)
        requests = ask(staged.scene, "sample")
    done.asked = [host for host, one in requests.items() if one["packed"]]
    # The nodes' part of the work: not measured here.
    tables = {host: crowd.full_tables(host, requests[host]["packed"]) for host in done.asked}
    answers = {host: _probed(one) for host, one in requests.items()}
    with done.step("verify"):
        nodes = _reread(crowd, nodes, tables)
        staged, dummy = stage(wanted, cluster, nodes)
        verification = judge(staged.scene, "sample", answers)
    with done.step("report"):
        done.result = as_result(
            verification,
            collection="0.0.0",
            created="2026-01-01T00:00:00Z",
            fail_on="error",
            declared=True,
            settings=staged.settings,
        )
        texts = {name: report.render(done.result) for name, report in REPORTS.items()}
    done.report_bytes = {name: len(text.encode()) for name, text in texts.items()}
    return done


def _plan(crowd: Crowd, nodes: list[Any]) -> None:
    values, dummy = resolve(crowd.settings)
    intent, problems = build_intent(values)
    # A node that does not answer is refused by the plan, so it plans for the others.
    answering = [node for node in nodes if node.facts is not None]
    problems += check(intent, answering)
    plan_network(intent, answering).as_result()
    unexpected = [one for one in errors(problems) if one.variable != "network_foreign_cni"]
    assert not unexpected, unexpected


def _read(crowd: Crowd, tables: dict[str, Any]) -> tuple[Cluster, list[Any]]:
    cluster = Cluster.from_dict(crowd.api)
    roster = Roster(cluster.members)
    answers = ((name, with_tables(crowd.answers[name], tables.get(name))) for name in crowd.names)
    return cluster, [observe(name, answer, NO_OWN_VALUES, roster) for name, answer in answers]


def _reread(crowd: Crowd, nodes: list[Any], tables: dict[str, Any]) -> list[Any]:
    """The nodes, those that have sent their tables with them."""
    roster = Roster(Cluster.from_dict(crowd.api).members) if tables else None
    again = {name: with_tables(crowd.answers[name], tables[name]) for name in tables}
    return [observe(one.host, again[one.host], NO_OWN_VALUES, roster) if one.host in again else one for one in nodes]


def _probed(request: dict[str, Any]) -> dict[str, Any]:
    """Probes that are all answered; what a probe finds is tested elsewhere."""
    results = [
        {"id": one["id"], "reachable": True, "sent": 3, "rtt_ms": 0.2, "hops": [one["target"]], "path_mtu": one["mtu"]}
        for one in request["probes"]
    ]
    return {"results": results, "counters": {"flannel.1": {"tx_packets": 3 * len(results), "rx_packets": 0}}}
