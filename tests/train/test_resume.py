"""An interrupted and resumed run ends with the weights of an uninterrupted one, to the bit."""

import os
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

import archdsl
from archdsl.diagnostics import SpecError
from archdsl.recipe import Augmentation, Optimizer, Recipe, Regularizer, Schedule, Stopping, UnfreezeRule
from archdsl.recipe.datasets import Digits
from archdsl.train import Experiment, Hardware, Input, Interrupted, Result, fit
from archdsl.train.checkpoint_files import read_checkpoint

STEPS = 12  # in an epoch: 1437 examples in batches of 128

CPU = Hardware("cpu")


class Net(nn.Module):
    """Small, with the two things that are hard to resume: running statistics and dropout."""

    def __init__(self, kill: tuple[int, int] | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.3))
        self.head = nn.Linear(144, 10)
        self.kill, self.calls = kill, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """In the training step of that number, the signal arrives."""
        self.calls += self.training and len(x) > 2  # not where fit tries the shapes
        if self.kill and self.training and len(x) > 2 and self.calls == self.kill[0]:
            signal.raise_signal(self.kill[1])
        return self.head(self.body(x))


def recipe(**changes: object) -> Recipe:
    values = {
        "data": Digits(),
        "epochs": 3,
        "batch": 128,
        "optimizer": Optimizer.registry.get("adam").create({"lr": 0.01}),
        "augment": [Augmentation.registry.get(name).create(arguments) for name, arguments in AUGMENT],
        "regularize": [Regularizer.registry.get("l1").create({"weight": 1e-5})],
    }
    return Recipe.create({**values, **changes})


AUGMENT = [("shift", {"pixels": 1}), ("noise", {"std": 0.1}), ("rotate", {"degrees": 10.0})]


def run(folder: Path, kill: tuple[int, int] | None = None, *, resume: bool = False, **changes: object) -> Result:
    experiment = Experiment("net", Net(kill), recipe(**changes), (Input("image", (1, 8, 8)),))
    return fit(experiment, folder, resume=resume, hardware=CPU)


