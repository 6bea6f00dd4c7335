"""Write metrics, checkpoints and weights during a run.

Lightning's `ModelCheckpoint` is not used, because its state contains absolute paths, so that a moved folder could not be
resumed. metrics.csv is rewritten as a whole, so that a resumed run has a single history.
"""

from __future__ import annotations

import csv
import io
import math
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import Logger

from archdsl.diagnostics import Diagnostic, SpecError
from archdsl.recipe import Recipe
from archdsl.recipe.logging import seconds
from archdsl.recipe.metrics import METRICS
from archdsl.runs.kept import kept_file, kept_files
from archdsl.train.checkpoint_files import remove, write
from archdsl.train.data import Data
from archdsl.train.distributed import place
from archdsl.train.loggers import log_image
from archdsl.train.signals import Interrupted, Signals
from archdsl.train.task import Task

COLUMNS = (
    "epoch", "lr", "train_objective", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "seconds"
)  # fmt: skip


StopWhen = Callable[[str, Mapping[str, Any]], bool]
"""Return whether to stop after an epoch, of which it takes the metric that selects the best epoch, and the row of metrics.csv."""


class Recorder(Callback):
    """Evaluate after every epoch, write metrics and checkpoints, and stop the run after a signal or by early stopping.

    On several devices every process evaluates its share and takes part in saving a checkpoint; the first one writes the files.
    """

    def __init__(
        self, folder: Path, data: Data, signals: Signals, serialize: Callable[[Task], bytes],
        diagram: Callable[[], bytes] | None = None, warn: Callable[[Diagnostic], None] = lambda found: None,
        stop_when: StopWhen | None = None,
    ) -> None:  # fmt: skip
        self.folder, self.data, self.signals, self._stop_when = folder, data, signals, stop_when
        self._serialize, self._diagram, self._warn = serialize, diagram, warn
        self.history: list[dict[str, Any]] = []
        self.started = 0.0
        self.metric = "loss"
        self._saved = 0.0

    @property
    def last(self) -> Path:
        """The path of the checkpoint to resume from."""
        return self.folder / "checkpoints" / "last.ckpt"

    @property
    def best(self) -> dict[str, Any] | None:
        """The epoch with the best validation metric; on a tie, with the lowest loss."""
        return max(self.history, key=self._merit, default=None)

    def _merit(self, row: dict[str, Any]) -> tuple[float, ...]:
        value = row[f"val_{self.metric}"] * (1 if METRICS[self.metric].higher else -1)
        return tuple(n if math.isfinite(n) else -math.inf for n in (value, -row["val_loss"]))

    def state_dict(self) -> dict[str, Any]:
        """Return the history for the checkpoint."""
        return {"history": self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the history."""
        self.history = state_dict["history"]

    def setup(self, trainer: Trainer, pl_module: Task, stage: str) -> None:  # type: ignore[override]
        """Log the recipe, before Lightning makes the loggers write hyperparameters."""
        hyperparameters = {key: str(value) for key, value in pl_module.recipe.as_data().items()}
        for logger in trainer.loggers:
            logger.log_hyperparams({"network": pl_module.identity["network"], **hyperparameters})

    def on_train_start(self, trainer: Trainer, pl_module: Task) -> None:  # type: ignore[override]
        """Start the clock of the first epoch. Stop again if the run had stopped early."""
        self.signals.take_back()
        self.started = self._saved = time.monotonic()
        self.metric = pl_module.best_metric
        pl_module.observe(self.history)
        trainer.should_stop = self._stops(pl_module.recipe)
        if trainer.loggers and trainer.is_global_zero and not self.history:
            self._log_diagram(trainer.loggers)

    def _log_diagram(self, loggers: Sequence[Logger]) -> None:
        try:
            picture = None if self._diagram is None else self._diagram()
        except SpecError as error:
            self._warn(error.diagnostic)
            return
        for logger in loggers:
            if picture is not None:
                log_image(logger, "diagram", picture)

    def _stops(self, recipe: Recipe) -> bool:
        stop = recipe.early_stop
        return stop is not None and stop.stops([row[f"val_{stop.metric}"] for row in self.history])

    def on_train_batch_end(self, trainer: Trainer, pl_module: Task, outputs: Any, batch: Any, batch_idx: int) -> None:  # type: ignore[override]
        """Write a checkpoint if one is due or the run stops; at the end of an epoch, `on_train_epoch_end` does."""
        if trainer.global_step % pl_module.updates == 0 or (batch_idx + 1) % pl_module.recipe.accumulate:
            return
        stopped = self._stopped(trainer)
        if stopped or self._due(trainer, pl_module.recipe):
            trainer.save_checkpoint(self.last)
            self._saved = time.monotonic()
        if stopped:
            raise Interrupted(stopped, f"in epoch {trainer.current_epoch + 1} after step {trainer.global_step}")

    def _stopped(self, trainer: Trainer) -> int | None:
        """Return the signal that stops the run, or None. A signal to one process stops all processes after the same step."""
        own = self.signals.received
        if trainer.world_size == 1:
            return own
        anyone = trainer.strategy.reduce_boolean_decision(own is not None, all=False)
        return own or (signal.SIGTERM if anyone else None)

    def _due(self, trainer: Trainer, recipe: Recipe) -> bool:
        """Return whether `checkpoint_every` has passed, by the clock of the first process."""
        if recipe.checkpoint_every is None:
            return False
        due = time.monotonic() - self._saved >= seconds(recipe.checkpoint_every)
        return due if trainer.world_size == 1 else bool(trainer.strategy.broadcast(due))

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Task) -> None:  # type: ignore[override]
        """Add a row to metrics.csv. Write last.ckpt, weights to keep, and for the best epoch best.ckpt and best.safetensors."""
        epoch = trainer.global_step // pl_module.updates
        if epoch > len(self.history):  # Lightning calls this again after resuming at the end of an epoch
            values = pl_module.evaluate(self.data.evaluation_batches(self.data.held_out, **place(trainer)))
            measured = {"val_accuracy": None, **{f"val_{name}": value for name, value in values.items()}}
            row = {"epoch": epoch, "lr": pl_module.rate, **measured}
            now = time.monotonic()
            self.history.append({**row, **pl_module.epoch_metrics(), "seconds": now - self.started})
            self.started = now
            pl_module.observe(self.history)
            self._write(trainer, pl_module)
        chosen = self._stop_when is not None and self._stop_when(self.metric, self.history[-1])
        trainer.should_stop = chosen or self._stops(pl_module.recipe)
        stopped = self._stopped(trainer)
        if stopped is not None:
            raise Interrupted(stopped, f"after epoch {epoch}")

    def _write(self, trainer: Trainer, pl_module: Task) -> None:
        row = self.history[-1]
        numbers = {key: value for key, value in row.items() if isinstance(value, int | float) and key != "epoch"}
        for logger in trainer.loggers:
            logger.log_metrics(numbers, step=row["epoch"])
            logger.save()
        if trainer.is_global_zero:
            write(self.folder / "metrics.csv", _csv(self.history))
        trainer.save_checkpoint(self.last)
        self._saved = time.monotonic()
        if pl_module.recipe.keep is not None and trainer.is_global_zero:
            self._keep(pl_module, pl_module.recipe.keep)
        if self.best is row:
            trainer.save_checkpoint(self.last.with_name("best.ckpt"))
            if trainer.is_global_zero:
                write(self.folder / "best.safetensors", self._serialize(pl_module))

    def _keep(self, task: Task, count: int) -> None:
        """Write the weights of this epoch if it is among the best, and remove those of epochs that no longer are."""
        ranked = sorted(self.history, key=self._merit, reverse=True)  # stable: of equal epochs, the first counts
        epochs = {row["epoch"] for row in ranked[:count]}
        if self.history[-1]["epoch"] in epochs:
            write(kept_file(self.folder, self.history[-1]["epoch"]), self._serialize(task))
        for epoch, path in kept_files(self.folder):
            if epoch not in epochs:
                remove(path)


def _csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    others = [key for key in rows[0] if key not in COLUMNS]
    writer = csv.DictWriter(text, (*COLUMNS[:-1], *others, COLUMNS[-1]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()} for row in rows)
    return text.getvalue().encode()
