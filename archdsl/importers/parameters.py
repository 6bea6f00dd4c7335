"""Learned tensors of a single axis that get further axes of size one before they are used."""

from __future__ import annotations

from collections import defaultdict

from archdsl.importers.model import Apply, Call, Value, applications, walk


def with_axes(main: Call) -> None:
    """Give each learned tensor of one axis the axes that all of its readers give it: it is `flat` in the `state_dict`."""
    readers: dict[Value, list[Apply]] = defaultdict(list)
    for node in applications(main):
        for value in node.reads:
            readers[value].append(node)
    gone: set[Apply] = set()
    for param in [node for node in applications(main) if node.op == "param" and len(node.args["shape"]) == 1]:
        value = param.outputs[0]
        while (reshapes := _reshapes(value, readers, main)) and value not in main.outputs:
            value.shape = param.args["shape"] = reshapes[0].outputs[0].shape
            param.args["flat"] = True
            readers[value] = _instead(value, reshapes, readers)
            gone |= set(reshapes)
    if gone:
        for call in [main, *(inner for inner in walk(main) if isinstance(inner, Call))]:
            call.body = [inner for inner in call.body if inner not in gone]


def _reshapes(value: Value, readers: dict[Value, list[Apply]], main: Call) -> list[Apply]:
    """Return the ops that read a tensor if all of them give it the same axes of size one; else nothing."""
    found = readers[value]
    shapes = {node.outputs[0].shape for node in found}
    if len(shapes) != 1 or any(node.op != "reshape" or node.outputs[0] in main.outputs for node in found):
        return []
    (shape,) = shapes
    same = [n for n in shape if n > 1] == [n for n in value.shape if n > 1]
    return found if same and len(shape) > 1 else []


def _instead(value: Value, reshapes: list[Apply], readers: dict[Value, list[Apply]]) -> list[Apply]:
    """Let the readers of reshapes read the tensor itself; return them."""
    found: list[Apply] = []
    for result in [reshape.outputs[0] for reshape in reshapes]:
        for reader in readers[result]:
            reader.inputs = [value if read is result else read for read in reader.inputs]
            reader.operands = {name: value if read is result else read for name, read in reader.operands.items()}
            found.append(reader)
    return found
