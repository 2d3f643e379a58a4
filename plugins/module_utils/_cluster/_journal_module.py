# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of network_journal, and its way from parameters to a result: read, decide, write."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._cluster import _api, _journal, _module

CONFIGMAPS = "/api/v1/namespaces/{0}/configmaps".format(_journal.NAMESPACE)
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{0}/leases".format(_journal.NAMESPACE)
Result = Dict[str, Any]


def journal_argument_spec() -> Dict[str, Any]:
    """The options of network_journal."""
    return {
        "step": {"type": "str", "choices": ["read", "open", "advance", "close"], "required": True},
        **_module.connection_argument_spec(),
        "holder": {"type": "str"},
        "dead": {"type": "str"},
        "lease_seconds": {"type": "int", "default": 900},
        "run": {"type": "dict"},
        "at": {"type": "str"},
        "note": {"type": "str", "default": ""},
        "outcome": {"type": "str", "choices": ["verified", "rolled_back", "stopped", "failed"]},
        "state": {"type": "dict"},
        "left": {"type": "list", "elements": "str", "default": []},
    }


def required() -> List[Any]:
    """Which options a step needs."""
    return [
        ("step", "open", ["holder", "run"]),
        ("step", "advance", ["holder", "at"]),
        ("step", "close", ["holder", "outcome", "state"]),
    ]


def run_journal(module: AnsibleModule, api: Optional[_api.ApiWriter] = None) -> None:
    """Do the step and leave with the journal, or with the reason why not."""
    try:
        server = api or _module.server(module)
        result = Steps(server, module.params, module.check_mode).do()
    except (_journal.Held, _journal.Lost, _journal.TooLarge, _api.ApiError, ValueError) as error:
        module.fail_json(msg="The journal {0}/{1}: {2}".format(_journal.NAMESPACE, _journal.NAME, error))
        raise
    module.exit_json(**result)


class Steps:
    """One step against one API server."""

    def __init__(self, api: _api.ApiWriter, params: Mapping[str, Any], dry: bool) -> None:
        self._api, self._params, self._dry = api, params, dry
        # Everybody goes by the same clock: with their own, two runs could both take the lease.
        self._now = api.now()

    def do(self) -> Result:
        """The step that was asked for. Raises Held, Lost, TooLarge, ApiError or ValueError."""
        return {"read": self._read, "open": self._open, "advance": self._advance, "close": self._close}[
            self._params["step"]
        ]()

    def _read(self) -> Result:
        return {"changed": False, **look(self._api, self._now)}

    def _open(self) -> Result:
        params = self._params
        held = find(self._api, LEASES)
        self._write(
            LEASES, held, _journal.taken(held, params["holder"], params["lease_seconds"], params["dead"], self._now)
        )
        before = find(self._api, CONFIGMAPS)
        snapshot = [_journal.kept(item) for item in map(self._object, params["run"].get("snapshot") or ()) if item]
        journal, resumed = _journal.opened(
            _journal.read_journal(before), params["run"], snapshot, params["holder"], self._now
        )
        self._write(CONFIGMAPS, before, _journal.configmap(journal, before))
        return {"changed": True, "resumed": resumed, "journal": journal}

    def _advance(self) -> Result:
        self._renew()
        before = find(self._api, CONFIGMAPS)
        journal = _journal.advanced(_journal.read_journal(before), self._params["at"], self._params["note"], self._now)
        self._write(CONFIGMAPS, before, _journal.configmap(journal, before))
        return {"changed": True, "journal": journal}

    def _close(self) -> Result:
        params = self._params
        before = find(self._api, CONFIGMAPS)
        earlier = _journal.read_journal(before)
        journal = _journal.closed(earlier, params["outcome"], params["state"], params["left"], self._now)
        if journal != earlier:
            self._renew()
            self._write(CONFIGMAPS, before, _journal.configmap(journal, before))
        lease = find(self._api, LEASES)
        mine = lease is not None and lease["spec"].get("holderIdentity") == params["holder"]
        if mine and lease is not None:
            self._write(LEASES, lease, _journal.released(lease))
        return {"changed": journal != earlier or mine, "journal": journal}

    def _renew(self) -> None:
        lease = find(self._api, LEASES)
        params = self._params
        self._write(LEASES, lease, _journal.renewed(lease, params["holder"], params["lease_seconds"], self._now))

    def _object(self, reference: Mapping[str, str]) -> Optional[Result]:
        try:
            return self._api.get(path_of(reference))
        except _api.ApiMissing:
            return None

    def _write(self, collection: str, before: Optional[Mapping[str, Any]], after: Mapping[str, Any]) -> None:
        """Only what was read is replaced: a conflict means that somebody else was faster, and ends the step."""
        if self._dry:
            return
        if before is None:
            self._api.create(collection, after)
        else:
            self._api.replace("{0}/{1}".format(collection, _journal.NAME), after)


def look(api: _api.ApiServer, at: datetime) -> Result:
    """The journal and the lease as they are. Raises ApiError or ValueError."""
    lease = find(api, LEASES)
    return {
        "journal": _journal.read_journal(find(api, CONFIGMAPS)),
        "lease": _journal.alive(lease, at),
    }


def find(api: _api.ApiServer, collection: str) -> Optional[Result]:
    """Our object of a collection, None where there is none yet. Raises ApiError."""
    try:
        return api.get("{0}/{1}".format(collection, _journal.NAME))
    except _api.ApiMissing:
        return None


def path_of(reference: Mapping[str, str]) -> str:
    """Where the API server has an object of a namespace."""
    version = reference["apiVersion"]
    root = "/api/" if "/" not in version else "/apis/"
    plural = reference["kind"].lower() + "s"
    return "{0}{1}/namespaces/{2}/{3}/{4}".format(root, version, reference["namespace"], plural, reference["name"])
