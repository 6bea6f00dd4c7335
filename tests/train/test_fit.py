"""Whole runs: what they reach, what they write, and what they say when something does not fit."""

import csv
import io
import json
import signal
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from archdsl.diagnostics import SpecError
from archdsl.recipe import Augmentation, Dataset, Loss, Optimizer, Recipe, Schedule
from archdsl.registry import Registered
from archdsl.train import Experiment, Hardware, Input, Interrupted, Result, fit

CPU = Hardware("cpu")


def call(family: type[Registered], name: str, **arguments: Any) -> Any:
    entry = family.registry.get(name)
    assert entry is not None
    return entry.create(arguments)


DIGITS = call(Dataset, "digits")


class Outputs(NamedTuple):
    main: Tensor
    aux1: Tensor


class Basic(nn.Module):
    def __init__(self, channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        same = stride == 1 and channels == width
        shortcut = () if same else (nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))
        self.downsample = nn.Sequential(*shortcut)

    def forward(self, x: Tensor) -> Tensor:
        body = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(body + self.downsample(x))


class DigitsResnet(nn.Module):
    """The network of specs/digits_resnet.arch by hand."""

    def __init__(self, classes: int = 10, head_classes: int = 10) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.layer1, self.layer2, self.layer3 = Basic(16, 16), Basic(16, 32, 2), Basic(32, 64, 2)
        self.aux1, self.fc = nn.Linear(32, head_classes), nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Outputs | Tensor:
        x = self.layer2(self.layer1(torch.relu(self.bn1(self.conv1(x)))))
        main = self.fc(self.layer3(x).mean((2, 3)))
        assert isinstance(main, Tensor)
        return Outputs(main, self.aux1(x.mean((2, 3)))) if self.training else main


def residual(**changes: Any) -> Recipe:
    values = {
        "data": DIGITS,
        "epochs": 6,
        "optimizer": call(Optimizer, "sgd", lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4),
        "schedule": call(Schedule, "cosine", warmup=2),
        "loss": call(Loss, "cross_entropy", label_smoothing=0.1),
        "augment": [call(Augmentation, "shift", pixels=1), call(Augmentation, "rotate", degrees=10)],
    }
    return Recipe.create({**values, **changes})


