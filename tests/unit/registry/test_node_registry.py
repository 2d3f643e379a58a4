# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a node trust a registry: the right files for its runtime, a restart only where it must be, and back."""

from __future__ import annotations

import base64
import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.switchyard.cni.plugins.module_utils._registry import _containerd, _module
from ansible_collections.switchyard.cni.plugins.modules import node_registry
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import FakeNode
from hypothesis import given
from hypothesis import strategies as st

REGISTRY = "192.168.7.103:5000"
CONFIG = "/etc/containerd/config.toml"
CERTS = f"/etc/containerd/certs.d/{REGISTRY}"
TABLE = 'plugins."io.containerd.grpc.v1.cri"'
PLAIN = f'# ours\nversion = 2\n\n[{TABLE}]\n  sandbox_image = "pause:1"\n\n[{TABLE}.cni]\n  bin_dir = "/opt/cni/bin"\n'
AUTHORITY = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
SECRET = "quite-secret"


def dumped(node):
    """What containerd says of a configuration: here, the file itself."""

    def dump(argv):
        path = argv[2] if argv[1] == "--config" else CONFIG
        text = node.files.get(path, b"").decode()
        return (1, "", "toml: expected key") if "broken" in text else (0, text or f"[{TABLE}.registry]\n", "")

    return dump


def containerd_node(config=PLAIN, started=10.0):
    """A node whose kubelet uses containerd."""
    node = FakeNode({"/run/containerd/containerd.sock": "", **({CONFIG: config} if config is not None else {})})
    node.tools["containerd"] = dumped(node)
    node.restarts = []

    def show(argv):
        since = int((started if not node.restarts else node.clock + 10.0) * 1e6)
        text = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\n"
        return 0, f"{text}ActiveEnterTimestampMonotonic={since}\nStateChangeTimestampMonotonic={since}\n", ""

    node.tools["systemctl show"] = show
    node.tools["systemctl restart"] = lambda argv: (node.restarts.append(argv[2]), (0, "", ""))[1]
    return node


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the module's main() on a node and give back what it prints."""

    def runner(node, check=False, **params):
        monkeypatch.setattr(_module, "RealNode", lambda: node)
        given_params = {"registry": REGISTRY, "authority": AUTHORITY, "_ansible_check_mode": check, **params}
        with patch_module_args({**given_params, "_ansible_diff": True}), pytest.raises(SystemExit):
            node_registry.main()
        printed = capsys.readouterr().out
        assert SECRET not in printed
        return json.loads(printed)

    return runner


def test_containerd_is_told_where_to_look_once_and_is_restarted_for_it(run):
    node = containerd_node()
    done = run(node)
    assert node.restarts == ["containerd.service"]
    assert node.files[f"{CERTS}/ca.crt"].decode() == AUTHORITY
    hosts = node.files[f"{CERTS}/hosts.toml"].decode()
    assert f'server = "https://{REGISTRY}"' in hosts
    assert "[host" not in hosts
    assert f'ca = "{CERTS}/ca.crt"' in hosts
    assert "skip_verify" not in hosts
    assert node.files[CONFIG].decode() == f'{PLAIN}\n[{TABLE}.registry]\nconfig_path = "/etc/containerd/certs.d"\n'
    assert not any("trial" in path for path in node.files)
    assert done["runtimes"] == ["containerd"]
    node.clock = 100.0
    again = run(node)
    assert (again["changed"], again["steps"], node.restarts) == (False, [], ["containerd.service"])


def test_a_containerd_that_looks_there_already_is_not_restarted_and_its_own_directory_counts(run):
    node = containerd_node(f'{PLAIN}[{TABLE}.registry]\n  config_path = "/etc/elsewhere:/etc/docker/certs.d"\n')
    run(node)
    assert node.restarts == []
    assert f"/etc/elsewhere/{REGISTRY}/hosts.toml" in node.files


def test_what_an_interrupted_run_has_written_is_read_by_a_restart(run):
    node = containerd_node()
    run(node)
    node.restarts, node.mtimes[CONFIG] = [], node.wall_clock() - 0.0
    node.tools["systemctl show"] = lambda argv: (
        0,
        "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\n"
        "ActiveEnterTimestampMonotonic=5000000\nStateChangeTimestampMonotonic=5000000\n",
        "",
    )
    node.clock = 50.0
    node.mtimes[CONFIG] = node.wall_clock() - 10.0
    run(node)
    assert node.restarts == ["containerd.service"]


def test_a_configuration_that_containerd_does_not_understand_stays_as_it_was(run):
    node = containerd_node(PLAIN)
    answer = node.tools["containerd"]
    node.tools["containerd"] = lambda argv: (1, "", "toml: duplicate") if "trial" in argv[2] else answer(argv)
    done = run(node)
    assert done["failed"]
    assert "so it is left as it was: toml: duplicate" in done["msg"]
    assert (node.files[CONFIG].decode(), node.restarts) == (PLAIN, [])


@pytest.mark.parametrize("table", [f"{TABLE}.registry.mirrors", f'{TABLE}.registry.configs."a".tls'])
def test_old_settings_that_cannot_stand_beside_it_are_named(run, table):
    node = containerd_node(f"{PLAIN}[{table}]\n")
    done = run(node)
    assert "cannot stand beside config_path" in done["msg"]
    assert node.written == []


