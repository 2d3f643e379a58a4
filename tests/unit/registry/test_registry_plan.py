# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images the declared network needs, what the nodes call them, and what is wrong with the settings."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._cluster import _trim
from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import build_intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins import plugin_images
from ansible_collections.switchyard.cni.plugins.plugin_utils._registry import _plan
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import resolve

BASE = {"network_pod_cidr": "172.50.0.0/16", "network_registry": "reg.example:5000/base"}


def declared(**settings):
    values, wrong = resolve({**BASE, **settings})
    intent, contradictions = build_intent(values)
    assert [str(one) for one in wrong + contradictions] == []
    return intent, values


def pairs(nodes=3, **settings):
    intent, dummy = declared(**settings)
    return {one.source: one.target for one in plugin_images(intent, nodes)}


def test_flannels_images_keep_upstreams_names():
    assert pairs(flannel_version="v0.28.10") == {
        "ghcr.io/flannel-io/flannel:v0.28.10": "reg.example:5000/base/flannel:v0.28.10",
        "ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel3": (
            "reg.example:5000/base/flannel-cni-plugin:v1.9.1-flannel3"
        ),
    }


def test_the_seeds_image_is_mirrored_to_the_name_that_the_seed_gave_it():
    found = pairs(flanneld_image="reg.example:5000/baseimages/flannel:v0.11.0-amd64")
    assert found["ghcr.io/flannel-io/flannel:v0.11.0-amd64"] == "reg.example:5000/baseimages/flannel:v0.11.0-amd64"


def test_with_etcd_no_image_is_needed():
    assert pairs(flannel_subnet_manager="etcd", flannel_etcd_endpoints="https://1.2.3.4:2379") == {}


def test_calicos_images_are_those_of_the_version_and_typha_comes_with_many_nodes():
    def names(**settings):
        return {target.rpartition("/")[2] for target in pairs(network_plugin="calico", **settings).values()}

    assert names() == {"node:v3.32.1", "cni:v3.32.1", "kube-controllers:v3.32.1"}
    assert names(nodes=50) == {"node:v3.32.1", "cni:v3.32.1", "kube-controllers:v3.32.1", "typha:v3.32.1"}
    assert names(nodes=50, calico_version="v3.33.0") == {"node:v3.33.0", "calico:v3.33.0"}
    assert "quay.io/calico/node:v3.32.1" in pairs(network_plugin="calico")


def test_an_image_of_another_registry_is_left_where_it_is():
    intent, values = declared(flannel_image="elsewhere.example/flannel:v1")
    planned = _plan.plan(intent, values, [], saves=False)
    assert planned.left == ("elsewhere.example/flannel:v1",)
    assert [one.target for one in planned.images] == ["reg.example:5000/base/flannel-cni-plugin:v1.9.1-flannel3"]
    assert any("stays where it is" in line for line in planned.summary)


@pytest.mark.parametrize(
    ("nodes", "setting", "expected"),
    [
        ([("a", "amd64"), ("b", "amd64")], "", ("amd64",)),
        ([("a", "arm64"), ("b", "amd64")], "", ("amd64", "arm64")),
        ([("a", "amd64")], "arm64,amd64", ("arm64", "amd64")),
        ([], "", ()),
    ],
)
def test_the_architectures_are_those_of_the_nodes_unless_they_are_declared(nodes, setting, expected):
    intent, values = declared(network_registry_architectures=setting)
    assert _plan.plan(intent, values, nodes, saves=False).architectures == expected


@pytest.mark.parametrize(
    ("settings", "variable"),
    [
        ({"network_registry": ""}, "network_registry"),
        ({"network_registry": "baseimages/x"}, "network_registry"),
        ({"network_registry": "https://reg.example/x"}, "network_registry"),
        ({"network_registry_username": "a"}, "network_registry_password"),
        ({"network_registry_password": "b"}, "network_registry_username"),
        ({"network_registry_node_credentials": "true"}, "network_registry_node_credentials"),
    ],
)
def test_a_wrong_setting_is_named_with_the_way_out(settings, variable):
    dummy, values = declared(**settings)
    (problem,) = _plan.problems(values, saves=False)
    assert problem.variable == variable
    assert problem.remedy


def test_a_password_is_in_no_plan_and_in_no_problem():
    intent, values = declared(network_registry_username="a", network_registry_password="quite-secret")
    told = str(_plan.plan(intent, values, [], False).as_result()) + str(_plan.for_cluster(intent, values, ["n"]))
    assert "quite-secret" not in told
    dummy, values = declared(network_registry_password="quite-secret")
    assert "quite-secret" not in str(_plan.problems(values, saves=False))


def test_the_pull_secret_joins_the_operators_own():
    intent, dummy = declared(network_registry_username="a", network_image_pull_secrets="mine")
    assert intent.image_pull_secrets == ("mine", "switchyard-registry")
    assert declared(network_registry_username="a", network_registry="")[0].image_pull_secrets == ()


@pytest.mark.parametrize(
    ("registry", "address"),
    [
        ("reg.example", ("reg.example", 443)),
        ("reg.example:5000", ("reg.example", 5000)),
        ("[fd00::1]:5000", ("fd00::1", 5000)),
        ("192.168.7.103:5000", ("192.168.7.103", 5000)),
    ],
)
def test_where_a_registry_listens(registry, address):
    assert _plan.address_of(registry) == address


# ---- what the cluster tells of it


def test_running_images_are_those_of_the_pods_own_words_and_only_with_a_digest():
    pod = {
        "spec": {
            "nodeName": "n",
            "initContainers": [{"name": "install", "image": "reg/plugin:v2"}],
            "containers": [{"name": "agent", "image": "reg/flannel:v1"}],
        },
        "status": {
            "initContainerStatuses": [{"name": "install", "image": "sha256:11", "imageID": "reg/plugin@sha256:22"}],
            "containerStatuses": [{"name": "agent", "image": "reg/flannel:v1", "imageID": "sha256:33"}],
        },
    }
    assert _trim.running(pod) == [{"node": "n", "image": "reg/plugin:v2", "digest": "sha256:22"}]


def test_a_damaged_note_of_what_was_mirrored_is_none():
    assert _trim.mirrored({"data": {"images.json": '{"a": "sha256:1"}'}}) == {"a": "sha256:1"}
    assert _trim.mirrored({"data": {"images.json": "{"}}) == {}
    assert _trim.mirrored({}) == {}
