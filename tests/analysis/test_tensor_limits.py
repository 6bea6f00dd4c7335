"""Symbolic sizes against the largest tensors that there can be."""

from __future__ import annotations

import pytest

from archdsl.analysis import at_sizes
from archdsl.driver import compile_text

MOST = 2**31 - 1


def codes(body: str) -> list[str]:
    return [d.code for d in compile_text(f"network n {{ {body} }}").diagnostics if d.is_error]


@pytest.mark.parametrize(("body", "code"), [
    ("input a [3, H, W]; maxpool(2, 1, dilation = 2147483647)", "E0310"),
    ("input a [3, H]; conv(3, 3, dilation = 2147483647, pad = 0)", "E0310"),
    ("input a [3, H] where H > 2^31; relu", "E0310"), ("input a [3, H] where H == 10^60; relu", "E0310"),
    ("input a [3, H] where H >= 2^31 - 1; relu", None),
    ("input a [3, H, W]; upsample(65536); upsample(65536)", "E0502"), ("input a [3, H, W]; upsample(2147483647)", "E0502"),
    ("input a [3, H]; upsample(2147483647)", None),
    ("input a [3, H, W]; upsample(65536) -> maxpool(65536) -> upsample(65536)", None),
    ("input a [3, H]; input b [3, 2^40 * H]; b", "E0502"), ("input a [3, H]; slice(0..2147483647, axis = 1)", None),
    ("input a [3, H]; slice(0..2^31, axis = 1)", "E0402"),
    ("input a [2^27, H, 8192 - H % 8192]; conv(1, 1)", None),
])  # fmt: skip
def test_some_size_within_the_limits_works(body: str, code: str | None) -> None:
    assert codes(body) == ([code] if code else [])


def test_the_error_names_the_place() -> None:
    [found] = compile_text(
        "network n { input a [3, H, 8]; relu; maxpool([2, 1], 1, dilation = [2147483647, 1]); relu }"
    ).diagnostics
    assert found.mark is not None and found.mark.span.text.startswith("maxpool") and "2,147,483,648" in found.message


@pytest.mark.parametrize(
    ("size", "works"), [((3, MOST, 1), True), ((3, MOST + 1, 1), False), ((3, 2**20, 2**19), False), ((3, 2**19, 2**19), True)]
)
def test_one_size(size: tuple[int, ...], works: bool) -> None:
    compiled = compile_text("network n { input a [3, H, W]; relu }")
    graph, found = at_sizes(compiled.require(), compiled.sizes, {"a": size})
    assert (graph is not None) == works and [d.code for d in found] == ([] if works else ["E0312"])


@pytest.mark.parametrize(("body", "code"), [
    ("input a [3, H, W]; lrn(2147483647)", "E0402"), ("input a [3, 8]; lrn(1025)", "E0402"), ("input a [3, 8]; lrn(1024)", None),
    ("input a [1000, 8]; lrn(1999)", None), ("input a [1000, 8]; lrn(2000)", "E0402"),
])  # fmt: skip
def test_a_window_over_channels_is_bounded(body: str, code: str | None) -> None:
    assert codes(body) == ([code] if code else [])
