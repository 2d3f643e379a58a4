# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the cluster's journal says of earlier changes, as the plan reads it. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import Problem

DECLARED, PREVIOUS = "declared", "previous"
"""What a run makes of the cluster: the network of the inventory, or the one before the last change."""

Raw = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Record:
    """``begun`` is a run that has not reached a verified state, ``previous`` the network before the last change.

    ``snapshot`` are the objects as they were before the open run, ``lease`` is who changes the network at this moment,
    ``left`` are the nodes that the last change was ended without.
    """

    begun: Raw | None = None
    previous: Raw | None = None
    snapshot: tuple[Raw, ...] = ()
    lease: Raw | None = None
    left: tuple[str, ...] = ()

    @classmethod
    def of(cls, told: Raw | None) -> Record:
        """The record of what cluster_network_info has read."""
        journal = (told or {}).get("journal") or {}
        run, history = journal.get("run"), journal.get("history") or []
        before = run or (history[-1] if history else None)
        return cls(
            begun=run,
            previous=before["from"] if before else None,
            snapshot=tuple((run or {}).get("snapshot") or ()),
            lease=(told or {}).get("lease"),
            left=tuple((before or {}).get("left") or ()),
        )

    def held(self, holder: str, gone: t.Callable[[str], bool]) -> list[Problem]:
        """Why this run may not begin: another one has the lease, and is not known to live no more."""
        lease = self.lease
        if lease is None or lease["holder"] == holder or gone(lease["holder"]):
            return []
        reason = f"it changes the network of this cluster since {lease['since']}, last sign of life {lease['renewed']}"
        remedy = f"Wait for it to end; if that run is dead, its lease ends at {lease['until']}"
        return [Problem("another run", lease["holder"], reason, remedy)]

    def nothing_before(self) -> list[Problem]:
        """Why there is no way back."""
        if self.previous is not None and self.previous.get("settings"):
            return []
        reason = "the journal of this cluster tells of no change that could be undone"
        return [Problem("rollback", None, reason, "Declare the network you want, and run 06.network.yml")]
