"""What a run leaves behind while it goes on: metrics and checkpoints."""

from __future__ import annotations

import csv
import io
import math
import time
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, Trainer

from archdsl.recipe import Recipe
from archdsl.train.data import Data
from archdsl.train.files import write
from archdsl.train.signals import Interrupted, Signals
from archdsl.train.task import Task

COLUMNS = (
    "epoch", "lr", "train_objective", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "seconds"
)  # fmt: skip


class Recorder(Callback):
    """Evaluates after every epoch, writes metrics and checkpoints, and stops the run where it is to stop."""

    def __init__(self, folder: Path, data: Data, signals: Signals) -> None:
        self.folder, self.data, self.signals = folder, data, signals
        self.history: list[dict[str, Any]] = []
        self.started = 0.0

    @property
    def last(self) -> Path:
        """The checkpoint to go on from."""
        return self.folder / "checkpoints" / "last.ckpt"

    @property
    def best(self) -> dict[str, Any] | None:
        """The epoch with the best held-out accuracy, then the lowest loss."""
        return max(self.history, key=_merit, default=None)

    def state_dict(self) -> dict[str, Any]:
        """All epochs so far, so that a resumed run has one history."""
        return {"history": self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The inverse."""
        self.history = state_dict["history"]

    def on_train_start(self, trainer: Trainer, pl_module: Task) -> None:  # type: ignore[override]
        """Starts the clock of the first epoch; a run that had stopped early goes no further."""
        self.started = time.monotonic()
        trainer.should_stop = self._stops(pl_module.recipe)

    def _stops(self, recipe: Recipe) -> bool:
        return recipe.early_stop is not None and recipe.early_stop.stops([row["val_loss"] for row in self.history])

    def on_train_batch_end(self, trainer: Trainer, pl_module: Task, outputs: Any, batch: Any, batch_idx: int) -> None:  # type: ignore[override]
        """Stops between two batches; after the last one of an epoch, when the epoch is done."""
        if self.signals.received is not None and trainer.global_step % pl_module.steps:
            trainer.save_checkpoint(self.last)
            raise Interrupted(self.signals.received, f"in epoch {trainer.current_epoch + 1} after step {trainer.global_step}")

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Task) -> None:  # type: ignore[override]
        """One row of metrics.csv; last.ckpt, and best.ckpt where it is the best."""
        epoch = trainer.global_step // pl_module.steps
        if epoch > len(self.history):  # Lightning ends an epoch again when it resumes at its end
            loss, accuracy = pl_module.evaluate(self.data.evaluation_batches(self.data.held_out))
            row = {"epoch": epoch, "lr": _rate(trainer, pl_module), "val_loss": loss, "val_accuracy": accuracy}
            now = time.monotonic()
            self.history.append({**row, **pl_module.epoch_metrics(), "seconds": now - self.started})
            self.started = now
            write(self.folder / "metrics.csv", _csv(self.history))
            trainer.save_checkpoint(self.last)
            if self.best is self.history[-1]:
                trainer.save_checkpoint(self.last.with_name("best.ckpt"))
        trainer.should_stop = self._stops(pl_module.recipe)
        if self.signals.received is not None:
            raise Interrupted(self.signals.received, f"after epoch {epoch}")


def _merit(row: dict[str, Any]) -> tuple[float, float]:
    return row["val_accuracy"] or 0.0, -row["val_loss"] if math.isfinite(row["val_loss"]) else -math.inf


def _rate(trainer: Trainer, task: Task) -> float:
    """The learning rate of the epoch's last step."""
    place = (trainer.global_step - 0.5) / task.steps
    return float(trainer.optimizers[0].defaults["lr"]) * task.recipe.schedule.factor(place, task.recipe.epochs)


def _csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()} for row in rows)
    return text.getvalue().encode()
