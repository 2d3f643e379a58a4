# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports of a verification: name -> file name and the function that writes its text.

    for name in wanted:
        report = REPORTS[name]
        write(folder / report.file, report.render(result))

Pure: the result of docs/verification.schema.json in, text out. What comes from a cluster is untrusted and made harmless
here, for each format in its own way. This file is private to the collection.
"""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.plugin_utils._report import _html, _json, _junit, _text
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._summary import Result


class Report(t.NamedTuple):
    """One format: the name of its file, and how its text (to be written as UTF-8) is made."""

    file: str
    render: t.Callable[[Result], str]


REPORTS: dict[str, Report] = {
    "text": Report("verification.txt", _text.render),
    "json": Report("verification.json", _json.render),
    "junit": Report("verification.xml", _junit.render),
    "html": Report("verification.html", _html.render),
}
