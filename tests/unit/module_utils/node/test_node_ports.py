# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The door to a real machine: whole files or none, programs with a budget, and nothing overwritten."""

from __future__ import annotations

import os
import socket
import sys
import threading

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _state
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import PlanError, ToolMissing, ToolTimeout
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import RealNode


@pytest.fixture
def node(tmp_path):
    return RealNode(str(tmp_path))


def test_a_program_runs_in_the_c_locale_and_its_ending_is_told(node, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    done = node.run(["sh", "-c", "echo $LC_ALL; echo first >&2; echo last >&2; exit 3"])
    assert (done.rc, done.out, done.reason) == (3, "C\n", "last")


def test_a_program_that_says_nothing_is_told_by_its_exit_code(node):
    assert node.run(["false"]).reason == "exit code 1"


def test_output_that_is_not_text_is_survived(node):
    assert "\ufffd" in node.run([sys.executable, "-c", "import os; os.write(1, bytes([255]))"]).out


def test_a_missing_program_is_named(node):
    assert not node.has_tool("no-such-program")
    with pytest.raises(ToolMissing, match="no-such-program is not installed"):
        node.run(["no-such-program", "--help"])


def test_a_program_is_stopped_when_its_budget_is_over(node):
    with pytest.raises(ToolTimeout, match=r"sleep 30 did not end within 0\.1 s"):
        node.run(["sleep", "30"], timeout=0.1)


def test_a_program_is_found_without_the_administrators_path(node, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert node.has_tool("sh")


def test_a_file_is_written_whole_with_its_mode_and_parents(node, tmp_path):
    node.write("/etc/cni/net.d/10.conflist", b"{}", 0o600)
    path = tmp_path / "etc/cni/net.d/10.conflist"
    assert path.read_bytes() == b"{}"
    assert path.stat().st_mode & 0o7777 == 0o600
    assert os.listdir(path.parent) == ["10.conflist"]


def test_a_reader_of_the_old_file_never_sees_half_of_the_new_one(node, tmp_path):
    node.write("/a", b"old", 0o644)
    with open(tmp_path / "a", "rb") as reader:
        node.write("/a", b"new, and longer", 0o644)
        assert reader.read() == b"old"
    assert node.read("/a") == b"new, and longer"


def test_a_failed_write_leaves_the_old_file(node, monkeypatch):
    node.write("/a", b"old", 0o644)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        node.write("/a", b"new", 0o644)
    assert node.read("/a") == b"old"


def test_what_a_killed_run_left_is_replaced(node, tmp_path):
    (tmp_path / ".a.switchyard-tmp").write_text("half")
    node.write("/a", b"whole", 0o644)
    assert os.listdir(tmp_path) == ["a"]


def test_a_rename_never_overwrites(node):
    node.write("/a", b"a", 0o644)
    node.write("/b", b"b", 0o644)
    with pytest.raises(FileExistsError):
        node.rename("/a", "/b")
    assert (node.read("/a"), node.read("/b")) == (b"a", b"b")
    node.rename("/a", "/c/d/e")
    assert node.read("/c/d/e") == b"a"
    assert node.stat("/a") is None


def test_what_a_path_is(node, tmp_path):
    (tmp_path / "dir").mkdir()
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "link").symlink_to("dir")
    os.mkfifo(tmp_path / "fifo")
    node.write("/program", b"", 0o755)
    kinds = {name: node.stat(f"/{name}").kind for name in ("dir", "broken", "link", "fifo", "program")}
    assert kinds == {"dir": "dir", "broken": "link", "link": "dir", "fifo": "other", "program": "file"}
    assert node.stat("/program").executable
    assert not node.stat("/dir").executable
    assert node.stat("/nothing") is None
    assert node.stat("/program/below") is None


def test_removing_a_file_a_link_and_an_empty_directory(node, tmp_path):
    (tmp_path / "dir").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    (tmp_path / "link").symlink_to("full")
    node.write("/file", b"", 0o644)
    for name in ("dir", "link", "file"):
        node.remove(f"/{name}")
    assert os.listdir(tmp_path) == ["full"]
    with pytest.raises(OSError, match="not empty"):
        node.remove("/full")


def test_an_existing_device_that_may_not_be_opened(node, tmp_path):
    assert not node.can_open("/dev/net/tun")
    (tmp_path / "dev").touch()
    assert node.can_open("/dev")


def bring(node, state):
    wanted = _state.parse_wanted(state)
    plan = _state.plan(_state.observe(node, wanted), wanted)
    _state.apply(plan, node)
    return plan.describe()


def test_a_whole_state_on_a_scratch_root(node, tmp_path):
    lib = tmp_path / "usr/lib/cni"
    lib.mkdir(parents=True)
    (lib / "bridge").write_bytes(b"\x7fELF")
    (lib / "bridge").chmod(0o755)
    confs = tmp_path / "etc/cni/net.d"
    confs.mkdir(parents=True)
    (confs / "05-other.conf").write_text("other")
    (confs / "05-other.conf.disabled").write_text("earlier")
    (confs / "99-gone.conf").write_text("gone")
    state = {
        "files": [{"path": "/etc/modules-load.d/x.conf", "content": "vxlan\n", "mode": "0640"}],
        "cni_plugins": {"required": ["bridge"], "search": ["/usr/lib/cni"]},
        "renames": [{"src": "/etc/cni/net.d/05-other.conf", "dest": "/etc/cni/net.d/05-other.conf.disabled"}],
        "absent": ["/etc/cni/net.d/99-gone.conf"],
    }
    assert len(bring(node, state)) == 4
    assert (tmp_path / "etc/modules-load.d/x.conf").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "opt/cni/bin/bridge").read_bytes() == b"\x7fELF"
    assert os.access(tmp_path / "opt/cni/bin/bridge", os.X_OK)
    assert {path.name: path.read_text() for path in confs.iterdir()} == {
        "05-other.conf.disabled": "earlier",
        "05-other.conf.disabled.1": "other",
    }
    assert bring(node, state) == []


