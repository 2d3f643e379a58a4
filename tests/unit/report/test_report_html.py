# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML report as a file: whole without a script, harmless whatever the cluster says, readable, of bounded size."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils import _report
from ansible_collections.switchyard.cni.plugins.plugin_utils._report import REPORTS
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._layout import Box, layout
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._svg import shorten
from ansible_collections.switchyard.cni.tests.unit.report import samples
from ansible_collections.switchyard.cni.tests.unit.report.taken_apart import ELEMENTS, Page

FOLDER = Path(_report.__file__).with_name("page")
STYLE = "".join((FOLDER / name).read_text(encoding="utf-8") for name in ("page.css", "print.css"))


def page(result):
    return Page(REPORTS["html"].render(result))


def data(found):
    return json.loads(found.raw["script"][0])


RESULTS = {
    "no node": samples.finished(samples.copied(samples.healthy(), nodes=[], paths=[])),
    "one node": samples.healthy(1),
    "healthy": samples.healthy(),
    "findings": samples.with_findings(9, "directrouting", 3),
    "bgp": samples.calico_with_a_lost_peer(),
    "ipv6": samples.healthy(4, family=6),
    "hostile": samples.hostile(),
    "30 nodes": samples.with_findings(30, networks=3),
    "700 nodes": samples.with_findings(700, networks=100),
}


@pytest.mark.parametrize("name", RESULTS)
def test_the_page_is_well_formed_and_made_of_known_elements(name):
    assert {tag for tag, dummy in page(RESULTS[name]).elements} <= ELEMENTS


@pytest.mark.parametrize("name", RESULTS)
def test_nothing_is_loaded_from_anywhere(name):
    found = page(RESULTS[name])
    for tag, attributes in found.elements:
        assert not {"src", "srcset", "data", "poster", "action", "background", "style"} & set(attributes), tag
        assert not [attribute for attribute in attributes if attribute.startswith("on")], tag
    assert found.all("link") == [{"rel": "icon", "href": "data:,"}]
    assert not re.search(r"@import|url\(|@font-face", found.raw["style"][0])


@pytest.mark.parametrize("name", RESULTS)
def test_links_lead_to_the_page_itself_or_to_the_web(name):
    for link in page(RESULTS[name]).all("a"):
        assert link["href"].startswith(("#", "https://"))


