"""Texts made to crash the compiler, to keep it busy for minutes, or to be answered at endless length."""

from __future__ import annotations

from pathlib import Path

import pytest

import archdsl
from archdsl.diagnostics import render_text
from archdsl.driver import check_text, compile_address, compile_text

HEAD = "network net { input image [3, 8, 8]\n"
LIST = "let a = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "let a = a + a\n" * 13
DEEP = "".join(
    f"block b{k} {{ concat {{ {'repeat 1 { ' * 60}{f'b{k + 1}' if k < 15 else 'relu'}{'}' * 60} }} }}\n" for k in range(16)
)
REFUSED = {
    "loops in joins in blocks": (DEEP + HEAD + "b0 }", "E0502"),
    "an infinite sum": (HEAD + "repeat sum([1e308, 1e308]) { relu } }", "E0409"),
    "a call in a call": (HEAD + "let a = conv(1)\n" + "let a = conv(a, a)\n" * 30 + "if a { } }", "E0409"),
    "a long list for a number": (HEAD + LIST + "for i in 0..1000 { conv(a, 3) } }", "E0401"),
    "a long list for a condition": (HEAD + LIST + "for i in 0..1000 { if a { } } }", "E0401"),
    "lists compared": (HEAD + LIST + "let b = [a]; let c = [a]; for i in 0..1000 { expect b == c } }", "E0502"),
    "more axes than a tensor has": (HEAD + LIST + "gap; conv(1, 1); reshape(a) }", "E0502"),
    "a label that is put together": (HEAD + 'let s = "' + "a" * 10_000 + '"\n "' + "{s}" * 10_000 + '": relu }', "E0207"),
    "ties": ("network net { input image [3, H, W]; add { for i in 1..400 { conv(3, 1, stride = [i, "
             "400 - i]) -> instance_norm -> gap } } }", "E0307"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_words(name: str) -> None:
    text, code = REFUSED[name]
    found = check_text(text)
    assert code in {diagnostic.code for diagnostic in found}
    assert len(render_text(found, color=False)) < 20_000


@pytest.mark.parametrize(("condition", "said"), [
    ("H % 3 == 0 or (H % 3 == 1 and H >= 1_000_000_000)",
     "H must be a multiple of 3, or one more; at least 3; but not 4, 7, 10, 13,"),
    ("H == 1 or H == 1_000_000_000", "H must be one of 1 or 1000000000"),
    ("not not not not H % 2 == 0", "H must be even"),
])  # fmt: skip
def test_conditions_far_out(condition: str, said: str) -> None:
    compiled = compile_text(f"network net {{ input image [3, H, W] where {condition}\n relu }}")
    assert compiled.sizes.sentences()[0].startswith(said)


def test_a_text_has_so_many_errors_in_all() -> None:
    assert len(check_text(HEAD + "relu }\ntrain { " + "".join(f"k{i} = 1; " for i in range(2000)) + "}")) == 50
    assert len(check_text("block b(" + ", ".join(["q"] * 2000) + ") { relu }\n" + HEAD + "relu }")) <= 100


def test_sources_of_many_ops_are_python() -> None:
    """A sum of thousands is written in parts; thousands of values at once get names in time."""
    wide = archdsl.loads(HEAD + "add { for i in 0..3100 { conv(3, 1) } } }").source()
    compile(wide, "<wide>", "exec")


def test_a_link_to_itself(tmp_path: Path) -> None:
    (tmp_path / "self.arch").symlink_to(tmp_path / "self.arch")
    (tmp_path / "net.arch").write_text('import "self.arch" as s\n' + HEAD + "relu }")
    assert [d.code for d in compile_address(str(tmp_path / "net.arch")).diagnostics] == ["E0601"]


@pytest.mark.parametrize("name", ["a" * 300, "a" * 300 + ".arch"])
def test_a_name_longer_than_files_have(name: str) -> None:
    assert [d.code for d in compile_address(name).diagnostics] == ["E0601"]
