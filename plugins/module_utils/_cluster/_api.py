# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only door to the API server: requests for plain JSON.

Readers take an ApiServer, writers an ApiWriter; tests hand in their own. The client is that of kubernetes.core, so that
a kubeconfig, a context and the K8S_AUTH_* variables mean here what they mean to its modules.
This package is private to the collection.
"""

from __future__ import annotations

import json
import traceback
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Dict, Mapping, Optional

try:
    from typing import Protocol
except ImportError:  # pragma: no cover - Python 3.7 and older only compile this file
    Protocol = object  # type: ignore[assignment]

CLIENT_ERROR: Optional[str] = None
"""Why there is no client on this host, None where there is one."""

try:
    from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import get_api_client
    from ansible_collections.kubernetes.core.plugins.module_utils.k8s.exceptions import CoreException
    from kubernetes.client.exceptions import ApiException
    from kubernetes.config.config_exception import ConfigException
    from urllib3.exceptions import HTTPError
except ImportError:
    CLIENT_ERROR = traceback.format_exc()

TIMEOUT = 30.0
"""Seconds for one request: a page of 500 objects of a busy API server."""


class ApiError(Exception):
    """The API server cannot be asked; the text says why."""


class ApiMissing(ApiError):
    """The API server has no such resource."""


class ApiRefused(ApiError):
    """The API server does not show this to this user."""


class ApiConflict(ApiError):
    """Somebody else was faster: the object exists already, or is another one than was read."""


class ApiBusy(ApiError):
    """Not now: a PodDisruptionBudget forbids an eviction, or the API server has too much to do."""


class ApiServer(Protocol):
    """Reading an API server."""

    def get(self, path: str, **query: Any) -> Dict[str, Any]:
        """The JSON object at a path. Raises ApiMissing, ApiRefused or another ApiError."""

    def now(self) -> datetime:
        """The time in UTC by the API server's clock, which is the same for everybody who asks it."""


class ApiWriter(ApiServer, Protocol):
    """Reading and changing an API server."""

    def create(self, path: str, item: Mapping[str, Any]) -> Dict[str, Any]:
        """Add an object to a collection, or to a subresource of an object. Raises ApiConflict or another ApiError."""

    def replace(self, path: str, item: Mapping[str, Any]) -> Dict[str, Any]:
        """Put an object in the place of the one at a path, if that still has its resourceVersion. Raises ApiError."""

    def delete(self, path: str, options: Optional[Mapping[str, Any]] = None) -> Dict[str, Any]:
        """Delete an object, with DeleteOptions. Raises ApiError."""


class RealApiServer:
    """The API server of a kubeconfig. Raises ApiError when there is no usable one."""

    def __init__(self, kubeconfig: Optional[str] = None, context: Optional[str] = None) -> None:
        given = {key: value for key, value in (("kubeconfig", kubeconfig), ("context", context)) if value}
        try:
            self._client = get_api_client(**given).client
        except (CoreException, ConfigException, ApiException, HTTPError, OSError, ValueError) as error:
            raise ApiError(_reason(error)) from error

    def get(self, path: str, **query: Any) -> Dict[str, Any]:
        return self._ask("GET", path, query_params=[(name, value) for name, value in query.items() if value])

    def now(self) -> datetime:
        told = self._answer("GET", "/version").headers.get("Date")
        # A proxy may leave the header out; then the clock of this host is the best there is.
        at = parsedate_to_datetime(told) if told else datetime.now(timezone.utc)
        return at.astimezone(timezone.utc).replace(tzinfo=None)

    def create(self, path: str, item: Mapping[str, Any]) -> Dict[str, Any]:
        return self._ask("POST", path, body=item)

    def replace(self, path: str, item: Mapping[str, Any]) -> Dict[str, Any]:
        return self._ask("PUT", path, body=item)

    def delete(self, path: str, options: Optional[Mapping[str, Any]] = None) -> Dict[str, Any]:
        return self._ask("DELETE", path, body=options or {})

    def _ask(self, method: str, path: str, **options: Any) -> Dict[str, Any]:
        answer = self._answer(method, path, **options)
        try:
            found = json.loads(answer.data.decode("utf-8"))
        except ValueError as error:
            raise _typed(error, path) from error
        if not isinstance(found, dict):
            raise ApiError("{0}: not a JSON object".format(path))
        return found

    def _answer(self, method: str, path: str, **options: Any) -> Any:
        try:
            return self._client.request(method, path, serialize=False, _request_timeout=TIMEOUT, **options)
        except (ApiException, HTTPError, OSError, ValueError) as error:
            raise _typed(error, path) from error


def _typed(error: Exception, path: str) -> ApiError:
    # kubernetes.dynamic wraps ApiException into errors of its own, which keep `status`.
    status = getattr(error, "status", None)
    kinds: Mapping[Any, Any] = {404: ApiMissing, 401: ApiRefused, 403: ApiRefused, 409: ApiConflict, 429: ApiBusy}
    return kinds.get(status, ApiError)("{0}: {1}".format(path, _reason(error)))


def _reason(error: Exception) -> str:
    """The server's own message where it sent one, else the last line of the error."""
    try:
        status = json.loads(getattr(error, "body", None) or "{}")
        # Why an eviction has to wait is among the causes; of other errors the message has them already.
        causes = (status.get("details") or {}).get("causes") or [] if status.get("code") == 429 else []
        said = " ".join(str(one["message"]) for one in causes if one.get("message")) or status.get("message")
    except (ValueError, AttributeError, TypeError):
        said = None
    lines = [line for line in str(said or error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__
