#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_network_info
short_description: Tell what the API server knows of a cluster's pod network
version_added: "0.2.0"
description:
  - Reads in one call all that the API server knows of a pod network. That is the Nodes with their pod subnets and what
    the network agents have announced on them, the agents' DaemonSets, flannel's configuration, Calico's pools, blocks
    and BGP settings, and services to connect to.
  - Everything is reduced to what a pod network needs, so that the answer stays small for ten thousand Nodes. Objects
    are read in pages of 500.
  - It changes nothing. What this user may not read is named in RV(cluster.gaps).
  - Secrets are left out, such as WireGuard's pre-shared key in flannel's configuration and the passwords of BGP peers.
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
  - switchyard.cni.api
  - switchyard.cni.attributes.info_module
requirements:
  - the collection kubernetes.core and the Python package kubernetes on the host of the task
options:
  gather:
    description:
      - The sections to read. Only these are in the result, besides the version and the gaps.
      - V(pods) and V(policies) have to be asked for, since there may be many thousands of them.
    type: list
    elements: str
    choices:
      - nodes
      - namespaces
      - agents
      - flannel
      - calico
      - services
      - service_cidrs
      - guarded
      - pods
      - policies
      - ipam
      - mirrored
      - journal
    default:
      - nodes
      - namespaces
      - agents
      - flannel
      - calico
      - services
      - service_cidrs
      - guarded
      - ipam
      - mirrored
      - journal
  services:
    description:
      - Services to look up for RV(cluster.services), each as C(namespace/name).
    type: list
    elements: str
    default:
      - default/kubernetes
      - kube-system/kube-dns
      - kube-system/coredns
seealso:
  - module: switchyard.cni.node_network_info
"""

EXAMPLES = r"""
- name: Read what the API server knows of the pod network
  switchyard.cni.cluster_network_info:
    kubeconfig: ~/.kube/config
  register: network_cluster
  delegate_to: localhost

- name: Read only the Nodes
  switchyard.cni.cluster_network_info:
    gather: [nodes]
