# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verification results for the tests of the reports: any number of nodes, every kind of finding, always the same.

Three nodes are the seed's cluster, with its names and addresses. Any result is made whole by `finished`, so counts,
checks and verdict always agree with the findings.
"""

from __future__ import annotations

import copy
import ipaddress
from dataclasses import dataclass

PAGES = "https://github.com/switchyard/cni/blob/main/docs/findings.md#"
SEED_NODES = (("k8s-master1", "192.168.7.101"), ("k8s-node1", "192.168.7.110"), ("k8s-node2", "192.168.7.111"))
ALL_PAIRS_UP_TO = 12
"""Nodes; beyond it a result holds a fixed number of paths a node, as a verification does."""

CHECKS = (
    ("cni-config", "cni", "The first CNI configuration is the declared plugin's"),
    ("bridge-address", "devices", "The bridge has the first address of the node's pod subnet"),
    ("tunnel-missing", "devices", "The tunnel device exists with its parameters"),
    ("mtu-mismatch", "mtu", "Every device on the way has the MTU that the backend leaves"),
    ("path-mtu", "mtu", "A packet of the pods' MTU passes unfragmented"),
    ("route-missing", "routes", "Every peer's pod subnet has its route"),
    ("route-foreign", "routes", "No other route leads into the pod network"),
    ("fdb-missing", "tables", "The tunnel's forwarding table names every peer"),
    ("forward-drop", "firewall", "The FORWARD chain lets pods through"),
    ("bgp-session", "bgp", "Every BGP session is established"),
    ("path-unreachable", "paths", "Every probed path answers"),
    ("path-class", "paths", "Packets take the way the backend implies"),
    ("leftover-device", "leftovers", "Nothing of another pod network is left"),
)


@dataclass(frozen=True)
class Network:
    """What a backend puts on each node; ``overhead`` in bytes, ``direct`` for peers on the same layer 2."""

    plugin: str
    backend: str
    device: str | None = None
    kind: str | None = None
    overhead: int = 0
    port: int | None = None
    direct: bool = False

    def path_class(self, same_l2: bool) -> str:
        return "node" if self.device is None or (self.direct and same_l2) else "tunnel"


NETWORKS = {
    "vxlan": Network("flannel", "vxlan", "flannel.1", "vxlan", 50, 8472),
    "directrouting": Network("flannel", "vxlan + DirectRouting", "flannel.1", "vxlan", 50, 8472, direct=True),
    "host-gw": Network("flannel", "host-gw"),
    "udp": Network("flannel", "udp", "flannel0", "tun", 28, 8285),
    "wireguard": Network("flannel", "wireguard", "flannel-wg", "wireguard", 80, 51820),
    "calico-ipip": Network("calico", "ipip Always", "tunl0", "ipip", 20),
    "calico-vxlan": Network("calico", "vxlan CrossSubnet", "vxlan.calico", "vxlan", 50, 4789, direct=True),
    "calico-bgp": Network("calico", "none (BGP)"),
}


def healthy(count=3, network="vxlan", networks=1, family=4):
    """A result without a finding: ``count`` nodes on ``networks`` layer 2 networks."""
    kind = NETWORKS[network]
    nodes = [_node(index, count, kind, networks, family) for index in range(count)]
    pods, services = _cluster_networks(count, family)
    return finished(
        {
            "schema": 1,
            "collection": "0.2.0",
            "created": "2026-11-25T22:00:00Z",
            "verdict": "passed",
            "fail_on": "error",
            "declared": True,
            "network": {
                "plugin": kind.plugin,
                "backend": kind.backend,
                "pod_cidrs": [pods],
                "service_cidrs": [services],
                "settings": {"network_plugin": kind.plugin, "flannel_vni": 1, "flannel_direct_routing": kind.direct},
            },
            "counts": {},
            "nodes": nodes,
            "findings": [],
            "paths": _paths(nodes, kind),
            "sessions": _sessions(nodes) if kind.plugin == "calico" and kind.kind != "vxlan" else [],
            "checks": [],
            "gaps": [],
        }
    )


def with_findings(count=3, network="vxlan", networks=1, family=4):
    """Errors, warnings and information of several kinds; some on one node, one on every tenth, one on the cluster."""
    result = healthy(count, network, networks, family)
    nodes = result["nodes"]
    break_path(result, nodes[0], nodes[1])
    for node in nodes[2::10]:
        add(result, "mtu-mismatch", node, "warning", "cni0", "MTU 1450", "MTU 1500", "Recreate the pods of the node.")
    for node in nodes[1::25]:
        add(
            result, "fdb-missing", node, "error", "flannel.1", f"{count - 1} peers", f"{count - 2} peers", "Restart it."
        )
    add(result, "leftover-device", nodes[-1], "info", "tunl0", "no device", "tunl0 without address", "Leave it.")
    add(result, "path-class", None, "warning", "192.168.0.0/21", "node", "tunnel", "Set flannel_direct_routing.")
    result["gaps"].append({"node": nodes[-1]["name"], "what": "bird", "reason": "no control socket answers"})
    if count >= 3:
        make_unreachable(result, nodes[2])
    return finished(result)


def calico_with_a_lost_peer():
    """The seed's `calicoctl node status`: one peer is down and says why."""
    result = healthy(3, "calico-ipip")
    first, second = result["nodes"][:2]
    for session in result["sessions"]:
        if session["node"] == second["name"] and session["address"] == first["address"]:
            session.update(state="start", info="Active Socket: Host is unreachable", established=False)
    add(result, "bgp-session", second, "error", f"peer {first['address']}", "Established", "start", "Open port 179.")
    return finished(result)


