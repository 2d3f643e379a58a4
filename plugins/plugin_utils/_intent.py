# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The intent: which pod network the operator wants, as one typed value.

This file is private to the collection.
"""

from __future__ import annotations

import base64
import binascii
import re
import typing as t
from dataclasses import dataclass, field, fields
from functools import cached_property

from ansible_collections.switchyard.cni.plugins.module_utils._backends import BACKENDS, find
from ansible_collections.switchyard.cni.plugins.module_utils._backends._base import (
    Backend,
    BackendError,
    BackendOptions,
)
from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import networks
from ansible_collections.switchyard.cni.plugins.module_utils._model import IPNetwork
from ansible_collections.switchyard.cni.plugins.module_utils._sweep._order import UNLOADABLE
from ansible_collections.switchyard.cni.plugins.plugin_utils import _calico_intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._calico_intent import NEVER, CalicoIntent, calico_intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import HIDDEN, WARNING, Problem
from ansible_collections.switchyard.cni.plugins.plugin_utils._registry_settings import PULL_SECRET
from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import SETTINGS
from ansible_collections.switchyard.cni.plugins.plugin_utils._subnets import capacity, overlap

MINIMUM_MTU = {4: 576, 6: 1280}
"""Bytes every network must carry: RFC 791 section 3.1, RFC 8200 section 5."""

ALLOWABLE = ("pods", "naked-pods", "cidr", "dual")
"""What network_allow may hold: what a change may take besides new routes."""

WIREGUARD_KEY_BYTES = 32

IPAM_BITS = 16
"""kube-controller-manager refuses a node prefix more than 16 bits longer than the cluster's (its node IPAM)."""


@dataclass(frozen=True)
class FlannelIntent:
    """How flannel shall run; the fields are the settings flannel_*, unset texts are empty.

    ``nftables`` is ``auto``, ``true`` or ``false``; ``wait_timeout`` in seconds; the etcd files are on the nodes.
    """

    options: BackendOptions
    iface: str
    iface_regex: str
    iface_can_reach: str
    ip_masq: bool
    nftables: str
    version: str
    image: str
    image_digest: str
    cni_plugin_image: str
    cni_plugin_image_digest: str
    image_pull_policy: str
    namespace: str
    tolerations: tuple[t.Mapping[str, t.Any], ...]
    resources: t.Mapping[str, t.Any]
    node_selector: t.Mapping[str, str]
    wait_timeout: int
    subnet_manager: str
    etcd_endpoints: tuple[str, ...]
    etcd_prefix: str
    etcd_ca_file: str
    etcd_cert_file: str
    etcd_key_file: str
    binary: str

    @property
    def sessions(self) -> t.Mapping[str, tuple[str, ...]]:
        """Nodes speak with nobody about routes: each reads its peers' from the store."""
        return {}

    @property
    def kept_cidrs(self) -> tuple[IPNetwork, ...]:
        """Nothing has an address outside of the pod network."""
        return ()

    @property
    def kube(self) -> bool:
        """Whether Kubernetes gives the nodes their subnets."""
        return self.subnet_manager == "kube"


