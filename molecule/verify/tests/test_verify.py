# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""verify.yml on a real cluster: nothing invented where all is well, and each planted fault found where it is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from testing import lab, runs, seed

sys.path.insert(0, str(Path(__file__).parent))
from faults import CLUSTER, GROUPS, MASTER, NODE1, NODE2, Fault

SCHEMA = json.loads((runs.ROOT / "docs" / "verification.schema.json").read_text(encoding="utf-8"))
pytestmark = pytest.mark.usefixtures("pods")

Result = Mapping[str, Any]
# What packets that go past a tunnel lead to.
UNENCAPSULATED = ("route-wrong-device", "path-wrong-class", "encapsulation-unused")


@pytest.fixture
def verify(tmp_path) -> Callable[..., tuple[runs.Run, Result]]:
    """Run the operator's command; returns how it ended, and what the JSON report says."""

    def play(*options: str, **settings: str) -> tuple[runs.Run, Result]:
        done = runs.play("verify.yml", *options, verify_report_dir=str(tmp_path), **settings)
        report = tmp_path / "verification.json"
        assert report.is_file(), done.output
        return done, json.loads(report.read_text(encoding="utf-8"))

    return play


def told(result: Result) -> set[tuple[str, str]]:
    """The findings as (id, node)."""
    return {(one["id"], one["node"]) for one in result["findings"]}


def must_tell(result: Result, wanted: set[tuple[str, str]], may: Collection[tuple[str, str]] = ()) -> None:
    """These are found, and nothing else but what may be."""
    found = told(result) - (set(may) - wanted)
    missed, invented = sorted(wanted - found), sorted(found - wanted)
    about = [one for one in result["findings"] if (one["id"], one["node"]) in invented]
    assert not missed and not invented, f"missed: {missed}; invented: {json.dumps(about, indent=1)}"  # noqa: PT018


def must_be_well(done: runs.Run, result: Result) -> None:
    """Nothing is found, and nothing has changed."""
    must_tell(result, set())
    assert done.must_succeed().changed == dict.fromkeys(seed.NODES, 0)


# -- a healthy cluster


def test_a_healthy_cluster_has_no_finding_and_every_path_is_as_the_seeds_traceroutes_show(verify, pods):
    done, result = verify()
    must_be_well(done, result)
    assert result["network"]["backend"] == "vxlan"
    assert {node["name"]: node["state"] for node in result["nodes"]} == dict.fromkeys(seed.NODES, "verified")
    assert all(node["routes"] == {"expected": 2, "actual": 2} for node in result["nodes"])
    subnets = {name: str(node.pod_cidr.network_address) for name, node in seed.NODES.items()}
    between = [path for path in result["paths"] if path["kind"] == "pod" and path["expected"] == "tunnel"]
    for path in between:
        source, target = path["source"], path["target"]
        gateway = str(seed.NODES[source["node"]].pod_cidr[1])
        assert path["hops"] == [gateway, subnets[target["node"]], target["address"]]
        assert (path["class"], path["path_mtu"]) == ("tunnel", 1450)
    assert (
        {path["source"]["node"] for path in between} == {path["target"]["node"] for path in between} == set(seed.NODES)
    )
    assert all(path["reachable"] for path in result["paths"])
    assert {path["kind"] for path in result["paths"]} == {"pod", "node", "service"}


def test_the_reports_are_what_they_promise(verify, tmp_path):
    dummy, result = verify()
    jsonschema.validate(result, SCHEMA)
    suites = ElementTree.parse(tmp_path / "verification.xml").getroot()
    assert sum(int(suite.get("failures")) for suite in suites) == 0
    assert len(list(suites.iter("testcase"))) == len(result["checks"])
    page = (tmp_path / "verification.html").read_text(encoding="utf-8")
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//(?!github\.com/switchyard/)""", page)
    assert all(name in page for name in seed.NODES)
    assert "Verification PASSED" in (tmp_path / "verification.txt").read_text(encoding="utf-8")


def test_check_mode_verifies_as_well_and_writes_nothing(tmp_path):
    before = runs.state_of()
    done = runs.play("verify.yml", "--check", "--diff", verify_report_dir=str(tmp_path / "none")).must_succeed()
    assert "Verification PASSED" in done.output
    assert not (tmp_path / "none").exists()
    assert runs.state_of() == before


