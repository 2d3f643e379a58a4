# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""path_meter around its process: options, whether a process is still the one that was started, and what is told."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.switchyard.cni.plugins.module_utils._node import _meter_module, _meter_run
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import PlanError
from ansible_collections.switchyard.cni.plugins.module_utils._node._meter_wire import Job, Pair
from ansible_collections.switchyard.cni.plugins.modules import path_meter
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import FakeNode

SOURCE, TARGET = "172.50.2.3", "172.50.1.2"
PATH = "/run/switchyard-cni/meter-switch-7.json"
PID, BOOT, STARTED = 4711, "7dc3", 998877
JOB = Job((Pair("there", SOURCE, TARGET),), (SOURCE,), _meter_module.PORT, 100.0, 1800.0)
ASKED = {"pairs": [{"name": "there", "source": SOURCE, "target": TARGET}], "listen": [SOURCE]}


def params(**options):
    defaults = {name: one.get("default") for name, one in _meter_module.meter_argument_spec().items()}
    pairs = [{"name": None, **pair} for pair in options.pop("pairs", ASKED["pairs"])]
    return {**defaults, "run": "switch-7", "pairs": pairs, "listen": [SOURCE], **options}


def node_with_meter(state="S", started=STARTED, boot=BOOT, **told):
    """A node on which a run has left its file, and a process that has the same number."""
    kept = {"pid": PID, "boot": BOOT, "started": STARTED, "job": asdict(JOB), "state": "running"}
    figures = {"since": 1.0, "until": 61.0, "cpu_percent": 3.0, "pairs": [], "listeners": [], "problems": []}
    fields = " ".join([state, *["0"] * 18, str(started), "0"])
    return FakeNode(
        {
            PATH: json.dumps({**kept, **figures, **told}),
            "/proc/sys/kernel/random/boot_id": f"{boot}\n",
            f"/proc/{PID}/stat": f"{PID} (a (b) c) {fields}\n",
        }
    )


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the module's main() on a node in memory, and give back what it prints."""

    def runner(node, **options):
        monkeypatch.setattr(_meter_module, "RealNode", lambda: node)
        with patch_module_args({"run": "switch-7", **options}), pytest.raises(SystemExit):
            path_meter.main()
        return json.loads(capsys.readouterr().out)

    return runner


@pytest.fixture
def no_process(monkeypatch):
    """Nothing is started and nothing is killed; gives what would have been."""
    done = []
    monkeypatch.setattr(_meter_run.os, "kill", lambda pid, number: done.append(("kill", pid)))
    monkeypatch.setattr(
        _meter_run, "start", lambda node, run, job: done.append(("start", run, job)) or {"pid": 1, "problems": []}
    )
    return done


# ---- options


def test_options_become_a_job_with_addresses_in_one_form():
    pairs = [{"source": "FD50:0:0::0003", "target": "fd50:1::2"}, {"name": "n", "source": "node", "target": TARGET}]
    job = _meter_module.parse_job(params(pairs=pairs, listen=["fd50::0003", "fd50::3"], rate=50.0))
    assert job == Job(
        (Pair("FD50:0:0::0003 to fd50:1::2", "fd50::3", "fd50:1::2"), Pair("n", None, TARGET)),
        ("fd50::3",),
        24737,
        50.0,
        1800.0,
    )


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"pairs": [{"name": "p", "source": "busybox", "target": TARGET}]}, "pair p: source 'busybox' is neither"),
        ({"pairs": [{"name": "p", "source": "node", "target": "x"}]}, "pair p: target 'x' is not an IP address"),
        ({"pairs": [{"source": SOURCE, "target": TARGET}] * 2}, f"pair {SOURCE} to {TARGET}: the name is used by"),
        ({"listen": ["fe80::1%eth0"]}, "listen 'fe80::1%eth0' is not an IP address"),
        ({"pairs": [], "listen": []}, "pairs and listen are both empty: there is nothing to measure"),
        ({"port": 0}, "port 0 is not between 1 and 65535"),
        ({"rate": 0.5}, "rate 0.5 is not between 1 and 1000 probes a second"),
        ({"rate": 1001.0}, "rate 1001 is not between 1 and 1000 probes a second"),
        ({"lifetime": 0.0}, "lifetime is 0 s, and must be more than nothing"),
        (
            {"rate": 1000.0, "pairs": [{"source": SOURCE, "target": f"172.50.1.{last}"} for last in range(11)]},
            "11 pairs at a rate of 1000 are more than 10000 probes a second; measure fewer pairs, or slower",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_value(options, problem):
    with pytest.raises(PlanError) as refused:
        _meter_module.parse_job(params(**options))
    (told,) = refused.value.problems
    assert told.startswith(problem)


@pytest.mark.parametrize("name", ["", "Switch", "-a", "a/b", "..", "a b", "a\n", "a" * 64])
def test_a_name_that_is_no_good_as_a_files_name_is_refused(run, name):
    told = run(FakeNode(), state="stopped", run=name)
    assert told["failed"]
    assert "is not a name of at most 63 small letters, digits and dashes" in told["msg"]


def test_everything_that_is_wrong_is_told_at_once(run):
    told = run(FakeNode(), state="started", port=0, lifetime=-1)
    assert told["failed"]
    assert len(told["problems"]) == 3


# ---- is it the process that was started?


@pytest.mark.parametrize(
    ("difference", "alive"),
    [({}, True), ({"state": "Z"}, False), ({"started": STARTED + 1}, False), ({"boot": "another"}, False)],
)
def test_a_process_is_known_by_its_boot_and_its_start(difference, alive):
    assert _meter_run.look(node_with_meter(**difference), "switch-7").alive is alive


def test_a_process_that_is_gone_is_not_alive():
    node = node_with_meter()
    del node.files[f"/proc/{PID}/stat"]
    found = _meter_run.look(node, "switch-7")
    assert (found.alive, _meter_run.figures(found)["ended"]) == (False, "died")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"pid": 1}'])
