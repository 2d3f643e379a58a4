# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container runtime, and where it looks for CNI configuration and plugins."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _runtime
from ansible_collections.switchyard.cni.plugins.module_utils._node._gather import Request, gather
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import FakeNode
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.test_node_agents import add_process
from hypothesis import given
from hypothesis import strategies as st

CONTAINERD = "/run/containerd/containerd.sock"
K3S = "/run/k3s/containerd/containerd.sock"
VERSION_2 = """
version = 2
[plugins]
  [plugins."io.containerd.grpc.v1.cri"]
    sandbox_image = "pause"
    [plugins."io.containerd.grpc.v1.cri".cni]
      # bin_dir = "/nowhere"
      bin_dir = "/usr/lib/cni"
      conf_dir = "/etc/cni/other.d/" # ours
    [plugins."io.containerd.grpc.v1.cri".registry]
      config_path = "/etc/containerd/certs.d"
"""
VERSION_3 = """
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dir = ''
  bin_dirs = ['/opt/cni/bin', '/usr/lib/cni']
  conf_dir = '/etc/cni/net.d'
[plugins.'io.containerd.cri.v1.images']
  conf_dir = '/nowhere'
"""
CRI_O = """
[crio.network]
network_dir = "/etc/cni/crio.d/"
plugin_dirs = [
    # first
    "/usr/libexec/cni/",
    "/opt/cni/bin/",
]
"""


def node_with(*sockets, **files):
    node = FakeNode({path.replace("__", "/"): text for path, text in files.items()})
    node.daemons.update(dict.fromkeys(sockets))
    return node


def runtime(node):
    observed = gather(node, Request(("runtime",)))
    assert observed["gaps"] == []
    return tuple(observed["runtime"].values())


def test_containerd_by_its_socket_with_its_own_directories():
    assert runtime(node_with(CONTAINERD)) == ("containerd", CONTAINERD, "/etc/cni/net.d", "/opt/cni/bin")
    node = node_with(CONTAINERD)
    node.files["/etc/containerd/config.toml"] = VERSION_2.encode()
    assert runtime(node) == ("containerd", CONTAINERD, "/etc/cni/other.d", "/usr/lib/cni")


def test_containerd_that_was_told_another_configuration_file():
    node = add_process(node_with(CONTAINERD), 3, "/usr/bin/containerd", "--config", "/etc/containerd/k8s.toml")
    node.files["/etc/containerd/config.toml"] = b"[plugins.cri.cni]\nconf_dir = '/nowhere'\n"
    node.files["/etc/containerd/k8s.toml"] = VERSION_2.encode()
    assert runtime(node)[2:] == ("/etc/cni/other.d", "/usr/lib/cni")


def test_docker_is_told_by_the_kubelet_although_containerd_runs_too():
    node = node_with(CONTAINERD, "/run/cri-dockerd.sock")
    add_process(node, 3, "/usr/bin/kubelet", "--container-runtime-endpoint=unix:///var/run/cri-dockerd.sock")
    add_process(node, 4, "/usr/bin/cri-dockerd", "--cni-conf-dir", "/etc/cni/docker.d", "--cni-bin-dir=/a,/b")
    assert runtime(node) == ("docker", "/var/run/cri-dockerd.sock", "/etc/cni/docker.d", "/a")


def test_the_kubelets_configuration_file_tells_too():
    node = node_with(CONTAINERD, "/run/crio/crio.sock")
    add_process(node, 3, "/usr/bin/kubelet", "--config=/etc/kubelet.yaml")
    node.files["/etc/kubelet.yaml"] = (
        b"kind: KubeletConfiguration\ncontainerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock'\n"
    )
    assert runtime(node)[:2] == ("containerd", CONTAINERD)


def test_cri_o_with_its_drop_ins():
    node = node_with("/run/crio/crio.sock")
    assert runtime(node)[0] == "cri-o"
    node.files["/etc/crio/crio.conf"] = b'[crio.network]\nnetwork_dir = "/etc/cni/net.d"\n'
    node.files["/etc/crio/crio.conf.d/10-own.conf"] = CRI_O.encode()
    assert runtime(node)[2:] == ("/etc/cni/crio.d", "/usr/libexec/cni")


