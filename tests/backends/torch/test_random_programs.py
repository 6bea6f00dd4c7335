"""The emitted source of random programs against the graph itself: keys, shapes, values, gradients and statistics."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import archdsl
from archdsl.ir import Graph, Usage, flatten, state
from tests.attack import text
from tests.attack.generate import generate
from tests.attack.network import LARGEST_TOKEN
from tests.attack.verdicts import codes, load
from tests.backends.torch.interpreter import Interpreter

SEEDS = [*range(80), *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(80, 400))]
ONE_VALUE = {"E0304", "E0402"}
"""Refused on purpose, though PyTorch runs it in evaluation mode: the normalization of a single value."""
BATCH = 3


def tensors(result: Any) -> dict[str, Tensor]:
    """What a network returned, by name."""
    return {"main": result} if isinstance(result, Tensor) else result._asdict()


def inputs_of(graph: Graph) -> list[Tensor]:
    """A batch for each input, in double precision."""
    found = []
    for value in graph.inputs:
        shape = (BATCH, *value.shape)
        if value.dtype == "float":
            found.append(torch.randn(shape, dtype=torch.float64))
        else:
            found.append(torch.rand(shape) < 0.5 if value.dtype == "bool" else torch.randint(0, LARGEST_TOKEN + 1, shape))
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_equals_the_graph(seed: int) -> None:
    """In double precision, in both modes: what is returned, its gradients, and the statistics of batch normalization."""
    program = generate(seed, fixed=True, careless=0.0, statements=40)
    try:
        spec = load(program)
        if isinstance(spec, archdsl.SpecError):
            assert codes(spec) <= ONE_VALUE
        else:
            compare(spec)
    except Exception as error:
        error.add_note(text.program(program))
        raise


def compare(spec: archdsl.Network) -> None:
    graph = spec.graph
    torch.manual_seed(0)
    network = spec.build(dtype=torch.float64)
    assert {key: tuple(value.shape) for key, value in network.state_dict().items()} == state(graph)
    vary(network)
    inputs = inputs_of(graph)
    before = {key: value.clone() for key, value in network.state_dict().items()}

    network.eval()
    kept = [value.clone() for value in inputs]
    same(tensors(network(*inputs)), Interpreter(graph, before, training=False).run(*inputs))
    assert all(torch.equal(value, copy) for value, copy in zip(inputs, kept, strict=True)), "an input was overwritten"

    network.train()
    torch.manual_seed(1)
    found = tensors(network(*inputs))
    assert {name: tuple(value.shape[1:]) for name, value in found.items()} == shapes(graph)
    total(found).backward()
    interpreter = Interpreter(graph, before, training=True)
    torch.manual_seed(1)
    expected = interpreter.run(*inputs)
    same(found, expected)
    total(expected).backward()
    gradients = {key: value.grad for key, value in network.named_parameters()}
    buffers = {key: buffer for key, buffer in network.named_buffers() if key in before}  # others are constants
    same(
        {k: g for k, g in gradients.items() if g is not None},
        {k: t.grad for k, t in interpreter.state.items() if t.grad is not None and k not in buffers},  # those of frozen_bn
    )
    same(buffers, {key: interpreter.state[key] for key in buffers})

    without = keys_without_heads(spec)
    heads = {key for key in state(graph) if key not in without}
    alive = {node.path for node in flatten(graph).nodes if node.usage is Usage.TRAINING}
    assert all(any(key == path or key.startswith(path + ".") for path in alive) for key in heads)


def keys_without_heads(spec: archdsl.Network) -> set[str]:
    """The keys of the network without heads; it also has to run."""
    namespace: dict[str, Any] = {}
    exec(spec.source(aux=False), namespace)
    classes = [
        v for v in namespace.values() if isinstance(v, type) and issubclass(v, torch.nn.Module) and v.__module__ == "builtins"
    ]
    network = classes[-1]().double()
    network(*inputs_of(spec.graph))
    return set(network.state_dict())


def vary(network: torch.nn.Module) -> None:
    """Numbers that tell each tensor from the others."""
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.add_(torch.rand_like(tensor) * 0.2)


def shapes(graph: Graph) -> dict[str, tuple[Any, ...]]:
    return {result.name: tuple(value.shape) for result, value in zip(graph.results, graph.main.outputs, strict=True)}


def total(results: dict[str, Tensor]) -> Tensor:
    return torch.stack(
        [value.square().mean() for value in results.values() if value.requires_grad] or [torch.zeros((), requires_grad=True)]
    ).sum()


def same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Equal but for rounding, of the largest number among them: a gradient may be zero but for rounding."""
    assert set(found) == set(expected)
    largest = max((float(value.detach().abs().max()) for value in expected.values()), default=0.0)
    for name in expected:
        torch.testing.assert_close(
            found[name], expected[name], rtol=1e-7, atol=1e-9 * max(largest, 1.0), msg=lambda text, name=name: f"{name}: {text}"
        )
