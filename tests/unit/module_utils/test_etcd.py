# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd's JSON gateway: what goes over the wire, and what a broken endpoint leads to."""

from __future__ import annotations

import base64
import json
from urllib.error import HTTPError, URLError

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._etcd import EtcdError, EtcdStore, apply_key, plan_key


def b64(text):
    return base64.b64encode(text.encode()).decode()


class Gateway:
    """A scripted gateway in the protocol's own words; remembers every request."""

    def __init__(self, keys=(), broken=()):
        self.keys, self.broken, self.asked = dict(keys), dict(broken), []

    def post(self, url, body):
        self.asked.append(url)
        for endpoint, error in self.broken.items():
            if url.startswith(endpoint):
                raise error
        data = json.loads(body)
        if url.endswith("/v3/kv/put"):
            self.keys[data["key"]] = data["value"]
            return b"{}"
        found = self.keys.get(data["key"])
        return json.dumps({"kvs": [{"value": found}], "count": "1"} if found is not None else {}).encode()


def test_a_key_that_is_not_there_is_written_once():
    gateway = Gateway()
    store = EtcdStore(["http://a:2379"], gateway.post)
    plan = plan_key(store, "/net/config", '{"Network": "172.50.0.0/16"}')
    assert plan.changed
    assert plan.before is None
    apply_key(store, plan)
    assert gateway.keys == {b64("/net/config"): b64('{"Network": "172.50.0.0/16"}')}
    assert not plan_key(store, "/net/config", '{"Network": "172.50.0.0/16"}').changed


def test_planning_writes_nothing():
    gateway = Gateway()
    plan_key(EtcdStore(["http://a:2379/"], gateway.post), "k", "v")
    assert gateway.asked == ["http://a:2379/v3/kv/range"]
    assert gateway.keys == {}


def test_the_diff_shows_both_values():
    gateway = Gateway({b64("k"): b64("old")})
    diff = plan_key(EtcdStore(["http://a"], gateway.post), "k", "new").diff()
    assert (diff["before"], diff["after"]) == ("old\n", "new\n")


def test_the_next_endpoint_is_asked_when_one_is_down():
    gateway = Gateway({b64("k"): b64("v")}, {"http://down": URLError("connection refused")})
    assert EtcdStore(["http://down:2379", "http://up:2379"], gateway.post).get("k") == "v"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (HTTPError("http://a", 401, "Unauthorized", {}, None), "HTTP 401"),
        (URLError("no route to host"), "no route to host"),
        (TimeoutError("timed out"), "timed out"),
    ],
)
def test_no_endpoint_answers_and_the_message_says_why(error, said):
    gateway = Gateway(broken={"http://a": error})
    with pytest.raises(EtcdError, match=said):
        EtcdStore(["http://a:2379"], gateway.post).get("k")


def test_an_answer_that_is_not_json_is_an_error_of_that_endpoint():
    with pytest.raises(EtcdError, match="http://a"):
        EtcdStore(["http://a"], lambda url, body: b"<html>").get("k")
