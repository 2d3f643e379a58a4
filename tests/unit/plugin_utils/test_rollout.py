# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person is told when a DaemonSet does not become ready."""

from __future__ import annotations

from ansible_collections.switchyard.cni.plugins.plugin_utils._rollout import (
    container_troubles,
    ended_containers,
    object_changes,
    rollout_reasons,
)


def pod(name="flannel-x", node="k8s-node1", init=(), containers=(), conditions=()):
    return {
        "metadata": {"name": name},
        "spec": {"nodeName": node},
        "status": {
            "initContainerStatuses": list(init),
            "containerStatuses": list(containers),
            "conditions": list(conditions),
        },
    }


NO_IMAGE = {
    "name": "install-cni-plugin",
    "state": {"waiting": {"reason": "ErrImagePull", "message": "failed to resolve reference: not found"}},
}
CRASHING = {
    "name": "kube-flannel",
    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
    "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
}
DONE = {"name": "install-cni-conf", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}
STARTING = {"name": "kube-flannel", "state": {"waiting": {"reason": "PodInitializing"}}}
RUNNING = {"name": "kube-flannel", "state": {"running": {"startedAt": "now"}}}


def test_an_image_that_cannot_be_pulled_names_node_container_and_reason():
    troubles = container_troubles([pod(init=[NO_IMAGE], containers=[STARTING])])
    assert [str(x) for x in troubles] == [
        "k8s-node1: container install-cni-plugin of pod flannel-x: ErrImagePull: failed to resolve reference: not found"
    ]


def test_what_runs_starts_or_has_ended_well_is_no_trouble():
    assert container_troubles([pod(init=[DONE], containers=[STARTING]), pod(containers=[RUNNING])]) == []


def test_the_log_to_read_of_a_crash_loop_is_the_previous_one():
    assert ended_containers([pod(containers=[CRASHING])]) == [
        {"pod": "flannel-x", "container": "kube-flannel", "previous": True}
    ]


def test_the_log_of_a_container_that_just_ended_is_the_current_one():
    ended = {"name": "kube-flannel", "state": {"terminated": {"exitCode": 2, "reason": "Error"}}}
    assert ended_containers([pod(containers=[ended])])[0]["previous"] is False


def test_an_image_that_cannot_be_pulled_has_no_log():
    assert ended_containers([pod(init=[NO_IMAGE])]) == []


def test_at_most_three_logs_are_read():
    assert len(ended_containers([pod(name=f"p{i}", containers=[CRASHING]) for i in range(9)])) == 3


def test_the_message_holds_reason_event_and_log():
    message = rollout_reasons(
        {"msg": "timed out"},
        "kube-flannel-ds",
        [pod(containers=[CRASHING])],
        [
            {"involvedObject": {"kind": "DaemonSet", "name": "kube-flannel-ds"}, "message": "forbidden: PodSecurity"},
            {"involvedObject": {"kind": "Pod", "name": "flannel-x"}, "message": "Failed to pull image"},
            {"involvedObject": {"kind": "DaemonSet", "name": "other"}, "message": "not ours"},
        ],
        [{"item": {"pod": "flannel-x"}, "log_lines": ["", "Failed to find any valid interface"]}],
    )
    assert message.splitlines()[0] == "DaemonSet kube-flannel-ds is not ready: timed out"
    assert "CrashLoopBackOff" in message
    assert "event: forbidden: PodSecurity" in message
    assert "event: Failed to pull image" in message
    assert "log of flannel-x: Failed to find any valid interface" in message
    assert "not ours" not in message


def test_a_pod_that_is_not_scheduled_says_so():
    condition = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}
    assert "0/3 nodes are available" in rollout_reasons(
        {"msg": "timed out"}, "ds", [pod(conditions=[condition])], [], []
    )


def applied(*items):
    return {"changed": True, "result": {"results": list(items)}}


def config_map(changed=True, **diff):
    metadata = {"namespace": "kube-flannel", "name": "kube-flannel-cfg"}
    return {"changed": changed, "diff": diff, "result": {"kind": "ConfigMap", "metadata": metadata}}


def test_a_changed_object_shows_the_lines_that_differ_and_no_noise_of_the_server():
    def side(backend):
        return {
            "data": {"net-conf.json": f'{{\n  "Network": "172.50.0.0/16",\n  "Type": "{backend}"\n}}'},
            "metadata": {"managedFields": [backend], "resourceVersion": backend},
        }

    lines = object_changes(applied(config_map(before=side("vxlan"), after=side("host-gw"))))
    assert lines[0] == "ConfigMap kube-flannel/kube-flannel-cfg: changed"
    changed = [line[2:] for line in lines if line[2:3] in ("-", "+")]
    assert [line[0] for line in changed] == ["-", "+"]
    assert "vxlan" in changed[0]
    assert "host-gw" in changed[1]
    assert "managedFields" not in "".join(lines)


def test_a_new_object_is_called_new_and_an_equal_one_is_not_shown():
    lines = object_changes(applied(config_map(), config_map(changed=False)))
    assert lines == ["ConfigMap kube-flannel/kube-flannel-cfg: new"]


def test_a_pod_that_is_still_starting_says_what_it_waits_for():
    pulling = {"name": "install-cni", "image": "lab/flannel:x", "state": {"waiting": {"reason": "PodInitializing"}}}
    message = rollout_reasons({"msg": "timed out"}, "ds", [pod(init=[DONE, pulling], containers=[STARTING])], [], [])
    assert message.splitlines()[1:] == [
        "  k8s-node1: container install-cni of pod flannel-x: still PodInitializing, image lab/flannel:x"
    ]


def test_a_pod_that_runs_is_not_mentioned():
    assert rollout_reasons({"msg": "timed out"}, "ds", [pod(init=[DONE], containers=[RUNNING])], [], []) == (
        "DaemonSet ds is not ready: timed out"
    )
