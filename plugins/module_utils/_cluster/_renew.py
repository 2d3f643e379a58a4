# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making pods anew: the only part that evicts, deletes and waits."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._cluster import _read, _renew_plan
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._api import (
    ApiBusy,
    ApiConflict,
    ApiError,
    ApiMissing,
    ApiRefused,
    ApiWriter,
)
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._renew_plan import Left, Named, Plan, Step

INTERVAL = 1.0
"""Seconds between two looks at the pods under way."""

_CONTROLLERS = {
    "ReplicaSet": "/apis/apps/v1/namespaces/{0}/replicasets/{1}",
    "StatefulSet": "/apis/apps/v1/namespaces/{0}/statefulsets/{1}",
    "DaemonSet": "/apis/apps/v1/namespaces/{0}/daemonsets/{1}",
    "ReplicationController": "/api/v1/namespaces/{0}/replicationcontrollers/{1}",
}


class Clock:
    """Time that passes; tests hand in their own."""

    def monotonic(self) -> float:
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True)
class Rules:
    """timeout: seconds for all of it. grace: seconds for a pod to end, None = its own. parallel: pods a workload."""

    timeout: float
    grace: Optional[int] = None
    parallel: int = 1


@dataclass(frozen=True)
class Outcome:
    """renewed are the pods that have a Ready replacement; touched is whether any pod was evicted or deleted."""

    renewed: Tuple[Named, ...]
    unfinished: Tuple[Left, ...]
    touched: bool
    waited: float


@dataclass(frozen=True)
class Seen:
    """A workload: whether the pod is gone, how many others are Ready, and how many there shall be."""

    gone: bool
    ready: int = 0
    wanted: int = 0


def gather(api: ApiWriter, asked: Sequence[Named]) -> Tuple[List[Mapping[str, Any]], List[Mapping[str, Any]]]:
    """The pods and the budgets of the namespaces that are asked for."""
    pods, budgets = [], []
    for namespace in sorted({one.namespace for one in asked}):
        names = {one.name for one in asked if one.namespace == namespace}
        everything = _read.items(api, "/api/v1/namespaces/{0}/pods".format(namespace))
        pods += [pod for pod in everything if pod["metadata"]["name"] in names]
        budgets += list(_read.items(api, "/apis/policy/v1/namespaces/{0}/poddisruptionbudgets".format(namespace)))
    return pods, budgets


def renew(api: ApiWriter, plan: Plan, rules: Rules, clock: Clock) -> Outcome:
    """Make the pods of a plan anew, until all are or the time is over, or this user may not."""
    start = clock.monotonic()
    work = _Work(api, rules, list(plan.steps))
    while True:
        work.look()
        work.begin()
        elapsed = clock.monotonic() - start
        if work.done or work.barred or elapsed >= rules.timeout:
            return work.outcome(elapsed)
        clock.pause(min(INTERVAL, rules.timeout - elapsed))


@dataclass
class _Work:
    api: ApiWriter
    rules: Rules
    waiting: List[Step]
    under_way: Dict[Step, Seen] = field(default_factory=dict)
    refused: Dict[Step, str] = field(default_factory=dict)
    renewed: List[Named] = field(default_factory=list)
    trouble: str = ""
    barred: bool = False

    @property
    def done(self) -> bool:
        return not self.waiting and not self.under_way

    def look(self) -> None:
        """Find out which pods under way have their replacement."""
        for step, before in list(self.under_way.items()):
            now = self._seen(step)
            if now is not None and now.gone and now.ready >= min(before.ready, now.wanted):
                del self.under_way[step]
                self.renewed.append(step.pod)

    def begin(self) -> None:
        """Begin with the pods whose turn it is; one that a budget holds back is tried again at the next look."""
        for step in _renew_plan.startable(self.waiting, self.under_way, self.refused, self.rules.parallel):
            self._begin(step)

    def outcome(self, elapsed: float) -> Outcome:
        """How it stands when time is over, or all is done."""
        late = [Left(step.pod, self._why_late(step)) for step in (*self.under_way, *self.waiting)]
        return Outcome(tuple(self.renewed), tuple(late), bool(self.under_way or self.renewed), elapsed)

    def _begin(self, step: Step) -> None:
        before = self._seen(step)
        if before is None:
            return
        if before.gone:
            self.waiting.remove(step)  # somebody else was faster, and its replacement is of today's network
            return
        try:
            _send(self.api, step, self.rules.grace)
        except ApiBusy as error:
            self.refused[step] = str(error).split(": ", 1)[-1]  # without the path, which the pod's name tells
        except (ApiMissing, ApiConflict):
            return  # it is another pod by now; the next look tells
        except ApiError as error:
            self._note(error)
        else:
            self.refused.pop(step, None)
            self.waiting.remove(step)
            self.under_way[step] = before

    def _seen(self, step: Step) -> Optional[Seen]:
        """A step's workload; None while the API server does not answer, as it may while a network changes."""
        try:
            return _seen(self.api, step)
        except ApiError as error:
            self._note(error)
            return None

    def _note(self, error: ApiError) -> None:
        self.trouble = str(error)
        self.barred = self.barred or isinstance(error, ApiRefused)

    def _why_late(self, step: Step) -> str:
        if step in self.under_way:
            now = self._seen(step)
            if now is None:
                return "the API server does not answer: {0}".format(self.trouble)
            return "it has no Ready replacement yet" if now.gone else "it is still terminating"
        if step in self.refused:
            names = ", ".join("{0}/{1}".format(step.pod.namespace, name) for name in step.budgets)
            budget = "the PodDisruptionBudget {0}".format(names) if names else "the API server"
            return "{0} does not let it go: {1}".format(budget, self.refused[step])
        return "its turn did not come" + (" ({0})".format(self.trouble) if self.trouble else "")


