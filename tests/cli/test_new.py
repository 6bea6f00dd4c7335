"""`archdsl new`, and shipped networks by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from archdsl import load
from archdsl.addresses import shipped_networks
from archdsl.ir import state

Cli = Callable[..., Result]


def networks() -> list[Any]:
    """Each shipped network; one of each file is in every run."""
    files = shipped_networks()
    chosen = {path: name for name, path in files.items()}.values()
    return [pytest.param(name, marks=() if name in chosen else (pytest.mark.exhaustive,)) for name in files]


@pytest.mark.parametrize("name", networks())
def test_a_copy_is_the_network(cli: Cli, name: str) -> None:
    result = cli("new", "mine", "--from", name, "-o", "a/folder")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "a/folder/mine.arch"  # behind the files that it imports
    copy, shipped = load("a/folder/mine.arch"), load(name)
    assert copy.name == "mine" and [w.message for w in copy.warnings] == [w.message for w in shipped.warnings]
    assert state(copy.graph) == state(shipped.graph)
    text, source = Path("a/folder/mine.arch").read_text(), next(iter(shipped.files().values()))
    assert text.startswith("#") and text.splitlines()[0] == source.splitlines()[0]
    assert "\n\n\n" not in text and text.endswith("\n")


def test_comments_go_with_what_they_speak_of(cli: Cli) -> None:
    assert cli("new", "mine", "--from", "resnext101_32x8d").exit_code == 0
    text = Path("mine.arch").read_text()
    assert "\n\n## ResNeXt: Xie et al. 2016" in text and "\nnetwork mine = resnet(bottleneck_block(groups = 32, base = 8)" in text
    assert "Wide residual networks" not in text and "resnet50" not in text and "block basic(" in text


def test_what_a_comment_or_a_string_names_is_not_copied(cli: Cli) -> None:
    Path("f.arch").write_text("""block big { relu }
block wide(w) { conv(w, 3) }
block small(wide) { conv(wide, 3) }  # faster than big
block part(i) { "s{i}": relu }
block count { relu }
network n { input image [3, 8, 8]; small(4) -> part(1); "big": bn; for i in 0..2 { "t{i}": tanh } }
""")
    assert cli("new", "mine", "--from", "f.arch").exit_code == 0
    text = Path("mine.arch").read_text()
    assert "block small" in text and "block part" in text
    assert "block big" not in text and "block wide" not in text and "block count" not in text


def test_a_starter(cli: Cli) -> None:
    assert cli("new", "mine").stdout == "mine.arch\n"
    network = load("mine.arch")
    assert network.name == "mine" and network.recipe is not None and not network.warnings
    assert "archdsl train mine.arch" in Path("mine.arch").read_text()


@pytest.mark.parametrize(("name", "code"), [("conv", "E0205"), ("if", "E0107")])
@pytest.mark.parametrize("options", [(), ("--from", "lenet")])
def test_a_name_of_the_language(cli: Cli, name: str, code: str, options: tuple[str, ...]) -> None:
    result = cli("new", name, *options)
    assert result.exit_code == 1 and f"error[{code}]: `{name}` is" in result.stderr
    assert "-->" not in result.stderr and result.stderr.count("error") == 1 and not list(Path().iterdir())


def test_nothing_is_replaced(cli: Cli) -> None:
    Path("mine.arch").write_text("my own")
    for arguments in ((), ("--from", "resnet18")):
        result = cli("new", "mine", *arguments)
        assert result.exit_code == 1 and "error[E0606]: mine.arch exists already" in result.stderr
    assert Path("mine.arch").read_text() == "my own"


@pytest.mark.parametrize("address", ["-", "-:one"])
def test_a_copy_of_standard_input(cli: Cli, address: str) -> None:
    result = cli("new", "mine", "--from", address, input="# Mine.\nnetwork one { input image [1, 8, 8]; relu }")
    assert (result.exit_code, result.stdout) == (0, "mine.arch\n"), result.stderr
    assert Path("mine.arch").read_text() == "# Mine.\nnetwork mine { input image [1, 8, 8]; relu }\n"


def test_imports_come_along(cli: Cli) -> None:
    Path("lib/deep").mkdir(parents=True)
    Path("lib/deep/more.arch").write_text("block shape { relu }")
    Path("lib/blocks.arch").write_text('import "deep/more.arch" as m\nblock unit(width) { conv(width, 3) -> m.shape }')
    Path("lib/unused.arch").write_text("block nothing { relu }")
    body = "{ input image [1, 8, 8]; b.unit(4) }"
    Path("lib/net.arch").write_text(
        f'import "blocks.arch" as b\nimport "unused.arch" as u\nnetwork one {body}\nnetwork two {{ input i [3]; u.nothing }}'
    )
    result = cli("new", "mine", "--from", "lib/net.arch:one", "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert set(result.stdout.split()) == {"out/blocks.arch", "out/deep/more.arch", "out/mine.arch"}
    assert load("out/mine.arch").name == "mine"
    assert cli("new", "other", "--from", "lib/net.arch:one", "-o", "out").exit_code == 0
    Path("out/blocks.arch").write_text("block unit(width) { relu }")
    assert "out/blocks.arch exists already" in cli("new", "third", "--from", "lib/net.arch:one", "-o", "out").stderr


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("9x", 2, "cannot name"),
        ("é", 2, "cannot name"),
        ("relu", 1, "E0205"),
        ("network", 1, "E0"),
        ("a/b", 2, "cannot name"),
        ("CON", 2, "such as CON_net"),
        ("nul", 2, "device"),
        ("com1", 2, "device"),
    ],
)
def test_names_that_cannot_be(cli: Cli, name: str, status: int, said: str) -> None:
    result = cli("new", name)
    assert result.exit_code == status and said in result.stderr
    assert not list(Path().glob("*.arch"))


@pytest.mark.parametrize(("name", "help"), [("resnt50", "did you mean `resnet50`?"), ("zzz", "archdsl specs")])
def test_no_such_network(cli: Cli, name: str, help: str) -> None:
    for arguments in (("check", name), ("new", "mine", "--from", name)):
        result = cli(*arguments)
        assert result.exit_code == 1 and "error[E0601]" in result.stderr and help in result.stderr
