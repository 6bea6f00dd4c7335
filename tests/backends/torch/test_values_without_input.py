"""`param` and `const` in the built module: keys, shapes, values, gradients, and the batch."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn

import archdsl
from archdsl.ir import state, verify

VIT = """
network vit(dim = 8, classes = 5) {
  input image [3, 8, 8]
  conv_proj: conv(dim, 4, stride = 4, pad = 0, bias = true)
  reshape([dim, 4]); transpose(0, 1)
  class_token: param([1, dim], batch_axis = true)
  concat { class_token; x }
  encoder: {
    pos_embedding: param([5, dim], init = normal(std = 0.02), batch_axis = true)
    add { x; pos_embedding }
  }
  slice(0..1, axis = 0); flatten
  head: linear(classes)
  expect params == 485 if dim == 8 and classes == 5
}
"""


class Vit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv_proj = nn.Conv2d(3, 8, 4, 4)
        self.class_token = nn.Parameter(torch.zeros(1, 1, 8))
        self.encoder = nn.Module()
        self.encoder.pos_embedding = nn.Parameter(torch.empty(1, 5, 8).normal_(std=0.02))
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_proj(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], 1) + self.encoder.pos_embedding
        return self.head(x[:, 0])


def module_of(body: str, inputs: str = "input image [4, 6, 6]", blocks: str = "") -> nn.Module:
    network = archdsl.loads(f"{blocks}\nnetwork n {{\n{inputs}\n{body}\n}}")
    verify(network.graph)
    return network.build()


def test_a_vision_transformer_has_the_keys_and_results_of_its_reference() -> None:
    torch.manual_seed(0)
    reference, network = Vit(), archdsl.loads(VIT)
    module = network.build()
    theirs = reference.state_dict()
    assert {key: value.shape for key, value in module.state_dict().items()} == {key: value.shape for key, value in theirs.items()}
    assert not module.class_token.any() and 0.005 < float(module.encoder.pos_embedding.detach().std()) < 0.04
    reference.class_token.data.normal_()
    module.load_state_dict(reference.state_dict())
    images = torch.randn(3, 3, 8, 8)
    torch.testing.assert_close(module(images), reference(images))
    for one in (module, reference):
        one(images).square().sum().backward()
    for (key, mine), other in zip(module.named_parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad, msg=key)


@pytest.mark.parametrize("body", [
    "p: param([4, 1, 1], init = normal); mul { x; p }",
    "p: param([4, 1, 1], init = normal); add(broadcast = true) { p; x }",
    "p: param([2, 6, 6], init = normal); concat { p; x; { p -> relu } }",
    "p: param([4, 6, 6], init = normal); shake { p; x }",
    "p: param([4, 6, 6], init = normal); p -> relu -> conv(3, 1); output second: { image -> gap }",
    "c[0]: param([4, 6, 6], init = ones); c[1]: const(0.5, [4, 6, 6]); c[2]: conv(4, 1); add { x; c[0]; c[1] }",
    "c[0]: const(2, [4, 1, 1]); c[1]: const(0.5, [4, 1, 1]); mul { x; c[0]; c[1] }",
    "c[0]: param([4, 1, 1], init = ones); c[1]: param([4, 1, 1], init = ones); mul { x; c[0]; c[1] }",
    "repeat 2 { unit }; param([4, 6, 6], init = ones) -> conv(4, 1) -> relu; unit; concat { x; image }",
    "p: param([4, 6, 6], init = ones); tie(p); p -> tie(image); concat { x; image }",
    "p: param([6, 6], init = normal); matmul(p, p) -> reshape([1, 6, 6]); mul { image; x }",
    "conv(2, 1); small: param([3, 2, 2], init = normal); resize_like(small); small -> resize_like(image); concat { x; image }",
    "conv(4, 1) -> concat { x; param([1, 6, 6]) }; bn",
])  # fmt: skip
def test_a_batch_gives_what_each_image_gives(body: str) -> None:
    """In evaluation mode, for every image by itself; the module can be copied, pickled and traced."""
    blocks = (
        "block unit { extra: param([1, 6, 6], init = normal); concat { x; extra } -> conv(4, 1) }\n"
        "block tie(other) { concat { x; other } -> conv(4, 1) }"
    )
    module = module_of(body, blocks=blocks).eval()
    images = torch.randn(3, 4, 6, 6)

    def results(one: nn.Module, batch: Tensor) -> list[Tensor]:
        found = one(batch)
        return [found] if isinstance(found, Tensor) else list(found)

    whole = results(module, images)
    single = [results(module, image[None]) for image in images]
    for position, result in enumerate(whole):
        torch.testing.assert_close(result, torch.cat([one[position] for one in single]))
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module)), torch.fx.symbolic_trace(module)):
        for mine, theirs in zip(results(other, images), whole, strict=True):
            torch.testing.assert_close(mine, theirs)


def test_the_network_initializes_its_parameters() -> None:
    text = "network n { input a [8]; p: param([8, 1]); q: param([8], init = constant(3)); add { x; q }; init { param = ones } }"
    module = archdsl.loads(text).build()
    assert module.p.eq(1).all() and module.q.eq(3).all()


def test_constants_are_in_no_state_dict_and_move_with_the_module() -> None:
    module = module_of("middle: const([[[1, 2.5]], [[-3, 0]]]); mul { x; middle }", "input a [2, 3, 2]")
    assert not module.state_dict() and dict(module.named_buffers())["middle"].tolist() == [[[1, 2.5]], [[-3, 0]]]
    a = torch.randn(2, 2, 3, 2, dtype=torch.double)
    torch.testing.assert_close(module.double()(a), a * torch.tensor([[[1, 2.5]], [[-3, 0]]], dtype=torch.double))
    with torch.device("meta"):
        moved = module.to("meta")
    assert moved(a.to("meta")).device.type == "meta"


def test_a_result_that_follows_from_no_input_has_the_batch_all_the_same() -> None:
    module = module_of("p: param([4], init = normal); output free: p -> relu; conv(3, 1); param([2]) -> relu")
    main, free = module(torch.randn(5, 4, 6, 6))
    assert main.shape == (5, 2) and free.shape == (5, 4)


@pytest.mark.parametrize("body", ["p: param([4, 1, 1]); mul { x; p }", "concat { x; param([1, 6, 6]) }", "param([4]) -> relu"])
def test_keys_are_those_of_the_graph(body: str) -> None:
    network = archdsl.loads(f"network n {{ input image [4, 6, 6]; relu; {body} }}")
    module = network.build()
    assert {key: tuple(value.shape) for key, value in module.state_dict().items()} == state(network.graph)


def test_a_parameter_is_never_overwritten() -> None:
    module = module_of("p: param([4, 6, 6], init = normal); p -> relu; add { x; image }")
    before = module.p.detach().clone()
    module(torch.randn(2, 4, 6, 6)).sum().backward()
    assert torch.equal(module.p, before) and module.p.grad is not None


@pytest.mark.parametrize(("body", "blocks"), [
    ("p: param([4, 6, 6], init = ones); p -> dropout(0.5)", ""),
    ("p: param([4, 6, 6], init = ones); p; dropout(0.5); relu; scale(2); output other: image", ""),
    ("p: param([4, 6, 6], init = ones); p -> drop", "block drop { relu; dropout(0.5) }"),
    ("p: param([4, 6, 6], init = ones); p -> outer(image)", """
     block drop(other) { relu; dropout(0.5); add { x; other } }
     block outer(other) { drop(other) }"""),
    ("inner", "block inner { image: x; p: param([4, 6, 6], init = ones); p -> dropout(0.5); add { x; image } }"),
    ("p: param([4, 6, 6], init = ones); p -> twice; concat { x; { image; twice } } -> slice(0..4)",
     "block twice { add { x; dropout(0.5) } }"),
    ("p: param([36, 4], init = ones); p -> mha(2, drop = 0.5) -> reshape([4, 6, 6])", ""),
])  # fmt: skip
def test_random_numbers_differ_between_examples(body: str, blocks: str) -> None:
    """Also where what they are drawn for is the same for all examples."""
    torch.manual_seed(0)
    module = module_of(body, blocks=blocks)
    images = torch.randn(1, 4, 6, 6).expand(3, -1, -1, -1)
    found = module.train()(images)
    first, second, third = found if isinstance(found, Tensor) else found.main
    assert not torch.equal(first, second) and not torch.equal(second, third)
    found.sum().backward() if isinstance(found, Tensor) else found.main.sum().backward()
    assert all(p.grad is not None for p in module.parameters())
    evaluated = module.eval()(images)
    first, second, third = evaluated if isinstance(evaluated, Tensor) else evaluated.main
    torch.testing.assert_close(first, second)


def test_a_stored_constant_is_a_buffer_and_coords_count_along_an_axis() -> None:
    body = """
    dfl: { weight: const(0..4, [4, 1, 1], stored = true) }
    coords: coords(image, axis = -1)
    image -> mul { x; dfl.weight }
    rows: { coords(image, axis = -2) -> rearrange("h -> 1 h 1") }
    add(broadcast = true) { image; rows }"""
    module = module_of(body)
    assert module.state_dict().keys() == {"dfl.weight"}
    assert module.dfl.weight.flatten().tolist() == [0, 1, 2, 3]
    image = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(module(image), image + torch.arange(6.0).view(1, 1, 6, 1))
