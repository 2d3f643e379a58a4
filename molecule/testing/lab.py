# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access to the lab: the cluster through kubectl, the nodes through Docker or, where they are machines, ssh."""

from __future__ import annotations

import base64
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import testinfra
from testinfra.host import Host

from .seed import HOSTS, NODES, POD_NETWORK, VIRTUAL, Route

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / "molecule" / "shared"
STATE = ROOT / ".lab" / ("vm" if VIRTUAL else "")
KUBECTL = (str(Path(sys.executable).parent / "kubectl"), f"--kubeconfig={STATE / 'kubeconfig'}")
ETCDCTL = (
    "etcdctl",
    "--endpoints=https://127.0.0.1:2379",
    "--cacert=/etc/k8s/etcd-ca.crt",
    "--cert=/etc/k8s/flannel-etcd.crt",
    "--key=/etc/k8s/flannel-etcd.key",
)
# Emulated machines take their time to start containers.
ROLLOUT_SECONDS = 240 if VIRTUAL else 60
FLANNEL_DAEMONSET = ("--namespace=kube-flannel", "daemonset/kube-flannel-ds")


def program(argv: Sequence[str], seconds: float = 60) -> str:
    """Run a program of this machine; return its output, fail with its words."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout}{done.stderr}"
    return done.stdout


def succeeds(argv: Sequence[str]) -> bool:
    """Return whether a program of this machine succeeds."""
    return subprocess.run(argv, capture_output=True, timeout=30, check=False).returncode == 0


def kubectl(*words: str, seconds: float = 60) -> str:
    """Run kubectl as the lab's administrator."""
    return program([*KUBECTL, *words], seconds)


def objects(*words: str) -> list[dict[str, Any]]:
    """Return objects as `kubectl get` lists them."""
    return json.loads(kubectl("get", "--output=json", *words))["items"]


def journal() -> dict[str, Any]:
    """Return what the cluster's journal says."""
    told = kubectl("get", "--namespace=kube-system", "configmap", "switchyard-cni", "--output=json")
    return json.loads(json.loads(told)["data"]["journal.json"])


@cache
def node_host(name: str) -> Host:
    """Return testinfra's view of a node."""
    return testinfra.get_host(dict(zip(NODES, HOSTS, strict=True))[name])


def on_node(name: str, *words: str) -> str:
    """Run a program on a node."""
    return program(node_command(name, *words))


def node_command(name: str, *words: str) -> list[str]:
    """Return the words that run a program on a node."""
    if not VIRTUAL:
        return ["docker", "exec", name, *words]
    options = ["-F", str(STATE / "ssh_config"), "-o", f"ControlPath={STATE / 'ssh-%n'}"]
    return ["ssh", *options, name, shlex.join(["sudo", "--", *words])]


def boots() -> dict[str, str]:
    """Return what the kernel calls each node's boot: another one after each."""
    return {name: on_node(name, "cat", "/proc/sys/kernel/random/boot_id").strip() for name in NODES}


@dataclass(frozen=True)
class Pod:
    """A running pod of the tests."""

    name: str
    app: str
    node: str
    address: str

    def run(self, *words: str) -> str:
        """Run a program in the pod."""
        return kubectl("exec", self.name, "--", *words)

    def silent(self, addresses: Iterable[str]) -> set[str]:
        """Ping some addresses once each, from one shell in the pod; return those that have not answered."""
        script = 'for a; do ping -c 1 -W 2 "$a" >/dev/null || echo "$a"; done'
        return set(self.run("sh", "-c", script, "-", *addresses).split())

    def reaches(self, address: str) -> bool:
        """Return whether one ping is answered in two seconds."""
        return succeeds([*KUBECTL, "exec", self.name, "--", "ping", "-c", "1", "-W", "2", address])


def start_pods() -> list[Pod]:
    """Start the original cluster's four test pods and a web server on each node; wait until they run."""
    files = Path(__file__).parent / "files"
    kubectl("apply", f"--filename={SHARED / 'files' / 'net-test.yml'}", f"--filename={files / 'web.yml'}")
    kubectl(
        "rollout",
        "status",
        "deployment/net-test1",
        "daemonset/web",
        f"--timeout={ROLLOUT_SECONDS}s",
        seconds=ROLLOUT_SECONDS + 10,
    )
    return running_pods()


def running_pods() -> list[Pod]:
    """Return the pods of the tests, sorted by node and address."""
    listed = objects("pods", "--selector=run in (net-test1,web)")
    pods = [_pod(item) for item in listed if "deletionTimestamp" not in item["metadata"]]
    return sorted(pods, key=lambda pod: (pod.app, pod.node, pod.address))


