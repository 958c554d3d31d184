# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The architecture as it is now, drawn as SVG: once for a wide page and once for a phone. Pure.

What isn't there yet is dashed, what is wrong is red; each part also has the mark that the text has, so that
nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape

from ._findings import ABSENT, MARKS, OK, UNKNOWN, WARNING, WRONG, one_line
from ._status import Status
from ._status_host import Part

WORDS = {OK: "well", WRONG: "wrong", WARNING: "look at it", UNKNOWN: "not known", ABSENT: "not there yet"}

_CHARACTER = 6.7
"""Width of a character of a box's small text, in the drawing's units: rather too much than too little."""

_SMALL = 130


@dataclass(frozen=True)
class Box:
    """Where a part is."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True)
class Layout:
    """Where all parts are. ``group`` is the host's box, around what runs on it."""

    name: str
    width: float
    height: float
    boxes: Mapping[str, Box]
    group: Box


WIDE = Layout(
    "wide",
    1080,
    470,
    {
        "visitors": Box(10, 260, 140, 64),
        "zone": Box(200, 254, 180, 76),
        "cloudfront": Box(440, 14, 190, 82),
        "site": Box(900, 14, 170, 82),
        "nginx": Box(458, 212, 168, 82),
        "php": Box(666, 212, 168, 82),
        "mysql": Box(458, 350, 168, 82),
        "release": Box(666, 350, 168, 82),
        "parameters": Box(900, 134, 170, 82),
        "documents": Box(900, 251, 170, 82),
        "dumps": Box(900, 368, 170, 82),
    },
    Box(440, 134, 412, 316),
)
TALL = Layout(
    "tall",
    360,
    850,
    {
        "visitors": Box(10, 10, 200, 56),
        "zone": Box(10, 96, 200, 76),
        "cloudfront": Box(10, 202, 200, 82),
        "site": Box(10, 314, 200, 82),
        "nginx": Box(22, 490, 150, 82),
        "php": Box(188, 490, 150, 82),
        "mysql": Box(22, 608, 150, 82),
        "release": Box(188, 608, 150, 82),
        "parameters": Box(10, 744, 106, 96),
        "documents": Box(127, 744, 106, 96),
        "dumps": Box(244, 744, 106, 96),
    },
    Box(10, 426, 340, 280),
)

# From where to where the arrows go; "host" is the group.
_ARROWS = (
    ("visitors", "zone"),
    ("zone", "cloudfront"),
    ("cloudfront", "site"),
    ("zone", "host"),
    ("nginx", "php"),
    ("php", "release"),
    ("release", "mysql"),
    ("host", "parameters"),
    ("host", "documents"),
    ("host", "dumps"),
)


def drawing(status: Status, layout: Layout) -> str:
    """Return the drawing as one ``<svg>`` element; its ids carry the layout's name."""
    parts = dict(status.parts)
    host = parts.pop("host")
    label = f"The architecture of {status.context.project} {status.context.environment} as it is now"
    name = layout.name
    return "\n".join(
        [
            f'<svg class="drawing {name}" viewBox="0 0 {layout.width:g} {layout.height:g}" role="img" '
            f'aria-labelledby="{name}-title {name}-description">',
            f'<title id="{name}-title">{escape(label)}</title>',
            f'<desc id="{name}-description">{escape(_described([*parts.values(), host]))}</desc>',
            f"<defs>{_head(name, OK)}{_head(name, WRONG)}</defs>",
            *_group(host, layout.group),
            *_arrows(status, layout),
            *_box("visitors", Part("Visitors", OK), layout.boxes["visitors"], marked=False),
            *(line for key, part in parts.items() for line in _box(key, part, layout.boxes[key])),
            "</svg>",
        ]
    )


def _head(name: str, state: str) -> str:
    """Return an arrow's head: it doesn't take its line's colour by itself."""
    return (
        f'<marker id="{name}-{state}" viewBox="0 0 8 8" refX="8" refY="4" markerUnits="userSpaceOnUse" '
        f'markerWidth="11" markerHeight="11" orient="auto">'
        f'<path class="head {state}" d="M0 0 8 4 0 8z"/></marker>'
    )


