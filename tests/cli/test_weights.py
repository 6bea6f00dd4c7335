"""`--weights`, in `check` and `train`."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from click.testing import Result

from archdsl import load

Cli = Callable[..., Result]


@pytest.fixture
def weights(small: Path, tmp_path: Path) -> Path:
    """Those of the small network."""
    path = tmp_path / "small.safetensors"
    safetensors.torch.save_file(load(small).build().state_dict(), path)
    return path


def test_check(cli: Cli, small: Path, weights: Path) -> None:
    result = cli("check", small, "--weights", weights)
    assert result.exit_code == 0 and result.stderr == ""
    assert result.stdout.splitlines()[-1] == "small.safetensors: 28 tensors fit `small`"
    assert json.loads(cli("check", small, "--weights", weights, "--format", "json").stdout)["weights"]["fits"] is True


def test_check_what_does_not_fit(cli: Cli, small: Path, weights: Path) -> None:
    arguments = ("check", small, "--set", "classes=5", "--weights", weights)
    result = cli(*arguments)
    assert result.exit_code == 1
    assert "error[E0905]" in result.stderr and "`fc.weight` is [5, 4], in the file [10, 4]" in result.stderr
    partly = cli(*arguments, "--weights-partial", "--format", "json")
    assert partly.exit_code == 0
    data = json.loads(partly.stdout)
    assert data["diagnostics"][0]["severity"] == "warning"
    assert {p["key"]: p["shape_in_file"] for p in data["weights"]["problems"]}["fc.weight"] == [10, 4]
    assert "::error" in cli(*arguments, "--format", "github").stdout


def test_wrong_command_lines(cli: Cli, small: Path, weights: Path) -> None:
    assert cli("check", small, "--weights-partial").exit_code == 2
    assert cli("check", small, "--weights", "none.pt").exit_code == 1


def test_fine_tuning(cli: Cli, small: Path, tmp_path: Path) -> None:
    """Train on ten classes, then on the first five: from that, all is taken but the last layers."""
    first = cli("train", small, "-o", "first", "--device", "cpu")
    assert first.exit_code == 0, first.stderr
    assert json.loads(Path("first/environment.json").read_text())["weights"] is None
    _five_digits(tmp_path / "five.npz")
    given = ("train", small, "--set", "classes=5", "--set", 'train.data="five.npz"', "-o", "second", "--device", "cpu")
    start = ("--weights", "first/weights.safetensors")
    refused = cli(*given, *start)
    assert refused.exit_code == 1 and "error[E0905]" in refused.stderr and not Path("second").exists()
    second = cli(*given, *start, "--weights-partial")
    assert second.exit_code == 0, second.stderr
    assert "24 of the network's 28 tensors are loaded; 4 have another shape; the rest stays" in second.stderr
    digest = hashlib.sha256(Path("first/weights.safetensors").read_bytes()).hexdigest()
    recorded = {"file": "weights.safetensors", "sha256": digest, "partial": True}
    assert json.loads(Path("second/environment.json").read_text())["weights"] == recorded
    longer = cli(*given, "--set", "train.epochs=2", "--resume")
    assert longer.exit_code == 0, longer.stderr
    assert json.loads(Path("second/environment.json").read_text())["weights"] == recorded


def _five_digits(path: Path) -> None:
    import numpy
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images, labels = images[labels < 5].reshape(-1, 1, 8, 8).astype("float32"), labels[labels < 5]
    numpy.savez(path, x_train=images[:400], y_train=labels[:400], x_test=images[400:500], y_test=labels[400:500])


def test_training_starts_from_them(cli: Cli, small: Path, tmp_path: Path) -> None:
    """With a learning rate of next to nothing, the weights that come out are those that went in."""
    state = {k: torch.rand(v.shape) + 0.5 if v.is_floating_point() else v for k, v in load(small).build().state_dict().items()}
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}}, tmp_path / "w.pth")
    settings = ("--set", "train.optimizer=sgd(lr = 1e-12)")
    result = cli("train", small, *settings, "--weights", "w.pth", "-o", "run", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert "w.pth: 28 tensors loaded into `small`\n  taken from `state_dict` in the file" in result.stderr
    trained = safetensors.torch.load_file("run/weights.safetensors")
    assert all(torch.allclose(trained[key], state[key]) for key in state if key.endswith(("weight", "bias")))


def test_a_checkpoint_of_a_run(cli: Cli, small: Path) -> None:
    """Its other tensors, such as the data's mean, are no part of the network."""
    assert cli("train", small, "-o", "run", "--device", "cpu").exit_code == 0
    result = cli("check", small, "--weights", "run/checkpoints/last.ckpt")
    assert result.exit_code == 0, result.stderr
    assert "the prefix `module.` taken off; without it, and left aside: `preparation." in result.stdout


def test_numbers_that_are_not_finite(cli: Cli, small: Path) -> None:
    state = load(small).build().state_dict()
    state["stem.0.weight"][0] = math.inf
    safetensors.torch.save_file(state, "spoiled.safetensors")
    result = cli("check", small, "--weights", "spoiled.safetensors", "--format", "json")
    problems = json.loads(result.stdout)["weights"]["problems"]
    assert result.exit_code == 1 and [(p["key"], p["not_finite"], p["reason"]) for p in problems] == [
        ("stem.0.weight", 9, "values")
    ]
    refused = cli("train", small, "--weights", "spoiled.safetensors")
    assert refused.exit_code == 1 and "error[E0905]" in refused.stderr and not Path("runs").exists()
    assert "`stem.0.weight` has 9 numbers in the file that are NaN" in refused.stderr
    taken = cli("check", small, "--weights", "spoiled.safetensors", "--weights-partial")
    assert taken.exit_code == 0 and "warning[E0905]" in taken.stderr
