"""The comparison of predictions on a validation set, and whose labels it takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import archdsl
from archdsl.exporting.examples import examples_of
from archdsl.exporting.subject import subject_of, subject_of_run


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
    found = examples.top1(runner, reference)
    assert found == {"examples": 30, "agreement": 1, "accuracy": 1, "accuracy_float64": 1, "lost_points": 0}
    opposite = examples.top1(lambda inputs: [-output for output in runner(inputs)], reference)
    assert opposite == {"examples": 30, "agreement": 0, "accuracy": 0, "accuracy_float64": 1, "lost_points": 100}


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
        lambda inputs: [torch.nn.functional.one_hot((inputs[0][:, 0, 0, 0] / 100).long(), 3).float()], subject.reference()
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
