"""Arguments that are plainly valid: what is recognized without pydantic is what pydantic gives."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from archdsl.fields import NOT_PLAIN, Parameter, judge
from archdsl.initializers import Initializer, Normal, Zeros
from archdsl.ops import Op
from archdsl.ops.activation import LeakyRelu, Relu
from archdsl.ops.normalization import BatchNorm
from archdsl.recipe import Recipe
from archdsl.recipe.augmentations import Augmentation, Shift
from archdsl.recipe.losses import Loss
from archdsl.recipe.optimizers import Optimizer
from archdsl.recipe.schedules import Schedule
from archdsl.registry import Registered

CLASSES: list[type[Registered]] = [*Op.registry, *Initializer.registry, *Optimizer.registry, *Loss.registry]
CLASSES += [*Schedule.registry, *Augmentation.registry, Recipe]
VALUES: list[Any] = [
    None, True, False, 0, 1, 2, 3, -1, -7, 10**6, 2**53, 2**70, 0.0, 0.5, 1.0, -0.5, 1e300, float("inf"), float("nan"),
    "", "same", "zeros", "reflect", "row", "nearest", "fan_in", "10min", (), (1,), (1, 2), (0.5, 0.75), (0, 1), (2.0, 1), (True,),
    ("a", "b"), ((1, 2), (3, 4)), [1, 2], {"a": 1}, range(3), range(2, 2), object(), Relu(), LeakyRelu(), BatchNorm(), Normal(),
    Zeros(), Shift(pixels=1),
]  # fmt: skip


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_plain_values_are_those_of_pydantic(cls: type[Registered]) -> None:
    """What is plainly valid, pydantic accepts, with the same value of the same type."""
    for name, parameter in cls.fields.items():
        alone = {name: parameter}
        for value in VALUES:
            found = parameter.plain(value)
            if found is NOT_PLAIN:
                continue
            judged = judge(cls, alone, {name: value})[name]
            assert type(judged) is type(found) and judged == found, (name, value)


def test_most_valid_values_are_plain() -> None:
    """Of what pydantic accepts, little has to be judged by it: infinite numbers, and integers that no float equals."""
    judged, plain = set(), 0
    for cls in CLASSES:
        for name, parameter in cls.fields.items():
            for value in VALUES:
                if parameter.plain(value) is not NOT_PLAIN:
                    plain += 1
                elif _accepted(cls, name, parameter, value):
                    judged.add(repr(value))
    assert plain > 1_500
    assert judged <= {repr(2**53), repr(2**70)}, judged


def _accepted(cls: type[Registered], name: str, parameter: Parameter, value: Any) -> bool:
    try:
        judge(cls, {name: parameter}, {name: value})
    except ValidationError:
        return False
    return True


def test_a_right_spec_needs_no_pydantic() -> None:
    """Checking the zoo imports none of it, and a wrong argument does."""
    code = (
        "import sys; from archdsl.driver import check_text\n"
        "right = 'network n { input image [3, 8, 8]; conv(4, 3, pad = 1, init = he) -> bn -> dropout(0.5); slice(0..2) }'\n"
        "assert not check_text(right, 'n.arch') and 'pydantic' not in sys.modules\n"
        "assert check_text(right.replace('pad = 1', 'pad = -1'), 'n.arch') and 'pydantic' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_instances_are_values() -> None:
    """They are equal by class and parameters, and do not change."""
    assert Normal(std=0.5) == Normal(std=0.5, mean=0) and hash(Normal(std=0.5)) == hash(Normal(std=0.5, mean=0.0))
    assert Normal(std=0.5) != Normal() and Relu() != LeakyRelu()
    assert Normal(std=0.5).given == {"std"} and Normal().replace(std=0.5).given == {"std"}
    with pytest.raises(AttributeError, match="does not change"):
        Normal().std = 2.0  # type: ignore[misc]
