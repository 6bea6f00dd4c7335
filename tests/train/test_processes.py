"""Several processes of one run, on the CPU: they give what one process gives with the same global batch, and end together."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import archdsl
from archdsl.train.checkpoint_files import read_checkpoint

TOLERANCE = 1e-5

NET = """
network shared(classes: int = 10) {
  input image [1, 8, 8]
  stem: conv(6, 3) -> bn -> relu
  body: conv(8, 3, stride = 2) -> bn -> relu
  aux(weight = 0.3) early: { gap; flatten; linear(classes) }
  flatten
  fc: linear(classes)
}

train {
  data = digits; epochs = 3; batch = 101; accumulate = 2
  optimizer = sgd(lr = 0.1); regularize = [l2(1e-4)]
  augment = [shift(1), noise(0.05)]
  freeze = [stem]; unfreeze = at(2, stem)
  ema = 0.9; sync_bn = true; metrics = [accuracy, top5, f1]
}
"""
STEPS = 8  # of the optimizer in an epoch: 1437 examples are 14 batches of 101 and one of 23

PROGRAM = """
import os, signal, sys
import archdsl
from archdsl.train import Interrupted
from lightning.pytorch import Callback

folder, what, rank, step, devices = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])

class Send(Callback):
    def on_train_batch_end(self, trainer, *others):
        if trainer.global_step == step and trainer.global_rank == rank:
            os.kill(os.getpid(), getattr(signal, what))

try:
    archdsl.load("shared.arch").fit(folder, resume=True, device="cpu", devices=devices, callbacks=[Send()])
except Interrupted as stopped:
    print(stopped, file=sys.stderr)
    sys.exit(stopped.exit_code)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the network, and the run of one process."""
    folder = tmp_path_factory.mktemp("processes")
    (folder / "shared.arch").write_text(NET)
    (folder / "program.py").write_text(PROGRAM)
    archdsl.load(folder / "shared.arch").fit(folder / "one", device="cpu")
    return folder


def execute(place: Path, *command: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_PORT")}
    ended = subprocess.run(
        [sys.executable, *command], cwd=place, env=kept | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == status, ended.stderr
    assert "Traceback" not in ended.stderr and "Warning" not in ended.stderr, ended.stderr
    return ended


def close(one: Path, other: Path) -> None:
    """The losses of each epoch, the metrics of each class, and the weights agree."""
    tables = [list(csv.DictReader((folder / "metrics.csv").read_text().splitlines())) for folder in (one, other)]
    assert len(tables[0]) == len(tables[1]) == 3
    for row, expected in zip(*tables, strict=True):
        assert {key: float(row[key]) for key in row if key != "seconds"} == pytest.approx(
            {key: float(expected[key]) for key in expected if key != "seconds"}, abs=TOLERANCE, rel=TOLERANCE
        )
    found, expected = (json.loads((folder / "results.json").read_text()) for folder in (one, other))
    for split in ("training", "validation"):
        assert found[split]["metrics"] == pytest.approx(expected[split]["metrics"], abs=TOLERANCE)
        assert found[split]["confusion"] == expected[split]["confusion"]
    for name in ("weights.safetensors", "best.safetensors"):
        weights, others = load_file(one / name), load_file(other / name)
        assert weights.keys() == others.keys()
        for key, value in weights.items():
            torch.testing.assert_close(value, others[key], atol=TOLERANCE, rtol=TOLERANCE)


def test_two_processes_train_as_one(place: Path) -> None:
    ended = execute(place, "-m", "archdsl", "train", "shared.arch", "-o", "two", "--device", "cpu", "--devices", "2")
    close(place / "two", place / "one")
    assert ended.stdout.count("results in two") == ended.stdout.count("validation") == 1
    assert [line.split()[1] for line in ended.stderr.splitlines() if line.startswith("epoch")] == ["1/3", "2/3", "3/3"]
    names = [{str(path.relative_to(folder)) for path in folder.rglob("*")} for folder in (place / "one", place / "two")]
    assert names[0] == names[1]


@pytest.mark.exhaustive
def test_under_torchrun(place: Path) -> None:
    torchrun = (
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        "-m",
        "archdsl",
        "train",
        "shared.arch",
        "--device",
        "cpu",
        "--devices",
        "2",
    )
    ended = execute(place, *torchrun, "-o", "torchrun")
    close(place / "torchrun", place / "one")
    assert ended.stdout.count("results in torchrun") == 1


def test_processes_that_are_started_together_need_one_folder(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(archdsl.SpecError, match="several processes train this network, and each would choose a folder") as caught:
        archdsl.load(place / "shared.arch").fit()
    assert caught.value.diagnostics[0].code == "E0606" and "-o runs/NAME" in str(caught.value)


@pytest.mark.exhaustive
def test_a_process_that_is_killed_ends_the_run(place: Path) -> None:
    ended = execute(place, "program.py", "killed", "SIGKILL", "1", str(STEPS + 3), "2", status=1)
    assert "error[E0808]: process 1 of the run was killed by SIGKILL" in ended.stderr
    checkpoint = read_checkpoint(place / "killed" / "checkpoints" / "last.ckpt")
    assert checkpoint["global_step"] == STEPS
    archdsl.load(place / "shared.arch").fit(place / "killed", resume=True, device="cpu")  # on one device
    close(place / "killed", place / "one")


@pytest.mark.exhaustive
def test_a_signal_to_one_process_stops_all(place: Path) -> None:
    ended = execute(place, "program.py", "stopped", "SIGTERM", "0", str(STEPS + 3), "2", status=128 + signal.SIGTERM)
    assert f"stopped by SIGTERM in epoch 2 after step {STEPS + 3}" in ended.stderr
    execute(place, "program.py", "stopped", "SIGTERM", "0", "0", "2")
    close(place / "stopped", place / "one")


def test_as_many_processes_as_devices(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would train alone, and write into the same folder."""
    for name, value in {"RANK": "1", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(archdsl.SpecError, match="4 processes were started for this run, and it has 1 device") as caught:
        archdsl.load(place / "shared.arch").fit(place / "alone", device="cpu")
    assert caught.value.diagnostics[0].help == "give their numbers: `--devices 2` `--nodes 2`"


def test_a_batch_has_an_example_for_each_process(place: Path) -> None:
    with pytest.raises(archdsl.SpecError, match="`batch` is 1, and 2 processes share each batch"):
        archdsl.load(place / "shared.arch", **{"train.batch": 1, "train.sync_bn": False}).fit(
            place / "few", device="cpu", devices=2
        )
