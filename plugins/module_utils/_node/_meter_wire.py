# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A disruption meter on the wire: sockets in pods' namespaces and one loop for all of them. Counting is in _meter.

The loop wakes up for probes and not for their answers: the kernel notes when each arrived. So a node that is busy, and
reads them late, measures no delay, and a hundred wake-ups a second serve all pairs.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import selectors
import socket
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._node import _icmp, _netns
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._meter import (
    GOODBYE,
    MESSAGE,
    WAIT,
    Echoes,
    Result,
    Talk,
    moment,
)
from ansible_collections.switchyard.cni.plugins.module_utils._node._probe import DEFAULT_TTL, ECHO_SIZE
from ansible_collections.switchyard.cni.plugins.module_utils._node._probe_wire import Line, routed_source

RUNNING, STOPPED, LIFETIME = "running", "stopped", "lifetime"

_TURN = 0.01  # seconds; connections are served at least this often
_MESSAGES = 0.1  # seconds between two messages of a connection, and between two looks at the namespaces
_TRYING = 30.0  # seconds for the listener to be there
_AGAIN = 0.5  # seconds between two tries
_FAREWELL = 0.3  # seconds for the callers of a listener that ends to hang up
_TOLD = 1.0  # seconds between two writings of what was counted
_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
_CHUNK = 1 << 14
_BACKLOG = 128


@dataclass(frozen=True)
class Pair:
    """What is measured: from a pod of this node (None: the node itself) to an address elsewhere."""

    name: str
    source: Optional[str]
    target: str


@dataclass(frozen=True)
class Job:
    """All that a node measures: its pairs, and its pods' addresses to listen on; rate in probes a second a pair."""

    pairs: Tuple[Pair, ...]
    listen: Tuple[str, ...]
    port: int
    rate: float
    lifetime: float


class Place:
    """A network namespace; None is the node's own. Gone is when there is no such namespace under its name any more."""

    def __init__(self, path: Optional[str]) -> None:
        self._path = path
        self._key = self._look()
        self.gone: Optional[float] = None
        self._lines: Dict[int, Line] = {}

    def _look(self) -> Optional[Tuple[int, int]]:
        if self._path is None:
            return None
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def leave_if_gone(self, now: float) -> bool:
        """Whether it has vanished since the last look. Its sockets are closed then: they would keep it alive."""
        if self._path is None or self.gone is not None or self._look() == self._key:
            return False
        self.gone = now
        self.close()
        return True

    def make(self, function: Callable[..., Any], *args: Any) -> Any:
        """What the function, which makes sockets, returns inside. Raises NodeError or OSError."""
        if self._path is None:
            return function(*args)
        with _netns.visit(self._path):
            return function(*args)

    def line(self, version: int) -> Line:
        """The raw sockets of one IP version, for all pairs of this namespace; to be called inside."""
        if version not in self._lines:
            self._lines[version] = Line(version)
        return self._lines[version]

    @property
    def lines(self) -> List[Line]:
        """All raw sockets."""
        return list(self._lines.values())

    def close(self) -> None:
        """Close the raw sockets."""
        for line in self._lines.values():
            line.close()
        self._lines = {}


