"""What Darknet computes in ways of its own, compared with loops that follow its source."""

from __future__ import annotations

from collections.abc import Callable
from math import exp
from pathlib import Path

import pytest
import torch
from torch import Tensor

import archdsl
from archdsl.diagnostics import SpecError
from tests.importers.configs import darknet_files as files
from tests.importers.configs.test_darknet import body_of, imported

IDENTITY = "[activation]\nactivation=linear\n"


def result(tmp_path: Path, sections: list[str], x: Tensor) -> Tensor:
    """What the imported network gives for an image."""
    channels, height, _ = x.shape
    module = archdsl.loads(imported(tmp_path, "\n".join([files.net(height, channels), *sections])).text).build()
    return module.eval()(x[None])[0].detach()


# -- shortcuts between different shapes --


def shortcut(source: Tensor, target: Tensor) -> Tensor:
    """`shortcut_cpu`, loop by loop."""
    (c1, h1, w1), (c2, h2, w2) = source.shape, target.shape
    stride, sample = max(w1 // w2, 1), max(w2 // w1, 1)
    out = target.clone()
    for k in range(min(c1, c2)):
        for j in range(min(h1, h2)):
            for i in range(min(w1, w2)):
                out[k, j * sample, i * sample] += source[k, j * stride, i * stride]
    return out


SHRINKING = {
    "half of the pixels": (8, ["[maxpool]\nsize=2\nstride=2\n"]),
    "half, of an odd number": (9, ["[maxpool]\nsize=2\nstride=2\npadding=0\n"]),
    "a third, of ten": (10, ["[maxpool]\nsize=3\nstride=3\npadding=0\n"]),
    "some rows less": (9, ["[maxpool]\nsize=3\nstride=1\npadding=0\n"]),
    "more channels": (6, [files.route(-1, -1)]),
    "fewer channels": (6, [files.route(-1, more="groups=2\ngroup_id=1\n")]),
    "fewer pixels and more channels": (8, ["[maxpool]\nsize=2\nstride=2\n", files.route(-1, -1)]),
    "fewer pixels and channels": (9, ["[maxpool]\nsize=2\nstride=2\n", files.route(-1, more="groups=2\n")]),
}


@pytest.mark.parametrize("case", SHRINKING)
def test_shortcuts_add_what_both_shapes_have(case: str, tmp_path: Path) -> None:
    size, sections = SHRINKING[case]
    x = torch.randn(4, size, size)
    target = result(tmp_path, [IDENTITY, *sections], x)
    found = result(tmp_path, [IDENTITY, *sections, files.shortcut(0)], x)
    assert target.shape != x.shape and torch.equal(found, shortcut(x, target))


def test_a_shortcut_from_a_smaller_image_adds_to_the_first_rows(tmp_path: Path) -> None:
    x = torch.randn(2, 9, 9)
    smaller = [IDENTITY, "[maxpool]\nsize=3\nstride=1\npadding=0\n"]
    small = result(tmp_path, smaller, x)
    assert torch.equal(result(tmp_path, [*smaller, files.route(0), files.shortcut(1)], x), shortcut(small, x))


def test_factors_of_a_shortcut(tmp_path: Path) -> None:
    x = torch.randn(4, 6, 6)
    factors = "[shortcut]\nfrom=0\nalpha=0.5\nbeta=2\nactivation=linear\n"
    assert torch.allclose(result(tmp_path, [IDENTITY, "[activation]\nactivation=relu\n", factors], x), 0.5 * x.relu() + 2 * x)
    with pytest.raises(SpecError, match="with `alpha`, which scales this part alone"):
        result(tmp_path, [IDENTITY, files.route(-1, -1), factors], x)


def test_residual_units_whose_shortcut_has_no_weights(tmp_path: Path) -> None:
    text = body_of(imported(tmp_path, files.padded_resnet50()))
    assert (
        "  } via {\n    if stride != 1 { avgpool(1, stride) }\n    if c != 4 * out { pad_channels(4 * out) }\n  }\n" in text
        and "    for j in 0..n { residual(64 * 2^i, stride = 2 if i > 0 and j == 0 else 1) }\n" in text
        and "expect params == 22_780_456 if classes == 1000" in text
    )


# -- activations --


ACTIVATIONS: dict[str, Callable[[float], float]] = {
    "ramp": lambda x: x * (x > 0) + 0.1 * x,
    "loggy": lambda x: 2 / (1 + exp(-x)) - 1,
    "lhtan": lambda x: 0.001 * x if x < 0 else 0.001 * (x - 1) + 1 if x > 1 else x,
    "plse": lambda x: 0.01 * (x + 4) if x < -4 else 0.01 * (x - 4) + 1 if x > 4 else 0.125 * x + 0.5,
    "hardtan": lambda x: min(max(x, -1), 1),
    "relie": lambda x: x if x > 0 else 0.01 * x,
    "elu": lambda x: x if x >= 0 else exp(x) - 1,
    "selu": lambda x: 1.0507 * (x if x >= 0 else 1.6732 * (exp(x) - 1)),
    "logistic": lambda x: 1 / (1 + exp(-x)),
    "leaky": lambda x: x if x > 0 else 0.1 * x,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str, tmp_path: Path) -> None:
    x = torch.linspace(-6, 6, 49).reshape(1, 7, 7)
    wanted = torch.tensor([ACTIVATIONS[name](float(value)) for value in x.flatten()]).reshape(1, 7, 7)
    assert torch.allclose(result(tmp_path, [f"[activation]\nactivation={name}\n"], x), wanted, atol=1e-4)


def test_an_activation_that_is_several_ops_is_a_block(tmp_path: Path) -> None:
    text = "\n".join([files.net(8), files.conv(4, 3, norm=False, act="ramp"), files.conv(8, 3, act="ramp")])
    assert "block ramp { add { relu; scale(0.1) } }\n" in body_of(imported(tmp_path, text))


# -- layers --


def test_softmax_in_groups_with_a_temperature(tmp_path: Path) -> None:
    x = torch.randn(6, 2, 2)
    found = result(tmp_path, ["[softmax]\ngroups=3\ntemperature=2\n"], x)
    assert torch.allclose(found, (x.reshape(3, 8) / 2).softmax(1).flatten())


def test_reorg_in_its_other_forms(tmp_path: Path) -> None:
    x = torch.randn(8, 4, 4)
    wanted = torch.empty(2, 8, 8)
    for k in range(8):
        for j in range(4):
            for i in range(4):
                wanted[k % 2, 2 * j + k // 2 // 2, 2 * i + k // 2 % 2] = x[k, j, i]
    assert torch.equal(result(tmp_path, ["[reorg]\nstride=2\nreverse=1\n"], x), wanted)
    last = x.permute(1, 2, 0)
    assert torch.equal(result(tmp_path, ["[reorg]\nstride=2\nflatten=1\n"], x), last.reshape(32, 2, 2))
    back = x.flatten().reshape(16, 8).t().reshape(2, 8, 8)
    assert torch.equal(result(tmp_path, ["[reorg]\nstride=2\nflatten=1\nreverse=1\n"], x), back)
    assert torch.equal(result(tmp_path, ["[reorg]\nextra=3\n"], x), torch.cat([x.flatten(), torch.zeros(3)]))


def test_a_division_by_the_norm_over_channels(tmp_path: Path) -> None:
    x = torch.randn(3, 4, 4)
    assert torch.allclose(result(tmp_path, ["[l2norm]\n"], x), x / (x**2).sum(0, keepdim=True).sqrt())


@pytest.mark.parametrize(("stride", "pad"), [(1, 1), (2, 1), (2, 0)])
def test_convolutions_with_other_weights_at_each_position(stride: int, pad: int, tmp_path: Path) -> None:
    section = f"[local]\nfilters=5\nsize=3\nstride={stride}\npad={pad}\nactivation=linear\n"
    found = imported(tmp_path, "\n".join([files.net(7, 2), section]))
    module = archdsl.loads(found.text).build().eval()
    rows = (7 - (1 if pad else 3)) // stride + 1
    assert found.reports["net"].claims["params"] == rows**2 * (2 * 5 * 9) + rows**2 * 5
    tensors = dict(module.named_parameters())
    weight = next(value for key, value in tensors.items() if key.endswith("weight"))
    bias = next(value for key, value in tensors.items() if key.endswith("bias"))
    assert 0.1 < weight.abs().max() < (2 / 18) ** 0.5  # as `make_local_layer` draws them
    torch.nn.init.normal_(bias)
    x = torch.randn(2, 7, 7)
    padded = torch.nn.functional.pad(x, (pad,) * 4)
    wanted = bias.detach().clone()
    for j in range(rows):
        for i in range(rows):
            window = padded[:, j * stride : j * stride + 3, i * stride : i * stride + 3]
            wanted[:, j, i] += weight[j * rows + i].detach() @ window.flatten()
    assert torch.allclose(module(x[None])[0], wanted, atol=1e-5)


REFUSED = {
    "a tree": ("[softmax]\ntree=data/9k.tree\n", "over the groups of a tree, which are in another file, `data/9k.tree`"),
    "stair": ("[activation]\nactivation=stair\n", "the activation `stair`"),
    "a larger target": ("[upsample]\nstride=2\n[shortcut]\nfrom=0\n", r"from \[4, 8, 8\] to \[4, 16, 16\], which adds to some"),
    "a window that Darknet miscounts": ("[local]\nsize=5\npad=1\n", "a window of 5 and a padding of 1, which Darknet miscounts"),
    "two kinds of softmax": ("[softmax]\nspatial=1\ngroups=2\n", "a softmax with `spatial` and groups or a temperature"),
    "what is behind the input": ("[reorg]\nflatten=1\nextra=1\n", "with `flatten` and `extra`"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str, tmp_path: Path) -> None:
    section, reason = REFUSED[case]
    with pytest.raises(SpecError, match=reason) as raised:
        imported(tmp_path, "\n".join([files.net(8, 4), IDENTITY, section]))
    assert raised.value.diagnostics[0].code == "E1212"


def test_a_shortcut_that_stops_darknet_is_an_error(tmp_path: Path) -> None:
    pool = "[maxpool]\nsize=2\nstride_x=2\nstride_y=1\npadding=0\n"
    with pytest.raises(SpecError, match="changes height and width by different factors") as raised:
        imported(tmp_path, "\n".join([files.net(8, 4), IDENTITY, pool, "[shortcut]\nfrom=0\n"]))
    assert raised.value.diagnostics[0].code == "E1211"
