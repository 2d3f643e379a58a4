# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sweep on a real kernel: exactly what an agent has left goes, and nothing that only looks like it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess

import calico_on_kernel
import flannel_on_kernel
import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._sweep import _module
from ansible_collections.switchyard.cni.plugins.module_utils._sweep._order import parse_order
from ansible_collections.switchyard.cni.plugins.module_utils._sweep._plan import plan_sweep
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import build_intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import resolve
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._sweep import around, everything
from planted import lacks, until_healthy

from conftest import ip, module, need

KINDS = {"wireguard": "wireguard", "calico-ipip": "ipip"}
CLUSTERS = {
    "vxlan": flannel_on_kernel.vxlan,
    "direct": flannel_on_kernel.direct,
    "host-gw": flannel_on_kernel.host_gw,
    "udp": flannel_on_kernel.udp,
    "wireguard": flannel_on_kernel.wireguard,
    "bgp": calico_on_kernel.bgp,
    "calico-ipip": calico_on_kernel.ipip,
    "calico-vxlan": calico_on_kernel.vxlan_always,
    "calico-cross-subnet": calico_on_kernel.cross_subnet,
}
BOTH = ["flannel", "calico"]
# Stands for the subnets of all other nodes.
SUBNETS = frozenset({"all"})
CHANGES = {
    "vxlan to host-gw": ("vxlan", {"flannel_backend": "host-gw"}, ["flannel.1"], SUBNETS),
    "vxlan to another VNI": ("vxlan", {"flannel_backend": "vxlan", "flannel_vni": 7}, ["flannel.1"], SUBNETS),
    "vxlan to udp": ("vxlan", {"flannel_backend": "udp"}, ["flannel.1"], SUBNETS),
    "host-gw to udp": ("host-gw", {"flannel_backend": "udp"}, [], SUBNETS),
    "host-gw to wireguard": ("host-gw", {"flannel_backend": "wireguard"}, [], SUBNETS),
    "DirectRouting to wireguard": ("direct", {"flannel_backend": "wireguard"}, ["flannel.1"], SUBNETS),
    "DirectRouting to host-gw": ("direct", {"flannel_backend": "host-gw"}, ["flannel.1"], set()),
    "udp to vxlan": ("udp", {"flannel_backend": "vxlan"}, ["flannel0"], {"172.50.0.0/16"}),
}
# What an operator may have that looks like an agent's own.
LOOK_ALIKES = """
link add vxlan100 type vxlan id 100 dstport 4789 dev eth0
link set vxlan100 up
link add br0 type bridge
link add flannel9 type veth peer name operator9
link set flannel9 up
link add flannel-ops type bridge
link add flannel.ops type vxlan id 101 dstport 4790 dev eth0
link add calitap type bridge
route add 172.50.7.0/24 dev flannel9 proto static
route add 172.50.8.16/28 via 192.168.7.111
route add 172.51.1.0/24 via 192.168.7.111
"""
CHAINS = """
-t nat -N FLANNELS
-t nat -A FLANNELS -s 10.1.0.0/16 -j RETURN
-t nat -A POSTROUTING -j FLANNELS
"""
# The chains that Felix makes for a pod; those of its policies have such names too.
ENDPOINT = """
-t filter -N cali-from-wl-dispatch
-t filter -N cali-fw-cali00000001
-t filter -A cali-from-wl-dispatch -i cali00000001 -g cali-fw-cali00000001
"""
TABLE = "table inet operator {\n chain flannel-ipv4 {\n  ip saddr 10.1.0.0/16 drop\n }\n}\n"
OWN_FILE = "/etc/cni/net.d/99-operator.conflist"


