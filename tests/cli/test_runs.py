"""`archdsl runs`: the table, differences and curves of runs, from small folders that are written here and one real run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import Result

import archdsl
from archdsl.diagnostics import SpecError

Cli = Callable[..., Result]
SPEC = "network net(width = 4) {\n  input image [1, 8, 8]\n  conv(width, 3) -> relu -> gap -> flatten -> linear(10)\n}\n"


def write_run(folder: Path, spec: str = SPEC, epochs: int = 2, *, finished: bool = True, **settings: str) -> Path:
    """A run folder without weights."""
    (folder / "spec").mkdir(parents=True)
    (folder / "spec" / "net.arch").write_text(spec)
    own = {key: value for key, value in settings.items() if key != "lr"}
    (folder / "run.json").write_text(json.dumps({"network": "net", "file": "net.arch", "settings": own}))
    recipe = {"epochs": epochs, "optimizer": f"sgd(lr = {settings.get('lr', '0.1')}, momentum = 0.9)", "augment": []}
    (folder / "environment.json").write_text(json.dumps({"recipe": recipe}))
    rows = "".join(f"{i},0.1,{2 / i},{0.4 * i},{1.5 / i},{0.45 * i},60.5\n" for i in range(1, epochs + 1))
    (folder / "metrics.csv").write_text("epoch,lr,train_loss,train_accuracy,val_loss,val_accuracy,seconds\n" + rows)
    if finished:
        (folder / "results.json").write_text(json.dumps({"best_metric": "accuracy"}))
    return folder


def test_the_table_of_all_runs(cli: Cli, tmp_path: Path) -> None:
    """Numbers in the order of the names, with what differs; a run of seeds is found below its folder."""
    write_run(tmp_path / "runs" / "net-2", lr="0.05")
    write_run(tmp_path / "runs" / "net-10", width="8", epochs=1, finished=False)
    write_run(tmp_path / "runs" / "five" / "seed-0")
    result = cli("runs")
    assert result.exit_code == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[0] for line in lines] == ["run", "runs/five/seed-0", "runs/net-2", "runs/net-10"]
    assert lines[2][1:5] == ["net", "90", "2,344", "2"] and "90.00%  accuracy, epoch 2" in result.stdout
    assert "0:02:01" in result.stdout and "train.optimizer.lr = 0.05" in result.stdout
    assert "not begun  width = 8, train.epochs = 1" in result.stdout
    found = json.loads(cli("runs", "--format", "json").stdout)
    assert [(run["status"], run["params"], run["epochs"]) for run in found][2] == ("not begun", 170, 1)
    assert found[0]["best"] == {"metric": "accuracy", "value": 0.9, "epoch": 2}


def test_two_runs_are_compared(cli: Cli, tmp_path: Path) -> None:
    """The lines of the specs that differ, without comments; and the curves, the same bytes each time."""
    one, two = write_run(tmp_path / "one"), write_run(tmp_path / "two", "# other\n" + SPEC.replace("relu", "gelu"))
    result = cli("runs", one, two, "--plot", "curves.svg")
    assert result.exit_code == 0, result.stderr
    assert "net.arch differs:\n  - conv(width, 3) -> relu" in result.stdout and "  + conv(width, 3) -> gelu" in result.stdout
    drawn = (tmp_path / "curves.svg").read_bytes()
    assert all(text in drawn for text in (b">loss<", b">accuracy<", b">one<", b">two<"))
    cli("runs", one, two, "--plot", "again.svg")
    assert (tmp_path / "again.svg").read_bytes() == drawn
    assert "the specs are the same" in cli("runs", one, one).stdout
    assert cli("runs", one, "--plot", "curves.png").exit_code == 0
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_real_run_can_be_read_and_built(cli: Cli, small: Path, tmp_path: Path) -> None:
    """The module gives what the network gives with the same weights, from the copy of the spec alone."""
    assert cli("train", small, "--set", "width=2", "--device", "cpu", "-o", "runs/a").exit_code == 0
    small.unlink()
    run = archdsl.run(tmp_path / "runs" / "a")
    assert run.record.status == "finished" and run.record.metrics.keys() >= {"loss", "accuracy"} and run.record.seconds > 0
    assert run.network().table().params == sum(p.numel() for p in run.build().parameters())
    image = torch.rand(2, 1, 8, 8)
    assert run.build("best")(image).equal(run.network().build(weights=run.weights("best")).eval()(image))
    assert [found.folder.name for found in archdsl.list_runs(tmp_path / "runs")] == ["a"]
    assert "width" in run.record.facts["settings"]


@pytest.mark.parametrize(("damage", "code", "said"), [
    (lambda run: shutil.rmtree(run), "E0601", "No such file"),
    (lambda run: (run / "run.json").unlink(), "E0601", "holds no run"),
    (lambda run: (run / "run.json").write_text("[1]"), "E0903", "it is no table"),
    (lambda run: (run / "run.json").write_text("{}"), "E0903", "it names no network"),
    (lambda run: (run / "metrics.csv").write_text("epoch,val_loss\n1,x\n"), "E0903", "no table of numbers"),
    (lambda run: (run / "environment.json").write_bytes(b"\xff"), "E0903", "it is no text"),
])  # fmt: skip
def test_what_is_no_run(cli: Cli, tmp_path: Path, damage: Callable[[Path], Any], code: str, said: str) -> None:
    """An error with the place, and no traceback; beside a run that can be read it is a warning."""
    run = write_run(tmp_path / "runs" / "a")
    damage(run)
    result = cli("runs", run)
    assert result.exit_code == 1 and code in result.stderr and said in result.stderr
    write_run(tmp_path / "runs" / "b")
    both = cli("runs", run, tmp_path / "runs" / "b")
    assert both.exit_code == (1 if said == "No such file" else 0) or said == "No such file", both.stderr


def test_what_a_run_does_not_have(cli: Cli, tmp_path: Path) -> None:
    """Weights before they are written, curves before the first epoch, and a format that does not exist."""
    run = write_run(tmp_path / "runs" / "a", epochs=0, finished=False)
    with pytest.raises(SpecError, match=r"has no weights\.safetensors"):
        archdsl.run(run).weights()
    assert cli("runs", "--plot", "c.svg").exit_code == 1 and not (tmp_path / "c.svg").exists()
    assert cli("runs", "--plot", "c.gif").exit_code == 2
    (run / "spec" / "net.arch").write_text("network net { input image [1, 8, 8]; nothing }")
    listed = cli("runs")
    assert listed.exit_code == 0 and listed.stdout.splitlines()[1].split()[:2] == ["runs/a", "net"]
    with pytest.raises(SpecError, match="nothing is called"):
        archdsl.run(run).network()
