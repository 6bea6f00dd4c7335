"""Imports files of `torch.export.save`: the program itself is the trace, and knows the modules and the lines it stems from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from torch.export.graph_signature import InputKind

from archdsl.diagnostics import SpecError, codes
from archdsl.importers.importing import Imported, import_loaded
from archdsl.importers.load_module import Loaded
from archdsl.importers.naming import name_of_file
from archdsl.importers.programs.archive import read_program
from archdsl.importers.programs.program_module import ProgramModule, is_training
from archdsl.input_sizes import InputSize

_READ: Final = {InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR, InputKind.USER_INPUT}


def import_file(
    path: Path, *, sizes: Sequence[tuple[int, ...]] | None = None, partial: bool = False, fixed: bool = False
) -> Imported:
    """Return the spec of the program in a file, at the sizes of the export or at others that the program takes.

    Raise `SpecError` E1201 for other files and sizes, E1203 and E1204 for what the language cannot express.
    """
    program = read_program(path)
    for spec in program.graph_signature.input_specs:
        if spec.kind not in _READ:
            raise _bad(path, f"it has an input of the kind {spec.kind.name}")
    module = ProgramModule(program)
    inputs = _inputs(path, program, sizes)
    try:
        traced = module.at_sizes(inputs)
    except Exception as error:  # any operation may refuse a size
        shown = ", ".join(str(InputSize(None, tuple(tensor.shape[1:]))) for tensor in inputs)
        raise _bad(path, f"it does not run at {shown}: {type(error).__name__}: {str(error).splitlines()[0][:150]}") from error
    training = is_training(program.graph.nodes)
    notes = ["the program runs in training mode"] if training else []
    modes = ("training",) if training else ("evaluation", "other sizes")
    source = f"{path.name} (torch.export)"
    loaded = Loaded(
        module, name_of_file(path), {}, source, traced, tuple(inputs), modes, tuple(notes), fixed=not _is_dynamic(program)
    )
    return import_loaded([loaded], inputs, partial=partial, fixed=fixed)


def _bad(path: Path, reason: str, help: str | None = None) -> SpecError:
    return SpecError(codes.importing.BadAddress(str(path), reason, help))


def _inputs(path: Path, program: Any, sizes: Sequence[tuple[int, ...]] | None) -> list[Tensor]:
    """Return inputs of a program. Raise `SpecError` E1201 if it does not take these sizes."""
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    names = program.graph_signature.user_inputs
    if any(not isinstance(name, str) or not isinstance(nodes[name].meta["val"], Tensor) for name in names):
        raise _bad(path, "it has inputs that are no tensors", "export the model with its tensors as the only inputs")
    if sizes is not None and len(sizes) != len(names):
        raise _bad(path, f"`--input` has {len(sizes)} sizes, and the program {len(names)} inputs: {', '.join(names)}")
    generator = torch.Generator().manual_seed(0)
    found = []
    for at, name in enumerate(names):
        value = nodes[name].meta["val"]
        declared = tuple(value.shape)
        shape = [n if isinstance(n, int) else _hint(n) for n in declared]
        if sizes is not None:
            fixed = [n if isinstance(n, int) else None for n in declared[1:]]
            fits = len(fixed) == len(sizes[at]) and all(n in (None, size) for n, size in zip(fixed, sizes[at], strict=True))
            if not fits:
                shown = "x".join("?" if n is None else str(n) for n in fixed)
                raise _bad(path, f"its input `{name}` is {shown}, and `--input` {InputSize(None, sizes[at])}",
                           "export the model with `dynamic_shapes` for other sizes")  # fmt: skip
            shape[1:] = sizes[at]
        if not isinstance(declared[0], int):
            shape[0] = max(2, shape[0])
        if value.dtype.is_floating_point:
            found.append(torch.randn(shape, generator=generator, dtype=value.dtype))
        else:
            found.append(torch.randint(0, 2, shape, generator=generator).to(value.dtype))
    return found


def _is_dynamic(program: Any) -> bool:
    """Return whether a program takes inputs of other sizes than those of its export, apart from the batch."""
    values = [node.meta["val"] for node in program.graph.nodes if node.name in program.graph_signature.user_inputs]
    return any(not isinstance(size, int) for value in values for size in value.shape[1:])


def _hint(size: Any) -> int:
    """Return the size that an axis had when the program was exported."""
    hint = size.node.hint
    return int(hint) if hint is not None else 2
