#!/usr/bin/python
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_network_info
short_description: Tell what a node's network really is
version_added: "0.1.0"
description:
  - Reads in one call everything about a node's network that a pod network depends on. That is devices with their tunnel
    attributes, addresses, routes, neighbours and forwarding entries, sysctls, what the kernel can do, the CNI
    configuration and plugins, flannel's C(/run/flannel/subnet.env) and the mode of kube-proxy.
  - It changes nothing, loads no kernel module, and never fails for what is missing, forbidden or damaged. Whatever
    could not be read is named in RV(node.gaps).
  - It can wait until a node's pod network is there, see O(wait_for).
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
  - switchyard.cni.attributes.info_module
requirements:
  - iproute2 5.0 or later on the node (without it the sections it serves are gaps)
options:
  gather:
    description:
      - The sections to read. Only these are in the result, besides the host name and the gaps.
    type: list
    elements: str
    choices:
      - kernel
      - links
      - addresses
      - routes
      - neighbours
      - fdb
      - sysctls
      - cni
      - subnet_env
      - network_manager
      - filters
    default:
      - kernel
      - links
      - addresses
      - routes
      - neighbours
      - fdb
      - sysctls
      - cni
      - subnet_env
      - network_manager
      - filters
  cni_conf_dir:
    description:
      - The directory in which the container runtime looks for CNI configuration.
    type: path
    default: /etc/cni/net.d
  cni_bin_dir:
    description:
      - The directory in which the container runtime looks for CNI plugins.
    type: path
    default: /opt/cni/bin
  cni_search:
    description:
      - Other directories in which CNI plugins may be found.
    type: list
    elements: path
    default:
      - /opt/cni/bin
      - /usr/lib/cni
      - /usr/libexec/cni
      - /usr/local/lib/cni
  sysctls:
    description:
      - Sysctls to read besides those that are always read.
      - A dot inside a device's name is written as a slash, as sysctl(8) does, for example
        V(net.ipv4.conf.flannel/1.rp_filter).
    type: list
    elements: str
    default: []
  files:
    description:
      - Files of which RV(node.files) shall hold the SHA-256 and the mode, or nothing where there is none.
    type: list
    elements: path
    default: []
  limit:
    description:
      - How many entries of one kind are listed, for routes how many of one protocol.
      - What has more is listed in part, and counted and digested in RV(node.truncated).
    type: int
    default: 1000
  wait_for:
    description:
      - What must be there before the node is read.
      - In check mode nothing is waited for. RV(missing) then tells what is not there now.
    type: dict
    suboptions:
      subnet_env:
        description:
          - V(true) when C(/run/flannel/subnet.env) must be there and sound, or a dictionary of the values it must have,
            so that a file of an earlier flannel does not count.
        type: raw
      links:
        description:
          - Devices that must be there and not be down.
        type: list
        elements: str
      routes:
        description:
          - Routes that must be in the main table.
        type: list
        elements: dict
        suboptions:
          dst:
            description:
              - The destination, a network in CIDR form or V(default).
            type: str
            required: true
          gateway:
            description:
              - The gateway the route must have; any when it is left out.
            type: str
          dev:
            description:
              - The device the route must use; any when it is left out.
            type: str
      pod_routes:
        description:
          - All routes to the peers' pods at once, without a table on the wire.
        type: dict
        suboptions:
          within:
            description:
              - The pods' networks. Routes to single addresses in them do not count.
            type: list
            elements: str
            required: true
          count:
            description:
              - How many such routes the main table must have.
            type: int
            required: true
          digest:
            description:
              - The sum of the routes' hashes, 16 hexadecimal digits; any when it is left out.
            type: str
          bridge:
            description:
              - The device of the node's own pods, whose route does not count.
            type: str
      cni_config:
        description:
          - The name of a file that must be in O(cni_conf_dir) and be sound CNI configuration.
        type: str
      timeout:
        description:
          - How long to wait at most, in seconds.
        type: float
        default: 60.0
      interval:
        description:
          - How long to wait between two looks, in seconds.
        type: float
        default: 0.5
  wait_fail:
    description:
      - Whether it is a failure when something of O(wait_for) is still missing after its timeout.
    type: bool
    default: true
