"""What every op promises of values and gradients, compared with PyTorch over the registry."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from archdsl.backends.torch.lowerings import lower
from archdsl.ops import Op
from tests.ops.cases import Shapes, each_case, outputs_of, tensors


def _has_two_forms(op: Op, shapes: Shapes) -> bool:
    lowering = lower(op, *shapes)
    return lowering.module is not None and lowering.function is not None


def _changes_in_place(op: Op, shapes: Shapes) -> bool:
    return lower(op, *shapes) != lower(op, *shapes, inplace=True)


@each_case(_has_two_forms)
@pytest.mark.parametrize("training", [False, True])
def test_forms_agree(op: Op, shapes: Shapes, training: bool, lowered: Any) -> None:
    """Module and function compute the same, also in place."""
    results = []
    for inplace in (False, True):
        for form in lowered(op, *shapes, inplace=inplace):
            torch.manual_seed(2)
            results.append(form.train(training)(*tensors(op, shapes)))
    assert len(results) == 4
    for result in results[1:]:
        torch.testing.assert_close(result, results[0])


@each_case(lambda op, shapes: not op.saves_output)
@pytest.mark.parametrize("training", [False, True])
def test_output_may_be_overwritten(op: Op, shapes: Shapes, training: bool, lowered: Any) -> None:
    """Without `saves_output`, an activation in place after the op changes neither inputs nor gradients."""
    for form in lowered(op, *shapes):
        gradients = []
        for inplace in (False, True):
            inputs = tensors(op, shapes, grad=True)
            before = [value.detach().clone() for value in inputs]
            form.zero_grad()
            torch.manual_seed(2)
            output = outputs_of(form.train(training)(*inputs))[0]
            torch.nn.functional.relu(output, inplace=inplace).square().sum().backward()
            assert all(torch.equal(value, was) for value, was in zip(inputs, before, strict=True))
            learned = [value for value in form.parameters() if value.grad is not None]
            found = [value.grad.clone() for value in (*inputs, *learned) if value.grad is not None]
            gradients.append(found)
        assert gradients[0]
        for plain, overwritten in zip(*gradients, strict=True):
            torch.testing.assert_close(plain, overwritten)


@each_case(_changes_in_place)
def test_in_place_gradients(op: Op, shapes: Shapes, lowered: Any) -> None:
    """Computed in place, an op has the gradients that it has otherwise."""
    gradients = []
    for form in [*lowered(op, *shapes), *lowered(op, *shapes, inplace=True)]:
        (value,) = tensors(op, shapes, grad=True)
        form(value * 2).square().sum().backward()
        gradients.append(value.grad)
    assert len(gradients) == 4
    for gradient in gradients[1:]:
        torch.testing.assert_close(gradient, gradients[0])


@each_case()
def test_random_only_in_training(op: Op, shapes: Shapes, lowered: Any) -> None:
    """Only an op that says so draws random numbers, and only in training. No result is NaN."""
    form = lowered(op, *shapes)[-1]
    inputs = tensors(op, shapes)
    for training in (True, False):
        form.train(training)
        first, second = outputs_of(form(*inputs)), outputs_of(form(*inputs))
        assert not any(output.isnan().any() for output in first)
        assert all(map(torch.equal, first, second)) or (training and op.random_in_training)


def test_values_among_the_parameters_are_described() -> None:
    for name in Op.registry.names():
        op = Op.registry.get(name)
        assert op is not None and {*op.operands, *op.optional_operands} == op.about_operands.keys(), name
