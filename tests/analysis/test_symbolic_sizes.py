"""The verdict on symbolic sizes: which sizes work, the places that need it, and what is said of conditions."""

from __future__ import annotations

from pathlib import Path

import pytest

import archdsl
from archdsl.analysis import SymbolicSizes, at_sizes
from archdsl.analysis.coupled_sizes import resolve_couplings
from archdsl.analysis.size_verdict import Coupling
from archdsl.compiled import Compiled
from archdsl.driver import compile_text
from archdsl.limits import DEFAULT
from archdsl.shapes import format_shape, symbolic_size
from archdsl.sizes import ALL, equal
from archdsl.source import SourceFile, Span


def checked(body: str, shape: str = "[3, H, W]") -> Compiled:
    return compile_text(f"network net {{\n  input image {shape}\n  {body}\n}}\n")


@pytest.mark.parametrize(("body", "sentence"), [
    ("conv(4, 3)", "H and W can be any size"),
    ("conv(4, 5, pad = 0)", "H and W must be at least 5:\n  `conv` leaves nothing of less at <text>:3:3"),
    ("features: { conv(4, 3, 2); maxpool(7) }",
     "H and W must be at least 13:\n  `features.1` (maxpool) leaves nothing of less at <text>:3:30"),
    ("pad(3, mode = reflect)", "H and W must be at least 4:\n  `pad` needs H to be at least 4 at <text>:3:3"),
    ("skip { maxpool(4) -> upsample(4) }",
     "H and W must be multiples of 4:\n  `skip` joins `upsample` (4*floor(H/4)) with `image` (H) at <text>:3:3"),
    ("a: conv(3, 3); low: { maxpool(2); conv(3, 3) }; upsample(2); concat { low -> upsample(2); a }",
     "H and W must be even:\n  `concat` joins `a` (H) with `upsample` (2*floor(H/2)) at <text>:3:64"),
    ("conv(4, 3, [2, 1]); skip { maxpool([1, 3]) -> upsample([1, 3]) }",
     "H can be any size"),
    ("slice(2..9, axis = 2)", "H can be any size"),
])  # fmt: skip
def test_sentences(body: str, sentence: str) -> None:
    compiled = checked(body)
    assert compiled.ok and sentence in compiled.sizes.sentences()


def test_each_join_of_a_unet_is_named(root: Path) -> None:
    compiled = compile_text((root / "specs" / "unet.arch").read_text(), "unet")
    [sentence] = compiled.sizes.sentences()
    lines = sentence.splitlines()
    assert lines[0] == "H and W must be multiples of 16:"
    assert [line.split("`")[5] for line in lines[1:]] == ["enc[3]", "enc[2]", "enc[1]", "enc[0]"]
    assert [demand.symbol for demand in compiled.sizes.decisive("H")] == ["H"] * 4


def codes(compiled: Compiled) -> list[str]:
    return [diagnostic.code for diagnostic in compiled.diagnostics]


def test_what_never_works_is_refused() -> None:
    compiled = checked("concat { image; maxpool(2) }")
    assert not compiled.ok and codes(compiled) == ["E0310"]
    assert compiled.diagnostics[0].message == "no H works: floor(H/2) against H"


def test_demands_that_exclude_each_other() -> None:
    compiled = checked(
        "concat { image; maxpool(2) -> upsample(2) }; concat { image; image -> conv(3, 3, "
        "2) -> upsample(2) -> maxpool(2, stride = 1) }"
    )
    error = next(d for d in compiled.diagnostics if d.is_error)
    assert error.code == "E0310" and error.message.endswith("which needs H to be odd")
    assert "needs H to be even" in [mark.text for mark in error.related]


def test_hardly_any_size_is_a_warning() -> None:
    compiled = checked("skip { conv(3, 3, 2) }")
    assert compiled.ok and codes(compiled) == ["W0103"]
    message = "this network works only where H and W are 1: `skip` joins `conv` (ceil(H/2)) with `image` (H)"
    assert compiled.diagnostics[0].message == message
    assert codes(checked("skip { conv(3, 3, 2) }", "[3, N, N] where N == 1")) == []


