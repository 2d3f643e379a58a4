# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""path_probe between real pods on real nodes: the seed's traceroutes, and paths that are broken in known ways."""

from __future__ import annotations

import json
import os
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _children, _netns, _probe_run
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import RealNode
from ansible_collections.switchyard.cni.plugins.module_utils._node._probe import Probe, Rules
from ansible_collections.switchyard.cni.plugins.module_utils._node._probe_wire import Exchange
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.test_node_pythons import (
    collections_path,
    find_python,
)
from topology import SEED, SEED_WITH_FAR_NODE, Topology

from conftest import module, need

# The seed's pods: net-test1-68898c85b7-4nnlv and -hw8vs on node1, -r24dx on node2.
SOURCE, NEIGHBOUR, TARGET = "172.50.2.3", "172.50.2.2", "172.50.1.2"
SOURCE6, TARGET6 = "fd50:0:0:2::3", "fd50:0:0:1::2"
BRIDGE, PEER_TUNNEL = "172.50.2.1", "172.50.1.0"
NODE1, NODE2 = "192.168.7.110", "192.168.7.111"
PAIR = SEED[1:]
HELPERS = Path(__file__).absolute().parent / "probe_helpers.py"


@pytest.fixture
def cluster(namespace):
    """Make a topology with the seed's pods; it goes with the test."""
    need("nft")
    made = []

    def make(backend="vxlan", nodes=PAIR, **options):
        topology = Topology(backend, nodes, **options)
        made.append(topology)
        six = (SOURCE6, TARGET6) if topology.ipv6 else (None, None)
        topology.pod("node1", SOURCE, six[0])
        topology.pod("node2", TARGET, six[1])
        return topology

    yield make
    for topology in made:
        topology.close()


def run(topology, *probes, node="node1", counters=(), **rules):
    """Send probes from a node, as the module does there."""
    return topology[node].call(_probe_run.run, RealNode(), probes, Rules(**rules), counters)


def result(topology, source=SOURCE, target=TARGET, **options):
    """The result of one probe."""
    rules = {name: options.pop(name) for name in ("count", "timeout", "budget") if name in options}
    return run(topology, Probe("p", source, target, **options), **rules)["results"][0]


def failure(told):
    return told["reachable"], told["cause"], told["error"]


# ---- paths in order


def test_the_seeds_traceroute_through_the_tunnel(cluster):
    outcome = run(cluster(), Probe("p", SOURCE, TARGET, mtu=1450), counters=["flannel.1", "eth0"])
    (told,) = outcome["results"]
    rtt = told.pop("rtt_ms")
    assert 0 < rtt < 1000
    assert told == {
        "id": "p",
        "reachable": True,
        "sent": 3,
        "received": 3,
        "hops": ["172.50.2.1", "172.50.1.0", "172.50.1.2"],
        "path_mtu": 1450,
        "error": None,
        "cause": None,
    }
    # Three echoes, one big one, and at least the packets for hops 2 and 3.
    assert outcome["counters"]["flannel.1"]["tx_packets"] >= 6
    assert outcome["counters"]["flannel.1"]["rx_packets"] >= 6
    assert outcome["gaps"] == []


def test_the_seeds_traceroute_without_a_tunnel(cluster):
    outcome = run(cluster("host-gw"), Probe("p", SOURCE, TARGET, mtu=1500), counters=["eth0", "flannel.1"])
    (told,) = outcome["results"]
    assert told["hops"] == ["172.50.2.1", "192.168.7.111", "172.50.1.2"]
    assert (told["path_mtu"], told["error"]) == (1500, None)
    assert outcome["counters"]["eth0"]["tx_packets"] >= 6
    assert outcome["counters"]["flannel.1"] is None
    assert [gap["what"] for gap in outcome["gaps"]] == ["counters of flannel.1"]


def test_the_seeds_traceroute_with_calico_and_ipip_off(cluster):
    topology = cluster("host-gw")
    topology.routed_pod("node1", "172.50.2.204")
    topology.routed_pod("node2", "172.50.1.14")
    told = result(topology, "172.50.2.204", "172.50.1.14", mtu=1500)
    assert told["hops"] == ["192.168.7.110", "192.168.7.111", "172.50.1.14"]
    assert (told["received"], told["path_mtu"], told["error"]) == (3, 1500, None)


