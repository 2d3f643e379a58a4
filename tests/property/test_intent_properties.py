# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Laws of settings and backends: no input crashes, and every node reaches every peer exactly once."""

from __future__ import annotations

import ipaddress
import json

from ansible_collections.switchyard.cni.plugins.filter.backends import FilterModule
from ansible_collections.switchyard.cni.plugins.module_utils._backends import BACKENDS
from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import Endpoint, Underlay, networks
from ansible_collections.switchyard.cni.plugins.plugin_utils._checks import check
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import build_intent, flannel_net_conf
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import BY_NAME, SETTINGS, resolve
from ansible_collections.switchyard.cni.tests.unit.plugin_utils.cluster_facts import cluster
from hypothesis import given
from hypothesis import strategies as st

FILTERS = FilterModule().filters()
NAMES = sorted(BY_NAME)
ODD_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 70000),
    st.floats(allow_nan=False),
    st.text(max_size=12),
    st.sampled_from(
        ("vxlan", "host-gw", "udp", "off", "Always", "172.50.0.0/16", "fd00:50::/48", "10.0.0.0/8", "[1", "{}")
    ),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)
CASES = st.sampled_from((str.lower, str.upper, str.title, str))
BACKEND = st.sampled_from(BACKENDS)
FLANNEL = st.sampled_from([backend for backend in BACKENDS if backend.plugin == "flannel"])


@st.composite
def clusters(draw):
    """Endpoints with distinct pod subnets in 10.244.0.0/16, on up to three layer-2 networks."""
    size = draw(st.integers(1, 12))
    sites = draw(st.lists(st.integers(0, 2), min_size=size, max_size=size))
    return [
        Endpoint(
            f"node{number}",
            networks([f"10.244.{number}.0/24"]),
            Underlay("eth0", 1500, ((f"192.168.{site}.{number + 1}", 24),)),
            tunnel_ips=(f"10.244.{number}.0",),
        )
        for number, site in enumerate(sites)
    ]


def flannel(backend):
    return {"flannel_backend": backend.type, "flannel_direct_routing": backend.direct_routing}


def calico(backend):
    mode = "CrossSubnet" if backend.direct_routing else "Always"
    return {
        "calico_ipip_mode": mode if backend.type == "ipip" else "Never",
        "calico_vxlan_mode": mode if backend.type == "vxlan" else "Never",
    }


def intent_of(backend, **settings):
    values, problems = resolve(
        {
            "network_pod_cidr": "10.244.0.0/16",
            "network_plugin": backend.plugin,
            **(flannel(backend) if backend.plugin == "flannel" else calico(backend)),
            **settings,
        }
    )
    made, contradictions = build_intent(values)
    assert problems + contradictions == []
    return made


@given(st.dictionaries(st.sampled_from(NAMES), ODD_VALUES, max_size=8))
def test_any_inventory_gives_an_intent_or_problems_and_never_an_exception(raw):
    values, problems = resolve(raw)
    made, contradictions = build_intent(values)
    found = problems + contradictions + (check(made, cluster()) if made else [])

    assert made is not None or found
    for problem in found:
        assert problem.reason
        assert problem.remedy
        assert str(problem).startswith(problem.variable)
    if made is not None:
        json.dumps(flannel_net_conf(made))


@given(st.sampled_from([setting for setting in SETTINGS if setting.choices]), st.data(), CASES)
def test_choices_and_synonyms_in_any_case_are_one_value(setting, data, case):
    choice = data.draw(st.sampled_from(sorted(setting.choices)))
    written = data.draw(st.sampled_from((choice, *setting.choices[choice])))

    values, dummy = resolve({setting.name: case(written)})

    assert values[setting.name] == choice


@given(st.sampled_from([setting for setting in SETTINGS if setting.aliases]), st.data())
def test_an_alias_means_the_same_as_the_native_name(setting, data):
    alias = data.draw(st.sampled_from(setting.aliases))
    value = data.draw(ODD_VALUES)

    native, native_problems = resolve({setting.name: value})
    other, other_problems = resolve({alias: value})

    assert native.get(setting.name) == other.get(setting.name)
    assert len(native_problems) == len(other_problems)


@given(st.integers(1, 65535), st.integers(1, 65535))
def test_two_names_agree_or_are_an_error_that_shows_both(first, second):
    values, problems = resolve({"network_node_prefix": first % 30 + 1, "NODE_CIDR_LEN": str(second % 30 + 1)})
    wrong = [problem for problem in problems if problem.variable == "network_node_prefix"]

    if first % 30 == second % 30:
        assert values["network_node_prefix"] == first % 30 + 1
        assert wrong == []
    else:
        assert len(wrong) == 1
        assert f"NODE_CIDR_LEN = {second % 30 + 1}" in str(wrong[0])
        assert f"network_node_prefix = {first % 30 + 1}" in str(wrong[0])


@given(BACKEND, clusters())
def test_every_node_has_one_way_to_every_peers_pods_and_none_to_its_own(backend, nodes):
    made = intent_of(backend)

    for node in nodes:
        routes = [route.network for route in backend.routes(node, nodes, made)]
        assert len(routes) == len(set(routes)) <= max(1, len(nodes) - 1)
        for peer in nodes:
            covering = [network for network in routes if peer.subnet(4).subnet_of(network)]
            whole = len(routes) == 1 and routes[0] == made.pod_cidrs[0]
            assert len(covering) == (0 if peer is node and not whole else 1)


@given(BACKEND, clusters())
def test_direct_routing_never_sends_a_plain_packet_out_of_the_subnet(backend, nodes):
    made = intent_of(backend)
    if backend.needs_same_l2:
        return
    by_subnet = {str(peer.subnet(4)): peer for peer in nodes}

    for node in nodes:
        here = node.underlay.network(4)
        for route in backend.routes(node, nodes, made):
            peer = by_subnet.get(route.dst)
            if peer is None:
                continue
            near = ipaddress.ip_address(peer.address(4)) in here
            assert backend.tunnelled(route, made) == (route.dev != "eth0")
            # What encrypts on top of another backend has a device to which no route of the main table leads.
            if set(backend.route_devices(node, made)) != {"eth0"}:
                assert (route.dev == "eth0") == (near and backend.direct_routing)


@given(BACKEND, clusters(), st.integers(0, 11))
def test_one_peer_less_is_at_most_one_route_less_and_changes_no_other(backend, nodes, gone):
    made = intent_of(backend)
    fewer = [node for number, node in enumerate(nodes) if number != gone]
    viewer = nodes[0]

    before, after = (set(backend.routes(viewer, peers, made)) for peers in (nodes, fewer))

    assert after <= before
    assert len(before - after) <= 1


@given(FLANNEL, st.integers(577, 65535), st.one_of(st.none(), st.integers(1280, 65535)))
def test_pods_packets_fit_the_nic(backend, nic, wanted):
    if wanted is not None and (not backend.reads_mtu or wanted > nic):
        wanted = None
    made = intent_of(backend, **({} if wanted is None else {"flannel_mtu": wanted}))

    pod = backend.pod_mtu(nic, made.options)

    assert pod + backend.overhead == (wanted or nic)
    assert FILTERS["backend_mtu"](nic, backend.type) == nic - backend.overhead
