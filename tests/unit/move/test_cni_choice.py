# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which plugin new pods get while two are installed: by a file, and not by how agents call theirs."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.switchyard.cni.plugins.module_utils._node import _choice_module
from ansible_collections.switchyard.cni.plugins.module_utils._node._choice import FILE, as_list, gather, plan
from ansible_collections.switchyard.cni.plugins.module_utils._node._cni import config_names
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.modules import node_cni_choice
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import FakeNode

DIR = "/etc/cni/net.d"
FLANNEL = json.dumps({"name": "cbr0", "cniVersion": "0.3.1", "plugins": [{"type": "flannel"}, {"type": "portmap"}]})
CALICO = json.dumps({"name": "k8s-pod-network", "cniVersion": "0.3.1", "plugins": [{"type": "calico"}]})
BOTH = {"10-flannel.conflist": FLANNEL, "10-calico.conflist": CALICO}


def node_with(files):
    return FakeNode({f"{DIR}/{name}": data for name, data in files.items()})


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the module on a node in memory."""

    def runner(node, **params):
        monkeypatch.setattr(_choice_module, "RealNode", lambda: node)
        with patch_module_args(params), pytest.raises(SystemExit):
            node_cni_choice.main()
        told = json.loads(capsys.readouterr().out)
        told.pop("invocation", None)
        return told

    return runner


def first(node):
    """The plugin of the configuration that the runtime takes."""
    return json.loads(node.read(f"{DIR}/{config_names(node, DIR)[0]}"))["plugins"][0]["type"]


def test_what_new_pods_get_stays_when_a_plugin_comes_whose_file_sorts_first(run):
    node = node_with({"10-flannel.conflist": FLANNEL})
    assert run(node, state="held") == {"changed": True, "plugin": "flannel"}
    node.write(f"{DIR}/10-calico.conflist", CALICO.encode(), 0o600)
    assert first(node) == "flannel"
    assert run(node, state="held") == {"changed": False, "plugin": "flannel"}


@pytest.mark.parametrize("plugin", ["flannel", "calico"])
def test_the_chosen_plugin_wins_whatever_the_names_and_stays_chosen(run, plugin):
    node = node_with(BOTH)
    assert run(node, plugin=plugin)["changed"]
    assert first(node) == plugin
    assert not run(node, plugin=plugin)["changed"]
    assert not run(node, state="held")["changed"]


def test_letting_go_leaves_the_decision_to_the_file_that_is_left(run):
    node = node_with({"10-calico.conflist": CALICO, FILE: CALICO})
    assert run(node, state="absent", plugin="calico")["changed"]
    assert config_names(node, DIR) == ["10-calico.conflist"]
    assert not run(node, state="absent", plugin="calico")["changed"]


def test_check_mode_tells_and_writes_nothing(run):
    node = node_with(BOTH)
    told = run(node, plugin="flannel", _ansible_check_mode=True, _ansible_diff=True)
    assert told["changed"]
    assert told["diff"][0]["after_header"] == f"{DIR}/{FILE}"
    assert node.written == []


@pytest.mark.parametrize(
    ("files", "state", "plugin", "said"),
    [
        (
            {"10-flannel.conflist": FLANNEL},
            "chosen",
            "calico",
            "no CNI configuration of calico .*its agent installs",
        ),
        ({}, "chosen", "calico", r"\(none\)"),
        ({**BOTH, "00-multus.conf": CALICO}, "chosen", "calico", "00-multus.conf comes before"),
        ({**BOTH, FILE: FLANNEL}, "absent", "flannel", "new pods would get .*10-calico.conflist, and not .* flannel"),
        ({FILE: FLANNEL}, "absent", "flannel", "no network"),
    ],
)
def test_what_would_go_wrong_is_refused_before_anything_is_written(files, state, plugin, said):
    configs = gather(node_with(files), DIR)
    with pytest.raises(NodeError, match=said):
        plan(configs, DIR, state, plugin)


def test_a_node_without_any_configuration_has_nothing_to_hold():
    assert plan(gather(FakeNode(), DIR), DIR, "held", None).steps == ()


def test_a_single_configuration_becomes_a_list():
    one = json.dumps({"name": "cbr0", "cniVersion": "0.3.1", "type": "flannel", "delegate": {}}).encode()
    whole = json.loads(as_list(one))
    assert whole == {"name": "cbr0", "cniVersion": "0.3.1", "plugins": [{"type": "flannel", "delegate": {}}]}


def test_a_damaged_file_is_no_plugins():
    configs = gather(node_with({"10-x.conf": "{", "10-flannel.conflist": FLANNEL}), DIR)
    assert [one.plugin for one in configs] == ["flannel", None]
