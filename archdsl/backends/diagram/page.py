"""The page of a drawing: its size, its heading, and the bands of its resolutions."""

from __future__ import annotations

from math import inf

from archdsl.backends.diagram import theme
from archdsl.backends.diagram.labels import heading_lines
from archdsl.backends.diagram.model import Diagram
from archdsl.backends.diagram.op_text import resolution
from archdsl.backends.diagram.placed import Band, Direction, Drawing, Line, Point, Rectangle
from archdsl.backends.diagram.scene import legend, legend_width
from archdsl.backends.diagram.text_width import text_width


def on_page(
    diagram: Diagram,
    direction: Direction,
    boxes: dict[str, Rectangle],
    frames: dict[str, Rectangle],
    captions: dict[str, Rectangle],
    tables: dict[str, Rectangle],
    lines: list[Line],
    *,
    heading: bool,
    bands: bool,
) -> Drawing:
    """Return the drawing with its upper left corner at the page's, below its heading."""
    everything = [*boxes.values(), *frames.values(), *(line.label for line in lines if line.label)]
    xs = [r.left for r in everything] + [p.x for line in lines for p in line.points]
    ys = [r.top for r in everything] + [p.y for line in lines for p in line.points]
    left, top = min(xs, default=0.0), min(ys, default=0.0)
    right = max([r.right for r in everything] + [p.x for line in lines for p in line.points], default=0.0)
    bottom = max([r.bottom for r in everything] + [p.y for line in lines for p in line.points], default=0.0)
    margin = theme.PAGE_MARGIN
    width, height = heading_size(diagram) if heading else (0.0, 0.0)
    stretches = resolutions(diagram, direction, boxes) if bands else []
    room = band_room(stretches)
    aside, above = (room, 0.0) if direction == "down" else (0.0, room)
    x = margin - left + max(0.0, (width - (right - left) - aside) / 2) + aside
    y = margin - top + height + above
    page = Rectangle(0.0, 0.0, max(width, right - left + aside) + 2 * margin, bottom - top + height + above + 2 * margin)
    drawing = Drawing(
        diagram,
        direction,
        {key: r.moved(x, y) for key, r in boxes.items()},
        {key: r.moved(x, y) for key, r in frames.items()},
        {key: r.moved(x, y) for key, r in captions.items()},
        [Line(i.edge, tuple([Point(p.x + x, p.y + y) for p in i.points]), i.label and i.label.moved(x, y)) for i in lines],
        page,
        Rectangle(margin, margin, page.right - margin, margin + height) if heading else None,
        tables={key: r.moved(x, y) for key, r in tables.items()},
    )
    for text, begin, end in stretches:
        if direction == "down":
            drawing.bands.append(Band(text, Rectangle(x + left - aside, y + begin, x + right, y + end)))
        else:
            drawing.bands.append(Band(text, Rectangle(x + begin, y + top - above, x + end, y + bottom)))
    return drawing


def resolutions(diagram: Diagram, direction: Direction, boxes: dict[str, Rectangle]) -> list[tuple[str, float, float]]:
    """Return each resolution of the trunk, from where to where along the flow it goes, up to where the trunk turns back."""
    known = {box.key: box for box in diagram.boxes}
    found: list[tuple[str, float, float]] = []
    last = -inf
    for key in diagram.trunk:
        place, nodes = boxes[key], known[key].nodes
        begin, end = (place.top, place.bottom) if direction == "down" else (place.left, place.right)
        if begin < last:
            break
        last, size = begin, resolution(nodes[-1].output.shape) if nodes else None
        if size is None:
            continue
        if found and found[-1][0] == size[1]:
            found[-1] = (size[1], found[-1][1], max(end, found[-1][2]))
        else:
            begin = max(begin - 4, found[-1][2]) if found else begin - 4
            found.append((size[1], begin, end + 4))
    begins = [begin for _, begin, _ in found[1:]]
    return [
        (text, a, b)
        for (text, a, _), b in zip(found, [*(begin - 3 for begin in begins), *(i[2] for i in found[-1:])], strict=True)
    ]


def band_room(stretches: list[tuple[str, float, float]]) -> float:
    """Return the room beside a drawing for the words of its bands."""
    return max((text_width(text, theme.SMALL_SIZE) + 12 for text, _, _ in stretches), default=0.0)


def heading_size(diagram: Diagram) -> tuple[float, float]:
    """Return the width and the height of the heading with its legend."""
    lines = heading_lines(diagram)
    width = max(sum(text_width(part.text, size, bold=part.main) for part in words) for words, size, _ in lines)
    width = max(width, legend_width(legend(diagram, theme.THEMES["light"])), 260.0)
    return width, sum(size * theme.LINE_HEIGHT for _, size, _ in lines) + theme.LEGEND_HEIGHT + 8
