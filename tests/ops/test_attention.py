"""`attend` and `mha` against attention by hand and `torch.nn.MultiheadAttention`; masks, MACs and what is emitted."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import archdsl
from archdsl.analysis import Costs
from archdsl.shapes import SymbolicSize


def _network(body: str, inputs: str = "input tokens [12, 8]") -> archdsl.Network:
    return archdsl.loads(f"network n {{\n  {inputs}\n  {body}\n}}\n")


def _attention(q: Tensor, k: Tensor, v: Tensor, added: Tensor | float = 0.0, scale: float | None = None) -> Tensor:
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    return torch.softmax(q @ k.transpose(-1, -2) * scale + added, -1) @ v


QKV = "input q [2, 6, 8]\n  input k [2, 5, 8]\n  input v [2, 5, 3]"


def test_values() -> None:
    """Softmax of the scaled products, times the values."""
    q, k, v = torch.randn(3, 2, 6, 8), torch.randn(3, 2, 5, 8), torch.randn(3, 2, 5, 3)
    torch.testing.assert_close(_network("attend(q, k, v)", QKV).build()(q, k, v), _attention(q, k, v))
    torch.testing.assert_close(_network("attend(q, k, v, scale = 0.3)", QKV).build()(q, k, v), _attention(q, k, v, scale=0.3))
    hidden = torch.full((6, 5), -torch.inf).triu(1)
    torch.testing.assert_close(_network("attend(q, k, v, causal = true)", QKV).build()(q, k, v), _attention(q, k, v, hidden))


def test_masks() -> None:
    """A bool mask is true where attention is allowed; a bias is added, with and without a mask, and with `causal`."""
    q, k, v = torch.randn(3, 2, 6, 8), torch.randn(3, 2, 5, 8), torch.randn(3, 2, 5, 3)
    mask, bias = torch.rand(3, 6, 5) > 0.4, torch.randn(3, 2, 6, 5)
    mask[..., 0] = True
    inputs = f"{QKV}\n  input mask: bool [6, 5]\n  input bias [2, 6, 5]"
    hidden = torch.zeros(3, 1, 6, 5).masked_fill(~mask.unsqueeze(1), -torch.inf)
    later = torch.full((6, 5), -torch.inf).triu(1)
    for body, added in (
        ("attend(q, k, v, mask)", hidden),
        ("attend(q, k, v, bias = bias)", bias),
        ("attend(q, k, v, mask, bias)", hidden + bias),
        ("attend(q, k, v, bias, bias)", bias + bias),
        ("attend(q, k, v, mask, causal = true)", hidden + later),
        ("attend(q, k, v, bias = bias, causal = true)", bias + later),
    ):
        made = _network(body, inputs).build()(q, k, v, mask, bias)
        torch.testing.assert_close(made, _attention(q, k, v, added), msg=body)


def test_dropout() -> None:
    """Dropout of the weights is random in training alone."""
    module = _network("attend(x, x, x, drop = 0.5)").build()
    x = torch.randn(2, 12, 8)
    assert not torch.equal(module.train()(x), module(x))
    assert torch.equal(module.eval()(x), module(x))


def test_it_is_emitted_as_one_call() -> None:
    """The emitted source calls PyTorch's function."""
    assert "F.scaled_dot_product_attention(" in _network("attend(x, x, x)").source()


def _reference(module: nn.Module, **options: int) -> nn.MultiheadAttention:
    made = nn.MultiheadAttention(8, 2, batch_first=True, **options)  # type: ignore[arg-type]
    made.load_state_dict(module.state_dict())
    return made.train(module.training)


def test_self_attention() -> None:
    """The keys, the values and the gradients are those of PyTorch's module, in both modes and in its fast path."""
    network = _network("attn: mha(2)")
    module = network.build()
    x = torch.randn(3, 12, 8)
    reference = _reference(module.attn)
    assert list(module.state_dict()) == [f"attn.{key}" for key in reference.state_dict()]
    for training in (True, False):
        module.train(training), reference.train(training)
        assert torch.equal(module(x), reference(x, x, x, need_weights=False)[0])
    with torch.no_grad():
        assert torch.equal(module(x), reference(x, x, x, need_weights=False)[0])
    assert "self.attn(tokens, tokens, tokens, need_weights=False)[0]" in network.source()


