# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of the cluster as SVG: areas of layer 2, nodes, links. Everything that is text is escaped by Markup.

This file is private to the collection.
"""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.plugin_utils._report._layout import WIDTH, Area, Box, Layout, layout
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._plain import number_of, plain
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._summary import (
    WAY_NAMES,
    end,
    failure,
    is_broken,
)
from ansible_collections.switchyard.cni.plugins.plugin_utils._report._view import Link, View
from markupsafe import Markup, escape

BROKEN_LINKS = 40
"""Drawn in a grid, where links cross cards and more would hide them; the list of findings has all."""

_TIMES_UP_TO = 4
"""Nodes; with more, round trip times would stand on each other."""

_PATHS_IN_TOOLTIP = 6
_LINES = {"tunnel": "tunnel", "node": "direct", "local": "local", "any": "local"}
Point = tuple[float, float]


def draw(view: View) -> Markup:
    """The whole picture."""
    picture = layout(view.networks)
    areas = [_area(area, picture) for area in picture.areas]
    nodes = [_node(view, number, box, picture.style) for number, box in enumerate(picture.boxes)]
    links = list(_links(view, picture))
    lines, marks = [link for link, dummy in links], [mark for dummy, mark in links if mark]
    layers = (areas, lines, nodes, marks) if picture.style == "ring" else (areas, nodes, lines, marks)
    label = f"{number_of(len(view.nodes), 'node')} on {number_of(len(picture.areas), 'layer 2 network')}"
    return Markup(
        '<svg id="topology" class="topology {style}" viewBox="0 0 {width} {height:.0f}" role="group" '
        'aria-label="{label}" xmlns="http://www.w3.org/2000/svg">{content}</svg>'
    ).format(
        style=f"{picture.style} many" if len(view.nodes) > _TIMES_UP_TO else picture.style,
        width=WIDTH,
        height=picture.height,
        label=label,
        content=Markup("\n").join(Markup("<g>{}</g>").format(Markup("\n").join(layer)) for layer in layers),
    )


def _area(area: Area, picture: Layout) -> Markup:
    room = max(8, int((WIDTH - area.at[0]) / 7.3) - len("  ·  100 nodes"))
    label = f"{shorten(area.label, room)}  ·  {number_of(len(area.nodes), 'node')}"
    if picture.style == "ring":
        points = " ".join(f"{x:g},{y:g}" for x, y in area.corners)
        shape = Markup('<polygon class="area hull" points="{}"/>').format(points)
    else:
        (left, top), dummy, (right, bottom) = area.corners[:3]
        shape = Markup('<rect class="area" x="{:g}" y="{:g}" width="{:g}" height="{:g}" rx="14"/>').format(
            left, top, right - left, bottom - top
        )
    return shape + Markup('<text class="area-label" x="{:g}" y="{:g}">{}</text>').format(*area.at, label)


def _node(view: View, number: int, box: Box, style: str) -> Markup:
    kind, sign = view.badge(number)
    content = _tile(box, kind, sign) if style == "tiles" else _card(view, number, box, kind, sign)
    state = escape(plain(view.nodes[number]["state"]).replace(" ", "-"))
    move = "" if style == "tiles" else f' transform="translate({box.x:g} {box.y:g})"'
    title = escape(view.description(number))
    # There may be thousands of nodes, and Markup.format takes many times as long as an f-string of escaped parts.
    return Markup(
        f'<g class="node {escape(kind)} {state}" data-n="{number}"{move}><title>{title}</title>{escape(content)}</g>'
    )


def _tile(box: Box, kind: str, sign: str) -> Markup:
    where = f'x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}"'
    tile = Markup(f'<rect class="tile" {where} rx="2"/>')
    if kind == "ok":
        return tile
    return tile + Markup('<text class="sign" x="{:g}" y="{:g}">{}</text>').format(box.centre[0], box.y + 9, sign[0])


def _card(view: View, number: int, box: Box, kind: str, sign: str) -> Markup:
    size = "large" if box.width > 150 else "medium" if box.height > 60 else "small"
    first, step, wide = {"large": (23, 15.5, 7.0), "medium": (23, 15.5, 7.0), "small": (18, 14, 6.1)}[size]
    columns = int((box.width - 20) / wide)
    rows = [
        Markup('<text class="fact" x="11" y="{:g}">{}</text>').format(first + step * line, shorten(fact, columns))
        for line, fact in enumerate(_facts(view, number, int((box.height - first - 4) // step), size), start=1)
        if fact
    ]
    # The inner svg element cuts what a font makes wider than the card.
    return Markup(
        '<rect class="card" width="{0:g}" height="{1:g}" rx="9"/><svg width="{2:g}" height="{1:g}">{3}{4}</svg>{5}'
    ).format(
        box.width,
        box.height,
        box.width - 4,
        Markup('<text class="name {}" x="11" y="{:g}">{}</text>').format(
            size, first, shorten(view.names[number], columns - 2)
        ),
        Markup('<g class="{}">{}</g>').format(size, Markup("").join(rows)),
        _badge(box, kind, sign, size),
    )


def _badge(box: Box, kind: str, sign: str, size: str) -> Markup:
    width, height = 11 + 6.5 * len(sign), 15 if size == "small" else 18
    return Markup(
        '<g class="badge {}" transform="translate({:g} {:g})"><rect width="{:g}" height="{:g}" rx="{:g}"/>'
        '<text x="{:g}" y="{:g}">{}</text></g>'
    ).format(kind, box.width - width - 9, -height / 2, width, height, height / 2, width / 2, height / 2 + 4, sign)


def _facts(view: View, number: int, lines: int, size: str) -> list[str]:
    """The lines of a card below the name, as many as it has room for."""
    node = view.nodes[number]
    address = plain(node["address"]) or "no address known"
    if node["underlay"] and size == "large":
        address += f" {plain(node['underlay']['dev'])}"
    facts = [address, plain(" ".join(node["pod_cidrs"])) or "no pod subnet"]
    if node["state"] != "verified":
        return [*facts, node["state"]][:lines]
    facts += [f"{plain(tunnel['name'])} {tunnel['mtu'] or ''}" for tunnel in node["tunnels"][:1]]
    if not node["tunnels"] and node["underlay"]:
        facts.append(f"{plain(node['underlay']['dev'])} {node['underlay']['mtu'] or ''}")
    local = view.local.get(number)
    if local is not None:
        facts.append("↻ broken" if local.broken else f"↻ {_time(local.worst)}")
    return facts[:lines]


def shorten(text: str, columns: int) -> str:
    """The text without its middle where it is too long: names of nodes differ at both ends."""
    if len(text) <= columns:
        return text
    tail = columns * 2 // 5
    return f"{text[: columns - tail - 1]}…{text[-tail:]}"


def _links(view: View, picture: Layout) -> t.Iterator[tuple[Markup, Markup]]:
    """All probed pairs on a ring; in a grid only the broken ones, and not more than a person can look at."""
    ring = picture.style == "ring"
    shown = 0
    # Broken links are drawn last, on top.
    for (one, other), link in sorted(view.links.items(), key=lambda item: (item[1].broken, item[0])):
        if not ring and (not link.broken or shown >= BROKEN_LINKS):
            continue
        shown += 1
        curve = _Curve.between(picture, one, other)
        yield _link(view, (one, other), link, curve), _mark(view, link, curve.middle)


def _link(view: View, pair: tuple[int, int], link: Link, curve: _Curve) -> Markup:
    return Markup(
        '<g class="link {kind}" data-a="{a}" data-b="{b}"><title>{names}: {told}</title><path class="tube" d="{d}"/>'
        '<path class="line" d="{d}"/><path class="hit" d="{d}"/></g>'
    ).format(
        kind="broken" if link.broken else _LINES[link.way],
        a=pair[0],
        b=pair[1],
        names=f"{view.names[pair[0]]} and {view.names[pair[1]]}",
        told=_told(link),
        d=curve.path,
    )


def _mark(view: View, link: Link, at: Point) -> Markup:
    """In the middle of a link: a cross if it is broken, the round trip time if there are few links."""
    x, y = at
    if link.broken:
        return Markup(
            '<g class="cross"><circle cx="{0:.1f}" cy="{1:.1f}" r="8"/><text x="{0:.1f}" y="{2:.1f}">✕</text></g>'
        ).format(x, y, y + 4)
    if link.worst is None or len(view.nodes) > _TIMES_UP_TO:
        return Markup("")
    return Markup(
        '<g class="time"><rect x="{:.1f}" y="{:.1f}" width="62" height="18" rx="9"/>'
        '<text x="{:.1f}" y="{:.1f}">{}</text></g>'
    ).format(x - 31, y - 9, x, y + 4, _time(link.worst))


def _told(link: Link) -> str:
    """What a link's tooltip says: its way, or its failures."""
    broken = [path for path in link.paths if is_broken(path)]
    if not broken:
        return f"{WAY_NAMES[link.way]}, {_time(link.worst)}"
    texts = [f"{end(path['source'])} to {end(path['target'])}: {failure(path)}" for path in broken[:_PATHS_IN_TOOLTIP]]
    return "; ".join(texts)


