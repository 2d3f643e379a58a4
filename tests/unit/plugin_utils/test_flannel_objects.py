# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""flannel's Kubernetes objects, as the role's own template prints them for each backend."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from ansible_collections.switchyard.cni.plugins.plugin_utils._plan import plan_network
from ansible_collections.switchyard.cni.tests.unit.plugin_utils.cluster_facts import NODES, cluster, intent, node
from jinja2 import Environment, StrictUndefined

TEMPLATE = Path(__file__).resolve().parents[3] / "roles" / "flannel" / "templates" / "kube-flannel.yml.j2"


def objects(nodes=None, **settings):
    environment = Environment(undefined=StrictUndefined, autoescape=False)
    environment.filters["to_json"] = json.dumps
    plan = plan_network(intent(**settings), nodes or cluster())
    text = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        flannel_manifest=plan.cluster["manifest"]
    )
    return [item for item in yaml.safe_load_all(text) if item]


def one(kind, found):
    return next(item for item in found if item["kind"] == kind)


def pod(**settings):
    return one("DaemonSet", objects(**settings))["spec"]["template"]


def container(**settings):
    return pod(**settings)["spec"]["containers"][0]


def net_conf(**settings):
    return json.loads(one("ConfigMap", objects(**settings))["data"]["net-conf.json"])


def test_every_object_that_flannel_needs_is_there_once():
    kinds = [item["kind"] for item in objects()]
    assert sorted(kinds) == sorted(
        ["Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "ConfigMap", "DaemonSet"]
    )


@pytest.mark.parametrize(
    ("settings", "backend"),
    [
        ({}, {"Type": "vxlan", "VNI": 1, "Port": 8472}),
        ({"DIRECT_ROUTING": "true"}, {"Type": "vxlan", "VNI": 1, "Port": 8472, "DirectRouting": True}),
        ({"FLANNEL_BACKEND": "host-gw"}, {"Type": "host-gw"}),
        ({"flannel_backend": "udp"}, {"Type": "udp", "Port": 8285}),
        ({"flannel_backend": "ipip"}, {"Type": "ipip"}),
    ],
)
def test_net_conf_holds_the_declared_backend(settings, backend):
    assert net_conf(**settings)["Backend"] == backend


@pytest.mark.parametrize("backend", ["vxlan", "host-gw", "wireguard", "ipip"])
def test_flanneld_is_not_privileged(backend):
    assert container(flannel_backend=backend)["securityContext"]["privileged"] is False


def test_only_udp_gets_the_tun_device_and_a_privileged_container():
    udp = container(flannel_backend="udp")
    assert udp["securityContext"] == {"privileged": True}
    assert {"name": "tun", "mountPath": "/dev/net/tun"} in udp["volumeMounts"]
    assert "tun" not in [mount["name"] for mount in container()["volumeMounts"]]


def test_every_mount_has_its_volume():
    for backend in ("vxlan", "udp"):
        spec = pod(flannel_backend=backend)["spec"]
        volumes = {volume["name"] for volume in spec["volumes"]}
        mounted = {m["name"] for c in spec["initContainers"] + spec["containers"] for m in c["volumeMounts"]}
        assert mounted == volumes


def test_a_changed_configuration_rolls_the_daemonset_and_an_equal_one_does_not():
    def mark(**settings):
        return pod(**settings)["metadata"]["annotations"]["switchyard.cni/config-hash"]

    assert mark() == mark()
    assert (
        len({mark(), mark(flannel_direct_routing=True), mark(flannel_backend="host-gw"), mark(flannel_mtu=1400)}) == 4
    )


def test_images_come_from_the_registry_by_digest():
    digest = "sha256:" + "a" * 64
    spec = pod(network_registry="registry.example/baseimages/", flannel_image_digest=digest)["spec"]
    assert spec["containers"][0]["image"] == f"registry.example/baseimages/flannel:v0.28.10@{digest}"
    assert spec["initContainers"][0]["image"].startswith("registry.example/baseimages/flannel-cni-plugin:")


def test_the_seeds_image_wins_and_is_asked_in_the_way_it_understands():
    old = container(flanneld_image="k8s-harbor1.weiying.net/baseimages/flannel:v0.11.0-amd64")
    assert old["image"] == "k8s-harbor1.weiying.net/baseimages/flannel:v0.11.0-amd64"
    assert "exec" in old["readinessProbe"]
    assert container()["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_selectors_of_the_device_are_handed_on():
    assert "--iface-regex=^eth" in container(flannel_iface_regex="^eth")["args"]
    assert "--iface-can-reach=192.168.0.254" in container(flannel_iface_can_reach="192.168.0.254")["args"]
    assert "--ip-masq" not in container(flannel_ip_masq="false")["args"]


def test_pull_secrets_tolerations_resources_and_node_labels_are_the_operators():
    spec = pod(
        network_image_pull_secrets="harbor",
        flannel_tolerations=[{"key": "edge", "operator": "Exists"}],
        flannel_resources={"limits": {"memory": "64Mi"}},
        flannel_node_selector={"pool": "a"},
    )["spec"]
    assert spec["imagePullSecrets"] == [{"name": "harbor"}]
    assert spec["tolerations"] == [{"key": "edge", "operator": "Exists"}]
    assert spec["containers"][0]["resources"] == {"limits": {"memory": "64Mi"}}
    assert spec["nodeSelector"] == {"pool": "a"}


def test_a_public_address_becomes_an_annotation_of_its_node_only():
    nodes = [node(name, public_ip="203.0.113.7" if name == "192.168.7.111" else "") for name in NODES]
    found = [item for item in objects(nodes) if item["kind"] == "Node"]
    assert [item["metadata"]["name"] for item in found] == ["192.168.7.111"]
    assert found[0]["metadata"]["annotations"] == {"flannel.alpha.coreos.com/public-ip-overwrite": "203.0.113.7"}


def test_nftables_follow_kube_proxy():
    def with_nftables(facts):
        facts["filters"] = {"kube_proxy_mode": "nftables"}

    found = objects(cluster(change=with_nftables))
    assert json.loads(one("ConfigMap", found)["data"]["net-conf.json"])["EnableNFTables"] is True
    assert net_conf()["EnableNFTables"] is False
    assert net_conf(PROXY_MODE="nftables")["EnableNFTables"] is True


def test_dual_stack_reaches_net_conf():
    def with_ipv6(facts):
        facts["addresses"].append(
            {"dev": "eth0", "family": "inet6", "address": "fd00:a::1", "prefixlen": 64, "scope": "global"}
        )

    nodes = [
        node(name, pod_cidrs=[cidr, f"fd00:50:0:{number}::/64"], change=with_ipv6)
        for number, (name, cidr) in enumerate(NODES.items())
    ]
    found = objects(nodes, CLUSTER_CIDR="172.50.0.0/16,fd00:50::/48")
    conf = json.loads(one("ConfigMap", found)["data"]["net-conf.json"])
    assert (conf["Network"], conf["IPv6Network"], conf["EnableIPv6"]) == ("172.50.0.0/16", "fd00:50::/48", True)


def test_the_cni_configuration_is_flannels_with_port_mapping():
    conf = json.loads(one("ConfigMap", objects())["data"]["cni-conf.json"])
    assert [plugin["type"] for plugin in conf["plugins"]] == ["flannel", "portmap"]