def test_k3s_keeps_its_own_directories():
    node = node_with(K3S, CONTAINERD)
    node.files["/var/lib/rancher/k3s/server/node-token"] = b"K10secret"
    agent = "/var/lib/rancher/k3s/agent/etc"
    assert runtime(node) == ("k3s", K3S, f"{agent}/cni/net.d", "/var/lib/rancher/k3s/data/current/bin")
    node.files[f"{agent}/containerd/config.toml"] = VERSION_3.replace("/etc/cni/net.d", f"{agent}/cni/net.d").encode()
    assert runtime(node)[3] == "/opt/cni/bin"


def test_rke2_shares_k3s_socket_and_not_its_directories():
    node = node_with(K3S)
    node.files["/var/lib/rancher/rke2/agent/etc/containerd/config.toml"] = VERSION_3.encode()
    assert runtime(node) == ("containerd", K3S, "/etc/cni/net.d", "/opt/cni/bin")


def test_a_moved_socket_is_known_by_its_name():
    node = add_process(
        node_with(), 3, "kubelet", "--container-runtime-endpoint=unix:///data/containerd/containerd.sock"
    )
    assert runtime(node)[0] == "containerd"


@pytest.mark.parametrize("endpoint", ["unix:///run/other.sock", ""])
def test_an_unknown_runtime_has_no_name_and_the_usual_directories(endpoint):
    node = add_process(node_with(), 3, "kubelet", f"--container-runtime-endpoint={endpoint}")
    socket = endpoint[len("unix://") :] or None
    assert runtime(node) == (None, socket, "/etc/cni/net.d", "/opt/cni/bin")


def test_a_configuration_that_may_not_be_read_is_a_gap():
    path = "/etc/containerd/config.toml"
    node = FakeNode({path: VERSION_2}, forbidden=[path])
    node.daemons[CONTAINERD] = None
    observed = gather(node, Request(("runtime",)))
    assert observed["gaps"] == [{"what": path, "reason": "Permission denied"}]
    assert observed["runtime"]["cni_conf_dir"] == "/etc/cni/net.d"


def test_the_section_cni_follows_the_runtime_where_it_is_asked_to():
    node = node_with(CONTAINERD)
    node.files["/etc/containerd/config.toml"] = VERSION_2.encode()
    node.files["/etc/cni/other.d/10-flannel.conflist"] = b'{"name": "cbr0", "plugins": [{"type": "flannel"}]}'
    node.executable("/usr/lib/cni/bridge")
    node.executable("/opt/cni/bin/flannel")
    cni = gather(node, Request(("cni",), conf_dir="auto", bin_dir="auto"))["cni"]
    assert (cni["conf_dir"], cni["bin_dir"]) == ("/etc/cni/other.d", "/usr/lib/cni")
    assert [config["file"] for config in cni["configs"]] == ["10-flannel.conflist"]
    assert (cni["binaries"], cni["search"]) == (["bridge"], {"/opt/cni/bin": ["flannel"]})
    fixed = gather(node, Request(("cni",), conf_dir="auto"))["cni"]
    assert (fixed["conf_dir"], fixed["bin_dir"]) == ("/etc/cni/other.d", "/opt/cni/bin")


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        (VERSION_2, {"bin_dir": "/usr/lib/cni", "conf_dir": "/etc/cni/other.d"}),
        (VERSION_3, {"bin_dirs": "/opt/cni/bin", "conf_dir": "/etc/cni/net.d"}),
        (CRI_O, {"network_dir": "/etc/cni/crio.d", "plugin_dirs": "/usr/libexec/cni"}),
        ("", {}),
    ],
)
def test_the_settings_in_a_configuration(text, settings):
    assert dict(_runtime.cni_settings(text)) == settings


@given(st.text(alphabet="[]cni.crio.network=\"'/#\n ", max_size=80) | st.text(max_size=60))
def test_any_configuration_gives_paths_or_nothing(text):
    assert all(path.startswith("/") for dummy, path in _runtime.cni_settings(text))
