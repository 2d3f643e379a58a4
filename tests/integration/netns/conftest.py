# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seed's node on a real kernel, in a network namespace of its own; the machine's own network is never touched."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node._gather import SECTIONS, Request, gather
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import RealNode

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)

# The seed's second node: its own pods are in 172.50.2.0/24.
NODE = "192.168.7.110"
PEERS = {"172.50.0.0": "192.168.7.101", "172.50.1.0": "192.168.7.111"}
VTEP_MACS = {"172.50.0.0": "0a:00:00:00:00:65", "172.50.1.0": "0a:00:00:00:00:6f"}

UNDERLAY = """
link set lo up
link add eth0 type veth peer name wire
link set eth0 up
link set wire up
addr add 192.168.7.110/21 dev eth0
route add default via 192.168.0.254 dev eth0
link add cni0 mtu 1450 type bridge
link set cni0 up
addr add 172.50.2.1/24 dev cni0
"""
VTEP = """
link add flannel.1 mtu 1450 type vxlan id 1 dstport 8472 local 192.168.7.110 dev eth0 nolearning
link set flannel.1 up
addr add 172.50.2.0/32 dev flannel.1
"""


def _checked(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), what)


def ip(commands: str) -> None:
    """Run the lines through one `ip`."""
    done = subprocess.run(["ip", "-batch", "-"], input=commands, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def need(*tools: str) -> None:
    """Skip, with its reason, what this machine lacks the programs for."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"not installed on this machine: {', '.join(missing)}")


def module(name, *options, **params):
    """Run a module as Ansible does, zipped and copied, in this namespace."""
    argv = ["ansible", "localhost", "-i", "localhost,", "-c", "local", "-m", f"switchyard.cni.{name}", *options]
    argv += ["-e", f"ansible_python_interpreter={sys.executable}", "-a", json.dumps(params)]
    env = {**os.environ, "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}
    done = subprocess.run(argv, capture_output=True, text=True, env=env, check=False)
    assert " => {" in done.stdout, done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout[done.stdout.index(" => {") + 4 :])


@pytest.fixture(autouse=True)
def namespace():
    """An empty network namespace, for this process and what it starts; gives the name of the machine's own."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    need("ip", "bridge")
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    _checked(LIBC.unshare(CLONE_NEWNET), "unshare")
    try:
        yield os.readlink(f"/proc/self/fd/{home}")
    finally:
        _checked(LIBC.setns(home, CLONE_NEWNET), "setns")
        os.close(home)


@pytest.fixture
def node(tmp_path):
    """This machine with files of its own: /proc, /sys and /dev are the kernel's, everything else is scratch."""
    for name in ("proc", "sys", "dev"):
        (tmp_path / name).symlink_to(f"/{name}")
    return ScratchNode(tmp_path)


class ScratchNode(RealNode):
    """A RealNode whose scratch root tests can fill."""

    def __init__(self, root: Path) -> None:
        super().__init__(str(root))
        self.root = root

    def put(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file below the scratch root."""
        at = self.root / path.lstrip("/")
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text(text, encoding="utf-8")
        at.chmod(mode)

    def observe(self, *sections, **request):
        """Observe, by default everything."""
        return gather(self, Request(sections or SECTIONS, **request))


def vxlan_peers() -> str:
    """What flannel programs for each peer with its vxlan backend, besides the FDB."""
    lines = []
    for subnet, mac in VTEP_MACS.items():
        lines.append(f"neigh replace {subnet} lladdr {mac} dev flannel.1 nud permanent")
        lines.append(f"route add {subnet}/24 via {subnet} dev flannel.1 onlink")
    return "\n".join(lines)


@pytest.fixture
def underlay():
    """The node's NIC, its default route and its bridge."""
    ip(UNDERLAY)


@pytest.fixture
def vtep(underlay):
    """The underlay and flannel's VTEP, without a way to any peer."""
    ip(VTEP)


@pytest.fixture
def vxlan_node(vtep, node):
    """A whole node of flannel's vxlan backend."""
    ip(vxlan_peers())
    for subnet, mac in VTEP_MACS.items():
        argv = ["bridge", "fdb", "add", mac, "dev", "flannel.1", "dst", PEERS[subnet], "self", "permanent"]
        subprocess.run(argv, check=True)
    node.put(
        "/run/flannel/subnet.env",
        "FLANNEL_NETWORK=172.50.0.0/16\nFLANNEL_SUBNET=172.50.2.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n",
    )
    node.put(
        "/etc/cni/net.d/10-flannel.conflist",
        '{"name": "cbr0", "cniVersion": "0.3.1", "plugins": [{"type": "flannel"}, {"type": "portmap"}]}',
    )
    return node
