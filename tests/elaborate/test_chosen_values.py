"""`a if c else b` wherever a value stands."""

import pytest

from archdsl.driver import check_text, compile_text


def shape(body: str, deep: bool) -> tuple[object, ...]:
    text = f"network n(deep = {str(deep).lower()}) {{ input image [3, 32, 32]; {body} }}"
    return compile_text(text).require().result.shape


@pytest.mark.parametrize("body", [
    "repeat 2 if deep else 1 { maxpool(2) }",
    "repeat 1 if not deep else 2 if deep else 3 { maxpool(2) }",
    "for i in 0..2 if deep else 1 { maxpool(2) }",
    "for i in [1, 2] if deep else [1] { maxpool(2) }",
    "maxpool(2); if true if deep else false { maxpool(2) }",
    "maxpool(2); if false { relu } else if true if deep else false { maxpool(2) }",
    "maxpool(4 if deep else 2)",
    "let k = 4 if deep else 2; maxpool(k)",
])  # fmt: skip
def test_a_chosen_value(body: str) -> None:
    assert shape(body, True) == (3, 8, 8) and shape(body, False) == (3, 16, 16)


@pytest.mark.parametrize(("claim", "said"), [
    ("x.c == 3 if deep else x.c == 4", ""),
    ("x.c == 4 if not deep else x.c == 3", ""),
    ("x.c == 4 if not deep", ""),
    ("x.c == 4 if deep else x.c == 3", "`x.c == 4` does not hold: `x.c` is 3"),
    ("x.c == 3 if not deep else x.c == 5 if deep else x.c == 3", "`x.c == 5` does not hold: `x.c` is 3"),
    ("params == 3 if not deep else params == 5", "`params == 5` does not hold: `params` is 0"),
])  # fmt: skip
def test_a_chosen_claim(claim: str, said: str) -> None:
    network = f"network n(deep = true) {{ input image [3, 8, 8]; relu; expect {claim} }}"
    assert [d.message for d in check_text(network)] == ([said] if said else [])


def test_a_chosen_claim_of_an_alias() -> None:
    found = check_text(
        "network n { input image [3, 8, 8]; relu }\nnetwork m = n expect params == 1 if 2 < 1 else params == 2 expect depth == 0"
    )
    assert [d.message for d in found] == ["`params == 2` does not hold: `params` is 0"]


@pytest.mark.parametrize(("deep", "least"), [("true", 4), ("false", 10)])
def test_a_chosen_condition_on_sizes(deep: str, least: int) -> None:
    found = compile_text(f"network n(deep = {deep}) {{ input image [3, H, 8] where H > 3 if deep else H > 9; relu }}")
    assert found.ok
    assert [n for n in range(1, 20) if n in found.sizes.work["H"]] == [*range(least, 20)]
