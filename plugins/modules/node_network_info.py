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
    attributes, addresses, routes, rules, neighbours and forwarding entries, sysctls, what the kernel can do, the CNI
    configuration and plugins, flannel's C(/run/flannel/subnet.env), pods with their interfaces and leases, the packet
    filter, listening ports, BGP and WireGuard sessions, the container runtime, and the agents that run.
  - It changes nothing, loads no kernel module, and never fails for what is missing, forbidden or damaged. Whatever
    could not be read is named in RV(node.gaps).
  - No private or preshared key, token or other secret is ever part of the result.
  - It can wait until a node's pod network is there, see O(wait_for).
author:
  - The switchyard.cni developers (@switchyard)
extends_documentation_fragment:
  - switchyard.cni.attributes.info_module
requirements:
  - iproute2 5.0 or later on the node (without it the sections it serves are gaps)
  - nft, iptables, ipset, wg and nsenter on the node, each only where there is something for it to read
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
      - rules
      - neighbours
      - fdb
      - wireguard
      - sysctls
      - cni
      - subnet_env
      - cni_cache
      - leases
      - pods
      - network_manager
      - filters
      - firewall
      - ipsets
      - listeners
      - bird
      - runtime
      - agents
      - running
    default:
      - kernel
      - links
      - addresses
      - routes
      - rules
      - neighbours
      - fdb
      - wireguard
      - sysctls
      - cni
      - subnet_env
      - cni_cache
      - leases
      - pods
      - network_manager
      - filters
      - firewall
      - ipsets
      - listeners
      - bird
      - runtime
      - agents
      - running
  cni_conf_dir:
    description:
      - The directory in which the container runtime looks for CNI configuration.
      - With V(auto), where the runtime says that it looks; see RV(node.runtime).
    type: path
    default: /etc/cni/net.d
  cni_bin_dir:
    description:
      - The directory in which the container runtime looks for CNI plugins.
      - With V(auto), where the runtime says that it looks; see RV(node.runtime).
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
      - How many entries of one kind are listed. Routes that are not O(pod_networks) routes are counted by protocol,
        forwarding entries and neighbours by device.
      - Of pod routes, forwarding entries and permanent neighbours beyond it none is listed, of other kinds the first
        ones.
        RV(node.truncated) has their count and digest.
    type: int
    default: 500
  table_limit:
    description:
      - O(limit) for the tables that grow with the cluster, which are pod routes, forwarding entries and permanent
        neighbours. Without it they have O(limit) too.
    type: int
  pod_networks:
    description:
      - The pods' networks, in CIDR form. The unicast routes of the table C(main) to networks inside them are told
        apart as pod routes; routes to single addresses and over O(bridge) are not among them.
    type: list
    elements: str
    default: []
  bridge:
    description:
      - The device of the node's own pods.
    type: str
    default: cni0
  packed:
    description:
      - Tables to send whole and packed in RV(node.truncated), however small they are. Their sections must be in
        O(gather), and V(pod_routes) needs O(pod_networks).
    type: list
    elements: str
    choices:
      - pod_routes
      - fdb
      - neighbours
    default: []
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
          over:
            description:
              - The devices whose routes count, all of them when it is empty. While one backend follows another, there
                may still be routes of the earlier one.
            type: list
            elements: str
            default: []
          by:
            description:
              - The protocols whose routes count, such as V(bird) or V(80) (Felix), all of them when it is empty.
            type: list
            elements: str
            default: []
          at_least:
            description:
              - Whether more routes than O(wait_for.pod_routes.count) are right too.
            type: bool
            default: false
      cni_config:
        description:
          - The name of a file that must be in O(cni_conf_dir) and be sound CNI configuration.
        type: str
      tunnels:
        description:
          - Tunnel devices that must take part in the network.
        type: list
        elements: dict
        suboptions:
          dev:
            description:
              - The device.
            type: str
            required: true
          within:
            description:
              - Networks; an address of the device must be in one of them. Any or no address when it is empty.
            type: list
            elements: str
            default: []
          peers:
            description:
              - To how many peers the device must have forwarding entries at least.
            type: int
            default: 0
          own_routes:
            description:
              - How many routes must lead over the device at least in a routing table besides C(main), as Calico's
                WireGuard has one.
            type: int
            default: 0
          bare:
            description:
              - Whether the device takes no part any more and must have no IPv4 address; it need not be there.
            type: bool
            default: false
      sessions:
        description:
          - The peers with which BIRD must have Established BGP sessions.
        type: dict
        suboptions:
          peers:
            description:
              - Their addresses.
            type: list
            elements: str
            required: true
          mesh:
            description:
              - Whether these must be sessions of Calico's node-to-node mesh. Otherwise they must be others, and there
                must be none of the mesh any more.
            type: bool
            default: true
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

