"""What a shell is offered, asked as a shell asks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import Result

from archdsl.addresses import shipped_networks
from archdsl.cli import completions
from archdsl.cli import root as command_line
from archdsl.cli.recipe_completions import recipe_completions
from archdsl.diagnostics.codes.table import CODES
from archdsl.limits import Limits
from archdsl.ops import Op
from archdsl.recipe import Recipe
from archdsl.recipe.optimizers import AdamW, Sgd

Ask = Callable[..., list[str]]
BREAKS = re.compile(r"[ =:]")
"""Where bash begins a word, of those signs that occur here outside of quotes."""
SEVERAL = """
import "parts.arch" as parts
block unit(k) { relu }
network base(classes: int = 10, width = 4, depth = 2) { input image [1, 8, 8]; unit(1) }
network wide = base(width = 64)
network first = base(5)
network other = parts.tiny(rate = 0.1)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "several.arch").write_text(SEVERAL)
    (tmp_path / "parts.arch").write_text(
        "network tiny(rate = 0.5, size = 3) { input image [1, 8, 8]; dropout(rate); conv(size, 3) }"
    )
    (tmp_path / "damaged.arch").write_text("network a { input image [3")
    (tmp_path / ".hidden.arch").touch()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "inner.arch").touch()
    return tmp_path


@pytest.fixture
def ask(folder: Path) -> Ask:
    """`ask("archdsl check res")`: the values that bash is offered for the last word; those for all else go by their type."""

    def run(line: str, shell: str = "bash", *, here: Path = folder) -> list[str]:
        words = line.split(" ")
        word = line.rpartition('"')[2] if line.count('"') % 2 else BREAKS.split(line)[-1]
        asked = {"bash": {"COMP_LINE": line, "COMP_WORD": word},
                 "zsh": {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)},
                 "fish": {"COMP_WORDS": line, "COMP_CWORD": words[-1]}}[shell]  # fmt: skip
        code = (
            "import sys; from archdsl.cli import main; status = main([]);"
            "assert not {'torch', 'numpy', 'safetensors', 'networkx', 'archdsl.backends'} & set(sys.modules); sys.exit(status)"
        )
        environment = dict(os.environ) | asked | {"_ARCHDSL_COMPLETE": f"{shell}_complete"}
        shown = subprocess.run(
            [sys.executable, "-c", code], cwd=here, env=environment, capture_output=True, text=True, timeout=300
        )
        assert (shown.returncode, shown.stderr) == (0, ""), shown.stderr
        return shown.stdout.splitlines()

    return run


def plain(lines: list[str]) -> list[str]:
    return [line.removeprefix("plain,") for line in lines if line.startswith("plain,")]


def test_networks_and_files(ask: Ask) -> None:
    offered = ask("archdsl check ")
    assert set(plain(offered)) <= {*shipped_networks(), "several.arch", "parts.arch", "damaged.arch"}
    assert {"resnet50", "several.arch", "unet"} <= set(plain(offered)) and "dir," in offered
    assert plain(ask("archdsl render --level full sub/i")) == ["sub/inner.arch"]
    assert "resnet50" in plain(ask("archdsl new mine --from resnet"))


def test_networks_in_a_file(ask: Ask) -> None:
    assert plain(ask("archdsl compile several.arch:")) == ["base", "wide", "first", "other"]  # what bash takes for the word
    assert plain(ask("archdsl train several.arch:wi")) == ["wide"]
    assert "resnet50" in plain(ask("archdsl check resnet:resnet5"))


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("several.arch:base --set ", ["classes=", "width=", "depth="]),
        ("several.arch:wide --set ", ["classes=", "depth="]),
        ("several.arch:first --set=", ["width=", "depth="]),
        ("several.arch:other --set ", ["size="]),
        ("--set classes=5 several.arch:base --set wi", ["width="]),
        ("several.arch --set ", []),
        ("damaged.arch --set ", []),
        ("nowhere.arch --set ", []),
        ("- --set ", []),
    ],
)  # fmt: skip
def test_parameters(folder: Path, monkeypatch: pytest.MonkeyPatch, line: str, names: list[str]) -> None:
    monkeypatch.chdir(folder)
    keys = [f"train.{key}=" for key in Recipe.parameters_in_order()] if line.endswith((" ", "=")) else []
    *words, incomplete = ["train", *line.split(" ")]
    offered = ShellComplete(command_line, {}, "archdsl", "_ARCHDSL_COMPLETE").get_completions(words, incomplete)
    assert [item.value for item in offered] == [*names, *keys]


def test_parameters_in_bash(ask: Ask) -> None:
    assert plain(ask("archdsl train several.arch:wide --set d")) == ["depth="]
    assert plain(ask("archdsl train several.arch --set train.optimizer=adamw")) == ["adamw"]  # what bash takes for the word
    assert plain(ask("archdsl train several.arch --set=train.sampler=b")) == ["balanced"]
    assert plain(ask('archdsl train several.arch --set "train.augment=[flip, cutm')) == ["train.augment=[flip, cutmix"]


