# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one table of settings, and how an inventory's variables become values.

A setting has one native name and may have aliases from the dialects that operators already have.
This file is private to the collection.
"""

from __future__ import annotations

import ast
import difflib
import json
import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._backends import types
from ansible_collections.switchyard.cni.plugins.plugin_utils._calico_settings import CALICO
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import HIDDEN, Problem, show
from ansible_collections.switchyard.cni.plugins.plugin_utils._registry_settings import REGISTRY
from ansible_collections.switchyard.cni.plugins.plugin_utils._setting import FALSE, TRISTATE, TRUE, Setting
from ansible_collections.switchyard.cni.plugins.plugin_utils._subnets import SubnetError, parse

PREFIXES = ("network_", "flannel_", "calico_")
TYPO_RATIO = 0.85
"""Similarity (difflib, 0 to 1) from which an unknown variable counts as a mistyped one."""

FOREIGN = frozenset(
    (
        # kubeasz's own variables, which mean nothing here.
        "calico_ver",
        "calico_ver_main",
        "calico_offline",
        "calico_rr_enabled",
        "flannel_ver",
        "flannel_offline",
        "flannel_ver_main",
        "network_plugin_dir",
    )
)


class ValueProblem(ValueError):
    """A value cannot be understood: why, and what could be written instead."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


