# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A topology as a whole cluster: what an API server says of it, what its nodes say of themselves, and the judgement.

Only the API server is made up, and what it holds are objects as Kubernetes has them. Nodes are read by the collection's
own node code inside their namespaces, paths are probed by its own probes, and its own core judges, in the order of the
role `verify`. Files are below a scratch root of each node, so that nothing of the machine is read or touched.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import shutil
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.switchyard.cni.plugins.action.network_verify import SECTIONS
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._api import ApiMissing
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._read import Request, read
from ansible_collections.switchyard.cni.plugins.module_utils._node import _module, _probe_module, _probe_run
from ansible_collections.switchyard.cni.plugins.module_utils._node._gather import gather
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster, Roster
from ansible_collections.switchyard.cni.plugins.plugin_utils._inventory import observe
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._look import declared, request
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._run import ask, judge, stage, with_tables

from conftest import ScratchNode

NODES, DAEMONSETS, CONFIGMAPS = "/api/v1/nodes", "/apis/apps/v1/daemonsets", "/api/v1/configmaps"
KUBERNETES = "/api/v1/namespaces/default/services/kubernetes"
POD_CIDR, POD_CIDR6 = "172.50.0.0/16", "fd50::/56"
SERVICE_CIDR, SERVICE = "10.68.0.0/16", "10.68.0.1"
NO_OWN_SETTINGS = {"network_node_name": "", "flannel_public_ip": ""}
TABLES = ["links", "routes", "neighbours", "fdb"]
HELPERS = Path(__file__).absolute().parent / "probe_helpers.py"
# kube-proxy with one service, whose only endpoint is the API server on the master.
PROXY_IPTABLES = """
-t nat -N KUBE-SERVICES
-t nat -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-t nat -A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-t nat -A KUBE-SERVICES -d {service}/32 -p tcp --dport 443 -j DNAT --to-destination {endpoint}
"""
PROXY_NFT = """
table ip kube-proxy {{
    chain services {{
        ip daddr {service} tcp dport 443 dnat to {endpoint}
    }}
    chain nat-prerouting {{
        type nat hook prerouting priority dstnat
        jump services
    }}
    chain nat-output {{
        type nat hook output priority -100
        jump services
    }}
}}
"""


def _defaults(spec):
    return {name: option.get("default") for name, option in spec.items()}


class KubeApi:
    """An API server's objects by path; a list is a collection."""

    def __init__(self):
        self.objects = {"/version": {"gitVersion": "v1.34.4"}}

    def get(self, path, **query):
        """What a GET request gives. Raises ApiMissing."""
        found = self.objects.get(path)
        if found is None:
            raise ApiMissing(f"{path}: the server could not find the requested resource")
        if not isinstance(found, list):
            return found
        name = query.get("fieldSelector", "").partition("metadata.name=")[2]
        return {"items": [one for one in found if not name or one["metadata"]["name"] == name], "metadata": {}}

    def now(self):
        """The server's time, in UTC."""
        return datetime.now(UTC).replace(tzinfo=None)

    def named(self, path, name):
        """One object of a collection, to be changed."""
        return next(one for one in self.objects[path] if one["metadata"]["name"] == name)

    def node(self, name):
        """A Node, to be changed."""
        return self.named(NODES, name)

    def annotations(self, name):
        """A Node's annotations, to be changed."""
        return self.node(name)["metadata"]["annotations"]

    def condition(self, name, kind):
        """One of a Node's conditions, to be changed."""
        return next(one for one in self.node(name)["status"]["conditions"] if one["type"] == kind)


def node_object(name, addresses, pod_cidrs, annotations, network_is_up):
    """A Node as the kubelet and a network agent leave it; the last argument is the agent's reason for its condition."""
    up = {"type": "NetworkUnavailable", "status": "False", "reason": network_is_up, "message": "The network is up"}
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}
    return {
        "metadata": {"name": name, "labels": {}, "annotations": {"node.alpha.kubernetes.io/ttl": "0", **annotations}},
        "spec": {"podCIDR": pod_cidrs[0], "podCIDRs": pod_cidrs},
        "status": {
            "addresses": [{"type": "InternalIP", "address": address} for address in addresses],
            "capacity": {"pods": "110"},
            "conditions": [up, ready],
            "nodeInfo": {"kubeletVersion": "v1.34.4"},
        },
    }


def daemonset(namespace, name, image, nodes):
    """A DaemonSet that is ready on all nodes."""
    return {
        "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"spec": {"containers": [{"image": image}]}},
        },
        "status": {"desiredNumberScheduled": nodes, "numberReady": nodes},
    }


def configmap(namespace, name, **data):
    """A ConfigMap."""
    return {"metadata": {"namespace": namespace, "name": name}, "data": data}


