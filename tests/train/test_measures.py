"""Metrics against scikit-learn, for every kind of label; and what chooses the best epoch."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torch import Tensor, nn

from archdsl.data import IGNORED
from archdsl.diagnostics import SpecError
from archdsl.recipe import Loss, Optimizer, Recipe, Schedule, Stopping
from archdsl.recipe.metrics import METRICS, metrics_for
from archdsl.registry import Registered
from archdsl.train import Experiment, Hardware, Input, fit
from archdsl.train.data import load
from archdsl.train.losses import Criterion
from archdsl.train.metrics import MetricValues, SplitMetrics
from archdsl.train.running_sums import RunningSums
from archdsl.train.task import Task


def call(family: type[Registered], name: str, **arguments: Any) -> Any:
    entry = family.registry.get(name)
    assert entry is not None
    return entry.create(arguments)


RNG = np.random.default_rng(1)


def measured(kind: Any, loss: str, output: Any, labels: Any, *, ignores: bool = False, **scale: Any) -> MetricValues:
    """All metrics of the kind, in batches of 7."""
    criterion = Criterion(call(Loss, loss), kind, ignores=ignores, **scale)
    measures = SplitMetrics(metrics_for(kind), criterion, output.shape[1], details=True)
    for start in range(0, len(output), 7):
        measures.update(torch.as_tensor(output[start : start + 7]), torch.as_tensor(labels[start : start + 7]))
    return measures.compute()


def softmax(output: Any) -> Any:
    return torch.as_tensor(output).softmax(1).numpy()


def macro(labels: Any, found: Any) -> dict[str, float]:
    common: dict[str, Any] = {"average": "macro", "zero_division": 0}
    return {
        "accuracy": sk.accuracy_score(labels, found), "f1": sk.f1_score(labels, found, **common),
        "iou": sk.jaccard_score(labels, found, **common),
        "precision": sk.precision_score(labels, found, **common), "recall": sk.recall_score(labels, found, **common),
    }  # fmt: skip


def test_classes() -> None:
    output, labels = RNG.normal(size=(90, 8)).astype(np.float32), RNG.integers(0, 8, 90)
    output[np.arange(90), labels] += 1
    got = measured("class", "cross_entropy", output, labels)
    expected = macro(labels, output.argmax(1)) | {
        "top5": sk.top_k_accuracy_score(labels, output, k=5),
        "average_precision": sk.average_precision_score(np.eye(8)[labels], softmax(output), average="macro"),
        "auroc": sk.roc_auc_score(labels, softmax(output), multi_class="ovr"), "loss": sk.log_loss(labels, softmax(output)),
    }  # fmt: skip
    assert got.values == pytest.approx(expected, abs=1e-5)
    assert np.array_equal(got.confusion, sk.confusion_matrix(labels, output.argmax(1)))
    assert got.per_class == pytest.approx(sk.recall_score(labels, output.argmax(1), average=None))


def test_masks_leave_out_what_is_ignored() -> None:
    output, labels = RNG.normal(size=(20, 3, 6, 5)).astype(np.float32), RNG.integers(0, 3, (20, 6, 5))
    labels[RNG.random(labels.shape) < 0.2] = IGNORED
    labels[:7] = IGNORED  # a whole batch
    kept = labels != IGNORED
    got = measured("mask", "cross_entropy", output, labels, ignores=True)
    expected = macro(labels[kept], output.argmax(1)[kept])
    logs = torch.as_tensor(output).log_softmax(1).numpy()
    loss = -np.take_along_axis(logs, labels[:, None] * kept[:, None], 1)[:, 0][kept].mean()
    assert got.values == pytest.approx(expected | {"dice": expected["f1"], "loss": loss}, abs=1e-5)
    assert sum(map(sum, got.confusion)) == kept.sum()


@pytest.mark.parametrize("loss", ["cross_entropy", "bce", "dice", "focal"])
def test_ignored_labels_have_no_gradient(loss: str) -> None:
    output = torch.randn(4, 3, 2, 2, requires_grad=True)
    labels = torch.randint(0, 3, (4, 2, 2))
    labels[1:3] = IGNORED
    criterion = Criterion(call(Loss, loss), "mask", ignores=True)
    value, count = criterion(output, labels)
    value.backward()
    assert output.grad is not None and bool((output.grad[1:3] == 0).all()) and bool((output.grad[0] != 0).any())
    rest = criterion(output[[0, 3]], labels[[0, 3]])
    torch.testing.assert_close((value, torch.as_tensor(count)), (rest[0], torch.as_tensor(rest[1])))
    nothing, none = criterion(output, torch.full_like(labels, IGNORED))
    assert int(none) == 0 and bool(nothing.isfinite())


def test_several_classes_at_once() -> None:
    output, labels = RNG.normal(size=(50, 4)).astype(np.float32), (RNG.random((50, 4)) < 0.5).astype(np.float32)
    got = measured("multilabel", "bce", output, labels)
    found = (output > 0).astype(int)
    expected = macro(labels.astype(int), found) | {
        "accuracy": (found == labels).mean(), "average_precision": sk.average_precision_score(labels, output),
        "auroc": sk.roc_auc_score(labels, output),
        "loss": got.values["loss"],
    }  # fmt: skip
    assert got.values == pytest.approx(expected, abs=1e-5)


def test_two_classes_in_one_output() -> None:
    output, labels = RNG.normal(size=(50, 1)).astype(np.float32), RNG.integers(0, 2, 50)
    got = measured("class", "bce", output, labels)
    found = (output[:, 0] > 0).astype(int)
    assert got.values["f1"] == pytest.approx(sk.f1_score(labels, found))
    assert got.values["auroc"] == pytest.approx(sk.roc_auc_score(labels, output[:, 0]))
    assert np.array_equal(got.confusion, sk.confusion_matrix(labels, found))


def test_values_in_their_units() -> None:
    labels = (RNG.normal(size=(40, 2)) * [3, 900] + [10, 5000]).astype(np.float32)
    mean, deviation = torch.tensor([10.0, 5000.0]), torch.tensor([3.0, 900.0])
    output = ((labels - mean.numpy()) / deviation.numpy() + RNG.normal(size=(40, 2)) * 0.1).astype(np.float32)
    got = measured("value", "mse", output, labels, scale=(mean, deviation))
    answers = output * deviation.numpy() + mean.numpy()
    expected = {
        "loss": sk.mean_squared_error((labels - mean.numpy()) / deviation.numpy(), output),
        "mae": sk.mean_absolute_error(labels, answers),
        "mse": sk.mean_squared_error(labels, answers), "rmse": sk.mean_squared_error(labels, answers) ** 0.5,
        "r2": sk.r2_score(labels, answers),
    }  # fmt: skip
    assert got.values == pytest.approx(expected, rel=1e-4)
    assert got.confusion == () and got.per_class == ()


def test_soft_targets() -> None:
    """As mixing gives: losses are linear in them, where there is nothing but the logarithm."""
    output, one, other = torch.randn(6, 3), torch.tensor([0, 1, 2, 0, 1, 2]), torch.tensor([1, 2, 0, 0, 1, 2])
    mixed = 0.3 * nn.functional.one_hot(one, 3) + 0.7 * nn.functional.one_hot(other, 3)
    for name, arguments in (("cross_entropy", {"label_smoothing": 0.1}), ("focal", {"gamma": 1.5}), ("bce", {})):
        criterion = Criterion(call(Loss, name, **arguments), "class")
        expected = 0.3 * criterion(output, one)[0] + 0.7 * criterion(output, other)[0]
        torch.testing.assert_close(criterion(output, mixed)[0], expected)
    assert 0 < float(Criterion(call(Loss, "dice"), "class")(output, mixed)[0]) < 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("metrics", ["r2"]),
        ("best", "mae"),
        ("early_stop", call(Stopping, "patience", metric="rmse")),
        ("schedule", call(Schedule, "plateau", metric="mae")),
    ],
)
def test_metrics_that_labels_cannot_have(tmp_path: Path, key: str, value: Any) -> None:
    recipe = Recipe.create({"data": call_digits(), key: value})
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    with pytest.raises(SpecError, match="is no metric of labels that are classes") as caught:
        fit(Experiment("net", module, recipe, (Input("x", (1, 8, 8)),)), tmp_path, hardware=Hardware("cpu"))
    assert (caught.value.diagnostic.code, caught.value.diagnostic.argument) == ("E0801", key) and "accuracy, top5" in (
        caught.value.diagnostic.help or ""
    )


def call_digits() -> Any:
    from archdsl.recipe import Dataset

    return call(Dataset, "digits")


def test_any_metric_chooses_the_best_epoch_and_stops(tmp_path: Path) -> None:
    stop = call(Stopping, "patience", epochs=1, least=1.0, metric="f1")  # F1 never gains 1
    recipe = Recipe.create(
        {
            "data": call_digits(),
            "epochs": 5,
            "metrics": ["top5"],
            "best": "recall",
            "early_stop": stop,
            "optimizer": call(Optimizer, "adam"),
        }
    )
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    result = fit(Experiment("net", module, recipe, (Input("x", (1, 8, 8)),)), tmp_path, hardware=Hardware("cpu"))
    assert result.epochs == 2
    header = (tmp_path / "metrics.csv").read_text().splitlines()[0].split(",")
    assert {"val_accuracy", "val_top5", "val_recall", "val_f1", "val_loss"} <= set(header)
    assert METRICS["recall"].higher and not METRICS["mae"].higher


def test_evaluation_gives_metrics_by_name_and_details() -> None:
    recipe = Recipe.create({"data": call_digits()})
    data = load(recipe, Path(), (Input("x", (1, 8, 8)),))

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(64, 10)

        def forward(self, x: Tensor) -> Tensor:
            assert not self.training
            return self.fc(x.flatten(1))  # type: ignore[no-any-return]

    task = Task(Net(), {}, recipe, data, 10, 23)
    values = task.evaluate(data.evaluation_batches(data.held_out))
    assert list(values) == ["loss", "accuracy"]
    found = task.measure(data.evaluation_batches(data.held_out), details=True)
    assert found.values == values and len(found.per_class) == 10 and sum(map(sum, found.confusion)) == 360
    assert sum(found.confusion[i][i] for i in range(10)) / 360 == pytest.approx(values["accuracy"])


def test_sums_on_a_gpu_are_those_on_the_cpu() -> None:
    """What is done there, on the CPU: nothing is read before the end, and the first step that was not finite is remembered."""
    at_once, deferred = RunningSums(), RunningSums(deferred=True)
    for step in range(5):
        objective, loss, correct = torch.rand(()), torch.rand(()), torch.tensor(step)
        for sums, labels in ((at_once, 8 + step), (deferred, torch.tensor(8 + step))):
            assert not sums.add(step, objective, loss, correct, 8 + step, labels, 8 + step)
    assert deferred.values(accuracy=True) == pytest.approx(at_once.values(accuracy=True), rel=1e-6)
    again = RunningSums()
    again.load(deferred.state())
    assert again.values(accuracy=True) == deferred.values(accuracy=True)
    assert deferred.non_finite_step() is None
    one, bad = torch.ones(()), torch.tensor(float("nan"))
    assert at_once.add(7, bad, one, one, 1, 1, 1)
    for step, objective in ((7, bad), (8, one), (9, torch.tensor(float("inf")))):
        assert not deferred.add(step, objective, one, one, 1, 1, 1)
    assert deferred.non_finite_step() == 7


def test_a_loss_that_was_not_finite_is_reported_with_its_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU: found at the end of the epoch, and nothing is written."""
    monkeypatch.setattr("archdsl.train.task.RunningSums", lambda: RunningSums(deferred=True))
    recipe = Recipe.create(
        {"data": call_digits(), "epochs": 2, "optimizer": call(Optimizer, "sgd", lr=1e9), "loss": call(Loss, "mse")}
    )
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    with pytest.raises(SpecError, match=r"the loss is no longer finite in epoch 1, step [2-9]\n") as caught:
        fit(Experiment("net", module, recipe, (Input("x", (1, 8, 8)),)), tmp_path, hardware=Hardware("cpu"))
    assert caught.value.diagnostic.code == "E0804" and not (tmp_path / "checkpoints" / "last.ckpt").exists()
