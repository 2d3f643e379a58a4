# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module node_state shall make of one node, as a value that can be added up."""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass, field

from ansible_collections.switchyard.cni.plugins.module_utils._model import FileFact, NodeFacts

_IN_KERNEL = ("builtin", "loaded")


@dataclass(frozen=True)
class NodeState:
    """Files, sysctls, kernel modules, CNI plugins and services of one node (see the module node_state)."""

    files: tuple[dict[str, t.Any], ...] = ()
    absent: tuple[str, ...] = ()
    renames: tuple[dict[str, str], ...] = ()
    modules: tuple[str, ...] = ()
    sysctls: dict[str, str] = field(default_factory=dict)
    cni_bin_dir: str = "/opt/cni/bin"
    cni_plugins: tuple[str, ...] = ()
    cni_search: tuple[str, ...] = ()
    services: tuple[dict[str, t.Any], ...] = ()

    def __add__(self, other: NodeState) -> NodeState:
        return NodeState(
            files=self.files + other.files,
            absent=self.absent + other.absent,
            renames=self.renames + other.renames,
            modules=self.modules + other.modules,
            sysctls={**self.sysctls, **other.sysctls},
            cni_bin_dir=self.cni_bin_dir,
            cni_plugins=self.cni_plugins + other.cni_plugins,
            cni_search=self.cni_search + other.cni_search,
            services=self.services + other.services,
        )

    def holds(self, facts: NodeFacts) -> bool:
        """Whether an observation shows that nothing is left to do; what it does not tell counts as undone."""
        if self.renames or self.services or facts.cni is None:
            return False
        return (
            all(_is_there(file, facts) for file in self.files)
            and all(path in facts.files and facts.files[path] is None for path in self.absent)
            and all(facts.sysctls.get(key) == value for key, value in self.sysctls.items())
            and all(facts.kernel_features.get(name) in _IN_KERNEL for name in self.modules)
            and set(self.cni_plugins) <= facts.cni.binaries
        )

    def as_option(self) -> dict[str, t.Any]:
        """The option ``state`` of the module node_state."""
        return {
            "files": list(self.files),
            "absent": list(self.absent),
            "renames": list(self.renames),
            "modules": list(self.modules),
            "sysctls": dict(self.sysctls),
            "cni_plugins": {
                "bin_dir": self.cni_bin_dir,
                "required": list(self.cni_plugins),
                "search": list(self.cni_search),
            },
            "services": list(self.services),
        }


def text_file(path: str, lines: t.Iterable[str], mode: str = "0644") -> dict[str, t.Any]:
    """A file that says who wrote it."""
    content = "\n".join(["# Written by the Ansible collection switchyard.cni.", *lines]) + "\n"
    return {"path": path, "content": content, "mode": mode}


def _is_there(file: t.Mapping[str, t.Any], facts: NodeFacts) -> bool:
    wanted = FileFact(hashlib.sha256(file["content"].encode()).hexdigest(), file["mode"])
    return facts.files.get(file["path"]) == wanted
