# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which agents run, and that nothing of their command lines is told but what is known to be harmless."""

from __future__ import annotations

import json

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _agents
from ansible_collections.switchyard.cni.plugins.module_utils._node._gather import Request, gather
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import FakeNode
from hypothesis import given
from hypothesis import strategies as st

SECRET = "s3cr3t"


def add_process(node, pid, *argv, comm=None):
    """A process of this network namespace; a single argument is a command line that it wrote over its own."""
    name = (comm or argv[0].split("/")[-1].split()[0])[:15]
    node.files[f"/proc/{pid}/comm"] = f"{name}\n".encode()
    node.files[f"/proc/{pid}/cmdline"] = ("\0".join(argv) + "\0").encode()
    return node


def agents(node):
    observed = gather(node, Request(("agents",)))
    assert observed["gaps"] == []
    return observed["agents"]


def test_flanneld_with_the_options_that_matter():
    argv = ("/opt/bin/flanneld", "--ip-masq", "--kube-subnet-mgr", "--iface", "eth1", "-healthz-port=8081")
    node = add_process(
        FakeNode(), 1234, *argv, "--kube-api-url", f"https://u:{SECRET}@api", f"--etcd-password={SECRET}"
    )
    assert agents(node) == [
        {
            "name": "flanneld",
            "pid": 1234,
            "args": ["--ip-masq", "--kube-subnet-mgr", "--iface=eth1", "--healthz-port=8081"],
        }
    ]


def test_each_part_of_calico_node_is_an_agent():
    node = FakeNode()
    for pid, argv in enumerate(
        (("calico-node", "-felix"), ("calico-node", "-confd"), ("bird", "-R", "-s", "/b.ctl")), 10
    ):
        add_process(node, pid, *argv)
    assert [(one["name"], one["args"]) for one in agents(node)] == [
        ("calico-node", ["--felix"]),
        ("calico-node", ["--confd"]),
        ("bird", ["--R", "--s=/b.ctl"]),
    ]


def test_k3s_that_replaced_its_arguments_by_a_title():
    node = add_process(FakeNode(), 5, "/usr/local/bin/k3s server", comm="k3s-server")
    add_process(node, 6, "k3s", "agent", "--token", SECRET, "--flannel-backend=host-gw", f"K3S_TOKEN={SECRET}")
    assert [(one["name"], one["args"]) for one in agents(node)] == [
        ("k3s", ["server"]),
        ("k3s", ["agent", "--flannel-backend=host-gw"]),
    ]


def test_an_agent_of_another_network_namespace_is_another_nodes():
    node = add_process(FakeNode(), 7, "kube-proxy", "--proxy-mode=nftables")
    node.links.update({"/proc/self/ns/net": "net:[1]", "/proc/7/ns/net": "net:[2]"})
    assert agents(node) == []
    node.links["/proc/7/ns/net"] = "net:[1]"
    assert agents(node)[0]["args"] == ["--proxy-mode=nftables"]


def test_threads_of_the_kernel_and_other_programs_are_no_agents():
    node = add_process(FakeNode(), 8, "/usr/bin/vim", "flanneld")
    node.files["/proc/9/comm"], node.files["/proc/9/cmdline"] = b"kube-proxy\n", b""
    node.files["/proc/meminfo"] = b""
    assert agents(node) == []


def test_calico_is_calico_node_when_it_is_a_part_of_it():
    """As seen with v3.33; the CNI plugin is the same program, and no agent."""
    node = add_process(FakeNode(), 7, "calico", "component", "felix")
    node = add_process(node, 8, "/usr/bin/calico", "component", "kube-controllers", "--health-port=9440")
    node = add_process(node, 9, "/opt/cni/bin/calico")
    assert [(one["name"], one["pid"], one["args"]) for one in agents(node)] == [("calico-node", 7, ["felix"])]


def test_hyperkube_is_what_its_first_argument_says():
    node = add_process(FakeNode(), 8, "/hyperkube", "kubelet", "--network-plugin=cni")
    assert [(one["name"], one["args"]) for one in agents(node)] == [("kubelet", ["--network-plugin=cni"])]


@pytest.mark.parametrize("name", sorted(_agents.AGENTS))
@given(st.lists(st.sampled_from(["-", "--", "=", "token", "password", SECRET, "iface", "config", " ", "server"])))
def test_no_value_of_an_unknown_option_is_told(name, words):
    """An unknown option and its value, anywhere between known ones, never leave a trace."""
    argv = [*words, "--token", SECRET, f"--bearer={SECRET}", "-v=2"]
    known = {"--" + one for one in (*_agents.AGENTS[name].valued, *_agents.AGENTS[name].switches)}
    for shown in _agents.shown_arguments(argv, _agents.AGENTS[name]):
        assert shown.partition("=")[0] in known or shown in _agents.AGENTS[name].words


@given(st.lists(st.binary(max_size=12), max_size=3))
def test_no_command_line_makes_it_fail(lines):
    node = FakeNode()
    for pid, data in enumerate(lines, 1):
        node.files[f"/proc/{pid}/comm"] = data
        node.files[f"/proc/{pid}/cmdline"] = b"kubelet\0" + data
    json.dumps(agents(node))
