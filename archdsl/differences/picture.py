"""A difference as a picture: both networks side by side, with what differs marked by a colour and a sign."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Final
from xml.etree import ElementTree

from archdsl.backends.diagram import Box, Diagram, Frame, Mark, Part, build_diagram, render_diagram
from archdsl.backends.diagram.markup import clean
from archdsl.backends.diagram.theme import FONT, MARKS, THEMES
from archdsl.diagnostics import SpecError, codes
from archdsl.differences.compare import Difference
from archdsl.differences.comparison import Comparison
from archdsl.ir import OpNode

_COLORS: Final = THEMES["light"]
_SIGNS: Final[Mapping[Mark, str]] = {"added": "+", "removed": "\N{MINUS SIGN}", "changed": "~"}
_SVG: Final = "http://www.w3.org/2000/svg"
_GAP, _HEAD = 24.0, 34.0
"""Points between the pictures, and above them for the legend."""
_INSTANCE: Final = re.compile(r"(.*?)(\d+)")
"""The path of one of several calls: what they have in common, and its number."""


def picture_of(found: Comparison) -> bytes:
    """Return the picture of a pair of networks as SVG. Raise `SpecError` as `archdsl render`, and E0606 for several pairs."""
    count = len(found.entries) + len(found.added) + len(found.removed)
    if not found.entries or count > 1:
        raise SpecError(codes.files.SeveralPairs(count))
    return difference_picture(found.entries[0].difference, found.entries[0].title)


def difference_picture(found: Difference, title: str) -> bytes:
    """Return the picture of both networks side by side, as SVG."""
    drawn = [ElementTree.fromstring(render_diagram(diagram)) for diagram in marked_diagrams(found)]
    sizes = [tuple(float(word) for word in root.get("viewBox", "").split())[2:] for root in drawn]
    (one, height), (other, second) = sizes
    width, total = one + _GAP + other, max(height, second) + _HEAD
    parts = [
        f'<svg xmlns="{_SVG}" role="img" width="{width:g}pt" height="{total:g}pt" viewBox="0 0 {width:g} {total:g}">',
        f"<title>{escape(clean(f'Differences of {title}'))}</title>",
        f'<rect width="100%" height="100%" fill="{_COLORS.page}"/>',
        *_legend(one + _GAP),
    ]
    for root, (own, tall), x in zip(drawn, sizes, (0.0, one + _GAP), strict=True):
        place = {"x": f"{x:g}", "y": f"{_HEAD:g}", "width": f"{own:g}", "height": f"{tall:g}"}
        root.attrib.update(place)
        for element in root.iter():  # the picture around has the namespace; HTML knows no prefix for it
            element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
        parts.append(ElementTree.tostring(root, encoding="unicode"))
    return "\n".join([*parts, "</svg>", ""]).encode()


def _legend(second: float) -> Iterable[str]:
    """Return what the signs and colours mean, and which picture is which."""
    font = f'font-family="{FONT}" font-size="11" fill="{_COLORS.ink}"'
    yield f'<text x="8" y="14" {font} font-weight="bold">before</text>'
    yield f'<text x="{second + 8:g}" y="14" {font} font-weight="bold">after</text>'
    for i, (mark, paint) in enumerate(MARKS.items()):
        x = 8 + 84 * i
        yield f'<rect x="{x}" y="20" width="76" height="14" rx="4" fill="{paint.fill}" stroke="{paint.line}" stroke-width="2"/>'
        yield f'<text x="{x + 38}" y="30.5" {font} text-anchor="middle">{_SIGNS[mark]} {mark}</text>'  # type: ignore[index]


def marked_diagrams(found: Difference) -> tuple[Diagram, Diagram]:
    """Return the diagrams of both networks, with what differs marked. Raise `SpecError` E0904 if one is too large."""
    diagrams = build_diagram(found.before), build_diagram(found.after)
    for which, diagram in enumerate(diagrams):
        marks = found.marks(which)
        for box in diagram.boxes:
            _mark_box(box, marks)
        repeated = [
            path for change in found.changes if change.kind == "repeated" for path in (change.before, change.after)[which]
        ]
        for frame in diagram.frames:
            _mark_frame(frame, repeated, "removed" if which == 0 else "added")
    return diagrams


def _mark_box(box: Box, marks: Mapping[OpNode, Mark]) -> None:
    """Mark a box, and put a sign before the ops on it that differ."""
    own = [marks.get(node) for node in box.nodes]
    if not any(own):
        return
    box.mark = own[0] if len(set(own)) == 1 else "changed"
    signed = [
        Part(f"{_SIGNS[mark]} {part.text}", part.main) if mark else part for part, mark in zip(box.parts, own, strict=False)
    ]
    box.parts = (*signed, *box.parts[len(signed) :])


def _mark_frame(frame: Frame, repeated: Iterable[str], mark: Mark) -> None:
    """Mark a frame that stands for repetitions which only one of the networks has, with their number."""
    count = sum(_stands_for(frame, path) for path in repeated)
    if count:
        frame.mark = mark
        note = f"{_SIGNS[mark]} {count} {mark}"
        frame.heading = frame.heading._replace(note=f"{frame.heading.note}, {note}" if frame.heading.note else note)


def _stands_for(frame: Frame, path: str) -> bool:
    """Return whether a frame is that of a call, or one of a run of calls that ends with it or goes on after it."""
    if frame.times > 1 and not any(frame.frames()) and path.rpartition(".")[0] == frame.name:
        return True  # the frame of a group with nothing but the run
    first, last, own = (_INSTANCE.fullmatch(name) for name in (frame.name, frame.last or frame.name, path))
    if first is None or last is None or own is None or first[1] != own[1]:
        return frame.name == path
    return int(first[2]) <= int(own[2]) <= int(last[2])
