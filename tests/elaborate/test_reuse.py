"""Constants and functions of files and bodies, lists with `for`, patterns, steps of ranges, and `skip(when)`."""

from __future__ import annotations

from pathlib import Path

import pytest

from archdsl import Limits
from archdsl.driver import Compiled, check_text, compile_address, compile_text
from archdsl.elaborate.symbol import SymbolKind
from archdsl.ir import flatten, state
from archdsl.session import Session

CLAIMS = [
    "[v * 2 for v in 0..3] == [0, 2, 4]",
    "[v for v in [3, 1, 2] if v > 1] == [3, 2]",
    "[v for v in []] == []",
    "[i + v for i, v in [5, 6]] == [5, 7]",
    "[a + b for [a, b] in [[1, 2], [3, 4]]] == [3, 7]",
    "[a + b + c for [a, [b, _], c] in [[1, [2, 9], 3]]] == [6]",
    "[i * a for i, [a, _] in [[1, 2], [3, 4]]] == [0, 3]",
    "[[a * b for b in 1..3] for a in 1..3] == [[1, 2], [2, 4]]",
    "[v for v in 0..10 by 3 if v != 3] == [0, 6, 9]",
    "[v for v in ([0, 1] if x.c == 3 else [0])] == [0, 1]",
    "[x.c * k for k in [1, 2]] == [3, 6]",
    "reversed(0..4) == [3, 2, 1, 0]",
    "reversed([1, [2, 3]]) == [[2, 3], 1]",
    "reversed(2..1 + 1) == []",
    "reversed(reversed(1..5)) == (1..5)",
    "(0..10 by 4) == [0, 4, 8]",
    "(-3..3 by 2) == [-3, -1, 1]",
    "len(0..10 by 3) == 4 and len(reversed(0..10 by 3)) == 4",
    "sum(reversed(0..10 by 3)) == 18 and max(reversed(0..4)) == 3",
    "(0..10 by 3)[-1] == 9 and reversed(0..4)[0] == 3",
    "[1, 2, 3, 4, 5][0..5 by 2] == [1, 3, 5]",
    "[1, 2, 3, 4, 5][1..4 by 2] == [2, 4]",
    "[1, 2, 3][reversed(0..3)] == [3, 2, 1]",
    "[1, 2, 3, 4, 5][reversed(0..5 by 2)] == [5, 3, 1]",
    "(0..9)[2..8 by 3] == [2, 5]",
    "(0..20 by 2)[1..3] == [2, 4]",
    "[1, 2][1..1 by 2] == []",
]


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_list_is_what_it_says(claim: str) -> None:
    assert check_text(f"network t {{\n  input image [3, 8, 8]\n  expect {claim}\n  conv(4, 3)\n}}") == []


def network(body: str, file: str = "", name: str | None = None, **settings: str) -> Compiled:
    return compile_text(f"{file}\nnetwork t {{\n  input image [3, 8, 8]\n  {body}\n}}\n", name, settings)


def codes_of(compiled: Compiled) -> list[str]:
    return [diagnostic.code for diagnostic in compiled.diagnostics]


def shapes(compiled: Compiled) -> list[tuple[object, ...]]:
    return [node.output.shape for node in compiled.require().main.ops]


def test_constants_of_a_file_may_stand_in_any_order() -> None:
    block = "block unit(out = a) { conv(out, k) -> norm }"
    file = f"let c = b + [a]\n{block}\nlet b = [2 * a]\nlet a = 4\nlet k = 3\nlet norm = bn(eps = 1e-3)"
    compiled = network("for width in c { unit(width) }\n  unit", file)
    assert codes_of(compiled) == []
    assert [function.arguments["out"] for function in compiled.require().functions() if function.kind == "block"] == [8, 4, 4]


def test_a_long_chain_of_constants_is_no_deep_expression() -> None:
    chain = "\n".join(f"let a{i} = a{i + 1} + 1" for i in range(500))
    compiled = network("conv(a0, 3)", f"{chain}\nlet a500 = 0")
    assert codes_of(compiled) == [] and shapes(compiled) == [(500, 8, 8)]


def test_constants_hold_blocks_and_networks_with_arguments() -> None:
    text = """
    block unit(out, k = 3) { conv(out, k) }
    let wide = unit(k = 5)
    let base = plain(width = 6)
    network plain(width, depth = 1) { input image [3, 8, 8]; repeat depth { wide(width) } }
    network deep = base(depth = 2)
    """
    compiled = compile_text(text, "deep")
    assert codes_of(compiled) == [] and compiled.require().main.arguments == {"width": 6, "depth": 2}


