"""Facts about training that follow from the graph: unknown labels in a recipe, and how each tensor is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from archdsl.diagnostics import Diagnostic, Severity, codes
from archdsl.ir import Graph, OpNode, state, tensor_key
from archdsl.source import Span

if TYPE_CHECKING:
    from archdsl.recipe import Recipe


def unknown_labels(graph: Graph, recipe: Recipe, places: Mapping[str, Span], *, alone: bool) -> Iterator[Diagnostic]:
    """Yield an error for each label of `freeze`, `unfreeze` and `groups` that is no part of the network.

    `alone` if the file has no other network that the recipe may be for; else it is a warning.
    """
    from archdsl.recipe.finetuning import labels_of  # here, as the recipe itself: most files have none

    named = list(labels_of(recipe))
    if not named:
        return
    known = _labels(graph)
    for key, label in dict.fromkeys(named):
        if label in known:
            continue
        place = places.get(key)
        asked = place is not None and place.file.is_setting  # for this very network
        severity = Severity.ERROR if alone or asked else Severity.WARNING
        yield codes.training.UnknownPart(key, label, list(known), graph.name).at(place).with_severity(severity)


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
    ways = {key: parameter_settings(recipe, tensor_key(path, key), len(shape)) for key, shape in parameters.items()}
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