def test_directrouting_uses_the_tunnel_only_to_another_segment(cluster):
    topology = cluster("direct", SEED_WITH_FAR_NODE)
    topology.pod("master", "172.50.0.2")
    near = run(topology, Probe("p", SOURCE, "172.50.0.2"), counters=["flannel.1"])
    assert near["results"][0]["hops"] == [BRIDGE, "192.168.7.101", "172.50.0.2"]
    assert near["counters"]["flannel.1"] == {"rx_packets": 0, "tx_packets": 0}
    far = run(topology, Probe("p", SOURCE, TARGET), counters=["flannel.1"])
    assert far["results"][0]["hops"] == [BRIDGE, PEER_TUNNEL, TARGET]
    assert far["counters"]["flannel.1"]["tx_packets"] >= 5


def test_on_the_same_node_there_is_only_the_target(cluster):
    topology = cluster()
    topology.pod("node1", NEIGHBOUR)
    outcome = run(topology, Probe("1", SOURCE, NEIGHBOUR), Probe("2", SOURCE, SOURCE), counters=["flannel.1"])
    assert [told["hops"] for told in outcome["results"]] == [[NEIGHBOUR], [SOURCE]]
    assert all(told["received"] == 3 for told in outcome["results"])
    assert outcome["counters"]["flannel.1"] == {"rx_packets": 0, "tx_packets": 0}


def test_the_node_itself_is_a_source(cluster):
    topology = cluster()
    targets = [TARGET, SOURCE, NODE2, NODE1]
    told = run(topology, *[Probe(target, None, target) for target in targets])["results"]
    assert [one["hops"] for one in told] == [[PEER_TUNNEL, TARGET], [SOURCE], [NODE2], [NODE1]]
    assert all(one["reachable"] for one in told)


@pytest.mark.parametrize(
    ("backend", "second", "mtu", "dev"),
    [("vxlan", "fd50:0:0:1::", 1430, "flannel-v6.1"), ("host-gw", "fd00::111", 1500, "eth0")],
)
def test_ipv6(cluster, backend, second, mtu, dev):
    topology = cluster(backend, ipv6=True)
    outcome = run(topology, Probe("p", SOURCE6, TARGET6, mtu=mtu), Probe("q", SOURCE, TARGET), counters=[dev])
    six, four = outcome["results"]
    assert six["hops"] == ["fd50:0:0:2::1", second, TARGET6]
    assert (six["received"], six["path_mtu"], six["error"]) == (3, mtu, None)
    assert outcome["counters"][dev]["tx_packets"] >= 6
    assert four["reachable"]
    from_node = result(topology, None, TARGET6)
    assert from_node["hops"][-1] == TARGET6
    # A pod is found by any of its addresses.
    assert result(topology, SOURCE, TARGET6)["hops"] == six["hops"]


def test_all_sources_of_a_node_at_once(cluster):
    topology = cluster()
    sources = [f"172.50.2.{number}" for number in range(10, 30)]
    for address in sources:
        topology.pod("node1", address)
    probes = [Probe(address, address, TARGET, mtu=1450) for address in sources]
    told = run(topology, *probes, Probe("node", None, TARGET))["results"]
    assert [one["id"] for one in told] == [*sources, "node"]
    assert [one["error"] for one in told] == [None] * 21
    assert [one["hops"] for one in told[:-1]] == [[BRIDGE, PEER_TUNNEL, TARGET]] * 20


# ---- broken paths


def test_dropped_without_a_word(cluster):
    topology = cluster()
    topology["node2"].filter("forward", f"ip daddr {TARGET} drop")
    told = result(topology, timeout=0.5)
    assert (told["reachable"], told["received"], told["rtt_ms"], told["path_mtu"]) == (False, 0, None, None)
    assert told["hops"] == [BRIDGE, PEER_TUNNEL, *[None] * 6]
    assert told["cause"] == "silence"
    assert told["error"].endswith(f"the last hop that answered is {PEER_TUNNEL}")


@pytest.mark.parametrize(
    ("word", "cause", "text"),
    [
        ("admin-prohibited", "prohibited", "administratively prohibited"),
        ("host-unreachable", "unreachable", "host unreachable"),
        ("port-unreachable", "unreachable", "port unreachable"),
    ],
)
def test_refused_by_a_firewall_with_its_address(cluster, word, cause, text):
    topology = cluster()
    topology["node2"].filter("forward", f"ip daddr {TARGET} reject with icmp type {word}")
    told = result(topology)
    assert failure(told) == (False, cause, f"{text}, says {PEER_TUNNEL}")
    assert told["hops"] == [BRIDGE, PEER_TUNNEL, PEER_TUNNEL]


