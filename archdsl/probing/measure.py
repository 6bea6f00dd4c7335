"""Measure activations, gradients, units and batch statistics of a subject, layer by layer."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import torch
from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

from archdsl.probing.measurements import Layer
from archdsl.probing.recording import Recording
from archdsl.probing.subject import Subject, projected
from archdsl.probing.tracing import Step, Traced, trace

Key: TypeAlias = tuple[str, str, int]

_RECTIFIERS: Final = (nn.ReLU, nn.ReLU6)
"""Activations that are zero for every negative input, so that units can be dead."""
_LAST: Final = (nn.Linear, nn.LayerNorm)
"""Layers whose channels are on the last axis."""
_FIRST: Final = (nn.modules.conv._ConvNd, _BatchNorm, nn.GroupNorm)
"""Layers whose channels are on the first axis after the batch."""


@dataclass(frozen=True)
class Measured:
    """The layers, the objective, and the correlation of gradients with respect to the input by distance, if there is one."""

    layers: list[Layer]
    objective: float
    correlations: list[float] | None
    still: Traced
    """The module in evaluation mode with the statistics of the batch."""


def measure(subject: Subject, line: Sequence[Tensor] | None) -> Measured:
    """Measure a copy of the module on the batch, and the gradients along a line of inputs, if there is one.

    Activations and gradients are those of training mode. For the line, and in `Measured.still`, batch normalization uses the
    statistics of the batch as constants, so that the gradients of an example depend on that example alone.
    """
    module = copy.deepcopy(subject.module)
    evaluation = trace(module, subject.graph, training=False)
    with torch.no_grad():
        standing = {step.key: _deviation(value) for step, value in _values(evaluation, subject.inputs)}
    training = trace(module, subject.graph, training=True)
    before = {name: part for name, part in copy.deepcopy(module).named_modules() if _has_statistics(part)}
    with _momentum(module, 1.0):  # the running statistics become those of the batch
        found, objective = _layers(subject, training, before, standing)
    module.eval()
    correlations = None
    if line is not None:
        of_layers, correlations = _along(line, evaluation, subject.seed)
        found = {key: replace(layer, correlation=of_layers.get(key)) for key, layer in found.items()}
    return Measured(list(found.values()), objective, correlations, evaluation)


def _values(traced: Traced, inputs: Sequence[Tensor]) -> Iterator[tuple[Step, Tensor]]:
    """Run a graph, and yield the values that are measured."""
    recording = Recording(traced, [step.node for step in traced.steps])
    recording.run(*inputs)
    for step in traced.steps:
        if step.node in recording.values:
            yield step, recording.values[step.node]


def _layers(
    subject: Subject, traced: Traced, before: dict[str, nn.Module], standing: dict[Key, float]
) -> tuple[dict[Key, Layer], float]:
    """Return the layers and the objective, from a forward and a backward pass in training mode."""
    sources = [node for step in traced.steps for node in step.node.all_input_nodes]
    recording = Recording(traced, [*(step.node for step in traced.steps), *sources])
    objective = subject.objective(recording.run(*with_gradients(subject.inputs)))
    if objective.requires_grad:  # not without weights, for inputs that are not real
        torch.autograd.backward(objective)
    modules = dict(traced.graph.named_modules())
    axes = _channel_axes(traced, modules)
    found: dict[Key, Layer] = {}
    for step in traced.steps:
        value = recording.values.get(step.node)
        if value is None:
            continue
        own = modules.get(str(step.node.target)) if step.node.op == "call_module" else None
        numbers: dict[str, Any] = {"gradient": _gradient(value, subject.batch), "weight_gradient": _weight_gradient(own)}
        if isinstance(own, _RECTIFIERS):
            numbers |= _units(value.detach(), axes[step.node])
        taken = recording.values.get(step.node.all_input_nodes[0]) if step.node.all_input_nodes else None
        if step.name in before and taken is not None:
            numbers |= _statistics(taken.detach(), before[step.name])
        own_mean = float(value.detach().float().mean())
        found[step.key] = Layer(
            step.name, step.op, step.depth, step.trunk, own_mean, _deviation(value), standing.get(step.key), **numbers
        )
    traced.graph.zero_grad()
    return found, float(objective.detach())


def with_gradients(inputs: Sequence[Tensor]) -> list[Tensor]:
    """Return copies of inputs, of which the real ones get gradients: some networks have no weights."""
    return [given.clone().requires_grad_(given.is_floating_point()) for given in inputs]


def _deviation(value: Tensor) -> float:
    return float(value.detach().float().std(correction=0))


def _gradient(value: Tensor, batch: int) -> float | None:
    """Return the mean norm over the examples of the gradient of an example's objective: of the mean it is a part of 1 / batch."""
    if value.grad is None or len(value) != batch:
        return None
    return float(value.grad.float().flatten(1).norm(dim=1).mean()) * batch


