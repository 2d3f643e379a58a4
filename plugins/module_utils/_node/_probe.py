# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a probe sends next, and what the answers mean. Pure: no socket, no clock, no host.

A probe is one inquiry of up to three tasks that run at the same time: echoes (reachability, round trip, loss), a trace
(the hops) and a path MTU. A task says which packets to send, hears what became of each, and may send more. Sizes are
bytes of the whole IP packet, times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._node import _icmp

ECHO_SIZE = {4: 84, 6: 104}  # what ping sends: 56 bytes of data
DEFAULT_TTL = 64
MAX_HOPS = 8
_FIRST_HOPS = 4  # the longest path through a pod network ends at the third, traceroute shows no more
_SPACING = 0.05  # between two echoes of one probe
_SIZES_AT_ONCE = 7
_SILENCES = 2  # one packet may be lost, two of one size in different rounds are not

# What became of a packet.
REPLY = "reply"
EXPIRED = "expired"
TOO_BIG = "too-big"
UNREACHABLE = "unreachable"
REFUSED = "refused"
SILENCE = "silence"

Result = Dict[str, Any]


@dataclass(frozen=True)
class Probe:
    """What to find out. source is an address of a pod, or None for the node itself; mtu in bytes."""

    id: str
    source: Optional[str]
    target: str
    port: Optional[int] = None
    trace: bool = True
    mtu: Optional[int] = None

    @property
    def version(self) -> int:
        """The IP version, 4 or 6."""
        return _icmp.version_of(self.target)

    @property
    def is_traced(self) -> bool:
        """Whether the hops are asked for: a TCP probe has none."""
        return self.trace and self.port is None


@dataclass(frozen=True)
class Rules:
    """How to find it out: echoes or connections a probe, seconds a packet is waited for, seconds for everything."""

    count: int = 3
    timeout: float = 1.0
    budget: float = 30.0


@dataclass(frozen=True)
class Shot:
    """A packet to send in delay seconds: its size in bytes and its time to live."""

    size: int
    ttl: int = DEFAULT_TTL
    delay: float = 0.0


@dataclass(frozen=True)
class Answer:
    """What became of a shot. sender: who said it, None for this machine's own kernel; rtt in seconds, mtu in bytes."""

    kind: str
    sender: Optional[str] = None
    text: str = ""
    mtu: Optional[int] = None
    rtt: Optional[float] = None


class Task:
    """The part of an inquiry that answers one question."""

    @property
    def done(self) -> bool:
        """Whether nothing more has to be sent or heard."""
        raise NotImplementedError

    def start(self) -> List[Shot]:
        """The first packets."""
        raise NotImplementedError

    def heard(self, shot: Shot, answer: Answer) -> List[Shot]:
        """Take in what became of a packet; what to send because of it."""
        raise NotImplementedError

    def late(self, shot: Shot, answer: Answer) -> None:
        """Take in what came after a packet was given up: an explanation, never a success."""


class Echoes(Task):
    """A number of echoes, or of TCP connections."""

    def __init__(self, size: int, count: int) -> None:
        self._shots = [Shot(size, delay=number * _SPACING) for number in range(count)]
        self.sent = 0
        self.received = 0
        self.best: Optional[float] = None
        self.troubles: List[Answer] = []

    @property
    def done(self) -> bool:
        return self.sent == len(self._shots)

    def start(self) -> List[Shot]:
        return list(self._shots)

    def heard(self, shot: Shot, answer: Answer) -> List[Shot]:
        self.sent += 1
        if answer.kind == REPLY:
            self.received += 1
            known = [rtt for rtt in (self.best, answer.rtt) if rtt is not None]
            self.best = min(known) if known else None
        elif answer.kind != SILENCE:
            self.troubles.append(answer)
        return []

    def late(self, shot: Shot, answer: Answer) -> None:
        if answer.kind != REPLY:
            self.troubles.append(answer)


