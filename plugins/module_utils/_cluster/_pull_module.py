# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of image_pull, and its way from parameters to a result: only here are pods made, and removed."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._cluster import _api, _module, _pull, _read
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._renew import Clock

INTERVAL = 1.0
"""Seconds between two looks."""


def pull_argument_spec() -> Dict[str, Any]:
    """The options of image_pull."""
    return dict(
        _module.connection_argument_spec(),
        images={"type": "list", "elements": "str", "required": True},
        nodes={"type": "list", "elements": "str", "required": True},
        digests={"type": "dict", "default": {}},
        namespace={"type": "str", "default": "kube-system"},
        pull_secrets={"type": "list", "elements": "str", "default": [], "no_log": False},
        timeout={"type": "float", "default": 300.0},
    )


def run_pull(module: AnsibleModule, api: Optional[_api.ApiWriter] = None, clock: Optional[Clock] = None) -> None:
    """Pull the images on the nodes, and leave with their digests or with what hinders it."""
    params = module.params
    asked = _pull.Asked(
        tuple(params["nodes"]), tuple(params["images"]), params["namespace"], tuple(params["pull_secrets"])
    )
    if not asked.nodes or not asked.images or module.check_mode:
        module.exit_json(changed=False, digests={}, waited=0.0)
    try:
        work = _Work(api or _module.server(module), asked, clock or Clock())
        try:
            found = work.pull(params["timeout"])
        finally:
            work.remove()
    except _api.ApiError as error:
        module.fail_json(msg=str(error))
        raise
    wrong = _pull.failures(found) + _pull.differences(found, params["digests"])
    result: Dict[str, Any] = {"changed": False, "digests": _by_image(found), "waited": round(work.waited, 3)}
    if wrong:
        head = "Nodes cannot pull what the pod network needs, and it has not been touched:"
        module.fail_json(msg="\n".join([head] + ["- " + line for line in wrong]), problems=wrong, **result)
    module.exit_json(**result)


def _by_image(found: List[_pull.Pull]) -> Dict[str, Dict[str, str]]:
    digests: Dict[str, Dict[str, str]] = {}
    for one in found:
        if one.digest:
            digests.setdefault(one.image, {})[one.node] = one.digest
    return digests


class _Work:
    def __init__(self, api: _api.ApiWriter, asked: _pull.Asked, clock: Clock) -> None:
        self._api, self._asked, self._clock = api, asked, clock
        self._pods = "/api/v1/namespaces/{0}/pods".format(asked.namespace)
        self.waited = 0.0

    def pull(self, timeout: float) -> List[_pull.Pull]:
        """Have the pods made, and wait until each pull has ended one way or the other."""
        start = self._clock.monotonic()
        missing = list(self._asked.nodes)
        while True:
            missing = [node for node in missing if not self._made(node)]
            found = _pull.pulls(self._asked, self._read())
            self.waited = self._clock.monotonic() - start
            if all(one.final(self.waited) for one in found) or self.waited >= timeout:
                return found
            self._clock.pause(min(INTERVAL, timeout - self.waited))

    def _made(self, node: str) -> bool:
        """Whether the pod is this run's; one that a killed run has left is removed, and waited for."""
        try:
            self._api.create(self._pods, _pull.pod(self._asked, node))
            return True
        except _api.ApiConflict:
            self._drop(node)
            return False

    def _read(self) -> List[Dict[str, Any]]:
        query = "{0}={1}".format(_pull.LABEL, _pull.VALUE)
        return [dict(item) for item in _read.items(self._api, self._pods, labelSelector=query)]

    def _drop(self, node: str) -> None:
        try:
            self._api.delete("{0}/{1}".format(self._pods, _pull.name_of(node)), {"gracePeriodSeconds": 0})
        except _api.ApiMissing:
            return

    def remove(self) -> None:
        """Leave nothing behind."""
        for node in self._asked.nodes:
            self._drop(node)
