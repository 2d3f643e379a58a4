# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""path_probe around the wire: its options, where probes start and when, its counters and its gaps."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.switchyard.cni.plugins.module_utils._node import (
    _children,
    _netns,
    _probe_module,
    _probe_run,
)
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import PlanError
from ansible_collections.switchyard.cni.plugins.module_utils._node._probe import Probe, Rules, failed
from ansible_collections.switchyard.cni.plugins.modules import path_probe
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import FakeNode

POD, OTHER_POD, TARGET = "172.50.2.3", "172.50.2.4", "172.50.1.2"


def item(**options):
    defaults = {"id": "p", "source": "node", "target": TARGET, "kind": "icmp", "port": None, "trace": True, "mtu": None}
    return {**defaults, **options}


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the module's main() on a node in memory, and give back what it prints."""

    def runner(node, **params):
        monkeypatch.setattr(_probe_module, "RealNode", lambda: node)
        with patch_module_args(params), pytest.raises(SystemExit):
            path_probe.main()
        return json.loads(capsys.readouterr().out)

    return runner


@pytest.fixture
def pods(monkeypatch):
    """Namespaces whose addresses are known without entering them."""
    addresses = {"/run/netns/a": [POD, "fd50::3"], "/run/netns/b": [OTHER_POD], "/run/netns/c": [OTHER_POD]}
    monkeypatch.setattr(_netns, "survey", lambda paths, timeout: _netns.Survey(addresses, {}))
    return FakeNode(dict.fromkeys(addresses, ""))


# ---- options


