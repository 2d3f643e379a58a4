# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods' interfaces, found in their namespaces and matched with libcni's memory and the node's devices."""

from __future__ import annotations

import json

from ansible_collections.switchyard.cni.plugins.module_utils._node._gather import Request, gather
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import FakeNode
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.test_node_leases import CONTAINER, cached
from hypothesis import given
from hypothesis import strategies as st

NETNS = "/run/netns/cni-1234"


def device(index, name, mtu=1450, peer=None, kind="veth", addresses=()):
    record = {"ifindex": index, "ifname": name, "mtu": mtu, "flags": ["UP"], "linkinfo": {"info_kind": kind}}
    if peer is not None:
        record.update(link_index=peer, link_netnsid=0)
    record["addr_info"] = [
        {"family": "inet6" if ":" in one else "inet", "local": one, "prefixlen": 24, "scope": "global"}
        for one in addresses
    ]
    return record


HOST = [device(1, "lo", 65536), device(4, "cni0", kind="bridge"), device(9, "veth1a", 1500, peer=2)]
LOOPBACK = {"ifindex": 1, "ifname": "lo", "mtu": 65536, "flags": [], "addr_info": []}
INSIDE = [LOOPBACK, device(2, "eth0", peer=9, addresses=["172.50.2.7"])]


def node_with(inside, *caches, host=None, netns=NETNS):
    node = FakeNode({f"/var/lib/cni/results/cbr0-{number}-eth0": json.dumps(one) for number, one in enumerate(caches)})
    node.files[netns] = b""
    node.tools["ip -j -d -s addr show"] = (0, json.dumps(host or HOST), "")
    node.tools[f"nsenter --net={netns} ip -j -d addr show"] = (0, json.dumps(inside), "")
    return node


def pods(node):
    return gather(node, Request(("pods",)))


def test_a_pod_with_its_name_address_mtu_and_the_nodes_end():
    observed = pods(node_with(INSIDE, cached()))
    assert observed["gaps"] == []
    assert observed["pods"] == [
        {
            "name": "kube-system/coredns-76f75df574-abcde",
            "container": CONTAINER,
            "netns": NETNS,
            "ifname": "eth0",
            "addresses": ["172.50.2.7"],
            "mtu": 1450,
            "host_dev": "veth1a",
            "host_mtu": 1500,
        }
    ]


def test_the_loopback_that_libcni_remembers_too_is_no_interface_of_the_pod():
    loopback = cached(ifName="lo", networkName="cni-loopback", result={"interfaces": [], "ips": []})
    observed = pods(node_with(INSIDE, loopback, cached()))
    assert [(pod["ifname"], pod["name"]) for pod in observed["pods"]] == [
        ("eth0", "kube-system/coredns-76f75df574-abcde")
    ]


def test_dockers_namespace_is_known_by_its_address():
    result = {"ips": [{"address": "172.50.2.7/24"}], "interfaces": [{"name": "eth0", "sandbox": "/proc/99/ns/net"}]}
    (pod,) = pods(node_with(INSIDE, cached(result=result), netns="/var/run/docker/netns/3f2a"))["pods"]
    assert pod["name"] == "kube-system/coredns-76f75df574-abcde"


def test_a_namespace_that_libcni_does_not_know_has_no_name():
    (pod,) = pods(node_with(INSIDE))["pods"]
    assert (pod["name"], pod["container"], pod["addresses"]) == (None, None, ["172.50.2.7"])


def test_a_pod_whose_interface_is_missing_is_shown_without_one():
    (pod,) = pods(node_with([LOOPBACK], cached()))["pods"]
    assert (pod["name"], pod["ifname"], pod["mtu"], pod["host_dev"]) == (
        "kube-system/coredns-76f75df574-abcde",
        None,
        None,
        None,
    )


def test_an_interface_that_lost_its_address_is_still_shown():
    (pod,) = pods(node_with([LOOPBACK, device(2, "eth0", peer=9)], cached()))["pods"]
    assert (pod["ifname"], pod["addresses"], pod["host_dev"]) == ("eth0", [], "veth1a")


def test_a_number_that_means_a_device_of_yet_another_namespace_is_not_the_nodes():
    host = [device(9, "veth1a", peer=77)]
    (pod,) = pods(node_with(INSIDE, host=host))["pods"]
    assert (pod["host_dev"], pod["host_mtu"]) == (None, None)


def test_every_interface_of_a_pod_is_shown():
    second = device(3, "net1", 9000, addresses=["10.7.0.5", "fd07::5"])
    found = pods(node_with([*INSIDE, second], cached()))["pods"]
    assert [(pod["ifname"], pod["mtu"], pod["addresses"]) for pod in found] == [
        ("eth0", 1450, ["172.50.2.7"]),
        ("net1", 9000, ["10.7.0.5", "fd07::5"]),
    ]
    assert found[1]["name"] == "kube-system/coredns-76f75df574-abcde"


def test_no_pods_are_no_gap_and_nobody_is_asked():
    node = FakeNode()
    assert pods(node) == {"hostname": "node-1", "pods": [], "gaps": []}
    assert node.ran == []


def test_a_pod_that_ends_meanwhile_is_no_gap():
    node = node_with(INSIDE)

    def gone(argv):
        node.files.pop(NETNS)
        return (1, "", "nsenter: cannot open /run/netns/cni-1234: No such file or directory\n")

    node.tools[f"nsenter --net={NETNS} ip -j -d addr show"] = gone
    assert (pods(node)["pods"], pods(node)["gaps"]) == ([], [])


def test_a_namespace_that_cannot_be_entered_is_a_gap():
    node = node_with(INSIDE)
    node.tools[f"nsenter --net={NETNS}"] = (1, "", "nsenter: reassociate failed: Invalid argument\n")
    node.tools.pop(f"nsenter --net={NETNS} ip -j -d addr show")
    (gap,) = pods(node)["gaps"]
    assert gap["what"] == NETNS
    assert "Invalid argument" in gap["reason"]


def test_a_damaged_cache_file_is_a_gap_and_the_pod_is_shown():
    node = node_with(INSIDE, cached())
    node.files["/var/lib/cni/results/cbr0-broken-eth0"] = b"{"
    observed = pods(node)
    assert [gap["what"] for gap in observed["gaps"]] == ["/var/lib/cni/results/cbr0-broken-eth0"]
    assert observed["pods"][0]["name"] == "kube-system/coredns-76f75df574-abcde"


@given(
    st.text(max_size=30)
    | st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "ifindex": st.integers() | st.text(max_size=2),
                "ifname": st.text(max_size=4) | st.none(),
                "mtu": st.integers(),
                "link_index": st.integers(0, 9) | st.text(max_size=2),
                "link_netnsid": st.integers(),
                "addr_info": st.lists(st.dictionaries(st.sampled_from(["family", "local", "scope"]), st.text())),
            },
        ),
        max_size=3,
    ).map(json.dumps)
)
def test_no_answer_from_a_namespace_makes_it_fail(text):
    node = node_with(INSIDE, cached())
    node.tools[f"nsenter --net={NETNS} ip -j -d addr show"] = (0, text, "")
    observed = pods(node)
    assert json.loads(json.dumps(observed)) == observed
