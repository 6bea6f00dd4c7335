"""The comparison of an exported file with its network."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn

from archdsl.diagnostics import Diagnostic, codes
from archdsl.exporting.format import Precision, Runner
from archdsl.exporting.interface import Interface
from archdsl.exporting.program import flat
from archdsl.exporting.samples import Point, Refused

BOUNDS: Final[Mapping[Precision, float]] = {"fp32": 1e-5, "fp16": 1e-2, "bf16": 1e-1, "int8": 2e-1}
"""For each precision the largest error, as a fraction of the largest output."""
LOST_POINTS: Final = 0.5
"""The most points of accuracy that a lower precision than fp32 may lose on the validation set."""


class Measured(NamedTuple):
    """The error at some sizes, as a fraction of the largest output."""

    batch: int
    shapes: dict[str, list[int]]
    reason: str
    error: float

    def as_data(self) -> dict[str, Any]:
        """Return it for JSON."""
        return self._asdict()


def largest_error(given: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """Return the largest difference, as a fraction of the largest value of its output; infinite for other shapes and for NaN."""
    if [value.shape for value in given] != [value.shape for value in expected]:
        return float("inf")
    errors = [0.0]
    for one, other in zip(given, expected, strict=True):
        if not (one.isfinite().all() and other.isfinite().all()):
            return float("inf")
        if other.numel():
            scale = other.abs().max().double().clamp_min(1e-30)
            errors.append(float((one.double() - other.double()).abs().max() / scale))
    return max(errors)


class Agreement:
    """The float64 module of a network with its results at some sizes, which files are compared with."""

    def __init__(self, interface: Interface, reference: nn.Module, points: Sequence[Point]) -> None:
        self.graph = interface.graph
        self.points = points
        self._inputs = [interface.samples(point.shapes(self.graph), seed) for seed, point in enumerate(points)]
        with torch.no_grad():
            self._expected = [flat(reference(*inputs)) for inputs in self._inputs]

    def measure(self, run: Runner) -> list[Measured]:
        """Return the error of a file, or of a module, at each point."""
        found = []
        for point, inputs, expected in zip(self.points, self._inputs, self._expected, strict=True):
            error = largest_error(run(inputs), expected)
            shapes = {str(value): list(given.shape) for value, given in zip(self.graph.inputs, inputs, strict=True)}
            found.append(Measured(point.batch, shapes, point.reason, error))
        return found


def worst(measured: Sequence[Measured]) -> Measured:
    """Return the measurement with the largest error."""
    return max(measured, key=lambda one: one.error)


def accepted(run: Runner, interface: Interface, refused: Sequence[Refused]) -> Refused | None:
    """Return the first invalid shapes for which a file computes something; None if it refuses all."""
    for one in refused:
        inputs = interface.samples(one.shapes, 0)
        try:
            with _without_stderr():
                run(inputs)
        except Exception:  # of any kind: each runtime has its own
            continue
        return one
    return None


@contextmanager
def _without_stderr() -> Iterator[None]:
    """Discard what a runtime writes to standard error, past Python, about an error that is expected."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def misfit(network: str, to: str, precision: Precision, measured: Sequence[Measured]) -> Diagnostic | None:
    """Return the error for a file whose results differ too much; None if they agree."""
    found, bound = worst(measured), BOUNDS[precision]
    if found.error <= bound:
        return None
    shapes = ", ".join(f"{name} {shape}" for name, shape in found.shapes.items())
    return codes.exporting.Disagrees(network, to, found.error, bound, shapes)


def misprediction(network: str, to: str, precision: Precision, top1: Mapping[str, float]) -> Diagnostic | None:
    """Return the error for a file with other predictions on the validation set; None if they agree.

    In int8 single predictions may differ, since the ranges of its numbers come from other examples: its accuracy counts.
    """
    examples = int(top1["examples"])
    differing = examples - round(top1["agreement"] * examples) - int(top1["ties"])
    if precision != "int8" and differing:
        return codes.exporting.PredictsOtherwise(network, to, precision, differing, examples)
    if precision != "fp32" and top1["lost_points"] > LOST_POINTS:
        return codes.exporting.LessAccurate(network, precision, top1["lost_points"], LOST_POINTS, examples)
    return None
