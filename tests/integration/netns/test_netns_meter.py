# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""path_meter between real pods on real nodes: nothing wrong, cuts of a known length, and ends of every kind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import time

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _meter_module, _meter_run
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import RealNode
from ansible_collections.switchyard.cni.plugins.plugin_utils._meter import summarise
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.test_node_pythons import (
    collections_path,
    find_python,
)
from topology import SEED, Topology

from conftest import module, need

SOURCE, TARGET = "172.50.2.3", "172.50.1.2"
SOURCE6, TARGET6 = "fd50:0:0:2::3", "fd50:0:0:1::2"
NODE2 = "192.168.7.111"
PAIRS = [{"name": "there", "source": SOURCE, "target": TARGET}]
SETTLED = 0.4  # seconds until the connections stand


@pytest.fixture
def cluster(namespace):
    """Make two nodes with a pod each; they go with the test, and so do meters that still run on them."""
    need("nft")
    made = []

    def make(backend="vxlan", **options):
        topology = Topology(backend, SEED[1:], **options)
        made.append(topology)
        six = (SOURCE6, TARGET6) if topology.ipv6 else (None, None)
        topology.pod("node1", SOURCE, six[0])
        topology.pod("node2", TARGET, six[1])
        return topology

    yield make
    for topology in made:
        for name in topology.plans:
            topology[name].call(_end_all)
        topology.close()


def _end_all():
    node = RealNode()
    names = node.names("/run/switchyard-cni") if node.stat("/run/switchyard-cni") else []
    for name in names:
        run = name.removeprefix("meter-").removesuffix(".json")
        _meter_run.stop(node, run, _meter_run.look(node, run))


def _work(function, params, is_check):
    return function(RealNode(), params, is_check)


def _params(**options):
    defaults = {name: one.get("default") for name, one in _meter_module.meter_argument_spec().items()}
    pairs = [{"name": None, **pair} for pair in options.pop("pairs", [])]
    return {**defaults, "run": "test", "pairs": pairs, **options}


def start(topology, node, is_check=False, **options):
    return topology[node].call(_work, _meter_module._start, _params(**options), is_check)


def stop(topology, node, is_check=False, **options):
    return topology[node].call(_work, _meter_module._stop, _params(**options), is_check)


def told(topology, node):
    return topology[node].call(_meter_run.look, RealNode(), "test")


@contextlib.contextmanager
def measuring(topology, **options):
    """A pair from node1 to node2, from when its connection stands; in the end its figures, and all of node1's."""
    found = {}
    pairs = options.pop("pairs", PAIRS)
    assert start(topology, "node2", listen=[TARGET], **options)["problems"] == []
    assert start(topology, "node1", pairs=pairs, **options)["problems"] == []
    time.sleep(SETTLED)
    yield found
    found.update(stop(topology, "node1"))
    found["pair"] = found["pairs"][0]
    found["node2"] = stop(topology, "node2")


def report(found):
    """What the controller makes of both nodes' figures."""
    return summarise({"node1": {**found, "changed": True}, "node2": found["node2"]})


def counted(pair):
    return pair["received"] + pair["lost"] + pair["pending"] + pair["abandoned"]


# ---- nothing wrong


def test_between_pods_that_reach_each_other_nothing_is_lost(cluster):
    topology = cluster()
    with measuring(topology) as found:
        time.sleep(1.5)
    pair, talk = found["pair"], found["pair"]["tcp"]
    assert (found["found"], found["ended"], found["problems"]) == (True, "stopped", [])
    assert 50 < pair["sent"] <= 220
    assert (pair["received"], pair["lost"], pair["pending"], pair["abandoned"]) == (pair["sent"], 0, 0, 0)
    assert (pair["late"], pair["duplicates"], pair["unsent"], pair["error"]) == (0, 0, 0, None)
    assert (pair["longest_gap_ms"], pair["gaps"], pair["first_loss"]) == (10.0, [], None)
    assert (pair["source"], pair["target"], pair["source_gone"]) == (SOURCE, TARGET, None)
    assert (talk["connected"], talk["broken"], talk["error"]) == (True, False, None)
    assert 5 <= talk["messages"] <= 25
    assert talk["messages"] - talk["echoed"] <= 1
    assert found["since"] <= pair["slowest_at"] < found["until"] <= time.time() + 0.1
    assert found["node2"]["listeners"] == [{"address": TARGET, "accepted": 1, "gone": None}]
    assert report(found).undisturbed