@pytest.mark.parametrize(
    ("begun", "offered"),
    [
        ("train.opt", ["train.optimizer="]),
        ("train.optimizer=ada", ["adam", "adamw", "adamax", "adagrad", "adadelta", "adafactor"]),
        ("train.optimizer=sgd(", [f"sgd({name}=" for name in Sgd.fields]),
        ("train.optimizer=sgd(0.1,n", ["sgd(0.1,nesterov="]),
        ("train.optimizer=sgd(nesterov=", ["sgd(nesterov=false", "sgd(nesterov=true"]),
        ("train.optimizer=sgd(0.1)", []),
        ("train.optimizer=sgd)", []),
        ("train.augment=[flip(p = 0.2), cutm", ["[flip(p = 0.2), cutmix"]),
        ("train.precision=", ["bf16", "fp16", "fp32"]),
        ("train.early_stop.p", []),
        ("train.optimizer.", [f"train.optimizer.{name}=" for name in AdamW.fields]),
        ("train.optimizer.amsgrad=t", ["true"]),
        ("train.optimizer.nothing=", []),
        ("train.nothing=", []),
        ("optimizer=", []),
        ("train.ema=", ["none"]),
        ("train.epochs=", []),
        ("train.(=", []),
    ],
)
def test_recipes(begun: str, offered: list[str]) -> None:
    key = begun.partition("=")[0] + "=" if "=" in begun else ""
    assert [text.removeprefix(key) for text, _ in recipe_completions(begun, ())] == offered


def test_parameters_of_what_the_recipe_of_a_file_says(folder: Path) -> None:
    file = folder / "recipe.arch"
    recipe = "train { data = digits; optimizer = sgd(0.1); augment = [cutmix, flip] }"
    file.write_text(f"network a {{ input image [1, 8, 8]; relu }}\n{recipe}\n")
    for path, parameter in {"train.optimizer.m": "omentum", "train.augment[1].a": "xis"}.items():
        assert [item.value for item in completions.settings(str(file), path)] == [f"{path}{parameter}="]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("fmt ", {"several.arch", "parts.arch", "damaged.arch", ""}),
        ("lint parts.arch sub/", {"sub/inner.arch", "sub/"}),
        ("lint --select n", {"N0301", "N0302", "N0303"}),
        ("fmt --r", {"--range"}),
        ("check net.arch --wa", {"--warn", "--watch"}),
        ("check net.arch --format s", {"sarif"}),
    ],
)
def test_files_and_options(folder: Path, monkeypatch: pytest.MonkeyPatch, line: str, offered: set[str]) -> None:
    monkeypatch.chdir(folder)
    *words, incomplete = line.split(" ")
    found = ShellComplete(command_line, {}, "archdsl", "_ARCHDSL_COMPLETE").get_completions(words, incomplete)
    assert {item.value for item in found} == offered


@pytest.mark.parametrize("option", ["--deny", "--warn", "--allow"])
def test_codes_of_warnings_and_notes(ask: Ask, option: str) -> None:
    assert plain(ask(f"archdsl check lenet {option} n")) == ["N0301", "N0302", "N0303"]
    assert {code[0] for code in plain(ask(f"archdsl check lenet {option} "))} == {"N", "W"}


def test_names_from_tables(ask: Ask) -> None:
    assert plain(ask("archdsl ops ")) == Op.registry.names()
    assert plain(ask("archdsl explain e06")) == [code for code in CODES if code.startswith("E06")]
    assert plain(ask("archdsl check lenet --limit ")) == [f"{name}=" for name in Limits._fields]


def test_zsh_and_fish(ask: Ask) -> None:
    assert ask("archdsl ops maxpool_t", "zsh")[:2] == ["plain", "maxpool_to"]
    assert ask("archdsl ops maxpool_t", "fish")[0].startswith("plain")
    assert "several.arch:wide" in ask("archdsl check several.arch:w", "zsh")


@pytest.mark.parametrize(("shell", "said"), [("bash", "complete -o nosort"), ("zsh", "compdef"), ("fish", "complete --no-files")])
def test_scripts(cli: Callable[..., Result], shell: str, said: str) -> None:
    shown = cli("completion", shell)
    assert shown.exit_code == 0 and said in shown.stdout and f"_ARCHDSL_COMPLETE={shell}_complete" in shown.stdout
    if shutil.which(shell) is not None:
        assert subprocess.run([shell, "-n"], input=shown.stdout, text=True, timeout=60).returncode == 0


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_itself(folder: Path) -> None:
    (folder / "archdsl").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m archdsl "$@"\n')
    (folder / "archdsl").chmod(0o755)
    tried = (
        'try() { COMP_LINE="$1" COMP_POINT=${#1}; COMPREPLY=(); _archdsl_completion archdsl "$2" "$3"; echo "${COMPREPLY[*]}"; }'
    )
    lines = [
        'eval "$(archdsl completion bash)"',
        tried,
        'try "archdsl check several.arch:w" w :',
        'try "archdsl check su" su check',
        'try "archdsl train several.arch --set train.sampler=b" b =',
    ]
    environment = dict(os.environ) | {"PATH": f"{folder}:{os.environ['PATH']}"}
    command = ["bash", "--norc", "-c", "\n".join(lines)]
    shown = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert (shown.stdout, shown.stderr) == ("wide\nsub/\nbalanced\n", "")
