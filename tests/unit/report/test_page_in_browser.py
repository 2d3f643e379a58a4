# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML report in a real browser: it is quiet, it loads nothing, choosing and filtering work, nothing overlaps."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._report import REPORTS
from ansible_collections.switchyard.cni.tests.unit.report import browser as chromium
from ansible_collections.switchyard.cni.tests.unit.report import samples

pytestmark = pytest.mark.skipif(
    chromium.PROGRAM is None, reason="there is no Chromium on this machine (Debian: apt-get install chromium)"
)

STATIONS = """[...document.querySelectorAll(".station")].map((station) => [
  station.querySelector(".device").textContent, station.querySelector(".address").textContent,
  station.querySelector(".mtu") ? station.querySelector(".mtu").textContent : ""])"""
TEXTS = """[...document.querySelectorAll(".station p")].map((text) => text.textContent)"""
SHOWN = """[...document.querySelectorAll(".finding:not([hidden])")].map((finding) => finding.dataset.id)"""


@pytest.fixture(scope="module")
def browser():
    with chromium.Browser() as running:
        yield running


@pytest.fixture
def show(browser, tmp_path):
    """Open the page of a result; whatever the test does with it, it must neither complain nor ask for anything."""

    def opened(result, **options):
        path = tmp_path / "verification.html"
        path.write_text(REPORTS["html"].render(result), encoding="utf-8")
        browser.open(path, **options)
        return browser

    yield opened
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith(("file:", "data:"))] == []
    assert len(browser.requests()) == 1


def choose(page, source, target):
    """Choose a pair as a person does, in the two lists."""
    page.run(
        f"""for (const [name, value] of [["from", "{source}"], ["to", "{target}"]]) {{
          const field = document.querySelector(`#way-choice [name=${{name}}]`);
          field.value = value; field.dispatchEvent(new Event("change")); }}"""
    )


def text(page, selector):
    return page.run(f"document.querySelector({selector!r}).innerText")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(
    "result",
    [
        samples.healthy(1),
        samples.with_findings(3),
        samples.calico_with_a_lost_peer(),
        samples.healthy(4, family=6),
        samples.with_findings(30, "directrouting", 3),
        samples.with_findings(700),
        samples.finished(samples.copied(samples.healthy(), nodes=[], paths=[])),
    ],
    ids=["one node", "three nodes", "calico", "ipv6", "thirty nodes", "tiles", "no node"],
)
def test_a_page_opens_without_a_complaint_and_without_a_request(show, result, dark):
    page = show(result, dark=dark)
    assert page.run("document.documentElement.className") == "has-script"
    assert text(page, "h1") == f"Verification {result['verdict']}"


def test_the_seven_steps_through_a_vxlan_tunnel_are_those_of_the_seeds_notes(show):
    page = show(samples.healthy())
    choose(page, "k8s-node1", "k8s-node2")
    assert page.run(STATIONS) == [
        ["pod eth0", "172.50.1.2", ""],
        ["cni0", "172.50.1.1", "MTU 1450"],
        ["flannel.1", "172.50.1.0", "MTU 1450"],
        ["eth0", "192.168.7.110", "MTU 1500"],
        ["eth0", "192.168.7.111", "MTU 1500"],
        ["flannel.1", "172.50.2.0", "MTU 1450"],
        ["cni0", "172.50.2.1", "MTU 1450"],
        ["pod eth0", "172.50.2.3", ""],
    ]
    steps = page.run('[...document.querySelectorAll(".step")].map((step) => step.textContent)')
    assert steps == ["1", "2", "3", "4", "5", "6", "7", "✓"]
    told = page.run(TEXTS)
    assert "UDP port 8472" in told[2]
    assert "192.168.7.111" in told[2]
    assert "neighbour on the same layer 2" in told[3]
    assert text(page, ".outcome").endswith("packets of 1450 bytes pass.")
    assert text(page, ".hops").split("\n")[0] == (
        "Measured hops: 172.50.1.1 cni0 of k8s-node1 → 172.50.2.0 flannel.1 of k8s-node2 → 172.50.2.3 eth0 of k8s-node2"
    )


