# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test runner must not be able to call a bad run good."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from testrun import cluster
from testrun import main as runner
from testrun.checks import with_crash
from testrun.junit import read_junit
from testrun.outcome import Case, StageUnavailableError, State, result_of, unavailable
from testrun.process import Finished, run
from testrun.summary import counts_line, render

ROOT = Path(__file__).resolve().parents[3]

JUNIT = """<?xml version="1.0"?>
<testsuites><testsuite name="pytest">
  <testcase classname="tests.unit.test_a" name="test_good"/>
  <testcase classname="tests.unit.test_a" name="test_bad"><failure message="assert 1 == 2">long
text</failure></testcase>
  <testcase classname="tests.unit.test_a" name="test_broken"><error>fixture 'x' not found
more</error></testcase>
  <testcase classname="sanity" name="pep8"><failure message="pep8 failed with 1 error:">
a.py:1:1: W391</failure></testcase>
  <testcase classname="tests.unit.test_a" name="test_left_out"><skipped message="no /dev/net/tun"/></testcase>
</testsuite></testsuites>
"""


def test_every_state_and_reason_is_read_from_junit(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    path.write_text(JUNIT, encoding="utf-8")
    assert read_junit(path) == [
        Case("tests.unit.test_a::test_good", State.PASSED),
        Case("tests.unit.test_a::test_bad", State.FAILED, "assert 1 == 2"),
        Case("tests.unit.test_a::test_broken", State.FAILED, "fixture 'x' not found"),
        Case("sanity::pep8", State.FAILED, "pep8 failed with 1 error: a.py:1:1: W391"),
        Case("tests.unit.test_a::test_left_out", State.SKIPPED, "no /dev/net/tun"),
    ]


@pytest.mark.parametrize("cases", [[], [Case("only", State.SKIPPED, "no root")]])
def test_a_stage_that_ran_nothing_has_failed(cases: list[Case]) -> None:
    result = result_of("netns", 1.0, cases)
    assert result.word == "FAILED"
    assert result.count(State.FAILED) == 1


def test_a_stage_this_machine_cannot_run_is_a_skip_with_its_reason() -> None:
    result = unavailable("lab", 0.1, "no root")
    assert result.word == "skipped"
    assert "  lab: no root" in render([result])


def test_pytest_that_broke_outside_a_test_is_a_failure(tmp_path: Path) -> None:
    crashed = Finished(("python",), 3, tmp_path / "unit.log", timed_out=False)
    assert with_crash("unit", crashed, [Case("a", State.PASSED)])[-1].state is State.FAILED


def test_a_failure_that_a_case_shows_is_counted_once(tmp_path: Path) -> None:
    failed = Finished(("python",), 1, tmp_path / "unit.log", timed_out=False)
    assert len(with_crash("unit", failed, [Case("a", State.FAILED, "no")])) == 1


def test_the_last_line_counts_what_was_executed() -> None:
    results = [
        result_of("unit", 1.0, [Case("a", State.PASSED), Case("b", State.FAILED, "no"), Case("c", State.PASSED)]),
        unavailable("lab", 0.0, "no root"),
    ]
    assert counts_line(results) == "2 passed, 1 failed, 1 skipped"
    assert render(results).splitlines()[-1] == "2 passed, 1 failed, 1 skipped"


def test_the_same_skip_is_listed_once_and_counted_twice() -> None:
    skip = Case("test_tun", State.SKIPPED, "no /dev/net/tun")
    text = render([result_of("molecule-udp", 1.0, [skip, skip, Case("a", State.PASSED)])])
    assert "  molecule-udp: test_tun no /dev/net/tun (2 times)" in text
    assert text.endswith("1 passed, 0 failed, 2 skipped")


def test_a_command_that_hangs_is_ended_and_said_to_have_run_out_of_time(tmp_path: Path) -> None:
    start = time.monotonic()
    done = run(["sh", "-c", "echo begun; sleep 60 & wait"], cwd=tmp_path, log=tmp_path / "hang.log", seconds=0.5)
    assert time.monotonic() - start < 30
    assert not done.ok
    assert "ran out of time" in done.reason
    assert done.text() == "begun\n"


def _stage(name: str, *cases: Case, unavailable_because: str = "") -> runner.Stage:
    def body(work: object) -> list[Case]:
        if unavailable_because:
            raise StageUnavailableError(unavailable_because)
        return list(cases)

    return runner.Stage(name, body)


@pytest.mark.parametrize(("verdict", "status"), [(State.PASSED, 0), (State.FAILED, 1)])
def test_every_stage_runs_and_the_exit_status_tells(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], verdict: State, status: int
) -> None:
    chosen = [
        _stage("first", Case("one", verdict, "why")),
        _stage("second", unavailable_because="no root"),
        _stage("third", Case("two", State.PASSED)),
    ]
    monkeypatch.setattr(runner, "stages", lambda root: chosen)
    assert runner.main(tmp_path, []) == status
    printed = capsys.readouterr().out
    assert "=== [3/3] third" in printed
    passed = 1 + (verdict is State.PASSED)
    assert printed.splitlines()[-1] == f"{passed} passed, {2 - passed} failed, 1 skipped"


def test_only_and_skip_choose_stages_by_name_and_by_group() -> None:
    every = runner.stages(ROOT)
    names = [stage.name for stage in every]
    assert names[0] == "ruff"
    assert names.index("unit") < names.index("lab")

    def chosen(*arguments: str) -> list[str]:
        options = runner._parser(every).parse_args(arguments)
        return [stage.name for stage in runner._choose(every, options)]

    assert chosen("--only", "lint") == ["ruff", "mypy", "ansible-lint"]
    assert "sanity" not in chosen("--skip", "sanity")
    assert "lab" not in chosen("--skip", "molecule")


def test_a_scenario_whose_needs_nobody_meets_is_skipped_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    needs = tmp_path / "needs"
    cluster._require_what_it_needs(needs)
    needs.write_text("LAB_IMAGES a folder with archives of images\n", encoding="utf-8")
    monkeypatch.delenv("LAB_IMAGES", raising=False)
    with pytest.raises(StageUnavailableError, match="LAB_IMAGES is not set: a folder with archives of images"):
        cluster._require_what_it_needs(needs)
    monkeypatch.setenv("LAB_IMAGES", "/somewhere")
    cluster._require_what_it_needs(needs)