class Trace(Task):
    """The hops of a path, by echoes whose time to live ends on the way.

    Routers limit how many errors they send (net.ipv4.icmp_ratelimit: six at once, then one a second to each address),
    so a hop that is silent is asked again.
    """

    def __init__(self, size: int, attempts: int) -> None:
        self._size = size
        self._attempts = attempts
        self._tries: Dict[int, int] = {}
        self._open: Set[int] = set()
        self._answers: Dict[int, Answer] = {}

    @property
    def end(self) -> Optional[int]:
        """The time to live at which the path ended, well or not; None as long as it goes on."""
        ends = [ttl for ttl, answer in self._answers.items() if answer.kind != EXPIRED]
        return min(ends) if ends else None

    @property
    def done(self) -> bool:
        if self.end is not None:
            return not any(ttl < self.end for ttl in self._open)
        return bool(self._tries) and not self._open

    def start(self) -> List[Shot]:
        return self._ask(range(1, _FIRST_HOPS + 1))

    def heard(self, shot: Shot, answer: Answer) -> List[Shot]:
        self._open.discard(shot.ttl)
        again: List[int] = []
        if answer.kind != SILENCE:
            self._answers[shot.ttl] = answer
        elif self._tries[shot.ttl] < self._attempts and (self.end is None or shot.ttl < self.end):
            again.append(shot.ttl)
        if self._first_hops_did_not_end_it():
            again += range(_FIRST_HOPS + 1, MAX_HOPS + 1)
        return self._ask(again)

    def late(self, shot: Shot, answer: Answer) -> None:
        self._answers.setdefault(shot.ttl, answer)

    def _ask(self, hops: Sequence[int]) -> List[Shot]:
        for ttl in hops:
            self._tries[ttl] = self._tries.get(ttl, 0) + 1
            self._open.add(ttl)
        return [Shot(self._size, ttl) for ttl in hops]

    def _first_hops_did_not_end_it(self) -> bool:
        if self.end is not None or MAX_HOPS in self._tries:
            return False
        return not any(self._tries[ttl] == 1 for ttl in self._open)

    @property
    def hops(self) -> List[Optional[str]]:
        """Who answered at each time to live, from 1 to where the path ended."""
        last = self.end or max(self._tries, default=0)
        if last in self._answers and self._answers[last].sender is None:
            last -= 1  # this machine did not even send it
        return [self._answers[ttl].sender if ttl in self._answers else None for ttl in range(1, last + 1)]

    @property
    def trouble(self) -> Optional[Answer]:
        """The error that ended the path."""
        answer = self._answers[self.end] if self.end is not None else None
        return None if answer is None or answer.kind == REPLY else answer


class PathMtu(Task):
    """Whether a packet of the wanted size passes unfragmented; if not, the largest that does.

    Where somebody says why, and how much would pass, that is tried next. Where packets vanish (an MTU black hole) the
    range is cut in eight at a time: silence is only known after the timeout, and four rounds find any size up to 4096.
    """

    def __init__(self, wanted: int, floor: int) -> None:
        self.wanted = wanted
        self._floor = floor
        self._open = 0
        self._aborted = False
        self._tried: Set[int] = set()
        self._refused: Dict[int, Answer] = {}
        self._silent: Dict[int, int] = {}
        self.passes: Optional[int] = None

    @property
    def done(self) -> bool:
        return bool(self._tried) and self._open == 0

    def start(self) -> List[Shot]:
        return self._ask([self.wanted])

    def heard(self, shot: Shot, answer: Answer) -> List[Shot]:
        self._open -= 1
        if answer.kind == REPLY:
            self.passes = max(shot.size, self.passes or 0)
        elif answer.kind == TOO_BIG:
            self._refused[shot.size] = answer
        elif answer.kind == SILENCE:
            self._silent[shot.size] = self._silent.get(shot.size, 0) + 1
        else:
            self._aborted = True
        return [] if self._open or self._aborted else self._ask(self._next())

    def late(self, shot: Shot, answer: Answer) -> None:
        if answer.kind == TOO_BIG:
            self._refused.setdefault(shot.size, answer)

    def _ask(self, sizes: Sequence[int]) -> List[Shot]:
        self._open += len(sizes)
        self._tried.update(sizes)
        return [Shot(size) for size in sizes]

    @property
    def ceiling(self) -> int:
        """The least size that is known not to pass."""
        low = self.passes or 0
        return min([size for size in [*self._refused, *self._silent] if size > low], default=self.wanted + 1)

    @property
    def complaint(self) -> Optional[Answer]:
        """Who refused the least size that does not pass; None when it vanished."""
        return self._refused.get(self.ceiling)

    def _next(self) -> List[int]:
        ceiling, complaint = self.ceiling, self.complaint
        if ceiling > self.wanted or ceiling <= self._floor:
            return []
        told = complaint.mtu if complaint is not None else None
        if told is not None and self._floor < told < ceiling and told not in self._tried:
            return [told]
        certain = complaint is not None or self._silent[ceiling] >= _SILENCES
        if certain and (self.passes or 0) in (ceiling - 1, told):
            return []
        low = self._floor if self.passes is None else self.passes
        unproven = [self._floor] if self.passes is None else []
        return unproven + between(low, ceiling, _SIZES_AT_ONCE) + ([] if certain else [ceiling])


