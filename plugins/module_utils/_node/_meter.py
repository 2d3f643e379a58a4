# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a disruption meter counts: echoes that came back or did not, and a connection that lived or broke.

Pure: no socket, no clock, no host. Times are seconds of one clock that never jumps; results are in milliseconds, and
moments in seconds since the epoch.
"""

from __future__ import annotations

import heapq
import struct
from collections import deque
from dataclasses import dataclass
from typing import Any, Deque, Dict, List, Optional, Tuple

WAIT = 1.0  # seconds after sending; a reply that comes later is late, and its probe stays lost
MESSAGE = struct.Struct("!Q")
GOODBYE = (1 << 64) - 1  # what a listener says instead of a number before it closes by its own will

_NUMBERS = 1 << 16  # a sequence number has 16 bits on the wire (RFC 792), and starts over and over
_SHOWN_GAPS = 20
_REMEMBERED = 6000  # lost probes whose replies are recognised as late: a minute's worth at 100 a second

Result = Dict[str, Any]


@dataclass(frozen=True)
class Gap:
    """Probes that were lost in a row: between the sending of the one answered before and of the one answered after.

    stall is the longest time between two sendings in it; a gap that has not ended reaches to the last probe judged.
    """

    start: float
    length: float
    lost: int
    stall: float
    ended: bool = True

    def as_result(self, wall: float) -> Result:
        """Plain data; wall is what turns a time into seconds since the epoch."""
        return {
            "at": round(self.start + wall, 3),
            "ms": milliseconds(self.length),
            "lost": self.lost,
            "stall_ms": milliseconds(self.stall),
            "ended": self.ended,
        }


@dataclass
class _Echo:
    """A probe that has been sent and not been judged; rtt once it was answered in time."""

    sent: float
    rtt: Optional[float] = None
    late: bool = False
    unsent: bool = False


class Echoes:
    """The echoes of one pair; interval is the time between two of them."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._open: Deque[_Echo] = deque()
        self._oldest = 0  # the number of the first in _open
        self._missing: Dict[int, None] = {}
        self.received = self.late = self.duplicates = self.unsent = self.abandoned = 0
        self.error: Optional[str] = None
        self._slowest: Tuple[float, Optional[float]] = (0.0, None)  # how slow, and when it was sent
        self._stall: Tuple[float, Optional[float]] = (0.0, None)
        self._previous: Optional[float] = None  # when the last one judged was sent
        self._run = _Run()
        self._lost = _Losses()
        self._gaps: List[Tuple[float, float, Gap]] = []  # a heap whose first is the shortest

    def send(self, now: float) -> int:
        """Note a probe that is sent now; gives its sequence number on the wire."""
        self._open.append(_Echo(now))
        return (self._oldest + len(self._open) - 1) % _NUMBERS

    def refused(self, reason: str) -> None:
        """Note that this node's own kernel did not send the last one: it is lost, and known to be at once."""
        self._open[-1].unsent = True
        self.unsent += 1
        self.error = reason

    def trouble(self, reason: str) -> None:
        """Note what somebody said of a probe. It is lost all the same only if no reply comes."""
        self.error = reason

    def receive(self, sequence: int, arrived: float) -> None:
        """Note a reply that arrived then, whenever it is read."""
        last = self._oldest + len(self._open) - 1
        number = last - ((last - sequence) % _NUMBERS)
        if number < self._oldest:
            self._receive_after_all(number)
            return
        echo = self._open[number - self._oldest]
        if echo.rtt is not None or echo.late:
            self.duplicates += 1
        elif arrived - echo.sent > WAIT:
            echo.late = True
            self.late += 1
        else:
            echo.rtt = max(0.0, arrived - echo.sent)

    def _receive_after_all(self, number: int) -> None:
        if number in self._missing:
            del self._missing[number]
            self.late += 1
        elif number >= 0:
            self.duplicates += 1

    def judge(self, now: float) -> None:
        """Decide on all probes of which nothing more is expected; what arrived before now has to be received."""
        while self._open and self._is_due(self._open[0], now):
            self._settle()

    @staticmethod
    def _is_due(echo: _Echo, now: float) -> bool:
        return echo.rtt is not None or echo.unsent or now - echo.sent > WAIT

    @property
    def pending(self) -> int:
        """Probes that have not been judged."""
        return len(self._open)

    def abandon(self) -> None:
        """The source has gone: what is unanswered at the end says nothing of the network."""
        while any(echo.rtt is not None for echo in self._open):
            self._settle()
        self.abandoned += len(self._open) + self._run.lost
        self._oldest += len(self._open)
        self._open.clear()
        self._lost.forget(self._run.lost)
        self._run.lost = 0

    def _settle(self) -> None:
        echo, number = self._open.popleft(), self._oldest
        self._oldest += 1
        step = 0.0 if self._previous is None else echo.sent - self._previous
        self._stall = max(self._stall, (step, self._previous), key=_length)
        self._run.step(echo.sent, step)
        self._previous = echo.sent
        if echo.rtt is not None:
            self._answered(echo.sent, echo.rtt)
            return
        self._run.lost += 1
        self._lost.add(echo.sent, is_first=self._run.lost == 1)
        if not echo.late:
            self._miss(number)

    def _answered(self, sent: float, rtt: float) -> None:
        self.received += 1
        self._slowest = max(self._slowest, (rtt, sent), key=_length)
        if self._run.lost:
            gap = self._run.gap(sent)
            heapq.heappush(self._gaps, (gap.length, gap.start, gap))
            if len(self._gaps) > _SHOWN_GAPS:
                heapq.heappop(self._gaps)
        self._run = _Run(sent)

    def _miss(self, number: int) -> None:
        self._missing[number] = None
        if len(self._missing) > _REMEMBERED:
            del self._missing[next(iter(self._missing))]

    def gaps(self) -> List[Gap]:
        """The longest gaps, in their order in time."""
        last = [self._run.gap(self._previous, ended=False)] if self._run.lost and self._previous is not None else []
        longest = sorted([gap for dummy, unused, gap in self._gaps] + last, key=lambda gap: -gap.length)
        return sorted(longest[:_SHOWN_GAPS], key=lambda gap: gap.start)

    def _longest_gap(self) -> float:
        """Without a loss the network showed no gap: then it is as long as the time between two probes."""
        return max([gap.length for gap in self.gaps()], default=self._interval if self.received else 0.0)

    def result(self, wall: float) -> Result:
        """Plain data; wall is what turns a time into seconds since the epoch."""
        return {
            "sent": self._oldest + len(self._open),
            "received": self.received,
            "lost": self._lost.count,
            "pending": self.pending,
            "abandoned": self.abandoned,
            "late": self.late,
            "duplicates": self.duplicates,
            "unsent": self.unsent,
            "error": self.error,
            "first_loss": moment(self._lost.first, wall),
            "last_loss": moment(self._lost.last, wall),
            "longest_gap_ms": milliseconds(self._longest_gap()),
            "gaps": [gap.as_result(wall) for gap in self.gaps()],
            "slowest_ms": milliseconds(self._slowest[0]),
            "slowest_at": moment(self._slowest[1], wall),
            "stall_ms": milliseconds(self._stall[0]),
            "stall_at": moment(self._stall[1], wall),
        }


