"""Darknet files as texts: their parameters are those that are published, and Darknet's own rules hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

import archdsl
from archdsl.driver import check_text
from archdsl.importers.configs.importing import ImportedConfig, import_file
from tests.importers.configs import darknet_files as files


def imported(tmp_path: Path, text: str, name: str = "net.cfg", **options: object) -> ImportedConfig:
    (tmp_path / name).write_text(text)
    return import_file(tmp_path / name, **options)  # type: ignore[arg-type]


def body_of(found: ImportedConfig) -> str:
    """The text without its header."""
    return "\n".join(line for line in found.text.split("\n") if not line.startswith("##")).strip() + "\n"


@pytest.mark.parametrize(
    "file",
    [pytest.param(file, marks=pytest.mark.exhaustive) if file is files.densenet201 else file for file in files.PARAMS],
    ids=lambda file: file.__name__,
)
def test_published_networks(file: Callable[[], str], tmp_path: Path) -> None:
    found = imported(tmp_path, file())
    assert found.proved and found.reports["net"].claims["params"] == files.PARAMS[file]
    assert len(body_of(found).splitlines()) <= 50
    assert check_text(found.text) == []


DARKNET53 = """\
block convolutional(out, k = 1, stride = 1) {
  conv(out, k, stride) -> bn(momentum = 0.01) -> leaky_relu(0.1)
}

