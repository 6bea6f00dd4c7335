"""The comparison with the network finds small changes of a file, and an export that does not agree is not written."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from onnx import numpy_helper

import archdsl
from archdsl.exporting.agreement import Agreement, largest_error, worst
from archdsl.exporting.format import format_named
from archdsl.exporting.formats import pt2
from archdsl.exporting.samples import invalid, points
from archdsl.exporting.subject import Subject
from archdsl.exporting.write import export

BOUND = 1e-5


def swap_bias(path: Path, chance: random.Random) -> str:
    """Exchange two numbers of a bias in an ONNX file, and return its name."""
    model = onnx.load(path)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    biases = [weights[node.input[2]] for node in model.graph.node if node.op_type in ("Conv", "Gemm") and len(node.input) > 2]
    tensor = chance.choice([bias for bias in biases if len(set(numpy_helper.to_array(bias).tolist())) > 1])
    values = numpy_helper.to_array(tensor).copy()
    one, other = chance.sample(range(len(values)), 2)
    while values[one] == values[other]:
        one, other = chance.sample(range(len(values)), 2)
    values[[one, other]] = values[[other, one]]
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    onnx.save(model, path)
    return str(tensor.name)


def test_a_swapped_bias_is_found(subject: Subject, exported: Callable[[str], Path], tmp_path: Path) -> None:
    """Five of the trials that `python -m tests.exporting.swapped_biases` makes."""
    agreement = Agreement(subject.interface, subject.reference(), points(subject.interface.graph, subject.interface.sizes))
    original = exported(".onnx").read_bytes()
    for seed in range(5):
        path = tmp_path / f"{seed}.onnx"
        path.write_bytes(original)
        assert worst(agreement.measure(format_named("onnx").run(path))).error < BOUND
        name = swap_bias(path, random.Random(seed))
        assert worst(agreement.measure(format_named("onnx").run(path))).error > BOUND, name


def refused(subject: Subject, path: Path, monkeypatch: pytest.MonkeyPatch, write: Any, **options: Any) -> archdsl.SpecError:
    monkeypatch.setattr(pt2, "FORMAT", pt2.FORMAT._replace(write=write))
    with pytest.raises(archdsl.SpecError) as caught:
        export(subject, path, "pt2", **options)
    assert list(path.parent.iterdir()) == [], "neither the file nor a part of it is left"
    return caught.value


def test_an_export_that_does_not_agree(subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = pt2.FORMAT.write

    def write(program: Any, path: Path) -> tuple[Path, ...]:
        def build(checked: bool) -> Any:
            module = program.build(checked)
            module.network.head.bias += 1e-3
            return module

        return original(type(program)(**{**vars(program), "build": build}), path)

    error = refused(subject, tmp_path / "net.pt2", monkeypatch, write).diagnostic
    assert error.code == "E1103" and error.error > BOUND and error.plain is not None and error.plain < BOUND


def test_an_export_that_accepts_invalid_sizes(subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(program: Any, path: Path) -> tuple[Path, ...]:
        path.write_bytes(b"")
        return (path,)

    module = subject.network.build(aux=False, weights=subject.state, check_sizes=False).eval()
    monkeypatch.setattr(pt2, "FORMAT", pt2.FORMAT._replace(run=lambda path: lambda inputs: list(padded(module, inputs))))
    error = refused(subject, tmp_path / "net.pt2", monkeypatch, write).diagnostic
    assert error.code == "E1103" and "H = " in error.message


def padded(module: Any, inputs: Any) -> Any:
    """Compute something for odd sizes, too."""
    (image,) = inputs
    with torch.no_grad():
        return module(torch.nn.functional.pad(image, (0, image.shape[3] % 2, 0, image.shape[2] % 2)))


@pytest.mark.parametrize("text", [
    "input a [3, H, W]; maxpool(32) -> upsample(32)",
    "input a [3, H, W] where H % 2 == 1 and W == 40; conv(4, 3)",
    "input a [3, 7, W] where 5 <= W <= 9; conv(4, 3)",
    "input a [3, N, N] where N == 4 or N == 12; conv(4, 3)",
    "input a: int [L] where L <= 6; embedding(9, 4)",
    "input a [3, 8, 8]; conv(4, 3)",
    "input a [3, H]; input b [2 * H]; conv(4, 3)",
])  # fmt: skip
def test_points(text: str) -> None:
    network = archdsl.loads(f"network n {{ {text} }}")
    found = points(network.graph, network.sizes)
    assert len(found) >= 5 and len({(point.batch, tuple(point.at.items())) for point in found}) == len(found)
    for point in found:
        graph, errors = network.at_shapes([shape[1:] for shape in point.shapes(network.graph)])
        assert graph is not None, errors
    for wrong in invalid(network.graph, network.sizes, found[0]):
        with pytest.raises(ValueError):
            network.build()(*[torch.zeros(shape) for shape in wrong.shapes])


def test_the_error() -> None:
    one = torch.tensor([1.0, -4.0])
    assert largest_error([one], [one + torch.tensor([0.0, 1.0])]) == pytest.approx(1 / 3)
    assert largest_error([one], [one[:1]]) == float("inf")
    assert largest_error([one * float("nan")], [one]) == float("inf")
    assert largest_error([torch.zeros(2, 0)], [torch.zeros(2, 0)]) == 0
