# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which names are pods' namespaces; entering them is tested on a real kernel, in tests/integration/netns."""

from __future__ import annotations

import os

import pytest
from ansible_collections.switchyard.cni.plugins.module_utils._node import _netns
from ansible_collections.switchyard.cni.tests.unit.module_utils.node.fake_node import FakeNode


def test_containerds_and_dockers_namespaces_without_dockers_own():
    docker = ["default", "ingress_sbox", "lb_q5jnbv4gd", "1-q5jnbv4gdt", "26c1b2f8fa04"]
    node = FakeNode(
        {
            "/run/netns/cni-0b71bb0c-5f0e": "",
            "/run/netns/15af2e1c-d0d0": "",
            **{f"/var/run/docker/netns/{name}": "" for name in docker},
        }
    )
    assert _netns.pod_namespaces(node) == [
        "/run/netns/15af2e1c-d0d0",
        "/run/netns/cni-0b71bb0c-5f0e",
        "/var/run/docker/netns/26c1b2f8fa04",
    ]


def test_a_node_without_pods():
    assert _netns.pod_namespaces(FakeNode()) == []


def test_a_directory_that_must_not_be_read_is_an_error_and_not_an_empty_node():
    with pytest.raises(PermissionError):
        _netns.pod_namespaces(FakeNode({"/run/netns/cni-1": ""}, forbidden=["/run/netns"]))


@pytest.mark.parametrize("kind", ["absent", "file", "fifo", "directory"])
def test_what_is_no_namespace_is_said_to_be_gone(tmp_path, kind):
    path = tmp_path / "cni-1"
    make = {"absent": lambda: None, "file": path.touch, "fifo": lambda: os.mkfifo(path), "directory": path.mkdir}
    make[kind]()
    with pytest.raises(_netns.NamespaceGone, match="cni-1 is not a network namespace"):
        _netns.enter(str(path))
    assert _netns.survey([str(path)]) == _netns.Survey({}, {})


def test_a_holder_is_found_however_its_address_is_written():
    survey = _netns.Survey({"/a": ["fd50::1"], "/b": ["172.50.2.3"], "/c": ["172.50.2.3"]}, {})
    assert survey.holders("fd50:0:0::0001") == ["/a"]
    assert survey.holders("172.50.2.3") == ["/b", "/c"]
    assert survey.holders("172.50.2.4") == []
