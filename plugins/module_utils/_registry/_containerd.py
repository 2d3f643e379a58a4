# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""containerd's configuration as text: where it looks for registries, and how it is told to look there.

Nodes have no TOML parser before Python 3.11, and a written file would lose its comments: a line is added, nothing else
is touched, and containerd itself judges the result before it takes the place of the old one.

Source: containerd, docs/hosts.md and docs/cri/registry.md (config_path; version 2 and 3 of the configuration).
"""

from __future__ import annotations

import re
from typing import Iterator, NamedTuple, Optional

DIRECTORY = "/etc/containerd/certs.d"
_TABLES = {
    1: "plugins.cri.registry",
    2: 'plugins."io.containerd.grpc.v1.cri".registry',
    3: "plugins.'io.containerd.cri.v1.images'.registry",
}
_HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?\Z")
_VERSION = re.compile(r"\s*version\s*=\s*(\d+)\s*(?:#.*)?\Z")
_PATH = re.compile(r"\s*config_path\s*=\s*[\"']([^\"']*)[\"']\s*(?:#.*)?\Z")


class Line(NamedTuple):
    """A line of the configuration, with the table it belongs to."""

    number: int
    table: str
    text: str


def _plain(table: str) -> str:
    return re.sub(r"[\"'\s]", "", table)


_PLAIN = {_plain(table) for table in _TABLES.values()}


def lines(text: str) -> Iterator[Line]:
    """All lines; a table's header belongs to its table."""
    table = ""
    for number, line in enumerate(text.splitlines()):
        header = _HEADER.match(line)
        table = _plain(header.group(1)) if header else table
        yield Line(number, table, line)


def looks_at(text: str) -> Optional[str]:
    """The first directory of config_path; None where there is none."""
    for line in lines(text):
        found = _PATH.match(line.text) if line.table in _PLAIN else None
        if found and found.group(1):
            return found.group(1).split(":")[0]
    return None


def hinders(text: str) -> Optional[str]:
    """The table that cannot stand beside config_path; None where there is none. Credentials can."""
    for line in lines(text):
        head = next((one for one in _PLAIN if line.table.startswith(one + ".")), None)
        rest = line.table[len(head) + 1 :] if head else ""
        if rest.startswith("mirrors") or (rest.startswith("configs.") and rest.endswith(".tls")):
            return line.table
    return None


def looking_at(text: str, directory: str = DIRECTORY) -> str:
    """The same configuration with config_path."""
    every = list(lines(text))
    version = next((int(found.group(1)) for found in map(_VERSION.match, text.splitlines()) if found), None)
    if version is None and not any(line.table for line in every):
        return "version = 2\n{0}{1}".format(text and text.rstrip("\n") + "\n", _table(2, directory))
    table = _TABLES.get(version or 1, _TABLES[3])
    own = [line for line in every if line.table == _plain(table)]
    setting = 'config_path = "{0}"'.format(directory)
    if not own:
        return text.rstrip("\n") + "\n" + _table(version or 1, directory)
    empty = [line.number for line in own if _PATH.match(line.text)]
    changed = text.splitlines()
    if empty:
        changed[empty[0]] = setting
    else:
        changed.insert(own[0].number + 1, setting)
    return "\n".join(changed) + "\n"


def _table(version: int, directory: str) -> str:
    return '\n[{0}]\nconfig_path = "{1}"\n'.format(_TABLES.get(version, _TABLES[3]), directory)
