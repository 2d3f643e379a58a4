# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal and the lease: nothing that was kept is lost, and two runs never have the lease at once."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._cluster import _journal, _journal_module
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._api import ApiConflict, ApiMissing
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._journal import Held, Lost, TooLarge
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._journal_module import CONFIGMAPS, LEASES, Steps
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 26, 12, 0, 0)
VXLAN, HOST_GW = {"label": "flannel vxlan", "settings": {"flannel_backend": "vxlan"}}, {"label": "flannel host-gw"}
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "kube-flannel", "name": "kube-flannel-cfg"}
RUN = {"id": "1", "from": VXLAN, "to": HOST_GW, "steps": ["roll"], "snapshot": [CONFIG]}
PATH = "/api/v1/namespaces/kube-flannel/configmaps/kube-flannel-cfg"


class Api:
    """Objects as an API server keeps them: a write names the version that it replaces."""

    def __init__(self):
        self.objects = {PATH: {**_live("vxlan"), "status": {}}}
        self.before_write = lambda: None
        self.clock = datetime(2026, 11, 26, 18, 0, 0)

    def now(self):
        return self.clock

    def get(self, path, **query):
        if path not in self.objects:
            raise ApiMissing(path)
        return copy.deepcopy(self.objects[path])

    def create(self, path, item):
        self.before_write()
        name = f"{path}/{item['metadata']['name']}"
        if name in self.objects:
            raise ApiConflict(f"{name} already exists")
        return self._put(name, item, 1)

    def replace(self, path, item):
        self.before_write()
        version = self.get(path)["metadata"]["resourceVersion"]
        if item["metadata"].get("resourceVersion") != version:
            raise ApiConflict(f"{path}: the object has been modified")
        return self._put(path, item, int(version) + 1)

    def _put(self, path, item, version):
        kept = copy.deepcopy(dict(item))
        kept["metadata"] = {**kept["metadata"], "resourceVersion": str(version)}
        self.objects[path] = kept
        return kept


def _live(backend):
    notes = {"deprecated.daemonset.template.generation": "3", "operator": "keep me"}
    about = {"namespace": "kube-flannel", "name": "kube-flannel-cfg", "uid": "u", "annotations": notes}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": {"net-conf.json": backend}}


def step(api, name, holder="me", dry=False, **options):
    defaults = {key: one.get("default") for key, one in _journal_module.journal_argument_spec().items()}
    return Steps(api, {**defaults, "step": name, "holder": holder, **options}, dry).do()


def journal(api):
    return step(api, "read")["journal"]


def test_a_run_keeps_what_is_about_to_change_and_leaves_the_state_that_was_verified():
    api = Api()
    assert step(api, "read") == {
        "changed": False,
        "journal": {"run": None, "verified": None, "history": []},
        "lease": None,
    }
    opened = step(api, "open", run=RUN)
    assert (opened["changed"], opened["resumed"]) == (True, False)
    (kept,) = journal(api)["run"]["snapshot"]
    assert kept["metadata"] == {
        "namespace": "kube-flannel",
        "name": "kube-flannel-cfg",
        "annotations": {"operator": "keep me"},
    }
    assert "status" not in kept
    step(api, "advance", at="sweep", note="3 nodes have settled")
    assert journal(api)["run"]["step"] == "sweep"
    assert step(api, "read")["lease"]["holder"] == "me"
    closed = step(api, "close", outcome="verified", state=HOST_GW)
    assert closed["changed"]
    found = journal(api)
    assert (found["run"], found["verified"]["label"]) == (None, "flannel host-gw")
    assert [(one["id"], one["outcome"]) for one in found["history"]] == [("1", "verified")]
    assert step(api, "read")["lease"] is None
    assert not step(api, "close", outcome="verified", state=HOST_GW)["changed"]


def test_whoever_takes_over_an_open_run_keeps_what_was_before_it():
    api = Api()
    step(api, "open", run=RUN)
    api.objects[PATH]["data"]["net-conf.json"] = "half way"
    step(api, "close", outcome="stopped", state=HOST_GW)
    taken = step(api, "open", holder="you", run={**RUN, "id": "2", "from": {"label": "mixed"}})
    assert taken["resumed"]
    run = journal(api)["run"]
    assert (run["id"], run["from"], run["holder"]) == (RUN["id"], VXLAN, "you")
    assert run["snapshot"][0]["data"] == {"net-conf.json": "vxlan"}


