# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text report: never wider than a terminal, never longer than a person reads, and nothing moves the cursor."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.switchyard.cni.plugins.plugin_utils._report import REPORTS, _text
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._plain import (
    clip,
    pad,
    plain,
    several,
    width,
    wrap,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._table import boxed, columns
from ansible_collections.switchyard.cni.tests.unit.report import samples

RESULTS = {
    "healthy": samples.healthy(),
    "findings": samples.with_findings(),
    "bgp": samples.calico_with_a_lost_peer(),
    "ipv6": samples.healthy(4, family=6),
    "hostile": samples.hostile(),
    "300 nodes": samples.with_findings(300, networks=4),
    "2000 nodes": samples.with_findings(2000),
}


def section(result, title):
    """The lines from one title to the next empty line."""
    found = _text.lines(result)
    start = found.index(title)
    return found[start : (found + [""]).index("", start)]


@pytest.mark.parametrize("name", RESULTS)
def test_no_line_is_wider_than_the_terminal(name):
    assert max(map(width, _text.lines(RESULTS[name]))) <= 118


def test_no_line_of_prose_is_folded_where_ansible_prints_yaml():
    """PyYAML folds a line at a single space after column 80."""
    text = _text.lines(samples.with_findings())
    shown = yaml.dump({"msg": text}, indent=4, default_flow_style=False, allow_unicode=True)
    assert yaml.safe_load(shown) == {"msg": text}
    assert len(shown.splitlines()) == len(text) + 1


@pytest.mark.parametrize("name", RESULTS)
def test_every_character_is_printable(name):
    assert all(line.isprintable() for line in _text.lines(RESULTS[name]))


def test_the_length_does_not_grow_with_the_cluster():
    assert len(_text.lines(RESULTS["2000 nodes"])) <= len(_text.lines(RESULTS["300 nodes"])) + 5
    assert len(_text.lines(RESULTS["2000 nodes"])) < 150


def test_the_headline_has_verdict_network_and_counts():
    first, *others = _text.lines(samples.with_findings())
    assert first == "Verification FAILED: 3 nodes, 4 errors, 2 warnings, 1 info"
    assert "  network   flannel, vxlan (declared)" in others
    assert "  nodes     2 verified, 1 unreachable" in others
    assert "  paths     10 of 12 paths answer" in others


def test_a_detected_network_is_not_called_declared():
    text = _text.render(samples.copied(samples.healthy(), declared=False))
    assert "flannel, vxlan (detected, nobody declared it)" in text


def test_a_node_that_did_not_answer_is_listed_with_its_reason():
    nodes = section(samples.with_findings(), "Nodes")
    assert any(line.split()[:2] == ["k8s-node2", "unreachable"] for line in nodes)
    assert "  k8s-node2: ssh: connect to host port 22: No route to host" in nodes


def test_of_many_nodes_only_the_striking_ones_are_listed():
    nodes = section(RESULTS["300 nodes"], "Nodes")
    names = {line.split()[0] for line in nodes[2:-1]}
    assert "k8s-node000" in names
    assert "k8s-node003" not in names
    assert len(nodes) <= 44
    assert nodes[-1] == "  4 more nodes with findings, 256 nodes verified without a finding"


def test_a_finding_says_what_is_expected_what_is_there_and_what_to_do():
    found = section(samples.with_findings(), "Findings")
    start = found.index("  error    route-missing  on k8s-master1")
    assert found[start + 1 : start + 6] == [
        "    - 172.50.1.0/24",
        "      expected: 172.50.1.0/24 dev flannel.1",
        "      found:    no route",
        "    hint:     Restart flanneld.",
        "    see:      https://github.com/switchyard/cni/blob/main/docs/findings.md#route-missing",
    ]


def test_the_same_finding_on_many_nodes_is_one_entry():
    found = section(RESULTS["300 nodes"], "Findings")
    start = found.index("  error    fdb-missing  on 12 nodes: k8s-node001, k8s-node026,")
    assert found[start + 1] == "           k8s-node051, k8s-node076, k8s-node101 and 7 more"
    assert found.count("      expected: 299 peers") == 1


def test_findings_of_one_kind_that_differ_are_told_apart_up_to_five():
    result = samples.healthy(60)
    for number, node in enumerate(result["nodes"]):
        samples.add(result, "route-missing", node, "error", f"10.0.{number}.0/24", "a route", "none", "Restart it.")
    found = section(samples.finished(result), "Findings")
    assert "    - k8s-node04: 10.0.4.0/24" in found
    assert "    - k8s-node05: 10.0.5.0/24" not in found
    assert "    ... and 55 findings more like these; the JSON report has all of them" in found


def test_not_more_than_forty_findings_are_listed():
    result = samples.healthy()
    for kind in range(60):
        for number in range(2):
            samples.add(result, f"kind-{kind:02}", result["nodes"][0], "error", f"{number}", "a", "b", "c")
    found = section(samples.finished(result), "Findings")
    assert sum(line.startswith("    - ") for line in found) == 40
    assert found[-1] == "  ... and 80 findings of 40 more kinds; the JSON report has all of them"


def test_paths_are_counted_by_their_way_with_the_longest_round_trip():
    paths = section(samples.with_findings(), "Paths")
    cells = [line.split()[:5] for line in paths[2:]]
    assert ["same", "node", "2", "2", "0.04"] in cells
    assert ["tunnel", "8", "6", "0.45", "ms"] in cells
    assert any(line.startswith("  ! pod default/net-test1-68898c85b7-2 (172.50.0.2) ->") for line in paths)
    assert paths[-1].strip().endswith("no answer")


def test_a_path_that_answers_on_the_wrong_way_is_broken():
    result = samples.healthy(3, "directrouting")
    next(path for path in result["paths"] if path["class"] == "node")["class"] = "tunnel"
    words = " ".join(section(result, "Paths")).split()
    assert " ".join(words).endswith("goes tunnel, expected direct")


def test_a_path_that_answers_on_a_way_that_no_hop_tells_is_not_broken():
    result = samples.healthy()
    for path in result["paths"]:
        path["class"] = "none"
    paths = section(result, "Paths")
    assert not [line for line in paths if line.startswith("  ! ")]
    assert [line.split()[0] for line in paths[2:]] == ["same", "tunnel", "service"]


def test_bgp_sessions_look_as_calicoctl_prints_them_and_the_lost_one_comes_first():
    table = section(samples.calico_with_a_lost_peer(), "BGP sessions of k8s-node1")[:6]
    assert table == [
        "BGP sessions of k8s-node1",
        "  +---------------+-------------------+-------+----------+------------------------------------+",
        "  | PEER ADDRESS  |     PEER TYPE     | STATE |  SINCE   |                INFO                |",
        "  +---------------+-------------------+-------+----------+------------------------------------+",
        "  | 192.168.7.101 | node-to-node mesh | start | 01:47:42 | Active Socket: Host is unreachable |",
        "  | 192.168.7.111 | node-to-node mesh | up    | 01:47:42 | Established                        |",
    ]


def test_what_was_not_checked_or_not_read_is_told_with_its_reason():
    result = samples.with_findings()
    assert section(result, "Not checked")[1] == "  - bgp-session: the declared network has no BGP sessions"
    assert section(result, "What could not be read")[1] == "  - k8s-node2: bird: no control socket answers"


def test_checks_that_were_skipped_for_one_reason_stand_together():
    result = samples.healthy()
    for check in result["checks"][:3]:
        check.update(status="skipped", reason="no node told of it")
    told = section(result, "Not checked")
    assert told[1:] == [
        "  - cni-config, bridge-address, tunnel-missing: no node told of it",
        "  - bgp-session: the declared network has no BGP sessions",
    ]


def test_a_cluster_without_a_network_or_a_node_is_reported():
    result = samples.copied(samples.healthy(1), nodes=[], paths=[], declared=False)
    result["network"] = {"plugin": None, "backend": None, "pod_cidrs": [], "service_cidrs": [], "settings": {}}
    text = _text.render(samples.finished(result))
    assert "no pod network found" in text
    assert "Verification PASSED: 0 nodes" in text


def test_text_from_the_cluster_cannot_move_the_cursor_or_turn_the_line():
    assert plain("a\x1b[2Jb\u202ec\nd\te\ud800") == "a\ufffd[2Jb\ufffdc d e\ufffd"
    assert plain(None) == ""
    assert plain("naïve 网络") == "naïve 网络"


def test_wide_characters_count_twice_on_a_terminal():
    assert width("网络") == 4
    assert width("e\u0301") == 1
    assert clip("网络通信", 5) == "网络…"
    assert pad("网", 4) == "网  "


def test_lines_are_broken_between_words_and_in_words_that_are_too_long():
    assert wrap("one two three", 8, "- ", "  ") == ["- one", "  two", "  three"]
    assert wrap("网络通信机制", 6, "  ") == ["  网络", "  通信", "  机制"]
    assert wrap("", 8, "- ") == ["-"]


def test_names_beyond_the_first_few_are_counted():
    assert several(["a", "b"], 2) == "a, b"
    assert several(["a", "b", "c", "d"], 2) == "a, b and 2 more"


def test_the_widest_columns_of_a_table_are_cut_first():
    lines = columns([("NAME", "TEXT"), ("k8s-node1", "x" * 50)], 30)
    assert lines[1] == "k8s-node1  " + "x" * 18 + "…"
    assert all(width(line) <= 40 for line in boxed(("A", "B"), [("a" * 40, "b" * 40)], 40))


def test_the_registry_names_every_report_with_its_file():
    files = {name: report.file for name, report in REPORTS.items()}
    assert files == {
        "text": "verification.txt",
        "json": "verification.json",
        "junit": "verification.xml",
        "html": "verification.html",
    }
    for report in REPORTS.values():
        assert report.render(samples.healthy()).endswith("\n")
