"""The format `onnx`, which onnxruntime and most other runtimes read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.exporting.format import Format, Runner

if TYPE_CHECKING:
    from torch import Tensor

    from archdsl.exporting.program import Program
    from archdsl.ir import Graph

_LARGEST = 2_000_000_000
"""The most bytes of weights in the file itself: protobuf allows 2 GiB for all of it. Others are in a file beside it."""


def _write(program: Program, path: Path) -> tuple[Path, ...]:
    import onnx

    model = onnx_model(program)
    weights = path.with_name(f"{path.name}.data")
    if sum(len(tensor.raw_data) for tensor in model.graph.initializer) < _LARGEST:
        onnx.save(model, path)
        return (path,)
    onnx.save(model, path, save_as_external_data=True, location=weights.name)
    return path, weights


def onnx_model(program: Program) -> Any:
    """Return the program as a model of ONNX, with checks of its input sizes and its metadata."""
    import onnx
    import torch

    from archdsl.exporting.onnx_guard import SizeGuard
    from archdsl.exporting.program import quiet
    from archdsl.exporting.unsupported import unsupported_op

    with quiet():
        exported = _without_fused_attention(program.exported(), program.graph)
        try:
            made = torch.onnx.export(
                exported, dynamo=True, verbose=False, external_data=False, input_names=list(program.inputs),
                output_names=list(program.outputs),
            )  # fmt: skip
        except Exception as error:
            raise unsupported_op(error, exported, program.network, "onnx") or error from error
    assert made is not None
    model = made.model_proto
    guard = SizeGuard(program.graph, list(program.inputs))
    for node in model.graph.node:
        node.input[:] = [guard.guarded.get(name, name) for name in node.input]
        del node.metadata_props[:]  # of places in files of this machine
    nodes = [*guard.nodes, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(guard.tensors)
    _name_axes(model, program)
    model.producer_name = "archdsl"
    onnx.helper.set_model_props(model, dict(program.metadata))
    return model


def _without_fused_attention(exported: Any, graph: Graph) -> Any:
    """Return a program in which attention is products and a softmax: PyTorch's exporter knows it for four axes alone."""
    import torch

    from archdsl.exporting.program import any_size_of

    attention = torch.ops.aten.scaled_dot_product_attention.default
    if not any(node.target == attention for node in exported.graph.nodes):
        return exported
    with any_size_of(graph):
        return exported.run_decompositions({attention: _attention})


def _attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, dropout: float = 0.0, causal: bool = False, *,
    scale: float | None = None, enable_gqa: bool = False,
) -> Tensor:  # fmt: skip
    """Return `softmax(Q K^T / sqrt(d)) V` (Vaswani et al. 2017, arXiv:1706.03762), without dropout, as in evaluation."""
    import torch

    assert not enable_gqa, "archdsl writes no attention with fewer heads of keys"
    scores = query @ key.transpose(-2, -1) * (query.shape[-1] ** -0.5 if scale is None else scale)
    if causal:
        mask = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool).tril()
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf")) if mask.dtype == torch.bool else scores + mask
    return scores.softmax(-1) @ value


def _name_axes(model: Any, program: Program) -> None:
    """Name the dynamic axes as the spec does."""
    from archdsl.sizes import simplified

    network = program.network
    results = [value for result, value in zip(network.results, network.main.outputs, strict=True) if result.kind != "head"]
    pairs = [
        *((declared, value, program.graph) for declared, value in zip(model.graph.input, program.graph.inputs, strict=True)),
        *((declared, value, network) for declared, value in zip(model.graph.output, results, strict=True)),
    ]
    for declared, value, graph in pairs:
        for axis, size in zip(declared.type.tensor_type.shape.dim, ("batch", *value.shape), strict=True):
            if not isinstance(size, int):
                axis.dim_param = size if isinstance(size, str) else simplified(size, graph.valid_sizes)
    del model.graph.value_info[:]


def _run(path: Path) -> Runner:
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]

    def run(inputs: Sequence[Tensor]) -> list[Tensor]:
        given = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
        return [torch.from_numpy(value) for value in session.run(None, given)]

    return run


def _metadata(path: Path) -> Mapping[str, str]:
    import onnx

    return {entry.key: entry.value for entry in onnx.load(path, load_external_data=False).metadata_props}


FORMAT = Format(
    "ONNX, for onnxruntime and most other runtimes", (".onnx",), ("onnx", "onnxruntime", "onnxscript", "torch"),
    frozenset({"fp32", "fp16", "int8"}), _write, _run, _metadata,
)  # fmt: skip
