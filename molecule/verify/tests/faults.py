# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of a pod network as shell lines: how to plant each on a node of the lab, and how to take it back.

Those of one group do not get in each other's way: they are planted together, and one run must find them all.
"""

from __future__ import annotations

from dataclasses import dataclass

MASTER, NODE1, NODE2 = "k8s-master1", "k8s-node1", "k8s-node2"
CNI_CONF = "/etc/cni/net.d/10-flannel.conflist"
CLUSTER = ""

# The pod subnets: master 172.50.0.0/24, node1 172.50.2.0/24, node2 172.50.1.0/24.
FLANNEL = "flannel.alpha.coreos.com"
POD_NETNS = "$(ls /run/netns | head -1)"


@dataclass(frozen=True)
class Fault:
    """What a run must find on a node, and the shell lines that plant it there and take it back.

    ``also`` are other findings that the same lines must lead to, as (id, node). ``on`` is where the lines are run:
    a node, or "" for this machine, where $KUBECTL is the lab's administrator.
    """

    id: str
    node: str
    plant: str
    heal: str
    also: tuple[tuple[str, str], ...] = ()
    on: str | None = None

    @property
    def where(self) -> str:
        """Where its lines are run."""
        return self.node if self.on is None else self.on


def _route(fault: str, subnet: str, wrong: str, *also: str) -> Fault:
    right = f"ip route replace {subnet} via {subnet.removesuffix('/24')} dev flannel.1 onlink"
    return Fault(fault, NODE1, wrong, right, tuple((one, NODE1) for one in also))


_FDB_OF_NODE2 = "$(bridge fdb show dev flannel.1 | awk '/192.168.7.111/ { print $1 }')"
_OTHER_MAC = "0e:00:00:00:00:09"

ROUTES = (
    _route("route-missing", "172.50.1.0/24", "ip route del 172.50.1.0/24"),
    _route("route-wrong-device", "172.50.0.0/24", "ip route replace 172.50.0.0/24 via 192.168.7.101 dev eth0"),
    Fault(
        "route-wrong-gateway",
        NODE2,
        "ip route replace 172.50.0.0/24 via 172.50.9.0 dev flannel.1 onlink",
        "ip route replace 172.50.0.0/24 via 172.50.0.0 dev flannel.1 onlink",
    ),
    Fault(
        "route-stale",
        NODE2,
        "ip route add 172.50.9.0/24 via 172.50.9.0 dev flannel.1 onlink",
        "ip route del 172.50.9.0/24",
    ),
    Fault(
        "route-shadows",
        NODE2,
        "ip route add 172.50.2.128/25 via 192.168.7.110",
        "ip route del 172.50.2.128/25",
    ),
    Fault(
        "route-blackhole",
        NODE1,
        "ip route add blackhole 172.50.2.64/26 proto bird",
        "ip route del blackhole 172.50.2.64/26",
    ),
    Fault(
        "route-duplicate",
        MASTER,
        "ip route add 172.50.1.0/24 via 192.168.7.111 dev eth0 metric 77",
        "ip route del 172.50.1.0/24 metric 77",
    ),
    Fault(
        "rule-diverts-pods",
        MASTER,
        "ip rule add to 172.50.0.0/16 lookup 77 pref 77 && ip route add 172.50.1.0/24 via 192.168.7.111 table 77",
        "ip rule del pref 77; ip route flush table 77",
    ),
    Fault(
        "leftover-route",
        NODE2,
        "ip route add 10.77.0.0/16 via 192.168.7.101 proto bird",
        "ip route del 10.77.0.0/16",
    ),
)

TUNNEL = (
    Fault(
        "fdb-missing",
        NODE1,
        f"bridge fdb show dev flannel.1 | grep 192.168.7.111 > /root/fdb; bridge fdb del {_FDB_OF_NODE2} dev flannel.1",
        "bridge fdb replace $(cut -d' ' -f1 /root/fdb) dev flannel.1 dst 192.168.7.111 self permanent; rm /root/fdb",
    ),
    Fault(
        "fdb-wrong",
        NODE2,
        "mac=$(bridge fdb show dev flannel.1 | awk '/192.168.7.110/ { print $1 }'); echo $mac > /root/mac; "
        "bridge fdb replace $mac dev flannel.1 dst 192.168.7.199 self permanent",
        "bridge fdb replace $(cat /root/mac) dev flannel.1 dst 192.168.7.110 self permanent; rm /root/mac",
    ),
    Fault(
        "fdb-stale",
        MASTER,
        f"bridge fdb add {_OTHER_MAC} dev flannel.1 dst 192.168.7.199 self permanent",
        f"bridge fdb del {_OTHER_MAC} dev flannel.1 dst 192.168.7.199 self",
    ),
    Fault(
        "neighbour-missing",
        NODE1,
        "ip neigh show dev flannel.1 | awk '/^172.50.0.0 / { print $3 }' > /root/neigh; "
        "ip neigh del 172.50.0.0 dev flannel.1",
        "ip neigh replace 172.50.0.0 lladdr $(cat /root/neigh) dev flannel.1 nud permanent; rm /root/neigh",
    ),
    Fault(
        "neighbour-wrong",
        NODE2,
        "ip neigh show dev flannel.1 | awk '/^172.50.0.0 / { print $3 }' > /root/neigh; "
        f"ip neigh replace 172.50.0.0 lladdr {_OTHER_MAC} dev flannel.1 nud permanent",
        "ip neigh replace 172.50.0.0 lladdr $(cat /root/neigh) dev flannel.1 nud permanent; rm /root/neigh",
    ),
    Fault(
        "neighbour-stale",
        MASTER,
        f"ip neigh replace 172.50.9.0 lladdr {_OTHER_MAC} dev flannel.1 nud permanent",
        "ip neigh del 172.50.9.0 dev flannel.1",
    ),
    Fault("device-wrong-mtu", NODE2, "ip link set flannel.1 mtu 1400", "ip link set flannel.1 mtu 1450"),
    Fault(
        "device-wrong-address",
        NODE1,
        "ip addr add 172.50.77.0/32 dev flannel.1",
        "ip addr del 172.50.77.0/32 dev flannel.1",
    ),
)

HOST = (
    Fault("ip-forward-off", NODE1, "sysctl -qw net.ipv4.ip_forward=0", "sysctl -qw net.ipv4.ip_forward=1"),
    Fault(
        "rp-filter-strict",
        NODE2,
        # The higher of both values counts, and 01.prepare.yml may have left a loose one for all devices.
        "sysctl -n net.ipv4.conf.all.rp_filter > /run/rp_filter"
        "; sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=1",
        "sysctl -qw net.ipv4.conf.eth0.rp_filter=0 net.ipv4.conf.all.rp_filter=$(cat /run/rp_filter)"
        "; rm /run/rp_filter",
    ),
    Fault(
        "bridge-nf-off",
        MASTER,
        "sysctl -qw net.bridge.bridge-nf-call-iptables=0",
        "sysctl -qw net.bridge.bridge-nf-call-iptables=1",
    ),
    Fault(
        "filter-mode-mismatch",
        NODE2,
        "nft add table ip flannel-ipv4 && nft add chain ip flannel-ipv4 forward",
        "nft delete table ip flannel-ipv4",
    ),
    Fault(
        "cni-config-shadowed",
        NODE1,
        """echo '{"cniVersion": "0.3.1", "name": "x", "type": "bridge"}' > /etc/cni/net.d/05-other.conf""",
        "rm /etc/cni/net.d/05-other.conf",
    ),
    Fault("cni-config-damaged", NODE2, "echo '{' > /etc/cni/net.d/99-odd.conf", "rm /etc/cni/net.d/99-odd.conf"),
    Fault("cni-plugin-missing", NODE2, "mv /opt/cni/bin/portmap /root", "mv /root/portmap /opt/cni/bin"),
    Fault(
        "cni-mtu-wrong",
        NODE2,
        # Written, not moved: containerd takes a file that is moved in for a lost one, and the kubelet is NotReady.
        f"cp {CNI_CONF} /root && "
        f"""sed 's/"hairpinMode": true/"hairpinMode": true, "mtu": 1400/' /root/10-flannel.conflist > {CNI_CONF}""",
        f"cat /root/10-flannel.conflist > {CNI_CONF} && rm /root/10-flannel.conflist",
    ),
    Fault("agent-file-missing", MASTER, "mv /run/flannel/subnet.env /run/kept", "mv /run/kept /run/flannel/subnet.env"),
    Fault(
        "agent-file-wrong",
        NODE1,
        "sed -i.saved s/MTU=1450/MTU=1400/ /run/flannel/subnet.env",
        "mv /run/flannel/subnet.env.saved /run/flannel/subnet.env",
    ),
)

PODS = (
    Fault(
        "pod-mtu-high",
        NODE1,
        f"ip -n {POD_NETNS} link set eth0 mtu 1500",
        f"ip -n {POD_NETNS} link set eth0 mtu 1450",
        (("veth-mtu-mismatch", NODE1), ("bridge-mtu-low", NODE1)),
    ),
    Fault(
        "pod-mtu-low",
        NODE2,
        f"ip -n {POD_NETNS} link set eth0 mtu 1400; ip link set $(ip -o link show master cni0 | head -1 | "
        "sed 's/.*: \\(veth[^@]*\\).*/\\1/') mtu 1450",
        f"ip -n {POD_NETNS} link set eth0 mtu 1450",
        (("veth-mtu-mismatch", NODE2),),
    ),
    Fault(
        "bridge-wrong-address",
        MASTER,
        "ip addr del 172.50.0.1/24 dev cni0 && ip addr add 172.50.0.9/24 dev cni0",
        "ip addr del 172.50.0.9/24 dev cni0 && ip addr add 172.50.0.1/24 dev cni0",
    ),
    Fault(
        "pod-address-foreign",
        MASTER,
        f"ip -n {POD_NETNS} addr add 172.50.77.7/24 dev eth0",
        f"ip -n {POD_NETNS} addr del 172.50.77.7/24 dev eth0",
    ),
    Fault(
        "pod-address-duplicate",
        CLUSTER,
        f"ip -n {POD_NETNS} addr add 172.50.2.2/24 dev eth0",
        f"ip -n {POD_NETNS} addr del 172.50.2.2/24 dev eth0",
        (("pod-address-foreign", NODE2),),
        on=NODE2,
    ),
)

LEFTOVERS = (
    Fault(
        "leftover-device",
        NODE1,
        "ip link add vxlan.calico type vxlan id 4096 dstport 4789 local 192.168.7.110 dev eth0",
        "ip link del vxlan.calico",
    ),
    Fault(
        "leftover-device", NODE2, "ip link add flannel.7 type vxlan id 7 dstport 8473 dev eth0", "ip link del flannel.7"
    ),
    Fault("leftover-chain", NODE2, "iptables -N cali-FORWARD", "iptables -X cali-FORWARD"),
    Fault("leftover-filter-table", NODE1, "nft add table arp calico-arp", "nft delete table arp calico-arp"),
    Fault("leftover-ipset", MASTER, "ipset create cali40all-ipam-pools hash:net", "ipset destroy cali40all-ipam-pools"),
    Fault(
        "leftover-file",
        NODE2,
        "mkdir -p /var/lib/calico && echo k8s-node2 > /var/lib/calico/nodename",
        "rm -r /var/lib/calico",
    ),
    Fault(
        "leftover-cni-config",
        NODE2,
        # Moved in, so that containerd does not look at it, and one that it could load if it did.
        """echo '{"cniVersion": "0.3.1", "name": "x", "plugins": [{"type": "calico"}]}' > /root/10-calico.conflist; """
        "mv /root/10-calico.conflist /etc/cni/net.d",
        "rm /etc/cni/net.d/10-calico.conflist",
        (("cni-config-shadowed", NODE2), ("cni-plugin-missing", NODE2)),
    ),
    Fault(
        "leftover-lease",
        NODE1,
        "echo gone > /var/lib/cni/networks/cbr0/172.50.2.200; touch -d -1hour /var/lib/cni/networks/cbr0/172.50.2.200",
        "rm /var/lib/cni/networks/cbr0/172.50.2.200",
    ),
    Fault(
        "leftover-annotation",
        CLUSTER,
        "$KUBECTL annotate node k8s-node2 projectcalico.org/IPv4Address=192.168.7.111/21",
        "$KUBECTL annotate node k8s-node2 projectcalico.org/IPv4Address-",
    ),
)

GHOST = """$KUBECTL apply -f - <<'EOT'
{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "%s"}, "spec": {"podCIDR": "%s", "podCIDRs": ["%s"]}}
EOT"""


def _ghost(fault: str, node: str, name: str, cidr: str) -> Fault:
    """A Node of which nobody has heard."""
    also = (("agent-silent", name), ("node-not-in-inventory", name))
    return Fault(fault, node, GHOST % (name, cidr, cidr), f"$KUBECTL delete node {name}", also, on=CLUSTER)


CLUSTER_FAULTS = (
    _ghost("pod-cidr-duplicate", CLUSTER, "ghost-1", "172.50.1.0/24"),
    _ghost("pod-cidr-outside", "ghost-2", "ghost-2", "172.99.0.0/24"),
    Fault(
        "backend-mixed",
        NODE1,
        f"$KUBECTL annotate --overwrite node k8s-node1 {FLANNEL}/backend-type=host-gw",
        f"$KUBECTL annotate --overwrite node k8s-node1 {FLANNEL}/backend-type=vxlan",
        on=CLUSTER,
    ),
    Fault(
        "announcement-damaged",
        NODE2,
        # What flanneld says of its VTEP is kept beside it, and put back.
        f"""$KUBECTL annotate node k8s-node2 kept="$($KUBECTL get node k8s-node2 -o """
        f"""jsonpath='{{.metadata.annotations.flannel\\.alpha\\.coreos\\.com/backend-data}}')"; """
        f"$KUBECTL annotate --overwrite node k8s-node2 {FLANNEL}/backend-data='{{'",
        f"""$KUBECTL annotate --overwrite node k8s-node2 {FLANNEL}/backend-data="$($KUBECTL get node k8s-node2 -o """
        """jsonpath='{.metadata.annotations.kept}')"; $KUBECTL annotate node k8s-node2 kept-""",
        on=CLUSTER,
    ),
    Fault(
        "network-unavailable",
        NODE1,
        """$KUBECTL patch node k8s-node1 --subresource=status --type=merge -p '{"status": {"conditions": """
        """[{"type": "NetworkUnavailable", "status": "True", "reason": "CalicoIsDown", "message": "shut down"}]}}'""",
        """$KUBECTL patch node k8s-node1 --subresource=status --type=merge -p '{"status": {"conditions": """
        """[{"type": "NetworkUnavailable", "status": "False", "reason": "FlannelIsUp", "message": "up"}]}}'""",
        on=CLUSTER,
    ),
)

GROUPS = {
    "routes": ROUTES,
    "tunnel": TUNNEL,
    "host and CNI": HOST,
    "pods": PODS,
    "leftovers": LEFTOVERS,
    "the API server's answer": CLUSTER_FAULTS,
}
