"""Each initialization is a function of `torch.nn.init`, and runs with the arguments it names."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import init

from archdsl.declared import Fault
from archdsl.initializers import Initializer
from archdsl.ops import Op

GIVEN: dict[str, list[dict[str, Any]]] = {
    "he": [
        {},
        {"mode": "fan_out", "distribution": "uniform"},
        {"nonlinearity": "leaky_relu", "slope": 0.2},
        {"nonlinearity": "linear"},
    ],
    "xavier": [{}, {"gain": 2.0, "distribution": "normal"}],
    "normal": [{}, {"std": 0.01, "mean": 1.0}],
    "trunc_normal": [{}, {"std": 0.02, "low": -0.04, "high": 0.04}],
    "uniform": [{}, {"low": -0.1, "high": 0.1}],
    "orthogonal": [{}, {"gain": 2.0}],
    "constant": [{"value": 0.5}],
    "ones": [{}],
    "zeros": [{}],
}


@pytest.mark.parametrize("cls", list(Initializer.registry), ids=lambda cls: cls.name)
def test_runs(cls: type[Initializer]) -> None:
    """It fills a weight with numbers; `matrix` says exactly which refuse a weight of one axis."""
    for arguments in GIVEN[cls.name]:
        rule = cls.create(arguments)
        fill = getattr(init, rule.function)
        weight = torch.full((6, 4, 3, 3), torch.nan)
        fill(weight, **rule.arguments())
        assert weight.isfinite().all()
        try:
            fill(torch.zeros(6), **rule.arguments())
        except ValueError:
            assert rule.matrix
        else:
            assert not rule.matrix


@pytest.mark.parametrize("name", ["uniform", "trunc_normal"])
def test_bounds_in_order(name: str) -> None:
    """The least value is not above the greatest."""
    cls = Initializer.registry.get(name)
    assert cls is not None
    with pytest.raises(Fault) as caught:
        cls.create({"low": 3.0, "high": 1.0})
    assert caught.value.code == "E0402"


def test_normalizations_refuse_what_cannot_fill_them() -> None:
    """A weight of one axis has no fans, and without `affine` there is no weight."""
    he, zeros = (Initializer.registry.get(name) for name in ("he", "zeros"))
    bn = Op.registry.get("bn")
    assert he is not None and zeros is not None and bn is not None
    for arguments in ({"init": he.create({})}, {"init": zeros.create({}), "affine": False}):
        with pytest.raises(Fault) as caught:
            bn.create(arguments)
        assert caught.value.code == "E0402"
    assert bn.create({"init": zeros.create({})}).own_shift and not bn.create({"affine": False}).own_shift
