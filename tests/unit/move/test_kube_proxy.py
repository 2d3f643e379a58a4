# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kube-proxy's cluster CIDR: found where it stands, changed there and nowhere else."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.switchyard.cni.plugins.module_utils._node import _kube_proxy_module
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._kube_proxy import gather, plan
from ansible_collections.switchyard.cni.plugins.modules import node_kube_proxy
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import FakeNode

OLD, NEW = "172.50.0.0/16", "172.60.0.0/16"
UNIT = "/etc/systemd/system/kube-proxy.service"
ENV = "/etc/default/kube-proxy"
CONFIG = "/var/lib/kube-proxy/config.yaml"
SHOWN = f"EnvironmentFiles={ENV} (ignore_errors=no)\nFragmentPath={UNIT}\nDropInPaths=\n"
OF_UNIT = "0::/system.slice/kube-proxy.service\n"
OF_POD = "0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-1.scope\n"


class Node(FakeNode):
    """A node on which systemd starts kube-proxy with what its files say, when it is told to."""

    def __init__(self, argv, files=None, cgroup=OF_UNIT, restarts=True):
        super().__init__(files)
        self.argv, self.restarts = argv, restarts
        self.files["/proc/7/comm"] = b"kube-proxy"
        self.files["/proc/7/cgroup"] = cgroup.encode()
        self.tools = {
            "systemctl show": (0, SHOWN, ""),
            "systemctl daemon-reload": (0, "", ""),
            "systemctl restart": self._restart,
        }
        self._start()

    def _start(self):
        words = "\0".join(self.argv(self.files)) + "\0"
        self.files["/proc/7/cmdline"] = words.encode()

    def _restart(self, argv):
        if self.restarts:
            self._start()
        return 0, "", ""


def _value(files, path, key):
    line = next(one for one in files[path].decode().splitlines() if one.startswith(key))
    return line[len(key) :].strip("\"'")


def by_flag(text):
    """kube-proxy with the option in its unit."""
    return Node(lambda files: files[UNIT].decode().removeprefix("ExecStart=").split(), {UNIT: f"ExecStart={text}\n"})


def by_variable(assigned=f"POD_CIDR={OLD}"):
    """kube-proxy with the option in an environment file."""
    files = {UNIT: "ExecStart=kube-proxy --cluster-cidr=${POD_CIDR} --v=2\n", ENV: f"{assigned}\nOTHER={OLD}\n"}
    return Node(lambda now: ["kube-proxy", f"--cluster-cidr={_value(now, ENV, 'POD_CIDR=')}"], files)


def by_config(line=f'clusterCIDR: "{OLD}"'):
    """kube-proxy with a file of its own."""
    return Node(
        lambda files: ["kube-proxy", f"--config={CONFIG}"], {CONFIG: f"mode: ipvs\n{line}\nbindAddress: {OLD}\n"}
    )


WAYS = {
    "flag": lambda: by_flag(f"kube-proxy --cluster-cidr={OLD} --v=2"),
    "two words": lambda: by_flag(f"kube-proxy --cluster-cidr {OLD} --v 2"),
    "variable": by_variable,
    "config": by_config,
    "config unquoted": lambda: by_config(f"clusterCIDR: {OLD}"),
}


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the module on a node in memory."""

    def runner(node, **params):
        monkeypatch.setattr(_kube_proxy_module, "RealNode", lambda: node)
        with patch_module_args({"cluster_cidr": [NEW], "replaces": [OLD], **params}), pytest.raises(SystemExit):
            node_kube_proxy.main()
        told = json.loads(capsys.readouterr().out)
        told.pop("invocation", None)
        return told

    return runner


@pytest.mark.parametrize("way", WAYS)
def test_it_is_changed_where_it_stands_there_and_back_and_not_twice(run, way):
    node = WAYS[way]()
    before = dict(node.files)
    assert run(node)["cluster_cidr"] == NEW
    assert not run(node)["changed"]
    assert run(node, cluster_cidr=[OLD], replaces=[NEW])["cluster_cidr"] == OLD
    assert node.files == before


def test_nothing_else_in_the_file_is_touched(run):
    node = by_variable()
    run(node)
    assert node.files[ENV].decode() == f"POD_CIDR={NEW}\nOTHER={OLD}\n"
    other = by_config()
    run(other)
    assert other.files[CONFIG].decode() == f'mode: ipvs\nclusterCIDR: "{NEW}"\nbindAddress: {OLD}\n'


def test_a_quoted_assignment_keeps_its_quotes(run):
    node = by_variable(f'POD_CIDR="{OLD}"')
    run(node)
    assert f'POD_CIDR="{NEW}"' in node.files[ENV].decode()


@pytest.mark.parametrize(
    "node",
    [
        FakeNode(),
        by_flag("kube-proxy --cluster-cidr=172.48.0.0/12"),
        by_flag("kube-proxy --detect-local-mode=NodeCIDR"),
        Node(lambda files: ["kube-proxy", f"--cluster-cidr={OLD}"], cgroup=OF_POD),
    ],
    ids=["none", "an operator's own", "no cluster CIDR", "a pod"],
)
def test_what_is_not_ours_to_change_stays(run, node):
    told = run(node)
    assert (told["changed"], told["steps"], node.written) == (False, [], [])


def test_a_run_that_was_killed_before_the_restart_is_ended(run):
    node = by_variable()
    node.files[ENV] = node.files[ENV].replace(f"POD_CIDR={OLD}".encode(), f"POD_CIDR={NEW}".encode())
    told = run(node)
    assert told["steps"] == ["reload systemd's units", "restart kube-proxy.service"]
    assert told["cluster_cidr"] == NEW


def test_an_option_that_stands_nowhere_is_named_with_the_way_out():
    node = Node(lambda files: ["kube-proxy", f"--cluster-cidr={OLD}"], {UNIT: "ExecStart=/usr/local/bin/start\n"})
    with pytest.raises(NodeError, match=r"stands in no file of kube-proxy\.service; set it to 172\.60\.0\.0/16"):
        plan(gather(node), NEW, [OLD])


def test_a_kube_proxy_that_does_not_come_back_is_told(run):
    node = by_variable()
    node.restarts = False
    told = run(node, timeout=2)
    assert told["failed"]
    assert f"within 2 s: it has {OLD}" in told["msg"]


def test_check_mode_writes_nothing(run):
    node = by_variable()
    told = run(node, _ansible_check_mode=True, _ansible_diff=True)
    assert (told["changed"], node.written) == (True, [])
    assert f"POD_CIDR={NEW}" in told["diff"][0]["after"]