def service(namespace, name, address, port):
    """A Service with a cluster IP."""
    spec = {"clusterIP": address, "clusterIPs": [address], "ports": [{"port": port, "protocol": "TCP"}]}
    return {"metadata": {"namespace": namespace, "name": name}, "spec": spec}


class NodeFiles(ScratchNode):
    """A node's files below a scratch root; the kernel's own are those of the namespaces that look at them."""

    def __init__(self, root: Path) -> None:
        root.mkdir()
        for name in ("proc", "sys", "dev"):
            (root / name).symlink_to(f"/{name}")
        (root / "run").mkdir()
        # In the mount namespace of a node this leads to its own pods.
        (root / "run/netns").symlink_to("/run/netns")
        super().__init__(root)

    def drop(self, path):
        """Remove a file."""
        (self.root / path.lstrip("/")).unlink()

    def kept(self):
        """All files, with their content and modes."""
        paths = [Path(directory) / name for directory, dummy, names in os.walk(self.root) for name in names]
        files = [(path, path.lstat().st_mode) for path in paths]
        return {path: (path.read_bytes(), stat.S_IMODE(mode)) for path, mode in files if stat.S_ISREG(mode)}

    def bring_back(self, kept):
        """Make all files what they were."""
        now = self.kept()
        for path in now.keys() - kept.keys():
            path.unlink()
        for path, (data, mode) in kept.items():
            if now.get(path) != (data, mode):
                path.write_bytes(data)
                path.chmod(mode)


def restored(lines):
    """The command lines of iptables as one text for iptables-restore."""
    tables = {}
    for line in lines.strip().splitlines():
        dummy, table, rest = line.split(" ", 2)
        chain = rest.removeprefix("-N ")
        tables.setdefault(table, []).append(rest if chain == rest else f":{chain} - [0:0]")
    return "".join(f"*{table}\n" + "\n".join(rules) + "\nCOMMIT\n" for table, rules in tables.items())