def _pod(item: Mapping[str, Any]) -> Pod:
    about = item["metadata"]
    return Pod(about["name"], about["labels"]["run"], item["spec"]["nodeName"], item["status"]["podIP"])


def unreachable_pairs(pods: Sequence[Pod]) -> list[str]:
    """Ping from every pod to every other one; return the pairs that fail."""
    return [
        f"{source.node}/{source.address} -> {target.node}/{target.address}"
        for source in pods
        for silent in [source.silent(pod.address for pod in pods if pod is not source)]
        for target in pods
        if target.address in silent
    ]


def pod_routes(node: str) -> set[Route]:
    """Return a node's routes into the pod network, as the kernel has them."""
    rows = json.loads(on_node(node, "ip", "-j", "-4", "route"))
    return {
        Route(_cidr(row["dst"]), row.get("gateway"), row["dev"], "onlink" in row.get("flags", []))
        for row in rows
        if row["dst"] != "default" and IPv4Network(row["dst"]).subnet_of(POD_NETWORK)
    }


def _cidr(destination: str) -> str:
    return str(IPv4Network(destination))


def links(node: str) -> dict[str, dict[str, Any]]:
    """Return a node's links by their names."""
    return {link["ifname"]: link for link in json.loads(on_node(node, "ip", "-j", "-d", "address"))}


def forwarding_table(node: str) -> list[dict[str, Any]]:
    """Return the forwarding table of a node's VXLAN device."""
    return json.loads(on_node(node, "bridge", "-j", "fdb", "show", "dev", "flannel.1"))


@dataclass(frozen=True)
class Vtep:
    """What a node makes known of its end of the tunnel."""

    public_ip: str
    mac: str | None


def announced_in_kubernetes() -> dict[str, Vtep]:
    """Return what flanneld wrote on the Nodes."""
    prefix = "flannel.alpha.coreos.com"
    found = {}
    for item in objects("nodes"):
        notes = item["metadata"]["annotations"]
        data = json.loads(notes[f"{prefix}/backend-data"]) or {}
        found[item["metadata"]["name"]] = Vtep(notes[f"{prefix}/public-ip"], data.get("VtepMAC"))
    return found


def etcd_values(prefix: str) -> dict[str, Any]:
    """Return what lies below a key of etcd, as JSON."""
    answer = json.loads(on_node("k8s-master1", *ETCDCTL, "get", "--prefix", prefix, "--write-out=json"))
    return {_text(pair["key"]): json.loads(_text(pair["value"])) for pair in answer.get("kvs", [])}


def _text(encoded: str) -> str:
    return base64.b64decode(encoded).decode()


def leases() -> dict[str, tuple[IPv4Network, Vtep]]:
    """Return each node's lease in etcd: its subnet and its end of the tunnel."""
    names = {node.address: name for name, node in NODES.items()}
    found = {}
    for key, value in etcd_values("/coreos.com/network/subnets/").items():
        subnet = IPv4Network(key.rsplit("/", 1)[1].replace("-", "/"))
        found[names[value["PublicIP"]]] = (subnet, Vtep(value["PublicIP"], value["BackendData"]["VtepMAC"]))
    return found


def readiness() -> dict[str, dict[str, Any]]:
    """Return what the API server knows of each node's kubelet: the condition Ready."""
    return {
        node["metadata"]["name"]: condition
        for node in objects("nodes")
        for condition in node["status"]["conditions"]
        if condition["type"] == "Ready"
    }


def is_ready(*nodes: str) -> bool:
    """Return whether these nodes (all of them by default) are Ready."""
    return all(condition["status"] == "True" for name, condition in readiness().items() if not nodes or name in nodes)


@contextmanager
def stopped_api_server() -> Iterator[None]:
    """The API server is gone, as after a crash."""
    try:
        # Killed, since a server that is asked to stop first waits a minute for its watchers.
        on_node("k8s-master1", "systemctl", "stop", "--no-block", "kube-apiserver")
        on_node("k8s-master1", "systemctl", "kill", "--signal=SIGKILL", "kube-apiserver")
        eventually(lambda: not _api_answers(), 10, "the API server is gone")
        yield
    finally:
        on_node("k8s-master1", "systemctl", "start", "kube-apiserver")
        eventually(_api_answers, 60, "the API server answers")


def _api_answers() -> bool:
    return succeeds([*KUBECTL, "get", "--raw=/readyz"])


def eventually(holds: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until a condition holds; fail when its time is up."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"after {seconds} s still not: {what}"
        time.sleep(0.3)