@pytest.mark.parametrize(("where", "found"), [
    ("N % 4 == 0", []),
    ("N % 8 == 0", ["N0301"]),
    ("N % 2 == 0", ["E0311"]),
    ("N >= 4", ["E0311"]),
    ("N % 4 == 0 and N > 4", ["N0301"]),
    ("N == 4 or N == 8 or N % 4 == 0", []),
    ("not N % 4 != 0", []),
    ("4 <= N <= 4", ["N0301"]),
    ("N >= 8 and N == 3", ["E0701"]),
    ("N // 4 * 4 == N", []),
    ("N >= 100_000 and N % 4 == 0", ["N0301"]),
    ("N >= 1_000_000", ["E0311"]),
    ("true", ["E0311"]),
    ("false", ["E0701"]),
    ("not true", ["E0701"]),
    ("N % 4 == 0 or 1 > 2", []),
    ("N % 4 == 0 or 2 > 1", ["E0311"]),
    ("N % 4 == 0 and 2 > 1", []),
    ("N % 4 == 0 and 1 > 2", ["E0701"]),
    ("not (N < 4 or N % 4 != 0)", []),
    ("N % 8 == 0 or N % 8 == 4", []),
    ("0 < N < 0", ["E0701"]),
    ("M == 3", ["E0201"]),
    ("N == [1]", ["E0408"]),
    ("N", ["E0401"]),
    ("N % 1_000_003 == 0", ["E0307"]),
    ("N == 1.5", ["E0408"]),
    ("N > 2 or 3", ["E0401"]),
])  # fmt: skip
def test_stated_conditions(where: str, found: list[str]) -> None:
    assert codes(checked("skip { maxpool(4) -> upsample(4) }", f"[3, N, N] where {where}")) == found


def test_a_condition_names_a_size_that_fails() -> None:
    compiled = checked("skip { maxpool(4) -> upsample(4) }", "[3, N, N] where N % 2 == 0")
    error = compiled.diagnostics[0]
    assert error.message == "this condition is not enough: N = 2 meets it, and the network does not work there"
    assert error.help == "N must be a multiple of 4"


def test_conditions_on_each_of_two_sizes() -> None:
    assert codes(checked("skip { maxpool([4, 1]) -> upsample([4, 1]) }", "[3, H, W] where H % 4 == 0 and W >= 1")) == []
    for where in ("H % 4 == 0 or W == 3", "not (H > 2 and W > 2)", "H == W", "H > 3 or (H > 2 and W > 2)"):
        assert codes(checked("conv(3, 3)", f"[3, H, W] where {where}")) == ["E0307"], where
    assert codes(checked("conv(3, 3)", "[3, H, W] where (H > 0 or H == 3) and W > 0 and H >= W - W + 1")) == []


def test_two_sizes_of_which_one_must_be_long_enough() -> None:
    """A variance over a single position has no value; that ties height and width."""
    compiled = checked("maxpool(4) -> instance_norm")
    assert compiled.ok
    assert (
        compiled.sizes.works({"H": 8, "W": 4})
        and compiled.sizes.works({"H": 4, "W": 8})
        and not compiled.sizes.works({"H": 7, "W": 7})
    )
    assert "either H must be at least 8 or W must be at least 8" in compiled.sizes.sentences()[-1]
    assert checked("maxpool(4) -> instance_norm", "[3, N, N]").sizes.work["N"].smallest() == 8
    assert codes(checked("maxpool(4) -> instance_norm", "[3, H, W] where H >= 4 and W >= 4")) == ["E0311"]
    assert codes(checked("maxpool(4) -> instance_norm", "[3, H, W] where H >= 8 and W >= 4")) == ["N0301"]


def test_a_size_that_cannot_be_long_enough_leaves_it_to_the_other() -> None:
    compiled = checked("instance_norm", "[3, H, W] where H == 1")
    assert compiled.sizes.couplings == [] and compiled.sizes.work["W"].smallest() == 2
    assert codes(checked("concat { conv(3, [3, 1], stride = [2, 1]); instance_norm }")) == ["W0103", "W0124"]


def test_no_sizes_that_work_together() -> None:
    compiled = checked("concat { conv(3, 3, 2); v: instance_norm }")
    assert codes(compiled) == ["E0310"]
    [error] = compiled.diagnostics
    assert error.message == "no H and W work together: `v` (instance_norm) needs H or W to be at least 2"
    assert [mark.text for mark in error.related] == ["needs H to be 1", "needs W to be 1"]


def test_conditions_that_tie_sizes_are_decided_together() -> None:
    """Each of four conditions leaves two choices; any three of them can be met, and all four cannot."""
    span, (one, two) = Span(SourceFile("a.arch", "text"), 0, 4), (equal(symbolic_size("N"), n) for n in (1, 2))
    ties = [Coupling({"H": h, "W": w}, span, f"{h} or {w}") for h in (one, two) for w in (one, two)]
    for left_out in range(5):
        verdict = SymbolicSizes({"H": one | two, "W": one | two}, couplings=[*ties[:left_out], *ties[left_out + 1 :]])
        resolve_couplings(verdict)
        assert [d.code for d in verdict.diagnostics] == ([] if left_out < 4 else ["E0310"])
    repeated = SymbolicSizes(
        {"H": ALL, "W": ALL}, couplings=[ties[0], Coupling({"H": one | two, "W": one}, span, "wider"), ties[0]]
    )
    resolve_couplings(repeated)
    assert repeated.couplings == [ties[0]]


