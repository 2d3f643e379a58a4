# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever text a cluster gives its names, devices and errors: every report stays a report of its format."""

from __future__ import annotations

import json
import zlib
from xml.etree import ElementTree

from ansible_collections.switchyard.cni.plugins.plugin_utils._report import REPORTS
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._plain import width
from ansible_collections.switchyard.cni.tests.unit.report import samples
from ansible_collections.switchyard.cni.tests.unit.report.taken_apart import ELEMENTS, Page
from hypothesis import given
from hypothesis import strategies as st

FIXED = {"schema", "verdict", "fail_on", "state", "severity", "kind", "class", "expected", "status", "created"}
"""Keys whose values the collection itself chooses from a list."""

TEXTS = st.text(st.characters(codec=None), max_size=60) | st.sampled_from(
    [
        "</script>",
        "<!--",
        "]]>",
        "{{ 1 }}",
        "{% raw %}",
        '"><svg onload=x>',
        "\x1b[2J",
        "\r\n\r\n",
        "網路" * 40,
        "\udc80",
    ]
)


def filled(value, texts, key=""):
    """The value with other texts wherever the cluster gives the text."""
    if isinstance(value, dict):
        return {name: filled(each, texts, name) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, texts, key) for each in value]
    if isinstance(value, str) and (key not in FIXED):
        return texts[zlib.crc32(value.encode()) % len(texts)]
    return value


def of_the_cluster(texts):
    result = samples.with_findings(4, "calico-ipip")
    finding_texts = filled(result["findings"], texts)
    return samples.copied(filled(result, texts), findings=finding_texts)


@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_html_stays_html(texts):
    rendered = REPORTS["html"].render(of_the_cluster(texts))
    rendered.encode("utf-8")
    found = Page(rendered)
    assert {tag for tag, dummy in found.elements} <= ELEMENTS
    assert len(found.all("script")) == 2
    assert not [name for tag, attributes in found.elements for name in attributes if name.startswith("on")]
    assert len(json.loads(found.raw["script"][0])["nodes"]) == 4


@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_xml_stays_xml(texts):
    root = ElementTree.fromstring(REPORTS["junit"].render(of_the_cluster(texts)).encode("utf-8"))
    assert {element.tag for element in root.iter()} <= {
        *("testsuites", "testsuite", "properties", "property", "testcase", "failure", "skipped", "system-out"),
    }


@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_text_stays_within_the_terminal(texts):
    rendered = REPORTS["text"].render(of_the_cluster(texts))
    assert max(width(line) for line in rendered.split("\n")) <= 118
    assert all(line.isprintable() for line in rendered.split("\n"))


@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_json_holds_the_texts_as_they_were(texts):
    result = of_the_cluster(texts)
    read = json.loads(REPORTS["json"].render(result))
    assert sorted(node["name"] for node in read["nodes"]) == sorted(node["name"] for node in result["nodes"])
