# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real Calico without encapsulation, and the tunnel that comes and goes under running pods that lose nothing."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from testing import calico_runs, lab, runs, seed
from testing.calico_runs import NONE, REFLECTED, VXLAN, VXLAN_NEAR

# Pings are let through: the verification sends them from nodes, which no policy by pods can name.
DENY = """
apiVersion: crd.projectcalico.org/v1
kind: NetworkPolicy
metadata: {name: default.only-some, namespace: default}
spec:
  tier: default
  selector: run == 'web'
  types: [Ingress]
  ingress:
    - {action: Allow, protocol: ICMP}
    - {action: Allow, source: {selector: run == 'net-test1'}}
"""


@pytest.fixture(scope="module", autouse=True)
def talking(pods) -> list[lab.Pod]:
    """The original cluster's four pods."""
    return [pod for pod in pods if pod.app == "net-test1"]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A policy that lets nobody but the original cluster's pods reach the web servers."""
    manifest = tmp_path_factory.mktemp("policy") / "deny.yml"
    manifest.write_text(DENY, encoding="utf-8")
    lab.kubectl("apply", f"--filename={manifest}")
    yield
    lab.kubectl("delete", f"--filename={manifest}")


def is_served(source: lab.Pod, target: lab.Pod) -> bool:
    return lab.succeeds([*lab.KUBECTL, "exec", source.name, "--", "nc", "-w", "2", target.address, "80"])


def must_be_enforced() -> None:
    """Fail unless the policy lets through whom it names, and keeps out others, over the way between nodes."""
    pods = lab.running_pods()
    served = next(pod for pod in pods if pod.app == "web")
    friend = next(pod for pod in pods if pod.app == "net-test1" and pod.node != served.node)
    stranger = next(pod for pod in pods if pod.app == "web" and pod.node != served.node)
    lab.eventually(lambda: not is_served(stranger, served), 20, "the policy keeps a stranger out")
    assert is_served(friend, served)


def test_routes_are_bgp_s_and_the_second_hop_is_the_other_node(talking):
    calico_runs.must_be_routed("eth0", ["bird"])
    source, target = talking[0], next(pod for pod in talking if pod.node != talking[0].node)
    assert calico_runs.second_hop(source, target) == seed.NODES[target.node].address


def test_the_sessions_are_told_as_calicoctl_tells_them():
    told = calico_runs.play("verify.yml", NONE).must_succeed()
    assert "6 of 6 BGP sessions established" in told.words
    assert "| 192.168.7.110 | node-to-node mesh | up |" in told.words


def test_a_dry_run_says_the_way_and_changes_nothing():
    before = runs.state_of()
    dry = calico_runs.play("06.network.yml", VXLAN, "--check", "--diff", network_allow="pods").must_succeed()
    assert "On the way: bring up the VXLAN tunnels, which carry nothing yet; VXLAN CrossSubnet;" in dry.words
    assert runs.state_of() == before


@pytest.mark.parametrize(
    ("before", "after", "dev", "by"),
    [
        (NONE, VXLAN_NEAR, "eth0", ["80"]),
        (VXLAN_NEAR, NONE, "eth0", ["bird"]),
        (NONE, VXLAN, "vxlan.calico", ["boot"]),
        (VXLAN, NONE, "eth0", ["bird"]),
    ],
    ids=["none to CrossSubnet", "CrossSubnet to none", "none to VXLAN", "VXLAN to none"],
)
def test_a_change_loses_nothing_and_leaves_nothing_behind(before, after, dev, by, guarded):
    must_be_enforced()
    calico_runs.must_have_lost_nothing(calico_runs.change(before, after))
    calico_runs.must_be_routed(dev, by)
    assert calico_runs.leftovers() == []
    must_be_enforced()
    calico_runs.play("06.network.yml", after).must_change_nothing()


def test_a_run_that_is_killed_on_the_way_is_finished_by_the_next_one():
    runs.kill(
        "06.network.yml",
        "TASK [switchyard.cni.switch : Apply the objects of this step",
        network_plugin="calico",
        network_registry="",
        **VXLAN,
    )
    done = calico_runs.play("06.network.yml", VXLAN, network_allow="pods").must_succeed()
    assert "done, and verified on every node that answers." in done.words
    calico_runs.must_be_routed("vxlan.calico", ["boot"])
    assert calico_runs.leftovers() == []


