# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server in memory that holds objects as the real one does: versions, conflicts, and no half writes."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta

from ansible_collections.switchyard.cni.plugins.module_utils._cluster._api import ApiConflict, ApiMissing

START = datetime(2026, 11, 26, 18, 0, 0, tzinfo=UTC)


class FakeCluster:
    """Objects by path. ``before`` holds functions by the number of the request they run before."""

    def __init__(self, objects=None):
        self.objects = {}
        self.documents = {}
        self.clock = START
        self.version = 0
        self.requests = []
        self.writes = []
        self.before = {}
        for path, thing in (objects or {}).items():
            self._put(path, thing)

    def pass_time(self, seconds):
        self.clock += timedelta(seconds=seconds)

    def now(self):
        return self.clock

    def get(self, path, **query):
        self._request("get", path)
        if path in self.documents:
            return copy.deepcopy(self.documents[path])
        if path not in self.objects:
            raise ApiMissing(f"{path}: not found")
        return copy.deepcopy(self.objects[path])

    def create(self, path, body):
        self._request("create", path)
        whole = f"{path}/{body['metadata']['name']}"
        if whole in self.objects:
            raise ApiConflict(f"{whole}: already exists")
        return self._write("create", whole, body)

    def replace(self, path, body):
        self._request("replace", path)
        if path not in self.objects:
            raise ApiMissing(f"{path}: not found")
        given = body["metadata"].get("resourceVersion")
        if given is not None and given != self.objects[path]["metadata"]["resourceVersion"]:
            raise ApiConflict(f"{path}: the object has been modified")
        return self._write("replace", path, body)

    def delete(self, path, body=None):
        self._request("delete", path)
        if path not in self.objects:
            raise ApiMissing(f"{path}: not found")
        self.writes.append(("delete", path))
        return self.objects.pop(path)

    def _request(self, verb, path):
        self.requests.append((verb, path))
        # Popped first: what it runs may ask this server itself.
        self.before.pop(len(self.requests), lambda: None)()

    def _write(self, verb, path, body):
        self.writes.append((verb, path))
        if self._same(path, body):
            return copy.deepcopy(self.objects[path])
        return copy.deepcopy(self._put(path, body))

    def _same(self, path, body):
        # The real one makes no new version of an object that is written as it is.
        return self.objects.get(path) == body

    def _put(self, path, body):
        self.version += 1
        kept = copy.deepcopy(dict(body))
        kept["metadata"] = dict(kept.get("metadata") or {}, resourceVersion=str(self.version))
        self.objects[path] = kept
        return kept