def test_the_policy_allows_this_style_and_this_script_only():
    found = page(RESULTS["hostile"])
    (meta,) = found.all("meta", **{"http-equiv": "Content-Security-Policy"})
    policy = dict(rule.strip().split(" ", 1) for rule in meta["content"].split(";"))
    assert policy["default-src"] == "'none'"
    for kind, text in (("style", found.raw["style"][0]), ("script", found.raw["script"][1])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert policy[f"{kind}-src"] == f"'sha256-{digest}'"


def test_hostile_names_stay_text():
    found = page(RESULTS["hostile"])
    assert [attributes.get("id") for attributes in found.all("script")] == ["data", None]
    text = "".join(found.text)
    assert "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>\"'&{{7*7}}" in text
    assert "49" not in found.all("title")
    for harmful in ("\x00", "\x1b", "\u202e"):
        assert harmful not in text


def test_hostile_names_cannot_end_the_embedded_data():
    found = page(RESULTS["hostile"])
    assert not set("<>&") & set(found.raw["script"][0])
    assert data(found)["nodes"][0][0].startswith("</script><script>document.title='owned'")


def test_a_link_that_is_not_of_the_web_is_left_out():
    assert all(not link["href"].startswith("javascript") for link in page(RESULTS["hostile"]).all("a"))


def test_without_a_script_findings_nodes_paths_and_topology_are_there():
    result = samples.with_findings(5)
    found = page(result)
    text = " ".join("".join(found.text).split())
    for finding in result["findings"]:
        for key in ("id", "subject", "expected", "actual", "hint"):
            assert finding[key] in text
        assert found.all("a", href=finding["page"])
    for node in result["nodes"]:
        assert {node["name"], node["address"], *node["pod_cidrs"]} <= set(text.replace(",", " ").split())
    assert "ssh: connect to host port 22: No route to host" in text
    assert "none of 3 packets came back" in text
    assert len(found.all("g", **{"data-n": "3"})) == 1


def test_what_needs_a_script_is_hidden_without_one():
    found = page(RESULTS["findings"])
    assert found.all("html", **{"class": "no-script"})
    assert found.all("div", id="filters", **{"class": "needs-script"})
    assert ".no-script .needs-script, [hidden] { display: none !important; }" in STYLE


def test_few_nodes_have_a_line_for_each_pair_and_many_only_for_the_broken_ones():
    def drawn(result):
        return sorted(item["class"] for item in page(result).all("g") if "data-a" in item)

    assert drawn(samples.healthy(4)) == ["link tunnel"] * 6
    assert drawn(samples.healthy(4, "host-gw")) == ["link direct"] * 6
    mixed = drawn(samples.healthy(4, "directrouting", networks=2))
    assert mixed == ["link direct"] * 2 + ["link tunnel"] * 4
    assert drawn(samples.healthy(30)) == []
    assert drawn(samples.with_findings(30)) == ["link broken"]


def test_of_very_many_broken_pairs_some_are_drawn_and_all_are_counted():
    result = samples.healthy(100)
    for path in result["paths"]:
        path.update({"class": "none", "reachable": False, "rtt_ms": None})
    found = page(result)
    assert len([item for item in found.all("g") if "data-a" in item]) == 40
    assert any("40 of 150 broken pairs are drawn." in text for text in found.text)


def test_a_way_that_is_not_the_expected_one_is_drawn_as_broken():
    result = samples.healthy(2, "directrouting")
    for path in result["paths"]:
        path["class"] = "tunnel" if path["class"] == "node" else path["class"]
    assert [item["class"] for item in page(result).all("g") if "data-a" in item] == ["link broken"]


def test_a_node_that_did_not_answer_stands_in_the_network_of_its_address():
    result = samples.with_findings(3)
    assert result["nodes"][2]["l2"] is None
    assert "192.168.0.0/21  ·  3 nodes" in page(result).text


def test_the_same_finding_on_many_nodes_is_told_once():
    text = "".join(page(samples.with_findings(300)).text)
    assert text.count("Restart it.") == 1
    assert "k8s-node001, k8s-node026" in text
    assert "and 2 more" in text


def test_findings_that_the_text_leaves_out_are_in_the_data():
    result = samples.healthy(1500)
    for number, node in enumerate(result["nodes"]):
        samples.add(result, "route-missing", node, "error", f"subnet {number}", "a route", "none", "Restart it.")
    found = page(samples.finished(result))
    listed = len(re.findall(r"subnet \d", "".join(found.text)))
    unlisted = data(found)["unlisted"]["0"]
    assert listed == 1000
    assert [row[0] for row in unlisted] == [f"subnet {number}" for number in range(1000, 1500)]
    assert "500 more are in the JSON report." in "".join(found.text)


def test_the_size_grows_no_faster_than_the_cluster():
    sizes = [len(REPORTS["html"].render(samples.with_findings(count))) for count in (1000, 2000)]
    assert sizes[1] < 2 * sizes[0]
    # Bytes; ten thousand nodes are then below ten million.
    assert sizes[1] / 2000 < 1000


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 8, 12, 13, 30, 61, 300, 601, 5000])
@pytest.mark.parametrize("networks", [1, 2, 3, 7, 100])
def test_no_two_nodes_touch_and_all_are_in_the_picture(count, networks):
    group = -(-count // networks)
    found = layout([f"10.{number // group}.0.0/16" for number in range(count)])
    assert len(found.boxes) == count
    assert all(box.x >= 0 and box.y >= 0 for box in found.boxes)
    assert all(box.x + box.width <= 920 and box.y + box.height <= found.height for box in found.boxes)
    assert not touching(found.boxes)


def touching(boxes):
    """Pairs that overlap, looked for among neighbours only: in cells of the size of a box."""
    width, height = boxes[0].width, boxes[0].height
    cells, found = {}, []
    for box in boxes:
        column, row = int(box.x // width), int(box.y // height)
        near = [(column + dx, row + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
        found += [(box, other) for cell in near for other in cells.get(cell, []) if box.touches(other)]
        cells.setdefault((column, row), []).append(box)
    return found


def test_boxes_that_overlap_touch():
    assert touching([Box(0, 0, 10, 10), Box(9, 9, 10, 10)])
    assert not touching([Box(0, 0, 10, 10), Box(11, 0, 10, 10)])


def test_nodes_of_one_network_stand_in_one_area():
    found = layout(["a", "b", "a", None, "b"] * 4)
    assert [area.label for area in found.areas] == ["a", "b", "network unknown"]
    assert sorted(index for area in found.areas for index in area.nodes) == list(range(20))


def test_a_long_name_loses_its_middle():
    assert shorten("ip-10-0-1-17.eu-central-1.compute.internal", 20) == "ip-10-0-1-1…internal"
    assert shorten("k8s-node1", 20) == "k8s-node1"


def colours(scheme):
    """The style's colours by name, for light, dark and print."""
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    light = dict(re.findall(r"--([\w-]+): (#\w+)", blocks[0]))
    return {**light, **dict(re.findall(r"--([\w-]+): (#\w+)", blocks[("light", "dark", "print").index(scheme)]))}


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """WCAG 2.2, "contrast ratio"."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_text_has_enough_contrast(scheme):
    colour = colours(scheme)
    on_ground = [(text, ground) for text in ("ink", "soft", "accent") for ground in ("bg", "card", "area")]
    kinds = ("error", "warning", "info", "ok")
    on_tint = [(kind, f"{kind}-soft") for kind in kinds] + [(kind, "card") for kind in kinds]
    weak = {pair: contrast(*(colour[name] for name in pair)) for pair in on_ground + on_tint}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_lines_have_enough_contrast(scheme):
    colour = colours(scheme)
    lines = ("tunnel", "node", "local", "error")
    assert all(contrast(colour[line], colour[ground]) >= 3 for line in lines for ground in ("card", "area"))
