# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A declared state becomes steps, the steps make it so, and then there is nothing left to do."""

from __future__ import annotations

import errno

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _state
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import PlanError
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import RELEASE, FakeNode
from hypothesis import given
from hypothesis import strategies as st

MODULES = f"/lib/modules/{RELEASE}"
BRIDGE_CALL = "/proc/sys/net/bridge/bridge-nf-call-iptables"
UNIT = "/etc/systemd/system/flanneld.service"
FULL = {
    "modules": ["vxlan", "br_netfilter"],
    "files": [{"path": "/etc/modules-load.d/switchyard.conf", "content": "vxlan\nbr_netfilter\n"}],
    "sysctls": {"net.ipv4.ip_forward": 1, "net.bridge.bridge-nf-call-iptables": True},
    "cni_plugins": {"bin_dir": "/opt/cni/bin", "required": ["bridge", "loopback"], "search": ["/x", "/usr/lib/cni"]},
    "renames": [{"src": "/etc/cni/net.d/05-other.conf", "dest": "/etc/cni/net.d/05-other.conf.disabled"}],
    "absent": ["/etc/cni/net.d/99-gone.conf"],
}


def bare_node(**more):
    """A distribution's node: modules on disk, nothing loaded, plugins in another directory."""
    node = FakeNode(
        {
            f"{MODULES}/modules.dep": "kernel/net/vxlan.ko:\nkernel/net/br_netfilter.ko:\n",
            f"{MODULES}/modules.builtin": "kernel/drivers/net/tun.ko\n",
            "/proc/sys/net/ipv4/ip_forward": "0\n",
            "/etc/cni/net.d/05-other.conf": "other",
            "/etc/cni/net.d/99-gone.conf": "gone",
        },
        **more,
    )
    node.executable("/usr/lib/cni/bridge", "bridge!")
    node.executable("/usr/lib/cni/loopback", "loopback!")

    # No modprobe of this test machine can load anything, so this one plays the kernel's part.
    def modprobe(argv):
        node.files[f"/sys/module/{argv[1]}/initstate"] = b"live\n"
        if argv[1] == "br_netfilter":
            node.files[BRIDGE_CALL] = b"0\n"
        return 0, "", ""

    node.tools["modprobe"] = modprobe
    return node


def planned(node, state):
    wanted = _state.parse_wanted(state)
    return _state.plan(_state.observe(node, wanted), wanted)


def bring(node, state):
    plan = planned(node, state)
    _state.apply(plan, node)
    return plan


def problems(node, state):
    with pytest.raises(PlanError) as caught:
        planned(node, state)
    return caught.value.problems


def test_steps_come_in_the_order_in_which_they_depend_on_each_other():
    assert planned(bare_node(), FULL).describe() == [
        "load kernel module vxlan",
        "load kernel module br_netfilter",
        "create /etc/modules-load.d/switchyard.conf",
        "set net.ipv4.ip_forward to 1 (was 0)",
        "set net.bridge.bridge-nf-call-iptables to 1",
        "copy CNI plugin /usr/lib/cni/bridge to /opt/cni/bin",
        "copy CNI plugin /usr/lib/cni/loopback to /opt/cni/bin",
        "rename /etc/cni/net.d/05-other.conf to /etc/cni/net.d/05-other.conf.disabled",
        "remove /etc/cni/net.d/99-gone.conf",
    ]


def test_planning_writes_nothing():
    node = bare_node()
    before = dict(node.files)
    planned(node, FULL)
    assert (node.files, node.written, node.ran) == (before, [], [])


def test_applying_makes_it_so_and_a_second_run_has_nothing_to_do():
    node = bare_node()
    bring(node, FULL)
    assert node.files["/opt/cni/bin/bridge"] == b"bridge!"
    assert node.modes["/opt/cni/bin/bridge"] == 0o755
    assert node.files[BRIDGE_CALL] == b"1\n"
    assert node.files["/etc/cni/net.d/05-other.conf.disabled"] == b"other"
    assert "/etc/cni/net.d/99-gone.conf" not in node.files
    again = planned(node, FULL)
    assert not again
    assert again.diff() == []


@given(st.integers(1, 8))
def test_a_run_killed_after_any_step_can_be_run_again(survived):
    node = bare_node()
    whole = planned(node, FULL)
    _state.apply(_state.Plan(whole.steps[:survived]), node)
    rest = bring(node, FULL)
    assert rest.describe()[-1:] == whole.describe()[-1:]
    assert not planned(node, FULL)


