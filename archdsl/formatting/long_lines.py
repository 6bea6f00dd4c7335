"""Further line breaks in lines that are too long.

First the parts of statements go apart: at `;`, into bodies, at arrows, at the claims of an alias and the `where` of a network.
What is still too long is broken inside its round and square brackets, and goes on below the first item. There, line ends of the
text stay if what they divide would not fit on a line. Nothing else depends on them, so that the result is formatted already.
"""

from __future__ import annotations

from collections.abc import Callable

from archdsl.formatting.layout import NO_BREAK, STATEMENT, TOP, WIDTH, WRAPPED, Layout
from archdsl.formatting.line_breaks import looseness, open_body


def break_long_lines(layout: Layout) -> None:
    """Set breaks until each line fits, as far as there are places for them."""
    _each_line(layout, _break_statement)
    _keep_wrapped(layout)
    _each_line(layout, _wrap)


def _each_line(layout: Layout, shorten: Callable[[Layout, int, int], bool]) -> None:
    """Shorten each line until it fits, or nothing can be done any more. A line is its first token and the one behind it."""
    start = 0
    while start < len(layout.tokens):
        end = layout.line_end(start)
        if layout.indent(start) + layout.span_width(start, end) <= WIDTH or not shorten(layout, start, end):
            start = end


def _last_fitting(layout: Layout, start: int, places: list[int]) -> int:
    """Return the last place on a line before which all fits, or else the first place."""
    indent = layout.indent(start)
    fitting = [place for place in places if indent + layout.span_width(start, place) <= WIDTH]
    return fitting[-1] if fitting else places[0]


def _break_statement(layout: Layout, start: int, end: int) -> bool:
    """Break a line at one place outside of brackets. Return whether there is one."""
    level = [i for i in range(start, end) if layout.is_open_body(layout.groups[i])]
    separators = [i for i in level if i > start and layout.separated(i)]
    if separators:
        layout.breaks[_last_fitting(layout, start, separators)] = STATEMENT
        return True
    bodies = [i for i in level if layout.tokens[i].text == "{" and layout.closes[i] > i + 1 and not layout.breaks[i + 1]]
    if bodies:
        open_body(layout, max(bodies, key=lambda i: layout.span_width(i, layout.closes[i])))
        return True
    arrows = [i for i in level if i > start and layout.tokens[i].text == "->"]
    claims = [i for i in level if i > start and layout.tokens[i].text in ("expect", "where") and layout.groups[i] == TOP]
    for places in (arrows, claims):
        if places:
            layout.breaks[_last_fitting(layout, start, places)] = STATEMENT
            return True
    return False


def _keep_wrapped(layout: Layout) -> None:
    """Keep the line ends of the text in brackets where what stands between two statements does not fit on a line."""
    start, count = 0, len(layout.tokens)
    while start < count:
        end = start + 1
        while end < count and layout.breaks[end] is not STATEMENT:
            end += 1
        if layout.indent(start) + layout.span_width(start, end) > WIDTH:
            for index in range(start + 1, end):
                if layout.breaks[index] is NO_BREAK and _is_wrapped(layout, index):
                    layout.breaks[index] = WRAPPED
                    group = layout.groups[index]
                    if index == group + 1 and not layout.breaks[layout.closes[group]]:
                        layout.breaks[layout.closes[group]] = WRAPPED
        start = end


def _is_wrapped(layout: Layout, index: int) -> bool:
    """Return whether the text has a line end before a token in brackets, or behind it if it is an operator."""
    group = layout.groups[index]
    if layout.is_body(group):
        return False
    newline = layout.gaps[index].newline
    if index == group + 1:
        return newline and layout.closes[group] != index
    loose = looseness(layout, index)
    return loose is not None and (newline or (loose > 1 and layout.gaps[index + 1].newline))


def _wrap(layout: Layout, start: int, end: int) -> bool:
    """Break a line at one place in brackets: in the outermost ones, where its parts are tied most loosely."""
    depths = {TOP: 0}
    found: dict[tuple[int, int], list[int]] = {}
    for index in range(start + 1, end):
        loose = looseness(layout, index)
        if loose is not None and not layout.breaks[index]:
            depth = _depth(layout, layout.groups[index], depths)
            found.setdefault((depth, loose), []).append(index)
    if not found:
        return False
    place = _best(layout, start, found)
    opening = layout.groups[place]
    if opening >= start and layout.column(opening) > WIDTH // 2 and not layout.breaks[opening + 1]:
        layout.breaks[opening + 1] = layout.breaks[layout.closes[opening]] = WRAPPED
    else:
        layout.breaks[place] = WRAPPED
    return True


def _best(layout: Layout, start: int, found: dict[tuple[int, int], list[int]]) -> int:
    """Return the place to break: the last that fits of the loosest kind that has one, or else the first of the loosest."""
    indent = layout.indent(start)
    for key in sorted(found):
        fitting = [i for i in found[key] if indent + layout.span_width(start, i) <= WIDTH]
        if fitting:
            return fitting[-1]
    return found[min(found)][0]


def _depth(layout: Layout, group: int, depths: dict[int, int]) -> int:
    """Return how many brackets enclose what stands in a group."""
    if group not in depths:
        depths[group] = _depth(layout, layout.groups[group], depths) + 1
    return depths[group]