_BACKEND_SYNONYMS = {"host-gw": ("hostgw", "host_gw"), "ipip": ("ip-in-ip",), "wireguard": ("wg",)}

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "network_plugin",
        "choice",
        "The network plugin that the cluster shall have.",
        aliases=("CLUSTER_NETWORK",),
        default="flannel",
        choices={"flannel": (), "calico": ()},
    ),
    Setting(
        "network_pod_cidr",
        "cidrs",
        "The pods' network: one CIDR, or an IPv4 and an IPv6 one.",
        aliases=("CLUSTER_CIDR",),
        required=True,
    ),
    *(
        Setting(
            f"{plugin}_pod_cidr",
            "cidrs",
            f"The pods' network while {name} has it; unset = network_pod_cidr. Two plugins that take turns need two "
            "networks.",
            default=(),
        )
        for plugin, name in (("flannel", "flannel"), ("calico", "Calico"))
    ),
    Setting(
        "network_service_cidr",
        "cidrs",
        "The services' network: one CIDR, or an IPv4 and an IPv6 one.",
        aliases=("SERVICE_CIDR",),
        default=(),
    ),
    Setting(
        "network_node_prefix",
        "int",
        "Prefix length of a node's IPv4 pod subnet.",
        aliases=("NODE_CIDR_LEN",),
        default=24,
        unit="bits",
        minimum=1,
        maximum=30,
    ),
    Setting(
        "network_node_prefix_v6",
        "int",
        "Prefix length of a node's IPv6 pod subnet.",
        default=64,
        unit="bits",
        minimum=1,
        maximum=126,
    ),
    Setting(
        "network_kube_proxy_mode",
        "choice",
        "How kube-proxy filters packets; auto = as observed on the nodes.",
        aliases=("PROXY_MODE",),
        default="auto",
        choices={"auto": (), "iptables": (), "ipvs": (), "nftables": ("nft",)},
    ),
    Setting(
        "network_kubeconfig", "str", "Path of the kubeconfig on the host that talks to the API server.", default=""
    ),
    Setting("network_context", "str", "Context of the kubeconfig.", default=""),
    *REGISTRY,
    Setting(
        "network_node_name",
        "str",
        "Name of the Kubernetes Node of this host; unset, it is found by the host's names and addresses.",
        aliases=("k8s_nodename",),
        default="",
        per_host=True,
    ),
    Setting("network_cni_conf_dir", "str", "Directory of CNI configuration on the nodes.", default="/etc/cni/net.d"),
    Setting("network_cni_bin_dir", "str", "Directory of CNI plugins on the nodes.", default="/opt/cni/bin"),
    Setting(
        "network_foreign_cni",
        "choice",
        "What happens to a foreign CNI configuration that would win over ours.",
        default="report",
        choices={"report": (), "disable": ()},
    ),
    Setting(
        "network_allow",
        "list",
        "What a change of a running pod network may take besides new routes: C(pods) lets pods be made anew, "
        "C(naked-pods) besides deletes those that no controller would make anew, C(cidr) lets all pods be made anew in "
        "another pod network, node by node, and C(dual) lets another plugin take over so, with both side by side.",
        default=(),
    ),
    Setting(
        "network_batch",
        "str",
        "How many nodes move at once to another plugin or another pod network: a number, or a percentage of all nodes "
        "such as C(10%). The first one is always alone.",
        default="1",
    ),
    Setting(
        "network_dual_addresses",
        "choice",
        "With which address a pod of one plugin reaches one of the other while both run: that of its node, or its own, "
        "which needs iptables, and reverse-path filtering that is not strict.",
        default="node",
        choices={"node": (), "pod": ()},
    ),
    Setting(
        "network_pod_timeout",
        "int",
        "How long the pods of a batch of nodes may take to be made anew in another network, besides the time that the "
        "slowest of them has to end. Then the change stops, and both networks stay.",
        default=600,
        unit="seconds",
        minimum=1,
    ),
    Setting(
        "network_job_timeout",
        "int",
        "How long a change to another plugin or pod network waits, when all other pods have moved, for Jobs that still "
        "run. Then it stops, and both stay until it is run again.",
        default=300,
        unit="seconds",
        minimum=0,
    ),
    Setting(
        "network_unload_modules",
        "list",
        "Kernel modules to unload when a change has made them useless and nothing on the node uses them any more: "
        "C(ipip). Unloading removes every device of its kind.",
        default=(),
    ),
    Setting(
        "network_on_failure",
        "choice",
        "What happens when a change fails: back to what ran before, or stop there for a look.",
        default="rollback",
        choices={"rollback": (), "stop": ()},
    ),
    Setting(
        "network_rollout",
        "choice",
        "In which order the nodes' agents change: together keeps a mixed network short; canary changes one node first, "
        "and the others when its pods still reach them; serial does so node by node.",
        default="together",
        choices={"together": (), "canary": (), "serial": ()},
    ),
    Setting(
        "network_canary",
        "str",
        "The node that changes first with network_rollout: canary, and that another plugin takes over first, by its "
        "name in the inventory or in the cluster. Empty: the last one of the inventory, and the first worker.",
        default="",
    ),
    Setting(
        "network_meter",
        "bool",
        "Whether pods of each node probe each other while a running network changes, so that losses are reported.",
        default=True,
    ),
    Setting(
        "network_meter_rate",
        "int",
        "How many probes each pair of pods sends meanwhile. Fewer spare slow nodes, and tell gaps less finely.",
        default=100,
        unit="probes a second",
        minimum=1,
        maximum=1000,
    ),
    Setting(
        "flannel_backend",
        "choice",
        "How flannel carries packets between nodes.",
        aliases=("FLANNEL_BACKEND",),
        default="vxlan",
        choices={name: _BACKEND_SYNONYMS.get(name, ()) for name in types("flannel")},
    ),
    Setting(
        "flannel_direct_routing",
        "bool",
        "Reach peers on the same layer 2 without encapsulation.",
        aliases=("DIRECT_ROUTING",),
        default=False,
    ),
    Setting("flannel_vni", "int", "VXLAN network identifier.", default=1, minimum=1, maximum=(1 << 24) - 1),
    Setting("flannel_port", "int", "UDP port between the nodes; unset = the backend's own.", minimum=1, maximum=65535),
    Setting(
        "flannel_mtu",
        "int",
        "MTU of the NIC; the backend's overhead is subtracted. Unset = as on the NIC.",
        unit="bytes",
        minimum=1,
        maximum=65535,
    ),
    Setting("flannel_learning", "bool", "MAC learning on the VXLAN device.", default=False),
    Setting("flannel_iface", "str", "Device or address that flannel uses between nodes.", default=""),
    Setting("flannel_iface_regex", "str", "Regular expression for that device's name or address.", default=""),
    Setting("flannel_iface_can_reach", "str", "Address; the device that leads to it is used.", default=""),
    Setting("flannel_public_ip", "str", "Address at which peers reach this node.", default="", per_host=True),
    Setting("flannel_ip_masq", "bool", "Masquerade packets that leave the pod network.", default=True),
    Setting(
        "flannel_nftables",
        "choice",
        "Whether flannel filters with nftables; auto = as kube-proxy does.",
        default="auto",
        choices=TRISTATE,
    ),
    Setting("flannel_wireguard_psk", "str", "WireGuard pre-shared key.", default="", secret=True),
    Setting(
        "flannel_wireguard_keepalive",
        "int",
        "WireGuard persistent keepalive; 0 = off.",
        default=0,
        unit="seconds",
        minimum=0,
        maximum=65535,
    ),
    Setting(
        "flannel_wireguard_mode",
        "choice",
        "WireGuard tunnels and address families.",
        default="separate",
        choices={"separate": (), "auto": (), "ipv4": (), "ipv6": ()},
    ),
    Setting("flannel_version", "str", "Version of flannel.", default="v0.28.10"),
    Setting(
        "flannel_image",
        "str",
        "Image of flanneld; unset = upstream's or the registry's.",
        aliases=("flanneld_image",),
        default="",
    ),
    Setting("flannel_image_digest", "str", "Digest that pins the image, sha256:...", default=""),
    Setting("flannel_cni_plugin_image", "str", "Image with flannel's CNI plugin.", default=""),
    Setting("flannel_cni_plugin_image_digest", "str", "Digest that pins that image, sha256:...", default=""),
    Setting(
        "flannel_image_pull_policy",
        "choice",
        "When the kubelet pulls.",
        default="IfNotPresent",
        choices={"IfNotPresent": (), "Always": (), "Never": ()},
    ),
    Setting("flannel_namespace", "str", "Namespace of flannel's objects.", default="kube-flannel"),
    Setting(
        "flannel_tolerations",
        "list",
        "Tolerations of the DaemonSet.",
        default=({"operator": "Exists", "effect": "NoSchedule"},),
    ),
    Setting(
        "flannel_resources",
        "dict",
        "Resource requests and limits of flanneld's container.",
        default={"requests": {"cpu": "100m", "memory": "50Mi"}},
    ),
    Setting(
        "flannel_node_selector", "dict", "Node labels that the DaemonSet needs.", default={"kubernetes.io/os": "linux"}
    ),
    Setting(
        "flannel_wait_timeout",
        "int",
        "How long to wait until flannel is ready.",
        default=120,
        unit="seconds",
        minimum=1,
    ),
    Setting(
        "flannel_subnet_manager",
        "choice",
        "Who gives the nodes their subnets.",
        default="kube",
        choices={"kube": ("kubernetes",), "etcd": ()},
    ),
    Setting("flannel_etcd_endpoints", "list", "URLs of the etcd members.", default=()),
    Setting("flannel_etcd_prefix", "str", "Key prefix of flannel in etcd.", default="/coreos.com/network"),
    Setting("flannel_etcd_ca_file", "str", "CA certificate of etcd, on the nodes.", default=""),
    Setting("flannel_etcd_cert_file", "str", "Client certificate for etcd, on the nodes.", default=""),
    Setting("flannel_etcd_key_file", "str", "Client key for etcd, on the nodes.", default=""),
    Setting(
        "flannel_binary",
        "str",
        "Path of flanneld on the nodes, without Kubernetes.",
        default="/opt/flannel/bin/flanneld",
    ),
    *CALICO,
)

