# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One observation of a node: whole, in part, damaged, and large."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import yaml
from ansible_collections.switchyard.cni.plugins.module_utils import _tables
from ansible_collections.switchyard.cni.plugins.module_utils._node._gather import SECTIONS, Request, gather
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import (
    RELEASE,
    FakeNode,
    fixture,
    recorded_tools,
)
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).absolute().parents[4]
SUBNET_ENV = "FLANNEL_NETWORK=172.50.0.0/16\nFLANNEL_SUBNET=172.50.1.1/24\nFLANNEL_MTU=1450\n"
SYSCTLS = {
    "net/ipv4/ip_forward": "1\n",
    "net/ipv6/conf/all/forwarding": "0\n",
    "net/bridge/bridge-nf-call-iptables": "1\n",
    "net/bridge/bridge-nf-call-ip6tables": "1\n",
    "net/ipv4/conf/all/rp_filter": "0\n",
    "net/ipv4/conf/default/rp_filter": "2\n",
    "net/ipv4/conf/eth0/rp_filter": "2\n",
    "net/ipv4/conf/cni0/rp_filter": "2\n",
    "net/ipv4/conf/flannel.1/rp_filter": "2\n",
    "net/ipv4/conf/flannel0/rp_filter": "1\n",
}


def flannel_node(**more):
    files = {f"/proc/sys/{path}": value for path, value in SYSCTLS.items()}
    files["/run/flannel/subnet.env"] = SUBNET_ENV
    files["/etc/cni/net.d/10-flannel.conflist"] = '{"name": "cbr0", "plugins": [{"type": "flannel"}]}'
    built_in = ("VXLAN", "BRIDGE_NETFILTER", "TUN", "NF_TABLES", "IP_SET")
    files[f"/boot/config-{RELEASE}"] = "".join(f"CONFIG_{option}=y\n" for option in built_in)
    node = FakeNode(files, recorded_tools(), **more)
    node.executable("/opt/cni/bin/flannel")
    node.executable("/usr/lib/cni/bridge")
    return node


def gaps(observed):
    return {gap["what"]: gap["reason"] for gap in observed["gaps"]}


def test_a_sound_node_has_every_section_and_no_gap():
    observed = gather(flannel_node(), Request(SECTIONS))
    assert observed["gaps"] == []
    assert set(observed) == {"hostname", "gaps", *SECTIONS}
    assert observed["hostname"] == "node-1"
    assert observed["kernel"]["features"] == {
        "vxlan": "builtin",
        "br_netfilter": "builtin",
        "ipip": "missing",
        "wireguard": "missing",
        "tun": "builtin",
    }
    assert observed["kernel"]["reasons"]["ipip"] == f"kernel {RELEASE} is built without CONFIG_NET_IPIP"
    assert observed["sysctls"]["net.ipv4.conf.flannel/1.rp_filter"] == "2"
    assert observed["subnet_env"]["FLANNEL_SUBNET"] == "172.50.1.1/24"
    assert observed["sysctls"]["net.ipv4.conf.flannel0.rp_filter"] == "1"
    sound = {"name": "cbr0", "plugins": ["flannel"], "mtu": None, "ipam": None, "damaged": False}
    assert observed["cni"]["configs"] == [{"file": "10-flannel.conflist", **sound}]
    assert observed["cni"]["binaries"] == ["flannel"]
    assert observed["cni"]["search"] == {"/usr/lib/cni": ["bridge"]}
    assert [entry["dst"] for entry in observed["fdb"]] == ["192.168.7.101"]
    assert observed["filters"]["kube_proxy_mode"] == "nftables"
    assert observed["network_manager"] is False


def test_the_result_is_plain_json():
    observed = gather(flannel_node(), Request(SECTIONS))
    assert json.loads(json.dumps(observed)) == observed


def test_only_what_is_asked_for_is_read():
    node = flannel_node()
    assert set(gather(node, Request(("subnet_env",)))) == {"hostname", "gaps", "subnet_env"}
    assert node.ran == []


