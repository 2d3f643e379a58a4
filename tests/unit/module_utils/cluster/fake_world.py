# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster in memory whose controllers make pods anew while time passes, within budgets."""

from __future__ import annotations

import copy
from itertools import count

from ansible_collections.switchyard.cni.plugins.module_utils._cluster import _renew_plan
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._api import ApiBusy, ApiConflict, ApiMissing

READY = [{"type": "Ready", "status": "True"}]
CONTROLLERS = {"replicasets": "ReplicaSet", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet"}


class World:
    """Pods, their controllers and budgets; it is a clock, too, since everything in it takes time."""

    def __init__(self, ends_after=2.0, ready_after=3.0):
        self.time = 0.0
        self.ends_after, self.ready_after = ends_after, ready_after
        self.pods, self.controllers, self.budgets = {}, {}, []
        self.events, self.asked = [], []
        self.numbers = count(1)
        self.broken = {}
        self.fewest = {}

    def workload(self, name, nodes, kind="ReplicaSet", namespace="default", labels=None, **pod):
        """A controller and its pods, one for each node named; gives back the pods as pods_renew takes them."""
        labels = labels or {"app": name}
        uid = f"{kind}-{namespace}-{name}"
        spec = {"replicas": len(nodes), "selector": {"matchLabels": labels}}
        status = {"desiredNumberScheduled": len(nodes)} if kind == "DaemonSet" else {}
        self.controllers[(kind, namespace, name)] = {"metadata": {"uid": uid}, "spec": spec, "status": status}
        self.fewest[uid] = len(nodes)
        reference = {"kind": kind, "name": name, "uid": uid, "controller": True}
        return [
            self.pod(f"{name}-{number}", namespace, node, labels, reference, **pod) for number, node in enumerate(nodes)
        ]

    def pod(self, name, namespace="default", node="node-1", labels=None, owner=None, ready=True, notes=None, **spec):
        uid = f"uid-{next(self.numbers)}"
        phase = spec.pop("phase", "Running")
        self.pods[(namespace, name)] = {
            "metadata": {
                "namespace": namespace,
                "name": name,
                "uid": uid,
                "labels": dict(labels or {}),
                "annotations": notes or {},
                "ownerReferences": [owner] if owner else [],
            },
            "spec": {"nodeName": node, **spec},
            "status": {"phase": phase, "conditions": READY if ready else []},
        }
        return {"namespace": namespace, "name": name, "uid": uid}

    def budget(self, name, labels, allowed, namespace="default"):
        """A PodDisruptionBudget; ``allowed`` says at a time how many pods may be away."""
        spec = {"selector": {"matchLabels": labels}}
        self.budgets.append({"metadata": {"namespace": namespace, "name": name}, "spec": spec, "allowed": allowed})

    def later(self, seconds, what):
        self.events.append((self.time + seconds, next(self.numbers), what))

    # The clock.

    def monotonic(self):
        return self.time

    def pause(self, seconds):
        until = self.time + seconds
        while self.events and min(self.events)[0] <= until:
            event = min(self.events)
            self.events.remove(event)
            self.time = event[0]
            event[2]()
        self.time = until

    # The API server.

    def get(self, path, **query):
        if self.time in self.broken:
            raise self.broken[self.time]
        words = path.split("/")
        if path.endswith("/pods"):
            selector = dict(term.split("=") for term in filter(None, query.get("labelSelector", "").split(",")))
            found = [pod for (namespace, dummy), pod in self.pods.items() if namespace == words[-2]]
            found = [pod for pod in found if selector.items() <= pod["metadata"]["labels"].items()]
            return {"items": copy.deepcopy(found)}
        if path.endswith("/poddisruptionbudgets"):
            return {"items": [one for one in self.budgets if one["metadata"]["namespace"] == words[-2]]}
        if words[-2] == "pods":
            return copy.deepcopy(self._pod(words[-3], words[-1]))
        key = (CONTROLLERS[words[-2]], words[-3], words[-1])
        if key not in self.controllers:
            raise ApiMissing(f"{path}: not found")
        return copy.deepcopy(self.controllers[key])

    def create(self, path, body):
        words = path.split("/")
        assert (body["apiVersion"], body["kind"], words[-1]) == ("policy/v1", "Eviction", "eviction")
        pod = self._pod(words[-4], words[-2])
        for budget in self.budgets:
            if _renew_plan.selects(budget["spec"]["selector"], pod["metadata"]["labels"]):
                self._spend(budget)
        self._end("evict", pod, body["deleteOptions"])
        return {"kind": "Status", "status": "Success"}

    def delete(self, path, body=None):
        words = path.split("/")
        self._end("delete", self._pod(words[-3], words[-1]), body)
        return {}

    def _pod(self, namespace, name):
        if (namespace, name) not in self.pods:
            raise ApiMissing(f"pods {name} not found")
        return self.pods[(namespace, name)]

    def _spend(self, budget):
        labels = budget["spec"]["selector"]["matchLabels"]
        own = [pod for pod in self.pods.values() if labels.items() <= pod["metadata"]["labels"].items()]
        wanted = sum(
            one["spec"]["replicas"]
            for one in self.controllers.values()
            if one["spec"]["selector"]["matchLabels"] == labels
        )
        away = wanted - sum(_renew_plan.ready(pod) for pod in own)
        if away >= budget["allowed"](self.time):
            raise ApiBusy("Cannot evict pod as it would violate the pod's disruption budget.")

    def _end(self, means, pod, options):
        about = pod["metadata"]
        if options["preconditions"]["uid"] != about["uid"]:
            raise ApiConflict("Precondition failed: UID in precondition")
        self.asked.append((self.time, means, about["name"], options.get("gracePeriodSeconds")))
        about["deletionTimestamp"] = "2026-11-26T18:00:00Z"
        self._count(about)
        self.later(self.ends_after, lambda: self._gone(pod))

    def _gone(self, pod):
        about = pod["metadata"]
        del self.pods[(about["namespace"], about["name"])]
        owner = (about["ownerReferences"] or [None])[0]
        if owner is None or (owner["kind"], about["namespace"], owner["name"]) not in self.controllers:
            return
        name = about["name"] if owner["kind"] == "StatefulSet" else f"{owner['name']}-new-{next(self.numbers)}"
        made = self.pod(name, about["namespace"], pod["spec"]["nodeName"], about["labels"], owner, ready=False)
        key = (about["namespace"], made["name"])
        self.later(self.ready_after, lambda: self.pods[key]["status"].update(conditions=READY))

    def _count(self, about):
        for one in about["ownerReferences"]:
            own = [pod for pod in self.pods.values() if one in pod["metadata"]["ownerReferences"]]
            up = sum(_renew_plan.ready(pod) for pod in own)
            self.fewest[one["uid"]] = min(self.fewest.get(one["uid"], up), up)
