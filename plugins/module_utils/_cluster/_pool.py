# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking an IPPool of Calico out of a cluster, with the IPAM blocks and affinities that Calico leaves behind.

Source: libcalico-go/lib/ipam and lib/backend/k8s/resources at v3.32.1: an IPAMBlock counts an address as given out
where its ``allocations`` hold a number, and BIRD announces every block that is there, whether its pool is or not.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._cluster._api import ApiMissing, ApiServer, ApiWriter
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._read import CALICO, items
from ansible_collections.switchyard.cni.plugins.module_utils._ip import inside, ip_network

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Remains:
    """What there is of a pool, by path: the IPPool itself, its blocks, affinities and handles.

    ``used`` maps a block to how many of its addresses are given out.
    """

    pool: Optional[str] = None
    blocks: Tuple[str, ...] = ()
    affinities: Tuple[str, ...] = ()
    handles: Tuple[str, ...] = ()
    used: Mapping[str, int] = field(default_factory=dict)

    @property
    def paths(self) -> Tuple[str, ...]:
        """Everything, in the order in which it goes."""
        return tuple(filter(None, (self.pool,))) + self.affinities + self.blocks + self.handles


def gather(api: ApiServer, name: str, cidr: str, ended: bool = False) -> Remains:
    """What there is of a pool; where Calico has ended, nothing of it is in use. Raises ApiError."""
    blocks = _within(api, "ipamblocks", cidr)
    used = {one["spec"]["cidr"]: _given_out(one) for one in blocks if _given_out(one) and not ended}
    path = "{0}/ippools/{1}".format(CALICO, name)
    return Remains(
        pool=path if _is_there(api, path) else None,
        blocks=_paths("ipamblocks", blocks),
        affinities=_paths("blockaffinities", _within(api, "blockaffinities", cidr)),
        handles=_handles(api, cidr) if ended else (),
        used=used,
    )


def drain(
    api: ApiWriter,
    name: str,
    cidr: str,
    timeout: float,
    clock: Callable[[], float],
    pause: Callable[[float], None],
    ended: bool = False,
) -> Remains:
    """Delete the pool, wait until nobody has an address of it any more, and delete the rest.

    What is left: nothing, or what is still in use when the budget (seconds) is over. Raises ApiError.
    """
    end = clock() + timeout
    while True:
        there = gather(api, name, cidr, ended)
        if there.pool:
            _delete(api, there.pool)
        elif not there.used:
            for path in there.paths:
                _delete(api, path)
            there = gather(api, name, cidr, ended)
        if not there.paths or clock() >= end:
            return there
        pause(0.5)


def _within(api: ApiServer, plural: str, cidr: str) -> List[Object]:
    network = [ip_network(cidr)]
    return [one for one in _all(api, plural) if inside(ip_network(one["spec"]["cidr"]), network)]


def _handles(api: ApiServer, cidr: str) -> Tuple[str, ...]:
    """The IPAMHandles of which every address is one of the pool's."""
    network = [ip_network(cidr)]
    found = [
        one
        for one in _all(api, "ipamhandles")
        if all(inside(ip_network(block), network) for block in one["spec"].get("block") or {})
    ]
    return _paths("ipamhandles", found)


def _all(api: ApiServer, plural: str) -> List[Object]:
    try:
        return list(items(api, "{0}/{1}".format(CALICO, plural)))
    except ApiMissing:
        return []


def _given_out(block: Object) -> int:
    return sum(one is not None for one in block["spec"].get("allocations") or [])


def _paths(plural: str, found: List[Object]) -> Tuple[str, ...]:
    return tuple("{0}/{1}/{2}".format(CALICO, plural, one["metadata"]["name"]) for one in found)


def _is_there(api: ApiServer, path: str) -> bool:
    try:
        api.get(path)
    except ApiMissing:
        return False
    return True


def _delete(api: ApiWriter, path: str) -> None:
    with suppress(ApiMissing):
        api.delete(path)


def diff(there: Remains) -> Dict[str, str]:
    """What goes, as the diff of a module."""
    lines = "".join(path + "\n" for path in there.paths)
    return {"before_header": "IPPool", "after_header": "IPPool", "before": lines, "after": ""}
