# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""host-local's leases and libcni's memory of the pods it added."""

from __future__ import annotations

import base64
import contextlib
import json

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _leases
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged
from ansible_collections.switchyard.cni.plugins.module_utils._node._gather import Request, gather
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import FakeNode
from hypothesis import given
from hypothesis import strategies as st

CBR0 = "/var/lib/cni/networks/cbr0"
CONTAINER = "4c1f" * 16
TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ"


def cached(**more):
    """A file of libcni's cache (cachedInfo of libcni/api.go), as containerd's CRI makes it."""
    config = {"name": "cbr0", "plugins": [{"type": "flannel"}], "kubernetes": {"k8s_auth_token": TOKEN}}
    return {
        "kind": "cniCacheV1",
        "containerId": CONTAINER,
        "config": base64.b64encode(json.dumps(config).encode()).decode(),
        "ifName": "eth0",
        "networkName": "cbr0",
        "cniArgs": [
            ["IgnoreUnknown", "1"],
            ["K8S_POD_NAMESPACE", "kube-system"],
            ["K8S_POD_NAME", "coredns-76f75df574-abcde"],
            ["K8S_POD_INFRA_CONTAINER_ID", CONTAINER],
        ],
        "capabilityArgs": {"portMappings": []},
        "result": {
            "cniVersion": "1.0.0",
            "interfaces": [
                {"name": "cni0", "mac": "be:e1:c8:53:91:f3"},
                {"name": "veth1a", "mac": "be:e1:c8:53:91:f4"},
                {"name": "eth0", "mac": "1a:72:57:bd:92:a5", "sandbox": "/var/run/netns/cni-1234"},
            ],
            "ips": [{"interface": 2, "address": "172.50.2.7/24", "gateway": "172.50.2.1"}],
        },
        **more,
    }


def leases_of(node, **request):
    return gather(node, Request(("leases",), **request))


def test_leases_with_their_containers_and_ages():
    node = FakeNode(
        {
            f"{CBR0}/172.50.2.7": f"{CONTAINER}\r\neth0",
            f"{CBR0}/fd50::7": CONTAINER,
            f"{CBR0}/172.50.2.8": "",
            f"{CBR0}/last_reserved_ip.0": "172.50.2.8",
            f"{CBR0}/lock": "",
            "/var/lib/cni/networks/mynet/172.20.0.2": "other",
        }
    )
    node.mtimes[f"{CBR0}/172.50.2.7"] = node.wall_clock() - 3600.5
    node.mtimes[f"{CBR0}/172.50.2.8"] = node.wall_clock() + 60
    found = leases_of(node)["leases"]
    assert set(found) == {"cbr0", "mynet"}
    ours = {lease["address"]: (lease["container"], lease["age"]) for lease in found["cbr0"]}
    assert ours["172.50.2.7"] == (CONTAINER, 3600)
    assert ours["172.50.2.8"] == (None, 0)
    assert set(ours) == {"172.50.2.7", "172.50.2.8", "fd50::7"}


def test_no_leases_are_no_gap():
    assert leases_of(FakeNode()) == {"hostname": "node-1", "leases": {}, "gaps": []}


def test_leases_that_may_not_be_read_are_a_gap():
    node = FakeNode({f"{CBR0}/172.50.2.7": CONTAINER}, forbidden=[CBR0])
    observed = leases_of(node)
    assert observed["leases"] == {"cbr0": []}
    assert observed["gaps"] == [{"what": CBR0, "reason": "Permission denied"}]


def test_leaked_leases_beyond_the_limit_are_counted():
    node = FakeNode({f"{CBR0}/172.50.2.{number}": CONTAINER for number in range(2, 12)})
    observed = leases_of(node, limit=4)
    assert len(observed["leases"]["cbr0"]) == 4
    (note,) = observed["truncated"]
    assert {key: value for key, value in note.items() if key != "digest"} == {
        "what": "leases",
        "network": "cbr0",
        "count": 10,
        "listed": 4,
    }


def test_a_pod_in_libcnis_memory():
    assert _leases.parse_attachment(json.dumps(cached()).encode()) == _leases.Attachment(
        network="cbr0",
        container=CONTAINER,
        ifname="eth0",
        name="kube-system/coredns-76f75df574-abcde",
        netns="/var/run/netns/cni-1234",
        addresses=("172.50.2.7",),
    )


def test_a_container_without_a_pod_and_a_result_without_interfaces():
    document = cached(cniArgs=[["K8S_POD_NAME", "lonely"]], result={"ips": [{"address": "172.50.2.7/24"}]})
    attachment = _leases.parse_attachment(json.dumps(document).encode())
    assert (attachment.name, attachment.netns, attachment.addresses) == (None, None, ("172.50.2.7",))


def test_the_bare_results_of_an_old_libcni_tell_nothing():
    assert _leases.parse_attachment(json.dumps(cached()["result"]).encode()) is None


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff"])
def test_a_damaged_file_is_named_damaged(data):
    with pytest.raises(Damaged):
        _leases.parse_attachment(data)


def test_nothing_of_the_cached_configuration_is_kept():
    assert TOKEN not in repr(_leases.parse_attachment(json.dumps(cached()).encode()))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_file_is_parsed_or_named_damaged(data):
    with contextlib.suppress(Damaged):
        _leases.parse_attachment(data)


@given(st.data())
def test_a_real_file_with_a_wrong_value_is_parsed(data):
    document = cached()
    target = data.draw(st.sampled_from([document, document["result"], document["result"]["interfaces"][2]]))
    target[data.draw(st.sampled_from(sorted(target)))] = data.draw(JSON)
    attachment = _leases.parse_attachment(json.dumps(document).encode())
    assert attachment is None or all(isinstance(address, str) for address in attachment.addresses)