def test_the_diff_shows_every_change_before_and_after():
    diff = planned(bare_node(), FULL).diff()
    shown = {entry["before_header"]: (entry["before"], entry["after"]) for entry in diff}
    assert shown["kernel module vxlan"] == ("not loaded\n", "loaded\n")
    assert shown["/etc/modules-load.d/switchyard.conf"] == ("", "vxlan\nbr_netfilter\n")
    assert shown["sysctl net.ipv4.ip_forward"] == ("0\n", "1\n")
    assert shown["sysctl net.bridge.bridge-nf-call-iptables"] == ("absent\n", "1\n")
    assert shown["/opt/cni/bin/bridge"] == ("absent\n", "copy of /usr/lib/cni/bridge\n")
    assert shown["/etc/cni/net.d/99-gone.conf"] == ("present\n", "absent\n")
    renamed = next(entry for entry in diff if entry["before_header"] == "/etc/cni/net.d/05-other.conf")
    assert renamed["after_header"] == "/etc/cni/net.d/05-other.conf.disabled"
    assert len(diff) == 9


def test_all_reasons_are_told_at_once_and_nothing_is_written():
    node = bare_node()
    state = {
        "modules": ["ipip", "vxlan"],
        "sysctls": {"net.bridge.bridge-nf-call-iptables": 1, "net.nonsense": 1},
        "cni_plugins": {"required": ["bridge", "nope", "neither"], "search": ["/usr/lib/cni"]},
        "files": [{"path": "/etc/cni", "content": "x"}],
        "absent": ["/usr/lib/cni"],
    }
    node.names = lambda path: ["bridge"]
    assert problems(node, state) == [
        f"kernel module ipip cannot be had: /lib/modules/{RELEASE} does not hold the module ipip"
        " (kernel option CONFIG_NET_IPIP)",
        "/etc/cni is to be a file but is of kind dir",
        "sysctl net.bridge.bridge-nf-call-iptables does not exist on this node; kernel module br_netfilter brings it:"
        " add it to `modules`",
        "sysctl net.nonsense does not exist on this node; check its spelling",
        "CNI plugins nope, neither are not in /opt/cni/bin and found in none of /usr/lib/cni;"
        " install the CNI plugins there",
        "/usr/lib/cni is a directory that is not empty; name what shall go from it",
    ]
    assert node.written == []


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"files": [{"path": "a", "content": ""}]}, "a is not an absolute path"),
        ({"files": [{"path": "/a", "content": "1"}, {"path": "/a", "content": "2"}]}, "/a is declared twice as a file"),
        ({"files": [{"path": "/a", "content": ""}], "absent": ["/a"]}, "/a is both written and taken away"),
        ({"absent": ["/a"], "renames": [{"src": "/a", "dest": "/b"}]}, "/a is to be taken away twice"),
        ({"files": [{"path": "/a", "content": "", "mode": "rw"}]}, "mode 'rw' of /a is not octal such as '0644'"),
        ({"files": [{"path": "/a", "content": "", "mode": "77777"}]}, "mode '77777' of /a is not octal such as '0644'"),
        (
            {"services": [{"name": "x", "state": "restarted", "on_change_of": ["/a"]}]},
            "on_change_of of x.service names /a, which is no file of this call",
        ),
    ],
)
def test_a_state_that_contradicts_itself_is_refused(state, reason):
    assert problems(FakeNode(), state) == [reason]


def test_a_module_built_in_or_loaded_is_left_alone():
    node = bare_node()
    node.files["/sys/module/vxlan/initstate"] = b"live\n"
    assert not planned(node, {"modules": ["vxlan", "tun"]})


def test_a_module_that_cannot_be_loaded_names_the_kernel_option():
    node = bare_node()
    node.tools["modprobe"] = (1, "", "modprobe: ERROR: could not insert 'vxlan': Operation not permitted\n")
    with pytest.raises(_state.ApplyError, match=r"CONFIG_VXLAN\): modprobe: ERROR.*not permitted") as caught:
        bring(node, FULL)
    assert caught.value.done == []
    assert node.written == []


