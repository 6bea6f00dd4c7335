"""Long lists of numbers, which run as Python: the same values, errors and places as when the evaluator finds each element."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.diagnostics.render import render_text
from archdsl.driver import compile_text
from archdsl.elaborate import comprehensions, number_lists

VALUES = ["0..14", "-7..7", "0..28 by 2", "[0.5, 3, 0, -2, 7, 1, 1e20, 2, 3, 4, 5, 6, 8]"]
ELEMENTS = [
    "8 * round(w * m^i / 8)",
    "v if i == 0 or v != list[i - 1] else -v",
    "list[-1 - i] + min(v, i, 3) * abs(v)",
    "make_divisible(v * w, 8) + int(v / 2) - ceil(v * 0.3)",
    "i < v <= 2 * i",
    "not (i == 3 and true)",
    "log2(v + 3) + sqrt(v^2)",
]
WRONG = [
    "1 / v", "v // 0", "list[i * 100]", "2^(i * 30)", "10.0^(300 * i)", "(0.0 - v - 1)^0.5", "sqrt(v - 1)", "v + true", "v and i",
    "missing", "list", "[v]", "v / 2 if v else 1", "log2(1, 2)", "round(v = 1)", "x.c * v", "Size * v", '"a"', "none",
    "list[0.5]", "make_divisible(v, 0)", "1e29^(i + 1)", "len(list) + v", "i.c", "text[0]", "round(v) if i else relu",
]  # fmt: skip


def outcome(element: str, values: str = VALUES[0], condition: str = "") -> str:
    """Return what is said about a network that claims something false about the list."""
    text = f"""network t {{
      input image [3, Size, 8]
      let w = 2.5
      let m = 1.7
      let text = "abc"
      let list = [1, 2, 2, 3, 3, 3, 4, 0.5, 8, 9, 10, 11, 12, 13, 13]
      expect [{element} for i, v in {values}{condition and f" if {condition}"}] == [77]
      conv(4, 3)
    }}"""
    return render_text(compile_text(text).diagnostics)


def outcomes(patch: pytest.MonkeyPatch, *arguments: str) -> tuple[str, str, bool]:
    """Return the outcome as usual and if the evaluator finds every element, and whether the first ran as Python."""
    used = []

    def noted(*given: object) -> object:
        used.append(found := translated(*given))  # type: ignore[arg-type]
        return found

    translated = number_lists.number_list
    with patch.context() as patched:
        patched.setattr(number_lists, "number_list", noted)
        fast = outcome(*arguments)
    with patch.context() as patched:
        patched.setattr(comprehensions, "_LONG", 10**9)
        slow = outcome(*arguments)
    return fast, slow, bool(used) and all(found is not None for found in used)


@pytest.mark.parametrize("element", ELEMENTS)
def test_lists_run_as_python(element: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for values in VALUES[: 1 if "log2" in element else None]:
        fast, slow, used = outcomes(monkeypatch, element, values)
        assert fast == slow
        assert used
        assert "E0701" in fast


@pytest.mark.parametrize("element", WRONG)
def test_the_evaluator_does_what_is_not_about_numbers(element: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in ([element], ["v", VALUES[0], element]):
        fast, slow, used = outcomes(monkeypatch, *arguments)
        assert fast == slow
        assert fast
        assert not used or arguments[0] != element


def test_a_name_of_a_function_may_mean_something_else() -> None:
    text = "network t { input image [3, 8, 8]; let round(v) = v + 100; expect [round(i) for i in 0..13] == [0]; conv(4, 3) }"
    found = render_text(compile_text(text).diagnostics)
    assert "112" in found


NUMBERS = st.sampled_from(["i", "v", "w", "m", "1", "2", "0.5", "7", "list[i]", "list[i - 1]"])


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%", "^"]), inner)
    tests = st.tuples(inner, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), inner)
    return st.one_of(
        pairs.map(lambda parts: f"({' '.join(parts)})"),
        st.tuples(inner, tests, inner).map(lambda parts: f"({parts[0]} if {' '.join(parts[1])} else {parts[2]})"),
        st.tuples(st.sampled_from(["abs", "round", "floor", "ceil", "sqrt", "log2", "int"]), inner).map(
            lambda p: f"{p[0]}({p[1]})"
        ),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda parts: f"{parts[0]}({parts[1]}, {parts[2]})"),
        inner.map(lambda text: f"(-{text})"),
    )


@settings(max_examples=120, deadline=None)
@given(st.recursive(NUMBERS, grown, max_leaves=6), st.sampled_from(VALUES))
def test_random_elements(element: str, values: str) -> None:
    fast, slow, _ = outcomes(pytest.MonkeyPatch(), element, values)
    assert fast == slow
