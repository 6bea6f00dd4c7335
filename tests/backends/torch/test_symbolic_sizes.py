"""Networks with symbolic sizes as modules: the check of the input, export, compilation and tracing."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
import torch.fx
from torch import nn

from archdsl import loads
from archdsl.backends.torch.emit import emit
from archdsl.backends.torch.export import dynamic_shapes
from archdsl.backends.torch.instantiate import build

UNET = """network unet {
  input image [1, H, W]
  a: conv(2, 3); maxpool(2); b: conv(4, 3); upconv(2, 2)
  concat { a; x }
  c: conv(2, 1)
}"""


def test_the_size_is_checked_on_entry() -> None:
    module = loads(UNET).build()
    assert module(torch.zeros(1, 1, 6, 8)).shape == (1, 2, 6, 8)
    with pytest.raises(ValueError, match=r"^H and W must be even; H is 7, W is 8$"):
        module(torch.zeros(1, 1, 7, 8))


@pytest.mark.parametrize("shape", [(1, 6, 8), (6, 8), (1, 1, 6, 8, 8)])
def test_a_tensor_without_a_batch(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=rf"^image must be \[batch, 1, H, W\]; it is {re.escape(str(list(shape)))}$"):
        loads(UNET).build()(torch.zeros(shape))


def test_the_check_can_be_left_out() -> None:
    graph = loads(UNET).graph
    assert "check_sizes(image)" in emit(graph) and "check_sizes" not in emit(graph, check_sizes=False)
    with pytest.raises(RuntimeError, match="Sizes of tensors must match"):
        build(graph, check_sizes=False)(torch.zeros(1, 1, 7, 8))


@pytest.mark.parametrize(("text", "test"), [
    ("a: conv(4, 3, pad = 0); b: conv(4, 3)", "image.shape[2] < 3"),
    ("skip { maxpool(3) -> upsample(3) }; b: conv(3, 3)", "image.shape[2] % 3"),
    ("skip { maxpool(3) -> upsample(3) }; repeat 4 { b: conv(3, 3, pad = 0) }".replace("b: ", ""),
     "image.shape[2] % 3 or image.shape[2] < 9"),
    ("skip { conv(3, 3, 2) } via { conv(3, 2, 2, pad = 0) }; b: relu", "image.shape[2] % 2"),
    ("a: skip { conv(3, 3, 2) -> upsample(2) -> slice(0..3) }; b: relu", "image.shape[2] % 2"),
    ("a: skip { conv(3, 3, 3) -> upsample(3) -> maxpool(2, stride = 1) }; b: relu", "image.shape[2] % 3 != 2"),
    ("a: skip { conv(3, 3, 2) }; b: relu", "image.shape[2] != 1"),
    ("a: conv(3, 3, 2); b: relu", None),
    ("a: maxpool(3, 2, 1, ceil = true, dilation = 2); b: relu", "image.shape[2] < 2"),
])  # fmt: skip
def test_tests(text: str, test: str | None) -> None:
    """What the check asks, for the kinds of sets of sizes; it agrees with the verdict at every size."""
    network = loads(f"network net {{ input image [3, N]\n start: bn\n {text} }}")
    source = network.source()
    assert (f"    if {test}:\n" in source) if test else "N must be" not in source
    module = network.build(device="meta")
    for n in range(1, 40):
        if n not in network.sizes.work["N"]:
            with pytest.raises(ValueError, match=r"^N must be "):
                module(torch.zeros(2, 3, n, device="meta"))
        else:
            module(torch.zeros(2, 3, n, device="meta"))


@pytest.mark.parametrize(("condition", "test"), [
    ("N != 6", "image.shape[2] == 6"), ("N < 6 or N > 7", "image.shape[2] in [6, 7]"),
    ("N % 4 == 0 or N == 3", "(image.shape[2] != 3) & (image.shape[2] % 4 != 0)"),
    ("N % 4 == 0 and N != 8 or N == 9",
     "(image.shape[2] != 4) & (image.shape[2] != 9) & ((image.shape[2] % 4 != 0) | (image.shape[2] < 12))"),
    ("N % 17 != 0", "image.shape[2] % 17 == 0"), ("N % 11 > 1", "image.shape[2] % 11 < 2"),
    ("N % 17 != 0 and N % 11 > 1", "image.shape[2] % 11 < 2 or image.shape[2] % 17 == 0"),
    ("N % 17 == 0 or N % 13 == 0", "(image.shape[2] % 13 != 0) & (image.shape[2] % 17 != 0)"),
    ("N % 11 > 1 and N < 30", "not 2 <= image.shape[2] <= 29 or image.shape[2] % 11 < 2"),
])  # fmt: skip
def test_conditions_with_exceptions(condition: str, test: str) -> None:
    network = loads(f"network net {{ input image [3, N] where {condition}\n conv(4, 3) }}")
    assert f"    if {test}:\n" in network.source()
    module = network.build(device="meta")
    for n in range(1, 40):
        with nullcontext() if network.sizes.works({"N": n}) else pytest.raises(ValueError, match=r"^N must be "):
            module(torch.zeros(2, 3, n, device="meta"))


@pytest.mark.parametrize("body", ["0: conv(4, 3) -> maxpool(2)", "c: conv(3, 3); skip { relu }"])
def test_what_where_rules_out_is_refused(body: str) -> None:
    """For networks that are a chain, too."""
    network = loads(f"network net {{ input image [3, N] where 2 < N < 20\n {body.removeprefix('0: ')} }}")
    assert "    if not 3 <= image.shape[2] <= 19:\n" in network.source()
    module = network.build()
    assert list(module.state_dict()) == list(network.build(check_sizes=False).state_dict())
    for n in range(1, 30):
        if network.sizes.works({"N": n}):
            module(torch.zeros(2, 3, n))
        else:
            with pytest.raises(ValueError, match=rf"^N must be from 3 to 19; N is {n}$"):
                module(torch.zeros(2, 3, n))
    compiled = torch.compile(module, fullgraph=True, backend="eager")
    for n in (4, 8, 12):
        assert compiled(torch.zeros(2, 3, n)).equal(module(torch.zeros(2, 3, n)))


def _compiled(module: nn.Module) -> nn.Module:
    torch._dynamo.reset()
    return torch.compile(module, backend="eager", fullgraph=True, dynamic=True)  # type: ignore[return-value]


@pytest.mark.parametrize("transform", [_compiled, torch.fx.symbolic_trace], ids=["compile", "fx"])
def test_the_check_is_no_obstacle(transform: Callable[[nn.Module], nn.Module]) -> None:
    module = loads(UNET).build().eval()
    changed = transform(module)
    for size in (8, 10, 16):
        x = torch.randn(1, 1, size, 12)
        torch.testing.assert_close(changed(x), module(x))


def test_the_check_adds_nothing_to_an_exported_graph() -> None:
    graph = loads(UNET).graph
    shapes, x = dynamic_shapes(graph), (torch.zeros(2, 1, 8, 8),)
    nodes = [
        [
            str(node.target)
            for node in torch.export.export(build(graph, check_sizes=checked).eval(), x, dynamic_shapes=shapes).graph.nodes
        ]
        for checked in (True, False)
    ]
    assert nodes[0] == nodes[1]


def test_padding_of_a_symbolic_size_in_a_class_with_several_instances() -> None:
    """The sizes of a class that differ between its instances are traced; that must not change how padding is written."""
    text = """
    block padded(out) { pad_to(4) -> conv(out, 1, bias = true) }
    network two {
      input image [3, H, W]
      padded(8) -> maxpool(2) -> padded(16)
    }
    """
    module = loads(text).build()
    assert module(torch.zeros(1, 3, 5, 14)).shape == (1, 16, 4, 8)
    assert loads(text).source().count("class Padded(") == 1


@pytest.mark.parametrize("sizes", ["d = v.d, h = v.h", "d = v.d, h = v.h, w = v.w"])
def test_axes_that_are_split_by_read_sizes_in_a_class_with_several_instances(sizes: str) -> None:
    """The stand-in for symbolic sizes cannot tell whether sizes that are read divide the axis."""
    text = f"""
    block turned(out) {{
      v: conv(out, 1)
      rearrange("c d h w -> (d h w) c") -> rearrange("(d h w) c -> c d h w", {sizes})
    }}
    network two {{
      input volume [1, D, H, W]
      turned(2); turned(4)
    }}
    """
    module, x = loads(text).build(), torch.randn(1, 1, 3, 4, 5)
    torch.testing.assert_close(module(x), module[1].v(module[0].v(x)))