def test_what_cannot_be_read_is_told_once():
    node = bare_node(forbidden=["/proc/sys/net/ipv4/ip_forward", "/etc/a"])
    node.files["/etc/a"] = b""
    state = {"files": [{"path": "/etc/a", "content": "a"}], "sysctls": {"net.ipv4.ip_forward": 0, "../x": 1}}
    assert problems(node, state) == [
        "/etc/a cannot be read: Permission denied",
        "sysctl net.ipv4.ip_forward cannot be read: Permission denied",
        "sysctl ../x cannot be read: '../x' is not the name of a sysctl",
    ]


def test_a_failure_in_the_middle_tells_what_was_done():
    node = bare_node()

    def refuse(path, data):
        raise OSError(errno.EROFS, "Read-only file system")

    node.poke = refuse
    with pytest.raises(_state.ApplyError, match=r"ip_forward cannot be set to 1: Read-only file system") as caught:
        bring(node, FULL)
    assert caught.value.done == planned(bare_node(), FULL).describe()[:3]


def test_a_sysctl_the_kernel_clamps_is_not_called_done():
    node = bare_node()
    node.poke = lambda path, data: None
    state = {"files": [{"path": "/etc/a", "content": "a"}], "sysctls": {"net.ipv4.ip_forward": 1}}
    with pytest.raises(_state.ApplyError, match=r"the kernel keeps net.ipv4.ip_forward at 0") as caught:
        bring(node, state)
    assert caught.value.done == ["create /etc/a"]


def test_sysctls_are_compared_as_the_kernel_prints_them():
    node = FakeNode({"/proc/sys/net/ipv4/tcp_rmem": "4096\t131072\t6291456\n"})
    assert not planned(node, {"sysctls": {"net.ipv4.tcp_rmem": "4096  131072 6291456"}})


def test_content_and_mode_of_a_file_are_both_compared():
    node = FakeNode({"/etc/a": "a"})
    node.modes["/etc/a"] = 0o600
    plan = planned(node, {"files": [{"path": "/etc/a", "content": "a", "mode": "0644"}]})
    assert plan.describe() == ["change the mode of /etc/a from 0600 to 0644"]
    assert plan.diff()[0]["before"].startswith("mode 0600\n")
    assert planned(node, {"files": [{"path": "/etc/a", "content": "b", "mode": "0600"}]}).describe() == [
        "rewrite /etc/a"
    ]
    assert not planned(node, {"files": [{"path": "/etc/a", "content": "a", "mode": "0600"}]})


def test_sensitive_content_stays_out_of_the_diff():
    node = FakeNode({"/etc/key": "old secret"})
    state = {"files": [{"path": "/etc/key", "content": "new secret", "mode": "0600", "sensitive": True}]}
    assert "secret" not in str(planned(node, state).diff())


def test_what_is_not_text_is_not_shown():
    node = FakeNode({"/etc/a": b"\xff\xfe"})
    assert (
        "2 bytes that are not text" in planned(node, {"files": [{"path": "/etc/a", "content": ""}]}).diff()[0]["before"]
    )


def test_a_rename_keeps_whatever_has_its_name():
    node = FakeNode({"/c/x.conf": "new", "/c/x.conf.disabled": "older", "/c/x.conf.disabled.1": "old"})
    state = {"renames": [{"src": "/c/x.conf", "dest": "/c/x.conf.disabled"}]}
    bring(node, state)
    assert node.files == {
        "/c/x.conf.disabled": b"older",
        "/c/x.conf.disabled.1": b"old",
        "/c/x.conf.disabled.2": b"new",
    }
    assert not planned(node, state)


def test_two_renames_to_one_name_and_a_directory_are_refused():
    node = FakeNode({"/a": "", "/b": "", "/d/file": ""})
    state = {"renames": [{"src": name, "dest": "/z"} for name in ("/a", "/b", "/d")]}
    assert problems(node, state) == [
        "/z is the destination of two renames",
        "/d is a directory; only files are renamed",
    ]


# ---- services


class Systemd:
    """The part of systemd that the module talks to."""

    def __init__(self, node, **unit):
        self.unit = {"load": "loaded", "active": "active", "enabled": "enabled", "reload": "no", "since": 0.0, **unit}
        node.files["/run/systemd/system/keep"] = b""
        node.clock = 1000.0
        node.tools["systemctl"] = self.call
        node.tools["systemctl show"] = self.show
        self.node = node

    def show(self, argv):
        unit = self.unit
        text = (
            f"LoadState={unit['load']}\nActiveState={unit['active']}\nUnitFileState={unit['enabled']}\n"
            f"NeedDaemonReload={unit['reload']}\nActiveEnterTimestampMonotonic={int(unit['since'] * 1e6)}\n"
            f"StateChangeTimestampMonotonic={int(unit['since'] * 1e6)}\n"
        )
        return 0, "\n".join([text] * len(argv[3:])), ""

    def call(self, argv):
        changes = {
            "enable": {"enabled": "enabled"},
            "disable": {"enabled": "disabled"},
            "stop": {"active": "inactive"},
            "daemon-reload": {"reload": "no", "load": "loaded"},
        }
        started = {"active": "active", "since": self.node.clock + 1}
        self.unit.update(changes.get(argv[1], started))
        self.node.clock += 2
        return 0, "", ""


