# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTML page taken apart, so that tests can ask what it is made of."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link"}
ELEMENTS = {
    *("html", "head", "meta", "link", "title", "style", "script", "body", "header", "main", "footer", "section"),
    *("article", "div", "h1", "h2", "h3", "p", "ul", "ol", "li", "dl", "dt", "dd", "span", "b", "code", "a"),
    *("details", "summary", "table", "thead", "tbody", "tr", "th", "td"),
    *("svg", "g", "path", "rect", "text", "polygon", "circle"),
}
"""What a page is made of; anything else came from the cluster."""


class Page(HTMLParser):
    """A page taken apart: elements with their attributes, the text outside of scripts, the contents of scripts."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self.raw, self._open = [], [], {"script": [], "style": []}, []
        self.feed(text)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag in self.raw:
            self.raw[tag].append("")

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        inside = self._open[-1] if self._open else ""
        if inside in self.raw:
            self.raw[inside][-1] += data
        else:
            self.text.append(data)

    def all(self, tag, **attributes):
        return [found for name, found in self.elements if name == tag and attributes.items() <= found.items()]
