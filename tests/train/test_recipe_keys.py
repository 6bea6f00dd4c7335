"""Every key of a recipe that changes a step, against a loop written out here: the final weights agree to 5e-7."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from archdsl.diagnostics import SpecError
from archdsl.recipe import Augmentation, Clipping, LabelSelection, Loss, Optimizer, ParameterGroup, Recipe, Schedule, UnfreezeRule
from archdsl.registry import Registered
from archdsl.train import Experiment, Hardware, Input, Result, fit
from archdsl.train.data import Data, load

TOLERANCE = 5e-7
INPUT = (Input("x", (2, 4, 4)),)

CPU = Hardware("cpu")


def call(family: type[Registered], name: str, **arguments: Any) -> Any:
    entry = family.registry.get(name)
    assert entry is not None
    return entry.create(arguments)


class Net(nn.Module):
    """Two parts with running statistics, and a linear layer. No gradient is zero but for rounding, which Adam would amplify."""

    def __init__(self, outputs: int = 3) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.stem = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU())
        self.body = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU())
        self.fc = nn.Linear(4, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.body(self.stem(x)).mean((2, 3)))  # type: ignore[no-any-return]


class Mask(nn.Module):
    def __init__(self, outputs: int = 3) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.conv = nn.Conv2d(2, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)  # type: ignore[no-any-return]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """60 examples with labels of every kind; 48 of them are trained on, in 3 batches of 16."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2, 4, 4)).astype(np.float32)
    y = np.arange(60) % 3
    y[50:] = 0
    x[:, 0] += y[:, None, None]
    labels = {
        "class": y, "two": y % 2, "several": (rng.random((60, 3)) < 0.4).astype(np.float32),
        "value": (x.mean((1, 2, 3)) * 900 + 5000).astype(np.float32), "mask": (x.argmax(1) + (x.sum(1) > 2)).astype(np.int64),
    }  # fmt: skip
    for name, given in labels.items():
        np.savez(tmp_path / f"{name}.npz", x=x, y=given)
    return tmp_path


def trained(folder: Path, module: nn.Module, labels: str = "class", **keys: Any) -> tuple[Result, dict[str, Tensor]]:
    recipe = Recipe.create({"data": f"{labels}.npz", "epochs": 2, "batch": 16, "schedule": call(Schedule, "constant"), **keys})
    result = fit(Experiment("net", module, recipe, INPUT, root=folder), folder / "run", hardware=CPU)
    return result, load_file(folder / "run" / "weights.safetensors")


def training_set(folder: Path, labels: str) -> tuple[Data, Tensor, Tensor]:
    """The data, and all training images and labels."""
    data = load(Recipe.create({"data": f"{labels}.npz"}), folder, INPUT)
    batches = list(data.evaluation_batches(data.train))
    return data, torch.cat([batch.inputs[0] for batch in batches]), torch.cat([batch.labels for batch in batches])


def written_out(
    folder: Path,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    labels: str = "class",
    *,
    epochs: int = 2,
    loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    before: Callable[[int, int], None] = lambda epoch, step: None,
    gradients: Callable[[], Any] = lambda: None,
    after: Callable[[], None] = lambda: None,
    window: int = 1,
) -> dict[str, Tensor]:
    """The loop; the order of the examples is the run's."""
    data, images, _ = training_set(folder, labels)
    deviation, mean = torch.std_mean(images, (0, 2, 3), keepdim=True)
    position, step = 0, 0
    batches = data.training_batches(16, 0, lambda: position)
    for epoch in range(1, epochs + 1):
        position = (epoch - 1) * 3
        order = list(batches)
        for start in range(0, len(order), window):
            before(epoch, step)
            optimizer.zero_grad()
            part = order[start : start + window]
            for batch in part:
                (loss(module((batch.inputs[0] - mean) / deviation), batch.labels) / len(part)).backward()
            gradients()
            optimizer.step()
            after()
            step += 1
    return module.state_dict()


def equal(weights: dict[str, Tensor], others: dict[str, Tensor]) -> None:
    assert weights.keys() == others.keys()
    for key, value in weights.items():
        torch.testing.assert_close(value, others[key], rtol=2e-6, atol=TOLERANCE, msg=lambda said, key=key: f"{key}: {said}")