block residual {
  let c = x.c
  skip { convolutional(c // 2) -> convolutional(c, 3) }
}

network net(classes: int = 1000) {
  input image [3, 256, 256]
  convolutional(32, 3)
  for i, n in [1, 2, 8, 8, 4] {
    convolutional(64 * 2^i, 3, stride = 2)
    repeat n { residual }
    expect x.shape == [64 * 2^i, 128 // 2^i, 128 // 2^i]
  }
  gap
  conv(classes, 1) -> flatten -> softmax
  expect params == 41_609_928 if classes == 1000
  expect macs == 9_285_115_904 if classes == 1000
}
"""


def test_repeated_sections_are_blocks_and_loops(tmp_path: Path) -> None:
    assert body_of(imported(tmp_path, files.darknet53())) == DARKNET53


def test_units_of_other_widths_stand_behind_a_loop(tmp_path: Path) -> None:
    units = [files.conv(8, 1), files.conv(16, 3)] * 4 + [files.conv(16, 1), files.conv(32, 3)]
    text = body_of(imported(tmp_path, "\n".join([files.net(8), *units])))
    assert "  repeat 4 { convolutional(8) -> convolutional(16, 3) }\n  convolutional(16)\n  convolutional(32, 3)\n" in text


def test_pairs_of_units_are_a_loop_before_a_further_unit(tmp_path: Path) -> None:
    units = "".join(files.conv(filters, size) for filters, size in [(8, 1), (16, 3), (8, 1), (16, 3), (16, 3), (16, 3)])
    text = imported(tmp_path, files.net(16) + files.conv(4, 3) + units + files.conv(8, 1)).text
    assert "  repeat 2 { convolutional(8) -> convolutional(16, 3) }\n  repeat 2 { convolutional(16, 3) }\n" in text, text


def test_residual_units_with_and_without_a_projection_are_one_block(tmp_path: Path) -> None:
    text = body_of(imported(tmp_path, files.resnet50()))
    assert text.count("block residual") == 1 and "via { if stride != 1 or x.c != 4 * out {" in text
    assert "for j in 0..n { residual(64 * 2^i, stride = 2 if i > 0 and j == 0 else 1) }" in text


def test_heads_are_outputs_and_routes_are_names(tmp_path: Path) -> None:
    found = imported(tmp_path, files.yolov3())
    assert "  layer61: x\n" in found.text and "  concat { x; layer61 }\n" in found.text
    assert "  output yolo82: x\n" in found.text and "  output yolo94: x\n" in found.text
    assert "[yolo] is left out: the network gives its input" in found.text
    network = archdsl.loads(found.text)
    shapes = [tuple(value.shape) for value in network.graph.main.outputs]
    assert sorted(shapes) == [(255, 13, 13), (255, 26, 26), (255, 52, 52)]


def test_a_group_of_a_route_is_a_part_of_the_channels(tmp_path: Path) -> None:
    text = body_of(imported(tmp_path, files.yolov4_tiny()))
    assert "block csp {" in text and "slice(c // 2..c) -> convolutional(c // 2, 3)" in text


def test_gates_and_depthwise_convolutions(tmp_path: Path) -> None:
    text = body_of(imported(tmp_path, files.squeeze_and_excite()))
    assert "mul { x; { gap -> conv(8, 1) -> silu -> conv(96, 1) -> sigmoid } }" in text
    assert "dropout" not in text and "repeat 3 { residual }" in text


def test_every_section(tmp_path: Path) -> None:
    found = imported(tmp_path, files.every_section())
    assert found.proved and "conv(8, 3, dilation = 2)" in found.text and "[crop] is left out" in found.text


def reorg(x: Tensor, stride: int) -> Tensor:
    """`reorg_cpu` of Darknet, loop by loop."""
    channels, height, width = x.shape
    flat, out = x.reshape(-1), torch.empty(x.numel())
    small = channels // stride**2
    for k in range(channels):
        for j in range(height):
            for i in range(width):
                c, offset = k % small, k // small
                column, row = i * stride + offset % stride, j * stride + offset // stride
                out[i + width * (j + height * k)] = flat[column + width * stride * (row + height * stride * c)]
    return out.reshape(channels * stride**2, height // stride, width // stride)


def test_reorg_is_that_of_darknet(tmp_path: Path) -> None:
    text = "\n".join([files.net(6, 8), "[reorg]\nstride=2\n"])
    module = archdsl.loads(imported(tmp_path, text).text).build()
    x = torch.randn(1, 8, 6, 6)
    assert torch.equal(module(x)[0], reorg(x[0], 2))


def maxpool(x: Tensor, size: int, stride: int, padding: int) -> Tensor:
    """`forward_maxpool_layer` of Darknet: windows begin `padding / 2` before the input, and only what is inside counts."""
    channels, height, width = x.shape
    out = torch.empty(channels, (height + padding - size) // stride + 1, (width + padding - size) // stride + 1)
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            top, left = i * stride - padding // 2, j * stride - padding // 2
            out[:, i, j] = x[:, max(top, 0) : top + size, max(left, 0) : left + size].amax((1, 2))
    return out


@pytest.mark.parametrize(("size", "stride", "padding"), [(2, 2, None), (2, 1, None), (3, 2, None), (5, 1, None), (3, 2, 0)])
@pytest.mark.parametrize("sides", [12, 13])
def test_max_pools_are_those_of_darknet(size: int, stride: int, padding: int | None, sides: int, tmp_path: Path) -> None:
    given = "" if padding is None else f"padding={padding}\n"
    text = f"{files.net(sides, 4)}\n[maxpool]\nsize={size}\nstride={stride}\n{given}"
    module = archdsl.loads(imported(tmp_path, text).text).build()
    x = torch.randn(1, 4, sides, sides)
    assert torch.equal(module(x)[0], maxpool(x[0], size, stride, size - 1 if padding is None else padding))


def test_other_sizes(tmp_path: Path) -> None:
    found = imported(tmp_path, files.yolov3_tiny(), sizes=[(1, 96, 64)])
    assert "input image [1, 96, 64]" in found.text


def test_sections_that_the_language_lacks_are_comments_in_a_part(tmp_path: Path) -> None:
    text = "\n".join([files.net(32), files.conv(8, 3), "[gru]\noutput=8\n", files.conv(8, 3)])
    found = imported(tmp_path, text, partial=True)
    assert found.partial and not found.proved
    assert found.marked().startswith("# PARTIAL:")
    assert "# not imported: [gru] (layer 1) (line 20): recurrent layers, which carry a state" in found.text


def test_layers_that_nothing_reads_are_left_out(tmp_path: Path) -> None:
    text = "\n".join([files.net(32), files.conv(8, 3), files.conv(16, 3), files.route(0), files.conv(4, 1)])
    found = imported(tmp_path, text)
    assert "Nothing reads the results of layer1" in found.text and "16" not in body_of(found)
