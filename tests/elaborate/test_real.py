"""`real`: integers and bools as real numbers of the module's type."""

from __future__ import annotations

import pytest
import torch

import archdsl
from archdsl.driver import check_text
from archdsl.ir import verify

TEXT = """network n {
  input image [4, L]
  input step: int [1]
  input mask: bool [1, L]
  number: step -> real -> div(1000) -> linear(4) -> reshape([4, 1])
  count: mask -> real -> sum(axis = 1, keep = true)
  mul { image; mask }
  sum(axis = 1, keep = true)
  div { x; count }
  add { x; number }
}"""


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_it_has_the_type_of_the_module(dtype: torch.dtype) -> None:
    network = archdsl.loads(TEXT)
    verify(network.graph)
    module = network.build().to(dtype)
    assert list(module.state_dict()) == ["number.2.weight", "number.2.bias"]
    image, step, mask = torch.randn(2, 4, 6, dtype=dtype), torch.tensor([[3], [999]]), torch.rand(2, 1, 6) > 0.3
    result = module(image, step, mask)
    assert result.dtype == dtype
    number = torch.nn.functional.linear(step.to(dtype) / 1000, *module.state_dict().values())[:, :, None]
    expected = (image * mask).sum(2, keepdim=True) / mask.to(dtype).sum(2, keepdim=True) + number
    torch.testing.assert_close(result, expected)


def test_it_is_exported_and_traced() -> None:
    network = archdsl.loads(TEXT)
    module = network.build().eval()
    inputs = torch.randn(2, 4, 6), torch.tensor([[3], [999]]), torch.rand(2, 1, 6) > 0.3
    torch.testing.assert_close(torch.fx.symbolic_trace(module)(*inputs), module(*inputs))
    program = torch.export.export(module, inputs, dynamic_shapes=network.dynamic_shapes()).module()
    others = torch.randn(3, 4, 9), torch.tensor([[1], [2], [5]]), torch.ones(3, 1, 9, dtype=torch.bool)
    torch.testing.assert_close(program(*others), module(*others))


def test_nothing_else_mixes_them() -> None:
    for body in ("mul { image; step }", "step -> linear(4)", "add { image; step }"):
        text = f"network n {{ input image [1]; input step: int [1]; {body} }}"
        assert [found.code for found in check_text(text) if found.is_error] == ["E0308"]
