"""Structure in a flat list of layers: modules that occur several times become calls of one class, as if the file had classes.

Names tell first: `fire2/squeeze1x1` and `fire2/expand1x1` are layers of a module `fire2`. Where names do not tell, the flow does:
sums and concatenations of the same form, with all that leads to them, are modules of one class.
"""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.importers.configs.name_groups import group_by_names
from archdsl.importers.configs.region_names import Part, name_parts
from archdsl.importers.configs.regions import Body, Region, form_of, main_branch
from archdsl.importers.model import Apply, Call, Node, Origin, applications, connect

_KINDS = {"add": "residual", "mul": "gate", "concat": "branches", "sub": "difference", "max": "maximum", "min": "minimum"}
_SMALLEST = 3
"""A module has at least so many layers."""


def grouped(main: Call, *, named: bool) -> None:
    """Make calls of what occurs several times. `named` says whether layers have names, which become keys."""
    connect(main)
    if named:
        group_by_names(main)
        connect(main)
    _group(main, named, set())


def _group(call: Call, named: bool, taken: set[str]) -> None:
    for inner in [node for node in call.body if isinstance(node, Call)]:
        if inner.origin.container or not inner.origin.name:
            _group(inner, named, taken)
    body = Body(call.body, call.inputs, call.outputs)
    for at, regions in enumerate(_classes(body)):
        name = _fresh(_class_name(regions), taken)
        parts = [_part(call, region) for region in regions]
        paths = name_parts(parts, name, call.path) if named else [f"~{name}{at}.{n}" for n in range(len(regions))]
        for part, region, path in zip(parts, regions, paths, strict=True):
            _replace(call, part.nodes, Call(path, Origin(name), part.nodes, [region.entry], [region.exit]))
    connect(call)


def _classes(body: Body) -> list[list[Region]]:
    """Return the regions of each class that occurs several times, inner classes first."""
    by_form: dict[object, list[Region]] = {}
    for region in body.regions():
        if sum(1 for node in region.nodes if not _is_light(node)) >= 2 and len(region.nodes) >= _SMALLEST:
            by_form.setdefault((region.join.op, form_of(main_branch(region), region.entry)), []).append(region)
    classes = [regions for regions in by_form.values() if len(regions) > 1]
    kept = []
    for inner in classes:
        around = [_around(region, classes) for region in inner]
        once = None not in around and len(set(around)) == len(inner) and len({id(by) for by in around}) == len(inner)
        if not once:
            kept.append(inner)
    return sorted(kept, key=lambda regions: len(regions[0].nodes))


def _is_light(node: Node) -> bool:
    return isinstance(node, Apply) and node.is_join


def _around(region: Region, classes: Sequence[Sequence[Region]]) -> Region | None:
    """Return the smallest region of some class around a region; None if there is none."""
    own = set(region.nodes)
    outer = [other for regions in classes for other in regions if other is not region and own < set(other.nodes)]
    return min(outer, key=lambda other: len(other.nodes), default=None)


def _class_name(regions: Sequence[Region]) -> str:
    first = regions[0]
    if first.join.op == "concat" and any(_is_partial_stage(node) for node in first.nodes):
        return "csp"  # cross stage partial: a part of the channels takes a longer way (arXiv:1911.11929)
    if first.join.op == "concat" and first.entry in first.join.inputs and len(first.join.inputs) == 2:
        return "dense_layer"
    return _KINDS.get(first.join.op, "module_")


def _is_partial_stage(node: Node) -> bool:
    return isinstance(node, Apply) and node.op in ("slice", "add") and (node.op == "add" or node.args["axis"] == 0)


def _fresh(name: str, taken: set[str]) -> str:
    found = next(choice for n in range(1, 1000) if (choice := name if n == 1 else f"{name}{n}") not in taken)
    taken.add(found)
    return found


def _part(call: Call, region: Region) -> Part:
    """Return the nodes of a body that are a region; calls that were made of some of them before stand for these."""
    inside = {id(node) for node in region.nodes}
    nodes = [node for node in call.body if id(node) in inside or _is_within(node, region)]
    common = {id(node) for node in main_branch(region)}
    return Part(nodes, [node for node in nodes if id(node) in common or isinstance(node, Call)], region.join.place.module)


def _replace(call: Call, nodes: list[Node], made: Call) -> None:
    """Put a call in the place of the nodes that it has."""
    call.body[max(call.body.index(node) for node in nodes)] = made
    moved = {id(node) for node in nodes}
    call.body = [node for node in call.body if id(node) not in moved]


def _is_within(node: Node, region: Region) -> bool:
    """Whether a node is a call that was made of nodes of the region."""
    if not isinstance(node, Call) or node in region.nodes:
        return False
    outer = {id(inner) for inner in region.nodes} | {
        id(op) for n in region.nodes if isinstance(n, Call) for op in applications(n)
    }
    return all(id(inner) in outer for inner in node.body)
