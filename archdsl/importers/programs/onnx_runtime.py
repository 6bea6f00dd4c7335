"""The comparison of a network with its ONNX file, which a runtime for ONNX runs."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from archdsl.importers.programs.onnx_graph import stored_numbers
from archdsl.importers.proof import TOLERANCE, Report


def compare_with_file(path: Path, inputs: Sequence[Tensor]) -> Callable[[Report, nn.Module], None]:
    """Return what compares a network with a file at inputs of the file's batch, with the weights of the file."""

    def compare(report: Report, network: nn.Module) -> None:
        stored, found = sum(stored_numbers(path)), sum(t.numel() for t in network.state_dict().values() if t.is_floating_point())
        same = stored == found
        report.lines.append(
            f"{stored:_} stored numbers" if same else f"the network stores {found:_} numbers, and only the file {stored:_}"
        )
        name, run = _runtime(path)
        try:
            expected = run([tensor.numpy() for tensor in inputs])
        except Exception as error:  # each runtime has errors of its own
            report.differences.append(f"{name} cannot run the file: {str(error).splitlines()[0][:200]}")
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
            distances = [_distance(tensor.numpy(), array) for tensor in fits]
            nearest = int(np.argmin(distances))
            worst = max(worst, distances[nearest])
            left = [tensor for tensor in left if tensor is not fits[nearest]]
        report.note(
            worst <= TOLERANCE, f"evaluation by {name}, with the weights of the file: to {worst:.0e}",
            f"evaluation by {name}: the results differ by {worst:.1e} of the largest",
        )  # fmt: skip

    return compare


def _distance(found: Any, expected: Any) -> float:
    largest = float(np.abs(expected).max()) or 1.0
    return float(np.abs(found - expected).max()) / largest


def _runtime(path: Path) -> tuple[str, Callable[[list[Any]], Any]]:
    """Return a runtime for a file: onnxruntime if it is installed, otherwise the reference implementation of ONNX."""
    if importlib.util.find_spec("onnxruntime") is None:
        from onnx.reference import ReferenceEvaluator

        reference = ReferenceEvaluator(str(path))
        return "the reference implementation of ONNX", lambda arrays: reference.run(
            None, dict(zip(reference.input_names, arrays, strict=False))
        )
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    return "onnxruntime", lambda arrays: session.run(None, dict(zip(names, arrays, strict=True)))
