"""Each mistake is reported once, and what follows from another error is not reported."""

import pytest

from archdsl.driver import check_text

NET = """network n(classes: int = 10) {{
  input image [3, 32, 32]
  {}
  gap; flatten; fc: linear(classes)
  expect params == 1
  expect depth == 7 if classes == 10
}}
network m = n(classes = 5) expect params == 2 expect macs == 3
"""


def codes(text: str) -> list[str]:
    return [diagnostic.code for diagnostic in check_text(text) if diagnostic.is_error]


def test_the_claims_are_false() -> None:
    assert codes(NET.format("conv(16, 3) -> bn -> relu")) == ["E0701"] * 4


@pytest.mark.parametrize(("body", "code"), [
    ("conv(16, 3) bn -> relu", "E0101"),
    ("repeat 3 conv(16, 3) -> bn }", "E0101"),
    ("repeat 3 { conv(16, 3) -> bn", "E0102"),
    ("repeat 3 { conv(16, 3) -> bn } }", "E0101"),
    ("for i 0..3 { e[i]: conv(16, 3) }; concat { e[0]; e[2] }", "E0101"),
    ("for i in 0..3 { e[i] conv(16, 3) }; concat { e[0]; e[2] }", "E0101"),
    ("e[0]: conv(8, 1); for i in 1..3 { e[i]= = conv(16, 3) }; add { e[0]; e[2] }", "E0105"),
    ("conv(16, 3); (2) x.c; expect x.c == 5; conv(8, 3)", "E0101"),
    ("conv(16, 3, stride: 2)", "E0105"),
    ("let k = 3, 4; conv(16, k[1])", "E0101"),
    ("maxpool(2; relu)", "E0101"),
    ("for i, n, k in [1, 2] { conv(n, k) }", "E0101"),
    ("conv(16, 3 }", "E0102"),
    ("skip\n { conv(16, 3) } via { conv(16, 1) }", "E0101"),
    ("if classes == 3 conv(3, 3) } else { relu }", "E0101"),
    ("convv(16, 3)", "E0201"),
    ("conv(16, widht); repeat 2 { conv(widht, 3) }", "E0201"),
    ("conv(16, 3, strid = 2)", "E0202"),
    ("l: conv(16, depth9); concat { l; x }; expect x.c == 3", "E0201"),
    ("conv(2); expect x.c == 3", "E0403"),
    ("nope(3); \"1\": relu; relu", "E0201"),
])  # fmt: skip
def test_one_mistake_gives_one_error(body: str, code: str) -> None:
    assert codes(NET.format(body)) == [code]


INDEPENDENT = {
    "statements of a network": (NET.format("conv(16, 3) bn\n  conv(8, 3, strid = 2)\n  let a = [1, 2\n  maxpool(0)"),
                                ["E0101", "E0202", "E0102", "E0402"]),
    "claims of another network": ("network a { input image [3, 8, 8]; conv(4 3) }\nnetwork b { input image [3, 8, 8]; relu; "
                                  "expect params == 3 }", ["E0101", "E0701"]),
    "a claim of a block": ("block u { expect 1 == 2; relu }\nnetwork a { input image [3, 8, 8]; nope }", ["E0701", "E0201"]),
    "definitions, one of which is hidden": ("blok u { relu }\nnetwork a { input image [3, 8, 8]; conv(3, 3, k = 5); conv(1, "
                                            "3, strid = 2) }", ["E0101", "E0404", "E0202"]),
    "a damaged block, called": ("block u { conv(4 3) }\nnetwork a { input image [3, 8, 8]; u; maxpool(stride = 0, 3); "
                                "expect params == 4 }", ["E0101", "E0404"]),
    "two names": (NET.format("conv(widht, 3); conv(hight, 3)"), ["E0201", "E0201"]),
    "keys of one line": ("network a { input image [3, 8, 8]; gap; flatten; linear(10) }\ntrain { data = digits, "
                         "epochs: 5; batch = }", ["E0101", "E0105", "E0101"]),
}  # fmt: skip


@pytest.mark.parametrize("name", INDEPENDENT)
def test_independent_errors_are_reported(name: str) -> None:
    text, expected = INDEPENDENT[name]
    assert codes(text) == expected


def test_an_error_in_a_block_that_is_not_called_hides_no_claim_of_others() -> None:
    text = "block u { conv(4 3) }\nnetwork a { input image [3, 8, 8]; relu; expect params == 4 }"
    assert codes(text) == ["E0101", "E0701"]


def test_an_unknown_name_marks_all_its_places() -> None:
    (error,) = check_text("block u { conv(w, 3); conv(w, 1) }\nnetwork a { input image [3, 8, 8]; u; relu(w) }")
    assert error.mark is not None and [mark.span.text for mark in (error.mark, *error.related)] == ["w", "w", "w"]


def test_an_error_in_several_instances_is_reported_once() -> None:
    text = "network a(n = 1) { input image [3, 8, 8]; conv(6, 3, groups = n) }\n" + "".join(
        f"network b{n} = a({n})\n" for n in (4, 5, 7)
    )
    assert codes(text) == ["E0306"]


MISTAKES = {
    'conv(0, 3, stride = 0, groups = "a")': ["E0402", "E0402", "E0401"],
    "conv(0, 3, foo = 3)": ["E0402", "E0202"],
    "conv(ot = 8, k = 3)": ["E0202"],
    "unit(1.5, 3, 4)": ["E0406", "E0401", "E0401"],
    "crop_like(enk = x)": ["E0202"],
    "block: conv(3, 3)": ["E0107"],
    "train: conv(3, 3)\n relu(1)": ["E0107", "E0404"],
    "skip { block: conv(3, 3) }": ["E0107"],
    "train { epochs = 3 }\n conv(3, 3, foo = 1)": ["E0101", "E0202"],
    "block b(w) {\n  conv(w, 3)\n }\n b(3)\n conv(3, 3, foo = 1)": ["E0101", "E0202"],
    "conv(2**3, 3)": ["E0105"],
    "let unread = 3": ["W0102"],
}


@pytest.mark.parametrize("stage", MISTAKES)
def test_each_mistake_once(stage: str) -> None:
    unit = "# arch: allow(W0111)\nblock unit(w: int, s: str, f: bool) { if f { conv(w, 3) }; expect s == s }\n"
    found = check_text(f"{unit}network net {{ input image [3, 8, 8]\n {stage}\n}}\n")
    assert [diagnostic.code for diagnostic in found] == MISTAKES[stage]


def test_an_element_of_a_list_is_named() -> None:
    [found] = check_text("network net { input image [3, 8, 8]; conv(8, [3, -1]) }")
    assert found.message == "`k[1]` of `conv` must be at least 1, found -1"
