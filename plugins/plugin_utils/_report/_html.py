# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result as one HTML page that needs nothing beside itself: text, picture, style and script in one file.

Nothing in it is loaded, and its Content-Security-Policy forbids that anything else runs than the package's own script:
names and texts from the cluster are escaped, and even one that was not could not run. This file is private to the
collection.
"""

from __future__ import annotations

import base64
import hashlib
import typing as t
from functools import cache
from pathlib import Path

import jinja2
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._page import context
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._plain import plain
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._summary import Result
from markupsafe import Markup

_FOLDER = Path(__file__).with_name("page")
_STYLES = ("page.css", "picture.css", "way.css", "print.css")
_SCRIPTS = ("data.js", "way.js", "picture.js", "findings.js", "main.js")


def render(result: Result) -> str:
    """The whole page."""
    style, script = _style(), _script()
    return _template().render(
        context(result),
        style=Markup(style),
        style_hash=_hash(style),
        script=Markup(script),
        script_hash=_hash(script),
    )


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        finalize=_printable,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.j2")


def _printable(value: t.Any) -> t.Any:
    """What the template prints: everything but what this package made is untrusted."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _style() -> str:
    return "".join(_read(name) for name in _STYLES)


@cache
def _script() -> str:
    return '"use strict";\n(() => {\n' + "".join(_read(name) for name in _SCRIPTS) + "})();\n"


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """The source expression that allows exactly this inline text (Content Security Policy Level 3, 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
