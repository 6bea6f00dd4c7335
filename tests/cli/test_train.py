"""`archdsl train`: the run folder, what goes on and what is refused. What training itself does is in tests/train."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from PIL import Image

from archdsl import load
from archdsl.diagnostics import SpecError, codes
from archdsl.runs import RunFolder
from archdsl.training import snapshot

Cli = Callable[..., Result]


def test_a_run(cli: Cli, small: Path, tmp_path: Path) -> None:
    result = cli("train", small, "--set", "width=2", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert "training small in runs/small-1" in result.stderr
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[0] == ["examples", "loss", "accuracy"]
    assert rows[1][:2] == ["training", "1,437"] and rows[2][:2] == ["validation", "360"]
    assert "\n1 epoch in " in result.stdout and "results in runs/small-1" in result.stdout
    folder = tmp_path / "runs" / "small-1"
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert written == {
        "run.json", "model.py", "diagram.svg", "spec/small.arch", "metrics.csv", "environment.json", "weights.safetensors",
        "best.safetensors", "results.json",
        "checkpoints/last.ckpt", "checkpoints/best.ckpt", ".lock",
    }  # fmt: skip
    assert (folder / "spec" / "small.arch").read_text() == small.read_text()
    assert (folder / "model.py").read_text() == load(small, width=2).source()
    facts = json.loads((folder / "run.json").read_text())
    assert facts["network"] == "small" and facts["settings"] == {"width": "2"}
    _refused_resumed_and_numbered(cli, small, folder)


def _refused_resumed_and_numbered(cli: Cli, small: Path, folder: Path) -> None:
    before = (folder / "weights.safetensors").read_bytes()
    again = cli("train", small, "--set", "width=2", "-o", "runs/small-1")
    assert again.exit_code == 1 and "holds a run already" in again.stderr and "--resume" in again.stderr
    other = cli("train", small, "--set", "width=3", "--resume")
    assert other.exit_code == 1 and "error[E0903]" in other.stderr and "run.json" in other.stderr
    assert (folder / "weights.safetensors").read_bytes() == before
    longer = cli("train", small, "--set", "width=2", "--set", "train.epochs=2", "--resume", "--device", "cpu")
    assert longer.exit_code == 0, longer.stderr
    assert len((folder / "metrics.csv").read_text().splitlines()) == 3
    assert "nothing was left" not in longer.stderr
    ended = cli("train", small, "--set", "width=2", "--set", "train.epochs=2", "--resume", "--device", "cpu")
    assert ended.exit_code == 0 and "nothing to resume: the run ended after epoch 2" in ended.stderr
    second = cli("train", small, "--set", "width=1", "--device", "cpu")
    assert "results in runs/small-2" in second.stdout


def test_several_seeds(cli: Cli, small: Path, tmp_path: Path) -> None:
    result = cli("train", small, "--seeds", "3", "--set", "train.seed=4", "-o", "runs/seeds", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["loss", "accuracy"]
    assert [line[0] for line in lines[1:6]] == ["seed-4", "seed-5", "seed-6", "mean", "±"]
    losses = [float(line[1]) for line in lines[1:4]]
    assert len(set(losses)) == 3
    assert float(lines[4][1]) == pytest.approx(sum(losses) / 3, abs=1e-3)
    deviation = (sum((loss - sum(losses) / 3) ** 2 for loss in losses) / 2) ** 0.5
    assert float(lines[5][1]) == pytest.approx(4.3027 * deviation / 3**0.5, rel=0.05)  # Student's t with two degrees of freedom
    assert {path.name for path in (tmp_path / "runs" / "seeds").iterdir()} == {"seed-4", "seed-5", "seed-6"}


def test_imported_files_are_kept(cli: Cli, small: Path, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "blocks.arch").write_text('import "deeper.arch" as d\nblock unit(width) { d.inner(width) }')
    (tmp_path / "parts" / "deeper.arch").write_text("block inner(width) { conv(width, 3) -> relu }")
    body = "input image [1, 8, 8]; p.unit(2); gap; flatten; linear(10)"
    recipe = "train { data = digits; epochs = 1; batch = 512 }"
    (tmp_path / "net.arch").write_text(f'import "parts/blocks.arch" as p\nnetwork net {{ {body} }}\n{recipe}')
    result = cli("train", "net.arch", "-o", "a/b/run", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    kept = tmp_path / "a" / "b" / "run" / "spec"
    assert {str(path.relative_to(kept)) for path in kept.rglob("*.arch")} == {
        "net.arch",
        "parts/blocks.arch",
        "parts/deeper.arch",
    }
    assert cli("check", kept / "net.arch").exit_code == 0


@pytest.mark.parametrize(
    ("text", "settings", "code", "place"),
    [
        ("train {", ["train.data=digits2"], "E0201", "--set train.data:1:1"),
        ("train {", ["classes=9"], "E0801", "small.arch:"),
        ("train {", ['train.data="nowhere.npz"'], "E0802", "--set train.data:1:1"),
        ("[1, 8, 8]", ["train.augment=[shif(1)]"], "E0201", "--set train.augment:1:2"),
    ],
)
def test_what_cannot_be_trained_leaves_nothing(
    cli: Cli, small: Path, tmp_path: Path, text: str, settings: list[str], code: str, place: str
) -> None:
    assert text in small.read_text()
    result = cli("train", small, *(word for setting in settings for word in ("--set", setting)))
    assert result.exit_code == 1, result.stdout
    assert f"error[{code}]" in result.stderr and place in result.stderr
    assert os.listdir(tmp_path) == ["small.arch"]


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("network n { input image [1, 8, 8]; gap; flatten; linear(10) }", "has no recipe"),
    ],
)
def test_a_network_that_training_does_not_fit(cli: Cli, tmp_path: Path, spec: str, reason: str) -> None:
    (tmp_path / "n.arch").write_text(spec)
    result = cli("train", "n.arch")
    assert result.exit_code == 1 and "error[E0806]" in result.stderr and reason in result.stderr
    assert os.listdir(tmp_path) == ["n.arch"]


def test_resume_without_a_checkpoint_starts_the_run(cli: Cli, small: Path, tmp_path: Path) -> None:
    for arguments, folder in ((["--resume"], "runs/small-1"), (["-o", "runs/x", "--resume"], "runs/x")):
        result = cli("train", small, *arguments, "--device", "cpu")
        assert result.exit_code == 0, result.stderr
        assert f"results in {folder}" in result.stdout
    (tmp_path / "killed").mkdir()
    (tmp_path / "killed" / "run.json").write_text("{}")  # what a run leaves that was killed before its first checkpoint
    result = cli("train", small, "-o", "killed", "--resume", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert json.loads((tmp_path / "killed" / "run.json").read_text())["network"] == "small"


def test_a_folder_belongs_to_one_process(cli: Cli, small: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from archdsl.runs.lock import FolderLock; "
        "lock = FolderLock(Path('run')); lock.acquire(); print('held', flush=True); sys.stdin.read()"
    )
    (tmp_path / "run").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        refused = cli("train", small, "-o", "run", "--resume", "--device", "cpu")
        assert refused.exit_code == 1 and "error[E0606]: another process is training in run" in refused.stderr
        holder.kill()
    result = cli("train", small, "-o", "run", "--resume", "--device", "cpu")
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("run.json", b"[" * 100_000, "is damaged: it is not JSON"),
        ("run.json", b"\xff\xfe", "is damaged: it is not JSON"),
        ("run.json", b"[]", "is damaged: it is no table"),
        ("run.json", b'{"weights": 7}', "is damaged"),
        ("run.json", None, "is damaged: No such file"),
        ("model.py", b"\xff\xff", "is not the network that the run"),
        ("model.py", None, "is damaged: No such file"),
        ("checkpoints/last.ckpt", b"PK\3\4 nonsense", "is damaged"),
    ],
)
def test_a_run_folder_that_is_damaged(cli: Cli, small: Path, tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    folder = tmp_path / "run"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "last.ckpt").touch()
    (folder / "run.json").write_text("{}")
    (folder / "model.py").write_text(load(small).source())
    (folder / name).unlink() if content is None else (folder / name).write_bytes(content)
    result = cli("train", small, "-o", "run", "--resume")
    assert result.exit_code == 1 and "error[E0903]" in result.stderr and said in result.stderr and "help: " in result.stderr
    assert "run" in result.stderr.splitlines()[0 if "training" not in result.stderr else 1]


def test_a_folder_that_cannot_be_had(cli: Cli, small: Path, tmp_path: Path) -> None:
    for place in ("small.arch", "small.arch/run"):
        result = cli("train", small, "-o", place)
        assert result.exit_code == 1 and "error[E0606]" in result.stderr
    assert os.listdir(tmp_path) == ["small.arch"]


def test_runs_that_begin_together_get_folders_of_their_own(tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    network = load(small)
    first, second = (RunFolder(None, snapshot(network), resume=False) for _ in range(2))
    assert first.path == second.path
    with first, second:
        assert [folder.path.name for folder in (first, second)] == ["small-1", "small-2"]


def test_other_files_in_the_folder_stay(cli: Cli, small: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    assert cli("train", small, "-o", "run", "--set", "classes=9").exit_code == 1
    assert os.listdir(tmp_path / "run") == ["notes.txt"]


DENSE = """network dense {
  input image [1, 8, 8]
  e[0]: conv(2, 3)
  for i in 1..4 { e[i]: { concat { for j in 0..i { e[j] } }; conv(2, 3) -> bn -> relu } }
  gap; flatten; linear(10)
}
train { data = digits; epochs = 1; batch = 512 }
"""


def test_a_densely_connected_network_is_trained_and_drawn(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "dense.arch").write_text(DENSE)
    for detail in ("blocks", "full"):
        assert cli("render", "dense.arch", "-o", f"{detail}.svg", "--level", detail).exit_code == 0
    result = cli("train", "dense.arch", "--device", "cpu")
    assert result.exit_code == 0 and "warning" not in result.stderr, result.stderr
    assert (tmp_path / "runs" / "dense-1" / "diagram.svg").read_text().count("concat") >= 3


@pytest.mark.parametrize(
    ("mistake", "code", "message"),
    [
        (SpecError(codes.outputs.NoGraphviz("json", "none", "get one")), "E0901", "no Graphviz that can write json"),
        (ValueError("zip() argument 2 is longer"), "E0907", "drawing `small` ended with ValueError: zip() argument 2 is longer"),
        (RecursionError("too deep"), "E0907", "drawing `small` ended with RecursionError: too deep"),
        (MemoryError(), "E0907", "drawing `small` ended with MemoryError"),
    ],
)
def test_no_picture_stops_a_run(
    cli: Cli, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: Exception, code: str, message: str
) -> None:
    def mistaken(*arguments: object, **more: object) -> None:
        raise mistake

    monkeypatch.setattr("archdsl.backends.diagram.render", mistaken)
    result = cli("train", small, "-o", "run", "--device", "cpu")
    assert result.exit_code == 0
    assert f"warning[{code}]: {message}" in result.stderr and "= the run goes on without a diagram" in result.stderr
    assert (tmp_path / "run" / "weights.safetensors").exists() and not (tmp_path / "run" / "diagram.svg").exists()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.exhaustive)]
)
def test_a_stopped_run_says_how_to_go_on(small: Path, tmp_path: Path, number: signal.Signals, status: int) -> None:
    given = ["--set", "train.epochs=500", "--limit", "nodes=5000", "--device", "cpu"]
    command = [sys.executable, "-m", "archdsl", "train", str(small), *given]
    environment = dict(os.environ) | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        last = tmp_path / "runs" / "small-1" / "checkpoints" / "last.ckpt"
        started = time.monotonic()
        while not last.exists() and time.monotonic() - started < 300:
            time.sleep(0.1)
        running.send_signal(number)
        shown, said = running.communicate(timeout=300)
    assert (running.returncode, shown) == (status, ""), said
    assert "Traceback" not in said
    found = re.search(r"^  archdsl (train .* --resume)$", said, re.MULTILINE)
    assert found is not None and " ".join(given) in found[1]


@pytest.mark.parametrize(
    ("given", "setting"),
    [
        (["--epochs", "3"], "--set train.epochs=3"),
        (["--lr=0.1"], "--set train.optimizer.lr=0.1"),
        (["--batch-size", "32"], "--set train.batch=32"),
        (["--learning-rate"], "--set train.optimizer.lr=..."),
    ],
)
def test_a_key_of_the_recipe_is_no_option(cli: Cli, small: Path, given: list[str], setting: str) -> None:
    result = cli("train", small, *given)
    assert result.exit_code == 2 and f"it is a key of the recipe, {setting}" in result.stderr
    assert "No such option" in cli("train", small, "--nonsense").stderr


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        (["--gpu", "0"], "write --device cuda"),
        (["--gpus", "2"], "write --devices N"),
        (["--pretrained"], "write --weights FILE"),
        (["--amp"], "--set train.precision=..."),
        (["--class-weights", "balanced"], "--set train.loss.weights=balanced"),
        (["--fast-dev-run"], "write --dry-run"),
    ],
)
def test_options_of_other_programs(cli: Cli, small: Path, given: list[str], remedy: str) -> None:
    result = cli("train", small, *given)
    assert result.exit_code == 2 and remedy in result.stderr


def test_the_folder_to_resume_is_the_output(cli: Cli, small: Path, tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "run.json").write_text("{}")
    result = cli("train", small, "--resume", "first")
    assert result.exit_code == 2 and "--resume takes no folder: write -o first --resume" in result.stderr


def test_a_run_is_not_written_into_its_data(cli: Cli, small: Path, tmp_path: Path) -> None:
    for name, shade in (("a", 0), ("b", 200)):
        for number in range(5):
            (tmp_path / "tiles" / name).mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8), shade + number).save(tmp_path / "tiles" / name / f"{number}.png")
    result = cli("train", small, "--set", "train.data=./tiles", "--set", "classes=2", "-o", "tiles", "--device", "cpu")
    assert result.exit_code == 1 and "error[E0606]: tiles is the folder of the data" in result.stderr
    assert sorted(path.name for path in (tmp_path / "tiles").iterdir()) == ["a", "b"]


def test_labels_are_looked_for_before_pytorch_is(cli: Cli, tmp_path: Path) -> None:
    """In a file of several networks, too, if the command line names them."""
    result = cli("train", "resnet18", "--set", "train.data=digits", "--set", "train.freeze=backbone")
    assert result.exit_code == 1 and result.stderr.count("E0807") == 1 and "error[E0807]" in result.stderr


def test_a_recipe_starts_from_weights(cli: Cli, small: Path, tmp_path: Path) -> None:
    assert cli("train", small, "-o", "first", "--device", "cpu").exit_code == 0
    text = small.read_text().replace("train {", 'train { weights = "first/weights.safetensors";')
    small.write_text(text)
    result = cli("train", small, "-o", "second", "--device", "cpu")
    assert result.exit_code == 0 and "tensors loaded into `small`" in result.stderr
    misfit = cli("train", small, "-o", "third", "--set", "width=3")
    assert misfit.exit_code == 1 and "error[E0905]" in misfit.stderr and not (tmp_path / "third").exists()
    absent = cli("train", small, "-o", "third", "--set", "train.weights=nowhere.pth")
    assert absent.exit_code == 1 and "error[E0601]" in absent.stderr


def test_a_project_may_move_before_its_run_is_resumed(cli: Cli, small: Path, tmp_path: Path) -> None:
    assert cli("train", small, "-o", "run", "--device", "cpu").exit_code == 0
    (tmp_path / "elsewhere").mkdir()
    moved = small.rename(tmp_path / "elsewhere" / "small.arch")
    (tmp_path / "run").rename(tmp_path / "elsewhere" / "run")
    resumed = cli("train", moved, "-o", "elsewhere/run", "--device", "cpu", "--set", "train.epochs=2", "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert "epoch 2/2" in resumed.stderr


def test_a_run_at_another_size(cli: Cli, small: Path, tmp_path: Path) -> None:
    small.write_text(small.read_text().replace("[1, 8, 8]", "[3, 32, 32]\n  expect macs == 1"))
    assert cli("train", small, "-o", "run").exit_code == 1
    small.write_text(small.read_text().replace("expect macs == 1", "expect x.shape == [3, 32, 32]"))
    result = cli("train", small, "--size", "1x8x8", "-o", "run", "--device", "cpu")
    assert result.exit_code == 0 and "note[N0303]" in result.stderr
    assert json.loads((tmp_path / "run" / "run.json").read_text())["sizes"] == ["1x8x8"]
    other = cli("train", small, "--size", "1x8x9", "-o", "run", "--resume")
    assert other.exit_code == 1
    again = cli("train", small, "--size", "image=1x8x8", "-o", "run", "--resume", "--device", "cpu")
    assert again.exit_code == 0 and "nothing to resume" in again.stderr
