"""What ops say of the sign of their results holds; `lppool` is warned of exactly where it can give NaN."""

from __future__ import annotations

import pytest
import torch

import archdsl
from archdsl.driver import compile_text
from archdsl.ops import Op

SIGNED = [op for op in Op.registry if op.sign != "free" or op.name == "softplus"]


@pytest.mark.parametrize("op", SIGNED, ids=lambda op: op.name)
def test_results_are_not_negative(op: type[Op]) -> None:
    """Of the reference's example, on numbers of one sign or of both."""
    statement = f"sub: conv(8, 1); relu; {op.example.replace('conv', 'relu -> conv')}" if "(v)" in op.example else op.example
    if op.statement:
        statement = f"{op.name} {{ {'sigmoid; relu' if op.name != 'concat' else 'sigmoid; relu; x'} }}"
    if op.operands and op.name != "max_unpool":
        statement = f"low: maxpool(2); image; {op.name}(low)"
    module = archdsl.loads(f"network n {{ input image [8, 32, 32]; {statement} }}").build()
    torch.manual_seed(0)
    image = torch.randn(2, 8, 32, 32)
    assert module(image if op.sign == "positive" else image.abs()).min() >= 0


@pytest.mark.parametrize(("stages", "warned"), [
    ("lppool(2)", False), ("lppool(2, p = 4)", False), ("lppool(2, p = 1)", False), ("lppool(2, p = 3)", True),
    ("lppool(2, p = 1.5)", True),
    ("relu -> lppool(2, p = 3)", False), ("relu -> lppool(2, p = 1.5)", False), ("relu -> lppool(2, p = 0.5)", False),
    ("bn -> lppool(2, p = 3)", True),
    ("relu -> maxpool(2) -> concat { x; sigmoid } -> lppool(2, p = 3)", False), ("relu -> conv(8, 1) -> lppool(2, p = 3)", True),
    ("lppool(2, p = 1) -> lppool(2, p = 3)", True), ("lppool(2) -> lppool(2, p = 3)", False),
    ("add { relu; x } -> lppool(2, p = 3)", True),
    ("softplus(threshold = -5.0) -> lppool(2, p = 3)", True), ("act(softplus) -> lppool(2, p = 3)", False),
    ("act(tanh) -> lppool(2, p = 3)", True),
])  # fmt: skip
def test_lppool_is_warned_of_where_it_gives_nan(stages: str, warned: bool) -> None:
    text = f"network n {{ input image [8, 16, 16]; {stages} }}"
    assert [d.code for d in compile_text(text).diagnostics] == (["W0108"] if warned else [])
    torch.manual_seed(0)
    image = (4 * torch.randn(2, 8, 16, 16)).requires_grad_()
    result = archdsl.loads(text).build()(image)
    result.sum().backward()
    finite = bool(result.isfinite().all()) and image.grad is not None and bool(image.grad.isfinite().all())
    assert finite != warned
