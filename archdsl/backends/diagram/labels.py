"""The words of a diagram, as lines of parts of which the main ones are bold."""

from __future__ import annotations

import textwrap
from typing import TypeAlias

from archdsl.backends.diagram import theme
from archdsl.backends.diagram.markup import clean, shorten
from archdsl.backends.diagram.model import Box, Diagram, Frame, Kind, Part
from archdsl.backends.diagram.placed import Direction
from archdsl.ops.base import Op

Words: TypeAlias = "tuple[Part, ...]"
"""One line."""


def box_lines(box: Box, direction: Direction = "down") -> list[Words]:
    """Return the lines on a box: as few as can be, or one for each op where a network flows to the right and width counts."""
    if box.kind is Kind.FORK:
        return []
    if (sign := glyph(box)) is not None:
        return [(Part(sign, main=True),)]
    parts = [part._replace(text=plain(part.text)) for part in box.parts]
    if box.kind is Kind.BAR:
        return [(Part(" · ".join(part.text for part in parts)),)]
    if direction == "right" and len(parts) > 1 and box.kind is not Kind.TAG:
        return [(part,) for part in parts]
    lines: list[list[Part]] = [[]]
    for part in parts:
        if part.below:
            lines.append([])
        lines[-1] += [Part(" · "), part] if lines[-1] else [part]
    return [tuple(line) for line in lines]


def text_size(box: Box) -> float:
    """Return the size of the words on a box."""
    return theme.SMALL_SIZE if box.kind in (Kind.BAR, Kind.TAG) else theme.TEXT_SIZE


def glyph(box: Box) -> str | None:
    """Return the sign that a join shows in a circle, if it has one."""
    op = Op.registry.get(box.text) if box.kind is Kind.JOIN else None
    return op.glyph if op is not None else None


def caption_lines(frame: Frame, *, split: bool) -> list[Words]:
    """Return the words of a frame; `split` into short lines. Frames that stand for several instances have bold ones."""
    many = frame.times > 1
    lines = [part for line in frame.heading.lines for part in _parts(line)] if split else [frame.title]
    return [(Part(plain(line), many),) for line in lines if line]


def _parts(line: str) -> list[str]:
    """Return a line of a title, broken at a dot if it is long."""
    before, dot, last = line.rpartition(".")
    return [before + dot, last] if dot and len(line) > theme.TITLE_LINE_CHARACTERS else [line]


def heading_lines(diagram: Diagram) -> list[tuple[Words, float, bool]]:
    """Return the lines above a picture, each with its size, and whether it is faint: name, facts, documentation."""
    lines = [((Part(plain(diagram.name), main=True),), theme.TITLE_SIZE, False)]
    lines.append(((Part(plain("  ·  ".join(diagram.facts))),), theme.FACTS_SIZE, False))
    doc = textwrap.wrap(clean(diagram.doc[: 4 * theme.DOC_CHARACTERS]), theme.DOC_CHARACTERS, max_lines=2, placeholder=" …")
    return [*lines, *(((Part(line),), theme.SMALL_SIZE, True) for line in doc)]


def plain(text: str) -> str:
    """Return text that every format can show: without control characters, and shortened if it is long."""
    return clean(shorten(text))
