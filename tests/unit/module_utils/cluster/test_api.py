# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The door to the API server: what goes over the wire, and which error an answer is."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._cluster import _api

THING = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
# What the client asks for before anything else.
DISCOVERY = {"kind": "APIVersions", "versions": ["v1"], "groups": [], "resources": []}
DATE = "Thu, 26 Nov 2026 18:00:00 GMT"
CONFIG = """
apiVersion: v1
kind: Config
current-context: here
clusters: [{{name: here, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
contexts: [{{name: here, context: {{cluster: here, user: ann}}}}]
users: [{{name: ann, user: {{token: hush}}}}]
"""


@pytest.fixture
def server():
    """A server that answers everything as it is told to, and remembers what it was asked."""
    asked, answer = [], {"status": 200, "body": DISCOVERY}

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append((self.command, self.path, json.loads(body) if body else None))
            told = answer["body"]
            self.send_response_only(answer["status"])
            self.send_header("Date", DATE)
            self.end_headers()
            self.wfile.write(told if isinstance(told, bytes) else json.dumps(told).encode())

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the names http.server calls

        def log_message(self, *dummy):
            pass

    http = HTTPServer(("127.0.0.1", 0), Handler)
    http.asked, http.answer = asked, answer
    threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
    yield http
    http.shutdown()
    http.server_close()


@pytest.fixture
def api(server, tmp_path):
    if _api.CLIENT_ERROR is not None:
        pytest.skip("the collection kubernetes.core or the Python package kubernetes is not here")
    config = tmp_path / "kubeconfig"
    config.write_text(CONFIG.format(port=server.server_address[1]), encoding="utf-8")
    door = _api.RealApiServer(str(config), "here")
    server.asked.clear()
    return door


def test_each_verb_as_the_api_server_wants_it(api, server):
    api.get("/api/v1/pods", limit=500, **{"continue": ""})
    api.create("/api/v1/namespaces/x/configmaps", THING)
    api.replace("/api/v1/namespaces/x/configmaps/a", THING)
    api.delete("/api/v1/namespaces/x/configmaps/a")
    api.delete("/api/v1/namespaces/x/pods/a", {"kind": "DeleteOptions", "gracePeriodSeconds": 1})

    assert server.asked == [
        ("GET", "/api/v1/pods?limit=500", None),
        ("POST", "/api/v1/namespaces/x/configmaps", THING),
        ("PUT", "/api/v1/namespaces/x/configmaps/a", THING),
        ("DELETE", "/api/v1/namespaces/x/configmaps/a", {}),
        ("DELETE", "/api/v1/namespaces/x/pods/a", {"kind": "DeleteOptions", "gracePeriodSeconds": 1}),
    ]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, _api.ApiRefused),
        (403, _api.ApiRefused),
        (404, _api.ApiMissing),
        (409, _api.ApiConflict),
        (429, _api.ApiBusy),
        (500, _api.ApiError),
    ],
)
@pytest.mark.parametrize("verb", ["create", "replace", "delete"])
def test_answers_that_are_errors(api, server, verb, status, kind):
    server.answer.update(status=status, body={"kind": "Status", "code": status, "message": "not so"})

    with pytest.raises(_api.ApiError) as raised:
        getattr(api, verb)("/api/v1/x", THING)
    assert (type(raised.value), str(raised.value)) == (kind, "/api/v1/x: not so")


def test_an_eviction_that_has_to_wait_says_why(api, server):
    why = "The disruption budget web needs 2 healthy pods and has 2 currently"
    causes = [{"reason": "DisruptionBudget", "message": why}]
    told = {"kind": "Status", "code": 429, "message": "Cannot evict pod", "details": {"causes": causes}}
    server.answer.update(status=429, body=told)

    with pytest.raises(_api.ApiBusy, match=why):
        api.create("/api/v1/namespaces/x/pods/a/eviction", {})


@pytest.mark.parametrize("body", [b"<html>", b"[]"], ids=["html", "list"])
def test_an_answer_that_is_no_object(api, server, body):
    server.answer["body"] = body

    with pytest.raises(_api.ApiError, match="/version: "):
        api.get("/version")


def test_the_time_is_that_of_the_api_server(api):
    assert api.now() == datetime(2026, 11, 26, 18, 0, 0)


def test_a_proxy_that_keeps_the_time_to_itself_leaves_this_hosts(api, monkeypatch):
    class Silent:
        headers = {}

    monkeypatch.setattr(api, "_answer", lambda *dummy: Silent)

    assert abs((api.now() - datetime.now(UTC).replace(tzinfo=None)).total_seconds()) < 5


def test_nobody_at_that_address(api, server):
    server.shutdown()
    server.server_close()

    with pytest.raises(_api.ApiError, match=r"/version: .*refused"):
        api.get("/version")
