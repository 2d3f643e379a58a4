# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node in memory: files in a dict, programs as canned answers, a clock that only moves when someone waits."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import ToolMissing
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import Completed, FileStat

FIXTURES = Path(__file__).parent / "fixtures"
RELEASE = "6.1.0-37-amd64"


def fixture(name):
    return (FIXTURES / name).read_text(encoding="utf-8")


def fail(code, path):
    raise OSError(code, os.strerror(code), path)


class FakeNode:
    """`tools` maps the beginning of a command line to (rc, out, err) or a function of argv; the longest match counts.

    `files` maps paths to content; `links` paths to where they point; `daemons` paths of sockets to functions that give
    the reply to a request (None: the greeting) or raise; `forbidden` paths give EACCES; `later` maps seconds to a
    change of this node.
    """

    def __init__(self, files=None, tools=None, forbidden=(), later=None):
        self.files = {path: (data.encode() if isinstance(data, str) else data) for path, data in (files or {}).items()}
        self.modes = {}
        self.mtimes = {}
        self.chars = set()
        self.links = {}
        self.daemons = {}
        self.tools = dict(tools or {})
        self.forbidden = set(forbidden)
        self.later = dict(later or {})
        self.clock = 0.0
        self.ran = []
        self.written = []

    # -- reading

    def run(self, argv, timeout=20.0):
        line = " ".join(argv)
        self.ran.append(line)
        matches = [start for start in self.tools if line == start or line.startswith(start + " ")]
        if not matches:
            raise ToolMissing(f"{argv[0]} is not installed")
        answer = self.tools[max(matches, key=len)]
        return Completed(*(answer(argv) if callable(answer) else answer))

    def has_tool(self, name):
        return any(start.split()[0] == name for start in self.tools)

    def read(self, path):
        self._check(path)
        if path not in self.files:
            fail(errno.ENOENT, path)
        return self.files[path]

    def names(self, path):
        self._check(path)
        prefix = path.rstrip("/") + "/"
        found = {name[len(prefix) :].split("/")[0] for name in self._all() if name.startswith(prefix)}
        if not found:
            fail(errno.ENOENT, path)
        return sorted(found)

    def _all(self):
        return [*self.files, *self.chars, *self.links, *self.daemons]

    def stat(self, path):
        if path in self.files:
            mode = self.modes.get(path, 0o644)
            return FileStat("file", mode, self.mtimes.get(path, 0.0), len(self.files[path]))
        if path in self.chars:
            return FileStat("char", 0o666, 0.0, 0)
        if path in self.daemons:
            return FileStat("other", 0o660, 0.0, 0)
        if any(name.startswith(path.rstrip("/") + "/") for name in self._all()):
            return FileStat("dir", 0o755, 0.0, 0)
        return None

    def link(self, path):
        self._check(path)
        if path not in self.links:
            fail(errno.ENOENT, path)
        return self.links[path]

    def talk(self, path, requests, ended, timeout=3.0):
        self._check(path)
        if path not in self.daemons:
            fail(errno.ENOENT, path)
        replies = [self.daemons[path](request) for request in (None, *requests)]
        assert all(ended(reply[-4096:]) for reply in replies)
        return replies

    def can_open(self, path):
        return path in self.chars and path not in self.forbidden

    def hostname(self):
        return "node-1"

    def kernel_release(self):
        return RELEASE

    def wall_clock(self):
        return 1_000_000.0 + self.clock

    def monotonic(self):
        return self.clock

    def pause(self, seconds):
        self.clock += seconds
        for moment in sorted(self.later):
            if moment <= self.clock:
                self.later.pop(moment)(self)

    # -- writing

    def write(self, path, data, mode):
        self._check(path)
        self.files[path], self.modes[path] = data, mode
        self.mtimes[path] = self.wall_clock()
        self.written.append(path)

    def poke(self, path, data):
        self._check(path)
        if path not in self.files:
            fail(errno.ENOENT, path)
        self.files[path] = data
        self.written.append(path)

    def rename(self, source, destination):
        if destination in self.files:
            fail(errno.EEXIST, destination)
        self.files[destination] = self.files.pop(source)
        self.written += [source, destination]

    def remove(self, path):
        self._check(path)
        if path not in self.files:
            fail(errno.ENOENT, path)
        del self.files[path]
        self.written.append(path)

    def make_directory(self, path, mode):
        self._check(path)
        self.written.append(path)

    def executable(self, path, data="ELF"):
        self.files[path], self.modes[path] = data.encode(), 0o755

    def _check(self, path):
        if path in self.forbidden:
            fail(errno.EACCES, path)


def recorded_tools():
    """What the programs said on a node with flannel's vxlan backend and a few more routes."""
    return {
        "ip -j -d -s addr show": (0, fixture("addr.json"), ""),
        "ip -j -d -4 route show table all": (0, fixture("route-inet.json"), ""),
        "ip -j -d -6 route show table all": (0, fixture("route-inet6.json"), ""),
        "ip -j neigh show": (0, fixture("neigh.json"), ""),
        "bridge -j fdb show dev flannel.1": (0, fixture("fdb.json"), ""),
        "ip -j -4 rule show": (0, fixture("rule-inet.json"), ""),
        "ip -j -6 rule show": (0, fixture("rule-inet6.json"), ""),
        "nft -j list chains": (0, fixture("nft-chains.json"), ""),
        "nft -j list tables": (0, fixture("nft-tables.json"), ""),
        "iptables-nft-save -c": (0, "*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n", ""),
        "ipset list -t -o xml": (0, fixture("ipset.xml"), ""),
    }


def recorded_bird(version):
    """The replies of a BIRD daemon with a session of each of Calico's kinds, by request; see FakeNode.daemons."""
    greeting, status, protocols = fixture(f"bird-{version}.txt").encode().split(b"\x1e")
    replies = {None: greeting, b"show status\n": status, b"show protocols all\n": protocols}
    return replies.__getitem__