def test_rollback_leads_back():
    calico_runs.play("rollback.yml", VXLAN).must_succeed()
    calico_runs.must_be_routed("eth0", ["bird"])
    assert calico_runs.leftovers() == []


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [(NONE, REFLECTED, "node specific"), (REFLECTED, NONE, "node-to-node mesh")],
    ids=["mesh to reflectors", "reflectors to mesh"],
)
def test_route_reflectors_come_and_go_and_nothing_is_lost(before, after, kind):
    calico_runs.must_have_lost_nothing(calico_runs.change(before, after))
    calico_runs.must_be_routed("eth0", ["bird"])
    told = calico_runs.play("verify.yml", after).must_succeed()
    assert "6 of 6 BGP sessions established" in told.words
    assert f"| {kind} | up |" in told.words
    calico_runs.play("06.network.yml", after).must_change_nothing()


def test_a_missing_session_is_found_and_its_reason_said():
    """Port 179 is closed between two nodes: the seed's table with a peer that is not up."""
    rule = ["INPUT", "-p", "tcp", "-m", "multiport", "--ports", "179", "-s", "192.168.7.111", "-j", "REJECT"]
    try:
        lab.on_node("k8s-node1", "iptables", "-I", *rule)
        lab.on_node("k8s-node1", "ss", "-K", "dport", "=", "179")
        lab.on_node("k8s-node1", "ss", "-K", "sport", "=", "179")

        def noticed() -> bool:
            told = calico_runs.play("verify.yml", NONE)
            return told.status != 0 and "bgp-session-down" in told.words

        lab.eventually(noticed, 60, "the session is found to be down")
    finally:
        lab.on_node("k8s-node1", "iptables", "-D", *rule)
    lab.eventually(lambda: calico_runs.play("verify.yml", NONE).status == 0, 120, "the session is back")


def test_a_felix_that_is_told_otherwise_is_found_before_anything_changes():
    path = "felixconfigurations.crd.projectcalico.org/default"
    try:
        lab.kubectl("patch", path, "--type=merge", '--patch={"spec": {"vxlanEnabled": false}}')
        refused = calico_runs.play("06.network.yml", VXLAN)
        assert refused.status != 0
        assert "says vxlanEnabled: false, which wins over every IPPool" in refused.words
    finally:
        lab.kubectl("patch", path, "--type=json", '--patch=[{"op": "remove", "path": "/spec/vxlanEnabled"}]')
    pool = json.loads(lab.kubectl("get", "ippools.crd.projectcalico.org/default-ipv4-ippool", "--output=json"))
    assert pool["spec"]["vxlanMode"] == "Never"


ROUTER, ROUTER_AS, SECRET = "192.168.0.254", 65000, "not for everybody"
SESSION = """
protocol bgp {name} {{
    local {router} as {own};
    neighbor {address} as 64512;
    password "{password}";
    {policy}
}}
"""


@pytest.fixture
def router(tmp_path):
    """A router outside of the cluster: BIRD on this machine, at the address that the nodes have as their gateway."""
    # 2.0 has a channel for each family, 1.6 knows one.
    newer = "version 2" in (lab.program(["sh", "-c", "bird --version 2>&1"]))
    policy = "ipv4 { import all; export none; };" if newer else "import all; export none;"
    sessions = [
        SESSION.format(
            name=name.replace("-", "_"),
            router=ROUTER,
            own=ROUTER_AS,
            address=node.address,
            policy=policy,
            password=SECRET,
        )
        for name, node in seed.NODES.items()
    ]
    configuration, control = tmp_path / "bird.conf", tmp_path / "bird.ctl"
    configuration.write_text(f"router id {ROUTER};\nprotocol device {{}}\n{''.join(sessions)}", encoding="utf-8")
    argv = ["bird", "-f", "-c", str(configuration), "-s", str(control), "-P", str(tmp_path / "bird.pid")]
    with subprocess.Popen(argv) as daemon:
        lab.eventually(control.exists, 10, "BIRD's control socket")
        yield lambda question: lab.program(["birdc", "-s", str(control), "show", question])
        daemon.terminate()


