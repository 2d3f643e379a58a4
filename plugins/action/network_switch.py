# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of the module network_switch: gathers what the steps of a change left, and leaves the judgement to the
pure core."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.plugin_utils._action import GROUPS, ClusterAction, Variables
from ansible_collections.switchyard.cni.plugins.plugin_utils._meter import MeterReport, summarise
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._ending import Ending
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._outcome import Evidence, Outcome, judge, settling

SETTLED, SWEPT, VERIFIED, FAILURE = "switch_settled", "switch_swept", "verify_judged", "switch_failure"
METERED = "switch_metered"
"""The variables under which the playbooks register what the nodes tell."""

ARGUMENTS = {
    "step": {"type": "str", "choices": ["settled", "judge", "end"], "required": True},
    "source": {"type": "str", "required": True},
    "target": {"type": "str", "required": True},
    "change": {"type": "str"},
    "renewed": {"type": "dict"},
    "forward": {"type": "dict"},
    "back": {"type": "dict"},
    "metered": {"type": "bool", "default": False},
    "group_pattern": {"type": "list", "elements": "str", "default": GROUPS},
}
Result = dict[str, t.Any]


class ActionModule(ClusterAction):
    """Reads the results of a change's steps from all hosts."""

    arguments = ARGUMENTS

    def decide(self, arguments: Result, variables: Variables, hosts: list[str]) -> Result:
        found = {host: variables["hostvars"][host] for host in hosts}
        if arguments["step"] == "end":
            return self._end(arguments, self._meter(found) if arguments["metered"] else None)
        evidence = self._evidence(arguments, found, self._failures(arguments["change"], [variables, *found.values()]))
        return self._result((settling if arguments["step"] == "settled" else judge)(evidence), arguments)

    def _meter(self, found: t.Mapping[str, Variables]) -> MeterReport:
        results = {host: self._ran(own, METERED) for host, own in found.items()}
        # A host that has no pods to measure between was not asked.
        return summarise({host: result for host, result in results.items() if result is not None})

    def _end(self, arguments: Result, meter: MeterReport | None) -> Result:
        back = Outcome.from_result(arguments["back"]) if arguments["back"] else None
        forward = Outcome.from_result(arguments["forward"])
        ending = Ending(arguments["source"], arguments["target"], forward, back, meter)
        return {
            "changed": False,
            "outcome": ending.outcome,
            "verified": ending.forward.verified,
            "away": list(ending.away),
            "lines": list(ending.lines()),
            "meter": meter.as_result() if meter else None,
        }

    def _failures(self, change: str, found: t.Iterable[Variables]) -> dict[str, str]:
        """The steps of this change that have failed as a whole, on whichever host that was noticed."""
        told = [self.read(own, FAILURE) or {} for own in found]
        return {one["step"]: str(one["msg"]) for one in told if one.get("change") == change}

    def _evidence(self, arguments: Result, found: t.Mapping[str, Variables], failures: t.Mapping[str, str]) -> Evidence:
        judged = next((told for own in found.values() if (told := self.read(own, VERIFIED))), None)
        return Evidence(
            failures=failures,
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
            "lagging": list(outcome.lagging),
            "lines": list(outcome.lines(arguments["source"], arguments["target"])),
        }
