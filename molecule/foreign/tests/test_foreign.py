# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nobody has declared these networks, and other tools have deployed them: what runs is detected, and then judged."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Any

import pytest
from testing import lab, runs, seed

HERE = Path(__file__).parent
BASE_PLUGINS = "bridge host-local loopback portmap"
Result = Mapping[str, Any]

INVENTORY = """
all:
  hosts:
    localhost: {ansible_connection: local, ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  vars: {network_kubeconfig: "%s"}
kube_control_plane: {hosts: {k8s-master1: }}
kube_node: {hosts: {k8s-node1: , k8s-node2: }}
nodes:
  children: {kube_control_plane: , kube_node: }
  vars: {ansible_connection: community.docker.docker, ansible_python_interpreter: /usr/bin/python3}
"""


@pytest.fixture
def verify(tmp_path) -> Callable[..., Result]:
    """Verify with an inventory that says who the nodes are, and nothing about their network."""
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(INVENTORY % (runs.ROOT / ".lab" / "kubeconfig"), encoding="utf-8")

    def play(**settings: str) -> Result:
        done = runs.play("verify.yml", "--inventory", str(inventory), verify_report_dir=str(tmp_path), **settings)
        assert (tmp_path / "verification.json").is_file(), done.output
        return json.loads((tmp_path / "verification.json").read_text(encoding="utf-8"))

    return play


def told(result: Result) -> set[tuple[str, str]]:
    return {(one["id"], one["node"]) for one in result["findings"]}


def on_all_nodes(lines: str) -> None:
    for node in seed.NODES:
        lab.on_node(node, "sh", "-c", lines)