@pytest.mark.parametrize(
    ("call", "features"),
    [("mha(2, k, v)", (8, 8)), ("mha(2, k)", (8, 8)), ("mha(2, key = k, value = v)", (6, 3)), ("mha(2, value = w)", (8, 8))],
)
def test_cross_attention(call: str, features: tuple[int, int]) -> None:
    """Keys and values may be others, also of other sizes; values alone go with the queries as keys."""
    key, value = features
    inputs = f"input tokens [12, 8]\n  input k [5, {key}]\n  input v [5, {value}]\n  input w [12, 8]"
    module = _network(f"attn: {call}", inputs).build()
    x, k, v, w = torch.randn(3, 12, 8), torch.randn(3, 5, key), torch.randn(3, 5, value), torch.randn(3, 12, 8)
    reference = _reference(module.attn, kdim=key, vdim=value)
    keys, values = {"mha(2, k)": (k, k), "mha(2, value = w)": (x, w)}.get(call, (k, v))
    torch.testing.assert_close(module(x, k, v, w), reference(x, keys, values)[0])


def test_masks_of_the_module() -> None:
    """A bool mask is true where attention is allowed, for each key or for each pair; `causal` hides later keys."""
    x, keys, pairs = torch.randn(3, 12, 8), torch.rand(3, 12) > 0.3, torch.rand(3, 12, 12) > 0.3
    keys[:, 0], pairs[..., 0] = True, True
    later = torch.ones(12, 12, dtype=torch.bool).triu(1)
    inputs = "input tokens [12, 8]\n  input keys: bool [12]\n  input pairs: bool [12, 12]"
    for call, options in (
        ("mha(2, mask = keys)", {"key_padding_mask": ~keys}),
        ("mha(2, mask = pairs)", {"attn_mask": (~pairs).repeat_interleave(2, 0)}),
        ("mha(2, causal = true)", {"attn_mask": later}),
        ("mha(2, mask = keys, causal = true)", {"attn_mask": (later | ~keys[:, None]).repeat_interleave(2, 0)}),
    ):
        module = _network(f"attn: {call}", inputs).build()
        expected = _reference(module.attn)(x, x, x, **options)[0]
        torch.testing.assert_close(module(x, keys, pairs), expected, msg=call)


def test_the_decoder_of_detr() -> None:
    """Queries and keys have positions, and values do not (Carion et al. 2020, arXiv:2005.12872, appendix A.3)."""
    text = """
    block decoder_layer(memory, key, query_pos) {
      before: x
      add { x; query_pos }
      self_attn: mha(2, value = before)
      add { x; before }
      norm1: ln(axis = -1)
      before_cross: x
      add { x; query_pos }
      multihead_attn: mha(2, key, memory)
      add { x; before_cross }
      norm2: ln(axis = -1)
    }

    network n {
      input memory [20, 8]
      input pos [20, 8]
      query_pos: param([5, 8], init = normal(1.0))
      key: add { memory; pos }
      scale(0)
      slice(0..5)
      layer: decoder_layer(memory, key, query_pos)
    }
    """
    module = archdsl.loads(text).build()
    layer, query = module.layer, module.query_pos
    memory, pos = torch.randn(3, 20, 8), torch.randn(3, 20, 8)
    x = torch.zeros(3, 5, 8)
    x = layer.norm1(x + _reference(layer.self_attn)(x + query, x + query, x)[0])
    x = layer.norm2(x + _reference(layer.multihead_attn)(x + query, memory + pos, memory)[0])
    torch.testing.assert_close(module(memory, pos), x)


def _counted(module: nn.Module, *inputs: Tensor) -> float:
    with FlopCounterMode(display=False) as counter:
        module.to("meta").eval()(*inputs)
    return float(counter.get_total_flops()) / 2


@pytest.mark.parametrize("body", ["mha(2)", "attend(x, x, x)", 'rearrange("l (n d) -> n l d", n = 2)\n  attend(x, x, x)'])
def test_macs_of_symbolic_sizes(body: str) -> None:
    """The formula for the MACs gives PyTorch's count at each size."""
    network = _network(body, "input tokens [L, 8]")
    formula = Costs().macs(network.graph.main)
    assert isinstance(formula, SymbolicSize)
    for length in (3, 17):
        fixed = _network(body, f"input tokens [{length}, 8]")
        count = _counted(network.build(), torch.zeros(1, length, 8, device="meta"))
        assert Costs().macs(fixed.graph.main) == formula.value({"L": length}) == count


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tracing_and_scripting() -> None:
    """`torch.fx`, `torch.export` and `torch.jit.script` take both."""
    network = _network('a: mha(2)\n  rearrange("l (n d) -> n l d", n = 2)\n  attend(x, x, x)', "input tokens [L, 8]")
    x = torch.randn(2, 9, 8)
    expected = network.build().eval()
    torch.testing.assert_close(torch.fx.symbolic_trace(expected)(x), expected(x))
    length = torch.export.Dim("length", min=2, max=64)
    exported = torch.export.export(expected, (x,), dynamic_shapes=({1: length},))
    other = torch.randn(2, 20, 8)
    torch.testing.assert_close(exported.module()(other), expected(other))
    torch.testing.assert_close(torch.jit.script(expected)(x), expected(x))
