"""Where metrics go besides metrics.csv."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import archdsl

NET = (
    "network net(classes: int = 10) { input image [1, 8, 8]; flatten; fc: linear(classes) }\ntrain { data = digits; "
    "epochs = 2; batch = 256; seed = 3 }"
)


def test_tensorboard_has_metrics_hyperparameters_and_the_diagram(tmp_path: Path) -> None:
    archdsl.loads(NET, **{"train.log": archdsl.Expression("[tensorboard]")}).fit(tmp_path / "run", device="cpu")
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    rows = list(csv.DictReader((tmp_path / "run" / "metrics.csv").read_text().splitlines()))
    for name in ("train_loss", "val_loss", "val_accuracy", "lr"):
        logged = events.Scalars(name)
        assert [event.step for event in logged] == [1, 2]
        assert [event.value for event in logged] == pytest.approx([float(row[name]) for row in rows], rel=1e-5)
    (picture,) = events.Images("diagram")
    assert picture.width > 50 and picture.encoded_image_string.startswith(b"\x89PNG")
    assert "_hparams_/session_start_info" in events.summary_metadata
    written = (tmp_path / "run" / "tensorboard" / "hparams.yaml").read_text()
    assert "network: net" in written and "seed: '3'" in written


def test_a_logger_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "wandb", None)
    with pytest.raises(archdsl.SpecError, match=r"`log = \[wandb\]` needs `wandb`, which is not installed") as caught:
        archdsl.loads(NET, **{"train.log": archdsl.Expression("[wandb]")}).fit(tmp_path / "run", device="cpu")
    assert caught.value.diagnostics[0].code == "E0608" and "pip install 'archdsl[wandb]'" in str(caught.value)
    assert not (tmp_path / "run").exists()