def test_with_direct_routing_the_tunnel_is_passed_only_where_there_is_a_router_between(show):
    page = show(samples.healthy(4, "directrouting", networks=2))
    choose(page, "k8s-node0", "k8s-node1")
    assert [row[0] for row in page.run(STATIONS)] == ["pod eth0", "cni0", "eth0", "eth0", "cni0", "pod eth0"]
    choose(page, "k8s-node0", "k8s-node2")
    assert [row[0] for row in page.run(STATIONS)].count("flannel.1") == 2
    assert "through a router" in page.run(TEXTS)[3]


@pytest.mark.parametrize(
    ("network", "device", "told"),
    [
        ("udp", "flannel0", "flanneld itself reads the packet from this device"),
        ("wireguard", "flannel-wg", "The packet is encrypted for the peer"),
        ("calico-ipip", "tunl0", "IP protocol 4"),
    ],
)
def test_each_tunnel_tells_what_it_does_to_the_packet(show, network, device, told):
    page = show(samples.healthy(2, network))
    choose(page, "k8s-node0", "k8s-node1")
    assert [row[0] for row in page.run(STATIONS)][2::3] == [device, device]
    assert told in page.run(TEXTS)[2]


def test_with_calico_the_packet_passes_a_veth_instead_of_a_bridge_and_the_nic_answers_first(show):
    page = show(samples.healthy(3, "calico-ipip"))
    choose(page, "k8s-node1", "k8s-node2")
    assert [row[0] for row in page.run(STATIONS)][1::5] == ["veth cali*", "veth cali*"]
    answers = page.run(
        '[...document.querySelectorAll(".station")].map((each) => (each.querySelector(".answer") || {}).textContent)'
    )
    assert answers[3] == "answered to TTL 1"
    assert answers[5] == "answered to TTL 2"


def test_pods_of_one_node_meet_on_their_bridge(show):
    page = show(samples.healthy())
    choose(page, "k8s-node1", "k8s-node1")
    assert [row[0] for row in page.run(STATIONS)] == ["pod eth0", "cni0", "pod eth0"]


def test_a_service_is_reached_through_kube_proxy(show):
    page = show(samples.healthy())
    choose(page, "k8s-node1", "(services)")
    assert [row[0] for row in page.run(STATIONS)] == ["pod eth0", "cni0", "default/kubernetes"]


def test_a_lost_packet_is_silent_behind_the_last_answer(show):
    page = show(samples.with_findings())
    choose(page, "k8s-master1", "k8s-node1")
    silent = page.run('[...document.querySelectorAll(".station")].map((each) => each.classList.contains("silent"))')
    assert silent == [False, False, True, True, True, True, True, True]
    assert text(page, ".outcome").endswith("Lost: no answer. This is the way it should take.")


def test_a_pair_that_nobody_probed_shows_the_way_of_others_and_says_so(show):
    page = show(samples.healthy(30, "directrouting", 3))
    choose(page, "k8s-node00", "k8s-node07")
    assert text(page, ".outcome").endswith("Not probed: this is the way of other pairs like this one (direct).")
    assert len(page.run(STATIONS)) == 6


def test_a_way_that_the_hops_do_not_tell_is_shown_as_expected_and_said_to_be_so(show):
    result = samples.healthy(2)
    for path in result["paths"]:
        path.update({"class": "none", "hops": [None, path["target"]["address"]]})
    page = show(result)
    choose(page, "k8s-node0", "k8s-node1")
    assert text(page, ".outcome").split("\n")[-1].startswith("Answers: the hops do not tell its way, 0.30 ms")
    assert len(page.run(STATIONS)) == 8


