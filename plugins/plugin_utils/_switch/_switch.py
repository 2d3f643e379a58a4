# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change of a running pod network as the playbooks and a person read it: from, to, steps, and what it costs."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from uuid import uuid4

from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import Intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._meter import Share
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import names
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import BY_NAME
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._away import parted
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._record import Record
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._stages import Stage
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._transition import (
    CIDR,
    DUAL,
    NAKED,
    PODS,
    Transition,
)

_CLASSES = {
    "live": "live: routes change under running pods, and nothing restarts but the agent",
    "pods": "pods: routes change under running pods, then pods are made anew for their smaller MTU",
    "cidr": "cidr: pods are made anew with an address of the new network, node by node",
    "dual": "dual: both plugins side by side while pods are made anew, node by node",
    "none": "to be finished: an earlier run has begun it",
    "first": "to be finished: an earlier run has begun it",
}
STEPS = ("roll", "settle", "sweep", "renew", "verify")
CIDR_STEPS = ("roll", "settle", "move", "retire", "sweep", "verify")
DUAL_STEPS = ("hold", *CIDR_STEPS)
"""The steps of a change in their order, of one to another pod network, and of one from plugin to plugin; each can be
repeated."""

_TOLD = ("id", "from", "to", "started", "holder", "step", "outcome")