def test_a_module_is_loaded_by_the_modprobe_on_the_path(node, tmp_path, monkeypatch):
    """A fake modprobe: no test machine of ours has modules to load, so the real one is tested on nodes that have."""
    release = node.kernel_release()
    modules = tmp_path / "lib/modules" / release
    modules.mkdir(parents=True)
    (modules / "modules.dep").write_text("kernel/net/vxlan.ko:\nkernel/net/ipip.ko:\n")
    tool = tmp_path / "bin/modprobe"
    tool.parent.mkdir()
    tool.write_text(
        '#!/bin/sh\n[ $1 = vxlan ] || { echo "modprobe: ERROR: could not insert $1: Exec format error"; exit 1; } >&2\n'
        f'mkdir -p "{tmp_path}/sys/module/$1" && echo live > "{tmp_path}/sys/module/$1/initstate"\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
    assert bring(node, {"modules": ["vxlan"]}) == ["load kernel module vxlan"]
    assert bring(node, {"modules": ["vxlan"]}) == []
    with pytest.raises(_state.ApplyError, match=r"CONFIG_NET_IPIP\): modprobe: ERROR: .* Exec format error"):
        bring(node, {"modules": ["ipip"]})
    with pytest.raises(PlanError, match="does not hold the module wireguard"):
        bring(node, {"modules": ["wireguard"]})


@pytest.fixture
def daemon(tmp_path):
    """Serves one connection on a Unix socket, with what a test wants it to do."""
    threads = []

    def serve(behave):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / "ctl"))
        listener.listen(1)

        def work():
            with listener, listener.accept()[0] as connection:
                behave(connection)

        threads.append(threading.Thread(target=work))
        threads[-1].start()

    yield serve
    for thread in threads:
        thread.join()


def ended(tail):
    return tail.endswith(b".\n")


def test_a_daemon_is_asked_one_thing_after_the_other(node, daemon):
    def behave(connection):
        connection.sendall(b"ready")
        connection.sendall(b".\n")
        for dummy in range(2):
            connection.sendall(b"you said " + connection.recv(100))
            connection.sendall(b"." * 10_000 + b"\n")

    daemon(behave)
    replies = node.talk("/ctl", [b"one", b"two"], ended)
    assert replies == [b"ready.\n", b"you said one" + b"." * 10_000 + b"\n", b"you said two" + b"." * 10_000 + b"\n"]


def test_a_daemon_that_says_nothing_costs_its_budget_and_no_more(node, daemon):
    daemon(lambda connection: connection.recv(1))  # until the other side hangs up
    with pytest.raises(TimeoutError, match=r"no whole answer within 0\.2 s"):
        node.talk("/ctl", [b"one"], ended, timeout=0.2)


def test_a_daemon_that_hangs_up_is_not_waited_for(node, daemon):
    daemon(lambda connection: connection.sendall(b"half"))
    with pytest.raises(ConnectionResetError, match="hung up in the middle"):
        node.talk("/ctl", [], ended, timeout=60)


def test_nobody_at_a_socket(node, tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "ctl"))
    with pytest.raises(ConnectionRefusedError):
        node.talk("/ctl", [], ended)
    with pytest.raises(FileNotFoundError):
        node.talk("/none", [], ended)


def test_where_a_link_points_to(node, tmp_path):
    (tmp_path / "link").symlink_to("net:[4026531840]")
    assert node.link("/link") == "net:[4026531840]"
