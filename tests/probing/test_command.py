"""`archdsl probe` as a user runs it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archdsl.cli import root
from tests.probing.networks import STACK

QUICK = ("--batch", "8", "--points", "8", "--samples", "2")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("stack.arch").write_text(STACK)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(root, ["probe", *arguments, *QUICK], prog_name="archdsl")


def test_the_table_and_all_files() -> None:
    result = run("stack.arch", "--vary", "normed=true", "--vary", "normed=false", "-o", "a.svg", "-o", "a.json", "-o", "a.csv")
    assert result.exit_code == 0, result.output
    assert "stack, normed=true: 8 standard normal inputs, seed 3" in result.stdout
    table = result.stdout.split("\n\n")[1].splitlines()
    assert table[0].split()[:4] == ["depth", "layer", "mean", "std"]
    assert len(table) == 6 and "3 residual blocks: paths of " in result.stdout
    data = json.loads(Path("a.json").read_text())
    assert [one["label"] for one in data] == ["stack, normed=true", "stack, normed=false"]
    rows = list(csv.DictReader(Path("a.csv").read_text().splitlines()))
    assert len(rows) == sum(len(one["layers"]) for one in data) == 27
    assert float(rows[0]["std"]) == data[0]["layers"][0]["std"] and rows[0]["dead"] == ""
    drawn = Path("a.svg").read_text()
    assert "stack, normed=false" in drawn and "correlation of neighbouring gradients" in drawn
    assert "written to a.svg" in result.stderr


def test_training_gives_two_probes(recwarn: pytest.WarningsRecorder) -> None:
    result = run("stack.arch", "--train", "2", "--format", "json")
    assert result.exit_code == 0, result.output
    assert [one["steps"] for one in json.loads(result.stdout)] == [0, 2]


def test_data_of_a_network_without_a_recipe() -> None:
    Path("bare.arch").write_text(STACK.partition("train {")[0])
    result = run("bare.arch", "--data", "digits", "--format", "json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)[0]["inputs"] == "training examples"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["stack.arch", "-o", "a.gif"], "-o writes svg, png, pdf, json, csv: name the file a.svg"),
        (["-", "stack.arch"], "standard input is read once"),
        ([], "Missing argument 'NETWORK...'"),
        (["stack.arch", "--train", "0"], "--train"),
    ],
)
def test_a_wrong_command_line(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2 and said in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["missing.arch"], "E0601"),
        (["stack.arch", "--set", "widht=3"], "E0607"),
        (["stack.arch", "-o", "stack.arch/a.svg"], "E0606"),
        (["stack.arch", "--data", "nowhere.npz"], "E0802"),
        (["stack.arch", "--set", "train.optimizer.lr=1e30", "--train", "8"], "E0804"),
    ],
)
def test_errors(arguments: list[str], code: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1 and f"error[{code}]" in result.stderr, result.stderr
    assert not list(Path().glob("*.svg"))
