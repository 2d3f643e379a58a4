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
NOTE = (
    "The variables are read from the inventory by M(switchyard.cni.network_plan), which knows their defaults and "
    "aliases and reports every mistake at once; the role itself gets the plan."
)
ROLES: dict[str, dict[str, Any]] = {
    "prepare": {
        "prefixes": ("network_",),
        "plan": "prepare_plan",
        "entry_points": {
            "main": "Bring one node's kernel modules, sysctls, CNI plugins and files to what its pod network needs.",
        },
    },
    "flannel": {
        "prefixes": ("network_", "flannel_"),
        "plan": "flannel_plan",
        "entry_points": {
            "main": "Deploy flannel with the declared backend and wait until it is ready on every node.",
            "configure": "Write flannel's network configuration where its subnet manager keeps it, if that is etcd.",
        },
    },
}


def argument_specs(role: str, settings: Iterable[Setting]) -> str:
    """Return the text of meta/argument_specs.yml of a role."""
    facts = ROLES[role]
    options = {item.name: _option(item) for item in settings if item.name.startswith(facts["prefixes"])}
    options[facts["plan"]] = {
        "type": "dict",
        "description": ["The result of M(switchyard.cni.network_plan); the playbooks register it as C(network_plan)."],
    }
    specs = {
        name: {
            "short_description": text,
            "description": [text, NOTE],
            "author": ["The switchyard.cni developers"],
            "options": options,
        }
        for name, text in facts["entry_points"].items()
    }
    head = "---\n# Written by `make docs` from plugins/plugin_utils/_settings.py; a unit test compares them.\n"
    return head + yaml.dump({"argument_specs": specs}, Dumper=_Dumper, sort_keys=False, width=110)


def _option(setting: Setting) -> dict[str, Any]:
    option: dict[str, Any] = {"type": TYPES[setting.kind], "description": _description(setting)}
    if setting.kind == "list":
        option["elements"] = "raw"
    if setting.secret:
        option["no_log"] = True
    return option


def _description(setting: Setting) -> list[str]:
    lines = [setting.description]
    if setting.choices:
        lines.append(f"One of {', '.join(setting.choices)}.")
    if setting.unit:
        lines.append(f"In {setting.unit}.")
    if setting.default not in (None, "", ()):
        lines.append(f"Default {setting.default}.")
    if setting.required:
        lines.append("There is no default.")
    if setting.aliases:
        lines.append(f"Also read as {', '.join(setting.aliases)}.")
    return lines


class _Dumper(yaml.SafeDumper):
    """Indent the items of a list below their key, as ansible-lint wants it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True
