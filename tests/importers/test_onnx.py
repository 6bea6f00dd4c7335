"""ONNX files: those of PyTorch's exporters keep modules, others have layers alone. Each text is compared with onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import Result
from onnx import TensorProto, helper

import archdsl
from archdsl.diagnostics import SpecError
from archdsl.importers.addresses import import_model
from archdsl.importers.importing import Imported
from archdsl.importers.programs.onnx_graph import OnnxGraph, OnnxNode
from archdsl.importers.programs.onnx_paths import find_paths
from tests.importers.files import Graph, Make, save_onnx

AGREES = "evaluation by onnxruntime, with the weights of the file: "


def brought(path: Path, **options: Any) -> Imported:
    """The import of a file, which onnxruntime has run, too."""
    imported = import_model(str(path), **options).require_proved()
    (report,) = imported.reports.values()
    assert report.lines[-1].startswith(AGREES), report.lines
    return imported


def body(imported: Imported) -> str:
    """The text without its header and claims."""
    text = imported.text.partition("\n\n")[2]
    return "\n".join(line.strip() for line in text.splitlines() if "expect" not in line)


@pytest.mark.parametrize("dynamo", [True, False])
def test_files_of_pytorch_keep_modules(dynamo: bool, tmp_path: Path) -> None:
    imported = brought(save_onnx(tmp_path / "net.onnx", dynamo=dynamo))
    text = imported.text
    assert "block unit(" in text and "units: for i in 0..3" in text and "-> silu" in text, text
    assert "Batch norms are folded into the convolutions of the file" in text and "bn" not in text.partition("\n\n")[2]
    assert "conv.bias" in "".join(imported.modules[0].state_dict()) and "head: linear(10)" in text


def test_an_open_batch_and_open_sizes(tmp_path: Path, cli: Callable[..., Result]) -> None:
    axes = {"x": {0: "batch", 2: "height", 3: "width"}}
    path = save_onnx(tmp_path / "net.onnx", dynamo=False, input_names=["x"], dynamic_axes=axes)
    assert "input image [3, H, W]" in brought(path, sizes=[(3, 24, 32)]).text
    refused = cli("import", str(path))
    assert refused.exit_code == 1 and "leaves sizes of its input `x` open: 3x?x?" in refused.stderr
    assert "--input 3x64x64" in refused.stderr
    assert cli("check", str(path), "--size", "3x24x24").exit_code == 0


def _classifier(g: Graph) -> None:
    g.add("Conv", g.weight(8, 3, 3, 3), g.weight(8), pads=[0, 0, 1, 1], strides=[2, 2])
    g.add("BatchNormalization", *(g.weight(8) for _ in range(4)), epsilon=1e-3)
    g.add("LeakyRelu", alpha=0.1)
    g.add("MaxPool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    g.add("GlobalAveragePool")
    g.add("Flatten")
    g.add("Gemm", g.weight(8, 5), g.weight(5))
    g.add("Softmax", axis=1)


def test_a_file_without_names(tmp_path: Path) -> None:
    g = Graph(1, 3, 16, 16)
    _classifier(g)
    imported = brought(g.save(tmp_path / "plain.onnx"))
    assert body(imported) == (
        "network plain {\ninput image [3, 16, 16]\n"
        "pad(before = 0, after = 1); conv1: conv(8, 3, stride = 2, pad = 0, bias = true); bn1: bn(eps = 0.001)\n"
        "leaky_relu(0.1) -> maxpool(3, stride = 2, ceil = true)\ngap -> flatten\nfc1: linear(5); softmax\n}"
    ), body(imported)
    assert archdsl.loads(imported.text).table().params == 3 * 8 * 9 + 8 + 16 + 45


def _split(g: Graph) -> None:
    a, b = g.add("Split", axis=1, outputs=2, num_outputs=2)
    (left,) = g.add("Relu", "!", a)
    (right,) = g.add("Sigmoid", "!", b)
    g.add("Concat", "!", left, right, axis=1)


def _gate(g: Graph) -> None:
    (x,) = g.add("Conv", g.weight(4, 4, 1, 1))
    (gate,) = g.add("HardSigmoid", alpha=1 / 6, beta=0.5)
    g.add("Mul", "!", x, gate)


def _gelu(g: Graph) -> None:
    x = g.last
    g.add("Div", g.store(np.float32(2**0.5)))
    g.add("Erf")
    (more,) = g.add("Add", g.store(np.float32(1)))
    g.add("Mul", "!", x, more)
    g.add("Mul", g.store(np.float32(0.5)))


def _layer_norm(g: Graph) -> None:
    (x,) = g.add("Transpose", perm=[0, 2, 3, 1])
    axes = g.store(np.array([-1]))
    (mean,) = g.add("ReduceMean", axes)
    (centred,) = g.add("Sub", "!", x, mean)
    g.add("Pow", g.store(np.float32(2)))
    g.add("ReduceMean", axes)
    g.add("Add", g.store(np.float32(1e-6)))
    (root,) = g.add("Sqrt")
    g.add("Div", "!", centred, root)
    g.add("Mul", g.weight(4))
    g.add("Add", g.weight(4))


def _group_norm(g: Graph) -> None:
    g.add("Reshape", g.store(np.array([0, 2, -1])))
    g.add("InstanceNormalization", g.store(np.ones(2, np.float32)), g.store(np.zeros(2, np.float32)))
    g.add("Reshape", g.store(np.array([0, 4, 8, 8])))
    g.add("Mul", g.weight(4, 1, 1))
    g.add("Add", g.weight(4, 1, 1))


def _dense(g: Graph) -> None:
    g.add("Reshape", g.store(np.array([1, 4, 64])))
    g.add("MatMul", g.weight(64, 6))
    g.add("Add", g.weight(6))


def _same(g: Graph) -> None:
    g.add("Conv", g.weight(4, 4, 3, 3), auto_pad="SAME_UPPER", strides=[2, 2])


def _resize(g: Graph) -> None:
    options = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    g.add("Resize", "", g.store(np.array([1, 1, 2, 2], np.float32)), **options)


def _by_shape(g: Graph) -> None:
    g.add("Shape")
    g.add("Gather", g.store(np.array(0)))
    g.add("Unsqueeze", g.store(np.array([0])))
    (sizes,) = g.add("Concat", g.store(np.array([-1])), axis=0)
    g.add("Reshape", "!", "image", sizes)


OPS: dict[str, tuple[Make, str]] = {
    "split": (_split, "split"),
    "gate": (_gate, "hardswish"),
    "gelu": (_gelu, "gelu"),
    "layer norm": (_layer_norm, "norm1: ln(eps = 1e-6"),
    "group norm": (_group_norm, "norm1: gn(groups = 2)"),
    "dense": (_dense, "fc1: linear(6"),
    "same": (_same, "pad("),
    "resize": (_resize, "upsample(2)"),
    "by shape": (_by_shape, "flatten"),
    "transposed": (lambda g: g.add("ConvTranspose", g.weight(4, 2, 2, 2), strides=[2, 2]), "upconv1: upconv(2"),
    "average": (lambda g: g.add("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]), "avgpool(3"),
    "rounded up": (
        lambda g: g.add("MaxPool", kernel_shape=[3, 3], pads=[0, 0, 1, 1], strides=[2, 2]), "maxpool(3, stride = 2, ceil = true)",
    ),
    "padded": (lambda g: g.add("MaxPool", kernel_shape=[2, 2], pads=[0, 0, 1, 1]), "pad(before = 0, after = 1, value = -1e30)"),
    "rounded up average": (
        lambda g: g.add("AveragePool", kernel_shape=[3, 3], pads=[0, 0, 1, 1], strides=[2, 2]), "ceil = true",
    ),
    "average of all": (lambda g: g.add("AveragePool", kernel_shape=[9, 9], pads=[0, 0, 1, 1]), "gap"),
    "prelu": (lambda g: g.add("PRelu", g.weight(4, 1, 1)), "act1: prelu"),
    "clip": (lambda g: g.add("Clip", g.store(np.float32(0)), g.store(np.float32(6))), "relu6"),
    "slice": (lambda g: g.add("Slice", *(g.store(np.array([n])) for n in (1, 3, 1))), "slice(1..3)"),
    "pad": (lambda g: g.add("Pad", g.store(np.array([0, 0, 1, 1, 0, 0, 1, 1])), mode="reflect"), 'pad(1, mode = reflect)'),
    "constant": (lambda g: g.add("Add", g.weight(1, 4, 8, 8, name="position")), "position"),
    "lrn": (lambda g: g.add("LRN", size=5), "lrn"),
}  # fmt: skip


@pytest.mark.parametrize("name", OPS)
def test_ops(name: str, tmp_path: Path) -> None:
    make, text = OPS[name]
    g = Graph(1, 4, 8, 8)
    make(g)
    imported = brought(g.save(tmp_path / "one.onnx"))
    assert text in body(imported), imported.text


REFUSED: dict[str, tuple[Make, str]] = {
    "custom": (lambda g: g.add("Fused", domain="custom"), "node `Fused_0` (custom.Fused): no op of the language is"),
    "places": (lambda g: g.add("Gather", g.store(np.array([2, 0])), axis=1), "`Gather_0` (Gather): it picks elements by a list"),
    "batch": (lambda g: g.add("Reshape", g.store(np.array([4, 64]))), "node `Reshape_0` (Reshape)"),
    "alpha": (lambda g: g.add("HardSigmoid"), "a hard sigmoid of 0.2 * x + 0.5, expected x / 6 + 0.5"),
    "non zero": (lambda g: g.add("NonZero"), "no op of the language is `NonZero`"),
    "split": (lambda g: g.add("Split", outputs=2, axis=-4), "`Split_0` (Split): it works on the batch axis"),
    "matrix": (lambda g: (g.add("Flatten"), g.add("Gemm", g.last)), "a product with a matrix that is no tensor of the file"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_node(name: str, tmp_path: Path) -> None:
    make, words = REFUSED[name]
    g = Graph(1, 4, 8, 8)
    make(g)
    with pytest.raises(SpecError, match="E1203") as caught:
        import_model(str(g.save(tmp_path / "one.onnx")))
    assert words in str(caught.value)


@pytest.mark.parametrize("name", REFUSED)
def test_a_comment_stands_for_a_node(name: str, tmp_path: Path) -> None:
    """`--partial` reads the rest of a file, also if a node cannot run in PyTorch."""
    make, words = REFUSED[name]
    g = Graph(1, 4, 8, 8)
    g.add("Conv", g.weight(4, 4, 1, 1, name="first.weight"))
    make(g)
    g.add("Relu")
    imported = import_model(str(g.save(tmp_path / "one.onnx")), partial=True)
    assert imported.partial and "conv(4, 1" in imported.text and "relu" in imported.text, imported.text
    reason = words.rpartition(": ")[2].rpartition(") ")[2]
    assert "# not imported: " in imported.text and (reason.startswith("node") or reason in imported.text), imported.text


def test_weights_that_two_layers_share(tmp_path: Path) -> None:
    g = Graph(1, 4, 8, 8)
    weight = g.weight(4, 4, 1, 1, name="block.conv.weight")
    g.add("Conv", weight)
    g.add("Conv", weight)
    with pytest.raises(SpecError, match="E1204"):
        import_model(str(g.save(tmp_path / "one.onnx")))


def _old_sum(g: Graph) -> None:
    g.add("Conv", g.weight(4, 4, 1, 1), g.weight(4))
    before = g.last
    g.add("GlobalAveragePool")
    (gate,) = g.add("Flatten")
    g.add("Mul", "!", before, gate, broadcast=1, axis=0)


OLD: dict[str, tuple[Make, str]] = {
    "batch norm": (lambda g: g.add("BatchNormalization", *(g.weight(4) for _ in range(4)), spatial=1), "bn1: bn"),
    "gate": (_old_sum, "mul {"),
    "prelu": (lambda g: g.add("PRelu", g.weight(4)), "act1: prelu"),
    "average": (lambda g: g.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2]), "avgpool(2)"),
}  # fmt: skip


@pytest.mark.parametrize("name", OLD)
def test_old_opsets(name: str, tmp_path: Path) -> None:
    """onnxruntime does not support them: the file is converted to a newer one for it, or the reference of ONNX runs it."""
    make, text = OLD[name]
    g = Graph(1, 4, 8, 8, opset=6)
    make(g)
    imported = import_model(str(g.save(tmp_path / "one.onnx"))).require_proved()
    (report,) = imported.reports.values()
    runtime = "the reference implementation of ONNX" if name == "prelu" else "onnxruntime"  # the converter lacks PRelu
    assert report.lines[-1].startswith(f"evaluation by {runtime}"), report.lines
    assert text in body(imported), imported.text


def test_results_that_are_no_numbers(tmp_path: Path) -> None:
    """They agree where both are; a result without a number proves nothing."""
    g = Graph(1, 4, 8, 8)
    g.add("Sqrt")
    assert "sqrt" in body(brought(g.save(tmp_path / "one.onnx")))
    g.add("Relu")
    g.add("Add", g.store(np.float32(1)))
    g.add("Neg")
    g.add("Sqrt")
    with pytest.raises(SpecError, match="E1205") as caught:
        import_model(str(g.save(tmp_path / "one.onnx"))).require_proved()
    assert "differ by nan" in str(caught.value)


def test_inputs_without_names(tmp_path: Path) -> None:
    """Numbers, as of PyTorch's first exporter."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in ("0", "1", "2")]
    graph = helper.make_graph([helper.make_node("Max", ["0", "1"], ["2"])], "net", values[:2], values[2:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9), tmp_path / "one.onnx")
    text = brought(tmp_path / "one.onnx").text
    assert "input features [4]" in text and "input features2 [4]" in text, text


