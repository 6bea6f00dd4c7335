"""Exports that are not possible: coded errors, and nothing that is half written."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import archdsl
from archdsl.exporting import placing
from archdsl.exporting.formats import aoti, onnx, pt2
from archdsl.exporting.subject import Subject, subject_of
from archdsl.exporting.unsupported import unsupported_op
from archdsl.exporting.write import export, export_with_data, require_format, versions


def error_of(subject: Subject, path: Path, *given: Any, **options: Any) -> Any:
    before = sorted(path.parent.iterdir())
    with pytest.raises(archdsl.SpecError) as caught:
        export_with_data(subject, path, *given, **options)
    assert sorted(path.parent.iterdir()) == before
    return caught.value.diagnostic


def test_a_missing_package(subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    found = error_of(subject, tmp_path / "net.xml")
    assert found.code == "E0608" and "`openvino`" in found.message and found.help == "pip install 'archdsl[export]'"


def test_no_compiler(subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aoti.shutil, "which", lambda name: None)
    found = error_of(subject, tmp_path / "net.pt2", "aoti")
    assert found.code == "E1101" and "C++ compiler" in found.message


def test_precisions(subject: Subject, tmp_path: Path) -> None:
    found = error_of(subject, tmp_path / "net.onnx", precision="bf16")
    assert (found.code, found.help) == ("E1101", "it has fp32, fp16, int8")
    assert error_of(subject, tmp_path / "net.pt2", precision="int8").message.startswith("int8 needs examples")


def test_places(subject: Subject, tmp_path: Path) -> None:
    with pytest.raises(archdsl.SpecError, match="make the folder first"):
        export(subject, tmp_path / "none" / "net.pt2")
    (tmp_path / "folder.pt2").mkdir()
    assert error_of(subject, tmp_path / "folder.pt2").message.endswith("Is a directory")
    spec = Path(str(subject.network._path))
    with pytest.raises(archdsl.SpecError, match="would be lost"):
        export(subject, spec, "pt2")
    with pytest.raises(ValueError, match="no format has files like"):
        export(subject, tmp_path / "net.bin")


def test_a_full_disk(subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library reports it as an error of its own, after a part was written."""

    def write(program: Any, path: Path) -> tuple[Path, ...]:
        path.write_bytes(b"a part")
        raise RuntimeError("PytorchStreamWriter failed writing file data/1")

    def probe(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pt2, "FORMAT", pt2.FORMAT._replace(write=write))
    found = error_of(subject, tmp_path / "net.pt2")
    assert found.code == "E1102" and "PytorchStreamWriter" in found.message
    monkeypatch.setattr(placing.os, "fsync", probe)
    found = error_of(subject, tmp_path / "net.pt2")
    assert (found.code, found.help) == ("E0606", "free some space") and "No space left" in found.message


_FULL = """
import resource, sys
from pathlib import Path
import archdsl
network = archdsl.loads("network n { input a [300]; linear(300) }")
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for suffix in (".pt2", ".ts"):
    try:
        network.export(Path(sys.argv[1]) / f"n{suffix}")
    except archdsl.SpecError as error:
        print(error.diagnostic.code, error.diagnostic.message.rpartition(": ")[2])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of the file size are Unix's")
def test_a_disk_that_becomes_full(tmp_path: Path) -> None:
    """PyTorch's own writer would end the process."""
    done = subprocess.run([sys.executable, "-c", _FULL, str(tmp_path)], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["E0606 File too large"] * 2, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_weights_are_not_replaced(subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A format may write more files than the one that is named: OpenVINO a .bin."""
    weights, original = tmp_path / "net.bin", pt2.FORMAT.write
    torch.save(dict(subject.state), weights)

    def write(program: Any, path: Path) -> tuple[Path, ...]:
        original(program, path)
        path.with_suffix(".bin").write_bytes(b"weights of a format")
        return path, path.with_suffix(".bin")

    monkeypatch.setattr(pt2, "FORMAT", pt2.FORMAT._replace(write=write))
    before = weights.read_bytes()
    found = error_of(subject_of(subject.network, weights), tmp_path / "net.pt2")
    assert found.code == "E0606" and f"{weights} is a file that `halves` is read from" in found.message
    assert weights.read_bytes() == before


@pytest.mark.parametrize(("cause", "raised"), [
    (OSError(errno.EACCES, "Permission denied"), archdsl.SpecError), (KeyboardInterrupt(), KeyboardInterrupt),
])  # fmt: skip
def test_files_that_cannot_be_placed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cause: Any, raised: Any) -> None:
    """All are as before, if the second cannot be moved."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_text("new")
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "inside").write_text("")
    monkeypatch.setattr(Path, "replace", _refusing_b(Path.replace, cause))
    with pytest.raises(raised):
        placing.place((folder / "a", folder / "b"), tmp_path / "a")
    assert (tmp_path / "a").read_text() == "old"
    assert (tmp_path / "b" / "inside").exists()


def _refusing_b(original: Any, cause: Any) -> Any:
    def replace(self: Path, target: Path) -> Path:
        if self.name == "b":
            raise cause
        moved: Path = original(self, target)
        return moved

    return replace


def test_weights_of_another_network(subject: Subject) -> None:
    other = archdsl.loads("network n { input a [3, 8, 8]; conv(4, 3) }")
    with pytest.raises(archdsl.SpecError, match="E0905"):
        subject_of(other, subject.state)


def test_an_op_without_a_counterpart(subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of PyTorch's exporter, as it is, for a node of the program."""
    program = subject.program("fp32", fold=False)
    exported = program.exported()
    pool = next(node for node in exported.graph.nodes if "max_pool2d" in str(node.target))

    def fail(*given: Any, **options: Any) -> None:
        cause = ValueError("No ONNX function found for <OpOverload(op='aten.max_pool2d', overload='default')>")
        raise RuntimeError(f"Error when translating node %{pool.name} : ... See the stack trace.") from cause

    monkeypatch.setattr(torch.onnx, "export", fail)
    with pytest.raises(archdsl.SpecError) as caught:
        onnx.onnx_model(program)
    found = caught.value.diagnostic
    assert (found.code, found.op) == ("E1102", "maxpool") and "aten.max_pool2d" in found.message
    assert found.span is not None and found.span.text == "maxpool(2)"
    conv = next(node for node in exported.graph.nodes if "conv2d" in str(node.target))
    refused = unsupported_op(RuntimeError(f"translating node %{conv.name}"), exported, program.network, "onnx")
    assert refused is not None and refused.diagnostic.span is not None and refused.diagnostic.span.text == "conv(4, 3)"
    assert unsupported_op(RuntimeError("nothing known"), exported, program.network, "onnx") is None


def test_a_known_format() -> None:
    with pytest.raises(KeyError):
        require_format("nnef", "fp32")


def test_buffers_of_integers() -> None:
    """A `state_dict` with positions that are computed, as of Swin, is that of its network."""
    network = archdsl.load("swin_t")
    state = network.build(device="meta").state_dict()
    kinds = {key: value.dtype for key, value in state.items() if key.endswith("relative_position_index")}
    assert kinds and set(kinds.values()) == {torch.int64}
    assert network.check_weights(state).ok


def test_versions() -> None:
    """Those of the packages that take part, of torchao for int8 alone."""
    found = {precision: versions(pt2.FORMAT, precision) for precision in ("fp32", "int8")}
    assert set(found["fp32"]) == {"python", "archdsl", "torch", "machine"}
    assert set(found["int8"]) - set(found["fp32"]) == {"torchao"}