def test_a_route_that_is_missing(cluster):
    topology = cluster()
    topology["node1"].ip("route del 172.50.1.0/24\nroute del default")
    told = result(topology, mtu=1450)
    assert failure(told) == (False, "unreachable", f"network unreachable, says {BRIDGE}")
    assert told["hops"] == [BRIDGE]


def test_a_source_that_has_no_route(cluster):
    topology = cluster()
    topology.pods[SOURCE].ip("route del default")
    told = result(topology, mtu=1450)
    assert failure(told) == (False, "local", "cannot be sent: Network is unreachable")
    assert told["hops"] == []
    topology["node1"].ip("route del 172.50.1.0/24\nroute del default")
    assert failure(result(topology, None)) == (False, "local", "cannot be sent: Network is unreachable")


def test_a_source_that_may_not_send(cluster):
    topology = cluster()
    topology.pods[SOURCE].filter("output", "drop")
    assert failure(result(topology)) == (False, "local", "cannot be sent: Operation not permitted")


def test_nobody_has_the_targets_address(cluster):
    told = result(cluster(), target="172.50.1.77")
    # It takes the peer three seconds to find out.
    assert failure(told) == (False, "unreachable", f"host unreachable, says {PEER_TUNNEL}")


def test_a_tunnel_without_its_forwarding_entry(cluster):
    topology = cluster()
    topology["node1"].run("bridge", "fdb", "del", "0a:00:00:00:00:6f", "dev", "flannel.1", "dst", NODE2, "self")
    told = result(topology, timeout=0.3)
    assert told["cause"] == "silence"
    assert told["hops"][:2] == [BRIDGE, None]


def test_a_loop(cluster):
    topology = cluster()
    topology["node2"].ip(f"route add {TARGET}/32 via 172.50.2.0 dev flannel.1 onlink")
    told = result(topology)
    assert (told["reachable"], told["cause"]) == (False, "loop")
    assert told["hops"][:3] == [BRIDGE, PEER_TUNNEL, BRIDGE]
    assert "the packets go round in circles" in told["error"]


def test_a_source_that_is_not_on_this_node(cluster):
    told = run(cluster(), Probe("1", TARGET, SOURCE), Probe("2", SOURCE, TARGET))["results"]
    assert [one["cause"] for one in told] == ["no-source", None]


# ---- sizes


def test_a_black_hole_is_found_and_measured(cluster):
    topology = cluster()
    topology["node2"].swallow_bigger_than(1400)
    told = result(topology, mtu=1450, trace=False)
    # VXLAN adds 50 bytes, of which the inner Ethernet header's 14 are none of the outer packet's IP header.
    assert (told["reachable"], told["path_mtu"], told["cause"]) == (True, 1350, "black-hole")
    assert told["error"] == "a packet of 1450 bytes does not pass: above 1350 bytes packets vanish without an error"


def test_a_device_that_is_larger_than_its_path_and_a_hop_that_says_so(cluster):
    topology = cluster(pod_mtu=1500)
    told = result(topology, mtu=1500)
    assert (told["reachable"], told["path_mtu"], told["cause"]) == (True, 1450, "fragmentation-needed")
    assert told["error"] == (
        f"a packet of 1500 bytes does not pass: {BRIDGE} says fragmentation needed for more than 1450 bytes"
    )
    # Now the kernel remembers the path MTU, and the probe still asks the path.
    assert "mtu 1450" in topology.pods[SOURCE].run("ip", "route", "get", TARGET)
    assert result(topology, mtu=1500)["cause"] == "fragmentation-needed"


def test_a_device_that_is_larger_than_its_path_and_nobody_who_says_so(cluster):
    topology = cluster(pod_mtu=1500)
    topology["node1"].filter("output", "icmp type destination-unreachable drop")
    told = result(topology, mtu=1500, trace=False)
    assert (told["path_mtu"], told["cause"]) == (1450, "black-hole")


def test_a_device_that_is_too_small(cluster):
    topology = cluster()
    topology.pods[SOURCE].ip("link set eth0 mtu 1400")
    told = result(topology, mtu=1450)
    assert (told["reachable"], told["path_mtu"], told["cause"]) == (True, 1400, "device-mtu")
    assert "the MTU of the source's own device is 1400 bytes" in told["error"]


