"""Train a module, from the start or from a checkpoint."""

from __future__ import annotations

import json
import logging
import os
import platform
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import lightning
import safetensors.torch
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.strategies import DDPStrategy, Strategy
from lightning.pytorch.utilities.exceptions import SIGTERMException

from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.recipe import Recipe
from archdsl.runs.kept import kept_files
from archdsl.runs.ranks import rank
from archdsl.train.checkpoint_check import check_fits, check_parts
from archdsl.train.checkpoint_files import AtomicCheckpointIO, read_checkpoint, remove, write
from archdsl.train.checks import check, check_device, check_sizes, require_device
from archdsl.train.data import load
from archdsl.train.distributed import Place, check_shares, place, watched
from archdsl.train.experiment import Experiment, Result, Row
from archdsl.train.loggers import logger_of
from archdsl.train.normalize import PREPARATION
from archdsl.train.progress import Progress
from archdsl.train.recorder import Recorder, StopWhen
from archdsl.train.results import results
from archdsl.train.run_warnings import run_warnings
from archdsl.train.signals import Interrupted, Signals
from archdsl.train.sync_bn import GlobalBatchNorm
from archdsl.train.task import Task

PRECISIONS: Final[dict[str, Any]] = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}
"""Lightning's names for the values of `precision`."""
RESULTS: Final = "results.json"
_CHANGEABLE = {"epochs", "early_stop", "log", "checkpoint_every", "workers"}
"""Keys of a recipe that may change when a run is resumed."""


@dataclass(frozen=True)
class Hardware:
    """The devices to train on. Lightning starts the processes, or detects torchrun and SLURM."""

    accelerator: str = "auto"
    devices: int = 1
    """The number of devices per machine."""
    nodes: int = 1


def fit(
    experiment: Experiment,
    folder: Path,
    *,
    resume: bool = False,
    hardware: Hardware | None = None,
    callbacks: Sequence[Callback] = (),
    warn: Callable[[Diagnostic], None] = lambda found: None,
    report: Callable[[Diagnostic], None] = lambda found: None,
    stop_when: StopWhen | None = None,
) -> Result:
    """Train the module of an experiment in place, and write into `folder`; an earlier run there is overwritten.

    `warn` receives warnings, and `report` is called if another process of the run dies, before this one ends. `stop_when` ends
    the run after an epoch, as early stopping does.

    Raise `SpecError`: E0801 recipe, data and network do not fit; E0802 data unreadable; E0803 shapes; E0804 loss not finite;
    E0805 no such device; E0808 another process died; E0902 a file cannot be written; E0903 a checkpoint cannot be resumed. Raise
    `Interrupted` after Ctrl-C or SIGTERM, with a checkpoint written.
    """
    hardware = hardware or Hardware()
    require_device(hardware.accelerator)
    check_device(experiment.recipe, hardware.accelerator)
    recipe, signals = experiment.recipe, Signals()
    data = load(recipe, experiment.root, experiment.inputs, experiment.reading, experiment.opened)
    check_sizes(data, experiment.check_shapes)
    outputs = check(experiment.module, experiment.head_weights, recipe, data, experiment.parameters)
    recorder = Recorder(folder, data, signals, lambda task: _weights(experiment, task), experiment.diagram, warn, stop_when)
    checkpoint = _resumable(experiment, recorder.last) if resume else None
    if checkpoint is None:
        _clear(recorder)
    before = len(checkpoint["callbacks"]["Recorder"]["history"]) if checkpoint is not None else 0
    with quiet(), torch.random.fork_rng(), signals.caught():
        trainer = _trainer(recipe, recorder, hardware, callbacks)
        check_shares(recipe, len(data.train), trainer.world_size)
        batches = data.training_batches(recipe.batch, recipe.seed, lambda: task.batches(trainer.global_step), **place(trainer))
        task = Task(experiment.module, experiment.head_weights, recipe, data, outputs, len(batches))
        task.identity = _identity(experiment)
        if checkpoint is not None:
            check_fits(recorder.last, checkpoint, trainer, task)
            del checkpoint
        if trainer.is_global_zero:
            if task.preparation.large:
                write(folder / PREPARATION, safetensors.torch.save(task.preparation.tensors()))
            write(folder / "environment.json", json.dumps(_environment(experiment, task, trainer), indent=2).encode())
            for notice in run_warnings(recipe, data, task.updates):
                warn(notice)
        try:
            with watched(trainer, report):
                trainer.fit(task, batches, ckpt_path=str(recorder.last) if resume else None, weights_only=True)
        except SIGTERMException:  # Lightning received the signal between the end of an epoch and the next batch
            raise Interrupted(signal.SIGTERM, f"after epoch {len(recorder.history)}") from None
    task.finish()
    if trainer.is_global_zero:
        write(folder / "weights.safetensors", _weights(experiment, task))
    result = _result(experiment, recorder, task.to(trainer.strategy.root_device), place(trainer), before)
    if trainer.is_global_zero:
        write(folder / RESULTS, results(result, data.labels.names))
    return result


