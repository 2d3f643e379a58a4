# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One observation while it is made: what was asked for, what several sections share, and what could not be read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, TypeVar

from ansible_collections.switchyard.cni.plugins.module_utils import _tables
from ansible_collections.switchyard.cni.plugins.module_utils._ip import ip_network
from ansible_collections.switchyard.cni.plugins.module_utils._node import _cni, _iproute
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader

DEFAULT_LIMIT = 500
BRIDGE = "cni0"

Value = TypeVar("Value")


def canonical(record: Mapping[str, Any]) -> str:
    """A record as one line that depends on nothing but its content."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class Request:
    """What to observe.

    limit is how many entries of one kind (routes: of one protocol) are listed before a digest stands for them;
    table_limit, where it is set, replaces it for the tables that grow with the cluster.
    pod_networks are CIDRs: the routes inside them that lead to other nodes are counted as one kind. packed names the
    kinds that are sent as packed rows instead of as lists. bridge is the device of the node's own pods. chains_of are
    the plugins whose chains are all told, and not only those that are there once.
    """

    sections: Tuple[str, ...]
    conf_dir: str = _cni.CONF_DIR
    bin_dir: str = _cni.BIN_DIR
    search: Tuple[str, ...] = _cni.SEARCH_DIRS
    sysctls: Tuple[str, ...] = ()
    files: Tuple[str, ...] = ()
    limit: int = DEFAULT_LIMIT
    table_limit: Optional[int] = None
    pod_networks: Tuple[str, ...] = ()
    packed: Tuple[str, ...] = ()
    bridge: str = BRIDGE
    chains_of: Tuple[str, ...] = ()


class Look:
    """What the collectors of one observation share. A collector never fails: it names a gap instead."""

    def __init__(self, reader: NodeReader, request: Request) -> None:
        self.reader = reader
        self.request = request
        self.gaps: List[Dict[str, str]] = []
        self.truncated: List[Dict[str, Any]] = []
        self._known: Dict[Callable[..., Any], Any] = {}

    def once(self, collect: Callable[[Look], Value]) -> Value:
        """What a collector finds, read at most once however many sections need it."""
        if collect not in self._known:
            self._known[collect] = collect(self)
        known: Value = self._known[collect]
        return known

    def gap(self, what: str, reason: str) -> None:
        """Name something that could not be read."""
        self.gaps.append({"what": what, "reason": reason})

    def attempt(self, what: str, read: Callable[..., Value], *arguments: Any) -> Optional[Value]:
        """What read(*arguments) gives; where it fails, a gap is named and there is nothing."""
        try:
            return read(*arguments)
        except (OSError, NodeError) as error:
            self.gap(what, reason(error))
            return None

    def json(self, what: str, argv: Sequence[str], parse: Callable[[Any], _iproute.Parsed]) -> List[_iproute.Record]:
        """The records a program prints as JSON. Those that cannot be understood are one gap together."""
        parsed = self.attempt(what, lambda: parse(_iproute.decode(output(self.reader, argv))))
        found, problems = parsed or ([], [])
        if problems:
            self.gap(what, "{0} records of {1} left out, {2}".format(len(problems), " ".join(argv), problems[0]))
        return found

    def listed(
        self,
        what: str,
        found: List[_iproute.Record],
        order: Callable[[_iproute.Record], Any],
        row: Callable[[_iproute.Record], str] = canonical,
        **group: str,
    ) -> List[_iproute.Record]:
        """At most limit of some records, the first in their order; a note says how many there are."""
        if len(found) <= self.request.limit:
            return found
        digest = _tables.digest(row(record) for record in found)
        self.truncated.append(dict(group, what=what, count=len(found), listed=self.request.limit, digest=digest))
        return sorted(found, key=order)[: self.request.limit]


def checked_networks(option: str, networks: Sequence[str]) -> Tuple[str, ...]:
    """Networks given as CIDRs. Raises NodeError, which names the option."""
    try:
        for cidr in networks:
            ip_network(cidr)
    except ValueError as error:
        raise NodeError("{0}: {1}".format(option, error)) from error
    return tuple(networks)


def output(reader: NodeReader, argv: Sequence[str]) -> str:
    """What a program prints. Raises NodeError with its reason where it fails."""
    done = reader.run(argv)
    if done.rc != 0:
        raise NodeError("{0}: {1}".format(" ".join(argv), done.reason))
    return done.out


def reason(error: Exception) -> str:
    """An error in words, for a gap."""
    return getattr(error, "strerror", None) or str(error)
