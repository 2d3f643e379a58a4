# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JUnit report: the shape CI systems accept, a case a check, and no finding lost."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._report import REPORTS
from ansible_collections.switchyard.cni.tests.unit.report import samples

# Element -> allowed children, needed attributes, optional ones: what junit-10.xsd of Jenkins' xUnit plugin says.
SHAPE = {
    "testsuites": ({"testsuite"}, set(), {"name", "time", "tests", "failures", "errors"}),
    "testsuite": (
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
    ),
    "properties": ({"property"}, set(), set()),
    "property": (set(), {"name", "value"}, set()),
    "testcase": (
        {"skipped", "error", "failure", "system-out", "system-err"},
        {"name"},
        {"time", "classname", "group"},
    ),
    "failure": (set(), set(), {"type", "message"}),
    "skipped": (set(), set(), {"type", "message"}),
    "system-out": (set(), set(), set()),
}
RESULTS = {
    "healthy": samples.healthy(),
    "findings": samples.with_findings(30),
    "bgp": samples.calico_with_a_lost_peer(),
    "hostile": samples.hostile(),
}


def document(result):
    return ElementTree.fromstring(REPORTS["junit"].render(result).encode())


def case(root, check):
    return root.find(f".//testcase[@name='{check}']")


def failing(result):
    return {item.get("name") for item in document(result).iter("testcase") if item.find("failure") is not None}


def wrong_places(element):
    children, needed, optional = SHAPE[element.tag]
    attributes = set(element.attrib)
    here = [element.tag] if needed - attributes or attributes - needed - optional else []
    return here + [
        wrong for child in element for wrong in ([child.tag] if child.tag not in children else wrong_places(child))
    ]


@pytest.mark.parametrize("name", RESULTS)
def test_the_document_has_the_shape_of_the_schema(name):
    assert wrong_places(document(RESULTS[name])) == []


@pytest.mark.parametrize("name", RESULTS)
def test_the_counts_are_right(name):
    root = document(RESULTS[name])
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases)
        assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("skipped")) == len(suite.findall("testcase/skipped"))
    assert int(root.get("tests")) == len(samples.CHECKS)
    assert int(root.get("failures")) == sum(int(suite.get("failures")) for suite in root)


def test_every_check_is_a_case_of_its_topic_whatever_was_found():
    expected = [(check, f"switchyard.cni.verify.{topic}") for check, topic, dummy in samples.CHECKS]
    for result in RESULTS.values():
        cases = [(item.get("name"), item.get("classname")) for item in document(result).iter("testcase")]
        assert sorted(cases) == sorted(expected)


@pytest.mark.parametrize(
    ("fail_on", "checks"),
    [
        ("error", {"route-missing", "path-unreachable", "fdb-missing"}),
        ("warning", {"route-missing", "path-unreachable", "fdb-missing", "mtu-mismatch", "path-class"}),
        ("never", set()),
    ],
)
def test_the_threshold_decides_what_is_a_failure(fail_on, checks):
    assert failing(samples.copied(samples.with_findings(), fail_on=fail_on)) == checks


def test_a_finding_below_the_threshold_is_output_of_its_case():
    output = case(document(samples.with_findings()), "leftover-device").findtext("system-out")
    assert "k8s-node2: tunl0" in output
    assert "found: tunl0 without address" in output


def test_a_failure_names_the_nodes_what_is_expected_and_what_is_there():
    failure = case(document(samples.with_findings()), "route-missing").find("failure")
    assert failure.get("message") == "Every peer's pod subnet has its route: not so on 1 node"
    assert failure.get("type") == "error"
    for text in ("k8s-master1: 172.50.1.0/24", "expected: 172.50.1.0/24 dev flannel.1", "found: no route", "hint: "):
        assert text in failure.text


def test_a_hundred_nodes_are_named_and_the_others_counted():
    result = samples.healthy(250)
    for node in result["nodes"]:
        samples.add(result, "route-missing", node, "error", "10.0.0.0/8", "a route", "none", "Restart it.")
    text = case(document(samples.finished(result)), "route-missing").find("failure").text
    assert text.count("expected: a route") == 100
    assert text.endswith("... and 150 findings more; the JSON report has all of them")


def test_a_skipped_check_says_why():
    skipped = case(document(samples.healthy()), "bgp-session").find("skipped")
    assert skipped.get("message") == "the declared network has no BGP sessions"


def test_gaps_are_output_of_the_first_suite():
    suites = document(samples.with_findings()).findall("testsuite")
    assert "k8s-node2: bird: no control socket answers" in suites[0].findtext("system-out")
    assert all(suite.find("system-out") is None for suite in suites[1:])


def test_a_finding_of_an_unknown_check_is_not_lost():
    result = samples.healthy()
    samples.add(result, "of-tomorrow", result["nodes"][0], "error", "x", "y", "z", "Do it.")
    found = case(document(samples.finished(result)), "of-tomorrow")
    assert found.get("classname") == "switchyard.cni.verify.other"
    assert found.find("failure") is not None


def test_what_xml_cannot_hold_is_replaced():
    text = REPORTS["junit"].render(samples.hostile())
    assert "\x00" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "&lt;/script&gt;" in text
