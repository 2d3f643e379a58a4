# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_network_info and real BIRD daemons in two namespaces, configured as Calico configures them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time

import pytest

from conftest import ip, need

NODE, PEER, MISSING = "192.168.7.110", "192.168.7.101", "192.168.7.111"
SOCKET = "/var/run/calico/bird.ctl"
BUDGET = 60.0
"""Seconds for two daemons to find each other: they try every second."""


def version():
    """The major version of the BIRD on this machine."""
    need("bird")
    said = subprocess.run(["bird", "--version"], capture_output=True, text=True, check=True)
    return int(re.search(r"BIRD version (\d+)", said.stdout + said.stderr).group(1))


def configuration(me, block, sessions):
    """Like confd's bird.cfg.template of Calico, in the language of the BIRD that is installed; faster in trying."""
    # Only blocks of pods go to peers, as Calico's filter calico_export_to_bgp_peers says.
    routes, blocks = "import all; export all;", "import all; export where net ~ [ 172.50.0.0/16+ ];"
    family = ""
    if version() > 1:
        routes, blocks, family = f"ipv4 {{ {routes} }};", f"ipv4 {{ {blocks} }};", "ipv4;"
    lines = [
        f"router id {me};",
        "protocol device { scan time 2; }",
        f"protocol kernel {{ learn; persist; scan time 2; {routes} graceful restart; }}",
        f'protocol direct {{ {family} interface -"cali*", "*"; }}',
        f"protocol static {{ {family} route {block} blackhole; }}",
        "template bgp bgp_template {",
        '  description "Connection to BGP peer"; local as 64512; multihop; graceful restart;',
        f"  {blocks} source address {me};",
        "  connect delay time 1; connect retry time 1; error wait time 1,1;",
        "}",
    ]
    lines += [
        f"protocol bgp {name} from bgp_template {{ neighbor {address} as {asn}; }}" for name, address, asn in sessions
    ]
    return "\n".join(lines) + "\n"


class Daemon:
    """A BIRD daemon with its own socket, in this namespace or behind the words that lead into another."""

    def __init__(self, directory, text, *prefix):
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "bird.cfg").write_text(text, encoding="utf-8")
        # Relative names: a socket's path has no more than 107 characters.
        self.process = subprocess.Popen(
            [*prefix, "bird", "-f", "-c", "bird.cfg", "-s", "bird.ctl", "-P", "bird.pid"], cwd=directory
        )

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait()


@pytest.fixture
def peer(node):
    """The other end of eth0, in a namespace of its own."""
    need("bird")
    name = f"switchyard-bird-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    ip(f"link set lo up\nlink add eth0 type veth peer name eth0 netns {name}")
    ip(f"link set eth0 up\naddr add {NODE}/21 dev eth0")
    commands = f"link set lo up\nlink set eth0 up\naddr add {PEER}/21 dev eth0\n"
    subprocess.run(["ip", "-n", name, "-batch", "-"], input=commands, text=True, check=True)
    yield name
    subprocess.run(["ip", "netns", "del", name], check=True)


@pytest.fixture
def mesh(peer, node, tmp_path, monkeypatch):
    """This node's daemon, with a session of each of Calico's kinds, and its peer's."""
    sessions = [
        ("Mesh_192_168_7_101", PEER, 64512),
        ("Mesh_192_168_7_111", MISSING, 64512),
        ("Global_192_168_7_1", "192.168.7.1", 64600),
        ("Node_10_9_9_9", "10.9.9.9", 64700),
    ]
    here = node.root / "var/run/calico"
    ours = Daemon(here, configuration(NODE, "172.50.2.0/26", sessions))
    theirs = Daemon(
        tmp_path / "peer",
        configuration(PEER, "172.50.0.0/26", [("Mesh_192_168_7_110", NODE, 64512)]),
        "ip",
        "netns",
        "exec",
        peer,
    )
    # As on a node, the path is short: there is no scratch root before it.
    monkeypatch.chdir(node.root)
    monkeypatch.setattr(node, "_root", ".")
    yield ours, theirs
    theirs.stop()
    ours.stop()