def test_a_gate_stretches_at_single_sizes() -> None:
    compiled = checked("mul { image; conv(3, 3, 2) }", "[3, N]")
    assert sorted(compiled.sizes.work["N"].points) == [1, 2]
    assert checked("mul { gap; image; { maxpool(2) -> upsample(2) } }", "[3, N]").sizes.work["N"].smallest() == 2
    assert codes(checked("input other [3, 12 - N]\n mul { image; other }", "[3, N]")) == ["E0307"]


def test_sizes_that_belong_to_different_symbols() -> None:
    compiled = checked("skip { transpose(1, 2) }")
    assert codes(compiled) == ["E0307"] and "with one name" in (compiled.diagnostics[0].help or "")
    assert checked("skip { transpose(1, 2) }", "[3, N, N]").ok


def test_works_needs_every_symbolic_size() -> None:
    with pytest.raises(ValueError, match=r"^the symbolic sizes are H, W: W is not given$"):
        checked("maxpool(2)").sizes.works({"H": 24})


def test_shapes_print_as_they_read_where_the_network_works() -> None:
    compiled = checked("skip { maxpool(4) -> upsample(4) }; maxpool(2)")
    assert format_shape(compiled.require().result.shape) == "[3, H/2, W/2]"
    assert format_shape(checked("maxpool(2)").require().result.shape) == "[3, floor(H/2), floor(W/2)]"


def test_one_size() -> None:
    compiled = checked("skip { maxpool(4) -> upsample(4) }; conv(3, 3, pad = 0)", "[3, H, W] where H % 8 == 0 and W % 4 == 0")
    graph = compiled.require()
    concrete, errors = at_sizes(graph, compiled.sizes, {"image": (3, 8, 12)})
    assert errors == [] and concrete is not None and concrete.result.shape == (3, 6, 10)
    for shape, words in {
        (3, 12, 4): "does not hold at H = 12",
        (3, 8, 6): "works at W = 6",
        (4, 8, 4): "cannot be 4x8x4",
        (3, 8): "cannot be 3x8",
    }.items():
        concrete, errors = at_sizes(graph, compiled.sizes, {"image": shape})
        assert concrete is None and [e.code for e in errors] == ["E0312"]
        assert words in errors[0].message or (words == "works at W = 6" and "W = 6" in errors[0].message)
    assert at_sizes(graph, compiled.sizes, {})[1][0].message == "the size does not say what H and W are"


def test_one_size_of_several_inputs() -> None:
    compiled = compile_text("network net { input a [3, N]\n input b [3, 2 * N]\n upconv(3, 2); add { x; b } }")
    graph = compiled.require()
    assert at_sizes(graph, compiled.sizes, {"a": (3, 5)})[0] is not None
    assert at_sizes(graph, compiled.sizes, {"a": (3, 5), "b": (3, 10)})[0] is not None
    assert at_sizes(graph, compiled.sizes, {"a": (3, 5), "b": (3, 11)})[1][0].code == "E0312"


@pytest.mark.parametrize(("body", "code"), [
    ("conv(3, 2, 2, pad = 0); conv(3, 3, 3); conv(3, 5, 5); conv(3, 7, 7); conv(3, 11, 11); conv(3, 13, 13)", "E0307"),
    ("concat { { conv(8, 13, 13) -> upsample(13) }; { conv(8, 11, 11) -> upsample(11) }; { conv(8, 7, 7) -> upsample(7) }; "
     "{ conv(8, 17, 17) -> upsample(17) } }", "E0307"),
    ("repeat 12 { conv(3, 3, 2) }; repeat 20_000 { pad(before = 0, after = 1) }", "E0502"),
    ("maxpool(1_000_000_007)", "E0307"),
])  # fmt: skip
def test_what_explodes_is_refused_in_time(body: str, code: str) -> None:
    """By a limit that the message names."""
    compiled = checked(body)
    assert codes(compiled) == [code]
    assert (
        f"{DEFAULT.period:,}" in compiled.diagnostics[0].message or f"{DEFAULT.size_values:,}" in compiled.diagnostics[0].message
    )