def _time(milliseconds: float | None) -> str:
    return "" if milliseconds is None else f"{milliseconds:.2f} ms"


class _Curve:
    """A quadratic Bézier curve between two nodes."""

    def __init__(self, start: Point, control: Point, stop: Point) -> None:
        self.start, self.control, self.stop = start, control, stop

    @classmethod
    def between(cls, picture: Layout, one: int, other: int) -> _Curve:
        """From border to border; on a ring bent towards the middle, in a grid aside."""
        a, b = picture.boxes[one], picture.boxes[other]
        (ax, ay), (bx, by) = a.centre, b.centre
        middle = ((ax + bx) / 2, (ay + by) / 2)
        if picture.style != "ring":
            control = (middle[0] + (ay - by) * 0.12, middle[1] + (bx - ax) * 0.12)
            return cls(_border(a, control), control, _border(b, control))
        centre = (WIDTH / 2, picture.height / 2)
        control, inwards = _towards(middle, centre, 0.5), _towards(middle, centre, 0.75)
        return cls(_border(a, inwards), control, _border(b, inwards))

    @property
    def path(self) -> str:
        points = (*self.start, *self.control, *self.stop)
        return "M{:.4g} {:.4g}Q{:.4g} {:.4g} {:.4g} {:.4g}".format(*points)

    @property
    def middle(self) -> Point:
        (ax, ay), (cx, cy), (bx, by) = self.start, self.control, self.stop
        return (ax + 2 * cx + bx) / 4, (ay + 2 * cy + by) / 4


def _towards(start: Point, stop: Point, part: float) -> Point:
    return start[0] + (stop[0] - start[0]) * part, start[1] + (stop[1] - start[1]) * part


def _border(box: Box, towards: Point) -> Point:
    """Where the line from a box's centre to a point outside leaves the box."""
    (x, y), dx, dy = box.centre, towards[0] - box.centre[0], towards[1] - box.centre[1]
    ratios = [half / abs(part) for half, part in ((box.width / 2, dx), (box.height / 2, dy)) if part]
    scale = min([*ratios, 1.0])
    return x + dx * scale, y + dy * scale