class Meter:
    """Sockets of all namespaces, and the loop that serves them until it is stopped or its lifetime is over."""

    def __init__(self, job: Job, paths: Dict[str, str]) -> None:
        """Prepare; paths are the namespaces by the addresses of the pods in them."""
        self._job = job
        places = {path: Place(path) for path in set(paths.values())}
        self._home = Place(None)
        self._by_address = {address: places[path] for address, path in paths.items()}
        self._places = [self._home, *places.values()]
        self._selector = selectors.DefaultSelector()
        self._token = os.urandom(16)
        self._numbers = itertools.count(int.from_bytes(os.urandom(2), "big"))
        self._sides: Dict[int, _Side] = {}
        self._listeners: List[_Listener] = []
        self._wall = time.time() - time.monotonic()
        self._began = time.monotonic()
        self._asked_to_stop = False
        self.state = RUNNING
        self.problems: List[str] = []

    # -- opening

    def open(self) -> bool:
        """Open everything; what cannot be opened is a problem and costs only itself. False if nothing is left."""
        for address in self._job.listen:
            self._try("listen {0}".format(address), self._open_listener, address)
        for pair in self._job.pairs:
            self._try("pair {0}".format(pair.name), self._open_pair, pair)
        return bool(self._sides or self._listeners)

    def _try(self, what: str, function: Callable[..., None], *args: Any) -> None:
        try:
            function(*args)
        except (NodeError, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self.problems.append("{0}: {1}".format(what, reason))

    def _place(self, address: Optional[str]) -> Place:
        if address is None:
            return self._home
        if address not in self._by_address:
            raise NodeError("no pod's network namespace on this node has the address {0}".format(address))
        return self._by_address[address]

    def _open_listener(self, address: str) -> None:
        place = self._place(address)
        self._listeners.append(place.make(_Listener, address, place, self._job.port, self._selector))

    def _open_pair(self, pair: Pair) -> None:
        place = self._place(pair.source)
        identifier = next(self._numbers) % (1 << 16)
        self._sides[identifier] = place.make(_Side, pair, place, identifier, self._job, self._selector)

    # -- the loop

    def stop(self, *unused: Any) -> None:
        """Let run() come to its end; a handler of signals."""
        self._asked_to_stop = True

    def run(self, tell: Callable[[Result], None]) -> None:
        """Measure to the end, and tell the result now and then, and in the end."""
        self._began = now = time.monotonic()
        tasks = [
            _Task(self._probe, 1.0 / self._job.rate, now),
            _Task(self._talk, _MESSAGES, now),
            _Task(lambda dummy: tell(self.result()), _TOLD, now + _TOLD),
        ]
        while not self._asked_to_stop and now < self._began + self._job.lifetime:
            now = self._serve()
            for task in tasks:
                task.do_if_due(now)
            _sleep_until(min([now + _TURN] + [task.due for task in tasks]))
        self.state = STOPPED if self._asked_to_stop else LIFETIME
        self._close()
        tell(self.result())

    def _serve(self) -> float:
        """Take in all that has arrived; the moment before which all has."""
        now = time.monotonic()
        for key, dummy in self._selector.select(0):
            key.data()
        for place in self._places:
            for line in place.lines:
                self._hear(line)
        for side in self._sides.values():
            side.echoes.judge(now)
        return now

    def _hear(self, line: Line) -> None:
        offset = time.time() - time.monotonic()
        for message, arrived in line.heard():
            if isinstance(message, _icmp.Reply):
                side = self._sides.get(message.identifier)
                if side is not None and side.expects(message, self._token):
                    side.echoes.receive(message.sequence, arrived - offset)
            elif message.quote.protocol != _icmp.PROTOCOL_TCP:
                side = self._sides.get(message.quote.ports[0])
                if side is not None and side.pair.target == message.quote.target:
                    side.echoes.trouble("{0}, says {1}".format(message.text, message.sender))

    def _probe(self, dummy: float) -> None:
        for side in self._sides.values():
            if side.place.gone is None:
                side.probe(self._token)

    def _talk(self, now: float) -> None:
        gone = [place for place in self._places if place.leave_if_gone(now)]
        for side in self._sides.values():
            if side.place in gone:
                side.abandon(now)
            elif side.place.gone is None:
                side.call.tend(now, now - self._began)
        for listener in self._listeners:
            if listener.place in gone:
                listener.close()

    def _close(self) -> None:
        # What is under way is not lost, and a connection that ends here is not broken.
        self._serve_while(lambda: any(side.echoes.pending for side in self._sides.values()), WAIT + 2 * _TURN)
        now = time.monotonic()
        for side in self._sides.values():
            side.call.talk.stop(now)
            side.call.close()
        for listener in self._listeners:
            listener.say_goodbye()
        self._serve_while(lambda: any(listener.has_guests for listener in self._listeners), _FAREWELL)
        for listener in self._listeners:
            listener.close()
        for place in self._places:
            place.close()

    def _serve_while(self, condition: Callable[[], bool], seconds: float) -> None:
        last = time.monotonic() + seconds
        while condition() and time.monotonic() < last:
            _sleep_until(self._serve() + _TURN)

    def result(self) -> Result:
        """What was measured so far."""
        now = time.monotonic()
        return {
            "state": self.state,
            "since": moment(self._began, self._wall),
            "until": moment(now, self._wall),
            "cpu_percent": round(100 * time.process_time() / max(now - self._began, 0.001), 1),
            "pairs": [side.result(self._wall) for side in self._sides.values()],
            "listeners": [listener.result(self._wall) for listener in self._listeners],
            "problems": self.problems,
        }


class _Task:
    """Something that is done again and again, the next time when it is due."""

    def __init__(self, job: Callable[[float], None], pause: float, due: float) -> None:
        self._job, self._pause = job, pause
        self.due = due

    def do_if_due(self, now: float) -> None:
        """Do it if it is time to."""
        if now < self.due:
            return
        self.due += self._pause
        if self.due <= now:
            self.due = now + self._pause  # the process has slept too long; making up for it would be a burst
        self._job(now)


def _sleep_until(then: float) -> None:
    time.sleep(max(0.0, then - time.monotonic()))


class _Side:
    """A pair with all that is its own: what it counts, and its connection. To be made inside its source's namespace."""

    def __init__(self, pair: Pair, place: Place, identifier: int, job: Job, selector: selectors.BaseSelector) -> None:
        self.pair, self.place = pair, place
        self._identifier = identifier
        version = _icmp.version_of(pair.target)
        own = pair.source is not None and _icmp.version_of(pair.source) == version
        self._source = pair.source if own and pair.source is not None else routed_source(pair.target)
        self._line = place.line(version)
        self._size = ECHO_SIZE[version]
        self._body = self._size - _icmp.HEADER[version] - _icmp.ECHO_HEADER
        self.echoes = Echoes(1.0 / job.rate)
        self.call = _Call(place, self._source, (pair.target, job.port), selector)

    def probe(self, token: bytes) -> None:
        """Send an echo request."""
        source, target, size = self._source, self.pair.target, self._size
        sequence = self.echoes.send(time.monotonic())
        packet = _icmp.echo_request(source, target, self._identifier, sequence, DEFAULT_TTL, size, token)
        try:
            self._line.send(packet, target)
        except OSError as error:
            self._line.device_mtu()  # empties the queue of errors, which would hold up the next
            self.echoes.refused(error.strerror or str(error))

    def expects(self, reply: _icmp.Reply, token: bytes) -> bool:
        """Whether a reply answers a probe of this pair."""
        return reply.sender == self.pair.target and reply.payload == _icmp.filler(token, self._body)

    def abandon(self, now: float) -> None:
        """Its source has vanished."""
        self.echoes.abandon()
        self.call.talk.stop(now)
        self.call.close()

    def result(self, wall: float) -> Result:
        """Plain data."""
        return {
            "name": self.pair.name,
            "source": self.pair.source,
            "target": self.pair.target,
            "source_gone": moment(self.place.gone, wall),
            **self.echoes.result(wall),
            "tcp": self.call.talk.result(wall),
        }


class _Call:
    """The client's end of a pair's connection."""

    def __init__(self, place: Place, source: str, target: Tuple[str, int], selector: selectors.BaseSelector) -> None:
        self.talk = Talk()
        self._place, self._source, self._target, self._selector = place, source, target, selector
        self._socket: Optional[socket.socket] = None
        self._next_try = 0.0

    def tend(self, now: float, age: float) -> None:
        """Send the next message, or try to connect; age is how long the meter runs."""
        if self.talk.over:
            return
        if self.talk.connected:
            self._say(now)
        elif age > _TRYING:
            self.talk.over = True
            self.talk.error = self.talk.error or "no answer"
            self.close()
        elif self._socket is None and now >= self._next_try:
            self._next_try = now + _AGAIN
            self._connect(now)

    def _connect(self, now: float) -> None:
        try:
            self._socket = self._place.make(_stream, _icmp.version_of(self._source))
            self._socket.bind((self._source, 0))
            code = self._socket.connect_ex(self._target)
            self._selector.register(self._socket, selectors.EVENT_WRITE, self._connected)
        except (NodeError, OSError) as error:
            self._end(getattr(error, "strerror", None) or str(error), now)
            return
        if code not in (0, errno.EINPROGRESS):
            self._end(os.strerror(code), now)

    def _connected(self) -> None:
        if self._socket is None:
            return
        now = time.monotonic()
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._end(os.strerror(code), now)
            return
        self._selector.modify(self._socket, selectors.EVENT_READ, self._hear)
        self.talk.open(now)

    def _say(self, now: float) -> None:
        if self._socket is None:
            return
        try:
            self._socket.send(self.talk.next())
            self.talk.said()
        except BlockingIOError:
            return  # nothing has passed for so long that the buffer is full; its silence tells
        except OSError as error:
            self._end(error.strerror or str(error), now)

    def _hear(self) -> None:
        if self._socket is None:
            return
        now = time.monotonic()
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(error.strerror or str(error), now)
            return
        self.talk.hear(data, now)
        if not data or self.talk.over:
            self._end("closed by the target", now)

    def _end(self, reason: str, now: float) -> None:
        if self._socket is not None and self.talk.connected:
            # A goodbye may have come before what ended it.
            with contextlib.suppress(OSError):
                self.talk.hear(self._socket.recv(_CHUNK), now)
        self.talk.fail(reason, now)
        self.close()

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            _drop(self._selector, self._socket)
            self._socket = None


class _Listener:
    """The listener in one pod's namespace, which sends back whatever it is told. To be made inside."""

    def __init__(self, address: str, place: Place, port: int, selector: selectors.BaseSelector) -> None:
        self.address, self.place = address, place
        self._selector = selector
        self._accepted = 0
        self._guests: List[_Guest] = []
        self._socket = _stream(_icmp.version_of(address))
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((address, port))
            self._socket.listen(_BACKLOG)
        except OSError:
            self._socket.close()
            raise
        selector.register(self._socket, selectors.EVENT_READ, self._accept)

    def _accept(self) -> None:
        for connection in self._callers():
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            guest = _Guest(connection, self._selector)
            self._accepted += 1
            self._guests = [one for one in self._guests if one.is_there] + [guest]

    def _callers(self) -> Iterator[socket.socket]:
        while True:
            try:
                yield self._socket.accept()[0]
            except OSError:  # nobody more, or one that has hung up meanwhile
                return

    @property
    def has_guests(self) -> bool:
        """Whether anybody has not hung up."""
        return any(guest.is_there for guest in self._guests)

    def say_goodbye(self) -> None:
        """Tell all that the connection ends on purpose."""
        for guest in self._guests:
            guest.say(MESSAGE.pack(GOODBYE))

    def close(self) -> None:
        """Close all sockets."""
        for guest in self._guests:
            guest.close()
        self._guests = []
        if self._socket.fileno() >= 0:
            _drop(self._selector, self._socket)

    def result(self, wall: float) -> Result:
        """Plain data."""
        return {"address": self.address, "accepted": self._accepted, "gone": moment(self.place.gone, wall)}


class _Guest:
    """The listener's end of a connection."""

    def __init__(self, connection: socket.socket, selector: selectors.BaseSelector) -> None:
        self._socket, self._selector = connection, selector
        self._unsaid = b""
        selector.register(connection, selectors.EVENT_READ, self._hear)

    @property
    def is_there(self) -> bool:
        """Whether it is open."""
        return self._socket.fileno() >= 0

    def _hear(self) -> None:
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""  # the caller's own meter tells of it
        if data:
            self.say(data)
        else:
            self.close()

    def say(self, data: bytes) -> None:
        """Send what there is; what the buffer does not take goes with the next."""
        self._unsaid += data
        try:
            self._unsaid = self._unsaid[self._socket.send(self._unsaid) :]
        except OSError:
            return

    def close(self) -> None:
        """Close the socket."""
        if self.is_there:
            _drop(self._selector, self._socket)


def _stream(version: int) -> socket.socket:
    made = socket.socket(_FAMILY[version], socket.SOCK_STREAM)
    made.setblocking(False)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def _drop(selector: selectors.BaseSelector, which: socket.socket) -> None:
    if which in selector.get_map():
        selector.unregister(which)
    which.close()