OPTIMIZERS: dict[str, tuple[dict[str, Any], type[torch.optim.Optimizer], dict[str, Any]]] = {
    "sgd": ({"lr": 0.05, "momentum": 0.9, "dampening": 0.1}, torch.optim.SGD, {"lr": 0.05, "momentum": 0.9, "dampening": 0.1}),
    "adam": ({"amsgrad": True}, torch.optim.Adam, {"amsgrad": True}),
    "adamw": ({"beta1": 0.8}, torch.optim.AdamW, {"betas": (0.8, 0.999)}),
    "rmsprop": ({"lr": 1e-3, "centered": True}, torch.optim.RMSprop, {"lr": 1e-3, "centered": True}),
    "nadam": (
        {"weight_decay": 0.1, "decoupled_weight_decay": True},
        torch.optim.NAdam,
        {"weight_decay": 0.1, "decoupled_weight_decay": True},
    ),
    "radam": ({"beta2": 0.9}, torch.optim.RAdam, {"betas": (0.9, 0.9)}),
    "adamax": ({}, torch.optim.Adamax, {}),
    "adagrad": ({"lr_decay": 0.1}, torch.optim.Adagrad, {"lr_decay": 0.1}),
    "adadelta": ({"rho": 0.8}, torch.optim.Adadelta, {"rho": 0.8}),
    "adafactor": ({"d": 2.0}, torch.optim.Adafactor, {"d": 2.0}),
    "asgd": ({"t0": 2.0}, torch.optim.ASGD, {"t0": 2.0}),
    "rprop": ({"eta2": 1.1}, torch.optim.Rprop, {"etas": (0.5, 1.1)}),
}


def test_every_optimizer_of_pytorch_is_here_or_refused_with_a_reason() -> None:
    from archdsl.recipe.optimizers import REFUSED

    known = {name.lower() for name, value in vars(torch.optim).items() if isinstance(value, type)} - {"optimizer"}
    assert known == set(Optimizer.registry.names()) | set(REFUSED) == set(OPTIMIZERS) | set(REFUSED)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer(folder: Path, name: str) -> None:
    given, target, arguments = OPTIMIZERS[name]
    _, weights = trained(folder, Net(), optimizer=call(Optimizer, name, **given))
    module = Net()
    equal(weights, written_out(folder, module, target(module.parameters(), **arguments)))


