"""What every op promises, checked against PyTorch over the registry: shapes, state, costs, and what may be overwritten."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import archdsl
from archdsl.ops import Op
from archdsl.shapes import OpenSize, Shape, open_size

IMAGE, LINE, VOLUME, VECTOR = (8, 12, 10), (8, 12), (8, 6, 8, 6), (8,)
ANY_RANK = (VECTOR, LINE, IMAGE, VOLUME)
SPATIAL = (LINE, IMAGE, VOLUME)

CASES: dict[str, list[tuple[dict[str, Any], tuple[Any, ...]]]] = {
    "conv": [({"out": 6, "k": 3}, SPATIAL), ({"out": 6, "k": 3, "stride": 2, "groups": 2, "bias": False}, SPATIAL),
             ({"out": 4, "k": (3, 5), "pad": (0, 1), "dilation": 2, "stride": (1, 2)}, (IMAGE,))],
    "bottleneck": [({"out": 4}, SPATIAL), ({"out": 4, "bias": False}, SPATIAL)],
    "depthwise": [({"k": 3}, SPATIAL), ({"k": 5, "stride": 2, "mult": 2}, SPATIAL)],
    "upconv": [({"out": 6, "k": 2}, SPATIAL),
               ({"out": 6, "k": 3, "stride": 2, "pad": 1, "output_pad": 1, "groups": 2, "bias": False}, SPATIAL)],
    "linear": [({"out": 5}, (VECTOR, LINE)), ({"out": 5, "bias": False}, (VECTOR, LINE)), ({"out": 5, "axis": -1}, ANY_RANK)],
    "flatten": [({}, ANY_RANK)],
    "reshape": [({"sizes": (4, -1)}, ANY_RANK), ({"sizes": (8, 2, 6)}, (LINE,))],
    "embedding": [({"n": 11, "dim": 4}, ((7,), (3, 2)))],
    "bn": [({}, ANY_RANK), ({"eps": 1e-3, "momentum": 0.2, "affine": False}, ANY_RANK)],
    "gn": [({"groups": 4}, ANY_RANK), ({"groups": 2, "affine": False, "eps": 1e-3}, ANY_RANK)],
    "ln": [({}, ANY_RANK), ({"eps": 1e-3, "axis": -1}, ANY_RANK)],
    "instance_norm": [({}, SPATIAL), ({"affine": True}, SPATIAL)],
    "lrn": [({"size": 5}, SPATIAL), ({"size": 2, "alpha": 0.1, "beta": 0.5, "k": 2.0}, SPATIAL)],
    "leaky_relu": [({}, ANY_RANK), ({"slope": 0.3}, ANY_RANK), ({"slope": -0.3}, ANY_RANK)],
    "prelu": [({}, ANY_RANK), ({"per_channel": True, "init_value": 0.1}, ANY_RANK)],
    "elu": [({}, ANY_RANK), ({"alpha": 0.5}, ANY_RANK), ({"alpha": -0.5}, ANY_RANK)],
    "gelu": [({}, ANY_RANK), ({"approximate": "tanh"}, ANY_RANK)],
    "softmax": [({}, ANY_RANK), ({"axis": -1}, ANY_RANK)],
    "act": [({"f": Op.registry.get("prelu").create({})}, ANY_RANK), ({"f": Op.registry.get("relu").create({})}, ANY_RANK)],
    "softplus": [({}, ANY_RANK), ({"beta": 2.0, "threshold": 1.0}, ANY_RANK)],
    "maxpool": [({"k": 2}, SPATIAL), ({"k": 3, "stride": 2, "pad": 1, "ceil": True}, SPATIAL),
                ({"k": 2, "dilation": 2, "stride": 1}, SPATIAL)],
    "avgpool": [({"k": 2}, SPATIAL), ({"k": 3, "stride": 2, "pad": 1, "ceil": True, "count_pad": False}, SPATIAL)],
    "lppool": [({"k": 2}, SPATIAL), ({"k": 3, "p": 1.0, "stride": 2, "ceil": True}, SPATIAL)],
    "maxpool_to": [({"size": 7}, SPATIAL), ({"size": (3, 2)}, (IMAGE,))],
    "avgpool_to": [({"size": 7}, SPATIAL), ({"size": (12, 10)}, (IMAGE,))],
    "gap": [({}, SPATIAL), ({}, ((8, 1, 1),))],
    "dropout": [({}, ANY_RANK), ({"p": 0}, ANY_RANK), ({"p": 1.0}, ANY_RANK)],
    "dropout2d": [({}, SPATIAL), ({"p": 1.0}, SPATIAL)],
    "droppath": [({"p": 0.3}, ANY_RANK), ({"p": 1.0, "mode": "batch"}, ANY_RANK), ({"p": 0.0}, ANY_RANK)],
    "pad": [({"amount": 1}, SPATIAL), ({"amount": (1, 2), "mode": "reflect"}, (IMAGE,)), ({"amount": 0}, SPATIAL),
            ({"before": 0, "after": 2, "mode": "replicate"}, SPATIAL), ({"after": 1, "value": 0.5}, SPATIAL),
            ({"amount": 2, "mode": "circular"}, SPATIAL)],
    "pad_channels": [({"to": 20}, ANY_RANK), ({"to": 8}, ANY_RANK)],
    "crop_like": [({}, (((8, 12, 10), (3, 7, 10)), ((8, 9), (8, 9))))],
    "resize_like": [({}, (((8, 12, 10), (3, 7, 20)),)), ({"mode": "linear"}, (((8, 6), (2, 9)), ((4, 3, 3, 3), (4, 2, 4, 6)))),
                    ({"mode": "bicubic", "align_corners": True}, (((8, 12, 10), (8, 12, 10)),))],
    "upsample": [({"scale": 2}, SPATIAL), ({"scale": 1}, SPATIAL),
                 ({"scale": 2, "mode": "linear", "align_corners": True}, SPATIAL),
                 ({"scale": (2, 3), "mode": "bilinear"}, (IMAGE,)), ({"scale": 2, "mode": "bicubic"}, (IMAGE,))],
    "pixel_shuffle": [({"r": 2}, (IMAGE,)), ({"r": 1}, (IMAGE,))],
    "channel_shuffle": [({"groups": 4}, SPATIAL), ({"groups": 1}, SPATIAL)],
    "slice": [({"part": range(2, 5)}, ANY_RANK), ({"part": range(0, 6), "axis": -1}, ANY_RANK)],
    "permute": [({"order": (1, 2, 0)}, (IMAGE,)), ({"order": (-1, 0)}, (LINE,))],
    "transpose": [({"a": 0, "b": -1}, ANY_RANK)],
    "scale": [({"factor": 0.17}, ANY_RANK)],
    "layer_scale": [({}, ANY_RANK), ({"init": 0.5}, ANY_RANK)],
    "add": [({}, ((IMAGE,), (IMAGE, IMAGE), (VECTOR,) * 3))],
    "mul": [({}, ((IMAGE,), (IMAGE, (8, 1, 1)), (IMAGE, IMAGE, (1, 12, 1))))],
    "concat": [({}, ((IMAGE,), (IMAGE, (3, 12, 10)))), ({"axis": -1}, (((8, 12, 4), IMAGE),))],
    "shake": [({}, ((IMAGE,), (IMAGE, IMAGE), (VECTOR,) * 3))],
}  # fmt: skip
"""Parameters and the input shapes to try them on; a tuple of shapes for ops of several inputs. Others take any rank."""

RANDOM = {"dropout", "dropout2d", "droppath", "shake"}


def cases() -> list[Any]:
    """Every op of the registry with its parameters and inputs."""
    found = []
    for cls in Op.registry:
        if cls.name == "input":
            continue
        for arguments, inputs in CASES.get(cls.name, [({}, ANY_RANK)]):
            for given in inputs:
                shapes = given if isinstance(given[0], tuple) else (given,)
                found.append(pytest.param(cls.create(arguments), shapes, id=f"{cls.name}-{arguments}-{shapes}"))
    return found


every_case = pytest.mark.parametrize(("op", "shapes"), cases())


def tensors(op: Op, shapes: tuple[Shape, ...], *, batch: int = 2, device: str = "cpu", grad: bool = False) -> list[torch.Tensor]:
    """Inputs of these shapes, the same at every call."""
    torch.manual_seed(1)
    if op.integers == "required":
        return [torch.zeros((batch, *shape), dtype=torch.long, device=device) for shape in shapes]
    return [torch.randn((batch, *shape), device=device, requires_grad=grad) for shape in shapes]


@pytest.mark.parametrize("cls", list(Op.registry), ids=lambda cls: cls.name)
def test_documented(cls: type[Op]) -> None:
    """Every op and parameter is described, and has a category and an example."""
    assert (cls.__doc__ or "").strip().splitlines()[0].endswith((".", ":")), cls.__doc__
    assert all(field.description for field in cls.model_fields.values())
    assert cls.category and cls.example


@pytest.mark.parametrize("cls", [cls for cls in Op.registry if cls.name != "input"], ids=lambda cls: cls.name)
def test_example_runs(cls: type[Op]) -> None:
    """The statement that the reference shows compiles and computes."""
    network = archdsl.loads(f"network shown {{\n  input image {cls.example_input}\n  {cls.example}\n}}\n")
    tokens = cls.integers == "required"
    result = network.build()(torch.zeros(2, 32, dtype=torch.long) if tokens else torch.randn(2, 8, 32, 32))
    assert result.isfinite().all()


@every_case
def test_shape_and_state(op: Op, shapes: tuple[Shape, ...], lowered: Any) -> None:
    """The inferred shape and state are the real module's, in both forms."""
    with torch.device("meta"):
        for form in lowered(op, *shapes):
            assert tuple(form(*tensors(op, shapes, device="meta")).shape) == (2, *op.infer(*shapes))
            assert form.state() == (op.parameters(*shapes), op.buffers(*shapes))


