# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking an IPPool out of a cluster: the pool first, the blocks when nobody has an address of them any more."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._pool import drain, gather
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._read import CALICO
from ansible_collections.switchyard.cni.tests.unit.module_utils.cluster.fake_cluster import FakeCluster

CIDR = "198.18.0.0/16"
POOL = f"{CALICO}/ippools/prearm"


class Ipam(FakeCluster):
    """Calico takes an address back some seconds after its pool has gone."""

    def __init__(self, given_back_after):
        super().__init__({POOL: thing("prearm", CIDR)})
        self.after, self.time = given_back_after, 0.0
        for name, cidr, used in (("mine", "198.18.0.0/30", [0, None]), ("others", "172.50.0.0/26", [0])):
            self._put(f"{CALICO}/ipamblocks/{name}", thing(name, cidr, allocations=used))
            self._put(f"{CALICO}/blockaffinities/{name}", thing(name, cidr))

    def get(self, path, **query):
        plural = path.rpartition("/")[2]
        if plural in ("ipamblocks", "blockaffinities", "ipamhandles"):
            return {"items": [one for key, one in self.objects.items() if key.startswith(path + "/")]}
        return super().get(path, **query)

    def pause(self, seconds):
        self.time += seconds
        if self.time >= self.after:
            self.objects[f"{CALICO}/ipamblocks/mine"]["spec"]["allocations"] = [None, None]


def thing(name, cidr, **spec):
    return {"metadata": {"name": name}, "spec": {"cidr": cidr, **spec}}


def drained(ipam, timeout=10.0):
    return drain(ipam, "prearm", CIDR, timeout, lambda: ipam.time, ipam.pause)


def test_the_pool_goes_first_then_what_calico_leaves_of_it_and_nothing_of_another():
    ipam = Ipam(given_back_after=3.0)
    assert drained(ipam).paths == ()
    gone = [path.removeprefix(CALICO + "/") for dummy, path in ipam.writes]
    assert gone == ["ippools/prearm", "blockaffinities/mine", "ipamblocks/mine"]
    assert f"{CALICO}/ipamblocks/others" in ipam.objects
    assert ipam.time == pytest.approx(3.0)


def test_an_address_that_is_in_use_is_never_taken():
    ipam = Ipam(given_back_after=1e9)
    left = drained(ipam, timeout=5.0)
    assert left.used == {"198.18.0.0/30": 1}
    assert f"{CALICO}/ipamblocks/mine" in ipam.objects


def test_what_is_gone_is_gone():
    ipam = Ipam(given_back_after=0.0)
    drained(ipam)
    ipam.writes.clear()
    assert (drained(ipam).paths, ipam.writes) == ((), [])
    assert gather(ipam, "prearm", CIDR).pool is None


def test_where_calico_has_ended_nothing_is_in_use_and_the_handles_go_too():
    ipam = Ipam(given_back_after=1000.0)
    for name, block in (("of-mine", "198.18.0.0/30"), ("of-others", "172.50.0.0/26")):
        handle = {"metadata": {"name": name}, "spec": {"handleID": name, "block": {block: 1}}}
        ipam._put(f"{CALICO}/ipamhandles/{name}", handle)
    left = drain(ipam, "prearm", CIDR, 10.0, lambda: ipam.time, ipam.pause, ended=True)
    assert left.paths == ()
    assert ipam.time < 10.0
    gone = {path.removeprefix(CALICO + "/") for dummy, path in ipam.writes}
    assert gone == {"ippools/prearm", "blockaffinities/mine", "ipamblocks/mine", "ipamhandles/of-mine"}
