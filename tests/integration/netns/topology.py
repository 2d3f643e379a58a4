# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small cluster out of namespaces: nodes on a switch, pods behind each node's bridge, real tunnels, and their faults.

A node is a network namespace with mounts of its own: its /sys shows its devices, its /run/netns holds its pods and
nobody else's. All of it hangs on file descriptors of this process, so nothing survives it, however it ends.

    with Topology("vxlan") as cluster:
        source = cluster.pod("node1", "172.50.2.3")
        target = cluster.pod("node2", "172.50.1.2")
        cluster["node2"].filter("forward", "ip daddr 172.50.1.2 drop")
        result = cluster["node1"].call(function, ...)
"""

from __future__ import annotations

import ipaddress
import itertools
import os
import pickle
import subprocess
import traceback
from dataclasses import dataclass

from conftest import CLONE_NEWNET, LIBC

CLONE_NEWNS = 0x00020000
MS_REC, MS_PRIVATE, MS_BIND = 0x4000, 1 << 18, 0x1000

VXLAN_MTU = {4: 1450, 6: 1430}  # below a NIC of 1500 bytes


@dataclass(frozen=True)
class NodePlan:
    """A node's address with its segment's prefix length, and its pods' network."""

    name: str
    nic: str
    subnet: str

    @property
    def address(self):
        return str(ipaddress.ip_interface(self.nic).ip)

    @property
    def segment(self):
        return ipaddress.ip_interface(self.nic).network

    @property
    def length(self):
        """The prefix length of the subnet."""
        return ipaddress.ip_network(self.subnet).prefixlen

    @property
    def gateway(self):
        """The first address of the subnet, which the pods' bridge has."""
        return str(ipaddress.ip_network(self.subnet)[1])

    @property
    def tunnel(self):
        """The address of flannel's tunnel device."""
        return str(ipaddress.ip_network(self.subnet)[0])

    @property
    def tunnel_mac(self):
        return f"0a:00:00:00:00:{int(self.address.rpartition('.')[2]):02x}"

    # The same node in IPv6: the last octet of its address, the third of its subnet.
    @property
    def address6(self):
        return f"fd00::{self.address.rpartition('.')[2]}"

    @property
    def subnet6(self):
        return f"fd50:0:0:{self.subnet.split('.')[2]}::/64"

    @property
    def gateway6(self):
        return str(ipaddress.ip_network(self.subnet6)[1])

    @property
    def tunnel6(self):
        return str(ipaddress.ip_network(self.subnet6)[0])


# The seed's three nodes.
SEED = (
    NodePlan("master", "192.168.7.101/21", "172.50.0.0/24"),
    NodePlan("node1", "192.168.7.110/21", "172.50.2.0/24"),
    NodePlan("node2", "192.168.7.111/21", "172.50.1.0/24"),
)
# The third node behind a router.
SEED_WITH_FAR_NODE = (*SEED[:2], NodePlan("node2", "192.168.15.111/21", "172.50.1.0/24"))


def _checked(result, what):
    if result != 0:
        raise OSError(f"{what} failed")


def _mount(source, target, kind, flags=0):
    arguments = (source.encode(), target.encode(), kind.encode() if kind else None, flags, None)
    _checked(LIBC.mount(*arguments), f"mount of {target}")


