# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_network_info and real pods: namespaces with a veth on cni0, as a container runtime and its plugin make them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from conftest import SECTIONS, ip, module

CONTAINER = "5eed" * 16


def run(*argv):
    subprocess.run(argv, check=True, capture_output=True)


class Pod:
    """A pod's namespace under the name a container runtime would give it, with its veth on cni0."""

    def __init__(self, number, mtu=1450):
        self.name = f"cni-switchyard-{os.getpid()}-{number}"
        self.path = f"/run/netns/{self.name}"
        self.host_dev = f"veth{number}"
        self.address = f"172.50.2.{number}"
        run("ip", "netns", "add", self.name)
        ip(f"link add {self.host_dev} mtu {mtu} type veth peer name eth0 mtu {mtu} netns {self.name}")
        ip(f"link set {self.host_dev} master cni0 up")
        self.inside(f"link set eth0 up\naddr add {self.address}/24 dev eth0\nroute add default via 172.50.2.1")

    def inside(self, commands):
        subprocess.run(["ip", "-n", self.name, "-batch", "-"], input=commands, text=True, check=True)

    def remove(self):
        subprocess.run(["ip", "netns", "del", self.name], check=True)


@pytest.fixture
def pods(underlay, node):
    """Makes pods, and lets the node see the namespaces of the machine."""
    (node.root / "run").mkdir(exist_ok=True)
    (node.root / "run/netns").symlink_to("/run/netns")
    made = []

    def make(*arguments, **options):
        made.append(Pod(*arguments, **options))
        return made[-1]

    yield make
    for pod in made:
        pod.remove()


def remember(node, pod):
    """What libcni and host-local keep of a pod."""
    cached = {
        "kind": "cniCacheV1",
        "containerId": CONTAINER,
        "ifName": "eth0",
        "networkName": "cbr0",
        "cniArgs": [["K8S_POD_NAMESPACE", "default"], ["K8S_POD_NAME", "web-0"]],
        "result": {
            "interfaces": [{"name": "eth0", "sandbox": f"/var/run/netns/{pod.name}"}],
            "ips": [{"address": f"{pod.address}/24"}],
        },
    }
    node.put(f"/var/lib/cni/results/cbr0-{CONTAINER}-eth0", json.dumps(cached))
    node.put(f"/var/lib/cni/networks/cbr0/{pod.address}", f"{CONTAINER}\r\neth0")


def found(node, pod):
    """What is told of one pod: other tests of this machine may have namespaces too."""
    observed = node.observe("pods")
    assert [gap for gap in observed["gaps"] if pod.name in gap["what"]] == []
    return [one for one in observed["pods"] if one["netns"] == pod.path]


def test_a_pod_with_its_name_address_mtu_and_the_nodes_end(pods, node):
    pod = pods(7)
    remember(node, pod)
    assert found(node, pod) == [
        {
            "name": "default/web-0",
            "container": CONTAINER,
            "netns": pod.path,
            "ifname": "eth0",
            "addresses": ["172.50.2.7"],
            "mtu": 1450,
            "host_dev": "veth7",
            "host_mtu": 1450,
        }
    ]


def test_two_pods_that_nobody_remembers_with_different_mtus(pods, node):
    first, second = pods(7), pods(8, mtu=1500)
    told = {pod.host_dev: found(node, pod)[0] for pod in (first, second)}
    assert {name: (one["name"], one["mtu"], one["host_dev"]) for name, one in told.items()} == {
        "veth7": (None, 1450, "veth7"),
        "veth8": (None, 1500, "veth8"),
    }


def test_a_pod_of_an_earlier_network_keeps_its_mtu_on_both_ends(pods, node):
    pod = pods(7, mtu=1500)
    ip(f"link set {pod.host_dev} mtu 1450")
    (one,) = found(node, pod)
    assert (one["mtu"], one["host_mtu"]) == (1500, 1450)


def test_a_pod_whose_interface_was_taken_away(pods, node):
    pod = pods(7)
    remember(node, pod)
    ip(f"link del {pod.host_dev}")
    (one,) = found(node, pod)
    assert (one["name"], one["ifname"], one["addresses"], one["mtu"]) == ("default/web-0", None, [], None)


def test_a_name_that_is_no_namespace_is_a_gap(underlay, node):
    node.put("/run/netns/cni-stale", "")
    observed = node.observe("pods")
    assert observed["pods"] == []
    assert [gap["what"] for gap in observed["gaps"]] == ["/run/netns/cni-stale"]


def test_leases_have_their_age(pods, node):
    pod = pods(7)
    remember(node, pod)
    lease = node.root / f"var/lib/cni/networks/cbr0/{pod.address}"
    hour_ago = node.wall_clock() - 3600
    os.utime(lease, (hour_ago, hour_ago))
    (told,) = node.observe("leases")["leases"]["cbr0"]
    assert (told["address"], told["container"]) == (pod.address, CONTAINER)
    assert told["age"] >= 3600


@pytest.fixture
def flanneld():
    """Starts a process with flanneld's name and options, by default in this network namespace."""
    script = "import sys; sys.stdout.write('up'); sys.stdout.flush(); sys.stdin.read()"
    options = ["-c", script, "--ip-masq", "--iface=eth0", "--etcd-password=s3cr3t"]
    processes = []

    def start(*prefix):
        argv = [*prefix, "bash", "-c", 'exec -a flanneld "$0" "$@"', sys.executable, *options]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdout.read(2) == b"up"
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.communicate(b"")


def test_an_agent_of_this_network_and_none_of_its_secrets(underlay, node, flanneld):
    process = flanneld()
    observed = node.observe("agents")
    assert observed["agents"] == [
        {"name": "flanneld", "pid": process.pid, "args": ["--ip-masq", "--iface=eth0"]},
    ]


def test_an_agent_of_another_network_is_not_this_nodes(pods, node, flanneld):
    flanneld("nsenter", f"--net={pods(7).path}")
    assert node.observe("agents")["agents"] == []


def test_everything_through_ansible(vtep):
    code, result = module("node_network_info", pod_networks=["172.50.0.0/16"], cni_conf_dir="auto", cni_bin_dir="auto")
    assert code == 0
    assert set(result["node"]) >= {"hostname", "gaps", *SECTIONS}
    assert result["node"]["runtime"]["cni_conf_dir"] == result["node"]["cni"]["conf_dir"]
    assert ("udp", 8472) in {(one["protocol"], one["port"]) for one in result["node"]["listeners"]}


def test_a_network_that_is_none_is_refused_through_ansible(underlay):
    code, result = module("node_network_info", pod_networks=["172.50.0.1/16"])
    assert code != 0
    assert result["msg"].startswith("pod_networks: 172.50.0.1/16 has host bits set")
