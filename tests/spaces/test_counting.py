"""Counting, drawing and listing the members of a space, against the checker and against enumeration by hand."""

from __future__ import annotations

import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from archdsl.diagnostics import SpecError
from archdsl.driver import compile_address, compile_text
from archdsl.network import Network
from archdsl.spaces import Judge, Space, alias_text, count, draw_members, list_members, read_space

TEXT = """
network net(width in [8, 12, 16], depth in 1..4 = 2, groups in [1, 4, 3], act: op in [relu, leaky_relu(0.1)])
  where params < 4_000 {
  input image [1, 8, 8]
  for i in 0..depth { conv(width, 3) -> bn -> act }
  conv(12, 1, groups = groups)
  gap -> flatten -> linear(10)
}
"""


@pytest.fixture
def space(tmp_path: Path) -> Space:
    (tmp_path / "net.arch").write_text(TEXT)
    return read_space(str(tmp_path / "net.arch"))


def by_hand() -> list[tuple[int, int, int, str, int, int | None]]:
    """Return each member with its counts, from the check of the network with these settings."""
    found = []
    for width, depth, groups, act in product([8, 12, 16], [1, 2, 3], [1, 4, 3], ["relu", "leaky_relu(0.1)"]):
        settings = {"width": str(width), "depth": str(depth), "groups": str(groups), "act": act}
        compiled = compile_text(TEXT, "net", settings)
        if compiled.ok:
            table = Network(compiled).table()
            found.append((width, depth, groups, act, table.params, table.macs))
    return found


def test_the_members_are_those_that_check(space: Space) -> None:
    expected = by_hand()
    listed = list(list_members(space, Judge(space)))
    assert [(*one.member.texts.values(), one.params, one.macs) for one in listed] == [
        (str(w), str(d), str(g), act, params, macs) for w, d, g, act, params, macs in expected
    ]
    counted = count(space, Judge(space))
    assert counted.exact and counted.combinations == counted.tried == 54 and counted.members == len(expected) == 38
    assert counted.reasons == {"`params < 4_000` does not hold": 4, "error E0306": 12}


def test_an_estimate_holds_the_true_number(space: Space) -> None:
    counted = count(space, Judge(space), drawn=200, seed=5)
    _, low, high = counted.fraction
    assert not counted.exact and low < 38 / 54 < high and high - low < 0.2


def test_draws_are_different_members_and_repeatable(space: Space) -> None:
    drawn = [one.member.texts for one in draw_members(space, Judge(space), 38, seed=2)]
    assert len({tuple(texts.values()) for texts in drawn}) == 38
    assert [one.member.texts for one in draw_members(space, Judge(space), 3, seed=2)] == drawn[:3]
    assert len(list(draw_members(space, Judge(space), 100))) == 38


def test_a_member_as_text_is_an_alias_that_checks(space: Space) -> None:
    for verdict in draw_members(space, Judge(space), 5):
        assert isinstance(verdict.macs, int) and verdict.params is not None
        alias = alias_text(space, verdict.member.texts, {"params": verdict.params, "macs": verdict.macs})
        compiled = compile_text(f"{TEXT}\n{alias}\n", "best")
        assert compiled.ok, alias
        wrong = alias.replace(f"{verdict.params:_}", f"{verdict.params + 1:_}")
        assert [one.code for one in compile_text(f"{TEXT}\n{wrong}\n", "best").diagnostics] == ["E0701"]


def test_settings_aliases_and_imports_make_smaller_spaces(tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_text(
        TEXT.replace("[relu, leaky_relu(0.1)]", "acts")
        + "let leaky = leaky_relu(0.1)\nlet acts = [relu, leaky]\nnetwork narrow = net(8)\n"
    )
    (tmp_path / "other.arch").write_text(
        'import "net.arch" as n\nlet three = 3\nnetwork deep = n.net(depth = three, groups = 4)\n'
    )
    narrow = read_space(f"{tmp_path}/net.arch:narrow", {"depth": "2"})
    assert [one.name for one in narrow.dimensions] == ["groups", "act"]
    deep = read_space(f"{tmp_path}/other.arch")
    assert [one.member.texts["act"] for one in list_members(deep, Judge(deep))][:2] == ["relu", "n.leaky"]
    for verdict in list_members(deep, Judge(deep)):
        alias = alias_text(deep, verdict.member.texts, {"params": verdict.params or 0})
        (tmp_path / "best.arch").write_text((tmp_path / "other.arch").read_text() + alias)
        assert compile_address(f"{tmp_path}/best.arch:best").ok, alias


@pytest.mark.parametrize(
    ("text", "settings", "code"),
    [
        ("network net(width = 3) { input i [3, 8, 8]; conv(width, 3) }", {}, "E0809"),
        (TEXT, {"width": "8", "depth": "1", "groups": "1", "act": "relu"}, "E0809"),
        (TEXT, {"with": "8"}, "E0607"),
        (TEXT.replace("[8, 12, 16]", "[]"), {}, "E0414"),
        (TEXT.replace("conv(12", "conf(12"), {}, None),
        (TEXT.replace("gap ->", "gap -> ->"), {}, "E0105"),
    ],
)
def test_what_is_wrong_with_a_space(text: str, settings: dict[str, str], code: str | None, tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_text(text)
    if code is None:  # every member has the error
        space = read_space(f"{tmp_path}/net.arch")
        with pytest.raises(SpecError) as raised:
            list(draw_members(space, Judge(space), 1))
        assert raised.value.diagnostic.code == "E0809" and "54: error E0201" in raised.value.diagnostic.notes
        return
    with pytest.raises(SpecError) as raised:
        read_space(f"{tmp_path}/net.arch", settings)
    assert raised.value.diagnostic.code[:3] == code[:3]


def test_counting_imports_no_torch(tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_text(TEXT)
    program = (
        "import sys; from archdsl.cli import main; main(['space', 'net.arch', '--sample', '2']); "
        "assert not {'torch', 'optuna', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True)


@pytest.mark.parametrize("interval", ["uniform(0.12345678, 0.12345681)", "log(1234567, 1234568)"])
def test_drawn_numbers_lie_in_their_interval(tmp_path: Path, interval: str) -> None:
    """Also if rounding to few digits leads out of a narrow one."""
    (tmp_path / "net.arch").write_text(f"network net(p in {interval}) {{ input row [3]; linear(2) -> elu(alpha = p) }}")
    drawn = read_space(str(tmp_path / "net.arch"))
    counted = count(drawn, Judge(drawn), drawn=5)
    assert counted.members == 5, counted.reasons
