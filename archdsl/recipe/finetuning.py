"""How each parameter of a network is trained: `freeze`, `unfreeze`, `groups`, `decay`.

A label selects parameters: `layer1` selects every tensor whose key in the `state_dict` begins with
`layer1.`. A nested label is written as in the network, `layer4[1].conv2`, or as its key, `"layer4.1.conv2"`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, NamedTuple

from archdsl.fields import Field, Prepare
from archdsl.registry import Registered, Registry

if TYPE_CHECKING:
    from archdsl.recipe.recipe import Recipe


def _listed(value: Any) -> Any:
    """Wrap a single label in a tuple."""
    return (value,) if isinstance(value, str) else value


Labels = Annotated[tuple[str, ...], Prepare(_listed)]
LABEL_KEYS: Final = ("freeze", "unfreeze", "groups")
"""The keys of a recipe under which a bare name is a label of the network."""


class LabelSelection(Registered):
    """Base of all rules that select labels."""

    registry: ClassVar[Registry[Any]] = Registry("label selection")
    if TYPE_CHECKING:
        labels: Labels


class AllBut(LabelSelection, name="all_but"):
    """Select everything except these labels: `freeze = all_but(fc)` trains only `fc`."""

    labels: Labels = Field(description="a label, or a list of labels")


class UnfreezeRule(Registered):
    """Base of all rules that unfreeze layers."""

    registry: ClassVar[Registry[Any]] = Registry("unfreeze rule")
    if TYPE_CHECKING:
        epoch: int
        labels: Labels


class At(UnfreezeRule, name="at"):
    """Train frozen layers from an epoch on: `unfreeze = at(5, layer4)`; without labels, all frozen layers."""

    epoch: int = Field(ge=1, description="first epoch in which the layers are trained, counted from 1")
    labels: Labels = Field((), description="a label, or a list of labels; default: all frozen layers")


class ParameterGroup(Registered):
    """Base of all parameter groups."""

    registry: ClassVar[Registry[Any]] = Registry("parameter group")
    if TYPE_CHECKING:
        labels: Labels
        lr: float
        weight_decay: float


class Group(ParameterGroup, name="group"):
    """Give layers their own learning rate and weight decay, as factors on those of the optimizer."""

    labels: Labels = Field(description="a label, or a list of labels; if two labels match a parameter, the longer one applies")
    lr: float = Field(1.0, gt=0, description="factor on the optimizer's `lr`; the schedule applies on top")
    weight_decay: float = Field(1.0, ge=0, description="factor on the optimizer's `weight_decay`")


class ParameterSettings(NamedTuple):
    """How a parameter is trained: its first epoch, and its factors on the learning rate and the weight decay.

    `first_epoch` is 1 for a parameter that is trained from the start, and None for one that stays frozen.
    """

    first_epoch: int | None = 1
    lr: float = 1.0
    weight_decay: float = 1.0


def covers(label: str, key: str) -> bool:
    """Return whether a key of the `state_dict`, or the path of a module, lies under a label."""
    return key == label or key.startswith(f"{label}.")


def first_epoch(recipe: Recipe, key: str) -> int | None:
    """Return the first epoch in which a parameter or module is trained; None if it stays frozen."""
    frozen, chosen = recipe.freeze, False
    if isinstance(frozen, LabelSelection):
        chosen = not any(covers(label, key) for label in frozen.labels)
    else:
        chosen = any(covers(label, key) for label in frozen)
    if not chosen:
        return 1
    return min(
        (at.epoch for at in recipe.unfreeze if not at.labels or any(covers(label, key) for label in at.labels)), default=None
    )


def parameter_settings(recipe: Recipe, key: str, axes: int) -> ParameterSettings:
    """Return how the parameter with this key and number of axes is trained."""
    decay = 0.0 if recipe.decay == "weights" and axes < 2 else 1.0
    fitting = [(len(label), group) for group in recipe.groups for label in group.labels if covers(label, key)]
    group = max(fitting, key=lambda pair: pair[0])[1] if fitting else None
    if group is None:
        return ParameterSettings(first_epoch(recipe, key), 1.0, decay)
    return ParameterSettings(first_epoch(recipe, key), group.lr, decay * group.weight_decay)


def has_special_parameters(recipe: Recipe) -> bool:
    """Return whether a recipe treats some parameters differently from others."""
    return bool(recipe.freeze) or bool(recipe.groups) or recipe.decay != "all"


def labels_of(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Yield each label in a recipe, with its key."""
    frozen: Sequence[str] = recipe.freeze.labels if isinstance(recipe.freeze, LabelSelection) else recipe.freeze
    yield from (("freeze", label) for label in frozen)
    yield from (("unfreeze", label) for at in recipe.unfreeze for label in at.labels)
    yield from (("groups", label) for group in recipe.groups for label in group.labels)