@pytest.fixture
def build(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    need("ip", "bridge", "nft", "iptables-nft", "ipset")
    with contextlib.ExitStack() as stack:

        def built(name):
            reason = lacks(KINDS.get(name))
            if reason:
                pytest.skip(reason)
            cluster = stack.enter_context(contextlib.closing(CLUSTERS[name](tmp_path)))
            # BIRD's routes come when the daemons have found each other: not while a state is compared.
            assert until_healthy(cluster) == []
            return cluster

        yield built


def _sweep(files, order, dry):
    facts = _module.observe(files, parse_order(order), "/etc/cni/net.d")
    planned = plan_sweep(facts, parse_order(order))
    failed = [] if dry else _module.apply(planned.steps, files)
    return {"steps": [step.describe() for step in planned.steps], "kept": list(planned.kept), "failed": failed}


def sweep(cluster, node, order, dry=False):
    return cluster[node].begin(_sweep, cluster.files(node), order, dry)()


def swept(cluster, node, order):
    """Sweep in check mode, then really, then once more for nothing."""
    before = state(cluster, node)
    dry = sweep(cluster, node, order, dry=True)
    assert state(cluster, node) == before
    done = sweep(cluster, node, order)
    assert done["failed"] == []
    assert done == dry
    again = sweep(cluster, node, order)
    assert (again["steps"], again["kept"]) == ([], done["kept"])
    return done


def state(cluster, node):
    """All that a sweep could touch, by kind, as the node's own tools print it."""
    run = cluster[node].run

    def lines(*argv):
        return [line for line in run(*argv).splitlines() if not line.startswith("#")]

    return {
        "links": sorted(f"{one['ifname']} {one['mtu']}" for one in json.loads(run("ip", "-j", "link"))),
        "addresses": lines("ip", "-o", "-br", "address"),
        "routes": lines("ip", "route", "show", "table", "all"),
        "iptables": lines("iptables-nft-save"),
        "nft": lines("nft", "list", "tables"),
        "ipsets": lines("ipset", "save"),
        "files": sorted(str(path) for path in cluster.files(node).kept()),
    }


def plant_look_alikes(cluster, node):
    cluster[node].ip(LOOK_ALIKES)
    cluster[node].run("iptables-nft-restore", "--noflush", text=flannel_on_kernel.restored(CHAINS))
    cluster[node].run("nft", "-f", "-", text=TABLE)
    for name in ("operator", "calibre"):
        cluster[node].run("ipset", "create", name, "hash:net")
    cluster.files(node).put(OWN_FILE, "{}")


def holding(lines, word):
    return [line for line in lines if word in line]


def network(**settings):
    values, wrong = resolve({"network_pod_cidr": "172.50.0.0/16", **settings})
    intent, contradictions = build_intent(values)
    assert not (wrong + contradictions)
    return intent


def views(cluster):
    return {view.name: view for view in cluster.verify().scene.views}


@pytest.mark.parametrize("name", CLUSTERS)
def test_nothing_of_the_network_in_force_is_left_over(build, name):
    cluster = build(name)
    scene = cluster.verify().scene
    for view in scene.views:
        order = around(scene.intent, view.endpoint, scene.nftables, BOTH)
        assert swept(cluster, view.name, order)["steps"] == []


@pytest.mark.parametrize(("before", "after", "devices", "routes"), CHANGES.values(), ids=CHANGES)
def test_a_change_leaves_what_is_no_agents_and_nothing_that_was(build, before, after, devices, routes):
    """The agent of the new backend has not written a single route here: all of the old ones go."""
    cluster = build(before)
    node = "node1"
    plant_look_alikes(cluster, node)
    earlier = state(cluster, node)
    done = swept(cluster, node, around(network(**after), views(cluster)[node].endpoint, cluster.nftables, ["flannel"]))
    later = state(cluster, node)
    gone = {kind: [one for one in earlier[kind] if one not in later[kind]] for kind in earlier}
    assert [one.split()[0] for one in gone["links"]] == devices
    for name, kind in (("flannel9", "veth"), ("flannel-ops", "bridge"), ("flannel.ops", "vxlan")):
        assert f"{name}: flannel makes no {kind} of this name" in done["kept"]
    main = {one.split()[0] for one in gone["routes"] if "table" not in one and "fe80" not in one}
    assert main == ({one.subnet for one in cluster.plans.values() if one.name != node} if routes is SUBNETS else routes)
    for kind in ("iptables", "nft", "ipsets", "files"):
        assert later[kind] == earlier[kind]
    assert [one for kind in later for one in later[kind] if one not in earlier[kind]] == []


@pytest.mark.parametrize("name", ["vxlan", "host-gw", "bgp", "calico-vxlan"])
def test_everything_goes_but_what_pods_use_and_what_others_have(build, name):
    cluster = build(name)
    node = "node1"
    plant_look_alikes(cluster, node)
    cluster[node].run("iptables-nft-restore", "--noflush", text=flannel_on_kernel.restored(ENDPOINT))
    order = everything([], [cluster.settings["network_pod_cidr"]], [24, 26], in_use=False)
    running = [cluster.settings.get("network_plugin", "flannel")]
    assert swept(cluster, node, {**order, "plugins": running})["steps"] == []
    cluster.stop_agent(node)
    earlier = state(cluster, node)
    done = swept(cluster, node, order)
    later = state(cluster, node)
    text = json.dumps(later)
    for sign in ("FLANNEL-", "cali-", "flannel.1", "vxlan.calico", "10-flannel", "10-calico", "subnet.env"):
        assert sign not in text, sign
    assert [one for one in earlier["iptables"] if "KUBE-" in one] == [
        one for one in later["iptables"] if "KUBE-" in one
    ]
    assert [one for one in earlier["iptables"] if "FLANNELS" in one] == [
        one for one in later["iptables"] if "FLANNELS" in one
    ]
    for look_alike in (
        "vxlan100",
        "br0",
        "flannel9",
        "flannel-ops",
        "flannel.ops",
        "calitap",
        "calibre",
        "172.50.7.0/24",
        "172.50.8.16/28",
        "172.51.1.0/24",
        "operator",
    ):
        assert look_alike in text, look_alike
    assert any("pods hang on it" in one or "uses it" in one for one in done["kept"])


def test_rules_that_sent_pods_packets_to_an_agents_own_table_go_and_an_operators_stay(build):
    """As Felix makes them with WireGuard, which this machine's kernel need not have: what stays here is thrown."""
    cluster = build("bgp")
    node = cluster["node1"]
    for words in (
        "rule add pref 99 not fwmark 0x100000/0x100000 lookup 51",
        "route add throw 172.50.2.0/26 table 51 proto 80",
        "rule add pref 90 to 172.50.0.0/16 lookup main protocol 201",
        "rule add pref 100 to 10.9.0.0/16 lookup 77",
        "route add throw 10.9.0.0/16 table 77",
    ):
        node.run("ip", *words.split())
    order = everything(["calico"], [cluster.settings["network_pod_cidr"]], [26], in_use=False)
    cluster.stop_agent("node1")
    swept(cluster, "node1", order)
    rules = json.loads(node.run("ip", "-j", "rule", "show"))
    assert [one["priority"] for one in rules] == [0, 100, 32766, 32767]
    left = json.loads(node.run("ip", "-j", "route", "show", "table", "all", "type", "throw"))
    assert [one["dst"] for one in left] == ["10.9.0.0/16"]
    assert swept(cluster, "node1", order)["steps"] == []


def test_what_pods_use_goes_where_that_is_asked_for(build):
    cluster = build("vxlan")
    node = "node1"
    cluster.stop_agent(node)
    order = everything(["flannel"], ["172.50.0.0/16"], [24], in_use=True)
    done = swept(cluster, node, order)
    assert "remove device cni0 (bridge)" in done["steps"]
    assert not any("/networks/cbr0/" in path for path in state(cluster, node)["files"])


def test_the_filter_of_the_other_way_goes(build):
    """flanneld leaves the chains of iptables behind when it is told to use nftables."""
    cluster = build("vxlan")
    endpoint = views(cluster)["node1"].endpoint
    earlier = state(cluster, "node1")
    done = swept(cluster, "node1", around(network(flannel_backend="vxlan"), endpoint, True, ["flannel"]))
    assert {step[:22] for step in done["steps"]} == {"remove chains FLANNEL-"}
    later = state(cluster, "node1")
    assert "FLANNEL-" not in json.dumps(later["iptables"])
    assert later["iptables"] == [one for one in earlier["iptables"] if "FLANNEL-" not in one]
    assert {**later, "iptables": None} == {**earlier, "iptables": None}


def test_a_leaked_reservation_goes_and_one_that_is_young_or_held_stays(build):
    cluster = build("host-gw")
    files = cluster.files("node1")
    for address, age in (("172.50.2.77", 3600), ("172.50.2.78", 10)):
        path = f"/var/lib/cni/networks/cbr0/{address}"
        files.put(path, "0" * 64)
        made = files.wall_clock() - age
        os.utime(files.root / path.lstrip("/"), (made, made))
    endpoint = views(cluster)["node1"].endpoint
    done = swept(cluster, "node1", around(network(flannel_backend="host-gw"), endpoint, False, ["flannel"]))
    assert done["steps"] == ["remove reservation of 172.50.2.77 in cbr0"]


def test_through_ansible_in_check_mode_for_real_and_again(namespace):
    ip("link add eth0 type veth peer name wire\nlink add flannel.1 type vxlan id 1 dstport 8472 dev eth0")
    keep = {"plugin": "flannel", "bridge": "cni0", "route_devices": ["eth0"]}
    order = {"plugins": ["flannel"], "pod_networks": ["172.50.0.0/16"], "prefixes": [24], "keep": keep}
    for options, changed, there in ((["--check"], True, True), ([], True, False), ([], False, False)):
        code, told = module("node_sweep", *options, order=order)
        steps = ["remove device flannel.1 (vxlan)"] if changed else []
        assert (code, told["changed"], told["steps"]) == (0, changed, steps)
        names = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
        assert ("flannel.1" in names) is there