def test_sizes_in_ipv6(cluster):
    topology = cluster(ipv6=True, pod_mtu=1500)
    told = result(topology, SOURCE6, TARGET6, mtu=1500)
    assert (told["path_mtu"], told["cause"]) == (1430, "fragmentation-needed")
    assert "fd50:0:0:2::1 says packet too big for more than 1430 bytes" in told["error"]
    topology.pods[SOURCE].ip("link set eth0 mtu 1400")
    told = result(topology, SOURCE6, TARGET6, mtu=1430)
    assert (told["path_mtu"], told["cause"]) == (1400, "device-mtu")


def test_no_packet_of_a_probe_is_fragmented(cluster):
    topology = cluster(pod_mtu=1500)
    topology["node2"].filter("prerouting", "ip frag-off & 0x3fff != 0 counter drop")
    told = result(topology, mtu=1500)
    assert (told["received"], told["path_mtu"]) == (3, 1450)
    assert "counter packets 0" in topology["node2"].run("nft", "list", "table", "inet", "faults")


# ---- connections


@pytest.fixture
def serving(cluster):
    """A cluster whose target pod listens on port 8080, in IPv4 and IPv6."""
    topology = cluster(ipv6=True)
    server = topology.pods[TARGET].start(sys.executable, str(HELPERS), "listen", "8080", stdout=-1)
    assert server.stdout.readline() == "ready\n"
    return topology


def test_connections_are_accepted_or_refused(serving):
    probes = [
        Probe("pod", SOURCE, TARGET, port=8080),
        Probe("node", None, TARGET, port=8080),
        Probe("six", SOURCE6, TARGET6, port=8080),
        Probe("closed", SOURCE, TARGET, port=8081),
    ]
    *accepted, refused = run(serving, *probes)["results"]
    for told in accepted:
        assert (told["reachable"], told["sent"], told["received"], told["error"]) == (True, 3, 3, None)
        assert 0 < told["rtt_ms"] < 1000
        assert told["hops"] == []
    assert failure(refused) == (False, "refused", f"connection refused, says {TARGET}")


def test_a_connection_to_a_service(serving):
    rule = f"type nat hook prerouting priority -100\nip daddr 10.68.0.1 tcp dport 443 dnat to {TARGET}:8080"
    serving["node1"].run("nft", "-f", "-", text=f"table ip proxy {{\nchain services {{\n{rule}\n}}\n}}\n")
    told = result(serving, SOURCE, "10.68.0.1", port=443)
    assert (told["reachable"], told["received"]) == (True, 3)


def test_a_filtered_connection(serving):
    serving["node2"].filter("forward", "tcp dport 8080 drop")
    told = result(serving, port=8080, timeout=0.3)
    assert failure(told) == (False, "silence", "no answer to 3 connections, each within 0.3 s")


@pytest.mark.parametrize("word", ["port-unreachable", "admin-prohibited", "host-unreachable"])
def test_a_connection_that_a_firewall_refuses_is_not_said_to_be_refused_by_the_target(serving, word):
    serving["node2"].filter("forward", f"tcp dport 8080 reject with icmp type {word}")
    told = result(serving, port=8080)
    assert told["reachable"] is False
    assert told["cause"] in ("unreachable", "prohibited")
    assert told["error"].endswith(f"says {PEER_TUNNEL}")


# ---- only the right answers count


@pytest.mark.parametrize("lie", ["truth", "payload", "short", "sequence", "identifier", "checksum", "other-sender"])
def test_a_reply_counts_only_if_everything_in_it_is_right(cluster, lie):
    topology = cluster()
    topology.pod("node2", "172.50.1.9")
    target = topology.pods[TARGET]
    target.sysctl("net/ipv4/icmp_echo_ignore_all", 1)
    liar = target.start(sys.executable, str(HELPERS), "answer", lie, "172.50.1.9", stdout=-1)
    assert liar.stdout.readline() == "ready\n"
    told = result(topology, trace=False, timeout=0.5)
    if lie == "truth":
        assert told["received"] == 3
    else:
        assert failure(told)[:2] == (False, "silence")


def test_other_pings_in_the_same_pod_change_nothing(cluster):
    topology = cluster()
    source = topology.pods[SOURCE]
    for victim in (TARGET, "172.50.1.77"):
        flood = source.start(sys.executable, str(HELPERS), "flood", victim, stdout=-1)
        assert flood.stdout.readline() == "ready\n"
    probes = [Probe("1", SOURCE, TARGET, mtu=1450), Probe("2", SOURCE, "172.50.1.99")]
    told, unreached = run(topology, *probes)["results"]
    assert (told["received"], told["path_mtu"], told["hops"][-1]) == (3, 1450, TARGET)
    assert unreached["reachable"] is False


