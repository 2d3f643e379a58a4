# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a cluster from an API server that is whole, that refuses, that lacks, and that has ten thousand Nodes."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._cluster import _trim
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._api import ApiError, ApiMissing, ApiRefused
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._module import info_argument_spec
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._read import (
    POLICIES,
    SECTIONS,
    Request,
    read,
)

FLANNEL = "flannel.alpha.coreos.com"


class FakeApi:
    """Objects by path; a list is served in pages, an exception is raised."""

    def __init__(self, **objects):
        self.objects = {"/version": {"gitVersion": "v1.34.4"}, **objects.pop("at", {})}
        self.asked = []

    def now(self):
        return datetime(2026, 11, 27, 14, 21, 0)

    def get(self, path, **query):
        self.asked.append((path, query))
        found = self.objects.get(path)
        if found is None:
            raise ApiMissing(f"{path}: the server could not find the requested resource")
        if isinstance(found, Exception):
            raise found
        if not isinstance(found, list):
            return found
        start = int(query.get("continue") or 0)
        page = found[start : start + query["limit"]]
        more = start + len(page)
        return {"items": page, "metadata": {"continue": str(more) if more < len(found) else ""}}


def node(name="k8s-node1", cidr="172.50.2.0/24", address="192.168.7.110", **annotations):
    return {
        "metadata": {
            "name": name,
            "annotations": {"other/note": "x", **annotations},
            "labels": {"node-role.kubernetes.io/control-plane": ""},
            "managedFields": [{"manager": "flanneld"}],
        },
        "spec": {"podCIDR": cidr, "podCIDRs": [cidr]},
        "status": {
            "addresses": [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": address}],
            "capacity": {"pods": "110"},
            "nodeInfo": {"kubeletVersion": "v1.34.4", "architecture": "amd64"},
            "conditions": [
                {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "ready", "extra": 1},
                {"type": "NetworkUnavailable", "status": "False", "reason": "FlannelIsUp", "message": "up"},
            ],
            "images": [{"names": ["a"] * 50}],
        },
    }


def cluster(at, *sections, **request):
    return read(FakeApi(at=at), Request(sections or SECTIONS, **request))


def test_a_node_keeps_what_a_pod_network_needs_and_nothing_else():
    notes = {f"{FLANNEL}/public-ip": "192.168.7.110", "projectcalico.org/IPv4Address": "192.168.7.110/21"}
    (found,) = cluster({"/api/v1/nodes": [node(**notes)]}, "nodes")["nodes"]

    assert found == {
        "name": "k8s-node1",
        "pod_cidrs": ["172.50.2.0/24"],
        "internal_ips": ["192.168.7.110"],
        "annotations": notes,
        "control_plane": True,
        "unschedulable": False,
        "max_pods": 110,
        "architecture": "amd64",
        "kubelet": "v1.34.4",
        "ready": {"status": "True", "reason": "KubeletReady", "message": "ready"},
        "network_unavailable": {"status": "False", "reason": "FlannelIsUp", "message": "up"},
    }


def test_a_node_that_has_just_registered_lacks_almost_everything():
    (found,) = cluster({"/api/v1/nodes": [{"metadata": {"name": "new"}}]}, "nodes")["nodes"]

    assert (found["pod_cidrs"], found["internal_ips"], found["ready"], found["max_pods"]) == ([], [], None, None)


def test_ten_thousand_nodes_come_in_pages_and_stay_small():
    api = FakeApi(at={"/api/v1/nodes": [node(f"node-{number:05}") for number in range(10_000)]})
    found = read(api, Request(("nodes",)))

    assert [one["name"] for one in found["nodes"]] == [f"node-{number:05}" for number in range(10_000)]
    assert len([path for path, dummy in api.asked if path == "/api/v1/nodes"]) == 20
    assert len(json.dumps(found)) < 6_000_000


def daemonset(name, image, args=(), namespace="kube-system"):
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"template": {"spec": {"containers": [{"image": image, "command": ["/run"], "args": list(args)}]}}},
        "status": {"desiredNumberScheduled": 3, "numberReady": 2},
    }


def test_agents_are_told_by_their_images_and_give_away_no_secrets():
    sets = [
        daemonset("kube-flannel-ds", "ghcr.io/flannel-io/flannel:v0.28.9", ["--ip-masq", "--etcd-password=hush"]),
        daemonset("calico-node", "quay.io/calico/node:v3.32.1"),
        daemonset("node-exporter", "prom/node-exporter:v1"),
    ]
    flannel, calico = cluster({"/apis/apps/v1/daemonsets": sets}, "agents")["agents"]

    assert (flannel["agent"], flannel["args"], flannel["desired"], flannel["ready"]) == ("flannel", ["--ip-masq"], 3, 2)
    assert (calico["agent"], calico["namespace"]) == ("calico", "kube-system")