def sessions_when(node, told):
    """The sessions, as soon as what is told of them is so."""
    deadline = time.monotonic() + BUDGET
    while True:
        daemons = node.observe("bird")["bird"]
        sessions = {one["name"]: one for one in daemons[0]["protocols"]} if daemons else {}
        if sessions and told(sessions):
            return sessions
        if time.monotonic() > deadline:
            pytest.fail(f"not within {BUDGET} s: {sessions or node.observe('bird')}")
        node.pause(0.1)


def established(sessions):
    return sessions["Mesh_192_168_7_101"]["info"] == "Established" and sessions["Mesh_192_168_7_101"]["imported"]


def test_an_established_session_of_the_mesh(mesh, node):
    session = sessions_when(node, established)["Mesh_192_168_7_101"]
    assert {key: value for key, value in session.items() if key != "since"} == {
        "name": "Mesh_192_168_7_101",
        "type": "BGP",
        "state": "up",
        "info": "Established",
        "peer": PEER,
        "peer_as": 64512,
        "local_as": 64512,
        "kind": "node-to-node mesh",
        "imported": 1,
        "exported": 1,
    }
    assert session["since"]
    (daemon,) = node.observe("bird")["bird"]
    assert (daemon["socket"], daemon["router_id"]) == (SOCKET, NODE)
    assert daemon["version"].startswith(f"{version()}.")


def test_peers_that_cannot_be_reached(mesh, node):
    def in_trouble(sessions):
        others = [one for name, one in sessions.items() if name != "Mesh_192_168_7_101"]
        return all("Socket:" in one["info"] for one in others)

    found = sessions_when(node, in_trouble)
    assert found["Mesh_192_168_7_111"]["state"] == "start"
    assert re.match(
        r"(Connect|Active) Socket: (No route to host|Host is unreachable)", found["Mesh_192_168_7_111"]["info"]
    )
    assert re.match(r"(Connect|Active) Socket: Network is unreachable", found["Node_10_9_9_9"]["info"])
    told = {name: (one["kind"], one["peer"], one["peer_as"], one["imported"]) for name, one in found.items()}
    assert told["Global_192_168_7_1"] == ("global", "192.168.7.1", 64600, 0)
    assert told["Node_10_9_9_9"] == ("node specific", "10.9.9.9", 64700, 0)


def test_a_peer_that_is_lost_is_no_longer_established(mesh, node):
    sessions_when(node, established)
    mesh[1].stop()
    lost = sessions_when(node, lambda sessions: sessions["Mesh_192_168_7_101"]["state"] != "up")
    assert not lost["Mesh_192_168_7_101"]["info"].startswith("Established")


def test_the_routes_that_bird_programs_have_its_name(mesh, node):
    sessions_when(node, established)

    def route(sessions):
        return [one for one in node.observe("routes")["routes"] if one["dst"] == "172.50.0.0/26"]

    sessions_when(node, route)
    (one,) = route(None)
    assert (one["gateway"], one["dev"], one["protocol"]) == (PEER, "eth0", "bird")


def test_the_daemon_listens_for_bgp(mesh, node):
    sessions_when(node, established)
    assert ("tcp", 179) in {(one["protocol"], one["port"]) for one in node.observe("listeners")["listeners"]}


def test_a_daemon_that_hangs_is_a_gap(mesh, node):
    sessions_when(node, established)
    mesh[0].process.send_signal(signal.SIGSTOP)
    observed = node.observe("bird")
    assert observed["bird"] == []
    assert observed["gaps"] == [{"what": SOCKET, "reason": "no whole answer within 3 s"}]


def test_the_socket_of_a_daemon_that_has_gone_is_a_gap(node, monkeypatch):
    (node.root / "var/run/calico").mkdir(parents=True)
    monkeypatch.chdir(node.root)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(SOCKET.lstrip("/"))
    monkeypatch.setattr(node, "_root", ".")
    assert node.observe("bird")["gaps"] == [{"what": SOCKET, "reason": "Connection refused"}]
