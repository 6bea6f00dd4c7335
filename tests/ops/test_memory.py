"""The memory of every op against a tracker of storages: each allocation counts, forward and backward."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from archdsl.backends.torch.memory.autograd import Leaf, run_backward
from archdsl.backends.torch.memory.rules import Applied, Unmodelled, applied, own_buffer
from archdsl.backends.torch.memory.tensors import FLOAT, LONG, Meter, Tensor, empty, empty_like
from archdsl.backends.torch.memory.trace import Trace
from archdsl.ops import Op
from tests.ops.cases import Shapes, cases, outputs_of, tensors
from tests.storage_tracker import StorageTracker, Tracked


def ours(op: Op, given: list[torch.Tensor], shapes: Shapes, *, training: bool) -> Tracked:
    """Return the modelled bytes before and after the op, and at most."""
    batch = given[0].shape[0] if given else 1
    meter = Meter(batch, gradients=training)
    stored = {}
    for key, shape in op.parameters(*shapes).items():
        stored[key] = empty(meter, shape)
        stored[key].edge = (Leaf(), 0) if training else None
    for key, (shape, item) in own_buffer(op, shapes).items():
        stored[key] = empty(meter, shape, item)
    others = [empty(meter, shape, FLOAT if shape else LONG) for key, shape in op.buffers(*shapes).items() if key not in stored]
    inputs = []
    for tensor in given:
        inputs.append(empty(meter, tuple(tensor.shape), tensor.element_size()))
        if tensor.requires_grad:
            inputs[-1].edge = (Leaf(), 0)
    start = len(meter.events)
    outputs = [(batch, *shape) for shape in op.output_shapes(*shapes)]
    made: list[Tensor] = applied(Applied(op, meter, inputs, stored, outputs, shapes, training, False))
    assert others is not None
    forward = len(meter.events)
    if training:
        gradients = [(result.edge, empty_like(result)) for result in made if result.edge is not None]
        meter.gradients = False
        run_backward([(edge, gradient) for edge, gradient in gradients if edge is not None])
    trace = Trace(tuple(meter.events), tuple(meter.sizes), start, forward, ())
    return Tracked(trace.at(start).value(batch), trace.at(forward).value(batch), trace.peak(batch)[0])


def tracked(op: Op, given: list[torch.Tensor], form: Any, *, training: bool) -> Tracked:
    """Return the bytes that PyTorch allocates likewise."""
    bare = [] if form.bare is None else [form.bare]
    with StorageTracker() as tracker, torch.set_grad_enabled(training):
        for tensor in (*form.parameters(), *form.buffers(), *bare, *given):
            tracker.add(tensor)
        before = tracker.live
        made = list(outputs_of(form(*given)))
        forward = tracker.live
        roots = [one for one in made if one.requires_grad]
        if training and roots:
            torch.autograd.backward(roots, [torch.empty_like(one) for one in roots])
    return Tracked(before, forward, tracker.peak)


def _cases() -> list[Any]:
    """Return all cases with a batch of one and of three. `make test` has one of each op."""
    found, seen = [], set[str]()
    for case in cases(lambda op, shapes: not circular(op)):
        op, shapes = case.values
        for batch in (3, 1):
            if op.name == "bn" and len(shapes[0]) == batch == 1:
                continue  # PyTorch refuses to train on one value for each channel
            marks = [pytest.mark.exhaustive] if op.name in seen else []
            seen.add(op.name)
            found.append(pytest.param(op, shapes, batch, id=f"{case.id}-{batch}", marks=marks))
    return found


def circular(op: Op) -> bool:
    """Return whether an op pads with its other end, which is not modelled."""
    return "circular" in (getattr(op, "mode", ""), getattr(op, "pad_mode", ""))


@pytest.mark.parametrize(("op", "shapes", "batch"), _cases())
def test_each_allocation_counts(op: Op, shapes: Shapes, batch: int, lowered: Any) -> None:
    """Every form allocates what the model says, in inference and in training."""
    with torch.device("meta"):
        for training in (False, True):
            for form in lowered(op, *shapes):
                expected = tracked(op, _given(op, shapes, batch, grad=training), form.train(training), training=training)
                found = ours(op, _given(op, shapes, batch, grad=training), shapes, training=training)
                assert found == expected, (training, form.module)


def test_what_is_not_modelled_is_said() -> None:
    """Only circular padding is left out."""
    for case in cases(lambda op, shapes: circular(op)):
        op, shapes = case.values
        with torch.device("meta"), pytest.raises(Unmodelled, match=op.name):
            ours(op, _given(op, shapes, 3, grad=False), shapes, training=False)


def _given(op: Op, shapes: Shapes, batch: int, *, grad: bool) -> list[torch.Tensor]:
    """Return inputs with a storage of their own each."""
    made = tensors(op, shapes, batch=batch, device="meta")
    return [torch.empty_like(one).contiguous().requires_grad_(grad and one.is_floating_point()) for one in made]
