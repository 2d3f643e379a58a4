# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CNI: do new pods get the declared network?"""

from __future__ import annotations

from ansible_collections.switchyard.cni.plugins.module_utils._backends._endpoint import Endpoint
from ansible_collections.switchyard.cni.plugins.module_utils._model import Cni, ip_address
from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import names
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._case import Case
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._finding import ERROR, WARNING, Check, Findings
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import Scene

TOPIC = "CNI"
_CNI = ("cni",)

MISSING = Check("cni-config-missing", ERROR, "The plugin's CNI configuration is on the node", _CNI)
SHADOWED = Check("cni-config-shadowed", ERROR, "No other CNI configuration comes before it", _CNI)
DAMAGED = Check("cni-config-damaged", WARNING, "Every CNI configuration can be read", _CNI)
PLUGIN = Check("cni-plugin-missing", ERROR, "The programs that the configuration names are on the node", _CNI)
ENV_MISSING = Check("agent-file-missing", ERROR, "The agent has written the file its CNI plugin reads", ("subnet_env",))
ENV_WRONG = Check(
    "agent-file-wrong", ERROR, "The file for the CNI plugin says what the network implies", ("subnet_env",)
)
FOREIGN = Check("pod-address-foreign", ERROR, "Every pod's address is from its own node's subnet", ("pods",))
TWICE = Check("pod-address-duplicate", ERROR, "No two pods have one address", ("pods",))

CHECKS = (MISSING, SHADOWED, DAMAGED, PLUGIN, ENV_MISSING, ENV_WRONG, FOREIGN, TWICE)


def examine(case: Case) -> Findings:
    """The CNI configuration of one node."""
    if case.view.told("cni") and case.facts.cni is not None:
        yield from _configs(case, case.facts.cni)
        yield from _programs(case, case.facts.cni)
    if case.view.told("subnet_env") and case.endpoint is not None:
        yield from _env(case, case.endpoint)
    if case.view.told("pods") and case.subnets:
        yield from _pods(case)


def survey(scene: Scene) -> Findings:
    """Addresses that several pods have, on whatever nodes."""
    owners: dict[str, list[str]] = {}
    for view in scene.views:
        for pod in view.facts.pods if view.facts else ():
            for address in pod.addresses:
                owners.setdefault(address, []).append(f"{pod.label} on {view.name}")
    for address, pods in owners.items():
        if len(pods) > 1:
            hint = "Make all of these pods but one anew, and look how their nodes give out addresses"
            yield TWICE.found("", address, "the address of one pod", f"of {names(pods)}", hint)


def _configs(case: Case, cni: Cni) -> Findings:
    """The runtime takes the first file in lexical order (libcni, ConfFiles)."""
    own, files = case.backend.cni_config, [config.file for config in cni.configs]
    path = f"{cni.conf_dir}/{own}"
    # Some distributions give the plugin's configuration a name of their own.
    mine = [one.file for one in cni.configs if set(case.backend.traces.cni_plugins) & set(one.plugins)]
    if own not in files and not mine:
        hint = f"Restart {case.backend.plugin}'s agent on {case.name}, which installs it"
        yield MISSING.found(case.name, path, own, names(files) or "no configuration at all", hint)
    elif files[0] not in {own, *mine}:
        hint = f"Remove {cni.conf_dir}/{files[0]}: new pods on this node get that network"
        yield SHADOWED.found(case.name, path, f"{mine[0] if mine else own} is the first", f"{files[0]} is", hint)
    for config in cni.configs:
        if not config.plugins:
            hint = f"Correct or remove {cni.conf_dir}/{config.file}"
            yield DAMAGED.found(case.name, config.file, "sound CNI configuration", "it cannot be read", hint)


def _programs(case: Case, cni: Cni) -> Findings:
    used = [config for config in cni.configs if config.plugins]
    needed = dict.fromkeys([*case.backend.cni_plugins, *(used[0].plugins if used else ())])
    missing = [name for name in needed if name not in cni.binaries]
    if missing:
        hint = f"Install them into {cni.bin_dir}: no pod can start on this node"
        yield PLUGIN.found(case.name, cni.bin_dir, names(needed), f"no {names(missing)}", hint)


def _env(case: Case, endpoint: Endpoint) -> Findings:
    expected = case.backend.agent_env(endpoint, case.intent)
    if not expected:
        return
    path, actual = "/run/flannel/subnet.env", case.facts.subnet_env
    again = f"Restart {case.backend.plugin}'s agent on {case.name}, which writes it anew"
    if actual is None:
        yield ENV_MISSING.found(case.name, path, "the file", "no file, or a damaged one", again)
        return
    for key, value in expected.items():
        if actual.get(key) != value:
            found = f"{key}={actual[key]}" if key in actual else f"no {key}"
            yield ENV_WRONG.found(case.name, path, f"{key}={value}", found, again)


def _pods(case: Case) -> Findings:
    """A pod that another plugin made: the way back to it leads to another node, or nowhere."""
    for pod in case.facts.pods:
        for address in pod.addresses:
            parsed = ip_address(address)
            # With blocks, a node whose own are full may use an address of another node's.
            allowed = case.intent.pod_cidrs if case.backend.blocks else case.subnets
            if any(parsed in network for network in allowed):
                continue
            hint = "Make the pod anew: it was made by another CNI configuration, or before the node had this subnet"
            expected = f"an address in {names(map(str, case.subnets))}"
            yield FOREIGN.found(case.name, f"pod {pod.label}", expected, address, hint)
