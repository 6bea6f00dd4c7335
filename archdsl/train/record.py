"""What a run leaves behind while it goes on: metrics, checkpoints, a progress bar; and how it is stopped."""

from __future__ import annotations

import csv
import io
import math
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from tqdm import tqdm

from archdsl.recipe import Recipe
from archdsl.recipe.metrics import METRICS
from archdsl.train.data import Data
from archdsl.train.files import write
from archdsl.train.task import Task

COLUMNS = (
    "epoch", "lr", "train_objective", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "seconds"
)  # fmt: skip


class Interrupted(Exception):
    """The run was stopped by a signal; `exit_code` is what a shell expects of such a process."""

    def __init__(self, number: int, place: str) -> None:
        cause = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        super().__init__(f"stopped by {cause} {place}; resume with --resume")
        self.exit_code = 128 + number


class Signals:
    """Ctrl-C and SIGTERM, noted for the end of the batch; a second one stops at once."""

    def __init__(self) -> None:
        self.received: int | None = None

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Handles those of the two that the process does not ignore; Python allows that on the main thread alone."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        heard = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self._note) for number in heard}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: Any) -> None:
        if self.received is not None:
            raise Interrupted(number, "before the batch was done, at the last checkpoint")
        self.received = number


class Recorder(Callback):
    """Evaluates after every epoch, writes metrics and checkpoints, and stops the run where it is to stop."""

    def __init__(self, folder: Path, data: Data, signals: Signals) -> None:
        self.folder, self.data, self.signals = folder, data, signals
        self.history: list[dict[str, Any]] = []
        self.started = 0.0
        self.metric = "loss"

    @property
    def last(self) -> Path:
        """The checkpoint to go on from."""
        return self.folder / "checkpoints" / "last.ckpt"

    @property
    def best(self) -> dict[str, Any] | None:
        """The epoch with the best validation metric, then the lowest loss."""
        return max(self.history, key=self._merit, default=None)

    def _merit(self, row: dict[str, Any]) -> tuple[float, ...]:
        value = row[f"val_{self.metric}"] * (1 if METRICS[self.metric].higher else -1)
        return tuple(n if math.isfinite(n) else -math.inf for n in (value, -row["val_loss"]))

    def state_dict(self) -> dict[str, Any]:
        """All epochs so far, so that a resumed run has one history."""
        return {"history": self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The inverse."""
        self.history = state_dict["history"]

    def on_train_start(self, trainer: Trainer, pl_module: Task) -> None:  # type: ignore[override]
        """Starts the clock of the first epoch; a run that had stopped early goes no further."""
        self.started = time.monotonic()
        self.metric = pl_module.best_metric
        pl_module.observe(self.history)
        trainer.should_stop = self._stops(pl_module.recipe)

    def _stops(self, recipe: Recipe) -> bool:
        stop = recipe.early_stop
        return stop is not None and stop.stops([row[f"val_{stop.metric}"] for row in self.history])

    def on_train_batch_end(self, trainer: Trainer, pl_module: Task, outputs: Any, batch: Any, batch_idx: int) -> None:  # type: ignore[override]
        """Stops between two steps of the optimizer; after the last one of an epoch, when the epoch is done."""
        whole = (batch_idx + 1) % pl_module.recipe.accumulate == 0
        if self.signals.received is not None and whole and trainer.global_step % pl_module.updates:
            trainer.save_checkpoint(self.last)
            raise Interrupted(self.signals.received, f"in epoch {trainer.current_epoch + 1} after step {trainer.global_step}")

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Task) -> None:  # type: ignore[override]
        """One row of metrics.csv; last.ckpt, and best.ckpt where it is the best."""
        epoch = trainer.global_step // pl_module.updates
        if epoch > len(self.history):  # Lightning ends an epoch again when it resumes at its end
            values = pl_module.evaluate(self.data.evaluation_batches(self.data.held_out))
            measured = {"val_accuracy": None, **{f"val_{name}": value for name, value in values.items()}}
            row = {"epoch": epoch, "lr": pl_module.rate, **measured}
            now = time.monotonic()
            self.history.append({**row, **pl_module.epoch_metrics(), "seconds": now - self.started})
            self.started = now
            pl_module.observe(self.history)
            write(self.folder / "metrics.csv", _csv(self.history))
            trainer.save_checkpoint(self.last)
            if self.best is self.history[-1]:
                trainer.save_checkpoint(self.last.with_name("best.ckpt"))
        trainer.should_stop = self._stops(pl_module.recipe)
        if self.signals.received is not None:
            raise Interrupted(self.signals.received, f"after epoch {epoch}")


class Progress(Callback):
    """One bar over all steps on standard error, where that is a terminal."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.bar: Any = None

    def on_train_start(self, trainer: Trainer, pl_module: Task) -> None:  # type: ignore[override]
        """Opens the bar; `disable=None` is no bar without a terminal."""
        total = pl_module.steps * pl_module.recipe.epochs
        self.bar = tqdm(total=total, initial=trainer.global_step, file=sys.stderr, disable=None, unit="step", dynamic_ncols=True)

    def on_train_batch_end(self, *arguments: Any) -> None:
        """A step further."""
        self.bar.update(1)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Shows the held-out metrics."""
        row = self.recorder.history[-1]
        shown = {"epoch": row["epoch"], "loss": row["val_loss"], "accuracy": row["val_accuracy"]}
        self.bar.set_postfix({key: value for key, value in shown.items() if value is not None})

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leaves the full bar."""
        self.bar.close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Leaves the bar where it stopped, so that messages start on their own line."""
        if self.bar is not None:
            self.bar.close()


def _csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    others = [key for key in rows[0] if key not in COLUMNS]
    writer = csv.DictWriter(text, (*COLUMNS[:-1], *others, COLUMNS[-1]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()} for row in rows)
    return text.getvalue().encode()