def metrics(folder: Path) -> list[str]:
    """metrics.csv without the seconds."""
    return [line.rpartition(",")[0] for line in (folder / "metrics.csv").read_text().splitlines()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    run(folder)
    return folder


def same(one: Path, other: Path) -> bool:
    weights, others = (load_file(folder / "weights.safetensors") for folder in (one, other))
    return weights.keys() == others.keys() and all(torch.equal(weights[key], others[key]) for key in weights)


@pytest.mark.parametrize("step", [1, 5, STEPS, STEPS + 1, 2 * STEPS - 1, 2 * STEPS, 3 * STEPS])
def test_resumed_run_equals_whole_run(tmp_path: Path, whole: Path, step: int) -> None:
    with pytest.raises(Interrupted, match=r"stopped by Ctrl-C .*; resume with --resume") as stopped:
        run(tmp_path, (step, signal.SIGINT))
    assert stopped.value.exit_code == 130
    result = run(tmp_path, resume=True)
    assert same(tmp_path, whole)
    assert metrics(tmp_path) == metrics(whole)
    assert result.epochs == 3


def test_interrupted_twice_in_one_epoch(tmp_path: Path, whole: Path) -> None:
    for kill in ((STEPS + 2, signal.SIGTERM), (4, signal.SIGINT)):
        with pytest.raises(Interrupted) as stopped:
            run(tmp_path, kill, resume=kill[0] == 4)
        assert stopped.value.exit_code == 128 + kill[1]
    run(tmp_path, resume=True)
    assert same(tmp_path, whole)
    assert metrics(tmp_path) == metrics(whole)


def test_finished_run_resumes_to_more_epochs(tmp_path: Path) -> None:
    run(tmp_path, epochs=1)
    assert run(tmp_path, resume=True, epochs=1).epochs == 1
    assert run(tmp_path, resume=True, epochs=2).epochs == 2
    assert len(metrics(tmp_path)) == 3


def test_two_runs_are_the_same_and_seeds_differ(tmp_path: Path, whole: Path) -> None:
    run(tmp_path / "again")
    run(tmp_path / "other", seed=1)
    files = [folder / "weights.safetensors" for folder in (tmp_path / "again", whole)]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert not same(tmp_path / "other", whole)


def test_early_stop_survives_resuming(tmp_path: Path) -> None:
    stop = Stopping.registry.get("patience").create({"epochs": 1, "least": 100.0})
    assert run(tmp_path, epochs=9, early_stop=stop).epochs == 2
    assert run(tmp_path, resume=True, epochs=9, early_stop=stop).epochs == 2


def test_signal_handlers_are_put_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    run(tmp_path, epochs=1)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_another_recipe_is_not_resumed(tmp_path: Path) -> None:
    run(tmp_path, epochs=1)
    with pytest.raises(SpecError, match="`batch` was 128 in the run to resume, and is 64") as caught:
        run(tmp_path, resume=True, batch=64)
    assert (caught.value.diagnostic.code, caught.value.diagnostic.argument) == ("E0903", "batch")


def test_another_network_is_not_resumed(tmp_path: Path) -> None:
    run(tmp_path, epochs=1)
    other = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    with pytest.raises(SpecError, match="of another network: `net`") as caught:
        fit(Experiment("other", other, recipe(epochs=1), (Input("image", (1, 8, 8)),)), tmp_path, resume=True, hardware=CPU)
    assert caught.value.diagnostic.code == "E0903"


class Payload:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('executed')",)


@pytest.mark.parametrize("kind", ["none", "garbage", "cut", "payload", "foreign"])
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "checkpoints" / "last.ckpt"
    path.parent.mkdir()
    if kind in ("garbage", "cut"):
        torch.save({"weights": torch.zeros(1000)}, path)
        path.write_bytes(path.read_bytes()[:700] if kind == "cut" else b"\x80nonsense")
    elif kind != "none":
        torch.save({"weights": Payload()} if kind == "payload" else {"state_dict": {}}, path)
    with pytest.raises(SpecError) as caught:
        run(tmp_path, resume=True)
    assert caught.value.diagnostic.code == "E0903"
    assert "without --resume" in (caught.value.diagnostic.help or "")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that can go on after its first epoch."""
    folder = tmp_path_factory.mktemp("stopped")
    run(folder, epochs=1)
    return folder


GONE = object()
TAMPERED: list[tuple[str, Any]] = [
    *((part, GONE) for part in (
        "state_dict", "callbacks", "optimizer_states", "lr_schedulers", "loops", "pytorch-lightning_version", "epoch",
        "global_step", "archdsl",
        "callbacks/Recorder", "callbacks/Recorder/history", "callbacks/Recorder/history/0/val_loss", "loops/fit_loop",
        "loops/fit_loop/epoch_loop.batch_progress", "loops/fit_loop/epoch_progress/current/completed",
        "state_dict/module.head.bias",
        "state_dict/preparation.normalizers.0.mean", "optimizer_states/0", "optimizer_states/0/param_groups/0/lr",
        "optimizer_states/0/state/1/exp_avg",
        "sums", "archdsl/recipe", "archdsl/recipe/batch")),
    *((part, value) for part in ("state_dict", "callbacks", "optimizer_states", "lr_schedulers", "loops",
                                 "archdsl") for value in (None, "x", {})),
    ("pytorch-lightning_version", 2), ("pytorch-lightning_version", "x"), ("pytorch-lightning_version", "1.0.0"),
    ("pytorch-lightning_version", "9.9.9"), ("global_step", 13), ("global_step", "12"), ("epoch", None),
    ("callbacks/Recorder/history", []), ("callbacks/Recorder/history", [7]), ("callbacks/Recorder/history/0/epoch", 2),
    ("callbacks/Recorder/history/0/val_accuracy", "x"), ("state_dict/module.head.bias", torch.zeros(3)),
    ("state_dict/module.head.bias", 1.0),
    ("sums", torch.zeros(2)), ("optimizer_states/0/state/1/exp_avg", None),
    ("optimizer_states/0/state/1/exp_avg", torch.zeros(3)),
    ("optimizer_states/0/param_groups", []), ("optimizer_states/0/param_groups/0/betas", 7),
    ("optimizer_states/0/param_groups/0/foreach", torch.zeros(2)),
    ("lr_schedulers", [{}]), ("loops/fit_loop/epoch_progress/current/completed", 7),
    ("loops/fit_loop/epoch_progress/total/ready", "x"), ("archdsl/recipe/seed", torch.zeros(2)),
]  # fmt: skip


@pytest.mark.parametrize(("place", "value"), TAMPERED)
def test_a_checkpoint_that_is_not_whole_is_refused(tmp_path: Path, stopped: Path, place: str, value: Any) -> None:
    path = tmp_path / "checkpoints" / "last.ckpt"
    path.parent.mkdir()
    checkpoint = torch.load(stopped / "checkpoints" / "last.ckpt", weights_only=True)
    *above, last = (int(part) if part.isdecimal() else part for part in place.split("/"))
    part = checkpoint
    for name in above:
        part = part[name]
    if value is GONE:
        del part[last]
    else:
        part[last] = value
    torch.save(checkpoint, path)
    if (place, value) == ("pytorch-lightning_version", "9.9.9"):  # of which all is as it should be
        with pytest.warns(UserWarning, match="newer than your current"):
            assert run(tmp_path, resume=True, epochs=2).epochs == 2
        return
    with pytest.raises(SpecError) as caught:
        run(tmp_path, resume=True, epochs=2)
    assert caught.value.diagnostic.code == "E0903" and caught.value.diagnostic.help
    assert str(path) in caught.value.diagnostic.message or caught.value.diagnostic.argument in ("batch", "seed")


def test_a_flipped_bit_in_a_checkpoint_is_found(tmp_path: Path, stopped: Path) -> None:
    path, random = tmp_path / "checkpoints" / "last.ckpt", Random(4)
    path.parent.mkdir()
    whole = (stopped / "checkpoints" / "last.ckpt").read_bytes()
    before = torch.load(stopped / "checkpoints" / "last.ckpt", weights_only=True)
    for at in random.sample(range(len(whole)), 150):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << random.randrange(8)]) + whole[at + 1 :])
        try:
            found = read_checkpoint(path)
        except SpecError as error:
            assert error.diagnostic.code == "E0903" and str(path) in error.diagnostic.message and error.diagnostic.help
        else:  # a byte that means nothing, such as of padding
            assert all(torch.equal(found["state_dict"][key], value) for key, value in before["state_dict"].items())


def test_no_advice_to_execute_what_is_in_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "last.ckpt"
    path.parent.mkdir()
    torch.save({"weights": Payload()}, path)
    with pytest.raises(SpecError, match="holds the Python object `exec`, which archdsl does not load") as caught:
        run(tmp_path, resume=True)
    assert "weights_only" not in caught.value.diagnostic.message


PARTS = {
    "accumulate": 5, "ema": 0.9, "freeze": ["body"], "unfreeze": [UnfreezeRule.registry.get("at").create({"epoch": 2})],
    "decay": "weights",
    "schedule": Schedule.registry.get("plateau").create({"epochs": 1, "least": 9.0, "multiplier": 0.5}),
}  # fmt: skip


@pytest.mark.parametrize("step", [3, 5, STEPS - 1, STEPS + 7, 2 * STEPS + 1])
def test_parts_averages_and_accumulated_gradients_go_on(tmp_path: Path, step: int) -> None:
    """Twelve batches in windows of five: a run stops after a whole window, or at the end of the epoch."""
    run(tmp_path / "whole", **PARTS)
    with pytest.raises(Interrupted):
        run(tmp_path / "parts", (step, signal.SIGINT), **PARTS)
    run(tmp_path / "parts", resume=True, **PARTS)
    assert same(tmp_path / "parts", tmp_path / "whole")
    assert metrics(tmp_path / "parts") == metrics(tmp_path / "whole")


def test_checkpoints_by_time(tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that goes on by a second whenever it is read: at each step, and twice at the end of an epoch."""

    class Dies(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            output = super().forward(x)
            if self.calls == STEPS + 8:
                raise MemoryError
            return output

    clock = SimpleNamespace(monotonic=count(0.0).__next__)
    monkeypatch.setattr("archdsl.train.recorder.time", clock)
    experiment = Experiment("net", Dies(), recipe(checkpoint_every="5s"), (Input("image", (1, 8, 8)),))
    with pytest.raises(MemoryError):
        fit(experiment, tmp_path, hardware=CPU)
    assert STEPS < read_checkpoint(tmp_path / "checkpoints" / "last.ckpt")["global_step"] < STEPS + 7
    run(tmp_path, resume=True)
    assert same(tmp_path, whole)
    assert metrics(tmp_path) == metrics(whole)


KILLED = """
import os, signal, sys
from lightning.pytorch import Callback
import archdsl

class Kill(Callback):
    def __init__(self, step):
        self.step = step
    def on_train_batch_end(self, trainer, *others):
        if trainer.global_step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)

network = archdsl.load("net.arch")
for step in map(int, sys.argv[1:]):
    child = os.fork()
    if not child:
        network.fit("killed", resume=True, device="cpu", callbacks=[Kill(step)])
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
network.fit("killed", resume=True, device="cpu")
"""


@pytest.mark.exhaustive
def test_killed_with_workers_and_augmentation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    for number in range(30):
        folder = tmp_path / "images" / "abc"[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (*rng.integers(14, 24, 2), 3), dtype=np.uint8)).save(folder / f"{number}.png")
    (tmp_path / "net.arch").write_text(
        """network net(classes: int = 3) {
          input image [3, 12, 12]
          conv(4, 3) -> bn -> relu -> gap -> flatten -> dropout(0.3) -> linear(classes)
        }
        train {
          data = "images"; epochs = 3; batch = 5; workers = 1; transform = [resize(14), center_crop(12)]
          augment = [random_resized_crop(12), flip, color_jitter, mixup(0.2)]; checkpoint_every = "0.001s"
        }"""
    )
    monkeypatch.chdir(tmp_path)
    archdsl.load("net.arch").fit("whole", device="cpu")
    program = [sys.executable, "-c", KILLED, "2", "5", "11"]  # of 15 steps: twice within an epoch, and after one
    ended = subprocess.run(program, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    assert same(tmp_path / "killed", tmp_path / "whole")
    assert metrics(tmp_path / "killed") == metrics(tmp_path / "whole")
