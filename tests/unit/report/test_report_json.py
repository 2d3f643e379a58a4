# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON report: what the published schema allows and refuses, and one text for one result."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._report import REPORTS
from ansible_collections.switchyard.cni.tests.unit.report import samples

jsonschema = pytest.importorskip("jsonschema", reason="the schema is checked with jsonschema")

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "verification.schema.json").read_text(encoding="utf-8"))
SAMPLES = {
    "one node": samples.healthy(1),
    "healthy": samples.healthy(),
    "findings": samples.with_findings(),
    "many": samples.with_findings(40, "directrouting", 3),
    "bgp": samples.calico_with_a_lost_peer(),
    "ipv6": samples.healthy(4, family=6),
    "hostile": samples.hostile(),
    **{network: samples.healthy(3, network) for network in samples.NETWORKS},
}


def complaints(document):
    checker = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    return [error.message for error in checker.iter_errors(document)]


def changed(path, value):
    """A sample with findings, a lost peer's sessions and a gap, in which one value is another one."""
    document = copy.deepcopy(samples.with_findings(3, "calico-ipip"))
    *parents, last = path
    place = document
    for key in parents:
        place = place[key]
    if value is KeyError:
        del place[last]
    else:
        place[last] = value
    return document


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_written_as_the_schema_says(name):
    assert complaints(json.loads(REPORTS["json"].render(SAMPLES[name]))) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), 2),
        (("verdict",), "maybe"),
        (("fail_on",), "info"),
        (("surprise",), 1),
        (("counts",), KeyError),
        (("counts", "error"), -1),
        (("network", "settings"), []),
        (("nodes", 0, "state"), "fine"),
        (("nodes", 0, "name"), ""),
        (("nodes", 0, "surprise"), None),
        (("nodes", 0, "underlay"), {"dev": "eth0"}),
        (("nodes", 0, "tunnels", 0, "port"), "8472"),
        (("nodes", 2, "reason"), None),
        (("findings", 0, "severity"), "fatal"),
        (("findings", 0, "page"), KeyError),
        (("paths", 0, "class"), "any"),
        (("paths", 0, "expected"), "none"),
        (("paths", 0, "hops"), "172.50.1.1"),
        (("paths", 0, "source", "surprise"), 80),
        (("paths", 0, "target", "port"), KeyError),
        (("paths", 0, "target", "port"), 65536),
        (("sessions", 0, "established"), "yes"),
        (("checks", 0, "status"), "unknown"),
        (("gaps", 0, "what"), None),
    ],
)
def test_a_wrong_document_is_refused(path, value):
    assert complaints(changed(path, value))


def test_a_skipped_check_needs_its_reason():
    document = samples.healthy()
    skipped = next(check for check in document["checks"] if check["status"] == "skipped")
    skipped["reason"] = None
    assert complaints(document)


def test_the_text_does_not_depend_on_the_order_things_were_found_in():
    result = samples.with_findings(20)
    # Checks are not found but made, in an order that means something.
    other = {
        key: list(reversed(value)) if isinstance(value, list) and key != "checks" else value
        for key, value in reversed(result.items())
    }
    assert REPORTS["json"].render(other) == REPORTS["json"].render(result)


def test_the_text_is_ascii_and_holds_the_whole_result():
    result = samples.hostile()
    text = REPORTS["json"].render(result)
    assert text.isascii()
    assert text.endswith("}\n")
    read = json.loads(text)
    assert {node["name"] for node in read["nodes"]} == {node["name"] for node in result["nodes"]}
    assert len(read["findings"]) == len(result["findings"])


def test_another_schema_version_is_not_written():
    with pytest.raises(ValueError, match="the result has schema 2"):
        REPORTS["json"].render(samples.copied(samples.healthy(), schema=2))