def hostile(count=3):
    """Names and texts that try to leave the place they are put in, in HTML, in a script, in XML, on a terminal."""
    result = with_findings(count)
    evil = (
        "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>\"'&{{7*7}}\x1b[31m\x00\u202e]]>"
    )
    result["nodes"][0]["name"] = evil
    result["nodes"][1]["l2"] = evil
    result["nodes"][1]["bridge"]["name"] = "cni0<svg/onload=alert(2)>"
    for path in result["paths"]:
        for end in (path["source"], path["target"]):
            end["node"] = evil if end["node"] == "k8s-master1" else end["node"]
        path["source"]["name"] = "default/<b>" + evil
    for finding in result["findings"]:
        finding.update(subject=evil, expected=evil, hint=evil, page="javascript:alert(3)")
        finding["node"] = evil if finding["node"] == "k8s-master1" else finding["node"]
    result["network"]["settings"]["evil"] = evil
    result["gaps"].append({"node": evil, "what": evil, "reason": evil + "\n" + evil})
    return finished(result)


def add(result, check, node, severity, subject, expected, actual, hint):
    """One finding; ``node`` is None for one about the whole cluster."""
    result["findings"].append(
        {
            "id": check,
            "node": node["name"] if node else "",
            "severity": severity,
            "subject": subject,
            "expected": expected,
            "actual": actual,
            "hint": hint,
            "page": PAGES + check,
        }
    )


def break_path(result, source, target):
    """Remove the route of ``source`` to ``target``: a finding, and the packets end at the source's bridge."""
    subnet = target["pod_cidrs"][0]
    source["routes"]["actual"] -= 1
    add(result, "route-missing", source, "error", subnet, f"{subnet} dev flannel.1", "no route", "Restart flanneld.")
    for path in result["paths"]:
        if (path["source"]["node"], path["target"]["node"]) == (source["name"], target["name"]):
            path.update({"class": "none", "reachable": False, "rtt_ms": None, "path_mtu": None, "error": "no answer"})
            path["hops"] = path["hops"][: path["kind"] == "pod"] + [None, None]
            add(
                result,
                "path-unreachable",
                source,
                "error",
                f"{path['source']['address']} -> {path['target']['address']}",
                "an answer",
                "none of 3 packets came back",
                "Look at the route that is missing.",
            )


def make_unreachable(result, node):
    """The node did not answer: nothing of it is known but its name and address."""
    node.update(
        state="unreachable",
        reason="ssh: connect to host port 22: No route to host",
        l2=None,
        underlay=None,
        bridge=None,
        tunnels=[],
        pods=0,
        routes={"expected": 0, "actual": 0},
    )
    result["paths"] = [path for path in result["paths"] if path["source"]["node"] != node["name"]]


def finished(result):
    """The result with checks, counts and verdict that follow from its findings."""
    levels = ("error", "warning", "info")
    found = result["findings"]
    result["counts"] = {level: sum(finding["severity"] == level for finding in found) for level in levels}
    result["checks"] = [_check(result, *check) for check in CHECKS]
    failing = levels[: levels.index(result["fail_on"]) + 1] if result["fail_on"] != "never" else ()
    result["verdict"] = "failed" if any(result["counts"][level] for level in failing) else "passed"
    return result


def copied(result, **changes):
    """A deep copy with other values at the top."""
    return {**copy.deepcopy(result), **changes}


def _check(result, check, topic, title):
    number = sum(finding["id"] == check for finding in result["findings"])
    skipped = check == "bgp-session" and not result["sessions"]
    return {
        "id": check,
        "topic": topic,
        "title": title,
        "status": "skipped" if skipped else "failed" if number else "passed",
        "findings": number,
        "reason": "the declared network has no BGP sessions" if skipped else None,
    }


def _cluster_networks(count, family):
    if family == 6:
        return "fd00:10::/40", "fd00:68::/112"
    return ("172.50.0.0/16" if count == 3 else "10.128.0.0/9"), "10.68.0.0/16"