def linear(folder: Path, outputs: int = 10, shape: tuple[int, ...] = (1, 8, 8), **values: Any) -> Result:
    """A run of a linear network with everything at its default, so that only mistakes take time."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), outputs))
    recipe = Recipe.create({"data": DIGITS, "epochs": 1, **values})
    return fit(Experiment("linear", module, recipe, (Input("x", shape),), root=folder), folder, hardware=CPU)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Result:
    torch.manual_seed(0)
    experiment = Experiment("digits_resnet", DigitsResnet(), residual(), (Input("image", (1, 8, 8)),), {"aux1": 0.3})
    return fit(experiment, tmp_path_factory.mktemp("run"), hardware=CPU)


def test_residual_network_reads_digits(run: Result) -> None:
    train, held_out = run.rows
    assert (train.split, train.examples, held_out.split, held_out.examples) == ("training", 1437, "validation", 360)
    assert held_out.accuracy is not None
    assert held_out.accuracy > 0.96
    assert run.epochs == 6
    assert run.images_per_second == pytest.approx(8622 / run.seconds)


def test_metrics_have_a_row_an_epoch(run: Result) -> None:
    rows = list(csv.DictReader((run.folder / "metrics.csv").read_text().splitlines()))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 7))
    last = rows[-1]
    assert float(last["val_accuracy"]) == pytest.approx(run.rows[1].accuracy, abs=1e-5)
    assert float(last["train_objective"]) > 1.2 * float(last["train_loss"])  # the head's share
    assert 0 < 10 * float(last["lr"]) < float(rows[0]["lr"]) < 0.1
    assert max(rows, key=lambda row: float(row["val_accuracy"]))["val_accuracy"] == f"{run.best_value:.6g}"


def test_weights_are_the_state_dict(run: Result) -> None:
    module = DigitsResnet()
    module.load_state_dict(load_file(run.folder / "weights.safetensors"))
    with safe_open(run.folder / "weights.safetensors", "pt") as file:
        assert json.loads(file.metadata()["archdsl"])["network"] == "digits_resnet"


def test_environment_says_how_to_repeat_it(run: Result) -> None:
    environment = json.loads((run.folder / "environment.json").read_text())
    assert environment["recipe"]["schedule"] == "cosine(warmup = 2.0)"
    assert environment["versions"]["torch"] == torch.__version__
    assert environment["normalization"]["mean"] == [pytest.approx(0.305, abs=0.001)]
    assert {"seed", "device", "threads", "platform"} <= environment.keys()


def test_checkpoints_load_without_executing(run: Result) -> None:
    for name in ("last", "best"):
        checkpoint = torch.load(run.folder / "checkpoints" / f"{name}.ckpt", weights_only=True)
        assert checkpoint["archdsl"]["network"] == "digits_resnet"
    names = {path.relative_to(run.folder).as_posix() for path in run.folder.rglob("*") if path.is_file()}
    assert names == {
        "metrics.csv", "environment.json", "weights.safetensors", "best.safetensors", "results.json", "checkpoints/last.ckpt",
        "checkpoints/best.ckpt",
    }  # fmt: skip


def test_a_line_for_each_epoch_without_a_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    linear(tmp_path, epochs=2)
    out, err = capfd.readouterr()
    assert out == ""
    assert [line.split("  ")[0] for line in err.splitlines()] == ["epoch 1/2", "epoch 2/2"]
    assert all(word in err for word in ("loss ", "val_loss ", "val_accuracy ", "lr "))


def test_progress_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    linear(tmp_path)
    assert "23/23" in terminal.getvalue()
    assert "accuracy=" in terminal.getvalue()


def test_half_precision_and_clipping(tmp_path: Path) -> None:
    assert linear(tmp_path, precision="bf16", clip=0.1).rows[1].loss < 2.4
    still = linear(tmp_path, clip=1e-12, optimizer=call(Optimizer, "sgd", lr=1.0)).rows
    assert still[1].loss > 2.2


def test_values_in_place_of_classes(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(60, 3))
    np.savez(tmp_path / "line.npz", x=x, y=x.sum(1))
    sgd = call(Optimizer, "sgd", lr=0.1)
    result = linear(tmp_path, 1, (3,), data="line.npz", loss=call(Loss, "mse"), optimizer=sgd, epochs=50)
    assert result.rows[1].loss < 0.1
    assert result.rows[1].accuracy is None


def test_two_classes_in_one_output(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(200, 3))
    np.savez(tmp_path / "sign.npz", x=x, y=(x[:, 0] > 0).astype(int))
    accuracy = linear(
        tmp_path, 1, (3,), data="sign.npz", loss=call(Loss, "bce"), optimizer=call(Optimizer, "sgd", lr=1.0), epochs=20
    )
    assert (accuracy.rows[1].accuracy or 0) > 0.9


MISTAKES: list[tuple[dict[str, Any], str, str | None, str, str]] = [
    ({"outputs": 5}, "E0801", "data", "the network has 5 outputs, and the data set has 10 classes",
     "the last layer as many outputs: `linear(10)`"),
    ({"outputs": 1, "loss": call(Loss, "bce")}, "E0801", "data", "the network has 1 output, and", "`linear(10)`"),
    ({"shape": (1, 6, 6)}, "E0803", "data", "examples of the data set are [1, 8, 8]", "`input image [1, 8, 8]`"),
    (
        {"data": call(Dataset, "iris"), "shape": (4,), "outputs": 3, "augment": call(Augmentation, "shift", pixels=1)},
        "E0801", "augment", "`shift` is for images, and the input is [4]", "`augment = []`",
    ),
    ({"data": "absent.npz"}, "E0802", "data", "absent.npz does not exist", "digits, iris"),
    (
        {"optimizer": call(Optimizer, "sgd", lr=1e9), "loss": call(Loss, "mse")},
        "E0804", "optimizer", "in epoch 1, step ", "lower the learning rate",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "code", "argument", "message", "help"), MISTAKES)
def test_mistakes(tmp_path: Path, arguments: Any, code: str, argument: str | None, message: str, help: str) -> None:
    with pytest.raises(SpecError) as caught:
        linear(tmp_path, **arguments)
    assert (caught.value.diagnostic.code, caught.value.diagnostic.argument) == (code, argument)
    assert message in caught.value.diagnostic.message
    assert help in (caught.value.diagnostic.help or "")


@pytest.mark.parametrize(
    ("parameters", "help"),
    [
        ({"width": 5, "classes": 5}, "give the network as many outputs: `classes = 10`"),
        ({"classes": 3, "num_classes": 5}, "give the network as many outputs: `num_classes = 10`"),
        ({"width": 5}, "give the last layer as many outputs: `linear(10)`"),
    ],
)
def test_the_remedy_names_no_parameter_that_is_not_there(tmp_path: Path, parameters: dict[str, int], help: str) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 5))
    with pytest.raises(SpecError) as caught:
        fit(
            Experiment("linear", module, residual(augment=[]), (Input("image", (1, 8, 8)),), parameters=parameters),
            tmp_path,
            hardware=CPU,
        )
    assert caught.value.diagnostic.help == help


def test_no_checkpoint_is_spoken_of_before_there_is_one(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        linear(tmp_path, optimizer=call(Optimizer, "sgd", lr=1e9), loss=call(Loss, "mse"))
    assert "in epoch 1" in caught.value.diagnostic.message and "checkpoint" not in (caught.value.diagnostic.help or "")
    assert not (tmp_path / "checkpoints" / "last.ckpt").exists()


def test_a_head_of_another_size(tmp_path: Path) -> None:
    experiment = Experiment(
        "digits_resnet", DigitsResnet(head_classes=7), residual(), (Input("image", (1, 8, 8)),), {"aux1": 0.3}
    )
    with pytest.raises(SpecError, match="the head `aux1` has 7 outputs, and the data set has 10 classes"):
        fit(experiment, tmp_path, hardware=CPU)


NUMBERED = np.arange(60) % 3


@pytest.mark.parametrize(
    ("labels", "values", "message", "help"),
    [
        (NUMBERED + 1, {}, "3 outputs, and the labels are 3 numbers from 1 to 3", "from 0: `y - 1`"),
        (NUMBERED + 1, {"outputs": 5}, "5 outputs, and the labels are 3 numbers from 1 to 3",
         "`y - 1`, and give the last layer as many"),
        (NUMBERED * 5, {}, "3 outputs, and the labels are 3 numbers from 0 to 10",
         "without gaps: `numpy.unique(y, return_inverse=True)[1]`"),
        (np.eye(3, dtype=int)[NUMBERED], {}, "a label is 3 numbers, all 0 but for one 1", "`y.argmax(1)`"),
        (np.eye(3)[NUMBERED], {}, "the labels are 3 floats, all 0 but for one 1", "`y.argmax(1)`"),
        (NUMBERED.astype(float), {}, "`cross_entropy` takes classes, and the labels are floats", "`y.astype(int)`"),
        (NUMBERED[:, None], {}, "a label is [1]", "`y[:, 0]`"),
        (NUMBERED, {"outputs": 1, "loss": call(Loss, "mse")}, "1 output, and the data set has 3 classes", "`y.astype(float)`"),
        (np.ones((60, 3), int), {"loss": call(Loss, "bce")}, "a label is 3 whole numbers", "`y.astype(float)`"),
        (np.ones((60, 3), int), {}, "a label is 3 whole numbers, each 0 or 1", "`y.astype(float)`, and write `loss = bce`"),
        (np.ones((60, 4), int), {}, "a label is 4 whole numbers, each 0 or 1",
         "`loss = bce`, and give the last layer as many outputs: `linear(4)`"),
        (np.ones((60, 3), int) * 7, {}, "a label is 3 whole numbers, each the number of a class",
         "`y.astype(float)`, and write `loss = mse`"),
        (np.ones((60, 3)), {}, "the labels are 3 floats, each 0 or 1", "for several classes at once write `loss = bce`"),
        (np.linspace(0, 1, 60), {"loss": call(Loss, "mse")}, "gives [3] for one example, and a label is one value",
         "`linear(1)`"),
        (NUMBERED * 1.0, {"loss": call(Loss, "mse")}, "a label is one value", "`linear(1)`; for classes"),
        (np.ones((60, 2)), {"loss": call(Loss, "mse")}, "a label is 2 values", "`linear(2)`"),
        (NUMBERED * 1.0, {"outputs": 1, "loss": call(Loss, "bce")}, "`bce`: expected labels from 0 to 1, found 2",
         "`loss = mse`"),
        (np.ones((60, 8, 8)), {"loss": call(Loss, "mse")}, "a label is 64 values", "a map of [8, 8]: `conv(1, 1)` in place of"),
        (np.arange(3840).reshape(60, 8, 8) % 3, {}, "a label is [8, 8], a class for each pixel, and the network gives [3]",
         "`conv(3, 1)` in place"),
    ],
)  # fmt: skip
def test_labels_of_another_form(tmp_path: Path, labels: Any, values: dict[str, Any], message: str, help: str) -> None:
    np.savez(tmp_path / "d.npz", x=np.random.default_rng(0).normal(size=(60, 4)), y=labels)
    with pytest.raises(SpecError) as caught:
        linear(tmp_path, shape=(4,), data="d.npz", **{"outputs": 3, **values})
    assert (
        caught.value.diagnostic.code == "E0801"
        and message in caught.value.diagnostic.message
        and help in (caught.value.diagnostic.help or "")
    )


@pytest.mark.parametrize(
    ("shape", "help"),
    [
        ((60, 1, 8, 8), "save the labels as `y[:, 0]`"),
        ((60, 6, 6), "labels of the size [8, 8]"),
        ((60,), "`gap; flatten` for one label"),
    ],
)
def test_masks_of_another_shape(tmp_path: Path, shape: tuple[int, ...], help: str) -> None:
    np.savez(tmp_path / "d.npz", x=np.ones((60, 8, 8)), y=np.arange(np.prod(shape)).reshape(shape) % 3)
    recipe = Recipe.create({"data": "d.npz", "epochs": 1})
    with pytest.raises(SpecError) as caught:
        fit(Experiment("map", nn.Conv2d(1, 3, 1), recipe, (Input("image", (1, 8, 8)),), root=tmp_path), tmp_path, hardware=CPU)
    assert caught.value.diagnostic.code == "E0801" and help in (caught.value.diagnostic.help or "")


def test_fractions_need_a_loss_for_values(tmp_path: Path) -> None:
    np.savez(tmp_path / "line.npz", x=np.zeros((10, 3)), y=np.linspace(0, 1, 10))
    with pytest.raises(SpecError, match="`cross_entropy` takes classes, and the labels are fractions") as caught:
        linear(tmp_path, 1, (3,), data="line.npz")
    assert caught.value.diagnostic.help == "write `loss = mse`"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is such a device")
def test_a_device_that_is_not_there(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    with pytest.raises(SpecError, match="cannot train on `cuda`: no CUDA device was found") as caught:
        fit(Experiment("linear", module, residual(augment=[]), (Input("image", (1, 8, 8)),)), tmp_path, hardware=Hardware("cuda"))
    assert (caught.value.diagnostic.code, caught.value.diagnostic.help) == ("E0805", "train without it: `--device cpu`")


def test_a_full_disk_keeps_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def save(content: Any, file: Any) -> None:
        if content.get("epoch") == 1:
            file.write(b"some of it")
            raise OSError(28, "No space left on device")
        real(content, file)

    real = torch.save
    monkeypatch.setattr(torch, "save", save)
    with pytest.raises(
        SpecError, match=r"cannot write .*last.ckpt: No space left on device; the earlier one is intact"
    ) as caught:
        linear(tmp_path, epochs=3)
    assert caught.value.diagnostic.code == "E0902"
    assert torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)["epoch"] == 0
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]


def test_a_second_signal_stops_at_once(tmp_path: Path) -> None:
    class Stubborn(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            if self.training and len(x) > 2:
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
                raise AssertionError("went on")
            return super().forward(x)  # type: ignore[no-any-return]

    module = Stubborn(nn.Flatten(), nn.Linear(64, 10))
    with pytest.raises(Interrupted) as stopped:
        fit(Experiment("stubborn", module, residual(augment=[]), (Input("image", (1, 8, 8)),)), tmp_path, hardware=CPU)
    assert stopped.value.exit_code == 130


def test_a_new_run_replaces_an_earlier_one(tmp_path: Path) -> None:
    linear(tmp_path, epochs=2)
    linear(tmp_path, epochs=1)
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 2


def test_the_generator_of_the_caller_is_left_alone(tmp_path: Path) -> None:
    torch.manual_seed(0)
    expected = torch.random.get_rng_state()
    recipe = Recipe.create({"data": DIGITS, "epochs": 1})
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    torch.manual_seed(0)
    fit(Experiment("linear", module, recipe, (Input("image", (1, 8, 8)),)), tmp_path, hardware=CPU)
    assert torch.equal(torch.random.get_rng_state(), expected)
