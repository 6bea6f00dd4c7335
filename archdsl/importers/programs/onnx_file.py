"""Imports ONNX files: their graph becomes a module, which is traced like the module that the file was exported from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from archdsl.diagnostics import SpecError, codes
from archdsl.importers.alignment import Misfit
from archdsl.importers.importing import Imported, import_loaded
from archdsl.importers.load_module import Loaded
from archdsl.importers.naming import name_of_file
from archdsl.importers.programs.onnx_graph import OnnxGraph, OnnxInput, OnnxNode, bad_file, read_graph
from archdsl.importers.programs.onnx_module import MODULES, NODE, NodeRefused, OnnxModule
from archdsl.importers.programs.onnx_paths import find_paths
from archdsl.importers.programs.onnx_patterns import fuse, fuse_attention
from archdsl.importers.programs.onnx_runtime import compare_with_file
from archdsl.importers.programs.onnx_step import OPERATIONS
from archdsl.importers.programs.onnx_tensors import Tensors
from archdsl.importers.trace import BATCH, exported
from archdsl.input_sizes import InputSize


def import_file(
    path: Path, *, sizes: Sequence[tuple[int, ...]] | None = None, partial: bool = False, fixed: bool = False
) -> Imported:
    """Return the spec of an ONNX model. `sizes` are for inputs whose axes the file leaves open.

    Raise `SpecError` E1201 for other files and sizes, E1203 for nodes that the language lacks, E1204 for shared weights.
    """
    try:
        return _imported(path, sizes, partial, fixed, flat=False)
    except Misfit:
        return _imported(path, sizes, partial, fixed, flat=True)
    except SpecError as error:
        if not isinstance(error.__cause__, Misfit):
            raise
        return _imported(path, sizes, partial, fixed, flat=True)


def _imported(path: Path, sizes: Sequence[tuple[int, ...]] | None, partial: bool, fixed: bool, *, flat: bool) -> Imported:
    """Import a file with the modules that its nodes stem from; if `flat`, as one module, whose labels are made of the keys."""
    graph = read_graph(path)
    inputs = _inputs(graph, sizes)
    fuse(graph)
    find_paths(graph, flat=flat)
    fuse_attention(graph)
    name = name_of_file(path)
    if not partial:
        _refuse_unknown(graph, name)
    tensors = Tensors(graph)
    module = OnnxModule(graph, tensors, name, partial=partial).eval()
    batches = [tensor if graph.inputs[at].shape[0] is not None else tensor[:1] for at, tensor in enumerate(inputs)]
    example = tuple(_with_batch(tensor, BATCH) for tensor in inputs)
    try:
        program = exported(module, example, name)
    except SpecError as error:
        cause = error.__cause__
        while cause is not None and not isinstance(cause, NodeRefused):
            cause = cause.__cause__ or cause.__context__
        if cause is None:
            raise
        raise SpecError(codes.importing.NotExpressible(name, (f"{cause.args[0]}: {cause.args[1]}",))) from error
    program.graph.eliminate_dead_code()
    for node in program.graph.nodes:
        node.meta["stack_trace"] = f'File "{node.meta.get("custom", {}).get(NODE, path.name)}", line 0\n  \n'
    loaded = Loaded(
        module, name, {}, f"{path.name} ({graph.producer or 'ONNX'}, opset {graph.opset})", program, example,
        ("evaluation",) if any(map(_pads_by_size, graph.nodes)) else ("evaluation", "other sizes"),
        tuple(_notes(graph, tensors, flat)), compare_with_file(path, batches, [value.dtype for value in graph.inputs]),
        fixed=all(None not in value.shape[1:] for value in graph.inputs),
    )  # fmt: skip
    return import_loaded([loaded], example, partial=partial, fixed=fixed)


def _refuse_unknown(graph: OnnxGraph, name: str) -> None:
    """Raise `SpecError` E1203 for ops that the importer does not know, all at once."""
    known = {*OPERATIONS, *MODULES, "Shape"}
    computed = {value.name for value in graph.inputs}
    wrong = []
    for node in graph.nodes:
        if node.op == "Shape" or not computed & set(node.inputs):
            continue  # a size, which is computed from shapes alone
        computed |= set(node.outputs)
        if node.op not in known:
            why = (
                "it decides by the content of a tensor"
                if node.op in ("If", "Loop", "Scan")
                else f"no op of the language is `{node.op}`"
            )
            wrong.append(f"{node}: {why}")
    if wrong:
        raise SpecError(codes.importing.NotExpressible(name, tuple(wrong)))


def _with_batch(tensor: Tensor, batch: int) -> Tensor:
    return torch.cat([tensor[:1]] * batch)


def _inputs(graph: OnnxGraph, sizes: Sequence[tuple[int, ...]] | None) -> list[Tensor]:
    """Return inputs for a graph, with its batch. Raise `SpecError` E1201 if it does not take these sizes."""
    names = ", ".join(value.name for value in graph.inputs)
    if not graph.inputs:
        raise bad_file(graph.path, "it has no inputs")
    if sizes is not None and len(sizes) != len(graph.inputs):
        raise bad_file(graph.path, f"`--input` has {len(sizes)} sizes, and the model {len(graph.inputs)} inputs: {names}")
    return [_input(graph.path, value, sizes[at] if sizes is not None else None) for at, value in enumerate(graph.inputs)]


def _input(path: Path, value: OnnxInput, size: tuple[int, ...] | None) -> Tensor:
    fixed = value.shape[1:]
    shown = "x".join("?" if n is None else str(n) for n in fixed)
    if size is None:
        if None in fixed:
            raise SpecError(codes.importing.OpenSizes(str(path), value.name, shown))
        size = tuple(n for n in fixed if n is not None)
    if len(size) != len(fixed) or any(n not in (None, given) for n, given in zip(fixed, size, strict=True)):
        raise bad_file(path, f"its input `{value.name}` is {shown}, and `--input` {InputSize(None, size)}")
    shape = (value.shape[0] or BATCH, *size) if value.shape else ()
    if len(shape) < 2:
        raise bad_file(path, f"its input `{value.name}` has no axis {'but that of the batch' if shape else 'for the batch'}")
    generator = torch.Generator().manual_seed(0)
    if value.dtype.kind == "f":
        return torch.randn(shape, generator=generator)
    if value.dtype.kind not in "iu":
        raise bad_file(path, f"its input `{value.name}` holds {value.dtype}, expected real or whole numbers")
    return torch.randint(0, 2, shape, generator=generator).to(getattr(torch, str(value.dtype)))


def _notes(graph: OnnxGraph, tensors: Tensors, flat: bool) -> list[str]:
    """Return what a reader of the text should know: what the export has removed."""
    notes = ["an ONNX file has no dropout, and no heads for training alone"]
    if any(_is_folded(node) for node in graph.nodes):
        notes.append("batch norms are folded into the convolutions of the file, and no longer to be told from them")
    if any(map(_pads_by_size, graph.nodes)):
        notes.append("the file pads by the size of the input (`SAME`); the pads here are those for this size")
    if tensors.copied:
        notes.append(f"{len(tensors.copied)} tensors of the file belong to several layers, which have copies here")
    if flat:
        notes.append("the modules of the file cannot be told apart: the text is flat, and keys have `_` in place of dots")
    return notes


def _pads_by_size(node: OnnxNode) -> bool:
    return str(node.attributes.get("auto_pad", "")).startswith("SAME")


def _is_folded(node: OnnxNode) -> bool:
    """Whether a batch norm was folded into a node: its weights then have no key, or the optimizer says so."""
    if node.op not in ("Conv", "ConvTranspose", "Gemm"):
        return False
    return "FuseBatchNorm" in node.metadata.get("pkg.onnxscript.rewriter.rule_name", "") or node.folded
