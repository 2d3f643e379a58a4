# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kube-proxy's cluster CIDR where it runs as pods: in its ConfigMap or on its command line, rolled once."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._kube_proxy import apply, gather, plan, wait
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._read import DAEMONSETS
from ansible_collections.switchyard.cni.tests.unit.module_utils.cluster.fake_cluster import FakeCluster

OLD, NEW = "172.50.0.0/16", "172.60.0.0/16"
CONFIG = "/api/v1/namespaces/kube-system/configmaps/kube-proxy"
PROXY = "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy"
OTHER = "/apis/apps/v1/namespaces/kube-system/daemonsets/other"
TEXT = f"apiVersion: kubeproxy.config.k8s.io/v1alpha1\nbindAddress: 0.0.0.0\nclusterCIDR: {OLD}\nmode: iptables\n"


def daemonset(name="kube-proxy", image="registry.k8s.io/kube-proxy:v1.34.4", words=("--config=/x/config.conf",)):
    container = {"name": name, "image": image, "command": ["/usr/local/bin/kube-proxy", *words]}
    spec = {"containers": [container], "volumes": [{"name": "x", "configMap": {"name": "kube-proxy"}}]}
    return {"metadata": {"namespace": "kube-system", "name": name}, "spec": {"template": {"spec": spec}}, "status": {}}


class Kubeadm(FakeCluster):
    """A cluster as kubeadm makes it; the controller rolls what has changed after some seconds."""

    def __init__(self, text=TEXT, rolls_after=3.0, **proxy):
        config = {"metadata": {"namespace": "kube-system", "name": "kube-proxy"}, "data": {"config.conf": text}}
        others = daemonset("other", "example/other:1", ("--cluster-cidr", OLD))
        super().__init__({CONFIG: config, PROXY: daemonset(**proxy), OTHER: others})
        self.after, self.time = rolls_after, 0.0
        self.objects[PROXY]["status"] = {"desiredNumberScheduled": 3, "numberReady": 3, "updatedNumberScheduled": 3}

    def get(self, path, **query):
        if path == DAEMONSETS:
            return {"items": [self.objects[PROXY], self.objects[OTHER]]}
        return super().get(path, **query)

    def replace(self, path, body):
        super().replace(path, body)
        if path == PROXY:
            self.objects[PROXY]["status"]["updatedNumberScheduled"] = 0

    def pause(self, seconds):
        self.time += seconds
        if self.time >= self.after:
            self.objects[PROXY]["status"]["updatedNumberScheduled"] = 3


def change(cluster, wanted=NEW, replaces=(OLD,)):
    """One run; gives back the paths that were written."""
    done = plan(gather(cluster), wanted, replaces)
    apply(cluster, done)
    assert wait(cluster, done.daemonsets, 60.0, lambda: cluster.time, cluster.pause) == []
    return [path for path, dummy in done.objects]


def text_of(cluster):
    return cluster.objects[CONFIG]["data"]["config.conf"]


def test_the_configmap_is_changed_the_pods_are_rolled_and_a_second_run_does_nothing():
    cluster = Kubeadm()
    assert change(cluster) == [CONFIG, PROXY]
    assert text_of(cluster) == TEXT.replace(OLD, NEW)
    assert change(cluster) == []
    assert change(cluster, OLD, [NEW]) == [CONFIG, PROXY]
    assert text_of(cluster) == TEXT


def test_an_option_on_the_command_line_is_changed_and_no_other_daemonsets():
    cluster = Kubeadm(text="mode: iptables\n", words=(f"--cluster-cidr={OLD}", "--v=2"))
    assert change(cluster) == [PROXY]
    container = cluster.objects[PROXY]["spec"]["template"]["spec"]["containers"][0]
    assert container["command"] == ["/usr/local/bin/kube-proxy", f"--cluster-cidr={NEW}", "--v=2"]


@pytest.mark.parametrize("text", ['clusterCIDR: ""\n', "clusterCIDR: 172.48.0.0/12\n", "mode: ipvs\n"])
def test_what_is_an_operators_own_stays(text):
    assert change(Kubeadm(text=text)) == []


def test_a_run_that_was_killed_before_the_roll_rolls_in_the_next_one():
    cluster = Kubeadm()
    done = plan(gather(cluster), NEW, [OLD])
    cluster.replace(*done.objects[0])
    assert change(cluster) == [PROXY]
    assert change(cluster) == []


def test_a_daemonset_that_does_not_roll_in_time_is_named():
    cluster = Kubeadm(rolls_after=1000.0)
    done = plan(gather(cluster), NEW, [OLD])
    apply(cluster, done)
    assert wait(cluster, done.daemonsets, 5.0, lambda: cluster.time, cluster.pause) == [PROXY]