def run_twice_at_once(first, second):
    jobs = [partial(tell_results, probes) for probes in (first, second)]
    return [ended.values[0] for ended in _children.run(jobs, 2, 60.0)]


def tell_results(probes, tell):
    tell(_probe_run.run(RealNode(), probes, Rules(), [])["results"])


def test_two_runs_at_once_do_not_hear_each_other(cluster):
    topology = cluster()
    alive = [Probe(str(number), SOURCE, TARGET, trace=False) for number in range(20)]
    dead = [Probe(str(number), SOURCE, "172.50.1.99", trace=False) for number in range(20)]
    first, second = topology["node1"].call(run_twice_at_once, alive, dead)
    assert {told["received"] for told in first} == {3}
    assert {told["received"] for told in second} == {0}


# ---- limits of routers


def test_a_hop_that_hit_its_limit_is_asked_again(cluster):
    topology = cluster()
    # The bridge may send six errors at once; eight traces want eight.
    probes = [Probe(str(number), SOURCE, TARGET) for number in range(8)]
    outcome = run(topology, *probes, count=5)
    assert [told["hops"] for told in outcome["results"]] == [[BRIDGE, PEER_TUNNEL, TARGET]] * 8


def test_a_hop_whose_limit_is_too_low_is_a_gap_and_no_error(cluster):
    topology = cluster()
    # Six errors at once, as always, and then one in nine seconds.
    topology["node1"].sysctl("net/ipv4/icmp_ratelimit", 9000)
    topology["node2"].sysctl("net/ipv4/icmp_ratelimit", 0)
    probes = [Probe(str(number), SOURCE, TARGET) for number in range(8)]
    outcome = run(topology, *probes, count=2)
    silent = [told["hops"] for told in outcome["results"] if told["hops"][0] is None]
    assert silent in ([[None, PEER_TUNNEL, TARGET]], [[None, PEER_TUNNEL, TARGET]] * 2)
    assert [told["error"] for told in outcome["results"]] == [None] * 8
    assert [gap["what"] for gap in outcome["gaps"]] == ["hops"]


# ---- time, and what is left


def test_the_budget_ends_everything_and_what_is_known_is_told(cluster):
    topology = cluster()
    topology["node2"].swallow_bigger_than(1400)
    probes = [Probe("1", SOURCE, TARGET, mtu=1450), Probe("2", SOURCE, "172.50.1.77")]
    told, silent = run(topology, *probes, budget=1.5)["results"]
    assert (told["reachable"], told["received"], told["cause"]) == (True, 3, "budget")
    assert silent["reachable"] is False
    assert "the budget of 1.5 s ended before the probe did" in (told["error"], silent["error"])


def run_with_a_hanging_source(probes):
    """As if the file system that holds one pod's namespace did not answer."""
    real = os.open
    (hanging,) = _netns.survey(_netns.pod_namespaces(RealNode())).holders(NEIGHBOUR)

    def open_or_hang(path, *args):
        return os.read(os.pipe()[0], 1) if path == hanging else real(path, *args)

    survey = _netns.survey(_netns.pod_namespaces(RealNode()))
    os.open, _netns.survey = open_or_hang, lambda paths, timeout: survey
    return _probe_run.run(RealNode(), probes, Rules(), [])


def test_a_source_that_hangs_is_its_own_error(cluster):
    topology = cluster()
    topology.pod("node1", NEIGHBOUR)
    probes = [Probe("1", NEIGHBOUR, TARGET), Probe("2", SOURCE, TARGET), Probe("3", None, TARGET)]
    told = topology["node1"].call(run_with_a_hanging_source, probes)["results"]
    assert [one["reachable"] for one in told] == [False, True, True]
    assert told[0]["cause"] == "failed"
    assert "did not open within 1 s" in told[0]["error"]


def stop_for_good(self, deadline):
    while True:
        time.sleep(1)


def run_with_stopped_children(probes):
    Exchange.run = stop_for_good
    return _probe_run.run(RealNode(), probes, Rules(budget=1.0), [])


def test_a_child_that_hangs_is_killed_and_that_is_its_probes_error(cluster):
    (told,) = cluster()["node1"].call(run_with_stopped_children, [Probe("1", SOURCE, TARGET)])["results"]
    assert failure(told) == (False, "failed", "the child that sent it did not end within its time and was killed")


