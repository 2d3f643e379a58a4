# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the roles' argument specifications from the table of settings: `ansible-doc -t role` tells the truth."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import Setting

# What the inventory writes as text or list is judged by the plan, which also understands the other dialects.
TYPES = {"str": "str", "bool": "bool", "int": "int", "choice": "str", "list": "list", "dict": "dict", "cidrs": "str"}
READ_BY_THE_PLAN = (
    "The variables are read from the inventory by M(switchyard.cni.network_plan), which knows their defaults and "
    "aliases and reports every mistake at once; the role itself gets the plan."
)
READ_BY_THE_VERIFICATION = (
    "The variables that declare the network are read from the inventory by M(switchyard.cni.network_verify), which "
    "knows their defaults and aliases. All of them are optional: where C(network_pod_cidr) is not set, the network "
    "that runs is detected."
)
PLAN = {
    "type": "dict",
    "description": ["The result of M(switchyard.cni.network_plan); the playbooks register it as C(network_plan)."],
}
VERIFY = {
    "verify_probe": {
        "type": "str",
        "description": ["Which paths are probed.", "The number of paths grows linearly with the nodes in C(sample)."],
        "choices": ["sample", "all", "none"],
        "default": "sample",
    },
    "verify_services": {
        "type": "list",
        "elements": "str",
        "description": [
            "Services to connect to from a pod of each node, each as C(namespace/name).",
            "Unset, those that every cluster has, the API server's and the cluster's DNS.",
        ],
    },
    "verify_settings": {
        "type": "dict",
        "description": [
            "Settings that describe the network to verify instead of the declared one; the role C(switch) gives those "
            "of the network that it has gone back to.",
        ],
    },
    "verify_fail_on": {
        "type": "str",
        "description": ["The mildest severity with which the run fails."],
        "choices": ["error", "warning", "never"],
        "default": "error",
    },
    "verify_report_dir": {
        "type": "str",
        "description": [
            "A folder on the controller for the reports; it is made where it is missing.",
            "Empty, none are written; nor in check mode.",
        ],
        "default": "",
    },
    "verify_patience": {
        "type": "int",
        "description": ["How often an API server that does not answer is asked again, after two seconds each time."],
        "default": 0,
    },
    "verify_reports": {
        "type": "list",
        "elements": "str",
        "description": ["Which reports are written."],
        "choices": ["text", "json", "junit", "html"],
        "default": ["text", "json", "junit", "html"],
    },
}
READ_BY_THE_REGISTRY = (
    "The variables are read from the inventory by M(switchyard.cni.registry_plan), which knows their defaults and "
    "reports every mistake at once; the role itself gets the plan."
)
REGISTRY: dict[str, Any] = {
    "registry_plan": {
        "type": "dict",
        "description": ["The result of M(switchyard.cni.registry_plan); the playbook registers it."],
    },
    "registry_state": {
        "type": "str",
        "description": [
            "Whether nodes and cluster know the registry. With C(absent) they forget it; the images stay there."
        ],
        "choices": ["present", "absent"],
        "default": "present",
    },
    "registry_images": {
        "type": "list",
        "elements": "str",
        "description": ["The images to pull by way of trial.", "Unset, those of the plan."],
    },
}
READ_BY_THE_CLEAN = (
    "The variables that declare the network are read from the inventory by M(switchyard.cni.network_clean), which "
    "reports every mistake at once."
)
CLEAN: dict[str, Any] = {
    "clean_plugins": {
        "type": "list",
        "elements": "str",
        "description": ["The plugins that go; empty, whatever is found."],
        "default": [],
    },
    "clean_scope": {
        "type": "str",
        "description": ["What goes: what agents have left, or all CNI state of the plugins on the nodes besides."],
        "choices": ["network", "node"],
        "default": "network",
    },
    "clean_confirmed": {
        "type": "bool",
        "description": ["Whether the operator has already agreed, so that nobody is asked."],
        "default": False,
    },
}
API_HOST = {
    "type": "str",
    "description": ["The host that talks to the API server and holds the kubeconfig.", "Default localhost."],
}
ROLES: dict[str, dict[str, Any]] = {
    "prepare": {
        "prefixes": ("network_",),
        "options": {"prepare_plan": PLAN},
        "note": READ_BY_THE_PLAN,
        "required": "There is no default.",
        "entry_points": {
            "main": "Bring one node's kernel modules, sysctls, CNI plugins and files to what its pod network needs.",
        },
    },
    "flannel": {
        "prefixes": ("network_", "flannel_"),
        "options": {"flannel_plan": PLAN},
        "note": READ_BY_THE_PLAN,
        "required": "There is no default.",
        "entry_points": {
            "main": "Deploy flannel with the declared backend and wait until it is ready on every node.",
            "configure": "Write flannel's network configuration where its subnet manager keeps it, if that is etcd.",
        },
    },
    "calico": {
        "prefixes": ("network_", "calico_"),
        "options": {"calico_plan": PLAN},
        "note": READ_BY_THE_PLAN,
        "required": "There is no default.",
        "entry_points": {
            "main": "Deploy Calico with the declared encapsulation and BGP, and wait until it is ready on every node.",
        },
    },
    "registry": {
        "prefixes": ("network_registry", "network_image_pull_secrets"),
        "options": {**REGISTRY, "network_api_host": API_HOST},
        "note": READ_BY_THE_REGISTRY,
        "required": "There is no default.",
        "entry_points": {
            "main": "Have this node's container runtime trust the registry, or forget it.",
            "mirror": "Copy the images that the declared network needs into the registry, as far as it lacks them.",
            "archive": "Copy the images that the declared network needs into a folder, as far as it lacks them.",
            "secrets": "Give the cluster the pull secret, in each namespace that needs it.",
            "pull": "Have every node pull the images through its own runtime, and explain what hinders it.",
            "record": "Write down in the cluster which digests were mirrored.",
            "forget": "Take the pull secrets and that note from the cluster.",
        },
    },
    "switch": {
        "prefixes": (
            "network_allow",
            "network_unload_modules",
            "network_on_failure",
            "network_rollout",
            "network_canary",
            "network_meter",
        ),
        "options": {"switch_plan": PLAN, "network_api_host": API_HOST},
        "note": READ_BY_THE_PLAN,
        "required": "There is no default.",
        "entry_points": {
            "open": "Take the lease of the cluster's network and write down what is about to change.",
            "measure": "Start to measure on this node what the change does to packets and connections of pods.",
            "hold": "Hold this node's direct routes to other nodes' pods for a step on the way.",
            "step": "Give the cluster what belongs to a step on the way to the new network.",
            "follow": "Judge whether every node has followed a step on the way.",
            "roll": "Give the cluster the new network's objects, and keep the reason where that fails.",
            "settle": "Wait for the new network's routes on this node.",
            "advance": "Judge whether all nodes have the new network's routes, so that the earlier one may go.",
            "sweep": "Remove from this node what the earlier network has left.",
            "renew": "Have pods made anew whose MTU is larger than the new network carries.",
            "prove": "Verify the new network on this node.",
            "proved": "Fail where the verification after a deployment has found something wrong.",
            "judge": "Judge what the steps have left.",
            "back": "Plan the way back to the network before the change.",
            "release": "Stop measuring on this node, and take the figures.",
            "close": "Write down how the change has ended, and give the lease back.",
        },
    },
    "clean": {
        "prefixes": ("network_kubeconfig", "network_context", "network_pod_cidr", "network_cni_conf_dir"),
        "options": {**CLEAN, "network_api_host": API_HOST},
        "note": READ_BY_THE_CLEAN,
        "required": "There is no default.",
        "entry_points": {
            "plan": "Find out what has to go, show it, ask, and take the lease.",
            "stop": "Remove the agents, and wait until they have ended.",
            "sweep": "Remove what the agents have left on this node.",
            "forget": "Remove the plugins' other objects, and what agents have announced.",
            "close": "Write down that no pod network is in force, and say so.",
        },
    },
    "verify": {
        "prefixes": ("network_", "flannel_", "calico_"),
        "options": {**VERIFY, "network_api_host": API_HOST},
        "note": READ_BY_THE_VERIFICATION,
        "required": "Unset, it is detected.",
        "entry_points": {
            "main": "Compare every node's pod network with what is declared or detected, probe paths, and report.",
        },
    },
}


