"""The command `report`, its formats, and the columns of `check`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archdsl.cli import root
from archdsl.cli.check import COLUMNS
from archdsl.loading import load, loads
from archdsl.reports import FORMATS
from archdsl.reports.columns import COLUMNS as FACTS

Cli = Callable[..., Result]
SMALL = """network small {
  input image [3, H, W]
  input other [3, H, W]
  module shared: conv(8, 3)
  one: { image -> shared }
  two: { other -> shared }
  add { one; two }
  aux(weight = 0.3) side: { gap -> flatten -> linear(3) }
  conv(4, 3, stride = 2, pad = 0) -> gap -> flatten -> linear(3)
}
"""


@pytest.fixture
def cli() -> Cli:
    return lambda *arguments: CliRunner().invoke(root, [str(argument) for argument in arguments], prog_name="archdsl")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    file = tmp_path / "small.arch"
    file.write_text(SMALL)
    return file


def test_text_has_every_section(cli: Cli, small: Path) -> None:
    result = cli("report", small)
    assert result.exit_code == 0, result.output
    for section in ("Cost", "Memory", "Receptive field", "Paths", "Expected variance", "Layers"):
        assert f"\n{section}\n{'-' * len(section)}\n" in result.stdout
    assert "parameters without heads" in result.stdout and "up to 1" in result.stdout


class _Checked(HTMLParser):
    """Notes what a page refers to, and whether its elements are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.images: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not any(name in ("src", "href") for name, _ in attrs)
        if tag == "svg":
            self.images.append(dict(attrs).get("aria-label"))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass


def test_html_is_one_page_with_described_curves(cli: Cli, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert cli("report", "resnet18", "-o", page).exit_code == 0
    checked = _Checked()
    checked.feed(page.read_text())
    assert checked.open == [] and len(checked.images) == 4 and all(checked.images)
    assert len(page.read_bytes()) < 100_000


def test_texts_of_a_spec_are_escaped() -> None:
    text = "## <script>alert(1)</script> & more\nnetwork n { input x [3, 8, 8]\n conv(4, 3) }"
    page = loads(text).report().html()
    assert "<script>alert" not in page and "&lt;script&gt;" in page


def test_json_has_the_facts(cli: Cli, small: Path) -> None:
    found = json.loads(cli("report", small, "--format", "json").stdout)
    assert found["receptive_field"]["largest"]["axes"][0]["size"] == 5
    assert (
        found["dropped"][0] == {"layer": "3", "op": "conv", "axis": 1, "last": 1, "always": False, "between": 0}
        or found["dropped"]
    )
    assert found["paths"]["layers"]["total"] == 2 and found["layers"][0]["field"]["0"][0]["size"] == 3
    fixed = json.loads(cli("report", "resnet18", "--format", "json").stdout)
    assert fixed["flops"] == 2 * fixed["macs"] and len(fixed["layers"]) == 69


def test_markdown_has_tables_of_equal_width(cli: Cli) -> None:
    lines = cli("report", "vgg11", "--format", "md").stdout.splitlines()
    widths = {}
    for number, line in enumerate(lines):
        if line.startswith("|"):
            widths[number] = len(re.findall(r"(?<!\\)\|", line))
    assert widths and all(widths.get(number - 1, width) == width for number, width in widths.items())


def test_each_format_by_its_suffix(cli: Cli, small: Path, tmp_path: Path) -> None:
    for suffix, beginning in (("html", "<!DOCTYPE"), ("md", "# Report on small"), ("json", "{"), ("txt", "Report on small")):
        assert cli("report", small, "-o", tmp_path / f"out.{suffix}").exit_code == 0
        assert (tmp_path / f"out.{suffix}").read_text().startswith(beginning)


def test_wrong_use(cli: Cli, small: Path, tmp_path: Path) -> None:
    assert "says no format" in cli("report", small, "-o", tmp_path / "out.pdf").stderr
    assert cli("report", small, "--batch", "1").exit_code == 2
    assert cli("report", tmp_path / "none.arch").exit_code == 1
    refused = cli("report", small, "-o", small, "--format", "md")
    assert refused.exit_code == 1 and "E0606" in refused.stderr and small.read_text() == SMALL
    with pytest.raises(ValueError, match="two examples"):
        load("lenet").report(batch=1)
    with pytest.raises(ValueError, match="a report is"):
        load("lenet").report().written("pdf")


def test_a_network_with_an_error_has_no_report(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "wrong.arch"
    file.write_text("network n { input x [3, 8, 8]\n conv(4, 3, groups = 2) }")
    result = cli("report", file, "-o", tmp_path / "out.html")
    assert result.exit_code == 1 and "E0306" in result.stderr and not (tmp_path / "out.html").exists()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "text",
    [
        "network n { input x [4]\n relu }",
        "network n { input x [4]\n linear(3) -> softmax }",
        "network n { input x: int [L]\n embedding(10, 4) -> linear(3) }",
        "network n { input x [3, 8]\n conv(4, 3) -> maxpool(2) }",
        "network n { input x [2, 4, 6, 8]\n conv(4, 3) -> gap }",
        "network n { input x [3, H, W]\n conv(4, 3, stride = 2) -> resize_like(x) }",
    ],
)
def test_any_network_has_a_report(text: str, form: str) -> None:
    assert loads(text).report().written(form)


def test_columns(cli: Cli) -> None:
    result = cli("check", "resnet18", "--columns", "field,new-from,kept")
    assert result.exit_code == 0
    head, *rows = result.stdout.splitlines()
    assert head.split()[-4:] == ["field", "new", "from", "kept"]
    row = next(row for row in rows if row.startswith("layer1.0.conv1"))
    assert row.rstrip().endswith("19 to 35  11 to 27  784.0 KiB")
    data = json.loads(cli("check", "resnet18", "--columns", "flops,variance", "--format", "json").stdout)
    assert data["table"][1]["flops"] == [2 * data["table"][1]["macs"]]


def test_columns_that_cannot_be_shown(cli: Cli, tmp_path: Path) -> None:
    assert tuple(FACTS) == COLUMNS
    for arguments in (["resnet18", "--columns", "fild"], ["resnet18", "--columns", "field,field"],
                      ["resnet18", "--columns", "field", "--format", "github"]):  # fmt: skip
        assert cli("check", *arguments).exit_code == 2
    file = tmp_path / "two.arch"
    file.write_text("network a { input x [3, 8, 8]\n relu }\nnetwork b { input x [3, 8, 8]\n relu }\n")
    assert "of one network" in cli("check", file, "--columns", "field").stderr