@dataclass(frozen=True)
class Intent:
    """The pod network that the inventory asks for.

    ``options`` are the backend's. ``node_prefixes`` maps an IP version to the prefix length of a node's subnet.
    ``allow`` names the classes of a change that the operator allows besides new routes, ``unload`` the kernel modules
    that go with their last use, ``on_failure`` is
    ``rollback`` or ``stop``, ``rollout`` the order in which agents change, ``canary`` the node that is first and
    ``batch`` how many another plugin takes over at once (a number, or a percentage), ``dual_addresses`` says with which
    address its pods reach those of the other one meanwhile (``node`` or ``pod``), ``pod_timeout`` and
    ``job_timeout`` the seconds that it waits for the pods of a batch, and for Jobs at its end,
    ``meter`` says whether losses are measured, ``meter_rate`` with how many probes a second. ``assumed`` names the
    settings whose value could not be used, so that their default stands here: no conclusion may be drawn from those.
    """

    plugin: str
    backend: Backend
    pod_cidrs: tuple[IPNetwork, ...]
    service_cidrs: tuple[IPNetwork, ...]
    node_prefixes: t.Mapping[int, int]
    kube_proxy_mode: str
    kubeconfig: str
    context: str
    registry: str
    image_pull_secrets: tuple[str, ...]
    cni_conf_dir: str
    cni_bin_dir: str
    foreign_cni: str
    allow: tuple[str, ...]
    unload: tuple[str, ...]
    on_failure: str
    rollout: str
    canary: str
    batch: str
    dual_addresses: str
    pod_timeout: int
    job_timeout: int
    meter: bool
    meter_rate: int
    options: BackendOptions
    flannel: FlannelIntent
    calico: CalicoIntent
    assumed: frozenset[str] = field(default_factory=frozenset)

    @property
    def agent(self) -> FlannelIntent | CalicoIntent:
        """How the declared plugin shall run."""
        agents: dict[str, FlannelIntent | CalicoIntent] = {"flannel": self.flannel, "calico": self.calico}
        return agents[self.plugin]

    @property
    def ip_masq(self) -> bool:
        """Whether packets that leave the pod network get the node's address."""
        return self.agent.ip_masq

    @cached_property
    def versions(self) -> tuple[int, ...]:
        """The IP versions of the pod network, in the order of the CIDRs."""
        return tuple(cidr.version for cidr in self.pod_cidrs)

    @property
    def kube(self) -> bool:
        """Whether Kubernetes is where the agents keep what they know."""
        return self.agent.kube

    @property
    def nftables(self) -> bool | None:
        """Whether the agents filter with nftables; None = as kube-proxy is observed to do."""
        if self.agent.nftables != "auto":
            return self.agent.nftables == "true"
        return None if self.kube_proxy_mode == "auto" else self.kube_proxy_mode == "nftables"


def build_intent(values: t.Mapping[str, t.Any]) -> tuple[Intent | None, list[Problem]]:
    """Make the intent from the values of resolve(), and find what is wrong with them together.

    None when there is no pod CIDR or no such backend: then nothing can be checked against nodes.
    """
    complete = {setting.name: values.get(setting.name, setting.default) for setting in SETTINGS}
    assumed = frozenset(name for name in complete if name not in values)
    own = complete[f"{complete['network_plugin']}_pod_cidr"]
    complete["network_pod_cidr"] = own or complete["network_pod_cidr"]
    if not complete["network_pod_cidr"]:
        return None, []
    backend, problems = _backend(complete)
    if backend is None:
        return None, problems
    intent = _assemble(complete, backend, assumed)
    for check in (*_EVERY, *_OF_PLUGIN[intent.plugin]):
        problems += [problem for problem in check(intent, complete) if problem.variable not in assumed]
    return intent, problems


def _backend(values: t.Mapping[str, t.Any]) -> Choice:
    return _CHOICE[values["network_plugin"]](values)


def _flannel_backend(values: t.Mapping[str, t.Any]) -> Choice:
    type_name, direct = values["flannel_backend"], values["flannel_direct_routing"]
    try:
        return find("flannel", type_name, direct), []
    except BackendError as exc:
        remedy = "Set flannel_direct_routing to false, or choose a backend that has it: vxlan or ipip"
        return find("flannel", type_name), [Problem("flannel_direct_routing", direct, str(exc), remedy)]


