# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of every scenario's tests."""

from __future__ import annotations

import os

import pytest
from testing import lab, seed


@pytest.fixture(scope="session")
def mode() -> seed.Mode:
    """What the scenario's declared network looks like."""
    return seed.MODES[os.environ["MOLECULE_SCENARIO_NAME"]]


@pytest.fixture(scope="session")
def pods() -> list[lab.Pod]:
    """The original cluster's four test pods, and a web server on each node."""
    return lab.start_pods()


@pytest.fixture(scope="session")
def subnets(mode) -> seed.Subnets:
    """Each node's pod subnet: the original cluster's, or what etcd has leased."""
    if mode.in_etcd:
        return {node: subnet for node, (subnet, dummy) in lab.leases().items()}
    return {name: node.pod_cidr for name, node in seed.NODES.items()}


@pytest.fixture(scope="session")
def announced(mode) -> dict[str, lab.Vtep]:
    """Each node's end of the tunnel, as made known to the others."""
    if mode.in_etcd:
        return {node: vtep for node, (dummy, vtep) in lab.leases().items()}
    return lab.announced_in_kubernetes()


@pytest.fixture
def node(host) -> str:
    """The name of the node that testinfra looks at."""
    return host.backend.name
