"""Each initialization is a function of `torch.nn.init`, and runs with the arguments it names."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import init

from archdsl.diagnostics import SpecError
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
    with pytest.raises(SpecError) as caught:
        cls.create({"low": 3.0, "high": 1.0})
    assert caught.value.diagnostic.code == "E0402"


def test_normalizations_refuse_what_cannot_fill_them() -> None:
    """A weight of one axis has no fans, and without `affine` there is no weight."""
    he, zeros = (Initializer.registry.get(name) for name in ("he", "zeros"))
    bn = Op.registry.get("bn")
    assert he is not None and zeros is not None and bn is not None
    for arguments in ({"init": he.create({})}, {"init": zeros.create({}), "affine": False}):
        with pytest.raises(SpecError) as caught:
            bn.create(arguments)
        assert caught.value.diagnostic.code == "E0402"
    assert bn.create({"init": zeros.create({})}).learned and not bn.create({"affine": False}).learned


def trunc_normal(**arguments: float) -> Initializer:
    cls = Initializer.registry.get("trunc_normal")
    assert cls is not None
    return cls.create(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"std": 0.001, "mean": 100.0},
        {"std": 0.001, "mean": -2.1},
        {"std": 1.0, "mean": 0.0, "low": 1.9, "high": 1e6},
        {"std": 0.02, "mean": 2.02},
        {"std": 1e-3, "mean": 1e8 + 4, "low": 1e8 + 3.9999, "high": 1e8 + 4.0001},
        {"std": 1e-50, "mean": 0.0},
    ],
    ids=str,
)
def test_truncated_normal_refuses_what_hardly_any_draw_meets(arguments: dict[str, float]) -> None:
    """PyTorch would draw again and again."""
    with pytest.raises(SpecError) as caught:
        trunc_normal(**arguments)
    assert caught.value.diagnostic.code == "E0402"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "arguments",
    [
        {"low": 2.0, "high": 8.0},
        {"low": -8.0, "high": -2.0},
        {"low": 0.52, "high": 1e30},
        {"low": 0.53, "high": 6.53},
        {"low": 0.1, "high": 0.1 + 1e-12},
        {"low": -1e30, "high": 1e30},
        {"std": 1e-30, "low": 1.9e-30, "high": 7e-30},
        {"std": 1e29, "low": 1.9e29, "high": 7e29},
        {"mean": 1e6 - 0.03, "low": 1e6 + 1.9, "high": 1e6 + 7.8},
        {"mean": 1e6, "low": 1e6 + 1.9, "high": 1e6 + 1.9001},
    ],
    ids=str,
)
def test_truncated_normal_ends_at_the_edge_of_what_it_takes(arguments: dict[str, float]) -> None:
    """The extremes take few rounds, and PyTorch does not warn of them."""
    rule = trunc_normal(**arguments)
    weight = torch.empty(10_000)
    init.trunc_normal_(weight, **rule.arguments())
    low, high = torch.tensor(rule.arguments()["a"]), torch.tensor(rule.arguments()["b"])
    assert ((weight >= low) & (weight <= high)).all()