def test_both_ways_over_ipv6_and_from_the_node_itself(cluster):
    topology = cluster(ipv6=True)
    pairs = [
        {"source": SOURCE6, "target": TARGET6},
        {"source": "node", "target": TARGET},
        {"source": SOURCE, "target": TARGET6},
    ]
    back = [{"source": TARGET6, "target": SOURCE6}]
    start(topology, "node2", pairs=back, listen=[TARGET, TARGET6])
    assert start(topology, "node1", pairs=pairs, listen=[SOURCE6])["problems"] == []
    time.sleep(1)
    found = [*stop(topology, "node1")["pairs"], *stop(topology, "node2")["pairs"]]
    assert [pair["name"] for pair in found][:2] == [f"{SOURCE6} to {TARGET6}", f"node to {TARGET}"]
    for pair in found:
        assert pair["received"] == pair["sent"] > 50
        assert (pair["tcp"]["connected"], pair["tcp"]["broken"]) == (True, False)
        assert pair["tcp"]["echoed"] > 3


@pytest.mark.parametrize("listener_stops_first", [True, False])
def test_in_whatever_order_meters_are_stopped_no_connection_breaks(cluster, listener_stops_first):
    topology = cluster()
    with measuring(topology) as found:
        if listener_stops_first:
            assert stop(topology, "node2")["listeners"][0]["accepted"] == 1
            time.sleep(0.3)
    assert found["node2"]["found"] is not listener_stops_first
    talk = found["pair"]["tcp"]
    assert (talk["connected"], talk["broken"], talk["error"]) == (True, False, None)
    assert (found["pair"]["lost"], talk["silence_ms"] < 1000) == (0, True)


def test_a_meter_that_is_held_up_measures_a_stall_and_no_gap(cluster):
    topology = cluster()
    with measuring(topology) as found:
        pid = told(topology, "node1").told["pid"]
        os.kill(pid, signal.SIGSTOP)
        time.sleep(1.5)
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.3)
    pair = found["pair"]
    assert pair["stall_ms"] >= 1490
    assert (pair["lost"], pair["late"], pair["longest_gap_ms"], pair["slowest_ms"] < 1000) == (0, 0, 10.0, True)
    assert pair["tcp"]["broken"] is False
    assert any("node1 sent nothing for" in line for line in report(found).lines())


# ---- cuts


def test_a_cut_is_counted_and_timed(cluster):
    topology = cluster()
    with measuring(topology) as found:
        before = time.time()
        topology["node1"].ip("link set flannel.1 down\naddr show dev flannel.1")
        time.sleep(0.3)
        topology["node1"].ip("link set flannel.1 up\nroute add 172.50.1.0/24 via 172.50.1.0 dev flannel.1 onlink")
        topology["node1"].ip("neigh replace 172.50.1.0 lladdr 0a:00:00:00:00:6f dev flannel.1 nud permanent")
        cut = time.time() - before
        time.sleep(1.2)
    pair = found["pair"]
    assert counted(pair) == pair["sent"]
    assert 25 <= pair["lost"] <= cut * 100 + 5
    (gap,) = pair["gaps"]
    assert 280 <= gap["ms"] <= cut * 1000 + 60
    assert (gap["ms"], gap["lost"], gap["ended"]) == (pair["longest_gap_ms"], pair["lost"], True)
    assert before - 0.1 <= gap["at"] <= pair["first_loss"] <= pair["last_loss"] <= before + cut + 0.1
    assert (pair["tcp"]["connected"], pair["tcp"]["broken"]) == (True, False)
    assert pair["tcp"]["silence_ms"] > 280
    assert (report(found).lost, report(found).worst.ms) == (pair["lost"], gap["ms"])


def test_a_route_that_is_a_black_hole_for_a_moment(cluster):
    topology = cluster("host-gw")
    with measuring(topology) as found:
        topology["node1"].ip("route replace blackhole 172.50.1.0/24")
        time.sleep(0.05)
        topology["node1"].ip(f"route replace 172.50.1.0/24 via {NODE2} dev eth0")
        time.sleep(1.2)
    pair = found["pair"]
    assert 2 <= pair["lost"] <= 100
    assert 30 <= pair["longest_gap_ms"] <= 1030
    assert pair["tcp"]["broken"] is False


def test_what_arrives_too_late_is_lost_and_said_to_be_late(cluster):
    topology = cluster("host-gw")
    with measuring(topology) as found:
        # Packets wait for as long as node2's address is asked for, once a second and three times.
        topology["node2"].sysctl("net/ipv4/conf/eth0/arp_ignore", 8)
        topology["node1"].ip(f"neigh del {NODE2} dev eth0")
        time.sleep(1.5)
        topology["node2"].sysctl("net/ipv4/conf/eth0/arp_ignore", 0)
        time.sleep(1)
    pair = found["pair"]
    assert 50 <= pair["lost"] <= 250
    assert 50 <= pair["late"] <= pair["lost"]  # the queue may be too short for all of them
    assert 500 <= pair["slowest_ms"] <= 1000


