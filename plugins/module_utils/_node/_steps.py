# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps that change a node: each a value that can be printed, compared and carried out once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence

from ansible_collections.switchyard.cni.plugins.module_utils._node import _kernel
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import Completed, NodeWriter

DiffEntry = Dict[str, str]


class Step:
    """One change. Creating a step changes nothing; apply does, and raises NodeError or OSError."""

    def describe(self) -> str:
        """The change in a few words, for people."""
        raise NotImplementedError

    def diff(self) -> Optional[DiffEntry]:
        """What Ansible's diff mode shows; None for a step that only makes other steps take effect."""
        raise NotImplementedError

    def apply(self, node: NodeWriter) -> None:
        """Make the change."""
        raise NotImplementedError


def _entry(header: str, before: str, after: str) -> DiffEntry:
    return {"before_header": header, "after_header": header, "before": _line(before), "after": _line(after)}


def _line(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


@dataclass(frozen=True)
class LoadModule(Step):
    """Load a kernel module now. A file below modules-load.d makes it come back after a reboot."""

    name: str

    def describe(self) -> str:
        return "load kernel module " + self.name

    def diff(self) -> Optional[DiffEntry]:
        return _entry("kernel module " + self.name, "not loaded", "loaded")

    def apply(self, node: NodeWriter) -> None:
        done = node.run(["modprobe", self.name], timeout=60.0)
        if done.rc != 0:
            option = _kernel.KERNEL_OPTIONS.get(self.name.replace("-", "_"))
            needed = " (it needs a kernel with {0})".format(option) if option else ""
            raise NodeError("kernel module {0} cannot be loaded{1}: {2}".format(self.name, needed, done.reason))


@dataclass(frozen=True)
class WriteFile(Step):
    """Write a file whole. before is None when nothing was there; modes are permission bits."""

    path: str
    content: bytes
    mode: int
    before: Optional[bytes]
    before_mode: Optional[int]
    sensitive: bool = False

    def describe(self) -> str:
        if self.before is None:
            return "create " + self.path
        if self.before == self.content:
            return "change the mode of {0} from {1:04o} to {2:04o}".format(self.path, self.before_mode or 0, self.mode)
        return "rewrite " + self.path

    def diff(self) -> Optional[DiffEntry]:
        before, after = self._shown(self.before), self._shown(self.content)
        if self.before_mode is not None and self.before_mode != self.mode:
            before = "mode {0:04o}\n{1}".format(self.before_mode, before)
            after = "mode {0:04o}\n{1}".format(self.mode, after)
        # Not through _entry: a missing newline at the end is a difference too.
        return {"before_header": self.path, "after_header": self.path, "before": before, "after": after}

    def _shown(self, content: Optional[bytes]) -> str:
        if content is None:
            return ""
        if self.sensitive:
            return "(hidden)" if content == self.content else "(hidden, different)"
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            return "({0} bytes that are not text)".format(len(content))

    def apply(self, node: NodeWriter) -> None:
        node.write(self.path, self.content, self.mode)


@dataclass(frozen=True)
class SetSysctl(Step):
    """Give a sysctl its value now. before is None when its module is loaded by an earlier step of the same plan."""

    key: str
    value: str
    before: Optional[str]

    def describe(self) -> str:
        was = "" if self.before is None else " (was {0})".format(self.before)
        return "set {0} to {1}{2}".format(self.key, self.value, was)

    def diff(self) -> Optional[DiffEntry]:
        return _entry("sysctl " + self.key, "absent" if self.before is None else self.before, self.value)

    def apply(self, node: NodeWriter) -> None:
        try:
            node.poke(_kernel.sysctl_path(self.key), (self.value + "\n").encode("utf-8"))
            after = _kernel.read_sysctl(node, self.key)
        except FileNotFoundError:
            raise NodeError(absent_sysctl(self.key)) from None
        except OSError as error:
            message = "sysctl {0} cannot be set to {1}: {2}"
            raise NodeError(message.format(self.key, self.value, error.strerror)) from error
        if after != self.value:
            raise NodeError("the kernel keeps {0} at {1} where {2} was written".format(self.key, after, self.value))


def absent_sysctl(key: str) -> str:
    """What to say about a sysctl this kernel does not have."""
    module = _kernel.sysctl_provider(key)
    remedy = "kernel module {0} brings it: add it to `modules`".format(module) if module else "check its spelling"
    return "sysctl {0} does not exist on this node; {1}".format(key, remedy)


@dataclass(frozen=True)
class CopyPlugin(Step):
    """Copy a CNI plugin's program to where the container runtime looks for it."""

    source: str
    destination: str

    def describe(self) -> str:
        return "copy CNI plugin {0} to {1}".format(self.source, os.path.dirname(self.destination))

    def diff(self) -> Optional[DiffEntry]:
        return _entry(self.destination, "absent", "copy of " + self.source)

    def apply(self, node: NodeWriter) -> None:
        node.write(self.destination, node.read(self.source), 0o755)


@dataclass(frozen=True)
class Rename(Step):
    """Move a file to a name that is free."""

    source: str
    destination: str

    def describe(self) -> str:
        return "rename {0} to {1}".format(self.source, self.destination)

    def diff(self) -> Optional[DiffEntry]:
        return {
            "before_header": self.source,
            "after_header": self.destination,
            "before": self.source + "\n",
            "after": self.destination + "\n",
        }

    def apply(self, node: NodeWriter) -> None:
        node.rename(self.source, self.destination)


@dataclass(frozen=True)
class Remove(Step):
    """Remove a file, a link or an empty directory. The content is not shown: it may be a credential."""

    path: str

    def describe(self) -> str:
        return "remove " + self.path

    def diff(self) -> Optional[DiffEntry]:
        return _entry(self.path, "present", "absent")

    def apply(self, node: NodeWriter) -> None:
        try:
            node.remove(self.path)
        except FileNotFoundError:
            return  # someone else removed it first: what was wanted holds


@dataclass(frozen=True)
class Command(Step):
    """A command that makes earlier steps take effect; it has no state of its own to compare."""

    title: str
    argv: Sequence[str]
    timeout: float = 60.0

    def describe(self) -> str:
        return self.title

    def diff(self) -> Optional[DiffEntry]:
        return None

    def apply(self, node: NodeWriter) -> None:
        done = node.run(self.argv, timeout=self.timeout)
        if done.rc != 0:
            raise NodeError("{0} failed: {1}".format(" ".join(self.argv), done.reason))


@dataclass(frozen=True)
class Systemctl(Step):
    """One systemctl verb on one unit. before and after are the unit's state in words, timeout is in seconds."""

    verb: str
    unit: str
    before: str
    after: str
    timeout: float

    def describe(self) -> str:
        return "{0} {1}".format(self.verb, self.unit)

    def diff(self) -> Optional[DiffEntry]:
        return _entry("service " + self.unit, self.before, self.after)

    def apply(self, node: NodeWriter) -> None:
        done = node.run(["systemctl", self.verb, self.unit], timeout=self.timeout)
        if done.rc != 0:
            raise NodeError("systemctl {0} {1} failed: {2}".format(self.verb, self.unit, self._why(node, done)))

    def _why(self, node: NodeWriter, failed: Completed) -> str:
        if not node.has_tool("journalctl"):
            return failed.reason
        journal = node.run(["journalctl", "--unit", self.unit, "--lines", "5", "--no-pager", "--output", "cat"])
        lines: List[str] = [line.strip() for line in journal.out.splitlines() if line.strip()]
        return "{0}; its last words: {1}".format(failed.reason, " | ".join(lines)) if lines else failed.reason