def sgd(**arguments: Any) -> Any:
    return call(Optimizer, "sgd", **{"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, **arguments})


def plain(module: nn.Module, parameters: Any = None) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters or module.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)


def test_schedule_sets_the_rate_at_the_middle_of_each_step(folder: Path) -> None:
    _, weights = trained(folder, Net(), optimizer=sgd(), schedule=call(Schedule, "poly", warmup_steps=2))
    module = Net()
    optimizer = plain(module)

    def before(epoch: int, step: int) -> None:
        share = max(0.0, (step + 0.5 - 2) / 4)
        optimizer.param_groups[0]["lr"] = 0.1 * min(1.0, (step + 0.5) / 2) * (1 - share) ** 0.9

    equal(weights, written_out(folder, module, optimizer, before=before))


def test_plateau_cuts_the_rate_after_the_validation_metric_stood_still(folder: Path) -> None:
    schedule = call(Schedule, "plateau", epochs=1, multiplier=0.1, least=100.0)  # nothing after the first epoch is an improvement
    _, weights = trained(folder, Net(), optimizer=sgd(), schedule=schedule, epochs=3)
    module = Net()
    optimizer = plain(module)

    def before(epoch: int, step: int) -> None:
        optimizer.param_groups[0]["lr"] = 0.1 * 0.1 ** max(0, epoch - 2)

    equal(weights, written_out(folder, module, optimizer, epochs=3, before=before))
    rates = [float(line.split(",")[1]) for line in (folder / "run" / "metrics.csv").read_text().splitlines()[1:]]
    assert rates == pytest.approx([0.1, 0.1, 0.01])


def test_plateau_goes_on_as_it_was(folder: Path) -> None:
    schedule = call(Schedule, "plateau", epochs=1, multiplier=0.5, least=100.0)
    _, whole = trained(folder, Net(), optimizer=sgd(), schedule=schedule, epochs=4)
    keys = {"data": "class.npz", "batch": 16, "schedule": schedule, "optimizer": sgd()}
    for epochs in (3, 4):
        recipe = Recipe.create({**keys, "epochs": epochs})
        fit(Experiment("net", Net(), recipe, INPUT, root=folder), folder / "parts", resume=epochs == 4, hardware=CPU)
    parts = load_file(folder / "parts" / "weights.safetensors")
    assert all(torch.equal(whole[key], parts[key]) for key in whole)


def test_freeze(folder: Path) -> None:
    """Frozen parts keep weights and statistics, through evaluations too."""
    _, weights = trained(folder, Net(), optimizer=sgd(), freeze=["stem"])
    module = Net()
    module.stem.eval()
    equal(weights, written_out(folder, module, plain(module, [*module.body.parameters(), *module.fc.parameters()])))
    assert torch.equal(weights["stem.1.running_mean"], torch.zeros(4)) and int(weights["stem.1.num_batches_tracked"]) == 0
    _, others = trained(folder, Net(), optimizer=sgd(), freeze=call(LabelSelection, "all_but", labels=("body", "fc")))
    assert all(torch.equal(weights[key], others[key]) for key in weights)


def test_a_part_that_was_frozen_by_hand_stays_frozen(folder: Path) -> None:
    module = Net()
    module.stem.eval().requires_grad_(False)
    before = copy.deepcopy(module.stem.state_dict())
    trained(folder, module, optimizer=sgd(), epochs=3)
    assert all(torch.equal(value, before[key]) for key, value in module.stem.state_dict().items())
    assert not module.stem.training and not module.stem[1].training and module.body.training


def test_unfreeze(folder: Path) -> None:
    keys = {"freeze": ["stem", "body"], "unfreeze": [call(UnfreezeRule, "at", epoch=2, labels="body")], "epochs": 3}
    _, weights = trained(folder, Net(), optimizer=sgd(), **keys)
    module = Net()
    module.stem.eval().requires_grad_(False)

    def before(epoch: int, step: int) -> None:
        module.body.train(epoch >= 2).requires_grad_(epoch >= 2)

    equal(weights, written_out(folder, module, plain(module), epochs=3, before=before))


def test_groups_and_decay(folder: Path) -> None:
    groups = [
        call(ParameterGroup, "group", labels="fc", lr=2.0),
        call(ParameterGroup, "group", labels=("stem", "body"), lr=0.1, weight_decay=0.0),
        call(ParameterGroup, "group", labels="body.0", lr=0.5),
    ]
    _, weights = trained(folder, Net(), optimizer=sgd(), groups=groups, decay="weights")
    module = Net()
    ways = [
        {"params": [*module.stem.parameters(), *module.body[1].parameters()], "lr": 0.01, "weight_decay": 0.0},
        {"params": [module.body[0].weight], "lr": 0.05},
        {"params": [module.fc.weight], "lr": 0.2}, {"params": [module.fc.bias], "lr": 0.2, "weight_decay": 0.0},
    ]  # fmt: skip
    equal(weights, written_out(folder, module, plain(module, ways)))


def test_average_of_the_weights(folder: Path) -> None:
    mine = Net()
    result, weights = trained(folder, mine, optimizer=sgd(), ema=0.8)
    assert all(torch.equal(value, weights[key]) for key, value in mine.state_dict().items())
    module = Net()
    average: dict[str, Tensor] = {}

    def after() -> None:
        for key, value in module.state_dict().items():
            old = average.get(key, value.clone())
            average[key] = 0.8 * old + 0.2 * value if value.is_floating_point() else value.clone()

    written_out(folder, module, plain(module), after=after)
    equal(weights, average)
    assert result.rows[1].accuracy is not None


def test_gradients_accumulate(folder: Path) -> None:
    """Three batches an epoch in windows of two: the last step of an epoch has one."""
    _, weights = trained(folder, Net(), optimizer=sgd(), accumulate=2)
    module = Net()
    equal(weights, written_out(folder, module, plain(module), window=2))


@pytest.mark.parametrize(
    ("clip", "function", "limit"),
    [(0.1, nn.utils.clip_grad_norm_, 0.1), (call(Clipping, "norm", limit=0.1), nn.utils.clip_grad_norm_, 0.1),
     (call(Clipping, "value", limit=0.01), nn.utils.clip_grad_value_, 0.01)],
)  # fmt: skip
def test_clipping(folder: Path, clip: Any, function: Callable[..., Any], limit: float) -> None:
    _, weights = trained(folder, Net(), optimizer=sgd(), clip=clip)
    module = Net()
    equal(weights, written_out(folder, module, plain(module), gradients=lambda: function(module.parameters(), limit)))


def dice(output: Tensor, labels: Tensor) -> Tensor:
    share, target = output.softmax(1), F.one_hot(labels, 3).movedim(-1, 1)
    each = [1 - (2 * (share[:, c] * target[:, c]).sum() + 1) / (share[:, c].sum() + target[:, c].sum() + 1) for c in range(3)]
    return sum(each) / 3  # type: ignore[return-value]


def focal(output: Tensor, labels: Tensor) -> Tensor:
    share = output.softmax(1).gather(1, labels[:, None])[:, 0]
    return (-((1 - share) ** 2) * share.log()).mean()


def smooth_bce(output: Tensor, labels: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(output, labels * 0.8 + 0.1)


@pytest.mark.parametrize(
    ("labels", "outputs", "loss", "function"),
    [
        ("class", 3, call(Loss, "cross_entropy", label_smoothing=0.1, weights=(1.0, 2.0, 3.0)),
         lambda o, y: F.cross_entropy(o, y, torch.tensor([1.0, 2.0, 3.0]), label_smoothing=0.1)),
        ("class", 3, call(Loss, "focal"), focal),
        ("class", 3, call(Loss, "dice"), dice),
        ("class", 3, call(Loss, "focal", gamma=0.0, weights=(1.0, 2.0, 3.0)), lambda o,
         y: F.cross_entropy(o, y, torch.tensor([1.0, 2.0, 3.0]))),
        ("class", 3, call(Loss, "focal", gamma=0.0, label_smoothing=0.2), lambda o,
         y: F.cross_entropy(o, y, label_smoothing=0.2)),
        ("several", 3, call(Loss, "bce", label_smoothing=0.2), smooth_bce),
        ("several", 3, call(Loss, "bce", weights=(1.0, 2.0, 3.0)),
         lambda o, y: F.binary_cross_entropy_with_logits(o, y, pos_weight=torch.tensor([1.0, 2.0, 3.0]))),
        ("several", 3, call(Loss, "focal", gamma=0.0), F.binary_cross_entropy_with_logits),
        ("two", 1, call(Loss, "bce"), lambda o, y: F.binary_cross_entropy_with_logits(o[:, 0], y.float())),
    ],
)  # fmt: skip
def test_losses(folder: Path, labels: str, outputs: int, loss: Any, function: Callable[..., Tensor]) -> None:
    result, weights = trained(folder, Net(outputs), labels, optimizer=sgd(), loss=loss)
    module = Net(outputs)
    equal(weights, written_out(folder, module, plain(module), labels, loss=function))
    assert result.rows[1].accuracy is not None


def test_balanced_class_weights(folder: Path) -> None:
    _, weights = trained(folder, Net(), optimizer=sgd(), loss=call(Loss, "cross_entropy", weights="balanced"))
    counts = training_set(folder, "class")[2].bincount()
    assert len(set(counts.tolist())) > 1
    factors = counts.sum() / (3 * counts)
    module = Net()
    equal(weights, written_out(folder, module, plain(module), loss=lambda o, y: F.cross_entropy(o, y, factors)))


def test_balanced_weights_of_several_classes(folder: Path) -> None:
    _, weights = trained(folder, Net(), "several", optimizer=sgd(), loss=call(Loss, "bce", weights="balanced"))
    positive = training_set(folder, "several")[2].sum(0)
    module = Net()
    loss = lambda o, y: F.binary_cross_entropy_with_logits(o, y, pos_weight=(48 - positive) / positive)  # noqa: E731
    equal(weights, written_out(folder, module, plain(module), "several", loss=loss))


def test_masks(folder: Path) -> None:
    _, weights = trained(folder, Mask(), "mask", optimizer=sgd(), loss=call(Loss, "dice"))
    module = Mask()
    equal(weights, written_out(folder, module, plain(module), "mask", loss=dice))


def test_values_in_the_thousands_are_scaled(folder: Path) -> None:
    _, weights = trained(folder, Net(1), "value", optimizer=sgd(), loss=call(Loss, "mse", scale="auto"), epochs=8)
    values = training_set(folder, "value")[2]
    mean, deviation = values.double().mean().float(), values.double().std(correction=0).float()
    module = Net(1)
    loss = lambda o, y: F.mse_loss(o[:, 0], (y - mean) / deviation)  # noqa: E731
    others = written_out(folder, module, plain(module), "value", loss=loss, epochs=8)
    equal(weights, others)
    errors = [line.split(",") for line in (folder / "run" / "metrics.csv").read_text().splitlines()]
    mae = dict(zip(errors[0], errors[-1], strict=True))["val_mae"]
    assert 10 < float(mae) < 900  # in the units of the labels


def test_a_label_that_is_not_there(folder: Path) -> None:
    for key, value in (
        ("freeze", "stam"),
        ("groups", call(ParameterGroup, "group", labels="stam")),
        ("unfreeze", call(UnfreezeRule, "at", epoch=1, labels="stam")),
    ):
        with pytest.raises(SpecError, match=f"`{key}` names `stam`, and the network has no such label") as caught:
            trained(folder, Net(), **{"freeze": ["stem"], key: value})
        assert (caught.value.diagnostic.code, caught.value.diagnostic.argument, caught.value.diagnostic.help) == (
            "E0807",
            key,
            "did you mean `stem`?",
        )
    with pytest.raises(SpecError, match="`freeze` leaves nothing to train"):
        trained(folder, Net(), freeze=["stem", "body", "fc"])


@pytest.mark.parametrize(("name", "arguments", "message", "help"), [
    ("shift", {"pixels": 20}, "`shift` moves images by up to 20 pixels, and the images have 4 x 4",
     "write a smaller number, such as `shift(1)`"),
    ("shift", {"pixels": 4}, "by up to 4 pixels", "write a smaller number, such as `shift(1)`"),
])  # fmt: skip
def test_augmentations_that_leave_nothing_of_an_image(
    folder: Path, name: str, arguments: dict[str, Any], message: str, help: str
) -> None:
    with pytest.raises(SpecError) as caught:
        trained(folder, Net(), augment=[call(Augmentation, name, **arguments)])
    assert (caught.value.diagnostic.code, caught.value.diagnostic.argument, caught.value.diagnostic.help) == (
        "E0801",
        "augment",
        help,
    )
    assert message in caught.value.diagnostic.message


def warnings_of(folder: Path, module: nn.Module, labels: str = "class", **keys: Any) -> list[str]:
    recipe = Recipe.create({"data": f"{labels}.npz", "epochs": 2, "batch": 16, **keys})
    found: list[str] = []
    experiment = Experiment("net", module, recipe, INPUT, root=folder)
    fit(experiment, folder / "run", hardware=CPU, warn=lambda notice: found.append(f"{notice.code} {notice.message}"))
    return found


def test_labels_in_the_thousands_are_spoken_of(folder: Path) -> None:
    for loss, said in (
        (call(Loss, "mse"), True),
        (call(Loss, "mse", scale="none"), False),
        (call(Loss, "mae", scale="auto"), False),
    ):
        found = warnings_of(folder, Net(1), "value", loss=loss, epochs=1)
        assert any("W0110 the labels are numbers of about 5," in warning for warning in found) is said


def test_a_warmup_of_more_steps_than_the_run(folder: Path) -> None:
    found = warnings_of(folder, Net(), schedule=call(Schedule, "cosine", warmup_steps=12))
    assert found == ["W0109 the warm-up takes 12 steps, and the run has 6: the learning rate reaches 0.0005 of 0.001"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is such a device")
def test_fp16_needs_a_gpu(folder: Path) -> None:
    with pytest.raises(SpecError, match="`precision = fp16` needs a CUDA device") as caught:
        trained(folder, Net(), precision="fp16")
    assert (caught.value.diagnostic.code, caught.value.diagnostic.argument) == ("E0805", "precision")


def test_no_compiler(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor import cpp_builder, exc

    def missing() -> str:
        raise exc.InvalidCxxCompiler

    monkeypatch.setattr(cpp_builder, "get_cpp_compiler", missing)
    with pytest.raises(SpecError, match=r"needs a C\+\+ compiler, and none was found"):
        trained(folder, Net(), compile=True)


def test_bf16_and_channels_last(folder: Path) -> None:
    _, usual = trained(folder, Net(), optimizer=sgd())
    _, last = trained(folder, Net(), optimizer=sgd(), channels_last=True)
    equal(last, usual)
    _, half = trained(folder, Net(), optimizer=sgd(), precision="bf16")
    assert 1e-5 < max(float((half[key] - usual[key]).abs().max()) for key in usual if key.endswith("weight")) < 0.05


def test_soft_targets_of_a_file(folder: Path) -> None:
    rng = np.random.default_rng(0)
    with np.load(folder / "class.npz") as file:
        shares = rng.dirichlet([1, 1, 1], 60).astype(np.float32)
        np.savez(folder / "soft.npz", x=file["x"], y=shares)
    for loss in ("cross_entropy", "focal"):
        result, weights = trained(
            folder, Net(), "soft", optimizer=sgd(), loss=call(Loss, loss, **({"gamma": 0.0} if loss == "focal" else {}))
        )
        module = Net()
        equal(weights, written_out(folder, module, plain(module), "soft"))
        assert result.rows[1].accuracy is not None


def test_compiled_in_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By PyTorch's back end that changes nothing, which needs no compiler and takes little time."""
    real = nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda self: real(self, backend="eager"))
    module = Net()
    _, weights = trained(folder, module, optimizer=sgd(), compile=True)
    _, usual = trained(folder, Net(), optimizer=sgd())
    equal(weights, usual)
