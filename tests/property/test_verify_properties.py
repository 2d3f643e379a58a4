# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Laws of the verification: what is as implied has no finding, and any one thing that is not has one that names it."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils import _tables
from ansible_collections.switchyard.cni.plugins.module_utils._backends import BACKENDS
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._checks import TOPICS
from ansible_collections.switchyard.cni.tests.unit.verify.clusters import Place, healthy
from hypothesis import given, settings
from hypothesis import strategies as st

# A whole cluster is judged for each example, once for each kind of change.
FEW = settings().max_examples // 5
KNOWN = {check.id for checks in TOPICS.values() for check in checks}


def settings_of(backend):
    if backend.plugin == "flannel":
        return {"flannel_backend": backend.type, "flannel_direct_routing": backend.direct_routing}
    mode = "CrossSubnet" if backend.direct_routing else "Always"
    return {
        "network_plugin": "calico",
        "calico_ipip_mode": mode if backend.type == "ipip" else "Never",
        "calico_vxlan_mode": mode if backend.type == "vxlan" else "Never",
        "calico_wireguard": backend.encrypts,
    }


@st.composite
def places(draw, sites):
    """Up to eight nodes on some layer-2 networks, with any distinct pod subnets."""
    size = draw(st.integers(2, 8))
    numbers = draw(st.lists(st.integers(0, 255), min_size=size, max_size=size, unique=True))
    where = [draw(st.integers(0, sites - 1)) for dummy in range(size)]
    return tuple(
        Place(f"node{index}", f"10.{site}.0.{index + 1}/24", number)
        for index, (site, number) in enumerate(zip(where, numbers, strict=True))
    )


@st.composite
def worlds(draw, backends=BACKENDS):
    """A healthy cluster of any backend."""
    backend = draw(st.sampled_from(backends))
    return healthy(draw(places(1 if backend.needs_same_l2 else 3)), **settings_of(backend))


@given(worlds())
def test_a_cluster_as_its_backend_implies_has_no_finding(world):
    assert [str(one) for one in world.verify().findings] == []


def _one(draw, items):
    return items[draw(st.integers(0, len(items) - 1))]


def _route_gone(draw, world, node):
    routes = [one for one in node["routes"] if one["gateway"] and one["dst"].startswith("172.50.")]
    routes += [one for one in node["routes"] if one["dst"] == "172.50.0.0/16"]
    gone = _one(draw, routes)
    node["routes"].remove(gone)
    return "route-missing", gone["dst"]


def _route_elsewhere(draw, world, node):
    routes = [one for one in node["routes"] if one["gateway"] and one["dst"].startswith("172.50.")]
    if not routes:
        return None
    moved = _one(draw, routes)
    moved["gateway"] = "10.9.9.9"
    return "route-wrong-gateway", moved["dst"]


def _route_over_another_device(draw, world, node):
    routes = [one for one in node["routes"] if _counts(one)]
    moved = _one(draw, routes)
    moved["dev"] = "dummy0"
    return "route-wrong-device", moved["dst"]


def _route_too_many(draw, world, node):
    own = _one(draw, world.api["nodes"])["pod_cidrs"][0] if world.intent.plugin == "flannel" else None
    if own is None:
        own = _one(draw, world.api["calico"]["blocks"])["cidr"]
    half = own.replace("/24", "/25").replace("/26", "/27")
    node["routes"].append({"dst": half, "gateway": "10.9.9.9", "dev": "eth0", "table": "main", "type": "unicast"})
    return "route-shadows", half


def _device_gone(draw, world, node):
    devices = world.intent.backend.devices(world.intent)
    if not devices:
        return None
    node["links"] = [one for one in node["links"] if one["name"] != devices[0]]
    return "device-missing", devices[0]


def _device_with_another_mtu(draw, world, node):
    devices = [one for one in node["links"] if one["name"] in world.intent.backend.devices(world.intent)]
    if not devices:
        return None
    devices[0]["mtu"] += draw(st.sampled_from((-1, 1, 50)))
    return "device-wrong-mtu", devices[0]["name"]


def _vtep_with_another(key, wanted, value):
    def change(draw, world, node):
        vteps = [one for one in node["links"] if one.get("vxlan")]
        if not vteps:
            return None
        vteps[0]["vxlan"][key] = value
        return wanted, vteps[0]["name"]

    return change


def _entry_gone(table, wanted, key):
    def change(draw, world, node):
        if not node[table]:
            return None
        gone = _one(draw, node[table])
        node[table].remove(gone)
        return wanted, gone[key]

    return change


def _entry_wrong(table, wanted, key, value_key, value):
    def change(draw, world, node):
        if not node[table]:
            return None
        moved = _one(draw, node[table])
        moved[value_key] = value
        return wanted, moved[key]

    return change


def _address_gone(draw, world, node):
    devices = world.intent.backend.devices(world.intent)
    if not devices:
        return None
    node["addresses"] = [one for one in node["addresses"] if one["dev"] != devices[0]]
    return "device-wrong-address", devices[0]


def _pod_too_large(draw, world, node):
    pod = _one(draw, node["pods"])
    pod["mtu"] = pod["host_mtu"] = pod["mtu"] + 8
    return "pod-mtu-high", pod["name"]


def _forwarding_off(draw, world, node):
    node["sysctls"]["net.ipv4.ip_forward"] = "0"
    return "ip-forward-off", "net.ipv4.ip_forward"


