# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of the module network_switch: gathers what the steps of a change left, and leaves the judgement to the
pure core."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.plugin_utils._action import GROUPS, ClusterAction, Variables
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._outcome import Evidence, Outcome, judge, settling

SETTLED, SWEPT, VERIFIED = "switch_settled", "switch_swept", "verify_judged"
"""The variables under which the playbooks register what the nodes tell."""

ARGUMENTS = {
    "step": {"type": "str", "choices": ["settled", "judge"], "required": True},
    "source": {"type": "str", "required": True},
    "target": {"type": "str", "required": True},
    "failure": {"type": "str"},
    "renewed": {"type": "dict"},
    "group_pattern": {"type": "list", "elements": "str", "default": GROUPS},
}
Result = dict[str, t.Any]


class ActionModule(ClusterAction):
    """Reads the results of a change's steps from all hosts."""

    arguments = ARGUMENTS

    def decide(self, arguments: Result, variables: Variables, hosts: list[str]) -> Result:
        found = {host: variables["hostvars"][host] for host in hosts}
        if arguments["step"] == "settled":
            return self._result(settling(self._evidence(arguments, found)), arguments)
        return self._result(judge(self._evidence(arguments, found)), arguments)

    def _evidence(self, arguments: Result, found: t.Mapping[str, Variables]) -> Evidence:
        judged = next((told for own in found.values() if (told := self.read(own, VERIFIED))), None)
        return Evidence(
            failure=arguments["failure"] or None,
            settled={host: self._ran(own, SETTLED) for host, own in found.items()},
            swept={host: self._ran(own, SWEPT) for host, own in found.items()},
            renewed=arguments["renewed"] or None,
            verification=(judged or {}).get("result"),
        )

    def _ran(self, own: Variables, name: str) -> t.Any:
        result = self.read(own, name)
        return None if not result or result.get("skipped") else result

    def _result(self, outcome: Outcome, arguments: Result) -> Result:
        return {
            "changed": False,
            "outcome": outcome.outcome,
            "verified": outcome.verified,
            "step": outcome.step,
            "reasons": list(outcome.reasons),
            "away": list(outcome.away),
            "lines": list(outcome.lines(arguments["source"], arguments["target"])),
        }