def _trainer(recipe: Recipe, recorder: Recorder, hardware: Hardware, callbacks: Sequence[Callback]) -> Trainer:
    """Return a trainer without Lightning's logging, checkpoints and progress bars, which `Recorder` and `Progress` replace."""
    several = hardware.devices * hardware.nodes > 1
    on_cpu = hardware.accelerator == "cpu" or not torch.cuda.is_available()
    synchronize = [GlobalBatchNorm()] if recipe.sync_bn and several and on_cpu else []
    try:
        return Trainer(
            accelerator=hardware.accelerator,
            devices=hardware.devices,
            num_nodes=hardware.nodes,
            strategy=_strategy(hardware),
            sync_batchnorm=recipe.sync_bn and several and not synchronize,
            max_epochs=recipe.epochs,
            precision=PRECISIONS[recipe.precision],
            accumulate_grad_batches=recipe.accumulate,
            callbacks=[*callbacks, recorder, Progress(recorder)],
            plugins=[AtomicCheckpointIO(), *synchronize],
            default_root_dir=recorder.folder,
            logger=[logger_of(name, recorder.folder) for name in recipe.log],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
        )
    except (MisconfigurationException, ValueError, RuntimeError) as error:
        raise SpecError(codes.training.RefusedDevice(hardware.accelerator, str(error))) from error


def _strategy(hardware: Hardware) -> str | Strategy:
    """Return Lightning's strategy. DDP must detect unused parameters, such as frozen ones and heads without a loss."""
    return "auto" if hardware.devices * hardware.nodes == 1 else DDPStrategy(find_unused_parameters=True)


def _identity(experiment: Experiment) -> dict[str, Any]:
    """Return the description of the run for its checkpoints."""
    return {
        "network": experiment.name,
        "input": [list(given.shape) for given in experiment.inputs],
        "recipe": experiment.recipe.as_data(),
    }


def _resumable(experiment: Experiment, path: Path) -> dict[str, Any]:
    """Return the checkpoint to resume from. Raise `SpecError` E0903 if it belongs to another network or recipe."""
    checkpoint = read_checkpoint(path)
    check_parts(path, checkpoint)
    before, now = checkpoint["archdsl"], _identity(experiment)
    recipe = before["recipe"]
    changed = [key for key, value in now["recipe"].items() if key not in _CHANGEABLE and repr(recipe.get(key)) != repr(value)]
    if changed:
        key = changed[0]
        raise SpecError(codes.outputs.RecipeChanged(key, str(recipe.get(key)), str(now["recipe"][key])))
    done = len(checkpoint["callbacks"]["Recorder"]["history"])
    if done > experiment.recipe.epochs:
        raise SpecError(codes.outputs.FewerEpochs(done, experiment.recipe.epochs))
    shapes = {key: tuple(value.shape) for key, value in experiment.module.state_dict().items()}
    stored = checkpoint["state_dict"].items()
    if shapes != {key.removeprefix("module."): tuple(value.shape) for key, value in stored if key.startswith("module.")}:
        raise SpecError(codes.outputs.OtherWeights(str(path), str(before.get("network"))))
    return checkpoint


def _clear(recorder: Recorder) -> None:
    """Remove the files of an earlier run."""
    best, folder = recorder.last.with_name("best.ckpt"), recorder.folder
    if rank() == 0:
        for path in (
            recorder.last,
            best,
            *(path for _, path in kept_files(folder)),
            *(folder / name for name in ("metrics.csv", "weights.safetensors", "best.safetensors", RESULTS, PREPARATION)),
        ):
            remove(path)


def _weights(experiment: Experiment, task: Task) -> bytes:
    """Serialize a copy of the `state_dict`, including heads; safetensors rejects tensors that share memory.

    The metadata has a single key: safetensors writes several keys in any order, and equal runs must give equal files.
    """
    return safetensors.torch.save(task.weights(), {"archdsl": json.dumps(_identity(experiment))})


def _environment(experiment: Experiment, task: Task, trainer: Trainer) -> dict[str, Any]:
    """Return the data for environment.json: how to repeat the run, and how to prepare inputs."""
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
        "label_scale": task.criterion.as_data(),
        "task": task.as_data(),
        "versions": versions,
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        "threads": torch.get_num_threads(),
        "cpus": os.cpu_count(),
    }


def _result(experiment: Experiment, recorder: Recorder, task: Task, where: Place, before: int) -> Result:
    data = recorder.data
    splits = {"training": data.train, "validation": data.held_out, **({} if data.test is None else {"test": data.test})}
    rows = tuple(
        Row(name, len(split), *task.measure(data.evaluation_batches(split, **where), details=True))
        for name, split in splits.items()
    )
    task.cpu()
    history, best = recorder.history, recorder.best
    assert best is not None  # because a run has at least one epoch
    seconds = sum(row["seconds"] for row in history)
    return Result(
        name=experiment.name,
        folder=recorder.folder,
        rows=rows,
        epochs=len(history),
        new_epochs=len(history) - before,
        seconds=seconds,
        images_per_second=len(history) * len(data.train) / seconds,
        best_epoch=best["epoch"],
        best_metric=recorder.metric,
        best_value=best[f"val_{recorder.metric}"],
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress Lightning's announcements and tips, but not its warnings about this run."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric", "pytorch_lightning")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", ".*find_unused_parameters=True was specified.*"
            )  # it is cheap, and may be needed in a later step
            warnings.filterwarnings("ignore", ".*smaller than the logging interval.*")  # about steps; here, epochs are logged
            warnings.filterwarnings("ignore", ".*LeafSpec.*")  # Lightning uses a deprecated class of PyTorch
            warnings.filterwarnings(
                "ignore", ".*in eval mode at the start of training.*"
            )  # frozen normalizations are in evaluation mode on purpose
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
