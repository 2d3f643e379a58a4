# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API server says about a DaemonSet's rollout, put into words.

Sources: Kubernetes API reference, Pod v1 ``status.containerStatuses[].state`` and Event v1.
"""

from __future__ import annotations

import difflib
import typing as t
from dataclasses import dataclass

import yaml

Resource = t.Mapping[str, t.Any]
_LOG_LIMIT = 3
_EVENT_LIMIT = 6
_OF_THE_SERVER = ("deprecated.daemonset.template.generation",)
_QUIET = ("ContainerCreating", "PodInitializing")


@dataclass(frozen=True)
class ContainerTrouble:
    """One container that does not run: where, in which state, and what the API server says of it."""

    pod: str
    node: str
    container: str
    reason: str
    message: str
    ended: bool
    previous: bool

    def __str__(self) -> str:
        said = f": {self.message}" if self.message else ""
        return f"{self.node}: container {self.container} of pod {self.pod}: {self.reason}{said}"


def container_troubles(pods: t.Iterable[Resource]) -> list[ContainerTrouble]:
    """Containers that wait for a reason of their own or have ended badly, in the order of the pods."""
    return [trouble for pod in pods for trouble in _pod_troubles(pod)]


def ended_containers(pods: t.Iterable[Resource]) -> list[dict[str, t.Any]]:
    """The first few containers whose last lines explain the failure: pod, container, and which run to read."""
    ended = [trouble for trouble in container_troubles(pods) if trouble.ended]
    return [{"pod": x.pod, "container": x.container, "previous": x.previous} for x in ended[:_LOG_LIMIT]]


def rollout_reasons(
    failure: Resource, name: str, pods: t.Sequence[Resource], events: t.Sequence[Resource], logs: t.Sequence[Resource]
) -> str:
    """One message: what was waited for, then what pods, scheduler and containers say about it."""
    lines = [str(trouble) for trouble in container_troubles(pods)]
    lines += _still_starting(pods)
    lines += _unscheduled(pods)
    lines += _warnings({name, *(pod["metadata"]["name"] for pod in pods)}, events)
    lines += _last_lines(logs)
    head = f"DaemonSet {name} is not ready: {failure.get('msg', 'no reason given')}"
    return "\n  ".join([head, *lines]) if lines else head


def object_changes(applied: Resource) -> list[str]:
    """What a (dry) run of several objects changed, as the lines of unified diffs; noise of the server left out."""
    results = applied.get("result", {}).get("results", [applied])
    return [line for item in results if item.get("changed") for line in _object_diff(item)]


def _object_diff(item: Resource) -> t.Iterator[str]:
    found = item["result"]
    metadata = found["metadata"]
    name = "/".join(part for part in (metadata.get("namespace"), metadata["name"]) if part)
    diff = item.get("diff") or {}
    yield f"{found['kind']} {name}: {'changed' if diff else 'new'}"
    before, after = (_yaml_lines(diff.get(side) or {}) for side in ("before", "after"))
    for line in difflib.unified_diff(before, after, n=2, lineterm=""):
        if not line.startswith(("---", "+++", "@@")):
            yield f"  {line}"


def _yaml_lines(value: Resource) -> list[str]:
    kept = {key: part for key, part in value.items() if key not in ("metadata", "status")}
    for name in ("labels", "annotations"):
        ours = {key: part for key, part in value.get("metadata", {}).get(name, {}).items() if key not in _OF_THE_SERVER}
        if ours:
            kept[name] = ours
    return yaml.safe_dump(_plain(kept), sort_keys=True, width=200).splitlines() if kept else []


def _plain(value: t.Any) -> t.Any:
    """Text of several lines becomes a list of them, so that a diff shows the line that differs."""
    if isinstance(value, t.Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, str):
        return value.splitlines() if "\n" in value else str(value)
    return value


def _pod_troubles(pod: Resource) -> t.Iterator[ContainerTrouble]:
    for container in _containers(pod):
        state = container.get("state", {})
        waiting, ended = state.get("waiting", {}), state.get("terminated", {})
        last = container.get("lastState", {}).get("terminated", {})
        if ended and ended.get("exitCode") == 0 and ended.get("reason") == "Completed":
            continue
        told = waiting if waiting.get("reason") not in (None, *_QUIET) else ended
        if told:
            yield ContainerTrouble(
                pod=pod["metadata"]["name"],
                node=pod.get("spec", {}).get("nodeName", "no node"),
                container=container["name"],
                reason=told.get("reason", "Error"),
                message=told.get("message", "").strip(),
                ended=bool(ended or last),
                previous=bool(last and not ended),
            )


def _unscheduled(pods: t.Iterable[Resource]) -> t.Iterator[str]:
    for pod in pods:
        for condition in pod.get("status", {}).get("conditions", []):
            if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
                yield f"pod {pod['metadata']['name']} is not scheduled: {condition.get('message', '')}"


def _still_starting(pods: t.Iterable[Resource]) -> t.Iterator[str]:
    """What a pod without any trouble was at when the budget ran out, such as a pull that takes long."""
    for pod in pods:
        if any(_pod_troubles(pod)):
            continue
        for container in _containers(pod):
            waiting = container.get("state", {}).get("waiting")
            if waiting:
                where = f"{pod.get('spec', {}).get('nodeName', 'no node')}: container {container['name']}"
                what = f"still {waiting.get('reason', 'waiting')}, image {container.get('image', 'unknown')}"
                yield f"{where} of pod {pod['metadata']['name']}: {what}"
                break


def _warnings(names: t.Collection[str], events: t.Iterable[Resource]) -> t.Iterator[str]:
    """Warnings about the DaemonSet and its pods, each once: a pod that is not admitted, an image that is not found."""
    told = [event.get("message", "") for event in events if event.get("involvedObject", {}).get("name") in names]
    return (f"event: {message}" for message in list(dict.fromkeys(told))[:_EVENT_LIMIT])


def _containers(pod: Resource) -> list[Resource]:
    status = pod.get("status", {})
    return [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]


def _last_lines(logs: t.Iterable[Resource]) -> t.Iterator[str]:
    for log in logs:
        for line in log.get("log_lines", []):
            if line.strip():
                yield f"log of {log.get('item', {}).get('pod', '?')}: {line.strip()}"
