# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a change: which step failed and why, and whom it is blamed on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._outcome import Evidence, judge, settling

GOOD = {"changed": False, "failed": False}
LACKS = "node1: still lacks after 60 s: flannel.1"
GONE = {"unreachable": True, "msg": "no route to host"}
SUBNETS = {"master": "172.50.0.0/24", "node1": "172.50.2.0/24", "node2": "172.50.1.0/24"}
HOSTS = tuple(SUBNETS)


def finding(name, node, severity="error", subject="172.50.1.0/24"):
    return {"id": name, "node": node, "severity": severity, "subject": subject, "actual": "no route"}


def verification(*findings, away=()):
    nodes = [
        {"name": name, "state": "unreachable" if name in away else "verified", "pod_cidrs": [SUBNETS[name]]}
        for name in HOSTS
    ]
    return {"findings": list(findings), "nodes": nodes}


WELL = Evidence(settled=dict.fromkeys(HOSTS, GOOD), swept=dict.fromkeys(HOSTS, GOOD), verification=verification())


def test_all_is_well():
    outcome = judge(WELL)
    assert (outcome.verified, outcome.away, outcome.reasons) == (True, (), ())
    assert outcome.lines("flannel vxlan", "flannel host-gw") == (
        "flannel vxlan to flannel host-gw: done, and verified on every node that answers.",
    )


def test_warnings_are_no_failure():
    assert judge(replace(WELL, verification=verification(finding("leftover-device", "node1", "warning")))).verified


@pytest.mark.parametrize(
    ("damage", "step", "reason"),
    [
        ({"failures": {"roll": "DaemonSet is not ready"}}, "roll", "DaemonSet is not ready"),
        ({"failures": {"verify": "the API server is down"}}, "verify", "the API server is down"),
        (
            {"settled": {**WELL.settled, "node1": {"failed": True, "msg": "still lacks"}}},
            "settle",
            "node1: still lacks",
        ),
        ({"swept": {**WELL.swept, "node2": {"msg": "busy"}}}, "sweep", "node2: busy"),
        ({"settled": dict.fromkeys(HOSTS, GONE)}, "settle", "no node answers"),
        ({"renewed": {"failed": True, "msg": "a PodDisruptionBudget"}}, "renew", "a PodDisruptionBudget"),
        ({"verification": None}, "verify", "nothing was verified"),
        (
            {"verification": verification(finding("route-missing", "node1"))},
            "verify",
            "node1: route-missing: 172.50.1.0/24: no route",
        ),
    ],
    ids=["roll", "verify-not-run", "settle", "sweep", "nobody", "renew", "unverified", "verify"],
)
def test_the_step_that_failed_is_named_with_its_reason(damage, step, reason):
    outcome = judge(replace(WELL, **damage))
    assert (outcome.outcome, outcome.step, outcome.reasons) == ("failed", step, (reason,))


def test_a_node_that_has_gone_away_is_left_for_later():
    found = verification(
        finding("node-unreachable", "node2"),
        finding("path-unreachable", "node1", subject="default/a on node1 to default/b on node2"),
        finding("route-missing", "node1", subject="172.50.1.0/24"),
        finding("neighbour-missing", "node1", subject="172.50.1.0 on flannel.1"),
        finding("agent-not-ready", "", subject="DaemonSet kube-flannel/kube-flannel-ds"),
        away=("node2",),
    )
    outcome = judge(replace(WELL, settled={**WELL.settled, "node2": GONE}, verification=found))
    assert (outcome.verified, outcome.away) == (True, ("node2",))
    assert "Left for later, since they do not answer: node2." in outcome.lines("a", "b")


@pytest.mark.parametrize("subject", ["172.50.1.0/24", "default/a on node1 to default/b on node20", "172.50.1.01"])
def test_what_is_no_matter_of_that_node_still_counts(subject):
    gone = "node2" if "node" in subject else "master"
    found = verification(finding("route-missing", "node1", subject=subject), away=(gone,))
    assert not judge(replace(WELL, verification=found)).verified


def test_a_rollout_that_a_dead_node_has_held_up_is_no_failure_where_all_others_have_followed():
    stuck = replace(WELL, failures={"roll": "DaemonSet is not ready"})
    gone = {**WELL.settled, "node2": GONE}
    assert settling(replace(stuck, settled=gone)).verified
    assert settling(stuck).step == "roll"
    assert settling(replace(stuck, settled={**gone, "node1": {"failed": True, "msg": "still lacks"}})).step == "roll"


def test_of_many_failures_some_are_shown_and_the_others_counted():
    many = {f"n{number}": {"msg": "no"} for number in range(9)}
    assert settling(Evidence(settled=many)).reasons[-1] == "and 4 more"
