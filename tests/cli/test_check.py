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
    assert "[64, H, W]" in result.stdout and "[512, H/16, W/16]" in result.stdout and "733888*H*W  for one image" in result.stdout
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


FAMILY = """
network base(width: int) {{ input image [3, 32, 32]; conv(width, 3) }}
network narrow = base(8) expect params == 224
network wide = base(16) expect params == {}
network open(channels = 3) {{ input image [channels, H, W]; skip {{ conv(channels, 3) -> maxpool(2) -> upsample(2) }} }}
"""


def test_a_file_with_several_networks(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "family.arch").write_text(FAMILY.format(448))
    result = cli("check", "family.arch")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "network  params     MACs",
        "narrow      224  221,184  ok",
        "wide        448  442,368  ok",
        "open         84   81*H*W  ok",
    ]
    assert cli("check", "family.arch:narrow").stdout.startswith("layer")
    assert "defines several networks" in cli("compile", "family.arch").stderr


def test_a_broken_claim_of_an_alias(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "family.arch").write_text(FAMILY.format(449))
    result = cli("check", "family.arch")
    assert result.exit_code == 1
    assert "error[E0701]: `params == 449` does not hold: `params` is 448" in result.stderr
    assert "wide                      1 error\n" in result.stdout
    assert cli("check", "family.arch:narrow").exit_code == 0
    assert cli("check", "family.arch:wide").exit_code == 1
    data = json.loads(cli("check", "family.arch", "--format", "json").stdout)
    assert set(data) == {"diagnostics", "networks"}
    assert [found["code"] for found in data["diagnostics"]] == ["E0701"]
    narrow, wide, symbolic = data["networks"]
    assert narrow == {
        "network": "narrow", "ok": True, "errors": 0, "sizes": [],
        "totals": {"params": 224, "params_eval": 224, "macs": 221184, "depth": 1},
    }  # fmt: skip
    assert (wide["ok"], wide["errors"], wide["totals"]) == (False, 1, None)
    assert symbolic["ok"] and [size["must_be"] for size in symbolic["sizes"]] == ["even", "even"]
    assert cli("check", "family.arch", "--format", "github").stdout.startswith("::error file=family.arch,line=4,col=32,")


def test_one_network_of_a_file_gets_its_table(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "one.arch").write_text("network base(width: int) { input i [3, 8, 8]; conv(width, 3) }\nnetwork only = base(4)\n")
    assert cli("check", "one.arch").stdout.startswith("layer")
    assert set(json.loads(cli("check", "one.arch", "--format", "json").stdout)) >= {"network", "table", "totals"}


def test_settings_of_several_networks(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "family.arch").write_text(FAMILY.format(448))
    result = cli("check", "family.arch", "--set", "channels=4")
    assert result.exit_code == 0 and "open        148  144*H*W  ok" in result.stdout and "narrow      224" in result.stdout
    result = cli("check", "family.arch", "--set", "width=2")
    assert result.exit_code == 0 and "base         56   55,296  ok" in result.stdout
    result = cli("check", "family.arch", "--set", "depth=2")
    assert result.exit_code == 1 and result.stderr.count("error[E0607]") == 1


def test_a_shared_mistake_is_reported_once(cli: Cli, tmp_path: Path) -> None:
    text = "block b { convv(3) }\nnetwork one { input i [3, 8, 8]; b }\nnetwork two { input i [3, 8, 8]; b }\n"
    (tmp_path / "net.arch").write_text(text)
    result = cli("check", "net.arch")
    assert result.exit_code == 1 and result.stderr.count("error[") == 1 and result.stdout.count("1 error") == 2


def test_severities_and_fixes_of_several_networks(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "net.arch"
    path.write_text("network one(n = 1) { input i [3, 8, 8]; relu }\nnetwork two { input i [3, 8, 8]; conv(4, k: 3) }\n")
    assert cli("check", "net.arch", "--fix").exit_code == 0
    assert "conv(4, k= 3)" in path.read_text()
    assert cli("check", "net.arch").exit_code == 0
    assert cli("check", "net.arch", "--deny", "W0102").exit_code == 1


def test_weights_are_for_one_network(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "family.arch").write_text(FAMILY.format(448))
    result = cli("check", "family.arch", "--weights", "none.safetensors")
    assert result.exit_code == 1 and "defines several networks" in result.stderr


def test_another_size_of_a_network_with_a_fixed_one(cli: Cli) -> None:
    result = cli("check", "resnet18", "--size", "3x160x160")
    assert result.exit_code == 0 and "[64, 80, 80]" in result.stdout
    assert "note[N0303]: skipped 2 claims about the declared `image [3, 224, 224]`" in result.stderr
    result = cli("check", "resnet18", "--size", "1x224x224")
    assert result.exit_code == 0 and result.stderr == "" and "11,683,240" in result.stdout
    assert cli("check", "resnet18", "--size", "3x160x160", "--deny", "N0303").exit_code == 1
    assert cli("check", "resnet18", "--size", "160x160").exit_code == 1
    source = cli("compile", "resnet18", "--size", "image=1x64x96").stdout
    assert "[1, 64, 96]" in source
    assert cli("render", "unet", "--size", "3x64x64", "-o", "unet.svg").exit_code == 0
    assert "3×64×64" in Path("unet.svg").read_text()
    assert cli("compile", "unet", "--size", "mask=1x2x3").exit_code == 2


def test_sizes_of_several_inputs(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_text("network net { input a [3, 8, 8]; input b [1, 8, 8]; concat { a; b } }")
    result = cli("check", "net.arch", "--size", "b=2x4x4,a=3x4x4")
    assert result.exit_code == 0 and "[5, 4, 4]" in result.stdout
    assert "[5, 4, 4]" in cli("check", "net.arch", "--size", "3x4x4,2x4x4").stdout
    assert cli("check", "net.arch", "--size", "a=3x4x4", "--size", "a=3x5x5").exit_code == 2
    result = cli("check", "net.arch", "--size", "a=3x4x4")
    assert result.exit_code == 1 and "the sizes must" not in result.stderr and "E0303" in result.stderr