def between(low: int, high: int, most: int) -> List[int]:
    """At most so many sizes that divide what lies between two sizes evenly."""
    count = min(most, high - low - 1)
    return [low + (high - low) * number // (count + 1) for number in range(1, count + 1)]


class Inquiry:
    """A probe that is being answered."""

    def __init__(self, probe: Probe, rules: Rules) -> None:
        self.probe = probe
        self._rules = rules
        size = ECHO_SIZE[probe.version]
        self._echoes = Echoes(size, rules.count)
        self._trace = Trace(size, rules.count) if probe.is_traced else None
        self._path = PathMtu(probe.mtu, size) if probe.mtu is not None and probe.port is None else None
        parts = (self._echoes, self._trace, self._path)
        self.tasks: Tuple[Task, ...] = tuple(task for task in parts if task is not None)

    @property
    def done(self) -> bool:
        """Whether every question is answered."""
        return all(task.done for task in self.tasks)

    def result(self, over: bool = False) -> Result:
        """What is known; over says that the time ended before all was."""
        echoes = self._echoes
        error, cause = self._verdict(over and not self.done)
        return {
            "id": self.probe.id,
            "reachable": echoes.received > 0,
            "sent": echoes.sent,
            "received": echoes.received,
            "rtt_ms": None if echoes.best is None else round(echoes.best * 1000, 3),
            "hops": self._trace.hops if self._trace else [],
            "path_mtu": self._path.passes if self._path and echoes.received else None,
            "error": error,
            "cause": cause,
        }

    def _verdict(self, over: bool) -> Tuple[Optional[str], Optional[str]]:
        echoes = self._echoes
        if not echoes.received:
            return self._unreached(over)
        if over:
            return self._over()
        if self._path and self._path.passes != self._path.wanted:
            return self._does_not_pass(self._path)
        if echoes.received < echoes.sent:
            return "{0} of {1} {2} were lost".format(echoes.sent - echoes.received, echoes.sent, self._noun), "loss"
        return None, None

    @property
    def _noun(self) -> str:
        return "packets" if self.probe.port is None else "connections"

    def _over(self) -> Tuple[str, str]:
        return "the budget of {0:g} s ended before the probe did".format(self._rules.budget), "budget"

    def _unreached(self, over: bool) -> Tuple[str, str]:
        troubles = list(self._echoes.troubles)
        if self._trace and self._trace.trouble:
            troubles.append(self._trace.trouble)
        if troubles:
            return _explain(troubles[0])
        if over:
            return self._over()
        text = "no answer to {0} {1}, each within {2:g} s".format(self._echoes.sent, self._noun, self._rules.timeout)
        answered = [hop for hop in (self._trace.hops if self._trace else []) if hop]
        if answered:
            text += "; the last hop that answered is {0}".format(answered[-1])
        return text, SILENCE

    def _does_not_pass(self, path: PathMtu) -> Tuple[str, str]:
        text = "a packet of {0} bytes does not pass".format(path.wanted)
        complaint = path.complaint
        if path.passes is None:
            return text + ", and what does could not be told", "unknown-mtu"
        if complaint is None:
            return text + ": above {0} bytes packets vanish without an error".format(path.passes), "black-hole"
        if complaint.sender is None:
            return text + ": the MTU of the source's own device is {0} bytes".format(path.passes), "device-mtu"
        told = " for more than {0} bytes".format(complaint.mtu) if complaint.mtu else ""
        return "{0}: {1} says {2}{3}".format(text, complaint.sender, complaint.text, told), "fragmentation-needed"


def _explain(answer: Answer) -> Tuple[str, str]:
    """An answer that is no reply, in words and as one word."""
    if answer.sender is None:
        return "cannot be sent: {0}".format(answer.text), "local"
    text = "{0}, says {1}".format(answer.text, answer.sender)
    if answer.kind == EXPIRED:
        return text + ": the packets go round in circles", "loop"
    if _icmp.PROHIBITED in answer.text:
        return text, "prohibited"
    return text, {TOO_BIG: "fragmentation-needed"}.get(answer.kind, answer.kind)


def failed(probe: Probe, error: str, cause: str) -> Result:
    """The result of a probe that was never sent."""
    return {
        "id": probe.id,
        "reachable": False,
        "sent": 0,
        "received": 0,
        "rtt_ms": None,
        "hops": [],
        "path_mtu": None,
        "error": error,
        "cause": cause,
    }
