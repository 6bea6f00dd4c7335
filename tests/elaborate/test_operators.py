"""Every operator and function on every kind of value, from either side: a value or a coded error."""

from __future__ import annotations

import itertools

import pytest

from archdsl.driver import compile_text
from archdsl.elaborate.values import FUNCTIONS
from archdsl.ir import flatten
from archdsl.limits import Limits
from archdsl.session import Session

LONG = Session(Limits(integer_bits=8192))

VALUES = ["3", "0", "-2", "0.5", "2^8000", "true", '"a"', "[1, x.h]", "none", "-1..3", "relu", "x", "H", "x.h // 2"]
OPEN = {"H", "x.h // 2"}
NUMBERS = {"3", "0", "-2", "0.5", "2^8000"}
OPERATORS = ["+", "-", "*", "/", "//", "%", "^", "==", "!=", "<", "<=", ">", ">=", "and", "or"]


def errors(condition: str, statement: str) -> list[str]:
    found = compile_text(f"network n {{ input image [3, H, W]{condition}; {statement}; conv(4, 3) }}", session=LONG)
    codes = [d.code for d in found.diagnostics if d.is_error]
    assert found.ok == (not codes)
    return codes


@pytest.mark.parametrize("operator", OPERATORS)
def test_operators(operator: str) -> None:
    for left, right in itertools.product(VALUES, VALUES):
        codes = errors("", f"let a = ({left}) {operator} ({right})")
        assert len(codes) <= 1
        if operator in ("//", "%") and right in OPEN and left == right:
            assert codes == []  # one, and zero
        elif operator in ("/", "//", "%", "^") and right in OPEN and left in NUMBERS | OPEN:
            assert codes == ["E0307"], (left, right)
        assert len(errors(f" where ({left}) {operator} ({right})", "relu")) <= 1


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions(function: str) -> None:
    for value in VALUES:
        for arguments in (value, f"[{value}, 2]", f"{value}, 2", f"2, {value}"):
            errors("", f"let a = {function}({arguments})")
        if value in OPEN and function not in ("len", "sum", "reversed"):
            assert errors("", f"let a = {function}({value})") == ["E0307"]


@pytest.mark.parametrize("call", ["min(x.h, 32)", "max(3, H)", "min([1, x.w])", "sum([x.h, 2])", "make_divisible(64, x.h)"])
def test_a_function_of_a_symbolic_size(call: str) -> None:
    found = compile_text(f"network n {{ input image [3, H, W]; let a = {call} }}")
    [error] = [d for d in found.diagnostics if d.is_error]
    assert error.code == "E0307" and "takes fixed numbers" in error.message and "fix the size" in (error.help or "")


@pytest.mark.parametrize("statement", [
    "aux(weight = {}) a: relu", "skip(drop = {}) {{ relu }}", "skip(scale = {}) {{ relu }}", "concat(axis = {}) {{ x; x }}",
    "dropout({})",
    "repeat {} {{ relu }}", "slice({}..3)", "slice(0..{})", "slice(0..{}, axis = 1)", "conv({}, 3)", "lrn(2, alpha = {})",
])  # fmt: skip
@pytest.mark.parametrize("value", ["2^8000", "-(2^8000)", "1e308", "2^8000 / 3"])
def test_numbers_beyond_all_measure(statement: str, value: str) -> None:
    assert errors("", statement.format(value)) != []


def test_a_setting_beyond_all_measure() -> None:
    text = "network n(classes = 3) { input image [3]; linear(classes) }"
    found = compile_text(text, settings={"classes": "2^8000 / 3"}, session=LONG)
    assert [d.code for d in found.diagnostics if d.is_error] == ["E0409"]


@pytest.mark.parametrize(("claim", "holds"), [
    ("(0..2) == [0, 1]", True), ("[0, 1] == (0..2)", True), ("(0..2) != [0, 2]", True), ("(0..3) == [0, 1]", False),
    ("(3..2) == []", True),
    ("[(-1..1)] == [[-1, 0]]", True), ("len(-2..2) == 4", True), ("sum(-3..3) == -3", True), ("(-5..5)[2] == -3", True),
    ("[4, 5, 6][1..3] == [5, 6]", True), ("(-5..5)[2..4] == [-3, -2]", True), ("max(-3..0) == -1", True),
    ("len(2..-2) == 0", True),
])  # fmt: skip
def test_ranges(claim: str, holds: bool) -> None:
    assert errors("", f"expect {claim}") == ([] if holds else ["E0701"])


@pytest.mark.parametrize(("statement", "code"), [
    ("for i in -2..2 { conv(3 + i, 1) }", None), ("for i, n in -1..1 { e[i]: conv(n + 2, 1) }", None), ("e[-1]: relu", "E0402"),
    ("for i in -1..1 { e[i]: relu }", "E0402"), ("let a = [1, 2, 3][-2..2]", "E0407"), ("slice(-2..2)", "E0402"),
    ("repeat -1 { relu }", "E0402"),
    ("conv(4, -1..1)", "E0402"), ("let a = 0.5..2", "E0406"), ("let a = x.h..2", "E0307"),
])  # fmt: skip
def test_ranges_below_zero(statement: str, code: str | None) -> None:
    assert errors("", statement) == ([code] if code else [])


def test_a_family_counts_once() -> None:
    network = compile_text(
        'network n { input image [3, 8, 8]; enc[0]: conv(4, 3); conv(4, 3); enc[1]: relu; conv(4, 3); "last{1}": relu; bn }'
    ).require()
    assert [node.path for node in flatten(network).nodes] == ["enc.0", "1", "enc.1", "2", "last1", "4"]