BY_NAME: t.Mapping[str, Setting] = {name: setting for setting in SETTINGS for name in setting.names}


def resolve(raw: t.Mapping[str, t.Any], allow: t.Collection[str] = ()) -> tuple[dict[str, t.Any], list[Problem]]:
    """Read the settings from an inventory's variables.

    Returns one value a setting under its native name, and every problem found. A setting whose value
    cannot be used is missing from the values; one that is not set has its default. ``allow`` names variables
    with our prefixes that are not settings (registered results, defaults of the roles).
    """
    values: dict[str, t.Any] = {}
    problems = _unknown(raw, allow)
    for setting in SETTINGS:
        found, wrong = _read(setting, raw)
        problems += wrong
        if wrong:
            continue
        # An empty list says as little as no value.
        if setting.required and not any(value != () for value in found.values()):
            problems.append(_missing(setting))
            continue
        values[setting.name] = next(iter(found.values())) if found else setting.default
    return values, problems


def _missing(setting: Setting) -> Problem:
    also = f" (or {', '.join(setting.aliases)})" if setting.aliases else ""
    return Problem(
        setting.name, None, "is not set, and there is no default", f"Set {setting.name}{also} in the inventory"
    )


def _read(setting: Setting, raw: t.Mapping[str, t.Any]) -> tuple[dict[str, t.Any], list[Problem]]:
    found: dict[str, t.Any] = {}
    problems = []
    for name in setting.names:
        value = raw.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        try:
            found[name] = _CONVERT[setting.kind](setting, value)
        except ValueProblem as exc:
            problems.append(Problem(name, HIDDEN if setting.secret else value, exc.reason, exc.remedy))
    return found, problems or _contradiction(setting, found, raw)


def _contradiction(setting: Setting, found: t.Mapping[str, t.Any], raw: t.Mapping[str, t.Any]) -> list[Problem]:
    shown = {name: HIDDEN if setting.secret else raw[name] for name in found}
    first, *others = found or (setting.name,)
    return [
        Problem(
            first,
            shown[first],
            f"{name} = {show(shown[name])} sets the same thing to another value",
            f"Keep one of {first} and {name}",
        )
        for name in others
        if found[name] != found[first]
    ]