@pytest.mark.parametrize(
    "body", ["conv(3, 100_001, pad = 0)", "slice(1_000_000_000..2_000_000_000, axis = 1)", "maxpool(999_999, stride = 1)"]
)
def test_very_large_least_sizes(body: str) -> None:
    assert "at least" in checked(body).sizes.sentences()[0]


def test_demands_whose_sizes_cannot_be_told_together() -> None:
    """Leaving one out, the others repeat too late: it is shown, then."""
    compiled = compile_text("""
    network net { input image [3, H, 8]; input b [3, 40_000, 8]
      aux c: { b -> crop_like(image) }
      aux d: { image -> skip { maxpool([127, 1]) -> upsample([127, 1]) } }
      aux e: { image -> skip { maxpool([128, 1]) -> upsample([128, 1]) } }
      image -> relu
    }""")
    [sentence] = compiled.sizes.sentences()
    assert sentence.startswith("H must be one of 16256 or 32512:") and sentence.count("\n") == 3
    assert "(crop_like) needs H to be at most 40000" in sentence


def test_one_size_fails_at_a_place_once() -> None:
    compiled = checked("repeat 100 { conv(3, 3, pad = 0) }")
    found = at_sizes(compiled.require(), compiled.sizes, {"image": (3, 50, 500)})[1]
    assert [(d.code, d.mark.text if d.mark else "") for d in found] == [("E0312", "needs H to be at least 51")]


def test_ties_of_symbolic_sizes_that_have_nothing_to_do_with_one_another() -> None:
    """Two ways to meet each are not 2^40 ways to meet all."""
    compiled = compile_text(
        "network net {\n"
        + "".join(f"input i{k} [3, H{k}, W{k}]; output o{k}: {{ i{k} -> instance_norm }}\n" for k in range(40))
        + "relu }"
    )
    assert codes(compiled) == []
    assert compiled.sizes.works({f"{axis}{k}": 2 if axis == "H" else 1 for k in range(40) for axis in "HW"})
    assert not compiled.sizes.works({f"{axis}{k}": 1 for k in range(40) for axis in "HW"})


def test_ties_in_a_ring_are_refused_where_they_are_too_many() -> None:
    def ring(count: int) -> list[str]:
        inputs = (f"input i{k} [3, N{k}, N{(k + 1) % count}]; output o{k}: {{ i{k} -> instance_norm }}\n" for k in range(count))
        return codes(compile_text("network net {\n" + "".join(inputs) + "relu }"))

    assert ring(4) == [] and ring(40) == ["E0307"]


@pytest.mark.parametrize("body", [
    pytest.param(
        'input b [3, 100_000, 8]; for i in 0..300 { aux "h{i}": { b -> slice(i..90_000, axis = 1) -> crop_like(image) } '
        '}; image -> relu', marks=pytest.mark.exhaustive,
    ),
    "maxpool(1025); upsample(1025); for i in 1..300 { e[i]: conv(3, 3, pad = 0); image -> crop_like(e[i]); add { x; e[i] } }",
    "for i in 1..3000 { expect x.h % 4096 < 4096 }; relu",
])  # fmt: skip
def test_sets_that_become_too_large_together(body: str) -> None:
    compiled = checked(body)
    assert not compiled.ok and "--limit s" in compiled.diagnostics[-1].message + (compiled.diagnostics[-1].help or "")


@pytest.mark.parametrize(("text", "code", "message"), [
    ("input a [3, H, W] where H > 10^60; conv(4, 3)", "E0310", "no H works: it must be at least 1,000,"),
    ("input a [3, H, 8]; maxpool(2, 1, dilation = 2147483647)", "E0304", "leaves nothing"),
    ("input a [3, N]; maxpool(2, 1, dilation = 2147483647)", "E0310",
     "it must be at least 2,147,483,648, and a size is at most 2,147,483,647"),
    ("input a [1, H, W]; repeat 4 { upsample(2^15) }", "E0502", ", even at H = 1 and W = 1, the smallest that works"),
    ("input a [1, H, 4] where H >= 2^30; upsample(2)", "E0502", "`upsample` gives [1, 2147483648, 8]"),
])  # fmt: skip
def test_sizes_beyond_any_tensor(text: str, code: str, message: str) -> None:
    """An error where even the least sizes are more than PyTorch can count with; the largest that it can are none."""
    found = [d for d in archdsl.check(f"network n {{ {text} }}") if d.is_error]
    assert [d.code for d in found] == [code] and message in found[0].message
    assert archdsl.loads("network n { input a [1, H] where H >= 2^31 - 1; conv(1, 3) }").sizes.works({"H": 2**31 - 1})
