# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel can do, told from whichever evidence a node has."""

from __future__ import annotations

import gzip

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _kernel
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import RELEASE, FakeNode
from hypothesis import given
from hypothesis import strategies as st

MODULES = f"/lib/modules/{RELEASE}"
DEP = "kernel/drivers/net/vxlan/vxlan.ko.xz: kernel/net/ipv4/udp_tunnel.ko.xz\nkernel/net/ipv4/ipip.ko:\n"
BUILTIN = "kernel/drivers/net/tun.ko\nkernel/net/bridge/br-netfilter.ko\n"
DISTRIBUTION = {f"{MODULES}/modules.dep": DEP, f"{MODULES}/modules.builtin": BUILTIN}
CONFIG = "CONFIG_VXLAN=m\nCONFIG_TUN=y\n# CONFIG_NET_IPIP is not set\n"


def feature(name, files, **more):
    return _kernel.Kernel(FakeNode(files, **more)).feature(name)


def test_a_loaded_module_is_told_from_a_built_in_one_by_its_initstate():
    loaded = {"/sys/module/vxlan/initstate": "live\n", "/sys/module/vxlan/refcnt": "0\n"}
    assert feature("vxlan", loaded).state == "loaded"
    assert feature("vxlan", {"/sys/module/vxlan/parameters/udp_port": "0\n"}).state == "builtin"


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("vxlan", "module"),
        ("ipip", "module"),
        ("tun", "builtin"),
        ("br_netfilter", "builtin"),
        ("wireguard", "missing"),
    ],
)
def test_a_distribution_tells_by_its_module_lists(name, state):
    assert feature(name, DISTRIBUTION).state == state


def test_a_module_missing_from_the_lists_names_the_kernel_option():
    assert feature("wireguard", DISTRIBUTION).reason == (
        f"/lib/modules/{RELEASE} does not hold the module wireguard (kernel option CONFIG_WIREGUARD)"
    )


@pytest.mark.parametrize(
    "files", [{"/proc/config.gz": gzip.compress(CONFIG.encode(), mtime=0)}, {f"/boot/config-{RELEASE}": CONFIG}]
)
def test_the_configuration_tells_where_there_are_no_module_lists(files):
    assert feature("tun", files).state == "builtin"
    assert feature("ipip", files) == ("missing", f"kernel {RELEASE} is built without CONFIG_NET_IPIP")
    without_file = feature("vxlan", files)
    assert without_file.state == "missing"
    assert "CONFIG_VXLAN=m, but" in without_file.reason


def test_without_any_evidence_a_feature_is_unknown():
    assert feature("vxlan", {}).state == "unknown"


def test_a_module_this_collection_does_not_know_is_judged_by_the_lists_alone():
    assert feature("sch_fq", {**DISTRIBUTION, f"/boot/config-{RELEASE}": CONFIG}).state == "missing"
    assert feature("sch_fq", {f"/boot/config-{RELEASE}": CONFIG}).state == "unknown"


@pytest.mark.parametrize("data", [b"\x1f\x8b", b"not gzip", gzip.compress(CONFIG.encode(), mtime=0)[:-9]])
def test_a_damaged_configuration_is_named(data):
    kernel = _kernel.Kernel(FakeNode({"/proc/config.gz": data}))
    assert kernel.feature("vxlan").state == "unknown"
    assert kernel.unreadable[0].startswith("/proc/config.gz: ")


def test_a_forbidden_configuration_is_named():
    secret = f"/boot/config-{RELEASE}"
    kernel = _kernel.Kernel(FakeNode({secret: CONFIG}, forbidden=[secret]))
    assert kernel.feature("vxlan").state == "unknown"
    assert kernel.unreadable == [f"{secret}: Permission denied"]


@given(st.text(), st.text())
def test_any_text_in_the_module_lists_is_survived(dep, builtin):
    files = {
        f"{MODULES}/modules.dep": dep.encode("utf-8", "replace"),
        f"{MODULES}/modules.builtin": builtin.encode("utf-8", "replace"),
    }
    assert feature("vxlan", files).state in ("builtin", "module", "missing")


def test_dashes_and_underscores_in_module_names_are_one():
    assert feature("br-netfilter", DISTRIBUTION).state == "builtin"


def test_a_tun_device_the_device_cgroup_forbids_is_not_usable():
    node = FakeNode()
    builtin = _kernel.Feature("builtin")
    assert not _kernel.tun_usable(node, builtin)
    node.chars.add("/dev/net/tun")
    assert _kernel.tun_usable(node, builtin)
    node.forbidden.add("/dev/net/tun")
    assert not _kernel.tun_usable(node, builtin)


def test_looking_at_a_tun_device_does_not_load_its_module():
    node = FakeNode(forbidden=["/dev/net/tun"])
    node.chars.add("/dev/net/tun")
    # can_open would say no: it was not asked.
    assert _kernel.tun_usable(node, _kernel.Feature("module"))


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/ip_forward", "net/ipv4/ip_forward"),
        ("net.ipv4.conf.flannel/1.rp_filter", "net/ipv4/conf/flannel.1/rp_filter"),
        ("net/ipv4/conf/flannel.1/rp_filter", "net/ipv4/conf/flannel.1/rp_filter"),
    ],
)
def test_sysctl_names_are_written_as_in_sysctl_8(key, path):
    assert _kernel.sysctl_path(key) == "/proc/sys/" + path


def test_the_name_of_a_device_with_a_dot_survives_the_way_there_and_back():
    key = _kernel.sysctl_key("net", "ipv4", "conf", "flannel.1", "rp_filter")
    assert _kernel.sysctl_path(key) == "/proc/sys/net/ipv4/conf/flannel.1/rp_filter"


@pytest.mark.parametrize("key", ["", "/etc/passwd", "net/../../etc/passwd", "net.//.//.etc"])
def test_a_sysctl_cannot_name_a_file_elsewhere(key):
    with pytest.raises(NodeError):
        _kernel.sysctl_path(key)


def test_the_module_that_brings_a_sysctl():
    assert _kernel.sysctl_provider("net.bridge.bridge-nf-call-iptables") == "br_netfilter"
    assert _kernel.sysctl_provider("net/bridge/bridge-nf-call-iptables") == "br_netfilter"
    assert _kernel.sysctl_provider("net.ipv4.ip_forward") is None


def test_several_numbers_are_parted_by_single_blanks():
    node = FakeNode({"/proc/sys/net/ipv4/tcp_rmem": "4096\t131072\t6291456\n"})
    assert _kernel.read_sysctl(node, "net.ipv4.tcp_rmem") == "4096 131072 6291456"
