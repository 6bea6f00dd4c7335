"""Names that people bring along, and the names here."""

from __future__ import annotations

from typing import Any

import pytest

from archdsl.declared import Declared, Registry
from archdsl.diagnostics import did_you_mean
from archdsl.diagnostics.suggest import SYNONYMS
from archdsl.elaborate.parameters import KINDS
from archdsl.initializers import Initializer
from archdsl.ops import Op
from archdsl.recipe import Augmentation, Loss, Optimizer, Recipe, Regularizer, Schedule

REGISTRIES: list[Registry[Any]] = [
    kind.registry for kind in (Op, Initializer, Augmentation, Loss, Optimizer, Regularizer, Schedule)
]
ENTRIES: list[type[Declared]] = [Recipe, *(entry for registry in REGISTRIES for entry in registry)]


def test_every_synonym_is_of_a_name_that_there_is() -> None:
    names = {name for registry in REGISTRIES for name in registry.names()}
    parameters = {name for entry in ENTRIES for name in entry.model_fields}
    assert set(SYNONYMS.values()) <= names | parameters | set(KINDS) | {"0..n"}


@pytest.mark.parametrize(
    ("name", "meant"),
    [("BatchNorm2d", "bn"), ("Dropout2d", "dropout2d"), ("Conv2D", "conv"), ("kaiming_normal_", "he"), ("reluu", "relu")],
)
def test_the_name_here(name: str, meant: str) -> None:
    assert did_you_mean(name, [*Op.registry.names(), *Initializer.registry.names()]) == f"did you mean `{meant}`?"


def test_nothing_far_is_named() -> None:
    assert did_you_mean("abc", ["act", "abs"]) is None