def _described(parts: Iterable[Part]) -> str:
    return "; ".join(
        f"{part.title}: {WORDS[part.state]}{', ' if part.lines else ''}{', '.join(part.lines)}"
        for part in parts
    )


def _group(part: Part, box: Box) -> Iterator[str]:
    yield f'<g class="group {part.state}">'
    yield f"<title>{escape(_described([part]))}</title>"
    yield _rectangle(box, 14)
    yield _mark(part, box)
    yield _text(box.x + 18, box.y + 28, "name", part.title, box.width - 60)
    yield _text(box.x + 18, box.y + 48, "line", " · ".join(part.lines) or WORDS[part.state], box.width - 30)
    yield "</g>"


def _box(key: str, part: Part, box: Box, marked: bool = True) -> Iterator[str]:
    lines = [*part.lines][:2] or ([WORDS[part.state]] if marked and part.state != OK else [])
    small = box.width < _SMALL
    height = 20 + 18 * len(lines)
    # In a small box the name has no room beside the mark.
    top = box.y + 48 if small else box.y + (box.height - height) / 2 + 15
    left = box.x + (9 if small else 14)
    yield f'<g class="part {part.state} {escape(key)}{" small" if small else ""}">'
    yield f"<title>{escape(_described([part]))}</title>"
    yield _rectangle(box, 10)
    if marked:
        yield _mark(part, box)
    yield _text(left, top, "name", part.title, box.width - (10 if small else 40))
    for number, line in enumerate(lines, 1):
        yield _text(left, top + 2 + 18 * number, "line", line, box.width - 14)
    yield "</g>"


def _rectangle(box: Box, radius: int) -> str:
    return f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="{radius}"/>'


def _mark(part: Part, box: Box) -> str:
    x, y = box.x + box.width - 17, box.y + 22
    return f'<text class="mark" x="{x:g}" y="{y:g}">{MARKS[part.state]}</text>'


def _text(x: float, y: float, kind: str, text: str, room: float) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(_cut(one_line(text), room))}</text>'


def _cut(text: str, room: float) -> str:
    most = int(room / _CHARACTER)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _arrows(status: Status, layout: Layout) -> Iterator[str]:
    for start, end in _ARROWS:
        if "cloudfront" in (start, end) and "cloudfront" not in status.parts:
            if start == "cloudfront":
                continue
            end = "site"  # noqa: PLW2901 - without a CDN the name leads to the bucket
        path = _path(layout, start, end)
        state = _flow(status, start, end)
        head = WRONG if state == WRONG else OK
        yield f'<path class="way {state}" d="{path}" marker-end="url(#{layout.name}-{head})"/>'


def _flow(status: Status, start: str, end: str) -> str:
    """Return how the way between two parts is: wrong where what comes through is, absent with its end."""
    parts = status.parts
    if parts[end].state == ABSENT or (start != "visitors" and parts[start].state == ABSENT):
        return ABSENT
    if (start, end) == ("zone", "host"):
        return status.links["api"]
    if (start, end) in (("zone", "cloudfront"), ("zone", "site")):
        return status.links["site"]
    return OK


def _path(layout: Layout, start: str, end: str) -> str:
    """Return the way between two parts, of straight lines with at most two corners."""
    boxes = {**layout.boxes, "host": layout.group}
    a, b = boxes[start], boxes[end]
    (ax, ay), (bx, by) = a.middle, b.middle
    right, bottom = a.x + a.width, a.y + a.height
    beside, before = b.x >= right, b.x + b.width <= a.x
    if start == "host":  # the host's ways begin right opposite to their ends
        return f"M{right:g} {by:g}H{b.x:g}" if beside else f"M{bx:g} {bottom:g}V{b.y:g}"
    if before:
        return f"M{a.x:g} {ay:g}H{b.x + b.width:g}"
    if end == "host" and not beside:  # past what is in between
        return f"M{right:g} {ay:g}H{(right + b.x + b.width) / 2:g}V{b.y:g}"
    if not beside:
        return f"M{ax:g} {bottom:g}V{b.y:g}"
    if b.y + b.height < a.y:  # up, then across
        return f"M{ax:g} {a.y:g}V{by:g}H{b.x:g}"
    return f"M{right:g} {ay:g}H{b.x:g}"