class ClusterOnKernel:
    """What `verify` needs of a cluster. ``lost`` are hosts that do not answer, and why.

    A node is read again when anything has been done to it since, or packets have been sent; always where daemons may
    have changed it meanwhile (``moves``).
    """

    moves = False

    def __init__(self, topology, folder, settings):
        self._topology = topology
        self._told = {}
        self.settings = {"network_pod_cidr": POD_CIDR, "network_service_cidr": SERVICE_CIDR, **settings}
        self.hosts = list(topology.plans)
        self.lost = {}
        self.api = KubeApi()
        self._files = {name: NodeFiles(folder / name) for name in topology.plans}
        self.nftables = False
        self._agents = {}

    def __getitem__(self, name):
        """A node, the switch or the router, to do something to it."""
        self._told.pop(name, None)
        return self._topology[name]

    def pod(self, address):
        """A pod, to do something to it."""
        self._told.pop(self._topology.home(address), None)
        return self._topology.pods[address]

    def files(self, node):
        """A node's files, to change them."""
        self._told.pop(node, None)
        return self._files[node]

    @property
    def topology(self):
        """All of it, to do something to any part of it."""
        self._told.clear()
        return self._topology

    def close(self):
        """Let go of everything."""
        self._topology.close()

    # -- a cluster is what its nodes, its API server and its inventory say

    def remember(self):
        """What is not in a kernel, to be brought back."""
        files = {name: one.kept() for name, one in self._files.items()}
        return copy.deepcopy((self.api.objects, self.settings, self.hosts, self.lost)), files

    def bring_back(self, memory):
        """Make everything that is not in a kernel what it was."""
        (self.api.objects, self.settings, self.hosts, self.lost), files = copy.deepcopy(memory)
        for name, kept in files.items():
            if self._files[name].kept() != kept:
                self.files(name).bring_back(kept)

    def start_agent(self, node, name):
        """A process with an agent's name; what the agent does is done by hand."""
        self._agents[node] = self[node].start(name, "infinity", executable=shutil.which("sleep"))

    def stop_agent(self, node):
        """End a node's agent as the kernel would."""
        self._told.pop(node, None)
        process = self._agents.pop(node)
        process.kill()
        process.wait()

    @property
    def plans(self):
        """The nodes as they were planned."""
        return self._topology.plans

    @property
    def _endpoint(self):
        """Where the API server listens: on the first node."""
        return f"{next(iter(self.plans.values())).address}:6443"

    def serve_api(self):
        """Accept connections where the API server would."""
        argv = [sys.executable, str(HELPERS), "listen", self._endpoint.rpartition(":")[2]]
        server = self[next(iter(self.plans))].start(*argv, stdout=-1)
        assert server.stdout.readline() == "ready\n"

    def make_tunnel(self, node, *changes):
        """Make a node's tunnel device and its peers' entries as its agent does, with some words changed."""
        plan = self.plans[node]
        lines = "\n".join(self._topology.tunnel(plan))
        for old, new in changes:
            assert old in lines
            lines = lines.replace(old, new)
        self[node].ip(lines)
        for peer in self.plans.values():
            if peer is not plan:
                self._topology.add_peer(plan, peer)

    def remake_tunnel(self, node, dev, *changes):
        """The same instead of the device that is there."""
        self[node].ip(f"link del {dev}")
        self.make_tunnel(node, *changes)

    def filter(self, node, agents_iptables, agents_nft):
        """The packet filter as kube-proxy and the network's agent write it, both in the same way."""
        told = {"service": SERVICE, "endpoint": self._endpoint}
        if self.nftables:
            self[node].run("nft", "-f", "-", text=PROXY_NFT.format(**told) + agents_nft)
        else:
            lines = PROXY_IPTABLES.format(**told).strip() + agents_iptables
            self[node].run("iptables-nft-restore", "--noflush", text=restored(lines))

    def remember_pod(self, node, address, name, network, namespace):
        """What libcni keeps of a pod it has made."""
        spaced, dummy, pod = name.partition("/")
        container = container_id(address)
        cached = {
            "kind": "cniCacheV1",
            "containerId": container,
            "ifName": "eth0",
            "networkName": network,
            "cniArgs": [["K8S_POD_NAMESPACE", spaced], ["K8S_POD_NAME", pod]],
            "result": {"interfaces": [{"name": "eth0", "sandbox": f"/var/run/netns/{namespace}"}]},
        }
        self.files(node).put(f"/var/lib/cni/results/{network}-{container}-eth0", json.dumps(cached))

    # -- what the role does

    def verify(self, probe="none"):
        """Look, ask, probe, read the tables that differ, judge."""
        wanted, problems = declared(self.settings)
        assert [str(one) for one in problems] == []
        cluster = Cluster.from_dict(_as_json(read(self.api, Request(tuple(SECTIONS)))))
        options = request(wanted, cluster)
        if self.moves or probe != "none":
            self._told.clear()
        first = self._first_look(options)
        asked = ask(self._staged(wanted, cluster, first).scene, probe)
        probed = self._probe({host: one for host, one in asked.items() if one["probes"]})
        tables = {name: options[name] for name in ("pod_networks", "limit", "table_limit")}
        second = self._read(
            {
                host: {**tables, "gather": TABLES, "packed": one["packed"]}
                for host, one in asked.items()
                if one["packed"]
            }
        )
        answers = {host: with_tables(answer, second.get(host)) for host, answer in first.items()}
        return judge(self._staged(wanted, cluster, answers).scene, probe, probed)

    def _first_look(self, options):
        """What all hosts tell, as far as it is not known; no answer of those that are lost."""
        known = {host: told for host, (asked, told) in self._told.items() if asked == options}
        again = [host for host in self.hosts if host not in self.lost and host not in known]
        known.update(self._read(dict.fromkeys(again, options)))
        self._told = {host: (options, told) for host, told in known.items()}
        silent = {host: {"unreachable": True, "msg": reason} for host, reason in self.lost.items()}
        return {host: silent.get(host) or known[host] for host in self.hosts}

    def _read(self, options):
        """node_network_info on some hosts at once."""
        defaults = _defaults(_module.info_argument_spec())
        ends = {
            host: self._topology[host].begin(gather, self._files[host], _module._request({**defaults, **one}))
            for host, one in options.items()
        }
        return {host: {"node": _as_json(end())} for host, end in ends.items()}

    def _staged(self, wanted, cluster, answers):
        roster = Roster(cluster.members)
        nodes = [observe(host, answers[host], NO_OWN_SETTINGS, roster) for host in self.hosts]
        staged, problems = stage(wanted, cluster, nodes)
        assert [str(one) for one in problems] == []
        return staged

    def _probe(self, asked):
        """path_probe on some hosts at once."""
        rules = _probe_module.parse_rules(_defaults(_probe_module.probe_argument_spec()))
        ends = {}
        for host, one in asked.items():
            probes = _probe_module.parse_probes(one["probes"])
            place, files = self._topology[host], self._files[host]
            ends[host] = place.begin(_probe_run.run, files, probes, rules, one["counters"])
        return {host: _as_json(end()) for host, end in ends.items()}


def container_id(address):
    """A container's id, made of its pod's address."""
    return hashlib.sha256(address.encode()).hexdigest()


def _as_json(value):
    """A module's answer as it comes to the controller."""
    return json.loads(json.dumps(value))
