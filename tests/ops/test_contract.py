"""What every op promises, compared with PyTorch over the registry: shapes, state, costs and symbolic sizes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import archdsl
from archdsl.backends.torch.lowerings import has_lowering
from archdsl.ops import Op
from archdsl.ops.join import Input
from archdsl.shapes import Shape, SymbolicSize, symbolic_size
from tests.ops.cases import Shapes, each_case, outputs_of, tensors


@pytest.mark.parametrize("cls", list(Op.registry), ids=lambda cls: cls.name)
def test_documented(cls: type[Op]) -> None:
    """Every op and parameter is described, and has a category and an example."""
    assert (cls.__doc__ or "").strip().splitlines()[0].endswith((".", ":")), cls.__doc__
    assert all(field.description for field in cls.fields.values())
    assert cls.category and cls.example
    assert set(cls.not_in_figures) >= {name for name in cls.fields if name == "init"}


@pytest.mark.parametrize("cls", [cls for cls in Op.registry if cls is not Input], ids=lambda cls: cls.name)
def test_example_runs(cls: type[Op]) -> None:
    """PyTorch has a lowering, and the statement that the reference shows compiles and computes."""
    assert has_lowering(cls)
    network = archdsl.loads(f"network shown {{\n  input image {cls.example_input}\n  {cls.example}\n}}\n")
    tokens = cls.example_input.startswith(": int")
    result = network.build()(torch.zeros(2, 32, dtype=torch.long) if tokens else torch.randn(2, 8, 32, 32))
    assert result.isfinite().all()


@each_case()
def test_shape_and_state(op: Op, shapes: Shapes, lowered: Any) -> None:
    """The inferred shape and state are the real module's, in both forms."""
    with torch.device("meta"):
        for form in lowered(op, *shapes):
            batch = 2 if op.data_of(shapes) else 1
            found = [tuple(one.shape) for one in outputs_of(form(*tensors(op, shapes, device="meta")))]
            assert found == [(batch, *shape) for shape in op.output_shapes(*shapes)]
            assert form.state() == (op.parameters(*shapes), op.buffers(*shapes))


@each_case()
def test_macs(op: Op, shapes: Shapes, lowered: Any) -> None:
    """Half the FLOPs that PyTorch counts for one image."""
    with torch.device("meta"):
        form = lowered(op, *shapes)[0].eval()
        inputs = tensors(op, shapes, batch=1, device="meta")
        with FlopCounterMode(display=False) as counter:
            form(*inputs)
    assert counter.get_total_flops() == 2 * op.macs(op.infer(*shapes), *shapes)


@each_case()
def test_attributes_are_resolved(op: Op, shapes: Shapes) -> None:
    """Windows, strides and padding have a number per axis, and `same`, `auto` and None are numbers."""
    given = op.attributes(*shapes)
    assert not {"same", "auto"} & {value for value in given.values() if isinstance(value, str)}
    for name in {"k", "stride", "pad", "dilation", "output_pad"} & given.keys() if op.name != "lrn" else ():
        assert len(given[name]) == len(shapes[0]) - 1 and all(isinstance(n, int) for n in given[name]), name


def _has_symbolic_axis(op: Op, shapes: Shapes) -> bool:
    return len(shapes) == 1 and len(shapes[0]) > 1 and op.name not in ("flatten", "reshape", "embedding", "pos_embed", "rel_bias")


@each_case(_has_symbolic_axis)
def test_symbolic_sizes(op: Op, shapes: Shapes) -> None:
    """With a symbolic size the shape is a function that gives, at each number, what the rule gives for the number."""
    channels, _, *rest = shapes[0]
    last = op.name in ("linear", "mha", "unembed") or getattr(op, "axis", 0) == -1

    def shape(n: Any) -> Shape:
        return (n, *rest, channels) if last else (channels, n, *rest)

    symbolic = op.infer(shape(symbolic_size("n")))
    for n in range(12, 40):
        assert op.infer(shape(n)) == tuple(size.at(n) if isinstance(size, SymbolicSize) else size for size in symbolic)
