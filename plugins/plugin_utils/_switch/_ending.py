# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run that changes the network ends: as declared, as before, or in between, and what a person does next."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.switchyard.cni.plugins.plugin_utils._meter import MeterReport
from ansible_collections.switchyard.cni.plugins.plugin_utils._switch._outcome import VERIFIED, Outcome

ROLLED_BACK, STOPPED, FAILED = "rolled_back", "stopped", "failed"
"""What a run has come to besides VERIFIED: back to the network before, left where it failed because the operator wants
it so, or left there because the way back failed too."""

_NEXT = "Run 06.network.yml again to finish the change, or rollback.yml to go back to {source}."


@dataclass(frozen=True)
class Ending:
    """``forward`` is the change, ``back`` the way back where one was gone, ``meter`` what all of it has cost.

    Labels are for people.
    """

    source: str
    target: str
    forward: Outcome
    back: Outcome | None = None
    meter: MeterReport | None = None

    @property
    def outcome(self) -> str:
        if self.forward.verified:
            return VERIFIED
        if self.back is None:
            return STOPPED
        return ROLLED_BACK if self.back.verified else FAILED

    @property
    def away(self) -> tuple[str, ...]:
        """The nodes that did not answer at the end."""
        return (self.back or self.forward).away

    def lines(self) -> tuple[str, ...]:
        """The ending in lines a person reads."""
        return (*self._lines(), *(self.meter.lines() if self.meter else ()))

    def _lines(self) -> tuple[str, ...]:
        told = self.forward.lines(self.source, self.target)
        if self.outcome == VERIFIED:
            return told
        if self.back is None:
            return (*told, f"Stopped there. {_NEXT.format(source=self.source)}")
        if self.back.verified:
            return (*told, f"Undone: {self.source} is back, and verified on every node that answers.")
        back = self.back.lines(self.target, self.source)
        return (*told, "The way back failed too.", *back, _NEXT.format(source=self.source))
