"""The module that is exported: the network in evaluation mode, with what its run does to the inputs, in some precision."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from archdsl.backends.torch.export import any_size, exact_shapes
from archdsl.exporting.false_guards import remove_false_guards
from archdsl.exporting.format import Precision
from archdsl.ir import Graph

DTYPES: Final[Mapping[Precision, torch.dtype]] = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


class Deployed(nn.Module):
    """A network behind the preparation of its inputs.

    It takes float32 and returns it, unless the network computes in float64. The parameters of `forward` have the names of the
    inputs, and several outputs are a plain tuple.
    """

    def __init__(self, network: nn.Module, names: Sequence[str], preparation: nn.Module | None, dtype: torch.dtype) -> None:
        super().__init__()
        self.network = network.to(dtype)
        self.preparation = preparation
        self.dtype = dtype

        def forward(*inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
            return self.run(inputs)

        forward.__signature__ = Signature([Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in names])  # type: ignore[attr-defined]
        self.forward = forward

    def run(self, inputs: tuple[Tensor, ...]) -> Tensor | tuple[Tensor, ...]:
        """Return the outputs."""
        prepared = inputs if self.preparation is None else self.preparation(*inputs)
        values = prepared if isinstance(prepared, tuple) else (prepared,)
        made = self.network(*[value.to(self.dtype) if value.is_floating_point() else value for value in values])
        kind = max(self.dtype, torch.float32, key=lambda dtype: dtype.itemsize)
        outputs = tuple([value.to(kind) if value.is_floating_point() else value for value in flat(made)])
        return outputs[0] if len(outputs) == 1 else outputs


@dataclass(frozen=True)
class Program:
    """What a format writes. `graph` has the inputs of the file, `network` the outputs, and `examples` are inputs of two examples.

    `build` makes the module; without its argument `checked` it does not check its inputs. `calibration` returns batches
    of inputs, with which the program is quantized; None if it is not.
    """

    graph: Graph
    network: Graph
    outputs: tuple[str, ...]
    examples: tuple[Tensor, ...]
    precision: Precision
    metadata: Mapping[str, str]
    build: Callable[[bool], Deployed]
    valid: Sequence[Sequence[tuple[int, ...]]] = ()
    """Some valid shapes of the inputs, at which the file is compared with the network."""
    calibration: Callable[[], list[tuple[Tensor, ...]]] | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs."""
        return tuple(map(str, self.graph.inputs))

    def exported(self, *, assertions: bool = False) -> ExportedProgram:
        """Return the program of `torch.export`. Conditions on sizes are guards, or with `assertions` nodes of its graph."""
        made = self._export(self.build(True), assertions=assertions)
        if self.calibration is None:
            return made
        from archdsl.exporting.quantize import quantized  # here: torchao is needed for int8 alone

        return self._export(quantized(made, self.calibration()), assertions=assertions)

    def _export(self, module: nn.Module, *, assertions: bool) -> ExportedProgram:
        made = export_module(module, self.graph, self.examples, assertions=assertions)
        return remove_false_guards(made, [dict(zip(self.inputs, shapes, strict=True)) for shapes in self.valid])


def any_size_of(graph: Graph) -> AbstractContextManager[None]:
    """Return the context in which a graph's sizes may be one; without symbolic sizes, PyTorch exports any batch by itself."""
    return any_size() if graph.valid_sizes else nullcontext()


def export_module(module: nn.Module, graph: Graph, examples: tuple[Tensor, ...], *, assertions: bool = False) -> ExportedProgram:
    """Return a module as a program for all valid sizes of the graph."""
    dims = exact_shapes(graph, conditions=not assertions)
    with quiet(), torch.no_grad(), any_size_of(graph):
        return torch.export.export(module, examples, dynamic_shapes=dims, prefer_deferred_runtime_asserts_over_guards=assertions)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings and notes, of which exporters and runtimes give many about themselves."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(before)


def flat(result: Any) -> tuple[Tensor, ...]:
    """Return the outputs of a network: one tensor, or a tuple of them."""
    return (result,) if isinstance(result, Tensor) else tuple(result)
