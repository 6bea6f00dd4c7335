"""`input mask: bool [...]`: which ops take it, the built module, and training data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import archdsl
from archdsl.driver import check_text
from archdsl.ir import verify


def network(body: str) -> archdsl.Network:
    return archdsl.loads(f"network n {{ input image [4, 8, 8]; input mask: bool [1, 8, 8]; {body} }}")


@pytest.mark.parametrize(("body", "expected"), [
    ("mul { image; mask }", lambda image, mask: image * mask),
    ("small: mask -> slice(0..4, axis = 1); image -> slice(0..4, axis = 1); mul { x; small }",
     lambda image, mask: image[:, :, :4] * mask[:, :, :4]),
    ("both: concat { mask; mask }; image -> slice(0..2) -> mul { x; both }",
     lambda image, mask: image[:, :2] * torch.cat([mask, mask], 1)),
    ("mask -> transpose(1, 2)", lambda image, mask: mask.transpose(2, 3)),
])  # fmt: skip
def test_ops_that_take_bools(body: str, expected: object) -> None:
    found = network(body)
    verify(found.graph)
    image, mask = torch.randn(2, 4, 8, 8), torch.rand(2, 1, 8, 8) > 0.5
    result, wanted = found.build()(image, mask), expected(image, mask)  # type: ignore[operator]
    assert result.dtype == wanted.dtype and torch.equal(result, wanted)


@pytest.mark.parametrize("body", [
    "mask -> conv(8, 3)", "mask -> relu", "mask -> gap", "mul { mask; mask }", "add { image; mask }", "mask -> add(1)",
    "mask -> max(axis = 0)", "mask -> embedding(10, 8)", "m: mask -> reshape([8, 8]); matmul(m, m)",
])  # fmt: skip
def test_ops_that_refuse_them(body: str) -> None:
    text = f"network n {{ input image [4, 8, 8]; input mask: bool [1, 8, 8]; {body} }}"
    assert [error.code for error in check_text(text) if error.is_error] in (["E0308"], ["E0302"])
    assert (
        "E0308" in [error.code for error in check_text(text.replace("[1, 8, 8]", "[4, 8, 8]")) if error.is_error] or "m:" in body
    )


def test_the_module_refuses_other_types() -> None:
    module = network("mul { image; mask }").build()
    with pytest.raises(ValueError, match=r"mask must hold bools; it holds torch\.float32"):
        module(torch.randn(2, 4, 8, 8), torch.ones(2, 1, 8, 8))


def test_it_is_exported() -> None:
    found = archdsl.loads("network n { input image [4, H]; input mask: bool [1, H]; mul { image; mask } }")
    module = found.build().eval()
    inputs = torch.randn(3, 4, 9), torch.rand(3, 1, 9) > 0.5
    program = torch.export.export(module, inputs, dynamic_shapes=found.dynamic_shapes()).module()
    others = torch.randn(2, 4, 5), torch.rand(2, 1, 5) > 0.5
    assert torch.equal(program(*others), module(*others))


@pytest.mark.parametrize(("kind", "code"), [(bool, None), (np.uint8, None), (np.float32, None), ("other", "E0803")])
def test_training_data(tmp_path: Path, kind: object, code: str | None) -> None:
    random = np.random.default_rng(0)
    mask = random.integers(0, 2, (20, 8))
    arrays = {"x": random.normal(size=(20, 8)).astype(np.float32), "mask": mask * 2 if kind == "other" else mask.astype(kind)}
    np.savez(tmp_path / "data.npz", **arrays, y=random.integers(0, 2, 20))
    (tmp_path / "net.arch").write_text(
        "network net { input x [8]; input mask: bool [8]; mul { x; mask } -> linear(2) }\n"
        'train { data = "data.npz"; epochs = 1; batch = 4; optimizer = sgd(lr = 0.1) }\n',
        encoding="utf-8",
    )
    loaded = archdsl.load(tmp_path / "net.arch")
    if code is None:
        loaded.fit(tmp_path / "run")
    else:
        with pytest.raises(archdsl.SpecError) as error:
            loaded.fit(tmp_path / "run")
        assert error.value.diagnostic.code == code
