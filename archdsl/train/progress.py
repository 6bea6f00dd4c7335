"""What a terminal shows of a run, and what a log file gets instead.

Lightning's own bars show what is logged at every step, and logging costs a tenth of a small network's step; this one
reads the last batch's values when it is drawn, ten times a second at most.
"""

from __future__ import annotations

import sys
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from tqdm import tqdm

from archdsl.train.recorder import Recorder
from archdsl.train.task import Task


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