def _configuration_gone(draw, world, node):
    node["cni"]["configs"] = []
    return "cni-config-missing", world.intent.backend.cni_config


def _configuration_shadowed(draw, world, node):
    node["cni"]["configs"].insert(0, {"file": "00-first.conf", "name": "x", "plugins": ["bridge"]})
    return "cni-config-shadowed", world.intent.backend.cni_config


def _program_gone(draw, world, node):
    node["cni"]["binaries"].remove("portmap")
    return "cni-plugin-missing", "/opt/cni/bin"


def _agent_gone(draw, world, node):
    node["agents"] = []
    return "agent-not-running", world.intent.backend.traces.agents[0]


def _chain_gone(draw, world, node):
    own = [one for one in node["firewall"]["chains"] if one["owner"]]
    gone = _one(draw, own)
    node["firewall"]["chains"].remove(gone)
    return "chain-missing", gone["chain"]


def _session_down(draw, world, node):
    sessions = [one for bird in node["bird"] for one in bird["protocols"]]
    if not sessions:
        return None
    down = _one(draw, sessions)
    down.update(state="start", info="Active Socket: Host is unreachable")
    return "bgp-session-down", down["peer"]


def _session_gone(draw, world, node):
    # Without any session nobody knows which family this BIRD serves.
    birds = [bird for bird in node["bird"] if len(bird["protocols"]) > 1]
    if not birds:
        return None
    gone = _one(draw, birds[0]["protocols"])
    birds[0]["protocols"].remove(gone)
    return "bgp-peer-missing", gone["peer"]


def _wireguard_peer_gone(draw, world, node):
    if not node["wireguard"]:
        return None
    (device,) = node["wireguard"].values()
    gone = _one(draw, device["peers"])
    device["peers"].remove(gone)
    return "wireguard-peer-missing", gone["public_key"].removeprefix("key of ")


CHANGES = {
    "a route is gone": _route_gone,
    "a route has another gateway": _route_elsewhere,
    "a route uses another device": _route_over_another_device,
    "a more specific route": _route_too_many,
    "a device is gone": _device_gone,
    "a device has another MTU": _device_with_another_mtu,
    "another VNI": _vtep_with_another("id", "vxlan-wrong-vni", 77),
    "another port": _vtep_with_another("port", "vxlan-wrong-port", 4790),
    "another local address": _vtep_with_another("local", "vxlan-wrong-local", "10.9.9.9"),
    "another lower device": _vtep_with_another("dev", "vxlan-wrong-parent", "eth9"),
    "a neighbour is gone": _entry_gone("neighbours", "neighbour-missing", "address"),
    "a neighbour is wrong": _entry_wrong("neighbours", "neighbour-wrong", "address", "mac", "0e:00:00:00:00:01"),
    "a forwarding entry is gone": _entry_gone("fdb", "fdb-missing", "mac"),
    "a forwarding entry is wrong": _entry_wrong("fdb", "fdb-wrong", "mac", "dst", "10.9.9.9"),
    "a tunnel without address": _address_gone,
    "a pod with too large an MTU": _pod_too_large,
    "no forwarding": _forwarding_off,
    "no CNI configuration": _configuration_gone,
    "another CNI configuration comes first": _configuration_shadowed,
    "a CNI program is gone": _program_gone,
    "no agent": _agent_gone,
    "a chain is gone": _chain_gone,
    "a BGP session is down": _session_down,
    "a BGP session is gone": _session_gone,
    "a WireGuard peer is gone": _wireguard_peer_gone,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@settings(max_examples=FEW)
@given(st.data(), worlds())
def test_any_one_thing_that_is_not_as_implied_is_found_and_named(change, data, world):
    node = _one(data.draw, world.hosts)
    planted = change(data.draw, world, world.node(node))
    if planted is None:
        return
    wanted, subject = planted
    found = world.verify().findings
    named = [one for one in found if one.id == wanted and one.node == node and subject in one.subject]
    assert named, [str(one) for one in found]
    assert {one.node for one in found} == {node}, "others are as they were"
    assert {one.id for one in found} <= KNOWN


@settings(max_examples=FEW)
@given(st.data(), worlds())
def test_a_digest_hides_no_difference_and_its_rows_explain_it(data, world):
    """A node that sends digests is judged like one that lists, once it has been asked for its rows."""
    node = world.node(_one(data.draw, world.hosts))
    planted = _route_gone(data.draw, world, node)
    listed = world.verify().findings
    _digest_routes(world, node, packed=False)
    assert [one.id for one in world.verify().findings] == ["route-missing"]
    _digest_routes(world, node, packed=True)
    assert world.verify().findings == listed
    assert planted[1] in listed[0].subject


def _digest_routes(world, node, packed):
    """What the module does beyond its limit."""
    if not node.get("truncated"):
        inside = [one for one in node["routes"] if _counts(one)]
        node["routes"] = [one for one in node["routes"] if not _counts(one)]
        rows = [_tables.route_row(one["dst"], one["gateway"], one["dev"]) for one in inside]
        node["kept"] = rows
        node["truncated"] = [{"what": "pod_routes", "count": len(rows), "digest": _tables.digest(rows)}]
    if packed:
        node["truncated"][0]["rows"] = _tables.pack(node["kept"])


def _counts(route):
    """Whether the module counts it as a route to peers' pods (_node/_forwarding.py)."""
    in_main = route["table"] == "main" and route["type"] == "unicast"
    return in_main and route["dst"].startswith("172.50.") and route["dev"] != "cni0"
