"""Caffe files as texts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from archdsl.diagnostics import SpecError
from archdsl.driver import check_text
from archdsl.importers.configs.importing import ImportedConfig, import_file
from tests.importers.configs import caffe_files as files


def imported(tmp_path: Path, text: str, **options: object) -> ImportedConfig:
    (tmp_path / "net.prototxt").write_text(text)
    return import_file(tmp_path / "net.prototxt", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "file",
    [pytest.param(file, marks=pytest.mark.exhaustive) if file is files.googlenet else file for file in files.PARAMS],
    ids=lambda file: file.__name__,
)
def test_published_networks(file: Callable[[], str], tmp_path: Path) -> None:
    found = imported(tmp_path, file())
    assert next(iter(found.reports.values())).claims["params"] == files.PARAMS[file]
    assert len(found.text.splitlines()) <= 42
    assert check_text(found.text) == []


def test_modules_come_from_names(tmp_path: Path) -> None:
    text = imported(tmp_path, files.squeezenet()).text
    assert "block fire(out) {\n  squeeze1x1: conv(out, 1); relu\n" in text
    assert "  fire9: fire(64); dropout\n" in text


def test_numbers_in_the_middle_of_names(tmp_path: Path) -> None:
    text = imported(tmp_path, files.resnet50()).text
    assert "res_branch2a: conv(out, 1, stride); bn_branch2a: bn(momentum = 0.001); relu" in text
    assert "  res5a: residual(512, stride = 2)\n" in text
    assert "via {\n    if stride != 1 or x.c != 4 * out {" in text


def test_stages_are_loops(tmp_path: Path) -> None:
    text = imported(tmp_path, files.vgg16()).text
    assert "for i, n in [2, 2, 3, 3, 3] {" in text
    assert '"conv{i + 1}_{j + 1}": conv(min(64 * 2^i, 512), 3); relu' in text
    assert "maxpool(2, ceil = true)" in text


def test_losses_of_training_are_auxiliary_heads(tmp_path: Path) -> None:
    found = imported(tmp_path, files.googlenet(train_val=True))
    assert "  aux loss1: loss(classes)\n" in found.text and "  aux loss2: loss(classes)\n" in found.text
    assert "expect params == 13_378_280 if classes == 1000" in found.text
    assert "Losses are left out" in found.text and "taken to have three channels" in found.text


def test_every_layer(tmp_path: Path) -> None:
    found = imported(tmp_path, files.every_layer())
    assert "up: upconv(8, 4, stride = 2, pad = 1, groups = 8, bias = false)" in found.text
    assert "avgpool([3, 2], stride = 2, pad = 1, ceil = true)" in found.text


@pytest.mark.parametrize(
    ("size", "k", "stride", "pad"), [(13, 3, 2, 0), (14, 3, 2, 1), (7, 2, 2, 1), (9, 3, 3, 1), (10, 5, 3, 2)]
)
@pytest.mark.parametrize("kind", ["MAX", "AVE"])
def test_pools_round_up_as_in_caffe(size: int, k: int, stride: int, pad: int, kind: str, tmp_path: Path) -> None:
    import torch

    import archdsl

    text = files.head("pooled", size) + files.pool("pool", "data", k, stride, kind, f"pad: {pad}")
    module = archdsl.loads(imported(tmp_path, text).text).build()
    x = torch.randn(1, 3, size, size)
    n = -(-(size + 2 * pad - k) // stride) + 1
    n -= pad > 0 and (n - 1) * stride >= size + pad
    wanted = torch.empty(3, n, n)
    for i in range(n):
        for j in range(n):
            rows, columns = (range(at * stride - pad, min(at * stride - pad + k, size + pad)) for at in (i, j))
            inside = x[0][:, [r for r in rows if 0 <= r < size]][:, :, [c for c in columns if 0 <= c < size]]
            wanted[:, i, j] = inside.amax((1, 2)) if kind == "MAX" else inside.sum((1, 2)) / (len(rows) * len(columns))
    assert torch.allclose(module(x)[0], wanted, atol=1e-6)


def test_the_enumeration_of_2014(tmp_path: Path) -> None:
    text = (
        files.head("old", 8)
        + """\
        layers { name: "c" type: CONVOLUTION bottom: "data" top: "c" convolution_param { num_output: 4 kernel_size: 3 } }
        layers { name: "r" type: RELU bottom: "c" top: "c" }
        layers { name: "d" type: INNER_PRODUCT bottom: "c" top: "d" inner_product_param { num_output: 2 } }
        layers { name: "l" type: SOFTMAX_LOSS bottom: "d" bottom: "label" top: "l" }
    """
    )
    with pytest.raises(SpecError, match="no layer makes its bottom `label`"):
        imported(tmp_path, text)
    found = imported(tmp_path, text.replace(' bottom: "label"', ""))
    assert "c: conv(4, 3, pad = 0); relu -> flatten\n  d: linear(classes)" in found.text


def test_only_what_is_there_in_testing(tmp_path: Path) -> None:
    train = 'layer { name: "noise" type: "Dropout" bottom: "a" top: "a" exclude { phase: TEST } }\n'
    sizes = "memory_data_param { batch_size: 1 channels: 1 height: 8 width: 8 }"
    data = f'layer {{ name: "data" type: "MemoryData" top: "data" top: "label" {sizes} }}\n'
    text = data + files.conv("a", "data", 4, 3) + train
    found = imported(tmp_path, text)
    assert "input image [1, 8, 8]" in found.text


def test_the_sizes_of_data_can_be_given(tmp_path: Path) -> None:
    text = 'name: "n"\nlayer { name: "data" type: "Data" top: "data" top: "label" data_param { source: "x" } }\n' + files.conv(
        "a", "data", 4, 3
    )
    with pytest.raises(SpecError) as raised:
        imported(tmp_path, text)
    assert raised.value.diagnostics[0].help == "give them: `--input 3x224x224`"
    assert "input image [3, 20, 30]" in imported(tmp_path, text, sizes=[(3, 20, 30)]).text


def test_normalization_within_a_channel(tmp_path: Path) -> None:
    import torch

    import archdsl

    given = "local_size: 3 alpha: 0.5 beta: 0.75 norm_region: WITHIN_CHANNEL"
    norms = [files.layer("a", "LRN", "data", lrn_param=given), files.layer("b", "LRN", "a", lrn_param=given)]
    found = imported(tmp_path, files.head("n", 6) + "".join(norms))
    assert "block lrn_within_channel {" in found.text and "  output" not in found.text

    def normed(x: torch.Tensor) -> torch.Tensor:
        """`WithinChannelForward`: the pool divides by the whole window, also at the edges."""
        squares = torch.nn.functional.pad(x**2, (1, 1, 1, 1))
        sums = sum(squares[:, j : j + 6, i : i + 6] for j in range(3) for i in range(3))
        return x * (1 + 0.5 / 9 * sums) ** -0.75

    x = torch.randn(3, 6, 6)
    assert torch.allclose(archdsl.loads(found.text).build()(x[None])[0], normed(normed(x)), atol=1e-6)


def sharing(more: str = "") -> str:
    """Two branches with one set of weights, as the siamese network of Caffe's examples."""

    def branch(end: str) -> str:
        names = [f'param {{ name: "{part}_w" }} param {{ name: "{part}_b" }}' for part in ("body", "feat")]
        conv = files.conv(f"body{end}", f"data{end}", 4, 3, more=more if end else "").replace("\n}", f"\n{names[0]}\n}}")
        return conv + files.dense(f"feat{end}", f"body{end}", 2).replace("\n}", f"\n{names[1]}\n}}")

    data = 'layer { name: "pair" type: "Data" top: "pair" top: "same" }\n'
    cut = 'layer { name: "cut" type: "Slice" bottom: "pair" top: "data" top: "data_p" slice_param { slice_point: 1 } }\n'
    return data + cut + branch("") + branch("_p") + files.layer("loss", "ContrastiveLoss", ["feat", "feat_p", "same"])


