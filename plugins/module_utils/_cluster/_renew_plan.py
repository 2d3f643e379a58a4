# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pods are made anew, in which order and by which means, and which are left alone and why.

Sources: the Kubernetes API reference (Pod, PodDisruptionBudget, Eviction), and the kubelet's static pods, which are
mirrored with an annotation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Collection, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

Object = Mapping[str, Any]

EVICT, DELETE = "evict", "delete"
_MIRROR = "kubernetes.io/config.mirror"
_DNS = ("k8s-app", "kube-dns")
_ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Named:
    """A pod somebody asks for; without a uid, whatever has the name now."""

    namespace: str
    name: str
    uid: Optional[str] = None

    def __str__(self) -> str:
        return "{0}/{1}".format(self.namespace, self.name)


@dataclass(frozen=True)
class Owner:
    """The controller that makes a pod anew."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True)
class Step:
    """One pod: how it goes, who makes it anew, and the budgets that have a say."""

    pod: Named
    means: str
    node: Optional[str] = None
    owner: Optional[Owner] = None
    dns: bool = False
    budgets: Tuple[str, ...] = ()

    @property
    def workload(self) -> str:
        """Pods of one workload take turns; a pod without a controller is one for itself."""
        return self.owner.uid if self.owner else str(self.pod)


@dataclass(frozen=True)
class Left:
    """A pod that is not touched."""

    pod: Named
    reason: str

    def as_dict(self) -> Dict[str, str]:
        return {"pod": str(self.pod), "reason": self.reason}


@dataclass(frozen=True)
class Plan:
    """The steps in their order, and what is left."""

    steps: Tuple[Step, ...] = ()
    left: Tuple[Left, ...] = ()


def plan(asked: Iterable[Named], pods: Iterable[Object], budgets: Sequence[Object], delete_naked: bool) -> Plan:
    """What to do about the pods that are asked for. One that is gone already needs nothing."""
    found = {(pod["metadata"]["namespace"], pod["metadata"]["name"]): pod for pod in pods}
    steps, left = [], []
    for one in sorted(set(asked), key=str):
        pod = found.get((one.namespace, one.name))
        if pod is None or one.uid not in (None, pod["metadata"]["uid"]):
            continue
        step = _step(pod, budgets)
        reason = _why_left(pod, step, delete_naked)
        if reason is None:
            steps.append(step)
        else:
            left.append(Left(step.pod, reason))
    # DNS first: every other pod needs it when it starts.
    return Plan(tuple(sorted(steps, key=lambda step: (not step.dns, str(step.pod)))), tuple(left))


def startable(
    waiting: Sequence[Step], under_way: Collection[Step], refused: Collection[Step], parallel: int
) -> List[Step]:
    """The steps that may begin now: a pod a node, `parallel` pods a workload, DNS before all others.

    DNS that a budget does not let go keeps nobody else waiting.
    """
    dns_only = any(step.dns and step not in refused for step in (*waiting, *under_way))
    begun = list(under_way)
    # What was refused comes last, or it would take its node's turn again and again.
    for step in sorted(waiting, key=lambda step: step in refused):
        if (step.dns or not dns_only) and _fits(step, begun, parallel):
            begun.append(step)
    return begun[len(under_way) :]


def ready(pod: Object) -> bool:
    """Whether a pod is up, and stays."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return not pod["metadata"].get("deletionTimestamp") and any(
        one.get("type") == "Ready" and one.get("status") == "True" for one in conditions
    )


def owner(pod: Object) -> Optional[Owner]:
    """The controller of a pod."""
    for reference in pod["metadata"].get("ownerReferences") or []:
        if reference.get("controller"):
            return Owner(reference["kind"], reference["name"], reference["uid"])
    return None


def selects(selector: Optional[Object], labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes these labels; an empty one takes all, an absent one none."""
    if selector is None:
        return False
    plain = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return plain and all(_matches(term, labels) for term in selector.get("matchExpressions") or [])


def _fits(step: Step, begun: Sequence[Step], parallel: int) -> bool:
    same_node = [one for one in begun if one.node == step.node and step.node is not None]
    return not same_node and sum(one.workload == step.workload for one in begun) < parallel


def _step(pod: Object, budgets: Sequence[Object]) -> Step:
    about = pod["metadata"]
    labels = about.get("labels") or {}
    controller = owner(pod)
    return Step(
        Named(about["namespace"], about["name"], about["uid"]),
        # Its controller makes a DaemonSet's pod anew on the same node only, so a budget would count it twice.
        DELETE if controller is not None and controller.kind == "DaemonSet" else EVICT,
        (pod.get("spec") or {}).get("nodeName"),
        controller,
        labels.get(_DNS[0]) == _DNS[1],
        tuple(budget["metadata"]["name"] for budget in budgets if _guards(budget, about["namespace"], labels)),
    )


def _guards(budget: Object, namespace: str, labels: Mapping[str, str]) -> bool:
    return budget["metadata"]["namespace"] == namespace and selects((budget.get("spec") or {}).get("selector"), labels)


def _why_left(pod: Object, step: Step, delete_naked: bool) -> Optional[str]:
    reasons = (reason(pod, step) for reason in _REASONS)
    told = next((reason for reason in reasons if reason is not None), None)
    if told is None and step.owner is None and not delete_naked:
        return "no controller would make it anew; naked=delete deletes it"
    return told


def _static(pod: Object, step: Step) -> Optional[str]:
    mirrored = _MIRROR in (pod["metadata"].get("annotations") or {})
    node = step.owner is not None and step.owner.kind == "Node"
    return "a static pod, which the kubelet of its node makes" if mirrored or node else None


def _host_network(pod: Object, step: Step) -> Optional[str]:
    return "it has the network of its node" if (pod.get("spec") or {}).get("hostNetwork") else None


def _over(pod: Object, step: Step) -> Optional[str]:
    if (pod.get("status") or {}).get("phase") in _ENDED:
        return "it has ended, and has no network any more"
    return "it is being deleted already" if pod["metadata"].get("deletionTimestamp") else None


def _job(pod: Object, step: Step) -> Optional[str]:
    job = step.owner is not None and step.owner.kind == "Job"
    return "the Job {0} runs to its end".format(step.owner.name) if job and step.owner else None


def _two_budgets(pod: Object, step: Step) -> Optional[str]:
    if step.means == EVICT and len(step.budgets) > 1:
        return "more than one PodDisruptionBudget selects it ({0}), so the API server evicts it never".format(
            ", ".join(step.budgets)
        )
    return None


_REASONS: Tuple[Callable[[Object, Step], Optional[str]], ...] = (_static, _host_network, _over, _job, _two_budgets)


def _matches(term: Object, labels: Mapping[str, str]) -> bool:
    has, values = labels.get(term["key"]), term.get("values") or []
    operators: Mapping[str, bool] = {
        "In": has in values,
        "NotIn": has not in values,
        "Exists": has is not None,
        "DoesNotExist": has is None,
    }
    return operators.get(term["operator"], False)
