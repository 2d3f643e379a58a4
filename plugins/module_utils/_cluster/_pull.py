# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pulling images on nodes before anything depends on them: by a pod that is never to start. Pure.

A pod with its node's network needs no pod network, and one that names its node needs no scheduler. Its program does not
exist in any image, so that nothing of an image runs; the kubelet tells which image it has pulled all the same.

Sources: Kubernetes API reference, Pod v1 (``status.containerStatuses[].imageID`` and ``state.waiting``); kubelet,
pkg/kubelet/images/types.go (ErrImagePull, ImagePullBackOff, ErrImageNeverPull, InvalidImageName).
"""

from __future__ import annotations

import hashlib
import math
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._registry import _explain

LABEL, VALUE = "app.kubernetes.io/name", "switchyard-pull"
_FAILED = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable")
_NOTHING = "/switchyard-pulls-and-never-starts"
# What may pass by itself, and within how many seconds: the kubelet tries again, after 10 s first and then 20. One that
# has not heard yet of a Secret that was just made, or changed, asks without it, or with the old one.
_PASSING = {"route": math.inf, "limit": math.inf, "unknown": math.inf, "credentials": 35.0}


class Asked(NamedTuple):
    """What to pull, where, and with which Secrets of the namespace."""

    nodes: Tuple[str, ...]
    images: Tuple[str, ...]
    namespace: str
    secrets: Tuple[str, ...] = ()


class Pull(NamedTuple):
    """How a pull on a node stands: pulled where there is a digest, failed where there are words of an error."""

    node: str
    image: str
    digest: str = ""
    said: str = ""
    waits: str = ""

    def final(self, waited: float) -> bool:
        """Whether waiting changes nothing any more, after so many seconds."""
        if not self.said:
            return bool(self.digest)
        return waited >= _PASSING.get(_explain.cause(self.said).name, 0.0)


def name_of(node: str) -> str:
    """The pod's name: a node's may be as long as a pod's."""
    return "{0}-{1}".format(VALUE, hashlib.sha256(node.encode("utf-8")).hexdigest()[:12])


def pod(asked: Asked, node: str) -> Dict[str, Any]:
    """The pod of a node."""
    containers = [
        {"name": "image-{0}".format(number), "image": image, "imagePullPolicy": "Always", "command": [_NOTHING]}
        for number, image in enumerate(asked.images)
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name_of(node),
            "namespace": asked.namespace,
            "labels": {LABEL: VALUE, "app.kubernetes.io/managed-by": "switchyard.cni"},
        },
        "spec": {
            "nodeName": node,
            "hostNetwork": True,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "tolerations": [{"operator": "Exists"}],
            "imagePullSecrets": [{"name": name} for name in asked.secrets],
            "containers": containers,
        },
    }


def pulls(asked: Asked, pods: Sequence[Mapping[str, Any]]) -> List[Pull]:
    """How all pulls stand, by node and image."""
    found = {item["metadata"]["name"]: item for item in pods}
    return [
        _pull(node, image, number, found.get(name_of(node))) for node in asked.nodes for number, image in _each(asked)
    ]


def _each(asked: Asked) -> List[Tuple[int, str]]:
    return list(enumerate(asked.images))


def _pull(node: str, image: str, number: int, item: Optional[Mapping[str, Any]]) -> Pull:
    if item is None:
        return Pull(node, image, waits="its pod is not there")
    status = item.get("status") or {}
    told = {one["name"]: one for one in status.get("containerStatuses") or []}
    one = told.get("image-{0}".format(number))
    if one is None:
        return Pull(node, image, waits=status.get("message") or "the kubelet has not begun")
    # Without a repository it is the image's own id, of one that was never pulled.
    digest = str(one.get("imageID") or "").rpartition("@")[2]
    if digest.startswith("sha256:"):
        return Pull(node, image, digest=digest)
    waiting = (one.get("state") or {}).get("waiting") or {}
    if waiting.get("reason") in _FAILED:
        return Pull(node, image, said=waiting.get("message") or waiting["reason"])
    return Pull(node, image, waits=waiting.get("reason") or "nothing is told")


def differences(found: Sequence[Pull], expected: Mapping[str, str]) -> List[str]:
    """Which nodes have pulled another image than was expected."""
    told = "{0}: {1} is {2} there, and {3} was mirrored. The tag has been moved since; run registry.yml again"
    return [
        told.format(one.node, one.image, one.digest, expected[one.image])
        for one in found
        if one.digest and expected.get(one.image, one.digest) != one.digest
    ]


def failures(found: Sequence[Pull]) -> List[str]:
    """What is not pulled: the same trouble of several nodes in one line."""
    together: Dict[Tuple[str, str], List[str]] = {}
    words: Dict[Tuple[str, str], str] = {}
    for one in found:
        if not one.digest:
            told = _explain.explained(one.said) if one.said else "it is not pulled yet: {0}".format(one.waits)
            key = (one.image, _explain.cause(one.said).name if one.said else one.waits)
            together.setdefault(key, []).append(one.node)
            words.setdefault(key, told)
    return ["{0} on {1}: {2}".format(key[0], ", ".join(nodes), words[key]) for key, nodes in together.items()]
