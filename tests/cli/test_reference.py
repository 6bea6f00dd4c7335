"""The commands that show reference, and the help of all of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from archdsl import __version__
from archdsl.addresses import shipped_networks
from archdsl.cli import specs
from archdsl.cli.app import COMMANDS
from archdsl.diagnostics.codes.table import CODES
from archdsl.ops import Op

Cli = Callable[..., Result]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(cli: Cli, command: str) -> None:
    result = cli(command, "--help")
    assert result.exit_code == 0
    assert "archdsl " + command in result.stdout.split("Options:")[1]


def test_help_and_version(cli: Cli) -> None:
    assert all(line in cli("--help").stdout for line in COMMANDS.values())
    assert cli("-h").stdout == cli("--help").stdout
    assert cli("--version").stdout == f"archdsl {__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["chekc"], ["check"], ["check", "a", "b"], ["--nonsense"], ["check", "a", "--format", "xml"]]
)
def test_a_wrong_command_line(cli: Cli, arguments: list[str]) -> None:
    result = cli(*arguments)
    assert result.exit_code == 2 and "Error: " in result.stderr


def test_a_command_that_is_nearly_right(cli: Cli) -> None:
    assert "did you mean 'check'?" in cli("chekc").stderr


def test_ops(cli: Cli) -> None:
    result = cli("ops")
    assert result.exit_code == 0
    assert all(f"\n  {op.name} " in result.stdout for op in Op.registry)


@pytest.mark.parametrize("name", Op.registry.names())
def test_every_op_has_a_page(cli: Cli, name: str) -> None:
    result = cli("ops", name)
    assert result.exit_code == 0
    assert result.stdout.startswith(name)
    assert all(f"\n  {parameter} " in result.stdout for parameter in Op.registry.get(name).parameters_in_order())


def test_an_unknown_op(cli: Cli) -> None:
    result = cli("ops", "convv")
    assert result.exit_code == 2 and "did you mean 'conv'?" in result.stderr


def test_specs(cli: Cli) -> None:
    result = cli("specs")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    listed = [line[0] for line in lines[1:]]
    assert [name for name in shipped_networks() if name in listed] == listed and "unet" in listed
    assert set(shipped_networks()) - set(listed) == {
        "cifar_densenet", "cifar_preresnet", "cifar_resnet", "convnext", "convnext_v2", "deeplabv3", "deit",
        "densenet", "detr", "fcn", "fpn", "nas_bench_201", "preresnet", "regnet", "resdrop", "resnet", "retinanet", "seresnet",
        "shakeshake", "swin", "vgg", "vit", "yolov8",
    }  # fmt: skip
    assert ["resnet50", "25,557,032", "4,089,184,256", "[3,", "224,", "224]", "Residual"] in [line[:7] for line in lines]
    data = json.loads(cli("specs", "--format", "json").stdout)
    [found] = [entry for entry in data if entry["name"] == "resnet50"]
    assert found["file"] == "resnet.arch" and found["macs"] == 4_089_184_256 and found["depth"] == 50
    assert found["paper"] == "Residual networks: He et al. 2015, arXiv:1512.03385"


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained(cli: Cli, code: str) -> None:
    result = cli("explain", code.lower())
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{code}: {CODES[code].title}\n")


def test_codes(cli: Cli) -> None:
    assert len(cli("explain").stdout.splitlines()) == len(CODES)
    assert cli("explain", "E9999").exit_code == 2


def test_a_code_without_its_letter_is_every_one_of_the_number(cli: Cli) -> None:
    both = cli("explain", "301").stdout
    assert both.startswith("E0301: ") and "\nN0301: " in both
    assert cli("explain", "0301").stdout == both
    assert cli("explain", "e301").stdout == cli("explain", "E0301").stdout
    assert cli("explain", "30100").exit_code == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(cli: Cli, shell: str) -> None:
    result = cli("completion", shell)
    assert result.exit_code == 0 and "_ARCHDSL_COMPLETE" in result.stdout


def test_a_spec_that_was_changed_is_listed_as_it_is(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lenet.arch").write_text(
        "## Mine.\nnetwork lenet { input image [1, 8, 8]; conv(3, 3) }"
    )  # the index has another of that name
    monkeypatch.setattr(specs, "shipped_files", lambda: [tmp_path / "lenet.arch"])
    [listed] = json.loads(cli("specs", "--format", "json").stdout)
    assert (listed["name"], listed["params"], listed["about"]) == ("lenet", 30, "Mine.")
