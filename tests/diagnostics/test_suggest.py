"""Names that people bring along, and the names here."""

from __future__ import annotations

from typing import Any

import pytest

from archdsl.diagnostics import did_you_mean
from archdsl.initializers import Initializer
from archdsl.ops import Op
from archdsl.recipe import Augmentation, Loss, Optimizer, Recipe, Regularizer, Schedule
from archdsl.registry import Registered, Registry

REGISTRIES: list[Registry[Any]] = [
    kind.registry for kind in (Op, Initializer, Augmentation, Loss, Optimizer, Regularizer, Schedule)
]
ENTRIES: list[type[Registered]] = [Recipe, *(entry for registry in REGISTRIES for entry in registry)]


def test_no_alias_hides_a_name_of_its_own_kind() -> None:
    for registry in REGISTRIES:
        for entry in registry:
            assert not set(entry.__dict__.get("aliases", ())) & set(registry.names()), entry


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("BatchNorm2d", "bn"),
        ("Dropout2d", "dropout2d"),
        ("Conv2D", "conv"),
        ("kaiming_normal_", "he"),
        ("reluu", "relu"),
        ("global_avg_pool", "gap"),
    ],
)
def test_the_name_here(name: str, meant: str) -> None:
    assert did_you_mean(name, [*Op.registry.names(), *Initializer.registry.names()]) == f"did you mean `{meant}`?"


def test_nothing_far_is_named() -> None:
    assert did_you_mean("abc", ["act", "abs"]) is None


@pytest.mark.parametrize(
    ("name", "parameters", "meant"),
    [
        ("kernel_size", Op.registry.get("conv").fields, "k"),
        ("filters", Op.registry.get("bottleneck").fields, "out"),
        ("strides", Op.registry.get("upconv").fields, "stride"),
        ("num_epochs", Recipe.fields, "epochs"),
        ("milestones", Schedule.registry.get("step").fields, "at"),
        ("learning_rate", Optimizer.registry.get("sgd").fields, "lr"),
    ],
)
def test_the_parameter_here(name: str, parameters: list[str], meant: str) -> None:
    assert did_you_mean(name, parameters) == f"did you mean `{meant}`?"