def test_all_pairs_are_probed_where_that_is_asked_for(verify):
    done, result = verify(verify_probe="all")
    must_be_well(done, result)
    pairs = {(one["source"]["node"], one["target"]["node"]) for one in result["paths"] if one["kind"] == "pod"}
    assert len([pair for pair in pairs if pair[0] != pair[1]]) == 6


# -- what can be planted on the lab


def shell(where: str, lines: str) -> None:
    """Run shell lines on a node, or on this machine as the lab's administrator."""
    if where == CLUSTER:
        env = {**os.environ, "KUBECTL": " ".join(lab.KUBECTL)}
        done = subprocess.run(["bash", "-c", lines], env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{lines}\n{done.stdout}{done.stderr}"
    else:
        lab.on_node(where, "sh", "-c", lines)


@contextmanager
def planted(faults: Sequence[Fault]) -> Iterator[None]:
    """Plant faults, and take them back in the other order whatever happens."""
    done: list[Fault] = []
    try:
        for fault in faults:
            done.append(fault)
            shell(fault.where, fault.plant)
        yield
    finally:
        wrong = [problem for fault in reversed(done) for problem in _healed(fault)]
        assert wrong == []
        # What a kubelet has seen of a fault it tells for some seconds more.
        lab.kubectl("wait", "--for=condition=Ready", "nodes", MASTER, NODE1, NODE2, "--timeout=60s", seconds=70)


def _healed(fault: Fault) -> Iterator[str]:
    try:
        shell(fault.where, fault.heal)
    except AssertionError as problem:
        yield f"{fault.id}: {problem}"


@pytest.mark.parametrize("group", GROUPS)
def test_every_planted_fault_is_found_on_its_node_and_none_is_invented(verify, group):
    faults = GROUPS[group]
    wanted = {(fault.id, fault.node) for fault in faults} | {one for fault in faults for one in fault.also}
    with planted(faults):
        # The kernel's state is what was changed: packets would only tell its consequences, and leave the lab.
        done, result = verify(verify_probe="none", verify_fail_on="warning")
        must_tell(result, wanted)
        assert done.status != 0
        jsonschema.validate(result, SCHEMA)


def test_a_finding_names_what_was_expected_what_is_there_and_what_to_do(verify):
    with planted([GROUPS["routes"][0]]):
        done, result = verify(verify_probe="none")
    (finding,) = result["findings"]
    assert finding["expected"] == "172.50.1.0/24 via 172.50.1.0 dev flannel.1 onlink"
    assert finding["actual"] == "no route"
    assert "the pods of k8s-node2 cannot be reached" in finding["hint"]
    assert finding["page"].endswith("/docs/findings/route-missing.md")
    assert "The pod network is not what it should be: 1 error" in done.words


def test_a_node_without_cni_configuration_is_soon_not_ready_either(verify):
    conf = "/etc/cni/net.d/10-flannel.conflist"

    try:
        lab.on_node(MASTER, "mv", conf, "/root")
        lab.eventually(lambda: not lab.is_ready(MASTER), 60, "the kubelet notices")
        dummy, result = verify(verify_probe="none")
        must_tell(result, {("cni-config-missing", MASTER), ("node-not-ready", MASTER)})
    finally:
        # Written, not moved: containerd does not look at a file that is moved in.
        lab.on_node(MASTER, "sh", "-c", f"cat /root/10-flannel.conflist > {conf} && rm /root/10-flannel.conflist")
        lab.eventually(lambda: lab.is_ready(MASTER), 60, "the kubelet is content")


# -- the agent itself


@contextmanager
def frozen_flanneld(node: str) -> Iterator[None]:
    """A flanneld that does nothing: otherwise it puts back what is taken from it, within seconds."""
    try:
        lab.on_node(node, "pkill", "-STOP", "-x", "flanneld")
        yield
    finally:
        # Its pod is made anew, since flanneld programs its peers only when it starts.
        lab.on_node(node, "pkill", "-CONT", "-x", "flanneld")
        pod = lab.kubectl(
            "get", "pods", "--namespace=kube-flannel", f"--field-selector=spec.nodeName={node}", "--output=name"
        )
        lab.kubectl("delete", "--namespace=kube-flannel", pod.strip(), "--grace-period=1", seconds=60)
        lab.kubectl("rollout", "status", *lab.FLANNEL_DAEMONSET, "--timeout=90s", seconds=100)


DEVICE = {
    "vxlan-wrong-vni",
    "vxlan-wrong-port",
    "vxlan-wrong-local",
    "vxlan-wrong-parent",
    "vxlan-learning",
    "vtep-mac-unannounced",
    # No VXLAN device can be larger than the one below it leaves room for.
    "device-wrong-mtu",
}
# A flanneld that stands still fails its readiness probe after a while.
FROZEN = {("agent-not-ready", "")}
EMPTY = {"route-missing", "fdb-missing", "neighbour-missing", "device-wrong-address"}


def test_another_vtep_in_flannels_place(verify):
    with frozen_flanneld(NODE2):
        lab.on_node(
            NODE2,
            "sh",
            "-c",
            "ip link del flannel.1; ip link add flannel.1 mtu 1450 address 0e:00:00:00:00:07 type vxlan id 7 "
            "dstport 8473 local 192.168.0.1 dev cni0 learning; ip link set flannel.1 up",
        )
        dummy, result = verify(verify_probe="none")
        must_tell(result, {(one, NODE2) for one in DEVICE | EMPTY | {"port-closed"}}, FROZEN)


def test_no_vtep_at_all_and_a_stranger_on_its_port(verify):
    with frozen_flanneld(NODE2):
        lab.on_node(NODE2, "ip", "link", "del", "flannel.1")
        stranger = "import socket, time; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('', 8472)); time.sleep(60)"
        subprocess.run(["docker", "exec", "-d", NODE2, "python3", "-c", stranger], check=True)
        try:
            dummy, result = verify(verify_probe="none")
        finally:
            lab.on_node(NODE2, "pkill", "-f", "socket.SOCK_DGRAM")
        must_tell(result, {("device-missing", NODE2), ("route-missing", NODE2), ("port-taken", NODE2)}, FROZEN)


def test_a_device_of_another_kind_and_one_that_is_down(verify):
    with frozen_flanneld(NODE2):
        lab.on_node(NODE2, "sh", "-c", "ip link del flannel.1; ip link add flannel.1 mtu 1450 type bridge")
        dummy, result = verify(verify_probe="none")
        assert {("device-wrong-kind", NODE2), ("device-down", NODE2)} <= told(result)
        assert {node for dummy, node in told(result) - FROZEN} == {NODE2}


def test_a_filter_that_drops_what_flannel_would_have_let_pass(verify):
    jump = "FORWARD -m comment --comment 'flanneld forward' -j FLANNEL-FWD"
    with frozen_flanneld(NODE1):
        try:
            lab.on_node(NODE1, "sh", "-c", f"iptables -P FORWARD DROP; iptables -D {jump}")
            dummy, result = verify(verify_probe="none")
            must_tell(result, {("forward-drop", NODE1), ("chain-unhooked", NODE1)}, FROZEN)
            lab.on_node(NODE1, "sh", "-c", "iptables -F FLANNEL-FWD; iptables -X FLANNEL-FWD")
            dummy, result = verify(verify_probe="none")
            must_tell(result, {("forward-drop", NODE1), ("chain-missing", NODE1)}, FROZEN)
        finally:
            lab.on_node(NODE1, "iptables", "-P", "FORWARD", "ACCEPT")


# -- packets


def rule(where: str, chain: str, match: str) -> tuple[Callable[[], str], Callable[[], str]]:
    """A rule of the packet filter that drops, and its end."""
    words = [chain, *match.split(), "-j", "DROP"]
    return lambda: lab.on_node(where, "iptables", "-I", *words), lambda: lab.on_node(where, "iptables", "-D", *words)


@contextmanager
def dropping(where: str, chain: str, match: str) -> Iterator[None]:
    """Drop packets on a node."""
    begin, end = rule(where, chain, match)
    begin()
    try:
        yield
    finally:
        end()


def _into_pods_of(path: Mapping[str, Any], node: str) -> bool:
    """Whether packets, or the answers to them, come in from another node to a pod of this one."""
    source, target = path["source"]["node"], path["target"]["node"]
    if source == target or path["kind"] == "service":
        return False
    return target == node or (source == node and path["kind"] == "pod")


def test_pods_that_cannot_be_reached(verify):
    with dropping(NODE2, "FORWARD", "-i flannel.1 -d 172.50.1.0/24"):
        dummy, result = verify()
    assert {one for one, node in told(result)} == {"pod-unreachable", "node-to-pod-unreachable"}
    assert all(path["reachable"] != _into_pods_of(path, NODE2) for path in result["paths"])


def test_a_service_that_cannot_be_reached(verify):
    with dropping(NODE1, "FORWARD", "-p tcp --dport 6443"):
        dummy, result = verify()
    must_tell(result, {("service-unreachable", NODE1)})


def test_large_packets_that_vanish(verify):
    with dropping(NODE2, "FORWARD", "-i flannel.1 -d 172.50.1.0/24 -m length --length 1301:65535"):
        dummy, result = verify()
    assert {one for one, node in told(result)} == {"path-mtu-low"}
    small = [path for path in result["paths"] if path["path_mtu"] not in (None, 1450)]
    assert {path["path_mtu"] for path in small} == {1300}
    assert all(_into_pods_of(path, NODE2) for path in small)


def test_packets_that_go_another_way_than_declared(verify):
    """vxlan is declared, and between two nodes packets go unencapsulated: what a leftover route does."""
    around = [
        Fault(
            "",
            NODE1,
            "ip route replace 172.50.1.0/24 via 192.168.7.111",
            "ip route replace 172.50.1.0/24 via 172.50.1.0 dev flannel.1 onlink",
        ),
        Fault(
            "",
            NODE2,
            "ip route replace 172.50.2.0/24 via 192.168.7.110",
            "ip route replace 172.50.2.0/24 via 172.50.2.0 dev flannel.1 onlink",
        ),
    ]
    with planted(around):
        dummy, result = verify(verify_probe="all")
    ids = {one for one, node in told(result)}
    assert {"route-wrong-device", "path-wrong-class"} <= ids <= {*UNENCAPSULATED}
    assert {node for dummy, node in told(result)} == {NODE1, NODE2}
    classes = {
        (path["source"]["node"], path["target"]["node"]): path["class"]
        for path in result["paths"]
        if path["kind"] == "pod"
    }
    assert (classes[NODE1, NODE2], classes[NODE2, NODE1]) == ("node", "node")
    assert classes[NODE1, MASTER] == "tunnel"


def test_a_tunnel_that_nobody_uses(verify):
    """All routes are host-gw's: what a switch back to vxlan finds where flanneld was not restarted."""
    nodes = list(seed.NODES)
    with planted([Fault("", node, script(directly(node)), script(tunnelled(node))) for node in nodes]):
        dummy, result = verify()
    assert set(told(result)) == {(one, node) for one in UNENCAPSULATED for node in nodes}


def script(routes: Iterable[str]) -> str:
    return "; ".join(f"ip route replace {route}" for route in routes)


def directly(node: str) -> list[str]:
    return [f"{peer.pod_cidr} via {peer.address}" for name, peer in seed.NODES.items() if name != node]


def tunnelled(node: str) -> list[str]:
    subnets = [peer.pod_cidr for name, peer in seed.NODES.items() if name != node]
    return [f"{subnet} via {subnet.network_address} dev flannel.1 onlink" for subnet in subnets]


def test_packets_in_the_tunnel_although_direct_routing_is_declared(verify):
    """The original notes edit the template and must restart every node: until then this is what is true."""
    dummy, result = verify(flannel_direct_routing="true")
    ids = {one for one, node in told(result)}
    assert ids == {"route-wrong-device", "path-wrong-class", "encapsulation-unexpected", "fdb-stale", "neighbour-stale"}
    assert {node for one, node in told(result)} == set(seed.NODES)


# -- who answers, and who is asked


@contextmanager
def paused(name: str) -> Iterator[None]:
    """A node that does not answer."""
    lab.program(["docker", "pause", name])
    try:
        yield
    finally:
        lab.program(["docker", "unpause", name])


def test_a_node_that_is_down_is_a_finding_and_the_others_are_judged(verify):
    with paused(NODE2):
        done, result = verify(verify_probe="none")
        must_tell(result, {("node-unreachable", NODE2)})
    assert done.status != 0
    states = {node["name"]: node["state"] for node in result["nodes"]}
    assert states == {MASTER: "verified", NODE1: "verified", NODE2: "unreachable"}
    assert [node["routes"]["actual"] for node in result["nodes"] if node["state"] == "verified"] == [2, 2]


def test_a_run_limited_to_one_node_judges_it_by_what_the_api_server_knows(verify):
    done, result = verify("--limit", NODE1)
    must_tell(result, set())
    assert done.must_succeed().changed == {NODE1: 0}
    states = {node["name"]: node["state"] for node in result["nodes"]}
    assert states == {MASTER: "not observed", NODE1: "verified", NODE2: "not observed"}
    with planted([GROUPS["routes"][0]]):
        dummy, result = verify("--limit", NODE1, verify_probe="none")
        must_tell(result, {("route-missing", NODE1)})
        dummy, result = verify("--limit", NODE2, verify_probe="none")
        must_tell(result, set())


def test_hosts_and_nodes_that_do_not_match(verify, tmp_path):
    extra = tmp_path / "extra.yml"
    extra.write_text(
        "kube_node:\n  hosts:\n    k8s-node9:\n      ansible_connection: community.docker.docker\n"
        "      ansible_docker_extra_args: ''\n      ansible_host: registry-of-nobody\n",
        encoding="utf-8",
    )
    dummy, result = verify("--inventory", "inventories/lab", "--inventory", str(extra), verify_probe="none")
    must_tell(result, {("node-unreachable", "k8s-node9"), ("node-not-in-cluster", "k8s-node9")})


def test_the_threshold_decides_about_the_exit_status(verify):
    with planted([fault for fault in GROUPS["leftovers"] if fault.id == "leftover-chain"]):
        done, result = verify(verify_probe="none")
        assert (done.status, result["verdict"], result["counts"]["warning"]) == (0, "passed", 1)
        done, result = verify(verify_probe="none", verify_fail_on="warning")
        assert (done.status, result["verdict"]) == (2, "failed")
        done, result = verify(verify_probe="none", verify_fail_on="never")
        assert (done.status, result["verdict"]) == (0, "passed")


def test_agents_that_are_gone_and_one_that_is_not_ready(verify):
    try:
        lab.kubectl(
            "patch", "--namespace=kube-flannel", "daemonset/kube-flannel-ds", "--type=merge",
            """--patch={"spec": {"template": {"spec": {"nodeSelector": {"nobody": "has-this"}}}}}""",
        )  # fmt: skip
        lab.eventually(lambda: not lab.objects("pods", "--namespace=kube-flannel"), 60, "flanneld is gone")
        dummy, result = verify(verify_probe="none")
        must_tell(result, {("agent-not-running", node) for node in seed.NODES})
        failed = runs.play("06.network.yml", flannel_image="lab/flannel:of-nobody", flannel_wait_timeout="5")
        assert failed.status != 0
        dummy, result = verify(verify_probe="none", flannel_image="lab/flannel:of-nobody")
        assert ("agent-not-ready", "") in told(result)
    finally:
        runs.play("06.network.yml").must_succeed()
    must_be_well(*verify(verify_probe="none"))


def test_an_api_server_that_is_down_is_one_error(tmp_path):
    done = runs.play("verify.yml", network_kubeconfig="/nowhere", verify_report_dir=str(tmp_path))
    assert done.status != 0
    assert "Nothing has been verified: 1 problem to solve first" in done.words
    assert "network_kubeconfig = /nowhere" in done.words


def test_wrong_settings_are_refused_at_once():
    done = runs.play("verify.yml", flannel_backend="vxlam", verify_fail_on="error")
    assert "Nothing has been verified" in done.words
    assert "flannel_backend = vxlam" in done.words
    done = runs.play("verify.yml", verify_fail_on="sometimes")
    assert "value of verify_fail_on must be one of: error, warning, never" in done.words


def test_in_the_end_all_is_as_it_was(verify):
    must_be_well(*verify())
