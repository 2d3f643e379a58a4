# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""01.prepare.yml on nodes that lack something: it says so, does it once, and leaves the rest alone."""

from __future__ import annotations

import json

import pytest
from testing import lab, runs, seed

testinfra_hosts = seed.HOSTS

CONF_DIR = "/etc/cni/net.d"
LEFTOVER = f"{CONF_DIR}/99-loopback.conf"
FOREIGN = f"{CONF_DIR}/05-other.conflist"
SYSCTL_FILE = "/etc/sysctl.d/90-switchyard-cni.conf"
MODULES_FILE = "/etc/modules-load.d/switchyard-cni.conf"
CONFIG = json.dumps({"cniVersion": "0.3.1", "name": "other", "plugins": [{"type": "loopback"}]})


@pytest.fixture(scope="module", autouse=True)
def unprepared():
    """Nodes as an administrator may hand them over: no forwarding, strict filtering, an old file in the way."""
    for name in seed.NODES:
        lab.on_node(name, "rm", "-f", SYSCTL_FILE, MODULES_FILE)
        _write(name, LEFTOVER, CONFIG)
        lab.on_node(name, "touch", "-d", "2020-01-01", LEFTOVER)
    lab.on_node("k8s-node2", "sysctl", "-qw", "net.ipv4.ip_forward=0")
    lab.on_node("k8s-node1", "sysctl", "-qw", "net.ipv4.conf.all.rp_filter=1")
    yield
    for name in seed.NODES:
        lab.on_node(name, "rm", "-f", LEFTOVER, FOREIGN, f"{FOREIGN}.switchyard-disabled")


def _write(node: str, path: str, text: str) -> None:
    lab.on_node(node, "sh", "-c", 'mkdir -p "$(dirname "$0")" && printf %s "$1" > "$0"', path, text)


@pytest.fixture(scope="module")
def predicted(unprepared) -> runs.Run:
    """What a dry run says, from nodes that it must leave as they are."""
    before = runs.state_of()
    dry = runs.play("01.prepare.yml", "--check", "--diff").must_succeed()
    assert runs.state_of() == before
    return dry


@pytest.fixture(scope="module")
def prepared(predicted) -> runs.Run:
    return runs.play("01.prepare.yml", "--diff").must_succeed()


def test_a_dry_run_tells_each_change_and_makes_none(predicted):
    assert all(predicted.changed[node] > 0 for node in seed.NODES)
    assert SYSCTL_FILE in predicted.output
    assert "net.ipv4.ip_forward" in predicted.output


def test_the_run_does_what_the_dry_run_told(predicted, prepared):
    assert prepared.changed == predicted.changed


@pytest.mark.usefixtures("prepared")
def test_forwarding_and_bridge_filtering_are_on(host):
    assert host.sysctl("net.ipv4.ip_forward") == 1
    assert host.sysctl("net.bridge.bridge-nf-call-iptables") == 1


@pytest.mark.usefixtures("prepared")
def test_reverse_path_filtering_is_loose_where_it_was_strict():
    assert lab.on_node("k8s-node1", "sysctl", "-n", "net.ipv4.conf.all.rp_filter").strip() == "2"


@pytest.mark.usefixtures("prepared")
def test_sysctls_are_written_for_the_next_boot(host):
    lines = host.file(SYSCTL_FILE).content_string.splitlines()
    assert {"net.ipv4.ip_forward = 1", "net.bridge.bridge-nf-call-iptables = 1"} <= set(lines)


@pytest.mark.usefixtures("prepared")
def test_modules_are_those_of_the_backend_and_no_others(host):
    wanted = host.file(MODULES_FILE)
    listed = wanted.content_string.splitlines() if wanted.exists else []
    assert {line for line in listed if not line.startswith("#")} <= {"vxlan", "br_netfilter"}


@pytest.mark.usefixtures("prepared")
@pytest.mark.parametrize("plugin", ["bridge", "host-local", "loopback", "portmap"])
def test_a_base_cni_plugin_is_where_the_runtime_looks_for_it(host, plugin):
    assert host.file(f"/opt/cni/bin/{plugin}").mode & 0o111 == 0o111


@pytest.mark.usefixtures("prepared")
def test_a_second_run_changes_nothing():
    before = runs.state_of()
    runs.play("01.prepare.yml", "--check").must_change_nothing()
    runs.play("01.prepare.yml").must_change_nothing()
    assert runs.state_of() == before


@pytest.mark.usefixtures("prepared")
def test_a_foreign_configuration_that_would_win_is_named_and_left_alone():
    _write("k8s-node1", FOREIGN, CONFIG)
    before = runs.state_of()
    refused = runs.play("01.prepare.yml")
    assert refused.status != 0
    assert f"{FOREIGN} wins over 10-flannel.conflist" in refused.words
    assert "k8s-node1" in refused.words
    assert LEFTOVER not in refused.words
    assert runs.state_of() == before


@pytest.mark.usefixtures("prepared")
def test_disable_puts_it_aside_with_its_content():
    _write("k8s-node1", FOREIGN, CONFIG)
    done = runs.play("01.prepare.yml", network_foreign_cni="disable").must_succeed()
    assert done.changed == {"k8s-master1": 0, "k8s-node1": 1, "k8s-node2": 0, "localhost": 0}
    assert lab.on_node("k8s-node1", "ls", CONF_DIR).split() == [
        "05-other.conflist.switchyard-disabled",
        "99-loopback.conf",
    ]
    assert lab.on_node("k8s-node1", "cat", f"{FOREIGN}.switchyard-disabled") == CONFIG
    runs.play("01.prepare.yml", network_foreign_cni="disable").must_change_nothing()


@pytest.mark.usefixtures("prepared")
def test_a_leftover_that_sorts_behind_ours_is_never_touched(host):
    leftover = host.file(LEFTOVER)
    assert leftover.content_string == CONFIG
    assert leftover.mtime.year == 2020
