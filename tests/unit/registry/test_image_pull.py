# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""image_pull as Ansible runs it, against kubelets in memory that pull, or say in Go's words why they cannot."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.switchyard.cni.plugins.module_utils._cluster import _pull, _pull_module
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._api import ApiConflict, ApiError, ApiMissing
from ansible_collections.switchyard.cni.plugins.module_utils._registry import _explain
from ansible_collections.switchyard.cni.plugins.modules import image_pull

IMAGES = ["reg:5000/base/flannel:v1", "reg:5000/base/plugin:v2"]
NODES = ["node-1", "node-2"]
# What containerd 1.6, Docker and skopeo have really said, shortened only at the ends.
SAID = {
    "authority": 'failed to do request: Head "https://reg:5000/v2/x": x509: certificate signed by unknown authority',
    "expired": "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time",
    "name": "x509: certificate is valid for harbor.example, not registry.example",
    "credentials": "failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized",
    "missing": 'failed to resolve reference "reg:5000/base/flannel:v1": reg:5000/base/flannel:v1: not found',
    "dns": "dial tcp: lookup registry.example on 127.0.0.11:53: no such host",
    "refused": "dial tcp 192.168.7.103:5000: connect: connection refused",
    "route": "dial tcp 192.168.7.103:5000: connect: no route to host",
    "plain": "http: server gave HTTP response to HTTPS client",
    "forbidden": "pull access denied, repository does not exist or may require authorization: 403 Forbidden",
}


class Kubelets:
    """Pods by name; each pulls what it is asked for after a second, unless it has words for it."""

    def __init__(self, says=None):
        self.time, self.pods, self.made = 0.0, {}, []
        self.says = dict(says or {})
        self.digests = {image: f"sha256:{number}" for number, image in enumerate(IMAGES)}
        self.unready = set()

    def monotonic(self):
        return self.time

    def pause(self, seconds):
        self.time += seconds

    def create(self, path, body):
        name = body["metadata"]["name"]
        if name in self.pods:
            raise ApiConflict("it exists")
        self.pods[name] = (self.time, body)
        self.made.append(body)
        return body

    def delete(self, path, options=None):
        if self.pods.pop(path.rsplit("/", 1)[-1], None) is None:
            raise ApiMissing("not found")
        return {}

    def get(self, path, **query):
        assert query["labelSelector"] == "app.kubernetes.io/name=switchyard-pull"
        return {"items": [self._seen(born, body) for born, body in self.pods.values()]}

    def _seen(self, born, body):
        node = body["spec"]["nodeName"]
        if self.time - born < 1.0 or node in self.unready:
            return {**body, "status": {}}
        statuses = []
        for one in body["spec"]["containers"]:
            said = self.says.get((node, one["image"]))
            if said:
                state = {"imageID": "", "state": {"waiting": {"reason": "ErrImagePull", "message": said}}}
            else:
                repository = one["image"].rpartition(":")[0]
                waiting = {"waiting": {"reason": "CreateContainerError"}}
                state = {"imageID": f"{repository}@{self.digests[one['image']]}", "state": waiting}
            statuses.append({"name": one["name"], "image": one["image"], **state})
        return {**body, "status": {"containerStatuses": statuses}}


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the module's main() and give back what it prints."""

    def runner(world, check=False, **params):
        monkeypatch.setattr(_pull_module._module, "server", lambda module: world)
        monkeypatch.setattr(_pull_module, "Clock", lambda: world)
        given = {"images": IMAGES, "nodes": NODES, "timeout": 30, "_ansible_check_mode": check, **params}
        with patch_module_args(given), pytest.raises(SystemExit):
            image_pull.main()
        return json.loads(capsys.readouterr().out)

    return runner


def test_every_node_pulls_every_image_and_nothing_is_left(run):
    world = Kubelets()
    done = run(world, pull_secrets=["creds"])
    assert done["digests"] == {image: dict.fromkeys(NODES, digest) for image, digest in world.digests.items()}
    assert (done["waited"], world.pods) == (1.0, {})
    spec = world.made[0]["spec"]
    assert spec["hostNetwork"]
    assert spec["tolerations"] == [{"operator": "Exists"}]
    assert spec["imagePullSecrets"] == [{"name": "creds"}]
    assert {one["imagePullPolicy"] for one in spec["containers"]} == {"Always"}


@pytest.mark.parametrize("name", SAID)
def test_what_hinders_a_pull_is_explained_and_the_way_out_is_named(run, name):
    assert _explain.cause(SAID[name]).name == name
    world = Kubelets({(node, IMAGES[0]): SAID[name] for node in NODES})
    done = run(world)
    (line,) = done["problems"]
    assert line.startswith(f"{IMAGES[0]} on node-1, node-2: {_explain.cause(SAID[name]).told}. ")
    assert SAID[name].split()[-1] in line
    assert world.pods == {}
    # What may pass by itself is waited for.
    assert done["waited"] == (30.0 if name in ("route", "credentials") else 1.0)


@pytest.mark.parametrize("name", ["route", "credentials"])
def test_what_passes_by_itself_is_no_failure(run, name):
    """A kubelet that has not heard yet of a new Secret asks without it."""
    world = Kubelets({("node-1", IMAGES[0]): SAID[name]})
    pause = world.pause

    def answered(seconds):
        pause(seconds)
        if world.time >= 5.0:
            world.says.clear()

    world.pause = answered
    assert run(world)["digests"][IMAGES[0]]["node-1"] == "sha256:0"


def test_wrong_credentials_are_not_waited_for_to_the_end(run):
    world = Kubelets({("node-1", IMAGES[0]): SAID["credentials"]})
    assert run(world, timeout=300)["waited"] == 35.0


def test_a_node_that_does_nothing_is_named_when_the_time_is_over(run):
    world = Kubelets()
    world.unready.add("node-2")
    done = run(world)
    assert done["waited"] == 30.0
    assert all("node-2: it is not pulled yet: the kubelet has not begun" in line for line in done["problems"])


def test_another_image_than_was_mirrored_is_an_error(run):
    done = run(Kubelets(), digests={IMAGES[0]: "sha256:other"})
    assert len(done["problems"]) == len(NODES)
    assert "The tag has been moved since" in done["problems"][0]


def test_a_pod_that_a_killed_run_has_left_is_replaced(run):
    world = Kubelets()
    world.create("", _pull.pod(_pull.Asked(("node-1",), ("old:1",), "kube-system"), "node-1"))
    assert run(world)["digests"][IMAGES[1]]["node-1"] == "sha256:1"
    assert world.pods == {}


def test_check_mode_pulls_nothing(run):
    world = Kubelets()
    assert not run(world, check=True)["changed"]
    assert world.made == []


def test_an_api_server_that_refuses_is_the_message_and_nothing_is_left(run):
    world = Kubelets()

    def refused(path, **query):
        raise ApiError("pods is forbidden")

    world.get = refused
    assert run(world)["msg"] == "pods is forbidden"
    assert world.pods == {}
