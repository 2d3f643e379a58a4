# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The processes of a node, as /proc tells of them (proc(5))."""

from __future__ import annotations

import os
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._node._look import Look
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader

_OWN_NAMESPACE = "/proc/self/ns/net"


class Process(NamedTuple):
    """A process: comm is the kernel's name for it, at most 15 characters; argv is as it may have rewritten it."""

    pid: int
    comm: str
    argv: Tuple[str, ...]

    @property
    def program(self) -> str:
        """The program's base name. A process may replace its arguments by one line of text, as k3s does."""
        words = self.argv[0].split() if self.argv else []
        return os.path.basename(words[0]) if words else self.comm


def processes(look: Look) -> List[Process]:
    """Every process that can be seen and has arguments: the kernel's own threads have none."""
    return [process for pid in _pids(look.reader) for process in _read(look.reader, pid)]


def _pids(reader: NodeReader) -> List[int]:
    try:
        return sorted(int(name) for name in reader.names("/proc") if name.isdecimal() and name.isascii())
    except OSError:
        return []


def _read(reader: NodeReader, pid: int) -> Iterator[Process]:
    try:
        comm = reader.read("/proc/{0}/comm".format(pid))
        arguments = reader.read("/proc/{0}/cmdline".format(pid))
    except OSError:
        return  # it has ended, or is hidden (mount option hidepid)
    argv = arguments.decode("utf-8", "replace").rstrip("\0").split("\0")
    if argv != [""]:
        yield Process(pid, comm.decode("utf-8", "replace").strip(), tuple(argv))


def in_this_network(reader: NodeReader, pid: int) -> bool:
    """Whether a process lives in the node's own network namespace; it counts as such where that cannot be seen."""
    own, other = (_namespace(reader, path) for path in (_OWN_NAMESPACE, "/proc/{0}/ns/net".format(pid)))
    return own is None or other is None or own == other


def _namespace(reader: NodeReader, path: str) -> Optional[str]:
    try:
        return reader.link(path)
    except OSError:
        return None


def socket_owners(reader: NodeReader, inodes: Iterable[int]) -> Tuple[Dict[int, str], bool]:
    """The names of the processes that hold some sockets, and whether every process could be looked into."""
    wanted = {"socket:[{0}]".format(inode): inode for inode in inodes}
    owners: Dict[int, str] = {}
    complete = True
    for pid in _pids(reader) if wanted else ():
        if len(owners) == len(wanted):
            break
        try:
            held = _held(reader, pid) & set(wanted)
        except PermissionError:
            complete = False
            continue
        except OSError:
            continue  # it has ended
        for name in sorted(held):
            owners.setdefault(wanted[name], _name(reader, pid))
    return owners, complete


def _held(reader: NodeReader, pid: int) -> Set[str]:
    directory = "/proc/{0}/fd".format(pid)
    held = set()
    for name in reader.names(directory):
        try:
            held.add(reader.link(os.path.join(directory, name)))
        except FileNotFoundError:
            continue  # closed meanwhile
    return held


def _name(reader: NodeReader, pid: int) -> str:
    found = list(_read(reader, pid))
    return found[0].program if found else str(pid)
