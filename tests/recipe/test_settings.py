"""Setting a part of a key by its path, and finding the key that is meant."""

import pytest

from archdsl import SpecError, loads
from archdsl.driver import compile_text

TEXT = """network net(classes: int = 3) { input v [4]; fc: linear(classes) }
train {
  data      = "a.npz"
  optimizer = sgd(0.1, momentum = 0.9)
  augment   = [shift(1), rotate(10)]
  schedule  = cosine
  weights   = "b.pth"
  clip      = 1.0
}
"""


@pytest.mark.parametrize(
    ("path", "value", "key", "shown"),
    [
        ("optimizer.lr", "0.05", "optimizer", "sgd(lr = 0.05, momentum = 0.9)"),
        ("optimizer.weight_decay", "1e-4", "optimizer", "sgd(lr = 0.1, momentum = 0.9, weight_decay = 0.0001)"),
        ("augment[1].degrees", "20", "augment", ["shift(pixels = 1)", "rotate(degrees = 20.0)"]),
        ("augment[0]", "flip", "augment", ["flip", "rotate(degrees = 10.0)"]),
        ("schedule.warmup", "2", "schedule", "cosine(warmup = 2.0)"),
        ("loss.label_smoothing", "0.1", "loss", "cross_entropy(label_smoothing = 0.1)"),
        ("weights.partial", "true", "weights", 'pretrained(file = "b.pth", partial = true)'),
        ("clip.limit", "2", "clip", "norm(limit = 2.0)"),
    ],
)
def test_a_part_of_a_key(path: str, value: str, key: str, shown: object) -> None:
    compiled = compile_text(TEXT, settings={f"train.{path}": value})
    assert compiled.diagnostics == [] and compiled.recipe is not None
    assert compiled.recipe.as_data()[key] == shown


def test_several_parts_and_the_key_itself() -> None:
    settings = {"train.optimizer.lr": "0.05", "train.optimizer": "adam", "train.optimizer.beta1": "0.8"}
    compiled = compile_text(TEXT, settings=settings)
    assert compiled.recipe is not None and compiled.recipe.as_data()["optimizer"] == "adam(beta1 = 0.8, lr = 0.05)"


def test_a_part_from_python() -> None:
    found = loads(TEXT, **{"train.optimizer.lr": 0.05, "train.augment[0].pixels": 2}).recipe
    assert found is not None and (found.optimizer.lr, found.augment[0].pixels) == (0.05, 2)


@pytest.mark.parametrize(
    ("name", "code", "message", "help"),
    [
        ("epochs", "E0607", "has no parameter `epochs`", "it is a key of the recipe: `--set train.epochs=3`"),
        ("lr", "E0607", "has no parameter `lr`", "`--set train.optimizer.lr=3`"),
        ("batch_size", "E0607", "has no parameter `batch_size`", "`--set train.batch=3`"),
        ("momentum", "E0607", "has no parameter `momentum`", "`--set 'train.optimizer=sgd(momentum = 3)'`"),
        ("metric", "E0607", "has no parameter `metric`", "`--set train.metrics=3`"),
        ("train.learning_rate", "E0202", "no key `learning_rate`", "`lr` belongs to `optimizer`: `--set train.optimizer.lr=3`"),
        ("train.nesterov", "E0202", "no key `nesterov`", "`--set train.optimizer.nesterov=3`"),
        ("train.amsgrad", "E0202", "no key `amsgrad`", "`--set 'train.optimizer=adam(amsgrad = 3)'`"),
        ("train.class_weights", "E0202", "no key `class_weights`", "`--set train.loss.weights=3`"),
        ("train.mixup", "E0202", "no key `mixup`", "`--set 'train.augment=mixup(3)'`"),
        ("train.patience", "E0202", "no key `patience`", "`--set 'train.early_stop=patience(3)'`"),
        ("train.grad_clip", "E0202", "no key `grad_clip`", "did you mean `clip`?"),
        ("train.monitor", "E0202", "no key `monitor`", "did you mean `best`?"),
        ("train.pretrained", "E0202", "no key `pretrained`", "did you mean `weights`?"),
        ("train.early_stop", "E0401", "expected a stopping rule, found 3 (an int)", "write `patience(3)`"),
        ("clases", "E0607", "has no parameter `clases`", "did you mean `classes`?"),
        ("train.lr", "E0202", "`train` has no key `lr`", "`--set train.optimizer.lr=3`"),
        ("train.optimizer.lrr", "E0202", "`sgd` has no parameter `lrr`", "did you mean `lr`?"),
        ("train.optimiser.lr", "E0202", "`train` has no key `optimiser`", "did you mean `optimizer`?"),
        ("train.epochs.lr", "E0607", "`epochs` is 30, which has no `lr`", "write `--set train.epochs=...`"),
        ("train.augment.pixels", "E0607", "`augment` is a list of 2", "`--set train.augment[0].pixels=3`"),
        ("train.augment[2].pixels", "E0607", "`augment` has 2 items, numbered from 0, and no item 2", "the whole list"),
        ("train.early_stop.epochs", "E0607", "`early_stop` is none, which has no `epochs`", "with one of patience"),
        ("train.schedule[1]", "E0607", "`schedule` is no list", "write `--set train.schedule=...`"),
        ("train.a b", "E0607", "`train.a b` is no path into a recipe", "`train.augment[0].pixels`"),
    ],
)
def test_paths_that_lead_nowhere(name: str, code: str, message: str, help: str) -> None:
    with pytest.raises(SpecError) as caught:
        loads(TEXT, **{name: 3})
    found = caught.value.diagnostics[0]
    assert found.code == code and message in found.message and help in (found.help or "")


@pytest.mark.parametrize(
    ("key", "text", "help"),
    [
        ("loss", "cross_entropy(ignore_index = 255)", "`ignore = 255`"),
        ("data", "imagefolder('tiles')", 'in double quotes: `imagefolder("tiles")`'),
        ("groups", "fc", "write `group(fc, lr = 0.1)`"),
        ("schedule", "none", "write `constant`"),
        ("optimizer", '"Adam"', "write `adam`, without quotes"),
        ("normalize", "[0.5, 0.5]", "`fixed(mean = [0.5], std = [0.25])`"),
        ("loss", "ce", "did you mean `cross_entropy`?"),
        ("data", "cifar100", "did you mean `cifar10`, or a path in quotes"),
    ],
)
def test_values_as_other_libraries_write_them(key: str, text: str, help: str) -> None:
    [found] = compile_text(TEXT, settings={f"train.{key}": text}).diagnostics
    assert help in (found.help or "")