"""

RETURN = r"""
cluster:
  description: The cluster.
  returned: success
  type: dict
  contains:
    version:
      description: The API server's version.
      returned: always
      type: str
      sample: v1.34.4
    nodes:
      description: The Nodes.
      returned: when asked for
      type: list
      elements: dict
      contains:
        name:
          description: The Node's name.
          returned: always
          type: str
          sample: k8s-node1
        pod_cidrs:
          description: C(spec.podCIDRs).
          returned: always
          type: list
          elements: str
          sample: [172.50.2.0/24]
        internal_ips:
          description: The addresses of type InternalIP.
          returned: always
          type: list
          elements: str
          sample: [192.168.7.110]
        annotations:
          description: The annotations of flannel and Calico.
          returned: always
          type: dict
          sample:
            flannel.alpha.coreos.com/backend-type: vxlan
            flannel.alpha.coreos.com/public-ip: 192.168.7.110
        control_plane:
          description: Whether the Node has a label of the control plane.
          returned: always
          type: bool
        unschedulable:
          description: Whether the Node is cordoned.
          returned: always
          type: bool
        architecture:
          description: The node's architecture in Go's words.
          returned: always
          type: str
          sample: amd64
        max_pods:
          description: How many pods the kubelet admits.
          returned: always
          type: int
          sample: 110
        kubelet:
          description: The kubelet's version.
          returned: always
          type: str
          sample: v1.34.4
        ready:
          description: Status, reason and message of the condition Ready, V(null) where there is none.
          returned: always
          type: dict
          sample: {"status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}
        network_unavailable:
          description: The same of the condition NetworkUnavailable.
          returned: always
          type: dict
          sample: {"status": "False", "reason": "FlannelIsUp", "message": "Flannel is running on this node"}
    namespaces:
      description: The names of the namespaces.
      returned: when asked for
      type: list
      elements: str
    agents:
      description: The DaemonSets of network agents and of kube-proxy, told by their images.
      returned: when asked for
      type: list
      elements: dict
      contains:
        namespace:
          description: The DaemonSet's namespace.
          returned: always
          type: str
        name:
          description: The DaemonSet's name.
          returned: always
          type: str
        agent:
          description: What it is, for example V(flannel), V(calico) or V(kube-proxy).
          returned: always
          type: str
        images:
          description: Its containers' images.
          returned: always
          type: list
          elements: str
        args:
          description: Its options that concern the network.
          returned: always
          type: list
          elements: str
        desired:
          description: On how many nodes it shall run.
          returned: always
          type: int
        ready:
          description: On how many it is ready.
          returned: always
          type: int
    flannel:
      description: The ConfigMaps C(kube-flannel-cfg) of all namespaces.
      returned: when asked for
      type: list
      elements: dict
      contains:
        namespace:
          description: The ConfigMap's namespace.
          returned: always
          type: str
        name:
          description: The ConfigMap's name.
          returned: always
          type: str
        net_conf:
          description: C(net-conf.json) without secrets, V(null) when it is damaged.
          returned: always
          type: dict
          sample: {"Network": "172.50.0.0/16", "Backend": {"Type": "vxlan", "DirectRouting": true}}
        problem:
          description: Why it could not be read, V(null) when it could.
          returned: always
          type: str
    calico:
      description: Calico's own objects, V(null) where the cluster has none.
      returned: when asked for
      type: dict
      contains:
        pools:
          description: The IPPools.
          returned: always
          type: list
          elements: dict
          sample:
            - name: default-ipv4-ippool
              cidr: 172.50.0.0/16
              ipip_mode: Always
              vxlan_mode: Never
        blocks:
          description: The confirmed BlockAffinities of nodes.
          returned: always
          type: list
          elements: dict
          sample: [{"cidr": "172.50.120.0/26", "node": "k8s-node1"}]
        bgp:
          description: The full mesh and the AS number of the BGPConfiguration C(default).
          returned: always
          type: dict
          sample: {"mesh": true, "as_number": 64512}
        peers:
          description: The BGPPeers, without their passwords.
          returned: always
          type: list
          elements: dict
        felix:
          description: What each FelixConfiguration says about tunnels, V(null) for what it does not set.
          returned: always
          type: list
          elements: dict
        typhas:
          description: The namespaces with a Deployment C(calico-typha).
          returned: always
          type: list
          elements: str
        config:
          description: C(calico_backend) and C(veth_mtu) of the ConfigMap C(calico-config).
          returned: always
          type: dict
    services:
      description: The services of O(services) that have an address and a TCP port.
      returned: when asked for
      type: list
      elements: dict
      sample: [{"name": "default/kubernetes", "addresses": ["10.68.0.1"], "ports": [443]}]
    service_cidrs:
      description: The networks of services, as far as the API server tells them (Kubernetes 1.33 and later).
      returned: when asked for
      type: list
      elements: str
      sample: [10.68.0.0/16]
    guarded:
      description:
        - The namespaces that have NetworkPolicies, Kubernetes' own or Calico's. An empty name stands for all of them,
          where Calico has a GlobalNetworkPolicy.
      returned: when asked for
      type: list
      elements: str
      sample: [default]
    pods:
      description: The pods that have, or will have, a network of their own. Those that have ended are left out.
      returned: when asked for
      type: list
      elements: dict
      contains:
        namespace:
          description: The pod's namespace.
          returned: always
          type: str
        name:
          description: The pod's name.
          returned: always
          type: str
        uid:
          description: The pod's own identity, which another pod of this name does not have.
          returned: always
          type: str
        node:
          description: Its Node, V(null) where it has none yet.
          returned: always
          type: str
        addresses:
          description: Its addresses.
          returned: always
          type: list
          elements: str
          sample: [172.50.2.3]
        owner:
          description: The kind of its controller, C(Static) for a pod of a kubelet's own, V(null) for none.
          returned: always
          type: str
          sample: ReplicaSet
        ready:
          description: Whether it is Ready.
          returned: always
          type: bool
        ending:
          description: Whether it is being deleted.
          returned: always
          type: bool
        grace:
          description: How long it may take to end, in seconds.
          returned: always
          type: int
          sample: 30
        volumes:
          description: The kinds of its volumes that are on the node, C(emptyDir) and C(hostPath).
          returned: always
          type: list
          elements: str
    policies:
      description: The NetworkPolicies as namespace/name, by C(kubernetes) and C(calico).
      returned: when asked for
      type: dict
      sample: {"kubernetes": ["default/web"], "calico": []}
    ipam:
      description: The blocks of Calico's IPAM.
      returned: when asked for
      type: list
      elements: dict
      contains:
        cidr:
          description: The block.
          returned: always
          type: str
          sample: 172.50.36.64/26
        node:
          description: The node the block belongs to, V(null) for none.
          returned: always
          type: str
          sample: k8s-node1
        held:
          description: The addresses that are held for pods, each with C(node), C(pod) and C(age) in seconds.
          returned: always
          type: list
          elements: dict
          sample: [{"address": 172.50.36.65, "node": k8s-node1, "pod": default/web-x7k2p, "age": 86400.0}]
    mirrored:
      description:
        - The digests of the C(images) that were mirrored into a private registry, and what agents' pods are C(running).
        - Pods are only read where images were mirrored.
      returned: when asked for
      type: dict
      contains:
        images:
          description: The digest of each image.
          returned: always
          type: dict
          sample: {"registry.example:5000/baseimages/flannel:v0.28.10": "sha256:5c6b"}
        running:
          description: Each container's C(node), C(image) and C(digest), if its image was pulled.
          returned: always
          type: list
          elements: dict
    gaps:
      description: What could not be read, and why.
      returned: always
      type: list
      elements: dict
      sample: [{"what": "/api/v1/configmaps", "reason": "not allowed: configmaps is forbidden"}]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._module import info_argument_spec, run_info


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=info_argument_spec(), supports_check_mode=True)
    run_info(module)


if __name__ == "__main__":
    main()