def test_options_become_probes_with_addresses_in_one_form():
    first, second = _probe_module.parse_probes(
        [
            item(source="fd50:0:0::0003", target="FD50:1::2", mtu=1430),
            item(id="q", kind="tcp", port=443, trace=False),
        ]
    )
    assert first == Probe("p", "fd50::3", "fd50:1::2", None, True, 1430)
    assert second == Probe("q", None, TARGET, 443, False, None)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"target": "net-test1"}, "probe p: target 'net-test1' is not an IP address"),
        ({"target": "fe80::1%eth0"}, "probe p: target 'fe80::1%eth0' is not an IP address"),
        ({"source": "busybox"}, "probe p: source 'busybox' is neither an IP address nor 'node'"),
        ({"kind": "tcp", "port": 0}, "probe p: port 0 is not between 1 and 65535"),
        ({"mtu": 50}, "probe p: mtu 50 is not between 105 and 65535 bytes"),
        ({"mtu": 70000}, "probe p: mtu 70000 is not between 105 and 65535 bytes"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_probe(options, problem):
    with pytest.raises(PlanError) as refused:
        _probe_module.parse_probes([item(**options)])
    assert refused.value.problems == [problem]


def test_everything_wrong_is_told_at_once(run):
    told = run(FakeNode(), probes=[{"id": "p", "target": "x"}, {"id": "p", "target": TARGET, "mtu": 1}])
    assert told["failed"] is True
    assert told["problems"] == [
        "probe p: target 'x' is not an IP address",
        "probe p: mtu 1 is not between 105 and 65535 bytes",
        "probe p: is used by another probe",
    ]
    assert all(problem in told["msg"] for problem in told["problems"])


def test_a_connection_needs_a_port(run):
    told = run(FakeNode(), probes=[{"id": "p", "target": TARGET, "kind": "tcp"}])
    assert "port" in told["msg"]
    assert told["failed"] is True


@pytest.mark.parametrize("params", [{"count": 0}, {"count": 101}, {"timeout": 0.0}, {"budget": -1.0}])
def test_rules_that_make_no_sense_are_refused(run, params):
    told = run(FakeNode(), probes=[], **params)
    assert told["failed"] is True
    assert next(iter(params)) in told["problems"][0]


@pytest.mark.parametrize("check", [True, False])
def test_without_probes_nothing_is_sent_and_nothing_fails(run, check):
    told = run(FakeNode(), probes=[], _ansible_check_mode=check)
    assert (told["changed"], told["results"], told["counters"], told["gaps"]) == (False, [], {}, [])


# ---- where probes start


def test_probes_are_put_where_their_source_is(pods):
    probes = [Probe("1", POD, TARGET), Probe("2", None, TARGET), Probe("3", "fd50::3", "fd50::1")]
    gaps = []
    origins, results = _probe_run.locate(pods, probes, Rules(), gaps)
    placed = {origin.path: [start.probe.id for start in origin.starts] for origin in origins}
    assert placed == {"/run/netns/a": ["1", "3"], None: ["2"]}
    assert (results, gaps) == ({}, [])


def test_a_source_nobody_has_is_that_probes_error_alone(pods):
    probes = [Probe("1", "172.50.2.99", TARGET), Probe("2", POD, TARGET)]
    origins, results = _probe_run.locate(pods, probes, Rules(), [])
    assert len(origins) == 1
    assert results["1"]["cause"] == "no-source"
    assert "no pod's network namespace on this node has the address 172.50.2.99" in results["1"]["error"]


def test_two_pods_with_one_address_are_a_gap(pods):
    gaps = []
    origins, dummy = _probe_run.locate(
        pods, [Probe("1", OTHER_POD, TARGET), Probe("2", OTHER_POD, TARGET)], Rules(), gaps
    )
    assert [origin.path for origin in origins] == ["/run/netns/b"]
    reason = "/run/netns/b and /run/netns/c have the same address; probes start in the first"
    assert gaps == [{"what": f"pod {OTHER_POD}", "reason": reason}]


def test_namespaces_that_must_not_be_listed_are_a_gap_and_an_error_of_their_probes(run):
    node = FakeNode({"/run/netns/a": ""}, forbidden=["/run/netns"])
    told = run(node, probes=[{"id": "p", "source": POD, "target": TARGET}])
    assert told["gaps"] == [{"what": "pod namespaces", "reason": "/run/netns: Permission denied"}]
    assert told["results"][0]["cause"] == "no-source"


def test_traces_of_one_source_are_kept_apart_and_other_probes_do_not_wait():
    probes = {
        "/a": [Probe(f"a{n}", POD, TARGET) for n in range(3)],
        "/b": [Probe(f"b{n}", OTHER_POD, TARGET) for n in range(3)],
        None: [Probe("n", None, TARGET, trace=False), Probe("t", None, TARGET, port=80)],
    }
    offsets = {start.probe.id: start.offset for origin in _probe_run.paced(probes) for start in origin.starts}
    assert (offsets["n"], offsets["t"]) == (0.0, 0.0)
    traced = sorted((offset, name) for name, offset in offsets.items() if name not in "nt")
    assert [name for dummy, name in traced] == ["a0", "b0", "a1", "b1", "a2", "b2"]
    assert offsets["b2"] == pytest.approx(5 / 250)


# ---- results


def test_each_probe_of_a_child_that_died_has_its_error_and_the_others_their_result(monkeypatch):
    done = dict(failed(Probe("1", POD, TARGET), "", ""), reachable=True)

    def run_children(jobs, at_once, seconds):
        ended = _children.Ended()
        ended.values = [done]
        ended.error = "did not end within its time and was killed"
        return [ended]

    monkeypatch.setattr(_children, "run", run_children)
    starts = tuple(_probe_run.Start(Probe(name, POD, TARGET), 0.0) for name in "12")
    first, second = _probe_run.carry_out([_probe_run.Origin("/a", starts)], Rules(), 1.0)
    assert first == done
    assert (second["id"], second["cause"]) == ("2", "failed")
    assert second["error"] == "the child that sent it did not end within its time and was killed"


def test_hops_that_did_not_answer_on_paths_that_work_are_a_gap():
    works = dict(failed(Probe("1", POD, TARGET), "", ""), reachable=True, hops=[None, TARGET])
    broken = dict(works, reachable=False, hops=[None] * 8)
    (gap,) = _probe_run.silent_hops([works, works, broken])
    assert gap["what"] == "hops"
    assert gap["reason"].startswith("on 2 paths that work a hop did not answer")
    assert _probe_run.silent_hops([broken, dict(works, hops=[TARGET])]) == []


# ---- counters

DEVICE = "/sys/class/net/flannel.1/statistics"


def test_counters_are_differences():
    node = FakeNode({f"{DEVICE}/rx_packets": "100\n", f"{DEVICE}/tx_packets": "200\n"})
    before = _probe_run.read_counters(node, ["flannel.1"])["flannel.1"]
    node.files.update({f"{DEVICE}/rx_packets": b"108\n", f"{DEVICE}/tx_packets": b"210\n"})
    after = _probe_run.read_counters(node, ["flannel.1"])["flannel.1"]
    gaps = []
    assert _probe_run.difference("flannel.1", before, after, gaps) == {"rx_packets": 8, "tx_packets": 10}
    assert gaps == []


def test_a_device_that_is_not_there_is_a_gap(run):
    told = run(FakeNode(), probes=[], counters=["flannel.1"])
    assert told["counters"] == {"flannel.1": None}
    assert told["gaps"][0]["what"] == "counters of flannel.1"


def test_a_device_that_was_made_anew_counts_nothing():
    gaps = []
    before, after = {"rx_packets": 5, "tx_packets": 5}, {"rx_packets": 1, "tx_packets": 9}
    assert _probe_run.difference("flannel.1", before, after, gaps) is None
    assert "made anew" in gaps[0]["reason"]
