# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of changes to a cluster's pod network, and the lease of the run that makes one. Pure.

The journal is a ConfigMap, so that whoever takes over can read how far a run came; the lease is one of
coordination.k8s.io/v1 (KEP-589), taken by compare-and-swap as client-go's leader election does it.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Dict, List, Mapping, Optional, Tuple

NAMESPACE, NAME, KEY = "kube-system", "switchyard-cni", "journal.json"
LABELS = {"app.kubernetes.io/managed-by": "switchyard.cni"}
ENDED = ("verified", "rolled_back")
"""Outcomes after which nothing is left to be done; after any other the run stays open."""

REMEMBERED = 10
"""Runs in the history."""

LARGEST = 900_000
"""Bytes of a journal; a ConfigMap holds 1 MiB (Kubernetes, ConfigMap)."""

# What the API server adds to an object, and takes from nobody.
_SERVERS_OWN = ("managedFields", "uid", "resourceVersion", "creationTimestamp", "generation", "selfLink")
_SERVERS_NOTES = ("deprecated.daemonset.template.generation", "kubectl.kubernetes.io/last-applied-configuration")

Journal = Dict[str, Any]
Object = Mapping[str, Any]


class Held(Exception):
    """Another run has the lease."""


class Lost(Exception):
    """The run that speaks no longer has the lease, or there is no open run."""


class TooLarge(Exception):
    """The journal does not fit into a ConfigMap."""


def stamp(now: datetime) -> str:
    """A time as RFC 3339 in UTC, with the microseconds that a Lease has."""
    return now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_stamp(text: str) -> datetime:
    """The time of a stamp. Raises ValueError."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ" if "." in text else "%Y-%m-%dT%H:%M:%SZ")


# ---- the journal


def read_journal(configmap: Optional[Object]) -> Journal:
    """The journal of a ConfigMap; one that cannot be read is an error, since nothing may be lost. Raises ValueError."""
    text = ((configmap or {}).get("data") or {}).get(KEY)
    journal = json.loads(text) if text else {}
    if not isinstance(journal, dict):
        raise ValueError("it is no JSON object")
    return {"run": None, "verified": None, "history": [], **journal}


def configmap(journal: Journal, before: Optional[Object]) -> Journal:
    """The ConfigMap of a journal. Raises TooLarge."""
    text = json.dumps(journal, indent=1, sort_keys=True) + "\n"
    if len(text.encode("utf-8")) > LARGEST:
        raise TooLarge("the journal would have {0} bytes, and a ConfigMap holds {1}".format(len(text), LARGEST))
    found: Journal = dict(before or {"apiVersion": "v1", "kind": "ConfigMap"})
    about = dict(found.get("metadata") or {}, namespace=NAMESPACE, name=NAME)
    about["labels"] = dict(about.get("labels") or {}, **LABELS)
    found.update(metadata=about, data=dict(found.get("data") or {}, **{KEY: text}))
    return found


def kept(item: Object) -> Journal:
    """An object as it can be applied again."""
    about = {key: value for key, value in item["metadata"].items() if key not in _SERVERS_OWN}
    if about.get("annotations"):
        about["annotations"] = {key: text for key, text in about["annotations"].items() if key not in _SERVERS_NOTES}
    return {**{key: value for key, value in item.items() if key != "status"}, "metadata": about}


def opened(journal: Journal, run: Object, snapshot: List[Journal], holder: str, now: datetime) -> Tuple[Journal, bool]:
    """The journal with a run begun. What an open run has kept is kept: it is the last state known to be good.

    Its id stays too, since what it has started on nodes goes by that name.
    """
    earlier = journal.get("run")
    steps = list(run.get("steps") or ("begin",))
    begun = {
        "id": run["id"],
        "from": run["from"],
        "to": run["to"],
        "steps": steps,
        "started": stamp(now),
        "holder": holder,
        "step": steps[0],
        "log": [{"step": steps[0], "at": stamp(now)}],
        "snapshot": snapshot,
        "outcome": None,
    }
    if earlier:
        begun.update({key: earlier[key] for key in ("id", "from", "snapshot", "started") if key in earlier})
        begun["log"] = list(earlier.get("log") or []) + begun["log"]
    return {**journal, "run": begun}, bool(earlier)


def advanced(journal: Journal, step: str, note: str, now: datetime) -> Journal:
    """The journal with a step begun. Raises Lost."""
    run = journal.get("run")
    if not run:
        raise Lost("there is no open run in the journal: another run has ended it")
    entry = {"step": step, "at": stamp(now)}
    if note:
        entry["note"] = note
    return {**journal, "run": {**run, "step": step, "log": list(run.get("log") or []) + [entry]}}


def closed(journal: Journal, outcome: str, state: Object, left: List[str], now: datetime) -> Journal:
    """The journal with the run ended; one that did not reach a verified state stays open. Nothing changes twice."""
    run = journal.get("run")
    if not run:
        return journal
    if outcome not in ENDED:
        return {**journal, "run": {**run, "outcome": outcome, "left": left}}
    told = {key: run.get(key) for key in ("id", "from", "to", "started", "holder")}
    entry = {**told, "outcome": outcome, "ended": stamp(now), "left": left}
    history = (list(journal.get("history") or []) + [entry])[-REMEMBERED:]
    return {**journal, "run": None, "verified": {**state, "at": stamp(now)}, "history": history}


# ---- the lease


def alive(lease: Optional[Object], now: datetime) -> Optional[Journal]:
    """Who has the lease: ``holder``, ``since``, ``renewed`` and ``until``; None where nobody has, or no longer."""
    spec = (lease or {}).get("spec") or {}
    holder, renewed = spec.get("holderIdentity"), spec.get("renewTime")
    if not holder or not renewed:
        return None
    until = parse_stamp(renewed) + timedelta(seconds=int(spec.get("leaseDurationSeconds") or 0))
    if until <= now:
        return None
    return {"holder": holder, "since": spec.get("acquireTime"), "renewed": renewed, "until": stamp(until)}


def taken(lease: Optional[Object], holder: str, seconds: int, dead: Optional[str], now: datetime) -> Journal:
    """The lease in the hands of this holder. Raises Held; ``dead`` is a holder that is known to live no more."""
    current = alive(lease, now)
    if current is not None and current["holder"] not in (holder, dead):
        raise Held(told(current))
    found: Journal = dict(lease or {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"})
    found["metadata"] = dict(found.get("metadata") or {}, namespace=NAMESPACE, name=NAME)
    spec = dict(found.get("spec") or {})
    mine = current is not None and current["holder"] == holder
    if not mine:
        spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + 1
    spec["acquireTime"] = spec["acquireTime"] if mine else stamp(now)
    spec.update(holderIdentity=holder, leaseDurationSeconds=seconds, renewTime=stamp(now))
    return {**found, "spec": spec}


def renewed(lease: Optional[Object], holder: str, seconds: int, now: datetime) -> Journal:
    """The lease with a new sign of life. Raises Lost when somebody else has taken it."""
    owner = ((lease or {}).get("spec") or {}).get("holderIdentity")
    if owner != holder:
        raise Lost("the lease was taken over by {0}; this run has stopped".format(owner or "nobody: it was released"))
    return taken(lease, holder, seconds, None, now)


def released(lease: Object) -> Journal:
    """The lease in nobody's hands."""
    return {**lease, "spec": {**lease["spec"], "holderIdentity": ""}}


def told(current: Object) -> str:
    """Who is in the way, for people."""
    return (
        "the network of this cluster is being changed by {holder} since {since} (last sign of life {renewed}). "
        "Wait for it; if that run is dead, its lease ends at {until}"
    ).format(**current)