def test_other_files_import_constants_and_functions(tmp_path: Path) -> None:
    (tmp_path / "shared.arch").write_text(
        "let step = 4\nlet rounded(v, by = step) = make_divisible(v, by)\nlet norm = bn(eps = 0.01)\n"
    )
    text = 'import "shared.arch" as m\nnetwork t { input image [3, 8, 8]; conv(m.rounded(9) + m.step, 3) -> m.norm }\n'
    (tmp_path / "t.arch").write_text(text)
    compiled = compile_address(str(tmp_path / "t.arch"))
    assert codes_of(compiled) == [] and shapes(compiled)[0] == (16, 8, 8)
    assert compiled.symbols is not None and compiled.module is not None
    symbol = compiled.symbols.at(compiled.module.file.source, text.index("rounded"))
    assert symbol is not None and symbol.kind is SymbolKind.FUNCTION and symbol.definition is not None


def test_an_error_in_a_constant_is_reported_once(tmp_path: Path) -> None:
    file = "let a = 1 // 0\nlet b = a + 1\nlet f(v) = v + b"
    assert codes_of(network("conv(a, 3) -> conv(b, 3) -> conv(f(1), 3)", file)) == ["E0405"]
    recipe = "train { data = digits; epochs = a }"
    assert codes_of(network("conv(4, 3)", f"{file}\n{recipe}")) == ["E0405"]
    (tmp_path / "shared.arch").write_text("let a = 1 // 0\nlet unused = 2 // 0\n")
    (tmp_path / "t.arch").write_text('import "shared.arch" as m\nnetwork t { input i [3, 8, 8]; conv(m.a, 3); conv(m.a, 1) }')
    assert codes_of(compile_address(str(tmp_path / "t.arch"))) == ["E0405"]


def test_a_recipe_uses_constants() -> None:
    compiled = network(
        "conv(4, 3) -> gap -> flatten", "let lr = 0.5\ntrain { data = digits; epochs = 3; optimizer = sgd(lr = lr) }"
    )
    assert codes_of(compiled) == [] and compiled.recipe is not None and compiled.recipe.optimizer.lr == 0.5  # type: ignore[attr-defined]


def test_a_name_of_the_body_hides_that_of_the_file() -> None:
    compiled = network("let n = 6\n  conv(n, 3)\n  for n in [7] { conv(n, 3) }", "let n = 5\nblock unit(n = n) { conv(n, 1) }")
    assert "E0201" not in codes_of(compiled) and shapes(compiled) == [(6, 8, 8), (7, 8, 8)]


def test_a_function_sees_the_values_where_it_is_defined() -> None:
    body = "let n = 2\n  let f(v) = v * n + x.c\n  let n = 100\n  conv(f(1), 3) -> conv(f(n = 1) if false else f(2), 3)"
    assert shapes(network(body)) == [(5, 8, 8), (7, 8, 8)]


def test_a_function_of_a_loop_has_the_values_of_its_round() -> None:
    compiled = network("for i in 1..3 { let f(v) = v * i; conv(f(2), 1) }")
    assert shapes(compiled) == [(2, 8, 8), (4, 8, 8)]


def test_functions_call_functions() -> None:
    file = "let twice(v) = 2 * v\nlet wide(v, f = twice(2)) = twice(v) + f"
    assert shapes(network("conv(wide(1), 1) -> conv(wide(1, f = 0), 1)", file)) == [(6, 8, 8), (2, 8, 8)]


def test_each_call_counts_as_steps() -> None:
    text = "let f(v) = sum([i for i in 0..1000])\nnetwork t { input i [3, 8, 8]; repeat 50 { conv(f(1), 1) } }"
    compiled = compile_text(text, session=Session(Limits(steps=100_000)))
    assert codes_of(compiled) == ["E0502"]
    assert compile_text(text, session=Session(Limits(steps=2_000_000))).steps > 50 * 1000 * 10


def test_a_list_is_as_long_as_the_limit_allows() -> None:
    assert codes_of(network("conv(len([i for i in 0..1000000]), 1)")) == ["E0409"]


@pytest.mark.parametrize("names", ["i, [k, wide]", "[k, wide]"])
def test_a_pattern_names_the_parts(names: str) -> None:
    compiled = network(f"for {names} in [[3, 16], [5, 32]] {{ conv(wide, k) }}")
    assert codes_of(compiled) == [] and shapes(compiled) == [(16, 8, 8), (32, 8, 8)]


def test_a_pattern_in_a_join() -> None:
    assert shapes(network("concat { for [k, wide] in [[3, 16], [5, 32]] { conv(wide, k) } }"))[-1] == (48, 8, 8)