def _calico_backend(values: t.Mapping[str, t.Any]) -> Choice:
    ipip, vxlan = _calico_intent.ipip_mode(values), values["calico_vxlan_mode"]
    if NEVER not in (ipip, vxlan):
        reason = f"calico_vxlan_mode is {vxlan} too, and an IPPool has one encapsulation"
        return None, [Problem("calico_ipip_mode", ipip, reason, "Set one of the two to Never")]
    mode = vxlan if ipip == NEVER else ipip
    type_name = "none" if mode == NEVER else "vxlan" if ipip == NEVER else "ipip"
    return find("calico", type_name, mode == _calico_intent.CROSS_SUBNET, values["calico_wireguard"]), []


Choice = tuple[Backend | None, list[Problem]]
_CHOICE: t.Mapping[str, t.Callable[[t.Mapping[str, t.Any]], Choice]] = {
    "flannel": _flannel_backend,
    "calico": _calico_backend,
}


def _assemble(values: t.Mapping[str, t.Any], backend: Backend, assumed: frozenset[str]) -> Intent:
    flannel, calico = _flannel(values), calico_intent(values)
    options = {"flannel": flannel.options, "calico": calico.options}
    return Intent(
        plugin=values["network_plugin"],
        backend=backend,
        pod_cidrs=networks(values["network_pod_cidr"]),
        service_cidrs=networks(values["network_service_cidr"]),
        node_prefixes={4: values["network_node_prefix"], 6: values["network_node_prefix_v6"]},
        kube_proxy_mode=values["network_kube_proxy_mode"],
        kubeconfig=values["network_kubeconfig"],
        context=values["network_context"],
        registry=values["network_registry"].rstrip("/"),
        image_pull_secrets=_pull_secrets(values),
        cni_conf_dir=values["network_cni_conf_dir"],
        cni_bin_dir=values["network_cni_bin_dir"],
        foreign_cni=values["network_foreign_cni"],
        allow=values["network_allow"],
        unload=values["network_unload_modules"],
        on_failure=values["network_on_failure"],
        rollout=values["network_rollout"],
        canary=values["network_canary"],
        batch=values["network_batch"],
        dual_addresses=values["network_dual_addresses"],
        pod_timeout=values["network_pod_timeout"],
        job_timeout=values["network_job_timeout"],
        meter=values["network_meter"],
        meter_rate=values["network_meter_rate"],
        options=options[values["network_plugin"]],
        flannel=flannel,
        calico=calico,
        assumed=assumed,
    )


