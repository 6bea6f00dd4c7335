"""What is done with one batch."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torchmetrics import MeanMetric

from archdsl.declared import Fault
from archdsl.recipe import Recipe
from archdsl.train.batches import Batch
from archdsl.train.checks import main_output
from archdsl.train.data import Data
from archdsl.train.keys import seed_of
from archdsl.train.targets import accuracy_metric, loss_of, predicted


class Task(LightningModule):
    """A network, its heads' weights and a recipe, as Lightning wants them.

    Two losses are counted: `objective` is what is made small (heads and penalties included), `loss` is
    that of the main output alone, which can be compared with the held-out loss.
    """

    def __init__(self, module: nn.Module, heads: dict[str, float], recipe: Recipe, data: Data, outputs: int, steps: int) -> None:
        super().__init__()
        self.module, self.heads, self.recipe, self.steps = module, heads, recipe, steps
        self.identity: dict[str, Any] = {}
        """What checkpoints say about where they are from."""
        self.preparation = data.preparation(recipe)
        self.objective, self.loss = MeanMetric(), MeanMetric()
        self.accuracy = accuracy_metric(data.classes, outputs)
        for metric in self.metrics.values():
            metric.persistent(True)  # so that an epoch that is resumed half-way reports all of it
        self.weights = [weight for weight in module.parameters() if weight.ndim > 1 and weight.requires_grad]

    @property
    def metrics(self) -> dict[str, Any]:
        """The running metrics of the epoch, by name."""
        both = {"objective": self.objective, "loss": self.loss}
        return both if self.accuracy is None else {**both, "accuracy": self.accuracy}

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Dropout and the like draw the same numbers whether or not the run was interrupted."""
        torch.manual_seed(seed_of(self.recipe.seed, 3, self.global_step))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The objective of a batch; raises `Fault` (E0804) where it is not finite."""
        inputs, labels = self.preparation(batch, training=True)
        outputs = self.module(*inputs)
        loss = loss_of(self.recipe.loss, main_output(outputs), labels)
        objective = loss
        for head, weight in self.heads.items():
            objective = objective + weight * loss_of(self.recipe.loss, getattr(outputs, head), labels)
        for regularizer in self.recipe.regularize:
            objective = objective + regularizer.penalty(self.weights)
        self._count(objective, loss, main_output(outputs), labels)
        return objective

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Clips here, since Lightning's own clipping refuses fused optimizers under bf16."""
        if self.recipe.clip is not None:
            nn.utils.clip_grad_norm_(self.module.parameters(), self.recipe.clip)

    def _count(self, objective: Tensor, loss: Tensor, output: Tensor, labels: Tensor) -> None:
        if not torch.isfinite(objective):
            place = f"epoch {self.current_epoch + 1}, step {self.global_step + 1}"
            help = "lower the learning rate `lr`, or write `clip = 1.0`"
            if self.current_epoch or self.trainer.ckpt_path:  # an epoch is done, in this run or the one it goes on with
                help += "; the last checkpoint is from before"
            raise Fault("E0804", f"the loss became {objective.item()} in {place}", argument="optimizer", help=help)
        self.objective.update(objective.detach(), len(labels))
        self.loss.update(loss.detach(), len(labels))
        if self.accuracy is not None:
            soft = labels.is_floating_point()  # of two examples that were mixed: the greater share counts
            self.accuracy.update(predicted(output.detach()), labels.argmax(1) if soft else labels)

    def configure_optimizers(self) -> Any:
        """The recipe's optimizer, and its schedule at the middle of every step."""
        recipe = self.recipe
        trainable = [parameter for parameter in self.module.parameters() if parameter.requires_grad]
        optimizer = pkgutil.resolve_name(recipe.optimizer.target)(trainable, **recipe.optimizer.arguments())
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: recipe.schedule.factor((step + 0.5) / self.steps, recipe.epochs)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Says where the checkpoint is from, so that another run is not resumed by mistake."""
        checkpoint["archdsl"] = self.identity

    @torch.no_grad()
    def evaluate(self, batches: Iterable[Batch]) -> tuple[float, float | None]:
        """Return loss and accuracy in evaluation mode and float32. Each submodule's own mode is restored."""
        modes = {part: part.training for part in self.module.modules()}
        self.module.eval()
        loss = MeanMetric().to(self.device)
        accuracy = None if self.accuracy is None else self.accuracy.clone().to(self.device)
        if accuracy is not None:
            accuracy.reset()
        for batch in batches:
            inputs, labels = self.preparation(self.transfer_batch_to_device(batch, self.device, 0), training=False)
            output = main_output(self.module(*inputs))
            loss.update(loss_of(self.recipe.loss, output, labels), len(labels))
            if accuracy is not None:
                accuracy.update(predicted(output), labels)
        for part, mode in modes.items():
            part.training = mode
        return float(loss.compute()), None if accuracy is None else float(accuracy.compute())

    def epoch_metrics(self) -> dict[str, float | None]:
        """The metrics of the epoch that ends, which are then empty again."""
        values = {f"train_{name}": float(metric.compute()) for name, metric in self.metrics.items()}
        for metric in self.metrics.values():
            metric.reset()
        return {"train_accuracy": None, **values}
