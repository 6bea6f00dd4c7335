"""Training from start to end, or from a checkpoint to the end."""

from __future__ import annotations

import json
import logging
import os
import platform
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import lightning
import safetensors.torch
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Trainer
from lightning.pytorch.utilities.exceptions import SIGTERMException

from archdsl.declared import Fault
from archdsl.recipe import Recipe
from archdsl.train.checks import check, check_sizes
from archdsl.train.data import Data, load
from archdsl.train.experiment import Experiment, Result, Row
from archdsl.train.files import AtomicCheckpointIO, read_checkpoint, remove, write
from archdsl.train.normalize import PREPARATION
from archdsl.train.record import Interrupted, Progress, Recorder, Signals
from archdsl.train.task import Task

_CHANGEABLE = {"epochs", "early_stop", "workers"}
"""Keys of a recipe that may differ when a run is resumed."""


def fit(experiment: Experiment, folder: Path, *, resume: bool = False, accelerator: str = "auto") -> Result:
    """Trains the experiment's module in place and writes into `folder`; an earlier run there is replaced.

    Raises `Fault`: E0801 recipe, data and network do not fit; E0802 data unreadable; E0803 shapes;
    E0804 loss not finite; E0805 no such device; E0902 a file cannot be written; E0903 a checkpoint cannot be resumed.
    Raises `Interrupted` after Ctrl-C or SIGTERM, with a checkpoint written.
    """
    _require(accelerator)
    recipe, signals = experiment.recipe, Signals()
    data = load(recipe, experiment.root, experiment.inputs, experiment.reading, experiment.opened)
    check_sizes(data, experiment.check_shapes)
    outputs = check(experiment.module, experiment.head_weights, recipe, data, experiment.parameters)
    recorder = Recorder(folder, data, signals)
    before = _resumable(experiment, recorder.last) if resume else _clear(recorder)
    with _quiet(), torch.random.fork_rng(), signals.caught():
        trainer = _trainer(recipe, recorder, accelerator)
        device = trainer.strategy.root_device
        batches = data.training_batches(recipe.batch, recipe.seed, lambda: trainer.global_step, device=device)
        task = Task(experiment.module, experiment.head_weights, recipe, data, outputs, len(batches))
        task.identity = _identity(experiment)
        if task.preparation.large:
            write(folder / PREPARATION, safetensors.torch.save(task.preparation.tensors()))
        write(folder / "environment.json", json.dumps(_environment(experiment, task, trainer), indent=2).encode())
        try:
            trainer.fit(task, batches, ckpt_path=str(recorder.last) if resume else None, weights_only=True)
        except SIGTERMException:  # Lightning heard it between the end of an epoch and the next batch
            raise Interrupted(signal.SIGTERM, f"after epoch {len(recorder.history)}") from None
    write(folder / "weights.safetensors", _weights(experiment))
    return _result(experiment, recorder, task.to(trainer.strategy.root_device), data, before)


def _require(accelerator: str) -> None:
    """Raises `Fault` (E0805) where a device is asked for by its kind and there is none."""
    kind = {"cuda": "CUDA device", "mps": "Apple GPU"}.get(accelerator)
    if kind and not (torch.cuda if accelerator == "cuda" else torch.backends.mps).is_available():
        help = "train without it: `--device cpu`"
        raise Fault("E0805", f"cannot train on `{accelerator}`: no {kind} was found", help=help)


def _trainer(recipe: Recipe, recorder: Recorder, accelerator: str) -> Trainer:
    """Lightning's loop alone: its own logging, checkpoints and bars are off, and `Recorder` is instead."""
    try:
        return Trainer(
            accelerator=accelerator,
            devices=1,
            max_epochs=recipe.epochs,
            precision="bf16-mixed" if recipe.precision == "bf16" else "32-true",
            callbacks=[recorder, Progress(recorder)],
            plugins=[AtomicCheckpointIO()],
            default_root_dir=recorder.folder,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
        )
    except (MisconfigurationException, ValueError) as error:
        help = "train without it: `--device cpu`"
        raise Fault("E0805", f"cannot train on `{accelerator}`: {error}", help=help) from error


def _identity(experiment: Experiment) -> dict[str, Any]:
    """What a checkpoint says about where it is from."""
    return {"network": experiment.name, "input": [list(given.shape) for given in experiment.inputs], "recipe": experiment.recipe.as_data()}


