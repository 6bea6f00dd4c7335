"""Rows: what of a scene is above what, and in which order from left to right.

The page cannot ask Graphviz, and the size of a part changes when it is unfolded. So `dot` says only how parts are ranked and
ordered, which does not depend on sizes, and the script of the page places them. Scenes of the same structure are laid out
once, those without branches by themselves, and all others in one run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TypeAlias

from archdsl.backends.diagram.graphviz import run_graphviz
from archdsl.backends.diagram.size import Size
from archdsl.backends.viewer.model import Link, Scene

_Structure: TypeAlias = "tuple[int, int, int, tuple[Link, ...]]"
_Rows: TypeAlias = "list[list[int]]"
_TRUNK_WEIGHT = 100
"""How much more `dot` keeps the trunk straight than other links."""


def arrange(name: str, scenes: Sequence[Scene]) -> None:
    """Set the rows and the trunk of each scene. Raises `SpecError` E0904 if one is too large, and as `run_graphviz` does."""
    known: dict[_Structure, tuple[_Rows, list[int]]] = {}
    waiting: dict[_Structure, list[int]] = {}
    for scene in scenes:
        Size(len(scene.parts), sum(not link.skip for link in scene.links)).require(name)
        structure = _structure(scene)
        if structure in known or structure in waiting:
            continue
        trunk = _trunk(scene)
        rows = _column(scene)
        if rows is None:
            waiting[structure] = trunk
        else:
            known[structure] = rows, trunk
    if waiting:
        for structure, rows in zip(waiting, _ranked(waiting), strict=True):
            known[structure] = rows, waiting[structure]
    for scene in scenes:
        scene.rows, scene.trunk = known[_structure(scene)]


def _structure(scene: Scene) -> _Structure:
    return len(scene.parts), scene.inputs, scene.outputs, tuple(scene.links)


def _between_ends(rows: _Rows, parts: int) -> _Rows:
    """Return the rows of the parts between one with all inputs and one with all outputs, in the order in which they are given."""
    order = [number for row in rows for number in row]
    first = [number for number in order if number < 0]
    last = [number for number in order if number >= parts]
    inner = [[number for number in row if 0 <= number < parts] for row in rows]
    return [row for row in (first, *inner, last) if row]


def _column(scene: Scene) -> _Rows | None:
    """Return the rows of a scene whose parts follow one another, apart from skips; None if there are branches."""
    if scene.inputs > 1 or scene.outputs > 1:
        return None
    numbers = ([-1] if scene.inputs else []) + list(range(len(scene.parts) + scene.outputs))
    order = {number: place for place, number in enumerate(numbers)}
    short = {(order[link.source], order[link.target]) for link in scene.links if not link.skip}
    chain = all(target == source + 1 for source, target in short) and len(short) >= len(numbers) - 1
    return [[number] for number in numbers] if chain else None


def _trunk(scene: Scene) -> list[int]:
    """Return what is on the way through the most ops to the first output, or to the last part."""
    longest: dict[int, tuple[int, int | None]] = {}
    ends = len(scene.parts) + scene.outputs
    incoming: dict[int, list[int]] = {}
    for link in scene.links:
        incoming.setdefault(link.target, []).append(link.source)
    for number in range(ends):
        own = scene.parts[number].ops * scene.parts[number].times if number < len(scene.parts) else 0
        ways = [(longest.get(source, (0, None))[0], -abs(source), source) for source in incoming.get(number, ())]
        length, _, source = max(ways) if ways else (0, 0, None)
        longest[number] = length + own, source
    at = len(scene.parts) if scene.outputs else max(longest, key=lambda number: (longest[number][0], number), default=None)
    trunk: list[int] = []
    while at is not None:
        trunk.append(at)
        at = longest[at][1] if at >= 0 else None
    return trunk[::-1]


def _ranked(structures: dict[_Structure, list[int]]) -> Iterable[_Rows]:
    """Yield the rows of each structure as `dot` ranks and orders them."""
    lines = ["digraph {", '  node [shape=box, width=1, height=0.3, fixedsize=true, label=""]']
    for i, ((parts, inputs, outputs, links), trunk) in enumerate(structures.items()):
        main = set(pairwise(trunk))
        lines += [f"  s{i}_{number + inputs}" for number in range(-inputs, parts + outputs)]
        lines.append("  {rank=same; " + "; ".join([f"s{i}_{number}" for number in range(inputs)]) + "}")
        for link in links:
            if not link.skip:
                weight = _TRUNK_WEIGHT if (link.source, link.target) in main else 1
                lines.append(f"  s{i}_{link.source + inputs} -> s{i}_{link.target + inputs} [weight={weight}]")
    drawn = run_graphviz("\n".join([*lines, "}", ""]), "dot", "plain").decode()
    places: dict[int, list[tuple[float, float, int]]] = {}
    for words in map(str.split, drawn.splitlines()):
        if words[:1] == ["node"]:
            scene, _, number = words[1].removeprefix("s").partition("_")
            places.setdefault(int(scene), []).append((-float(words[3]), float(words[2]), int(number)))
    for i, (parts, inputs, _, _) in enumerate(structures):
        found: dict[float, list[int]] = {}
        for y, _, place in sorted(places[i]):
            found.setdefault(y, []).append(place - inputs)
        yield _between_ends(list(found.values()), parts)
