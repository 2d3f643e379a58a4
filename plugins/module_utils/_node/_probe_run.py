# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All probes of a node: their sources' namespaces, children that enter them, and one result for each probe.

Children share the sources, so that one that hangs takes few probes with it and 110 pods do not need 110 processes.
"""

from __future__ import annotations

import itertools
import resource
import time
from dataclasses import dataclass
from functools import partial
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._node import _children, _netns
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._icmp import version_of
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader
from ansible_collections.switchyard.cni.plugins.module_utils._node._probe import Inquiry, Probe, Result, Rules, failed
from ansible_collections.switchyard.cni.plugins.module_utils._node._probe_wire import Exchange, Line, routed_source

COUNTERS = ("rx_packets", "tx_packets")

_SOURCES_PER_CHILD = 8
_CHILDREN = 16
# Each trace costs its own node one ICMP error and a peer another. A kernel sends 1000 a second (icmp_msgs_per_sec) for
# whatever reason; half of them leaves room for a peer that is traced by others at the same time.
_TRACES_PER_SECOND = 250.0
# What a child may be late by, as a part of the budget: it tells what it has, and is killed only if it does not.
_GRACE = 0.1

Gap = Dict[str, str]
Counts = Dict[str, Optional[Dict[str, int]]]


@dataclass(frozen=True)
class Start:
    """A probe and the seconds after the common start at which its first packet leaves."""

    probe: Probe
    offset: float


@dataclass(frozen=True)
class Origin:
    """A namespace (None: the node's own) and the probes that start in it."""

    path: Optional[str]
    starts: Tuple[Start, ...]


def run(reader: NodeReader, probes: Sequence[Probe], rules: Rules, devices: Sequence[str]) -> Dict[str, Any]:
    """Answer all probes; the module's result. Never fails for a probe: each has its own error."""
    begin = reader.monotonic()
    gaps: List[Gap] = []
    before = read_counters(reader, devices)
    origins, results = locate(reader, probes, rules, gaps)
    left = rules.budget - (reader.monotonic() - begin)
    for result in carry_out(origins, rules, left):
        results[result["id"]] = result
    after = read_counters(reader, devices)
    ordered = [results[probe.id] for probe in probes]
    return {
        "results": ordered,
        "counters": {dev: difference(dev, before[dev], after[dev], gaps) for dev in devices},
        "waited": round(reader.monotonic() - begin, 3),
        "gaps": gaps + silent_hops(ordered),
    }


def read_counters(reader: NodeReader, devices: Sequence[str]) -> Counts:
    """The packets that devices of the node's namespace have carried; None for a device that is not there."""
    counts: Counts = {}
    for dev in devices:
        base = "/sys/class/net/{0}/statistics/".format(dev)
        try:
            counts[dev] = {name: int(reader.read(base + name)) for name in COUNTERS}
        except (OSError, ValueError):
            counts[dev] = None
    return counts


def difference(
    dev: str, before: Optional[Dict[str, int]], after: Optional[Dict[str, int]], gaps: List[Gap]
) -> Optional[Dict[str, int]]:
    """What a device has carried in between; None, and a gap, where that cannot be told."""
    if before is None or after is None:
        gaps.append({"what": "counters of " + dev, "reason": "there is no such device, or it cannot be read"})
        return None
    grown = {name: after[name] - before[name] for name in COUNTERS}
    if min(grown.values()) < 0:
        gaps.append({"what": "counters of " + dev, "reason": "the device was made anew during the probes"})
        return None
    return grown


def silent_hops(results: Sequence[Result]) -> List[Gap]:
    """The gap for hops that did not answer on paths that work."""
    count = sum(1 for result in results if result["reachable"] and None in result["hops"])
    if not count:
        return []
    reason = "on {0} paths that work a hop did not answer; routers limit the errors they send (net.ipv4.icmp_ratelimit)"
    return [{"what": "hops", "reason": reason.format(count)}]


def locate(
    reader: NodeReader, probes: Sequence[Probe], rules: Rules, gaps: List[Gap]
) -> Tuple[List[Origin], Dict[str, Result]]:
    """Where each probe starts, and the results of those that cannot start anywhere."""
    survey = _survey(reader, probes, rules, gaps)
    results: Dict[str, Result] = {}
    places: Dict[Optional[str], List[Probe]] = {}
    shared: Dict[Any, List[Any]] = {}
    for probe in probes:
        holders: List[Any] = survey.holders(probe.source) if probe.source is not None else [None]
        if not holders:
            error = "no pod's network namespace on this node has the address {0}".format(probe.source)
            results[probe.id] = failed(probe, error, "no-source")
            continue
        if len(holders) > 1:
            shared[probe.source] = holders
        places.setdefault(holders[0], []).append(probe)
    for address, paths in sorted(shared.items()):
        reason = "{0} have the same address; probes start in the first".format(" and ".join(paths))
        gaps.append({"what": "pod {0}".format(address), "reason": reason})
    return paced(places), results


def _survey(reader: NodeReader, probes: Sequence[Probe], rules: Rules, gaps: List[Gap]) -> _netns.Survey:
    if all(probe.source is None for probe in probes):
        return _netns.Survey({}, {})
    try:
        paths = _netns.pod_namespaces(reader)
    except OSError as error:
        gaps.append({"what": "pod namespaces", "reason": "{0}: {1}".format(error.filename, error.strerror)})
        return _netns.Survey({}, {})
    survey = _netns.survey(paths, rules.budget / 2)
    gaps += [{"what": what, "reason": reason} for what, reason in sorted(survey.problems.items())]
    return survey


def paced(places: Dict[Optional[str], List[Probe]]) -> List[Origin]:
    """Spread the traces over time, and those of one source as far apart as possible."""
    columns = itertools.zip_longest(*places.values())
    traces = [probe for column in columns for probe in column if probe is not None and probe.is_traced]
    offsets = {probe.id: number / _TRACES_PER_SECOND for number, probe in enumerate(traces)}
    return [
        Origin(path, tuple(Start(probe, offsets.get(probe.id, 0.0)) for probe in here)) for path, here in places.items()
    ]


def carry_out(origins: Sequence[Origin], rules: Rules, seconds: float) -> List[Result]:
    """Send the probes of all origins, in children; one result for each probe after at most so many seconds."""
    # The node's own namespace comes first: a child is there before it has entered any other.
    ordered = sorted(origins, key=lambda origin: origin.path is not None)
    size = _SOURCES_PER_CHILD
    shares = [ordered[start : start + size] for start in range(0, len(ordered), size)]
    begin = time.monotonic()
    last = begin + seconds - min(_GRACE * rules.budget, 1.0)
    ended = _children.run([partial(_work, share, rules, begin, last) for share in shares], _CHILDREN, seconds)
    results: List[Result] = []
    for share, child in zip(shares, ended):
        told = {result["id"]: result for result in child.values}
        for start in (start for origin in share for start in origin.starts):
            reason = "the child that sent it {0}".format(child.error)
            results.append(told.get(start.probe.id) or failed(start.probe, reason, "failed"))
    return results


def _work(share: Sequence[Origin], rules: Rules, begin: float, last: float, tell: _children.Tell) -> None:
    """A child's work: open sockets in each namespace, then serve them all."""
    _allow_many_sockets()
    exchange = Exchange(rules.timeout, tell)
    for origin in share:
        try:
            if origin.path is not None:
                _netns.enter(origin.path)
        except (NodeError, OSError) as error:
            for start in origin.starts:
                tell(failed(start.probe, "its source cannot be entered: {0}".format(_reason(error)), "failed"))
            continue
        boarding = _Boarding(exchange, rules, begin)
        for start in origin.starts:
            try:
                boarding.add(start)
            except OSError as error:
                tell(failed(start.probe, "cannot be sent: {0}".format(_reason(error)), "local"))
    exchange.run(last)
    exchange.close()


class _Boarding:
    """Opens what probes need in the namespace this process is in now."""

    def __init__(self, exchange: Exchange, rules: Rules, begin: float) -> None:
        self._exchange = exchange
        self._rules = rules
        self._begin = begin
        self._lines: Dict[int, Line] = {}

    def add(self, start: Start) -> None:
        """Hand a probe to the exchange; raises OSError when the namespace has no way to send it."""
        probe = start.probe
        if probe.version not in self._lines:
            self._lines[probe.version] = self._exchange.open_line(probe.version)
        source = probe.source
        if source is None or version_of(source) != probe.version:
            source = routed_source(probe.target)
        inquiry = Inquiry(probe, self._rules)
        self._exchange.add(inquiry, self._lines[probe.version], source, self._begin + start.offset, self._rules.count)


def _allow_many_sockets() -> None:
    # The soft limit of 1024 is for programs that use select(2); connections take one each.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
