# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the roles that talk to the API server."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.plugin_utils._rollout import (
    ended_containers,
    object_changes,
    rollout_reasons,
)


def applicable(
    objects: t.Sequence[dict[str, t.Any]], namespaces: t.Collection[str], dry_run: bool
) -> list[dict[str, t.Any]]:
    """The objects that the API server can judge: a dry run cannot look into a namespace that is not there yet."""
    if not dry_run:
        return list(objects)
    return [item for item in objects if item["metadata"].get("namespace") in (None, *namespaces)]


def restored(objects: t.Sequence[dict[str, t.Any]], kept: t.Sequence[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """The objects with those that were kept in the place of their namesakes."""

    def key(item: t.Mapping[str, t.Any]) -> tuple[str, str | None, str]:
        return item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"]

    found = {key(item): item for item in kept}
    return [found.get(key(item), item) for item in objects]


class FilterModule:
    """Filters for rolling out and judging objects of the cluster."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {
            "applicable": applicable,
            "restored": restored,
            "object_changes": object_changes,
            "ended_containers": ended_containers,
            "rollout_reasons": rollout_reasons,
        }
