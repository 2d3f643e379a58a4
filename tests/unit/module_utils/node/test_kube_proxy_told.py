# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which pod networks kube-proxy goes: its options, its configuration file, and when it goes by none."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node._gather import gather
from ansible_collections.switchyard.cni.plugins.module_utils._node._kube_proxy_told import local_cidrs
from ansible_collections.switchyard.cni.plugins.module_utils._node._look import Look, Request
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import FakeNode

CONFIG = "/var/lib/kube-proxy/config.conf"


def told(*options: str, config: str = "") -> list[str]:
    files = {
        "/proc/7/comm": b"kube-proxy",
        "/proc/7/cmdline": "\0".join(["/usr/local/bin/kube-proxy", *options, ""]).encode(),
        f"/proc/7/root{CONFIG}": config.encode(),
    }
    return local_cidrs(Look(FakeNode(files), Request(sections=())))


@pytest.mark.parametrize(
    ("options", "config", "expected"),
    [
        (["--cluster-cidr=172.50.0.0/16"], "", ["172.50.0.0/16"]),
        (["--cluster-cidr", "172.50.0.0/16,fd00:50::/48"], "", ["172.50.0.0/16", "fd00:50::/48"]),
        (["--cluster-cidr=172.50.3.4/16"], "", ["172.50.0.0/16"]),
        (["--cluster-cidr="], "", []),
        ([], "", []),
        (["--cluster-cidr=172.50.0.0/16", "--detect-local-mode=NodeCIDR"], "", []),
        (["--cluster-cidr=172.50.0.0/16", "--detect-local-mode=ClusterCIDR"], "", ["172.50.0.0/16"]),
        ([f"--config={CONFIG}"], 'kind: KubeProxyConfiguration\nclusterCIDR: "172.60.0.0/16"\n', ["172.60.0.0/16"]),
        ([f"--config={CONFIG}"], "clusterCIDR: 172.60.0.0/16\ndetectLocalMode: BridgeInterface\n", []),
        ([f"--config={CONFIG}"], 'clusterCIDR: 172.60.0.0/16\ndetectLocalMode: ""\n', ["172.60.0.0/16"]),
    ],
)
def test_kube_proxy_goes_by_what_it_was_told(options, config, expected):
    assert told(*options, config=config) == expected


def test_the_file_counts_where_there_are_both():
    """cmd/kube-proxy/app/options.go, Complete: what the file says takes the place of all options."""
    both = told("--cluster-cidr=172.50.0.0/16", f"--config={CONFIG}", config="clusterCIDR: 172.60.0.0/16\n")
    assert both == ["172.60.0.0/16"]


def test_a_node_without_kube_proxy_goes_by_nothing():
    assert local_cidrs(Look(FakeNode(), Request(sections=()))) == []
    assert gather(FakeNode(), Request(("filters",)))["filters"]["kube_proxy_local_cidrs"] == []