- name: Read everything that a verification compares, in a form that stays small on a large cluster
  switchyard.cni.node_network_info:
    cni_conf_dir: auto
    cni_bin_dir: auto
    pod_networks:
      - 172.50.0.0/16

- name: Read the routes to all peers and the VXLAN devices' entries as packed tables
  switchyard.cni.node_network_info:
    gather:
      - routes
      - fdb
      - neighbours
    pod_networks:
      - 172.50.0.0/16
    packed:
      - pod_routes
      - fdb
      - neighbours

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
          tunnel: null
          counters: {"rx_packets": 70, "tx_packets": 72, "rx_bytes": 5880, "tx_bytes": 6048}
          parent: eth0
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
        tunnel:
          description:
            - The local and remote address and the underlying device of a tunnel of kind V(ipip), V(sit), V(gre) or
              V(ip6tnl), each V(null) where it is any. V(null) for other devices.
          returned: always
          type: dict
          sample: {"local": "192.168.7.110", "remote": null, "dev": "eth0"}
        counters:
          description:
            - How many packets and bytes a tunnel (those kinds, and V(vxlan), V(wireguard), V(tun)) has carried. V(null)
              for other devices.
          returned: always
          type: dict
        parent:
          description: The device below it in this network namespace, V(null) for a device without one.
          returned: always
          type: str
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
    rules:
      description: The routing rules, without the kernel's three (priorities 0, 32766 and 32767).
      returned: when asked for
      type: list
      elements: dict
      sample:
        - family: inet
          priority: 99
          inverted: true
          from: null
          to: null
          fwmark: "0x100000/0x100000"
          iif: null
          table: "1"
          action: lookup
          protocol: null
      contains:
        family:
          description: V(inet) or V(inet6).
          returned: always
          type: str
        priority:
          description: Rules are tried in the order of these numbers, lower ones first.
          returned: always
          type: int
        inverted:
          description: Whether the rule is for what its selectors do not match.
          returned: always
          type: bool
        from:
          description: The source, an address or a network in CIDR form. V(null) is any.
          returned: always
          type: str
        to:
          description: The destination, an address or a network in CIDR form. V(null) is any.
          returned: always
          type: str
        fwmark:
          description: The packet's mark and its mask in hexadecimal. V(null) is any.
          returned: always
          type: str
        iif:
          description: The device by which the packet came. V(null) is any.
          returned: always
          type: str
        table:
          description: The table to look up, V(null) for another action.
          returned: always
          type: str
        action:
          description: One of V(lookup), V(goto), V(blackhole), V(unreachable) and V(prohibit).
          returned: always
          type: str
        protocol:
          description: Who has made the rule, where somebody has said so.
          returned: always
          type: str
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
    wireguard:
      description:
        - The WireGuard devices by name, from C(wg show all dump). Private and preshared keys are dropped when it is
          read.
      returned: when asked for
      type: dict
      sample:
        flannel-wg:
          listen_port: 51820
          public_key: cHVibGljLWtleS1vZi10aGlzLW5vZGUuLi4uLi4uLi4=
          peers:
            - public_key: cHVibGljLWtleS1vZi1ub2RlLW9uZS4uLi4uLi4uLi4=
              endpoint: 192.168.7.101:51820
              allowed_ips: ["172.50.0.0/24"]
              latest_handshake: 1764111600
              rx_bytes: 1234
              tx_bytes: 5678
              keepalive: 25
      contains:
        listen_port:
          description: The UDP port.
          returned: always
          type: int
        public_key:
          description: The device's public key, V(null) before it has one.
          returned: always
          type: str
        peers:
          description:
            - The peers. C(endpoint) is the address and port the peer was last seen at or V(null), C(allowed_ips) are
              networks in CIDR form, C(latest_handshake) is in seconds since the epoch or 0 if there was none,
              C(rx_bytes) and C(tx_bytes) are what came from it and went to it, C(keepalive) is in seconds or 0.
          returned: always
          type: list
          elements: dict
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
          description:
            - The files in their order of precedence, with the network's C(name) and the types of its C(plugins).
            - C(mtu) is that of the first plugin that sets one, in bytes, C(ipam) the type of the first plugin's that
              has one; what flannel hands on (C(delegate)) counts as its own. Both are V(null) where nothing is set.
            - A C(damaged) one has no name, no plugins, and a gap.
          returned: always
          type: list
          elements: dict
          sample:
            - file: 10-calico.conflist
              name: k8s-pod-network
              plugins: ["calico", "portmap"]
              mtu: 1480
              ipam: calico-ipam
              damaged: false
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
    cni_cache:
      description:
        - The files in which libcni (C(/var/lib/cni/results)) and CNI plugins remember pods, by their paths.
      returned: when asked for
      type: list
      elements: path
      sample: ["/var/lib/cni/results/cbr0-4c1f0e...-eth0"]
    leases:
      description:
        - The addresses that the IPAM plugin host-local has given away, by network, from C(/var/lib/cni/networks).
        - C(container) is the id of the pod's sandbox, C(age) in seconds since the lease was written.
      returned: when asked for
      type: dict
      sample: {"cbr0": [{"address": "172.50.1.7", "container": "4c1f0e...", "age": 3600}]}
    pods:
      description:
        - The interfaces of the pods in every network namespace that a container runtime keeps under a name. A
          namespace without any has one entry without C(ifname).
      returned: when asked for
      type: list
      elements: dict
      sample:
        - name: kube-system/coredns-76f75df574-abcde
          container: 4c1f0e...
          netns: /run/netns/cni-6b3a
          ifname: eth0
          addresses: ["172.50.1.7"]
          mtu: 1450
          host_dev: veth3e1c
          host_mtu: 1450
      contains:
        name:
          description: The namespace and name of the pod as libcni remembers them, V(null) where it does not.
          returned: always
          type: str
        container:
          description: The id of the pod's sandbox as libcni remembers it, V(null) where it does not.
          returned: always
          type: str
        netns:
          description: The path of the network namespace.
          returned: always
          type: str
        ifname:
          description: The interface's name inside.
          returned: always
          type: str
        addresses:
          description: The interface's addresses inside, except link-local ones.
          returned: always
          type: list
          elements: str
        mtu:
          description: The interface's MTU inside, in bytes.
          returned: always
          type: int
        host_dev:
          description: The other end of the interface on the node, V(null) where there is none.
          returned: always
          type: str
        host_mtu:
          description: The MTU of the other end, in bytes.
          returned: always
          type: int
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
        kube_proxy_local_cidrs:
          description:
            - The pod networks by which kube-proxy tells its node's pods from others (clusterCIDR).
            - Empty where it does not go by them, where it was told none, and where it does not run.
          returned: always
          type: list
          elements: str
          sample: ["10.244.0.0/16"]
    firewall:
      description:
        - The packet filter. iptables is asked only for tables that exist, nft only where the kernel has it already.
      returned: when asked for
      type: dict
      contains:
        chains:
          description:
            - The base chains of the hooks forward and input (filter) and postrouting (nat), all chains of flannel, and
              the chains of Calico and kube-proxy that are there once (kube-proxy's only if they have rules). Others,
              such as the chains of endpoints, policies and services, are only counted.
          returned: always
          type: list
          elements: dict
          sample:
            - flavour: iptables-nft
              family: ip
              table: filter
              chain: FLANNEL-FWD
              owner: flannel
              hook: null
              policy: null
              packets: 127
              rules: ['-s 172.50.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT']
              rule_count: 2
          contains:
            flavour:
              description: V(nft), V(iptables-nft) or V(iptables-legacy).
              returned: always
              type: str
            family:
              description: V(ip) or V(ip6), of nft also its other families such as V(inet).
              returned: always
              type: str
            table:
              description: The table.
              returned: always
              type: str
            chain:
              description: The chain's name.
              returned: always
              type: str
            owner:
              description: One of V(flannel), V(calico) and V(kube-proxy), or V(null).
              returned: always
              type: str
            hook:
              description: Where a base chain is called, for example V(forward). V(null) for other chains.
              returned: always
              type: str
            policy:
              description: What a base chain does with the rest, V(accept) or V(drop). V(null) for other chains.
              returned: always
              type: str
            packets:
              description:
                - How many packets its rules and its policy have counted together. V(null) where nothing counts.
              returned: always
              type: int
            rules:
              description:
                - The first 50 rules of base chains and of flannel's chains, as iptables-save or nft print them, without
                  the chain's name and without counters.
              returned: always
              type: list
              elements: str
            rule_count:
              description: How many rules it has.
              returned: always
              type: int
        counts:
          description: How many chains each owner has in all tables and flavours.
          returned: always
          type: dict
          sample: {"kube-proxy": 48, "calico": 0, "flannel": 2, "other": 5}
        tables:
          description: The tables of nft, those of iptables-nft included.
          returned: always
          type: list
          elements: dict
          sample: [{"family": "ip", "name": "flannel-ipv4", "owner": "flannel"}]
    ipsets:
      description:
        - The kernel's sets of addresses, with the number of their entries (V(null) where ipset does not tell) and whose
          they are, V(calico), V(kube-proxy) or V(null).
      returned: when asked for
      type: list
      elements: dict
      sample: [{"name": "cali40masq-ipam-pools", "type": "hash:net", "entries": 1, "owner": "calico"}]
    listeners:
      description:
        - The listening sockets on ports that pod networks use (8472, 4789, 8285, 51820, 51821, 179, 5473, 9099) and on
          those of the node's VXLAN and WireGuard devices.
        - C(process) is the program's name, V(kernel) for a socket that no process holds, such as a VXLAN device's, and
          V(null) where that cannot be told, because not every process could be looked into.
      returned: when asked for
      type: list
      elements: dict
      sample: [{"protocol": "udp", "port": 8472, "address": "0.0.0.0", "process": "kernel"}]
    bird:
      description: The BIRD daemons that answer on their control sockets, with their BGP sessions.
      returned: when asked for
      type: list
      elements: dict
      sample:
        - socket: /var/run/calico/bird.ctl
          version: v0.3.3+birdv1.6.8
          router_id: 192.168.7.110
          protocols:
            - name: Mesh_192_168_7_101
              type: BGP
              state: up
              since: "22:48:07"
              info: Established
              peer: 192.168.7.101
              peer_as: 64512
              local_as: 64512
              kind: node-to-node mesh
              imported: 1
              exported: 1
      contains:
        socket:
          description: The control socket.
          returned: always
          type: str
        version:
          description: The daemon's version.
          returned: always
          type: str
        router_id:
          description: The router's id.
          returned: always
          type: str
        protocols:
          description: The BGP sessions, those in trouble first where not all are listed.
          returned: always
          type: list
          elements: dict
          contains:
            name:
              description: The session's name in BIRD's configuration.
              returned: always
              type: str
            type:
              description: Always V(BGP).
              returned: always
              type: str
            state:
              description: BIRD's state of it, for example V(up), V(start) or V(down).
              returned: always
              type: str
            since:
              description: When it came into that state, as BIRD prints it (the time of the day, or the date).
              returned: always
              type: str
            info:
              description:
                - >-
                  The state of BGP (RFC 4271, 8.2.2) and behind it the last error, for example V(Established) or
                  V(Connect Socket: No route to host).
              returned: always
              type: str
            peer:
              description: The neighbour's address.
              returned: always
              type: str
            peer_as:
              description: The neighbour's AS number.
              returned: always
              type: int
            local_as:
              description: The own AS number, V(null) where BIRD (1.6) does not tell before a session is established.
              returned: always
              type: int
            kind:
              description:
                - V(node-to-node mesh), V(global) or V(node specific) for sessions that Calico configured, V(null) for
                  others.
              returned: always
              type: str
            imported:
              description: How many routes came from the neighbour.
              returned: always
              type: int
            exported:
              description: How many routes went to the neighbour.
              returned: always
              type: int
    runtime:
      description:
        - The container runtime that serves the kubelet, told by the kubelet's options and configuration, or by the
          sockets that are there.
      returned: when asked for
      type: dict
      sample:
        name: containerd
        socket: /run/containerd/containerd.sock
        cni_conf_dir: /etc/cni/net.d
        cni_bin_dir: /opt/cni/bin
      contains:
        name:
          description: One of V(containerd), V(docker), V(cri-o) and V(k3s), or V(null).
          returned: always
          type: str
        socket:
          description: Its socket.
          returned: always
          type: str
        cni_conf_dir:
          description: Where it looks for CNI configuration, by its own configuration or by default.
          returned: always
          type: str
        cni_bin_dir:
          description: Where it looks for CNI plugins, by its own configuration or by default.
          returned: always
          type: str
    agents:
      description:
        - The agents of pod networks and Kubernetes that run in the node's network namespace, such as flanneld,
          calico-node, bird, kube-proxy, kubelet and k3s.
        - C(args) has those of their options that are known to hold no secret, each as C(--name) or C(--name=value).
      returned: when asked for
      type: list
      elements: dict
      sample: [{"name": "flanneld", "pid": 1234, "args": ["--ip-masq", "--kube-subnet-mgr", "--iface=eth1"]}]
    running:
      description:
        - Which network plugin and backend the node is really running, told from its CNI configuration in force, its
          devices, the routes that use them, and its agents. V(null) where none is recognised.
        - The kernel cannot tell Calico's CrossSubnet from Always while all nodes are near, or all far.
      returned: when asked for
      type: dict
      contains:
        plugin:
          description: The plugin, V(flannel) or V(calico).
          returned: always
          type: str
          sample: flannel
        backend:
          description: The type of its backend, such as V(vxlan), V(host-gw) or V(none).
          returned: always
          type: str
          sample: vxlan
        direct_routing:
          description: Whether some peers are reached without the encapsulation.
          returned: always
          type: bool
          sample: false
        signs:
          description: By what it was told.
          returned: always
          type: list
          elements: str
          sample:
            - CNI configuration 10-flannel.conflist
            - process flanneld
            - device flannel.1, 2 routes over it, 0 directly
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
        - What is not listed in full. C(what) is its kind, one of V(pod_routes), V(routes) (of one C(protocol)), V(fdb)
          (of one C(dev)), V(neighbours) (the permanent ones of one C(dev)), V(learned_neighbours) (the others of one
          C(dev)), V(wireguard) (of one C(dev)), V(leases) (of one C(network)), V(ipsets) and V(bird) (of one
          C(socket)).
        - C(count) is how many there are, C(listed) how many of them are listed, C(digest) the sum of their hashes,
          which does not depend on their order.
        - C(rows) is there for what is O(packed). It is the table, one entry a line, sorted, compressed with zlib, in
          base64.
      returned: when something is not listed in full
      type: list
      elements: dict
      sample:
        - {"what": "pod_routes", "count": 10000, "listed": 0, "digest": "00c0ffee00c0ffee"}
        - {"what": "fdb", "dev": "flannel.1", "count": 10000, "listed": 0, "digest": "00facade00facade"}
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
