# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of node_registry, and its way from parameters to a result: gather, plan, apply."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.cni.plugins.module_utils._node import _agents, _look, _processes, _runtime, _state
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError, PlanError
from ansible_collections.switchyard.cni.plugins.module_utils._node._module import carry_out
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader, NodeWriter, RealNode
from ansible_collections.switchyard.cni.plugins.module_utils._node._state import WantedFile
from ansible_collections.switchyard.cni.plugins.module_utils._node._steps import (
    Command,
    DiffEntry,
    Remove,
    Step,
    WriteFile,
)
from ansible_collections.switchyard.cni.plugins.module_utils._registry import _containerd, _trust

_CONFIG = "/etc/containerd/config.toml"
_DOCKER_SOCKETS = ("/run/docker.sock", "/var/run/docker.sock")
_K3S_HOMES = ("/var/lib/rancher/k3s", "/var/lib/rancher/rke2")
_TRIAL = ".switchyard-trial"


def registry_argument_spec() -> Dict[str, Any]:
    """The options of node_registry."""
    return {
        "registry": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "authority": {"type": "str", "default": ""},
        "system_trust": {"type": "bool", "default": False},
        "username": {"type": "str", "default": ""},
        "password": {"type": "str", "default": "", "no_log": True},
    }


def run_registry(module: AnsibleModule, node: Optional[NodeWriter] = None) -> None:
    """Make the node's runtime trust the registry, or forget it, and leave with the steps."""
    params, writer = module.params, node or RealNode()
    order = _trust.Order(
        registry=params["registry"],
        present=params["state"] == "present",
        authority=params["authority"],
        system=params["system_trust"],
        username=params["username"],
        password=params["password"],
    )
    try:
        there = observe(writer, order.registry)
        goal = _trust.goal(order, there)
        planned = plan(_state.observe(writer, goal.wanted), goal)
    except PlanError as error:
        message = "{0} is not prepared for the registry {1}: {2}".format(writer.hostname(), order.registry, error)
        module.fail_json(msg=message, problems=error.problems)
        raise
    except NodeError as error:
        module.fail_json(msg=str(error))
        raise
    carry_out(module, planned, writer, runtimes=list(there.runtimes))


# ---- gather


def observe(node: NodeReader, registry: str) -> _trust.Node:
    """The runtimes of a node, and what they are told."""
    look = _look.Look(node, _look.Request(sections=()))
    runtimes, foreign = _runtimes(look)
    config = _config_of(look)
    in_force = _in_force(node, config) if _trust.CONTAINERD in runtimes and not foreign else ""
    directory = _containerd.looks_at(in_force) or _containerd.DIRECTORY
    found = node.stat(config)
    store = next((one for one in _trust.STORES if node.has_tool(one[0])), None)
    return _trust.Node(
        runtimes=runtimes,
        config=config,
        config_text=_text(node, config),
        config_mode=found.mode if found else 0o644,
        in_force=in_force,
        foreign=foreign,
        files={path: _text(node, path) for path in _trust.paths(registry, store, directory)},
        store=store,
    )


def _runtimes(look: _look.Look) -> Tuple[Tuple[str, ...], str]:
    """The kubelet's runtime, and a Docker that is there besides; or what has to be done elsewhere."""
    name = _runtime.runtime(look)["name"]
    k3s = next((home for home in _K3S_HOMES if look.reader.stat(home) is not None), None)
    foreign = ""
    if name == "k3s" or (name == _trust.CONTAINERD and k3s):
        name, product = _trust.CONTAINERD, os.path.basename(k3s or "k3s")
        message = (
            "{0} writes its containerd's configuration itself: declare the registry in /etc/rancher/{0}/registries.yaml"
        )
        foreign = message.format(product)
    docker = any(look.reader.stat(path) is not None for path in _DOCKER_SOCKETS)
    found = [one for one in (name, _trust.DOCKER if docker else None) if one]
    # Every Docker brings a containerd along, which pulls nothing by itself.
    kubelet = any(process.program == "kubelet" for process in look.once(_processes.processes))
    if docker and not kubelet and name == _trust.CONTAINERD:
        found = [_trust.DOCKER]
    return tuple(dict.fromkeys(found)), foreign


def _config_of(look: _look.Look) -> str:
    """containerd's --config, as it runs."""
    for process in look.once(_processes.processes):
        if process.program == "containerd":
            told = _agents.option(_agents.arguments(process), "config", "c")
            if told:
                return told
    return _CONFIG


def _in_force(node: NodeReader, config: str) -> str:
    """The whole configuration: defaults, the file, and what it imports."""
    argv = ["containerd"] + (["--config", config] if node.stat(config) is not None else []) + ["config", "dump"]
    done = node.run(argv)
    if done.rc != 0:
        raise NodeError("containerd does not read its own configuration {0}: {1}".format(config, done.reason))
    return done.out


def _text(node: NodeReader, path: str) -> Optional[str]:
    try:
        return node.read(path).decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise NodeError("{0} cannot be read: {1}".format(path, error)) from error


# ---- plan


def plan(current: _state.Current, goal: _trust.Goal) -> _state.Plan:
    """The steps; a new configuration of containerd is tried before it is written, a store told after its files."""
    steps: List[Step] = list(_state.plan(current, goal.wanted).steps)
    written = [step.path for step in steps if isinstance(step, WriteFile)]
    if goal.config is not None and goal.config.path in written:
        steps.insert(0, Try(goal.config))
    folders = {os.path.dirname(step.path) for step in steps if isinstance(step, Remove)}
    steps += [RemoveEmpty(folder) for folder in sorted(folders) if "/certs.d/" in folder]
    if goal.store is not None and steps:
        steps.append(Command("tell the system store: " + goal.store, [goal.store]))
    return _state.Plan(tuple(steps))


@dataclass(frozen=True)
class RemoveEmpty(Step):
    """Remove a directory that files were removed from, unless somebody keeps another one there."""

    path: str

    def describe(self) -> str:
        return "remove {0} if it is empty".format(self.path)

    def diff(self) -> Optional[DiffEntry]:
        return None

    def apply(self, node: NodeWriter) -> None:
        if not node.names(self.path):
            node.remove(self.path)


@dataclass(frozen=True)
class Try(Step):
    """Let containerd read a configuration under another name, and change nothing."""

    config: WantedFile

    def describe(self) -> str:
        return "have containerd read its new configuration"

    def diff(self) -> Optional[DiffEntry]:
        return None

    def apply(self, node: NodeWriter) -> None:
        trial = self.config.path + _TRIAL
        node.write(trial, self.config.content, self.config.mode)
        try:
            done = node.run(["containerd", "--config", trial, "config", "dump"])
        finally:
            node.remove(trial)
        if done.rc != 0 or _containerd.looks_at(done.out) is None:
            message = "containerd does not understand {0} with config_path in it, so it is left as it was: {1}"
            raise NodeError(message.format(self.config.path, done.reason or "config_path is not seen"))