notes:
  - The kernel's table C(local) and the routes of types C(local), C(broadcast), C(multicast) and C(anycast) are left
    out. Those are the kernel's own bookkeeping.
seealso:
  - module: switchyard.cni.node_state
"""

EXAMPLES = r"""
- name: Read the network of every node
  switchyard.cni.node_network_info:
  register: network_before

- name: Read only what the kernel can do and which CNI configuration is in force
  switchyard.cni.node_network_info:
    gather:
      - kernel
      - cni

- name: Wait until flannel serves this node, then read it
  switchyard.cni.node_network_info:
    wait_for:
      subnet_env:
        FLANNEL_NETWORK: 172.50.0.0/16
      links:
        - flannel.1
      routes:
        - dst: 172.50.1.0/24
          gateway: 172.50.1.0
          dev: flannel.1
      cni_config: 10-flannel.conflist
      timeout: 120
  register: network_after
"""

RETURN = r"""
node:
  description: The node's network.
  returned: always
  type: dict
  contains:
    hostname:
      description: The kernel's host name.
      returned: always
      type: str
      sample: node-1
    kernel:
      description: What the kernel can do.
      returned: when asked for
      type: dict
      contains:
        release:
          description: The running kernel.
          returned: always
          type: str
          sample: 6.1.0-37-amd64
        features:
          description:
            - How each feature is available, one of V(builtin), V(loaded), V(module) (it can be loaded), V(missing) and
              V(unknown).
          returned: always
          type: dict
          sample:
            vxlan: loaded
            br_netfilter: module
            ipip: missing
            wireguard: module
            tun: builtin
        reasons:
          description: Why a feature is missing or unknown.
          returned: always
          type: dict
          sample: {"ipip": "kernel 6.1.0-37-amd64 is built without CONFIG_NET_IPIP"}
        tun_device:
          description: Whether C(/dev/net/tun) is there and may be opened.
          returned: always
          type: bool
          sample: true
    links:
      description:
        - The devices. RV(node.links[].state) is V(up), V(down) or V(no-carrier), RV(node.links[].mtu) is in bytes.
      returned: when asked for
      type: list
      elements: dict
      sample:
        - name: flannel.1
          index: 4
          kind: vxlan
          mtu: 1450
          state: up
          mac: 0a:7f:a9:59:9f:87
          master: null
          vxlan: {"id": 1, "port": 8472, "local": "192.168.7.110", "dev": "eth0", "learning": false}
      contains:
        name:
          description: The device's name.
          returned: always
          type: str
        index:
          description: The device's number.
          returned: always
          type: int
        kind:
          description: The kind of a virtual device, such as V(vxlan), V(bridge), V(veth) or V(tun).
          returned: always
          type: str
        mtu:
          description: The MTU in bytes.
          returned: always
          type: int
        state:
          description: One of V(up), V(down) and V(no-carrier), told from the device's flags.
          returned: always
          type: str
        mac:
          description: The Ethernet address, V(null) for a device without one.
          returned: always
          type: str
        master:
          description: The bridge or bond it belongs to.
          returned: always
          type: str
        vxlan:
          description: The VNI, UDP port, local address, underlying device and learning of a VXLAN device.
          returned: always
          type: dict
    addresses:
      description: The devices' addresses.
      returned: when asked for
      type: list
      elements: dict
      sample: [{"dev": "cni0", "family": "inet", "address": "172.50.1.1", "prefixlen": 24, "scope": "global"}]
    routes:
      description:
        - The routes of all tables. A route over several next hops has one entry for each.
        - Protocols have the names of C(/etc/iproute2/rt_protos), for example V(boot) and V(bird), or numbers.
      returned: when asked for
      type: list
      elements: dict
      sample:
        - dst: 172.50.0.0/24
          gateway: 172.50.0.0
          dev: flannel.1
          protocol: boot
          scope: global
          type: unicast
          metric: 0
          table: main
          onlink: true
          family: inet
    neighbours:
      description: The ARP and ND entries.
      returned: when asked for
      type: list
      elements: dict
      sample: [{"dev": "flannel.1", "address": "172.50.0.0", "mac": "aa:bb:cc:00:00:01", "state": ["PERMANENT"]}]
    fdb:
      description: The VXLAN devices' forwarding entries that lead to other nodes.
      returned: when asked for
      type: list
      elements: dict
      sample: [{"dev": "flannel.1", "mac": "aa:bb:cc:00:00:01", "dst": "192.168.7.101", "state": "permanent"}]
    sysctls:
      description: The sysctls that exist, with their values as words.
      returned: when asked for
      type: dict
      sample: {"net.ipv4.ip_forward": "1", "net.ipv4.conf.flannel/1.rp_filter": "0"}
    cni:
      description: CNI configuration and plugins. The first of RV(node.cni.configs) is the one in force.
      returned: when asked for
      type: dict
      contains:
        conf_dir:
          description: Where the configuration was looked for.
          returned: always
          type: str
          sample: /etc/cni/net.d
        bin_dir:
          description: Where the plugins were looked for.
          returned: always
          type: str
          sample: /opt/cni/bin
        configs:
          description: The files in their order of precedence. A damaged one has no name, no plugins, and a gap.
          returned: always
          type: list
          elements: dict
          sample: [{"file": "10-flannel.conflist", "name": "cbr0", "plugins": ["flannel", "portmap"]}]
        binaries:
          description: The plugins in RV(node.cni.bin_dir).
          returned: always
          type: list
          elements: str
          sample: ["bridge", "flannel", "host-local", "loopback", "portmap"]
        search:
          description: The plugins in other directories.
          returned: always
          type: dict
          sample: {"/usr/lib/cni": ["bridge", "host-local"]}
    subnet_env:
      description: The values in flannel's C(/run/flannel/subnet.env), V(null) when it is not there or damaged.
      returned: when asked for
      type: dict
      sample:
        FLANNEL_NETWORK: 172.50.0.0/16
        FLANNEL_SUBNET: 172.50.1.1/24
        FLANNEL_MTU: "1450"
        FLANNEL_IPMASQ: "true"
    network_manager:
      description: Whether NetworkManager is installed.
      returned: when asked for
      type: bool
      sample: false
    filters:
      description: What the packet filter tells.
      returned: when asked for
      type: dict
      contains:
        kube_proxy_mode:
          description: One of V(iptables), V(nftables), V(ipvs), V(none) and V(unknown).
          returned: always
          type: str
          sample: nftables
        kube_proxy:
          description: The signs of kube-proxy, the strongest first.
          returned: always
          type: list
          elements: dict
          sample: [{"mode": "nftables", "sign": "nft table kube-proxy"}]
    files:
      description: What O(files) hold, V(null) where there is no file. Both values are empty where a gap tells why.
      returned: when O(files) is used
      type: dict
      sample:
        /etc/sysctl.d/90-switchyard-cni.conf:
          sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
          mode: "0644"
    gaps:
      description: What could not be read, and why.
      returned: always
      type: list
      elements: dict
      sample: [{"what": "sysctl net.ipv6.conf.all.forwarding", "reason": "absent (module ipv6 brings it)"}]
    truncated:
      description:
        - The kinds of which O(limit) entries are listed. C(digest) is the sum of the entries' hashes, which does not
          depend on their order.
      returned: when something is not listed in full
      type: list
      elements: dict
      sample: [{"what": "routes", "protocol": "bird", "count": 10000, "listed": 1000, "digest": "00c0ffee00c0ffee"}]
missing:
  description: What of O(wait_for) is not there, in words.
  returned: when O(wait_for) is used
  type: list
  elements: str
  sample: ["device flannel.1"]
waited:
  description: How long the wait took, in seconds.
  returned: when O(wait_for) is used
  type: float
  sample: 3.51
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._node._module import info_argument_spec, run_info


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=info_argument_spec(), supports_check_mode=True)
    run_info(module)


if __name__ == "__main__":
    main()