def argument_specs(role: str, settings: Iterable[Setting]) -> str:
    """Return the text of meta/argument_specs.yml of a role."""
    facts = ROLES[role]
    chosen = [item for item in settings if item.name.startswith(facts["prefixes"])]
    options = {item.name: _option(item, facts["required"]) for item in chosen}
    options.update(facts["options"])
    specs = {
        name: {
            "short_description": text,
            "description": [text, facts["note"]],
            "author": ["The switchyard.cni developers"],
            "options": options,
        }
        for name, text in facts["entry_points"].items()
    }
    head = "---\n# Written by `make docs` from plugins/plugin_utils/_settings.py; a unit test compares them.\n"
    return head + yaml.dump({"argument_specs": specs}, Dumper=_Dumper, sort_keys=False, width=110)


def _option(setting: Setting, required: str) -> dict[str, Any]:
    option: dict[str, Any] = {"type": TYPES[setting.kind], "description": _description(setting, required)}
    if setting.kind == "list":
        option["elements"] = "raw"
    if setting.secret:
        option["no_log"] = True
    return option


def _description(setting: Setting, required: str) -> list[str]:
    lines = [setting.description]
    if setting.choices:
        lines.append(f"One of {', '.join(setting.choices)}.")
    if setting.unit:
        lines.append(f"In {setting.unit}.")
    if setting.default not in (None, "", ()):
        lines.append(f"Default {setting.default}.")
    if setting.required:
        lines.append(required)
    if setting.aliases:
        lines.append(f"Also read as {', '.join(setting.aliases)}.")
    return lines


class _Dumper(yaml.SafeDumper):
    """Indent the items of a list below their key, as ansible-lint wants it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True