class _Run:
    """What came after an answer, up to now: since when, how many lost, and how long nothing was sent."""

    def __init__(self, start: Optional[float] = None) -> None:
        self._start = start
        self.lost = 0
        self._stall = 0.0

    def step(self, sent: float, since: float) -> None:
        """Note one more probe and the time since the one before."""
        self._start = sent if self._start is None else self._start
        self._stall = max(self._stall, since)

    def gap(self, end: float, ended: bool = True) -> Gap:
        """The gap that it is when it ends there."""
        start = end if self._start is None else self._start
        return Gap(start, end - start, self.lost, self._stall, ended)


class _Losses:
    """How many probes were lost, and when the first and the last of them were sent."""

    def __init__(self) -> None:
        self.count = 0
        self.first: Optional[float] = None
        self.last: Optional[float] = None
        self._before: Optional[float] = None

    def add(self, sent: float, is_first: bool) -> None:
        """Note one; is_first says that the one before it was answered."""
        if is_first:
            self._before = self.last
        self.first = sent if self.first is None else self.first
        self.last = sent
        self.count += 1

    def forget(self, number: int) -> None:
        """Take back the last ones, all that were lost in a row."""
        self.count -= number
        if number:
            self.last = self._before
        if not self.count:
            self.first = None


class Talk:
    """The long-lived connection of one pair: numbered messages, each of which comes back."""

    def __init__(self) -> None:
        self.connected = False
        self.error: Optional[str] = None
        self.over = False
        self._broken: Optional[Tuple[str, float]] = None
        self._messages = self._echoed = 0
        self._silence: Tuple[float, Optional[float]] = (0.0, None)
        self._last = 0.0
        self._rest = b""

    def open(self, now: float) -> None:
        """Note that the connection stands."""
        self.connected, self._last, self.error = True, now, None

    def next(self) -> bytes:
        """The next message."""
        return MESSAGE.pack(self._messages)

    def said(self) -> None:
        """Note that it was sent."""
        self._messages += 1

    def hear(self, data: bytes, now: float) -> None:
        """Take in what came back."""
        self._be_silent_until(now)
        data = self._rest + data
        whole = len(data) - len(data) % MESSAGE.size
        self._rest = data[whole:]
        for (number,) in MESSAGE.iter_unpack(data[:whole]):
            if number == GOODBYE:
                self.over = True
            else:
                self._echoed += 1

    def fail(self, reason: str, now: float) -> None:
        """Note the end of a connection, or of a try; one that never stood, or was ended on purpose, is not broken."""
        if self.over:
            return
        self.error = reason
        if self.connected:
            self._broken, self.over = (reason, now), True

    def stop(self, now: float) -> None:
        """Note that it is not looked at any more."""
        if self.connected and not self.over:
            self._be_silent_until(now)
        self.over = True

    def _be_silent_until(self, now: float) -> None:
        self._silence = max(self._silence, (now - self._last, self._last), key=_length)
        self._last = now

    def result(self, wall: float) -> Result:
        """Plain data; wall is what turns a time into seconds since the epoch."""
        reason, broken_at = self._broken or (None, None)
        return {
            "connected": self.connected,
            "broken": reason is not None,
            "broken_at": moment(broken_at, wall),
            "error": self.error if reason is None else reason,
            "messages": self._messages,
            "echoed": self._echoed,
            "silence_ms": milliseconds(self._silence[0]),
            "silence_at": moment(self._silence[1], wall),
        }


def _length(one: Tuple[float, Optional[float]]) -> float:
    return one[0]


def milliseconds(seconds: float) -> float:
    """A time for a result."""
    return round(seconds * 1000, 1)


def moment(time: Optional[float], wall: float) -> Optional[float]:
    """A moment for a result, None if there was none."""
    return None if time is None else round(time + wall, 3)