def test_a_file_that_is_damaged_is_named(run, content):
    told = run(FakeNode({PATH: content}), state="stopped")
    assert told["failed"]
    assert f"{PATH} is not what a meter writes; remove it" in told["msg"]


# ---- starting


def test_the_same_is_started_once(run, no_process):
    told = run(node_with_meter(problems=["listen x: y"]), state="started", **ASKED)
    assert (told["changed"], told["pid"], told["problems"]) == (False, PID, ["listen x: y"])
    assert no_process == []


def test_something_else_under_the_same_name_is_an_error_with_a_way_out(run, no_process):
    told = run(node_with_meter(), state="started", rate=50, **ASKED)
    assert told["failed"]
    assert "run switch-7 measures something else on this node already; stop it first" in told["msg"]
    assert no_process == []


def test_one_that_has_ended_is_started_anew(run, no_process):
    assert run(node_with_meter(state="Z"), state="started", **ASKED)["changed"] is True
    assert no_process == [("start", "switch-7", JOB)]


def test_check_mode_starts_nothing(run, no_process):
    node = FakeNode()
    told = run(node, state="started", _ansible_check_mode=True, **ASKED)
    assert (told["changed"], told["pid"], told["problems"]) == (True, None, [])
    assert (no_process, node.written) == ([], [])


# ---- stopping


def test_what_is_not_there_is_stopped_already(run, no_process):
    told = run(FakeNode(), state="stopped")
    assert (told["changed"], told["found"], told["ended"], told["pairs"]) == (False, False, None, [])
    assert no_process == []


def test_it_is_asked_to_end_and_its_last_words_are_taken(run, no_process):
    node = node_with_meter()

    def end(late):
        del late.files[f"/proc/{PID}/stat"]
        late.files[PATH] = node_with_meter().files[PATH].replace(b'"running"', b'"stopped"')

    node.later[1.0] = end
    told = run(node, state="stopped")
    assert no_process == [("kill", PID)]
    assert (told["changed"], told["found"], told["ended"], told["until"]) == (True, True, "stopped", 61.0)
    assert not {"boot", "started", "job", "state"} & told.keys()
    assert PATH not in node.files


def test_one_that_does_not_end_is_killed(run, no_process):
    node = node_with_meter()
    node.later[7.0] = lambda late: late.files.pop(f"/proc/{PID}/stat")
    assert run(node, state="stopped")["ended"] == "died"
    assert no_process == [("kill", PID)] * 2


def test_another_process_with_its_number_is_left_alone(run, no_process):
    assert run(node_with_meter(started=1), state="stopped")["ended"] == "died"
    assert no_process == []


def test_check_mode_tells_the_figures_and_stops_nothing(run, no_process):
    node = node_with_meter()
    told = run(node, state="stopped", _ansible_check_mode=True)
    assert (told["changed"], told["found"], told["ended"]) == (True, True, "running")
    assert (no_process, node.written) == ([], [])