def test_a_path_worth_looking_at_is_shown_first(show):
    page = show(samples.with_findings(30))
    assert page.run('document.querySelector("[name=from]").value') == "k8s-node00"
    assert page.run('document.querySelector("[name=to]").value') == "k8s-node01"
    assert text(page, ".outcome").endswith("Lost: no answer. This is the way it should take.")


def test_one_of_several_probes_of_a_pair_can_be_chosen(show):
    page = show(samples.healthy())
    choose(page, "k8s-master1", "k8s-node1")
    page.run('document.querySelectorAll(".probes button")[1].click()')
    assert page.run(STATIONS)[0] == ["the node itself", "192.168.7.101", ""]


def test_a_view_can_be_shared_by_its_address(show):
    page = show(samples.healthy())
    choose(page, "k8s-node2", "k8s-node1")
    page.run('document.querySelector(".node[data-n=\\"1\\"]").dispatchEvent(new Event("click", { bubbles: true }))')
    fragment = page.run("location.hash.slice(1)")
    before = page.run('document.getElementById("way-content").innerText')
    again = show(samples.healthy(), fragment=fragment)
    assert again.run('document.getElementById("way-content").innerText') == before
    assert text(again, "#node-details h3") == "k8s-node1"


def test_choosing_a_link_shows_its_way(show):
    page = show(samples.healthy())
    page.run(
        """document.querySelector(".link[data-a='1'][data-b='2'] .hit")
          .dispatchEvent(new Event("click", { bubbles: true }))"""
    )
    assert page.run('document.querySelector("[name=from]").value') == "k8s-node1"
    assert page.run('document.querySelector("[name=to]").value') == "k8s-node2"


def test_a_node_can_be_chosen_by_keyboard_and_its_links_are_drawn(show):
    page = show(samples.healthy(30))
    page.run("document.querySelector('.node[tabindex=\"0\"]').focus()")
    page.press("ArrowRight", 39)
    page.press("ArrowDown", 40)
    page.press("Enter", 13)
    assert text(page, "#node-details h3") == "k8s-node06"
    assert page.run('document.querySelectorAll("#chosen-links .link.tunnel").length') == 3
    page.press("Enter", 13)
    assert page.run('document.getElementById("node-details").hidden') is True


def test_findings_are_filtered_by_severity_check_and_node(show):
    page = show(samples.with_findings(30))
    every = page.run(SHOWN)
    assert set(every) == {
        "route-missing",
        "path-unreachable",
        "fdb-missing",
        "mtu-mismatch",
        "path-class",
        "leftover-device",
    }
    page.run("document.querySelector('#filters [data-severity=error]').click()")
    assert set(page.run(SHOWN)) == {"mtu-mismatch", "path-class", "leftover-device"}
    page.run("document.querySelector('#filters [data-severity=error]').click()")
    page.run("""const list = document.querySelector("#filters [name=id]");
      list.value = "fdb-missing"; list.dispatchEvent(new Event("change"));""")
    assert page.run(SHOWN) == ["fdb-missing"]
    page.run("""list.value = ""; list.dispatchEvent(new Event("change"));
      const field = document.querySelector("#filters [name=node]");
      field.value = "k8s-node26"; field.dispatchEvent(new Event("input"));""")
    assert page.run(SHOWN) == ["fdb-missing"]
    assert text(page, "#filters output") == f"1 of {len(every)} kinds of findings are shown"


def test_the_findings_of_a_chosen_node_are_one_click_away(show):
    page = show(samples.with_findings(30), fragment="node=k8s-node12")
    buttons = "[...document.querySelectorAll('#node-details button')]"
    page.run(f"{buttons}.find((button) => button.textContent.startsWith('Its findings')).click()")
    assert page.run(SHOWN) == ["mtu-mismatch"]


