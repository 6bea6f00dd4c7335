"""`archdsl train --dry-run`."""

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch import nn

from archdsl.cli import root
from archdsl.diagnostics import SpecError
from archdsl.recipe import Dataset, Optimizer, Recipe, Schedule
from archdsl.train import Experiment, Input
from archdsl.train.dry_run import dry_run

DIGITS = Dataset.registry.get("digits").create({})


def experiment(**keys: object) -> Experiment:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    return Experiment("net", module, Recipe.create({"data": DIGITS, "epochs": 4, "batch": 100, **keys}), (Input("x", (1, 8, 8)),))


def test_it_says_what_a_step_takes_and_changes_nothing() -> None:
    given = experiment(
        optimizer=Optimizer.registry.get("adam").create({"lr": 0.01}),
        freeze=["1"],
        schedule=Schedule.registry.get("step").create({"at": (2,)}),
    )
    before = {key: value.clone() for key, value in given.module.state_dict().items()}
    found = dry_run(given, accelerator="cpu")
    assert all(torch.equal(value, before[key]) for key, value in given.module.state_dict().items())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in given.module.parameters())
    assert found.rates == pytest.approx([0.01] * 30 + [0.001] * 30)
    assert (found.parameters, found.trained) == (64 * 32 + 32 + 330, 330)
    assert found.memory["parameters"] == 4 * found.parameters and found.memory["gradients"] == 4 * 330
    assert found.memory["optimizer"] == 2 * 4 * 330 + 2 * 4  # two means of each gradient, and a counter for each tensor
    assert found.memory["activations"] > 0 and 2 < found.loss < 3


def test_a_first_batch_that_is_not_finite() -> None:
    given = experiment()
    nn.init.constant_(given.module[3].weight, float("nan"))  # type: ignore[index, arg-type]
    with pytest.raises(SpecError, match="the loss of the first batch is not finite"):
        dry_run(given, accelerator="cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_there_is_not() -> None:
    with pytest.raises(SpecError, match="no CUDA device was found"):
        dry_run(experiment(), accelerator="cuda")


def test_the_command_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(root, ["train", "digits_resnet", "--dry-run", "--device", "cpu", "--set", "train.epochs=8"])
    assert result.exit_code == 0, result.output
    assert "learning rate over 8 epochs of 23 steps" in result.stdout
    assert (
        "      0.1 |" in result.stdout
        and "activations" in result.stdout
        and "78,084 of 78,084 parameters trained" in result.stdout
    )
    assert list(tmp_path.iterdir()) == []
    wrong = CliRunner().invoke(root, ["train", "digits_resnet", "--dry-run", "--set", "classes=9"])
    assert wrong.exit_code == 1 and "error[E0801]" in wrong.stderr
