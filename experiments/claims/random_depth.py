"""Stochastic depth and shake-shake on few examples."""

from __future__ import annotations

from typing import Any

from experiments.experiment import Experiment, Numbers, average, train

TEXT = """\
block body(width) { conv(width, 3) -> bn -> relu -> conv(width, 3) -> bn }

block residual(width)   { skip { body(width) }; relu }
block stochastic(width) { skip(drop = 0.1) { body(width) }; relu }
block shaken(width)     { skip { shake { body(width); body(width) } }; relu }
block summed(width)     { skip { add { body(width); body(width) } }; relu }

network stack(unit = residual, blocks: int = 3, width: int = 12) {
  input image [1, 8, 8]
  conv(width, 3) -> bn -> relu
  repeat blocks { unit(width) }
  gap; flatten; linear(10)
}
network residual_stack   = stack(residual)
network stochastic_stack = stack(stochastic)
network shaken_stack     = stack(shaken)
network summed_stack     = stack(summed)

train { data = digits(held_out = 1597); epochs = 40; batch = 32; optimizer = sgd(lr = 0.05, momentum = 0.9) }
"""
UNITS = {"residual": "residual", "stochastic": "stochastic depth", "summed": "two branches", "shaken": "shake-shake"}
SEEDS = range(2)


def measure() -> Numbers:
    """Return losses and accuracies of each unit, on average over the seeds."""
    found = {}
    for unit in UNITS:
        runs = [train(TEXT, f"{unit}_stack", train__seed=seed) for seed in SEEDS]
        found[unit] = {
            name: average([run[name] for run in runs if run is not None]) for name in ("train_loss", "loss", "accuracy")
        }
    return found


def sentence(numbers: Numbers) -> str:
    """Compare each with the network without random depth."""

    def told(unit: str, other: str) -> str:
        better = numbers[unit]["accuracy"] > numbers[other]["accuracy"]
        return (
            f"{UNITS[unit]} reaches {numbers[unit]['accuracy']:.1%} validation accuracy (training loss "
            f"{numbers[unit]['train_loss']:.2g}), {'more' if better else 'not more'} than the {numbers[other]['accuracy']:.1%} "
            f"(training loss {numbers[other]['train_loss']:.2g}) of the same network without it"
        )

    text = f"Trained on 200 digits for 40 epochs, {told('stochastic', 'residual')}; {told('shaken', 'summed')}."
    raised = [
        numbers[one]["train_loss"] > numbers[other]["train_loss"]
        for one, other in (("stochastic", "residual"), ("shaken", "summed"))
    ]
    verdict = "Both raise" if all(raised) else "One of them raises" if any(raised) else "Neither raises"
    text += f" {verdict} the training loss."
    return text + (f" These are means of {len(SEEDS)} seeds." if len(SEEDS) > 1 else " This is one seed.")


def draw(axes: list[Any], numbers: Numbers) -> None:
    """Draw the validation accuracies, and the losses."""
    names = [UNITS[unit] for unit in UNITS]
    axes[0].barh(names, [numbers[unit]["accuracy"] for unit in UNITS])
    axes[0].set(xlabel="validation accuracy", xlim=(0, 1))
    for place, name in enumerate(("train_loss", "loss")):
        rows = [row + 0.4 * place for row in range(len(names))]
        axes[1].barh(rows, [numbers[unit][name] for unit in UNITS], 0.4, label="validation" if place else "training")
    axes[1].set_yticks([row + 0.2 for row in range(len(names))], names)
    longest = max(numbers[unit][name] for unit in UNITS for name in ("train_loss", "loss"))
    axes[1].set(xlabel="loss", xlim=(0, 1.5 * longest))  # room for the legend
    axes[1].legend()


EXPERIMENT = Experiment(
    "Stochastic depth and shake-shake",
    "Dropping residual branches at random, and mixing two of them with random weights, regularize a network (Huang et al. 2016, "
    "arXiv:1603.09382; Gastaldi 2017, arXiv:1705.07485).",
    TEXT, measure, sentence, draw, 2,
)  # fmt: skip
