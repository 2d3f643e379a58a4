# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from one encapsulation of Calico's IPPool to another, in steps of which none loses a packet.

What was measured (docs/calico.md): to change the IPPool at once costs seconds, because BIRD takes its routes back at
once, while Felix has to start again and get an address for its tunnel. Therefore

- a small IPPool for tunnels only brings up the new tunnel on all nodes before any packet goes through it (``ARM``),
- the way leads over CrossSubnet, where neighbours are reached directly, whatever their tunnels are doing (``NEAR``),
- the small IPPool goes while the tunnels carry nothing between neighbours (``DISARM``),
- WireGuard comes, and goes, while a rule keeps the packets of pods out of it (``ENCRYPT``; ``hold`` sets that rule),
- and where the writer of the direct routes changes, or BIRD sends them another way, which it does by taking the route
  back first (sysdep/linux/netlink.c), every node holds copies of them meanwhile (``HOLD``).

Pure.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ansible_collections.switchyard.cni.plugins.plugin_utils._calico_intent import (
    ALWAYS,
    CROSS_SUBNET,
    NEVER,
    PoolIntent,
)

NONE, IPIP, VXLAN = "none", "ipip", "vxlan"
MOVE, ARM, DISARM, HOLD, JOIN, RENUMBER = "move", "arm", "disarm", "hold", "join", "renumber"
ENCRYPT = "encrypt"


_PLAIN = (False, False)


@dataclass(frozen=True)
class Mode:
    """What an IPPool's ipipMode and vxlanMode say; ``near`` is CrossSubnet."""

    type: str
    near: bool = False

    @classmethod
    def of(cls, ipip_mode: str, vxlan_mode: str) -> Mode:
        """The mode of an IPPool."""
        for type_name, told in ((IPIP, ipip_mode), (VXLAN, vxlan_mode)):
            if told != NEVER:
                return cls(type_name, told == CROSS_SUBNET)
        return cls(NONE)

    @property
    def modes(self) -> tuple[str, str]:
        """ipipMode and vxlanMode."""
        told = CROSS_SUBNET if self.near else ALWAYS
        return told if self.type == IPIP else NEVER, told if self.type == VXLAN else NEVER

    @property
    def crossing(self) -> Mode:
        """The same encapsulation for other subnets only."""
        return self if self.type == NONE else Mode(self.type, near=True)

    def __str__(self) -> str:
        if self.type == NONE:
            return "no encapsulation"
        return f"{self.type.upper()} {CROSS_SUBNET if self.near else ALWAYS}"


@dataclass(frozen=True)
class Step:
    """One step, ``kind`` is one of those above; ``mode`` is that of the IPPool when it is done.

    ``tunnel`` is the encapsulation that is armed beside that, ``hold`` says that direct routes are held from here on.
    """

    kind: str
    mode: Mode
    tunnel: str | None = None
    hold: bool = False


def way(
    before: Mode, after: Mode, armed: str | None = None, sessions: bool = False, encryption: tuple[bool, bool] = _PLAIN
) -> tuple[Step, ...]:
    """The steps before the last one, which is the declared mode itself.

    ``armed`` is the encapsulation that an interrupted run has armed; it goes on the way. ``sessions`` says that the
    direct routes come by BGP from other peers than before: they go with the old sessions. ``encryption`` says whether
    WireGuard encrypts before and after.
    """
    steps: list[Step] = []
    at = before
    if at.type not in (NONE, after.type) and not at.near:
        at = at.crossing
        steps.append(Step(MOVE, at, armed, hold=at.type == IPIP))
    # What was held until here led through the tunnel.
    direct = len(steps)
    writer_changes = at.type != after.type
    if after.type not in (NONE, at.type):
        if armed != after.type:
            steps.append(Step(ARM, at, after.type, hold=writer_changes))
        at = after.crossing
        steps.append(Step(MOVE, at, after.type, hold=writer_changes))
        steps.append(Step(DISARM, at, hold=writer_changes))
    elif armed is not None:
        steps.append(Step(DISARM, at.crossing, hold=writer_changes or _rewritten(at, after)))
    held = any(step.hold for step in steps[direct:])
    if encryption == (False, True):
        steps.append(Step(ENCRYPT, at, hold=True))
    elif not held and (sessions or _rewritten(at, after) or encryption == (True, False)):
        steps.append(Step(HOLD, at, hold=True))
    return tuple(steps)


def _rewritten(at: Mode, after: Mode) -> bool:
    """Whether the last step makes the routes between neighbours anew."""
    if after.type == NONE:
        return at.type != NONE
    return at.type == after.type == IPIP and at != after


def renumbering(after: Mode) -> tuple[Step, ...]:
    """The steps in which new pods and the tunnels get addresses of another network; the encapsulation stays.

    A tunnel's address changes while neighbours are reached without it. The new IPPool comes before the earlier one
    gives out nothing any more: Calico looks for a tunnel's address at every change of an IPPool, but misses one that
    comes while it looks (OnUpdates in node/pkg/allocateip).
    """
    at = after.crossing
    rewritten = at.type == IPIP and at != after
    return Step(JOIN, at, hold=rewritten), Step(RENUMBER, at, hold=rewritten)


def with_mode(pool: PoolIntent, mode: Mode) -> PoolIntent:
    """An IPPool in another mode; IPIP is for IPv4 only."""
    ipip_mode, vxlan_mode = mode.modes
    return replace(pool, ipip_mode=ipip_mode if pool.cidr.version == 4 else NEVER, vxlan_mode=vxlan_mode)


def arming(cidr: str, block_size: int, tunnel: str, nodes: str) -> dict[str, t.Any]:
    """The spec of the small IPPool: only tunnels get addresses of it."""
    return {
        "cidr": cidr,
        "blockSize": block_size,
        "ipipMode": ALWAYS if tunnel == IPIP else NEVER,
        "vxlanMode": ALWAYS if tunnel == VXLAN else NEVER,
        "natOutgoing": False,
        "nodeSelector": nodes,
        "allowedUses": ["Tunnel"],
        "assignmentMode": "Automatic",
    }
