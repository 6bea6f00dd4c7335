"""The source for arguments that functions, constants of the file and lists compute."""

from __future__ import annotations

from typing import Any

import torch

from archdsl import loads
from archdsl.driver import compile_text
from archdsl.ir import state

TEXT = """
let w = 4
let wide(v, m = 2) = v * m + w
block unit(out, k = 3) { let mid = wide(out); conv(mid, k) -> bn -> relu -> conv(wide(mid, m = 1), 1) }
network n {
  input image [3, 8, 8]
  for [o, k] in [[4, 3], [5, 3], [8, 5]] { unit(o, k); unit(wide(o)) }
  for c in [wide(v) for v in 0..4 by 2] { conv(c, 1) }
  skip(when = x.c == 8) { conv(x.c, 3) }
  skip(when = x.c == 9) { conv(x.c, 3) }
}
"""


def test_the_module_has_the_numbers_that_the_functions_give() -> None:
    network = loads(TEXT)
    names: dict[str, Any] = {}
    exec(network.source(), names)
    module = names["N"]().eval()
    expected = state(compile_text(TEXT).require())
    assert {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()} == expected
    assert module(torch.zeros(2, 3, 8, 8)).shape == (2, 8, 8, 8)
    assert "channels=12, out_channels=16" in network.source()
