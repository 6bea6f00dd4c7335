"""Progress of a run: a bar on a terminal, and lines in a log file.

Lightning's progress bars show values that are logged at every step, which takes a tenth of the time of a small network's
step. This bar reads the running sums of the epoch when it is drawn.
"""

from __future__ import annotations

import sys
import time
from typing import Any, Final

from lightning.pytorch import Callback, LightningModule, Trainer
from tqdm import tqdm

from archdsl.recipe.metrics import show_metric
from archdsl.train.recorder import Recorder
from archdsl.train.task import Task

_REFRESH: Final = 0.5
"""The interval in seconds at which the objective is read, which waits for a GPU."""


class Progress(Callback):
    """A progress bar on standard error if that is a terminal, else one line per epoch. Only the first process shows progress."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.bar: Any = None
        self._shown: dict[str, str] = {}
        self._refreshed = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: Task) -> None:  # type: ignore[override]
        """Open the bar."""
        silent = not trainer.is_global_zero or not sys.stderr.isatty()
        total = pl_module.updates * pl_module.recipe.epochs
        self.bar = tqdm(
            total=total, initial=trainer.global_step, file=sys.stderr, disable=silent, unit="step", dynamic_ncols=True
        )

    def on_train_batch_end(self, trainer: Trainer, pl_module: Task, *others: Any) -> None:  # type: ignore[override]
        """Advance the bar, and update the objective and the learning rate every half second."""
        if self.bar.disable:
            return
        self.bar.update(trainer.global_step - self.bar.n)
        now = time.monotonic()
        if now - self._refreshed > _REFRESH:
            self._refreshed = now
            self._shown["objective"] = f"{pl_module.sums.objective():.4g}"
            self._shown["lr"] = f"{pl_module.rate:.3g}"
            self.bar.set_postfix(self._shown)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the validation metrics."""
        row = self.recorder.history[-1]
        shown = {f"val_{name}": show_metric(name, row[f"val_{name}"]) for name in dict.fromkeys(("loss", self.recorder.metric))}
        self._shown = {"epoch": str(row["epoch"]), **shown}
        if not self.bar.disable:
            self.bar.set_postfix(self._shown)
        elif trainer.is_global_zero:
            facts = {"loss": f"{row['train_loss']:.4g}", **shown, "lr": f"{row['lr']:.3g}"}
            told = "  ".join(f"{name} {value}" for name, value in facts.items())
            print(f"epoch {row['epoch']}/{trainer.max_epochs}  {told}  {row['seconds']:.1f} s", file=sys.stderr, flush=True)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Close the bar."""
        self.bar.close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Close the bar, so that messages start on a new line."""
        if self.bar is not None:
            self.bar.close()