def test_layers_with_shared_weights_are_modules(tmp_path: Path) -> None:
    found = imported(tmp_path, sharing(), sizes=[(2, 8, 8)])
    assert "  data_p: pair -> slice(1..2)\n" in found.text and "  output feat_result: x\n" in found.text
    assert found.text.count("  module body: conv(4, 3, pad = 0)\n") == 1 and "  data_p -> body -> flatten -> feat\n" in found.text
    assert "expect params == 330 if classes == 2" in found.text
    with pytest.raises(SpecError, match="it shares the weights of `body`, and has other arguments"):
        imported(tmp_path, sharing("dilation: 2"), sizes=[(2, 8, 8)])
    with pytest.raises(SpecError, match="it shares the weights `body_w` with `body`, and cannot be a run of one `module`"):
        imported(tmp_path, sharing().replace('name: "body_b"', 'name: "other"', 1), sizes=[(2, 8, 8)])


def test_what_only_a_loss_reads_is_no_result(tmp_path: Path) -> None:
    losses = [
        files.layer("cross", "SigmoidCrossEntropyLoss", ["code", "flat"]),
        files.layer("squares", "EuclideanLoss", ["out", "flat"]),
    ]
    layers = [files.layer("flat", "Flatten", "data"), files.dense("code", "data", 192), files.layer("out", "Sigmoid", "code")]
    found = imported(tmp_path, files.head("n", 8) + "".join([*layers, *losses]))
    assert "  output code: x\n  sigmoid\n" in found.text and "Nothing reads the results of flat" in found.text


def test_a_layer_in_python_with_the_weight_of_a_loss_is_one(tmp_path: Path) -> None:
    loss = 'layer { name: "l" type: "Python" bottom: "d" top: "l" python_param { module: "m" layer: "L" } loss_weight: 1 }\n'
    found = imported(tmp_path, files.head("n", 8) + files.dense("d", "data", 2) + loss)
    assert "Losses are left out" in found.text
    with pytest.raises(SpecError, match="a layer in Python, with a rule of its own"):
        imported(tmp_path, files.head("n", 8) + files.dense("d", "data", 2) + loss.replace("loss_weight: 1", ""))


def test_a_vector_is_called_features(tmp_path: Path) -> None:
    data = 'layer { name: "data" type: "HDF5Data" top: "data" top: "label" }\n'
    assert "  input features [4]\n" in imported(tmp_path, data + files.dense("d", "data", 2), sizes=[(4,)]).text