def config_map(net_conf, namespace="kube-flannel"):
    return {"metadata": {"name": "kube-flannel-cfg", "namespace": namespace}, "data": {"net-conf.json": net_conf}}


def test_flannels_configuration_comes_without_its_key():
    conf = '{"Network": "172.50.0.0/16", "Backend": {"Type": "wireguard", "PSK": "hush", "psk": "hush"}}'
    (found,) = cluster({"/api/v1/configmaps": [config_map(conf)]}, "flannel")["flannel"]

    assert found["net_conf"] == {"Network": "172.50.0.0/16", "Backend": {"Type": "wireguard"}}
    assert "hush" not in json.dumps(found)


@pytest.mark.parametrize("damaged", ["{", "[]", "null", '"text"'])
def test_a_damaged_configuration_is_named(damaged):
    (found,) = cluster({"/api/v1/configmaps": [config_map(damaged)]}, "flannel")["flannel"]

    assert found["net_conf"] is None
    assert "net-conf.json" in found["problem"]


CALICO = "/apis/crd.projectcalico.org/v1"
CALICO_OBJECTS = {
    CALICO: {"kind": "APIResourceList"},
    f"{CALICO}/ippools": [
        {
            "metadata": {"name": "default-ipv4-ippool"},
            "spec": {"cidr": "172.50.0.0/16", "ipipMode": "Always", "natOutgoing": True, "blockSize": 26},
        }
    ],
    f"{CALICO}/blockaffinities": [
        {"metadata": {"name": "a"}, "spec": {"cidr": "172.50.120.0/26", "node": "k8s-node1", "state": "confirmed"}},
        {"metadata": {"name": "b"}, "spec": {"cidr": "172.50.1.0/26", "node": "k8s-node1", "state": "pendingDeletion"}},
        {
            "metadata": {"name": "c"},
            "spec": {"cidr": "172.50.2.0/26", "node": "k8s-node1", "state": "confirmed", "deleted": "true"},
        },
    ],
    f"{CALICO}/bgpconfigurations": [
        {"metadata": {"name": "node.k8s-node1"}, "spec": {"nodeToNodeMeshEnabled": True}},
        {"metadata": {"name": "default"}, "spec": {"nodeToNodeMeshEnabled": False, "asNumber": "65001"}},
    ],
    f"{CALICO}/bgppeers": [
        {"metadata": {"name": "rr"}, "spec": {"peerIP": "192.168.7.1", "asNumber": 65001, "password": {"hush": 1}}}
    ],
    f"{CALICO}/felixconfigurations": [{"metadata": {"name": "default"}, "spec": {"ipipEnabled": False}}],
    "/apis/apps/v1/deployments": [{"metadata": {"name": "calico-typha", "namespace": "kube-system"}}],
}


def test_calicos_objects_without_passwords():
    found = cluster(CALICO_OBJECTS, "calico")["calico"]

    assert (found["pools"][0]["ipip_mode"], found["pools"][0]["vxlan_mode"]) == ("Always", "Never")
    assert found["pools"][0]["allowed_uses"] == ["Workload", "Tunnel"]
    assert found["blocks"] == [{"cidr": "172.50.120.0/26", "node": "k8s-node1"}]
    assert found["bgp"] == {"mesh": False, "as_number": 65001}
    assert found["felix"][0]["ipip_enabled"] is False
    assert found["felix"][0]["vxlan_enabled"] is None
    assert found["typhas"] == ["kube-system"]
    assert "hush" not in json.dumps(found)


IPAM_BLOCK = {
    "metadata": {"name": "172-50-36-64-26"},
    "spec": {
        "cidr": "172.50.36.64/26",
        "affinity": "host:k8s-node1",
        "allocations": [0, None, 1, 2],
        "attributes": [
            {
                "handle_id": "vxlan-tunnel-addr-k8s-node1",
                "secondary": {"node": "k8s-node1", "type": "vxlanTunnelAddress"},
            },
            {
                "handle_id": "k8s-pod-network.a",
                "secondary": {
                    "namespace": "default",
                    "node": "k8s-node1",
                    "pod": "web",
                    "timestamp": "2026-11-27 14:20:11.5 +0000 UTC",
                },
            },
            {
                "handle_id": "k8s-pod-network.b",
                "secondary": {"namespace": "default", "node": "k8s-node2", "pod": "far"},
            },
        ],
    },
}