def test_a_lease_is_judged_by_the_api_servers_clock():
    """A controller whose own clock is an hour ahead would take every lease for expired."""
    api = Api()
    step(api, "open", holder="root@first pid 7", run=RUN)
    lease = api.objects[f"{LEASES}/switchyard-cni"]["spec"]
    assert lease["renewTime"] == "2026-11-26T18:00:00.000000Z"
    api.clock += timedelta(seconds=lease["leaseDurationSeconds"] - 1)
    with pytest.raises(Held):
        step(api, "open", holder="root@second pid 9", run=RUN)
    api.clock += timedelta(seconds=1)
    assert step(api, "open", holder="root@second pid 9", run=RUN)["resumed"]


def test_the_second_of_two_runs_is_told_who_and_since_when():
    api = Api()
    step(api, "open", holder="root@first pid 7", run=RUN)
    before = copy.deepcopy(api.objects)
    with pytest.raises(Held, match=r"is being changed by root@first pid 7 since 20\d\d-.* its lease ends at 20"):
        step(api, "open", holder="root@second pid 9", run=RUN)
    assert api.objects == before
    assert step(api, "open", holder="root@second pid 9", dead="root@first pid 7", run=RUN)["resumed"]
    with pytest.raises(Lost, match="taken over by root@second pid 9"):
        step(api, "advance", holder="root@first pid 7", at="sweep")


def test_a_step_without_an_open_run_is_refused():
    api = Api()
    step(api, "open", run=RUN)
    del api.objects[f"{CONFIGMAPS}/switchyard-cni"]
    with pytest.raises(Lost, match="there is no open run in the journal"):
        step(api, "advance", at="sweep")


def test_check_mode_writes_nothing():
    api = Api()
    before = copy.deepcopy(api.objects)
    assert step(api, "open", dry=True, run=RUN)["changed"]
    assert api.objects == before


def test_a_damaged_journal_is_not_written_over():
    api = Api()
    step(api, "open", run=RUN)
    path = f"{CONFIGMAPS}/switchyard-cni"
    api.objects[path]["data"]["journal.json"] = "{half"
    with pytest.raises(ValueError, match="Expecting"):
        step(api, "open", run=RUN)
    assert api.objects[path]["data"]["journal.json"] == "{half"


def test_what_somebody_else_keeps_in_the_configmap_survives():
    api = Api()
    step(api, "open", run=RUN)
    api.objects[f"{CONFIGMAPS}/switchyard-cni"]["data"]["note"] = "by hand"
    step(api, "close", outcome="verified", state=HOST_GW)
    assert api.objects[f"{CONFIGMAPS}/switchyard-cni"]["data"]["note"] == "by hand"


def test_of_two_that_read_the_same_lease_one_gets_it():
    api = Api()
    step(api, "open", run=RUN)
    step(api, "close", outcome="verified", state=HOST_GW)

    def faster():
        api.before_write = lambda: None
        step(api, "open", holder="faster", run=RUN)

    api.before_write = faster
    with pytest.raises(ApiConflict):
        step(api, "open", holder="slower", run=RUN)
    assert step(api, "read")["lease"]["holder"] == "faster"


def test_a_journal_that_does_not_fit_is_refused():
    with pytest.raises(TooLarge, match="a ConfigMap holds"):
        _journal.configmap({"run": {"note": "x" * 1_000_000}}, None)


def test_the_history_ends_somewhere():
    api = Api()
    for number in range(14):
        step(api, "open", run={**RUN, "id": str(number)})
        step(api, "close", outcome="verified", state=HOST_GW)
    assert [one["id"] for one in journal(api)["history"]] == [str(number) for number in range(4, 14)]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 1200), st.booleans())))
def test_two_holders_never_have_a_lease_at_once(moves):
    """Each takes, renews or releases at times of its own; who believes to hold it is the one it belongs to."""
    lease, now, believes = None, NOW, {}
    for holder, seconds, gives_back in moves:
        now += timedelta(seconds=seconds)
        try:
            lease = _journal.taken(lease, holder, 600, None, now)
            believes[holder] = now + timedelta(seconds=600)
        except Held:
            continue
        if gives_back:
            lease = _journal.released(lease)
            believes.pop(holder)
        assert sum(until > now for until in believes.values()) <= 1


def test_the_lease_is_one_that_kubernetes_can_read():
    lease = _journal.taken(None, "me", 600, None, NOW)
    assert lease["spec"] == {
        "holderIdentity": "me",
        "leaseDurationSeconds": 600,
        "leaseTransitions": 1,
        "acquireTime": "2026-11-26T12:00:00.000000Z",
        "renewTime": "2026-11-26T12:00:00.000000Z",
    }
    assert LEASES == "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
