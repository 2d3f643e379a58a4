# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is to blame when something stumbles over what nodes have answered."""

from __future__ import annotations

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import observed_node
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._readable import readable

NODES = [observed_node(f"n{number}", f"n{number}", {"hostname": f"n{number}"}) for number in range(9)]


def read(nodes):
    return [node.name for node in nodes if node.facts]


def stumbling_over(*names):
    def make(nodes):
        for name in read(nodes):
            if name in names:
                raise TypeError(f"cannot stand {name}")
        return read(nodes), [node.unreachable for node in nodes if node.unreachable]

    return make


def test_nothing_is_tried_twice_when_all_is_well():
    assert readable(NODES, lambda nodes: nodes) is NODES


def test_only_those_that_cannot_be_read_are_left_out_and_the_reason_is_kept():
    assert readable(NODES, stumbling_over("n2", "n7")) == (
        ["n0", "n1", "n3", "n4", "n5", "n6", "n8"],
        [f"its answer cannot be read: TypeError: cannot stand {name}" for name in ("n2", "n7")],
    )


def test_an_error_of_our_own_is_not_blamed_on_the_nodes():
    def make(nodes):
        raise KeyError("ours")

    with pytest.raises(KeyError, match="ours"):
        readable(NODES, make)
