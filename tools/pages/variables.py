# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/variables.md from the table of settings, so that the page cannot be wrong about it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansible_collections.switchyard.cni.plugins.plugin_utils._settings import Setting

INTRODUCTION = """\
# Variables

<!-- Written by `make docs` from plugins/plugin_utils/_settings.py; a unit test compares them. -->

Set these in the inventory: for the whole cluster in `group_vars/all.yml`, and those marked *per host* in `host_vars` or
beside the host. Every variable is optional unless it says *required*.

Other names are accepted for some of them, so that inventories made for [kubeasz](https://github.com/easzlab/kubeasz)
keep working; two names for one setting that disagree are an error. Values may be strings, as INI inventories hold them:
`"false"`, `"off"`, `"1450"` and `"a,b"` mean what they seem to mean. A name that looks like a mistyped one is an error.

The groups `kube_master` or `kube_control_plane`, and `kube_node`, say which hosts are the cluster's nodes.
`network_api_host` names the host that talks to the API server and holds the kubeconfig; unset, it is the controller.

What a verification does (`verify_probe`, `verify_fail_on`, `verify_report_dir`, ...) is in
[verifying](verifying.md#variables).
"""

SECTIONS = (
    ("network_", "The network", "What holds for any plugin."),
    (
        "flannel_",
        "flannel",
        "Read when `network_plugin` is `flannel`. [Backends](backends.md) says what each one needs.",
    ),
    (
        "calico_",
        "Calico",
        "Read when `network_plugin` is `calico`; [verify.yml](verifying.md) detects what is not set. "
        "[Calico](calico.md) says what each change costs.",
    ),
)

HEADER = "| variable | value | default | meaning |\n|---|---|---|---|"
KINDS = {"str": "text", "bool": "true or false", "int": "whole number", "list": "list", "dict": "mapping"}
KINDS["cidrs"] = "CIDR, or an IPv4 and an IPv6 one: `v4,v6`"


def variables_page(settings: Iterable[Setting]) -> str:
    """Return the whole page, one table a prefix, in the order of the settings."""
    every = list(settings)
    parts = [INTRODUCTION]
    for prefix, title, text in SECTIONS:
        rows = [_row(setting) for setting in every if setting.name.startswith(prefix)]
        parts.append("\n".join([f"## {title}\n\n{text}\n\n{HEADER}", *rows]) + "\n")
    return "\n".join(parts)


def _row(setting: Setting) -> str:
    names = "<br>".join([f"`{setting.name}`", *(f"also `{alias}`" for alias in setting.aliases)])
    flags = {"required": setting.required, "per host": setting.per_host, "secret": setting.secret}
    marks = ", ".join(word for word, is_set in flags.items() if is_set)
    meaning = f"{setting.description} *{marks}*" if marks else setting.description
    return f"| {names} | {_value(setting)} | {_default(setting.default)} | {meaning} |"


def _value(setting: Setting) -> str:
    if setting.choices:
        return ", ".join(f"`{choice}`" for choice in setting.choices)
    limits = _limits(setting)
    return KINDS[setting.kind] + (f", {setting.unit}" if setting.unit else "") + (f", {limits}" if limits else "")


def _limits(setting: Setting) -> str:
    if setting.minimum is None:
        return ""
    return f"{setting.minimum} or more" if setting.maximum is None else f"{setting.minimum} to {setting.maximum}"


def _default(value: Any) -> str:
    if value is None or value in ("", (), []):
        return ""
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"
