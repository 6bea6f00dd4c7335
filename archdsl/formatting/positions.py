"""The columns in which tokens and comments stand: in the text, and in the result so far."""

from __future__ import annotations

from typing import Final, NamedTuple

from archdsl.formatting.layout import Layout

COMMENT_GAP: Final = 2
"""How many blanks there are at least before a comment at the end of a line."""


class Positions(NamedTuple):
    """Where the tokens of a layout stand."""

    starts: list[int | None]
    """The column of each token; None if it begins a line, or if the text has it on another line than the result."""
    padded: list[bool]
    """Whether more blanks stand before a token than its place needs."""
    comments: dict[int, int]
    """The columns of the comments at the ends of lines, by the token behind them."""


def positions_in_text(layout: Layout) -> Positions:
    """Return where the tokens stand in the text."""
    text = layout.file.source.text
    found = Positions([], [], {})
    for index, token in enumerate(layout.tokens):
        known = token.start >= 0 and not layout.gaps[index].newline and not layout.breaks[index] and index > 0
        found.starts.append(_column(text, token.start) if known else None)
        blanks = layout.blanks(index)
        before = text[max(0, token.start - blanks - 1) : token.start]
        found.padded.append(known and len(before) > blanks and (before.isspace() or before.endswith("\t")))
    for index, gap in enumerate(layout.gaps):
        if gap.comments and gap.comments[0].trailing:
            start = gap.comments[0].start
            found.comments[index] = _column(text, start) if start >= 0 else -index - 1
    return found


def positions_in_result(layout: Layout, comment_pads: dict[int, int]) -> Positions:
    """Return where the tokens stand as they are padded now, which is where a second pass finds them."""
    found = Positions([None] * len(layout.tokens), [pad > 0 for pad in layout.pads], {})
    start = 0
    while start < len(layout.tokens):
        end, column = layout.line_end(start), layout.indent(start) + len(layout.tokens[start].text)
        for index in range(start + 1, end):
            column += len(layout.space(index))
            found.starts[index] = column
            column += len(layout.tokens[index].text)
        if layout.gaps[end].comments and layout.gaps[end].comments[0].trailing:
            found.comments[end] = column + COMMENT_GAP + comment_pads.get(end, 0)
        start = end
    return found


def _column(text: str, offset: int) -> int:
    return offset - (text.rfind("\n", 0, offset) + 1)