@every_case
def test_macs(op: Op, shapes: tuple[Shape, ...], lowered: Any) -> None:
    """Half the FLOPs that PyTorch counts for one image."""
    with torch.device("meta"):
        form = lowered(op, *shapes)[0].eval()
        inputs = tensors(op, shapes, batch=1, device="meta")
        with FlopCounterMode(display=False) as counter:
            form(*inputs)
    assert counter.get_total_flops() == 2 * op.macs(op.infer(*shapes), *shapes)


@every_case
@pytest.mark.parametrize("training", [False, True])
def test_forms_agree(op: Op, shapes: tuple[Shape, ...], training: bool, lowered: Any) -> None:
    """Module and function compute the same, also in place, and nothing is NaN."""
    results = []
    for inplace in (False, True):
        for form in lowered(op, *shapes, inplace=inplace):
            inputs = tensors(op, shapes)
            torch.manual_seed(2)
            results.append(form.train(training)(*inputs))
    assert not results[0].isnan().any()
    if op.integers != "required":
        for result in results[1:]:
            torch.testing.assert_close(result, results[0])


@every_case
@pytest.mark.parametrize("training", [False, True])
def test_output_may_be_overwritten(op: Op, shapes: tuple[Shape, ...], training: bool, lowered: Any) -> None:
    """Without `saves_output`, an activation in place after the op changes neither inputs nor gradients."""
    if op.saves_output:
        return
    for form in lowered(op, *shapes):
        gradients = []
        for inplace in (False, True):
            inputs = tensors(op, shapes, grad=True)
            before = [value.detach().clone() for value in inputs]
            torch.manual_seed(2)
            output = form.train(training)(*inputs)
            torch.nn.functional.relu(output, inplace=inplace).square().sum().backward()
            assert all(torch.equal(value, was) for value, was in zip(inputs, before, strict=True))
            gradients.append([value.grad for value in inputs if value.requires_grad])
        for plain, overwritten in zip(*gradients, strict=True):
            torch.testing.assert_close(plain, overwritten)


