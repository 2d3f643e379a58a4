# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the node engines on a bare Python, without Ansible or pytest, and print what they say.

Arguments: the directory of recorded output, and a scratch directory that stands for the node's root.
"""

from __future__ import annotations

import json
import sys

from ansible_collections.switchyard.cni.plugins.module_utils._node import _gather, _iproute, _state, _wait
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import RealNode

STATE = {
    "files": [{"path": "/etc/a/b", "content": "text\n", "mode": "0600"}],
    "renames": [{"src": "/etc/old", "dest": "/etc/old.disabled"}],
    "absent": ["/etc/gone"],
}


def recorded(directory, name):
    with open(f"{directory}/{name}", encoding="utf-8") as stream:
        return _iproute.decode(stream.read())


def parsed(directory):
    return [
        _iproute.parse_links(recorded(directory, "addr.json")),
        _iproute.parse_addresses(recorded(directory, "addr.json")),
        _iproute.parse_routes(recorded(directory, "route-inet.json"), "inet"),
        _iproute.parse_routes(recorded(directory, "route-inet6.json"), "inet6"),
    ]


def steps(node):
    wanted = _state.parse_wanted(STATE)
    plan = _state.plan(_state.observe(node, wanted), wanted)
    _state.apply(plan, node)
    return plan.describe()


def main(directory, root):
    node = RealNode(root)
    observed = _gather.gather(node, _gather.Request(_gather.SECTIONS))
    waited = _wait.wait(node, _wait.parse_condition({"subnet_env": True}), _gather.Request(()), 0.0, 0.1)
    return {
        "parsed": parsed(directory),
        "sections": sorted(observed),
        "steps": [steps(node), steps(node)],
        "missing": waited.missing,
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
