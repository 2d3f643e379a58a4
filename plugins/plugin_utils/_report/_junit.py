# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result as JUnit XML, for CI systems: one suite a topic, one case a check, every time.

Shape: the schema of Jenkins' xUnit plugin (junit-10.xsd, jenkinsci/xunit-plugin), which knows no more than testsuites,
testsuite, testcase, failure, skipped, system-out and properties. What concerns the whole run stands in the first
suite: counts as properties, gaps as output. This file is private to the collection.
"""

from __future__ import annotations

import typing as t
from collections import Counter
from itertools import islice
from xml.etree import ElementTree

from ansible_collections.switchyard.cni.plugins.plugin_utils._report._plain import number_of, plain
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._summary import (
    THRESHOLDS,
    Result,
    count_texts,
    network_title,
)

_NODES, _GAPS = 100, 1000
_NAME = "switchyard.cni.verify"
Finding = t.Mapping[str, t.Any]


def render(result: Result) -> str:
    """The whole document."""
    root = ElementTree.Element("testsuites", name=_NAME)
    found = _findings_by_check(result)
    suites = [_suite(result, topic, checks, found) for topic, checks in _topics(result).items()]
    root.extend(suites)
    if suites:
        _about_the_run(suites[0], result)
    for key in ("tests", "failures"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    root.set("errors", "0")
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _topics(result: Result) -> dict[str, list[dict[str, t.Any]]]:
    """The checks by topic. A finding of an unknown check must not get lost: its check is added."""
    topics: dict[str, list[dict[str, t.Any]]] = {}
    for check in result["checks"]:
        topics.setdefault(check["topic"], []).append(check)
    known = {check["id"] for check in result["checks"]}
    for check_id in sorted({finding["id"] for finding in result["findings"]} - known):
        unknown = {"id": check_id, "title": "", "status": "failed", "reason": None}
        topics.setdefault("other", []).append(unknown)
    return topics


def _findings_by_check(result: Result) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in result["findings"]:
        found.setdefault(finding["id"], []).append(finding)
    return found


def _suite(
    result: Result, topic: str, checks: t.Sequence[t.Mapping[str, t.Any]], found: t.Mapping[str, list[Finding]]
) -> ElementTree.Element:
    cases = [_case(topic, check, found.get(check["id"], []), result["fail_on"]) for check in checks]
    suite = ElementTree.Element(
        "testsuite",
        name=f"{_NAME}.{plain(topic)}",
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors="0",
        skipped=str(sum(case.find("skipped") is not None for case in cases)),
        time="0",
        timestamp=plain(result["created"]).removesuffix("Z"),
    )
    suite.extend(cases)
    return suite


def _about_the_run(suite: ElementTree.Element, result: Result) -> None:
    properties = ElementTree.Element("properties")
    suite.insert(0, properties)
    facts = {"network": network_title(result), "collection": result["collection"], **count_texts(result)}
    for name, value in facts.items():
        ElementTree.SubElement(properties, "property", name=name, value=plain(value))
    if result["gaps"]:
        ElementTree.SubElement(suite, "system-out").text = _gaps(result)


def _case(topic: str, check: t.Mapping[str, t.Any], found: t.Sequence[Finding], fail_on: str) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=f"{_NAME}.{plain(topic)}", name=plain(check["id"]), time="0")
    failing = [finding for finding in found if finding["severity"] in THRESHOLDS[fail_on]]
    milder = [finding for finding in found if finding["severity"] not in THRESHOLDS[fail_on]]
    if failing:
        _failure(case, check, failing)
    elif check["status"] == "skipped":
        ElementTree.SubElement(case, "skipped", message=plain(check["reason"]))
    if milder:
        ElementTree.SubElement(case, "system-out").text = _text(milder)
    return case


def _failure(case: ElementTree.Element, check: t.Mapping[str, t.Any], found: t.Sequence[Finding]) -> None:
    nodes = len({finding["node"] for finding in found if finding["node"]})
    place = number_of(nodes, "node") if nodes else "the cluster"
    message = f"{plain(check['title']) or plain(check['id'])}: not so on {place}"
    severity = Counter(finding["severity"] for finding in found).most_common(1)[0][0]
    failure = ElementTree.SubElement(case, "failure", message=message, type=plain(severity))
    failure.text = _text(found)


def _text(found: t.Sequence[Finding]) -> str:
    """One block a finding, for a hundred findings at most."""
    texts = [
        f"{plain(item['node']) or 'cluster'}: {plain(item['subject'])}\n"
        f"  severity: {plain(item['severity'])}\n"
        f"  expected: {plain(item['expected'])}\n"
        f"  found: {plain(item['actual'])}\n"
        f"  hint: {plain(item['hint'])}\n"
        f"  see: {plain(item['page'])}"
        for item in found[:_NODES]
    ]
    if len(found) > _NODES:
        texts.append(f"... and {number_of(len(found) - _NODES, 'finding')} more; the JSON report has all of them")
    return "\n".join(texts)


def _gaps(result: Result) -> str:
    texts = [
        f"not read: {plain(gap['node']) or 'cluster'}: {plain(gap['what'])}: {plain(gap['reason'])}"
        for gap in islice(result["gaps"], _GAPS)
    ]
    left = len(result["gaps"]) - len(texts)
    return "\n".join(texts + ([f"... and {number_of(left, 'gap')} more"] if left else []))