def service(state="restarted", **more):
    return {"name": "flanneld", "enabled": True, "state": state, **more}


def etcd_state(content="[Service]\n", **more):
    return {"files": [{"path": UNIT, "content": content}], "services": [service(**more)]}


def test_a_new_unit_is_read_enabled_and_started_once():
    node = FakeNode()
    Systemd(node, load="not-found", active="inactive", enabled="")
    assert bring(node, etcd_state()).describe() == [
        f"create {UNIT}",
        "make systemd read its unit files again",
        "enable flanneld.service",
        "restart flanneld.service",
    ]
    assert not planned(node, etcd_state())


def test_a_changed_unit_restarts_its_service_and_an_unchanged_one_does_not():
    node = FakeNode({UNIT: "[Service]\n"})
    Systemd(node, since=500.0)
    assert not planned(node, etcd_state())
    assert bring(node, etcd_state("[Service]\nRestart=always\n")).describe()[-1] == "restart flanneld.service"
    assert not planned(node, etcd_state("[Service]\nRestart=always\n"))


def test_only_the_named_files_restart_a_service():
    node = FakeNode({UNIT: "[Service]\n"})
    Systemd(node, since=500.0)
    state = etcd_state(on_change_of=[UNIT])
    state["files"].append({"path": "/etc/other", "content": "new"})
    assert planned(node, state).describe() == ["create /etc/other"]
    state["services"][0]["on_change_of"] = ["/etc/other"]
    assert planned(node, state).describe() == ["create /etc/other", "restart flanneld.service"]


def test_a_run_killed_between_file_and_restart_is_healed():
    node = FakeNode()
    Systemd(node, since=500.0)
    state = {"files": [{"path": "/etc/flanneld.conf", "content": "a"}], "services": [service()]}
    whole = planned(node, state)
    _state.apply(_state.Plan(whole.steps[:1]), node)
    assert planned(node, state).describe() == ["restart flanneld.service"]
    bring(node, state)
    assert not planned(node, state)


def test_a_file_from_the_future_does_not_restart_for_ever():
    node = FakeNode({"/etc/flanneld.conf": "a"})
    Systemd(node, since=500.0)
    node.mtimes["/etc/flanneld.conf"] = node.wall_clock() + 3600
    assert not planned(node, {"files": [{"path": "/etc/flanneld.conf", "content": "a"}], "services": [service()]})


@pytest.mark.parametrize(
    ("state", "active", "verb"),
    [
        ("started", "active", None),
        ("started", "inactive", "start"),
        ("started", "failed", "start"),
        ("started", "activating", "start"),
        ("restarted", "active", None),
        ("restarted", "inactive", "restart"),
        ("reloaded", "active", None),
        ("reloaded", "failed", "restart"),
        ("stopped", "active", "stop"),
        ("stopped", "activating", "stop"),
        ("stopped", "inactive", None),
        (None, "inactive", None),
    ],
)
def test_a_service_is_only_touched_when_its_state_differs(state, active, verb):
    node = FakeNode()
    Systemd(node, active=active)
    steps = planned(node, {"services": [service(state)]}).describe()
    assert steps == ([f"{verb} flanneld.service"] if verb else [])


def test_reload_follows_a_changed_file():
    node = FakeNode()
    Systemd(node, since=500.0)
    state = {"files": [{"path": "/etc/x", "content": "x"}], "services": [service("reloaded")]}
    assert bring(node, state).describe() == ["create /etc/x", "reload flanneld.service"]
    assert not planned(node, state)


@pytest.mark.parametrize(
    ("unit", "enabled", "steps"),
    [
        ({"enabled": "disabled"}, True, ["enable flanneld.service"]),
        ({"enabled": "static"}, True, []),
        ({"enabled": "enabled"}, False, ["disable flanneld.service"]),
        ({"enabled": "", "load": "not-found", "active": "inactive"}, False, []),
        ({"enabled": "disabled"}, None, []),
    ],
)
def test_enabling(unit, enabled, steps):
    node = FakeNode()
    Systemd(node, **unit)
    assert planned(node, {"services": [service(None, enabled=enabled)]}).describe() == steps


