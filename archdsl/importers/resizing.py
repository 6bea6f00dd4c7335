"""Sizes of interpolations and crops that a trace has frozen: those of another value, or a multiple of the input."""

from __future__ import annotations

from archdsl.importers.frozen import crop_in_place, is_fixed, sizes
from archdsl.importers.model import Apply, Call, Value, applications, walk


def resized(main: Call) -> None:
    """Let each interpolation to fixed sizes follow the value whose sizes they are.

    That is the value which the result is joined with, one that the module has or makes, or an input of the network.
    """
    nodes = list(applications(main))
    for call in [main, *(node for node in walk(main) if isinstance(node, Call))]:
        seen = list(call.inputs)
        for node in call.body:
            if isinstance(node, Apply) and node.op == "resize" and not node.args.get("antialias"):
                _follow(node, [*seen, *main.inputs], nodes)
            seen += [value for value in node.outputs if value.batched]


def cropped_alike(main: Call) -> None:
    """Let slices that give a value the sizes of the one that it is joined with follow that: a table of positions, or an image."""
    nodes = list(applications(main))
    makers = {value: node for node in nodes for value in node.outputs}
    for call in [main, *(node for node in walk(main) if isinstance(node, Call))]:
        for node in [node for node in call.body if isinstance(node, Apply) and node.op == "slice"]:
            _crop(node, call, nodes, makers)


def _crop(last: Apply, call: Call, nodes: list[Apply], makers: dict[Value, Apply]) -> None:
    """Replace the slices along neighbouring axes of which a node is the last."""
    chain = [last]
    while (before := makers.get(chain[0].inputs[0])) is not None and before.op == "slice" and before in call.body:
        chain.insert(0, before)
    readers = [node for node in nodes if last.outputs[0] in node.reads]
    source, result = chain[0].inputs[0], last.outputs[0]
    if len(readers) != 1 or readers[0].op not in ("add", "concat") or not readers[0].is_join:
        return
    axes = [node.args["axis"] for node in chain]
    first = 1 if source.batched else 0  # of an image, the channels are no size
    if min(axes) < first or len(set(axes)) < len(axes) or any(node.args["part"].step != 1 for node in chain):
        return
    like = next((v for v in readers[0].inputs if v is not result and v.batched and _fits(v, result, axes)), None)
    made = makers.get(like) if like is not None else None
    if like is None or (made is not None and nodes.index(made) > nodes.index(last)):
        return
    axis = tuple(axes) if len(axes) < len(source.shape) - 1 or not source.batched else None
    crop = crop_in_place(chain, like, axis=axis)
    if crop is None:
        return
    call.body[call.body.index(last)] = crop
    call.body = [node for node in call.body if node not in chain[:-1]]


def follow_grids(main: Call) -> None:
    """Let tokens that become an image again have the rows of an image of that size in the same module, at any size."""
    for call in [main, *(node for node in walk(main) if isinstance(node, Call))]:
        images = [value for value in call.inputs if len(value.shape) == 3]
        for node in call.body:
            if isinstance(node, Apply) and node.op == "rearrange" and node.args["pattern"].endswith("(h w) c -> c h w"):
                image = next((value for value in images if value.shape[1:] == node.outputs[0].shape[1:]), None)
                given = [axis for axis in ("h", "w") if axis in node.args]
                if image is not None and given:
                    node.operands = {axis: image for axis in given if node.args.pop(axis)}
            images += [value for value in node.outputs if len(value.shape) == 3]


def _fits(like: Value, result: Value, axes: list[int]) -> bool:
    return len(like.shape) == len(result.shape) and all(like.shape[axis] == result.shape[axis] for axis in axes)


def _follow(node: Apply, seen: list[Value], nodes: list[Apply]) -> None:
    if is_fixed(node.outputs[0]):
        return
    size = sizes(node.outputs[0])
    like = _joined(node.outputs[0], nodes) or next((value for value in seen if sizes(value) == size), None)
    if like is not None and like is not node.inputs[0]:
        node.op, node.args = "resize_like", {name: node.args[name] for name in ("mode", "align_corners")}
        node.operands = {"like": like}


def _joined(value: Value, nodes: list[Apply]) -> Value | None:
    """Return the value of the same size that a value is joined with, if it is made before."""
    reader = next((node for node in nodes if value in node.inputs), None)
    if reader is None or not reader.is_join:
        return None
    size = sizes(value)
    made = {v for node in nodes[: next(at for at, node in enumerate(nodes) if value in node.outputs)] for v in node.outputs}
    return next((v for v in reader.inputs if v is not value and v in made and sizes(v) == size), None)
