"""Guards of an exported program that exclude valid sizes.

PyTorch records how it laid out tensors at the size of the example, such as that a batch is not one, and not only what the
operations need. The conditions of the network are recorded, too, by the check of its inputs. A guard that fails at a valid
size is therefore removed, and the range of a size widened to it. The file is compared with the network at these sizes before it
is kept.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch.export import ExportedProgram
from torch.fx import Node
from torch.utils._sympy.value_ranges import ValueRanges

_ASSERTION: Final = torch.ops.aten._assert_scalar.default
_OPERATORS: Final = frozenset([
    *(value for value in vars(operator).values() if callable(value)),
    torch.sym_not, torch.sym_max, torch.sym_min, torch.sym_int, torch.sym_float, torch.sym_ite, torch.sym_sum,
])  # fmt: skip


def remove_false_guards(program: ExportedProgram, valid: Sequence[Mapping[str, Sequence[int]]]) -> ExportedProgram:
    """Return the program without guards and assertions that fail at valid shapes, which are given by the name of the input."""
    tensors = [{name: torch.empty(tuple(shape), device="meta") for name, shape in shapes.items()} for shapes in valid]
    guards = getattr(program, "_guards_code", [])
    program._guards_code = [code for code in guards if all(eval(code, {"L": given, "torch": torch}) for given in tensors)]
    for node in list(program.graph.nodes):
        if node.target == _ASSERTION and not all(_holds(node.args[0], shapes) for shapes in valid):
            program.graph.erase_node(node)
    program.graph.eliminate_dead_code()
    program.graph_module.recompile()
    _widen_ranges(program, valid)
    return program


def _widen_ranges(program: ExportedProgram, valid: Sequence[Mapping[str, Sequence[int]]]) -> None:
    """Widen the ranges of symbolic sizes to those that are valid: PyTorch narrows a range by the guards that it records."""
    ranges = program.range_constraints
    for node in program.graph.find_nodes(op="placeholder"):
        if not all(node.name in shapes for shapes in valid):
            continue
        for axis, size in enumerate(node.meta["val"].shape):
            symbol = size.node.expr if isinstance(size, torch.SymInt) else None
            if symbol in ranges:
                sizes = [shapes[node.name][axis] for shapes in valid]
                ranges[symbol] |= ValueRanges(min(sizes), max(sizes))


def _holds(condition: Any, shapes: Mapping[str, Sequence[int]]) -> bool:
    """Return whether a condition of a program holds for inputs of these shapes; True if it depends on anything else."""
    try:
        return bool(_value(condition, shapes))
    except LookupError:
        return True


def _value(given: Any, shapes: Mapping[str, Sequence[int]]) -> Any:
    if not isinstance(given, Node):
        return given
    arguments = given.args
    if given.target == torch.ops.aten.sym_size.int:
        source, axis = arguments
        return shapes[str(source)][axis]  # type: ignore[index]
    if given.op != "call_function" or given.target not in _OPERATORS:
        raise LookupError(given.name)
    return given.target(*[_value(argument, shapes) for argument in arguments])  # type: ignore[operator]