def test_who_refuses_probes_is_told(cluster):
    topology = cluster()
    with measuring(topology) as found:
        topology["node2"].filter(
            "forward", f"ip daddr {TARGET} meta l4proto icmp reject with icmp type admin-prohibited"
        )
        time.sleep(0.3)
        topology["node2"].heal()
        time.sleep(0.2)
    assert found["pair"]["lost"] > 10
    assert found["pair"]["error"] == "administratively prohibited, says 172.50.1.0"


# ---- connections


def test_a_connection_that_is_reset_is_broken(cluster):
    topology = cluster()
    with measuring(topology) as found:
        topology["node2"].filter("forward", f"ip daddr {TARGET} tcp dport 24737 reject with tcp reset")
        time.sleep(0.4)
    talk = found["pair"]["tcp"]
    assert (talk["connected"], talk["broken"], talk["error"]) == (True, True, "Connection reset by peer")
    assert found["since"] < talk["broken_at"] < found["until"]
    assert found["pair"]["lost"] == 0


def test_a_connection_whose_listener_was_killed_is_broken(cluster):
    topology = cluster()
    with measuring(topology) as found:
        os.kill(told(topology, "node2").told["pid"], signal.SIGKILL)
        time.sleep(0.4)
    assert found["pair"]["tcp"]["broken"]
    assert found["node2"]["ended"] == "died"


def test_a_connection_that_is_forbidden_from_the_start_is_not_broken(cluster):
    topology = cluster()
    topology["node2"].filter("forward", f"ip daddr {TARGET} tcp dport 24737 drop")
    with measuring(topology) as found:
        time.sleep(0.3)
    assert (found["pair"]["tcp"]["connected"], found["pair"]["tcp"]["broken"]) == (False, False)
    assert found["pair"]["lost"] == 0


def test_a_listener_that_comes_later_is_found(cluster):
    topology = cluster()
    start(topology, "node1", pairs=PAIRS)
    time.sleep(0.3)
    start(topology, "node2", listen=[TARGET])
    time.sleep(1.0)
    assert stop(topology, "node1")["pairs"][0]["tcp"]["connected"] is True


# ---- pods that go


def test_a_source_that_goes_is_no_loss(cluster):
    topology = cluster()
    with measuring(topology) as found:
        gone = time.time()
        topology.remove_pod(SOURCE)
        time.sleep(0.6)
    pair = found["pair"]
    assert gone <= pair["source_gone"] <= gone + 0.6
    assert counted(pair) == pair["sent"] <= 110
    assert (pair["lost"], pair["gaps"], pair["tcp"]["broken"]) == (0, [], False)


def test_a_target_that_goes_is_told_by_its_own_node(cluster):
    topology = cluster()
    with measuring(topology) as found:
        topology.remove_pod(TARGET)
        time.sleep(0.6)
    assert found["pair"]["lost"] > 20
    assert found["pair"]["gaps"][-1]["ended"] is False
    assert found["node2"]["listeners"][0]["gone"] > found["since"]
    assert (report(found).lost, report(found).gone, report(found).broken) == (0, ("there",), ())


# ---- beginning and ending


def test_started_and_stopped_twice(cluster):
    topology = cluster()
    assert start(topology, "node1", is_check=True, pairs=PAIRS) == {"changed": True, "pid": None, "problems": []}
    assert told(topology, "node1").told is None
    first, again = start(topology, "node1", pairs=PAIRS), start(topology, "node1", pairs=PAIRS)
    assert (first["changed"], again["changed"], again["pid"]) == (True, False, first["pid"])
    with pytest.raises(AssertionError, match="measures something else on this node already; stop it first"):
        start(topology, "node1", pairs=PAIRS, rate=50.0)
    looked = stop(topology, "node1", is_check=True)
    assert (looked["changed"], looked["ended"]) == (True, "running")
    assert told(topology, "node1").alive
    ended, nothing = stop(topology, "node1"), stop(topology, "node1")
    assert (ended["changed"], ended["ended"]) == (True, "stopped")
    assert nothing == {"changed": False, **_meter_run.figures(_meter_run.Found())}
    assert (nothing["found"], nothing["pairs"]) == (False, [])


