# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster's side of a flannel that Kubernetes gives the subnets."""

from __future__ import annotations

import json

import pytest
from testing import lab, seed

pytestmark = pytest.mark.usefixtures("pods")


@pytest.fixture(scope="module")
def flannel_pods() -> list[dict]:
    return lab.objects("pods", "--namespace=kube-flannel")


@pytest.fixture(scope="module")
def flanneld() -> dict:
    daemonset = json.loads(lab.kubectl("get", "--output=json", *lab.FLANNEL_DAEMONSET))
    return daemonset["spec"]["template"]["spec"]["containers"][0]


def test_pod_cidrs_are_the_original_clusters():
    found = {item["metadata"]["name"]: item["spec"]["podCIDR"] for item in lab.objects("nodes")}
    assert found == {name: str(node.pod_cidr) for name, node in seed.NODES.items()}


def test_the_nodes_say_that_their_network_is_available():
    for item in lab.objects("nodes"):
        conditions = {condition["type"]: condition["status"] for condition in item["status"]["conditions"]}
        assert (conditions["NetworkUnavailable"], conditions["Ready"]) == ("False", "True")


def test_flanneld_runs_on_every_node_and_has_never_restarted(flannel_pods):
    assert {pod["spec"]["nodeName"] for pod in flannel_pods} == set(seed.NODES)
    for pod in flannel_pods:
        status = pod["status"]
        states = [*status["initContainerStatuses"], *status["containerStatuses"]]
        assert [state["restartCount"] for state in states] == [0, 0, 0]
        assert status["phase"] == "Running"


def test_flanneld_is_privileged_only_where_it_opens_a_device(flanneld, mode):
    context = flanneld["securityContext"]
    assert context["privileged"] is mode.privileged
    devices = [mount["mountPath"] for mount in flanneld["volumeMounts"] if mount["mountPath"].startswith("/dev/")]
    assert devices == (["/dev/net/tun"] if mode.privileged else [])


def test_net_conf_declares_the_backend_and_the_pod_network(mode):
    config = lab.kubectl("get", "--namespace=kube-flannel", "configmap/kube-flannel-cfg", "--output=json")
    net_conf = json.loads(json.loads(config)["data"]["net-conf.json"])
    direct = mode.backend == "vxlan" and mode.carrier == "node"
    assert net_conf["Network"] == str(seed.POD_NETWORK)
    assert (net_conf["Backend"]["Type"], net_conf["Backend"].get("DirectRouting", False)) == (mode.backend, direct)
