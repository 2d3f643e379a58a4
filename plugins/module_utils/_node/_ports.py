# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only door between the node engines and the machine: commands, files and the clock.

Engines take a NodeReader to observe and a NodeWriter to change. Tests hand in their own implementation.
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
import stat
import subprocess
import time
from dataclasses import dataclass
from typing import Callable, List, Optional, Sequence

from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import ToolMissing, ToolTimeout

try:
    from typing import Protocol
except ImportError:  # pragma: no cover - Python 3.7 and older only compile this file
    Protocol = object  # type: ignore[assignment]

_LONGEST_REPLY = 64 << 20
"""Bytes of a daemon's reply; the sessions of 1,000 BGP peers take 2 MiB."""

# Ansible may start a module with a PATH without the administrator's directories.
_ADMIN_DIRS = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin")


@dataclass(frozen=True)
class Completed:
    """A program that has ended."""

    rc: int
    out: str
    err: str

    @property
    def reason(self) -> str:
        """What went wrong, in the program's own last words."""
        lines = [line for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[-1].strip() if lines else "exit code {0}".format(self.rc)


@dataclass(frozen=True)
class FileStat:
    """What a path is: kind is file, dir, link, char or other; mtime is in seconds since the epoch."""

    kind: str
    mode: int
    mtime: float
    size: int

    @property
    def executable(self) -> bool:
        """Whether the owner may run it."""
        return self.kind == "file" and bool(self.mode & stat.S_IXUSR)


class NodeReader(Protocol):
    """Observing a node. Paths are absolute; file methods raise OSError as the kernel gives it."""

    def run(self, argv: Sequence[str], timeout: float = 20.0) -> Completed:
        """Run a program, timeout in seconds. Raises ToolMissing or ToolTimeout."""

    def has_tool(self, name: str) -> bool:
        """Whether a program of this name can be run."""

    def read(self, path: str) -> bytes:
        """The whole content of a file."""

    def names(self, path: str) -> List[str]:
        """The sorted names in a directory."""

    def stat(self, path: str) -> Optional[FileStat]:
        """What the path (followed through links) is; None when nothing is there."""

    def link(self, path: str) -> str:
        """Where a symbolic link points to."""

    def talk(
        self, path: str, requests: Sequence[bytes], ended: Callable[[bytes], bool], timeout: float = 3.0
    ) -> List[bytes]:
        """What a daemon says on its Unix stream socket: its greeting, then one reply to each request.

        ended tells from the last 4096 bytes that have come whether a reply is whole; timeout, in seconds, is for
        everything together. Raises OSError.
        """

    def can_open(self, path: str) -> bool:
        """Whether a device can be opened: an existing node may still be forbidden by the device cgroup."""

    def hostname(self) -> str:
        """The kernel's host name."""

    def kernel_release(self) -> str:
        """The release of the running kernel, as uname -r prints it."""

    def wall_clock(self) -> float:
        """Seconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds on CLOCK_MONOTONIC, the clock systemd's *Monotonic properties use."""

    def pause(self, seconds: float) -> None:
        """Let time pass between two looks at a condition."""


class NodeWriter(NodeReader, Protocol):
    """Observing and changing a node."""

    def write(self, path: str, data: bytes, mode: int) -> None:
        """Replace a file as a whole or not at all; parent directories are made."""

    def feed(self, argv: Sequence[str], text: str, timeout: float = 20.0) -> Completed:
        """Run a program that reads a text. Raises ToolMissing or ToolTimeout."""

    def poke(self, path: str, data: bytes) -> None:
        """Write into an existing kernel file, where replacing is impossible."""

    def rename(self, source: str, destination: str) -> None:
        """Move a file without ever replacing another."""

    def remove(self, path: str) -> None:
        """Remove a file, a link, or an empty directory."""

    def make_directory(self, path: str, mode: int) -> None:
        """Make a directory that is not there yet, and its parents, which everybody may read."""


class RealNode:
    """This machine. root re-bases files (not programs): a scratch directory stands for / in tests."""

    def __init__(self, root: str = "/") -> None:
        self._root = root

    def _at(self, path: str) -> str:
        return path if self._root == "/" else os.path.join(self._root, path.lstrip("/"))

    @staticmethod
    def _which(name: str) -> Optional[str]:
        path = os.pathsep.join([os.environ.get("PATH", "")] + list(_ADMIN_DIRS))
        return shutil.which(name, path=path)

    def has_tool(self, name: str) -> bool:
        return self._which(name) is not None

    def run(self, argv: Sequence[str], timeout: float = 20.0) -> Completed:
        return self.feed(argv, "", timeout)

    def feed(self, argv: Sequence[str], text: str, timeout: float = 20.0) -> Completed:
        tool = self._which(argv[0])
        if tool is None:
            raise ToolMissing("{0} is not installed".format(argv[0]))
        try:
            # subprocess and not AnsibleModule.run_command: the latter has no time budget.
            done = subprocess.run(
                [tool] + list(argv[1:]),
                input=text.encode("utf-8"),
                capture_output=True,
                env=dict(os.environ, LC_ALL="C"),
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ToolTimeout("{0} did not end within {1:g} s".format(" ".join(argv), timeout)) from None
        except OSError as error:
            raise ToolMissing("{0} cannot be run: {1}".format(argv[0], error.strerror)) from error
        out, err = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
        return Completed(done.returncode, out, err)

    def read(self, path: str) -> bytes:
        with open(self._at(path), "rb") as stream:
            return stream.read()

    def names(self, path: str) -> List[str]:
        return sorted(os.listdir(self._at(path)))

    def stat(self, path: str) -> Optional[FileStat]:
        at = self._at(path)
        try:
            found = os.stat(at)
        except FileNotFoundError:
            if not os.path.islink(at):
                return None
            found = os.lstat(at)
        except NotADirectoryError:
            return None
        return FileStat(_kind(found.st_mode), stat.S_IMODE(found.st_mode), found.st_mtime, found.st_size)

    def link(self, path: str) -> str:
        return os.readlink(self._at(path))

    def talk(
        self, path: str, requests: Sequence[bytes], ended: Callable[[bytes], bool], timeout: float = 3.0
    ) -> List[bytes]:
        deadline = time.monotonic() + timeout
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as daemon:
            daemon.settimeout(timeout)
            daemon.connect(self._at(path))
            replies = [_reply(daemon, ended, deadline, timeout)]
            for request in requests:
                daemon.sendall(request)
                replies.append(_reply(daemon, ended, deadline, timeout))
        return replies

    def can_open(self, path: str) -> bool:
        try:
            os.close(os.open(self._at(path), os.O_RDWR))
        except OSError:
            return False
        return True

    def hostname(self) -> str:
        return os.uname().nodename

    def kernel_release(self) -> str:
        return os.uname().release

    def wall_clock(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def write(self, path: str, data: bytes, mode: int) -> None:
        at = self._at(path)
        directory = os.path.dirname(at)
        os.makedirs(directory, mode=0o755, exist_ok=True)
        # The name is fixed, so a killed run leaves at most one leftover, which the next run replaces. It starts
        # with a dot and ends in no CNI extension: a container runtime watching the directory ignores it.
        temporary = os.path.join(directory, ".{0}.switchyard-tmp".format(os.path.basename(at)))
        _remove_if_there(temporary)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        os.rename(temporary, at)

    def poke(self, path: str, data: bytes) -> None:
        # Unbuffered: the kernel judges each write() call on its own, and close() would hide its answer.
        descriptor = os.open(self._at(path), os.O_WRONLY)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)

    def rename(self, source: str, destination: str) -> None:
        at = self._at(destination)
        os.makedirs(os.path.dirname(at), mode=0o755, exist_ok=True)
        # link() fails on an existing destination where rename() would silently replace it.
        os.link(self._at(source), at, follow_symlinks=False)
        os.unlink(self._at(source))

    def remove(self, path: str) -> None:
        at = self._at(path)
        if os.path.isdir(at) and not os.path.islink(at):
            os.rmdir(at)
        else:
            os.unlink(at)

    def make_directory(self, path: str, mode: int) -> None:
        at = self._at(path)
        os.makedirs(os.path.dirname(at), mode=0o755, exist_ok=True)
        try:
            os.mkdir(at, mode)
        except FileExistsError:
            return


def _reply(daemon: socket.socket, ended: Callable[[bytes], bool], deadline: float, timeout: float) -> bytes:
    said = bytearray()
    while not ended(bytes(said[-4096:])):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(errno.ETIMEDOUT, "no whole answer within {0:g} s".format(timeout))
        daemon.settimeout(left)
        try:
            more = daemon.recv(1 << 16)
        except socket.timeout:
            continue  # the deadline above ends it
        if not more:
            raise ConnectionResetError(errno.ECONNRESET, "it hung up in the middle of an answer")
        said += more
        if len(said) > _LONGEST_REPLY:
            raise OSError(errno.EMSGSIZE, "an answer of more than {0} bytes".format(_LONGEST_REPLY))
    return bytes(said)


def _remove_if_there(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def _kind(mode: int) -> str:
    tests = (("file", stat.S_ISREG), ("dir", stat.S_ISDIR), ("link", stat.S_ISLNK), ("char", stat.S_ISCHR))
    for name, matches in tests:
        if matches(mode):
            return name
    return "other"