class Place:
    """A network namespace and a view of the file system, held by two descriptors."""

    def __init__(self, name, parent=None):
        """Make new ones; with a parent, only a network namespace, which that place's /run/netns gets to know."""
        self.name = name
        self._started = []
        ready, told = os.pipe()
        go, gone = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(gone)
            _in_child(lambda: self._make(parent, told, go))
        try:
            os.close(told)
            assert os.read(ready, 1) == b".", f"namespaces of {name} cannot be made"
            self.net, self.mnt = (os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY) for kind in ("net", "mnt"))
        finally:
            for descriptor in (ready, go, gone):
                os.close(descriptor)
            os.waitpid(pid, 0)

    def _make(self, parent, told, go):
        if parent is None:
            _checked(LIBC.unshare(CLONE_NEWNET | CLONE_NEWNS), "unshare")
            _mount("none", "/", None, MS_REC | MS_PRIVATE)
            _mount("sysfs", "/sys", "sysfs")
            _mount("tmpfs", "/run", "tmpfs")
            os.mkdir("/run/netns")
        else:
            parent.enter()
            _checked(LIBC.unshare(CLONE_NEWNET), "unshare")
            path = f"/run/netns/{self.name}"
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDONLY, 0o444))
            _mount("/proc/self/ns/net", path, None, MS_BIND)
        os.write(told, b".")
        os.read(go, 1)

    def enter(self):
        """Move this process there; for children."""
        here = os.getcwd()
        _checked(LIBC.setns(self.mnt, CLONE_NEWNS), "setns")
        _checked(LIBC.setns(self.net, CLONE_NEWNET), "setns")
        os.chdir(here)

    def run(self, *argv, text="", pass_fds=()):
        """Run a program there that must succeed; its output."""
        done = subprocess.run(
            argv, input=text, text=True, capture_output=True, check=False, preexec_fn=self.enter, pass_fds=pass_fds
        )
        assert done.returncode == 0, f"{self.name}: {' '.join(argv)}: {done.stderr}\n{text}"
        return done.stdout

    def ip(self, commands, pass_fds=()):
        """Run the lines through one `ip`."""
        return self.run("ip", "-batch", "-", text=commands, pass_fds=pass_fds)

    def start(self, *argv, **options):
        """Start a program there; it is killed when the place is closed, if it still runs."""
        process = subprocess.Popen(argv, preexec_fn=self.enter, text=True, **options)
        self._started.append(process)
        return process

    def end_last(self):
        """End the program that was started last."""
        process = self._started.pop()
        process.kill()
        process.communicate()

    def call(self, function, *args, **kwargs):
        """What a function returns there, in a child; what it raises is raised here, as an AssertionError."""
        return self.begin(function, *args, **kwargs)()

    def begin(self, function, *args, **kwargs):
        """Start what call() does; gives a function that waits for its end, so that several places work at once."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            _in_child(lambda: self._answer(writing, function, args, kwargs))
        os.close(writing)

        def end():
            with open(reading, "rb") as stream:
                data = stream.read()
            os.waitpid(pid, 0)
            assert data, f"{self.name}: {function} never returned"
            error, value = pickle.loads(data)
            assert error is None, f"{self.name}: {error}"
            return value

        return end

    def _answer(self, writing, function, args, kwargs):
        answer = (None, None)
        try:
            self.enter()
            answer = (None, function(*args, **kwargs))
        except BaseException:  # noqa: BLE001 - whatever it is, the parent raises it
            answer = (traceback.format_exc(), None)
        with open(writing, "wb") as stream:
            pickle.dump(answer, stream)

    def sysctl(self, key, value):
        """Set a sysctl, written with slashes."""

        def write():
            with open(f"/proc/sys/{key}", "w", encoding="ascii") as stream:
                stream.write(str(value))

        self.call(write)

    # -- faults

    def filter(self, hook, rule):
        """Add a rule of nftables, such as "ip daddr 172.50.1.2 drop", to a chain at that hook, before all others."""
        chain = f"chain {hook} {{\ntype filter hook {hook} priority -500\n{rule}\n}}"
        self.run("nft", "-f", "-", text=f"table inet faults {{\n{chain}\n}}\n")

    def heal(self):
        """Take all rules of filter() away."""
        self.run("nft", "delete", "table", "inet", "faults")

    def swallow_bigger_than(self, size):
        """Drop IPv4 and IPv6 packets of more bytes that arrive here, and say nothing: an MTU black hole."""
        self.filter("prerouting", f"meta length > {size} drop")

    def close(self):
        """Kill what was started there and let go of the namespaces."""
        while self._started:
            self.end_last()
        os.close(self.net)
        os.close(self.mnt)


def _in_child(function):
    """Run a function as the whole rest of a forked child's life."""
    status = 1
    try:
        function()
        status = 0
    finally:
        os._exit(status)