def _send(api: ApiWriter, step: Step, grace: Optional[int]) -> None:
    path = "/api/v1/namespaces/{0}/pods/{1}".format(step.pod.namespace, step.pod.name)
    # Only this very pod: one of the same name that came in the meantime is new already.
    options: Dict[str, Any] = {"preconditions": {"uid": step.pod.uid}}
    if grace is not None:
        options["gracePeriodSeconds"] = grace
    if step.means == _renew_plan.DELETE:
        api.delete(path, dict(options, apiVersion="v1", kind="DeleteOptions"))
        return
    about = {"namespace": step.pod.namespace, "name": step.pod.name}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": about, "deleteOptions": options}
    api.create(path + "/eviction", eviction)


def _seen(api: ApiWriter, step: Step) -> Seen:
    controller = _controller(api, step)
    if controller is None or step.owner is None:
        return Seen(_is_gone(api, step.pod))
    path = "/api/v1/namespaces/{0}/pods".format(step.pod.namespace)
    pods = list(_read.items(api, path, labelSelector=selector(controller["spec"]["selector"])))
    gone = all(pod["metadata"]["uid"] != step.pod.uid for pod in pods)
    # The pods themselves are counted, since a controller's own count follows them only after a while.
    own = [pod for pod in pods if _renew_plan.owner(pod) == step.owner and _renew_plan.ready(pod)]
    return Seen(gone, len(own), _wanted(controller))


def _controller(api: ApiWriter, step: Step) -> Optional[Mapping[str, Any]]:
    """What makes a pod anew; None where there is no such thing, or this does not know it."""
    if step.owner is None or step.owner.kind not in _CONTROLLERS:
        return None
    try:
        found = api.get(_CONTROLLERS[step.owner.kind].format(step.pod.namespace, step.owner.name))
    except ApiMissing:
        return None
    return found if found["metadata"]["uid"] == step.owner.uid else None


def _is_gone(api: ApiWriter, pod: Named) -> bool:
    try:
        found = api.get("/api/v1/namespaces/{0}/pods/{1}".format(pod.namespace, pod.name))
    except ApiMissing:
        return True
    return bool(found["metadata"]["uid"] != pod.uid)


def _wanted(controller: Mapping[str, Any]) -> int:
    nodes = (controller.get("status") or {}).get("desiredNumberScheduled")
    return int(nodes if nodes is not None else controller["spec"].get("replicas", 1))


def selector(asked: Mapping[str, Any]) -> str:
    """A label selector as a query has it; a ReplicationController's is a plain mapping."""
    plain = asked.get("matchLabels") or ({} if "matchExpressions" in asked else asked)
    terms = ["{0}={1}".format(key, value) for key, value in sorted(plain.items())]
    return ",".join([*terms, *_expressions(asked.get("matchExpressions") or [])])


def _expressions(terms: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    shapes = {"In": "{0} in ({1})", "NotIn": "{0} notin ({1})", "Exists": "{0}", "DoesNotExist": "!{0}"}
    for term in terms:
        yield shapes[term["operator"]].format(term["key"], ",".join(term.get("values") or []))