def descriptors_and_children(probes):
    before = sorted(os.listdir("/proc/self/fd"))
    own = os.readlink("/proc/self/ns/net")
    _probe_run.run(RealNode(), probes, Rules(budget=2.0), ["flannel.1"])
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return before, sorted(os.listdir("/proc/self/fd")), children, own, os.readlink("/proc/self/ns/net")


def test_nothing_is_left_behind(cluster):
    topology = cluster()
    probes = [
        Probe("1", SOURCE, TARGET, mtu=1450),
        Probe("2", SOURCE, "172.50.1.77"),
        Probe("3", None, TARGET, port=80),
    ]
    before, after, children, own, still = topology["node1"].call(descriptors_and_children, probes)
    assert (before, own) == (after, still)
    assert children == ""


def test_a_namespace_that_was_used_can_be_deleted_and_is_gone(cluster):
    topology = cluster()
    pod = topology.pods.pop(SOURCE)
    assert result(topology)["reachable"]
    pod.close()
    topology["node1"].run("ip", "netns", "delete", pod.name)
    # The pod's end of the veth pair goes with the last reference to its namespace, and takes this end with it.
    ended = "while ip link show type veth | grep -q 'master cni0'; do :; done"
    topology["node1"].run("timeout", "20", "sh", "-c", ended)
    assert result(topology)["cause"] == "no-source"


# ---- namespaces


def test_pods_are_found_by_any_of_their_addresses(cluster):
    topology = cluster(ipv6=True)
    topology.pods[SOURCE].ip("addr add 172.50.2.200/24 dev eth0")
    pod = f"/run/netns/{topology.pods[SOURCE].name}"

    def look():
        paths = _netns.pod_namespaces(RealNode())
        return paths, _netns.survey(paths)

    paths, survey = topology["node1"].call(look)
    assert paths == [pod]
    assert survey.addresses == {pod: [SOURCE, "172.50.2.200", SOURCE6]}
    assert survey.problems == {}


def test_namespaces_that_vanish_and_files_that_are_none_are_passed_over(cluster):
    topology = cluster()
    topology["node1"].run("touch", "/run/netns/cni-stale")

    def look():
        paths = _netns.pod_namespaces(RealNode())
        return paths, _netns.survey([*paths, "/run/netns/cni-vanished"])

    paths, survey = topology["node1"].call(look)
    assert "/run/netns/cni-stale" in paths
    assert list(survey.addresses.values()) == [[SOURCE]]
    assert survey.problems == {}


def test_inside_a_pod(cluster):
    topology = cluster()

    def devices():
        return sorted(name for dummy, name in __import__("socket").if_nameindex())

    def look():
        (path,) = _netns.pod_namespaces(RealNode())
        return _netns.inside(path, devices), devices()

    inside, outside = topology["node1"].call(look)
    assert inside == ["eth0", "lo"]
    assert "cni0" in outside


# ---- other Pythons, and through Ansible

ON_ITS_OWN = """
import json, sys
from ansible_collections.switchyard.cni.plugins.module_utils._node import _probe_run
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import RealNode
from ansible_collections.switchyard.cni.plugins.module_utils._node._probe import Probe, Rules
source, target = sys.argv[1:]
probes = [Probe("1", source, target, mtu=1450), Probe("2", None, target), Probe("3", source, target, port=80)]
print(json.dumps(_probe_run.run(RealNode(), probes, Rules(), ["flannel.1"])))
"""


@pytest.mark.parametrize("version", ["3.8", "3.13"])
def test_the_oldest_python_and_one_that_enters_namespaces_by_itself(cluster, version):
    python = find_python(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine: probes are not sent by it")
    said = cluster()["node1"].run("env", f"PYTHONPATH={collections_path()}", python, "-Bc", ON_ITS_OWN, SOURCE, TARGET)
    first, second, third = json.loads(said)["results"]
    assert (first["hops"], first["path_mtu"], first["error"]) == ([BRIDGE, PEER_TUNNEL, TARGET], 1450, None)
    assert second["hops"] == [PEER_TUNNEL, TARGET]
    assert third["cause"] == "refused"


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_the_module_through_ansible(cluster, options):
    topology = cluster()
    probes = [{"id": "p", "source": SOURCE, "target": TARGET, "mtu": 1450}]
    code, told = topology["node1"].call(module, "path_probe", *options, probes=probes, counters=["flannel.1"])
    assert (code, told["changed"]) == (0, False)
    assert told["results"][0]["hops"] == [BRIDGE, PEER_TUNNEL, TARGET]
    assert told["counters"]["flannel.1"]["tx_packets"] >= 6
