# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disruption meter of a whole cluster: which pods measure which, and what all nodes' figures say together."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import names
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._probes import POD, Probe, plan_probes
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._readable import readable
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import Scene

Raw = t.Mapping[str, t.Any]

MOST_PAIRS = 4
"""Pairs that one node measures: two other nodes, over both IP versions."""

BUSY_MS = 100.0
"""A node that has sent nothing for so long was too busy for its gaps to be the network's alone."""

_SHOWN_GAPS = 20
_SHOWN_LINES = 5


@dataclass(frozen=True)
class Pair:
    """What a node measures: from one of its pods to one elsewhere."""

    name: str
    source: str
    target: str


@dataclass(frozen=True)
class Share:
    """What one node does: its pairs, and the addresses of its pods that other nodes' pairs connect to."""

    pairs: tuple[Pair, ...] = ()
    listen: tuple[str, ...] = ()

    def as_options(self) -> dict[str, t.Any]:
        """The share as path_meter's options."""
        return {"pairs": [asdict(pair) for pair in self.pairs], "listen": list(self.listen)}


def choose(scene: Scene, most: int = MOST_PAIRS) -> dict[str, Share]:
    """What each inventory host does; hosts that have nothing to do are left out.

    The pairs are the paths between pods of different nodes that the verification probes: each node with two others, so
    that it is source and target twice, and the work grows linearly with the nodes.
    """
    return readable(scene.observed, lambda some: _choose(scene.with_observed(some), most))


def _choose(scene: Scene, most: int) -> dict[str, Share]:
    hosts = {view.name: view.host for view in scene.views if view.facts is not None and view.host}
    pairs: dict[str, list[Pair]] = {}
    listen: dict[str, dict[str, None]] = {}
    for probe in plan_probes(scene, "sample"):
        source, target = hosts.get(probe.source.node), hosts.get(probe.target.node)
        if probe.kind != POD or source is None or target is None or source == target:
            continue
        if len(pairs.setdefault(source, [])) < most:
            pairs[source].append(_pair(probe))
            listen.setdefault(target, {})[probe.target.address] = None
    return {
        host: Share(tuple(pairs.get(host, ())), tuple(listen.get(host, ())))
        for host in hosts.values()
        if host in pairs or host in listen
    }


def _pair(probe: Probe) -> Pair:
    version = " over IPv6" if ":" in probe.target.address else ""
    return Pair(f"{probe.source.name} to {probe.target.name}{version}", probe.source.address, probe.target.address)


@dataclass(frozen=True)
class Gap:
    """A gap of one pair; ``at`` in seconds since the epoch, ``ms`` as path_meter defines it."""

    host: str
    pair: str
    at: float
    ms: float
    lost: int
    ended: bool = True

    def __str__(self) -> str:
        end = "" if self.ended else ", and it never ended"
        return f"{self.pair}: {self.lost} lost in {self.ms:g} ms at {_clock(self.at)}{end}"


@dataclass(frozen=True)
class Break:
    """A connection that broke."""

    host: str
    pair: str
    at: float
    reason: str

    def __str__(self) -> str:
        return f"{self.pair}: {self.reason} at {_clock(self.at)}"


@dataclass(frozen=True)
class Slow:
    """The worst of something that is no loss: where, when and how long."""

    host: str
    pair: str
    at: float
    ms: float


@dataclass(frozen=True)
class Measured:
    """One pair's figures; ``longest_gap_ms`` is the time between two probes where none was lost."""

    host: str
    pair: str
    sent: int
    lost: int
    longest_gap_ms: float
    broken: bool


@dataclass(frozen=True)
class MeterReport:
    """What all nodes have measured.

    Losses count only for pairs that were ever answered (the others are ``unanswered``: a NetworkPolicy may forbid
    them) and not for what was under way to or from a pod that went (``gone``). ``silent`` are hosts without figures,
    and why; ``partial`` those whose process died, so that the figures end early. ``measured`` are all pairs that count.
    """

    hosts: int
    pairs: int
    seconds: float
    sent: int
    lost: int
    late: int
    longest_gap_ms: float
    worst: Gap | None
    gaps: tuple[Gap, ...]
    connections: int
    broken: tuple[Break, ...]
    unconnected: tuple[str, ...]
    unanswered: tuple[str, ...]
    gone: tuple[str, ...]
    slowest: Slow | None
    stall: Slow | None
    silent: t.Mapping[str, str]
    partial: tuple[str, ...]
    problems: tuple[str, ...]
    measured: tuple[Measured, ...] = ()

    @property
    def undisturbed(self) -> bool:
        """Whether something was measured, nothing was lost and no connection broke."""
        return self.pairs > len(self.unanswered) and not self.lost and not self.broken

    def as_result(self) -> dict[str, t.Any]:
        """The report as plain data."""
        return {**asdict(self), "undisturbed": self.undisturbed}

    def lines(self) -> tuple[str, ...]:
        """The report in lines a person reads."""
        return tuple(self._lines())

    def _lines(self) -> t.Iterator[str]:
        if self.pairs:
            yield (
                f"Meter: {self.pairs} pairs of pods from {self.hosts} nodes for {self.seconds:.0f} s: "
                f"{self.lost} of {self.sent} packets lost, longest gap {self.longest_gap_ms:g} ms, "
                f"{len(self.broken)} of {self.connections} connections broken."
            )
        else:
            yield "Meter: nothing was measured."
        worst = sorted(self.gaps, key=lambda gap: -gap.ms)[:_SHOWN_LINES]
        yield from (f"  {one}" for one in (*sorted(worst, key=lambda gap: gap.at), *self.broken[:_SHOWN_LINES]))
        if self.stall is not None and self.stall.ms > BUSY_MS:
            stall = f"{self.stall.host} sent nothing for {self.stall.ms:g} ms at {_clock(self.stall.at)}"
            yield f"  {stall}: the node was busy, a gap at that time is not the network's alone."
        yield from self._left_out()

    def _left_out(self) -> t.Iterator[str]:
        silent = [f"{host} ({reason})" for host, reason in self.silent.items()]
        for what, which in (
            ("A pod went meanwhile, and what followed is not counted", self.gone),
            ("Not counted, since there was never an answer (a NetworkPolicy?)", self.unanswered),
            ("Never connected (a NetworkPolicy?)", self.unconnected),
            ("The process died, figures end early", self.partial),
            ("No figures", silent),
            ("Not measured", self.problems),
        ):
            if which:
                yield f"  {what}: {names(which)}."