def test_the_addresses_that_calico_holds_for_pods_with_their_age():
    """Allocations are places in the list of attributes; a tunnel's address is no pod's."""
    (found,) = cluster({f"{CALICO}/ipamblocks": [IPAM_BLOCK]}, "ipam")["ipam"]

    assert (found["cidr"], found["node"]) == ("172.50.36.64/26", "k8s-node1")
    assert found["held"] == [
        {"address": "172.50.36.66", "node": "k8s-node1", "pod": "default/web", "age": 49.0},
        {"address": "172.50.36.67", "node": "k8s-node2", "pod": "default/far", "age": None},
    ]


def test_calico_that_says_nothing_of_bgp_has_a_full_mesh():
    found = cluster({CALICO: {"kind": "APIResourceList"}}, "calico")["calico"]

    assert found["bgp"] == {"mesh": True, "as_number": 64512}
    assert (found["pools"], found["config"]) == ([], None)


def test_a_cluster_without_calico_has_no_gap_for_it():
    found = cluster({}, "calico", "flannel", "agents")

    assert (found["calico"], found["gaps"]) == (None, [])


def test_what_this_user_may_not_read_is_a_gap_and_the_rest_is_read():
    at = {"/api/v1/nodes": [node()], "/api/v1/configmaps": ApiRefused("/api/v1/configmaps: configmaps is forbidden")}
    found = cluster(at, "nodes", "flannel")

    assert len(found["nodes"]) == 1
    assert found["gaps"] == [
        {"what": "/api/v1/configmaps", "reason": "not allowed: /api/v1/configmaps: configmaps is forbidden"}
    ]


def test_a_server_that_does_not_answer_is_an_error():
    with pytest.raises(ApiError, match="refused"):
        read(FakeApi(at={"/version": ApiError("connection refused")}), Request(SECTIONS))


def service(name, address, *ports):
    return {
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"clusterIP": address, "ports": [{"port": port, "protocol": kind} for port, kind in ports]},
    }


def test_services_with_an_address_and_a_tcp_port():
    at = {
        "/api/v1/namespaces/default/services/kubernetes": service("kubernetes", "10.68.0.1", (443, "TCP")),
        "/api/v1/namespaces/default/services/headless": service("headless", "None", (80, "TCP")),
        "/api/v1/namespaces/default/services/udp": service("udp", "10.68.0.9", (53, "UDP")),
    }
    names = ("default/kubernetes", "default/headless", "default/udp", "default/gone")
    found = cluster(at, "services", services=names)

    assert found["services"] == [{"name": "default/kubernetes", "addresses": ["10.68.0.1"], "ports": [443]}]
    assert [gap["what"] for gap in found["gaps"]] == ["/api/v1/namespaces/default/services/gone"]


def test_the_services_network_where_the_api_server_tells_it():
    at = {"/apis/networking.k8s.io/v1/servicecidrs": [{"spec": {"cidrs": ["10.68.0.0/16"]}}]}

    assert cluster(at, "service_cidrs")["service_cidrs"] == ["10.68.0.0/16"]
    assert cluster({}, "service_cidrs")["service_cidrs"] == []


def test_the_namespaces_in_which_policies_say_who_may_talk_to_whom():
    def policy(name, **metadata):
        return {"metadata": {"name": name, **metadata}}

    at = {
        "/apis/networking.k8s.io/v1/networkpolicies": [policy("a", namespace="shop"), policy("b", namespace="shop")],
        "/apis/crd.projectcalico.org/v1/networkpolicies": [policy("c", namespace="default")],
    }
    assert cluster(at, "guarded")["guarded"] == ["default", "shop"]
    at["/apis/crd.projectcalico.org/v1/globalnetworkpolicies"] = [policy("d")]
    assert cluster(at, "guarded")["guarded"] == ["", "default", "shop"]
    assert cluster({}, "guarded")["guarded"] == []


def test_numbers_that_are_none():
    assert _trim.bgp_configuration({"spec": {"asNumber": "64512.0"}})["as_number"] == 64512


def test_pods_and_policies_are_read_only_where_they_are_asked_for():
    assert {"pods", "policies"}.isdisjoint(info_argument_spec()["gather"]["default"])
    at = {
        POLICIES: [{"metadata": {"namespace": "shop", "name": "web"}}],
        CALICO + "/globalnetworkpolicies": [{"metadata": {"name": "all"}}],
    }
    assert cluster(at, "policies")["policies"] == {"kubernetes": ["shop/web"], "calico": ["all"]}