def apply(manifest: str, verb: str = "apply") -> None:
    done = subprocess.run(
        [*lab.KUBECTL, verb, "--filename=-", *(["--ignore-not-found"] if verb == "delete" else [])],
        input=manifest, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@contextmanager
def deployed(namespace: str, net_conf: Mapping[str, Any]) -> Iterator[None]:
    """flannel as another tool deploys it."""
    text = (HERE / "flannel.yml").read_text(encoding="utf-8")
    manifest = Template(text).substitute(namespace=namespace, net_conf=json.dumps(net_conf))
    on_all_nodes(f"mkdir -p /opt/cni/bin && cd /usr/lib/cni && cp {BASE_PLUGINS} /opt/cni/bin")
    try:
        if namespace != "kube-system":
            lab.kubectl("create", "namespace", namespace)
        apply(manifest)
        lab.kubectl(
            "rollout", "status", f"--namespace={namespace}", "daemonset/kube-flannel-ds", "--timeout=90s", seconds=100
        )
        yield
    finally:
        clean(manifest)


def clean(manifest: str = "") -> None:
    """Back to a cluster without a pod network, by the lab's own way."""
    lab.program([runs.PLAYBOOK, str(lab.SHARED / "cleanup.yml")], 240)
    if manifest:
        apply(manifest, "delete")


def test_kubeasz_like_flannel_in_kube_system_with_the_seeds_spelling(verify):
    """kubeasz writes `Directrouting`; Go reads keys in any case, and so does the detection."""
    conf = {"Network": "172.50.0.0/16", "Backend": {"Type": "vxlan", "Directrouting": True}}
    with deployed("kube-system", conf):
        pods = lab.start_pods()
        result = verify()
        assert told(result) == set()
        assert result["declared"] is False
        assert result["network"]["backend"] == "vxlan + DirectRouting"
        assert result["network"]["settings"]["flannel_direct_routing"] is True
        between = [path for path in result["paths"] if path["expected"] == "node"]
        assert between
        assert all(path["class"] == "node" for path in between)
        _kubeaszs_default_configuration(verify, pods)


def _kubeaszs_default_configuration(verify, pods) -> None:
    """kubeasz leaves 10-default.conf on every node: it sorts first, and new pods get a bridge of their own."""
    conf = {
        "cniVersion": "0.3.1", "name": "mynet", "type": "bridge", "bridge": "mynet0", "isDefaultGateway": True,
        "ipam": {"type": "host-local", "subnet": "172.50.0.0/16"},
    }  # fmt: skip
    lab.on_node("k8s-node1", "sh", "-c", f"echo '{json.dumps(conf)}' > /etc/cni/net.d/10-default.conf")
    victim = next(pod for pod in pods if pod.app == "web" and pod.node == "k8s-node1")
    lab.kubectl("delete", "pod", victim.name, "--grace-period=0", "--force")
    lab.kubectl("rollout", "status", "daemonset/web", "--timeout=60s", seconds=70)
    try:
        found = told(verify(verify_probe="none"))
    finally:
        # Nothing else would: kubeasz itself never deletes this bridge.
        lab.on_node("k8s-node1", "sh", "-c", "rm /etc/cni/net.d/10-default.conf; ip link del mynet0")
    # The new pod has the first address of the whole pod network, which is another node's.
    shadowed = {"cni-config-shadowed", "pod-address-foreign", "route-stale", "pod-mtu-high"}
    assert {(one, "k8s-node1") for one in shadowed} <= found
    assert found <= {(one, "k8s-node1") for one in shadowed} | {("pod-address-duplicate", "")}


def test_upstream_like_flannel_in_its_own_namespace(verify):
    with deployed("kube-flannel", {"Network": "172.50.0.0/16", "Backend": {"Type": "host-gw"}}):
        lab.start_pods()
        result = verify()
        assert told(result) == set()
        assert result["network"]["backend"] == "host-gw"
        assert all(path["reachable"] for path in result["paths"])


K3S = "/var/lib/rancher/k3s"
K3S_CONF, K3S_BIN = f"{K3S}/agent/etc/cni/net.d", f"{K3S}/data/current/bin"
CONTAINERD = "/run/lab/containerd.toml"


@contextmanager
def k3s_like() -> Iterator[None]:
    """flannel without any object in the cluster: a process with a file, and CNI in directories of its own."""
    lab_dirs = {"conf_dir": "/etc/cni/net.d", "bin_dir": "/opt/cni/bin"}
    own_dirs = {"conf_dir": K3S_CONF, "bin_dir": K3S_BIN}
    kubeconfig = lab.kubectl("config", "view", "--raw", "--flatten", "--minify")
    files = {
        f"{K3S}/agent/etc/flannel/net-conf.json": {"Network": "172.50.0.0/16", "Backend": {"Type": "vxlan", "VNI": 7}},
        f"{K3S_CONF}/10-flannel.conflist": {
            "name": "cbr0",
            "cniVersion": "0.3.1",
            "plugins": [{"type": "flannel", "delegate": {"hairpinMode": True, "isDefaultGateway": True}}],
        },
    }
    try:
        for node in seed.NODES:
            _write(node, "/root/kubeconfig", kubeconfig)
            for path, content in files.items():
                _write(node, path, json.dumps(content))
            lines = f"mkdir -p {K3S_BIN} && cd /usr/lib/cni && cp {BASE_PLUGINS} /opt/k8s/bin/flannel {K3S_BIN}"
            lab.on_node(node, "sh", "-c", lines)
            _move_cni(node, lab_dirs, own_dirs)
            flanneld = "/opt/k8s/bin/flanneld --kube-subnet-mgr --ip-masq --kubeconfig-file=/root/kubeconfig"
            flanneld += f" --net-config-path={K3S}/agent/etc/flannel/net-conf.json"
            lab.on_node(
                node,
                "systemd-run",
                "--quiet",
                "--collect",
                "--unit=flannel-embedded",
                f"--setenv=NODE_NAME={node}",
                *flanneld.split(),
            )
        lab.eventually(lambda: all(_has_env(node) for node in seed.NODES), 60, "flanneld has its subnet everywhere")
        yield
    finally:
        on_all_nodes("systemctl stop flannel-embedded; rm -f /root/kubeconfig")
        lab.kubectl("delete", "daemonset,deployment", "--all", "--grace-period=0", "--force")
        lab.eventually(lambda: not lab.running_pods(), 60, "the pods are gone")
        for node in seed.NODES:
            _move_cni(node, own_dirs, lab_dirs)
            lab.on_node(node, "sh", "-c", f"rm -rf {K3S}; ip link del flannel.7 2>/dev/null; true")
        clean()


def _write(node: str, path: str, text: str) -> None:
    lines = f"mkdir -p {Path(path).parent} && cat > {path}"
    subprocess.run(["docker", "exec", "-i", node, "sh", "-c", lines], input=text, text=True, check=True, timeout=30)


def _move_cni(node: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
    edits = " ".join(f"-e 's|^{key} = .*|{key} = \"{new[key]}\"|'" for key in old)
    lab.on_node(node, "sh", "-c", f"sed -i {edits} {CONTAINERD} && systemctl restart containerd")


def _has_env(node: str) -> bool:
    return lab.succeeds(["docker", "exec", node, "test", "-s", "/run/flannel/subnet.env"])


def test_k3s_like_paths_and_no_object_in_the_cluster(verify):
    with k3s_like():
        lab.start_pods()
        result = verify()
        assert told(result) == set()
        settings = result["network"]["settings"]
        assert (settings["flannel_backend"], settings["flannel_vni"], settings["flannel_direct_routing"]) == (
            "vxlan",
            7,
            False,
        )
        assert {tunnel["name"] for node in result["nodes"] for tunnel in node["tunnels"]} == {"flannel.7"}
        assert all(path["reachable"] for path in result["paths"])
        lab.on_node("k8s-node1", "ip", "route", "del", "172.50.1.0/24")
        assert ("route-missing", "k8s-node1") in told(verify(verify_probe="none"))


def test_a_cluster_without_any_network_is_one_error(tmp_path):
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(INVENTORY % (runs.ROOT / ".lab" / "kubeconfig"), encoding="utf-8")
    done = runs.play("verify.yml", "--inventory", str(inventory))
    assert done.status != 0
    assert "no node runs a network plugin that is known here" in done.words
    assert "Declare network_plugin and network_pod_cidr" in done.words
