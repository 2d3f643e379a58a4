# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""BGP sessions, as BIRD tells of them on its control socket.

Source: BIRD 1.6 and 2.0, doc/reply_codes, and nest/proto.c and proto/bgp/bgp.c for the texts. A reply is lines that
start with a code of four digits and a minus, or with a blank that stands for the line before's; its last line has a
blank after the code. The names of Calico's protocols come from confd/etc/calico/confd/templates/bird.cfg.template.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, Optional, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._model._agents import MESH
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged, NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._look import Look
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader

SOCKETS = (
    "/var/run/calico/bird.ctl",
    "/var/run/calico/bird6.ctl",
    "/run/bird/bird.ctl",
    "/run/bird/bird6.ctl",
    "/run/bird.ctl",
    "/run/bird6.ctl",
)
TIMEOUT = 3.0
"""Seconds for one daemon. It answers at once, or it hangs."""
KINDS = (("Mesh_", MESH), ("Global_", "global"), ("Node_", "node specific"))

_VERSION, _STATUS, _PROTOCOL, _DETAILS = "1000", "1011", "1002", "1006"
_FIRST_ERROR = "8000"
_LAST_LINE = re.compile(rb"(?:\A|\n)\d{4} [^\n]*\n\Z")
_LINE = re.compile(r"(\d{4})[- ](.*)\Z")
# The table is "---" with channels of its own; what follows the time is there only if the protocol has something to say.
_SUMMARY = re.compile(r"(\S+)\s+(\S+)\s+\S+\s+(\S+)\s+(\S+(?: \d\d:\d\d:\d\d\S*)?)\s*(.*)\Z")
_COUNT = re.compile(r"\b(\d{1,20}) (imported|exported)\b")

Lines = List[Tuple[str, str]]


def bird(look: Look) -> List[Dict[str, Any]]:
    """Collector of the section `bird`."""
    found = []
    for path in SOCKETS:
        daemon = look.attempt(path, _daemon, look.reader, path)
        if daemon is not None:
            # Those that are cut off come first: they must not be the ones that are left out.
            sessions = daemon["protocols"]
            daemon["protocols"] = look.listed("bird", sessions, _by_trouble, socket=path)
            found.append(daemon)
    return found


def _by_trouble(session: Dict[str, Any]) -> Tuple[bool, str]:
    return session["info"].startswith("Established"), session["name"]


def _daemon(reader: NodeReader, path: str) -> Optional[Dict[str, Any]]:
    if reader.stat(path) is None:
        return None  # no BIRD, or one that keeps its socket elsewhere
    requests = (b"show status\n", b"show protocols all\n")
    greeting, status, protocols = reader.talk(path, requests, whole, TIMEOUT)
    parse_reply(greeting)
    version, router_id = parse_status(parse_reply(status))
    return {
        "socket": path,
        "version": version,
        "router_id": router_id,
        "protocols": list(parse_protocols(parse_reply(protocols))),
    }


def whole(tail: bytes) -> bool:
    """Whether a reply has come to its last line."""
    return _LAST_LINE.search(tail) is not None


def parse_reply(data: bytes) -> Lines:
    """The lines of a reply with their codes. Raises Damaged, and NodeError for what BIRD refuses."""
    lines: Lines = []
    code = ""
    for line in data.decode("utf-8", "replace").split("\n"):
        match = _LINE.match(line)
        if match:
            code = match.group(1)
            lines.append((code, match.group(2)))
        elif line.startswith(" ") and code:
            lines.append((code, line[1:]))
        elif line:
            raise Damaged("BIRD's reply has a line without a code")
    if not lines:
        raise Damaged("BIRD's reply is empty")
    if lines[-1][0] >= _FIRST_ERROR:
        raise NodeError("BIRD says: {0}".format(lines[-1][1]))
    return lines


def parse_status(lines: Lines) -> Tuple[Optional[str], Optional[str]]:
    """The version and the router's id, of `show status`."""
    found = {}
    for code, text in lines:
        for wanted, start in ((_VERSION, "BIRD "), (_STATUS, "Router ID is ")):
            if code == wanted and text.startswith(start):
                found[wanted] = text[len(start) :].strip()
    return found.get(_VERSION), found.get(_STATUS)


def parse_protocols(lines: Lines) -> Iterator[Dict[str, Any]]:
    """The BGP sessions, of `show protocols all`. Raises Damaged."""
    session: Optional[Dict[str, Any]] = None
    for code, text in lines:
        if code == _PROTOCOL:
            if session is not None:
                yield session
            session = _summary(text)
        elif code == _DETAILS and session is not None:
            _add_detail(session, text.strip())
    if session is not None:
        yield session


def _summary(text: str) -> Optional[Dict[str, Any]]:
    match = _SUMMARY.match(text)
    if match is None:
        raise Damaged("BIRD's protocol {0!r} has no state".format(text[:80]))
    name, kind, state, since, info = match.groups()
    if kind != "BGP":
        return None
    return {
        "name": name,
        "type": kind,
        "state": state,
        "since": since,
        "info": " ".join(info.split()),
        "peer": None,
        "peer_as": None,
        "local_as": None,
        "kind": next((meaning for prefix, meaning in KINDS if name.startswith(prefix)), None),
        "imported": 0,
        "exported": 0,
    }


def _add_detail(session: Dict[str, Any], text: str) -> None:
    key, colon, value = text.partition(":")
    value = value.strip()
    if not colon:
        return
    if key == "Neighbor address":
        session["peer"] = value
    elif key == "Neighbor AS":
        session["peer_as"] = _number(value)
    elif key == "Local AS":
        session["local_as"] = _number(value)
    elif key == "Session" and value.split()[:1] == ["internal"] and session["local_as"] is None:
        session["local_as"] = session["peer_as"]  # BIRD 1.6 does not print its own
    elif key == "Routes":
        for count, what in _COUNT.findall(value):
            session[what] += int(count)


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise Damaged("BIRD's {0!r} is no AS number".format(text[:80])) from error
