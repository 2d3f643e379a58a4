# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the nodes stand in the picture: few on a ring, many as cards in a grid, thousands as tiles.

On a ring no line between two nodes can pass a third one, so all pairs can be drawn. In a grid only some are. Nodes of
one layer 2 network always stand together, in an area of their own. Linear in the nodes.

This file is private to the collection.
"""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass

WIDTH = 920
"""Units of the picture's coordinates, for every number of nodes."""

RING_UP_TO, LARGE_CARDS_UP_TO, CARDS_UP_TO = 12, 60, 600
"""Nodes."""

_AREAS_UP_TO = 60
_LABEL = 26
_PADDING = 16
_BETWEEN_AREAS = 16


@dataclass(frozen=True)
class Box:
    """A rectangle; x and y are its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2

    def touches(self, other: Box, margin: float = 0) -> bool:
        """Whether less than ``margin`` is between the two."""
        return (
            abs(self.centre[0] - other.centre[0]) < (self.width + other.width) / 2 + margin
            and abs(self.centre[1] - other.centre[1]) < (self.height + other.height) / 2 + margin
        )


@dataclass(frozen=True)
class Cell:
    """Size of a node in a grid, and the gap to its neighbours."""

    width: float
    height: float
    gap: float


@dataclass(frozen=True)
class Area:
    """A layer 2 network: its nodes by index, and the corners of what encloses them."""

    label: str
    nodes: tuple[int, ...]
    corners: tuple[tuple[float, float], ...]
    at: tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """The picture: ``style`` is ring, cards or tiles; ``boxes`` are by index of the node."""

    style: str
    height: float
    boxes: tuple[Box, ...]
    areas: tuple[Area, ...]


def layout(networks: t.Sequence[str | None]) -> Layout:
    """The picture of nodes, given the layer 2 network of each."""
    if not networks:
        return Layout("cards", 0, (), ())
    members: dict[str, list[int]] = {}
    for index, network in enumerate(networks):
        members.setdefault(network or "network unknown", []).append(index)
    return (_ring(members, len(networks)) if len(networks) <= RING_UP_TO else None) or _grid(members, len(networks))


def _ring(members: t.Mapping[str, t.Sequence[int]], count: int) -> Layout | None:
    """The flattest ellipse on which no two cards touch; None if there is none (then the nodes stand in a grid)."""
    width, height = (200.0, 92.0) if count <= 6 else (128.0, 80.0)
    angles = _angles([len(nodes) for nodes in members.values()])
    across = (WIDTH - width) / 2 - 40 if count > 1 else 0
    order = [index for nodes in members.values() for index in nodes]
    for down in range(100 if count > 2 else 0, 601, 10):
        middle = down + height / 2 + 44
        placed = [
            Box(WIDTH / 2 + across * math.cos(a) - width / 2, middle + down * math.sin(a) - height / 2, width, height)
            for a in angles
        ]
        if not any(one.touches(other, 12) for at, one in enumerate(placed) for other in placed[:at]):
            return _ring_of(members, order, placed)
    return None


def _ring_of(members: t.Mapping[str, t.Sequence[int]], order: t.Sequence[int], placed: t.Sequence[Box]) -> Layout:
    top = min(box.y for box in placed) - 44
    boxes = [box for dummy, box in sorted(zip(order, placed, strict=True), key=lambda pair: pair[0])]
    boxes = [Box(round(box.x, 1), round(box.y - top, 1), box.width, box.height) for box in boxes]
    areas = tuple(_hull(label, nodes, [boxes[index] for index in nodes]) for label, nodes in members.items())
    return Layout("ring", max(box.y + box.height for box in boxes) + 30, tuple(boxes), areas)


def _angles(sizes: t.Sequence[int]) -> list[float]:
    """Angles of all nodes, clockwise, with a gap between two networks; symmetric about the vertical axis."""
    count = sum(sizes)
    gap = min(0.7, 2 / len(sizes)) if len(sizes) > 1 else 0.0
    slot = 2 * math.pi / (count + gap * len(sizes))
    if len(sizes) == 1:
        start = -math.pi / 2 - slot / (1 if count % 2 == 0 else 2)
    else:
        middle = -math.pi if len(sizes) == 2 else -math.pi / 2
        start = middle - slot * (sizes[0] + gap) / 2
    angles, at = [], start
    for size in sizes:
        angles += [at + slot * (gap / 2 + number + 0.5) for number in range(size)]
        at += slot * (size + gap)
    return angles


def _hull(label: str, nodes: t.Sequence[int], boxes: t.Sequence[Box]) -> Area:
    """The convex hull of the nodes' corners (Andrew's monotone chain); the label stands above the highest node."""
    points = sorted({(x, y) for box in boxes for x in (box.x, box.x + box.width) for y in (box.y, box.y + box.height)})
    corners = _half_hull(points) + _half_hull(points[::-1])
    highest = min(boxes, key=lambda box: (box.y, box.x))
    return Area(label, tuple(nodes), tuple(corners), (highest.x, highest.y - 12))


def _half_hull(points: t.Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    half: list[tuple[float, float]] = []
    for x, y in points:
        while len(half) > 1:
            (ax, ay), (bx, by) = half[-2:]
            if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                break
            half.pop()
        half.append((x, y))
    return half[:-1]


def _grid(members: t.Mapping[str, t.Sequence[int]], count: int) -> Layout:
    """Areas side by side while they fit, then below; as many columns as the width has room for."""
    style, cell = _cell(count)
    if len(members) > _AREAS_UP_TO:
        together = [index for nodes in members.values() for index in nodes]
        members = {f"{len(members)} layer 2 networks": together}
    boxes: list[Box | None] = [None] * count
    areas, x, y, lowest = [], 0.0, 0.0, 0.0
    for label, nodes in members.items():
        columns = min(len(nodes), int((WIDTH - 2 * _PADDING + cell.gap) // (cell.width + cell.gap)))
        width = max(columns * (cell.width + cell.gap) - cell.gap + 2 * _PADDING, min(WIDTH, 150 + 7.5 * len(label)))
        rows = -(-len(nodes) // columns)
        height = rows * (cell.height + cell.gap) - cell.gap + _LABEL + 2 * _PADDING
        if x and x + width > WIDTH:
            x, y = 0.0, lowest + _BETWEEN_AREAS
        for number, index in enumerate(nodes):
            row, column = divmod(number, columns)
            boxes[index] = Box(
                x + _PADDING + column * (cell.width + cell.gap),
                y + _PADDING + _LABEL + row * (cell.height + cell.gap),
                cell.width,
                cell.height,
            )
        areas.append(_rectangle(label, nodes, Box(x, y, width, height)))
        lowest, x = max(lowest, y + height), x + width + _BETWEEN_AREAS
    return Layout(style, lowest, tuple(box for box in boxes if box is not None), tuple(areas))


def _cell(count: int) -> tuple[str, Cell]:
    if count <= LARGE_CARDS_UP_TO:
        return "cards", Cell(168, 80, 12)
    if count <= CARDS_UP_TO:
        return "cards", Cell(140, 54, 9.5)
    return "tiles", Cell(11, 11, 3)


def _rectangle(label: str, nodes: t.Sequence[int], box: Box) -> Area:
    left, top, right, bottom = box.x, box.y, box.x + box.width, box.y + box.height
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return Area(label, tuple(nodes), corners, (left + _PADDING, top + _PADDING + 8))
