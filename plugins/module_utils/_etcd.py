# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One key of an etcd v3 store, through etcd's JSON gateway (etcd 3.4 and later: ``/v3/kv/...``).

Source: https://etcd.io/docs/v3.5/dev-guide/api_grpc_gateway/ (keys and values are base64).
"""

from __future__ import annotations

import base64
import json
import typing as t
from dataclasses import dataclass
from urllib.error import HTTPError, URLError

Post = t.Callable[[str, bytes], bytes]


class EtcdError(Exception):
    """No endpoint gave a usable answer; the message says what each one said."""


@dataclass(frozen=True)
class KeyPlan:
    """What the store holds and what it shall hold; ``before`` is None for a key that is not there."""

    key: str
    before: str | None
    after: str

    @property
    def changed(self) -> bool:
        return self.before != self.after

    def diff(self) -> dict[str, str]:
        return {
            "before_header": self.key,
            "after_header": self.key,
            "before": "" if self.before is None else self.before + "\n",
            "after": self.after + "\n",
        }


class EtcdStore:
    """The store behind the first endpoint that answers."""

    def __init__(self, endpoints: t.Sequence[str], post: Post) -> None:
        self._endpoints = list(endpoints)
        self._post = post

    def get(self, key: str) -> str | None:
        """The key's value, or None where it is not there. Raises EtcdError."""
        found = self._call("/v3/kv/range", {"key": _encode(key)}).get("kvs", [])
        return _decode(found[0].get("value", "")) if found else None

    def put(self, key: str, value: str) -> None:
        """Write the key. Raises EtcdError."""
        self._call("/v3/kv/put", {"key": _encode(key), "value": _encode(value)})

    def _call(self, path: str, body: dict[str, str]) -> dict[str, t.Any]:
        data = json.dumps(body).encode()
        said = []
        for endpoint in self._endpoints:
            try:
                return json.loads(self._post(endpoint.rstrip("/") + path, data))
            except HTTPError as error:
                said.append("{0}: HTTP {1}".format(endpoint, error.code))
            except URLError as error:
                said.append("{0}: {1}".format(endpoint, error.reason))
            except (OSError, ValueError) as error:
                said.append("{0}: {1}".format(endpoint, error))
        raise EtcdError("no etcd endpoint answered: " + "; ".join(said))


def plan_key(store: EtcdStore, key: str, value: str) -> KeyPlan:
    """Read the key and say what has to change. Raises EtcdError."""
    return KeyPlan(key=key, before=store.get(key), after=value)


def apply_key(store: EtcdStore, plan: KeyPlan) -> None:
    """Write what the plan says. Raises EtcdError."""
    store.put(plan.key, plan.after)


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _decode(text: str) -> str:
    return base64.b64decode(text).decode()
