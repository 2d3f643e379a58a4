# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CNI configuration, plugins and subnet.env, sound and damaged."""

from __future__ import annotations

import contextlib
import json

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _cni
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import FakeNode
from hypothesis import given
from hypothesis import strategies as st

FLANNEL = {"name": "cbr0", "cniVersion": "0.3.1", "plugins": [{"type": "flannel"}, {"type": "portmap"}]}
SUBNET_ENV = b"FLANNEL_NETWORK=172.50.0.0/16\nFLANNEL_SUBNET=172.50.1.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n"


def test_a_chain_of_plugins_and_a_single_one():
    nothing = {"mtu": None, "ipam": None, "damaged": False}
    flannel = _cni.parse_config(json.dumps(FLANNEL).encode())
    assert flannel == {"name": "cbr0", "plugins": ["flannel", "portmap"], **nothing}
    bridge = _cni.parse_config(b'{"name": "mynet", "type": "bridge"}')
    assert bridge == {"name": "mynet", "plugins": ["bridge"], **nothing}


@pytest.mark.parametrize(
    ("plugins", "mtu", "ipam"),
    [
        # kubeasz's own bridge, Calico, and flannel's delegate.
        ([{"type": "bridge", "ipam": {"type": "host-local", "subnet": "172.20.0.0/16"}}], None, "host-local"),
        ([{"type": "calico", "mtu": 1480, "ipam": {"type": "calico-ipam"}}, {"type": "portmap"}], 1480, "calico-ipam"),
        ([{"type": "calico", "mtu": 0, "ipam": {"type": "calico-ipam"}}], None, "calico-ipam"),
        ([{"type": "flannel", "delegate": {"mtu": 1400, "isDefaultGateway": True}}], 1400, None),
        ([{"type": "flannel"}, {"type": "tuning", "mtu": 1300}], 1300, None),
        ([{"type": "bridge", "mtu": True, "ipam": {}}], None, None),
        ([{"type": "bridge", "mtu": "1400", "ipam": "host-local", "delegate": []}], None, None),
    ],
)
def test_the_mtu_and_the_address_management_of_a_chain(plugins, mtu, ipam):
    parsed = _cni.parse_config(json.dumps({"name": "n", "plugins": plugins}).encode())
    assert (parsed["mtu"], parsed["ipam"]) == (mtu, ipam)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"plugins": {}}',
        b'{"plugins": [7]}',
        b'{"plugins": []}',
        b'{"type": ""}',
    ],
)
def test_damaged_configuration_is_named_damaged(data):
    with pytest.raises(Damaged):
        _cni.parse_config(data)


@given(
    st.binary(max_size=64)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["plugins", "type", "name", "mtu", "ipam", "delegate"]), inner)
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_configuration_is_parsed_or_named_damaged(data):
    try:
        parsed = _cni.parse_config(data)
    except Damaged:
        return
    assert parsed["plugins"]
    assert all(isinstance(name, str) for name in parsed["plugins"])
    assert parsed["mtu"] is None or parsed["mtu"] > 0
    assert parsed["ipam"] is None or isinstance(parsed["ipam"], str)


def test_the_runtimes_order_and_extensions():
    names = ["10-flannel.conflist", "05-other.conf", "99-x.json", "10-flannel.conflist.disabled", ".10.switchyard-tmp"]
    node = FakeNode({f"/etc/cni/net.d/{name}": "{}" for name in names})
    assert _cni.config_names(node, "/etc/cni/net.d") == ["05-other.conf", "10-flannel.conflist", "99-x.json"]


def test_only_programs_are_plugins():
    node = FakeNode({"/opt/cni/bin/README.md": "text"})
    node.executable("/opt/cni/bin/bridge")
    assert _cni.executables(node, "/opt/cni/bin") == ["bridge"]
    assert _cni.executables(node, "/usr/lib/cni") == []


def test_a_plugin_is_taken_from_the_first_directory_that_has_it():
    node = FakeNode({"/a/bridge": "not a program"})
    node.executable("/b/bridge")
    node.executable("/c/bridge")
    assert _cni.find_plugin(node, "bridge", ["/a", "/b", "/c"]) == "/b/bridge"
    assert _cni.find_plugin(node, "vlan", ["/a", "/b"]) is None


def test_subnet_env_as_flannel_writes_it():
    assert _cni.parse_subnet_env(SUBNET_ENV) == {
        "FLANNEL_NETWORK": "172.50.0.0/16",
        "FLANNEL_SUBNET": "172.50.1.1/24",
        "FLANNEL_MTU": "1450",
        "FLANNEL_IPMASQ": "true",
    }


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\n# only a comment\n", "empty"),
        (b"FLANNEL_NETWORK", "line 1 is not KEY=value"),
        (b"FLANNEL_MTU=1450\n<html>\n", "line 2 is not KEY=value"),
        (b"FLANNEL_NETWORK=172.50.0.0/99", "FLANNEL_NETWORK=172.50.0.0/99"),
        (b"FLANNEL_SUBNET=", "FLANNEL_SUBNET="),
        (b"FLANNEL_MTU=many", "FLANNEL_MTU=many"),
        (b"FLANNEL_MTU=7", "not an MTU"),
        (b"\xff\xfe\x00", "not text"),
    ],
)
def test_a_damaged_subnet_env_says_what_is_wrong(data, reason):
    with pytest.raises(Damaged, match=reason):
        _cni.parse_subnet_env(data)


@given(st.binary(max_size=200))
def test_any_subnet_env_is_parsed_or_named_damaged(data):
    with contextlib.suppress(Damaged):
        assert _cni.parse_subnet_env(data)


@given(st.integers(0, len(SUBNET_ENV)), st.integers(0, 255))
def test_one_wrong_byte_in_subnet_env_is_survived(position, byte):
    data = SUBNET_ENV[:position] + bytes([byte]) + SUBNET_ENV[position + 1 :]
    with contextlib.suppress(Damaged):
        assert _cni.parse_subnet_env(data)
