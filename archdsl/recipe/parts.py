"""Which parts of a network are trained, and how: `freeze`, `unfreeze`, `groups`, `decay`.

A part is named by its label: `layer1` stands for every tensor whose key in the `state_dict` begins with
`layer1.`. A label inside another is written as in the network, `layer4[1].conv2`, or as its key, `"layer4.1.conv2"`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, NamedTuple

from pydantic import BeforeValidator, Field

from archdsl.declared import Declared, Registry

if TYPE_CHECKING:
    from archdsl.recipe.recipe import Recipe


def _listed(value: Any) -> Any:
    """One label as a list of one."""
    return (value,) if isinstance(value, str) else value


Labels = Annotated[tuple[str, ...], BeforeValidator(_listed)]
LABEL_KEYS: Final = ("freeze", "unfreeze", "groups")
"""The keys of a recipe under which a bare name is a label of the network."""


class Selection(Declared):
    """Base of everything that chooses parts."""

    registry: ClassVar[Registry[Any]] = Registry("selection")
    if TYPE_CHECKING:
        labels: Labels


class AllBut(Selection, name="all_but"):
    """Every part but these: `freeze = all_but(fc)` trains `fc` alone."""

    labels: Labels = Field(description="a label, or a list of labels")


class Thaw(Declared):
    """Base of everything that ends a freeze."""

    registry: ClassVar[Registry[Any]] = Registry("thaw")
    if TYPE_CHECKING:
        epoch: int
        labels: Labels


class At(Thaw, name="at"):
    """Trains frozen parts from an epoch on: `unfreeze = at(5, layer4)`; without labels, all of them."""

    epoch: int = Field(ge=1, description="the first epoch in which the parts are trained; epochs are counted from 1")
    labels: Labels = Field((), description="a label, or a list of labels; everything that is frozen if it is left out")


class ParameterGroup(Declared):
    """Base of everything that gives parts a rate of their own."""

    registry: ClassVar[Registry[Any]] = Registry("group")
    if TYPE_CHECKING:
        labels: Labels
        lr: float
        weight_decay: float


class Group(ParameterGroup, name="group"):
    """Gives parts their own learning rate and weight decay, as factors on those of the optimizer."""

    labels: Labels = Field(description="a label, or a list of labels; of two labels that fit, the longer one counts")
    lr: float = Field(1.0, gt=0, description="factor on the optimizer's `lr`; the schedule multiplies both")
    weight_decay: float = Field(1.0, ge=0, description="factor on the optimizer's `weight_decay`")


class Treatment(NamedTuple):
    """How a tensor is trained: from which epoch on, and factors on the learning rate and the weight decay.

    `first_epoch` is 1 if it is trained from the start, and None if it is never trained.
    """

    first_epoch: int | None = 1
    lr: float = 1.0
    weight_decay: float = 1.0


def covers(label: str, key: str) -> bool:
    """Whether a key of the `state_dict`, or the path of a module, belongs to the part with that label."""
    return key == label or key.startswith(f"{label}.")


def first_epoch(recipe: Recipe, key: str) -> int | None:
    """The first epoch in which a tensor or module is trained; None if it stays frozen."""
    frozen, chosen = recipe.freeze, False
    if isinstance(frozen, Selection):
        chosen = not any(covers(label, key) for label in frozen.labels)
    else:
        chosen = any(covers(label, key) for label in frozen)
    if not chosen:
        return 1
    return min(
        (at.epoch for at in recipe.unfreeze if not at.labels or any(covers(label, key) for label in at.labels)), default=None
    )


def treatment(recipe: Recipe, key: str, axes: int) -> Treatment:
    """How the parameter with this key and number of axes is trained."""
    decay = 0.0 if recipe.decay == "weights" and axes < 2 else 1.0
    fitting = [(len(label), group) for group in recipe.groups for label in group.labels if covers(label, key)]
    group = max(fitting, key=lambda pair: pair[0])[1] if fitting else None
    if group is None:
        return Treatment(first_epoch(recipe, key), 1.0, decay)
    return Treatment(first_epoch(recipe, key), group.lr, decay * group.weight_decay)


def special(recipe: Recipe) -> bool:
    """Whether a recipe trains parts of the network in different ways."""
    return bool(recipe.freeze) or bool(recipe.groups) or recipe.decay != "all"


def labels_of(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Every label that a recipe names, with the key under which it stands."""
    frozen: Sequence[str] = recipe.freeze.labels if isinstance(recipe.freeze, Selection) else recipe.freeze
    yield from (("freeze", label) for label in frozen)
    yield from (("unfreeze", label) for at in recipe.unfreeze for label in at.labels)
    yield from (("groups", label) for group in recipe.groups for label in group.labels)