def _resumable(experiment: Experiment, path: Path) -> int:
    """How many epochs the run to resume has done; raises `Fault` (E0903) where the checkpoint is of another network or recipe."""
    checkpoint = read_checkpoint(path)
    before, now = checkpoint.get("archdsl"), _identity(experiment)
    if not isinstance(before, dict) or not isinstance(before.get("recipe"), dict):
        raise Fault("E0903", f"{path} is not from archdsl", help="start without --resume")
    recipe = before["recipe"]
    changed = [key for key, value in now["recipe"].items() if key not in _CHANGEABLE and recipe.get(key) != value]
    if changed:
        key = changed[0]
        message = f"`{key}` was {recipe.get(key)} in the run to resume, and is {now['recipe'][key]}"
        raise Fault("E0903", message, argument=key, help="put it back, or start without --resume")
    done = len(_history(checkpoint))
    if done > experiment.recipe.epochs:
        message = f"the run to resume has done {done} epoch{'s' if done != 1 else ''}, and `epochs` is {experiment.recipe.epochs}"
        raise Fault("E0903", message, argument="epochs", help=f"write at least `epochs = {done}`, or start without --resume")
    shapes = {key: tuple(value.shape) for key, value in experiment.module.state_dict().items()}
    stored = checkpoint["state_dict"].items()
    if shapes != {key.removeprefix("module."): tuple(value.shape) for key, value in stored if key.startswith("module.")}:
        message = f"{path} is of another network: `{before.get('network')}` with other weights"
        raise Fault("E0903", message, help="start without --resume")
    return done


def _history(checkpoint: dict[str, Any]) -> list[Any]:
    """The epochs that are in a checkpoint."""
    return list(checkpoint.get("callbacks", {}).get("Recorder", {}).get("history", []))


def _clear(recorder: Recorder) -> int:
    """Removes what an earlier run left, so that nothing of two runs is mixed: no epoch of it is left."""
    best, folder = recorder.last.with_name("best.ckpt"), recorder.folder
    for path in (recorder.last, best, folder / "metrics.csv", folder / "weights.safetensors", folder / PREPARATION):
        remove(path)
    return 0


def _weights(experiment: Experiment) -> bytes:
    """The state_dict, heads included; copies, since safetensors refuses tensors that share memory.

    One key of metadata, since safetensors writes several in any order, and equal runs shall give equal files.
    """
    tensors = {key: value.detach().cpu().clone().contiguous() for key, value in experiment.module.state_dict().items()}
    return safetensors.torch.save(tensors, {"archdsl": json.dumps(_identity(experiment))})


def _environment(experiment: Experiment, task: Task, trainer: Trainer) -> dict[str, Any]:
    """What someone needs to repeat the run, and to prepare inputs as it did."""
    device = trainer.strategy.root_device
    try:
        own = version("archdsl")
    except PackageNotFoundError:
        own = "not installed"
    versions = {
        "archdsl": own,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "lightning": lightning.__version__,
    }
    return {
        **_identity(experiment),
        "seed": experiment.recipe.seed,
        "weights": experiment.weights,
        "normalization": task.preparation.as_data(),
        "versions": versions,
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        "threads": torch.get_num_threads(),
        "cpus": os.cpu_count(),
    }


def _result(experiment: Experiment, recorder: Recorder, task: Task, data: Data, before: int) -> Result:
    rows = (
        Row("train", len(data.train), *task.evaluate(data.evaluation_batches(data.train))),
        Row("held out", len(data.held_out), *task.evaluate(data.evaluation_batches(data.held_out))),
    )
    task.cpu()
    history, best = recorder.history, recorder.best
    assert best is not None  # a run has at least one epoch
    seconds = sum(row["seconds"] for row in history)
    rate = len(history) * len(data.train) / seconds
    return Result(
        experiment.name, recorder.folder, rows, len(history), len(history) - before, seconds, rate, best["epoch"], best["val_accuracy"]
    )  # fmt: skip


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps Lightning's announcements and tips to itself; its warnings about this run still come."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric", "pytorch_lightning")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*LeafSpec.*")  # Lightning's own use of a deprecated PyTorch class
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
