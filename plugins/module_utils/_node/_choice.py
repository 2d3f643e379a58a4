# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which plugin new pods of a node get while two are installed.

A container runtime takes the first configuration in lexical order (libcni, ConfFiles), so that an agent which installs
its own would take the node over by its file's name. A file that comes before all others decides instead: a copy of the
configuration of the chosen plugin, which is in force whatever agents write beside it, and after a reboot too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._backends import traces
from ansible_collections.switchyard.cni.plugins.module_utils._node import _cni
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged, NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader
from ansible_collections.switchyard.cni.plugins.module_utils._node._steps import Remove, Step, WriteFile

FILE = _cni.CHOICE
MODE = 0o600
CHOSEN, HELD, ABSENT = "chosen", "held", "absent"


@dataclass(frozen=True)
class Config:
    """A configuration file: its plugin as it is known here, None for any other, and its content."""

    file: str
    plugin: Optional[str]
    data: bytes


@dataclass(frozen=True)
class Choice:
    """What to do, and whose network new pods get then; None where there is no configuration at all."""

    steps: Tuple[Step, ...]
    plugin: Optional[str]


def gather(reader: NodeReader, directory: str) -> Tuple[Config, ...]:
    """The configuration files in the order in which the runtime sees them. Raises NodeError."""
    try:
        names = _cni.config_names(reader, directory)
        return tuple(_config(name, reader.read("{0}/{1}".format(directory, name))) for name in names)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise NodeError("{0} cannot be read: {1}".format(directory, error.strerror)) from error


def plan(configs: Sequence[Config], directory: str, state: str, plugin: Optional[str]) -> Choice:
    """How new pods come to get the network of a plugin. Raises NodeError, before anything is changed."""
    own = next((one for one in configs if one.file == FILE), None)
    others = [one for one in configs if one.file != FILE]
    if state == ABSENT:
        return _let_go(own, others, directory, plugin)
    if state == HELD:
        if own is not None or not configs:
            return Choice((), own.plugin if own else None)
        return _choose(own, others[0], others, directory)
    chosen = next((one for one in others if one.plugin == plugin), None)
    if chosen is None:
        there = ", ".join(one.file for one in others) or "none"
        message = "there is no CNI configuration of {0} in {1} ({2}); its agent installs it"
        raise NodeError(message.format(plugin, directory, there))
    return _choose(own, chosen, others, directory)


def _choose(own: Optional[Config], chosen: Config, others: Sequence[Config], directory: str) -> Choice:
    before = [one.file for one in others if one.file < FILE]
    if before:
        message = "{0}/{1} comes before {2}, so that it decides about new pods; rename or remove it"
        raise NodeError(message.format(directory, before[0], FILE))
    data = as_list(chosen.data)
    if own is not None and own.data == data:
        return Choice((), chosen.plugin)
    path = "{0}/{1}".format(directory, FILE)
    return Choice((WriteFile(path, data, MODE, own.data if own else None, MODE if own else None),), chosen.plugin)


def _let_go(own: Optional[Config], others: Sequence[Config], directory: str, plugin: Optional[str]) -> Choice:
    after = others[0] if others else None
    if own is None:
        return Choice((), after.plugin if after else None)
    if plugin is not None and (after is None or after.plugin != plugin):
        message = "without {0} new pods would get {1}, and not the network of {2}; remove that file first"
        there = "{0}/{1}".format(directory, after.file) if after else "no network"
        raise NodeError(message.format(FILE, there, plugin))
    return Choice((Remove("{0}/{1}".format(directory, FILE)),), after.plugin if after else None)


def _config(name: str, data: bytes) -> Config:
    try:
        types = _cni.parse_config(data)["plugins"]
    except Damaged:
        types = []
    found = (plugin for plugin, one in traces().items() if set(types) & set(one.cni_plugins))
    return Config(name, next(found, None), data)


def as_list(data: bytes) -> bytes:
    """A configuration as a list, which this file's name promises (CNI specification 1.1, section 1)."""
    document: Mapping[str, Any] = json.loads(data.decode("utf-8"))
    if "plugins" in document:
        return data
    one = {key: value for key, value in document.items() if key not in ("name", "cniVersion")}
    whole: Dict[str, Any] = {key: document[key] for key in ("cniVersion", "name") if key in document}
    plugins: List[Mapping[str, Any]] = [one]
    return (json.dumps({**whole, "plugins": plugins}, indent=2) + "\n").encode("utf-8")