def summarise(results: t.Mapping[str, Raw | None]) -> MeterReport:
    """What path_meter's results with ``state: stopped`` say together, by inventory host; None where it did not run."""
    silent = {host: reason for host, raw in results.items() if (reason := _silence(raw))}
    told = {host: raw for host, raw in results.items() if raw is not None and host not in silent}
    tallies = _tallies(told)
    counted = [one for one in tallies if one.was_answered]
    gaps = sorted((gap for one in counted for gap in one.gaps), key=lambda gap: -gap.ms)
    return MeterReport(
        hosts=len({one.host for one in tallies}),
        pairs=len(tallies),
        seconds=round(max((raw["until"] - raw["since"] for raw in told.values()), default=0.0), 1),
        sent=sum(one.raw["sent"] for one in counted),
        lost=sum(one.lost for one in counted),
        late=sum(one.raw["late"] for one in counted),
        longest_gap_ms=max((one.longest for one in counted), default=0.0),
        worst=gaps[0] if gaps else None,
        gaps=tuple(sorted(gaps[:_SHOWN_GAPS], key=lambda gap: gap.at)),
        connections=sum(one.talk["connected"] for one in tallies),
        broken=tuple(sorted((b for one in tallies for b in one.breaks), key=lambda b: b.at)),
        unconnected=tuple(one.name for one in tallies if not one.talk["connected"]),
        unanswered=tuple(one.name for one in tallies if not one.was_answered),
        gone=tuple(one.name for one in tallies if one.went is not None),
        slowest=_worst(counted, "slowest"),
        stall=_worst(tallies, "stall"),
        silent=silent,
        partial=tuple(host for host, raw in told.items() if raw["ended"] == "died"),
        problems=tuple(f"{host}: {text}" for host, raw in told.items() for text in raw["problems"]),
        measured=tuple(one.figures for one in counted),
    )


def _silence(raw: Raw | None) -> str | None:
    """Why a host has no figures."""
    if raw is None:
        return "it was not asked"
    if raw.get("unreachable") or raw.get("failed") or "pairs" not in raw:
        return str(raw.get("msg") or raw.get("module_stderr") or "no figures came back")
    return None if raw["found"] else "its meter was not there any more"


def _tallies(told: t.Mapping[str, Raw]) -> list[_Tally]:
    """Every pair's figures, with what its target's own node says of the target."""
    gone = {one["address"]: one["gone"] for raw in told.values() for one in raw["listeners"]}
    return [_Tally(host, pair, gone.get(pair["target"])) for host, raw in told.items() for pair in raw["pairs"]]


class _Tally:
    """One pair's figures without what a pod's end has added to them; ``target_gone`` is when its target went."""

    def __init__(self, host: str, raw: Raw, target_gone: float | None) -> None:
        self.host, self.raw, self.name, self.talk = host, raw, raw["name"], raw["tcp"]
        known = [moment for moment in (raw["source_gone"], target_gone) if moment is not None]
        self.went = min(known) if known else None
        self._all = [Gap(host, self.name, *(gap[key] for key in ("at", "ms", "lost", "ended"))) for gap in raw["gaps"]]

    @property
    def was_answered(self) -> bool:
        return bool(self.raw["received"])

    @property
    def gaps(self) -> list[Gap]:
        """The gaps, without the last one where that is a pod's end."""
        return [gap for gap in self._all if gap.ended or self.went is None]

    @property
    def lost(self) -> int:
        return self.raw["lost"] - sum(gap.lost for gap in self._all if gap not in self.gaps)

    @property
    def longest(self) -> float:
        """The longest gap, which is the time between two probes where there was none."""
        if self.gaps or not self._all:
            return max((gap.ms for gap in self.gaps), default=self.raw["longest_gap_ms"])
        return 0.0

    @property
    def figures(self) -> Measured:
        """What is told of every pair."""
        return Measured(self.host, self.name, self.raw["sent"], self.lost, self.longest, any(self.breaks))

    @property
    def breaks(self) -> t.Iterator[Break]:
        """The connection's break, unless a pod's end is why."""
        if self.talk["broken"] and (self.went is None or self.talk["broken_at"] < self.went):
            yield Break(self.host, self.name, self.talk["broken_at"], self.talk["error"])


def _worst(tallies: t.Iterable[_Tally], what: str) -> Slow | None:
    known = [
        Slow(one.host, one.name, one.raw[f"{what}_at"], one.raw[f"{what}_ms"])
        for one in tallies
        if one.raw[f"{what}_at"] is not None
    ]
    return max(known, key=lambda slow: slow.ms, default=None)


def _clock(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S.%f")[:-3] + " UTC"
