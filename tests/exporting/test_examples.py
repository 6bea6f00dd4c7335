"""The comparison of predictions on a validation set, and whose labels it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import archdsl
from archdsl.exporting.examples import examples_of
from archdsl.exporting.formats import pt2
from archdsl.exporting.subject import subject_of, subject_of_run
from archdsl.exporting.write import export_with_data


def test_one_output_and_ignored_labels(tmp_path: Path) -> None:
    """Of one output, the sign tells the class."""
    rows = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    labels = (rows[:, 0] > 0).astype(np.int64)
    labels[::4] = 9
    np.savez(tmp_path / "rows.npz", x_train=rows, y_train=labels, x_val=rows, y_val=labels)
    (tmp_path / "n.arch").write_text(
        'network n { input row [3]; linear(1, bias = false) }\ntrain { data = "rows.npz"; loss = bce; ignore = 9 }'
    )
    subject = subject_of(archdsl.load(tmp_path / "n.arch"), {"0.weight": torch.tensor([[1.0, 0.0, 0.0]])})
    examples, runner, reference = examples_of(subject), subject.runner(), subject.reference()
    found = examples.top1(runner, reference, 1e-5)
    assert found == {"examples": 30, "agreement": 1, "ties": 0, "accuracy": 1, "accuracy_float64": 1, "lost_points": 0}

    def opposite(inputs: Any) -> list[Any]:
        return [-output for output in runner(inputs)]

    found = examples.top1(opposite, reference, 1e-5)
    assert found == {"examples": 30, "agreement": 0, "ties": 0, "accuracy": 0, "accuracy_float64": 1, "lost_points": 100}
    found = examples.top1(opposite, reference, 0.25)
    assert found is not None and 0 < found["ties"] < 30


@pytest.mark.parametrize("precision, said", [
    ("fp32", "as pt2 in fp32 predicts other classes for 40 of 40 examples"), ("int8", "in int8 loses 9"),
])  # fmt: skip
def test_predictions_that_differ(precision: Any, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is right at the sizes that are tried, but not for the examples of a network with data."""
    original = pt2.FORMAT.run
    flipped = [1.0]

    def run(path: Path) -> Any:
        module = original(path)
        return lambda inputs: [output * (flipped[0] if len(inputs[0]) > 5 else 1) for output in module(inputs)]

    monkeypatch.setattr(pt2, "FORMAT", pt2.FORMAT._replace(run=run))
    rows = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    labels = (rows[:, 0] > 0).astype(np.int64)
    np.savez(tmp_path / "rows.npz", x_train=rows, y_train=labels, x_val=rows, y_val=labels)
    (tmp_path / "n.arch").write_text("""
network n { input row [3]; linear(2, bias = false) }
train { data = "rows.npz" }
""")
    subject = subject_of(archdsl.load(tmp_path / "n.arch"), {"0.weight": torch.tensor([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])})
    certificate = export_with_data(subject, tmp_path / "right.pt2", precision=precision)
    assert certificate.top1 is not None and certificate.top1["agreement"] == 1
    flipped[0] = -1
    with pytest.raises(archdsl.SpecError, match=said) as caught:
        export_with_data(subject, tmp_path / "wrong.pt2", precision=precision)
    assert caught.value.diagnostic.code == "E1103"
    assert not list(tmp_path.glob("*wrong*")) + list(tmp_path.glob(".archdsl*"))


def test_other_data_has_the_classes_of_the_run(tmp_path: Path) -> None:
    """Folders are numbered as in the run, although the first class is missing, and other labels are refused."""
    from PIL import Image

    def image(*parts: str, level: int) -> None:
        path = tmp_path.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), level, np.uint8)).save(path)

    for part in ("train", "val"):
        for number, name in enumerate(("ant", "bee", "cow")):
            image("all", part, name, f"{part}.png", level=100 * number)
        for number, name in enumerate(("bee", "cow"), 1):
            image("some", part, name, f"{part}.png", level=100 * number)
        image("others", part, "dog", f"{part}.png", level=0)
    (tmp_path / "n.arch").write_text(
        'network n { input image [1, 4, 4]; flatten; linear(3) }\ntrain { data = "all"; epochs = 1; batch = 3; workers = 0 }'
    )
    archdsl.load(tmp_path / "n.arch").fit(tmp_path / "run", device="cpu")
    subject = subject_of_run(archdsl.run(tmp_path / "run"), "last")
    right = examples_of(subject, tmp_path / "some").top1(
        lambda inputs: [torch.nn.functional.one_hot((inputs[0][:, 0, 0, 0] / 100).long(), 3).float()], subject.reference(), 1e-5
    )
    assert right is not None and right["accuracy"] == 1 and right["examples"] == 2
    with pytest.raises(archdsl.SpecError, match="E1003"):
        examples_of(subject, tmp_path / "others")


def test_images_of_sixteen_bits(tmp_path: Path) -> None:
    """They are read as floats, which the file takes, and bytes of other data become such floats."""
    from PIL import Image

    random = np.random.default_rng(0)
    for part in ("train", "val"):
        for number in range(8):
            pixels = random.integers(0, 30_000, (8, 8)) + 30_000 * (number % 2)
            for kind, made in (("deep", pixels.astype(np.uint16)), ("bytes", (pixels // 257).astype(np.uint8))):
                path = tmp_path / kind / part / "ab"[number % 2] / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(made).save(path)
    (tmp_path / "n.arch").write_text(
        "network n { input image [1, 8, 8]; flatten; linear(2) }\n"
        'train { data = "deep"; epochs = 2; batch = 8; workers = 0; optimizer = adam(lr = 0.05) }'
    )
    archdsl.load(tmp_path / "n.arch").fit(tmp_path / "run", device="cpu")
    run = archdsl.run(tmp_path / "run")
    for data in (None, tmp_path / "bytes"):
        certificate = run.export(tmp_path / "n.ts", data=data)
        assert certificate.top1 is not None and certificate.top1["agreement"] == certificate.top1["accuracy"] == 1
    subject = subject_of_run(run, "last")
    (image,) = subject.interface.samples([(2, 1, 8, 8)], 0)
    assert image.is_floating_point() and 0 <= float(image.min()) and float(image.max()) <= 1
