# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""kube-proxy's cluster CIDR where it runs as pods, as kubeadm deploys it: one ConfigMap for all nodes.

It reads its configuration when it starts, so that its DaemonSet is rolled after a change, as `kubectl rollout restart`
does it: by an annotation of the pods' template.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._cluster import _read, _trim
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._api import ApiMissing, ApiServer, ApiWriter
from ansible_collections.switchyard.cni.plugins.module_utils._node._kube_proxy import with_cidr
from ansible_collections.switchyard.cni.plugins.module_utils._node._kube_proxy_told import NAME

ANNOTATION = "switchyard.cni/cluster-cidr"
"""What a ConfigMap was written for, and a pods' template rolled for."""

_INTERVAL = 1.0
Object = Dict[str, Any]


@dataclass(frozen=True)
class Proxy:
    """A DaemonSet of kube-proxy and the ConfigMaps that its pods mount, each with its path."""

    path: str
    daemonset: Object
    configs: Mapping[str, Object] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """Objects that take the place of others, by path, in the order in which they are written."""

    objects: Tuple[Tuple[str, Object], ...] = ()
    daemonsets: Tuple[str, ...] = ()


def gather(api: ApiServer) -> Tuple[Proxy, ...]:
    """Every kube-proxy that runs as pods. Raises ApiError."""
    return tuple(_proxy(api, item) for item in _read.items(api, _read.DAEMONSETS) if _is_proxy(item))


def _is_proxy(item: Mapping[str, Any]) -> bool:
    told = _trim.agent(item)
    return told is not None and told["agent"] == NAME


def _proxy(api: ApiServer, item: Mapping[str, Any]) -> Proxy:
    about = item["metadata"]
    spec = item["spec"]["template"]["spec"]
    names = [one["configMap"]["name"] for one in spec.get("volumes") or [] if "configMap" in one]
    paths = ["/api/v1/namespaces/{0}/configmaps/{1}".format(about["namespace"], name) for name in names]
    path = "/apis/apps/v1/namespaces/{0}/daemonsets/{1}".format(about["namespace"], about["name"])
    whole = {"apiVersion": "apps/v1", "kind": "DaemonSet", **copy.deepcopy(dict(item))}
    return Proxy(path, whole, {one: found for one in paths for found in _found(api, one)})


def _found(api: ApiServer, path: str) -> Iterator[Object]:
    try:
        yield api.get(path)
    except ApiMissing:
        return


def plan(proxies: Sequence[Proxy], wanted: str, replaces: Sequence[str]) -> Change:
    """What gives every kube-proxy that cluster CIDR, where it has one of those that are replaced."""
    objects: List[Tuple[str, Object]] = []
    rolled: List[str] = []
    for proxy in proxies:
        configs = [(path, after) for path, item in proxy.configs.items() for after in _edited(item, wanted, replaces)]
        daemonset = _with_options(proxy.daemonset, wanted, replaces)
        if configs or daemonset["spec"] != proxy.daemonset["spec"] or _waits_for_its_roll(proxy, wanted):
            template = daemonset["spec"]["template"]
            template["metadata"] = _noted(template.get("metadata") or {}, wanted)
            objects += [*configs, (proxy.path, daemonset)]
            rolled.append(proxy.path)
    return Change(tuple(objects), tuple(rolled))


def _waits_for_its_roll(proxy: Proxy, wanted: str) -> bool:
    """Whether a run was killed when it had written a ConfigMap, and before the roll."""
    template = proxy.daemonset["spec"]["template"].get("metadata") or {}
    written = any(_note(item["metadata"]) == wanted for item in proxy.configs.values())
    return written and _note(template) != wanted


def _note(metadata: Mapping[str, Any]) -> Optional[str]:
    found: Optional[str] = (metadata.get("annotations") or {}).get(ANNOTATION)
    return found


def _noted(metadata: Mapping[str, Any], wanted: str) -> Object:
    return {**metadata, "annotations": {**(metadata.get("annotations") or {}), ANNOTATION: wanted}}


def _edited(config: Object, wanted: str, replaces: Sequence[str]) -> Iterator[Object]:
    before = config.get("data") or {}
    after = {key: _replaced(text, wanted, replaces) for key, text in before.items()}
    if after != before:
        yield {**config, "data": after, "metadata": _noted(config["metadata"], wanted)}


def _with_options(daemonset: Object, wanted: str, replaces: Sequence[str]) -> Object:
    """The DaemonSet with the option on its containers' command lines, where it stands there."""
    after = copy.deepcopy(daemonset)
    for container in after["spec"]["template"]["spec"].get("containers") or []:
        for key in ("command", "args"):
            if container.get(key):
                container[key] = [_replaced(str(word), wanted, replaces) for word in container[key]]
    return after


def _replaced(text: str, wanted: str, replaces: Sequence[str]) -> str:
    for before in replaces:
        text = with_cidr(text, before, wanted)
    return text


def apply(api: ApiWriter, change: Change) -> None:
    """Write the objects, ConfigMaps before the DaemonSets that read them. Raises ApiError."""
    for path, item in change.objects:
        api.replace(path, item)


def wait(
    api: ApiServer, paths: Sequence[str], timeout: float, clock: Callable[[], float], pause: Callable[[float], None]
) -> List[str]:
    """Wait until the DaemonSets have rolled; those that have not when the budget (seconds) is over. Raises ApiError."""
    end = clock() + timeout
    while True:
        left = [path for path in paths if not _rolled(api.get(path))]
        if not left or clock() >= end:
            return left
        pause(_INTERVAL)


def _rolled(item: Mapping[str, Any]) -> bool:
    status = item.get("status") or {}
    desired = status.get("desiredNumberScheduled", 0)
    seen = status.get("observedGeneration", 0) >= item["metadata"].get("generation", 0)
    return bool(seen and status.get("updatedNumberScheduled", 0) >= desired and status.get("numberReady", 0) >= desired)