def test_no_secret_of_files_programs_and_command_lines_is_told():
    secret = "s3cr3t-s3cr3t"
    node = flannel_node()
    conflist = {"name": "k8s", "plugins": [{"type": "calico", "kubernetes": {"k8s_auth_token": secret}}], "psk": secret}
    node.files["/etc/cni/net.d/05-own.conflist"] = json.dumps(conflist).encode()
    node.files["/etc/cni/net.d/calico-kubeconfig"] = f"token: {secret}".encode()
    node.files["/etc/cni/net.d/06-damaged.conflist"] = f'{{"token": "{secret}", '.encode()
    node.files["/etc/kube-flannel/net-conf.json"] = json.dumps({"Backend": {"PSK": secret}}).encode()
    node.files["/run/flannel/wgkey"] = secret.encode()
    node.files["/etc/containerd/config.toml"] = f'[plugins.x.registry]\nauth = "{secret}"\n'.encode()
    node.files["/var/lib/kubelet/config.yaml"] = f"staticPodURLHeader: {secret}\n".encode()
    node.files["/var/lib/cni/results/k8s-1-eth0"] = json.dumps({"config": secret, "containerId": "1"}).encode()
    for pid, name in enumerate(("flanneld", "kubelet", "k3s", "calico-node", "containerd", "kube-proxy"), 100):
        node.files[f"/proc/{pid}/comm"] = name.encode()
        node.files[f"/proc/{pid}/cmdline"] = f"{name}\0--token\0{secret}\0--etcd-password={secret}\0{secret}\0".encode()
    node.daemons["/run/containerd/containerd.sock"] = None
    node.tools["wg"] = (0, f"flannel-wg\t{secret}\tpublic\t51820\toff\n", "")
    node.tools["ip -j -d -s addr show"] = (0, fixture("addr-tunnels.json"), "")
    observed = gather(node, Request(SECTIONS, conf_dir="auto", bin_dir="auto"))
    assert observed["wireguard"]
    assert len(observed["agents"]) == 5
    assert secret not in json.dumps(observed)


def test_each_program_runs_once():
    node = flannel_node()
    gather(node, Request(SECTIONS))
    again = [line for line in set(node.ran) if node.ran.count(line) > 1]
    assert again == ["nft -j list chains"]  # `filters` must stay cheap for itself, so `firewall` asks once more
    assert len(set(node.ran)) == len(recorded_tools())


def test_the_sections_of_the_plan_run_no_more_programs_than_they_need():
    """playbooks/observe.yml is part of every run; what only a verification needs must not make it slower."""
    node = flannel_node()
    playbook = yaml.safe_load((ROOT / "playbooks" / "observe.yml").read_text(encoding="utf-8"))
    (task,) = playbook[0]["tasks"]
    sections = task["switchyard.cni.node_network_info"]["gather"]
    gather(node, Request(tuple(sections)))
    assert len(node.ran) == 6


def test_a_bare_machine_gives_gaps_and_no_failure():
    observed = gather(FakeNode(), Request(SECTIONS))
    assert observed["links"] == observed["routes"] == observed["fdb"] == []
    assert observed["filters"]["kube_proxy_mode"] == "unknown"
    assert observed["subnet_env"] is None
    found = gaps(observed)
    for what in ("links", "routes (inet)", "routes (inet6)", "neighbours", "nftables", "sysctl net.ipv4.ip_forward"):
        assert what in found
    assert found["links"] == "ip is not installed"
    assert found["sysctl net.bridge.bridge-nf-call-iptables"] == "absent (module br_netfilter brings it)"


def test_a_program_that_fails_gives_its_reason():
    node = flannel_node()
    node.tools["ip -j neigh show"] = (1, "", "Cannot open netlink socket: Permission denied\n")
    observed = gather(node, Request(SECTIONS))
    assert observed["neighbours"] == []
    assert "Permission denied" in gaps(observed)["neighbours"]


def test_damaged_output_is_a_gap_of_its_own_section_only():
    node = flannel_node()
    whole = gather(flannel_node(), Request(SECTIONS))
    node.tools["ip -j -d -4 route show table all"] = (0, fixture("route-inet.json")[:-40], "")
    observed = gather(node, Request(SECTIONS))
    assert list(gaps(observed)) == ["routes (inet)"]
    assert {route["family"] for route in observed["routes"]} == {"inet6"}
    assert observed["links"] == whole["links"]


