# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure one size of cluster: `measure.py NODES` prints a line of JSON; tools/benchmark/scale.py reads it."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

_AnsibleCollectionFinder(paths=[str(Path(__file__).resolve().parents[2] / ".collections")])._install()

from crowd import crowd  # noqa: E402
from passes import run  # noqa: E402

WARM_UP = 20


def main(size: int) -> None:
    """Measure once: a second run in one process would find all texts parsed."""
    run(crowd(WARM_UP, faulty=0.3))
    made = crowd(size, faulty=max(0.01, 1 / size))
    done = run(made)
    told = {
        "size": size,
        "steps": done.seconds,
        "resident": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "planted": len(made.planted),
        "found": len(done.found & made.planted),
        "right": done.found == made.planted,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]))
