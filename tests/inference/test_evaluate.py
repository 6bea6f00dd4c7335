"""Evaluation against results.json, and against counts that are made here."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import archdsl
from archdsl.cli.evaluate import _classes
from archdsl.data.labels import describe_labels
from archdsl.inference.evaluation_data import matched_labels
from archdsl.inference.examples import batches_of, examples_of
from archdsl.inference.scores import Scores
from archdsl.inference.views import views_of
from archdsl.trained import Run
from tests.inference.conftest import FLOWERS, NAMES, flowers

Trained = Callable[[str], Run]


def results(run: Run) -> Any:
    return json.loads((run.folder / "results.json").read_text())


@pytest.mark.parametrize(("name", "splits"), [
    ("flowers", ("training", "validation", "test")), *[(name, ("validation",)) for name in ("streets", "sums", "tags")],
])  # fmt: skip
def test_it_equals_results_json(trained: Trained, name: str, splits: tuple[str, ...]) -> None:
    """Every metric, every class and the confusion matrix, to the last bit; with further metrics."""
    run = trained(name)
    for split in splits:
        wanted, found = results(run)[split], run.evaluate(split, device="cpu")
        assert found.examples == wanted["examples"] and found.split == split
        assert {key: found.metrics[key] for key in wanted["metrics"]} == wanted["metrics"]
        assert [list(row) for row in found.scores.confusion] == wanted.get("confusion", [])
        own = [(one["name"], one["examples"], one["recall"]) for one in found.scores.per_class if "recall" in one]
        assert name == "tags" or own == [(one["name"], one["examples"], one["accuracy"]) for one in wanted.get("classes", [])]
    assert len(found.metrics) > len(wanted["metrics"]) - (name == "sums")


def test_the_default_split_and_the_worst_examples(trained: Trained) -> None:
    """The test set; the losses of single examples, by file."""
    run = trained("flowers")
    found = run.evaluate(device="cpu", worst=12)
    assert found.split == "test" and found.metrics["loss"] == results(run)["test"]["metrics"]["loss"]
    losses = [one.loss for one in found.scores.worst]
    assert losses == sorted(losses, reverse=True) and np.mean(losses) == pytest.approx(found.metrics["loss"], rel=1e-5)
    worst = found.scores.worst[0]
    assert Path(worst.name).parent.name == worst.label and worst.prediction in NAMES
    [predicted] = run.predict(worst.name, device="cpu", top=1)
    assert predicted.classes == ((worst.prediction, pytest.approx(worst.probability, abs=1e-6)),)


def test_per_class_results(trained: Trained) -> None:
    """Precision, recall, F1 and IoU, from the confusion matrix by hand; of several classes at once, from the labels."""
    found = trained("flowers").evaluate("validation", device="cpu").scores
    matrix = np.array(found.confusion)
    for number, one in enumerate(found.per_class):
        hits, row, column = matrix[number, number], matrix[number].sum(), matrix[:, number].sum()
        assert one["f1"] == pytest.approx(2 * hits / (row + column)) and one["iou"] == pytest.approx(hits / (row + column - hits))
    run = trained("tags")
    tags = run.evaluate("validation", device="cpu")
    assert tags.metrics["f1"] == pytest.approx(np.mean([one["f1"] for one in tags.scores.per_class]), abs=1e-6)
    sums = trained("sums").evaluate("validation", device="cpu")
    assert [one["name"] for one in sums.scores.per_class] == ["0", "1"]
    assert np.mean([one["mae"] for one in sums.scores.per_class]) == pytest.approx(sums.metrics["mae"], rel=1e-6)


def test_weights_last_best_and_a_file(trained: Trained, tmp_path: Path) -> None:
    run = trained("flowers")
    best = results(run)["best_value"]
    assert run.evaluate("validation", weights="best", device="cpu").metrics["f1"] == pytest.approx(best, abs=1e-6)
    same = run.evaluate("validation", weights=run.weights("last"), device="cpu")
    assert same.metrics == run.evaluate("validation", device="cpu").metrics


def test_an_ensemble_averages_probabilities(trained: Trained) -> None:
    """The kept epochs are the best; their averaged probabilities give the loss and the accuracy."""
    run = trained("flowers")
    rows = sorted(run.record.history, key=lambda row: (row["val_f1"], -row["val_loss"]), reverse=True)
    assert run.best_epochs(3) == [run.folder / "kept" / f"epoch-{int(row['epoch'])}.safetensors" for row in rows[:3]]
    assert (run.folder / "best.safetensors").read_bytes() == run.best_epochs(1)[0].read_bytes()
    found = run.evaluate("test", ensemble=3, device="cpu")
    files = sorted((run.folder.parents[1] / "flowers" / "test").rglob("*.png"))
    chances = []
    for path in run.best_epochs(3):
        made = [dict(one.classes) for one in run.predict(*files, weights=path, device="cpu")]
        chances.append([[one[name] for name in NAMES] for one in made])
    mean = torch.tensor(chances, dtype=torch.float64).mean(0)
    labels = torch.tensor([NAMES.index(path.parent.name) for path in files])
    assert found.averaged is not None and found.averaging == "ensemble of 3"
    assert found.averaged.metrics["loss"] == pytest.approx(float(-mean[range(12), labels].log().mean()), rel=1e-5)
    assert found.averaged.metrics["accuracy"] == pytest.approx(float((mean.argmax(1) == labels).double().mean()))
    assert found.metrics == run.evaluate("test", device="cpu").metrics


def test_flip_is_the_mean_of_the_image_and_its_mirror_image(trained: Trained) -> None:
    run = trained("flowers")
    found = run.evaluate("test", tta="flip", device="cpu")
    files = sorted((run.folder.parents[1] / "flowers" / "test").rglob("*.png"))
    module, prepare = run.build(), run.preparation
    batches = list(batches_of(prepare, examples_of(prepare, files)))
    labels = [NAMES.index(path.parent.name) for path in files]
    with torch.no_grad():
        images = torch.cat([prepare.for_batches(transform=False)(one.batch, training=False)[0][0] for one in batches])
        mean = (module(images).softmax(1) + module(images.flip(-1)).softmax(1)) / 2
    total = float(-mean[range(12), labels].log().mean())
    assert found.averaged is not None and found.averaged.metrics["loss"] == pytest.approx(total, rel=1e-5)


def test_ten_crop_and_multi_scale(trained: Trained) -> None:
    """Ten crops see the corners of the resized image; scales need a network that takes them, and masks return to their size."""
    run = trained("flowers")
    ten = run.evaluate("test", tta="ten_crop", device="cpu")
    assert ten.averaged is not None and ten.averaged.metrics["loss"] != ten.metrics["loss"]
    views = views_of(run.preparation, run.preparation.recipe, "ten_crop")
    regions = [view.recipe.transform[-1].region(11, 13)[:4] for view in views[::2]]
    assert regions == [(1, 2, 8, 8), (0, 0, 8, 8), (0, 5, 8, 8), (3, 0, 8, 8), (3, 5, 8, 8)]
    assert [view.flip for view in views] == [False, True] * 5
    masks = trained("streets")
    for tta in ("flip", "multi_scale"):
        found = masks.evaluate(tta=tta, device="cpu")
        assert found.averaged is not None and found.averaged.metrics["iou"] == pytest.approx(found.metrics["iou"], abs=0.25)
        assert sum(map(sum, found.averaged.confusion)) == sum(map(sum, found.scores.confusion))


def test_scales_of_images_that_are_not_square() -> None:
    """Height and width may have to differ by other amounts from three and five quarters: here both are multiples of 4."""
    given = SimpleNamespace(takes=lambda shape: True)
    preparation: Any = SimpleNamespace(
        inputs=(given,), image=0, shapes=[(1, 12, 20)],
        check_shapes=lambda shapes: None if all(side % 4 == 0 for side in shapes[0][1:]) else "wrong",
    )  # fmt: skip
    recipe: Any = SimpleNamespace(transform=())
    assert [view.size for view in views_of(preparation, recipe, "multi_scale")] == [None, (8, 16), (16, 24)]


def test_the_worst_classes_come_first() -> None:
    """Those without examples have no F1, and come last."""
    classes = [{"name": str(n), "examples": n % 2, "f1": n / 100 if n % 2 else math.nan} for n in reversed(range(50))]
    lines = _classes(Scores({}, tuple(classes), (), ()), color=False).splitlines()
    assert [line.split()[0] for line in lines[1:21]] == [str(n) for n in range(1, 41, 2)]


@pytest.mark.parametrize("count", [0, -1])
def test_an_ensemble_has_members(trained: Trained, count: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        trained("flowers").evaluate(device="cpu", ensemble=count)


@pytest.mark.parametrize(("name", "options", "code", "said"), [
    ("flowers", {"tta": "multi_scale"}, "E1004", "takes no images of about 0.75 and 1.25"),
    ("streets", {"tta": "ten_crop"}, "E1004", "does not end in `center_crop`"),
    ("sums", {"tta": "flip"}, "E1004", "no image as input"),
    ("sums", {"split": "test"}, "E1004", "has no test set"),
    ("sums", {"ensemble": 2}, "E1004", "has kept none"),
    ("flowers", {"ensemble": 4}, "E1004", "has kept the weights of 3 epochs"),
    ("flowers", {"data": "nowhere"}, "E0802", "does not exist"),
])  # fmt: skip
def test_what_does_not_apply(trained: Trained, name: str, options: dict[str, Any], code: str, said: str) -> None:
    with pytest.raises(archdsl.SpecError) as raised:
        trained(name).evaluate(device="cpu", **options)
    assert raised.value.diagnostic.code == code and said in str(raised.value)


def test_other_data(trained: Trained, tmp_path: Path) -> None:
    """A folder without splits is evaluated as a whole; classes are numbered by their names, of which some may be missing."""
    run = trained("flowers")
    source = run.folder.parents[1] / "flowers" / "test"
    assert run.evaluate(data=source, device="cpu").metrics == run.evaluate("test", device="cpu").metrics
    assert run.evaluate(data=source, device="cpu").split == "all"
    shutil.copytree(source / "cow", tmp_path / "some" / "cow")
    found = run.evaluate(data=tmp_path / "some", device="cpu")
    assert [one["examples"] for one in found.scores.per_class] == [0, 0, 4]
    assert found.metrics["accuracy"] == run.evaluate("test", device="cpu").scores.per_class[2]["recall"]
    shutil.copytree(source, tmp_path / "alone" / "test")
    (tmp_path / "alone" / "test" / "cow" / "bad.png").write_text("no image")
    with pytest.raises(archdsl.SpecError, match=r"cannot read .*bad\.png"):
        run.evaluate(data=tmp_path / "alone", device="cpu")
    assert run.evaluate(data=tmp_path / "alone", device="cpu", skip_bad=True).examples == 12


def test_other_data_that_does_not_fit(trained: Trained, tmp_path: Path) -> None:
    """Other classes, another scale, other shapes and other kinds of labels."""
    run, sums = trained("flowers"), trained("sums")
    flowers(tmp_path / "animals", ("ant", "dog"))
    random = np.random.default_rng(0)
    pixels = random.random((9, 3, 12, 12), dtype=np.float32)
    np.savez(tmp_path / "scale.npz", x=pixels * 255, y=np.arange(9) % 3)
    np.savez(tmp_path / "many.npz", x=pixels, y=np.arange(9) % 4)
    np.savez(tmp_path / "kind.npz", x=pixels, y=pixels[:, 0, 0, 0])
    np.savez(tmp_path / "rows.npz", x=random.normal(size=(5, 3)), y=random.normal(size=(5, 3)))
    for trained_run, data, code, said in (
        (run, "animals", "E1003", "has the class `dog`, which the network does not have"),
        (run, "scale.npz", "E1002", "floats from"),
        (run, "many.npz", "E1003", "the labels have the class 3, and the network has 3 classes"),
        (run, "kind.npz", "E1003", "the labels are values, and the network was trained for classes"),
        (sums, "rows.npz", "E1003", "the labels are 3 per example"),
    ):
        with pytest.raises(archdsl.SpecError) as raised:
            trained_run.evaluate(data=tmp_path / data, device="cpu")
        assert raised.value.diagnostic.code == code and said in str(raised.value), data
    np.savez(tmp_path / "ok.npz", x=pixels, y=np.arange(9) % 3)
    assert run.evaluate(data=tmp_path / "ok.npz", device="cpu").examples == 9


def test_a_network_with_weights(trained: Trained) -> None:
    """Its recipe says how inputs are prepared: the statistics are those of its training set, and the results those of the run."""
    run = trained("flowers")
    network = archdsl.load(run.folder.parents[1] / "flowers.arch")
    found = archdsl.with_weights(network, run.weights()).evaluate(split="validation", device="cpu")
    assert found.metrics == run.evaluate("validation", device="cpu").metrics
    other = archdsl.load(run.folder.parents[1] / "flowers.arch", **{"train.normalize": archdsl.Expression("none")})
    with pytest.raises(archdsl.SpecError, match="was trained with `normalize = data`, and the recipe has `normalize = none`"):
        archdsl.with_weights(other, run.weights())


def test_damaged_and_unfinished_runs(trained: Trained, tmp_path: Path) -> None:
    """No weights yet, weights of another network, and an image that cannot be decoded."""
    run = trained("flowers")
    shutil.copytree(run.folder, tmp_path / "run")
    (tmp_path / "run" / "best.safetensors").unlink()
    copy = archdsl.run(tmp_path / "run")
    with pytest.raises(archdsl.SpecError, match="has no best"):
        copy.evaluate(weights="best", device="cpu")
    with pytest.raises(archdsl.SpecError, match="E0905"):
        copy.predict(np.zeros((3, 8, 8), np.uint8), weights=trained("streets").weights(), device="cpu")
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    (tmp_path / "run" / "run.json").write_text(json.dumps({key: facts[key] for key in facts if key != "data_folder"}))
    with pytest.raises(archdsl.SpecError, match="does not record the folder of its data"):
        archdsl.run(tmp_path / "run").evaluate(device="cpu")


def test_epochs_are_kept_across_a_resumed_run(tmp_path: Path) -> None:
    """A run that is continued keeps the epochs that one without interruption keeps."""
    flowers(tmp_path / "flowers")
    (tmp_path / "flowers.arch").write_text(FLOWERS)
    for epochs in (2, 4):
        network = archdsl.load(
            tmp_path / "flowers.arch",
            **{"train.epochs": epochs, "train.schedule": archdsl.Expression("constant"), "train.keep": 2},
        )
        network.fit(tmp_path / "resumed", device="cpu", resume=epochs == 4)
    network.fit(tmp_path / "whole", device="cpu")
    kept = [{path.name: path.read_bytes() for path in (tmp_path / name / "kept").iterdir()} for name in ("resumed", "whole")]
    assert kept[0].keys() == kept[1].keys() and len(kept[0]) == 2


@pytest.mark.parametrize(("wanted", "found", "said"), [
    (None, ("0", "1", "10"), "class 2 of the data is `10`, and that of the network is `2`"),
    (("ant", "bee", "cow"), ("bee", "ant", "cow"), "class 0 of the data is `bee`, and that of the network is `ant`"),
])  # fmt: skip
def test_classes_under_other_numbers(wanted: Any, found: tuple[str, ...], said: str) -> None:
    """Folders `0`, `1`, `10` are not the classes 0, 1, 2 of a network that was trained on numbers."""
    labels = [describe_labels(np.arange(3), [], names) for names in (wanted, found)]
    with pytest.raises(archdsl.SpecError, match="E1003") as raised:
        matched_labels(*labels)
    assert said in str(raised.value)