def _weight_gradient(module: nn.Module | None) -> float | None:
    """Return the norm of the gradient with respect to the weights of a layer, without biases; None for a layer without."""
    if module is None:
        return None
    found = [weight.grad.flatten() for weight in module.parameters() if weight.ndim > 1 and weight.grad is not None]
    return float(torch.cat(found).float().norm()) if found else None


def _units(value: Tensor, axis: int) -> dict[str, float]:
    """Return the shares of units of a rectifier that are zero, or positive, for all examples and at all positions."""
    active = (value > 0).movedim(axis, 0).flatten(1)
    return {
        "units": len(active),
        "dead": float((~active.any(1)).float().mean()),
        "always_active": float(active.all(1).float().mean()),
    }


def _channel_axes(traced: Traced, modules: dict[str, nn.Module]) -> dict[fx.Node, int]:
    """Return for each value the axis of its channels: that of the layer that made it, which what follows keeps."""
    found: dict[fx.Node, int] = {}
    for node in traced.graph.graph.nodes:
        own = modules.get(str(node.target)) if node.op == "call_module" else None
        before = next((found[given] for given in node.all_input_nodes if given in found), 1)
        found[node] = -1 if isinstance(own, _LAST) else 1 if isinstance(own, _FIRST) else before
    return found


def _has_statistics(module: nn.Module) -> bool:
    return isinstance(module, _BatchNorm) and module.running_mean is not None


def _statistics(taken: Tensor, norm: Any) -> dict[str, float]:
    """Return the statistics of a batch beside the running ones."""
    axes = [axis for axis in range(taken.ndim) if axis != 1]
    variance, mean = torch.var_mean(taken.float(), axes, correction=0)
    drift = (mean - norm.running_mean) / (norm.running_var + norm.eps).sqrt()
    roots = {"batch_mean": mean, "running_mean": norm.running_mean, "drift": drift}
    means = {"batch_std": variance, "running_std": norm.running_var}
    return {name: float(one.square().mean().sqrt()) for name, one in roots.items()} | {
        name: float(one.mean().sqrt()) for name, one in means.items()
    }


@contextmanager
def _momentum(module: nn.Module, momentum: float) -> Iterator[None]:
    """Let batch normalization update its running statistics with another momentum."""
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = momentum
    try:
        yield
    finally:
        for norm, own in zip(norms, before, strict=True):
            norm.momentum = own


# -- neighbouring inputs --


def line_through(subject: Subject, points: int) -> list[Tensor] | None:
    """Return inputs at equal distances on the line between the first two examples; None if no input is real."""
    if not any(given.is_floating_point() for given in subject.inputs):
        return None
    place = torch.linspace(0, 1, points)

    def between(given: Tensor) -> Tensor:
        if not given.is_floating_point():
            return given[:1].expand(points, *given.shape[1:])
        return torch.lerp(given[:1], given[1:2], place.reshape(-1, *[1] * (given.ndim - 1)))

    return [between(given) for given in subject.inputs]


def _along(line: Sequence[Tensor], traced: Traced, seed: int) -> tuple[dict[Key, float], list[float] | None]:
    """Return the correlation of the gradients of neighbours for each value, and for the input that by distance.

    Where all gradients are zero there is none.

    The gradients are those of the output, times one random direction, with respect to the value (Balduzzi et al. 2017,
    arXiv:1702.08591).
    """
    from archdsl.train.checks import main_output

    inputs = with_gradients(line)
    recording = Recording(traced, [step.node for step in traced.steps])
    output = main_output(recording.run(*inputs))
    torch.autograd.backward(projected(output, seed) * len(output))
    traced.graph.zero_grad()
    found = {}
    for step in traced.steps:
        value = recording.values.get(step.node)
        if value is not None and value.grad is not None and len(value) == len(output) and value.grad.any():
            found[step.key] = autocorrelation(value.grad, 1)[1]
    first = next(given.grad for given in inputs if given.grad is not None)
    return found, autocorrelation(first, len(output) // 2) if first.any() else None


def autocorrelation(gradients: Tensor, most: int) -> list[float]:
    """Return the correlation of gradients [points, ...] for distances from 0 to `most`, around their mean over the points.

    Gradients that are equal at all points, as those of a linear function, correlate perfectly.
    """
    flat = gradients.flatten(1).double()
    scale = float(flat.abs().max())
    flat = flat / scale if scale > 0 else flat  # squares of tiny gradients would be zero
    centred = flat - flat.mean(0)
    variance = float(centred.square().sum())
    if variance <= 1e-12 * float(flat.square().sum()) or not scale:
        return [1.0] * (most + 1)
    points = len(flat)
    return [
        float((centred[: points - lag] * centred[lag:]).sum()) / variance * points / (points - lag) for lag in range(most + 1)
    ]