@pytest.mark.parametrize(
    ("shape", "sizes", "words"),
    [
        (("n", 3, "h", "w"), None, "leaves sizes of its input `image` open: 3x?x?"),
        ((4,), None, "its input `image` has no axis but that of the batch"),
        ((), None, "its input `image` has no axis for the batch"),
        ((1, 3, 8, 8), [(3, 9, 9)], "its input `image` is 3x8x8, and `--input` 3x9x9"),
        ((1, 3, 8, 8), [(3, 8, 8), (1,)], "`--input` has 2 sizes, and the model 1 inputs: image"),
    ],
)
def test_wrong_sizes(shape: tuple[int | str, ...], sizes: Any, words: str, tmp_path: Path) -> None:
    g = Graph(*shape)
    g.add("Relu")
    with pytest.raises(SpecError, match="E1201") as caught:
        import_model(str(g.save(tmp_path / "one.onnx")), sizes=sizes)
    assert words in str(caught.value)


def test_what_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no model")
    (tmp_path / "empty.onnx").write_bytes(b"")
    for name in ("text", "empty"):
        with pytest.raises(SpecError, match="it is no ONNX model"):
            import_model(str(tmp_path / f"{name}.onnx"))


def test_another_result_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison with the runtime can fail."""
    from archdsl.importers.programs import onnx_layers
    from archdsl.importers.programs.onnx_step import OPERATIONS

    monkeypatch.setitem(OPERATIONS, "LeakyRelu", lambda s: onnx_layers.F.leaky_relu(s.x, 0.3))
    g = Graph(1, 4, 8, 8)
    g.add("LeakyRelu", alpha=0.1)
    with pytest.raises(SpecError, match="E1205") as caught:
        import_model(str(g.save(tmp_path / "one.onnx"))).require_proved()
    assert "evaluation by onnxruntime: the results differ" in str(caught.value)


def test_the_reference_implementation_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "onnxruntime" else find(name, *rest))
    g = Graph(1, 4, 8, 8)
    g.add("Relu")
    (report,) = import_model(str(g.save(tmp_path / "one.onnx"))).reports.values()
    assert report.proved and report.lines[-1].startswith("evaluation by the reference implementation of ONNX")


def test_nodes_of_an_optimizer_go_to_the_modules_that_read_them() -> None:
    """The exporter makes one `Split` of several slices, which has no metadata."""

    def node(op: str, inputs: list[str], outputs: list[str], *paths: str) -> OnnxNode:
        scopes = str(["", *paths, op])
        return OnnxNode(op, op, inputs, outputs, {}, {"pkg.torch.onnx.name_scopes": scopes} if paths else {})

    split = node("Split", ["image"], ["a", "b"])
    conv = node("Conv", ["b"], ["c"], "unit", "unit.conv")
    nodes = [split, conv, node("Concat", ["a", "c"], ["d"], "unit"), node("Relu", ["d"], ["e"], "act")]
    find_paths(OnnxGraph(Path("net.onnx"), nodes, {}, [], ["e"], 20, ""))
    assert split.path == "unit" and nodes[3].path == "act"
