"""Each format: the file agrees with its network, refuses invalid sizes, and holds its metadata."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import archdsl
from archdsl.exporting.certificate import Certificate, certificate_path
from archdsl.exporting.false_guards import remove_false_guards
from archdsl.exporting.format import PRECISIONS, format_named, name_for_file, names
from archdsl.exporting.formats import aoti
from archdsl.exporting.program import export_module
from archdsl.exporting.subject import Subject, subject_of
from archdsl.exporting.write import export
from archdsl.weights.weight_files import fingerprint

SUFFIXES = {"onnx": ".onnx", "pt2": ".pt2", "openvino": ".xml", "torchscript": ".ts"}
"""Without `aoti`, whose compiler takes long: `benchmarks/exports.py` runs it."""


@pytest.mark.parametrize("to", SUFFIXES)
def test_a_file(to: str, subject: Subject, exported: Callable[[str], Path]) -> None:
    path = exported(SUFFIXES[to])
    made = Certificate.read(path)
    assert made.format == to and made.folded
    assert made.largest_error < 5e-6
    assert len(made.sizes) == 5 and {"smallest", "unequal", "largest"} <= {one["reason"] for one in made.sizes}
    assert made.sizes[0]["shapes"] == {"image": [1, 1, 2, 2]}, "of one pixel, which PyTorch's exporter would exclude"
    assert len(made.refused) == 3, "odd heights and widths, and another number of channels"
    assert all(fingerprint(path.with_name(name)) == digest for name, digest in made.files.items())
    chosen = format_named(to)
    metadata = chosen.metadata(path)
    assert metadata["archdsl.network"] == "halves" and metadata["archdsl.weights_sha256"] == subject.weights_sha256
    assert metadata["archdsl.sizes"] == "H and W must be even"
    assert json.loads(metadata["archdsl.outputs"]) == ["main", "means"]
    run = chosen.run(path)
    image = torch.randn(3, 1, 6, 10)
    found, expected = run([image]), subject.reference()(image)
    assert [value.shape for value in found] == [(3, 3, 6, 10), (3, 3)]
    assert max(float((one - other).abs().max()) for one, other in zip(found, expected, strict=True)) < 1e-6


@pytest.mark.parametrize("to", ["pt2", "onnx"])
def test_ranges_that_pytorch_narrows(to: str, tmp_path: Path) -> None:
    """PyTorch records how it laid out its example, of which each map has more than one pixel, which narrows the range of H."""
    path = tmp_path / "halves.arch"
    path.write_text(
        "network halves { input image [1, H, W]; conv(4, 3, stride = 2); [a, b]: split(2)\n"
        "  b -> skip { conv(2, 3) }; concat { a; x }; gap }"
    )
    made = export(subject_of(archdsl.load(path), None), tmp_path / f"halves{SUFFIXES[to]}", to)
    assert made.sizes[0]["shapes"] == {"image": [1, 1, 1, 1]} and made.largest_error < 1e-6


def test_what_onnxruntime_says(exported: Callable[[str], Path]) -> None:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(exported(".onnx"), options, providers=["CPUExecutionProvider"])
    assert [(value.name, value.shape) for value in session.get_inputs()] == [("image", ["batch", 1, "H", "W"])]
    assert [value.shape for value in session.get_outputs()] == [["batch", 3, "H", "W"], ["batch", 3]]
    with pytest.raises(Exception, match="H must be even"):
        session.run(None, {"image": torch.zeros(1, 1, 7, 8).numpy()})
    with pytest.raises(Exception, match="W must be even"):
        session.run(None, {"image": torch.zeros(1, 1, 8, 7).numpy()})


def test_what_pytorch_says(exported: Callable[[str], Path]) -> None:
    program = torch.export.load(exported(".pt2"))
    assert any("2*" in str(size) for size in program.range_constraints)
    with pytest.raises(AssertionError, match="2 == 0"):
        program.module()(torch.zeros(1, 1, 7, 8))


def test_the_switch_of_aoti_is_where_it_was() -> None:
    """PyTorch compiles its checks with this condition, which the format replaces."""
    from torch._inductor.codegen.cpp_wrapper_cpu import CppWrapperCpu

    assert aoti._SWITCH in inspect.getsource(CppWrapperCpu.generate_input_output_runtime_checks)


PARTS = """network net {
  input image [3, H, W]
  repeat 2 { conv(8, 3, stride = 2) -> bn -> silu }
  conv(4, 1) -> silu
  parts: split(2)
  parts[1] -> { skip { conv(2, 3) -> silu } }
  concat { parts[0]; x }
}"""


def test_assertions_of_the_layout_are_no_conditions() -> None:
    """PyTorch asserts that an image is not one pixel, since its layout would be another one."""
    net = archdsl.loads(PARTS)
    (largest, smallest) = (torch.rand(2, 3, *size) for size in ((8, 6), (1, 1)))
    program = export_module(net.build(optimize=True), net.graph, (largest,), assertions=True)
    before = [node.args[1] for node in program.graph.find_nodes(op="call_function", target=torch.ops.aten._assert_scalar.default)]
    assert any("expression Ne(s" in text for text in before)
    made = remove_false_guards(program, [{"image": (2, 3, 8, 6)}, {"image": (2, 3, 1, 1)}])
    assert made.module()(smallest).shape == (2, 4, 1, 1)


@pytest.mark.exhaustive  # it compiles for half a minute
def test_aoti_of_a_part_of_the_channels(tmp_path: Path) -> None:
    """At symbolic sizes PyTorch fails to compare the strides of a part of the channels."""
    net = archdsl.loads(PARTS)
    made = export(subject_of(net, net.build().state_dict()), tmp_path / "net.aoti.pt2", "aoti")
    assert made.largest_error < 1e-5 and len(made.sizes) >= 5


def test_names() -> None:
    assert names() == ["aoti", "onnx", "openvino", "pt2", "torchscript"]
    assert [name_for_file(Path(f"net{suffix}")) for suffix in SUFFIXES.values()] == list(SUFFIXES)
    assert name_for_file(Path("net.pt2"), "aoti") == "aoti"
    assert name_for_file(Path("net.AOTI.pt2")) == "aoti" and name_for_file(Path("net.aoti.pt2"), "pt2") == "pt2"
    for path, to, said in (
        (Path("net.bin"), None, "a suffix"),
        (Path("a.onnx"), "nn", "formats are"),
        (Path("a.b"), "aoti", "end in"),
    ):
        with pytest.raises(ValueError, match=said):
            name_for_file(path, to)
    for name in names():
        chosen = format_named(name)
        assert chosen.about and "fp32" in chosen.precisions and chosen.precisions <= set(PRECISIONS)


def test_the_name_of_the_certificate() -> None:
    assert certificate_path(Path("a/net.onnx")) == Path("a/net.onnx.certificate.json")