@dataclass(frozen=True)
class Switch:
    """A change; ``id`` tells runs apart, ``declared`` are the settings that it leads to, secrets excepted.

    ``record`` is what the journal tells, ``holder`` is who makes the change, ``shares`` what each inventory host
    measures meanwhile, ``stages`` the nodes that change before all others. ``joins`` are nodes that an earlier change
    was ended without and that follow now, ``left`` those that still do not.
    """

    id: str
    change: Transition
    declared: t.Mapping[str, t.Any]
    record: Record = field(default_factory=Record)
    holder: str = ""
    shares: t.Mapping[str, Share] = field(default_factory=dict)
    stages: tuple[Stage, ...] = ()
    joins: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def begun(self) -> t.Mapping[str, t.Any] | None:
        """The run that an open journal tells of."""
        return self.record.begun

    @property
    def before(self) -> t.Mapping[str, t.Any]:
        """The network before the change; while a run is open, or nodes only follow, before that run."""
        if self.begun is not None:
            return self.begun["from"]
        if not self.change.switches and self.record.previous is not None:
            return self.record.previous
        return in_force(self.change)

    @property
    def active(self) -> bool:
        """Whether this run changes a running pod network, or ends what another one has begun."""
        return self.change.switches or self.begun is not None or bool(self.joins)

    @property
    def dual(self) -> bool:
        """Whether another plugin takes over."""
        return self.active and self.change.kind == DUAL

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps of this change, whether or not there is anything for each to do."""
        return {DUAL: DUAL_STEPS, CIDR: CIDR_STEPS}.get(self.change.kind if self.active else "", STEPS)

    @property
    def moves(self) -> bool:
        """Whether all pods are made anew in another network, node by node."""
        return self.active and self.change.moves

    @property
    def restores(self) -> bool:
        """Whether the change leads back to what an open run has kept; to another network it is a move of its own."""
        back = self.begun is not None and dict(self.declared) == dict(self.begun["from"]["settings"])
        return back and self.change.kind != CIDR

    @property
    def _target(self) -> str:
        """What the declared network is called; one that the open run knows keeps its name until that has ended."""
        begun = self.begun or {}
        for end in (begun.get("to", {}), begun.get("from", {})):
            if end.get("label") and end.get("settings") == plain(self.declared):
                return str(end["label"])
        return _label(self.change.target, self.change)

    @property
    def measures(self) -> bool:
        """Whether it is measured what the change costs."""
        return self.active and self.change.target.meter

    @property
    def renews(self) -> bool:
        """Whether pods are made anew."""
        return self.active and PODS in self.change.target.allow and bool(self.change.large)

    @property
    def renewable(self) -> tuple[str, ...]:
        """The pods that are made anew; of one that a node does not know by its name nothing can be asked."""
        return tuple(label for label in self.change.large if "/" in label)

    def lines(self) -> tuple[str, ...]:
        """The change in lines a person reads; nothing where there is none."""
        return tuple(self._lines()) if self.active else ()

    def as_result(self) -> dict[str, t.Any]:
        """The change as plain data."""
        change = self.change
        return {
            "active": self.active,
            "id": self.id,
            "class": change.kind,
            "from": dict(self.before),
            "to": {"label": self._target, "settings": plain(self.declared)},
            "changes": list(change.changes),
            "pod_mtu": [{"before": one.before, "after": one.after, "nodes": list(one.nodes)} for one in change.mtus],
            "pauses": list(change.pauses),
            "pods": list(change.large),
            "renews": self.renews,
            "renewable": [dict(zip(("namespace", "name"), label.split("/"), strict=True)) for label in self.renewable],
            "naked": NAKED in change.target.allow,
            "steps": list(self.steps),
            "begun": {key: self.begun[key] for key in _TOLD if key in self.begun} if self.begun else None,
            "stages": [stage.as_result() for stage in self.stages],
            "left": list(self.left),
            "holder": self.holder,
            "dead": (self.record.lease or {}).get("holder", ""),
            "meter": self.measures,
            "meter_rate": self.change.target.meter_rate,
            "measured_as": self.begun["id"] if self.begun else self.id,
            "undo": change.target.on_failure == "rollback",
        }

    def _lines(self) -> t.Iterator[str]:
        change = self.change
        source = self.before["label"] or "nothing"
        if self.joins and not change.switches and self.begun is None:
            target = self._target
            yield f"Join: {names(self.joins)} did not answer when {source} became {target}, and follows now."
        else:
            yield f"Switch: {source} to {self._target}; {_CLASSES[change.kind]}."
        if self.begun is not None:
            yield f"Begun: {self.begun.get('started')} by a run that has ended at the step {self.begun.get('step')}."
        if change.changes:
            yield f"Changes: {'; '.join(change.changes)}."
        for mtu in change.mtus:
            yield f"Pod MTU: {mtu}."
        if change.large:
            fate = "are made anew" if self.renews else "keep the larger MTU until they are made anew"
            yield f"Pods: {len(change.large)} {fate}: {names(change.large)}."
        for pause in change.pauses:
            yield f"Pause: {pause}."
        if self.stages:
            yield f"First: {names(stage.node.label for stage in self.stages)}, one by one; then all others together."
        yield f"Steps: {', '.join(step for step in self.steps if step != 'renew' or self.renews)}."


def switch(
    change: Transition,
    declared: t.Mapping[str, t.Any],
    record: Record | None = None,
    holder: str = "",
    here: t.Iterable[ObservedNode] = (),
) -> Switch:
    """A change of its own, which no other run is mistaken for; ``here`` are the nodes that take part."""
    known = record or Record()
    joins, left = parted(known.left, here)
    return Switch(new_id(), change, declared, known, holder, joins=joins, left=left)


def in_force(change: Transition) -> dict[str, t.Any]:
    """The network that runs, as the journal names and describes it."""
    return {"label": _label(change.source, change), "settings": plain(change.settings or {})}


def new_id() -> str:
    """A name for a change that no other run has."""
    return uuid4().hex[:8]


def plain(settings: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Settings as an inventory in YAML would hold them, without the secret ones."""
    kept = {name: value for name, value in settings.items() if name in BY_NAME and not BY_NAME[name].secret}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in kept.items()}


def _label(intent: Intent | None, change: Transition) -> str:
    """What a network is called; where only its addresses change, by those too."""
    if intent is None:
        return ""
    where = f" in {', '.join(map(str, intent.pod_cidrs))}" if change.kind == CIDR else ""
    return f"{intent.plugin} {intent.backend.label}{where}"