@pytest.fixture
def password():
    """What the router wants to hear (TCP MD5, RFC 2385), in a Secret beside Calico."""
    lab.kubectl("create", "secret", "generic", "bgp", "--namespace=kube-system", f"--from-literal=router={SECRET}")
    yield {"name": "bgp", "key": "router"}
    lab.kubectl("delete", "secret", "bgp", "--namespace=kube-system")


def test_a_router_outside_learns_every_block_and_goes_when_it_is_declared_no_more(router, password, tmp_path):
    peers = [{"name": "router", "address": ROUTER, "as_number": ROUTER_AS, "password_secret": password}]
    declared = tmp_path / "peers.json"
    services = str(seed.SERVICE_NETWORK)
    declared.write_text(
        json.dumps({"calico_bgp_peers": peers, "calico_advertise_cluster_ips": [services]}), encoding="utf-8"
    )
    given = f"--extra-vars=@{declared}"
    calico_runs.play("06.network.yml", NONE, given).must_succeed()
    wanted = {item["spec"]["cidr"] for item in lab.objects("ipamblocks.crd.projectcalico.org")} | {services}
    lab.eventually(lambda: wanted <= set(router("route").split()), 60, f"the router knows {wanted}")
    told = calico_runs.play("verify.yml", NONE, given).must_succeed()
    assert "9 of 9 BGP sessions established" in told.words
    assert f"| {ROUTER} | global | up |" in told.words

    calico_runs.play("06.network.yml", NONE).must_succeed()
    assert lab.objects("bgppeers.crd.projectcalico.org") == []
    lab.eventually(
        lambda: "6 of 6 BGP sessions established" in calico_runs.play("verify.yml", NONE).words,
        60,
        "only the mesh is left",
    )


@pytest.fixture
def typha_s_image() -> None:
    """Typha has an image of its own, which is asked for by nothing else."""
    if "calico/typha" not in lab.on_node("k8s-node1", "ctr", "--namespace=k8s.io", "images", "list", "--quiet"):
        pytest.skip("the folder of SWITCHYARD_CALICO_IMAGES has no image of Typha (typha.tar)")


def clients_of_typha() -> dict[str, bool]:
    """Whether each node's Felix has a connection to a Typha."""
    return {node: ":5473" in lab.on_node(node, "ss", "-Htnp", "state", "established") for node in seed.NODES}


def test_typha_comes_and_goes_and_every_felix_with_it(typha_s_image):
    wanted = {"calico_typha": "true", "calico_typha_replicas": "2"}
    calico_runs.play("06.network.yml", NONE, **wanted).must_succeed()
    lab.eventually(lambda: all(clients_of_typha().values()), 60, "every Felix reads from a Typha")
    calico_runs.play("06.network.yml", NONE, **wanted).must_change_nothing()
    calico_runs.must_have_lost_nothing(calico_runs.change(NONE, VXLAN_NEAR, **wanted))
    calico_runs.change(VXLAN_NEAR, NONE)
    for kind in ("deployments", "services", "poddisruptionbudgets"):
        names = [item["metadata"]["name"] for item in lab.objects(kind, "--namespace=kube-system")]
        assert "calico-typha" not in names, kind
    assert not any(clients_of_typha().values())
    calico_runs.play("06.network.yml", NONE).must_change_nothing()


def test_calicoctl_is_there_where_it_is_given_and_works(tmp_path):
    program = Path(os.environ["SWITCHYARD_CALICO_IMAGES"]) / "calicoctl"
    if not program.is_file():
        pytest.skip("the folder of SWITCHYARD_CALICO_IMAGES has no calicoctl")
    given = {"calico_calicoctl": str(program)}
    absent = calico_runs.play("06.network.yml", NONE, calico_calicoctl=str(tmp_path / "calicoctl"))
    assert absent.status != 0
    assert "Could not find or access" in absent.words
    calico_runs.play("06.network.yml", NONE, **given).must_succeed()
    assert "Established" in lab.on_node("k8s-master1", "calicoctl", "node", "status")
    assert "172.50.0.0/16" in lab.on_node("k8s-master1", "calicoctl", "get", "ippools")
    calico_runs.play("06.network.yml", NONE, **given).must_change_nothing()
