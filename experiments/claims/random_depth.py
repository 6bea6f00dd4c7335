"""Stochastic depth and shake-shake on few examples."""

from __future__ import annotations

from typing import Any

from experiments.experiment import Experiment, Numbers, average, train

TEXT = """\
block body(width) { conv(width, 3) -> bn -> relu -> conv(width, 3) -> bn }

block residual(width, drop) { skip(drop = drop) { body(width) }; relu }
block even(width, drop)     { skip(drop = drop) { add { body(width); body(width) } -> scale(0.5) }; relu }
block shaken(width, drop)   { skip(drop = drop) { shake { body(width); body(width) } }; relu }

## The probability of dropping a branch grows linearly with depth, up to `drop`.
network stack(unit = residual, drop = 0.0, blocks: int = 3, width: int = 12) {
  input image [1, 8, 8]
  conv(width, 3) -> bn -> relu
  for i in 0..blocks { unit(width, drop * (i + 1) / blocks) }
  gap; flatten; linear(10)
}
network residual_stack   = stack(residual)
network stochastic_stack = stack(residual, drop = 0.5)
network even_stack       = stack(even)
network shaken_stack     = stack(shaken)

train { data = digits(held_out = 1597); epochs = 80; batch = 32; optimizer = sgd(lr = 0.05, momentum = 0.9) }
"""
UNITS = {"residual": "residual", "stochastic": "stochastic depth", "even": "two branches", "shaken": "shake-shake"}
SEEDS = range(3)
PAIRS = (("stochastic", "residual"), ("shaken", "even"))
"""Each random unit, and the unit that it is in evaluation mode."""


def measure() -> Numbers:
    """Return losses and accuracies of each unit by seed."""
    found: dict[str, Any] = {}
    for unit in UNITS:
        runs = [train(TEXT, f"{unit}_stack", train__seed=seed) or {} for seed in SEEDS]
        found[unit] = {name: [run[name] for run in runs] for name in ("train_loss", "loss", "accuracy")}
    return found


def sentence(numbers: Numbers) -> str:
    """Compare each with the network without random depth."""
    text = f"Trained on 200 digits for 80 epochs, on average over {len(SEEDS)} seeds, "
    text += "; ".join(_compared(numbers[one], numbers[other], UNITS[one]) for one, other in PAIRS)
    apart = max(abs(average(numbers[one]["accuracy"]) - average(numbers[other]["accuracy"])) for one, other in PAIRS)
    spread = min(max(one["accuracy"]) - min(one["accuracy"]) for one in numbers.values())
    return text + (". These differences of accuracies are smaller than those between seeds." if apart < spread else ".")


def _compared(random: Numbers, fixed: Numbers, name: str) -> str:
    better = sum(one > other for one, other in zip(random["accuracy"], fixed["accuracy"], strict=True))
    raised = "higher" if average(random["train_loss"]) > average(fixed["train_loss"]) else "not higher"
    return (
        f"{name} reaches a validation accuracy of {average(random['accuracy']):.1%}, and the same network without it "
        f"{average(fixed['accuracy']):.1%}: more with {better} of the seeds, and less or as much with {len(SEEDS) - better}. Its "
        f"training loss is {raised} ({average(random['train_loss']):.2g} against {average(fixed['train_loss']):.2g})"
    )


def draw(axes: list[Any], numbers: Numbers) -> None:
    """Draw the validation accuracies of all seeds, and the mean losses."""
    for row, unit in enumerate(UNITS):
        axes[0].plot(numbers[unit]["accuracy"], [row] * len(SEEDS), "x", color="C0")
        axes[0].plot([average(numbers[unit]["accuracy"])], [row], "o", color="C1")
    axes[0].set_yticks(range(len(UNITS)), list(UNITS.values()))
    axes[0].set(xlabel="validation accuracy: each seed, and the mean", ylim=(-0.5, len(UNITS) - 0.5))
    for place, name in enumerate(("train_loss", "loss")):
        rows = [row + 0.4 * place for row in range(len(UNITS))]
        lengths = [average(numbers[unit][name]) for unit in UNITS]
        axes[1].barh(rows, lengths, 0.4, label="validation" if place else "training")
    axes[1].set_yticks([row + 0.2 for row in range(len(UNITS))], list(UNITS.values()))
    longest = max(average(numbers[unit]["loss"]) for unit in UNITS)
    axes[1].set(xlabel="loss", xscale="log", xlim=(None, 12 * longest))  # room for the legend
    axes[1].legend()


EXPERIMENT = Experiment(
    "Stochastic depth and shake-shake",
    "Dropping residual branches at random, and mixing two of them with random weights, regularize a network (Huang et al. 2016, "
    "arXiv:1603.09382; Gastaldi 2017, arXiv:1705.07485).",
    TEXT, measure, sentence, draw, 2,
)  # fmt: skip
