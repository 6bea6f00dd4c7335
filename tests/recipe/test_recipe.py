"""The `train` block as data: what it accepts, what it says about what it does not accept."""

import json
import subprocess
import sys
from typing import Any

import pytest

from archdsl.diagnostics import SpecError
from archdsl.driver import compile_text
from archdsl.recipe import (
    Augmentation,
    Clipping,
    Dataset,
    LabelSelection,
    Loss,
    Normalization,
    Optimizer,
    ParameterGroup,
    Recipe,
    Regularizer,
    Schedule,
    Stopping,
    Transform,
    UnfreezeRule,
    WeightsSource,
)
from archdsl.registry import Registered, Registry

FAMILIES = {
    "data": Dataset, "optimizer": Optimizer, "schedule": Schedule, "loss": Loss,
    "transform": Transform, "augment": Augmentation, "normalize": Normalization, "regularize": Regularizer,
    "early_stop": Stopping, "weights": WeightsSource,
    "freeze": LabelSelection, "unfreeze": UnfreezeRule, "groups": ParameterGroup, "clip": Clipping,
}  # fmt: skip
ENTRIES = [entry for family in FAMILIES.values() for entry in family.registry]
DIGITS = Dataset.registry.get("digits").create({})


def call(family: type[Registered], name: str, **arguments: Any) -> Any:
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
    found = {key: Recipe.registry_for(key) for key in [*Recipe.fields, "unknown"]}
    assert {key: registry for key, registry in found.items() if registry} == {key: f.registry for key, f in FAMILIES.items()}
    assert all(isinstance(registry, Registry) for registry in found.values() if registry)


@pytest.mark.parametrize("entry", [Recipe, *ENTRIES], ids=lambda entry: entry.name)
def test_everything_is_described(entry: type[Registered]) -> None:
    assert entry.__doc__
    assert all(field.description for field in entry.fields.values())


@pytest.mark.parametrize(
    ("values", "code", "argument", "message"),
    [
        ({}, "E0403", "data", "`data` of `train` is missing"),
        ({"data": 3}, "E0401", "data", "`data` of `train`: expected a data set, found 3 (an int)"),
        ({"data": DIGITS, "epoch": 3}, "E0202", "epoch", "`train` has no key `epoch`"),
        ({"data": DIGITS, "epochs": 2.5}, "E0406", "epochs", "`epochs` of `train`: expected an int, found 2.5 (a float)"),
        ({"data": DIGITS, "epochs": 0}, "E0402", "epochs", "`epochs` of `train` must be at least 1, found 0"),
        ({"data": DIGITS, "optimizer": DIGITS}, "E0401", "optimizer", "expected an optimizer, found digits (a data set)"),
        ({"data": DIGITS, "optimizer": None}, "E0401", "optimizer", "expected an optimizer, found none"),
        ({"data": DIGITS, "augment": ["shift"]}, "E0401", "augment", 'expected an augmentation, found "shift" (a string)'),
        ({"data": DIGITS, "precision": "fp8"}, "E0402", "precision", 'expected fp32 or bf16 or fp16, found "fp8"'),
        ({"data": DIGITS, "clip": 0}, "E0402", "clip", "must be more than 0"),
    ],
)
def test_mistakes(values: dict[str, Any], code: str, argument: str | None, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        Recipe.create(values)
    assert (caught.value.diagnostic.code, caught.value.diagnostic.argument) == (code, argument)
    assert message in caught.value.diagnostic.message


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


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("step", {"at": (3, 7), "multiplier": 0.5}, [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]),
        ("step", {"at": (3,), "warmup": 2}, [0, 0.5, 1, 0.1, 0.1]),
        ("exponential", {"multiplier": 0.9}, [0.9**n for n in range(10)]),
        ("exponential", {"multiplier": 0.5, "warmup": 2}, [0, 0.5, 1, 0.5, 0.25]),
        ("poly", {}, [(1 - n / 10) ** 0.9 for n in range(11)]),
        ("poly", {"power": 2, "final": 0.5}, [0.5 + 0.5 * (1 - n / 10) ** 2 for n in range(11)]),
        ("inverse", {}, [1 / (1 + n) for n in range(10)]),
        ("inverse", {"decay": 3, "power": 0.5}, [(1 + 3 * n) ** -0.5 for n in range(10)]),
        ("cosine", {"restart": 4}, [1, 0.85355, 0.5, 0.14645, 1, 0.85355, 0.5, 0.14645, 1, 0.85355]),
        ("cosine", {"restart": 2, "longer": 2}, [1, 0.5, 1, 0.85355, 0.5, 0.14645, 1]),
        ("cosine", {"restart": 2, "warmup": 1, "final": 0.1}, [0, 1, 0.55, 1, 0.55]),
    ],
)
def test_schedules_epoch_by_epoch(name: str, arguments: dict[str, Any], expected: list[float]) -> None:
    schedule = call(Schedule, name, **arguments)
    assert [schedule.factor(float(epoch), 10) for epoch in range(len(expected))] == pytest.approx(expected, abs=1e-5)


def test_warmup_in_steps() -> None:
    schedule = call(Schedule, "constant", warmup_steps=30)
    assert [schedule.factor(epoch, 10, 20) for epoch in (0.25, 0.75, 1.5, 2)] == pytest.approx([1 / 6, 0.5, 1, 1])


def test_plateau_reduces_by_the_history() -> None:
    schedule = call(Schedule, "plateau", epochs=2, multiplier=0.1)
    history = [3.0, 2.0, 2.5, 2.5, 2.5, 2.5, 1.0, 1.0, 1.0, 1.0]
    found = [schedule.reduction(history[:n]) for n in range(len(history) + 1)]
    assert found == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001])
    assert call(Schedule, "plateau", epochs=1, metric="f1").reduction([0.5, 0.6, 0.7]) == 1
    assert call(Schedule, "plateau", epochs=1, lowest=0.05).reduction([1.0] * 9) == 0.05


def test_patience_with_a_metric_that_rises() -> None:
    patience = call(Stopping, "patience", epochs=2, metric="iou")
    assert not patience.stops([0.1, 0.2, 0.15])
    assert patience.stops([0.1, 0.2, 0.15, 0.2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schedule = step(30)", "`step(at = [30])` cuts the rate once, and `step(every = 30)` every 30 epochs"),
        ("schedule = step()", "give the epochs of the cuts, `at = [30, 60]`, or `every = 30`"),
        ("schedule = step([60, 30])", "the epochs in `at` increase, and [60, 30] do not"),
        ("schedule = cosine(warmup = 1, warmup_steps = 9)", "give one of them"),
        ("optimizer = lbfgs(lr = 1)", "there is no optimizer `lbfgs`"),
        ("optimizer = NAdam(0.1)", "there is no optimizer `NAdam`"),
        ("metrics = [f2]", "`metrics` has no `f2`"),
        ("best = f3", "`best` has no `f3`"),
        ("ema = 1", "`ema` of `train` must be less than 1.0"),
        ("weights = r18.pth", "there is no weights source `r18.pth`"),
        ("clip = 0", "must be more than 0"),
    ],
)
def test_mistakes_in_a_file(text: str, message: str) -> None:
    found = compile_text(f"network n {{ input v [4]; linear(3) }}\ntrain {{ data = digits; {text} }}").diagnostics
    assert len(found) == 1 and message in found[0].message
