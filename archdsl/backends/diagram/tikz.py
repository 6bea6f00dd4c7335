r"""A scene as TikZ, for papers: the fonts of the document, words as text, and a scope for each block.

The document needs `\usepackage{tikz}` alone. Lengths are PostScript points, as in the other formats.
"""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.backends.diagram import theme
from archdsl.backends.diagram.course import course_of
from archdsl.backends.diagram.markup import clean
from archdsl.backends.diagram.placed import Point
from archdsl.backends.diagram.scene import Dash, Group, Item, Scene, Shape, Text, Way

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", '"': r"\texttt{\symbol{34}}",
    "<": r"\textless{}", ">": r"\textgreater{}",
    "×": r"$\times$", "÷": r"$\div$", "·": r"$\cdot$", "–": "--", "−": "$-$", "…": r"\dots{}", "↑": r"$\uparrow$", "→": r"$\to$",
    "⌊": r"$\lfloor$", "⌋": r"$\rfloor$", "⌈": r"$\lceil$", "⌉": r"$\rceil$",
    "'": r"\textquotesingle{}", "`": r"\textasciigrave{}",
}  # fmt: skip
"""Characters that mean something to TeX, or that the usual fonts of pdfTeX lack."""
_PAPER = "#ffffff"
_POINTS = 72.27 / 72
"""Points of TeX in one of PostScript."""
_FONT_SIZE = 10
"""Of all words, which are then scaled: the default fonts of LaTeX come in few sizes."""
_DASHES: dict[Dash, str] = {"solid": "", "dashed": ",dash pattern=on 5bp off 3bp", "dotted": ",dash pattern=on 1.5bp off 2.5bp"}


def to_tikz(scene: Scene, *, width: float | None = None) -> str:
    """Return a `tikzpicture` with a scene, `width` points wide if given."""
    writer = _Writer(scene, (width or scene.width) / scene.width)
    page = Shape(scene.drawing.page, scene.theme.page, scene.theme.page, 0.0)
    behind: list[Item] = [page] if scene.theme.page != _PAPER else []
    body = list(writer.items([*behind, *scene.items], "  "))
    name = clean(scene.drawing.diagram.name)
    font = f"\\begingroup\\sffamily\\fontsize{{{_FONT_SIZE}}}{{{_FONT_SIZE * theme.LINE_HEIGHT:g}}}\\selectfont"
    head = [f"% {name}: network architecture; needs \\usepackage{{tikz}}", font]
    scale = f"scale={writer.scale:.5g}," if writer.scale != 1 else ""
    begin = f"\\begin{{tikzpicture}}[x=1bp,y=1bp,{scale}line join=round]"
    return "\n".join([*head, *writer.colors(), begin, *body, r"\end{tikzpicture}", r"\endgroup", ""])


def tex(text: str) -> str:
    """Return text for TeX."""
    return "".join(_SPECIAL.get(c, c) for c in clean(text))


class _Writer:
    def __init__(self, scene: Scene, scale: float) -> None:
        self._scene, self.scale = scene, scale
        self._colors: dict[str, str] = {}

    def colors(self) -> Iterator[str]:
        """Yield the definitions of the colours that are used."""
        for value, name in self._colors.items():
            yield f"\\definecolor{{{name}}}{{HTML}}{{{value[1:].upper()}}}"

    def items(self, items: list[Item], indent: str) -> Iterator[str]:
        """Yield the commands, in order."""
        for item in items:
            if isinstance(item, Group):
                yield f"{indent}\\begin{{scope}}% {clean(item.name)}"
                yield from self.items(item.items, indent + "  ")
                yield f"{indent}\\end{{scope}}"
            elif isinstance(item, Shape):
                yield indent + self._shape(item)
            elif isinstance(item, Text):
                yield indent + self._text(item)
            else:
                yield from (indent + line for line in self._way(item))

    def _color(self, value: str) -> str:
        return self._colors.setdefault(value, f"archdsl{chr(97 + len(self._colors) // 26)}{chr(97 + len(self._colors) % 26)}")

    def _at(self, point: Point) -> str:
        return f"({point.x:.2f},{self._scene.height - point.y:.2f})"

    def _shape(self, shape: Shape) -> str:
        place = shape.place
        look = f"fill={self._color(shape.fill)}" if shape.fill else "fill=none"
        if shape.width:
            look += f",draw={self._color(shape.line)},line width={shape.width * self.scale:.3g}bp{_DASHES[shape.dash]}"
        corner = min(shape.corner, place.width / 2, place.height / 2)
        if corner >= place.width / 2 - 0.01:
            return f"\\path[{look}] {self._at(place.center)} circle[radius={corner:.2f}];"
        rounding = f",rounded corners={corner * self.scale:.3g}bp" if corner else ""
        first, last = Point(place.left, place.top), Point(place.right, place.bottom)
        return f"\\path[{look}{rounding}] {self._at(first)} rectangle {self._at(last)};"

    def _text(self, text: Text) -> str:
        words = "".join(f"\\textbf{{{tex(part.text)}}}" if part.main else tex(part.text) for part in text.words)
        scale = text.size * self.scale * _POINTS / _FONT_SIZE
        anchor = "base" if text.middle else "base west"
        look = f"anchor={anchor},inner sep=0pt,text={self._color(text.color)},scale={scale:.4g}"
        return f"\\node[{look}] at {self._at(Point(text.x, text.y))} {{{words}}};"

    def _way(self, way: Way) -> Iterator[str]:
        course, color = course_of(way), self._color(way.color)
        if course.tip:
            yield f"\\fill[{color}] {' -- '.join(map(self._at, course.tip))} -- cycle;"
        path = self._at(course.start)
        for before, corner, after in course.corners:
            path += f" -- {self._at(before)} .. controls {self._at(corner)} .. {self._at(after)}"
        path += f" -- {self._at(course.end)}"
        yield f"\\draw[draw={color},line width={way.width * self.scale:.3g}bp{_DASHES[way.dash]}] {path};"
