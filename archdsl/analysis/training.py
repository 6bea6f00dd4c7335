"""What a network and the recipe that it is trained with have to do with each other, as far as the graph tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from archdsl.diagnostics import Diagnostic, Mark, Severity, did_you_mean
from archdsl.diagnostics.untyped import untyped
from archdsl.ir import Call, Graph, OpNode, Value, state
from archdsl.source import Span

if TYPE_CHECKING:
    from archdsl.recipe import Recipe

_KEEPS_NUMBERS: Final = {"flatten", "reshape", "permute", "transpose", "slice", "crop_like"}
"""Ops after which scores are the same numbers."""
_SPOILS: Final = {
    **dict.fromkeys(("relu", "softplus"), "gives no negative ones"),
    **dict.fromkeys(("relu6",), "gives none below 0 or above 6"),
    **dict.fromkeys(("sigmoid", "hardsigmoid", "softmax"), "gives none below 0 or above 1"),
    "tanh": "gives none below -1 or above 1",
    **dict.fromkeys(("elu", "selu", "gelu", "silu", "mish", "hardswish"), "gives hardly any below zero"),
    **dict.fromkeys(("dropout", "dropout2d", "droppath"), "sets some to zero at random"),
}
"""Ops that a loss for classes cannot have behind the last layer, and what they do to scores."""


def recipe_findings(graph: Graph, recipe: Recipe, places: Mapping[str, Span], *, alone: bool) -> list[Diagnostic]:
    """Everything that the graph tells against the recipe. `alone` if the file has no other network that the recipe may be for."""
    return [
        *_spoiled_scores(graph, recipe),
        *_beyond_the_run(recipe, places),
        *_unknown_labels(graph, recipe, places, alone=alone),
    ]


def _spoiled_scores(graph: Graph, recipe: Recipe) -> Iterator[Diagnostic]:
    """W0106: a loss for classes takes scores as they are; an op at the end applies it twice, or cuts scores off."""
    loss = recipe.loss
    if loss.wants == "values":
        return
    ends = [value for result, value in zip(graph.results, graph.main.outputs, strict=True) if result.kind != "output"]
    for node in dict.fromkeys(_last_op(value) for value in ends):
        if node is None:
            continue
        name = node.op.name
        if name == loss.applies:
            message = f"`{loss.name}` applies `{name}` by itself, and the network ends in it"
            help = f"remove `{name}`; apply it to the output at inference time"
        elif name in _SPOILS:
            message = f"`{loss.name}` takes scores of any size, and `{name}` at the end of the network {_SPOILS[name]}"
            help = f"remove `{name}`, or put it before the last layer"
        else:
            continue
        yield untyped("W0106", message, Mark(node.span) if node.span is not None else None, help=help, severity=Severity.WARNING)


def _last_op(value: Value) -> OpNode | None:
    """Return the op that makes the numbers of a value; None if they are those of an input."""
    callers: list[Call] = []
    while True:
        node = value.producer
        if node is None:
            if not callers:
                return None
            value = callers.pop().inputs[value.position]
        elif isinstance(node, Call):
            callers.append(node)
            value = node.callee.outputs[value.position]
        else:
            assert isinstance(node, OpNode)
            if node.op.name not in _KEEPS_NUMBERS:
                return node
            value = node.inputs[0]


def _beyond_the_run(recipe: Recipe, places: Mapping[str, Span]) -> Iterator[Diagnostic]:
    """W0109: a warm-up that the run does not get through, cuts of the rate and thaws that it does not reach."""
    warmup, cuts = getattr(recipe.schedule, "warmup", 0.0), getattr(recipe.schedule, "at", ())
    found: list[tuple[str, str, str]] = []
    if warmup > recipe.epochs:
        top, reached = recipe.optimizer.lr, recipe.optimizer.lr * recipe.epochs / warmup
        message = f"the warm-up takes {warmup:g} epochs, and the run has {recipe.epochs}: the learning rate reaches {reached:.3g} of {top:g}"
        found.append(("schedule", message, f"write a shorter `warmup`, or `epochs = {int(-(-warmup // 1)) * 5}`"))
    if cuts and max(cuts) >= recipe.epochs:
        late = ", ".join(str(epoch) for epoch in cuts if epoch >= recipe.epochs)
        message = f"the learning rate is cut after epoch {late}, and the run has {recipe.epochs}"
        found.append(("schedule", message, f"write earlier epochs in `at`, or `epochs = {max(cuts) + 1}` or more"))
    for thaw in recipe.unfreeze:
        if thaw.epoch > recipe.epochs:
            message = f"`unfreeze` trains frozen parts from epoch {thaw.epoch} on, and the run has {recipe.epochs}"
            found.append(("unfreeze", message, f"write an earlier epoch, or `epochs = {thaw.epoch}` or more"))
    for key, message, help in found:
        place = places.get(key) or places.get("epochs")
        yield untyped("W0109", message, Mark(place) if place is not None else None, help=help, severity=Severity.WARNING)


def _unknown_labels(graph: Graph, recipe: Recipe, places: Mapping[str, Span], *, alone: bool) -> Iterator[Diagnostic]:
    """E0807: labels of `freeze`, `unfreeze` and `groups` that are no part of the network."""
    from archdsl.recipe.finetuning import labels_of  # here, as the recipe itself: most files have none

    named = list(labels_of(recipe))
    if not named:
        return
    known = _labels(graph)
    for key, label in dict.fromkeys(named):
        if label in known:
            continue
        help = (
            did_you_mean(label, known) or f"its labels are {', '.join(dict.fromkeys(name.partition('.')[0] for name in known))}"
        )
        message = f"`{key}` names `{label}`, and `{graph.name}` has no such label"
        place = places.get(key)
        asked = place is not None and place.file.is_setting  # for this very network
        severity = Severity.ERROR if alone or asked else Severity.WARNING
        yield untyped("E0807", message, Mark(place) if place is not None else None, help=help, severity=severity)


def _labels(graph: Graph) -> dict[str, None]:
    """Every prefix of a key of the `state_dict`, in the order of the keys."""
    found: dict[str, None] = {}
    for key in state(graph):
        parts = key.split(".")
        found |= dict.fromkeys(".".join(parts[:end]) for end in range(1, len(parts) + 1))
    return found


def training_of(recipe: Recipe) -> Callable[[str, OpNode], str] | None:
    """Return what says how the tensors of an op at a path are trained, if not as usual; None if the recipe trains all alike."""
    from archdsl.recipe.finetuning import has_special_parameters  # here, as above

    return partial(_training, recipe) if has_special_parameters(recipe) else None


def _training(recipe: Recipe, path: str, node: OpNode) -> str:
    from archdsl.recipe.finetuning import first_epoch, parameter_settings  # here, as above

    shapes = node.input_shapes
    parameters, buffers = node.op.parameters(*shapes), node.op.buffers(*shapes)
    if node.module is None or not (parameters or buffers):
        return ""
    if not parameters:
        return _since(first_epoch(recipe, path))
    ways = {key: parameter_settings(recipe, f"{path}.{key}" if key else path, len(shape)) for key, shape in parameters.items()}
    said = [_since(epoch) for epoch in {way.first_epoch for way in ways.values()}]
    if said == ["frozen"]:
        return "frozen"
    said += [f"lr × {lr:g}" for lr in sorted({way.lr for way in ways.values()}) if lr != 1]
    without = [key or node.module.key[-1] for key, way in ways.items() if way.weight_decay == 0]
    said += ["no decay" + (f": {', '.join(without)}" if len(without) < len(ways) else "")] if without else []
    said += [f"decay × {decay:g}" for decay in sorted({way.weight_decay for way in ways.values()}) if decay not in (0, 1)]
    return ", ".join(text for text in said if text)


def _since(epoch: int | None) -> str:
    return "frozen" if epoch is None else f"from epoch {epoch}" if epoch > 1 else ""