def test_findings_beyond_those_in_the_text_appear_for_their_node(show):
    result = samples.healthy(1200)
    for number, node in enumerate(result["nodes"]):
        samples.add(result, "route-missing", node, "error", f"subnet {number}", "a route", "none", "Restart it.")
    page = show(samples.finished(result))
    page.run("""const field = document.querySelector("#filters [name=node]");
      field.value = "k8s-node1150"; field.dispatchEvent(new Event("input"));""")
    shown = page.run(
        """[...document.querySelectorAll(".variants li:not([hidden]) .subject")].map((each) => each.textContent)"""
    )
    assert shown == ["subnet 1150"]


def test_hostile_names_do_nothing(show):
    page = show(samples.hostile())
    assert page.run("document.title").startswith("Pod network failed")
    assert page.run('document.querySelectorAll("img, svg [onload], b script").length') == 0
    assert page.run('document.querySelectorAll("script").length') == 2
    page.run("document.querySelectorAll('.node-link')[0].click()")
    assert text(page, "#node-details h3").startswith("</script><script>")


def test_without_scripts_findings_and_topology_are_seen_and_controls_are_not(show):
    page = show(samples.with_findings(3), script=False)
    visible = (
        "(selector) => [...document.querySelectorAll(selector)].filter((each) => each.getClientRects().length).length"
    )
    assert page.run(f"({visible})('.finding')") == 6
    assert page.run(f"({visible})('.node .name')") == 3
    assert page.run(f"({visible})('.link .line')") == 3 + 3
    assert page.run(f"({visible})('#way, #filters, button, select, input')") == 0


@pytest.mark.parametrize("count", [2, 3, 7, 12, 30, 300])
def test_nodes_do_not_overlap_and_their_text_stays_on_them(show, count):
    page = show(samples.with_findings(count, "directrouting", networks=2), width=1400)
    cards, texts = page.run("""(() => {
      const box = (each) => { const r = each.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
      const nodes = [...document.querySelectorAll(".node")];
      return [nodes.map((node) => box(node.querySelector(".card"))),
              nodes.map((node) => [...node.querySelectorAll(".name, .fact")].map(box))];
    })()""")
    assert len(cards) == count
    for at, (left, top, right, bottom) in enumerate(cards):
        for other in cards[:at]:
            assert left >= other[2] or right <= other[0] or top >= other[3] or bottom <= other[1]
        assert len(texts[at]) >= 3
        for line in texts[at]:
            assert line[0] >= left
            assert line[1] >= top
            assert line[2] <= right
            assert line[3] <= bottom + 0.5


@pytest.mark.parametrize("width", [390, 760, 1100, 1800])
def test_no_window_is_too_narrow_for_the_page(show, width):
    page = show(samples.hostile(), width=width)
    assert page.run("document.documentElement.scrollWidth") <= width
    stations = page.run("""[...document.querySelectorAll(".station")].map((each) => {
      const r = each.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; })""")
    for at, (left, top, right, bottom) in enumerate(stations):
        assert 0 <= left < right <= width
        for other in stations[:at]:
            assert left >= other[2] or right <= other[0] or top >= other[3] or bottom <= other[1]


def test_on_paper_nothing_is_cut_off(show, browser):
    page = show(samples.with_findings(60))
    page.call("Emulation.setEmulatedMedia", media="print", features=[])
    cut = page.run("""[...document.querySelectorAll(".scroll, .right")].filter((each) =>
      each.scrollHeight > each.clientHeight + 1).map((each) => each.className)""")
    page.call("Emulation.setEmulatedMedia", media="")
    assert cut == []


@pytest.mark.slow
def test_ten_thousand_nodes_can_be_opened_and_asked(show):
    page = show(samples.with_findings(10_000, "directrouting", 3), fragment="node=k8s-node05007")
    assert page.run('document.querySelectorAll(".node").length') == 10_000
    assert text(page, "#node-details h3") == "k8s-node05007"
    choose(page, "k8s-node05007", "k8s-node05008")
    assert len(page.run(STATIONS)) == 6
