# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every pytest run of this project needs, from the unit tests to Molecule's testinfra checks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

CLONE_COLLECTIONS = Path(__file__).resolve().parent / ".collections"
LONG_RUN = os.environ.get("SWITCHYARD_LONG") == "1"


def _import_the_collection_from_the_clone() -> None:
    """Make ``ansible_collections.switchyard.cni`` this clone, unless ``ansible-test units`` has done so."""
    if not any(isinstance(finder, _AnsibleCollectionFinder) for finder in sys.meta_path):
        _AnsibleCollectionFinder(paths=[str(CLONE_COLLECTIONS)])._install()


_import_the_collection_from_the_clone()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give each run its own JUnit file, since Molecule may verify a scenario more than once."""
    folder = os.environ.get("SWITCHYARD_JUNIT_DIR")
    if folder and not config.option.xmlpath:
        config.option.xmlpath = str(Path(folder) / f"{os.getpid()}.xml")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Show a slow test as a skip with its reason instead of hiding it."""
    if LONG_RUN:
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow; `make test-long` runs it"))
