# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_state against a real kernel's sysctls and a scratch root: reached once, truthful, and safe to kill.

Loading modules is not tested here: it would change the whole machine. The unit tests use a fake modprobe.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _state
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import PlanError
from ansible_collections.switchyard.cni.plugins.module_utils._node._kernel import Kernel

from conftest import module

FORWARD = "net.ipv4.ip_forward"
RP_FILTER = "net.ipv4.conf.flannel/1.rp_filter"
BRIDGE_CALL = "net.bridge.bridge-nf-call-iptables"
COLLECTIONS = Path(__file__).absolute().parents[3] / ".collections"


def planned(node, state):
    wanted = _state.parse_wanted(state)
    return _state.plan(_state.observe(node, wanted), wanted)


def bring(node, state):
    plan = planned(node, state)
    _state.apply(plan, node)
    return plan.describe()


def sysctl(node, path):
    return node.read(f"/proc/sys/{path}").decode().strip()


def test_sysctls_of_the_node_and_of_a_device_with_a_dot(vtep, node):
    node.poke("/proc/sys/net/ipv4/ip_forward", b"0")
    node.poke("/proc/sys/net/ipv4/conf/flannel.1/rp_filter", b"2")
    state = {"sysctls": {FORWARD: 1, RP_FILTER: 0}}
    plan = planned(node, state)
    assert (sysctl(node, "net/ipv4/ip_forward"), sysctl(node, "net/ipv4/conf/flannel.1/rp_filter")) == ("0", "2")
    assert plan.describe() == [f"set {FORWARD} to 1 (was 0)", f"set {RP_FILTER} to 0 (was 2)"]
    _state.apply(plan, node)
    assert (sysctl(node, "net/ipv4/ip_forward"), sysctl(node, "net/ipv4/conf/flannel.1/rp_filter")) == ("1", "0")
    assert bring(node, state) == []


def test_bridge_netfilter_comes_with_its_module(node):
    if Kernel(node).feature("br_netfilter").state not in ("builtin", "loaded"):
        pytest.skip("br_netfilter is not in this kernel, and loading it would change the whole machine")
    node.poke("/proc/sys/net/bridge/bridge-nf-call-iptables", b"0")
    state = {"modules": ["br_netfilter"], "sysctls": {BRIDGE_CALL: True}}
    assert bring(node, state) == [f"set {BRIDGE_CALL} to 1 (was 0)"]
    assert bring(node, state) == []


def test_several_numbers_in_one_sysctl(node):
    state = {"sysctls": {"net.ipv4.ping_group_range": "0 2147483647"}}
    assert bring(node, state) == ["set net.ipv4.ping_group_range to 0 2147483647 (was 1 0)"]
    assert bring(node, state) == []


def test_a_value_the_kernel_refuses(node):
    with pytest.raises(_state.ApplyError, match=f"sysctl {FORWARD} cannot be set to sometimes: Invalid argument"):
        bring(node, {"sysctls": {FORWARD: "sometimes"}})


def test_the_sysctl_of_a_device_that_is_not_there(node):
    with pytest.raises(PlanError, match="rp_filter does not exist on this node"):
        planned(node, {"sysctls": {RP_FILTER: 0}})


def test_a_module_this_kernel_cannot_have_names_its_option(node):
    name = next((one for one in ("ipip", "wireguard") if Kernel(node).feature(one).state == "missing"), None)
    if name is None:
        pytest.skip("this kernel has every module that a backend may need")
    option = {"ipip": "CONFIG_NET_IPIP", "wireguard": "CONFIG_WIREGUARD"}[name]
    with pytest.raises(PlanError, match=f"kernel module {name} cannot be had: .*{option}"):
        planned(node, {"modules": [name]})


def test_a_service_needs_a_running_systemd(node):
    if node.run(["systemctl", "is-system-running"]).out.strip() not in ("", "offline", "unknown"):
        pytest.skip("systemd runs here: the etcd scenario tests services on nodes that may be changed")
    with pytest.raises(PlanError, match=r"services flanneld\.service cannot be managed"):
        planned(node, {"services": [{"name": "flanneld", "state": "started"}]})


def test_through_ansible_check_mode_then_for_real_then_nothing_left(namespace, tmp_path, node):
    node.poke("/proc/sys/net/ipv4/ip_forward", b"0")
    path = tmp_path / "conf.d" / "x.conf"
    state = {"files": [{"path": str(path), "content": "x\n"}], "sysctls": {FORWARD: "1"}}
    steps = [f"create {path}", f"set {FORWARD} to 1 (was 0)"]
    code, told = module("node_state", "--check", state=state)
    assert (code, told["changed"], told["steps"]) == (0, True, steps)
    assert not path.exists()
    assert sysctl(node, "net/ipv4/ip_forward") == "0"
    code, done = module("node_state", state=state)
    assert (code, done["changed"], done["steps"]) == (0, True, steps)
    assert path.read_text() == "x\n"
    assert sysctl(node, "net/ipv4/ip_forward") == "1"
    code, again = module("node_state", state=state)
    assert (code, again["changed"], again["steps"]) == (0, False, [])


# ---- killed in the middle

SIZE = 300_000
FILES = 60
WORK = """
import sys
from ansible_collections.switchyard.cni.plugins.module_utils._node import _state
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import RealNode
node = RealNode(sys.argv[1])
files = [{"path": "/etc/d/%d" % n, "content": sys.argv[2] * %SIZE%} for n in range(%FILES%)]
renames = [{"src": "/etc/old/%d" % n, "dest": "/etc/old/%d.disabled" % n} for n in range(%FILES%)]
wanted = _state.parse_wanted({"files": files, "renames": renames})
plan = _state.plan(_state.observe(node, wanted), wanted)
print(len(plan.steps), flush=True)
_state.apply(plan, node)
""".replace("%SIZE%", str(SIZE)).replace("%FILES%", str(FILES))


def start(root, letter):
    return subprocess.Popen(
        [sys.executable, "-c", WORK, str(root), letter],
        env={"PYTHONPATH": str(COLLECTIONS), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.1])
def test_a_killed_run_leaves_whole_files_loses_none_and_can_be_run_again(tmp_path, delay):
    for number in range(FILES):
        for path, content in ((f"etc/d/{number}", "a" * SIZE), (f"etc/old/{number}", f"old {number}")):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(content)
    work = start(tmp_path, "b")
    assert work.stdout.readline() == f"{2 * FILES}\n"
    time.sleep(delay)
    work.send_signal(signal.SIGKILL)
    work.wait()
    contents = {path.name: path.read_text() for path in (tmp_path / "etc/d").iterdir() if not path.name.startswith(".")}
    assert len(contents) == FILES
    assert set(contents.values()) <= {"a" * SIZE, "b" * SIZE}
    again = start(tmp_path, "b")
    dummy = again.communicate(timeout=60)
    assert again.returncode == 0
    assert {path.read_text() for path in (tmp_path / "etc/d").iterdir()} == {"b" * SIZE}
    kept = {path.read_text() for path in (tmp_path / "etc/old").iterdir()}
    assert kept == {f"old {number}" for number in range(FILES)}
    assert all(".disabled" in path.name for path in (tmp_path / "etc/old").iterdir())