class Topology:
    """Nodes of one backend. Nodes of different segments have a router between them.

    backend is vxlan, direct (vxlan with DirectRouting) or host-gw; all of them are programmed as flanneld does it.
    """

    def __init__(self, backend="vxlan", nodes=SEED, ipv6=False, mtu=1500, pod_mtu=None):
        self.backend = backend
        self.ipv6 = ipv6
        self.mtu = mtu
        overhead = 0 if backend == "host-gw" else 1500 - VXLAN_MTU[6 if ipv6 else 4]
        self.pod_mtu = pod_mtu or mtu - overhead
        self.plans = {plan.name: plan for plan in nodes}
        self.places = {}
        self.pods = {}
        self._ports = {}
        self._numbers = itertools.count(1)
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def __getitem__(self, name):
        """A node by its name, or "switch" or "router"."""
        return self.places[name]

    def __enter__(self):
        return self

    def __exit__(self, *dummy):
        self.close()

    def close(self):
        """Let go of everything."""
        for place in [*self.pods.values(), *self.places.values()]:
            place.close()
        self.pods, self.places = {}, {}

    # -- nodes

    def _build(self):
        segments = list(dict.fromkeys(plan.segment for plan in self.plans.values()))
        self.places["switch"] = Place("switch")
        for number, dummy in enumerate(segments):
            # No group joins, no spanning tree: a port forwards as soon as it is up.
            self["switch"].ip(f"link add br{number} type bridge mcast_snooping 0\nlink set br{number} up")
        if len(segments) > 1:
            self._add_router(segments)
        for plan in self.plans.values():
            self._add_node(plan, f"br{segments.index(plan.segment)}")
        for plan in self.plans.values():
            for peer in self.plans.values():
                if peer is not plan:
                    self.add_peer(plan, peer)

    def _new_place(self, name):
        place = self.places[name] = Place(name)
        for key in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
            place.sysctl(key, 1)
        for scope in ("all", "default"):
            place.sysctl(f"net/ipv6/conf/{scope}/accept_dad", 0)
        place.ip("link set lo up")
        return place

    def _plug(self, place, dev, port, bridge):
        """Join a device of a place to the switch."""
        switch = self["switch"]
        fd = switch.net
        peer = f"peer name {port} mtu {self.mtu} netns /proc/self/fd/{fd}"
        place.ip(f"link add {dev} mtu {self.mtu} type veth {peer}\nlink set {dev} up", pass_fds=(fd,))
        switch.ip(f"link set {port} master {bridge}\nlink set {port} up")

    def _add_router(self, segments):
        router = self._new_place("router")
        for number, segment in enumerate(segments):
            self._plug(router, f"eth{number}", f"to-router{number}", f"br{number}")
            router.ip(f"addr add {_router_address(segment)}/{segment.prefixlen} dev eth{number}")

    def _add_node(self, plan, bridge):
        node = self._new_place(plan.name)
        self._plug(node, "eth0", f"to-{plan.name}", bridge)
        node.ip(f"addr add {plan.nic} dev eth0\nroute add default via {_router_address(plan.segment)} dev eth0")
        self.furnish(node, plan)

    def furnish(self, node, plan):
        """Make a node's bridge and tunnels; plugins without a bridge do it otherwise."""
        lines = [
            f"link add cni0 mtu {self.pod_mtu} type bridge mcast_snooping 0",
            "link set cni0 up",
            f"addr add {plan.gateway}/{plan.length} dev cni0",
        ]
        if self.ipv6:
            lines += [f"addr add {plan.address6}/64 dev eth0 nodad", f"addr add {plan.gateway6}/64 dev cni0 nodad"]
        if self.backend != "host-gw":
            lines += self.tunnel(plan)
        node.ip("\n".join(lines))

    def tunnel(self, plan):
        """The lines for `ip` that make a node's tunnel devices."""
        lines = self._tunnel("flannel.1", plan, plan.address, 4, f"{plan.tunnel}/32")
        if self.ipv6:
            lines += self._tunnel("flannel-v6.1", plan, plan.address6, 6, f"{plan.tunnel6}/128 nodad")
        return lines

    def _tunnel(self, dev, plan, local, version, address):
        mtu = self.mtu - (1500 - VXLAN_MTU[version])
        vxlan = f"type vxlan id 1 dstport 8472 local {local} dev eth0 nolearning"
        return [
            f"link add {dev} address {plan.tunnel_mac} mtu {mtu} {vxlan}",
            f"link set {dev} up",
            f"addr add {address} dev {dev}",
        ]

    def add_peer(self, plan, peer):
        """What flanneld programs for a peer."""
        direct = self.backend == "host-gw" or (self.backend == "direct" and plan.segment == peer.segment)
        ways = [("flannel.1", peer.subnet, peer.address, peer.tunnel)]
        if self.ipv6:
            ways.append(("flannel-v6.1", peer.subnet6, peer.address6, peer.tunnel6))
        for dev, subnet, address, tunnel in ways:
            if direct:
                self[plan.name].ip(f"route add {subnet} via {address} dev eth0")
                continue
            self[plan.name].ip(
                f"neigh replace {tunnel} lladdr {peer.tunnel_mac} dev {dev} nud permanent\n"
                f"route add {subnet} via {tunnel} dev {dev} onlink"
            )
            fdb = ["bridge", "fdb", "add", peer.tunnel_mac, "dev", dev, "dst", address, "self", "permanent"]
            self[plan.name].run(*fdb)

    # -- pods

    def pod(self, node, address, address6=None, mtu=None):
        """Give a node a pod behind its bridge, as the plugins bridge and host-local do."""
        plan = self.plans[node]
        place, port = self._connect_pod(node, address, "veth", mtu)
        self[node].ip(f"link set {port} master cni0")
        lines = [f"addr add {address}/{plan.length} dev eth0", f"route add default via {plan.gateway} dev eth0"]
        if address6:
            lines += [f"addr add {address6}/64 dev eth0 nodad", f"route add default via {plan.gateway6} dev eth0"]
        place.ip("\n".join(lines))
        return place

    def routed_pod(self, node, address, mtu=None):
        """Give a node a pod without a bridge, as the plugin calico does: a host route, and a gateway nobody has."""
        place, port = self._connect_pod(node, address, "cali", mtu)
        self[node].sysctl(f"net/ipv4/conf/{port}/proxy_arp", 1)
        # Felix does this too: by default the kernel lets a proxied neighbour wait for up to 0.8 seconds.
        self[node].sysctl(f"net/ipv4/neigh/{port}/proxy_delay", 0)
        self[node].ip(f"route add {address}/32 dev {port} scope link")
        place.ip(
            f"addr add {address}/32 dev eth0\nroute add 169.254.1.1 dev eth0 scope link\n"
            "route add default via 169.254.1.1 dev eth0"
        )
        return place

    def _connect_pod(self, node, address, prefix, mtu):
        """A namespace with a device eth0, and the name of the other end, which is on the node."""
        number = next(self._numbers)
        place = self.pods[address] = Place(f"cni-{number:08x}", self[node])
        mtu = mtu or self.pod_mtu
        port = f"{prefix}{number:08x}"
        ends = f"mtu {mtu} type veth peer name eth0 mtu {mtu} netns /proc/self/fd/{place.net}"
        self[node].ip(f"link add {port} {ends}\nlink set {port} up", pass_fds=(place.net,))
        self._ports[address] = node, port
        place.ip("link set lo up\nlink set eth0 up")
        return place, port

    def port(self, address):
        """The node's end of a pod's device."""
        return self._ports[address][1]

    def home(self, address):
        """The node of a pod."""
        return self._ports[address][0]

    def remove_pod(self, address):
        """Take a pod away: both ends of its device, its namespace, and the namespace's name."""
        node, port = self._ports.pop(address)
        place = self.pods.pop(address)
        self[node].ip(f"link del {port}")
        self[node].run("ip", "netns", "delete", place.name)
        place.close()

    def counter(self, node, dev, name="tx_packets"):
        """A device's counter, as the node's own /sys tells it."""
        return int(self[node].run("cat", f"/sys/class/net/{dev}/statistics/{name}"))


def _router_address(segment):
    return str(segment[254])