def test_damaged_files_are_named():
    node = flannel_node()
    node.files["/run/flannel/subnet.env"] = b"FLANNEL_NET"
    node.files["/etc/cni/net.d/05-broken.conflist"] = b"{"
    observed = gather(node, Request(SECTIONS))
    assert set(gaps(observed)) == {"/run/flannel/subnet.env", "/etc/cni/net.d/05-broken.conflist"}
    assert observed["subnet_env"] is None
    assert [config["file"] for config in observed["cni"]["configs"]] == ["05-broken.conflist", "10-flannel.conflist"]
    assert observed["cni"]["configs"][0]["plugins"] == []
    assert [config["damaged"] for config in observed["cni"]["configs"]] == [True, False]


def test_forbidden_files_are_named():
    node = flannel_node(forbidden=["/run/flannel/subnet.env", "/etc/cni/net.d", "/proc/sys/net/ipv4/ip_forward"])
    observed = gather(node, Request(SECTIONS))
    assert set(gaps(observed).values()) == {"Permission denied"}
    assert len(observed["gaps"]) == 3


def test_further_sysctls_are_read_and_a_senseless_name_is_a_gap():
    node = flannel_node()
    node.files["/proc/sys/net/ipv4/neigh/default/gc_thresh3"] = b"1024\n"
    request = Request(("sysctls",), sysctls=("net.ipv4.neigh.default.gc_thresh3", "net/../../etc/passwd"))
    observed = gather(node, request)
    assert observed["sysctls"]["net.ipv4.neigh.default.gc_thresh3"] == "1024"
    assert "is not the name of a sysctl" in gaps(observed)["sysctl net/../../etc/passwd"]


def test_files_are_told_by_their_hash_and_mode():
    node = flannel_node(forbidden=["/etc/secret"])
    node.files.update({"/etc/a": b"a\n", "/etc/secret": b"", "/etc/program": b""})
    node.modes["/etc/program"] = 0o755
    observed = gather(node, Request((), files=("/etc/a", "/etc/program", "/etc/none", "/etc/secret")))
    assert observed["files"] == {
        "/etc/a": {"sha256": hashlib.sha256(b"a\n").hexdigest(), "mode": "0644"},
        "/etc/program": {"sha256": hashlib.sha256(b"").hexdigest(), "mode": "0755"},
        "/etc/none": None,
        "/etc/secret": {"sha256": "", "mode": ""},
    }
    assert gaps(observed) == {"/etc/secret": "Permission denied"}


def many_routes(count):
    return [
        {
            "type": "unicast",
            "dst": f"10.{number >> 8 & 255}.{number & 255}.0/24",
            "gateway": "192.168.7.1",
            "dev": "eth0",
            "table": "main",
            "protocol": "bird",
            "scope": "global",
            "metric": 32 + (number >> 16),
            "flags": [],
        }
        for number in range(count)
    ]


def test_ten_thousand_routes_are_listed_in_part_counted_and_digested():
    node = flannel_node()
    routes = many_routes(10_000)
    node.tools["ip -j -d -4 route show table all"] = (0, json.dumps(routes), "")
    node.tools["ip -j -d -6 route show table all"] = (0, "[]", "")
    observed = gather(node, Request(("routes",), limit=1000))
    assert len(observed["routes"]) == 1000
    assert len(json.dumps(observed)) < 250_000
    total = _tables.digest(_tables.route_row(route["dst"], route["gateway"], route["dev"]) for route in routes)
    assert observed["truncated"] == [
        {"what": "routes", "protocol": "bird", "count": 10_000, "listed": 1000, "digest": total}
    ]


def test_a_crowd_of_one_protocol_does_not_hide_the_others():
    node = flannel_node()
    own = {"dst": "172.50.1.0/24", "dev": "cni0", "protocol": "kernel", "flags": []}
    node.tools["ip -j -d -4 route show table all"] = (0, json.dumps([*many_routes(50), own]), "")
    node.tools["ip -j -d -6 route show table all"] = (0, "", "")
    observed = gather(node, Request(("routes",), limit=10))
    assert [route["protocol"] for route in observed["routes"]].count("bird") == 10
    assert [route["dst"] for route in observed["routes"] if route["protocol"] == "kernel"] == ["172.50.1.0/24"]


@pytest.mark.parametrize("tool", sorted(recorded_tools()))
@given(output=st.text(max_size=40) | st.binary(max_size=40).map(lambda data: data.decode("utf-8", "replace")))
def test_no_output_of_any_program_makes_it_fail(tool, output):
    node = flannel_node()
    node.tools[tool] = (0, output, "")
    observed = gather(node, Request(SECTIONS))
    assert json.loads(json.dumps(observed)) == observed