def _pod_subnet(index, count, family):
    if family == 6:
        return ipaddress.ip_network((int(ipaddress.ip_address("fd00:10::")) + (index << 64), 64))
    base = "172.50.0.0" if count == 3 else "10.128.0.0"
    return ipaddress.ip_network((int(ipaddress.ip_address(base)) + (index << 8), 24))


def _name_and_address(index, count, networks, family):
    """Name, address and layer 2 network of a node; nodes of one network stand together."""
    if family == 6:
        return f"k8s-node{index}", f"2001:db8:7::{index + 1:x}", "2001:db8:7::/64"
    if count == 3 and networks == 1:
        return *SEED_NODES[index], "192.168.0.0/21"
    group, member = divmod(index, -(-count // networks))
    network = ipaddress.ip_network(f"10.{group}.0.0/16")
    return f"k8s-node{index:0{len(str(count))}d}", str(network[256 + member]), str(network)


def _node(index, count, kind, networks, family):
    name, address, l2 = _name_and_address(index, count, networks, family)
    subnet = _pod_subnet(index, count, family)
    mtu = 1500 - kind.overhead
    tunnel = {"name": kind.device, "kind": kind.kind, "mtu": mtu, "address": str(subnet[0]), "port": kind.port}
    bridge = {"name": "cni0", "address": str(subnet[1]), "mtu": mtu} if kind.plugin == "flannel" else None
    return {
        "name": name,
        "host": name,
        "state": "verified",
        "reason": None,
        "address": address,
        "l2": l2,
        "underlay": {"dev": "eth0", "mtu": 1500},
        "pod_cidrs": [str(subnet)],
        "bridge": bridge,
        "tunnels": [tunnel] if kind.device else [],
        "pods": 3 + index % 5,
        "plugin": kind.plugin,
        "backend": kind.backend,
        "routes": {"expected": count - 1, "actual": count - 1},
    }


def _pairs(nodes):
    """All ordered pairs of few nodes; of many, each with its next one and with the one half a cluster away."""
    if len(nodes) <= ALL_PAIRS_UP_TO:
        return [(a, b) for a in nodes for b in nodes if a is not b]
    half = len(nodes) // 2
    steps = (1, half) if half > 1 else (1,)
    return [(node, nodes[(index + step) % len(nodes)]) for index, node in enumerate(nodes) for step in steps]


def _paths(nodes, kind):
    paths = [_path("pod", node, node, "local", kind, index) for index, node in enumerate(nodes)]
    for index, (source, target) in enumerate(_pairs(nodes)):
        paths.append(_path("pod", source, target, kind.path_class(source["l2"] == target["l2"]), kind, index))
    paths += [
        _path("node", *pair, kind.path_class(pair[0]["l2"] == pair[1]["l2"]), kind, 7) for pair in _pairs(nodes)[:6]
    ]
    return paths + [_service_path(node, index) for index, node in enumerate(nodes[:3])]


def _pod(node, number):
    address = str(ipaddress.ip_network(node["pod_cidrs"][0])[number])
    return {"node": node["name"], "name": f"default/net-test1-68898c85b7-{number}", "address": address, "port": None}


def _path(what, source, target, path_class, kind, index):
    here, there = _pod(source, 2), _pod(target, 3)
    if what == "node":
        here = {"node": source["name"], "name": source["name"], "address": source["address"], "port": None}
    return {
        "kind": what,
        "source": here,
        "target": there,
        "class": path_class,
        "expected": path_class,
        "reachable": True,
        "rtt_ms": 0.04 if path_class == "local" else round(0.3 + index % 7 * 0.05, 3),
        "path_mtu": 1500 - kind.overhead,
        "hops": _hops(what, source, target, path_class, there["address"]),
        "error": None,
    }


def _hops(what, source, target, path_class, last):
    """As in the seed: cni0 (Calico: the NIC), the peer's tunnel device or NIC, the pod."""
    if path_class == "local":
        return [last]
    first = source["bridge"]["address"] if source["bridge"] else source["address"]
    peer = target["tunnels"][0]["address"] if path_class == "tunnel" else target["address"]
    return ([first] if what == "pod" else []) + [peer, last]


def _service_path(node, index):
    address = "fd00:68::1" if ":" in node["address"] else "10.68.0.1"
    return {
        "kind": "service",
        "source": _pod(node, 2),
        "target": {"node": "", "name": "default/kubernetes", "address": address, "port": 443},
        "class": "none",
        "expected": "any",
        "reachable": True,
        "rtt_ms": 0.5 + index,
        "path_mtu": None,
        "hops": [],
        "error": None,
    }


def _sessions(nodes):
    """The node-to-node mesh, as far as a result of so many nodes is drawn."""
    meshed = nodes[:ALL_PAIRS_UP_TO]
    return [
        {
            "node": node["name"],
            "address": peer["address"],
            "type": "node-to-node mesh",
            "state": "up",
            "since": "01:47:42",
            "info": "Established",
            "established": True,
        }
        for node in meshed
        for peer in meshed
        if peer is not node
    ]