def _pull_secrets(values: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    """Those of the operator, and the one that is made of the registry's credentials."""
    own = (PULL_SECRET,) if values["network_registry"] and values["network_registry_username"] else ()
    return tuple(dict.fromkeys((*values["network_image_pull_secrets"], *own)))


def _flannel(values: t.Mapping[str, t.Any]) -> FlannelIntent:
    same = {item.name: values[f"flannel_{item.name}"] for item in fields(FlannelIntent) if item.name != "options"}
    return FlannelIntent(
        **same,
        options=BackendOptions(
            vni=values["flannel_vni"],
            port=values["flannel_port"],
            mtu=values["flannel_mtu"],
            learning=values["flannel_learning"],
            wireguard_psk=values["flannel_wireguard_psk"],
            wireguard_keepalive=values["flannel_wireguard_keepalive"],
            wireguard_mode=values["flannel_wireguard_mode"],
        ),
    )


def prefix_setting(version: int) -> str:
    """The setting that holds the prefix length of a node's subnet of that IP version."""
    return "network_node_prefix" if version == 4 else "network_node_prefix_v6"


def flannel_net_conf(intent: Intent, nftables: bool = False) -> dict[str, t.Any]:
    """flannel's net-conf.json (keys as in its Documentation/configuration.md).

    The subnet lengths are only read when flannel gives out the subnets itself, from etcd.
    """
    conf: dict[str, t.Any] = {}
    for cidr in intent.pod_cidrs:
        family = "" if cidr.version == 4 else "IPv6"
        conf[f"{family}Network"] = str(cidr)
        if not intent.kube:
            conf[f"{family}SubnetLen"] = intent.node_prefixes[cidr.version]
    conf["EnableIPv4"] = 4 in intent.versions
    conf["EnableIPv6"] = 6 in intent.versions
    conf["EnableNFTables"] = nftables
    conf["Backend"] = intent.backend.backend_conf(intent.options)
    return conf


Check = t.Iterator[Problem]
Values = t.Mapping[str, t.Any]


def _networks(intent: Intent, values: Values) -> Check:
    for pod in intent.pod_cidrs:
        for service in intent.service_cidrs:
            if overlap(pod, service):
                yield Problem(
                    "network_pod_cidr",
                    pod,
                    f"overlaps the service network {service} (network_service_cidr)",
                    "Choose another pod network; the API server's --service-cluster-ip-range tells the service network",
                )
    if not {cidr.version for cidr in intent.service_cidrs} <= set(intent.versions):
        yield Problem(
            "network_service_cidr",
            intent.service_cidrs,
            "has an address family that the pod network does not have",
            "Give network_pod_cidr a network of the same family",
        )


def _unloadable(intent: Intent, values: Values) -> Check:
    unknown = [name for name in intent.unload if name not in UNLOADABLE]
    if unknown:
        reason = f"{', '.join(map(str, unknown))} is no module of which is known whether anybody uses it"
        yield Problem(
            "network_unload_modules", intent.unload, reason, f"Leave it empty, or list {', '.join(UNLOADABLE)}"
        )


def _allowed(intent: Intent, values: Values) -> Check:
    unknown = [word for word in intent.allow if word not in ALLOWABLE]
    if unknown:
        reason = f"{', '.join(map(str, unknown))} is nothing that can be allowed"
        yield Problem("network_allow", intent.allow, reason, f"Leave it empty, or list some of {', '.join(ALLOWABLE)}")


def _batch(intent: Intent, values: Values) -> Check:
    found = re.fullmatch(r"(\d+)(%?)", intent.batch.strip())
    if found is None or not int(found[1]) or (found[2] and int(found[1]) > 100):
        reason = "is neither a number of nodes nor a percentage of them"
        yield Problem("network_batch", intent.batch, reason, "Write such as 1, 5 or 10%")


def _families(intent: Intent, values: Values) -> Check:
    if "flannel_backend" in intent.assumed:
        return
    backend = intent.backend
    missing = [version for version in intent.versions if version not in backend.ip_versions]
    if missing:
        yield Problem(
            "network_pod_cidr",
            intent.pod_cidrs,
            f"has an IPv{missing[0]} network, which the backend {backend.label} cannot carry",
            f"Choose {_carriers(intent)}, or give the pods an IPv4 network only",
        )


def _carriers(intent: Intent) -> str:
    """The types of the plugin's backends that carry every family of the pod network."""
    able = [one for one in BACKENDS if one.plugin == intent.plugin and set(intent.versions) <= set(one.ip_versions)]
    *others, last = dict.fromkeys(backend.type for backend in able)
    return " or ".join([", ".join(others), last]) if others else last


def _prefixes(intent: Intent, values: Values) -> Check:
    for cidr in intent.pod_cidrs:
        name = prefix_setting(cidr.version)
        prefix = intent.node_prefixes[cidr.version]
        length = cidr.prefixlen
        if not capacity(cidr, prefix):
            yield Problem(
                name,
                prefix,
                f"a node's subnet would be larger than the pod network {cidr}",
                f"Set {name} to {length + 2} or more, or choose a larger network_pod_cidr",
            )
        elif intent.kube and prefix - length > IPAM_BITS:
            yield Problem(
                name,
                prefix,
                f"kube-controller-manager splits {cidr} into at most 2^{IPAM_BITS} subnets",
                f"Set {name} to {length + IPAM_BITS} or less",
            )
        elif not intent.kube and prefix < length + 2:
            yield Problem(
                name,
                prefix,
                f"flannel needs room for four subnets, and {cidr} has {capacity(cidr, prefix)} of /{prefix}",
                f"Set {name} to {length + 2} or more",
            )


def _mtu(intent: Intent, values: Values) -> Check:
    wanted = intent.options.mtu
    if wanted is None or "flannel_backend" in intent.assumed:
        return
    backend = intent.backend
    if not backend.reads_mtu:
        yield Problem(
            "flannel_mtu",
            wanted,
            f"{backend.label} reads no MTU: pods get the NIC's, less {backend.overhead} bytes",
            "Remove it, or set the MTU of the nodes' NIC",
            WARNING,
        )
        return
    floor = max(MINIMUM_MTU[version] for version in intent.versions)
    pod = backend.pod_mtu(wanted, intent.options)
    if pod < floor:
        yield Problem(
            "flannel_mtu",
            wanted,
            f"leaves pods {pod} of them, and IPv{max(intent.versions)} needs {floor}",
            f"Set it to {floor + backend.overhead} bytes or more, or remove it to use the NIC's",
        )


def _selectors(intent: Intent, values: Values) -> Check:
    names = [name for name in ("flannel_iface", "flannel_iface_regex", "flannel_iface_can_reach") if values[name]]
    if len(names) > 1:
        yield Problem(
            names[0],
            values[names[0]],
            f"{' and '.join(names[1:])} also selects the device between the nodes",
            f"Keep one of {', '.join(names)}",
        )
    if values["flannel_iface_regex"]:
        try:
            re.compile(values["flannel_iface_regex"])
        except re.error as exc:
            yield Problem(
                "flannel_iface_regex",
                values["flannel_iface_regex"],
                f"is not a regular expression: {exc}",
                "Correct it, or name the device in flannel_iface",
            )


def _wireguard(intent: Intent, values: Values) -> Check:
    psk = values["flannel_wireguard_psk"]
    try:
        valid = not psk or len(base64.b64decode(psk, validate=True)) == WIREGUARD_KEY_BYTES
    except (binascii.Error, ValueError):
        valid = False
    if not valid:
        yield Problem(
            "flannel_wireguard_psk",
            HIDDEN,
            f"is not a WireGuard key: {WIREGUARD_KEY_BYTES} bytes in base64",
            "Make one with: wg genpsk",
        )


def _etcd(intent: Intent, values: Values) -> Check:
    flannel = intent.flannel
    if intent.kube:
        return
    if not flannel.etcd_endpoints:
        yield Problem(
            "flannel_etcd_endpoints",
            None,
            "is not set, and flannel_subnet_manager is etcd",
            "Set it to the URLs of the etcd members, such as https://192.168.7.101:2379",
        )
    for url in flannel.etcd_endpoints:
        if not re.match(r"https?://[^/\s]+$", str(url).rstrip("/")):
            yield Problem(
                "flannel_etcd_endpoints", url, "is not the URL of an etcd member", "Write http(s)://address:port"
            )
    if bool(flannel.etcd_cert_file) != bool(flannel.etcd_key_file):
        yield Problem(
            "flannel_etcd_cert_file",
            flannel.etcd_cert_file or None,
            "a client certificate and its key belong together",
            "Set both flannel_etcd_cert_file and flannel_etcd_key_file, or neither",
        )


def _digests(intent: Intent, values: Values) -> Check:
    for name in ("flannel_image_digest", "flannel_cni_plugin_image_digest"):
        if values[name] and not re.match(r"sha256:[0-9a-f]{64}$", values[name]):
            yield Problem(name, values[name], "is not an image digest", "Write sha256: and 64 hexadecimal digits")


_EVERY = (_networks, _allowed, _batch, _unloadable, _families)
_OF_PLUGIN: t.Mapping[str, tuple[t.Callable[[Intent, Values], Check], ...]] = {
    "flannel": (_prefixes, _mtu, _selectors, _wireguard, _etcd, _digests),
    "calico": _calico_intent.CHECKS,
}
