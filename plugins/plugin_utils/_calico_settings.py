# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of Calico.

This file is private to the collection.
"""

from __future__ import annotations

from ansible_collections.switchyard.cni.plugins.plugin_utils._setting import TRISTATE, Setting

_OVERLAY = {
    "Always": ("true", "yes", "on"),
    "CrossSubnet": ("cross-subnet", "cross_subnet"),
    "Never": ("false", "no", "off", "none"),
}

CALICO: tuple[Setting, ...] = (
    Setting(
        "calico_ipip_mode",
        "choice",
        "IP-in-IP of the IPPool; unset = Always, unless calico_vxlan_mode asks for VXLAN.",
        aliases=("CALICO_IPV4POOL_IPIP", "CALICO_ENABLE_OVERLAY"),
        choices=_OVERLAY,
    ),
    Setting("calico_vxlan_mode", "choice", "VXLAN of the IPPool.", default="Never", choices=_OVERLAY),
    Setting(
        "calico_networking_backend",
        "choice",
        "Who spreads Calico's routes. bird runs in every mode, and a later change of the mode then restarts nothing.",
        # "brid" is how kubeasz spelt it for years.
        aliases=("CALICO_NETWORKING_BACKEND",),
        default="bird",
        choices={"bird": ("brid",), "vxlan": (), "none": ()},
    ),
    Setting("calico_vxlan_vni", "int", "VXLAN network identifier.", default=4096, minimum=1, maximum=(1 << 24) - 1),
    Setting("calico_vxlan_port", "int", "UDP port of VXLAN.", default=4789, minimum=1, maximum=65535),
    Setting(
        "calico_mtu",
        "int",
        "MTU of the pods; unset = the NIC's less the overhead of the mode.",
        unit="bytes",
        minimum=1,
        maximum=65535,
    ),
    Setting(
        "calico_ip_autodetection_method",
        "str",
        "How Calico finds a node's address: first-found, kubernetes-internal-ip, can-reach=ADDRESS, interface=REGEX, "
        "skip-interface=REGEX or cidr=CIDR.",
        aliases=("IP_AUTODETECTION_METHOD",),
        default="first-found",
    ),
    Setting("calico_ip6_autodetection_method", "str", "The same for a node's IPv6 address.", default="first-found"),
    Setting("calico_pool_name", "str", "Name of the IPv4 IPPool.", default="default-ipv4-ippool"),
    Setting("calico_pool_name_v6", "str", "Name of the IPv6 IPPool.", default="default-ipv6-ippool"),
    Setting(
        "calico_block_size",
        "int",
        "Prefix length of the IPAM blocks of the IPv4 IPPool; an IPPool keeps it for life.",
        default=26,
        unit="bits",
        minimum=20,
        maximum=32,
    ),
    Setting(
        "calico_block_size_v6",
        "int",
        "Prefix length of the IPAM blocks of the IPv6 IPPool; an IPPool keeps it for life.",
        default=122,
        unit="bits",
        minimum=116,
        maximum=128,
    ),
    Setting("calico_nat_outgoing", "bool", "Masquerade packets that leave all IPPools.", default=True),
    Setting("calico_pool_node_selector", "str", "Which nodes use the IPPool, as a selector.", default="all()"),
    Setting(
        "calico_prearm_cidr",
        "str",
        "Network out of which tunnels get addresses for the time of a change of the encapsulation; it must be used "
        "nowhere else. The default is set aside for benchmarks (RFC 2544).",
        default="198.18.0.0/16",
    ),
    Setting(
        "calico_pools",
        "list",
        "Further IPPools: mappings with name and cidr, and optionally ipip_mode, vxlan_mode, block_size, nat_outgoing, "
        "node_selector and disabled.",
        default=(),
    ),
    Setting(
        "calico_as_number",
        "int",
        "AS number of the nodes.",
        aliases=("CALICO_AS_NUMBER",),
        default=64512,
        minimum=1,
        maximum=(1 << 32) - 1,
    ),
    Setting(
        "calico_route_reflectors",
        "list",
        "Nodes that reflect BGP routes to all others, by their names in the inventory or in the cluster; two or more, "
        "or none for a node-to-node mesh.",
        aliases=("CALICO_RR_NODES",),
        default=(),
    ),
    Setting(
        "calico_route_reflector_cluster_id",
        "str",
        "Cluster ID of the route reflectors (RFC 4456, section 7).",
        default="244.0.0.1",
    ),
    Setting(
        "calico_bgp_peers",
        "list",
        "BGP peers outside of the cluster: mappings with name, address and as_number, and optionally node or "
        "node_selector (else all nodes peer with it) and password_secret with name and key.",
        default=(),
    ),
    Setting("calico_advertise_cluster_ips", "list", "CIDRs of cluster IPs that BGP announces.", default=()),
    Setting("calico_advertise_external_ips", "list", "CIDRs of external IPs that BGP announces.", default=()),
    Setting("calico_advertise_load_balancer_ips", "list", "CIDRs of load balancer IPs that BGP announces.", default=()),
    Setting(
        "calico_wireguard", "bool", "Encrypt what pods of different nodes say by WireGuard; IPv4 only.", default=False
    ),
    Setting(
        "calico_nftables",
        "choice",
        "Whether Felix filters with nftables; auto = as kube-proxy does.",
        default="auto",
        choices=TRISTATE,
    ),
    Setting("calico_version", "str", "Version of Calico.", default="v3.32.1"),
    Setting("calico_image_node", "str", "Image of calico-node; unset = upstream's or the registry's.", default=""),
    Setting("calico_image_cni", "str", "Image of Calico's CNI plugins, before v3.33.", default=""),
    Setting("calico_image_kube_controllers", "str", "Image of calico-kube-controllers, before v3.33.", default=""),
    Setting("calico_image_typha", "str", "Image of Typha, before v3.33.", default=""),
    Setting("calico_image_calico", "str", "Image of everything but calico-node, since v3.33.", default=""),
    Setting(
        "calico_image_pull_policy",
        "choice",
        "When the kubelet pulls.",
        default="IfNotPresent",
        choices={"IfNotPresent": (), "Always": (), "Never": ()},
    ),
    Setting("calico_namespace", "str", "Namespace of Calico's objects.", default="kube-system"),
    Setting(
        "calico_crds_file",
        "str",
        "File with Calico's CustomResourceDefinitions on the host of the play, such as upstream's own with all their "
        "schemas; unset, the collection makes them.",
        default="",
    ),
    Setting(
        "calico_calicoctl",
        "str",
        "The program calicoctl on the host of the play; given, every control-plane node gets it as "
        "C(/usr/local/bin/calicoctl), with C(/etc/calico/calicoctl.cfg).",
        default="",
    ),
    Setting(
        "calico_calicoctl_kubeconfig",
        "str",
        "The kubeconfig on those nodes that calicoctl reads.",
        default="/root/.kube/config",
    ),
    Setting(
        "calico_typha",
        "choice",
        "Whether Typha stands between calico-node and the API server; auto = from 50 nodes.",
        default="auto",
        choices=TRISTATE,
    ),
    Setting("calico_typha_replicas", "int", "Pods of Typha; unset = one for 200 nodes, three at least.", minimum=1),
    Setting(
        "calico_tolerations",
        "list",
        "Tolerations of calico-node.",
        default=(
            {"operator": "Exists", "effect": "NoSchedule"},
            {"operator": "Exists", "effect": "NoExecute"},
            {"operator": "Exists", "key": "CriticalAddonsOnly"},
        ),
    ),
    Setting(
        "calico_resources",
        "dict",
        "Resource requests and limits of calico-node's container.",
        default={"requests": {"cpu": "250m"}},
    ),
    Setting(
        "calico_probe_timeout",
        "int",
        "How long a probe of Calico's pods may take; then they are also probed less often. More helps on nodes so slow "
        "that the kubelet would end a calico-node that is well.",
        default=10,
        unit="seconds",
        minimum=1,
        maximum=300,
    ),
    Setting(
        "calico_wait_timeout",
        "int",
        "How long to wait until Calico is ready.",
        default=180,
        unit="seconds",
        minimum=1,
    ),
)
