"""The comparison of a network with its ONNX file, which a runtime for ONNX runs."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from archdsl.importers.programs.onnx_graph import stored_numbers
from archdsl.importers.proof import TOLERANCE, Report, distance

_FIRST_OPSET: Final = 7
"""The first opset that onnxruntime supports (onnxruntime.ai/docs/reference/compatibility.html)."""


def compare_with_file(path: Path, inputs: Sequence[Tensor], dtypes: Sequence[Any]) -> Callable[[Report, nn.Module], None]:
    """Return what compares a network with a file at inputs of the file's batch and dtypes, with the weights of the file."""

    def compare(report: Report, network: nn.Module) -> None:
        stored, found = sum(stored_numbers(path)), sum(t.numel() for t in network.state_dict().values() if t.is_floating_point())
        same = stored == found
        report.lines.append(
            f"{stored:_} stored numbers" if same else f"the network stores {found:_} numbers, and only the file {stored:_}"
        )
        name, expected = _results(path, [tensor.numpy().astype(dtype) for tensor, dtype in zip(inputs, dtypes, strict=True)])
        if isinstance(expected, Exception):
            report.differences.append(f"{name} cannot run the file: {str(expected).splitlines()[0][:200]}")
            return
        with torch.no_grad():
            found = network(*inputs)
        ours = [found] if isinstance(found, Tensor) else list(found.values() if isinstance(found, dict) else found)
        if len(ours) != len(expected):
            report.differences.append(f"{name}: {len(ours)} results for {len(expected)}")
            return
        left = list(ours)
        worst = 0.0
        for array in expected:
            fits = [tensor for tensor in left if tuple(tensor.shape) == array.shape]
            if not fits:
                report.differences.append(f"{name}: no result of the shape {array.shape}")
                return
            distances = [distance(tensor, torch.from_numpy(np.array(array)).to(tensor.dtype)) for tensor in fits]
            nearest = min(range(len(fits)), key=lambda at: math.inf if math.isnan(distances[at]) else distances[at])
            worst = max(worst, distances[nearest])
            left = [tensor for tensor in left if tensor is not fits[nearest]]
        report.note(
            worst <= TOLERANCE, f"evaluation by {name}, with the weights of the file: to {worst:.0e}",
            f"evaluation by {name}: the results differ by {worst:.1e} of the largest",
        )  # fmt: skip

    return compare


def _results(path: Path, arrays: list[Any]) -> tuple[str, Any]:
    """Return the name of a runtime for ONNX, and what it computes, or the error of the first if none runs the file.

    onnxruntime comes first if it is installed. It lacks some ops that the reference implementation of ONNX has.
    """
    runtimes = {"the reference implementation of ONNX": _run_by_reference}
    if importlib.util.find_spec("onnxruntime") is not None:
        runtimes = {"onnxruntime": _run_by_onnxruntime, **runtimes}
    failed: tuple[str, Any] | None = None
    for name, run in runtimes.items():
        try:
            return name, run(path, arrays)
        except Exception as error:  # each runtime has errors of its own
            failed = failed or (name, error)
    assert failed is not None
    return failed


def _run_by_reference(path: Path, arrays: list[Any]) -> Any:
    from onnx.reference import ReferenceEvaluator

    reference = ReferenceEvaluator(str(path))
    return reference.run(None, dict(zip(reference.input_names, arrays, strict=False)))


def _run_by_onnxruntime(path: Path, arrays: list[Any]) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(_supported(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, dict(zip([value.name for value in session.get_inputs()], arrays, strict=True)))


def _supported(path: Path) -> str | bytes:
    """Return a file that onnxruntime supports: the file itself, or the model of an older opset in the first supported one."""
    import onnx
    from onnx import version_converter

    model = onnx.load(path, load_external_data=False)
    opset = next((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), _FIRST_OPSET)
    if opset >= _FIRST_OPSET:
        return str(path)
    converted = version_converter.convert_version(onnx.shape_inference.infer_shapes(onnx.load(path)), _FIRST_OPSET)
    del converted.graph.value_info[:]  # of which the converter leaves some without a type
    return converted.SerializeToString()  # type: ignore[no-any-return]