@every_case
def test_in_place_gradients(op: Op, shapes: tuple[Shape, ...], lowered: Any) -> None:
    """Computed in place, an op has the gradients that it has otherwise."""
    if op.lower(*shapes) == op.lower(*shapes, inplace=True):
        return
    gradients = []
    for form in [*lowered(op, *shapes), *lowered(op, *shapes, inplace=True)]:
        (value,) = tensors(op, shapes, grad=True)
        form(value * 2).square().sum().backward()
        gradients.append(value.grad)
    assert len(gradients) == 4
    for gradient in gradients[1:]:
        torch.testing.assert_close(gradient, gradients[0])


@every_case
def test_random_in_training_alone(op: Op, shapes: tuple[Shape, ...], lowered: Any) -> None:
    """Only the ops of regularization are random, and in training alone."""
    form = lowered(op, *shapes)[-1]
    inputs = tensors(op, shapes)
    first, second = form.train()(*inputs), form(*inputs)
    assert op.name in RANDOM or torch.equal(first, second)
    form.eval()
    assert torch.equal(form(*inputs), form(*inputs))


OPEN = [(op, shapes) for op, shapes in (case.values for case in cases()) if len(shapes) == 1 and len(shapes[0]) > 1]


@pytest.mark.parametrize(("op", "shapes"), [c for c in OPEN if c[0].name not in ("flatten", "reshape", "embedding")], ids=str)
def test_open_sizes(op: Op, shapes: tuple[Shape, ...]) -> None:
    """With an open size the shape is a function that gives, at each number, what the rule gives for the number."""
    channels, _, *rest = shapes[0]
    if op.name == "linear" or getattr(op, "axis", 0) == -1:
        shape = lambda n: (n, *rest, channels)  # noqa: E731
    else:
        shape = lambda n: (channels, n, *rest)  # noqa: E731
    symbolic = op.infer(shape(open_size("n")))
    for n in range(12, 40):
        assert op.infer(shape(n)) == tuple(size.at(n) if isinstance(size, OpenSize) else size for size in symbolic)
