# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The network namespaces of a node's pods: finding them, entering them, and whose address is in which.

No program of the pod's image is needed. A child of this process enters, so that this process stays where it is.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import errno
import fcntl
import ipaddress
import os
import re
import signal
import socket
import struct
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Dict, Iterator, List, Sequence

from ansible_collections.switchyard.cni.plugins.module_utils._node import _children
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader

# containerd and CRI-O bind their pods' namespaces in the first, dockerd (cri-dockerd) in the second.
DIRECTORIES = ("/run/netns", "/var/run/docker/netns")
# dockerd's own: the machine's namespace, and what Swarm's overlay networks and ingress are made of.
_NO_POD = re.compile(r"default$|ingress_|lb_|\d+-")

_CLONE_NEWNET = 0x40000000  # <linux/sched.h>
_SIOCGIFCONF = 0x8912  # netdevice(7)
# struct ifreq: the name, then a union whose largest member is struct ifmap (two longs and eight bytes).
_IFREQ = 16 + 2 * struct.calcsize("l") + 8
_ENTERING = 1.0  # seconds; it takes microseconds unless a file system does not answer
# What opening or entering a namespace says when it has gone, or when its name was never bound to one.
_GONE = (errno.ENOENT, errno.EINVAL, errno.ENOTDIR, errno.ENXIO)


class NamespaceGone(NodeError):
    """There is no network namespace at this path (any more)."""


@dataclass(frozen=True)
class Survey:
    """The namespaces' addresses by path, and why others could not be entered, in words."""

    addresses: Dict[str, List[str]]
    problems: Dict[str, str]

    def holders(self, address: str) -> List[str]:
        """The paths of the namespaces that have this address; more than one when two pods have the same."""
        wanted = str(ipaddress.ip_address(address))
        return [path for path, held in self.addresses.items() if wanted in held]


def pod_namespaces(reader: NodeReader) -> List[str]:
    """The paths under which a container runtime keeps its pods' network namespaces.

    A path may vanish at any time, and may never have been a namespace: see enter. Raises OSError for a directory that
    must not be read. Runtimes that bind no names (dockershim of old) have none.
    """
    paths: List[str] = []
    for directory in DIRECTORIES:
        try:
            names = reader.names(directory)
        except (FileNotFoundError, NotADirectoryError):
            continue
        paths += [os.path.join(directory, name) for name in names if not _NO_POD.match(name)]
    return paths


def enter(path: str) -> None:
    """Move this process into the network namespace; for children, and while it lasts it uses the process's alarm.

    Raises NamespaceGone when there is none, NodeError when it takes too long, and OSError when it is forbidden.
    """
    before = signal.signal(signal.SIGALRM, partial(_too_long, path))
    signal.setitimer(signal.ITIMER_REAL, _ENTERING)
    try:
        _enter(path)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def visit(path: str) -> Iterator[None]:
    """Be inside the namespace for a while; for processes of one thread, which keep what they open there.

    Raises what enter() raises.
    """
    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter(path)
        try:
            yield
        finally:
            _setns(home)
    finally:
        os.close(home)


def _too_long(path: str, *unused: Any) -> None:
    raise NodeError("{0} did not open within {1:g} s".format(path, _ENTERING))


def _enter(path: str) -> None:
    try:
        # Without blocking, should a name turn out to be a fifo.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            _setns(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in _GONE:
            raise NamespaceGone("{0} is not a network namespace (any more)".format(path)) from error
        raise


def _setns(descriptor: int) -> None:
    native = getattr(os, "setns", None)  # Python 3.12
    if native is not None:
        native(descriptor, _CLONE_NEWNET)
    elif ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def inside(path: str, function: Callable[..., Any], *args: Any, timeout: float = 5.0) -> Any:
    """What function(*args) returns inside the namespace; it must be JSON.

    Raises NodeError when the namespace is not there, when the function raised NodeError or OSError, and when it took
    longer than timeout (seconds).
    """

    def job(tell: _children.Tell) -> None:
        enter(path)
        tell(function(*args))

    (ended,) = _children.run([job], 1, timeout)
    if ended.error is not None:
        raise NodeError("inside {0}: {1}".format(path, ended.error))
    return ended.values[0]


def survey(paths: Sequence[str], timeout: float = 10.0) -> Survey:
    """Enter the namespaces one after the other, in one child, and read their addresses; timeout in seconds."""
    (ended,) = _children.run([lambda tell: _visit(paths, tell)], 1, timeout)
    found = Survey({}, {})
    for path, addresses, problem in ended.values:
        if problem is None:
            found.addresses[path] = addresses
        else:
            found.problems[path] = problem
    if ended.error is not None:
        found.problems["pod namespaces"] = ended.error
    return found


def _visit(paths: Sequence[str], tell: _children.Tell) -> None:
    for path in paths:
        try:
            enter(path)
            tell((path, addresses_here(), None))
        except NamespaceGone:
            continue  # pods come and go
        except (NodeError, OSError) as error:
            tell((path, [], getattr(error, "strerror", None) or str(error)))


def addresses_here() -> List[str]:
    """The addresses of the namespace this process is in, without those that every namespace or every link has."""
    found = [ipaddress.ip_address(address) for address in _ipv4_here() + _ipv6_here()]
    return [str(address) for address in found if not (address.is_loopback or address.is_link_local)]


def _ipv4_here() -> List[bytes]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        room = 64
        while True:
            space = array.array("B", bytes(room * _IFREQ))
            request = struct.pack("iP", len(space), space.buffer_info()[0])
            used = struct.unpack("iP", fcntl.ioctl(door.fileno(), _SIOCGIFCONF, request))[0]
            if used < len(space):
                break
            room *= 4  # the kernel does not tell how many it left out
    # In each struct ifreq a struct sockaddr_in follows the name: family, port, address.
    return [space[start + 20 : start + 24].tobytes() for start in range(0, used, _IFREQ)]


def _ipv6_here() -> List[bytes]:
    try:
        # /proc/net leads to the namespace of the process that opens it.
        with open("/proc/self/net/if_inet6", encoding="ascii") as stream:
            return [bytes.fromhex(line.split()[0]) for line in stream]
    except FileNotFoundError:
        return []  # a kernel without IPv6