def test_only_root_can_look_at_its_files(cluster):
    topology = cluster()
    start(topology, "node1", pairs=PAIRS)

    def modes():
        return [stat.S_IMODE(os.stat(path).st_mode) for path in ("/run/switchyard-cni", _meter_run.path_of("test"))]

    assert topology["node1"].call(modes) == [0o700, 0o600]


def test_one_that_was_killed_leaves_its_figures(cluster):
    topology = cluster()
    with measuring(topology) as found:
        time.sleep(1.3)
        os.kill(told(topology, "node1").told["pid"], signal.SIGKILL)
        time.sleep(0.2)
    assert found["ended"] == "died"
    assert 40 <= found["pair"]["received"] <= 200
    assert counted(found["pair"]) == found["pair"]["sent"]


def test_it_ends_by_itself(cluster):
    topology = cluster()
    with measuring(topology, lifetime=0.8) as found:
        time.sleep(2)
        assert not told(topology, "node1").alive
    assert found["ended"] == "lifetime"
    assert 20 <= found["pair"]["sent"] <= 90
    assert (found["pair"]["lost"], found["pair"]["tcp"]["broken"]) == (0, False)


def test_the_number_of_another_process_is_not_killed(cluster):
    topology = cluster()
    start(topology, "node1", pairs=PAIRS)
    meter = told(topology, "node1").told
    os.kill(meter["pid"], signal.SIGKILL)
    other = topology["node1"].start("sleep", "60")
    meter["pid"] = other.pid
    topology["node1"].call(RealNode().write, _meter_run.path_of("test"), json.dumps(meter).encode(), 0o600)
    assert stop(topology, "node1")["ended"] == "died"
    assert other.poll() is None


def test_what_cannot_be_opened_is_told(cluster):
    topology = cluster()
    missing = "no pod's network namespace on this node has the address 172.50.2.99"
    gone = [*PAIRS, {"name": "gone", "source": "172.50.2.99", "target": TARGET}]
    began = start(topology, "node1", pairs=gone, listen=[SOURCE])
    assert began["problems"] == [f"pair gone: {missing}"]
    second = start(topology, "node1", run="other", pairs=PAIRS, listen=[SOURCE])
    assert second["problems"] == [f"listen {SOURCE}: Address already in use"]
    assert [pair["name"] for pair in stop(topology, "node1")["pairs"]] == ["there"]
    with pytest.raises(AssertionError, match=NodeError.__name__) as failed:
        start(topology, "node1", run="nothing", listen=["172.50.2.99"])
    assert f"listen 172.50.2.99: {missing}" in str(failed.value)
    assert topology["node1"].call(_meter_run.look, RealNode(), "nothing").told is None


ON_ITS_OWN = """
import json, sys, time
from ansible_collections.switchyard.cni.plugins.module_utils._node import _meter_run
from ansible_collections.switchyard.cni.plugins.module_utils._node._meter_wire import Job, Pair
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import RealNode
source, target = sys.argv[1:]
job = Job((Pair("1", source, target), Pair("2", None, source)), (source,), 24737, 100.0, 60.0)
assert _meter_run.start(RealNode(), "test", job)["problems"] == []
time.sleep(0.8)
print(json.dumps(_meter_run.stop(RealNode(), "test", _meter_run.look(RealNode(), "test"))))
"""


@pytest.mark.parametrize("version", ["3.8", "3.13"])
def test_the_oldest_python_and_one_that_enters_namespaces_by_itself(cluster, version):
    python = find_python(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine: nothing is measured by it")
    said = cluster()["node1"].run("env", f"PYTHONPATH={collections_path()}", python, "-Bc", ON_ITS_OWN, SOURCE, TARGET)
    found = json.loads(said)
    assert (found["ended"], found["problems"]) == ("stopped", [])
    for pair in found["pairs"]:
        assert pair["received"] == pair["sent"] > 50
    own = found["pairs"][1]["tcp"]
    assert (own["connected"], own["broken"], own["echoed"] > 3) == (True, False, True)


def test_as_ansible_runs_it(cluster):
    topology = cluster()
    pairs = [{"source": SOURCE, "target": TARGET}]
    code, began = topology["node1"].call(module, "path_meter", state="started", run="real", pairs=pairs)
    assert (code, began["changed"], began["problems"]) == (0, True, [])
    time.sleep(0.5)
    code, ended = topology["node1"].call(module, "path_meter", state="stopped", run="real")
    assert (code, ended["changed"], ended["ended"]) == (0, True, "stopped")
    assert ended["pairs"][0]["received"] == ended["pairs"][0]["sent"] > 30