@pytest.mark.parametrize("iterable", ["rows", "[[16, 3], [32, 5]]", "(rows)"])
def test_names_for_the_parts_without_brackets_are_a_warning(iterable: str) -> None:
    body = f"let rows = [[16, 3], [32, 5]]\n  for a, b in {iterable} {{ conv(a + 1, 3) }}\n  conv(len(rows), 1)"
    assert codes_of(network(body)) == ["W0130"]


@pytest.mark.parametrize("body", ["conv(i + 1, b)", "conv(b[0] + i, 3)", "for v in b { conv(v + i, 1) }", "conv(8, 3)"])
def test_an_element_that_is_taken_as_one_is_no_warning(body: str) -> None:
    assert codes_of(network(f"for i, b in [[1, 3], [3, 1]] {{ {body} }}")) == []


def keys(body: str) -> list[str]:
    return list(state(network(body).require()))


def test_a_skip_that_does_not_apply_leaves_the_keys() -> None:
    with_shortcut = keys("skip(when = x.c == 3) { conv(3, 3) -> bn }\n  conv(4, 1)")
    assert with_shortcut == keys("skip(when = x.c == 4) { conv(3, 3) -> bn }\n  conv(4, 1)")
    compiled = network("unit: skip(when = false, drop = 0.5, scale = 2) { conv(5, 3) -> bn } via { conv(7, 1) }")
    assert codes_of(compiled) == [] and [op.op.name for op in flatten(compiled.require()).nodes] == ["conv", "bn"]


def test_an_unknown_condition_of_a_skip_is_no_second_error() -> None:
    assert codes_of(network("skip(when = nope == 1) { conv(5, 3) } via { conv(5, 1) }\n  conv(x.c, 1)")) == ["E0201"]
    compiled = network("conv(4, 3)", "block unit(s) { skip(when = s == 1) { conv(8, 3, s) } via { conv(nope, 1) } }")
    assert codes_of(compiled) == ["E0201"]


def test_by_is_a_name_everywhere_else() -> None:
    body = "let by = 2\n  for by in 0..by + 3 by by { conv(by + 1, 1) }\n  conv([by for by in 3..4][0], 1)"
    compiled = network(body, "block unit(by = 1) { conv(by, 1) }")
    assert [code for code in codes_of(compiled) if code.startswith("E")] == []
    assert [shape[0] for shape in shapes(compiled)] == [1, 3, 5, 3]


def test_symbols_of_functions_and_patterns() -> None:
    text = """let widths = [8]
let f(v, by = 8) = v + by
network t {
  input image [3, 8, 8]
  for i, [k, _] in [[3, 1]] { conv(f(k, by = i + 1), k) }
  let g(v) = v
  conv(sum([g(w) for w in widths if w > 0]), 1)
}
"""
    compiled = compile_text(text)
    assert codes_of(compiled) == [] and compiled.symbols is not None and compiled.module is not None
    assert compiled.symbols.unresolved == []
    source = compiled.module.file.source

    def use(part: str, name: str) -> tuple[str, str, int]:
        at = text.index(name, text.index(part))
        symbol = compiled.symbols.at(source, at) if compiled.symbols is not None else None
        assert symbol is not None and symbol.definition is not None
        return symbol.kind.value, symbol.name, symbol.definition.line_column[0]

    assert use("f(k", "f") == ("function", "f", 2)
    assert use("by = i", "by") == ("parameter", "by", 2)
    assert use("k, by", "k") == ("loop variable", "k", 5)
    assert use("v + by", "by") == ("parameter", "by", 2)
    assert use("g(w)", "g") == ("function", "g", 6)
    assert use("w > 0", "w") == ("loop variable", "w", 7)
    assert use("widths if", "widths") == ("constant", "widths", 1)


def test_documentation_of_a_constant() -> None:
    compiled = network("conv(f(3), 1)", "## Twice as much.\nlet f(v) = 2 * v")
    assert compiled.module is not None and compiled.module.definitions["f"].doc == "Twice as much."


def test_a_missing_brace_before_a_constant_is_one_error() -> None:
    file = "block unit { conv(8, 3)\n\nlet width = 4\n\nblock other { conv(width, 3) }"
    assert codes_of(network("unit -> other -> conv(width, 1)", file)) == ["E0102"]


def test_an_unfinished_constant_is_one_error() -> None:
    for broken in ("let width", "let width =", "let width(v", "let width(v) =", "let width = [v for"):
        assert len(codes_of(network("conv(width, 1) -> conv(width(3), 1)", broken))) == 1, broken
