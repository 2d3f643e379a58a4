# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of the module network_verify: gathers on the controller, leaves every judgement to the pure core."""

from __future__ import annotations

import json
import typing as t
from datetime import UTC, datetime
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible_collections.switchyard.cni.plugins.plugin_utils._action import (
    GROUPS,
    ClusterAction,
    Variables,
    refusal,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._cluster import Cluster
from ansible_collections.switchyard.cni.plugins.plugin_utils._inventory import INTERNAL, instead
from ansible_collections.switchyard.cni.plugins.plugin_utils._report import REPORTS
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._summary import severity_count
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._look import Declared, declared, request
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._probes import MODES
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._result import as_result
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._run import Staged, ask, judge, stage, with_tables

OBSERVED, TABLES, PROBED = "verify_observed", "verify_tables", "verify_probed"
"""The variables under which the role registers what the nodes tell."""

NOTHING = "Nothing has been verified"
SECTIONS = ["nodes", "agents", "flannel", "calico", "services", "service_cidrs", "guarded", "ipam", "mirrored"]

ARGUMENTS = {
    "step": {"type": "str", "choices": ["look", "ask", "judge"], "required": True},
    "cluster": {"type": "dict"},
    "probe": {"type": "str", "choices": list(MODES), "default": "sample"},
    "services": {"type": "list", "elements": "str"},
    "settings": {"type": "dict"},
    "fail_on": {"type": "str", "choices": ["error", "warning", "never"], "default": "error"},
    "report_dir": {"type": "str", "default": ""},
    "reports": {"type": "list", "elements": "str", "choices": list(REPORTS), "default": list(REPORTS)},
    "group_pattern": {"type": "list", "elements": "str", "default": GROUPS},
}

Result = dict[str, t.Any]


class ActionModule(ClusterAction):
    """Reads the cluster, hands out what nodes shall be asked, and judges what they have answered."""

    arguments = ARGUMENTS

    def decide(self, arguments: Result, variables: Variables, hosts: list[str]) -> Result:
        raw, problems = self.settings(variables, hosts)
        if arguments["settings"]:
            raw = instead(raw, arguments["settings"])
        wanted, wrong = declared(raw, INTERNAL)
        if problems + wrong:
            return refusal(problems + wrong, NOTHING)
        if arguments["step"] == "look":
            return self._look(wanted, arguments, variables)
        cluster = Cluster.from_dict(arguments["cluster"] or {})
        nodes = self.nodes(variables, hosts, cluster if wanted.asks_api else None, self._answer)
        staged, problems = stage(wanted, cluster, nodes)
        if staged is None:
            return refusal(problems, NOTHING)
        if arguments["step"] == "ask":
            return {"changed": False, "hosts": ask(staged.scene, arguments["probe"])}
        return self._judge(staged, arguments, {host: self._probed(variables, host) for host in hosts})

    def _look(self, wanted: Declared, arguments: Result, variables: Variables) -> Result:
        """Everything that can be known without a node, and what each node is asked."""
        raw: Result | None = {}
        if wanted.asks_api:
            options = {"services": arguments["services"]} if arguments["services"] is not None else {}
            raw, problems = self.cluster(variables, wanted.kubeconfig, wanted.context, gather=SECTIONS, **options)
            if raw is None:
                return refusal(problems, NOTHING)
        return {"changed": False, "cluster": raw, "request": request(wanted, Cluster.from_dict(raw or {}))}

    def _judge(self, staged: Staged, arguments: Result, answers: t.Mapping[str, t.Any]) -> Result:
        verification = judge(staged.scene, arguments["probe"], answers)
        result = as_result(
            verification,
            collection=_version(),
            created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            fail_on=arguments["fail_on"],
            declared=staged.declared,
            settings=staged.settings,
        )
        written = self._write(result, arguments)
        return {
            "changed": False,
            "result": result,
            "lines": REPORTS["text"].render(result).splitlines(),
            "written": written,
            "bad": result["verdict"] == "failed",
            "told": _told(result),
        }

    def _write(self, result: Result, arguments: Result) -> list[str]:
        """The reports, where a folder is named; in check mode nothing is written, not even here."""
        if not arguments["report_dir"] or self._task.check_mode:
            return []
        folder = Path(arguments["report_dir"]).expanduser()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            paths = [(folder / REPORTS[name].file, REPORTS[name].render(result)) for name in arguments["reports"]]
            for path, text in paths:
                path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise AnsibleActionFail(f"verify_report_dir = {folder}: the reports cannot be written: {error}") from error
        return [str(path.resolve()) for path, dummy in paths]

    def _answer(self, own: Variables) -> t.Mapping[str, t.Any] | None:
        return with_tables(self.read(own, OBSERVED), self.read(own, TABLES))

    def _probed(self, variables: Variables, host: str) -> t.Any:
        return self.read(variables["hostvars"][host], PROBED)


def _told(result: Result) -> str:
    """The verdict in one sentence, for the task that fails."""
    counts = ", ".join(severity_count(severity, number) for severity, number in result["counts"].items() if number)
    return f"The pod network is not what it should be: {counts}" if counts else "The pod network is as it should be"


def _version() -> str:
    """The collection's own version, from the manifest of an installation or the galaxy.yml of a clone."""
    root = Path(__file__).resolve().parents[2]
    try:
        return json.loads((root / "MANIFEST.json").read_text(encoding="utf-8"))["collection_info"]["version"]
    except (OSError, ValueError, KeyError):
        lines = (root / "galaxy.yml").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("version:"))