def test_a_service_that_cannot_run_is_told_before_anything_is_written():
    node = FakeNode()
    systemd = Systemd(node, load="not-found", active="inactive", enabled="")
    assert problems(node, {"services": [service()]}) == [
        "service flanneld.service does not exist on this node, and no file of this call brings it"
    ]
    systemd.unit["load"] = "masked"
    assert problems(node, etcd_state()) == ["service flanneld.service is masked; unmask it first"]


def test_a_node_without_systemd_is_told():
    assert problems(FakeNode(), {"services": [service()]}) == [
        "services flanneld.service cannot be managed: systemctl is not installed"
    ]
    node = FakeNode(tools={"systemctl": (1, "", "Failed to connect to bus: Host is down\n")})
    assert "Host is down" in problems(node, {"services": [service()]})[0]


def test_a_service_that_fails_to_start_is_told_with_its_last_words():
    node = FakeNode(tools={"journalctl": (0, "starting\nFailed to parse config\n", "")})
    Systemd(node, active="inactive")
    node.tools["systemctl restart"] = (1, "", "Job for flanneld.service failed.\n")
    with pytest.raises(_state.ApplyError, match=r"Job for .* failed\.; its last words: starting \| Failed to parse"):
        bring(node, {"services": [service()]})


def test_a_unit_file_without_a_service_is_still_read_by_systemd():
    node = FakeNode()
    state = {"files": [{"path": "/etc/systemd/system/kubelet.service.d/10-x.conf", "content": "[Service]\n"}]}
    assert len(planned(node, state).steps) == 1, "systemd does not run here"
    Systemd(node)
    assert planned(node, state).describe()[1:] == ["make systemd read its unit files again"]


# ---- NetworkManager

UNMANAGED = {"files": [{"path": "/etc/NetworkManager/conf.d/switchyard.conf", "content": "[keyfile]\n"}]}


@pytest.mark.parametrize(("answer", "told"), [((0, "running\n", ""), True), ((8, "", "not running"), False)])
def test_network_manager_is_told_of_its_configuration_when_it_runs(answer, told):
    node = FakeNode(tools={"nmcli": answer})
    steps = planned(node, UNMANAGED).describe()
    assert ("make NetworkManager read its configuration again" in steps) is told
    bring(node, UNMANAGED)
    assert ("nmcli general reload conf" in node.ran) is told
    assert not planned(node, UNMANAGED)


def test_without_network_manager_only_its_file_is_written():
    assert len(planned(FakeNode(), UNMANAGED).steps) == 1


# ---- properties

PATHS = st.sampled_from([f"/etc/d/{name}" for name in "abcdef"])
STATES = st.fixed_dictionaries(
    {
        "files": st.dictionaries(PATHS, st.text(max_size=5), max_size=4).map(
            lambda files: [{"path": path, "content": content} for path, content in files.items()]
        ),
        "sysctls": st.dictionaries(
            st.sampled_from(["net.ipv4.ip_forward", "net.ipv4.conf.all.rp_filter"]), st.integers(0, 2)
        ),
        "absent": st.lists(PATHS.map(lambda path: path + ".gone"), unique=True, max_size=3),
        "renames": st.lists(PATHS.map(lambda path: path + ".old"), unique=True, max_size=3).map(
            lambda sources: [{"src": source, "dest": source + ".disabled"} for source in sources]
        ),
    }
)
PRESENT = st.dictionaries(
    st.one_of(PATHS, PATHS.map(lambda path: path + ".gone"), PATHS.map(lambda path: path + ".old")),
    st.binary(max_size=4),
)


@given(STATES, PRESENT)
def test_whatever_is_declared_is_reached_in_one_run(state, present):
    sysctls = {"/proc/sys/net/ipv4/ip_forward": b"0\n", "/proc/sys/net/ipv4/conf/all/rp_filter": b"2\n"}
    node = FakeNode({**present, **sysctls})
    bring(node, state)
    assert not planned(node, state)
    kept = set(present) - set(state["absent"]) - {one["path"] for one in state["files"]}
    assert {present[path] for path in kept} <= set(node.files.values()), "something was lost"
