"""Files that are verified later: what changed is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import archdsl
from archdsl.cli import root
from archdsl.exporting.certificate import Certificate, certificate_path
from archdsl.exporting.subject import state_hash, subject_of
from archdsl.exporting.verify import verify
from archdsl.exporting.write import export


@pytest.fixture
def file(exported: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of an export with its certificate."""
    original = exported(".pt2")
    for path in (original, certificate_path(original)):
        shutil.copyfile(path, tmp_path / path.name)
    return tmp_path / original.name


def change(file: Path, **fields: object) -> None:
    path = certificate_path(file)
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def error_of(file: Path, **options: object) -> archdsl.Diagnostic:
    with pytest.raises(archdsl.SpecError) as caught:
        verify(file, **options)  # type: ignore[arg-type]
    assert caught.value.diagnostic.code == "E1104"
    return caught.value.diagnostic


def test_nothing_changed(file: Path) -> None:
    found = verify(file)
    assert found.changed == {} and found.largest_error == found.certificate.largest_error < 5e-6


def test_other_versions(file: Path) -> None:
    versions = Certificate.read(file).versions
    change(file, versions=versions | {"torch": "2.12.0"})
    found = verify(file)
    assert found.changed == {"torch": ("2.12.0", versions["torch"])}
    result = CliRunner().invoke(root, ["export", "--verify", str(file)])
    assert result.exit_code == 0, result.output
    assert f"torch is now {versions['torch']}; the file was written with 2.12.0" in result.output
    assert "agrees with float64" in result.output


def test_a_changed_file(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert error_of(file).message.startswith(f"the file {file.name} changed since the export")
    result = CliRunner().invoke(root, ["export", "--verify", str(file)])
    assert result.exit_code == 1 and "E1104" in result.output


def test_a_copy_with_another_name(file: Path) -> None:
    """It is compared with its own hash, not with that of the file which has the old name."""
    copy = file.with_name("copy.pt2")
    shutil.copyfile(file, copy)
    shutil.copyfile(certificate_path(file), certificate_path(copy))
    assert verify(copy).largest_error == Certificate.read(file).largest_error
    copy.write_bytes(copy.read_bytes() + b"more")
    assert error_of(copy).message.startswith("the file copy.pt2 changed since the export")
    change(copy, files={})
    assert "files" in error_of(copy).message


def test_changed_weights(file: Path, tmp_path: Path) -> None:
    network = archdsl.loads(next(iter(Certificate.read(file).spec.values())))
    torch.save(network.build().state_dict(), tmp_path / "other.pt")
    assert "the weights of `halves` changed" in error_of(file, weights=tmp_path / "other.pt").message
    change(file, weights={"file": str(tmp_path / "gone.pt")})
    assert error_of(file).help == "name them: --weights FILE"
    change(file, weights={})
    assert "a state_dict" in error_of(file).message


def test_a_changed_spec(file: Path) -> None:
    spec = Certificate.read(file).spec
    change(file, spec={name: text.replace("relu", "silu") for name, text in spec.items()})
    assert "the spec of `halves` changed" in error_of(file).message


@pytest.mark.parametrize(("text", "said"), [
    ("{", "it is not JSON"), ("{}", "Field required"), (None, "no certificate"),
])  # fmt: skip
def test_a_certificate_that_cannot_be_read(file: Path, text: str | None, said: str) -> None:
    if text is None:
        certificate_path(file).unlink()
    else:
        certificate_path(file).write_text(text)
    assert said in error_of(file).message


def test_a_certificate_of_files_outside(file: Path) -> None:
    change(file, spec={"../other.arch": "network n { input a [1]; relu }"})
    assert "outside" in error_of(file).message
    change(file, format="nnef")
    assert "nnef" in error_of(file).message


def test_weights_from_a_file(tmp_path: Path) -> None:
    """They are found again by their path, and their hash does not depend on the kind of file."""
    network = archdsl.loads("network n { input a [3]; linear(2) }")
    state = network.build().state_dict()
    torch.save({"state_dict": state}, tmp_path / "weights.pt")
    made = export(subject_of(network, tmp_path / "weights.pt"), tmp_path / "n.ts")
    assert made.weights == {"file": str(tmp_path / "weights.pt")} and made.weights_sha256 == state_hash(state)
    assert verify(tmp_path / "n.ts").changed == {}


def test_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("n.arch").write_text("network n { input a [3, L]; conv(2, 3) }")
    for arguments, said in (
        (["n.arch"], "-o FILE"), (["n.arch", "-o", "n.bin"], "no format"), (["-o", "n.ts"], "say what to export"),
        (["--verify", "n.ts", "-o", "m.ts"], "--verify takes the file alone"),
        (["--verify", "n.ts", "n.arch"], "not NETWORK"), (["n.arch", "-o", "n.pt2", "--precision", "int4"], "int4"),
    ):  # fmt: skip
        result = CliRunner().invoke(root, ["export", *arguments])
        assert result.exit_code == 2 and said in result.output, result.output
    result = CliRunner().invoke(root, ["export", "n.arch", "-o", "n.ts"])
    assert result.exit_code == 0, result.output
    assert "initialized with the seed 0" in result.output and "wrote n.ts" in result.output
    assert sorted(path.name for path in Path().iterdir()) == ["n.arch", "n.ts", "n.ts.certificate.json"]
    assert CliRunner().invoke(root, ["export", "n.arch", "-o", "nowhere/n.ts"]).exit_code == 1
