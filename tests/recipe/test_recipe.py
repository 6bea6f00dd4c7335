"""The `train` block as data: what it accepts, what it says about what it does not accept."""

import json
import subprocess
import sys
from typing import Any

import pytest

from archdsl.declared import Declared, Fault, Registry
from archdsl.driver import compile_text
from archdsl.recipe import (
    Augmentation,
    Dataset,
    Loss,
    Normalization,
    Optimizer,
    Recipe,
    Regularizer,
    Schedule,
    Stopping,
    Transform,
)

FAMILIES = {
    "data": Dataset, "optimizer": Optimizer, "schedule": Schedule, "loss": Loss,
    "transform": Transform, "augment": Augmentation, "normalize": Normalization, "regularize": Regularizer, "early_stop": Stopping,
}  # fmt: skip
ENTRIES = [entry for family in FAMILIES.values() for entry in family.registry]
DIGITS = Dataset.registry.get("digits").create({})


def call(family: type[Declared], name: str, **arguments: Any) -> Any:
    entry = family.registry.get(name)
    assert entry is not None
    return entry.create(arguments)


def test_recipe_of_the_language_reference() -> None:
    recipe = Recipe.create(
        {
            "data": DIGITS,
            "epochs": 30,
            "batch": 64,
            "optimizer": call(Optimizer, "sgd", lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4),
            "schedule": call(Schedule, "cosine", warmup=2),
            "loss": call(Loss, "cross_entropy", label_smoothing=0.1),
            "augment": [call(Augmentation, "shift", pixels=1), call(Augmentation, "rotate", degrees=10)],
            "regularize": [call(Regularizer, "l1", weight=1e-6)],
            "early_stop": call(Stopping, "patience", epochs=10),
            "seed": 0,
        }
    )
    data = recipe.as_data()
    assert json.loads(json.dumps(data)) == data
    assert data["augment"] == ["shift(pixels = 1)", "rotate(degrees = 10.0)"]
    assert data["data"] == "digits"


def test_one_value_stands_for_a_list_of_one() -> None:
    shift = call(Augmentation, "shift", pixels=1)
    assert Recipe.create({"data": "a.npz", "augment": shift}).augment == (shift,)


def test_registries_come_from_the_annotations() -> None:
    found = {key: Recipe.registry_for(key) for key in [*Recipe.model_fields, "unknown"]}
    assert {key: registry for key, registry in found.items() if registry} == {key: f.registry for key, f in FAMILIES.items()}
    assert all(isinstance(registry, Registry) for registry in found.values() if registry)


@pytest.mark.parametrize("entry", [Recipe, *ENTRIES], ids=lambda entry: entry.name)
def test_everything_is_described(entry: type[Declared]) -> None:
    assert entry.__doc__
    assert all(field.description for field in entry.model_fields.values())


@pytest.mark.parametrize(
    ("values", "code", "argument", "message"),
    [
        ({}, "E0403", None, "`data` of `train` is missing"),
        ({"data": 3}, "E0401", "data", "`data` of `train` is a data set, and 3 is an int"),
        ({"data": DIGITS, "epoch": 3}, "E0202", "epoch", "`train` has no key `epoch`"),
        ({"data": DIGITS, "epochs": 2.5}, "E0406", "epochs", "`epochs` of `train` is a count, and 2.5 is a float"),
        ({"data": DIGITS, "epochs": 0}, "E0402", "epochs", "`epochs` of `train` must be at least 1, and is 0"),
        ({"data": DIGITS, "optimizer": DIGITS}, "E0401", "optimizer", "is an optimizer, and digits is a data set"),
        ({"data": DIGITS, "optimizer": None}, "E0401", "optimizer", "is an optimizer, and none is none"),
        ({"data": DIGITS, "augment": ["shift"]}, "E0401", "augment", 'is an augmentation, and "shift" is a string'),
        ({"data": DIGITS, "precision": "fp16"}, "E0402", "precision", 'is fp32 or bf16, and not "fp16"'),
        ({"data": DIGITS, "clip": 0}, "E0402", "clip", "must be more than 0"),
    ],
)
def test_mistakes(values: dict[str, Any], code: str, argument: str | None, message: str) -> None:
    with pytest.raises(Fault) as caught:
        Recipe.create(values)
    assert (caught.value.code, caught.value.argument) == (code, argument)
    assert message in caught.value.message


def test_recipe_needs_no_framework() -> None:
    code = "import archdsl.recipe, sys; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "lightning", "sklearn", "numpy"} & set(loaded)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (call(Schedule, "constant"), [1, 1, 1, 1]),
        (call(Schedule, "constant", warmup=2), [0, 0.5, 1, 1]),
        (call(Schedule, "linear"), [1, 0.9, 0.5, 0]),
        (call(Schedule, "linear", final=0.2), [1, 0.92, 0.6, 0.2]),
        (call(Schedule, "cosine"), [1, 0.9755, 0.5, 0]),
        (call(Schedule, "cosine", warmup=1), [0, 1, 0.5868, 0]),
        (call(Schedule, "step", every=5, multiplier=0.1), [1, 1, 0.1, 0.01]),
        (call(Schedule, "one_cycle", rise=0.5), [0.04, 0.1317, 1, 4e-6]),
    ],
    ids=str,
)
def test_schedules(schedule: Any, expected: list[float]) -> None:
    factors = [schedule.factor(epoch, 10) for epoch in (0, 1, 5, 10)]
    assert factors == pytest.approx(expected, abs=1e-4)


def test_warmup_longer_than_training() -> None:
    assert call(Schedule, "cosine", warmup=5).factor(0.5, 1) == pytest.approx(0.1)


def test_patience() -> None:
    patience = call(Stopping, "patience", epochs=2)
    assert not patience.stops([3.0, 2.0, 2.5])
    assert patience.stops([3.0, 2.0, 2.5, 2.0])
    assert not patience.stops([3.0, 2.0, 2.5, 1.9])
    assert not patience.stops([])


@pytest.mark.parametrize("path", ["five.npz", "data/flowers", "/data/x-y.npz", '"five.npz"'])
def test_a_path_on_the_command_line_needs_no_quotes(path: str) -> None:
    text = "network n { input v [4]; linear(3) }"
    assert compile_text(text, settings={"train.data": path}).recipe.data == path.strip('"')
