# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults as data: how each is planted in a healthy cluster and taken back, and all that must be found meanwhile."""

from __future__ import annotations

import re
import subprocess
import time
import typing as t
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

SETTLING = 90.0
"""Seconds within which daemons react to a fault; they try every second, on a machine that may be slow."""

Change = t.Callable[[t.Any], object]


@dataclass(frozen=True)
class Told:
    """What a finding says. The node is empty for the cluster as a whole. A pattern has to match all of the text."""

    node: str
    subject: str
    expected: str | re.Pattern[str]
    actual: str | re.Pattern[str]

    def fits(self, finding: t.Any) -> bool:
        """Whether a finding says so."""
        same = (self.node, self.subject) == (finding.node, finding.subject)
        return same and _says(finding.expected, self.expected) and _says(finding.actual, self.actual)


def _says(text: str, wanted: str | re.Pattern[str]) -> bool:
    return text == wanted if isinstance(wanted, str) else wanted.fullmatch(text) is not None


@dataclass(frozen=True)
class Fault:
    """One fault of one cluster.

    What is planted in files, in the API server's objects or in the inventory needs no ``heal``. ``implies`` are the
    findings of other checks that follow of necessity, as (id, node). ``settles`` is for faults to which daemons react
    in their own time. ``needs`` is the kind of device, and ``spares`` the one that a kernel must not have, for a fault
    that is just that.
    """

    id: str
    what: str
    cluster: str
    plant: Change
    told: tuple[Told, ...]
    heal: Change | None = None
    implies: frozenset[tuple[str, str]] = frozenset()
    probe: str = "none"
    settles: bool = False
    needs: str | None = None
    spares: str | None = None

    def __str__(self) -> str:
        return f"{self.id}: {self.what}"


KERNEL_OPTIONS = {"wireguard": "CONFIG_WIREGUARD", "ipip": "CONFIG_NET_IPIP"}


def lacks(kind: str | None) -> str | None:
    """That this machine's kernel makes no devices of a kind; None when it does."""
    return None if kind is None or _makes(kind) else f"this kernel has no {kind} ({KERNEL_OPTIONS[kind]})"


def cannot_be_planted(fault: Fault) -> str | None:
    """Why this machine's kernel does not let a fault be; None when it does."""
    if fault.needs is not None and not _makes(fault.needs):
        return lacks(fault.needs)
    if fault.spares is not None and _makes(fault.spares):
        return f"this kernel has {fault.spares} ({KERNEL_OPTIONS[fault.spares]})"
    return None


@lru_cache
def _makes(kind: str) -> bool:
    """Whether the kernel makes devices of a kind, tried in a network namespace of its own."""
    argv = ["unshare", "--net", "ip", "link", "add", "probe0", "type", kind]
    argv += ["local", "127.0.0.1", "remote", "127.0.0.2"] if kind == "ipip" else []
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def everywhere(nodes: t.Iterable[str], *ids: str) -> frozenset[tuple[str, str]]:
    """These consequences on each of these nodes."""
    return frozenset((one, node) for node in nodes for one in ids)


class Stock:
    """Clusters by name, each made when it is first needed; one that did not heal is thrown away."""

    def __init__(self, makers: t.Mapping[str, t.Callable[[t.Any], t.Any]], folders: t.Callable[[str], t.Any]) -> None:
        self._makers, self._folders = makers, folders
        self._made: dict[str, t.Any] = {}

    @contextmanager
    def borrow(self, name: str) -> t.Iterator[t.Any]:
        """A healthy cluster, to be given back healthy."""
        if name not in self._made:
            self._made[name] = self._makers[name](self._folders(name))
            wrong = until_healthy(self._made[name])
            assert not wrong, "\n".join(wrong)
        try:
            yield self._made[name]
        except BaseException:
            self._made.pop(name).close()
            raise

    def close(self) -> None:
        """Let go of all clusters."""
        for cluster in self._made.values():
            cluster.close()


def shown(verification: t.Any) -> list[str]:
    """The findings, and what could not be read, as text; nothing for a cluster in order."""
    found = [f"{one.id} on {one.node or 'the cluster'}: {one.subject}: {one.actual}" for one in verification.findings]
    gaps = [(view.name, gap) for view in verification.scene.views for gap in (view.facts.gaps if view.facts else ())]
    return found + [f"gap on {name}: {gap}" for name, gap in gaps]


def until_healthy(cluster: t.Any) -> list[str]:
    """What is wrong with a cluster whose daemons may still have to find each other."""
    return _when(cluster, "none", SETTLING, shown)


def prove(cluster: t.Any, fault: Fault) -> None:
    """Plant a fault in a healthy cluster, find it and nothing else, take it back, and find nothing."""
    memory, budget = cluster.remember(), SETTLING if fault.settles else 0.0
    fault.plant(cluster)
    wrong = _when(cluster, fault.probe, budget, lambda verification: unlike(verification, fault))
    assert not wrong, "\n".join(wrong)
    cluster.bring_back(memory)
    if fault.heal is not None:
        fault.heal(cluster)
    left = _when(cluster, fault.probe, budget, shown)
    assert not left, "\n".join(left)


def unlike(verification: t.Any, fault: Fault) -> list[str]:
    """What is found, if it is not just what the fault says."""
    named = [one for one in verification.findings if one.id == fault.id]
    others = {(one.id, one.node) for one in verification.findings if one.id != fault.id}
    fits = len(named) == len(fault.told) and all(map(Told.fits, fault.told, named))
    if fits and others == fault.implies:
        return []
    return [*(f"not as told: {one}" for one in named if not fits), *(shown(verification) or ["nothing is found"])]


def _when(cluster: t.Any, probe: str, budget: float, wrong: t.Callable[[t.Any], list[str]]) -> list[str]:
    """What is wrong with the verification, as soon as nothing is or the budget (seconds) is used up."""
    deadline = time.monotonic() + budget
    while True:
        found = wrong(cluster.verify(probe))
        if not found or time.monotonic() >= deadline:
            return found
