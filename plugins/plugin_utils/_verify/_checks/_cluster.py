# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster: is every node there, with a pod subnet of its own and an agent that says so?"""

from __future__ import annotations

from ansible_collections.switchyard.cni.plugins.module_utils._model import IPNetwork, ip_address
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Member
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import names
from ansible_collections.switchyard.cni.plugins.plugin_utils._subnets import capacity
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._case import Case
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._finding import (
    ERROR,
    WARNING,
    Check,
    Findings,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import UNREACHABLE, NodeView, Scene

TOPIC = "cluster"

UNANSWERED = Check("node-unreachable", ERROR, "Every host of the inventory answers")
NO_NODE = Check("node-not-in-cluster", ERROR, "Every host of the inventory is a Node of the cluster")
NO_HOST = Check("node-not-in-inventory", WARNING, "Every Node of the cluster is a host of the inventory")
NOT_READY = Check("node-not-ready", ERROR, "Every Node is Ready")
UNAVAILABLE = Check("network-unavailable", ERROR, "No Node says that its network is unavailable")
NO_CIDR = Check("pod-cidr-missing", ERROR, "Every node has a pod subnet")
OUTSIDE = Check("pod-cidr-outside", ERROR, "Every pod subnet lies in the declared pod network")
SHARED = Check("pod-cidr-duplicate", ERROR, "No two nodes have one pod subnet")
FULL = Check("cidr-nearly-exhausted", WARNING, "The pod network has room for more nodes")
SUBNET_FULL = Check("subnet-nearly-full", WARNING, "Every node's subnet has room for more pods", ("pods",))
NO_AGENT = Check("agent-not-running", ERROR, "The plugin's agent runs on every node", ("agents",))
NOT_ROLLED_OUT = Check("agent-not-ready", ERROR, "The agents' DaemonSet is ready on every node")
SILENT = Check("agent-silent", ERROR, "Every agent has made its node known to its peers")
DAMAGED = Check("announcement-damaged", ERROR, "What agents have made known can be read")
MIXED = Check("backend-mixed", ERROR, "Every agent has announced the declared backend")
APART = Check("nodes-not-neighbours", ERROR, "All nodes are on one layer 2, where the backend needs it", ("addresses",))
ODD_ADDRESS = Check(
    "announced-address-odd", WARNING, "Agents announce the addresses that Kubernetes knows", ("addresses",)
)

CHECKS = (
    UNANSWERED,
    NO_NODE,
    NO_HOST,
    NOT_READY,
    UNAVAILABLE,
    NO_CIDR,
    OUTSIDE,
    SHARED,
    FULL,
    SUBNET_FULL,
    NO_AGENT,
    NOT_ROLLED_OUT,
    SILENT,
    DAMAGED,
    MIXED,
    APART,
    ODD_ADDRESS,
)

NEARLY_FULL = 0.9
"""The share of a subnet's addresses in use from which it counts as nearly full."""


def survey(scene: Scene) -> Findings:
    """What the API server alone tells about all nodes."""
    for view in scene.views:
        yield from _presence(scene, view)
    for member in scene.cluster.members.values():
        yield from _conditions(member)
        yield from _subnets(scene, member)
        yield from _announced(scene, member)
    yield from _shared(scene)
    yield from _room(scene)
    yield from _rollout(scene)
    yield from _apart(scene)


def examine(case: Case) -> Findings:
    """What one node tells about its own agent and its own pods."""
    if case.view.told("agents"):
        yield from _agent(case)
    if case.view.told("pods"):
        yield from _fill(case)
    if case.view.told("addresses"):
        yield from _address(case)


def _presence(scene: Scene, view: NodeView) -> Findings:
    if view.state == UNREACHABLE:
        hint = "Bring the host up or correct its connection variables; its peers are verified all the same"
        yield UNANSWERED.found(view.name, view.host, "an answer", view.reason or "no answer", hint)
    if view.member is None and scene.cluster.members:
        hint = "Set network_node_name of the host to its name in kubectl get nodes, or join it to the cluster"
        yield NO_NODE.found(view.name, view.host, f"a Node named {view.name}", "no such Node", hint)
    if not view.host:
        hint = "Add it to the group kube_node of the inventory: until then nobody looks at it"
        yield NO_HOST.found(view.name, view.name, "a host of the inventory", "only a Node", hint)


def _conditions(member: Member) -> Findings:
    ready, network = member.ready, member.network_unavailable
    if ready is not None and ready.status != "True":
        hint = f"kubectl describe node {member.name}; then the kubelet's log there"
        yield NOT_READY.found(member.name, "Ready", "True", f"{ready.status}: {ready.message or ready.reason}", hint)
    if network is not None and network.status == "True":
        hint = "Restart the agent's pod there: an agent that was stopped leaves this condition, and a taint, behind"
        actual = f"True: {network.reason} {network.message}".rstrip()
        yield UNAVAILABLE.found(member.name, "NetworkUnavailable", "False", actual, hint)


def _subnets(scene: Scene, member: Member) -> Findings:
    if scene.backend.blocks:
        return
    have = {cidr.version: cidr for cidr in scene.subnets(member)}
    for wanted in scene.intent.pod_cidrs:
        cidr = have.get(wanted.version)
        if cidr is None:
            hint = "Start kube-controller-manager with --allocate-node-cidrs and --cluster-cidr"
            expected = f"an IPv{wanted.version} podCIDR"
            yield NO_CIDR.found(member.name, "spec.podCIDRs", expected, "none", hint)
        elif not scene.holds(cidr):
            hint = "Declare the network that kube-controller-manager has, or register the Node again"
            yield OUTSIDE.found(member.name, "spec.podCIDRs", f"inside {wanted}", str(cidr), hint)


def _shared(scene: Scene) -> Findings:
    owners: dict[IPNetwork, list[str]] = {}
    for member in scene.cluster.members.values():
        for cidr in scene.subnets(member):
            owners.setdefault(cidr, []).append(member.name)
    for cidr, nodes in owners.items():
        if len(nodes) > 1:
            hint = "Delete all of these Nodes but one and register them again: a podCIDR cannot be changed"
            yield SHARED.found("", str(cidr), "the subnet of one node", f"of {names(nodes)}", hint)


def _room(scene: Scene) -> Findings:
    if scene.backend.blocks:
        return
    for cidr in scene.intent.pod_cidrs:
        lengths = [
            own.prefixlen
            for one in scene.cluster.members.values()
            for own in scene.subnets(one)
            if own.version == cidr.version
        ]
        room = capacity(cidr, lengths[0]) if lengths else 0
        if room and len(lengths) > NEARLY_FULL * room:
            hint = "Plan a larger pod network: one more node than there are subnets gets none"
            found = f"{len(lengths)} of {room} subnets are given out"
            yield FULL.found("", str(cidr), "a tenth of the subnets is free", found, hint)


def _fill(case: Case) -> Findings:
    """How full the subnets are by which this node gives addresses to its pods."""
    if case.backend.blocks:
        return
    held = [address for pod in case.facts.pods for address in pod.addresses]
    for subnet in case.subnets:
        # The network's own address, the bridge's and the broadcast address are nobody's.
        usable = subnet.num_addresses - 3
        used = sum(1 for address in held if ip_address(address) in subnet)
        if used > NEARLY_FULL * usable:
            hint = "Move pods to other nodes, lower the kubelet's maxPods, or plan a shorter node prefix"
            yield SUBNET_FULL.found(
                case.name, str(subnet), "a tenth of the addresses is free", f"{used} of {usable} in use", hint
            )


def _rollout(scene: Scene) -> Findings:
    for one in scene.cluster.daemonsets:
        if one.agent == scene.backend.plugin and one.ready < one.desired:
            subject = f"DaemonSet {one.namespace}/{one.name}"
            hint = f"kubectl -n {one.namespace} get pods -o wide, then the log of those that are not ready"
            yield NOT_ROLLED_OUT.found("", subject, f"{one.desired} ready", f"{one.ready} ready", hint)


def _apart(scene: Scene) -> Findings:
    """Routes through the nodes themselves end at the first router between them."""
    if not scene.backend.needs_same_l2:
        return
    for version in scene.intent.versions:
        groups: dict[str, list[str]] = {}
        for view in scene.views:
            network = view.endpoint.underlay.network(version) if view.endpoint else None
            if network is not None:
                groups.setdefault(str(network), []).append(view.name)
        if len(groups) > 1:
            shown = "; ".join(f"{network}: {names(members)}" for network, members in sorted(groups.items()))
            hint = "Choose a backend that encapsulates, at least between the subnets"
            yield APART.found("", "the nodes' subnets", "one subnet", shown, hint)


def _announced(scene: Scene, member: Member) -> Findings:
    found = scene.announced[member.name]
    again = f"Restart {scene.backend.plugin}'s agent on {member.name}"
    prefix = scene.backend.traces.annotations
    if found.damaged:
        yield DAMAGED.found(member.name, f"{prefix}*", "readable annotations", found.damaged, again)
    elif not found.addresses:
        hint = f"{again}, and look at its log: its peers do not know the way to it"
        yield SILENT.found(member.name, f"{prefix}*", "the node's address", "nothing", hint)
    elif scene.backend.announced_type is not None and found.type != scene.backend.announced_type:
        expected = scene.backend.announced_type or "(empty: udp)"
        hint = f"{again}: agents ignore peers of another backend, so finish the change on every node"
        yield MIXED.found(member.name, f"{prefix}backend-type", expected, found.type or "(empty)", hint)


def _agent(case: Case) -> Findings:
    # Not those that serve it: BIRD may be the host's own.
    wanted = case.backend.traces.agents[0]
    if not any(agent.name == wanted for agent in case.facts.agents) and not _embedded(case):
        hint = f"Start {wanted} on {case.name}; routes stay as they are until then"
        running = names(agent.name for agent in case.facts.agents) or "no agent"
        yield NO_AGENT.found(case.name, wanted, f"{wanted} runs", f"running: {running}", hint)


def _embedded(case: Case) -> bool:
    """k3s and rke2 carry flannel inside their own program."""
    return any(agent.name in ("k3s", "rke2") for agent in case.facts.agents)


def _address(case: Case) -> Findings:
    """An address that is on another device than the one Kubernetes knows is the wrong NIC's, unless it was meant."""
    member, addresses = case.view.member, case.view.announced.addresses
    if member is None or not addresses or not member.internal_ips:
        return
    devices = {one.address: one.dev for one in case.facts.addresses}
    internal = {devices[one] for one in member.internal_ips if one in devices}
    for text in addresses:
        address = text.partition("/")[0]
        if address in member.internal_ips or devices.get(address) in internal or not internal:
            continue
        where = f"on {devices[address]}" if address in devices else "on none of its devices"
        hint = "Choose the device between the nodes in the inventory, unless this one was meant"
        expected = f"an address of {names(sorted(internal))}, by which Kubernetes knows the node"
        yield ODD_ADDRESS.found(case.name, address, expected, f"{address}, {where}", hint)