def test_somebody_elses_hosts_file_is_not_overwritten(run):
    node = containerd_node()
    node.files[f"{CERTS}/hosts.toml"] = b'server = "https://mirror"\n'
    done = run(node)
    assert "was written by somebody else" in done["msg"]
    assert node.written == []


def test_a_node_without_a_runtime_says_so(run):
    assert "no container runtime is found" in run(FakeNode())["msg"]


def test_docker_gets_its_file_and_no_restart(run):
    node = FakeNode({"/run/docker.sock": "", "/run/containerd/containerd.sock": ""})
    node.tools["containerd"] = dumped(node)
    done = run(node)
    assert done["runtimes"] == ["docker"]
    assert list(node.written) == [f"/etc/docker/certs.d/{REGISTRY}/ca.crt"]


def test_cri_o_gets_its_file_and_no_restart(run):
    node = FakeNode({"/run/crio/crio.sock": ""})
    assert run(node)["runtimes"] == ["cri-o"]
    assert node.written == [f"/etc/containers/certs.d/{REGISTRY}/ca.crt"]


def test_k3s_is_refused_with_its_own_file(run):
    node = FakeNode({"/run/k3s/containerd/containerd.sock": "", "/var/lib/rancher/k3s/data/x": ""})
    node.tools["containerd"] = dumped(node)
    assert "/etc/rancher/k3s/registries.yaml" in run(node)["msg"]


def test_the_system_store_is_told_on_request_and_forgets(run):
    node = containerd_node()
    node.tools["update-ca-certificates"] = (0, "", "")
    run(node)
    assert "update-ca-certificates" not in node.ran
    anchor = "/usr/local/share/ca-certificates/switchyard-192.168.7.103-5000.crt"
    run(node, system_trust=True)
    assert node.files[anchor].decode() == AUTHORITY
    assert node.ran.count("update-ca-certificates") == 1
    run(node, system_trust=True)
    assert node.ran.count("update-ca-certificates") == 1
    run(node)
    assert anchor not in node.files
    assert node.ran.count("update-ca-certificates") == 2


def test_credentials_join_those_of_other_registries_and_leave_them(run):
    node = containerd_node()
    other = {"auths": {"other:5000": {"auth": "eDp5"}}, "credHelpers": {"a": "b"}}
    path = "/var/lib/kubelet/config.json"
    node.files[path] = json.dumps(other).encode()
    done = run(node, username="puller", password=SECRET)
    told = json.loads(node.files[path])
    assert base64.b64decode(told["auths"][REGISTRY]["auth"]).decode() == f"puller:{SECRET}"
    assert told["auths"]["other:5000"] == other["auths"]["other:5000"]
    assert node.modes[path] == 0o600
    assert any("(hidden" in entry["after"] for entry in done["diff"])
    assert not run(node, username="puller", password=SECRET)["changed"]
    run(node, state="absent")
    assert json.loads(node.files[path]) == other


def test_absent_takes_back_everything_but_where_containerd_looks(run):
    node = containerd_node()
    before = dict(node.files)
    run(node, username="puller", password=SECRET)
    run(node, state="absent")
    assert set(node.files) == set(before)
    assert _containerd.looks_at(node.files[CONFIG].decode()) == "/etc/containerd/certs.d"
    assert not run(node, state="absent")["changed"]


def test_check_mode_tells_the_steps_and_takes_none(run):
    node = containerd_node()
    done = run(node, check=True)
    assert done["changed"]
    assert done["steps"][0] == "have containerd read its new configuration"
    assert done["steps"][-1] == "restart containerd.service"
    assert node.written == []


# ---- the configuration as text


@pytest.mark.parametrize("version", [2, 3])
@given(
    st.lists(st.sampled_from(["# a remark", "root = '/x'", "", "[grpc]", "  gid = 0", '[plugins."x".y]']), max_size=8)
)
def test_a_line_is_added_and_none_is_lost(version, lines):
    text = "\n".join([f"version = {version}", *lines]) + "\n"
    changed = _containerd.looking_at(text, "/d")
    assert _containerd.looks_at(changed) == "/d"
    assert [line for line in changed.splitlines() if line.strip()][
        : len([x for x in text.splitlines() if x.strip()])
    ] == [line for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'version = 2\n\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/d"\n'),
        (
            f'version = 2\n[{TABLE}.registry]\nconfig_path = ""\n[grpc]\n',
            f'version = 2\n[{TABLE}.registry]\nconfig_path = "/d"\n[grpc]\n',
        ),
        (
            f"version = 2\n[{TABLE}.registry]\n[{TABLE}.registry.configs]\n",
            f'version = 2\n[{TABLE}.registry]\nconfig_path = "/d"\n[{TABLE}.registry.configs]\n',
        ),
        ("[plugins.cri]\n", '[plugins.cri]\n\n[plugins.cri.registry]\nconfig_path = "/d"\n'),
        (
            "version = 3\n[plugins.'io.containerd.cri.v1.images'.registry]\nconfig_path = ''\n",
            "version = 3\n[plugins.'io.containerd.cri.v1.images'.registry]\nconfig_path = \"/d\"\n",
        ),
    ],
)
def test_it_goes_where_the_version_has_it(before, after):
    assert _containerd.looking_at(before, "/d") == after