def _unknown(raw: t.Mapping[str, t.Any], allow: t.Collection[str]) -> list[Problem]:
    known = set(BY_NAME) | set(allow) | FOREIGN
    problems = []
    for name in sorted(str(key) for key in raw):
        if name in known or not name.lower().startswith(PREFIXES) or name.lower() in FOREIGN:
            continue
        nearest = difflib.get_close_matches(name, BY_NAME, n=1, cutoff=TYPO_RATIO)
        if nearest:
            shown = HIDDEN if BY_NAME[nearest[0]].secret else raw[name]
            problems.append(
                Problem(
                    name,
                    shown,
                    "there is no such setting",
                    f"Did you mean {nearest[0]}? Rename the variable, or remove it",
                )
            )
    return problems


def _text(setting: Setting, value: t.Any) -> str:
    if isinstance(value, (list, tuple, dict)):
        raise ValueProblem("is not a single text", "Write one value")
    return str(value).strip()


def _boolean(setting: Setting, value: t.Any) -> bool:
    text = str(value).strip().lower()
    if text in TRUE:
        return True
    if text in FALSE:
        return False
    raise ValueProblem("is neither true nor false", "Write true or false")


def _integer(setting: Setting, value: t.Any) -> int:
    what = f"a whole number{f' of {setting.unit}' if setting.unit else ''}"
    try:
        number = int(str(value).strip())
    except ValueError as exc:
        raise ValueProblem(f"is not {what}", f"Write {what}{_range(setting)}") from exc
    if isinstance(value, bool):
        raise ValueProblem(f"is not {what}", f"Write {what}{_range(setting)}")
    if (setting.minimum is not None and number < setting.minimum) or (
        setting.maximum is not None and number > setting.maximum
    ):
        raise ValueProblem("is out of range", f"Write {what}{_range(setting)}")
    return number


def _range(setting: Setting) -> str:
    if setting.minimum is not None and setting.maximum is not None:
        return f" from {setting.minimum} to {setting.maximum}"
    return "" if setting.minimum is None else f", {setting.minimum} or more"


def _choice(setting: Setting, value: t.Any) -> str:
    text = str(value).strip().lower()
    for choice, synonyms in setting.choices.items():
        if text == choice.lower() or text in synonyms:
            return choice
    nearest = difflib.get_close_matches(text, [choice.lower() for choice in setting.choices], n=1)
    hint = f"; the nearest is {nearest[0]}" if nearest else ""
    raise ValueProblem("is not one of the choices", f"Write one of {', '.join(setting.choices)}{hint}")


def _structure(value: str) -> t.Any:
    """JSON, or a Python literal as Ansible's INI inventories hold them; None when it is neither."""
    for read in (json.loads, ast.literal_eval):
        try:
            return read(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return None


def _items(setting: Setting, value: t.Any) -> tuple[t.Any, ...]:
    if isinstance(value, str):
        if value.strip().startswith("["):
            value = _structure(value.strip())
        else:
            return tuple(item.strip() for item in value.split(",") if item.strip())
    if not isinstance(value, (list, tuple)):
        raise ValueProblem("is not a list", "Write a list, JSON, or values separated by commas")
    return tuple(value)


def _mapping(setting: Setting, value: t.Any) -> dict[str, t.Any]:
    if isinstance(value, str):
        value = _structure(value.strip())
    if not isinstance(value, t.Mapping):
        raise ValueProblem("is not a mapping", "Write a mapping, or one in JSON")
    return dict(value)


def _cidrs(setting: Setting, value: t.Any) -> tuple[str, ...]:
    try:
        networks = [parse(item) for item in _items(setting, value)]
    except SubnetError as exc:
        reason, dummy, remedy = str(exc).partition("; ")
        raise ValueProblem(reason, remedy[:1].upper() + remedy[1:]) from exc
    if len({network.version for network in networks}) != len(networks):
        raise ValueProblem(
            "has two networks of one address family", "Write one IPv4 network, one IPv6 network, or one of each"
        )
    return tuple(str(network) for network in networks)


_CONVERT: t.Mapping[str, t.Callable[[Setting, t.Any], t.Any]] = {
    "str": _text,
    "bool": _boolean,
    "int": _integer,
    "choice": _choice,
    "list": _items,
    "dict": _mapping,
    "cidrs": _cidrs,
}
