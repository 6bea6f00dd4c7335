"""Train for a number of steps without a run folder, to measure a network on the way."""

from __future__ import annotations

from collections.abc import Callable
from tempfile import TemporaryDirectory

import torch
from lightning.pytorch import Trainer

from archdsl.diagnostics import Diagnostic
from archdsl.train.checks import check, check_device, check_sizes
from archdsl.train.data import Data, load
from archdsl.train.experiment import Experiment
from archdsl.train.fit import PRECISIONS, quiet
from archdsl.train.run_warnings import run_warnings
from archdsl.train.task import Task


def opened_data(experiment: Experiment) -> tuple[Data, int]:
    """Return the data of an experiment, and the number of outputs of its module. Raise `SpecError` as `fit` does."""
    data = load(experiment.recipe, experiment.root, experiment.inputs, experiment.reading, experiment.opened)
    check_sizes(data, experiment.check_shapes)
    return data, check(experiment.module, experiment.head_weights, experiment.recipe, data, experiment.parameters)


def take_steps(
    experiment: Experiment, data: Data, outputs: int, steps: int, warn: Callable[[Diagnostic], None] = lambda found: None
) -> None:
    """Train the module of an experiment in place for a number of optimizer steps, on the CPU.

    The schedule is that of the recipe, which is given more epochs if it has fewer steps. Raise `SpecError` E0804 if the loss
    becomes infinite or NaN, and E0805 if the CPU does not support a setting of the recipe.
    """
    check_device(experiment.recipe, "cpu")
    recipe = experiment.recipe
    batches = data.training_batches(recipe.batch, recipe.seed, lambda: task.batches(trainer.global_step))
    updates = -(-len(batches) // recipe.accumulate)
    recipe = recipe.replace(epochs=max(recipe.epochs, -(-steps // updates)))
    with quiet(), torch.random.fork_rng(), TemporaryDirectory() as folder:
        task = Task(experiment.module, experiment.head_weights, recipe, data, outputs, len(batches))
        for notice in run_warnings(recipe, data, task.updates):
            warn(notice)
        trainer = Trainer(
            accelerator="cpu", devices=1, max_steps=steps, max_epochs=-1, precision=PRECISIONS[recipe.precision],
            accumulate_grad_batches=recipe.accumulate, default_root_dir=folder, logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, use_distributed_sampler=False,
        )  # fmt: skip
        trainer.fit(task, batches)
        task.check_finite()
        task.finish()
