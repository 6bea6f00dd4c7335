"""The page: the scenes as JSON, and the style and the script that draw them, in one file.

The script reads the JSON and writes every text with `textContent`, so that nothing from a spec is read as HTML.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from archdsl.backends.diagram import theme
from archdsl.backends.diagram.markup import clean
from archdsl.backends.diagram.model import Level
from archdsl.backends.viewer.build import build_view
from archdsl.backends.viewer.model import Line, Link, Part, Scene, View
from archdsl.html_page import html_page
from archdsl.ir import Graph, Usage
from archdsl.ops.base import Category
from archdsl.shapes import Dim
from archdsl.sizes import simplified

_ASSETS: Final = Path(__file__).parent / "assets"
_SCRIPTS: Final = ("tree.js", "placing.js", "picture.js", "table.js", "page.js")
_CATEGORIES: Final = tuple(Category)


def viewer_page(graph: Graph, level: Level = "blocks", *, errors: str = "") -> bytes:
    """Return the page of a network; of a partial graph, what is known, with the errors above it.

    With `full`, each op has a card. A number is how many frames inside each other are unfolded when the page opens.

    Raises `SpecError`: E0901 if there is no usable Graphviz, E0904 if a frame has more parts than a page can show.
    """
    return page_of({**view_data(graph, level), "errors": errors})


def page_of(data: dict[str, Any], *, live: bool = False) -> bytes:
    """Return the page for the data of a network. A `live` one follows the server that it comes from."""
    body = (_ASSETS / "body.html").read_text(encoding="utf-8")
    scripts = [(_ASSETS / name).read_text(encoding="utf-8") for name in (*_SCRIPTS, *(["live.js"] if live else []))]
    script = '"use strict";\n' + "\n".join(scripts)
    body += f'<script type="application/json" id="network">{_inert(as_json(data))}</script>'
    style = (_ASSETS / "page.css").read_text(encoding="utf-8")
    return html_page(data["name"], body, style=style + _paints(), script=script).encode()


def view_data(graph: Graph, level: Level = "blocks") -> dict[str, Any]:
    """Return what the script needs of a network, as plain data."""
    data = _View(build_view(graph, "full" if level == "full" else "blocks")).data()
    return {**data, "level": level} if isinstance(level, int) else data


def empty_data(name: str) -> dict[str, Any]:
    """Return the data of a network of which nothing is known but its name."""
    return _View(View(name, (), "", [Scene([], [])], [], {})).data()


def as_json(data: Any) -> str:
    """Return data as JSON in one line."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _inert(text: str) -> str:
    """Return JSON in which no HTML begins or ends: `<` stands in strings alone."""
    return text.replace("<", "\\u003c")


def _paints() -> str:
    """Return the colours of the categories, as diagrams have them, for both schemes."""
    return f"{_paints_of('light')}@media (prefers-color-scheme: dark) {{\n{_paints_of('dark')}}}\n"


def _paints_of(name: theme.ThemeName) -> str:
    return "".join([
        f".of-{category.value} {{ --fill: {paint.fill}; --stroke: {paint.line} }}\n"
        for category, paint in theme.THEMES[name].paints.items()
    ])  # fmt: skip


def _link(link: Link) -> list[int]:
    """Return a link without what is as usual."""
    numbers = [int(number) for number in link]
    return numbers[: 4 + max(2 * link.projection, link.skip)]


class _View:
    """Writes a view as data, in which lines and shapes are numbers of a list: most of them are there many times."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._lines: dict[Line, int] = {}
        self._shapes: dict[str, int] = {}

    def data(self) -> dict[str, Any]:
        """Return all of it."""
        view = self._view
        scenes = [self._scene(scene) for scene in view.scenes]
        fields: dict[str, int] = {}
        return {
            "name": clean(view.name),
            "facts": [clean(fact) for fact in view.facts],
            "doc": clean(view.doc),
            "scenes": scenes,
            "fieldOf": self._numbers(fields, view.fields),
            "fields": list(fields),
            "shapes": list(self._shapes),
            "lines": [(clean(line.file), line.number, clean(line.text)) for line in self._lines],
            "categories": [category.value for category in _CATEGORIES],
        }

    def _scene(self, scene: Scene) -> dict[str, Any]:
        return {
            "parts": [self._part(part) for part in scene.parts],
            "links": [_link(link) for link in scene.links],
            "inputs": scene.inputs,
            "outputs": scene.outputs,
            "rows": scene.rows,
            "trunk": scene.trunk,
        }

    def _part(self, part: Part) -> dict[str, Any]:
        """Return a part without what is as usual."""
        found: dict[str, Any] = {
            "kind": part.kind.value,
            "words": [[clean(word.text), int(word.main)] for word in part.words],
            "category": _CATEGORIES.index(part.category),
            "block": clean(part.block),
            "spec": clean(part.spec),
            "doc": clean(part.doc),
            "times": part.times if part.times > 1 else 0,
            "path": [[step.levels, clean(step.name)] for step in part.path],
            "last": clean(part.last),
            "takes": self._numbers(self._shapes, part.takes),
            "makes": self._numbers(self._shapes, part.makes),
            "params": part.params,
            "macs": self._macs(part.macs),
            "usage": part.usage.value if part.usage is not Usage.ALWAYS else "",
            "shared": int(part.shared),
            "beside": int(part.beside),
            "first": part.first,
            "maker": -1 if part.maker is None else part.maker,
            "ops": part.ops if part.times > 1 else 0,
        }
        found = {key: value for key, value in found.items() if value not in (0, "", [])}
        if part.scene is not None:
            found["scene"] = part.scene
        if part.line is not None:
            found["line"] = self._lines.setdefault(part.line, len(self._lines))
        return found

    @staticmethod
    def _numbers(known: dict[str, int], texts: Iterable[str]) -> list[int]:
        return [known.setdefault(clean(text), len(known)) for text in texts]

    def _macs(self, macs: Dim | None) -> int | str:
        """Return multiply-accumulates: a number, or the formula that is right for the valid sizes, as `check` prints it."""
        if isinstance(macs, int):
            return macs
        if macs is None:
            return "symbolic"
        return clean(simplified(macs, self._view.valid_sizes) if self._view.valid_sizes else str(macs))
