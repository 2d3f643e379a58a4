# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of the module registry_mirror: copies on the controller, and shows how far it is."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._images import Image
from ansible_collections.switchyard.cni.plugins.plugin_utils._registry import _mirror, _skopeo
from ansible_collections.switchyard.cni.plugins.plugin_utils._registry._archive import ArchiveError

display = Display()

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "images": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {"source": {"type": "str", "required": True}, "target": {"type": "str", "required": True}},
    },
    "registry": {"type": "str", "default": ""},
    "authority": {"type": "str", "default": ""},
    "username": {"type": "str", "default": ""},
    "password": {"type": "str", "default": "", "no_log": True},
    "architectures": {"type": "list", "elements": "str", "default": []},
    "archive": {"type": "str", "default": ""},
    "save": {"type": "bool", "default": False},
    "jobs": {"type": "int", "default": 3},
}


class ActionModule(ActionBase):
    """Brings images over, and leaves with their digests or with what could not be copied."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        dummy, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        access = _skopeo.Access(*(arguments[name] for name in _skopeo.Access._fields))
        images = list(dict.fromkeys(Image(one["source"], one["target"]) for one in arguments["images"]))
        archive = Path(arguments["archive"]).expanduser().resolve() if arguments["archive"] else None
        dry = bool(self._task.check_mode)
        try:
            with _skopeo.opened(access) as skopeo:
                mirror = _mirror.Mirror(skopeo, arguments["architectures"], archive, arguments["save"])
                done = mirror.run(images, arguments["jobs"], display.display, dry)
        except ArchiveError as error:
            return {"failed": True, "msg": f"network_registry_archive = {arguments['archive']}: {error}"}
        return _result(done, dry)


def _result(done: t.Sequence[_mirror.Done], dry: bool) -> dict[str, t.Any]:
    wrong = [one.error for one in done if one.error]
    result: dict[str, t.Any] = {
        "changed": any(one.copied for one in done),
        "images": [one.as_dict() for one in done],
        "digests": {one.name: one.digest for one in done if one.digest and not (dry and one.copied)},
    }
    if wrong:
        there = len(done) - len(wrong)
        head = f"{len(wrong)} of {len(done)} images could not be copied, {there} are there. Run it again for the rest:"
        result.update(failed=True, msg="\n".join([head, *(f"- {line}" for line in wrong)]))
    return result
