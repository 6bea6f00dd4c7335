"""`archdsl check`: errors, the table, and both as data."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Cli = Callable[..., Result]


def test_the_table(cli: Cli, small: Path, golden: Callable[[Path, str], None]) -> None:
    result = cli("check", small)
    assert (result.exit_code, result.stderr) == (0, "")
    golden(Path(__file__).parent / "golden" / "table.txt", result.stdout)


def test_columns_stand_under_one_another(cli: Cli) -> None:
    lines = cli("check", "resnet50").stdout.splitlines()
    table = lines[: lines.index("")]
    assert len({len(line) for line in table if line.endswith(tuple("0123456789"))}) <= 2  # with and without MACs
    column = table[0].index("output")
    assert all(line[column] == "[" and line[column - 1] == " " for line in table[1:])


def test_settings(cli: Cli, small: Path) -> None:
    assert "linear(3)" in cli("check", small, "--set", "classes=3").stdout
    result = cli("check", small, "--set", "classes=3", "--set", "train.epochs=7", "--set", "width = 2 * 4")
    assert result.exit_code == 0 and "conv(8, 3" in result.stdout


@pytest.mark.parametrize("setting", ["classes", "=3", "classes=", "1x=3", "a.b.c=1", "", "classes 3"])
def test_a_setting_that_is_none_is_a_wrong_command_line(cli: Cli, small: Path, setting: str) -> None:
    result = cli("check", small, "--set", setting)
    assert result.exit_code == 2
    assert "is not NAME=VALUE" in result.stderr


@pytest.mark.parametrize("setting", ["clases=3", "train.epoch=3", "classes=[", "classes=1.5", "train.epochs=-1"])
def test_a_setting_that_does_not_apply_is_an_error(cli: Cli, small: Path, setting: str) -> None:
    result = cli("check", small, "--set", setting)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error[E")


def test_errors_go_to_standard_error(cli: Cli, small: Path) -> None:
    small.write_text(small.read_text().replace("-> relu }", "-> rellu }"))
    result = cli("check", small)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "error[E0201]" in result.stderr and "did you mean `relu`?" in result.stderr and "^^^^^" in result.stderr


def test_json(cli: Cli, small: Path) -> None:
    result = cli("check", small, "--format", "json")
    assert (result.exit_code, result.stderr) == (0, "")
    data = json.loads(result.stdout)
    assert set(data) == {"diagnostics", "network", "table", "totals", "sizes"}
    assert data["network"] == "small" and data["diagnostics"] == []
    assert data["totals"] == {"params": 600, "params_eval": 550, "macs": 29992, "depth": 5}
    row = next(row for row in data["table"] if row["name"] == "stage0.0")
    assert row == {
        "name": "stage0.0", "op": "conv(4, 3, bias = false)", "shape": [4, 8, 8], "params": 144, "macs": 9216,
        "head": False, "unused": False, "times": 3,
    }  # fmt: skip


def test_json_of_errors(cli: Cli) -> None:
    result = cli("check", "-", "--format", "json", input="network n {\n  input image [3, 8, 8]\n  convv(3, 3)\n}\n")
    assert (result.exit_code, result.stderr) == (1, "")
    data = json.loads(result.stdout)
    assert (data["network"], data["table"], data["totals"]) == (None, [], None)
    [found] = data["diagnostics"]
    assert found["code"] == "E0201" and found["place"]["file"] == "<stdin>" and found["place"]["line"] == 3


def test_github(cli: Cli) -> None:
    result = cli("check", "-", "--format", "github", input="network n {\n  input image [3, 8, 8]\n  convv(3, 3)\n}\n")
    assert result.exit_code == 1
    assert result.stdout.startswith("::error file=<stdin>,line=3,col=3,")


def test_symbolic_sizes(cli: Cli) -> None:
    result = cli("check", "unet")
    assert result.exit_code == 0
    assert "[64, H, W]" in result.stdout and "[512, H/16, W/16]" in result.stdout and "depends on the sizes" in result.stdout
    assert (
        "H and W must be multiples of 16:\n  `concat` joins `upconv` (2*floor(H/16)) with `enc[3]` (floor(H/8))" in result.stdout
    )


def test_one_size(cli: Cli) -> None:
    result = cli("check", "unet", "--size", "1x64x96")
    assert result.exit_code == 0 and "[1024, 4, 6]" in result.stdout and "multiples" not in result.stdout
    result = cli("check", "unet", "--size", "image=1x65x96")
    assert result.exit_code == 1 and "error[E0312]: the network does not work at H = 65" in result.stderr
    assert cli("check", "unet", "--size", "1x64").exit_code == 1
    assert cli("check", "unet", "--size", "3 x 4").exit_code == 2
    assert cli("check", "unet", "--size", "mask=1x2x3").exit_code == 2
    assert cli("check", "unet", "--size", "1x16x16", "--size", "1x16x16").exit_code == 2


def test_json_of_symbolic_sizes(cli: Cli) -> None:
    height, width = json.loads(cli("check", "unet", "--format", "json").stdout)["sizes"]
    assert (height["symbol"], height["must_be"], height["smallest"]) == ("H", "a multiple of 16", 16)
    assert len(height["needs"]) == len(width["needs"]) == 4


def test_standard_input_names_a_network(cli: Cli, root: Path) -> None:
    text = (root / "specs" / "vgg.arch").read_text()
    assert cli("check", "-:vgg16", input=text).exit_code == 0
    several = cli("check", "-", input=text)
    assert several.exit_code == 0 and "vgg19_bn  143,678,248" in several.stdout
    assert "<stdin> defines several networks\n" in cli("compile", "-", input=text).stderr


@pytest.mark.parametrize("data", [b"", b"\x00\x01", b"\xff\xfe", b"network", b"x" * 20_000_000])
def test_standard_input_of_no_spec(cli: Cli, data: bytes) -> None:
    result = cli("check", "-", input=data)
    assert result.exit_code == 1 and result.stderr.startswith("error[E")


def test_a_hostile_name_reaches_no_terminal(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "net.arch"
    path.write_text('network net { input "a\x1b[31mb" [3, 8, 8]; conv(3, 3) }')
    result = cli("check", path)
    assert "\x1b" not in result.stdout + result.stderr


def test_a_hostile_file_name_forges_no_line(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "net\nerror[E0999]: forged.arch").write_text("network net { convv(3) }")
    for address in ("net\nerror[E0999]: forged.arch", "net\nerror[E0999]: forge.arch"):
        result = cli("check", address)
        assert "net\\x0aerror[E0999]" in result.stderr and "\nerror[E0999]" not in result.stderr


@pytest.mark.parametrize(
    ("address", "code", "said"),
    [
        ("nowhere.arch", "E0601", "No such file"),
        (".", "E0601", "Is a directory"),
        ("resnet5", "E0601", "did you mean"),
        ("small", "E0601", "help: write `small.arch`"),
        ("small:net", "E0601", "help: write `small.arch:net`"),
        ("nonsense:resnet50", "E0601", "there is no file 'nonsense'"),
        ("resnet:", "E0208", "a name is missing after `resnet.arch:`"),
        ("resnet50:resnet18", "E0601", "help: write `resnet50`, or `resnet:resnet18`"),
        ("", "E0601", "no file is named"),
        ("small.arch:smal", "E0208", "did you mean `small`?"),
        ("small.arch:other", "E0208", "help: it has small.arch:small"),
        ("small.arch:", "E0208", "a name is missing after `small.arch:`"),
    ],
)
def test_an_address_that_leads_nowhere(cli: Cli, small: Path, address: str, code: str, said: str) -> None:
    result = cli("check", address)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"error[{code}]" in result.stderr and said in result.stderr and "-->" not in result.stderr
